/* Where the files of a source are. */
#include "client/review/inside.h"

#include "os/file.h"
#include "os/folder.h"

#include <stdio.h>
#include <sys/stat.h>

enum { NOTES_MAX = 4096 };

static enum tg_err join(char out[REVIEW_PATH], const char *folder, const char *name, struct tg_why *why)
{
  if ((size_t)snprintf(out, REVIEW_PATH, "%s/%s", folder, name) < REVIEW_PATH)
    return TG_OK;
  return why_set(why, TG_BAD_INPUT, folder, N_("the path is too long"), NULL, NULL, NULL, NULL);
}

static bool is_there(const char *folder, const char *name)
{
  char path[REVIEW_PATH];
  struct stat st;
  return join(path, folder, name, NULL) == TG_OK && stat(path, &st) == 0;
}

static enum tg_err is_hub(const char *folder, struct place *p, struct tg_why *why)
{
  p->kind = REVIEW_HUB;
  enum tg_err err = join(p->log, folder, "log", why);
  return err ? err : join(p->private, folder, "hub", why);
}

/* The folder of a hub's store, or the one above it with hub.conf, or a copy. */
static enum tg_err find_files(const char *folder, struct place *p, struct tg_why *why)
{
  char data[REVIEW_PATH];
  enum tg_err err = join(data, folder, "data", why);
  if (err)
    return err;
  if (is_there(folder, "log/checkpoint"))
    return is_hub(folder, p, why);
  if (is_there(data, "log/checkpoint"))
    return is_hub(data, p, why);
  if (!is_there(folder, "checkpoint"))
    return why_set(why, TG_NOT_FOUND, folder, N_("this is neither a hub's folder nor a copy of a log: it holds no checkpoint"),
                   N_("Name the folder that hub.conf names, or one that `toguna audit export` made"), NULL, NULL, NULL);
  p->kind = is_there(folder, "view/state.json") ? REVIEW_NODE_COPY : REVIEW_COPY;
  snprintf(p->log, sizeof p->log, "%s", folder);
  snprintf(p->private, sizeof p->private, "%s", folder);
  return TG_OK;
}

/* Its node pinned the exchange when it was set up: that is whom its auditors ask. */
static enum tg_err is_node(const struct review_place *wish, struct place *p)
{
  p->kind = REVIEW_NODE;
  p->vouched = true;
  p->ask = wish->ask;
  p->ask_arg = wish->ask_arg;
  snprintf(p->log, sizeof p->log, "%s", wish->folder);
  return TG_OK;
}

enum tg_err place_find(const struct review_place *wish, struct place *ret, struct tg_why *why)
{
  struct place p = {.vouched = wish->charter || wish->key};
  if (wish->charter && wish->key)
    return why_set(why, TG_USAGE, "--charter", N_("say once whose log this must be"),
                   N_("Name the charter (--charter) or the log's key (--key)"), NULL, NULL, NULL);
  enum tg_err err = wish->ask ? is_node(wish, &p) : find_files(wish->folder, &p, why);
  if (!err && wish->key) {
    err = note_key_parse(slice_str(wish->key), &p.key, why);
    p.has_key = !err;
  }
  if (!err && wish->charter)
    snprintf(p.charter, sizeof p.charter, "%s", wish->charter);
  if (!err)
    *ret = p;
  return err;
}

enum tg_err place_read(const char *folder, const char *name, size_t max, struct buf *ret, struct tg_why *why)
{
  char path[REVIEW_PATH];
  enum tg_err err = join(path, folder, name, why);
  return err ? err : file_read(path, max, ret, why);
}

struct each_note {
  enum tg_err (*each)(void *arg, struct slice bytes);
  void *arg;
  struct tg_why *why;
};

static enum tg_err read_note(void *arg, const char *path)
{
  struct each_note *e = arg;
  struct buf bytes = buf_new(NOTE_BYTES_MAX);
  enum tg_err err = file_read(path, NOTE_BYTES_MAX, &bytes, e->why);
  if (!err)
    err = e->each(e->arg, buf_slice(&bytes));
  buf_free(&bytes);
  return err;
}

enum tg_err place_notes(const char *path, enum tg_err (*each)(void *arg, struct slice bytes), void *arg, struct tg_why *why)
{
  struct stat st;
  struct each_note e = {each, arg, why};
  if (stat(path, &st) == 0 && S_ISDIR(st.st_mode))
    return folder_each(path, ".note", NOTES_MAX, read_note, &e, why);
  return read_note(&e, path);
}
