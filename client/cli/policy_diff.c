/* toguna policy diff: what another policy would change, in effects. Every flow to and from its state is decided under both,
   for every class of topics, marking, agency and size that any policy tells apart. */
#include "client/cli/policies.h"
#include "client/cli/show.h"
#include "os/clock.h"
#include "policy/areas.h"
#include "policy/change.h"
#include "policy/flow.h"
#include "policy/rule.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct diff_options {
  struct common common;
  struct options_list documents;
  char *hub;
};

/* --- what is compared --- */

enum aspect {
  ASPECT_RECEIVES, /* with all approvals and ORCON */
  ASPECT_WITHOUT_ORCON,
  ASPECT_APPROVALS, /* + n: with n approvals, 0.. */
  ASPECT_ONWARD = ASPECT_APPROVALS + POLICY_APPROVALS_MAX,
  ASPECT_ASK,
  ASPECT_PLACE, /* + i: through a hub in the world's i-th place */
  ASPECTS_MAX = ASPECT_PLACE + POLICY_PLACES_MAX,
};

/* TRANSLATORS: 1 who receives, 2 topics, 3 sender, 4 up to now, 5 until now, 6 the number of approvals or a hub's country */
struct aspect_words {
  const char *name, *opens, *closes, *changes;
};

static const struct aspect_words words_receives = {
    "receives", N_("%1$s will now receive %2$s up to %4$s from %3$s"),
    N_("%1$s will no longer receive %2$s from %3$s (until now up to %5$s)"),
    N_("%1$s will receive %2$s up to %4$s from %3$s (until now up to %5$s)")};
static const struct aspect_words words_orcon = {
    "receives-without-orcon", N_("%1$s will now receive %2$s up to %4$s from %3$s without the caveat ORCON"),
    N_("%1$s will receive %2$s from %3$s only with the caveat ORCON (until now without it up to %5$s)"),
    N_("%1$s will receive %2$s up to %4$s from %3$s without the caveat ORCON (until now up to %5$s)")};
static const struct aspect_words words_approvals = {
    "receives-with-approvals", N_("%1$s will now receive %2$s up to %4$s from %3$s with no more than %6$s approvals"),
    N_("%1$s will receive %2$s from %3$s only with more than %6$s approvals (until now without more up to %5$s)"),
    N_("%1$s will receive %2$s up to %4$s from %3$s with no more than %6$s approvals (until now up to %5$s)")};
static const struct aspect_words words_onward = {
    "onward", N_("others may now pass on to %1$s, without asking, %2$s up to %4$s from %3$s"),
    N_("others may no longer pass on to %1$s, without asking, %2$s from %3$s (until now up to %5$s)"),
    N_("others may pass on to %1$s, without asking, %2$s up to %4$s from %3$s (until now up to %5$s)")};
static const struct aspect_words words_ask = {
    "ask", N_("others may now ask %3$s to pass on to %1$s %2$s up to %4$s"),
    N_("others may no longer ask %3$s to pass on to %1$s %2$s (until now up to %5$s)"),
    N_("others may ask %3$s to pass on to %1$s %2$s up to %4$s (until now up to %5$s)")};
static const struct aspect_words words_place = {
    "transit", N_("%1$s will now receive %2$s up to %4$s from %3$s through hubs in %6$s too"),
    N_("%1$s will no longer receive %2$s from %3$s through hubs in %6$s (until now up to %5$s)"),
    N_("%1$s will receive %2$s up to %4$s from %3$s through hubs in %6$s (until now up to %5$s)")};

static const struct aspect_words *words_of(unsigned aspect)
{
  return aspect == ASPECT_RECEIVES        ? &words_receives
         : aspect == ASPECT_WITHOUT_ORCON ? &words_orcon
         : aspect < ASPECT_ONWARD         ? &words_approvals
         : aspect == ASPECT_ONWARD        ? &words_onward
         : aspect == ASPECT_ASK           ? &words_ask
                                          : &words_place;
}

/* What one member gets in one class of topics, before and after. Plain values without gaps: compared as bytes. */
struct change {
  uint32_t old, next;
};

