#include "client/cli/effects.h"

#include "policy/flow.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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
static const struct aspect_words words_one_approval = {
    "receives-with-approvals", N_("%1$s will now receive %2$s up to %4$s from %3$s with no more than one approval"),
    N_("%1$s will receive %2$s from %3$s only with more than one approval (until now without more up to %5$s)"),
    N_("%1$s will receive %2$s up to %4$s from %3$s with no more than one approval (until now up to %5$s)")};
static const struct aspect_words words_no_approval = {
    "receives-with-approvals", N_("%1$s will now receive %2$s up to %4$s from %3$s without any approval"),
    N_("%1$s will receive %2$s from %3$s only with approvals (until now without any up to %5$s)"),
    N_("%1$s will receive %2$s up to %4$s from %3$s without any approval (until now up to %5$s)")};
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
         : aspect == ASPECT_APPROVALS     ? &words_no_approval
         : aspect == ASPECT_APPROVALS + 1 ? &words_one_approval
         : aspect < ASPECT_ONWARD         ? &words_approvals
         : aspect == ASPECT_ONWARD        ? &words_onward
         : aspect == ASPECT_ASK           ? &words_ask
                                          : &words_place;
}

static size_t place_of(const struct effects *x, unsigned aspect, unsigned member, size_t class)
{
  return ((size_t)aspect * x->p.world->member_count + member) * x->areas.n_classes + class;
}

static size_t places(const struct effects *x)
{
  return x->n_aspects * x->p.world->member_count * x->areas.n_classes;
}

/* --- deciding --- */

static enum tg_err fill(struct effects *x, unsigned aspect, const struct flow_case *c, size_t class)
{
  struct flow old, next;
  enum tg_err err = flow_read(x->old, c, &old);
  if (err == TG_OK)
    err = flow_read(x->p.set, c, &next);
  for (unsigned m = 0; err == TG_OK && m < x->p.world->member_count; m++) {
    struct effect_change *to = &x->change[place_of(x, aspect, m, class)];
    *to = (struct effect_change){flow_reach(old.permitted, m), flow_reach(next.permitted, m)};
    if (aspect != ASPECT_RECEIVES)
      continue;
    x->change[place_of(x, ASPECT_ONWARD, m, class)] =
        (struct effect_change){flow_reach(old.onward, m), flow_reach(next.onward, m)};
    x->change[place_of(x, ASPECT_ASK, m, class)] = (struct effect_change){flow_reach(old.ask, m), flow_reach(next.ask, m)};
  }
  return err;
}

