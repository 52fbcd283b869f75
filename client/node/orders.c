#include "client/node/orders.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum order_kind { TO_HUB, CONNECT, TO_CLIENT, CLOSE_CLIENT, HOOK, EVIDENCE, TELL };

/* One effect. Its bytes follow it in the buffer, as many as `size` says; the next order stands at a multiple of 8. */
struct order {
  enum order_kind kind;
  uint64_t number; /* client, or order of a hook */
  size_t hook;
  size_t name; /* bytes of a leading text (endpoint, name of evidence or who), without NUL; then the rest */
  size_t size;
  bool named;
  struct seal_pk key;
  struct node_event event; /* its pointers are set when it is told */
  struct hash subject;
  struct tg_why why;
};

struct orders {
  struct buf bytes;
  bool acts; /* something else than TELL is among them */
  bool evidence; /* some is, and was not handed on */
};

struct orders *orders_new(void)
{
  struct orders *o = calloc(1, sizeof *o);
  if (o)
    o->bytes = buf_new(SIZE_MAX / 2);
  return o;
}

void orders_free(struct orders *o)
{
  if (!o)
    return;
  buf_free(&o->bytes);
  free(o);
}

static enum tg_err add(struct orders *o, struct order *order, const char *name, struct slice rest)
{
  static const uint8_t zeros[8];
  o->acts |= order->kind != TELL;
  order->named = name != NULL;
  order->name = name ? strlen(name) : 0;
  order->size = order->name + rest.n;
  buf_put(&o->bytes, order, sizeof *order);
  buf_put(&o->bytes, name, order->name);
  buf_put_slice(&o->bytes, rest);
  buf_put(&o->bytes, zeros, -order->size & 7);
  return buf_status(&o->bytes) == TG_OK ? TG_OK : TG_NO_MEMORY;
}

enum tg_err orders_to_hub(struct orders *o, struct slice frame)
{
  return add(o, &(struct order){.kind = TO_HUB}, NULL, frame);
}

enum tg_err orders_connect(struct orders *o, const char *endpoint, const struct seal_pk *hub)
{
  struct order order = {.kind = CONNECT};
  if (hub)
    order.key = *hub;
  return add(o, &order, endpoint, slice_of(NULL, 0));
}

enum tg_err orders_to_client(struct orders *o, uint64_t client, struct slice frame)
{
  return add(o, &(struct order){.kind = TO_CLIENT, .number = client}, NULL, frame);
}

enum tg_err orders_close_client(struct orders *o, uint64_t client)
{
  return add(o, &(struct order){.kind = CLOSE_CLIENT, .number = client}, NULL, slice_of(NULL, 0));
}

enum tg_err orders_hook(struct orders *o, uint64_t number, size_t hook, struct slice json)
{
  return add(o, &(struct order){.kind = HOOK, .number = number, .hook = hook}, NULL, json);
}

enum tg_err orders_evidence(struct orders *o, const char *name, struct slice text)
{
  o->evidence = true;
  return add(o, &(struct order){.kind = EVIDENCE}, name, text);
}

enum tg_err orders_tell(struct orders *o, const struct node_event *event)
{
  struct order order = {.kind = TELL, .event = *event};
  if (event->subject)
    order.subject = *event->subject;
  if (event->why)
    order.why = *event->why;
  return add(o, &order, event->who, slice_of(NULL, 0));
}

bool orders_only_tell(const struct orders *o) { return !o->acts; }

static void tell(const struct order *order, const char *who, const struct node_effects *effects)
{
  if (!effects->tell)
    return;
  struct node_event event = order->event;
  event.subject = event.subject ? &order->subject : NULL;
  event.why = event.why ? &order->why : NULL;
  event.who = who;
  effects->tell(effects->context, &event);
}

static void carry_out(const struct order *order, struct slice bytes, const struct node_effects *effects,
                      const struct orders_queued *queued)
{
  char name[512];
  snprintf(name, sizeof name, "%.*s", (int)order->name, order->name ? (const char *)bytes.p : "");
  struct slice rest = {bytes.p + order->name, bytes.n - order->name};
  switch (order->kind) {
  case TO_HUB:
    queued->hub(queued->context, effects->to_hub(effects->context, rest));
    break;
  case CONNECT:
    effects->connect(effects->context, order->named ? name : NULL, &order->key);
    break;
  case TO_CLIENT:
    queued->client(queued->context, order->number, effects->to_client(effects->context, order->number, rest));
    break;
  case CLOSE_CLIENT:
    effects->close_client(effects->context, order->number);
    break;
  case HOOK:
    effects->hook(effects->context, &(struct node_hook){.order = order->number, .hook = order->hook, .json = rest});
    break;
  case EVIDENCE:
    break; /* orders_keep_evidence() did */
  case TELL:
    tell(order, order->named ? name : NULL, effects);
    break;
  }
}

void orders_keep_evidence(struct orders *o, const struct node_effects *effects)
{
  struct order order;
  for (size_t at = 0; o->evidence && at < o->bytes.n; at += (order.size + 7) & ~(size_t)7) {
    memcpy(&order, o->bytes.p + at, sizeof order);
    at += sizeof order;
    char name[512];
    const size_t n = order.name < sizeof name ? order.name : sizeof name - 1;
    const uint8_t *bytes = o->bytes.p + at;
    if (order.kind != EVIDENCE)
      continue;
    memcpy(name, bytes, n);
    name[n] = 0;
    effects->evidence(effects->context, name, slice_of(bytes + order.name, order.size - order.name));
  }
  o->evidence = false;
}

void orders_carry_out(struct orders *o, const struct node_effects *effects, const struct orders_queued *queued)
{
  for (size_t at = 0; at < o->bytes.n;) {
    struct order order;
    memcpy(&order, o->bytes.p + at, sizeof order);
    at += sizeof order;
    carry_out(&order, slice_of(o->bytes.p + at, order.size), effects, queued);
    at += (order.size + 7) & ~(size_t)7;
  }
  o->acts = false;
  /* A burst must not hold memory for ever; buf_free() wipes: content went through here. */
  if (o->bytes.cap > (size_t)4 << 20)
    buf_free(&o->bytes);
  else
    buf_clear(&o->bytes);
}
