/* What a turn ordered, in the order in which it arose: kept until its transaction is on the disk. */
#ifndef TOGUNA_BROKER_EFFECT_H
#define TOGUNA_BROKER_EFFECT_H

#include "broker/hub.h"
#include "proto/frame.h"

struct effects;

/* More than this waiting: who has more to send waits for the next turn. */
enum { EFFECTS_FULL = 32 * 1024 * 1024 };

struct effects *effects_new(void); /* NULL without memory */
void effects_free(struct effects *e);

/* TG_NO_MEMORY; TG_INTERNAL: we made a message that breaks our own limits, which cannot happen. *ret_bytes
   (may be NULL): length of the frame. */
enum tg_err effects_send(struct effects *e, const struct seal_pk *peer, enum frame_type type,
                         const ProtobufCMessage *message, size_t *ret_bytes);
enum tg_err effects_cut(struct effects *e, const struct seal_pk *peer);
enum tg_err effects_allow(struct effects *e, const struct seal_pk *keys, size_t count);
enum tg_err effects_tell(struct effects *e, const struct hub_event *event);

bool effects_full(const struct effects *e);
bool effects_empty(const struct effects *e);
/* Carries everything out and forgets it. */
void effects_flush(struct effects *e, const struct hub_effects *to);

#endif
