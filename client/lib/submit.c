/* Many publications under way at once. */
#include "client/lib/outgoing.h"

#include <stdlib.h>
#include <string.h>

struct submission {
  uint64_t request;
  toguna_on_published *on_published;
  void *context;
  struct toguna_progress progress; /* as last told; its detail is in node->detail while it is told */
  bool spooled;
};

/* Invariant: under_way[0..n) are ascending by request. */
struct submissions {
  size_t n;
  struct submission under_way[TOGUNA_OUTSTANDING_MAX];
};

size_t submissions_count(const struct submissions *s)
{
  return s ? s->n : 0;
}

void submissions_free(struct submissions *s)
{
  free(s);
}

size_t toguna_outstanding(const struct toguna *node)
{
  return node ? submissions_count(node->submissions) : 0;
}

int toguna_fd(const struct toguna *node)
{
  return channel_fd(node->channel);
}

/* ---- sending ---- */

static enum tg_err check(struct toguna *node, enum toguna_wait wait, toguna_on_published *on_published, struct tg_why *why)
{
  if (!node)
    return why_set(why, TG_USAGE, NULL, N_("there is no connection"), NULL, NULL, NULL, NULL);
  if (!on_published)
    return why_set(why, TG_USAGE, NULL, N_("nobody is to be told what becomes of the bulletin"), NULL, NULL, NULL, NULL);
  if (wait < TOGUNA_SPOOLED || wait > TOGUNA_SETTLED)
    return why_set(why, TG_USAGE, NULL, N_("there is no such state to wait for"), NULL, NULL, NULL, NULL);
  if (!node->submissions && !(node->submissions = calloc(1, sizeof *node->submissions)))
    return no_memory(why);
  if (node->submissions->n == TOGUNA_OUTSTANDING_MAX)
    return why_set(why, TG_BUSY, NULL, N_("so many bulletins are under way on this connection that no more fit"),
                   N_("Collect what has become of them first"), NULL, NULL, NULL);
  return TG_OK;
}

static enum tg_err submit(struct toguna *node, struct draft *d, enum toguna_wait wait, toguna_on_published *on_published,
                          void *context, struct tg_why *why)
{
  struct submissions *s = node->submissions;
  uint64_t request = channel_number(node->channel);
  enum tg_err err = outgoing_queue(node, request, wait, d, NULL, NULL, why);
  if (err == TG_OK)
    s->under_way[s->n++] = (struct submission){.request = request, .on_published = on_published, .context = context};
  return err;
}

enum toguna_err toguna_submit(struct toguna *node, const struct toguna_draft *draft, enum toguna_wait wait,
                              toguna_on_published *on_published, void *context, struct toguna_error *error)
{
  struct tg_why why = {0};
  struct draft d = {0};
  enum tg_err err = check(node, wait, on_published, &why);
  if (err == TG_OK)
    err = draft_open(draft, false, &d, &why);
  if (err == TG_OK)
    err = submit(node, &d, wait, on_published, context, &why);
  draft_close(&d);
  return error_put(error, err, &why);
}

/* ---- collecting ---- */

/* The answers to what was submitted first come first, so it is found at once. */
static struct submission *find(struct submissions *s, uint64_t request)
{
  for (size_t i = 0; i < s->n; i++)
    if (s->under_way[i].request == request)
      return &s->under_way[i];
  return NULL;
}

/* What the last state means for the caller. */
static enum tg_err outcome(const struct submission *u, struct tg_why *why)
{
  return progress_outcome(u->spooled ? &u->progress : NULL, why);
}

/* It is over. The callback may submit another. */
static void tell(struct toguna *node, struct submission *u, enum tg_err err, const struct tg_why *why)
{
  struct submissions *s = node->submissions;
  struct submission told = *u;
  struct toguna_error error;
  size_t at = (size_t)(u - s->under_way);
  s->n--;
  memmove(u, u + 1, (s->n - at) * sizeof *u);
  if (err != TG_OK)
    error_put(&error, err, why);
  bool before = node->in_call;
  node->in_call = true;
  told.on_published(told.context, (enum toguna_err)err, told.spooled ? &told.progress : NULL, err != TG_OK ? &error : NULL);
  node->in_call = before;
}

/* One answer. *ret_over: its submission is over, and was told. */
static enum tg_err take_answer(struct toguna *node, uint64_t request, enum local_type type, const ProtobufCMessage *message,
                        bool *ret_over, struct tg_why *why)
{
  struct submission *u = find(node->submissions, request);
  *ret_over = u && type != LOCAL_PROGRESS;
  if (!u) /* of a request that was cancelled */
    return TG_OK;
  if (type == LOCAL_PROGRESS) {
    u->spooled = true;
    return progress_take(node, (const Tg__LProgress *)message, &u->progress, why);
  }
  struct tg_why said = {0};
  enum tg_err err = type == LOCAL_ERROR ? channel_error(node->channel, message, &said) : outcome(u, &said);
  tell(node, u, err, &said);
  return TG_OK;
}

static enum tg_err collect(struct toguna *node, int timeout_ms, bool *ret_any, struct tg_why *why)
{
  enum tg_err err = channel_flush(node->channel, why);
  int wait = timeout_ms;
  *ret_any = false;
  while (err == TG_OK && submissions_count(node->submissions)) {
    uint64_t request;
    enum local_type type;
    ProtobufCMessage *message;
    bool over;
    err = channel_next(node->channel, *ret_any ? 0 : wait, &request, &type, &message, why);
    if (err != TG_OK || !message)
      return err;
    err = take_answer(node, request, type, message, &over, why);
    *ret_any |= over;
  }
  return err;
}

enum toguna_err toguna_collect(struct toguna *node, int timeout_ms, struct toguna_error *error)
{
  struct tg_why why = {0};
  bool any = false;
  enum tg_err err = TG_OK;
  if (!node)
    err = why_set(&why, TG_USAGE, NULL, N_("there is no connection"), NULL, NULL, NULL, NULL);
  else if (node->in_call)
    err = why_set(&why, TG_USAGE, NULL, N_("a callback uses the connection that called it"),
                  N_("Let it use another connection"), NULL, NULL, NULL);
  else if (submissions_count(node->submissions))
    err = collect(node, timeout_ms, &any, &why);
  else
    any = true;
  if (err == TG_OK && !any)
    err = why_set(&why, TG_BUSY, NULL, N_("nothing has become of any of them in that time"), NULL, NULL, NULL, NULL);
  return error_put(error, err, &why);
}
