#include "broker/core/backup.h"

#include "broker/store_backup.h"
#include "os/clock.h"
#include "os/fault.h"
#include "os/file.h"
#include "os/log.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

enum { STEP_PAGES = 256 /* a MiB, and one sync: what everybody else waits for */ };

struct backup {
  char *whole, *part; /* the copy's folder, and while it is made */
  const char *folder;
  uint64_t reserve;
  struct store_backup *copy; /* NULL: none is under way */
};

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *where)
{
  (void)st;
  (void)type;
  (void)where;
  return remove(path);
}

/* Links of bodies and half a database, ours alone. */
static enum tg_err clear_part(const struct backup *b, struct tg_why *why)
{
  if (nftw(b->part, remove_one, 16, FTW_DEPTH | FTW_PHYS) == 0 || errno == ENOENT)
    return TG_OK;
  return fault_why(why, TG_DISK, b->part, N_("what an interrupted copy left cannot be removed: %1$s"), N_("Remove it by hand"));
}

struct backup *backup_new(const char *folder, uint64_t reserve)
{
  struct tg_why why = {.err = TG_OK};
  struct backup *b = calloc(1, sizeof *b);
  if (!b || asprintf(&b->whole, "%s/backup", folder) < 0 || asprintf(&b->part, "%s/backup.part", folder) < 0) {
    backup_free(&b);
    return NULL;
  }
  b->folder = folder;
  b->reserve = reserve;
  if (clear_part(b, &why) != TG_OK)
    log_event(LOG_ERROR, "backup-failed", log_why(&why));
  return b;
}

void backup_free(struct backup **taken)
{
  struct backup *b = taken ? *taken : NULL;
  if (!b)
    return;
  *taken = NULL;
  if (b->copy) {
    store_backup_free(&b->copy);
    (void)clear_part(b, NULL);
    log_event(LOG_NOTICE, "backup-stopped", log_text("lost", "nothing but the copy"));
  }
  free(b->whole);
  free(b->part);
  free(b);
}

bool backup_is_under_way(const struct backup *b)
{
  return b->copy != NULL;
}

static int64_t over(struct backup *b, const struct tg_why *why)
{
  store_backup_free(&b->copy);
  (void)clear_part(b, NULL);
  log_event(LOG_ERROR, "backup-failed", log_why(why));
  return -1;
}

/* Would the disk keep its reserve with so many bytes more? */
static enum tg_err has_room(const struct backup *b, uint64_t bytes, struct tg_why *why)
{
  uint64_t left;
  enum tg_err err = file_free_space(b->folder, &left, why);
  if (err != TG_OK || (left >= b->reserve && left - b->reserve >= bytes))
    return err;
  return why_set(why, TG_DISK, b->folder, N_("there is no room for a copy: the disk must keep its reserve"),
                 N_("Make room for the whole store once more (disk-reserve says what must stay free)"), NULL, NULL, NULL);
}

/* Neither a file nor a folder, nor a link to nowhere, may stand where the copy goes. */
static enum tg_err is_free(const struct backup *b, struct tg_why *why)
{
  struct stat st;
  if (lstat(b->whole, &st) != 0 && errno == ENOENT)
    return TG_OK;
  return why_set(why, TG_DUPLICATE, b->whole, N_("a copy lies there already, and was left as it is"),
                 N_("Take it away to another disk, or remove it, then ask again"), NULL, NULL, NULL);
}

void backup_begin(struct backup *b, struct store *store)
{
  struct tg_why why = {.err = TG_OK};
  if (b->copy) {
    log_event(LOG_NOTICE, "backup-under-way", log_text("folder", b->part));
    return;
  }
  enum tg_err err = is_free(b, &why);
  if (err == TG_OK)
    err = clear_part(b, &why);
  if (err == TG_OK)
    err = has_room(b, store_bytes_used(store), &why);
  if (err == TG_OK)
    err = file_mkdir(b->part, 0700, &why);
  if (err == TG_OK)
    err = store_backup_new(store, b->part, &b->copy, &why);
  if (err == TG_OK)
    log_event(LOG_NOTICE, "backup-begun", log_number("bytes", store_bytes_used(store)));
  else
    (void)over(b, &why);
}

/* All of it is on the disk under the other name. */
static int64_t finish(struct backup *b)
{
  struct tg_why why = {.err = TG_OK};
  const uint64_t bytes = store_backup_bytes(b->copy), bodies = store_backup_bodies(b->copy);
  store_backup_free(&b->copy);
  enum tg_err err = is_free(b, &why);
  if (err == TG_OK && renameat2(AT_FDCWD, b->part, AT_FDCWD, b->whole, RENAME_NOREPLACE) != 0)
    err = fault_why(&why, TG_DISK, b->whole, N_("the copy cannot be put in its place: %1$s"), NULL);
  if (err == TG_OK)
    err = file_sync_folder(b->whole, &why);
  if (err != TG_OK)
    return over(b, &why);
  log_event(LOG_NOTICE, "backup-done", log_text("folder", b->whole), log_number("bytes", bytes), log_number("bodies", bodies));
  return -1;
}

int64_t backup_step(struct backup *b)
{
  struct tg_why why = {.err = TG_OK};
  bool whole = false;
  if (!b->copy)
    return -1;
  const int64_t began = clock_mono();
  enum tg_err err = has_room(b, 0, &why);
  if (err == TG_OK)
    err = store_backup_step(b->copy, STEP_PAGES, &whole, &why);
  if (err != TG_OK)
    return over(b, &why);
  const int64_t took = clock_mono() - began;
  return whole ? finish(b) : took > 1 ? took : 1;
}
