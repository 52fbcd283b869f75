/* What lies in a folder. */
#ifndef TOGUNA_OS_FOLDER_H
#define TOGUNA_OS_FOLDER_H

#include "proto/base.h"

/* Calls `each` with the path of everything in the folder whose name ends in `suffix` and does not begin with
   a dot, in the order of the names (by bytes). An answer other than TG_OK ends it and is handed through.
   TG_NOT_FOUND: no such folder; TG_TOO_BIG: more than `max` such names, and nothing was called; TG_NO_MEMORY,
   TG_DISK. */
enum tg_err folder_each(const char *folder, const char *suffix, size_t max,
                        enum tg_err (*each)(void *arg, const char *path), void *arg, struct tg_why *why);

#endif
