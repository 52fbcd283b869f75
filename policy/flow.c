#include "policy/flow.h"

#include "proto/marking.h"

#include <stdio.h>

enum { COLOURS = 5, LEVELS = 5, HALF = 13 }; /* one request takes 16 portions: 25 markings are two */

static enum tg_err read_some(const struct policy_set *set, struct policy_request *q, const struct flow_case *c,
                             size_t from, size_t to, struct flow *ret)
{
  struct policy_portion portion[HALF];
  struct policy_decision d;
  for (size_t m = from; m < to; m++)
    portion[m - from] = (struct policy_portion){.level = (uint8_t)(m / COLOURS + 1),
                                                .tlp = (uint8_t)(m % COLOURS + 1),
                                                .orcon = c->orcon,
                                                .size = c->size,
                                                .release = policy_world_everyone(policy_set_world_of(set))};
  q->portions = portion;
  q->portion_count = to - from;
  enum tg_err err = policy_decide(set, q, &d);
  for (size_t m = from; err == TG_OK && m < to; m++) {
    ret->permitted[m] = d.portions[m - from].permitted;
    ret->retain[m] = d.portions[m - from].retain;
    err = policy_onward(set, q, m - from, &ret->onward[m], &ret->ask[m]);
    ret->ask[m] = memberset_or(ret->ask[m], ret->onward[m]);
  }
  return err;
}

enum tg_err flow_read(const struct policy_set *set, const struct flow_case *c, struct flow *ret)
{
  struct policy_request q = {.originator = c->originator,
                             .agency = c->agency.n ? c->agency : slice_str(POLICY_AGENCY_OTHER),
                             .suite = policy_set_world_of(set)->suites[0],
                             .time = c->time,
                             .expires = c->time + TG_DAY,
                             .topic_count = 1,
                             .topics = &c->topic,
                             .hub_count = c->hub ? 1 : 0,
                             .hubs = c->hub,
                             .approvals = c->approvals};
  enum tg_err err = read_some(set, &q, c, 0, HALF, ret);
  return err ? err : read_some(set, &q, c, HALF, FLOW_MARKINGS, ret);
}

uint32_t flow_reach(const struct memberset sets[FLOW_MARKINGS], unsigned member)
{
  uint32_t reach = 0;
  for (size_t m = 0; m < FLOW_MARKINGS; m++)
    reach |= (uint32_t)memberset_has(&sets[m], member) << m;
  return reach;
}

/* The strictest colour at a level; 0: none. Rules that permit have upper bounds, so all milder ones are in it too. */
static uint8_t colour_at(uint32_t reach, unsigned level)
{
  uint32_t row = reach >> ((level - 1) * COLOURS) & 0x1f;
  return (uint8_t)(row ? 32 - __builtin_clz(row) : 0);
}

const char *flow_text(uint32_t reach, char out[FLOW_TEXT])
{
  size_t n = 0;
  uint8_t above = 0;
  snprintf(out, FLOW_TEXT, "-");
  for (unsigned level = LEVELS; level > 0; level--) {
    uint8_t colour = colour_at(reach, level);
    if (colour <= above)
      continue;
    above = colour;
    n += (size_t)snprintf(out + n, FLOW_TEXT - n, colour < COLOURS ? "%s%s tlp %s" : "%s%s", n ? ", " : "",
                          level_name((uint8_t)level), tlp_name(colour));
  }
  return out;
}

uint8_t flow_level(uint32_t reach)
{
  uint8_t level = LEVELS;
  while (level && !colour_at(reach, level))
    level--;
  return level;
}
