/* A folder that appears whole or not at all. */
#include "client/cli/box.h"

#include "client/cli/speak.h"
#include "os/fault.h"
#include "os/file.h"

#include <dirent.h>
#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

struct new_folder {
  char place[BOX_PATH], now[BOX_PATH];
};

static enum tg_err taken(const char *path, struct tg_why *why)
{
  return why_set(why, TG_DUPLICATE, path, N_("there is something in this place already"),
                 N_("Choose another folder, or move it away"), NULL, NULL, NULL);
}

/* Absent, or an empty folder. */
static bool is_free(const char *path)
{
  DIR *d = opendir(path);
  if (!d)
    return errno == ENOENT;
  bool empty = true;
  for (struct dirent *e; empty && (e = readdir(d));)
    empty = !strcmp(e->d_name, ".") || !strcmp(e->d_name, "..");
  closedir(d);
  return empty;
}

static enum tg_err make_parent(const char *place, struct tg_why *why)
{
  char parent[BOX_PATH];
  snprintf(parent, sizeof parent, "%s", place);
  char *slash = strrchr(parent, '/');
  if (!slash || slash == parent)
    return TG_OK;
  *slash = 0;
  struct stat st;
  return stat(parent, &st) == 0 ? TG_OK : file_mkdir(parent, 0755, why);
}

enum tg_err new_folder_check(const char *path, struct tg_why *why)
{
  return is_free(path) ? TG_OK : taken(path, why);
}

enum tg_err new_folder_begin(const char *path, struct new_folder **ret, struct tg_why *why)
{
  struct new_folder *f = calloc(1, sizeof *f);
  if (!f)
    return why_set(why, TG_NO_MEMORY, path, N_("out of memory"), NULL, NULL, NULL, NULL);
  enum tg_err err = TG_OK;
  if (snprintf(f->place, sizeof f->place, "%s", path) >= BOX_PATH - 16)
    err = why_set(why, TG_BAD_INPUT, path, N_("the path is too long"), NULL, NULL, NULL, NULL);
  for (size_t n = strlen(f->place); n > 1 && f->place[n - 1] == '/';)
    f->place[--n] = 0;
  if (err == TG_OK && !is_free(f->place))
    err = taken(path, why);
  if (err == TG_OK)
    err = make_parent(f->place, why);
  if (err == TG_OK) {
    snprintf(f->now, sizeof f->now, "%.*s.new-XXXXXX", BOX_PATH - 16, f->place);
    if (!mkdtemp(f->now))
      err = fault_why(why, TG_DISK, path, N_("cannot make the folder: %1$s"), NULL);
  }
  if (err == TG_OK)
    *ret = f;
  else
    free(f);
  return err;
}

const char *new_folder_path(const struct new_folder *f)
{
  return f->now;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
  (void)st, (void)type, (void)ftw;
  (void)remove(path);
  return 0;
}

enum tg_err new_folder_end(struct new_folder **taken_folder, enum tg_err err, struct tg_why *why)
{
  struct new_folder *f = *taken_folder;
  *taken_folder = NULL;
  if (!f)
    return err;
  if (err == TG_OK && rename(f->now, f->place) != 0)
    err = errno == ENOTEMPTY || errno == EEXIST
              ? taken(f->place, why)
              : fault_why(why, TG_DISK, f->place, N_("cannot make the folder: %1$s"), NULL);
  if (err == TG_OK)
    err = file_sync_folder(f->place, why);
  else
    (void)nftw(f->now, remove_one, 16, FTW_DEPTH | FTW_PHYS);
  free(f);
  return err;
}
