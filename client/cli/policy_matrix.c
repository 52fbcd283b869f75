/* toguna policy matrix: who tells whom, up to which level, as a table, CSV, JSON, or one page of HTML. */
#include "client/cli/box.h"
#include "client/cli/matrix_page.h"
#include "client/cli/policies.h"
#include "client/cli/show.h"
#include "keys/country.h"
#include "os/clock.h"
#include "policy/areas.h"
#include "policy/explain.h"
#include "policy/flow.h"
#include "proto/marking.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct matrix_options {
  struct common common;
  struct options_list documents;
  char *hub, *topic, *html;
  bool csv;
};

/* What one member gets in one class of topics: as far as the policies ever let it, whatever agency sends, and from every agency without
   approvals or ORCON. */
struct reach {
  uint32_t most, freely;
};

struct matrix {
  const struct call *call;
  struct policies p;
  struct country hub;
  tg_time at;
  struct areas areas;
  struct reach *reach; /* [originator][member][class] */
  bool *chosen, *done; /* by class */
  unsigned from, to;   /* the flow looked at */
  struct reach value;
  json_t *list;        /* one object for each flow: what all forms are written from */
  json_t *classes;     /* beside it, for the page's filter: the classes of topics in each, as a list of numbers */
};

static struct reach *reach_of(const struct matrix *x, unsigned from, unsigned to, size_t class)
{
  return &x->reach[((size_t)from * x->p.world->member_count + to) * x->areas.n_classes + class];
}

static bool is_member(const struct matrix *x, unsigned m)
{
  return x->p.world->members[m].code.code[0] != 0;
}

/* --- deciding --- */

/* agency "": one that no rule names. */
static enum tg_err fill(struct matrix *x, unsigned from, const char *agency, size_t class)
{
  struct flow most, freely;
  struct flow_case c = {.originator = from,
                        .agency = slice_str(agency),
                        .topic = slice_str(x->areas.example[class]),
                        .approvals = POLICY_APPROVALS_MAX,
                        .orcon = true,
                        .hub = &x->hub,
                        .time = x->at};
  enum tg_err err = flow_read(x->p.set, &c, &most);
  c.approvals = 0;
  c.orcon = false;
  if (err == TG_OK)
    err = flow_read(x->p.set, &c, &freely);
  for (unsigned to = 0; err == TG_OK && to < x->p.world->member_count; to++) {
    struct reach *r = reach_of(x, from, to, class);
    r->most |= flow_reach(most.permitted, to);
    r->freely = flow_reach(freely.permitted, to) & (agency[0] ? r->freely : UINT32_MAX);
  }
  return err;
}

/* The agencies of a member that any policy names, one after another. */
static const char *next_agency(const struct matrix *x, unsigned from, unsigned *policy, size_t *place)
{
  struct country member;
  const char *name;
  for (; *policy < x->p.world->member_count; (*policy)++, *place = 0) {
    const struct policy *p = policy_set_policy(x->p.set, *policy, x->at);
    while (p && policy_agency_at(p, (*place)++, &member, &name))
      if (country_eq(member, x->p.world->members[from].code))
        return name;
  }
  return NULL;
}

static enum tg_err fill_all(struct matrix *x, unsigned from, size_t class)
{
  unsigned policy = 0;
  size_t place = 0;
  const char *agency = "";
  enum tg_err err = TG_OK;
  for (; err == TG_OK && agency; agency = next_agency(x, from, &policy, &place))
    err = fill(x, from, agency, class);
  return err;
}

/* The two lines by which the highest marking of a flow passes. */
static void find_rules(const struct matrix *x, size_t class, char out[2][256])
{
  struct slice topic = slice_str(x->areas.example[class]);
  struct policy_portion portion = {.level = flow_level(x->value.most),
                                   .tlp = 1,
                                   .orcon = true,
                                   .release = policy_world_everyone(x->p.world)};
  struct policy_request q = {.originator = x->from,
                             .agency = slice_str(POLICY_AGENCY_OTHER),
                             .suite = x->p.world->suites[0],
                             .time = x->at,
                             .expires = x->at + TG_DAY,
                             .topic_count = 1,
                             .topics = &topic,
                             .hub_count = 1,
                             .hubs = &x->hub,
                             .approvals = POLICY_APPROVALS_MAX,
                             .portion_count = 1,
                             .portions = &portion};
  struct policy_reason r;
  unsigned owner = 0;
  size_t place = 0;
  enum tg_err err;
  out[0][0] = out[1][0] = 0;
  while (!(err = policy_explain(x->p.set, &q, 0, x->to, POLICY_ASKED_BY_ALL, &r)) && r.stage != POLICY_PERMITTED) {
    const char *agency = next_agency(x, x->from, &owner, &place);
    if (!agency)
      return;
    q.agency = slice_str(agency);
  }
  if (err)
    return;
  const struct policy *policy[2] = {r.policy, r.import_policy};
  const unsigned line[2] = {r.line, r.import_line};
  for (size_t i = 0; i < 2; i++) {
    struct slice text = policy[i] && line[i] ? policy_line(policy[i], line[i]) : slice_of(NULL, 0);
    if (text.n)
      snprintf(out[i], 256, "%.60s:%u: %.*s", policy_file(policy[i]), line[i], (int)(text.n < 160 ? text.n : 160),
               (const char *)text.p);
  }
}

