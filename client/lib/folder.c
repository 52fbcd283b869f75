/* Looking into a folder, and following it. */
#include "client/lib/item.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

/* Shows a bulletin to the caller. *ret_enough when it wants to see no more. */
static enum tg_err show(struct toguna *node, const Tg__LItem *m, toguna_on_item *on_item, void *context,
                        bool *ret_enough, struct tg_why *why)
{
  const struct toguna_item *item;
  enum tg_err err = item_take(m, channel_arena(node->channel), &item, why);
  if (err != TG_OK)
    return err;
  node->in_call = true;
  *ret_enough = on_item(context, item) != 0;
  node->in_call = false;
  return TG_OK;
}

/* ---- what is there now ---- */

static enum tg_err list(struct toguna *node, const struct toguna_filter *filter, toguna_on_item *on_item,
                        void *context, struct tg_why *why)
{
  Tg__LList m = TG__LLIST__INIT;
  Tg__LFilter f = filter_message(filter);
  m.request = channel_number(node->channel);
  m.filter = &f;
  bool enough = false;
  enum tg_err err = channel_send(node->channel, LOCAL_LIST, &m.base, why);
  while (err == TG_OK && !enough) {
    enum local_type type;
    ProtobufCMessage *answer;
    err = channel_answer(node->channel, m.request, ANSWER(LOCAL_ITEM) | ANSWER(LOCAL_DONE), &type, &answer,
                         why);
    if (err == TG_OK && type == LOCAL_DONE)
      return TG_OK;
    if (err == TG_OK)
      err = show(node, (const Tg__LItem *)answer, on_item, context, &enough, why);
  }
  channel_cancel(node->channel, m.request);
  return err;
}

enum toguna_err toguna_list(struct toguna *node, const struct toguna_filter *filter, toguna_on_item *on_item,
                            void *context, struct toguna_error *error)
{
  struct tg_why why = {0};
  enum tg_err err = node_begin(node, &why);
  if (err == TG_OK)
    err = list(node, filter, on_item, context, &why);
  return error_put(error, err, &why);
}

enum { PREFIX_MIN = 4, PREFIX_MAX = 64 };

static enum tg_err prefix_of(const char *text, char ret[PREFIX_MAX + 1], struct tg_why *why)
{
  size_t n = text ? strlen(text) : 0;
  bool ok = n >= PREFIX_MIN && n <= PREFIX_MAX;
  for (size_t i = 0; ok && i < n; i++) {
    ok = isxdigit((unsigned char)text[i]) != 0;
    ret[i] = (char)tolower((unsigned char)text[i]);
  }
  if (!ok)
    return why_set(why, TG_BAD_INPUT, text, N_("this is not the beginning of a bulletin's id"),
                   N_("Give 4 to 64 of its hex digits"), NULL, NULL, NULL);
  ret[n] = 0;
  return TG_OK;
}

static enum tg_err find(struct toguna *node, const char *text, toguna_on_item *on_item, void *context,
                        struct tg_why *why)
{
  Tg__LResolve m = TG__LRESOLVE__INIT;
  char prefix[PREFIX_MAX + 1];
  enum local_type type;
  ProtobufCMessage *answer;
  bool enough;
  enum tg_err err = prefix_of(text, prefix, why);
  if (err != TG_OK)
    return err;
  m.request = channel_number(node->channel);
  m.prefix = text_data(prefix);
  err = channel_send(node->channel, LOCAL_RESOLVE, &m.base, why);
  if (err == TG_OK)
    err = channel_answer(node->channel, m.request, ANSWER(LOCAL_ITEM), &type, &answer, why);
  return err == TG_OK ? show(node, (const Tg__LItem *)answer, on_item, context, &enough, why) : err;
}

enum toguna_err toguna_find(struct toguna *node, const char *prefix, toguna_on_item *on_item, void *context,
                            struct toguna_error *error)
{
  struct tg_why why = {0};
  enum tg_err err = node_begin(node, &why);
  if (err == TG_OK)
    err = find(node, prefix, on_item, context, &why);
  return error_put(error, err, &why);
}

