/* Preloaded into a daemon and all its processes: counts the calls by which bytes leave a process, and at one of them,
   which a driver names, kills the process, cuts its power or that of the whole daemon, or lets the call fail once. The calls themselves are made as raw
   system calls, so that neither the loader nor a sanitizer's interceptors are asked, and nothing needs a right that a
   sandboxed process has not got. */
#define _GNU_SOURCE
#include "tests/faults/page.h"
#include "tests/faults/undo.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/futex.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#define HOOK __attribute__((visibility("default")))

enum {
  FDS = 4096,
  NAME = 512,
  LOGS = 3,           /* descriptors below are a terminal's or a log's */
  TOGETHER_MS = 3000, /* so long a process waits at most for the others to have undone what was not synced */
};

static struct page *page;
static struct page_role *self;
/* Held over whatever changes files and is remembered to be undone. */
static pthread_mutex_t mutex = PTHREAD_RECURSIVE_MUTEX_INITIALIZER_NP;
static char *names[FDS]; /* of files that were opened by name */

/* ---- the power of the whole daemon */

static void futex_wait(void *word, uint32_t value, const struct timespec *limit)
{
  (void)syscall(SYS_futex, word, FUTEX_WAIT, value, limit, NULL, 0);
}

/* Nothing leaves this thread any more. */
static _Noreturn void stand_still(void)
{
  static uint32_t nothing;
  for (;;)
    futex_wait(&nothing, 0, NULL);
}

static bool is_dark(void)
{
  return page && __atomic_load_n(&page->off, __ATOMIC_SEQ_CST) != 0;
}

static bool all_undone(void)
{
  for (int i = 0; i < PAGE_ROLES; i++) {
    const struct page_role *r = &page->role[i];
    const uint64_t pid = __atomic_load_n(&r->pid, __ATOMIC_SEQ_CST);
    if (pid && !__atomic_load_n(&r->undone, __ATOMIC_SEQ_CST) && (kill((pid_t)pid, 0) == 0 || errno != ESRCH))
      return false;
  }
  return true;
}

/* A thread of its own, for the process may be waiting for anything when the power of its daemon goes off. None ends before all have undone
   theirs: their parent's end would kill them first. It began before the sandbox and is not in it. */
static void *watch(void *unused)
{
  static uint32_t nothing;
  (void)unused;
  while (!is_dark())
    futex_wait(&page->off, 0, NULL);
  pthread_mutex_lock(&mutex);
  undo_all(page->torn);
  __atomic_store_n(&self->undone, 1, __ATOMIC_SEQ_CST);
  for (unsigned i = 0; i < TOGETHER_MS && !all_undone(); i++)
    futex_wait(&nothing, 0, &(struct timespec){.tv_nsec = 1000000});
  (void)syscall(SYS_kill, getpid(), SIGKILL);
  return NULL;
}

static void await_the_dark(void)
{
  pthread_t thread;
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before); /* what the process is sent is for its own threads */
  if (pthread_create(&thread, NULL, watch, NULL) != 0)
    abort();
  pthread_detach(thread);
  pthread_sigmask(SIG_SETMASK, &before, NULL);
}

static _Noreturn void go_dark(void)
{
  __atomic_store_n(&page->off, 1, __ATOMIC_SEQ_CST);
  (void)syscall(SYS_futex, &page->off, FUTEX_WAKE, INT_MAX, NULL, NULL, 0);
  stand_still();
}

/* Around a change of files: it is made and remembered, or neither, when the power goes off. */
static void begin_change(void)
{
  pthread_mutex_lock(&mutex);
  if (!is_dark())
    return;
  pthread_mutex_unlock(&mutex);
  stand_still();
}

static long end_change(long rc)
{
  const int error = errno;
  pthread_mutex_unlock(&mutex);
  errno = error;
  return rc;
}

/* ---- which process this is */

static const char *const roles[PAGE_ROLES][2] = {{"parent"}, {"core"}, {"front", "link"}, {"signer"}, {"window"}, {"hooks"}};

static int role_of(const char *arg0)
{
  const char *colon = strstr(arg0, ": ");
  const char *slash = strrchr(arg0, '/');
  const char *base = slash ? slash + 1 : arg0;
  if (!colon)
    return strncmp(base, "togunad", 7) == 0 || strncmp(base, "toguna-node", 11) == 0 ? 0 : -1;
  for (int i = 1; i < PAGE_ROLES; i++)
    for (int j = 0; j < 2; j++)
      if (roles[i][j] && strcmp(colon + 2, roles[i][j]) == 0)
        return i;
  return -1;
}

