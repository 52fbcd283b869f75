/* Orders to run the configured hooks: every bulletin of the inbox, or every alarm, in its order, once for each hook.

   One order per hook is out at a time. A hook that fails is tried again with growing pauses; a bulletin that fails
   HOOK_TRIES times is set aside and told, and the next one goes on. A hook's place is in the store: a restart loses no
   bulletin and repeats none whose success was reported and committed. When the node dies while a hook runs, that one runs
   again; the bulletin's id tells. A hook that was not configured before begins with what arrives from then on. */
#ifndef TOGUNA_CLIENT_NODE_HOOKS_H
#define TOGUNA_CLIENT_NODE_HOOKS_H

#include "client/node/core.h"

enum { HOOK_TRIES = 8 };

struct hooks *hooks_new(void); /* NULL without memory */
void hooks_free(struct hooks *h);
/* Reads where each hook is. After inbox_load(). */
enum tg_err hooks_load(struct node_core *core);

/* The inbox has a new row, or there is a new alarm. */
void hooks_offer(struct node_core *core);
/* node_hook_done(). An order that is not under way changes nothing. */
enum tg_err hooks_done(struct node_core *core, uint64_t order, int code);
/* At the end of a turn, before the commit: gives the orders that are due. */
enum tg_err hooks_turn(struct node_core *core);
int64_t hooks_due(const struct node_core *core); /* monotonic; INT64_MAX: nothing waits for a time */

/* Hooks that are waiting to be tried again, and bulletins that were set aside; for status. */
struct hooks_counts {
  uint64_t retrying, set_aside;
};
enum tg_err hooks_counts(struct node_core *core, struct hooks_counts *ret);

#endif
