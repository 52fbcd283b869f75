/* What is asked of the policies about a bulletin: built alike when it is verified and, perhaps much later,
   when it is dispatched. */
#ifndef TOGUNA_BROKER_QUESTION_H
#define TOGUNA_BROKER_QUESTION_H

#include "broker/hub_inside.h"
#include "policy/request.h"

/* policy_request_build() over what the hub knows now, sources from its store. *ret_reason is REASON_NONE, or why nothing
   can be asked, with *why (may be NULL): REASON_STANDING, REASON_AUDIENCE, REASON_APPROVALS. */
enum tg_err question_build(struct hub *hub, const struct policy_matter *matter, struct arena *arena,
                           struct policy_request *ret, enum reason *ret_reason, struct tg_why *why);

#endif
