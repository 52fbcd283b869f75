/* Alarms for the hooks that ask for them: kept in the store until each of these hooks has had its turn, so that a restart loses none. */
#ifndef TOGUNA_CLIENT_NODE_ALARMS_H
#define TOGUNA_CLIENT_NODE_ALARMS_H

#include "client/node/core.h"

#include <jansson.h>

enum { ALARMS_KEPT = 1000 }; /* the newest; a hook that is further behind sees a gap in `place` */

/* Keeps an event of level NODE_ALARM as part of this turn; nothing where no hook is configured for alarms. */
enum tg_err alarms_keep(struct node_core *core, const struct node_event *event);
/* The place of the newest; 0: never one. */
enum tg_err alarms_last_place(struct node_core *core, uint64_t *ret);
/* The first with a place above `after`, as a hook reads it: what was told then and, of receipts that are overdue, who is silent now. *ret is
   the caller's. TG_NOT_FOUND. */
enum tg_err alarms_after(struct node_core *core, uint64_t after, struct arena *arena, uint64_t *ret_place, json_t **ret);

#endif
