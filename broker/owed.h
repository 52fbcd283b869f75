/* What is still owed although somebody is suspended. A correction passes from and to suspended members, as a recall does; so that no new
   traffic passes under its name, it then goes to those nodes only that were given what it corrects. */
#ifndef TOGUNA_BROKER_OWED_H
#define TOGUNA_BROKER_OWED_H

#include "broker/hub_inside.h"
#include "proto/subject.h"

/* May this node have it, as far as that goes? Members by index, party: of the recipient node. Both take from hub->item. */
enum tg_err owed_permits(struct hub *hub, const struct subject *subject, unsigned originator, unsigned recipient,
                         const struct party *party, bool *ret);

/* Was the node given the bulletin of this leaf? */
enum tg_err owed_was_given(struct hub *hub, uint64_t leaf, const struct party *party, bool *ret);

#endif
