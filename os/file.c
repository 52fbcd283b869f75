#include "os/file.h"

#include "os/fault.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

/* A draft is a file `.NAME.xxxxxxxx` beside its goal, so that rename(2) stays within one file system.
   Invariants: fd >= 0 until commit or free; temp names an existing file as long as the draft lives. */
struct file_draft {
  int fd;
  bool anywhere; /* FILE_ANYWHERE */
  char *path, *temp;
};

enum tg_err file_put_fd(int fd, struct slice bytes, struct tg_why *why)
{
  while (bytes.n > 0) {
    ssize_t n = write(fd, bytes.p, bytes.n);
    if (n < 0 && errno == EINTR)
      continue;
    if (n < 0)
      return fault_why(why, TG_DISK, NULL, N_("cannot write: %1$s"), NULL);
    bytes = slice_of(bytes.p + n, bytes.n - (size_t)n);
  }
  return TG_OK;
}

/* The folder part of path: "." when there is none. malloc'd. */
static char *folder_of(const char *path)
{
  const char *slash = strrchr(path, '/');
  if (!slash)
    return strdup(".");
  return strndup(path, slash == path ? 1 : (size_t)(slash - path));
}

enum tg_err file_sync_folder(const char *path, struct tg_why *why)
{
  char *folder = folder_of(path);
  if (!folder)
    return why_set(why, TG_NO_MEMORY, path, N_("out of memory"), NULL, NULL, NULL, NULL);
  enum tg_err err = TG_OK;
  int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0 || fsync(fd) != 0)
    err = fault_why(why, TG_DISK, folder, N_("cannot sync the folder to disk: %1$s"), NULL);
  if (fd >= 0)
    close(fd);
  free(folder);
  return err;
}

static char *temp_name(const char *path)
{
  const char *slash = strrchr(path, '/');
  const char *name = slash ? slash + 1 : path;
  char *temp;
  if (asprintf(&temp, "%.*s.%s.%08x", (int)(name - path), path, name, (unsigned)randombytes_random()) < 0)
    return NULL;
  return temp;
}

