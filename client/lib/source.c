#include "client/lib/source.h"

#include "os/fault.h"
#include "proto/buf.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* read(2), going on after signals. */
static ssize_t read_some(int fd, void *buffer, size_t n)
{
  ssize_t got;
  do
    got = read(fd, buffer, n);
  while (got < 0 && errno == EINTR);
  return got;
}

static enum tg_err read_pipe(int fd, const char *where, struct source *ret, struct tg_why *why)
{
  enum { STEP = 64 * 1024 };
  struct buf all = buf_new((size_t)SOURCE_PIPE_MAX + STEP);
  enum tg_err err = TG_OK;
  for (ssize_t n = 1; err == TG_OK && n > 0;) {
    size_t before = all.n;
    uint8_t *room = buf_grow(&all, STEP);
    n = room ? read_some(fd, room, STEP) : 0;
    all.n = before + (n > 0 ? (size_t)n : 0);
    if (!room)
      err = why_set(why, TG_NO_MEMORY, where, N_("out of memory"), NULL, NULL, NULL, NULL);
    else if (n < 0)
      err = fault_why(why, TG_BAD_INPUT, where, N_("the content cannot be read: %1$s"), NULL);
    else if (all.n > SOURCE_PIPE_MAX)
      err = why_set(why, TG_TOO_BIG, where, N_("more than 64 MiB come from a pipe"),
                    N_("Save the content to a file and publish that file"), NULL, NULL, NULL);
  }
  if (err != TG_OK) {
    buf_free(&all);
    return err;
  }
  ret->held = all.p;
  ret->held_size = all.cap;
  ret->size = all.n;
  return TG_OK;
}

static enum tg_err open_fd(int fd, bool only_size, const char *where, struct source *ret, struct tg_why *why)
{
  struct stat st;
  if (fstat(fd, &st) != 0)
    return fault_why(why, TG_BAD_INPUT, where, N_("the content cannot be read: %1$s"), NULL);
  if (S_ISDIR(st.st_mode))
    return why_set(why, TG_BAD_INPUT, where, N_("this is a folder, not a file"), NULL, NULL, NULL, NULL);
  if (!S_ISREG(st.st_mode))
    return only_size ? TG_OK : read_pipe(fd, where, ret, why);
  off_t at = lseek(fd, 0, SEEK_CUR);
  if (at < 0)
    return fault_why(why, TG_BAD_INPUT, where, N_("the content cannot be read: %1$s"), NULL);
  ret->size = at < st.st_size ? (uint64_t)(st.st_size - at) : 0;
  return TG_OK;
}

enum tg_err source_open(const struct toguna_source *from, bool only_size, const char *where,
                        struct source *ret, struct tg_why *why)
{
  struct source s = {.from = from};
  enum tg_err err = TG_OK;
  if (from->memory || from->read)
    s.size = from->size;
  else
    err = open_fd(from->fd, only_size, where, &s, why);
  if (err != TG_OK)
    return err;
  s.left = s.size;
  *ret = s;
  return TG_OK;
}

void source_close(struct source *s)
{
  struct buf held = {.p = s->held, .cap = s->held_size};
  buf_free(&held);
  *s = (struct source){0};
}

enum tg_err source_read(struct source *s, void *buffer, size_t n, const char *where, size_t *ret_n,
                        struct tg_why *why)
{
  const struct toguna_source *from = s->from;
  ssize_t got = (ssize_t)(n < s->left ? n : s->left);
  const uint8_t *memory = s->held ? s->held : from->memory;
  if (got == 0) {
    *ret_n = 0;
    return TG_OK;
  }
  if (memory)
    memcpy(buffer, memory + (s->size - s->left), (size_t)got);
  else if (from->read)
    got = from->read(from->context, buffer, (size_t)got);
  else
    got = read_some(from->fd, buffer, (size_t)got);
  if (got < 0 && !memory && !from->read)
    return fault_why(why, TG_BAD_INPUT, where, N_("the content cannot be read: %1$s"), NULL);
  if (got <= 0 || (uint64_t)got > s->left || (size_t)got > n)
    return why_set(why, TG_BAD_INPUT, where, N_("the content ended before it had the size that was stated"),
                   N_("Publish it again when nothing changes it any more"), NULL, NULL, NULL);
  s->left -= (uint64_t)got;
  *ret_n = (size_t)got;
  return TG_OK;
}
