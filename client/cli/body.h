/* What is published: a file, standard input, or a text. */
#ifndef TOGUNA_CLI_BODY_H
#define TOGUNA_CLI_BODY_H

#include "client/lib/toguna.h"
#include "proto/buf.h"

struct body {
  struct toguna_source source;
  const char *type;     /* as its content looks */
  const char *filename; /* within the path given; NULL: standard input, or it cannot be a name to others */
  int fd;               /* -1: none */
  struct buf held;      /* of standard input, or the beginning of a file */
  uint64_t sent;
  int64_t began, told; /* monotonic */
};

/* Opens a file, or reads standard input to its end for "-". TG_NOT_FOUND, TG_BAD_INPUT, TG_TOO_BIG.
   body_close() in any case; the body must not move in between. */
enum tg_err body_open(const char *path, struct body *b, struct tg_why *why);
/* A short text, borrowed. */
void body_text(const char *text, struct body *b);
void body_close(struct body *b);

#endif
