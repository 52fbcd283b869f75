/* The theorems of the language, over random policies and bulletins, and exhaustively over a small universe:
   default deny; deny wins; order never matters; narrowing is monotone; nobody gains by another name; the
   reason agrees with the decision; a decision is the same compiled and rule by rule; what is no widening
   opens nothing; pins hold. A failing seed is printed. */
#include "kit.h"

#include "policy/change.h"
#include "policy/explain.h"

#include <sodium.h>

enum { ROUNDS = 80, RULES_MAX = 9, BULLETINS = 12 };

/* --- chance that repeats --- */

static uint64_t seed;

static unsigned below(unsigned n)
{
  seed ^= seed << 13;
  seed ^= seed >> 7;
  seed ^= seed << 17;
  return (unsigned)(seed >> 11) % n;
}

static const char *one_of(const char *const *words, size_t n)
{
  return words[below((unsigned)n)];
}
#define ONE_OF(words) one_of(words, sizeof words / sizeof *words)

/* --- random rules, one per line so that lines can be shuffled and dropped --- */

static const char *const patterns[] = {"**", "alert.**", "alert.x", "**.x", "report.*", "report.**.x", "*"};
static const char *const lists[] = {"*", "AES", "ECOWAS", "NG SN", "outside AES", "* except NE", "ML BF TD",
                                     "BF ML NE", "ECOWAS except LCBC", "BF ML NE NG SN TD CI GH"};
static const char *const levels[] = {"UNCLASSIFIED", "RESTRICTED", "CONFIDENTIAL", "SECRET", "TOP-SECRET"};
static const char *const topics[] = {"alert", "alert.x", "report.x", "report.y", "report.y.x", "x", "z.z"};

static void random_allow(const char *side, char out[160])
{
  const char *to = side[0] == 'e' ? "to" : "from";
  snprintf(out, 160, "%s allow %s %s %s up-to %s%s", side, ONE_OF(patterns), to, ONE_OF(lists),
           ONE_OF(levels), below(4) ? "" : " max-size 500");
}

static void random_restriction(char out[160])
{
  switch (below(5)) {
  case 0:
    snprintf(out, 160, "export deny %s at %s and above to %s", ONE_OF(patterns), ONE_OF(levels),
             ONE_OF(lists));
    break;
  case 1:
    snprintf(out, 160, "import deny %s from %s", ONE_OF(patterns), ONE_OF(lists));
    break;
  case 2:
    snprintf(out, 160, "export require approvals %u by release for %s", 1 + below(3), ONE_OF(patterns));
    break;
  case 3:
    snprintf(out, 160, "export require orcon for %s and above", ONE_OF(levels));
    break;
  default:
    snprintf(out, 160, "transit deny hub-in %s for %s", ONE_OF(lists), ONE_OF(patterns));
    break;
  }
}

struct rules {
  size_t n;
  char line[RULES_MAX + 1][160];
};

static void random_rules(struct rules *r)
{
  r->n = 1 + below(RULES_MAX - 1);
  for (size_t i = 0; i < r->n; i++)
    if (below(4) == 0)
      random_restriction(r->line[i]);
    else
      random_allow(below(2) ? "export" : "import", r->line[i]);
}

static struct policy *policy_of(const char *member, unsigned serial, const struct rules *r, size_t skip)
{
  struct buf text = buf_new(1 << 16);
  for (size_t i = 0; i < r->n; i++)
    if (i != skip)
      buf_printf(&text, "%s\n", r->line[i]);
  buf_put_u8(&text, 0);
  struct policy *p = kit_policy(member, serial, (const char *)text.p);
  buf_free(&text);
  return p;
}

/* --- an exchange: ML, BF, NG and SN with rules of their own --- */

static const char *const who[] = {"ML", "BF", "NG", "SN"};
static const unsigned places[] = {ML, BF, NG, SN};
enum { STATES = 4 };

static struct policy_set *set_of(const struct rules rules[STATES], size_t skip_state, size_t skip_rule)
{
  struct policy_set *set;
  assert_int_equal(policy_set_new(kit_world(), KIT_NOW, &set), TG_OK);
  for (size_t i = 0; i < STATES; i++) {
    struct policy *p = policy_of(who[i], 1, &rules[i], i == skip_state ? skip_rule : SIZE_MAX);
    assert_int_equal(policy_set_put(set, &p, 0, KIT_NOW, NULL), TG_OK);
  }
  return set;
}