struct diff {
  const struct call *call;
  struct policies p;
  struct policy_set *old;
  const struct policy *old_policy, *next_policy;
  unsigned member;
  tg_time at;
  struct areas areas;
  size_t n_sizes;
  uint64_t size[MEMBERS_MAX]; /* ascending; the first is 0 */
  size_t n_aspects;
  struct change *change;       /* [aspect][member][class] of the flow looked at */
  struct change *plain;        /* the same of the flow it differs from in agency or size only */
  bool has_plain;
  bool *chosen, *done;         /* by class */
  struct keeping *keeping;     /* by class */
  json_t *list;
  size_t told;
  bool widens;
  struct policy_example example; /* when it widens */
  /* The flow looked at. */
  unsigned originator;
  const struct rule_agency *agency;
  uint64_t above;
  unsigned receiver, aspect;
  struct change value;
};

static size_t place_of(const struct diff *x, unsigned aspect, unsigned member, size_t class)
{
  return ((size_t)aspect * x->p.world->member_count + member) * x->areas.n_classes + class;
}

static size_t places(const struct diff *x)
{
  return x->n_aspects * x->p.world->member_count * x->areas.n_classes;
}

/* --- deciding --- */

static enum tg_err fill(struct diff *x, unsigned aspect, const struct flow_case *c, size_t class)
{
  struct flow old, next;
  enum tg_err err = flow_read(x->old, c, &old);
  if (err == TG_OK)
    err = flow_read(x->p.set, c, &next);
  for (unsigned m = 0; err == TG_OK && m < x->p.world->member_count; m++) {
    struct change *to = &x->change[place_of(x, aspect, m, class)];
    *to = (struct change){flow_reach(old.permitted, m), flow_reach(next.permitted, m)};
    if (aspect != ASPECT_RECEIVES)
      continue;
    x->change[place_of(x, ASPECT_ONWARD, m, class)] =
        (struct change){flow_reach(old.onward, m), flow_reach(next.onward, m)};
    x->change[place_of(x, ASPECT_ASK, m, class)] = (struct change){flow_reach(old.ask, m), flow_reach(next.ask, m)};
  }
  return err;
}

static enum tg_err fill_class(struct diff *x, size_t class, const struct country *hub)
{
  struct flow_case c = {.originator = x->originator,
                        .agency = slice_str(x->agency ? x->agency->name : ""),
                        .topic = slice_str(x->areas.example[class]),
                        .size = x->above ? x->above + 1 : 0,
                        .approvals = POLICY_APPROVALS_MAX,
                        .orcon = true,
                        .hub = hub,
                        .time = x->at};
  enum tg_err err = fill(x, ASPECT_RECEIVES, &c, class);
  if (x->originator != x->member)
    return err; /* the other aspects are the originator's, whose policy does not change */
  for (size_t i = 0; err == TG_OK && i < x->p.world->place_count; i++) {
    c.hub = &x->p.world->places[i];
    err = fill(x, ASPECT_PLACE + (unsigned)i, &c, class);
  }
  c.hub = hub;
  for (unsigned n = 0; err == TG_OK && n < POLICY_APPROVALS_MAX; n++) {
    c.approvals = n;
    err = fill(x, ASPECT_APPROVALS + n, &c, class);
  }
  c.approvals = POLICY_APPROVALS_MAX;
  c.orcon = false;
  return err ? err : fill(x, ASPECT_WITHOUT_ORCON, &c, class);
}

/* --- telling --- */

/* An approval count or a place says something of its own only where it differs from what was said already. */
static bool is_said(const struct diff *x, unsigned aspect, unsigned m, size_t class)
{
  const struct change *c = &x->change[place_of(x, aspect, m, class)];
  if (c->old == c->next)
    return true;
  if (x->has_plain && !memcmp(c, &x->plain[place_of(x, aspect, m, class)], sizeof *c))
    return true;
  if (aspect == ASPECT_RECEIVES || aspect == ASPECT_ONWARD)
    return false;
  unsigned than = aspect == ASPECT_ASK                                                ? ASPECT_ONWARD
                  : aspect > ASPECT_APPROVALS && aspect < ASPECT_ONWARD ? aspect - 1u : ASPECT_RECEIVES;
  return !memcmp(c, &x->change[place_of(x, ASPECT_RECEIVES, m, class)], sizeof *c) ||
         !memcmp(c, &x->change[place_of(x, than, m, class)], sizeof *c);
}

/* "ML", or "ML/dgse". */
static void sender(const struct diff *x, char out[64])
{
  snprintf(out, 64, x->agency ? "%s/%s" : "%s", x->p.world->members[x->originator].code.code,
           x->agency ? x->agency->name : "");
}

