/* What the hub decides by: the directory, and the policies compiled against it. */
#ifndef TOGUNA_BROKER_RULES_H
#define TOGUNA_BROKER_RULES_H

#include "broker/store_document.h"
#include "keys/directory.h"
#include "policy/decide.h"

struct rules {
  struct directory *directory;
  struct policy_set *set; /* NULL while no charter is in force: nobody may send or receive */
  uint64_t charter;       /* the version that the set was compiled against; 0: none */
  struct memberset members, originators, receivers; /* likewise */
  uint64_t generation;                              /* grows whenever a decision may have changed */
  struct {
    uint64_t generation;
    const struct policy_set *set; /* NULL: none yet */
    tg_time at;
    struct hash hash;
  } named; /* what rules_hash() said last */
};

/* A directory of all documents in the store, in their order. TG_DISK: one that was accepted is not acceptable; TG_CONFLICT: it was to an earlier program,
   and is a charter that gives a log another key. why may be NULL. */
enum tg_err rules_replay(struct store *store, const struct hash *exchange, struct directory **ret, struct tg_why *why);
/* The policies of a directory, compiled for the charter in force at `at`. *ret is NULL when none is. */
enum tg_err rules_compile(const struct directory *d, tg_time at, struct policy_set **ret);
/* Time has passed: is another charter, standing or policy in force? Cheap when not. */
enum tg_err rules_advance(struct rules *r, tg_time now);
/* Documents changed that the compiled set does not know of. */
enum tg_err rules_reread(struct rules *r, tg_time now);
void rules_done(struct rules *r);

/* Names every policy in force, for log entries. */
struct hash rules_hash(struct rules *r, tg_time now);

#endif
