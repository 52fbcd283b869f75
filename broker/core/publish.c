#include "broker/core/publish.h"

#include "audit/dossier.h"
#include "os/fault.h"
#include "os/file.h"
#include "os/folder.h"
#include "os/log.h"
#include "proto/limits.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
  PATH_BYTES = 1024 + TILE_PATH_MAX + 16,
  NAMES_MAX = 8192,
  DOSSIERS_KEPT = 1024 * 1024, /* bytes; more are put together again */
  CERTAIN_EVERY = 65536, /* leaves: so many at most are written again after a crash */
};

/* How many leaves have their files on the disk for certain. Everything here can be made again from the hub's store, so nothing is synced on
   the way: a crash costs the files since this mark, which are written again. Not for those who read the log. */
static const char MARK[] = ".certain";

struct publish {
  const char *folder;
  const char *private; /* where dossiers go; NULL: nowhere */
  struct hub *hub;     /* during a step */
  struct buf dossiers;  /* of the entries from .. below - 1, which begin a bundle: as it grows only what is new is added */
  uint64_t from, below;
  int folder_fd;
  uint64_t published;     /* leaves covered by the checkpoint in the folder */
  uint64_t certain;       /* as the mark says */
  struct tile_name *full; /* tiles that became full since that checkpoint: their shorter selves can go */
  size_t n_full;
  enum tg_err failed; /* of our files in this step, not of the hub's store */
};

/* The number in the mark, 0 without one. */
static uint64_t mark_there(const char *folder)
{
  char path[PATH_BYTES];
  struct buf text = buf_new(32);
  struct slice line;
  uint64_t size = 0;
  snprintf(path, sizeof path, "%s/%s", folder, MARK);
  if (file_read(path, 32, &text, NULL) == TG_OK) {
    struct slice rest = buf_slice(&text);
    if (!take_line(&rest, &line) || number_parse(line, MERKLE_SIZE_MAX, &size) != TG_OK)
      size = 0;
  }
  buf_free(&text);
  return size;
}

/* The size that the checkpoint in the folder states. None, or one that says nothing: everything is written
 * again. */
static uint64_t size_there(const char *folder)
{
  char path[PATH_BYTES];
  struct buf text = buf_new(LIMIT_CHECKPOINT);
  struct slice origin, line;
  uint64_t size = 0;
  snprintf(path, sizeof path, "%s/checkpoint", folder);
  if (file_read(path, LIMIT_CHECKPOINT, &text, NULL) == TG_OK) {
    struct slice rest = buf_slice(&text);
    if (!take_line(&rest, &origin) || !take_line(&rest, &line) ||
        number_parse(line, MERKLE_SIZE_MAX, &size) != TG_OK)
      size = 0;
  }
  buf_free(&text);
  return size;
}

enum tg_err publish_is_empty(const char *folder, struct tg_why *why)
{
  return size_there(folder) == 0
             ? TG_OK
             : why_set(why, TG_STALE, folder, N_("a checkpoint of this log was published here, and neither store nor signer knows of it"),
                       N_("Put both back as they last were, hub and signer; if they are lost for good, nobody can go on with this log: the members name another hub"),
                       NULL, NULL, NULL);
}

/* Are the dossiers of all that was published there? A hub of an earlier version has none, and whoever removes them gets them
   again. */
static bool dossiers_there(const char *private, uint64_t published)
{
  char path[PATH_BYTES], tail[DOSSIER_PATH_MAX];
  for (unsigned end = 0; private && published && end < 2; end++) {
    dossier_path(end ? (published - 1) / TILE_WIDTH : 0, tail);
    snprintf(path, sizeof path, "%s/%s", private, tail);
    if (access(path, F_OK) != 0)
      return false;
  }
  return true;
}

