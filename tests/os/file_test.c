/* Files: whole or absent, also when the disk fails at any call. */
#include "kit.h"
#include "os/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>

/* The linker leads these here (--wrap): the n-th call fails with an error, counted over all of them. */
static int fail_at, calls, fail_errno;

static bool fails(void)
{
  if (fail_at == 0 || ++calls != fail_at)
    return false;
  errno = fail_errno;
  return true;
}

ssize_t __real_write(int fd, const void *p, size_t n);
int __real_fsync(int fd);
int __real_rename(const char *from, const char *to);
ssize_t __wrap_write(int fd, const void *p, size_t n);
int __wrap_fsync(int fd);
int __wrap_rename(const char *from, const char *to);

/* The file system of a stick: no permissions, no hard links; of some not even a folder can be synced. */
static bool on_stick, folders_fail;
int __real_link(const char *from, const char *to);
int __real_fchmod(int fd, mode_t mode);
int __wrap_link(const char *from, const char *to);
int __wrap_fchmod(int fd, mode_t mode);

int __wrap_link(const char *from, const char *to)
{
  errno = EPERM;
  return on_stick ? -1 : __real_link(from, to);
}
int __wrap_fchmod(int fd, mode_t mode)
{
  errno = EPERM;
  return on_stick ? -1 : __real_fchmod(fd, mode);
}
static bool is_folder_on_stick(int fd)
{
  struct stat st;
  errno = EINVAL;
  return folders_fail && fstat(fd, &st) == 0 && S_ISDIR(st.st_mode);
}

ssize_t __wrap_write(int fd, const void *p, size_t n)
{
  if (fails())
    return -1;
  return __real_write(fd, p, n > 3 ? n / 2 : n); /* short writes are ordinary */
}
int __wrap_fsync(int fd)
{
  return fails() || is_folder_on_stick(fd) ? -1 : __real_fsync(fd);
}
int __wrap_rename(const char *from, const char *to)
{
  return fails() ? -1 : __real_rename(from, to);
}

static char *folder;

static int setup(void **state)
{
  (void)state;
  folder = kit_folder();
  fail_at = 0;
  return 0;
}

static int teardown(void **state)
{
  (void)state;
  fail_at = 0;
  kit_remove(folder);
  return 0;
}

static void assert_holds(const char *path, const char *text)
{
  struct buf b = buf_new(1000);
  assert_int_equal(file_read(path, 1000, &b, NULL), TG_OK);
  assert_true(slice_is(buf_slice(&b), text));
  buf_free(&b);
}

static size_t entries(void)
{
  size_t n = 0;
  DIR *d = opendir(folder);
  assert_non_null(d);
  while (readdir(d))
    n++;
  closedir(d);
  return n - 2;
}

static mode_t mode_of(const char *path)
{
  struct stat st;
  assert_int_equal(stat(path, &st), 0);
  return st.st_mode & 07777;
}

static void a_file_is_replaced_whole(void **state)
{
  (void)state;
  const char *path = kit_path(folder, "key");
  mode_t old = umask(0);
  assert_int_equal(file_write(path, slice_str("one"), 0600, NULL), TG_OK);
  assert_int_equal(mode_of(path), 0600);
  umask(0777);
  assert_int_equal(file_write(path, slice_str("two two"), 0644, NULL), TG_OK);
  umask(old);
  assert_int_equal(mode_of(path), 0644);
  assert_holds(path, "two two");
  assert_int_equal(entries(), 1);
}

/* Every call on the way fails once: what stands there is the old text or, from the rename on, the new one;
   never a mix, never a leftover. */
