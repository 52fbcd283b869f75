/* toguna backup: a copy of the node's store, made while the node works. */
#include "client/cli/reach.h"
#include "client/cli/show.h"
#include "os/file.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>

struct backup_options {
  struct common common;
  char *socket;
};

struct writing {
  struct file_draft *draft;
  struct tg_why *why;
  uint64_t bytes;
  enum tg_err err;
};

static int write_piece(void *context, const void *data, size_t n)
{
  struct writing *w = context;
  w->bytes += n;
  w->err = file_draft_put(w->draft, slice_of(data, n), w->why);
  return w->err != TG_OK;
}

/* Said before the node has copied for minutes. */
static enum tg_err is_free(const char *path, struct tg_why *why)
{
  struct stat st;
  if (lstat(path, &st) != 0 && errno == ENOENT)
    return TG_OK;
  if (stat(path, &st) == 0 && S_ISDIR(st.st_mode))
    return why_set(why, TG_BAD_INPUT, path, N_("this is a folder"), N_("Name the file that the copy shall be"), NULL, NULL, NULL);
  return why_set(why, TG_DUPLICATE, path, N_("there is such a file already"), N_("Move it away, or choose another name"), NULL, NULL, NULL);
}

static enum tg_err fetch(struct call *call, struct toguna *node, struct writing *w)
{
  struct toguna_error error;
  if (toguna_backup(node, write_piece, w, &error) == TOGUNA_OK)
    return TG_OK;
  return w->err != TG_OK ? w->err : call_said(call, &error);
}

static enum tg_err run_backup(struct call *call, struct tg_why *why)
{
  const struct backup_options *o = call->options;
  const char *path = call->arg[0];
  struct toguna *node = NULL;
  struct writing w = {.why = why};
  enum tg_err err = is_free(path, why);
  if (err == TG_OK)
    err = reach_open(call, o->socket, &node);
  if (err == TG_OK)
    err = file_draft_new(path, 0600, &w.draft, why);
  if (err == TG_OK)
    err = fetch(call, node, &w);
  if (err == TG_OK)
    err = file_draft_commit(&w.draft, false, why);
  file_draft_free(&w.draft);
  toguna_close(node);
  if (err != TG_OK)
    return err;
  char size[SHOW_SIZE];
  if (call->json)
    show_json(json_pack("{s:s, s:I}", "backup", path, "bytes", (json_int_t)w.bytes));
  else
    printf(_("%s is the copy of this node (%s). Keep it with a copy of the key file, away from this machine.\n"), path, show_size(w.bytes, size));
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
