/* What a turn ordered, in the order in which it arose: kept until its transaction is on the disk, but for what need not wait for it. */
#ifndef TOGUNA_BROKER_EFFECT_H
#define TOGUNA_BROKER_EFFECT_H

#include "broker/hub.h"
#include "proto/frame.h"

struct effects;

enum { EFFECTS_TURN = 1024 * 1024 };

/* full: bytes that may wait for a signature; beyond, the turn is written without it. NULL without memory. */
struct effects *effects_new(uint64_t full);
void effects_free(struct effects *e);

/* TG_NO_MEMORY; TG_INTERNAL: we made a message that breaks our own limits, which cannot happen. *ret_bytes
   (may be NULL): length of the frame. */
enum tg_err effects_send(struct effects *e, const struct seal_pk *peer, enum frame_type type,
                         const ProtobufCMessage *message, size_t *ret_bytes);
enum tg_err effects_cut(struct effects *e, const struct seal_pk *peer);
enum tg_err effects_allow(struct effects *e, const struct hub_peer *peers, size_t count);
enum tg_err effects_tell(struct effects *e, const struct hub_event *event);

/* More waits for a signature than may. */
bool effects_full(const struct effects *e);
/* EFFECTS_TURN bytes are enough for one turn: nothing goes out before its commit, and what is urgent comes only with the next. */
bool effects_enough(const struct effects *e);
bool effects_empty(const struct effects *e);
/* Carries out, before the transaction is on the disk, the frames that say only what an earlier one put there: they name nothing above the signed
   checkpoint. What stands behind another frame or a cut for the same peer waits with it. True: something went. */
bool effects_advance(struct effects *e, const struct hub_effects *to);
/* Carries everything out and forgets it. */
void effects_flush(struct effects *e, const struct hub_effects *to);

#endif
