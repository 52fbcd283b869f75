#include "client/cli/effects.h"

#include "policy/flow.h"
#include "proto/marking.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* How long recipients keep bulletins of one class. */
struct keeping {
  tg_time old, next; /* at the lowest marking at which they differ; equal: nowhere */
};

struct kept {
  struct effects *x;
  struct keeping *keeping; /* by class */
};

static const char *keeping_text(tg_time t, char out[32])
{
  long long seconds = (long long)(t / TG_SECOND), day = 86400;
  snprintf(out, 32, !seconds ? "-" : seconds % day ? "%llds" : "%lldd", seconds % day ? seconds : seconds / day);
  return out;
}

static void tell_keeping(void *context, const char *name, size_t class, const bool *covered)
{
  const struct kept *kept = context;
  struct effects *x = kept->x;
  (void)covered;
  char old[32], next[32];
  keeping_text(kept->keeping[class].old, old);
  keeping_text(kept->keeping[class].next, next);
  x->told++;
  if (x->call->json)
    json_array_append_new(x->list, json_pack("{s:s,s:s,s:s,s:s}", "effect", "retention", "topics", name, "old", old, "new", next));
  else
    printf(_("  recipients will keep %1$s for %2$s (until now %3$s; - is as long as they like)\n"), name, next, old);
}

static enum tg_err read_keeping(const struct kept *kept, const struct country *hub)
{
  const struct effects *x = kept->x;
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
        kept->keeping[c] = (struct keeping){old.retain[m], next.retain[m]};
  }
  return TG_OK;
}

enum tg_err effects_retention(struct effects *x, const struct country *hub)
{
  size_t n = x->areas.n_classes;
  struct kept kept = {x, calloc(n + 1, sizeof *kept.keeping)};
  enum tg_err err = kept.keeping ? read_keeping(&kept, hub) : TG_NO_MEMORY;
  memset(x->done, 0, n);
  for (size_t c = 0; err == TG_OK && c < n; c++) {
    const struct keeping *k = &kept.keeping[c];
    if (x->done[c] || k->old == k->next)
      continue;
    for (size_t i = 0; i < n; i++) {
      x->chosen[i] = kept.keeping[i].old == k->old && kept.keeping[i].next == k->next;
      x->done[i] |= x->chosen[i];
    }
    err = areas_name(&x->areas, x->chosen, tell_keeping, &kept);
  }
  free(kept.keeping);
  return err;
}

static void tell_label(struct effects *x, struct slice text, uint8_t old, uint8_t next)
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

void effects_labels(struct effects *x)
{
  struct slice text;
  uint8_t level;
  for (size_t i = 0; policy_label_at(x->next_policy, i, &text, &level); i++) {
    uint8_t before = policy_label_level(x->old_policy, text);
    if (before != level)
      tell_label(x, text, before, level);
  }
  for (size_t i = 0; policy_label_at(x->old_policy, i, &text, &level); i++)
    if (!policy_label_level(x->next_policy, text))
      tell_label(x, text, level, 0);
}

static void tell_pin(struct effects *x, const struct policy_example *pin)
{
  char text[1024];
  why_render(&pin->why, tr, text, sizeof text);
  x->told++;
  if (x->call->json)
    json_array_append_new(x->list, json_pack("{s:s,s:b,s:s,s:s}", "effect", "pin", "opens", 1, "topics", pin->topic, "sentence", text));
  else {
    show_tinted(TINT_WARN, "+ ");
    printf("%s\n", text);
  }
}

enum tg_err effects_pins(struct effects *x)
{
  struct policy_example pin = {0};
  bool dropped;
  enum tg_err err;
  while (!(err = policy_pin_dropped(x->old_policy, x->next_policy, x->p.world, x->at, pin.line, &dropped, &pin)) && dropped)
    tell_pin(x, &pin);
  return err;
}
