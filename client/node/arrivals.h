/* Deliveries on their way into the inbox: each is judged, its large bodies are asked for chunk by chunk, survive restarts and
   are checked as a whole; only then does the inbox learn of it. */
#ifndef TOGUNA_CLIENT_NODE_ARRIVALS_H
#define TOGUNA_CLIENT_NODE_ARRIVALS_H

#include "client/node/core.h"
#include "client/node/judge.h"
#include "proto/session.pb-c.h"

/* The most content that a body of so many sealed bytes may unfold to. More is unreadable: opening it would take memory and time
   out of proportion to what was sent. Drafts are held to it too. */
static inline uint64_t arrivals_content_max(uint64_t sealed) { return (UINT64_C(1) << 20) + 256 * sealed; }

struct arrivals *arrivals_new(void);
void arrivals_free(struct arrivals *a);
enum tg_err arrivals_load(struct node_core *core);

/* A frame of deliveries under the newest checkpoint. They are set aside, and so is what core->arena holds, the frame: they are taken in in this turn and those
   that follow, the most urgent first, of one precedence in the order in which they came. Nothing is said of one before. No more than the credit that was
   granted waits. */
enum tg_err arrivals_deliver(struct node_core *core, const Tg__Deliver *frame);
/* Takes in a few of them. *ret_more: others may be taken in in the same turn. */
enum tg_err arrivals_step(struct node_core *core, bool *ret_more);
/* The session ends, and no fault of the hub's ended it: what came in it is taken in. */
enum tg_err arrivals_take_all(struct node_core *core);
/* A session ended: what waits is forgotten, the hub brings it again. */
void arrivals_drop_aside(struct node_core *core);
/* A bundle brought all of it, and it was judged: its bodies are in the depot, not owned yet, one for each of its portions. They are opened in
   the turns that follow; while that lasts arrivals_is_coming(). TG_BUSY: too many are under way. */
bool arrivals_may_carry(const struct node_core *core, size_t n);
enum tg_err arrivals_carry(struct node_core *core, const Tg__Delivery *message, const struct judged *j, const uint64_t *bodies);
enum tg_err arrivals_chunk(struct node_core *core, const Tg__Chunk *frame);
/* For Hello: what is missing of deliveries that came by this hub, from where each is, the urgent first; max at most. In core->arena. *ret_n: how
   many; ret[i] points to them. */
enum tg_err arrivals_wants(struct node_core *core, const char *hub, Tg__Want **ret, size_t max, size_t *ret_n);
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
