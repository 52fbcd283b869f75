/* toguna policy diff: what another policy would change, in effects. */
#include "client/cli/effects.h"
#include "os/clock.h"

#include <stdio.h>

struct diff_options {
  struct common common;
  struct options_list documents;
  char *hub;
};

static enum tg_err out_of_memory(struct tg_why *why)
{
  return why_set(why, TG_NO_MEMORY, NULL, N_("out of memory"), NULL, NULL, NULL, NULL);
}

static enum tg_err read_both(struct effects *x, char *const *file, tg_time now, struct tg_why *why)
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
  }
  policy_free(old);
  policy_free(next);
  return err;
}

static enum tg_err too_many_topics(enum tg_err err, struct tg_why *why)
{
  return why_set(why, err, NULL, N_("these policies tell too many topics apart to be compared"),
                 N_("Use fewer patterns with ** in the middle"), NULL, NULL, NULL);
}

/* Pins of a policy that is over by then guard nothing any more. */
static enum tg_err find_pins(struct effects *x, struct tg_why *why)
{
  const tg_time end = policy_expires(x->old_policy);
  enum tg_err err = end && end <= x->at ? TG_OK : effects_pins(x);
  return err ? too_many_topics(err, why) : TG_OK;
}

/* What the hub will ask for: decided by this state's rules alone, whoever accepts it by now. */
static enum tg_err find_widening(struct effects *x, struct tg_why *why)
{
  enum tg_err err = policy_widens(x->old_policy, x->next_policy, x->p.world, x->at, &x->widens, &x->example);
  return err ? too_many_topics(err, why) : TG_OK;
}

/* A draft that breaks its own pins is refused, whatever else it does. */
static enum tg_err find_broken_pin(struct effects *x, struct tg_why *why)
{
  enum tg_err err = policy_pins_hold(x->next_policy, x->p.world, x->at, &x->pin);
  x->breaks_pin = err == TG_REFUSED;
  return err == TG_OK || x->breaks_pin ? TG_OK : too_many_topics(err, why);
}

static void tell_pin(const struct effects *x)
{
  char text[1024];
  if (!x->breaks_pin)
    return;
  why_render(&x->pin.why, tr, text, sizeof text);
  show_tinted(TINT_WARN, "! ");
  printf(_("The hub will refuse it for a pin of its own. %s\n"), text);
}

static json_t *pin_json(const struct effects *x)
{
  char text[1024];
  if (!x->breaks_pin)
    return json_null();
  why_render(&x->pin.why, tr, text, sizeof text);
  return json_string(text);
}

static void tell_widening(const struct effects *x)
{
  char text[1024];
  if (!x->widens) {
    printf("%s\n", _("It opens nothing: one signature is enough, and it holds at once, for what is queued too."));
    return;
  }
  why_render(&x->example.why, tr, text, sizeof text);
  printf(_("It opens something: it takes two signatures and the charter's delay. For example, %s\n"), text);
}

static void finish(struct effects *x)
{
  char time[SHOW_TIME];
  tg_time until = policy_set_until(x->p.set), other = policy_set_until(x->old);
  until = other < until ? other : until;
  if (x->call->json) {
    show_json(json_pack("{s:s,s:o,s:o,s:b,s:o,s:O}", "member", x->p.world->members[x->member].code.code, "at", json_time(x->at),
                        "holds_until", json_time(until == INT64_MAX ? 0 : until), "widens", x->widens, "pin", pin_json(x), "effects",
                        x->list));
    return;
  }
  if (!x->told)
    printf("%s\n", _("Nothing that passes today changes."));
  printf(_("Compared as of %s, over every topic, marking, agency and size that the policies tell apart.\n"),
         show_time(x->at, time));
  tell_widening(x);
  tell_pin(x);
  if (until != INT64_MAX)
    printf(_("Dates in these policies change something again on %s.\n"), show_time(until, time));
}

static enum tg_err run(struct call *call, struct tg_why *why)
{
  const struct diff_options *o = call->options;
  struct effects x = {.call = call, .list = json_array()};
  struct country hub;
  tg_time now = clock_wall();
  enum tg_err err = read_both(&x, call->arg, now, why);
  if (err == TG_OK)
    err = policies_hub(&x.p, o->hub, now, &hub, why);
  if (err == TG_OK)
    err = effects_begin(&x, why);
  if (err == TG_OK && effects_flows(&x, &hub))
    err = out_of_memory(why);
  if (err == TG_OK)
    effects_labels(&x);
  if (err == TG_OK && effects_retention(&x, &hub))
    err = out_of_memory(why);
  if (err == TG_OK)
    err = find_pins(&x, why);
  if (err == TG_OK)
    err = find_widening(&x, why);
  if (err == TG_OK)
    err = find_broken_pin(&x, why);
  if (err == TG_OK)
    finish(&x);
  effects_end(&x);
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