enum tg_err publish_new(const char *folder, const char *private, struct publish **ret, struct tg_why *why)
{
  struct publish *p = calloc(1, sizeof *p);
  if (!p || !(p->full = calloc(NAMES_MAX, sizeof *p->full))) {
    free(p);
    return why_set(why, TG_NO_MEMORY, folder, N_("out of memory"), NULL, NULL, NULL, NULL);
  }
  p->folder = folder;
  p->folder_fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (p->folder_fd < 0) {
    enum tg_err err = fault_why(why, TG_DISK, folder, N_("cannot open the folder of the log: %1$s"), NULL);
    publish_free(&p);
    return err;
  }
  p->private = private;
  p->dossiers = buf_new(DOSSIER_BUNDLE_MAX);
  p->certain = mark_there(folder);
  p->published = size_there(folder);
  if (p->published > p->certain)
    p->published = p->certain;
  if (!dossiers_there(private, p->published))
    p->published = 0;
  p->certain = p->published;
  *ret = p;
  return TG_OK;
}

void publish_free(struct publish **publish)
{
  struct publish *p = *publish;
  if (!p)
    return;
  if (p->folder_fd >= 0)
    close(p->folder_fd);
  buf_free(&p->dossiers);
  free(p->full);
  free(p);
  *publish = NULL;
}

/* ---- files */

static enum tg_err failed(struct publish *p, enum tg_err err, const struct tg_why *why)
{
  log_event(LOG_ERROR, "log-not-published", log_err("error", err), log_why(why), log_text("lost", "nothing"));
  p->failed = err;
  return err;
}

static enum tg_err make_folder_of(const char *path, mode_t mode, struct tg_why *why)
{
  char folder[PATH_BYTES];
  snprintf(folder, sizeof folder, "%.*s", (int)(strrchr(path, '/') - path), path);
  return file_mkdir(folder, mode, why);
}

/* Whole or absent, unless power fails before the mark moves. Its folder is made when it is not there: with the mode of a file that searching
   needs too. */
static enum tg_err put_file(const char *path, struct slice bytes, mode_t mode, struct tg_why *why)
{
  static const int how = O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC;
  char fresh[PATH_BYTES + 8];
  snprintf(fresh, sizeof fresh, "%s.new", path);
  int fd = open(fresh, how, mode);
  if (fd < 0 && (errno == ENOENT || errno == ENOTDIR)) {
    enum tg_err made = make_folder_of(path, mode == 0600 ? 0700 : 0755, why);
    if (made != TG_OK)
      return made;
    fd = open(fresh, how, mode);
  }
  if (fd < 0)
    return fault_why(why, TG_DISK, path, N_("cannot write this file of the log: %1$s"), NULL);
  enum tg_err err = file_put_fd(fd, bytes, why);
  if (err == TG_OK && fchmod(fd, mode) != 0) /* whatever the umask: what is there to be served is */
    err = fault_why(why, TG_DISK, path, N_("cannot write this file of the log: %1$s"), NULL);
  close(fd);
  if (err == TG_OK && rename(fresh, path) != 0)
    err = fault_why(why, TG_DISK, path, N_("cannot write this file of the log: %1$s"), NULL);
  if (err != TG_OK)
    unlink(fresh);
  return err;
}

/* For the hub's own auditors, who may see all: in the hub's folder and never among what is served. Written before the
   checkpoint that covers it; after a crash the same bundle is written again. */
static enum tg_err put_dossiers(struct publish *p, const struct tile_name *name)
{
  struct tg_why why = {.err = TG_OK};
  char path[PATH_BYTES], tail[DOSSIER_PATH_MAX];
  const uint64_t from = name->index * TILE_WIDTH, below = from + name->width;
  if (p->from != from || p->below > below || p->dossiers.n > DOSSIERS_KEPT) {
    buf_clear(&p->dossiers);
    p->from = p->below = from;
  }
  enum tg_err err = hub_dossiers(p->hub, p->below, below, &p->dossiers);
  if (err != TG_OK)
    return err; /* of the store: fail-stop */
  p->below = below;
  dossier_path(name->index, tail);
  snprintf(path, sizeof path, "%s/%s", p->private, tail);
  err = put_file(path, buf_slice(&p->dossiers), 0600, &why);
  return err == TG_OK ? TG_OK : failed(p, err, &why);
}

