#include "broker/store_backup.h"

#include "broker/store_inside.h"
#include "os/db_copy.h"
#include "os/fault.h"
#include "os/file.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct store_backup {
  struct store *store;
  struct db_copy *copy;
  char *bodies; /* the folder of the links */
  uint64_t n_bodies;
  bool whole;
};

enum tg_err store_backup_new(struct store *store, const char *folder, struct store_backup **ret, struct tg_why *why)
{
  char *database = NULL;
  struct store_backup *b = calloc(1, sizeof *b);
  enum tg_err err = TG_NO_MEMORY;
  if (!b || asprintf(&b->bodies, "%s/bodies", folder) < 0 || asprintf(&database, "%s/hub.db", folder) < 0) {
    (void)why_set(why, err, folder, N_("out of memory"), NULL, NULL, NULL, NULL);
    goto out;
  }
  b->store = store;
  err = db_copy_new(store->db, database, &b->copy, why);
out:
  free(database);
  if (err == TG_OK)
    *ret = b;
  else
    store_backup_free(&b);
  return err;
}

static enum tg_err link_all(struct store_backup *b, DIR *from, int to, struct tg_why *why)
{
  const struct dirent *e;
  while (errno = 0, (e = readdir(from))) {
    if (e->d_name[0] == '.')
      continue;
    if (linkat(dirfd(from), e->d_name, to, e->d_name, 0) == 0)
      b->n_bodies++;
    else
      return fault_why(why, TG_DISK, b->bodies, N_("a body cannot be linked into the copy: %1$s"),
                       N_("The folder of the bodies and that of the copy must lie on one file system"));
  }
  if (errno == 0 && fsync(to) == 0)
    return TG_OK;
  return fault_why(why, TG_DISK, b->bodies, N_("the copy cannot be written: %1$s"), NULL);
}

/* As they are now, when nothing has been committed since the last page was copied. */
static enum tg_err link_bodies(struct store_backup *b, struct tg_why *why)
{
  enum tg_err err = file_mkdir(b->bodies, 0700, why);
  if (err != TG_OK || b->store->folder < 0)
    return err;
  int from = openat(b->store->folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  int to = open(b->bodies, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  DIR *list = from < 0 ? NULL : fdopendir(from);
  err = list && to >= 0 ? link_all(b, list, to, why) : fault_why(why, TG_DISK, b->bodies, N_("the copy cannot be written: %1$s"), NULL);
  if (list)
    closedir(list);
  else if (from >= 0)
    close(from);
  if (to >= 0)
    close(to);
  return err;
}

enum tg_err store_backup_step(struct store_backup *b, unsigned pages, bool *ret_whole, struct tg_why *why)
{
  bool copied = false;
  assert(!store_is_open(b->store)); /* it would not be one moment's */
  enum tg_err err = db_copy_step(b->copy, pages, &copied, why);
  if (err == TG_OK && copied)
    err = link_bodies(b, why);
  if (err == TG_OK && copied)
    err = file_sync_folder(b->bodies, why);
  b->whole = err == TG_OK && copied;
  *ret_whole = b->whole;
  return err;
}

uint64_t store_backup_bytes(const struct store_backup *b)
{
  return db_copy_bytes(b->copy);
}

uint64_t store_backup_bodies(const struct store_backup *b)
{
  return b->n_bodies;
}

void store_backup_free(struct store_backup **taken)
{
  struct store_backup *b = taken ? *taken : NULL;
  if (!b)
    return;
  *taken = NULL;
  db_copy_free(&b->copy, b->whole);
  free(b->bodies);
  free(b);
}

uint64_t store_bytes_used(struct store *store)
{
  return db_bytes_used(store->db);
}
