/* One question of a local program, answered by a JSON text. */
#ifndef TOGUNA_CLIENT_NODE_QUERY_H
#define TOGUNA_CLIENT_NODE_QUERY_H

#include "client/node/core.h"

#include <jansson.h>

struct request;

/* What a question is answered with: `json` (owned), or, with verdict not TG_OK, the sentence in `why`. */
struct query {
  size_t n;
  const struct slice *args;
  const struct request *request; /* whose it is */
  json_t *json;
  enum tg_err verdict;
  struct tg_why why;
};

/* The name of the i-th question; NULL past the last. */
const char *query_name(size_t i);

/* Each returns TG_OK or fail-stop. */
enum tg_err query_status(struct node_core *core, struct query *q);
enum tg_err query_doctor(struct node_core *core, struct query *q);    /* doctor.c */
enum tg_err query_directory(struct node_core *core, struct query *q); /* roster.c */
enum tg_err query_documents(struct node_core *core, struct query *q);
enum tg_err query_document(struct node_core *core, struct query *q);
enum tg_err query_journal(struct node_core *core, struct query *q);
enum tg_err query_waiting(struct node_core *core, struct query *q); /* approving.c */
enum tg_err query_explain(struct node_core *core, struct query *q); /* explain.c */
enum tg_err query_prove(struct node_core *core, struct query *q);   /* prove.c */
enum tg_err query_review(struct node_core *core, struct query *q);  /* review.c */

/* ---- JSON of small things; NULL without memory, which ends in TG_NO_MEMORY where it is put together */
json_t *query_text(struct slice text);   /* bytes that are not UTF-8: "" */
json_t *query_hex(const struct hash *h); /* zeros: null */
json_t *query_time(tg_time t);           /* 0: null */
/* A sentence as a program can translate it: {"error", "where", "what", "todo", "args"}. */
json_t *query_why(const struct tg_why *why);

#endif