static json_t *numbers(const struct matrix *x, const bool *covered, const uint8_t *row)
{
  json_t *list = json_array();
  for (size_t c = 0; c < x->areas.n_classes; c++)
    if (covered ? covered[c] : row[c])
      json_array_append_new(list, json_integer((json_int_t)c));
  return list;
}

static void put(void *context, const char *name, size_t class, const bool *covered)
{
  struct matrix *x = context;
  char most[FLOW_TEXT], freely[FLOW_TEXT], rule[2][256];
  uint8_t level = flow_level(x->value.most);
  find_rules(x, class, rule);
  json_array_append_new(x->classes, numbers(x, covered, NULL));
  json_array_append_new(
      x->list, json_pack("{s:s,s:s,s:s,s:i,s:s,s:s,s:s,s:s,s:s}", "from", x->p.world->members[x->from].code.code, "to",
                         x->p.world->members[x->to].code.code, "topics", name, "rank", (int)level, "level",
                         level_name(level), "up_to", flow_text(x->value.most, most), "up_to_freely",
                         flow_text(x->value.freely, freely), "export_rule", rule[0], "import_rule", rule[1]));
}

static enum tg_err find_flows(struct matrix *x)
{
  enum tg_err err = TG_OK;
  size_t n = x->areas.n_classes;
  memset(x->done, 0, n);
  for (size_t c = 0; err == TG_OK && c < n; c++) {
    x->value = *reach_of(x, x->from, x->to, c);
    if (x->done[c] || !x->value.most)
      continue;
    for (size_t k = 0; k < n; k++) {
      x->chosen[k] = !memcmp(&x->value, reach_of(x, x->from, x->to, k), sizeof x->value);
      x->done[k] |= x->chosen[k];
    }
    err = areas_name(&x->areas, x->chosen, put, x);
  }
  return err;
}

/* --topic: one topic stands for all. */
static enum tg_err narrow(struct matrix *x, const char *topic, struct tg_why *why)
{
  if (!topic)
    return TG_OK;
  struct flow ignored;
  struct flow_case c = {.topic = slice_str(topic), .time = x->at, .hub = &x->hub};
  if (strlen(topic) >= sizeof(topic_text) || flow_read(x->p.set, &c, &ignored))
    return why_set(why, TG_BAD_INPUT, "--topic", N_("this is not a topic"),
                   N_("Write it like alert.attack, without wildcards"), NULL, NULL, NULL);
  areas_free(&x->areas);
  x->areas = (struct areas){.n_classes = 1, .example = calloc(1, sizeof(topic_text))};
  if (x->areas.example)
    snprintf(x->areas.example[0], sizeof(topic_text), "%s", topic);
  return x->areas.example ? TG_OK : TG_NO_MEMORY;
}

static enum tg_err decide_all(struct matrix *x, struct tg_why *why)
{
  const struct matrix_options *o = x->call->options;
  const struct policy_set *set = x->p.set;
  size_t n = x->p.world->member_count;
  enum tg_err err = areas_new(&set, 1, x->at, &x->areas);
  if (err == TG_TOO_BIG)
    return why_set(why, err, NULL, N_("these policies tell too many topics apart to be shown"),
                   N_("Ask for one topic with --topic"), NULL, NULL, NULL);
  if (err == TG_OK)
    err = narrow(x, o->topic, why);
  if (err == TG_BAD_INPUT)
    return err;
  x->reach = calloc(n * n * x->areas.n_classes + 1, sizeof *x->reach);
  x->chosen = calloc(x->areas.n_classes + 1, sizeof *x->chosen);
  x->done = calloc(x->areas.n_classes + 1, sizeof *x->done);
  if (!x->reach || !x->chosen || !x->done)
    err = TG_NO_MEMORY;
  for (unsigned from = 0; err == TG_OK && from < n; from++)
    for (size_t c = 0; err == TG_OK && is_member(x, from) && c < x->areas.n_classes; c++)
      err = fill_all(x, from, c);
  for (x->from = 0; err == TG_OK && x->from < n; x->from++)
    for (x->to = 0; err == TG_OK && x->to < n; x->to++)
      if (x->from != x->to && is_member(x, x->from) && is_member(x, x->to))
        err = find_flows(x);
  return err ? why_set(why, TG_NO_MEMORY, NULL, N_("out of memory"), NULL, NULL, NULL, NULL) : TG_OK;
}