static enum tg_err put_tile(void *context, const struct tile_name *name, struct slice bytes)
{
  struct publish *p = context;
  struct tg_why why = {.err = TG_OK};
  char path[PATH_BYTES], tail[TILE_PATH_MAX];
  (void)tile_name_print(name, tail);
  snprintf(path, sizeof path, "%s/%s", p->folder, tail);
  enum tg_err err = put_file(path, bytes, 0644, &why);
  if (err != TG_OK)
    return failed(p, err, &why);
  if (name->entries && p->private && (err = put_dossiers(p, name)) != TG_OK)
    return err;
  if (name->width == TILE_WIDTH && p->n_full < NAMES_MAX)
    p->full[p->n_full++] = *name;
  return TG_OK;
}

static enum tg_err remove_file(void *arg, const char *path)
{
  (void)arg;
  (void)unlink(path); /* what stays is only of no use */
  return TG_OK;
}

static void remove_shorter(struct publish *p)
{
  char path[PATH_BYTES], tail[TILE_PATH_MAX];
  for (size_t i = 0; i < p->n_full; i++) {
    (void)tile_name_print(&p->full[i], tail);
    snprintf(path, sizeof path, "%s/%s.p", p->folder, tail);
    if (access(path, F_OK) == 0 && folder_each(path, "", TILE_WIDTH, remove_file, NULL, NULL) == TG_OK)
      (void)rmdir(path);
  }
  p->n_full = 0;
}

static enum tg_err put_checkpoint(void *context, uint64_t size, struct slice note)
{
  struct publish *p = context;
  struct tg_why why = {.err = TG_OK};
  char path[PATH_BYTES];
  (void)size; /* the hub keeps it for us */
  snprintf(path, sizeof path, "%s/checkpoint", p->folder);
  enum tg_err err = put_file(path, note, 0644, &why);
  if (err != TG_OK)
    return failed(p, err, &why);
  remove_shorter(p);
  return TG_OK;
}

static enum tg_err sync_files(const char *folder, struct tg_why *why)
{
  int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  enum tg_err err = TG_OK;
  if (fd < 0 || syncfs(fd) != 0)
    err = fault_why(why, TG_DISK, folder, N_("the files of the log cannot be brought to the disk: %1$s"), NULL);
  if (fd >= 0)
    close(fd);
  return err;
}

void publish_make_certain(struct publish *p)
{
  struct tg_why why = {.err = TG_OK};
  char path[PATH_BYTES], text[24];
  if (p->certain == p->published)
    return;
  snprintf(path, sizeof path, "%s/%s", p->folder, MARK);
  snprintf(text, sizeof text, "%llu\n", (unsigned long long)p->published);
  enum tg_err err = sync_files(p->folder, &why);
  if (err == TG_OK && p->private) /* maybe on another file system */
    err = sync_files(p->private, &why);
  if (err == TG_OK)
    err = file_write(path, slice_str(text), 0600, &why);
  if (err == TG_OK)
    p->certain = p->published;
  else
    (void)failed(p, err, &why);
}

enum tg_err publish_step(struct publish *p, struct hub *hub, bool *ret_more)
{
  const struct hub_files files = {.context = p, .tile = put_tile, .checkpoint = put_checkpoint};
  bool more = false;
  p->hub = hub;
  p->failed = TG_OK;
  enum tg_err err = hub_log_publish(hub, &p->published, &files, &more);
  *ret_more = more && err == TG_OK;
  if (!err && !p->failed && p->published - p->certain >= CERTAIN_EVERY)
    publish_make_certain(p);
  return p->failed ? TG_OK : err;
}
