/* What a program tells the person who runs it: one event, one line, on standard error. Not the audit log.
   Only programs and this room log; pure rooms never do. Safe from any thread; a line is one write(2). */
#ifndef TOGUNA_OS_LOG_H
#define TOGUNA_OS_LOG_H

#include "proto/base.h"

enum log_level {
  LOG_ALARM,  /* somebody cheats, or a broken promise was seen */
  LOG_ERROR,  /* somebody must act; the event says what was lost, or that nothing was */
  LOG_NOTICE, /* worth knowing later: started, connected, refused, stopped */
  LOG_DEBUG   /* only when asked for */
};

enum log_kind {
  LOG_PAIR_TEXT,
  LOG_PAIR_NUMBER,
  LOG_PAIR_SIGNED,
  LOG_PAIR_HEX,
  LOG_PAIR_WHY,
  LOG_PAIR_ERRNO
};

/* One key=value of an event. Made by the functions below, never by hand; borrows what it points to. */
struct log_pair {
  const char *key;
  enum log_kind kind;
  struct slice bytes;
  uint64_t number;
  const struct tg_why *why;
};

/* Keys and event names are literals of lower-case letters, digits and '-'. Values are escaped: text that is
   not plain is quoted, control characters and bytes that are not UTF-8 become \xNN, long text is cut. */
struct log_pair log_text(const char *key, const char *value); /* NULL prints as "-" */
struct log_pair log_slice(const char *key, struct slice value);
struct log_pair log_number(const char *key, uint64_t value);
struct log_pair log_signed(const char *key, int64_t value);
struct log_pair log_hex(const char *key, struct slice id); /* the first 8 bytes: enough to recognise an id */
struct log_pair log_err(const char *key, enum tg_err err);
struct log_pair log_errno(const char *key, int error); /* the system's sentence, in English */
struct log_pair log_why(const struct tg_why *why);     /* why="where: what. todo", in English */

/* Logs one event:
     log_event(LOG_NOTICE, "bulletin-accepted", log_hex("id", id), log_number("leaf", leaf));
   Never give it a secret, a body or a passphrase. More than 100 events of one name within a second are
   counted instead of printed (alarms too: a stranger must not be able to fill a disk), and the next one
   printed carries suppressed=N. */
#define log_event(level, name, ...)                                                                          \
  log_write((level), (const struct log_pair[]){{.key = (name)}, __VA_ARGS__},                                \
            sizeof((const struct log_pair[]){{.key = (name)}, __VA_ARGS__}) / sizeof(struct log_pair))

/* What log_event() calls: pairs[0].key is the event's name, n counts it too. */
void log_write(enum log_level level, const struct log_pair *pairs, size_t n);

/* Names the program, and its process when it is one of several ("togunad", "core"; process may be NULL).
   The strings are kept, not copied. Under the journal (JOURNAL_STREAM) lines begin with <n> and have no
   time; otherwise with the time in Z. The least level printed is LOG_NOTICE until log_set_level(). */
void log_open(const char *program, const char *process);
void log_set_level(enum log_level least);

/* Sends lines (without newline) elsewhere, for tests and for programs that show them; NULL: back to
   standard error. */
void log_set_sink(void (*sink)(void *arg, enum log_level level, const char *line), void *arg);

#endif
