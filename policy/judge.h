/* A request as rules see it, and the answer rule by rule, for one member at a time: the definition that the compiled decision
   must agree with; used for explanations, and for times that are not compiled. */
#ifndef TOGUNA_POLICY_JUDGE_H
#define TOGUNA_POLICY_JUDGE_H

#include "policy/decide.h"
#include "policy/set_state.h"

/* Is the request well formed for this set? TG_OK or TG_BAD_INPUT. */
enum tg_err request_check(const struct policy_set *set, const struct policy_request *q);

/* What a portion is to rules. False: its national label is not mapped by the originator's policy in force; facts then hold what is
   stated. */
bool request_facts(const struct policy_set *set, const struct policy_request *q, size_t portion, struct facts *ret);

struct judgement {
  enum policy_stage stage;            /* the first that fails, or POLICY_PERMITTED */
  const struct reading *reading;      /* whose rule decided; NULL: none did */
  size_t rule;                        /* its index; SIZE_MAX: nothing allows it */
  const struct reading *import;       /* when permitted: of the recipient */
  size_t import_rule;
  unsigned approvals;                 /* how many are required, if that is not met; else 0 */
  bool orcon;                         /* ORCON is required and missing */
  bool else_permitted;                /* refused for obligations, and for nothing else */
  bool kept_from_it;                  /* refused by the recipient, and by its sources too: it was never offered */
};

/* The decision about one portion and one member (index), with its reason. The request must be well formed. */
struct judgement judge(const struct policy_set *set, const struct policy_request *q, size_t portion, unsigned member);

/* The shortest retention that the originator's rules state; 0: none. */
tg_time judge_retention(const struct policy_set *set, const struct policy_request *q, const struct facts *f);

/* May be given onward: without asking, or at least asked about; rule by rule. */
void judge_onward(const struct policy_set *set, const struct policy_request *q, const struct facts *f,
                  struct memberset *ret_allow, struct memberset *ret_any);

#endif