/* --- showing --- */

/* The highest level of any topic; *ret_owed: only with approvals or ORCON. */
static uint8_t highest(const struct matrix *x, unsigned from, unsigned to, bool *ret_owed)
{
  uint8_t most = 0, freely = 0;
  for (size_t c = 0; c < x->areas.n_classes; c++) {
    const struct reach *r = reach_of(x, from, to, c);
    uint8_t a = flow_level(r->most), b = flow_level(r->freely);
    most = a > most ? a : most;
    freely = b > freely ? b : freely;
  }
  *ret_owed = freely < most;
  return most;
}

/* For terminals: one line for each pair that anything flows between. */
static void show_table(const struct matrix *x)
{
  if (!json_array_size(x->list)) {
    puts(_("Nothing may pass."));
    policies_tell_at(&x->p, clock_wall());
    return;
  }
  struct grid *g = grid_new(4, (const char *const[]){_("from"), _("to"), _("up to"), _("topics")});
  size_t i;
  json_t *flow;
  json_array_foreach (x->list, i, flow) {
    const char *most = json_string_value(json_object_get(flow, "up_to"));
    char level[FLOW_TEXT + 2], topics[AREA_NAME];
    bool owed = strcmp(most, json_string_value(json_object_get(flow, "up_to_freely"))) != 0;
    snprintf(level, sizeof level, "%s%s", most, owed ? " *" : "");
    grid_row(g, (const char *const[]){json_string_value(json_object_get(flow, "from")),
                                      json_string_value(json_object_get(flow, "to")), level,
                                      show_topics(json_string_value(json_object_get(flow, "topics")), topics, sizeof topics)});
  }
  grid_print(g);
  printf("%s\n", _("* the highest of it only with approvals or the caveat ORCON, or from some agencies. Who is not shown gets nothing."));
  policies_tell_at(&x->p, clock_wall());
}

static void csv_cell(struct buf *out, const char *text, const char *end)
{
  buf_put_str(out, "\"");
  for (; *text; text++)
    buf_printf(out, *text == '"' ? "\"\"" : "%c", *text);
  buf_printf(out, "\"%s", end);
}

static void write_csv(const struct matrix *x, struct buf *out)
{
  static const char *const column[] = {"from", "to", "topics", "up_to", "up_to_freely", "export_rule", "import_rule"};
  enum { COLUMNS = sizeof column / sizeof *column };
  size_t i;
  json_t *flow;
  for (size_t c = 0; c < COLUMNS; c++)
    buf_printf(out, "%s%s", column[c], c + 1 < COLUMNS ? "," : "\r\n");
  json_array_foreach (x->list, i, flow)
    for (size_t c = 0; c < COLUMNS; c++)
      csv_cell(out, json_string_value(json_object_get(flow, column[c])), c + 1 < COLUMNS ? "," : "\r\n");
}

/* What the page's filter offers: each pattern that the policies use, with the classes of topics that it covers. */
static json_t *patterns(const struct matrix *x)
{
  json_t *list = json_array();
  for (size_t i = 0; i < x->areas.n_patterns; i++) {
    struct slice text = x->areas.pattern[i];
    json_array_append_new(list, json_pack("{s:s%,s:o}", "name", (const char *)text.p, text.n, "classes",
                                          numbers(x, NULL, x->areas.covers + i * x->areas.n_classes)));
  }
  return list;
}

/* "Policies: ML 3, SN 1, TD no policy": by which it was decided. */
static void name_policies(const struct matrix *x, struct buf *out)
{
  buf_put_str(out, _("Policies:"));
  for (unsigned m = 0, n = 0; m < x->p.world->member_count; m++) {
    const struct policy *p = is_member(x, m) ? policy_set_policy(x->p.set, m, x->at) : NULL;
    if (is_member(x, m))
      buf_printf(out, "%s %s ", n++ ? "," : "", x->p.world->members[m].code.code);
    if (p)
      buf_printf(out, "%llu", (unsigned long long)policy_serial(p));
    else if (is_member(x, m))
      buf_put_str(out, _("no policy"));
  }
}

enum { DENSE = 12 }; /* more states than fit across a usual screen with whole words */