__attribute__((constructor)) static void begin(int argc, char **argv)
{
  const char *path = getenv("TOGUNA_FAULTS");
  int role = argc > 0 ? role_of(argv[0]) : -1;
  if (!path || role < 0)
    return;
  int fd = (int)syscall(SYS_openat, AT_FDCWD, path, O_RDWR | O_CLOEXEC, 0);
  void *p = fd >= 0 ? mmap(NULL, sizeof *page, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) : MAP_FAILED;
  if (p == MAP_FAILED)
    abort();
  (void)syscall(SYS_close, fd);
  page = p;
  self = &page->role[role];
  for (int i = 0; role == 0 && i < PAGE_ROLES; i++)
    page->role[i].pid = page->role[i].undone = 0;
  self->undone = 0;
  __atomic_store_n(&self->pid, (uint64_t)getpid(), __ATOMIC_SEQ_CST);
  await_the_dark();
}

__attribute__((destructor)) static void end(void)
{
  if (self)
    undo_what_is_doomed();
}

/* ---- descriptors */

static bool is(int fd, mode_t kind)
{
  struct stat st;
  return fd >= LOGS && fstat(fd, &st) == 0 && (st.st_mode & S_IFMT) == kind;
}

static const char *name_of(int fd)
{
  return fd >= 0 && fd < FDS && names[fd] ? names[fd] : "";
}

static void name(int fd, const char *path)
{
  if (fd < 0 || fd >= FDS)
    return;
  pthread_mutex_lock(&mutex);
  free(names[fd]);
  names[fd] = path ? strdup(path) : NULL;
  pthread_mutex_unlock(&mutex);
}

static bool carries_pieces(int fd)
{
  int type = 0;
  socklen_t n = sizeof type;
  return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &n) == 0 && type == SOCK_STREAM;
}

/* ---- the blow */

static void die(bool cut)
{
  if (cut) {
    pthread_mutex_lock(&mutex);
    undo_all(page->torn);
  }
  raise(SIGKILL);
}

/* One call that matters. can: the faults it can have, as bits. True when it is to fail as *ret_fault says. */
static bool strikes(const char *call, const char *about, unsigned can, enum fault *ret_fault)
{
  if (!self)
    return false;
  if (is_dark())
    stand_still();
  uint64_t n = __atomic_add_fetch(&self->count, 1, __ATOMIC_SEQ_CST);
  self->trace[n % PAGE_TRACE] = (uint8_t)can;
  uint64_t at = __atomic_load_n(&self->at, __ATOMIC_SEQ_CST);
  if (at == 0 || n < at || !(can >> self->fault & 1) || __atomic_exchange_n(&self->struck, 1, __ATOMIC_SEQ_CST))
    return false;
  const char *slash = strrchr(about, '/');
  snprintf(self->what, sizeof self->what, "%s %s", call, slash ? slash + 1 : about);
  self->number = n;
  *ret_fault = (enum fault)self->fault;
  if (*ret_fault == FAULT_KILL || *ret_fault == FAULT_CUT)
    die(*ret_fault == FAULT_CUT);
  if (*ret_fault == FAULT_POWER)
    go_dark();
  return true;
}

#define CAN_DIE (1u << FAULT_KILL | 1u << FAULT_CUT | 1u << FAULT_POWER)
#define CAN_FAIL (CAN_DIE | 1u << FAULT_EIO)
#define CAN_FILL (CAN_FAIL | 1u << FAULT_ENOSPC)

static int code_of(enum fault f)
{
  return f == FAULT_ENOSPC ? ENOSPC : f == FAULT_EINTR ? EINTR : EIO;
}

static long fails(enum fault f)
{
  errno = code_of(f);
  return -1;
}

/* ---- a budget for the disk */

