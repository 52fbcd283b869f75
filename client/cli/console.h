/* What the page of `toguna console` is answered: a review, the log's files where they are at hand, and the keys that
   a charter names. */
#ifndef TOGUNA_CLI_CONSOLE_H
#define TOGUNA_CLI_CONSOLE_H

#include "client/cli/command.h"
#include "client/review/review.h"
#include "client/cli/whose.h"
#include "os/http.h"

#include <jansson.h>

struct console {
  struct review *review;
  const char *files; /* where checkpoint and tiles are; NULL: the review is of a view, which has none */
  const char *place; /* what people called the source */
  const char *charter, *key;
  int64_t fresh; /* clock_mono() when the review was brought up to date */
};

/* A site_answer of client/console/site.h; arg is the struct console. */
enum tg_err console_answer(void *arg, struct slice question, const struct http_request *r, json_t **ret, struct buf *bytes,
                           struct tg_why *why);

#endif