static void whatever_fails_the_file_is_old_or_new(void **state)
{
  (void)state;
  const char *path = kit_path(folder, "state");
  const int errors[] = {ENOSPC, EIO, EDQUOT};
  for (size_t e = 0; e < sizeof errors / sizeof *errors; e++) {
    int failures = 0;
    for (int n = 1;; n++) {
      fail_at = 0;
      assert_int_equal(file_write(path, slice_str("old content"), 0600, NULL), TG_OK);
      struct tg_why why = {0};
      fail_at = n;
      fail_errno = errors[e];
      calls = 0;
      enum tg_err err = file_write(path, slice_str("the new content"), 0600, &why);
      fail_at = 0;
      if (err == TG_OK) {
        assert_holds(path, "the new content");
        break;
      }
      failures++;
      assert_int_equal(err, TG_DISK);
      assert_non_null(why.what);
      assert_true(why.where[0] != 0);
      struct buf b = buf_new(100);
      assert_int_equal(file_read(path, 100, &b, NULL), TG_OK);
      assert_true(slice_is(buf_slice(&b), "old content") || slice_is(buf_slice(&b), "the new content"));
      buf_free(&b);
      assert_int_equal(entries(), 1);
    }
    assert_true(failures >= 5); /* several writes, two syncs, one rename */
  }
}

static void an_abandoned_draft_leaves_nothing(void **state)
{
  (void)state;
  const char *path = kit_path(folder, "big");
  struct file_draft *d = NULL;
  assert_int_equal(file_draft_new(path, 0600, &d, NULL), TG_OK);
  assert_int_equal(file_draft_put(d, slice_str("piece"), NULL), TG_OK);
  assert_int_not_equal(access(path, F_OK), 0);
  file_draft_free(&d);
  assert_null(d);
  assert_int_equal(entries(), 0);
  assert_int_equal(file_write(path, slice_str("mine"), 0600, NULL), TG_OK);
  assert_int_equal(file_draft_new(path, 0600, &d, NULL), TG_OK);
  assert_int_equal(file_draft_put(d, slice_str("other"), NULL), TG_OK);
  assert_int_equal(file_draft_commit(&d, false, NULL), TG_DUPLICATE);
  assert_null(d);
  assert_holds(path, "mine");
  assert_int_equal(entries(), 1);
}

static void reading_is_bounded_and_never_waits(void **state)
{
  (void)state;
  struct buf b = buf_new(100);
  struct tg_why why;
  const char *path = kit_path(folder, "f");
  assert_int_equal(file_read(path, 10, &b, &why), TG_NOT_FOUND);
  assert_int_equal(file_write(path, slice_str("0123456789"), 0600, NULL), TG_OK);
  assert_int_equal(file_read(path, 9, &b, &why), TG_TOO_BIG);
  assert_int_equal(b.n, 0);
  assert_int_equal(file_read(path, 10, &b, &why), TG_OK);
  assert_int_equal(b.n, 10);
  assert_int_equal(file_read(folder, 10, &b, &why), TG_BAD_INPUT);
  const char *fifo = kit_path(folder, "fifo");
  assert_int_equal(mkfifo(fifo, 0600), 0);
  assert_int_equal(file_read(fifo, 10, &b, &why), TG_BAD_INPUT);
  assert_int_equal(b.n, 10);
  buf_free(&b);
}

static void a_secret_open_to_others_is_refused(void **state)
{
  (void)state;
  struct buf b = buf_new(100);
  struct tg_why why;
  const char *path = kit_path(folder, "pass");
  assert_int_equal(file_write(path, slice_str("x"), 0640, NULL), TG_OK);
  assert_int_equal(file_read_private(path, 10, &b, &why), TG_BAD_INPUT);
  assert_int_equal(b.n, 0);
  assert_int_equal(chmod(path, 0600), 0);
  assert_int_equal(file_read_private(path, 10, &b, &why), TG_OK);
  buf_clear(&b);
  assert_int_equal(chmod(path, 0666), 0);
  assert_int_equal(file_read_trusted(path, 10, &b, &why), TG_BAD_INPUT);
  assert_int_equal(b.n, 0);
  assert_int_equal(chmod(path, 0664), 0); /* a group is somebody's choice */
  assert_int_equal(file_read_trusted(path, 10, &b, &why), TG_OK);
  assert_int_equal(chmod(path, 0600), 0);
  buf_free(&b);
}