static const struct country paths[][1] = {{{"SN"}}, {{"FR"}}};

static void random_bulletin(struct kit_bulletin *b)
{
  kit_bulletin(b, places[below(STATES)], ONE_OF(topics), (uint8_t)(1 + below(5)));
  b->portion.size = below(2) ? 400 : 600;
  b->portion.orcon = below(2);
  b->request.approvals = below(4);
  b->request.hubs = paths[below(2)];
  b->request.hub_count = below(2);
  b->topic[1] = slice_str(ONE_OF(topics));
  b->request.topic_count = below(4) ? 1 : 2;
}

static struct policy_verdict decided(const struct policy_set *set, const struct kit_bulletin *b)
{
  struct policy_decision d;
  assert_int_equal(policy_decide(set, &b->request, &d), TG_OK);
  return d.portions[0];
}

static bool same(const struct policy_verdict *a, const struct policy_verdict *b)
{
  return memberset_eq(&a->permitted, &b->permitted) && memberset_eq(&a->unmet, &b->unmet) &&
         a->approvals == b->approvals && a->orcon == b->orcon && a->retain == b->retain;
}

static void random_exchange(uint64_t round, struct rules rules[STATES])
{
  seed = round * UINT64_C(0x9e3779b97f4a7c15) + 1;
  for (size_t i = 0; i < STATES; i++)
    random_rules(&rules[i]);
}

static void order_never_matters(void **state)
{
  (void)state;
  for (uint64_t round = 0; round < ROUNDS; round++) {
    struct rules rules[STATES], shuffled[STATES];
    random_exchange(round, rules);
    memcpy(shuffled, rules, sizeof rules);
    for (size_t s = 0; s < STATES; s++)
      for (size_t i = shuffled[s].n; i-- > 1;) {
        char kept[160];
        size_t k = below((unsigned)i + 1);
        memcpy(kept, shuffled[s].line[i], sizeof kept);
        memcpy(shuffled[s].line[i], shuffled[s].line[k], sizeof kept);
        memcpy(shuffled[s].line[k], kept, sizeof kept);
      }
    struct policy_set *a = set_of(rules, SIZE_MAX, 0), *b = set_of(shuffled, SIZE_MAX, 0);
    for (size_t i = 0; i < BULLETINS; i++) {
      struct kit_bulletin x;
      random_bulletin(&x);
      struct policy_verdict v = decided(a, &x), w = decided(b, &x);
      if (!same(&v, &w))
        fail_msg("round %llu", (unsigned long long)round);
    }
    policy_set_free(a);
    policy_set_free(b);
  }
}

/* Taking an allow away, or adding a restriction, never lets anybody see more. */
static void narrowing_is_monotone(void **state)
{
  (void)state;
  for (uint64_t round = 0; round < ROUNDS; round++) {
    struct rules rules[STATES];
    random_exchange(round, rules);
    size_t s = below(STATES), rule = below((unsigned)rules[s].n);
    bool restricts = !strstr(rules[s].line[rule], " allow ");
    struct policy_set *with = set_of(rules, SIZE_MAX, 0), *without = set_of(rules, s, rule);
    for (size_t i = 0; i < BULLETINS; i++) {
      struct kit_bulletin x;
      random_bulletin(&x);
      struct policy_verdict v = decided(restricts ? with : without, &x),
                            w = decided(restricts ? without : with, &x);
      if (!memberset_within(&v.permitted, &w.permitted))
        fail_msg("round %llu: %s", (unsigned long long)round, rules[s].line[rule]);
    }
    policy_set_free(with);
    policy_set_free(without);
  }
}

