/* The station that makes facts: what was found about a bulletin goes into the store and the log, in the
   transaction of this turn; its author is answered once that is signed. */
#ifndef TOGUNA_BROKER_SEQUENCE_H
#define TOGUNA_BROKER_SEQUENCE_H

#include "broker/passage.h"

enum tg_err sequence(struct hub *hub, struct passage *p);
/* A bulletin that waited in the store: verified again, sequenced if it waits no longer. Gives up with
   `reason` when that is not REASON_NONE and it still waits. Uses hub->item. */
enum tg_err sequence_parked(struct hub *hub, const struct store_parked *parked, enum reason give_up);
/* Submissions that waited for documents are looked at again: some came. */
enum tg_err sequence_waiting(struct hub *hub);
/* Those whose time to wait is over. */
enum tg_err sequence_overdue(struct hub *hub);

#endif
