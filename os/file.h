/* Files that are whole or absent, whatever happens while they are written. */
#ifndef TOGUNA_OS_FILE_H
#define TOGUNA_OS_FILE_H

#include "proto/buf.h"
#include <sys/types.h>

/* Replaces path by content, durably: when TG_OK is returned the new content survives a power cut; until then
   the old file, or none, stands there. mode is exact (no umask): 0600 unless others may read. TG_DISK. */
enum tg_err file_write(const char *path, struct slice content, mode_t mode, struct tg_why *why);

/* Appends the file's bytes to *ret (initialised by the caller; wiped by buf_free). TG_NOT_FOUND, TG_TOO_BIG
   when longer than max, TG_BAD_INPUT when it is not a regular file (a FIFO or device is never waited for),
   TG_DISK. */
enum tg_err file_read(const char *path, size_t max, struct buf *ret, struct tg_why *why);
/* The same for secrets: also TG_BAD_INPUT when group or others may read or write it, or when it belongs
   neither to us nor to root. */
enum tg_err file_read_private(const char *path, size_t max, struct buf *ret, struct tg_why *why);
/* The same for what a program obeys: also TG_BAD_INPUT when everybody may write it. */
enum tg_err file_read_trusted(const char *path, size_t max, struct buf *ret, struct tg_why *why);
/* Appends n bytes from a place in the file on. TG_NOT_FOUND: no such file, or it ends before; TG_DISK. */
enum tg_err file_read_at(const char *path, uint64_t at, size_t n, struct buf *ret, struct tg_why *why);

/* A file written in pieces, with the promise of file_write(): nothing appears at path before
   file_draft_commit(). */
struct file_draft;
/* As mode: 0600 where the file system has permissions. It may have none, nor hard links and folders to be synced, as those of sticks: for what a person puts where
   he likes, never for keys. */
enum { FILE_ANYWHERE = 0 };
enum tg_err file_draft_new(const char *path, mode_t mode, struct file_draft **ret, struct tg_why *why);
enum tg_err file_draft_put(struct file_draft *d, struct slice piece, struct tg_why *why);
/* Takes the draft, also on failure. With `replace` false an existing path is TG_DUPLICATE. */
enum tg_err file_draft_commit(struct file_draft **d, bool replace, struct tg_why *why);
/* Removes what was written. NULL, or a pointer to NULL, is fine. */
void file_draft_free(struct file_draft **d);

/* Makes the folder and those missing above it, each with exactly `mode`. An existing folder is fine
   unless it belongs to somebody else (root excepted) or others could write to it: TG_BAD_INPUT. */
enum tg_err file_mkdir(const char *path, mode_t mode, struct tg_why *why);

/* Holds the folder for this process (file `lock` in it). TG_BUSY when another process does: the why names
   it by its number. The lock goes with the process, however it ends; children made by exec do not have it. */
struct file_lock;
enum tg_err file_lock_take(const char *folder, struct file_lock **ret, struct tg_why *why);
void file_lock_free(struct file_lock **l);


/* Makes durable that path was made, renamed or removed in its folder. */
enum tg_err file_sync_folder(const char *path, struct tg_why *why);

/* Bytes that this process may still write to the file system that holds path. */
enum tg_err file_free_space(const char *path, uint64_t *ret, struct tg_why *why);

/* A file without a name, open for reading and writing, gone when closed. folder NULL: in memory only
   (memfd; it may be swapped, so not for keys). Close-on-exec. */
enum tg_err file_temp(const char *folder, int *ret_fd, struct tg_why *why);

/* Writes all of it to fd, or TG_DISK. */
enum tg_err file_put_fd(int fd, struct slice bytes, struct tg_why *why);

#endif
