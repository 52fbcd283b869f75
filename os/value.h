/* Values as people write them, in configuration files and on command lines, and where they go. */
#ifndef TOGUNA_OS_VALUE_H
#define TOGUNA_OS_VALUE_H

#include "proto/base.h"

/* Each kind: as it is written, and what lives at the table's offset. */
enum value_kind {
  VALUE_TEXT,     /* any text: char *, malloc'd */
  VALUE_PATH,     /* a path: char *, malloc'd; absolute when it comes from a configuration file */
  VALUE_NUMBER,   /* 42: uint64_t */
  VALUE_SIZE,     /* 16MiB: uint64_t, bytes */
  VALUE_DURATION, /* 90d 24h 15m 30s: tg_time, ms */
  VALUE_BOOL,     /* yes no: bool */
  VALUE_CHOICE    /* one of a list: unsigned, its place in the list */
};

struct value_limits {
  uint64_t min, max;          /* numbers, sizes, durations (ms), bytes of text; max 0: no upper limit */
  const char *const *choices; /* VALUE_CHOICE: NULL-terminated */
};

/* Parses `text` into *at, which must hold a valid old value (NULL for text); that is freed and replaced only
   on success. `where` goes into the why as it is. `base` is the folder a relative path starts from, NULL:
   left as it is. TG_BAD_INPUT, TG_NO_MEMORY. */
enum tg_err value_set(enum value_kind kind, const struct value_limits *limits, struct slice text,
                      const char *base, void *at, const char *where, struct tg_why *why);
void value_free(enum value_kind kind, void *at);

/* The candidate nearest to a mistyped word, or NULL when none is near (more than a third of its letters
   differ). `next` is called with 0, 1, 2 … and returns NULL at the end. */
const char *value_nearest(struct slice word, const char *(*next)(const void *arg, size_t i), const void *arg);

#endif
