/* Who may receive a bulletin: one answer for all members at once, for every portion. The one function that originator's
   node, hub and recipient's node all run, each over what it may know. No allocation; the time does not depend on the number
   of rules while `time` lies before policy_set_until(). */
#ifndef TOGUNA_POLICY_DECIDE_H
#define TOGUNA_POLICY_DECIDE_H

#include "policy/set.h"

enum {
  POLICY_PORTIONS_MAX = 16,
  POLICY_TOPICS_MAX = 4,
  POLICY_SOURCES_MAX = 16,
  POLICY_HUBS_MAX = 16,
  POLICY_APPROVALS_MAX = 8,
};

/* Stands for every agency that no rule names: no agency has this name (label_valid()). */
#define POLICY_AGENCY_OTHER "*"

/* The stages a member passes, in order; the first that fails is the reason. Numbers are those of Denial.stage. */
enum policy_stage {
  POLICY_PERMITTED = 0,
  POLICY_CHARTER = 1,    /* standing, ceiling, suite */
  POLICY_MARKING = 2,    /* release list, expiry, national label */
  POLICY_EXPORT = 3,
  POLICY_OBLIGATION = 4, /* approvals, ORCON */
  POLICY_TRANSIT = 5,
  POLICY_IMPORT = 6,
  POLICY_SOURCES = 7,
};
/* "charter", ...; "permitted" for 0. Stable, for --json. */
const char *policy_stage_name(enum policy_stage stage);

struct policy_portion {
  uint8_t level; /* 1 UNCLASSIFIED .. 5 TOP-SECRET */
  uint8_t tlp;   /* 1 CLEAR .. 5 RED */
  bool orcon;
  struct slice label; /* national label, empty: none */
  uint64_t size;      /* bytes of the sealed body (Portion.body_size) */
  struct memberset release; /* directory_resolve() at publication: blocs as they stood, exceptions taken out */
};

/* A bulletin that this one derives from. Who decides without knowing it (or may not know it) passes {0}: nobody. */
struct policy_source {
  struct memberset release; /* of the source, as resolved at its publication, and its originator */
  struct memberset granted; /* by grants of its originator, and by its `onward allow` (policy_onward()) */
};

/* All pointers are borrowed for the call. */
struct policy_request {
  unsigned originator;      /* member index */
  struct slice agency;      /* of the sending node, "dgse", or POLICY_AGENCY_OTHER: never empty */
  uint16_t suite;
  bool owed;                /* a recall or correction, which a suspended member still owes and is still owed */
  tg_time time;             /* of this decision: publication, acceptance, dispatch, reading */
  tg_time expires;          /* of the bulletin */
  size_t topic_count;       /* 1..POLICY_TOPICS_MAX; permitted only if permitted under every one */
  const struct slice *topics;
  size_t hub_count;         /* host countries of the hubs on the path, 0..POLICY_HUBS_MAX */
  const struct country *hubs;
  unsigned approvals;       /* different officers with role release whose approvals verified */
  size_t source_count;      /* 0..POLICY_SOURCES_MAX */
  const struct policy_source *sources;
  size_t portion_count;     /* 1..POLICY_PORTIONS_MAX */
  const struct policy_portion *portions;
};

/* The answer for one portion. */
struct policy_verdict {
  struct memberset permitted;
  struct memberset unmet; /* refused for want of an approval or of ORCON only: all other stages let them pass */
  unsigned approvals;     /* how many approvals those in `unmet` take (the highest); 0: approvals are not what lacks */
  bool orcon;             /* those in `unmet`, or some of them, take the caveat ORCON */
  tg_time retain;         /* ms after its creation, when recipients erase it: the shortest that applies; 0: none stated */
};

struct policy_decision {
  size_t portion_count;
  struct policy_verdict portions[POLICY_PORTIONS_MAX];
};

/* Decides. TG_OK, whoever is permitted, be it nobody. TG_BAD_INPUT when the request is malformed (counts, an invalid topic,
   a marking outside its scale, no agency, an unknown originator): *ret then permits nobody. */
enum tg_err policy_decide(const struct policy_set *set, const struct policy_request *request,
                          struct policy_decision *ret);

/* Who may be given a bulletin that its originator marked so, when somebody else wants to pass it on: `request` describes the
   original. allow: without asking (to be or-ed into policy_source.granted); ask: on request of the originator. Nobody is in
   both; an `export deny` of the originator, an ORCON caveat, or no rule at all keep a member out of allow. TG_OK or
   TG_BAD_INPUT (both sets empty). */
enum tg_err policy_onward(const struct policy_set *set, const struct policy_request *request, size_t portion,
                          struct memberset *ret_allow, struct memberset *ret_ask);

#endif
