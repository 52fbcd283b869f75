/* Deliveries on their way to one node: what was sent and is not yet done with. At most as many as its credit.
 */
#ifndef TOGUNA_BROKER_FLIGHT_H
#define TOGUNA_BROKER_FLIGHT_H

#include "broker/session.h"

bool flight_has(const struct session *s, uint64_t leaf);
/* TG_NO_MEMORY. */
enum tg_err flight_add(struct session *s, uint64_t leaf, unsigned rank, uint64_t bytes);
/* Marks one as done with; *ret_rank (may be NULL) is its rank. False: it was not on its way. */
bool flight_done(struct session *s, uint64_t leaf, unsigned *ret_rank);
/* Forgets those marked: once, after any number of marks. */
void flight_sweep(struct session *s);

#endif