enum tg_err file_draft_new(const char *path, mode_t mode, struct file_draft **ret, struct tg_why *why)
{
  enum tg_err err;
  struct file_draft *d = calloc(1, sizeof *d);
  if (d) {
    d->fd = -1;
    d->path = strdup(path);
    d->temp = temp_name(path);
  }
  if (!d || !d->path || !d->temp) {
    err = why_set(why, TG_NO_MEMORY, path, N_("out of memory"), NULL, NULL, NULL, NULL);
    goto out;
  }
  d->fd = open(d->temp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
  d->anywhere = mode == FILE_ANYWHERE;
  if (d->fd < 0 || (!d->anywhere && fchmod(d->fd, mode) != 0)) {
    err = fault_why(why, TG_DISK, path, N_("cannot create a file there: %1$s"), NULL);
    goto out;
  }
  *ret = d;
  return TG_OK;
out:
  file_draft_free(&d);
  return err;
}

enum tg_err file_draft_put(struct file_draft *d, struct slice piece, struct tg_why *why)
{
  enum tg_err err = file_put_fd(d->fd, piece, why);
  if (err != TG_OK && why)
    snprintf(why->where, sizeof why->where, "%.150s", d->path);
  return err;
}

/* Moves the finished file to its place. link(2) fails when something is there already, and where the file system has no links so does
   renameat2(2), which not every file system has. */
static int settle(const struct file_draft *d, bool replace)
{
  if (replace)
    return rename(d->temp, d->path);
  if (link(d->temp, d->path) == 0)
    return unlink(d->temp);
  return d->anywhere && errno != EEXIST ? renameat2(AT_FDCWD, d->temp, AT_FDCWD, d->path, RENAME_NOREPLACE) : -1;
}

/* A file system that syncs no folder by itself is synced as a whole. */
static enum tg_err sync_place(const struct file_draft *d, struct tg_why *why)
{
  struct tg_why of_folder = {.err = TG_OK};
  enum tg_err err = file_sync_folder(d->path, &of_folder);
  if (err == TG_OK || (d->anywhere && syncfs(d->fd) == 0))
    return TG_OK;
  if (why)
    *why = of_folder;
  return err;
}

enum tg_err file_draft_commit(struct file_draft **taken, bool replace, struct tg_why *why)
{
  struct file_draft *d = *taken;
  *taken = NULL;
  enum tg_err err = TG_OK;
  if (fsync(d->fd) != 0)
    err = fault_why(why, TG_DISK, d->path, N_("cannot sync to disk: %1$s"), NULL);
  else if (settle(d, replace) != 0)
    err =
        errno == EEXIST
            ? why_set(why, TG_DUPLICATE, d->path, N_("there is such a file already"), N_("Move it away, or choose another name"), NULL, NULL, NULL)
            : fault_why(why, TG_DISK, d->path, N_("cannot put the file in its place: %1$s"), NULL);
  else
    err = sync_place(d, why);
  file_draft_free(&d);
  return err;
}

void file_draft_free(struct file_draft **taken)
{
  struct file_draft *d = taken ? *taken : NULL;
  if (!d)
    return;
  if (d->fd >= 0) {
    close(d->fd);
    unlink(d->temp); /* after a commit nothing is there any more */
  }
  free(d->path);
  free(d->temp);
  free(d);
  *taken = NULL;
}

enum tg_err file_write(const char *path, struct slice content, mode_t mode, struct tg_why *why)
{
  struct file_draft *d = NULL;
  enum tg_err err = file_draft_new(path, mode, &d, why);
  if (err == TG_OK)
    err = file_draft_put(d, content, why);
  if (err == TG_OK)
    return file_draft_commit(&d, true, why);
  file_draft_free(&d);
  return err;
}

static enum tg_err check_private(const char *path, const struct stat *st, struct tg_why *why)
{
  if (st->st_uid != geteuid() && st->st_uid != 0)
    return why_set(why, TG_BAD_INPUT, path, N_("this secret file belongs to another user"),
                   N_("Make it yours (chown), or point to the right file"), NULL, NULL, NULL);
  if (st->st_mode & 077)
    return why_set(why, TG_BAD_INPUT, path, N_("other users may read or change this secret file"),
                   N_("Run: chmod 600 %1$s"), path, NULL, NULL);
  return TG_OK;
}

static enum tg_err read_all(int fd, const char *path, size_t max, struct buf *ret, struct tg_why *why)
{
  for (size_t total = 0;;) {
    uint8_t piece[16384];
    ssize_t n = read(fd, piece, sizeof piece);
    if (n < 0 && errno == EINTR)
      continue;
    if (n < 0)
      return fault_why(why, TG_DISK, path, N_("cannot read: %1$s"), NULL);
    total += (size_t)n;
    if (total <= max)
      buf_put(ret, piece, (size_t)n);
    sodium_memzero(piece, (size_t)n);
    if (total > max || buf_status(ret) != TG_OK) {
      char limit[24];
      snprintf(limit, sizeof limit, "%zu", max);
      return why_set(why, TG_TOO_BIG, path, N_("the file is longer than %1$s bytes"), NULL, limit, NULL,
                     NULL);
    }
    if (n == 0)
      return TG_OK;
  }
}

/* What we do because it says so must not be anybody's to say. */
static enum tg_err check_trusted(const char *path, const struct stat *st, struct tg_why *why)
{
  return st->st_mode & S_IWOTH ? why_set(why, TG_BAD_INPUT, path, N_("everybody on this machine may write to this file"),
                                         N_("Look at what it says, then take that right away: chmod o-w"), NULL, NULL, NULL)
                               : TG_OK;
}

typedef enum tg_err file_check(const char *path, const struct stat *st, struct tg_why *why);

/* check may be NULL. */
static enum tg_err read_checked(const char *path, size_t max, file_check *check, struct buf *ret,
                                struct tg_why *why)
{
  /* O_NONBLOCK: a FIFO in the file's place must not hang us. */
  int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
  if (fd < 0)
    return fault_why(why, TG_DISK, path, N_("cannot open: %1$s"), NULL);
  struct stat st;
  size_t before = ret->n;
  enum tg_err err = TG_OK;
  if (fstat(fd, &st) != 0)
    err = fault_why(why, TG_DISK, path, N_("cannot read: %1$s"), NULL);
  else if (!S_ISREG(st.st_mode))
    err = why_set(why, TG_BAD_INPUT, path, N_("this is not a regular file"), NULL, NULL, NULL, NULL);
  else if (check)
    err = check(path, &st, why);
  if (err == TG_OK)
    err = read_all(fd, path, max, ret, why);
  if (err != TG_OK) {
    if (ret->n > before)
      sodium_memzero(ret->p + before, ret->n - before);
    ret->n = before;
    ret->failed = false;
  }
  close(fd);
  return err;
}

enum tg_err file_read(const char *path, size_t max, struct buf *ret, struct tg_why *why)
{
  return read_checked(path, max, NULL, ret, why);
}

enum tg_err file_read_private(const char *path, size_t max, struct buf *ret, struct tg_why *why)
{
  return read_checked(path, max, check_private, ret, why);
}

enum tg_err file_read_trusted(const char *path, size_t max, struct buf *ret, struct tg_why *why)
{
  return read_checked(path, max, check_trusted, ret, why);
}

enum tg_err file_read_at(const char *path, uint64_t at, size_t n, struct buf *ret, struct tg_why *why)
{
  if (at > INT64_MAX - n)
    return TG_NOT_FOUND;
  int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0)
    return fault_why(why, errno == ENOENT ? TG_NOT_FOUND : TG_DISK, path, N_("cannot open: %1$s"), NULL);
  uint8_t *room = buf_grow(ret, n);
  size_t done = 0;
  ssize_t got = 1;
  while (room && done < n && got > 0) {
    got = pread(fd, room + done, n - done, (off_t)(at + done));
    done += got > 0 ? (size_t)got : 0;
    if (got < 0 && errno == EINTR)
      got = 1;
  }
  close(fd);
  if (!room)
    return TG_NO_MEMORY;
  if (done == n)
    return TG_OK;
  ret->n -= n;
  return got < 0 ? TG_DISK : TG_NOT_FOUND;
}

