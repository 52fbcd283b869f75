#include "os/log.h"

#include "os/clock.h"
#include "proto/buf.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A line stays below PIPE_BUF, so that lines of several processes never mix. */
#define LINE_MAX_BYTES 3500
#define VALUE_MAX_BYTES 512
#define NAMES 64
#define PER_SECOND 100

/* How often an event of one name came in the current second. Names that collide share a place: the newer one
   takes it, which can only print more, never less. */
struct rate {
  const char *name;
  int64_t second;
  uint64_t seen, suppressed;
};

static struct {
  pthread_mutex_t mutex;
  const char *program, *process;
  enum log_level least;
  bool journal;
  void (*sink)(void *, enum log_level, const char *);
  void *sink_arg;
  struct rate rate[NAMES];
} self = {.mutex = PTHREAD_MUTEX_INITIALIZER, .program = "toguna", .least = LOG_NOTICE};

static struct log_pair pair(const char *key, enum log_kind kind, struct slice bytes, uint64_t number)
{
  return (struct log_pair){.key = key, .kind = kind, .bytes = bytes, .number = number};
}

struct log_pair log_text(const char *key, const char *value)
{
  return pair(key, LOG_PAIR_TEXT, slice_str(value ? value : "-"), 0);
}
struct log_pair log_slice(const char *key, struct slice v)
{
  return pair(key, LOG_PAIR_TEXT, v, 0);
}
struct log_pair log_number(const char *key, uint64_t v)
{
  return pair(key, LOG_PAIR_NUMBER, slice_of(NULL, 0), v);
}
struct log_pair log_signed(const char *key, int64_t v)
{
  return pair(key, LOG_PAIR_SIGNED, slice_of(NULL, 0), (uint64_t)v);
}
struct log_pair log_hex(const char *key, struct slice id)
{
  return pair(key, LOG_PAIR_HEX, id, 0);
}
struct log_pair log_err(const char *key, enum tg_err err)
{
  return log_text(key, tg_err_name(err));
}
struct log_pair log_errno(const char *key, int error)
{
  return pair(key, LOG_PAIR_ERRNO, slice_of(NULL, 0), (uint64_t)error);
}
struct log_pair log_why(const struct tg_why *why)
{
  return (struct log_pair){.key = "why", .kind = LOG_PAIR_WHY, .why = why};
}

static bool is_plain(struct slice s)
{
  static const char others[] = "._:/@+-,*";
  for (size_t i = 0; i < s.n; i++) {
    unsigned char c = s.p[i];
    bool word = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    if (!word && (c == 0 || !strchr(others, c)))
      return false;
  }
  return s.n > 0;
}

/* Length of the character at s, or 0 when it must be printed as \xNN. */
static size_t printable(struct slice s)
{
  unsigned char c = s.p[0];
  size_t n = c < 0x80 ? 1 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;
  return n <= s.n && text_valid(slice_of(s.p, n), NULL) ? n : 0;
}

static void put_text(struct buf *line, struct slice s)
{
  bool cut = s.n > VALUE_MAX_BYTES;
  if (is_plain(s) && !cut) {
    buf_put_slice(line, s);
    return;
  }
  if (cut)
    s.n = VALUE_MAX_BYTES;
  buf_put_u8(line, '"');
  while (s.n > 0) {
    size_t n = printable(s);
    if (n == 0)
      buf_printf(line, "\\x%02x", s.p[0]);
    else if (s.p[0] == '"' || s.p[0] == '\\')
      buf_printf(line, "\\%c", s.p[0]);
    else
      buf_put(line, s.p, n);
    s = slice_of(s.p + (n ? n : 1), s.n - (n ? n : 1));
  }
  buf_put_str(line, cut ? "…\"" : "\"");
}

static void put_hex(struct buf *line, struct slice id)
{
  for (size_t i = 0; i < id.n && i < 8; i++)
    buf_printf(line, "%02x", id.p[i]);
  if (id.n == 0)
    buf_put_str(line, "-");
}

