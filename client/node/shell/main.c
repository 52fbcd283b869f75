/* toguna-node(8): the daemon of an agency. */
#include "client/node/shell/brief.h"
#include "client/node/shell/link.h"
#include "client/node/shell/options.h"
#include "client/node/shell/process.h"
#include "client/node/shell/runner.h"
#include "os/file.h"
#include "os/log.h"
#include "os/sandbox.h"
#include "os/speak.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>

/* Stopped in this order. The hook runner is left out when no hook is configured: it is the last row. */
static const struct role roles[] = {
    {.name = "link", .main = link_main, .disposable = true, .peers = {"core"}},
    {.name = "core", .main = process_main},
    {.name = "hooks", .main = runner_main, .disposable = true, .peers = {"core"}},
};
enum { ROLES = sizeof roles / sizeof *roles };

struct node {
  struct options options;
  struct settings *settings;
  struct file_lock *lock;
  struct node_keys keys;
};

static int complain(enum tg_err err, const struct tg_why *why)
{
  char text[1024];
  if (why->what)
    why_render(why, tr, text, sizeof text);
  else
    snprintf(text, sizeof text, "%s", tg_err_name(err));
  fprintf(stderr, "toguna-node: %s\n", text);
  return tg_exit_code(err);
}

static enum tg_err claim_folder(struct node *n, struct tg_why *why)
{
  enum tg_err err = file_mkdir(n->settings->folder, 0700, why);
  return err == TG_OK ? file_lock_take(n->settings->folder, &n->lock, why) : err;
}

static enum tg_err brief(void *arg, const char *role, struct buf *ret, struct tg_why *why)
{
  const struct node *n = arg;
  struct node_keys keys = {0};
  (void)why;
  if (strcmp(role, "core") == 0)
    keys = (struct node_keys){.node = n->keys.node, .witness = n->keys.witness};
  else if (strcmp(role, "link") == 0)
    keys.transport = n->keys.transport;
  return brief_put(n->settings, &keys, ret);
}

/* The link may be started again, and needs its key then; the others' are not needed here any more. */
static void ready(void *arg)
{
  struct node *n = arg;
  secret_key_free(n->keys.node);
  secret_key_free(n->keys.witness);
  n->keys.node = n->keys.witness = NULL;
  log_event(LOG_NOTICE, "ready", log_text("socket", n->settings->socket),
            log_text("folder", n->settings->folder), log_text("version", TOGUNA_VERSION));
}

static int run(struct node *n)
{
  const struct supervisor_options options = {.program = "toguna-node",
                                             .roles = roles,
                                             .n_roles = n->settings->n_hooks ? ROLES : ROLES - 1,
                                             .brief = brief,
                                             .ready = ready,
                                             .arg = n};
  log_open("toguna-node", NULL);
  log_set_level((enum log_level)n->settings->log);
  return supervisor_run(&options);
}

static void finish(struct node *n)
{
  node_keys_free(&n->keys);
  file_lock_free(&n->lock);
  settings_free(n->settings);
  options_drop(&n->options);
}

int main(int argc, char **argv)
{
  sandbox_harden();
  if (sodium_init() < 0)
    return tg_exit_code(TG_INTERNAL);
  if (role_is_child(argc, argv))
    return role_main(argv, roles, ROLES);
  speak_init();

  struct node n = {0};
  struct tg_why why = {0};
  enum tg_err err = options_take(argc, argv, &n.options, &why);
  if (err == TG_OK && n.options.answered)
    return finish(&n), 0;
  if (err == TG_OK)
    err = settings_read(n.options.config, &n.settings, &why);
  if (err == TG_OK && !n.options.check) /* a check starts nothing, and may be run beside the node */
    err = claim_folder(&n, &why);
  if (err == TG_OK)
    err = node_keys_open(n.settings, &n.keys, &why);
  if (err == TG_OK && n.options.check) {
    printf(tr(N_("%s is in order\n")), n.options.config);
    return finish(&n), 0;
  }
  int code = err == TG_OK ? run(&n) : complain(err, &why);
  finish(&n);
  return code;
}
