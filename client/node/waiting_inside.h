/* What the files about waiting drafts share. */
#ifndef TOGUNA_CLIENT_NODE_WAITING_INSIDE_H
#define TOGUNA_CLIENT_NODE_WAITING_INSIDE_H

#include "client/node/waiting.h"

enum { APPROVAL_BYTES = 32 + 8 + 64 }; /* of LWaiting.approvals: officer ‖ u64 time ‖ signature */

extern const char WAITING_LABEL[]; /* for record_lock() */

/* The first that waits still, with place > after. TG_NOT_FOUND at the end. */
enum tg_err waiting_open_after(struct node_core *core, uint64_t after, struct arena *arena, struct waiting_row *ret);
/* Writes the row again as `record` has it. */
enum tg_err waiting_put(struct node_core *core, const struct waiting_row *row, enum waiting_state state, tg_time until,
                        const Tg__LWaiting *record);

#endif
