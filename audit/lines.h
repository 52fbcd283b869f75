/* Reading the texts of this room (state files, proofs, evidence) line by line, strictly, with the place of
   whatever is wrong. Not for other rooms. */
#ifndef TOGUNA_AUDIT_LINES_H
#define TOGUNA_AUDIT_LINES_H

#include "proto/buf.h"

struct lines {
  struct slice rest;
  const char *file;
  unsigned number; /* of the line that was read last, from 1 */
  struct tg_why *why;
};

/* file, for sentences, and why are borrowed as long as the lines are read. */
struct lines lines_of(struct slice bytes, const char *file, struct tg_why *why);
/* TG_BAD_INPUT at the line that was read last. */
enum tg_err lines_refuse(const struct lines *l, const char *what, const char *argument);

/* The next whole line. TG_BAD_INPUT at the end. */
enum tg_err lines_take(struct lines *l, struct slice *ret);
/* The next line, which must be this text. */
enum tg_err lines_take_exact(struct lines *l, const char *text);
/* Is the next line "keyword value"? Reads nothing. */
bool lines_next_is(const struct lines *l, const char *keyword);
/* The value of the next line, which must be "keyword value" with one space and a value that is not empty. */
enum tg_err lines_take_value(struct lines *l, const char *keyword, struct slice *ret);
enum tg_err lines_take_number(struct lines *l, const char *keyword, uint64_t max, uint64_t *ret);
enum tg_err lines_take_hash(struct lines *l, const char *keyword, struct hash *ret); /* base64 */
/* A line "keyword <n>", then n bytes, which end in a newline. */
enum tg_err lines_take_block(struct lines *l, const char *keyword, size_t max, struct slice *ret);
void lines_put_block(struct buf *out, const char *keyword, struct slice block);

/* The last line of a state file: "checksum <hex>" with H("label" ‖ all before it), for what follows `from` in
 * out. */
void lines_put_checksum(struct buf *out, size_t from, const char *label);
/* Reads it; `whole` is the text from its first line on, and must end here. */
enum tg_err lines_take_checksum(struct lines *l, struct slice whole, const char *label);

#endif
