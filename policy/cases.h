/* The finitely many cases that rules tell apart, each with an example in words. Shared by what compares policies (change.c)
   and what checks pins (pins.c). */
#ifndef TOGUNA_POLICY_CASES_H
#define TOGUNA_POLICY_CASES_H

#include "policy/change.h"
#include "policy/plan.h"

/* One case of a policy: what a bulletin would be like. */
struct a_case {
  const char *topic;
  uint8_t level, tlp;
  const struct rule_agency *agency; /* NULL: one that no rule names */
  uint64_t size;
  tg_time time;
};

/* The level and colour at a place among MARKINGS. */
static inline uint8_t case_level(size_t marking) { return (uint8_t)(marking / 5 + 1); }
static inline uint8_t case_tlp(size_t marking) { return (uint8_t)(marking % 5 + 1); }

/* The first rule of a kind that applies to member in this case; NULL: none. */
const struct rule *case_rule(const struct reading *r, enum rule_kind kind, const struct a_case *c,
                             struct country originator, unsigned member);

/* Fills an example, but for line and why. ret may be NULL. */
void case_example(const struct a_case *c, enum policy_effect effect, unsigned originator, unsigned member,
                  struct policy_example *ret);
/* "alert.x SECRET TLP:amber ML/dgse": for sentences. */
void case_print(const struct a_case *c, char out[128]);

/* What two policies tell apart: every pair of classes that some topic falls into, once, each with such a topic. */
struct case_pairs {
  size_t n;
  struct case_pair {
    uint32_t old_class, next_class;
    char *topic; /* points into `topics` */
  } * pair;
  topic_text *topics;
};

/* case_pairs_free() in any case. TG_TOO_BIG: they tell too many topics apart; TG_NO_MEMORY. */
enum tg_err case_pairs(const struct policy *old, const struct policy *next, struct case_pairs *ret);
void case_pairs_free(struct case_pairs *p);

/* Does one of the rule's patterns match all topics of this class of its policy? */
bool case_covers_class(const struct policy *p, const struct rule *r, size_t class);

/* Is there a pin of `old`, in a line after `after`, that `next` drops or weakens (policy_pin_dropped())? ret_example (may be
   NULL) is filled in, but for the originator, when *ret is true. TG_TOO_BIG. */
enum tg_err case_pin_dropped(const struct case_pairs *pairs, const struct policy *old, const struct policy *next, tg_time at,
                             unsigned after, bool *ret, struct policy_example *ret_example);

/* By class of a policy, one topic that falls into it; "" where none can. To be freed. NULL without memory. */
topic_text *case_topics(const struct policy *p);

#endif
