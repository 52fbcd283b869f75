/* A decision of the hub, made again from charter, policies and bulletin alone. */
#ifndef TOGUNA_REVIEW_REPLAY_H
#define TOGUNA_REVIEW_REPLAY_H

#include "client/review/inside.h"
#include "policy/explain.h"

struct replay {
  struct dossier dossier;
  struct entry entry;
  struct dossier_bulletin *bulletin;
  struct ruling logged, again;
  bool has_logged;
  struct directory *directory; /* as of the entry */
  struct policy_set *set;
  struct policy_request request;
  struct memberset named[LIMIT_PORTIONS];
  struct policy_decision decision;
  struct hash policy_set_hash; /* of the policies that are here */
  uint64_t charter_version;
  json_t *missing; /* sentences: what it could not be made from */
};

/* Everything in r->arena. TG_NOT_FOUND: the bulletin's content is not open here. replay_done() in any case. */
enum tg_err replay_make(struct review *r, uint64_t leaf, struct replay *ret, struct tg_why *why);
void replay_done(struct replay *p);

#endif