static enum tg_err make_one(const char *path, mode_t mode, struct tg_why *why)
{
  if (mkdir(path, 0700) == 0)
    return chmod(path, mode) == 0 ? file_sync_folder(path, why)
                                  : fault_why(why, TG_DISK, path, N_("cannot set permissions: %1$s"), NULL);
  if (errno != EEXIST)
    return fault_why(why, TG_DISK, path, N_("cannot make the folder: %1$s"), NULL);
  return TG_OK;
}

enum tg_err file_mkdir(const char *path, mode_t mode, struct tg_why *why)
{
  char *copy = strdup(path);
  enum tg_err err = copy ? TG_OK : TG_NO_MEMORY;
  for (char *c = copy; err == TG_OK && *c; c++) {
    if (c == copy || *c != '/')
      continue;
    *c = 0;
    err = make_one(copy, mode, why);
    *c = '/';
  }
  free(copy);
  if (err == TG_OK)
    err = make_one(path, mode, why);
  if (err != TG_OK)
    return err;
  struct stat st;
  if (stat(path, &st) != 0)
    return fault_why(why, TG_DISK, path, N_("cannot open: %1$s"), NULL);
  if (!S_ISDIR(st.st_mode))
    return why_set(why, TG_BAD_INPUT, path, N_("this is not a folder"), NULL, NULL, NULL, NULL);
  if (st.st_uid != geteuid() && st.st_uid != 0)
    return why_set(why, TG_BAD_INPUT, path, N_("this folder belongs to another user"),
                   N_("Choose another folder, or make this one yours (chown)"), NULL, NULL, NULL);
  if (st.st_mode & 022)
    return why_set(why, TG_BAD_INPUT, path, N_("other users may write to this folder"),
                   N_("Run: chmod go-w %1$s"), path, NULL, NULL);
  return TG_OK;
}