/* Replaces %1$s to %6$s: sentences take those that they need, in the order of their language. */
static void fill_in(const char *sentence, const char *const arg[6], char *out, size_t size)
{
  size_t n = 0;
  while (*sentence && n + 1 < size) {
    bool place = sentence[0] == '%' && sentence[1] >= '1' && sentence[1] <= '6' && sentence[2] == '$' && sentence[3] == 's';
    if (!place) {
      out[n++] = *sentence++;
      continue;
    }
    n += (size_t)snprintf(out + n, size - n, "%s", arg[sentence[1] - '1']);
    n = n < size ? n : size - 1;
    sentence += 4;
  }
  out[n] = 0;
}

static void tell(void *context, const char *name, size_t class, const bool *covered)
{
  struct diff *x = context;
  (void)class;
  (void)covered;
  char from[64], now[FLOW_TEXT], before[FLOW_TEXT], topics[AREA_NAME + 32], detail[24] = "";
  const struct aspect_words *w = words_of(x->aspect);
  const char *to = x->p.world->members[x->receiver].code.code;
  sender(x, from);
  flow_text(x->value.next, now);
  flow_text(x->value.old, before);
  snprintf(topics, sizeof topics, x->above ? "%s (> %llu)" : "%s", name, (unsigned long long)x->above);
  if (w == &words_approvals)
    snprintf(detail, sizeof detail, "%u", x->aspect - ASPECT_APPROVALS);
  else if (w == &words_place)
    snprintf(detail, sizeof detail, "%s", x->p.world->places[x->aspect - ASPECT_PLACE].code);
  char text[1024];
  fill_in(tr(!x->value.old ? w->opens : !x->value.next ? w->closes : w->changes),
          (const char *const[]){to, topics, from, now, before, detail}, text, sizeof text);
  x->told++;
  bool opens = x->value.next & ~x->value.old;
  if (x->call->json)
    json_array_append_new(x->list, json_pack("{s:s,s:s,s:b,s:s,s:s,s:s,s:I,s:s,s:s,s:s}", "effect", w->name, "detail",
                                             detail, "opens", opens, "from", from, "to", to, "topics", name,
                                             "larger_than", (json_int_t)x->above, "old", before, "new", now,
                                             "sentence", text));
  else {
    show_tinted(opens ? TINT_WARN : TINT_GOOD, opens ? "+ " : "- ");
    printf("%s\n", text);
  }
}

/* All classes with the same change are one choice of topics. */
static enum tg_err tell_member(struct diff *x)
{
  enum tg_err err = TG_OK;
  size_t n = x->areas.n_classes;
  memset(x->done, 0, n);
  for (size_t c = 0; err == TG_OK && c < n; c++) {
    if (x->done[c] || is_said(x, x->aspect, x->receiver, c))
      continue;
    x->value = x->change[place_of(x, x->aspect, x->receiver, c)];
    for (size_t k = 0; k < n; k++) {
      x->chosen[k] = !is_said(x, x->aspect, x->receiver, k) &&
                     !memcmp(&x->value, &x->change[place_of(x, x->aspect, x->receiver, k)], sizeof x->value);
      x->done[k] |= x->chosen[k];
    }
    err = areas_name(&x->areas, x->chosen, tell, x);
  }
  return err;
}

static enum tg_err one_flow(struct diff *x, const struct country *hub)
{
  enum tg_err err = TG_OK;
  for (size_t c = 0; err == TG_OK && c < x->areas.n_classes; c++)
    err = fill_class(x, c, hub);
  for (x->receiver = 0; err == TG_OK && x->receiver < x->p.world->member_count; x->receiver++) {
    bool concerned = x->originator == x->member ? x->receiver != x->member : x->receiver == x->member;
    for (x->aspect = 0; err == TG_OK && concerned && x->aspect < x->n_aspects; x->aspect++)
      err = tell_member(x);
  }
  return err;
}

/* One agency of one originator, by all sizes: the smallest first, of larger ones only what differs. */
static enum tg_err all_sizes(struct diff *x, const struct country *hub)
{
  enum tg_err err = TG_OK;
  for (size_t s = 0; err == TG_OK && s < x->n_sizes; s++) {
    x->above = x->size[s];
    err = one_flow(x, hub);
    memcpy(x->plain, x->change, places(x) * sizeof *x->plain);
    x->has_plain = true;
  }
  return err;
}

