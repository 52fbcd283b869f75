/* Bulletins that not all recipients have answered for in the time that their precedence sets: the operator is told and an
   entry logged, once for each, restarts or not. */
#ifndef TOGUNA_BROKER_OVERDUE_H
#define TOGUNA_BROKER_OVERDUE_H

#include "broker/hub_inside.h"

/* At the start: where it was. */
enum tg_err overdue_resume(struct hub *hub);
/* A chore: looks at a few hundred bulletins at most. */
enum tg_err overdue(struct hub *hub);

#endif
