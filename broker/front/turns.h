/* Frames that came and wait for the core, taken from their senders in turn, by bytes: who says much waits for himself, not the others for him (deficit round robin). */
#ifndef TOGUNA_BROKER_FRONT_TURNS_H
#define TOGUNA_BROKER_FRONT_TURNS_H

#include "proto/base.h"

struct turns;

struct turns *turns_new(void); /* NULL without memory */
void turns_free(struct turns *t);
/* A copy of the frame is kept. TG_NO_MEMORY. */
enum tg_err turns_put(struct turns *t, const struct seal_pk *from, struct slice frame);
/* Whose turn it is, and what it said; both there until turns_done(). False: nothing waits. */
bool turns_next(struct turns *t, const struct seal_pk **ret_from, struct slice *ret_frame);
/* What turns_next() told last is done with. */
void turns_done(struct turns *t);
/* Nothing of this sender waits any more. */
void turns_forget(struct turns *t, const struct seal_pk *from);
/* Bytes that wait; of this sender. */
uint64_t turns_bytes(const struct turns *t);
uint64_t turns_bytes_of(const struct turns *t, const struct seal_pk *from);

#endif
