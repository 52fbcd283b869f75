/* toguna backup: a copy of the node's store, made while the node works. */
#include "client/cli/reach.h"
#include "client/cli/saving.h"
#include "client/cli/show.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>

struct backup_options {
  struct common common;
  char *socket;
};

static enum tg_err fetch(struct call *call, struct toguna *node, const char *path, uint64_t *ret_bytes, struct tg_why *why)
{
  struct toguna_error error;
  struct saving s;
  enum tg_err err = saving_begin(&s, path, why);
  if (err != TG_OK)
    return err;
  const enum toguna_err told = toguna_backup(node, saving_piece, &s, &error);
  *ret_bytes = s.bytes;
  return saving_end(&s, call, told, &error, false);
}

static enum tg_err run_backup(struct call *call, struct tg_why *why)
{
  const struct backup_options *o = call->options;
  const char *path = call->arg[0];
  struct toguna *node = NULL;
  uint64_t bytes;
  enum tg_err err = saving_look(path, NULL, why); /* before the node has copied for minutes */
  if (err == TG_OK)
    err = reach_open(call, o->socket, &node);
  if (err == TG_OK)
    err = fetch(call, node, path, &bytes, why);
  toguna_close(node);
  if (err != TG_OK || saving_is_output(path))
    return err;
  char size[SHOW_SIZE];
  if (call->json)
    show_json(json_pack("{s:s, s:I}", "backup", path, "bytes", (json_int_t)bytes));
  else
    printf(_("%s is the copy of this node (%s). Keep it with a copy of the key file, away from this machine.\n"), path, show_size(bytes, size));
  return TG_OK;
}

static const struct option_key backup_options[] = {REACH_OPTION(struct backup_options)};

const struct command command_backup = {
    .verb = "backup",
    .section = SECTION_LOOK,
    .summary = N_("Write a copy of the node's store, while the node works"),
    .operands = N_("FILE"),
    .min = 1,
    .max = 1,
    .about = N_("For who has the role admin. The copy is the store of one moment, and FILE appears when all of it is written; until then nothing of that name is "
                "there. Put back as node.db of a stopped node, without the two files beside it, it is an older node: what it had confirmed since does not come again. Without "
                "the node's key file nobody reads the bulletins in it. The node's disk needs room for its store once more meanwhile."),
    .examples = "toguna backup /media/disk/node-2026-12-01.db\n",
    .options = backup_options,
    .n_options = sizeof backup_options / sizeof *backup_options,
    .size = sizeof(struct backup_options),
    .run = run_backup,
};
