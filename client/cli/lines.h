/* A charter in the making: its lines, each under a key, so that a later line takes the place of an earlier
 * one. */
#ifndef TOGUNA_CLI_LINES_H
#define TOGUNA_CLI_LINES_H

#include "proto/buf.h"

struct lines;

/* NULL without memory. */
struct lines *lines_new(void);
void lines_free(struct lines *l);
/* Sets the line of this key ("member ML"), without its newline; text NULL removes it. */
enum tg_err lines_set(struct lines *l, const char *key, const char *text);
const char *lines_get(const struct lines *l, const char *key);
/* All lines of a document's text, each under its first `words` words as `words` says for its keyword;
   comments, blank lines and the first line are left out. */
enum tg_err lines_read(struct lines *l, struct slice text, size_t (*words)(const char *keyword));
/* The n-th; NULL past the end. ret_key may be NULL. */
const char *lines_at(const struct lines *l, size_t n, const char **ret_key);
void lines_print(const struct lines *l, struct buf *out);

#endif
