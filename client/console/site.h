/* The review console as a web site on the loopback interface: the page and what it asks. Read-only. Whoever has
   the address, token included, may look; nobody else learns that there is something. The page asks only this
   site, and is forbidden by its own headers to ask any other. */
#ifndef TOGUNA_CONSOLE_SITE_H
#define TOGUNA_CONSOLE_SITE_H

#include "os/http.h"

#include <jansson.h>

enum { SITE_ADDRESS_MAX = 128 };

struct site;

/* What the page is answered. `question` is a word such as "entries"; arguments by http_argument(). Exactly one
   of *ret_json and *bytes is set: a value, which the site lets go of, or bytes as they are (text or tiles).
   TG_NOT_FOUND for a question that is none. What a person must know goes into *why. */
typedef enum tg_err site_answer(void *arg, struct slice question, const struct http_request *r, json_t **ret_json,
                                struct buf *bytes, struct tg_why *why);

struct site_options {
  int fd; /* of http_listen(); taken, also on failure */
  site_answer *answer;
  void *arg;
};

/* TG_NO_MEMORY, TG_INTERNAL. */
enum tg_err site_new(struct loop *l, const struct site_options *o, struct site **ret, struct tg_why *why);
void site_free(struct site **site);

/* "http://127.0.0.1:7781/TOKEN/": to be told to the person who started it, and to nobody else. */
const char *site_address(const struct site *site);

#endif
