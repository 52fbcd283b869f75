/* The station that forms an opinion of a bulletin: who says it, by what right, to whom. Changes nothing that
   lasts but allowances. */
#ifndef TOGUNA_BROKER_VERIFY_H
#define TOGUNA_BROKER_VERIFY_H

#include "broker/passage.h"

/* Fills in the passage from its message: state, and what that state says. Everything it points to lives in
   hub->item, or in the message. */
enum tg_err verify(struct hub *hub, struct passage *p);

#endif
