/* How far a flow reaches: one originator, one topic, every level and colour, all members; asked of policy_decide(), so that
   tables and comparisons can never say anything else than what will happen. */
#ifndef TOGUNA_POLICY_FLOW_H
#define TOGUNA_POLICY_FLOW_H

#include "policy/decide.h"

enum { FLOW_MARKINGS = 25 };

/* What is asked. Everybody is on the release list. */
struct flow_case {
  unsigned originator;
  struct slice agency;     /* empty: one that no rule names */
  struct slice topic;
  uint64_t size;           /* 0: as small as can be */
  unsigned approvals;
  bool orcon;
  const struct country *hub; /* that it passes; NULL: none */
  tg_time time;
};

struct flow {
  struct memberset permitted[FLOW_MARKINGS]; /* by (level - 1) * 5 + (tlp - 1) */
  struct memberset onward[FLOW_MARKINGS];    /* may be passed on to, without asking */
  struct memberset ask[FLOW_MARKINGS];       /* may be asked about, or passed on to */
  tg_time retain[FLOW_MARKINGS];
};

/* TG_OK, or TG_BAD_INPUT as policy_decide(). */
enum tg_err flow_read(const struct policy_set *set, const struct flow_case *c, struct flow *ret);

/* One member's part of such a row of sets, as bits by marking. */
uint32_t flow_reach(const struct memberset sets[FLOW_MARKINGS], unsigned member);
/* Its upper edge in the words of policies: "RESTRICTED", "SECRET tlp amber, RESTRICTED"; "-" for nothing. */
enum { FLOW_TEXT = 160 };
const char *flow_text(uint32_t reach, char out[FLOW_TEXT]);
/* The highest level in it; 0: none. */
uint8_t flow_level(uint32_t reach);

#endif
