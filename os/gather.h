/* An SQLite VFS in front of another one that gathers writes: what SQLite writes piece by piece and in sequence (every frame of
   its log in two writes, the pages of a checkpoint one by one) goes on as one write, at the latest before the next sync, and before
   anything reads, cuts or measures the file there. Nothing else changes: a sync syncs all that was written before it.

   An error of a gathered write is told by the call that made it go on, usually the sync of the commit.

   With sums, every page of a database gets its sum (os/pagesum.h) on its way down and is checked on its way up: SQLITE_IOERR_DATA. Whoever
   makes a database asks SQLite for the reserved bytes and pages of PAGESUM_PAGE. A database of an earlier version, without sums, is read and written as
   it is. SQLite's log is left alone: it has sums of its own.

   What a checkpoint would write is written before it, when that is asked for; the checkpoint's own writes of such pages are left out, and its sync covers them all. */
#ifndef TOGUNA_OS_GATHER_H
#define TOGUNA_OS_GATHER_H

#include "proto/base.h"

struct gather;

/* In front of the VFS of this name; NULL: the system's. TG_NOT_FOUND: there is none of this name; TG_NO_MEMORY. */
enum tg_err gather_new(const char *vfs, bool sums, struct gather **ret);
/* The name of the VFS that it stands before. */
const char *gather_below(const struct gather *g);
/* Was a database opened that has no sums? */
bool gather_is_without(const struct gather *g);
/* Of the store that was opened first, whose log has `committed` frames that are on the disk: writes pages of frames up to `until` into the database, some AHEAD_MOST of them at
   most, and now and then syncs it, so that a checkpoint finds little to do (os/ahead.h). Not for a store without sums. TG_OK; TG_DISK: it can no longer be trusted. Where
   there is no room the checkpoint is left to find out. */
enum { AHEAD_MOST = 512 };
enum tg_err gather_ahead(struct gather *g, uint64_t committed, uint64_t until);
/* Syncs that it took. */
uint64_t gather_ahead_syncs(const struct gather *g);
/* The page, from 1, whose sum was wrong last; 0: none. */
uint64_t gather_bad_page(const struct gather *g);
/* The name to open files with. */
const char *gather_name(const struct gather *g);
/* After every file was closed. NULL is fine. */
void gather_free(struct gather *g);

#endif
