/* What differs between two sets of policies of which one state's differs: every flow to and from that state is decided under
   both, for every class of topics, marking, agency and size that any policy tells apart, and each difference is told. */
#ifndef TOGUNA_CLI_EFFECTS_H
#define TOGUNA_CLI_EFFECTS_H

#include "client/cli/policies.h"
#include "client/cli/show.h"
#include "policy/areas.h"
#include "policy/change.h"

/* What one member gets in one class of topics, before and after: bits by marking. */
struct effect_change {
  uint32_t old, next;
};

/* One comparison. Whoever asks fills in the first half. */
struct effects {
  const struct call *call;
  struct policies p;      /* with the new policy */
  struct policy_set *old; /* the same with the old one */
  const struct policy *old_policy, *next_policy;
  unsigned member; /* whose policies these are */
  tg_time at;
  json_t *list; /* with --json: an object for each effect */
  bool breaks_pin; /* a pin of the new policy does not hold in it */
  struct policy_example pin;
  bool widens;  /* what the hub will ask for, with an example: of whoever asks too, afterwards */
  struct policy_example example;

  size_t told;
  struct areas areas;
  size_t n_sizes;
  uint64_t size[2 * POLICY_SIZES_MAX + 1]; /* ascending; the first is 0 */
  size_t n_aspects;
  struct effect_change *change; /* [aspect][member][class] of the flow looked at */
  struct effect_change *plain;  /* the same of the flow it differs from in agency or size only */
  bool has_plain;
  bool *chosen, *done; /* by class */
  /* The flow looked at. */
  unsigned originator;
  const char *agency; /* NULL: one that no rule names */
  uint64_t above;     /* only bulletins of more bytes */
  unsigned receiver, aspect;
  struct effect_change value;
};

/* Makes room, once the first half is there. TG_TOO_BIG: together they tell too many topics apart. effects_end() in any case,
   also without a beginning. */
enum tg_err effects_begin(struct effects *x, struct tg_why *why);
void effects_end(struct effects *x);
/* Each tells its part, on standard output or into the list; bulletins go through `hub`. TG_NO_MEMORY. */
enum tg_err effects_flows(struct effects *x, const struct country *hub);
enum tg_err effects_retention(struct effects *x, const struct country *hub);
void effects_labels(struct effects *x);
enum tg_err effects_pins(struct effects *x); /* or TG_TOO_BIG */

#endif
