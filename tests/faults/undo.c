#define _GNU_SOURCE
#include "tests/faults/undo.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { BLOCK = 4096, PATH = 512 };

enum kind { WRITTEN, CREATED, RENAMED, UNLINKED };

/* Invariant: of a WRITTEN, `bytes` are the n bytes that stood at `at`, and `size` was the file's length; of the others, the
   whole content of what `to` (or `path`) named, when there was something. Newest first. */
struct record {
  enum kind kind;
  bool doomed, was_there;
  bool shorter; /* WRITTEN: the file was cut to a length; that reaches the disk as a whole, or not at all */
  bool kept;    /* a later shortening of the file reached the disk: so did this, as far as anything of it is left */
  char path[PATH], to[PATH];
  off_t at, size;
  size_t n;
  uint8_t *bytes;
  struct record *older;
};

static struct record *newest;

/* Raw calls: this library's own hooks must not see them. */
static int raw_open(const char *path, int flags)
{
  return (int)syscall(SYS_openat, AT_FDCWD, path, flags | O_CLOEXEC, 0600);
}
static void raw_close(int fd)
{
  (void)syscall(SYS_close, fd);
}
static ssize_t raw_pread(int fd, void *to, size_t n, off_t at)
{
  return syscall(SYS_pread64, fd, to, n, at);
}
static void raw_pwrite(int fd, const void *from, size_t n, off_t at)
{
  (void)!syscall(SYS_pwrite64, fd, from, n, at);
}

static struct record *record(enum kind kind, const char *path)
{
  struct record *r = calloc(1, sizeof *r);
  if (!r)
    abort();
  r->kind = kind;
  snprintf(r->path, sizeof r->path, "%s", path);
  r->older = newest;
  newest = r;
  return r;
}

static off_t size_of(int fd)
{
  struct stat st;
  return fstat(fd, &st) == 0 ? st.st_size : 0;
}

static void keep(struct record *r, int fd, off_t at, size_t n)
{
  r->at = at;
  r->bytes = n ? malloc(n) : NULL;
  ssize_t got = r->bytes ? raw_pread(fd, r->bytes, n, at) : 0;
  if (got < 0) { /* it was opened for writing only */
    int own = raw_open(r->path, O_RDONLY);
    got = own >= 0 ? raw_pread(own, r->bytes, n, at) : 0;
    if (own >= 0)
      raw_close(own);
  }
  r->n = got > 0 ? (size_t)got : 0;
}

void undo_write(int fd, const char *path, off_t at, size_t n)
{
  const off_t size = size_of(fd);
  const size_t over = at >= size ? 0 : (size_t)(size - at) < n ? (size_t)(size - at) : n;
  struct record *r = record(WRITTEN, path);
  r->size = size;
  keep(r, fd, at, over);
}

void undo_truncate(int fd, const char *path, off_t size)
{
  const off_t before = size_of(fd);
  struct record *r = record(WRITTEN, path);
  r->size = before;
  r->shorter = true;
  keep(r, fd, size, size < before ? (size_t)(before - size) : 0);
}

static void keep_whole(struct record *r, const char *path)
{
  int fd = raw_open(path, O_RDONLY | O_NOFOLLOW);
  r->was_there = fd >= 0;
  if (fd < 0)
    return;
  keep(r, fd, 0, (size_t)size_of(fd));
  raw_close(fd);
}

void undo_created(const char *path)
{
  record(CREATED, path);
}

void undo_rename(const char *from, const char *to)
{
  struct record *r = record(RENAMED, from);
  snprintf(r->to, sizeof r->to, "%s", to);
  keep_whole(r, to);
}

void undo_unlink(const char *path)
{
  keep_whole(record(UNLINKED, path), path);
}

/* ---- what reached the disk */

static bool in_folder(const char *path, const char *folder)
{
  const size_t n = strlen(folder);
  return strncmp(path, folder, n) == 0 && path[n] == '/' && !strchr(path + n + 1, '/');
}