/* ---- following ---- */

struct toguna_subscription {
  struct toguna *node; /* a connection of its own */
  uint64_t request;
};

/* As node_open(): s is to be freed in any case. */
static enum tg_err subscribe(const struct toguna *node, const struct toguna_filter *filter,
                             struct toguna_subscription *s, struct tg_why *why)
{
  Tg__LFollow m = TG__LFOLLOW__INIT;
  Tg__LFilter f = filter_message(filter);
  enum tg_err err = node_open(node->path, node->program, &s->node, why);
  if (err != TG_OK)
    return err;
  s->request = m.request = channel_number(s->node->channel);
  m.filter = &f;
  m.ahead = filter && filter->ahead && f.folder == TOGUNA_INBOX;
  if (filter && filter->content && f.folder == TOGUNA_INBOX) {
    m.content = filter->content < LOCAL_DATA ? (uint32_t)filter->content : LOCAL_DATA;
    m.mark = filter->mark;
  }
  return channel_send(s->node->channel, LOCAL_FOLLOW, &m.base, why);
}

enum toguna_err toguna_subscribe(struct toguna *node, const struct toguna_filter *filter,
                                 struct toguna_subscription **ret_subscription, struct toguna_error *error)
{
  struct tg_why why = {0};
  struct toguna_subscription *s = calloc(1, sizeof *s);
  enum tg_err err = TG_OK;
  if (!s)
    err = no_memory(&why);
  else if (!node)
    err = why_set(&why, TG_USAGE, NULL, N_("there is no connection"), NULL, NULL, NULL, NULL);
  else
    err = subscribe(node, filter, s, &why);
  enum toguna_err result = error_put(error, err, &why);
  if (err == TG_OK)
    *ret_subscription = s;
  else
    toguna_subscription_free(s);
  return result;
}

void toguna_subscription_free(struct toguna_subscription *subscription)
{
  if (!subscription)
    return;
  toguna_close(subscription->node);
  free(subscription);
}

int toguna_subscription_fd(const struct toguna_subscription *subscription)
{
  return channel_fd(subscription->node->channel);
}

/* *ret is NULL when none came in time. */
static enum tg_err next(struct toguna_subscription *s, int timeout_ms, const struct toguna_item **ret,
                        struct tg_why *why)
{
  enum local_type type;
  ProtobufCMessage *message;
  enum tg_err err = node_begin(s->node, why);
  if (err == TG_OK)
    err = channel_poll(s->node->channel, s->request, ANSWER(LOCAL_ITEM), timeout_ms, &type, &message, why);
  if (err != TG_OK)
    return err;
  if (message)
    return item_take((const Tg__LItem *)message, channel_arena(s->node->channel), ret, why);
  *ret = NULL;
  return TG_OK;
}

enum toguna_err toguna_next(struct toguna_subscription *subscription, int timeout_ms,
                            const struct toguna_item **ret_item, struct toguna_error *error)
{
  struct tg_why why = {0};
  const struct toguna_item *item = NULL;
  enum tg_err err = next(subscription, timeout_ms, &item, &why);
  if (err == TG_OK && !item)
    err = why_set(&why, TG_BUSY, NULL, N_("no bulletin came in that time"), NULL, NULL, NULL, NULL);
  if (err == TG_OK)
    *ret_item = item;
  return error_put(error, err, &why);
}

enum toguna_err toguna_run(struct toguna_subscription *subscription, toguna_on_item *on_item, void *context,
                           struct toguna_error *error)
{
  struct tg_why why = {0};
  const struct toguna_item *item = NULL;
  enum tg_err err = TG_OK;
  bool enough = false;
  while (!enough && (err = next(subscription, CHANNEL_FOREVER, &item, &why)) == TG_OK) {
    subscription->node->in_call = true;
    enough = on_item(context, item) != 0;
    subscription->node->in_call = false;
  }
  return error_put(error, err, &why);
}
