/* What other nodes saw of the hub's log. Every bulletin carries, inside what its originator signs, the newest checkpoint that it
   had seen; a checkpoint that we were not shown ourselves is put to the hub, which must prove that it is a beginning of the log
   that it shows us. A hub that keeps two histories can therefore let nothing pass from the one to the other: the first bulletin
   gives it away to whoever reads it.

   What counts against a hub is what it did: it speaks for half a minute without answering, or says goodbye instead three times. A session that a line
   ended counts for nothing, unless that goes on for an hour.

   Questions are few: the first at once, then one in ten seconds; of each node only its newest checkpoint waits, and as many wait as there are nodes.
   Members take turns, and what is proven is asked about once, whoever named it. Nothing of this is on the disk: after a restart the next bulletin asks
   again. */
#ifndef TOGUNA_CLIENT_NODE_GOSSIP_H
#define TOGUNA_CLIENT_NODE_GOSSIP_H

#include "audit/opening.h"
#include "audit/witness.h"
#include "client/node/core.h"
#include "proto/frame.h"
#include "proto/header.h"

struct gossip *gossip_new(void);
void gossip_free(struct gossip *g);

/* An authentic bulletin that the hub says it logged so; the opening was verified under `under`. *ret_believe false: the hub is not
   to be believed any more, and the session has been ended. */
enum tg_err gossip_hear(struct node_core *core, const struct header *header, const struct opening *opening,
                        const struct witness_state *under, bool *ret_believe);
/* The hub's answer, under the checkpoint of its frame. */
enum tg_err gossip_answer(struct node_core *core, struct slice other, struct slice path);
/* The link had no room for a frame of this type: a question that was lost is asked again. */
void gossip_dropped(struct node_core *core, enum frame_type type);
/* The hub ended the session by its own word. */
void gossip_goodbye(struct node_core *core);
/* A session opened: what was not answered is asked again. */
void gossip_welcome(struct node_core *core);
/* Asks; ends the session with a hub that does not answer. */
enum tg_err gossip_time(struct node_core *core);
int64_t gossip_due(const struct node_core *core); /* monotonic */

#endif
