/* The options of a command: one table parses them and writes the help. GNU habits: --name=value, --name
   value, -n value, -nvalue, -abc for flags, -- ends options, options may follow operands, unique beginnings
   of long names do NOT count. */
#ifndef TOGUNA_OS_OPTIONS_H
#define TOGUNA_OS_OPTIONS_H

#include "os/value.h"
#include "proto/buf.h"

struct options_list { /* an option that may be repeated: its values, in order */
  size_t n;
  char **v;
};

enum option_shape {
  OPTION_FLAG, /* no value; a bool becomes true */
  OPTION_ONE,  /* a value of `kind`; given twice is an error */
  OPTION_MANY  /* a struct options_list of texts; commas do not separate */
};

struct option_key {
  const char *name; /* "dry-run" */
  char letter;      /* 'n', or 0 */
  enum option_shape shape;
  enum value_kind kind;
  size_t offset;
  struct value_limits limits;
  const char *placeholder; /* N_("FILE") */
  const char *help;        /* N_() */
};

struct operands { /* point into argv */
  size_t n;
  char **v;
};

/* Parses argv[1..argc-1] into *dest, which holds the defaults (text: NULL or malloc'd). *ret_operands is
   malloc'd: free(v). TG_USAGE with the option in `where` and the nearest known one. On failure *dest is as
   options_free leaves it. */
enum tg_err options_parse(int argc, char **argv, const struct option_key *keys, size_t n, void *dest,
                          struct operands *ret_operands, struct tg_why *why);
void options_free(const struct option_key *keys, size_t n, void *dest);
/* One aligned line per option, wrapped at `width` columns (0: 80). `translate` as in why_render(). */
void options_help(const struct option_key *keys, size_t n, const char *(*translate)(const char *),
                  size_t width, struct buf *ret);

#endif
