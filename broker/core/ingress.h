/* Frames on their way into the hub, dealt with in turn and part by part: a Submit of hundreds of bulletins is many milliseconds of work, and whoever says little comes between
   its parts. */
#ifndef TOGUNA_BROKER_CORE_INGRESS_H
#define TOGUNA_BROKER_CORE_INGRESS_H

#include "broker/hub.h"
#include "broker/turns.h"

/* For the frames that wait, of members as turns_options has it; NULL without memory. */
struct turns *ingress_new(uint32_t (*member)(void *arg, const struct seal_pk *sender), void *arg);
/* Gives the hub the next part of what waits; something does. Whose it was, and what it cost as turns_done() has it. Errors of hub_frame(). */
enum tg_err ingress_step(struct turns *waiting, struct hub *hub, struct seal_pk *ret_from, uint64_t *ret_cost);

#endif
