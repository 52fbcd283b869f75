#include "client/node/shell/settings.h"

#include "client/node/calls.h"
#include "keys/codec.h"
#include "os/file.h"
#include "proto/endpoint.h"
#include "proto/pace.h"
#include "proto/subject.h"

#include <errno.h>
#include <pwd.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define AT(field) offsetof(struct settings, field)

enum { CONF_BYTES_MAX = 128 * 1024 };

static const char *const recalls[] = {"purge", "retain", "refuse", NULL}; /* enum node_recall */
static const char *const own_approvals[] = {"refuse", "accept", NULL};
static const char *const callers[] = {"routine", "priority", "immediate", "flash", "nothing", NULL}; /* enum precedence from its first on */
static const char *const logs[] = {"alarm", "error", "notice", "debug", NULL};

#define RECEIPTS_DUE(word, member, value)                                                                    \
  {                                                                                                          \
    .keyword = word, .kind = VALUE_DURATION, .offset = AT(member), .limits = {TG_SECOND, 365 * TG_DAY, NULL}, \
    .fallback = value,                                                                                       \
    .help = N_("How soon every recipient must have said that it has a bulletin of this precedence; after that it is an alarm.") \
  }

static const struct conf_key keys[] = {
    {.keyword = "exchange",
     .kind = VALUE_TEXT,
     .offset = AT(exchange),
     .limits = {64, 64, NULL},
     .required = true,
     .example = "0000000000000000000000000000000000000000000000000000000000000000",
     .help = N_("The exchange: the hash of charter version 1, as `toguna charter show` prints it.")},
    {.keyword = "folder",
     .kind = VALUE_PATH,
     .offset = AT(folder),
     .fallback = "data",
     .help = N_("What the node keeps: spool, inbox, journal.")},
    {.keyword = "documents",
     .kind = VALUE_PATH,
     .offset = AT(documents),
     .fallback = "documents",
     .help = N_("Signed notes the node begins with: all files *.note, read at start and on SIGHUP.")},
    {.keyword = "node-key",
     .kind = VALUE_PATH,
     .offset = AT(node_key),
     .fallback = "node.key",
     .help = N_("The node's identity, as `toguna init node` made it.")},
    {.keyword = "transport-key",
     .kind = VALUE_PATH,
     .offset = AT(transport_key),
     .fallback = "transport.key",
     .help = N_("The key of the connection to the hub.")},
    {.keyword = "witness-key",
     .kind = VALUE_PATH,
     .offset = AT(witness_key),
     .fallback = "witness.key",
     .help = N_("With it the node cosigns the hub's log. No such file: it only checks the log.")},
    {.keyword = "passphrase-file",
     .kind = VALUE_PATH,
     .offset = AT(passphrase_file),
     .example = "passphrase",
     .help = N_("Opens the key files; readable by its owner only. Without it the node asks, or takes "
                "systemd's credential.")},
    {.keyword = "socket",
     .kind = VALUE_PATH,
     .offset = AT(socket),
     .fallback = "/run/toguna/node.sock",
     .help = N_("Where local programs connect.")},
    {.keyword = "user",
     .shape = CONF_LINES,
     .kind = VALUE_TEXT,
     .offset = AT(users),
     .min_words = 2,
     .max_words = 8,
     .example = "alice reader publisher",
     .help = N_("A local user and what its programs may do: reader, publisher, approver, officer, auditor, "
                "admin. Without such "
                "a line the user who runs the node is admin and nobody else may connect.")},
    {.keyword = "hub",
     .shape = CONF_LINES,
     .kind = VALUE_TEXT,
     .offset = AT(hubs),
     .min_words = 1,
     .max_words = 2,
     .example = "bamako tcp://hub.example:7700",
     .help = N_("A hub of the charter, in order of preference, and where it is reached if not where the "
                "charter says.")},
    {.keyword = "hook",
     .shape = CONF_LINES,
     .kind = VALUE_TEXT,
     .offset = AT(hooks),
     .min_words = 2,
     .max_words = 32,
     .example = "file /usr/local/bin/file-bulletin --strict",
     .help = N_("Run for every bulletin that arrives, without a shell, the bulletin as JSON on its standard "
                "input.")},
    {.keyword = "alarm-hook",
     .shape = CONF_LINES,
     .kind = VALUE_TEXT,
     .offset = AT(alarm_hooks),
     .min_words = 2,
     .max_words = 32,
     .example = "pager /usr/local/bin/call-the-duty-officer",
     .help = N_("Run for every alarm, receipts that are overdue among them, without a shell, the alarm as JSON on its standard input.")},
    {.keyword = "hook-folder",
     .shape = CONF_LINES,
     .kind = VALUE_TEXT,
     .offset = AT(hook_folders),
     .min_words = 1,
     .max_words = 1,
     .example = "/srv/bulletins",
     .help = N_("A folder that hooks may write to; no other.")},
    {.keyword = "hook-time",
     .kind = VALUE_DURATION,
     .offset = AT(hook_time),
     .limits = {TG_SECOND, TG_HOUR, NULL},
     .fallback = "60s",
     .help = N_("A hook that takes longer is stopped and counts as failed.")},
    {.keyword = "on-recall",
     .kind = VALUE_CHOICE,
     .offset = AT(on_recall),
     .limits = {0, 0, recalls},
     .fallback = "purge",
     .help =
         N_("What becomes of a bulletin whose originator takes it back; the originator is told, signed.")},
    {.keyword = "policy-name",
     .kind = VALUE_TEXT,
     .offset = AT(policy_name),
     .limits = {1, 64, NULL},
     .example = "ml.policy",
     .help = N_("How explanations call the file of the member's own policy.")},
    {.keyword = "lifetime",
     .kind = VALUE_DURATION,
     .offset = AT(lifetime),
     .limits = {TG_MINUTE, 3650 * TG_DAY, NULL},
     .fallback = "30d",
     .help = N_("Of bulletins published without an expiry; never beyond the charter's limit.")},
    {.keyword = "approval-time",
     .kind = VALUE_DURATION,
     .offset = AT(approval_time),
     .limits = {TG_MINUTE, 365 * TG_DAY, NULL},
     .fallback = "7d",
     .help = N_("How long a bulletin waits for the approvals that the policy demands; never beyond its expiry.")},
    {.keyword = "own-approval",
     .kind = VALUE_CHOICE,
     .offset = AT(own_approval),
     .limits = {0, 0, own_approvals},
     .fallback = "refuse",
     .help = N_("An officer's approval that the user brings who published the bulletin: refuse or accept.")},
    {.keyword = "keep-sent",
     .kind = VALUE_DURATION,
     .offset = AT(keep_sent),
     .limits = {TG_MINUTE, 3650 * TG_DAY, NULL},
     .example = "7d",
     .help =
         N_("How long a bulletin of ours that is settled stays readable here. Default: until it expires.")},
    RECEIPTS_DUE("due-flash", due_flash, "1m"),
    RECEIPTS_DUE("due-immediate", due_immediate, "10m"),
    RECEIPTS_DUE("due-priority", due_priority, "1h"),
    RECEIPTS_DUE("due-routine", due_routine, "12h"),
    {.keyword = "credit-count",
     .kind = VALUE_NUMBER,
     .offset = AT(credit_count),
     .limits = {1, 65536, NULL},
     .fallback = "256",
     .help = N_("Bulletins the hub may have under way to this node.")},
    {.keyword = "credit-bytes",
     .kind = VALUE_SIZE,
     .offset = AT(credit_bytes),
     .limits = {1 << 20, 1 << 30, NULL},
     .fallback = "16MiB",
     .help = N_("Their bytes.")},
    {.keyword = "line-rate",
     .kind = VALUE_SIZE,
     .offset = AT(line_rate),
     .limits = {PACE_LEAST, UINT64_C(1) << 40, NULL},
     .example = "1200",
     .help = N_("Bytes a second that the line to the hub carries, where it is slow: what is urgent then overtakes inside bodies too. "
                "Default: no limit is known.")},
    {.keyword = "call-window",
     .shape = CONF_LINES,
     .kind = VALUE_TEXT,
     .offset = AT(calls),
     .min_words = 1,
     .max_words = 1,
     .example = "02:00-04:00",
     .help = N_("The hub is called between these times of the day (UTC) only, and when something urgent waits. Default: the node stays connected.")},
    {.keyword = "call-for",
     .kind = VALUE_CHOICE,
     .offset = AT(call_for),
     .limits = {0, 0, callers},
     .fallback = "immediate",
     .help = N_("With call windows: what waits and is so urgent, or more, is called for at any time. Nothing: only the windows count.")},
    {.keyword = "disk-reserve",
     .kind = VALUE_SIZE,
     .offset = AT(disk_reserve),
     .limits = {1 << 20, UINT64_C(1) << 40, NULL},
     .fallback = "64MiB",
     .help = N_("With less than this free on the disk nothing new is accepted.")},
    {.keyword = "tick",
     .kind = VALUE_DURATION,
     .offset = AT(tick),
     .limits = {TG_SECOND, TG_HOUR, NULL},
     .fallback = "15s",
     .help = N_("After so long without traffic the node shows the hub that it is alive; a hub silent for "
                "three is left.")},
    {.keyword = "log",
     .kind = VALUE_CHOICE,
     .offset = AT(log),
     .limits = {0, 0, logs},
     .fallback = "notice",
     .help = N_("The least that is logged: alarm, error, notice or debug.")},
};
enum { N_KEYS = sizeof keys / sizeof *keys };

