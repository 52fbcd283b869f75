/* What a policy is read against: who is a member, which blocs exist, where hubs stand. A read-only view filled from the
   directory by policy_world_build(), or by hand in tests and tools, so that this room decides without knowing keys,
   credentials or signatures. */
#ifndef TOGUNA_POLICY_WORLD_H
#define TOGUNA_POLICY_WORLD_H

#include "keys/memberset.h"
#include "keys/name.h"

enum { POLICY_SUITES_MAX = 8, POLICY_PLACES_MAX = 64 };

/* A member by its bit in membersets. code is "" for an index that is no member now: it then neither sends nor gets. */
struct policy_member {
  struct country code;
  bool originates; /* may originate new bulletins */
  bool receives;   /* may receive new bulletins */
  bool connects;   /* may exchange what is still owed: recalls and corrections */
  uint8_t ceiling; /* highest level it may originate or receive, 1..5 */
};

/* A bloc from `since` until the next entry of the same name. exists == false: dissolved by then. */
struct policy_bloc {
  char name[BLOC_MAX + 1];
  tg_time since;
  bool exists;
  struct memberset members;
};

struct policy_agency {
  unsigned member;
  char name[LABEL_MAX + 1]; /* "dgse" */
};

/* An open structure of borrowed arrays. Invariants: member_count <= MEMBERS_MAX; blocs ascend by (name, since);
   place_count <= POLICY_PLACES_MAX. Two worlds of one directory agree on indexes, so their sets may be compared. */
struct policy_world {
  tg_time at; /* blocs in rules are read as they stood then, unless the rule says `as-of` */
  size_t member_count;
  const struct policy_member *members;
  size_t bloc_count;
  const struct policy_bloc *blocs;
  size_t agency_count;
  const struct policy_agency *agencies;
  size_t place_count;
  const struct country *places; /* host countries of all hubs; a country twice does no harm */
  size_t suite_count;
  uint16_t suites[POLICY_SUITES_MAX];
};

struct directory;

/* The world as the directory knows it at `at`; a copy, free with policy_world_free(). Build it anew, and hand it to
   policy_set_world(), after each charter, withdrawal or credential and when a charter becomes effective.
   TG_NO_MEMORY; TG_NOT_FOUND when no charter is in force; TG_TOO_BIG beyond POLICY_PLACES_MAX host countries. */
enum tg_err policy_world_build(const struct directory *d, tg_time at, struct policy_world **ret);
/* Would it be the same at `at`, no document having come to the directory since? False also when in doubt. */
bool policy_world_holds(const struct policy_world *w, const struct directory *d, tg_time at);
/* A deep copy that owns its arrays. NULL without memory. */
struct policy_world *policy_world_copy(const struct policy_world *w);
/* A copy in which states have joined that are no members of w: from index w->member_count on, one in each combination of these blocs, none
   included; of more than POLICY_JOINED_BLOCS, or where there is no room for so many, one in none, one in each, one in all. No rule names them; blocs as
   they stood before w->at are without them. NULL without memory. */
enum { POLICY_JOINED_BLOCS = 6 };
struct policy_world *policy_world_joined(const struct policy_world *w, const struct slice *bloc, size_t n);
/* How many that are; 0: there is no room for them (MEMBERS_MAX), nobody has joined, and what they would be told is not known. */
size_t policy_world_joiners(const struct policy_world *w, size_t n);
/* Is the i-th of those who joined w in the k-th of n blocs? */
bool policy_world_joined_is_in(const struct policy_world *w, size_t i, size_t k, size_t n);
/* Only for what build, copy and joined returned. NULL is fine. */
void policy_world_free(struct policy_world *w);

/* Index of a member by code; -1 when there is none. */
int policy_world_member(const struct policy_world *w, struct country code);
/* All indexes that are members. */
struct memberset policy_world_everyone(const struct policy_world *w);
/* Members of a bloc at a time; false when no such bloc existed then. */
bool policy_world_bloc(const struct policy_world *w, struct slice name, tg_time at, struct memberset *ret);

#endif
