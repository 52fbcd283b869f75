/* How far a store's write-ahead log was certain, in a small file beside it ("…-end"). SQLite takes a log up to its first bad
   frame: that is right for what a power cut tore off, but a damaged bit in the middle would drop confirmed transactions without a
   word. This file tells the two apart: a log that ends before the place noted here has lost what was confirmed.

   The note is written after every commit but not synced, so that after a power cut it may be behind the log, and then says less; it is
   never ahead of it. Before the log is emptied the note is set to nothing and synced. A damaged or absent note says nothing. */
#ifndef TOGUNA_OS_EXTENT_H
#define TOGUNA_OS_EXTENT_H

#include "proto/base.h"

#include <sqlite3.h>

struct extent;

/* Beside the store at `path`, through this VFS (NULL: the system's). Reads the note, and the log against it. TG_DISK: what was
   certain is not all there, *why says from which frame on; or the files cannot be read. TG_NO_MEMORY. Writes nothing. */
enum tg_err extent_open(const char *vfs, const char *path, struct extent **ret, struct tg_why *why);
/* Was there a note, whole or not? Only stores whose pages have sums ever had one. */
bool extent_was_there(const struct extent *e);
/* `frames` of the log are on the disk now. `log` is SQLite's own file of it. What cannot be written is left: the note says less then. */
void extent_note(struct extent *e, sqlite3_file *log, uint64_t frames);
/* The log may be emptied. TG_OK: that is certain. TG_DISK, TG_NO_MEMORY. */
enum tg_err extent_clear(struct extent *e);
void extent_free(struct extent *e);

#endif