static void deny_wins_and_default_is_deny(void **state)
{
  (void)state;
  static const char *const silencing[] = {"export deny ** to *", "import deny ** from *"};
  for (uint64_t round = 0; round < ROUNDS; round++) {
    struct rules rules[STATES];
    random_exchange(round, rules);
    size_t s = below(STATES), which = below(2);
    snprintf(rules[s].line[rules[s].n++], sizeof rules[s].line[0], "%s", silencing[which]);
    struct policy_set *set = set_of(rules, SIZE_MAX, 0);
    for (size_t i = 0; i < BULLETINS; i++) {
      struct kit_bulletin x;
      random_bulletin(&x);
      struct policy_verdict v = decided(set, &x);
      struct memberset speakers = kit_members("ML BF NG SN");
      assert_true(memberset_within(&v.permitted, &speakers)); /* who has no policy gets nothing */
      assert_false(which == 1 && memberset_has(&v.permitted, places[s]));
      assert_false(which == 0 && x.request.originator == places[s] && !memberset_empty(&v.permitted));
    }
    assert_int_equal(policy_set_remove(set, places[s], KIT_NOW), TG_OK);
    for (size_t i = 0; i < BULLETINS; i++) {
      struct kit_bulletin x;
      random_bulletin(&x);
      struct policy_verdict v = decided(set, &x);
      assert_false(memberset_has(&v.permitted, places[s]));
      assert_true(x.request.originator != places[s] || memberset_empty(&v.permitted));
    }
    policy_set_free(set);
  }
}

/* For every member: the reason says permitted exactly when the decision does; what is owed is told as owed;
   and the decision for a time that is not compiled, which goes rule by rule, is the same. */
static void reasons_and_both_ways_of_deciding_agree(void **state)
{
  (void)state;
  for (uint64_t round = 0; round < ROUNDS; round++) {
    struct rules rules[STATES];
    random_exchange(round, rules);
    struct policy_set *set = set_of(rules, SIZE_MAX, 0), *later = set_of(rules, SIZE_MAX, 0);
    struct policy *waiting = kit_policy("TD", 1, "");
    assert_int_equal(policy_set_put(later, &waiting, KIT_NOW - 1, KIT_NOW - 2, NULL),
                     TG_OK); /* compiled until then */
    assert_int_equal(policy_set_until(later), KIT_NOW - 1);
    for (size_t i = 0; i < BULLETINS; i++) {
      struct kit_bulletin x;
      random_bulletin(&x);
      struct policy_verdict v = decided(set, &x), w = decided(later, &x);
      assert_true(same(&v, &w));
      for (unsigned m = 0; m < KIT_MEMBERS; m++) {
        struct policy_reason r;
        assert_int_equal(policy_explain(set, &x.request, 0, m, POLICY_ASKED_BY_ALL, &r), TG_OK);
        assert_int_equal(r.stage == POLICY_PERMITTED, memberset_has(&v.permitted, m));
        assert_true(!memberset_has(&v.unmet, m) || r.stage == POLICY_OBLIGATION);
        assert_true(r.why.what && r.why.what[0]);
      }
    }
    policy_set_free(set);
    policy_set_free(later);
  }
}

/* An agency that no rule names, and one of another member's name, are all the same. */
static void nobody_gains_by_another_name(void **state)
{
  (void)state;
  for (uint64_t round = 0; round < ROUNDS; round++) {
    struct rules rules[STATES];
    random_exchange(round, rules);
    snprintf(rules[0].line[rules[0].n++], sizeof rules[0].line[0],
             "export allow ** to * when origin agency ML/dnrt");
    struct policy_set *set = set_of(rules, SIZE_MAX, 0);
    for (size_t i = 0; i < BULLETINS; i++) {
      struct kit_bulletin x;
      random_bulletin(&x);
      x.request.agency = slice_str("dss");
      struct policy_verdict v = decided(set, &x);
      x.request.agency = slice_str("dnrt2");
      struct policy_verdict w = decided(set, &x);
      assert_true(same(&v, &w));
      x.request.agency = slice_str("dnrt");
      w = decided(set, &x);
      assert_true(x.request.originator == ML || memberset_eq(&v.permitted, &w.permitted));
    }
    policy_set_free(set);
  }
}

/* The exchange once GW has joined it, and some of its blocs. */
static const struct policy_world *grown(void)
{
  static struct policy_world w;
  static struct policy_member members[KIT_MEMBERS + 1];
  static struct policy_bloc blocs[16];
  w = *kit_world();
  memcpy(members, w.members, KIT_MEMBERS * sizeof *members);
  members[KIT_MEMBERS] = (struct policy_member){{"GW"}, true, true, true, 5};
  memcpy(blocs, w.blocs, w.bloc_count * sizeof *blocs);
  for (size_t i = 0; i < w.bloc_count; i++)
    if (blocs[i].exists && (i + 1 == w.bloc_count || strcmp(blocs[i + 1].name, blocs[i].name)) && below(2))
      memberset_add(&blocs[i].members, KIT_MEMBERS);
  w.members = members;
  w.member_count = KIT_MEMBERS + 1;
  w.blocs = blocs;
  return &w;
}

