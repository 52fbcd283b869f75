/* What is asked of the policies about a bulletin: built alike when it is verified and, perhaps much later,
   when it is dispatched. */
#ifndef TOGUNA_BROKER_QUESTION_H
#define TOGUNA_BROKER_QUESTION_H

#include "broker/hub_inside.h"
#include "proto/header.h"
#include "proto/portion.h"

struct question {
  struct policy_request request;
  struct memberset named[LIMIT_PORTIONS]; /* the release list of each portion, as members */
};

/* Builds the request, its arrays in the arena. *ret_reason is REASON_NONE, or why nothing can be asked, with
   *why (may be NULL): REASON_STANDING, REASON_AUDIENCE, REASON_APPROVALS. */
enum tg_err question_build(struct hub *hub, const struct header *header, const struct portion *portions,
                           const struct release *releases, size_t count, struct arena *arena,
                           struct question *ret, enum reason *ret_reason, struct tg_why *why);

#endif
