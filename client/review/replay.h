/* A decision of the hub, made again from charter, policies and bulletin alone. */
#ifndef TOGUNA_REVIEW_REPLAY_H
#define TOGUNA_REVIEW_REPLAY_H

#include "client/review/inside.h"
#include "policy/explain.h"
#include "policy/request.h"

/* The documents and policies of a time, from those in the log below an entry. {0} at first; moves on with the entries. */
struct ground {
  struct directory *directory; /* NULL: no charter yet */
  struct policy_set *set;      /* NULL: no charter in force */
  uint64_t leaf;               /* documents below it are in the directory */
  tg_time at;                  /* the set was built for */
  uint64_t generation;         /* changes when the set does */
};

/* Brings the ground to an entry and its time; cheap when nothing but traffic came since. One that goes back begins anew. */
enum tg_err ground_reach(struct review *r, struct ground *g, uint64_t leaf, tg_time at);
void ground_done(struct ground *g);

struct replay {
  struct dossier dossier;
  struct entry entry;
  struct dossier_bulletin *bulletin;
  struct ruling logged, again;
  bool has_logged, sources_unknown; /* the latter of a node only */
  const struct directory *directory; /* the ground's */
  const struct policy_set *set;      /* the ground's */
  struct policy_request request;
  struct policy_decision decision;
  struct hash policy_set_hash; /* of the policies that are here */
  uint64_t charter_version;
  json_t *missing; /* sentences: what it could not be made from */
};

/* Everything in r->arena, directory and set of the ground, which is brought to the entry. TG_NOT_FOUND: the bulletin's content, or the
   charter of its time, is not open here. replay_done() in any case. */
enum tg_err replay_make(struct review *r, uint64_t leaf, struct ground *g, struct replay *ret, struct tg_why *why);
/* The same of the bulletin whose id begins so; errors of file_bulletin(), too. A node has less than a hub: TG_NOT_FOUND and a sentence also
   when what it lacks could be why the outcome differs. */
enum tg_err replay_of(struct review *r, const char *id, struct ground *g, struct replay *ret, struct tg_why *why);
void replay_done(struct replay *p);

/* Do charter and policies give what the hub logged, as far as is open here? */
bool replay_agrees(const struct replay *p);

#endif
