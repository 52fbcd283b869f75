/* What recipients state about bulletins; notes.h brings it to the originators. */
#ifndef TOGUNA_BROKER_RECEIPTS_H
#define TOGUNA_BROKER_RECEIPTS_H

#include "broker/session.h"

/* Takes a frame of receipts: each goes to its bulletin's originator as a note; deliveries that are done with
 *leave the queue. ret_forged: nothing was taken, because of *why. Too many within an hour end the session. */
enum tg_err receipts_take(struct hub *hub, struct session *s, const Tg__Receipts *m, bool *ret_forged,
                          struct tg_why *why);

#endif
