/* What time alone brings about: once a second at most. */
#ifndef TOGUNA_BROKER_CHORES_H
#define TOGUNA_BROKER_CHORES_H

#include "broker/hub_inside.h"

enum tg_err chores(struct hub *hub);

#endif