static struct policy_set *grown_set(const struct policy_world *w, const struct policy *ml)
{
  struct policy_set *set;
  struct policy *gw = kit_policy_of("GW", w, "export allow ** to *\nimport allow ** from *\n");
  assert_int_equal(policy_set_new(w, KIT_NOW, &set), TG_OK);
  assert_int_equal(policy_set_suppose(set, ml, KIT_NOW), TG_OK);
  assert_int_equal(policy_set_put(set, &gw, 0, KIT_NOW, NULL), TG_OK);
  return set;
}

/* Whoever joins, and whichever blocs: what was no widening before tells them no more, and takes no more from them. */
static void what_is_no_widening_opens_nothing_to_who_joins(void **state)
{
  (void)state;
  unsigned narrower = 0;
  for (uint64_t round = 0; round < ROUNDS; round++) {
    struct rules rules[STATES], next;
    random_exchange(round, rules);
    next = rules[0];
    if (below(2))
      random_restriction(next.line[next.n++]);
    else
      random_allow(below(2) ? "export" : "import", next.line[below((unsigned)next.n)]);
    struct policy *old = policy_of("ML", 1, &rules[0], SIZE_MAX), *new = policy_of("ML", 2, &next, SIZE_MAX);
    bool widens;
    assert_int_equal(policy_widens(old, new, kit_world(), KIT_NOW, &widens, NULL), TG_OK);
    narrower += !widens;
    for (size_t k = 0; !widens && k < 8; k++) {
      const struct policy_world *w = grown();
      struct policy_set *before = grown_set(w, old), *after = grown_set(w, new);
      for (size_t i = 0; i < 2 * BULLETINS; i++) {
        struct kit_bulletin x;
        random_bulletin(&x);
        x.request.originator = below(2) ? ML : KIT_MEMBERS;
        x.portion.release = policy_world_everyone(w);
        struct policy_verdict v = decided(before, &x), a = decided(after, &x);
        if (!memberset_within(&a.permitted, &v.permitted))
          fail_msg("round %llu", (unsigned long long)round);
      }
      policy_set_free(before);
      policy_set_free(after);
    }
    policy_free(old);
    policy_free(new);
  }
  assert_true(narrower > ROUNDS / 10);
}

/* When policy_widens() says no, nobody anywhere receives more; when it says yes, its example is one: the new
 * rules permit it. */
static void what_is_no_widening_opens_nothing(void **state)
{
  (void)state;
  unsigned narrower = 0;
  for (uint64_t round = 0; round < ROUNDS; round++) {
    struct rules rules[STATES];
    random_exchange(round, rules);
    struct rules next = rules[0];
    if (below(2))
      random_restriction(next.line[next.n++]);
    else
      random_rules(&next);
    struct policy *old = policy_of("ML", 1, &rules[0], SIZE_MAX), *new = policy_of("ML", 2, &next, SIZE_MAX);
    bool widens;
    assert_int_equal(policy_widens(old, new, kit_world(), KIT_NOW, &widens, NULL), TG_OK);
    policy_free(old);
    struct policy_set *before = set_of(rules, SIZE_MAX, 0), *after = set_of(rules, SIZE_MAX, 0);
    assert_int_equal(policy_set_put(after, &new, 0, KIT_NOW, NULL), TG_OK);
    narrower += !widens;
    for (size_t i = 0; !widens && i < 4 * BULLETINS; i++) {
      struct kit_bulletin x;
      random_bulletin(&x);
      struct policy_verdict v = decided(before, &x), w = decided(after, &x);
      if (!memberset_within(&w.permitted, &v.permitted))
        fail_msg("round %llu", (unsigned long long)round);
    }
    policy_set_free(before);
    policy_set_free(after);
  }
  assert_true(narrower > ROUNDS / 10);
}