void settings_print(const char *(*translate)(const char *), struct buf *ret)
{
  conf_print(keys, N_KEYS, translate, ret);
}

void settings_free(struct settings *s)
{
  if (!s)
    return;
  for (size_t i = 0; s->hook && i < s->n_hooks; i++)
    free(s->hook[i].argv);
  free(s->hook);
  free(s->hook_name);
  free(s->hook_alarms);
  free(s->hub);
  free(s->call);
  free(s->endpoint);
  free(s->user);
  free(s->database);
  free(s->evidence);
  conf_free(keys, N_KEYS, s);
  buf_free(&s->text);
  free(s->path);
  free(s);
}

static enum tg_err at_line(const struct settings *s, const struct conf_line *line, const char *what,
                           const char *todo, const char *arg, struct tg_why *why)
{
  char where[160];
  return why_set(why, TG_BAD_INPUT, conf_where(s->path, line, where), what, todo, arg, NULL, NULL);
}

/* ---- users ---- */

static enum tg_err find_user(const struct settings *s, const struct conf_line *line, uint32_t *ret,
                             struct tg_why *why)
{
  uint64_t number;
  if (number_parse(slice_str(line->word[0]), UINT32_MAX - 1, &number) == TG_OK) {
    *ret = (uint32_t)number;
    return TG_OK;
  }
  const struct passwd *user = getpwnam(line->word[0]);
  if (!user)
    return at_line(s, line, N_("there is no user %1$s on this machine"),
                   N_("name an existing user, or give its number"), line->word[0], why);
  *ret = user->pw_uid;
  return TG_OK;
}

