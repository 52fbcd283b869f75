/* Deliveries on their way into the inbox: each is judged, its large bodies are asked for chunk by chunk, survive restarts and
   are checked as a whole; only then does the inbox learn of it. */
#ifndef TOGUNA_CLIENT_NODE_ARRIVALS_H
#define TOGUNA_CLIENT_NODE_ARRIVALS_H

#include "client/node/core.h"
#include "proto/session.pb-c.h"

struct arrivals *arrivals_new(void);
void arrivals_free(struct arrivals *a);
enum tg_err arrivals_load(struct node_core *core);

enum tg_err arrivals_deliver(struct node_core *core, const Tg__Deliver *frame);
enum tg_err arrivals_chunk(struct node_core *core, const Tg__Chunk *frame);
/* A session opened: what is still missing is asked for from where it is. */
enum tg_err arrivals_welcome(struct node_core *core);
/* Before the end of a turn: goes on checking bodies that are complete; asks for another turn when more is left. */
enum tg_err arrivals_turn(struct node_core *core);
/* Expiry of what never became complete. */
enum tg_err arrivals_time(struct node_core *core);
/* A bulletin is taken back before it was complete: forgets it. *ret_any: was it coming? */
enum tg_err arrivals_forget(struct node_core *core, const struct hash *id, bool *ret_any);
size_t arrivals_count(const struct node_core *core);

#endif
