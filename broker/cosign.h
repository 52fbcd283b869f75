/* Gathers the witnesses' cosignatures of the newest signed checkpoint until the charter's witness quorum has
   spoken. Witnesses are called by a Tick with a checkpoint, at most once a second and never twice for the same
   one; they answer with a Tick. When the quorum is reached everybody gets the note with the cosignatures. An
   idle exchange is therefore settled within about a second, and then silent.

   What witnesses said is on the disk before anybody is told: a restart takes back no settled state, and asks only those who have not spoken.
   Cosignatures of a checkpoint that the log has outgrown meanwhile are let go; its successor covers the same entries. */
#ifndef TOGUNA_BROKER_COSIGN_H
#define TOGUNA_BROKER_COSIGN_H

#include "broker/session.h"

/* At the start, once the log has its signed checkpoint: what the store kept. TG_STALE: more was settled than is signed, or witnesses have
   spoken and the signer remembers nothing. */
enum tg_err cosign_resume(struct hub *hub, struct tg_why *why);
/* Is the newest checkpoint waiting for witnesses? Then sessions that were not called for it are to be. */
bool cosign_is_open(struct hub *hub);
/* The checkpoint that came with a node's Tick. What is no cosignature of that node's own witness key over our
   newest checkpoint is counted and changes nothing. One that our log key signed and that is no part of our log
   is an alarm with evidence, and ends the session. */
enum tg_err cosign_take(struct hub *hub, struct session *s, struct slice note);

#endif
