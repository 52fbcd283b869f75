/* Bulletins that not all recipients have answered for in the time that their precedence sets: the operator is told, once for each.
   Nothing is written: after a restart those that still wait are told again. */
#ifndef TOGUNA_BROKER_OVERDUE_H
#define TOGUNA_BROKER_OVERDUE_H

#include "broker/hub_inside.h"

/* A chore: looks at a few hundred bulletins at most. */
enum tg_err overdue(struct hub *hub);

#endif