static void put_value(struct buf *line, const struct log_pair *p)
{
  char text[512];
  switch (p->kind) {
  case LOG_PAIR_TEXT:
    put_text(line, p->bytes);
    break;
  case LOG_PAIR_NUMBER:
    buf_printf(line, "%llu", (unsigned long long)p->number);
    break;
  case LOG_PAIR_SIGNED:
    buf_printf(line, "%lld", (long long)(int64_t)p->number);
    break;
  case LOG_PAIR_HEX:
    put_hex(line, p->bytes);
    break;
  case LOG_PAIR_ERRNO: {
    const char *sentence = strerrordesc_np((int)p->number);
    put_text(line, slice_str(sentence ? sentence : "unknown error"));
    break;
  }
  case LOG_PAIR_WHY:
    why_render(p->why, NULL, text, sizeof text);
    put_text(line, slice_str(text));
    break;
  }
}

static void put_head(struct buf *line, enum log_level level)
{
  static const struct {
    const char *name, *journal; /* <n> as in sd-daemon(3) */
  } level_of[] = {[LOG_ALARM] = {"alarm", "<1>"},
                  [LOG_ERROR] = {"error", "<3>"},
                  [LOG_NOTICE] = {"notice", "<5>"},
                  [LOG_DEBUG] = {"debug", "<7>"}};
  if (self.journal) {
    buf_put_str(line, level_of[level].journal);
  } else if (!self.sink) {
    char now[25];
    time_print(clock_wall(), now);
    buf_printf(line, "%s %s", now, self.program);
    if (self.process)
      buf_printf(line, "[%s]", self.process);
    buf_put_u8(line, ' ');
  }
  if (self.journal && self.process)
    buf_printf(line, "%s: ", self.process);
  buf_printf(line, "%s ", level_of[level].name);
}

/* False when this one is only counted; else how many were since the last printed one. */
static bool may_print(const char *name, uint64_t *ret_suppressed)
{
  size_t at = 5381;
  for (const char *c = name; *c; c++)
    at = at * 33 + (unsigned char)*c;
  struct rate *r = &self.rate[at % NAMES];
  int64_t second = clock_mono() / 1000;
  if (!r->name || strcmp(r->name, name) != 0)
    *r = (struct rate){.name = name, .second = second};
  if (r->second != second) {
    r->second = second;
    r->seen = 0;
  }
  if (++r->seen > PER_SECOND) {
    r->suppressed++;
    return false;
  }
  *ret_suppressed = r->suppressed;
  r->suppressed = 0;
  return true;
}

static void emit(enum log_level level, struct buf *line)
{
  if (self.sink) {
    buf_put_u8(line, 0);
    self.sink(self.sink_arg, level, (const char *)line->p);
    return;
  }
  buf_put_u8(line, '\n');
  /* There is nobody left to tell when this fails. */
  ssize_t written = write(STDERR_FILENO, line->p, line->n);
  (void)written;
}

void log_write(enum log_level level, const struct log_pair *pairs, size_t n)
{
  uint64_t suppressed = 0;
  struct buf line = buf_new(LINE_MAX_BYTES + 16);
  pthread_mutex_lock(&self.mutex);
  if (level <= self.least && may_print(pairs[0].key, &suppressed)) {
    put_head(&line, level);
    buf_put_str(&line, pairs[0].key);
    size_t i = 1;
    for (; i < n && line.n < LINE_MAX_BYTES - 4 * VALUE_MAX_BYTES - 64; i++) {
      buf_printf(&line, " %s=", pairs[i].key);
      put_value(&line, &pairs[i]);
    }
    if (i < n)
      buf_printf(&line, " left-out=%zu", n - i);
    if (suppressed)
      buf_printf(&line, " suppressed=%llu", (unsigned long long)suppressed);
    emit(level, &line);
  }
  pthread_mutex_unlock(&self.mutex);
  buf_free(&line);
}

void log_open(const char *program, const char *process)
{
  pthread_mutex_lock(&self.mutex);
  self.program = program;
  self.process = process;
  self.journal = getenv("JOURNAL_STREAM") != NULL;
  pthread_mutex_unlock(&self.mutex);
}

void log_set_level(enum log_level least)
{
  pthread_mutex_lock(&self.mutex);
  self.least = least;
  pthread_mutex_unlock(&self.mutex);
}

void log_set_sink(void (*sink)(void *arg, enum log_level level, const char *line), void *arg)
{
  pthread_mutex_lock(&self.mutex);
  self.sink = sink;
  self.sink_arg = arg;
  pthread_mutex_unlock(&self.mutex);
}
