/* togunad, the hub of an exchange: docs/man/togunad.8.scd. This is the parent: it opens what its processes
   need, gives each its part and nothing else, and reads no foreign byte. */
#include "broker/keys.h"
#include "broker/options.h"
#include "broker/role.h"
#include "os/file.h"
#include "os/log.h"
#include "os/port.h"
#include "os/sandbox.h"
#include "os/secret.h"
#include "os/speak.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Stopped in this order: the core says goodbye through the front and gets its last signature. */
static const struct role ROLES[] = {{.name = "core", .main = core_main, .peers = {"front", "signer"}},
                                    {.name = "front", .main = front_main, .disposable = true},
                                    {.name = "signer", .main = signer_main},
                                    {.name = "window", .main = window_main, .disposable = true}};
enum { N_ROLES = sizeof ROLES / sizeof *ROLES }; /* the last only where the log is served */

struct togunad {
  int argc;
  char **argv;
  struct options options;
  struct settings settings;
  struct secret *passphrase;
  struct secret_key *transport_key, *log_key; /* the first is kept for a front that must be started again */
  char hub_folder[BRIEF_PATH_MAX], log_folder[BRIEF_PATH_MAX], signer_folder[BRIEF_PATH_MAX], figures_folder[BRIEF_PATH_MAX];
  struct file_lock *lock;
  bool done; /* what was asked for is answered: no hub is started */
  int code;
};

static enum tg_err say(struct togunad *t, struct buf *text, struct tg_why *why)
{
  t->done = true;
  enum tg_err err = buf_status(text);
  if (err == TG_OK)
    err = file_put_fd(STDOUT_FILENO, buf_slice(text), why);
  buf_free(text);
  return err;
}

/* ---- the steps */

static enum tg_err harden(struct togunad *t, struct tg_why *why)
{
  (void)t;
  sandbox_harden();
  log_open("togunad", NULL);
  speak_init();
  return sodium_init() < 0
             ? why_set(why, TG_INTERNAL, NULL, N_("libsodium does not start"), NULL, NULL, NULL, NULL)
             : TG_OK;
}

static enum tg_err read_options(struct togunad *t, struct tg_why *why)
{
  enum tg_err err = options_read(t->argc, t->argv, &t->options, why);
  if (err == TG_OK && t->options.debug)
    log_set_level(LOG_DEBUG);
  return err;
}

static enum tg_err answer_questions(struct togunad *t, struct tg_why *why)
{
  struct buf text = buf_new(64 * 1024);
  if (t->options.help)
    options_explain(tr, &text);
  else if (t->options.version)
    buf_put_str(&text, "togunad " TOGUNA_VERSION "\n");
  else if (t->options.print_config)
    settings_print(tr, &text);
  else
    return TG_OK;
  return say(t, &text, why);
}

static enum tg_err read_settings(struct togunad *t, struct tg_why *why)
{
  return settings_read(t->options.config, &t->settings, why);
}

static enum tg_err find_passphrase(struct togunad *t, struct tg_why *why)
{
  return secret_find(t->settings.passphrase_file, tr(N_("Passphrase of the hub's keys: ")), &t->passphrase,
                     why);
}

static enum tg_err open_transport_key(struct togunad *t, struct tg_why *why)
{
  return keys_open(t->settings.transport_key, KEY_TRANSPORT, secret_slice(t->passphrase), &t->transport_key,
                   why);
}

static enum tg_err open_log_key(struct togunad *t, struct tg_why *why)
{
  return keys_open(t->settings.log_key, KEY_HUB_LOG, secret_slice(t->passphrase), &t->log_key, why);
}

static enum tg_err forget_passphrase(struct togunad *t, struct tg_why *why)
{
  (void)why;
  secret_free(&t->passphrase);
  return TG_OK;
}

static enum tg_err answer_check(struct togunad *t, struct tg_why *why)
{
  struct buf text = buf_new(4096);
  if (!t->options.check)
    return TG_OK;
  buf_printf(&text, tr(N_("%s is in order\n")), t->options.config);
  return say(t, &text, why);
}

static enum tg_err become_user(struct togunad *t, struct tg_why *why)
{
  return t->settings.user ? sandbox_become(t->settings.user, why) : TG_OK;
}

static enum tg_err check_documents(struct togunad *t, struct tg_why *why)
{
  if (access(t->settings.documents, R_OK | X_OK) == 0)
    return TG_OK;
  return why_set(why, TG_NOT_FOUND, t->settings.documents,
                 N_("the folder of documents is not there, or cannot be read"),
                 N_("Make it and put the charter and credentials there, or name another with documents"),
                 NULL, NULL, NULL);
}

/* Said here in one sentence; the front, which listens, could only log it. */
static enum tg_err check_ports(struct togunad *t, struct tg_why *why)
{
  enum tg_err err = TG_OK;
  for (size_t i = 0; err == TG_OK && i < t->settings.listen.n; i++)
    err = port_check(t->settings.listen.line[i].word[0], why);
  int fd = -1;
  if (err == TG_OK && t->settings.serve_log)
    err = http_listen(t->settings.serve_log, &fd, why);
  if (fd >= 0)
    close(fd);
  return err;
}

static enum tg_err make_folder(const char *folder, const char *name, char out[BRIEF_PATH_MAX], mode_t mode,
                               struct tg_why *why)
{
  if ((size_t)snprintf(out, BRIEF_PATH_MAX, "%s/%s", folder, name) >= BRIEF_PATH_MAX - 16)
    return why_set(why, TG_BAD_INPUT, folder, N_("the path of the folder is too long"), NULL, NULL, NULL,
                   NULL);
  return file_mkdir(out, mode, why);
}