static enum tg_err fill_class(struct effects *x, size_t class, const struct country *hub)
{
  struct flow_case c = {.originator = x->originator,
                        .agency = slice_str(x->agency ? x->agency : ""),
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
static bool is_said(const struct effects *x, unsigned aspect, unsigned m, size_t class)
{
  const struct effect_change *c = &x->change[place_of(x, aspect, m, class)];
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
static void sender(const struct effects *x, char out[64])
{
  snprintf(out, 64, x->agency ? "%s/%s" : "%s", x->p.world->members[x->originator].code.code,
           x->agency ? x->agency : "");
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
  struct effects *x = context;
  (void)class;
  (void)covered;
  char from[64], now[FLOW_TEXT], before[FLOW_TEXT], topics[AREA_NAME + 32], named[AREA_NAME], detail[24] = "";
  const struct aspect_words *w = words_of(x->aspect);
  const char *to = x->p.world->members[x->receiver].code.code;
  sender(x, from);
  flow_text(x->value.next, now);
  flow_text(x->value.old, before);
  snprintf(topics, sizeof topics, x->above ? "%s (> %llu)" : "%s", show_topics(name, named, sizeof named), (unsigned long long)x->above);
  if (x->aspect >= ASPECT_APPROVALS && x->aspect < ASPECT_ONWARD)
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
static enum tg_err tell_member(struct effects *x)
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

static enum tg_err one_flow(struct effects *x, const struct country *hub)
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
static enum tg_err all_sizes(struct effects *x, const struct country *hub)
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
static enum tg_err one_agency(struct effects *x, const char *a, const struct country *hub)
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
static size_t find_agencies(const struct effects *x, const char **ret, size_t max)
{
  size_t n = 0;
  for (unsigned m = 0; m < 2 * x->p.world->member_count; m++) {
    const struct policy *p = policy_set_policy(m % 2 ? x->old : x->p.set, m / 2, x->at);
    struct country member;
    const char *name;
    for (size_t i = 0; p && policy_agency_at(p, i, &member, &name); i++) {
      bool wanted = country_eq(member, x->p.world->members[x->originator].code);
      for (size_t k = 0; k < n; k++)
        wanted = wanted && strcmp(ret[k], name) != 0;
      if (wanted && n < max)
        ret[n++] = name;
    }
  }
  return n;
}

static enum tg_err originator(struct effects *x, const struct country *hub)
{
  enum { AGENCIES = 1024 };
  const char *agency[AGENCIES];
  x->agency = NULL;
  x->has_plain = false;
  memset(x->change, 0, places(x) * sizeof *x->change);
  enum tg_err err = all_sizes(x, hub);
  size_t n = find_agencies(x, agency, AGENCIES);
  for (size_t i = 0; err == TG_OK && i < n; i++)
    err = one_agency(x, agency[i], hub);
  return err;
}

/* --- room --- */

static int by_size(const void *a, const void *b)
{
  const uint64_t *x = a, *y = b;
  return (*x > *y) - (*x < *y);
}

/* The limits of both: nothing else that changes depends on a size. */
static void find_sizes(struct effects *x)
{
  size_t kept = 1;
  x->n_sizes = 1;
  for (size_t i = 0; policy_size_at(x->old_policy, i, &x->size[x->n_sizes]); i++)
    x->n_sizes++;
  for (size_t i = 0; policy_size_at(x->next_policy, i, &x->size[x->n_sizes]); i++)
    x->n_sizes++;
  qsort(x->size, x->n_sizes, sizeof *x->size, by_size);
  for (size_t i = 1; i < x->n_sizes; i++)
    if (x->size[i] != x->size[kept - 1])
      x->size[kept++] = x->size[i];
  x->n_sizes = kept;
}

enum tg_err effects_begin(struct effects *x, struct tg_why *why)
{
  const struct policy_set *both[2] = {x->old, x->p.set};
  enum tg_err err = areas_new(both, 2, x->at, &x->areas);
  if (err == TG_TOO_BIG)
    return why_set(why, err, NULL, N_("these policies tell too many topics apart to be compared"),
                   N_("Use fewer patterns with ** in the middle"), NULL, NULL, NULL);
  find_sizes(x);
  x->n_aspects = ASPECT_PLACE + x->p.world->place_count;
  x->change = calloc(places(x) + 1, sizeof *x->change);
  x->plain = calloc(places(x) + 1, sizeof *x->plain);
  x->chosen = calloc(x->areas.n_classes + 1, sizeof *x->chosen);
  x->done = calloc(x->areas.n_classes + 1, sizeof *x->done);
  if (!err && x->change && x->plain && x->chosen && x->done)
    return TG_OK;
  return why_set(why, TG_NO_MEMORY, NULL, N_("out of memory"), NULL, NULL, NULL, NULL);
}

void effects_end(struct effects *x)
{
  areas_free(&x->areas);
  free(x->change);
  free(x->plain);
  free(x->chosen);
  free(x->done);
}

enum tg_err effects_flows(struct effects *x, const struct country *hub)
{
  enum tg_err err = TG_OK;
  for (x->originator = 0; err == TG_OK && x->originator < x->p.world->member_count; x->originator++)
    if (x->p.world->members[x->originator].code.code[0])
      err = originator(x, hub);
  return err;
}
