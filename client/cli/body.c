#include "client/cli/body.h"

#include "client/cli/content.h"
#include "client/cli/show.h"
#include "os/clock.h"
#include "os/fault.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { STDIN_MAX = 64 << 20, TELL_AFTER_MS = 1000, TELL_EVERY_MS = 200 };

/* Whoever looks at a terminal learns how far a long one is. */
static void tell_progress(struct body *b)
{
  char sent[SHOW_SIZE], all[SHOW_SIZE];
  int64_t now = clock_mono();
  if (!isatty(STDERR_FILENO) || now - b->began < TELL_AFTER_MS)
    return;
  if (b->sent < b->source.size && now - b->told < TELL_EVERY_MS)
    return;
  b->told = now;
  fprintf(stderr, _("\r%s of %s "), show_size(b->sent, sent), show_size(b->source.size, all));
  if (b->sent == b->source.size)
    fputc('\n', stderr);
}

static ssize_t give(void *context, void *buffer, size_t n)
{
  struct body *b = context;
  ssize_t got;
  if (b->sent == 0)
    b->began = clock_mono();
  do
    got = pread(b->fd, buffer, n, (off_t)b->sent);
  while (got < 0 && errno == EINTR);
  if (got > 0) {
    b->sent += (uint64_t)got;
    tell_progress(b);
  }
  return got;
}

/* The beginning, for its type; all of it when it is not long. */
static enum tg_err look(const char *path, struct body *b, struct tg_why *why)
{
  size_t want = b->source.size < CONTENT_LOOK ? (size_t)b->source.size : 4096;
  uint8_t *room = buf_grow(&b->held, want);
  ssize_t n = room ? pread(b->fd, room, want, 0) : -1;
  if (!room)
    return why_set(why, TG_NO_MEMORY, path, N_("out of memory"), NULL, NULL, NULL, NULL);
  if (n < 0)
    return fault_why(why, TG_BAD_INPUT, path, N_("the content cannot be read: %1$s"), NULL);
  b->type = content_type_of(slice_of(room, (size_t)n), (uint64_t)n == b->source.size);
  buf_free(&b->held);
  return TG_OK;
}

static const char *name_of(const char *path)
{
  const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
  return *name && strlen(name) <= 255 && text_valid(slice_str(name), "") ? name : NULL;
}

static enum tg_err read_stdin(struct body *b, struct tg_why *why)
{
  enum { STEP = 64 * 1024 };
  const char *where = _("standard input");
  for (ssize_t n = 1; n > 0;) {
    size_t before = b->held.n;
    uint8_t *room = buf_grow(&b->held, STEP);
    if (!room)
      return why_set(why, TG_TOO_BIG, where, N_("more than 64 MiB come from standard input"),
                     N_("Save the content to a file and publish that file"), NULL, NULL, NULL);
    do
      n = read(STDIN_FILENO, room, STEP);
    while (n < 0 && errno == EINTR);
    b->held.n = before + (n > 0 ? (size_t)n : 0);
    if (n < 0)
      return fault_why(why, TG_BAD_INPUT, where, N_("the content cannot be read: %1$s"), NULL);
  }
  b->source = (struct toguna_source){.memory = b->held.p ? b->held.p : (const void *)"", .size = b->held.n};
  b->type = content_type_of(buf_slice(&b->held), true);
  return TG_OK;
}

enum tg_err body_open(const char *path, struct body *b, struct tg_why *why)
{
  struct stat st;
  *b = (struct body){.fd = -1, .held = buf_new((size_t)STDIN_MAX + 64 * 1024)};
  if (!strcmp(path, "-"))
    return read_stdin(b, why);
  b->fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a pipe by name is no file: it is not waited for */
  if (b->fd < 0 || fstat(b->fd, &st) != 0)
    return fault_why(why, TG_BAD_INPUT, path, N_("cannot open it: %1$s"), NULL);
  if (!S_ISREG(st.st_mode))
    return why_set(why, TG_BAD_INPUT, path, N_("this is not a regular file"),
                   N_("Give a file, or - to read standard input"), NULL, NULL, NULL);
  b->filename = name_of(path);
  b->source = (struct toguna_source){.read = give, .context = b, .size = (uint64_t)st.st_size};
  return look(path, b, why);
}

void body_text(const char *text, struct body *b)
{
  *b = (struct body){.fd = -1, .held = buf_new(0), .type = "text/plain; charset=utf-8"};
  b->source = (struct toguna_source){.memory = text, .size = strlen(text)};
}

void body_close(struct body *b)
{
  if (b->fd > 0)
    close(b->fd);
  buf_free(&b->held);
  *b = (struct body){.fd = -1};
}