/* One agency that some rule names, compared with the flow of any other agency, of the smallest size. */
static enum tg_err one_agency(struct diff *x, const struct rule_agency *a, const struct country *hub)
{
  enum tg_err err = TG_OK;
  x->agency = NULL;
  x->above = 0;
  for (size_t c = 0; err == TG_OK && c < x->areas.n_classes; c++)
    err = fill_class(x, c, hub);
  memcpy(x->plain, x->change, places(x) * sizeof *x->plain);
  x->agency = a;
  return err ? err : all_sizes(x, hub);
}

/* The agencies of the originator that any policy names, each once. */
static size_t find_agencies(const struct diff *x, const struct rule_agency **ret, size_t max)
{
  size_t n = 0;
  for (unsigned m = 0; m < 2 * x->p.world->member_count; m++) {
    const struct policy *p = policy_set_policy(m % 2 ? x->old : x->p.set, m / 2, x->at);
    for (size_t i = 0; p && i < p->n_agencies; i++) {
      bool wanted = country_eq(p->agency[i].member, x->p.world->members[x->originator].code);
      for (size_t k = 0; k < n; k++)
        wanted = wanted && strcmp(ret[k]->name, p->agency[i].name) != 0;
      if (wanted && n < max)
        ret[n++] = &p->agency[i];
    }
  }
  return n;
}

static enum tg_err originator(struct diff *x, const struct country *hub)
{
  enum { AGENCIES = 1024 };
  const struct rule_agency *agency[AGENCIES];
  x->agency = NULL;
  x->has_plain = false;
  memset(x->change, 0, places(x) * sizeof *x->change);
  enum tg_err err = all_sizes(x, hub);
  size_t n = find_agencies(x, agency, AGENCIES);
  for (size_t i = 0; err == TG_OK && i < n; i++)
    err = one_agency(x, agency[i], hub);
  return err;
}

/* --- what is no flow --- */

struct keeping {
  tg_time old, next; /* at the lowest marking at which they differ; equal: nowhere */
};

static const char *keeping_text(tg_time t, char out[32])
{
  long long seconds = (long long)(t / TG_SECOND), day = 86400;
  snprintf(out, 32, !seconds ? "-" : seconds % day ? "%llds" : "%lldd", seconds % day ? seconds : seconds / day);
  return out;
}

static void tell_keeping(void *context, const char *name, size_t class, const bool *covered)
{
  struct diff *x = context;
  (void)covered;
  char old[32], next[32];
  keeping_text(x->keeping[class].old, old);
  keeping_text(x->keeping[class].next, next);
  x->told++;
  if (x->call->json)
    json_array_append_new(x->list, json_pack("{s:s,s:s,s:s,s:s}", "effect", "retention", "topics", name, "old", old, "new", next));
  else
    printf(_("  recipients will keep %1$s for %2$s (until now %3$s; - is as long as they like)\n"), name, next, old);
}

static enum tg_err read_keeping(struct diff *x, const struct country *hub)
{
  for (size_t c = 0; c < x->areas.n_classes; c++) {
    struct flow old, next;
    struct flow_case k = {.originator = x->member, .topic = slice_str(x->areas.example[c]), .hub = hub, .time = x->at};
    enum tg_err err = flow_read(x->old, &k, &old);
    if (err == TG_OK)
      err = flow_read(x->p.set, &k, &next);
    if (err != TG_OK)
      return err;
    for (size_t m = FLOW_MARKINGS; m-- > 0;)
      if (old.retain[m] != next.retain[m])
        x->keeping[c] = (struct keeping){old.retain[m], next.retain[m]};
  }
  return TG_OK;
}

static enum tg_err tell_retention(struct diff *x, const struct country *hub)
{
  size_t n = x->areas.n_classes;
  x->keeping = calloc(n + 1, sizeof *x->keeping);
  enum tg_err err = x->keeping ? read_keeping(x, hub) : TG_NO_MEMORY;
  memset(x->done, 0, n);
  for (size_t c = 0; err == TG_OK && c < n; c++) {
    const struct keeping *k = &x->keeping[c];
    if (x->done[c] || k->old == k->next)
      continue;
    for (size_t i = 0; i < n; i++) {
      x->chosen[i] = x->keeping[i].old == k->old && x->keeping[i].next == k->next;
      x->done[i] |= x->chosen[i];
    }
    err = areas_name(&x->areas, x->chosen, tell_keeping, x);
  }
  free(x->keeping);
  return err;
}

