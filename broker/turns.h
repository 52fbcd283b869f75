/* Frames that came and wait to be dealt with, taken from members in turn, by bytes, and of each from its nodes in turn: who says much waits for himself, not the others for him (deficit
   round robin), and many nodes say no more than one. The front has them before it hands them to the core, the core while it deals with them, part by part. */
#ifndef TOGUNA_BROKER_TURNS_H
#define TOGUNA_BROKER_TURNS_H

#include "proto/base.h"

struct turns;

struct turns_options {
  uint64_t part;   /* so many bytes of a frame may be dealt with at a time, turns_part(); 0: frames are whole */
  uint64_t window; /* of one member so many bytes may be out: done with here, and not yet said to be with turns_back(). Others go on meanwhile; one frame may always. 0: nobody says it */
  uint32_t (*member)(void *arg, const struct seal_pk *sender); /* whose node is it? Asked when it begins to have something here. NULL: each is a member of its own */
  void *arg;
};

struct turns *turns_new(struct turns_options options); /* NULL without memory */
void turns_free(struct turns *t);
/* A copy of the frame is kept. TG_NO_MEMORY. */
enum tg_err turns_put(struct turns *t, const struct seal_pk *from, struct slice frame);
/* Whose turn it is, and what it said; both there until turns_done() or turns_part(). *ret_begun (may be NULL): a part of it was dealt with. False: nothing waits that may go. */
bool turns_next(struct turns *t, const struct seal_pk **ret_from, struct slice *ret_frame, bool *ret_begun);
/* What turns_next() told last is done with; or a part of it, so many of its bytes are left (1 or more), and others may come before the next. What it cost: bytes, and something for
   each frame. A part that was longer than options.part is a debt, and others have their turns until it is paid, whether or not its member has more to say. */
uint64_t turns_done(struct turns *t);
uint64_t turns_part(struct turns *t, size_t left);
/* So much of what this sender has out is done with. More than that is as much. */
void turns_back(struct turns *t, const struct seal_pk *from, uint64_t cost);
/* Nothing of this sender waits any more. What it would have cost. */
uint64_t turns_forget(struct turns *t, const struct seal_pk *from);
/* Bytes that wait; of this sender's member. */
uint64_t turns_bytes(const struct turns *t);
uint64_t turns_bytes_of(const struct turns *t, const struct seal_pk *from);
/* A sender of whom much waits: */
struct turns_heap {
  struct seal_pk key;
  uint64_t bytes, of_member; /* its own, and all of its member's nodes */
};
/* of those with `least` or more, one of the member with most, and there the one with most. False: nobody has so much. Walks all senders. */
bool turns_most(const struct turns *t, uint64_t least, struct turns_heap *ret);

#endif