struct file_lock {
  int fd;
};

static enum tg_err held_by_another(int fd, const char *folder, struct tg_why *why)
{
  char pid[24] = "?";
  ssize_t n = pread(fd, pid, sizeof pid - 1, 0);
  if (n > 0)
    pid[strcspn(pid, "\n")] = 0;
  return why_set(why, TG_BUSY, folder, N_("another program (process %1$s) uses this folder"),
                 N_("Stop it first, or choose another folder"), pid, NULL, NULL);
}

enum tg_err file_lock_take(const char *folder, struct file_lock **ret, struct tg_why *why)
{
  char *path, pid[24];
  if (asprintf(&path, "%s/lock", folder) < 0)
    return why_set(why, TG_NO_MEMORY, folder, N_("out of memory"), NULL, NULL, NULL, NULL);
  enum tg_err err;
  struct file_lock *l = calloc(1, sizeof *l);
  int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  int n = snprintf(pid, sizeof pid, "%ld\n", (long)getpid());
  if (!l)
    err = why_set(why, TG_NO_MEMORY, folder, N_("out of memory"), NULL, NULL, NULL, NULL);
  else if (fd < 0)
    err = fault_why(why, TG_DISK, path, N_("cannot open: %1$s"), NULL);
  else if (flock(fd, LOCK_EX | LOCK_NB) != 0)
    err = errno == EWOULDBLOCK ? held_by_another(fd, folder, why)
                               : fault_why(why, TG_DISK, path, N_("cannot lock: %1$s"), NULL);
  else if (ftruncate(fd, 0) != 0 || pwrite(fd, pid, (size_t)n, 0) != n)
    err = fault_why(why, TG_DISK, path, N_("cannot write: %1$s"), NULL);
  else {
    l->fd = fd;
    *ret = l;
    free(path);
    return TG_OK;
  }
  if (fd >= 0)
    close(fd);
  free(l);
  free(path);
  return err;
}

void file_lock_free(struct file_lock **taken)
{
  if (!taken || !*taken)
    return;
  close((*taken)->fd); /* the file stays: removing it would let two processes lock two files of one name */
  free(*taken);
  *taken = NULL;
}

enum tg_err file_free_space(const char *path, uint64_t *ret, struct tg_why *why)
{
  struct statvfs st;
  if (statvfs(path, &st) != 0)
    return fault_why(why, TG_DISK, path, N_("cannot ask how much space is left: %1$s"), NULL);
  *ret = (uint64_t)st.f_bavail * st.f_frsize;
  return TG_OK;
}

enum tg_err file_temp(const char *folder, int *ret_fd, struct tg_why *why)
{
  int fd = folder ? open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600) : memfd_create("toguna", MFD_CLOEXEC);
  if (fd < 0 && folder && (errno == EOPNOTSUPP || errno == EISDIR)) {
    char *name;
    if (asprintf(&name, "%s/.temp.XXXXXX", folder) < 0)
      return why_set(why, TG_NO_MEMORY, folder, N_("out of memory"), NULL, NULL, NULL, NULL);
    fd = mkostemp(name, O_CLOEXEC);
    if (fd >= 0)
      unlink(name);
    free(name);
  }
  if (fd < 0)
    return fault_why(why, TG_DISK, folder, N_("cannot create a file there: %1$s"), NULL);
  *ret_fd = fd;
  return TG_OK;
}
