/* Gathers the witnesses' cosignatures of the newest signed checkpoint until the charter's witness quorum has
   spoken. Witnesses are called by a Tick with a checkpoint, at most once a second and never twice for the same
   one; they answer with a Tick. When the quorum is reached everybody gets the note with the cosignatures. An
   idle exchange is therefore settled within about a second, and then silent.

   Nothing of this is on the disk: whoever restarts asks again. Cosignatures of a checkpoint that the log has
   outgrown meanwhile are let go; its successor covers the same entries. */
#ifndef TOGUNA_BROKER_COSIGN_H
#define TOGUNA_BROKER_COSIGN_H

#include "broker/session.h"

/* Is the newest checkpoint waiting for witnesses? Then sessions that were not called for it are to be. */
bool cosign_is_open(struct hub *hub);
/* The checkpoint that came with a node's Tick. What is no cosignature of that node's own witness key over our
   newest checkpoint is counted and changes nothing. One that our log key signed and that is no part of our log
   is an alarm with evidence, and ends the session. */
enum tg_err cosign_take(struct hub *hub, struct session *s, struct slice note);

#endif
