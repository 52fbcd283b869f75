/* An SQLite VFS in front of another one that gathers writes: what SQLite writes piece by piece and in sequence (every frame of
   its log in two writes, the pages of a checkpoint one by one) goes on as one write, at the latest before the next sync, and before
   anything reads, cuts or measures the file there. Nothing else changes: a sync syncs all that was written before it.

   An error of a gathered write is told by the call that made it go on, usually the sync of the commit. */
#ifndef TOGUNA_OS_GATHER_H
#define TOGUNA_OS_GATHER_H

#include "proto/base.h"

struct gather;

/* In front of the VFS of this name; NULL: the system's. TG_NOT_FOUND: there is none of this name; TG_NO_MEMORY. */
enum tg_err gather_new(const char *vfs, struct gather **ret);
/* The name to open files with. */
const char *gather_name(const struct gather *g);
/* After every file was closed. NULL is fine. */
void gather_free(struct gather *g);

#endif
