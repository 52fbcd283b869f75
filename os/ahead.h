/* Which pages a checkpoint of SQLite's log would write, so that they can be written before it, a few at a time: in one go they are 10 to 20 ms in which
   a process hears nobody. Books only; os/gather.h writes.

   A page may be written into the database as soon as the commit of its frame is on the disk, and not before: that is what a checkpoint does, and one that
   a crash interrupts leaves the same. As long as the log stands SQLite takes the page from there, and so does a recovery. A page that came again since is
   written again, by the checkpoint at the latest. */
#ifndef TOGUNA_OS_AHEAD_H
#define TOGUNA_OS_AHEAD_H

#include "proto/base.h"

struct ahead;

/* A page, and the frame of the log that holds it, both from 1. */
struct ahead_page {
  uint32_t page, frame;
};

struct ahead *ahead_new(void); /* NULL without memory */
void ahead_free(struct ahead *a);
/* SQLite writes this into its log. What does not look like a log's, a log longer than 16,384 frames, and want of memory make it blind: nothing more is offered, and nothing is
   taken for written, until the log begins anew. */
void ahead_logged(struct ahead *a, const uint8_t *bytes, size_t n, uint64_t at);
/* The log was cut. */
void ahead_clear(struct ahead *a);
/* So many frames of it are on the disk. */
void ahead_committed(struct ahead *a, uint64_t frames);
/* The next pages to write, of the certain frames up to this one, by number: those that did not come again. 0: there are none. */
enum { AHEAD_AT_ONCE = 128 };
size_t ahead_take(struct ahead *a, uint64_t frames, struct ahead_page out[AHEAD_AT_ONCE]);
/* It stands in the database now. */
void ahead_wrote(struct ahead *a, struct ahead_page written);
/* Does the database hold what the log holds of this page last? */
bool ahead_is_written(const struct ahead *a, uint32_t page);
/* The page of which that is so and whose last frame this is; 0: none. */
uint32_t ahead_written_by(const struct ahead *a, uint64_t frame);

#endif