static enum tg_err take_user(struct settings *s, const struct conf_line *line, struct tg_why *why)
{
  struct node_user user = {0};
  enum tg_err err = find_user(s, line, &user.uid, why);
  for (size_t i = 1; err == TG_OK && i < line->n; i++) {
    enum node_role role;
    if (node_role_parse(slice_str(line->word[i]), &role) != TG_OK)
      return at_line(s, line, N_("unknown role %1$s"),
                     N_("roles are: reader, publisher, approver, officer, auditor, admin"), line->word[i],
                     why);
    user.roles |= role;
  }
  if (err == TG_OK)
    s->user[s->n_users++] = user;
  return err;
}

static enum tg_err take_users(struct settings *s, struct tg_why *why)
{
  if (s->users.n > SETTINGS_USERS_MAX)
    return at_line(s, &s->users.line[SETTINGS_USERS_MAX], N_("there are too many lines of this kind"), NULL,
                   NULL, why);
  s->user = calloc(s->users.n + 1, sizeof *s->user);
  enum tg_err err = s->user ? TG_OK : TG_NO_MEMORY;
  for (size_t i = 0; err == TG_OK && i < s->users.n; i++)
    err = take_user(s, &s->users.line[i], why);
  return err;
}

/* ---- hubs ---- */

static enum tg_err take_hubs(struct settings *s, struct tg_why *why)
{
  size_t n = s->hubs.n;
  if (n > SETTINGS_HUBS_MAX)
    return at_line(s, &s->hubs.line[SETTINGS_HUBS_MAX], N_("there are too many lines of this kind"), NULL,
                   NULL, why);
  s->hub = calloc(n + 1, sizeof *s->hub);
  s->endpoint = calloc(n + 1, sizeof *s->endpoint);
  if (!s->hub || !s->endpoint)
    return TG_NO_MEMORY;
  for (size_t i = 0; i < n; i++) {
    const struct conf_line *line = &s->hubs.line[i];
    s->hub[i] = line->word[0];
    s->endpoint[i] = line->n > 1 ? line->word[1] : NULL;
    struct endpoint e;
    if (s->endpoint[i] && endpoint_read(slice_str(s->endpoint[i]), &e) != TG_OK)
      return at_line(s, line, N_("%1$s is no endpoint"), N_("write it as tcp://host:port or resume://host:port"), s->endpoint[i],
                     why);
  }
  return TG_OK;
}

