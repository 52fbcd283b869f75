/* Any bytes as a store's write-ahead log and the note of its end: whole, damaged or unknown, never a crash, and nothing is written. */
#include "os/extent.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[] = "/dev/shm/toguna-fuzz-extent-XXXXXX";
static char store[64], note[72], log_[72];

static void put(const char *path, const uint8_t *p, size_t n)
{
  int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (fd < 0 || write(fd, p, n) != (ssize_t)n || close(fd) != 0)
    abort();
}

static off_t size_of(const char *path)
{
  struct stat s;
  return stat(path, &s) == 0 ? s.st_size : -1;
}

static void forget(void)
{
  unlink(note);
  unlink(log_);
  rmdir(folder);
}

static void begin(void)
{
  if (!mkdtemp(folder))
    abort();
  snprintf(store, sizeof store, "%s/store", folder);
  snprintf(note, sizeof note, "%s-end", store);
  snprintf(log_, sizeof log_, "%s-wal", store);
  atexit(forget);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  struct extent *e = NULL;
  struct tg_why why = {0};
  if (!store[0])
    begin();
  const size_t n_note = size < 32 ? size : 32; /* the note first, then the log */
  put(note, data, n_note);
  put(log_, data + n_note, size - n_note);
  const enum tg_err err = extent_open(NULL, store, &e, &why);
  if (err == TG_OK ? extent_was_there(e) != (n_note > 0) /* SQLite knows no empty file */ : err != TG_DISK || !why.what)
    abort();
  extent_free(e);
  if (size_of(note) != (off_t)n_note || size_of(log_) != (off_t)(size - n_note))
    abort();
  return 0;
}