static void tell_label(struct diff *x, struct slice text, uint8_t old, uint8_t next)
{
  char label[80];
  snprintf(label, sizeof label, "%.*s", (int)text.n, (const char *)text.p);
  x->told++;
  if (x->call->json)
    json_array_append_new(x->list, json_pack("{s:s,s:s,s:s,s:s}", "effect", "label", "label", label, "old",
                                             old ? level_name(old) : "-", "new", next ? level_name(next) : "-"));
  else
    printf(_("  the label \"%1$s\" will stand for %2$s (until now %3$s)\n"), label, next ? level_name(next) : "-",
           old ? level_name(old) : "-");
}

static void tell_labels(struct diff *x)
{
  const struct policy *old = x->old_policy, *next = x->next_policy;
  for (size_t i = 0; i < next->n_labels; i++) {
    uint8_t before = policy_label_level(old, next->label[i].text);
    if (before != next->label[i].level)
      tell_label(x, next->label[i].text, before, next->label[i].level);
  }
  for (size_t i = 0; i < old->n_labels; i++)
    if (!policy_label_level(next, old->label[i].text))
      tell_label(x, old->label[i].text, old->label[i].level, 0);
}

/* --- the command --- */

static int by_size(const void *a, const void *b)
{
  const uint64_t *x = a, *y = b;
  return (*x > *y) - (*x < *y);
}

/* The limits of both: nothing else that changes depends on a size. */
static void find_sizes(struct diff *x)
{
  size_t kept = 1;
  x->n_sizes = 1;
  for (size_t i = 0; i < x->old_policy->n_sizes; i++)
    x->size[x->n_sizes++] = x->old_policy->size[i];
  for (size_t i = 0; i < x->next_policy->n_sizes; i++)
    x->size[x->n_sizes++] = x->next_policy->size[i];
  qsort(x->size, x->n_sizes, sizeof *x->size, by_size);
  for (size_t i = 1; i < x->n_sizes; i++)
    if (x->size[i] != x->size[kept - 1])
      x->size[kept++] = x->size[i];
  x->n_sizes = kept;
}

static enum tg_err out_of_memory(struct tg_why *why)
{
  return why_set(why, TG_NO_MEMORY, NULL, N_("out of memory"), NULL, NULL, NULL, NULL);
}

static enum tg_err read_both(struct diff *x, char *const *file, tg_time now, struct tg_why *why)
{
  const struct diff_options *o = x->call->options;
  struct policy *old = NULL;
  enum tg_err err = policies_read(&o->documents, file + 1, x->call->n - 1, now, &x->p, why);
  struct policy *next = NULL;
  if (err == TG_OK)
    err = policies_file(file[1], x->p.world, &next, why);
  if (err == TG_OK)
    err = policies_file(file[0], x->p.world, &old, why);
  if (err == TG_OK && !country_eq(policy_member(old), policy_member(next)))
    err = why_set(why, TG_BAD_INPUT, file[1], N_("these are policies of two states: %1$s and %2$s"),
                  N_("Compare two policies of one state"), policy_member(old).code, policy_member(next).code, NULL);
  if (err == TG_OK) {
    x->member = (unsigned)policy_world_member(x->p.world, policy_member(next));
    x->at = policy_effective(next) > now ? policy_effective(next) : now;
    x->at = policy_effective(old) > x->at ? policy_effective(old) : x->at;
    if (policy_set_copy(x->p.set, &x->old) || policy_set_remove(x->old, x->member, now))
      err = out_of_memory(why);
  }
  if (err == TG_OK)
    err = policy_set_put(x->old, &old, 0, now, why);
  if (err == TG_OK && (policy_set_advance(x->old, x->at) || policy_set_advance(x->p.set, x->at)))
    err = out_of_memory(why);
  if (err == TG_OK) {
    x->old_policy = policy_set_policy(x->old, x->member, x->at);
    x->next_policy = policy_set_policy(x->p.set, x->member, x->at);
    find_sizes(x);
  }
  policy_free(old);
  policy_free(next);
  return err;
}

