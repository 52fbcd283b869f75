/* What a change of policies, blocs or members would open, found exhaustively before it is accepted. Topics are infinite in
   number, but rules tell only finitely many classes of them apart: one topic of each class is tried, with every level, TLP,
   agency named, size limit and date. */
#ifndef TOGUNA_POLICY_CHANGE_H
#define TOGUNA_POLICY_CHANGE_H

#include "policy/set.h"

enum policy_effect {
  POLICY_OPENS_EXPORT = 1, /* originator now tells member */
  POLICY_OPENS_IMPORT,     /* member now accepts from originator */
  POLICY_OPENS_ONWARD,     /* others may now pass on to member without asking, or may now ask */
  POLICY_DROPS_OBLIGATION, /* fewer approvals, or no ORCON, for the same flow */
  POLICY_OPENS_TRANSIT,    /* may now pass a hub in `place` */
  POLICY_LENGTHENS_RETENTION,
  POLICY_OPENS_LABEL,      /* a label now reads lower, or reads at all */
  POLICY_DROPS_PIN,        /* something that a pin forbade is not forbidden any more, whether a rule permits it or not */
};

/* One flow, as an example. */
struct policy_example {
  enum policy_effect effect;
  unsigned originator, member; /* indexes; MEMBERS_MAX: somebody who joins later; member also where the effect has no recipient */
  char topic[72];
  uint8_t level, tlp;
  char agency[LABEL_MAX + 1]; /* "" : any agency that no rule names */
  uint64_t size;
  tg_time time;
  struct country place;
  unsigned line;               /* rule (of the new policy) or pin (POLICY_DROPS_PIN: of the old one) that it is about; 0: none */
  struct tg_why why;           /* in words */
};

/* Does `next`, in force from `from`, permit anything that `old` did not at the same moment, now or at any later time?
   Whoever joins the exchange later counts as well, in any of the blocs that the two name: `to SN NG` opens something when it becomes `to *`, whoever is a member
   today. A member that joins another bloc does not: that is the quorum's doing, and for pins. old == NULL: a first policy, never widening. Counted as widening: every policy_effect. A new policy that lives longer than
   an expiring old one widens. TG_OK with *ret; ret_example may be NULL and is filled in when *ret is true.
   TG_BAD_INPUT: of different members; TG_TOO_BIG: together they tell too many cases apart, or there is no room for who might join; TG_NO_MEMORY. */
enum tg_err policy_widens(const struct policy *old, const struct policy *next, const struct policy_world *world,
                          tg_time from, bool *ret, struct policy_example *ret_example);

/* Is there a pin of `old`, in a line after `after` (0: in any), that `next` drops or weakens: does something that it forbids
   stand under no pin of `next` that names the same members, or more, whatever blocs and members there will be? ret_example
   (may be NULL), with the line of the pin, is filled in when *ret is true. TG_OK; TG_BAD_INPUT: of different members;
   TG_TOO_BIG; TG_NO_MEMORY. */
enum tg_err policy_pin_dropped(const struct policy *old, const struct policy *next, const struct policy_world *world, tg_time at,
                               unsigned after, bool *ret, struct policy_example *ret_example);

/* The earliest moment, `from` or later, from which `next` permits nothing that the policies kept in the set would not: compared with
   the one in force then and with each that was to follow. `from`: it widens nothing. Later: it widens what is in force until then, and
   narrows what waits. INT64_MAX: it widens the last one too. ret_example (may be NULL) is filled in unless it is `from`. Errors as above. */
enum tg_err policy_set_narrowed_from(const struct policy_set *set, const struct policy *next, tg_time from, tg_time *ret,
                                     struct policy_example *ret_example);

/* Do all pins of all policies hold in this set, from `now` on? A pin of M holds when no export rule of M permits, and no
   onward rule of M allows, what it forbids, whatever the recipients import and however obligations are met. TG_OK;
   TG_REFUSED with the first counter-example (ret_example may be NULL); TG_NO_MEMORY, TG_TOO_BIG. */
enum tg_err policy_pins_check(const struct policy_set *set, tg_time now, struct policy_example *ret_example);

/* The same of the pins of one policy alone, from `from` on: what its officer asks before it is signed. */
enum tg_err policy_pins_hold(const struct policy *p, const struct policy_world *world, tg_time from,
                             struct policy_example *ret_example);

#endif
