#include "kit.h"

static const struct policy_member members[] = {
    {{"BF"}, true, true, true, 5},  {{"ML"}, true, true, true, 5},   {{"NE"}, true, true, true, 5},
    {{"NG"}, true, true, true, 3},  {{"SN"}, true, true, true, 5},   {{"TD"}, true, true, true, 5},
    {{"CI"}, false, true, true, 5}, {{"GH"}, false, false, true, 5},
};

#define BIT(i) (UINT64_C(1) << (i))

static const struct policy_bloc blocs[] = {
    {"AES", 0, true, {{BIT(BF) | BIT(ML) | BIT(NE)}}},
    {"ECOWAS", 0, true, {{BIT(BF) | BIT(ML) | BIT(NE) | BIT(NG) | BIT(SN) | BIT(CI) | BIT(GH)}}},
    {"ECOWAS", INT64_C(1738108800000), true, {{BIT(NG) | BIT(SN) | BIT(CI) | BIT(GH)}}}, /* 2025-01-29 */
    {"G5-SAHEL", 0, true, {{BIT(BF) | BIT(ML) | BIT(NE) | BIT(TD)}}},
    {"G5-SAHEL", INT64_C(1701820800000), false, {{0}}}, /* 2023-12-06 */
    {"LCBC", 0, true, {{BIT(NE) | BIT(NG) | BIT(TD)}}},
};
static const struct policy_agency agencies[] = {
    {ML, "dgse"}, {ML, "dnrt"}, {NG, "dss"}, {SN, "drn"}, {ML, "cyber"}};
static const struct country places[] = {{"SN"}, {"FR"}};

static const struct policy_world world = {
    .at = KIT_NOW,
    .member_count = KIT_MEMBERS,
    .members = members,
    .bloc_count = sizeof blocs / sizeof *blocs,
    .blocs = blocs,
    .agency_count = sizeof agencies / sizeof *agencies,
    .agencies = agencies,
    .place_count = 2,
    .places = places,
    .suite_count = 1,
    .suites = {1},
};

const struct policy_world *kit_world(void)
{
  return &world;
}

tg_time kit_time(const char *s)
{
  tg_time t;
  if (time_parse(slice_str(s), &t))
    fail_msg("%s is no time", s);
  return t;
}

static struct policy *read_policy(const char *member, unsigned serial, const char *rules, const struct policy_world *w)
{
  struct buf text = buf_new(1 << 20);
  struct policy *p = NULL;
  struct tg_why why = {0};
  char message[1024];
  buf_printf(&text, "toguna/policy v1\nmember %s\nserial %u\neffective 2026-01-01T00:00:00Z\n%s%s", member,
             serial, rules, rules[0] && rules[strlen(rules) - 1] == '\n' ? "" : "\n");
  if (policy_parse(buf_slice(&text), "test.policy", w, &p, NULL, &why)) {
    why_render(&why, NULL, message, sizeof message);
    fail_msg("%s", message);
  }
  buf_free(&text);
  return p;
}

struct policy *kit_policy(const char *member, unsigned serial, const char *rules)
{
  return read_policy(member, serial, rules, &world);
}

struct policy *kit_policy_of(const char *member, const struct policy_world *w, const char *rules)
{
  return read_policy(member, 1, rules, w);
}

struct policy_set *kit_set(const char *policies, ...)
{
  struct policy_set *set;
  va_list more;
  assert_int_equal(policy_set_new(&world, KIT_NOW, &set), TG_OK);
  va_start(more, policies);
  for (const char *text = policies; text; text = va_arg(more, const char *)) {
    char member[3] = {text[0], text[1], 0};
    struct policy *p = kit_policy(member, 1, text + 3);
    assert_int_equal(policy_set_put(set, &p, 0, KIT_NOW, NULL), TG_OK);
    assert_null(p);
  }
  va_end(more);
  return set;
}

void kit_bulletin(struct kit_bulletin *b, unsigned originator, const char *topic, uint8_t level)
{
  *b = (struct kit_bulletin){0};
  b->topic[0] = slice_str(topic);
  b->portion = (struct policy_portion){
      .level = level, .tlp = 1, .size = 1000, .release = policy_world_everyone(&world)};
  b->request = (struct policy_request){.originator = originator,
                                       .agency = slice_str("dgse"),
                                       .suite = 1,
                                       .time = KIT_NOW,
                                       .expires = KIT_NOW + TG_DAY,
                                       .topic_count = 1,
                                       .topics = b->topic,
                                       .portion_count = 1,
                                       .portions = &b->portion};
}

const char *kit_names(const struct memberset *s)
{
  static char text[8 * KIT_MEMBERS];
  text[0] = 0;
  for (unsigned i = memberset_next(s, 0); i < MEMBERS_MAX; i = memberset_next(s, i + 1))
    snprintf(text + strlen(text), sizeof text - strlen(text), "%s%s", text[0] ? " " : "",
             members[i].code.code);
  return text;
}

const char *kit_permitted(const struct policy_set *set, const struct kit_bulletin *b)
{
  struct policy_decision d;
  assert_int_equal(policy_decide(set, &b->request, &d), TG_OK);
  return kit_names(&d.portions[0].permitted);
}

struct memberset kit_members(const char *codes)
{
  struct memberset s = {0};
  for (unsigned i = 0; i < KIT_MEMBERS; i++)
    if (strstr(codes, members[i].code.code))
      memberset_add(&s, i);
  return s;
}
