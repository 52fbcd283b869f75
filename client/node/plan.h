/* What becomes of a wish: its subject, who may have which portion by our own policy, and which nodes that means. The same plan is
   made for a preview, before content is taken, and when it is sealed; only the last binds. */
#ifndef TOGUNA_CLIENT_NODE_PLAN_H
#define TOGUNA_CLIENT_NODE_PLAN_H

#include "client/local.h"
#include "client/node/core.h"
#include "proto/header.h"
#include "proto/portion.h"

/* A node that it would be sealed to. */
struct plan_recipient {
  const struct node *node;
  struct sealing_choice key;
  uint32_t portions;
};

/* What a draft that waited for approvals brings along. */
struct plan_given {
  const struct subject *subject; /* what was approved: its times count */
  unsigned approvals;            /* so many */
};

/* Everything in the arena that plan_make() was given, or in the wish. */
struct plan {
  const Tg__LDraft *wish;
  struct subject subject; /* of a new one: portion_root is not known yet */
  bool recall;            /* goes to those who were given what it recalls: no policy is asked */
  size_t portion_count;
  struct release_list list[LIMIT_PORTIONS];
  struct policy_portion portion[LIMIT_PORTIONS];
  struct policy_request request;
  struct policy_decision decision;
  unsigned approvals;     /* our policy demands so many, and there are fewer; 0: none lacks. The decision is that with them */
  struct memberset not_given;   /* it, or we, are suspended, and it was not given what this corrects */
  struct memberset without_key; /* members one of whose nodes has no sealing key */
  size_t recipient_count, recipient_cap;
  struct plan_recipient *recipients; /* ascending by identity key */
};

/* sizes: sealed bytes of each portion; NULL: as they will be, unless compression makes them smaller. given: NULL for a new one. TG_BAD_INPUT, TG_NOT_FOUND (a
   name, source or bulletin), TG_EXPIRED, TG_TOO_BIG, TG_REFUSED, TG_BUSY; fail-stop ones. */
enum tg_err plan_make(struct node_core *core, const Tg__LDraft *wish, const uint64_t *sizes, const struct plan_given *given,
                      struct arena *arena, struct plan *ret, struct tg_why *why);
/* May it leave, once approved: does every portion reach somebody, and is no other obligation unmet? TG_OK or TG_REFUSED with the
   first reason. */
enum tg_err plan_check(struct node_core *core, const struct plan *plan, struct tg_why *why);
/* The audience for people: a line for each member of the release lists, those that get something first, each group by code. */
enum tg_err plan_audience(struct node_core *core, const struct plan *plan, struct arena *arena, Tg__LAudience **ret);
/* Remembers who was in the audience of its topics. */
enum tg_err plan_air(struct node_core *core, const struct plan *plan);

/* The head that a portion's body begins with. */
struct body_head plan_head(const Tg__LPortionDraft *portion);

#endif
