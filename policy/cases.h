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

/* By class of a policy, one topic that falls into it; "" where none can. To be freed. NULL without memory. */
topic_text *case_topics(const struct policy *p);

#endif