static enum tg_err make_room(struct diff *x, struct tg_why *why)
{
  const struct policy_set *both[2] = {x->old, x->p.set};
  enum tg_err err = areas_new(both, 2, x->at, &x->areas);
  if (err == TG_TOO_BIG)
    return why_set(why, err, NULL, N_("these policies tell too many topics apart to be compared"),
                   N_("Use fewer patterns with ** in the middle"), NULL, NULL, NULL);
  x->n_aspects = ASPECT_PLACE + x->p.world->place_count;
  x->change = calloc(places(x) + 1, sizeof *x->change);
  x->plain = calloc(places(x) + 1, sizeof *x->plain);
  x->chosen = calloc(x->areas.n_classes + 1, sizeof *x->chosen);
  x->done = calloc(x->areas.n_classes + 1, sizeof *x->done);
  return err || !x->change || !x->plain || !x->chosen || !x->done ? out_of_memory(why) : TG_OK;
}

/* What the hub will ask for: decided by this state's rules alone, whoever accepts it by now. */
static enum tg_err find_widening(struct diff *x, struct tg_why *why)
{
  enum tg_err err = policy_widens(x->old_policy, x->next_policy, x->p.world, x->at, &x->widens, &x->example);
  return err ? why_set(why, err, NULL, N_("these policies tell too many topics apart to be compared"),
                       N_("Use fewer patterns with ** in the middle"), NULL, NULL, NULL)
             : TG_OK;
}

static void tell_widening(const struct diff *x)
{
  char text[1024];
  if (!x->widens) {
    printf("%s\n", _("It opens nothing: one signature is enough, and it holds at once, for what is queued too."));
    return;
  }
  why_render(&x->example.why, tr, text, sizeof text);
  printf(_("It opens something: it takes two signatures and the charter's delay. For example, %s\n"), text);
}

static void finish(struct diff *x)
{
  char time[SHOW_TIME];
  tg_time until = policy_set_until(x->p.set), other = policy_set_until(x->old);
  until = other < until ? other : until;
  if (x->call->json) {
    show_json(json_pack("{s:s,s:o,s:o,s:b,s:O}", "member", x->p.world->members[x->member].code.code, "at", json_time(x->at),
                        "holds_until", json_time(until == INT64_MAX ? 0 : until), "widens", x->widens, "effects",
                        x->list));
    return;
  }
  if (!x->told)
    printf("%s\n", _("Nothing that passes today changes."));
  printf(_("Compared as of %s, over every topic, marking, agency and size that the policies tell apart.\n"),
         show_time(x->at, time));
  tell_widening(x);
  if (until != INT64_MAX)
    printf(_("Dates in these policies change something again on %s.\n"), show_time(until, time));
}

static enum tg_err run(struct call *call, struct tg_why *why)
{
  const struct diff_options *o = call->options;
  struct diff x = {.call = call, .list = json_array()};
  struct country hub;
  tg_time now = clock_wall();
  enum tg_err err = read_both(&x, call->arg, now, why);
  if (err == TG_OK)
    err = policies_hub(&x.p, o->hub, now, &hub, why);
  if (err == TG_OK)
    err = make_room(&x, why);
  for (x.originator = 0; err == TG_OK && x.originator < x.p.world->member_count; x.originator++)
    if (x.p.world->members[x.originator].code.code[0] && originator(&x, &hub))
      err = out_of_memory(why);
  if (err == TG_OK) {
    tell_labels(&x);
    if (tell_retention(&x, &hub))
      err = out_of_memory(why);
  }
  if (err == TG_OK)
    err = find_widening(&x, why);
  if (err == TG_OK)
    finish(&x);
  areas_free(&x.areas);
  free(x.change);
  free(x.plain);
  free(x.chosen);
  free(x.done);
  json_decref(x.list);
  policy_set_free(x.old);
  policies_free(&x.p);
  return err;
}

static const struct option_key options[] = {
    POLICIES_OPTION_DOCUMENTS(struct diff_options),
    POLICIES_OPTION_HUB(struct diff_options),
};

const struct command command_policy_diff = {
    .noun = "policy",
    .verb = "diff",
    .section = SECTION_PAPERS,
    .summary = N_("Say in sentences what another policy would change"),
    .operands = N_("OLD NEW [OTHER...]"),
    .min = 2,
    .max = OPERANDS_ANY,
    .about = N_("Decides every flow to and from this state under both policies, with those of all others as they are in "
                "the other files or among the documents. A plus opens something, a minus closes something. Whoever has no policy there "
                "neither tells nor accepts anything."),
    .examples = "toguna policy diff ML.policy.note ML-2.policy --documents charter.note --documents policies\n",
    .options = options,
    .n_options = sizeof options / sizeof *options,
    .size = sizeof(struct diff_options),
    .run = run,
};