static enum tg_err make_folders(struct togunad *t, struct tg_why *why)
{
  const char *folder = t->settings.folder;
  char bodies[BRIEF_PATH_MAX];
  enum tg_err err = file_mkdir(folder, 0755, why);
  if (err == TG_OK)
    err = make_folder(folder, "hub", t->hub_folder, 0700, why);
  if (err == TG_OK)
    err = make_folder(folder, "hub/bodies", bodies, 0700, why);
  if (err == TG_OK)
    err = make_folder(folder, "log", t->log_folder, 0755, why); /* for whoever serves it */
  if (err == TG_OK && t->settings.serve_log)
    err = make_folder(folder, "figures", t->figures_folder, 0700, why);
  return err == TG_OK ? make_folder(folder, "signer", t->signer_folder, 0700, why) : err;
}

static enum tg_err lock_folder(struct togunad *t, struct tg_why *why)
{
  return file_lock_take(t->settings.folder, &t->lock, why);
}

/* ---- briefs */

static void brief_front(const struct togunad *t, struct buf *ret)
{
  struct front_brief b = {.debug = t->options.debug, .memory = t->settings.memory, .n = t->settings.listen.n};
  memcpy(b.transport_key, secret_key_x25519(t->transport_key), sizeof b.transport_key);
  for (size_t i = 0; i < b.n; i++)
    snprintf(b.endpoint[i], sizeof b.endpoint[i], "%s", t->settings.listen.line[i].word[0]);
  buf_put(ret, &b, sizeof b);
  sodium_memzero(&b, sizeof b);
}

static void brief_core(const struct togunad *t, struct buf *ret)
{
  struct core_brief b = {.debug = t->options.debug};
  snprintf(b.folder, sizeof b.folder, "%s", t->hub_folder);
  snprintf(b.log, sizeof b.log, "%s", t->log_folder);
  snprintf(b.documents, sizeof b.documents, "%s", t->settings.documents);
  snprintf(b.figures, sizeof b.figures, "%s", t->figures_folder);
  settings_hub(&t->settings, &b.config);
  buf_put(ret, &b, sizeof b);
}

static void brief_signer(const struct togunad *t, struct buf *ret)
{
  struct signer_brief b = {.debug = t->options.debug};
  snprintf(b.folder, sizeof b.folder, "%s", t->signer_folder);
  snprintf(b.key_name, sizeof b.key_name, "%s", secret_key_name(t->log_key));
  memcpy(b.key, secret_key_bytes(t->log_key).p, sizeof b.key);
  buf_put(ret, &b, sizeof b);
  sodium_memzero(&b, sizeof b);
}

static void brief_window(const struct togunad *t, struct buf *ret)
{
  struct window_brief b = {.debug = t->options.debug};
  snprintf(b.log, sizeof b.log, "%s", t->log_folder);
  snprintf(b.figures, sizeof b.figures, "%s", t->figures_folder);
  snprintf(b.address, sizeof b.address, "%s", t->settings.serve_log);
  buf_put(ret, &b, sizeof b);
}

static enum tg_err brief(void *arg, const char *role, struct buf *ret, struct tg_why *why)
{
  static const struct {
    const char *role;
    void (*write)(const struct togunad *t, struct buf *ret);
  } briefs[N_ROLES] = {{"core", brief_core}, {"front", brief_front}, {"signer", brief_signer}, {"window", brief_window}};
  (void)why;
  for (size_t i = 0; i < N_ROLES; i++)
    if (!strcmp(role, briefs[i].role))
      briefs[i].write(arg, ret);
  return buf_status(ret);
}

/* All are at work: the log key is where it belongs, and only there. */
static void at_work(void *arg)
{
  struct togunad *t = arg;
  secret_key_free(t->log_key);
  t->log_key = NULL;
  log_event(LOG_NOTICE, "ready", log_text("hub", t->settings.name), log_text("folder", t->settings.folder));
}

static enum tg_err supervise(struct togunad *t, struct tg_why *why)
{
  (void)why;
  const struct supervisor_options o = {
      .program = "togunad", .roles = ROLES, .n_roles = t->settings.serve_log ? N_ROLES : N_ROLES - 1, .brief = brief, .ready = at_work, .arg = t};
  t->code = supervisor_run(&o);
  log_event(LOG_NOTICE, "stopped", log_signed("code", t->code));
  return TG_OK;
}

/* ---- the whole */

static void put_away(struct togunad *t)
{
  file_lock_free(&t->lock);
  secret_key_free(t->log_key);
  secret_key_free(t->transport_key);
  secret_free(&t->passphrase);
  settings_free(&t->settings);
  options_drop(&t->options);
}

int main(int argc, char **argv)
{
  static enum tg_err (*const steps[])(struct togunad * t, struct tg_why * why) = {
      harden,          read_options,       answer_questions, read_settings,     check_documents,
      find_passphrase, open_transport_key, open_log_key,     forget_passphrase, answer_check,
      become_user,     make_folders,       lock_folder,      check_ports,      supervise};
  if (role_is_child(argc, argv))
    return role_main(argv, ROLES, N_ROLES);
  struct togunad t = {.argc = argc, .argv = argv};
  struct tg_why why = {.err = TG_OK};
  enum tg_err err = TG_OK;
  for (size_t i = 0; err == TG_OK && !t.done && i < sizeof steps / sizeof *steps; i++)
    err = steps[i](&t, &why);
  if (err != TG_OK) {
    char text[1024];
    why_render(&why, tr, text, sizeof text);
    fprintf(stderr, "togunad: %s\n", text);
    t.code = tg_exit_code(err);
  }
  put_away(&t);
  return t.code;
}