static enum tg_err write_html(const struct matrix *x, const char *path, struct tg_why *why)
{
  struct buf out = buf_new(64u << 20), policies = buf_new(16u << 10);
  struct matrix_page page = {.language = speak_language(), .topic = ((const struct matrix_options *)x->call->options)->topic};
  struct memberset everyone = policy_world_everyone(x->p.world);
  show_time(x->at, page.time);
  name_policies(x, &policies);
  buf_put(&policies, "", 1);
  page.policies = policies.failed ? "" : (const char *)policies.p;
  page.dense = memberset_count(&everyone) > DENSE;
  matrix_page_begin(&page, &out);
  for (unsigned m = 0; m < x->p.world->member_count; m++)
    if (is_member(x, m))
      matrix_page_head(&page, &x->p.world->members[m].code, &out);
  for (unsigned from = 0; from < x->p.world->member_count; from++) {
    if (!is_member(x, from))
      continue;
    matrix_page_row(&page, &x->p.world->members[from].code, &out);
    for (unsigned to = 0; to < x->p.world->member_count; to++) {
      bool owed = false;
      uint8_t level = from == to ? 0 : highest(x, from, to, &owed);
      if (is_member(x, to))
        matrix_page_cell(&page, &x->p.world->members[from].code, &x->p.world->members[to].code, level, owed, &out);
    }
  }
  json_t *topics = patterns(x);
  matrix_page_end(&page, x->list, x->classes, topics, &out);
  json_decref(topics);
  enum tg_err err = out.failed ? why_set(why, TG_NO_MEMORY, NULL, N_("out of memory"), NULL, NULL, NULL, NULL)
                               : box_write(path, buf_slice(&out), true, why);
  buf_free(&policies);
  buf_free(&out);
  return err;
}

static enum tg_err show(const struct matrix *x, struct tg_why *why)
{
  const struct matrix_options *o = x->call->options;
  enum tg_err err = o->html ? write_html(x, o->html, why) : TG_OK;
  if (err != TG_OK)
    return err;
  if (x->call->json)
    show_json(json_pack("{s:o,s:O}", "at", json_time(x->at), "flows", x->list));
  else if (o->csv) {
    struct buf out = buf_new(64u << 20);
    write_csv(x, &out);
    fwrite(out.p, 1, out.n, stdout);
    buf_free(&out);
  } else if (o->html)
    printf(_("%s: a page to open in any browser; it needs no network\n"), o->html);
  else
    show_table(x);
  return TG_OK;
}

static enum tg_err run(struct call *call, struct tg_why *why)
{
  const struct matrix_options *o = call->options;
  struct matrix x = {.call = call, .list = json_array(), .classes = json_array()};
  const tg_time now = clock_wall();
  enum tg_err err = policies_read(&o->documents, call->arg, call->n, now, &x.p, why);
  x.at = x.p.at;
  if (err == TG_OK)
    err = policies_hub(&x.p, o->hub, now, &x.hub, why);
  if (err == TG_OK)
    err = decide_all(&x, why);
  if (err == TG_OK)
    err = show(&x, why);
  areas_free(&x.areas);
  free(x.reach);
  free(x.chosen);
  free(x.done);
  json_decref(x.list);
  json_decref(x.classes);
  policies_free(&x.p);
  return err;
}

static const struct option_key options[] = {
    POLICIES_OPTION_DOCUMENTS(struct matrix_options),
    POLICIES_OPTION_HUB(struct matrix_options),
    {"topic", 't', OPTION_ONE, VALUE_TEXT, offsetof(struct matrix_options, topic), {0}, N_("TOPIC"),
     N_("For this topic alone.")},
    {"csv", 0, OPTION_FLAG, VALUE_BOOL, offsetof(struct matrix_options, csv), {0}, NULL, N_("As comma-separated values.")},
    {"html", 0, OPTION_ONE, VALUE_PATH, offsetof(struct matrix_options, html), {0}, N_("FILE"),
     N_("As one page, complete in itself, written into this file.")},
};

const struct command command_policy_matrix = {
    .noun = "policy",
    .verb = "matrix",
    .section = SECTION_PAPERS,
    .summary = N_("Show who tells whom what, up to which level"),
    .operands = N_("[POLICY...]"),
    .min = 0,
    .max = OPERANDS_ANY,
    .about = N_("Of the policies in these files, drafts or notes, and for everybody else of those among the documents. For "
                "short bulletins, from whatever agency; drafts that begin later as of when they have begun."),
    .examples = "toguna policy matrix --documents charter.note --documents policies\n"
                "toguna policy matrix ML.policy -d charter.note -d policies --html matrix.html\n",
    .options = options,
    .n_options = sizeof options / sizeof *options,
    .size = sizeof(struct matrix_options),
    .run = run,
};