/* When the pins hold, no bulletin gets through what they forbid, whatever others import. */
static void pins_that_hold_are_kept(void **state)
{
  (void)state;
  unsigned held = 0;
  for (uint64_t round = 0; round < ROUNDS; round++) {
    struct rules rules[STATES];
    random_exchange(round, rules);
    const char *level = ONE_OF(levels);
    snprintf(rules[0].line[rules[0].n++], sizeof rules[0].line[0],
             "pin never alert.** at %s and above to outside AES", level);
    for (size_t i = 1; i < STATES; i++)
      snprintf(rules[i].line[rules[i].n++], sizeof rules[0].line[0], "import allow ** from *");
    struct policy_set *set = set_of(rules, SIZE_MAX, 0);
    enum tg_err err = policy_pins_check(set, KIT_NOW, NULL);
    assert_true(err == TG_OK || err == TG_REFUSED);
    held += err == TG_OK;
    for (size_t i = 0; !err && i < 4 * BULLETINS; i++) {
      struct kit_bulletin x;
      uint8_t least = 0;
      random_bulletin(&x);
      assert_int_equal(level_parse(slice_str(level), &least), TG_OK);
      struct policy_verdict v = decided(set, &x);
      struct memberset aes = kit_members("BF ML NE");
      if (x.request.originator == ML && x.portion.level >= least &&
          !strncmp((const char *)x.topic[0].p, "alert", 5))
        assert_true(memberset_within(&v.permitted, &aes));
    }
    policy_set_free(set);
  }
  assert_true(held > ROUNDS / 10 && held < ROUNDS);
}

/* --- pins that go from one policy to the next --- */

enum { WORLDS = 4 };

/* The exchange as it is, with AES grown by TD, with AES shrunk to NE, and without AES. */
static void make_worlds(struct policy_bloc blocs[WORLDS][8], struct policy_world worlds[WORLDS])
{
  for (size_t i = 0; i < WORLDS; i++) {
    worlds[i] = *kit_world();
    memcpy(blocs[i], worlds[i].blocs, worlds[i].bloc_count * sizeof *blocs[i]);
    worlds[i].blocs = blocs[i];
    for (size_t k = 0; k < worlds[i].bloc_count; k++) {
      const bool aes = !strcmp(blocs[i][k].name, "AES");
      if (aes && i == 1)
        memberset_add(&blocs[i][k].members, TD);
      else if (aes && i == 2)
        blocs[i][k].members = kit_members("NE");
      else if (aes && i == 3)
        blocs[i][k].exists = false;
    }
  }
}

static void random_pin(char out[160])
{
  snprintf(out, 160, "pin never %s at %s and above to %s%s", ONE_OF(patterns), ONE_OF(levels), ONE_OF(lists),
           below(4) ? "" : " when origin agency ML/dgse");
}

/* Pins for the next policy: those of the old one as they are, for (nearly) everybody, or others. */
static void random_next_pins(const struct rules *old, struct rules *next)
{
  next->n = 0;
  for (size_t i = 0; i < old->n; i++) {
    const char *to = strstr(old->line[i], " to ");
    if (below(3))
      memcpy(next->line[next->n++], old->line[i], sizeof old->line[i]);
    else if (below(2))
      snprintf(next->line[next->n++], sizeof next->line[0], "%.*s to %s", (int)(to - old->line[i]), old->line[i],
               below(2) ? "*" : "* except NE");
    else
      random_pin(next->line[next->n++]);
  }
  if (below(2))
    random_pin(next->line[next->n++]);
}

static bool pins_hold_with(const struct rules *pins, const char *rule, const struct policy_world *world)
{
  struct rules all = *pins;
  snprintf(all.line[all.n++], sizeof all.line[0], "%s", rule);
  struct policy *p = policy_of("ML", 1, &all, SIZE_MAX);
  enum tg_err err = policy_pins_hold(p, world, KIT_NOW, NULL);
  assert_true(err == TG_OK || err == TG_REFUSED);
  policy_free(p);
  return err == TG_OK;
}

/* When no pin is dropped, whatever the pins of the next policy let pass in any world, those of the old one do. */
static void a_pin_that_is_kept_guards_as_before(void **state)
{
  (void)state;
  struct policy_bloc blocs[WORLDS][8];
  struct policy_world worlds[WORLDS];
  unsigned kept = 0, shown = 0;
  make_worlds(blocs, worlds);
  for (uint64_t round = 0; round < 8 * ROUNDS; round++) {
    struct rules old = {.n = 1}, next;
    bool dropped;
    seed = round * UINT64_C(0x9e3779b97f4a7c15) + 1;
    for (old.n = 0; old.n < 1 + round % 3; old.n++)
      random_pin(old.line[old.n]);
    random_next_pins(&old, &next);
    struct policy *a = policy_of("ML", 1, &old, SIZE_MAX), *b = policy_of("ML", 2, &next, SIZE_MAX);
    assert_int_equal(policy_pin_dropped(a, b, kit_world(), KIT_NOW, 0, &dropped, NULL), TG_OK);
    policy_free(a);
    policy_free(b);
    kept += !dropped;
    for (size_t i = 0; i < 16; i++) {
      char rule[160];
      random_allow("export", rule);
      const struct policy_world *world = &worlds[below(WORLDS)];
      const bool weaker = pins_hold_with(&next, rule, world) && !pins_hold_with(&old, rule, world);
      if (weaker && !dropped)
        fail_msg("round %llu: %s", (unsigned long long)round, rule);
      shown += weaker;
    }
  }
  assert_true(kept > ROUNDS && kept < 7 * ROUNDS && shown > ROUNDS);
}