static bool fits(int fd, off_t end)
{
  struct stat st;
  if (!page || !page->budget || fstat(fd, &st) != 0 || end <= st.st_size)
    return true;
  uint64_t grows = (uint64_t)(end - st.st_size), left = __atomic_load_n(&page->budget, __ATOMIC_SEQ_CST);
  while (left > grows)
    if (__atomic_compare_exchange_n(&page->budget, &left, left - grows, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
      return true;
  errno = ENOSPC;
  return false;
}

/* ---- files */

static ssize_t file_write(const char *call, int fd, const void *p, size_t n, off_t at, bool placed)
{
  enum fault f;
  const char *about = name_of(fd);
  if (!placed) {
    int flags = fcntl(fd, F_GETFL);
    at = lseek(fd, 0, flags >= 0 && flags & O_APPEND ? SEEK_END : SEEK_CUR);
  }
  bool blow = strikes(call, about, CAN_FILL | 1u << FAULT_EINTR | 1u << FAULT_SHORT, &f);
  if (blow && f != FAULT_SHORT)
    return fails(f);
  if (blow)
    n = n > 1 ? n / 2 : n;
  if (!fits(fd, at + (off_t)n))
    return -1;
  begin_change();
  if (self && *about)
    undo_write(fd, about, at, n);
  return end_change(placed ? syscall(SYS_pwrite64, fd, p, n, at) : syscall(SYS_write, fd, p, n));
}

static ssize_t any_pwrite(int fd, const void *p, size_t n, off_t at)
{
  if (!self || !is(fd, S_IFREG))
    return syscall(SYS_pwrite64, fd, p, n, at);
  return file_write("pwrite", fd, p, n, at, true);
}
HOOK ssize_t pwrite(int fd, const void *p, size_t n, off_t at)
{
  return any_pwrite(fd, p, n, at);
}
HOOK ssize_t pwrite64(int fd, const void *p, size_t n, off64_t at)
{
  return any_pwrite(fd, p, n, at);
}

static int any_sync(const char *call, long number, int fd)
{
  enum fault f;
  const char *about = name_of(fd);
  const bool folder = is(fd, S_IFDIR);
  if (self && strikes(call, about, CAN_FILL | 1u << FAULT_EINTR, &f)) {
    pthread_mutex_lock(&mutex);
    undo_doomed(about);
    pthread_mutex_unlock(&mutex);
    return (int)fails(f);
  }
  int rc = (int)syscall(number, fd);
  if (!self || rc != 0)
    return rc;
  begin_change(); /* one that ends in the dark has told nobody */
  if (number == SYS_syncfs)
    undo_all_synced();
  else if (folder)
    undo_folder_synced(about);
  else
    undo_synced(about);
  return (int)end_change(rc);
}
HOOK int fsync(int fd)
{
  return any_sync("fsync", SYS_fsync, fd);
}
HOOK int fdatasync(int fd)
{
  return any_sync("fdatasync", SYS_fdatasync, fd);
}
HOOK int syncfs(int fd)
{
  return any_sync("syncfs", SYS_syncfs, fd);
}

static int any_truncate(int fd, off_t size)
{
  enum fault f;
  if (self && strikes("ftruncate", name_of(fd), CAN_FILL, &f))
    return (int)fails(f);
  if (!fits(fd, size))
    return -1;
  begin_change();
  if (self && *name_of(fd))
    undo_truncate(fd, name_of(fd), size);
  return (int)end_change(syscall(SYS_ftruncate, fd, size));
}
HOOK int ftruncate(int fd, off_t size)
{
  return any_truncate(fd, size);
}
HOOK int ftruncate64(int fd, off64_t size)
{
  return any_truncate(fd, size);
}

/* ---- names */

/* The absolute path; false when it is not known. */
static bool full_name(int folder, const char *path, char out[NAME])
{
  if (path[0] != '/' && (folder == AT_FDCWD || !*name_of(folder)))
    return false;
  const int n = path[0] == '/' ? snprintf(out, NAME, "%s", path) : snprintf(out, NAME, "%s/%s", name_of(folder), path);
  return n > 0 && n < NAME;
}

static int any_open(int folder, const char *path, int flags, mode_t mode)
{
  enum fault f;
  char whole[NAME];
  const bool named = self && (flags & O_TMPFILE) != O_TMPFILE && full_name(folder, path, whole);
  struct stat st;
  if (named)
    path = whole;
  const bool makes = named && flags & O_CREAT && lstat(path, &st) != 0;
  if (makes && strikes("open", path, CAN_FILL, &f))
    return (int)fails(f);
  if (makes && page->budget == 1) {
    errno = ENOSPC;
    return -1;
  }
  if (makes)
    begin_change();
  int fd = (int)syscall(SYS_openat, folder, path, flags, mode);
  if (makes && fd >= 0)
    undo_created(path);
  if (makes)
    fd = (int)end_change(fd);
  if (fd >= 0 && self)
    name(fd, named ? path : NULL);
  return fd;
}

#define MODE(flags, ret_mode)                                                                                        \
  do {                                                                                                               \
    if ((flags) & (O_CREAT | __O_TMPFILE)) {                                                                         \
      va_list args;                                                                                                  \
      va_start(args, flags);                                                                                         \
      (ret_mode) = va_arg(args, mode_t);                                                                             \
      va_end(args);                                                                                                  \
    }                                                                                                                \
  } while (0)

HOOK int open(const char *path, int flags, ...)
{
  mode_t mode = 0;
  MODE(flags, mode);
  return any_open(AT_FDCWD, path, flags, mode);
}
HOOK int open64(const char *path, int flags, ...)
{
  mode_t mode = 0;
  MODE(flags, mode);
  return any_open(AT_FDCWD, path, flags, mode);
}
HOOK int openat(int folder, const char *path, int flags, ...)
{
  mode_t mode = 0;
  MODE(flags, mode);
  return any_open(folder, path, flags, mode);
}

HOOK int close(int fd)
{
  if (self)
    name(fd, NULL);
  return (int)syscall(SYS_close, fd);
}

HOOK int rename(const char *from, const char *to)
{
  enum fault f;
  if (self && strikes("rename", to, CAN_FILL, &f))
    return (int)fails(f);
  begin_change();
  if (self)
    undo_rename(from, to);
  return (int)end_change(syscall(SYS_rename, from, to));
}

HOOK int link(const char *from, const char *to)
{
  enum fault f;
  if (self && strikes("link", to, CAN_FILL, &f))
    return (int)fails(f);
  begin_change();
  int rc = (int)syscall(SYS_link, from, to);
  if (self && rc == 0)
    undo_created(to);
  return (int)end_change(rc);
}

HOOK int unlinkat(int folder, const char *path, int flags)
{
  enum fault f;
  struct stat st;
  char whole[NAME];
  if (!self || flags != 0 || !full_name(folder, path, whole) || lstat(whole, &st) != 0 || !S_ISREG(st.st_mode))
    return (int)syscall(SYS_unlinkat, folder, path, flags);
  path = whole;
  if (strikes("unlink", path, CAN_FAIL, &f))
    return (int)fails(f);
  begin_change();
  undo_unlink(path);
  return (int)end_change(syscall(SYS_unlink, path));
}
HOOK int unlink(const char *path)
{
  return unlinkat(AT_FDCWD, path, 0);
}

/* ---- streams */

/* How much of n bytes goes out; -1 with errno when it is to fail. A connection that breaks does so for both ways, as real
   ones do. */
static ssize_t may_send(const char *call, int fd, size_t n)
{
  enum fault f;
  unsigned can = CAN_FAIL | 1u << FAULT_EINTR | (n > 1 && carries_pieces(fd) ? 1u << FAULT_SHORT : 0);
  if (!self || !strikes(call, "socket", can, &f))
    return (ssize_t)n;
  if (f == FAULT_SHORT)
    return (ssize_t)(n / 2);
  if (f == FAULT_EIO) {
    (void)syscall(SYS_shutdown, fd, SHUT_RDWR);
    errno = ECONNRESET;
    return -1;
  }
  return fails(f);
}

HOOK ssize_t sendto(int fd, const void *p, size_t n, int flags, const struct sockaddr *to, socklen_t to_n)
{
  ssize_t most = may_send("send", fd, n);
  return most < 0 ? most : syscall(SYS_sendto, fd, p, (size_t)most, flags, to, to_n);
}
HOOK ssize_t send(int fd, const void *p, size_t n, int flags)
{
  ssize_t most = may_send("send", fd, n);
  return most < 0 ? most : syscall(SYS_sendto, fd, p, (size_t)most, flags, NULL, 0);
}

enum { PIECES = 64 };

HOOK ssize_t sendmsg(int fd, const struct msghdr *m, int flags)
{
  size_t n = 0;
  for (size_t i = 0; i < m->msg_iovlen; i++)
    n += m->msg_iov[i].iov_len;
  ssize_t most = may_send("sendmsg", fd, n);
  if (most < 0)
    return most;
  struct iovec pieces[PIECES];
  struct msghdr copy = *m;
  if ((size_t)most < n && m->msg_iovlen <= PIECES) {
    size_t left = (size_t)most, used = 0;
    for (; left > 0; used++) {
      pieces[used] = m->msg_iov[used];
      pieces[used].iov_len = pieces[used].iov_len < left ? pieces[used].iov_len : left;
      left -= pieces[used].iov_len;
    }
    copy.msg_iov = pieces;
    copy.msg_iovlen = used;
  }
  return syscall(SYS_sendmsg, fd, &copy, flags);
}

HOOK ssize_t write(int fd, const void *p, size_t n)
{
  if (self && is(fd, S_IFREG))
    return file_write("write", fd, p, n, 0, false);
  if (self && is(fd, S_IFSOCK)) {
    ssize_t most = may_send("write", fd, n);
    return most < 0 ? most : syscall(SYS_write, fd, p, (size_t)most);
  }
  return syscall(SYS_write, fd, p, n);
}

/* ---- how much room there is */

HOOK int statvfs(const char *path, struct statvfs *ret)
{
  static int (*real)(const char *, struct statvfs *);
  if (!real)
    real = (int (*)(const char *, struct statvfs *))dlsym(RTLD_NEXT, "statvfs");
  int rc = real(path, ret);
  if (rc == 0 && page && page->budget && ret->f_frsize)
    ret->f_bavail = page->budget / ret->f_frsize;
  return rc;
}
