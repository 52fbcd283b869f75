/* A small exchange made by hand, and short ways to write policies and bulletins in a story. */
#ifndef TOGUNA_TESTS_POLICY_KIT_H
#define TOGUNA_TESTS_POLICY_KIT_H

#include "policy/decide.h"
#include "proto/marking.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

/* Members BF ML NE NG SN TD CI GH (indexes in this order); AES = BF ML NE, ECOWAS = NG SN CI GH (BF ML NE too until 2025-01-29),
   LCBC = NE NG TD. Hubs stand in SN and FR. NG's ceiling is CONFIDENTIAL; CI receives only; GH is out of traffic. */
enum { BF, ML, NE, NG, SN, TD, CI, GH, KIT_MEMBERS };

/* 2026-12-01T00:00:00Z; worlds are as of then. */
#define KIT_NOW INT64_C(1796083200000)

const struct policy_world *kit_world(void);

/* "2027-06-30T00:00:00Z" */
tg_time kit_time(const char *s);
/* A set of the members of the exchange whose rules are given, each "ML rule\n rule\n" beginning with its member; NULL ends. Fails the
   test when one of them does not parse. */
struct policy_set *kit_set(const char *policies, ...);
/* One policy: head (serial 1, effective 2026-01-01) plus rules. */
struct policy *kit_policy(const char *member, unsigned serial, const char *rules);
/* The same, serial 1, read against another world. */
struct policy *kit_policy_of(const char *member, const struct policy_world *w, const char *rules);

/* A request with one topic and one portion to everyone; change what matters. */
struct kit_bulletin {
  struct policy_request request;
  struct policy_portion portion;
  struct slice topic[POLICY_TOPICS_MAX];
};
/* b->request points into b: keep it where it is. */
void kit_bulletin(struct kit_bulletin *b, unsigned originator, const char *topic, uint8_t level);

/* "BF NE" : who is permitted, in order of index; "" nobody. Static, until the next call. */
const char *kit_permitted(const struct policy_set *set, const struct kit_bulletin *b);
const char *kit_names(const struct memberset *s);
struct memberset kit_members(const char *codes);

#endif
