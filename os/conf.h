/* Configuration files: one `keyword value…` per line, '#' begins a comment, a value with spaces stands in
   quotes, where a backslash protects a quote or a backslash. The table of a program reads its file, checks
   it, frees what was read, and prints the annotated default file. */
#ifndef TOGUNA_OS_CONF_H
#define TOGUNA_OS_CONF_H

#include "os/value.h"
#include "proto/buf.h"

/* A line with several words, for keywords that may stand several times: the program gives them meaning. */
struct conf_line {
  unsigned line; /* in the file, from 1; 0 for a default */
  size_t n;
  char **word; /* without the keyword */
};
struct conf_lines {
  size_t n;
  struct conf_line *line;
};

enum conf_shape {
  CONF_ONE,  /* one value, at most one line: lives as enum value_kind says */
  CONF_LINES /* any number of lines of min_words..max_words words each: a struct conf_lines; kind is
                VALUE_TEXT */
};

struct conf_key {
  const char *keyword;
  enum conf_shape shape;
  enum value_kind kind;
  size_t offset; /* in the program's struct */
  struct value_limits limits;
  size_t min_words, max_words; /* CONF_LINES */
  bool required;
  const char *fallback; /* as written in a file; NULL: text stays NULL, numbers 0, no lines */
  const char *example;  /* for the printed file, where there is no fallback; may be NULL */
  const char *help;     /* N_(): a sentence or two */
};

/* Reads path into *conf (a zeroed struct of the program's). Every key gets its value, its fallback or
   nothing. On failure *conf is as conf_free leaves it. TG_BAD_INPUT with "path:line:column" and, for an
   unknown keyword, the nearest known one; TG_NOT_FOUND, TG_TOO_BIG (1 MiB), TG_DISK. Relative paths start at
   the file's folder. */
enum tg_err conf_read(const char *path, const struct conf_key *keys, size_t n, void *conf,
                      struct tg_why *why);
/* The same from memory; `path` is only for messages and relative paths. */
enum tg_err conf_parse(struct slice text, const char *path, const struct conf_key *keys, size_t n, void *conf,
                       struct tg_why *why);
/* Frees all values and zeroes them. */
void conf_free(const struct conf_key *keys, size_t n, void *conf);
/* The annotated default file: reading it back gives the defaults, once required values are filled in.
   `translate` as in why_render(). */
void conf_print(const struct conf_key *keys, size_t n, const char *(*translate)(const char *),
                struct buf *ret);
/* "path:line", for a why about a conf_line that parsed but makes no sense. Returns out. */
const char *conf_where(const char *path, const struct conf_line *line, char out[160]);

#endif
