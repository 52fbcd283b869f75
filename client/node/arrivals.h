/* Deliveries on their way into the inbox: each is judged, its large bodies are asked for chunk by chunk, survive restarts and
   are checked as a whole; only then does the inbox learn of it. */
#ifndef TOGUNA_CLIENT_NODE_ARRIVALS_H
#define TOGUNA_CLIENT_NODE_ARRIVALS_H

#include "client/node/core.h"
#include "proto/session.pb-c.h"

/* The most content that a body of so many sealed bytes may unfold to. More is unreadable: opening it would take memory and time
   out of proportion to what was sent. Drafts are held to it too. */
static inline uint64_t arrivals_content_max(uint64_t sealed) { return (UINT64_C(1) << 20) + 256 * sealed; }

struct arrivals *arrivals_new(void);
void arrivals_free(struct arrivals *a);
enum tg_err arrivals_load(struct node_core *core);

enum tg_err arrivals_deliver(struct node_core *core, const Tg__Deliver *frame);
enum tg_err arrivals_chunk(struct node_core *core, const Tg__Chunk *frame);
/* A session opened: what is still missing is asked for from where it is. */
enum tg_err arrivals_welcome(struct node_core *core);
/* Before the end of a turn: goes on checking bodies that are complete; asks for another turn when more is left. */
enum tg_err arrivals_turn(struct node_core *core);
/* At the end of a turn: asks for the chunks that are due. */
enum tg_err arrivals_pump(struct node_core *core);
/* The link lost a frame of ours. */
void arrivals_dropped(struct node_core *core, enum frame_type type);
/* The disk has room again, or none any more. */
void arrivals_room_changed(struct node_core *core);
int64_t arrivals_due(const struct node_core *core); /* monotonic */
/* Expiry of what never became complete. */
enum tg_err arrivals_time(struct node_core *core);
/* A bulletin is taken back by `member` before it was complete: forgets it, and says that it was purged. *ret_any: was it coming, and
   that member's? */
bool arrivals_is_coming(const struct node_core *core, const struct hash *id);
enum tg_err arrivals_forget(struct node_core *core, const struct hash *id, struct country member, bool *ret_any);
/* Places in this hub's queue of what came by it and is not complete, max at most; how many. */
size_t arrivals_places(const struct node_core *core, const char *hub, uint64_t *ret, size_t max);
size_t arrivals_count(const struct node_core *core);

#endif
