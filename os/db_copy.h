/* A copy of a store while the store is in use. SQLite copies some pages at a time; what is committed between two steps goes into the copy
   too, so that a finished copy is the store of the moment of its last step. The copy is one file, "PATH", with page sums and without a log
   of its own: db_open() takes it as it is. Until db_copy_step() said that it is whole it is nothing, and is removed.

   A copy that fails leaves the store as it was: nothing here makes the store fail. */
#ifndef TOGUNA_OS_DB_COPY_H
#define TOGUNA_OS_DB_COPY_H

#include "os/db.h"

struct db_copy;

/* Begins a copy at path, which must not be there (TG_DUPLICATE), under the store's own VFS. The store outlives it. TG_BAD_INPUT: the store
   is in memory; TG_DISK, TG_NO_MEMORY. */
enum tg_err db_copy_new(struct db *db, const char *path, struct db_copy **ret, struct tg_why *why);
/* Copies up to `pages` pages (0: none) and brings them to the disk. No transaction of the store may be open. *ret_whole: that was all, and all is
   on the disk; the file's name is not (file_sync_folder). TG_DISK: the disk is full or refuses, or the store has a damaged page, and why says
   which; only db_copy_free() may follow. */
enum tg_err db_copy_step(struct db_copy *copy, unsigned pages, bool *ret_whole, struct tg_why *why);
/* Bytes that the copy will have, as far as is known; 0 before the first step. */
uint64_t db_copy_bytes(const struct db_copy *copy);
/* Of a whole one: bytes [at, at + n), both multiples of 4096, checked against their sums. TG_DISK. */
enum tg_err db_copy_read(struct db_copy *copy, uint64_t at, size_t n, uint8_t *out, struct tg_why *why);
/* keep: leaves a whole copy where it is. Anything else is removed. NULL, or a pointer to NULL, is fine. */
void db_copy_free(struct db_copy **copy, bool keep);

/* Removes what a copy that was interrupted left at path. Nothing there: TG_OK. vfs as in db_options. */
enum tg_err db_copy_clear(const char *vfs, const char *path, struct tg_why *why);
/* Bytes of the store's file as of the last commit. */
uint64_t db_bytes_used(struct db *db);

#endif
