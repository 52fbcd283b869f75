/* The end of a turn: whatever waits for a session and can be sent by now, is. */
#ifndef TOGUNA_BROKER_PUMP_H
#define TOGUNA_BROKER_PUMP_H

#include "broker/hub_inside.h"

enum tg_err pump(struct hub *hub);

#endif