/* Of one file, of the names in one folder, or, with neither, of everything. */
static void forget(const char *path, const char *folder)
{
  for (struct record **at = &newest; *at;) {
    struct record *r = *at;
    bool gone = path     ? r->kind == WRITTEN && strcmp(r->path, path) == 0
                : folder ? r->kind != WRITTEN && in_folder(r->path, folder)
                         : true;
    if (!gone || r->doomed) {
      at = &r->older;
      continue;
    }
    *at = r->older;
    free(r->bytes);
    free(r);
  }
}

void undo_synced(const char *path)
{
  forget(path, NULL);
}
void undo_folder_synced(const char *path)
{
  forget(NULL, path);
}

void undo_all_synced(void)
{
  forget(NULL, NULL);
}

void undo_doomed(const char *path)
{
  for (struct record *r = newest; r; r = r->older)
    r->doomed |= r->kind == WRITTEN && strcmp(r->path, path) == 0;
}

/* ---- the cut */

static uint64_t mix(uint64_t x)
{
  x ^= x >> 31;
  x *= UINT64_C(0x9e3779b97f4a7c15);
  return x ^ x >> 29;
}

/* All writes to a block go one way. */
static bool survives(const char *path, uint64_t block, uint64_t torn)
{
  uint64_t h = torn;
  for (const char *c = path; *c; c++)
    h = mix(h + (uint8_t)*c);
  return torn && mix(h + block) >> 60 & 1;
}

/* A file system records a new length in one piece, and nothing that was written behind it before that. */
static bool keeps_length(const struct record *newer, uint64_t torn)
{
  if (!newer->shorter || !survives(newer->path, UINT64_MAX - 1, torn))
    return false;
  for (struct record *r = newer->older; r; r = r->older)
    r->kept |= r->kind == WRITTEN && strcmp(r->path, newer->path) == 0;
  return true;
}

static void unwrite(const struct record *r, uint64_t torn)
{
  if (r->kept || keeps_length(r, torn))
    return;
  if (r->shorter)
    torn = 0;
  int fd = raw_open(r->path, O_WRONLY);
  if (fd < 0)
    return;
  for (size_t done = 0; done < r->n;) {
    const off_t at = r->at + (off_t)done;
    size_t n = BLOCK - (size_t)(at % BLOCK);
    n = n < r->n - done ? n : r->n - done;
    if (!survives(r->path, (uint64_t)(at / BLOCK), torn))
      raw_pwrite(fd, r->bytes + done, n, at);
    done += n;
  }
  if (!survives(r->path, UINT64_MAX, torn) || size_of(fd) < r->size)
    (void)!syscall(SYS_ftruncate, fd, r->size);
  raw_close(fd);
}

static void put_back(const struct record *r, const char *path)
{
  int fd = r->was_there ? raw_open(path, O_WRONLY | O_CREAT | O_TRUNC) : -1;
  if (fd < 0)
    return;
  raw_pwrite(fd, r->bytes, r->n, 0);
  raw_close(fd);
}

static void undo(const struct record *r, uint64_t torn)
{
  if (r->kind != WRITTEN && survives(r->path, 0, torn))
    return;
  switch (r->kind) {
  case WRITTEN:
    unwrite(r, torn);
    return;
  case CREATED:
    (void)syscall(SYS_unlink, r->path);
    return;
  case RENAMED:
    if (!r->to[0])
      return;
    (void)syscall(SYS_rename, r->to, r->path);
    put_back(r, r->to);
    return;
  case UNLINKED:
    put_back(r, r->path);
    return;
  }
}

void undo_all(uint64_t torn)
{
  for (const struct record *r = newest; r; r = r->older)
    undo(r, r->doomed ? 0 : torn);
}

void undo_what_is_doomed(void)
{
  for (const struct record *r = newest; r; r = r->older)
    if (r->doomed)
      undo(r, 0);
}