static void folders_are_made_with_their_parents(void **state)
{
  (void)state;
  struct tg_why why;
  const char *deep = kit_path(folder, "a/b/c");
  assert_int_equal(file_mkdir(deep, 0700, &why), TG_OK);
  assert_int_equal(mode_of(kit_path(folder, "a")), 0700);
  assert_int_equal(file_mkdir(deep, 0700, &why), TG_OK);
  assert_int_equal(chmod(deep, 0777), 0);
  assert_int_equal(file_mkdir(deep, 0700, &why), TG_BAD_INPUT);
  assert_int_equal(file_write(kit_path(folder, "file"), slice_str(""), 0600, NULL), TG_OK);
  assert_int_equal(file_mkdir(kit_path(folder, "file"), 0700, &why), TG_BAD_INPUT);
  assert_int_equal(file_mkdir(kit_path(folder, "file/x"), 0700, &why), TG_NOT_FOUND);
}

static void a_folder_has_one_master(void **state)
{
  (void)state;
  struct file_lock *mine = NULL;
  assert_int_equal(file_lock_take(folder, &mine, NULL), TG_OK);
  pid_t child = fork();
  if (child == 0) {
    struct file_lock *other = NULL;
    struct tg_why why;
    char pid[24];
    snprintf(pid, sizeof pid, "%ld", (long)getppid());
    bool right = file_lock_take(folder, &other, &why) == TG_BUSY && !strcmp(why.arg[0], pid);
    _exit(right ? 0 : 1);
  }
  int status;
  assert_int_equal(waitpid(child, &status, 0), child);
  assert_int_equal(status, 0);
  file_lock_free(&mine);
  assert_int_equal(file_lock_take(folder, &mine, NULL), TG_OK);
  file_lock_free(&mine);
}

static enum tg_err put_on_stick(mode_t mode, const char *text, bool replace, struct tg_why *why)
{
  struct file_draft *d = NULL;
  enum tg_err err = file_draft_new(kit_path(folder, "stick"), mode, &d, why);
  if (err == TG_OK)
    err = file_draft_put(d, slice_str(text), why);
  return err == TG_OK ? file_draft_commit(&d, replace, why) : err;
}

/* What goes on a stick is whole or absent there too, and overwrites nothing. A key does not lie where everybody may read it. */
static void a_stick_knows_no_permissions_and_no_links(void **state)
{
  (void)state;
  struct tg_why why;
  struct buf text = buf_new(64);
  on_stick = true;
  for (int i = 0; i < 2; i++) {
    folders_fail = i;
    assert_int_equal(put_on_stick(FILE_ANYWHERE, "first", i, &why), TG_OK);
    assert_int_equal(put_on_stick(FILE_ANYWHERE, "second", false, &why), TG_DUPLICATE);
    assert_int_equal(put_on_stick(0600, "a key", false, &why), TG_DISK);
    assert_int_equal(entries(), 1);
    buf_clear(&text);
    assert_int_equal(file_read(kit_path(folder, "stick"), 64, &text, NULL), TG_OK);
    assert_true(slice_is(buf_slice(&text), "first"));
  }
  on_stick = folders_fail = false;
  buf_free(&text);
}

static void nameless_files_have_no_name(void **state)
{
  (void)state;
  int fd;
  for (int i = 0; i < 2; i++) {
    assert_int_equal(file_temp(i ? NULL : folder, &fd, NULL), TG_OK);
    assert_int_equal(file_put_fd(fd, slice_str("abc"), NULL), TG_OK);
    char c;
    assert_int_equal(pread(fd, &c, 1, 2), 1);
    assert_int_equal(c, 'c');
    assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
    close(fd);
  }
  assert_int_equal(entries(), 0);
  uint64_t space;
  assert_int_equal(file_free_space(folder, &space, NULL), TG_OK);
  assert_true(space > 0);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
  const struct CMUnitTest tests[] = {
      T(a_file_is_replaced_whole),
      T(whatever_fails_the_file_is_old_or_new),
      T(an_abandoned_draft_leaves_nothing),
      T(reading_is_bounded_and_never_waits),
      T(a_secret_open_to_others_is_refused),
      T(folders_are_made_with_their_parents),
      T(a_folder_has_one_master),
      T(a_stick_knows_no_permissions_and_no_links),
      T(nameless_files_have_no_name),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
