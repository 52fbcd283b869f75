/* Why a member may, or may not, receive a portion: in one sentence, with the rule's file and line, and only as much as who
   asks may know. */
#ifndef TOGUNA_POLICY_EXPLAIN_H
#define TOGUNA_POLICY_EXPLAIN_H

#include "policy/decide.h"

/* Who asks. A member index: it sees its own rules; of the recipient's rules only "refused by the recipient". */
enum { POLICY_ASKED_BY_ALL = -1 }; /* one who may see every policy: a tool that was given the files, an auditor of both */

struct policy_reason {
  enum policy_stage stage;     /* POLICY_PERMITTED, or the first stage that fails */
  const struct policy *policy; /* whose rule decided; NULL: no rule, or not for who asks. Valid while the set lives unchanged */
  unsigned line;               /* its line; 0: no rule decided (nothing allows it) */
  const struct policy *import_policy; /* when permitted: the recipient's rule, as far as who asks may see it */
  unsigned import_line;
  struct tg_why why; /* the sentence; why.where is "ml.policy:12" or empty. err: TG_OK permitted, TG_REFUSED */
};

/* The reason for one member. Agrees with policy_decide() always. The originator learns all but foreign rules. A recipient
   learns of its own refusal, and that it is permitted. Everybody else, and a recipient that any other stage keeps
   out, gets TG_NOT_FOUND as for a bulletin that does not exist. TG_BAD_INPUT as policy_decide().
   Takes time in proportion to the rules of the two policies, some microseconds. */
enum tg_err policy_explain(const struct policy_set *set, const struct policy_request *request, size_t portion,
                           unsigned member, int asked_by, struct policy_reason *ret);

#endif
