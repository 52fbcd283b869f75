/* Effects of a turn, kept until what they rest on is on the disk. In order; nothing overtakes. */
#ifndef TOGUNA_CLIENT_NODE_ORDERS_H
#define TOGUNA_CLIENT_NODE_ORDERS_H

#include "client/node/node.h"

struct orders;

struct orders *orders_new(void); /* NULL without memory */
void orders_free(struct orders *o);

/* Each copies what it is given. TG_NO_MEMORY. */
enum tg_err orders_to_hub(struct orders *o, struct slice frame);
enum tg_err orders_connect(struct orders *o, const char *endpoint, const struct seal_pk *hub); /* endpoint NULL: to nobody */
enum tg_err orders_to_client(struct orders *o, uint64_t client, struct slice frame);
enum tg_err orders_close_client(struct orders *o, uint64_t client);
enum tg_err orders_hook(struct orders *o, uint64_t order, size_t hook, struct slice json);
enum tg_err orders_evidence(struct orders *o, const char *name, struct slice text);
/* Events are told in order with the rest: what is told is true. who and why are copied. */
enum tg_err orders_tell(struct orders *o, const struct node_event *event);

/* What the effects said about their queues, since the last call. */
struct orders_queued {
  void *context;
  void (*hub)(void *context, size_t bytes);
  void (*client)(void *context, uint64_t client, size_t bytes);
};

bool orders_only_tell(const struct orders *o); /* nothing but lines of the log, or nothing at all */
/* Hands on the evidence among them, now: before the transaction that says it was found. It is true whether that comes to stand or not, and found
   again when it does not; the other way round a power cut would leave a node that distrusts its hub and cannot show why. */
void orders_keep_evidence(struct orders *o, const struct node_effects *effects);
/* Calls the other effects and forgets them. */
void orders_carry_out(struct orders *o, const struct node_effects *effects, const struct orders_queued *queued);

#endif