/* ---- call windows ---- */

static enum tg_err take_calls(struct settings *s, struct tg_why *why)
{
  if (s->calls.n > SETTINGS_CALLS_MAX)
    return at_line(s, &s->calls.line[SETTINGS_CALLS_MAX], N_("there are too many lines of this kind"), NULL, NULL, why);
  s->call = calloc(s->calls.n + 1, sizeof *s->call);
  if (!s->call)
    return TG_NO_MEMORY;
  for (size_t i = 0; i < s->calls.n; i++)
    if (call_window_parse(slice_str(s->calls.line[i].word[0]), &s->call[i]) != TG_OK)
      return at_line(s, &s->calls.line[i], N_("%1$s is no time of the day from when until when"), N_("write it as 02:00-04:00, in UTC"),
                     s->calls.line[i].word[0], why);
  return TG_OK;
}

/* ---- hooks ---- */

static enum tg_err check_hook(const struct settings *s, const struct conf_line *line, struct tg_why *why)
{
  for (size_t i = 0; i < s->n_hooks; i++)
    if (strcmp(s->hook[i].name, line->word[0]) == 0)
      return at_line(s, line, N_("there are two hooks named %1$s"), N_("give each its own name"),
                     line->word[0], why);
  if (line->word[1][0] != '/')
    return at_line(s, line, N_("the command %1$s is no absolute path"),
                   N_("write the whole path: no shell looks for it"), line->word[1], why);
  if (access(line->word[1], X_OK) != 0)
    return at_line(s, line, N_("the command %1$s cannot be run by this user"),
                   N_("check that it exists and is executable"), line->word[1], why);
  return TG_OK;
}

static enum tg_err take_hook(struct settings *s, const struct conf_line *line, bool alarms, struct tg_why *why)
{
  enum tg_err err = check_hook(s, line, why);
  if (err != TG_OK)
    return err;
  char **argv = calloc(line->n, sizeof *argv); /* the name goes, a NULL comes */
  if (!argv)
    return TG_NO_MEMORY;
  memcpy(argv, line->word + 1, (line->n - 1) * sizeof *argv);
  s->hook_name[s->n_hooks] = line->word[0];
  s->hook_alarms[s->n_hooks] = alarms;
  s->hook[s->n_hooks++] = (struct settings_hook){line->word[0], argv};
  return TG_OK;
}

static enum tg_err take_hooks(struct settings *s, struct tg_why *why)
{
  const size_t n = s->hooks.n + s->alarm_hooks.n;
  if (n > SETTINGS_HOOKS_MAX)
    return at_line(s, s->alarm_hooks.n ? &s->alarm_hooks.line[s->alarm_hooks.n - 1] : &s->hooks.line[n - 1],
                   N_("there are too many lines of this kind"), NULL, NULL, why);
  s->hook = calloc(n + 1, sizeof *s->hook);
  s->hook_name = calloc(n + 1, sizeof *s->hook_name);
  s->hook_alarms = calloc(n + 1, sizeof *s->hook_alarms);
  enum tg_err err = s->hook && s->hook_name && s->hook_alarms ? TG_OK : TG_NO_MEMORY;
  for (size_t i = 0; err == TG_OK && i < s->hooks.n; i++)
    err = take_hook(s, &s->hooks.line[i], false, why);
  for (size_t i = 0; err == TG_OK && i < s->alarm_hooks.n; i++)
    err = take_hook(s, &s->alarm_hooks.line[i], true, why);
  for (size_t i = 0; err == TG_OK && i < s->hook_folders.n; i++)
    if (s->hook_folders.line[i].word[0][0] != '/')
      err = at_line(s, &s->hook_folders.line[i], N_("%1$s is no absolute path"), NULL,
                    s->hook_folders.line[i].word[0], why);
  return err;
}

