/* The evaluator: any policy text, any request. Compiled and explained rule by rule must agree, and what is
   permitted stays within the release set. The first byte of the input says how many bytes of request follow;
   the rest is rules of ML. */
#include "policy/change.h"
#include "policy/explain.h"

#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct policy_member members[] = {
    {{"ML"}, true, true, true, 5}, {{"NG"}, true, true, true, 3}, {{"SN"}, false, true, true, 5}};
static const struct policy_bloc blocs[] = {{"AES", 0, true, {{3}}}, {"AES", 5000, false, {{0}}}};
static const struct policy_world world = {.at = 1000,
                                          .member_count = 3,
                                          .members = members,
                                          .bloc_count = 2,
                                          .blocs = blocs,
                                          .suite_count = 1,
                                          .suites = {1}};

static struct policy *parse(const char *member, struct slice rules)
{
  struct buf text = buf_new(1 << 20);
  struct policy *p = NULL;
  buf_printf(&text, "toguna/policy v1\nmember %s\nserial 1\neffective 1970-01-01T00:00:00Z\n", member);
  buf_put_slice(&text, rules);
  buf_put_u8(&text, '\n');
  if (policy_parse(buf_slice(&text), "text", NULL, &p, NULL, NULL))
    p = NULL;
  buf_free(&text);
  return p;
}

static void put(struct policy_set *set, struct policy *p)
{
  if (p && policy_set_put(set, &p, 0, 1000, NULL))
    policy_free(p);
}

static void ask(const struct policy_set *set, struct slice bytes)
{
  static const char *const topics[] = {"a", "b", "a.b", "alert.x", "report.a.b.c", "x.y.z", "", "A"};
  uint8_t b[8] = {0};
  struct policy_decision d;
  memcpy(b, bytes.p, bytes.n < sizeof b ? bytes.n : sizeof b);
  struct policy_portion portion = {.level = b[0] % 7,
                                   .tlp = b[0] / 7 % 7,
                                   .orcon = b[1] & 1,
                                   .size = b[2],
                                   .label = slice_str(b[1] & 2 ? "L" : ""),
                                   .release = {{b[3]}}};
  struct slice topic[2] = {slice_str(topics[b[4] % 8]), slice_str(topics[b[4] / 8 % 8])};
  struct country hub = {{(char)('A' + b[5] % 27), 'N', 0}};
  struct policy_request q = {.originator = b[6] % 4,
                             .agency = slice_str(b[1] & 4 ? "dgse" : "x"),
                             .suite = 1,
                             .owed = b[1] & 8,
                             .time = b[7] * 50,
                             .expires = 9000,
                             .topic_count = b[1] >> 4 & 3,
                             .topics = topic,
                             .hub_count = b[1] >> 6 & 1,
                             .hubs = &hub,
                             .approvals = b[5] / 27,
                             .portion_count = 1,
                             .portions = &portion};
  q.topic_count = q.topic_count > 2 ? 2 : q.topic_count;
  enum tg_err err = policy_decide(set, &q, &d);
  const struct policy_verdict *v = &d.portions[0];
  assert(memberset_within(&v->permitted, &portion.release));
  for (unsigned m = 0; m < 3; m++) {
    struct policy_reason r;
    assert(policy_explain(set, &q, 0, m, POLICY_ASKED_BY_ALL, &r) == err);
    assert(err || (r.stage == POLICY_PERMITTED) == memberset_has(&v->permitted, m));
  }
  struct memberset allow, may_ask;
  assert(policy_onward(set, &q, 0, &allow, &may_ask) == err);
  allow = memberset_and(allow, may_ask);
  assert(memberset_empty(&allow));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  struct policy_set *set;
  struct policy_example example;
  bool widens;
  size_t n = size ? data[0] % 64 : 0;
  if (size < 1 + n || policy_set_new(&world, 1000, &set))
    return 0;
  struct slice rules = slice_of(data + 1 + n, size - 1 - n);
  struct policy *p = parse("ML", rules);
  if (p) {
    assert(policy_widens(p, p, &world, 1000, &widens, &example) || !widens); /* nothing opens itself */
    put(set, p);
    put(set, parse("NG", slice_str("import allow ** from *\nimport deny b from * ")));
    put(set, parse("SN", slice_str("import allow ** from ML up-to SECRET max-size 100")));
    (void)policy_pins_check(set, 1000, &example);
    for (size_t i = 0; i + 8 <= n; i += 8)
      ask(set, slice_of(data + 1 + i, 8));
  }
  policy_set_free(set);
  return 0;
}
