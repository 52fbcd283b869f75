/* The last step of a bulletin of ours: its keys are wrapped to every recipient, it gets its number, and goes to the outbox. Its
   content is the caller's to keep. */
#ifndef TOGUNA_CLIENT_NODE_SEAL_H
#define TOGUNA_CLIENT_NODE_SEAL_H

#include "client/node/plan.h"
#include "proto/body.h"

/* What was built from the wish and the sealed content: everything that an officer approves. */
struct seal_parts {
  struct slice portions[LIMIT_PORTIONS], releases[LIMIT_PORTIONS], subject;
};

/* plan: one that plan_check() lets pass, with no approval lacking. keys: K of each portion. Everything is built in core->arena. */
enum tg_err seal_bulletin(struct node_core *core, const struct plan *plan, const struct seal_parts *parts,
                          const struct body_key *keys, const struct approval *approvals, size_t approval_count,
                          struct hash *ret_id, uint64_t *ret_number, struct tg_why *why);

#endif