/* ---- the whole ---- */

static char *join(const char *folder, const char *name)
{
  char *path = NULL;
  return asprintf(&path, "%s/%s", folder, name) < 0 ? NULL : path;
}

static enum tg_err take_exchange(const struct settings *s, struct hash *ret, struct tg_why *why)
{
  if (hash_parse(slice_str(s->exchange), ret) == TG_OK)
    return TG_OK;
  return why_set(why, TG_BAD_INPUT, s->path, N_("the exchange is not 64 hex digits in lower case"),
                 N_("copy it from `toguna charter show`"), NULL, NULL, NULL);
}

static enum tg_err derive(struct settings *s, struct tg_why *why)
{
  struct hash exchange;
  enum tg_err err = take_exchange(s, &exchange, why);
  if (err == TG_OK)
    err = take_users(s, why);
  if (err == TG_OK)
    err = take_hubs(s, why);
  if (err == TG_OK)
    err = take_calls(s, why);
  if (err == TG_OK)
    err = take_hooks(s, why);
  if (err != TG_OK)
    return err;
  s->database = join(s->folder, "node.db");
  s->evidence = join(s->folder, "evidence");
  return s->database && s->evidence ? TG_OK : TG_NO_MEMORY;
}

enum tg_err settings_parse(const char *path, struct slice text, struct settings **ret, struct tg_why *why)
{
  struct settings *s = calloc(1, sizeof *s);
  if (!s)
    return TG_NO_MEMORY;
  s->text = buf_new(CONF_BYTES_MAX);
  buf_put_slice(&s->text, text);
  s->path = strdup(path);
  enum tg_err err = s->path ? buf_status(&s->text) : TG_NO_MEMORY;
  if (err == TG_OK)
    err = conf_parse(text, path, keys, N_KEYS, s, why);
  if (err == TG_OK)
    err = derive(s, why);
  if (err != TG_OK)
    settings_free(s);
  else
    *ret = s;
  return err;
}

enum tg_err settings_read(const char *path, struct settings **ret, struct tg_why *why)
{
  struct buf text = buf_new(CONF_BYTES_MAX);
  char absolute[4096];
  if (!realpath(path, absolute))
    return why_set(why, TG_NOT_FOUND, path, N_("the configuration cannot be read: %1$s"),
                   N_("`toguna init node` writes one; name it with --config"), strerror(errno), NULL, NULL);
  enum tg_err err = file_read_trusted(absolute, CONF_BYTES_MAX, &text, why);
  if (err == TG_OK)
    err = settings_parse(absolute, buf_slice(&text), ret, why);
  buf_free(&text);
  return err;
}

struct node_config settings_node_config(const struct settings *s)
{
  struct node_config config = {
      .database = s->database,
      .policy_file = s->policy_name,
      .users = s->user,
      .n_users = s->n_users,
      .owner = getuid(),
      .on_recall = (enum node_recall)s->on_recall,
      .hubs = s->hubs.n ? s->hub : NULL,
      .endpoints = s->hubs.n ? s->endpoint : NULL,
      .hooks = s->hook_name,
      .hook_alarms = s->hook_alarms,
      .lifetime = s->lifetime,
      .approval_time = s->approval_time,
      .own_approval = s->own_approval == 1,
      .keep_sent = s->keep_sent,
      .receipts_due = {0, s->due_routine, s->due_priority, s->due_immediate, s->due_flash},
      .credit_count = s->credit_count,
      .credit_bytes = s->credit_bytes,
      .line_rate = s->line_rate,
      .calls = s->call,
      .n_calls = s->calls.n,
      .call_for = PRECEDENCE_ROUTINE + (unsigned)s->call_for,
      .disk_reserve = s->disk_reserve,
      .tick = s->tick,
  };
  (void)take_exchange(s, &config.exchange, NULL); /* checked when it was read */
  return config;
}
