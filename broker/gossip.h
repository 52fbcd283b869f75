/* What nodes saw of this log, and what other nodes told them: every frame of a node carries the newest checkpoint that it
   saw. A checkpoint that our log key signed and that is no part of our log means that somebody runs a second log with
   our key, or set ours back: an alarm with evidence, and no secret. Who shows it is shown the proof that it was lied to. */
#ifndef TOGUNA_BROKER_GOSSIP_H
#define TOGUNA_BROKER_GOSSIP_H

#include "broker/session.h"

/* The checkpoint in a frame. *ret_ended: the session was ended by it. */
enum tg_err gossip_heard(struct hub *hub, struct session *s, struct slice note, bool *ret_ended);
/* The node asks whether this checkpoint, which somebody else saw, is a beginning of our log: answers with the proof in
   full, which shows it, or shows others that it is not. *ret_ended as above. */
enum tg_err gossip_prove(struct hub *hub, struct session *s, struct slice other, bool *ret_ended);
/* Answers a Hello whose checkpoint of `size` is no part of our log with the proof that it is not, where there can be one. */
enum tg_err gossip_confess(struct hub *hub, const struct seal_pk *peer, const Tg__Hello *hello, uint64_t size);

#endif
