/* node.conf (docs/man/node.conf.5.scd): what stands in the file, and what follows from it. */
#ifndef TOGUNA_CLIENT_NODE_SHELL_SETTINGS_H
#define TOGUNA_CLIENT_NODE_SHELL_SETTINGS_H

#include "client/node/node.h"
#include "os/conf.h"

enum { SETTINGS_HOOKS_MAX = 16, SETTINGS_USERS_MAX = 256, SETTINGS_HUBS_MAX = 32, SETTINGS_CALLS_MAX = 32 };

/* A command to run for every bulletin or alarm; argv[0] is its path. */
struct settings_hook {
  const char *name;
  char **argv; /* NULL-terminated */
};

struct settings {
  char *path;      /* of the file */
  struct buf text; /* as it was read, so that all processes of a node have the same */

  /* keywords */
  char *exchange, *folder, *documents, *node_key, *transport_key, *witness_key, *passphrase_file, *socket,
      *policy_name;
  struct conf_lines users, hubs, calls, hooks, alarm_hooks, hook_folders;
  unsigned on_recall, own_approval, call_for, log;
  tg_time hook_time, lifetime, approval_time, keep_sent, tick;
  tg_time due_flash, due_immediate, due_priority, due_routine;
  uint64_t credit_count, credit_bytes, line_rate, disk_reserve;

  /* what follows */
  char *database; /* in the folder */
  char *evidence; /* folder in the folder */
  struct node_user *user;
  size_t n_users;
  const char **hub, **endpoint; /* NULL-terminated; parallel */
  struct call_window *call;
  struct settings_hook *hook;
  size_t n_hooks;
  const char **hook_name; /* NULL-terminated */
  bool *hook_alarms;      /* parallel */
};

/* Reads and checks the file. TG_NOT_FOUND: no such file; TG_BAD_INPUT with file, line and what to do;
 * TG_NO_MEMORY. */
enum tg_err settings_read(const char *path, struct settings **ret, struct tg_why *why);
/* The same from a text that was read before. */
enum tg_err settings_parse(const char *path, struct slice text, struct settings **ret, struct tg_why *why);
void settings_free(struct settings *s); /* NULL is fine */

/* What the node core is configured with; borrows from the settings. */
struct node_config settings_node_config(const struct settings *s);

/* The annotated default file. */
void settings_print(const char *(*translate)(const char *), struct buf *ret);

#endif