/* --- a small universe: every set of up to three rules of ML out of these, every level, topic and recipient
 * --- */

static const char *const all_rules[] = {
    "export allow a to SN",
    "export allow ** to BF SN up-to RESTRICTED",
    "export allow * to *",
    "export deny a to SN",
    "export deny RESTRICTED and above to BF",
    "export deny ** to outside AES",
    "export require orcon for a",
    "export require approvals 1 by release for CONFIDENTIAL and above to SN",
};
enum { ALL = sizeof all_rules / sizeof *all_rules };

/* What rule i says of one bulletin, from its meaning in words. */
static void by_hand(size_t rule, bool a, uint8_t level, bool sn, bool *allow, bool *deny, bool *owes)
{
  switch (rule) {
  case 0:
    *allow |= a && sn;
    break;
  case 1:
    *allow |= level <= 2;
    break;
  case 2:
    *allow = true;
    break;
  case 3:
    *deny |= a && sn;
    break;
  case 4:
    *deny |= level >= 2 && !sn;
    break;
  case 5:
    *deny |= sn;
    break;
  case 6:
    *owes |= a;
    break;
  case 7:
    *owes |= level >= 3 && sn;
    break;
  }
}

static void check_universe(const size_t *chosen, size_t n)
{
  struct rules rules = {.n = n};
  struct policy_set *set = kit_set("BF import allow ** from *", "SN import allow ** from *", NULL);
  for (size_t i = 0; i < n; i++)
    snprintf(rules.line[i], sizeof rules.line[i], "%s", all_rules[chosen[i]]);
  struct policy *p = policy_of("ML", 1, &rules, SIZE_MAX);
  assert_int_equal(policy_set_put(set, &p, 0, KIT_NOW, NULL), TG_OK);
  for (unsigned k = 0; k < 2 * 3 * 2; k++) {
    bool a = k & 1, sn = k & 2, allow = false, deny = false, owes = false;
    uint8_t level = (uint8_t)(1 + k / 4);
    struct kit_bulletin b;
    kit_bulletin(&b, ML, a ? "a" : "b", level);
    for (size_t i = 0; i < n; i++)
      by_hand(chosen[i], a, level, sn, &allow, &deny, &owes);
    struct policy_verdict v = decided(set, &b);
    assert_int_equal(memberset_has(&v.permitted, sn ? SN : BF), allow && !deny && !owes);
    assert_int_equal(memberset_has(&v.unmet, sn ? SN : BF), allow && !deny && owes);
  }
  policy_set_free(set);
}

static void a_small_universe_is_right_everywhere(void **state)
{
  (void)state;
  for (size_t i = 0; i < ALL; i++)
    for (size_t k = i; k < ALL; k++)
      for (size_t m = k; m < ALL; m++)
        check_universe((size_t[]){i, k, m}, i == k ? 1 : k == m ? 2 : 3);
  check_universe(NULL, 0);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(order_never_matters),
      cmocka_unit_test(narrowing_is_monotone),
      cmocka_unit_test(deny_wins_and_default_is_deny),
      cmocka_unit_test(reasons_and_both_ways_of_deciding_agree),
      cmocka_unit_test(nobody_gains_by_another_name),
      cmocka_unit_test(what_is_no_widening_opens_nothing),
      cmocka_unit_test(what_is_no_widening_opens_nothing_to_who_joins),
      cmocka_unit_test(a_pin_that_is_kept_guards_as_before),
      cmocka_unit_test(pins_that_hold_are_kept),
      cmocka_unit_test(a_small_universe_is_right_everywhere),
  };
  if (sodium_init() < 0)
    return 1;
  return cmocka_run_group_tests(tests, NULL, NULL);
}
