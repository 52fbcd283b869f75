/* Simulated disks for SQLite: a VFS in memory that knows what was synced and what only written. A crash keeps every synced byte, and of
   the rest whatever the generator fancies: each write whole, torn at a sector, or lost, in any combination. */
#ifndef TOGUNA_TESTS_SIM_DISK_H
#define TOGUNA_TESTS_SIM_DISK_H

#include "tests/sim/random.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct disk;

/* A new empty disk, registered with SQLite as a VFS of this name (which is copied). Its faults draw from r, which must live longer. */
struct disk *disk_new(const char *name, struct random *r);
/* No connection may be open on it. */
void disk_free(struct disk *d);
const char *disk_vfs(const struct disk *d);

/* Power fails: from now on every call on open files fails, so that nothing of the old process reaches the disk. Close its connections, then... */
void disk_cut(struct disk *d);
/* ...power comes back: unsynced writes are decided upon and the disk works again. */
void disk_restore(struct disk *d);

/* The n-th write, truncate or sync from now on fails once (with EIO, or ENOSPC for a write when `full`); 0: none. */
void disk_fail_after(struct disk *d, uint64_t n, bool full);

/* While it is full no file grows: such writes fail with ENOSPC, again and again, a crash or not. */
void disk_full(struct disk *d, bool full);

/* It says of itself what SQLite takes real disks for: that writing leaves alone what stands beside. It always does. */
void disk_powersafe(struct disk *d, bool powersafe);

/* A copy of what is durable now, and back to it: an old image restored. Only while nothing is open. */
struct disk_image;
struct disk_image *disk_image(const struct disk *d);
/* The same of what was written, synced or not: what a process that is killed leaves. */
struct disk_image *disk_image_written(const struct disk *d);
void disk_image_restore(struct disk *d, const struct disk_image *image);
void disk_image_free(struct disk_image *image);

/* The i-th file that is there, and how long; false: there are no more. */
bool disk_file(const struct disk *d, size_t i, const char **ret_name, size_t *ret_bytes);
/* A bit of what is on the disk turns over, counted from the first byte's lowest; false: no such file, or it is shorter. */
bool disk_flip(struct disk *d, const char *name, uint64_t bit);
/* What is there now, written or synced: n bytes from `at`; false: it has less. */
bool disk_read(const struct disk *d, const char *name, size_t at, void *out, size_t n);

/* Does any byte run of any file, synced or not, hold these bytes? */
bool disk_contains(const struct disk *d, const void *bytes, size_t n);

/* Counters for stories and figures. */
struct disk_stats {
  uint64_t writes, syncs, crashes, torn, lost;
};
struct disk_stats disk_stats(const struct disk *d);

#endif
