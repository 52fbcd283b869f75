#include "os/folder.h"

#include "os/fault.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct names {
  char **v;
  size_t n, cap;
};

static void names_free(struct names *names)
{
  for (size_t i = 0; i < names->n; i++)
    free(names->v[i]);
  free(names->v);
}

static enum tg_err names_add(struct names *names, const char *name)
{
  if (names->n == names->cap) {
    size_t cap = names->cap ? 2 * names->cap : 16;
    char **v = realloc(names->v, cap * sizeof *v);
    if (!v)
      return TG_NO_MEMORY;
    names->v = v;
    names->cap = cap;
  }
  names->v[names->n] = strdup(name);
  return names->v[names->n] ? (names->n++, TG_OK) : TG_NO_MEMORY;
}

static bool ends_in(const char *name, const char *suffix)
{
  size_t n = strlen(name), s = strlen(suffix);
  return n > s && strcmp(name + n - s, suffix) == 0;
}

static enum tg_err names_read(const char *folder, const char *suffix, size_t max, struct names *names,
                              struct tg_why *why)
{
  DIR *dir = opendir(folder);
  if (!dir)
    return fault_why(why, TG_DISK, folder, N_("cannot look into the folder: %1$s"), NULL);
  enum tg_err err = TG_OK;
  while (err == TG_OK) {
    errno = 0;
    const struct dirent *entry = readdir(dir);
    if (!entry && errno)
      err = fault_why(why, TG_DISK, folder, N_("cannot look into the folder: %1$s"), NULL);
    if (!entry)
      break;
    if (entry->d_name[0] == '.' || !ends_in(entry->d_name, suffix))
      continue;
    if (names->n == max)
      err = why_set(why, TG_TOO_BIG, folder, N_("there are too many files in the folder"),
                    N_("Move away those that are not needed any more"), NULL, NULL, NULL);
    else if ((err = names_add(names, entry->d_name)) != TG_OK)
      (void)why_set(why, err, folder, N_("out of memory"), NULL, NULL, NULL, NULL);
  }
  closedir(dir);
  return err;
}

static int by_bytes(const void *a, const void *b)
{
  return strcmp(*(char *const *)a, *(char *const *)b);
}

enum tg_err folder_each(const char *folder, const char *suffix, size_t max,
                        enum tg_err (*each)(void *arg, const char *path), void *arg, struct tg_why *why)
{
  struct names names = {0};
  enum tg_err err = names_read(folder, suffix, max, &names, why);
  if (names.n > 1)
    qsort(names.v, names.n, sizeof *names.v, by_bytes);
  for (size_t i = 0; err == TG_OK && i < names.n; i++) {
    char *path;
    if (asprintf(&path, "%s/%s", folder, names.v[i]) < 0) {
      err = why_set(why, TG_NO_MEMORY, folder, N_("out of memory"), NULL, NULL, NULL, NULL);
      break;
    }
    err = each(arg, path);
    free(path);
  }
  names_free(&names);
  return err;
}
