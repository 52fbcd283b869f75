/* Preview and publication. */
#include "client/lib/outgoing.h"
#include "os/clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- the audience ---- */

/* The caller holds `audience`, and with it all of the arena. */
struct held_audience {
  struct toguna_audience audience; /* first: the caller's pointer is ours */
  struct arena *arena;
};

static void take_member(struct copier *c, const Tg__LAudienceLine *m, struct toguna_audience_line *line)
{
  *line = (struct toguna_audience_line){
      .member = copier_text(c, m->member),
      .nodes = copier_list(c, m->n_nodes, m->nodes),
      .portions = m->portions,
      .stage = (enum toguna_stage)m->stage,
      .rule_file = copier_text(c, m->rule_file),
      .rule_line = m->rule_line,
      .rule_text = copier_text(c, m->rule_text),
      .reason = m->what.len ? copier_sentence(c, m->what, m->n_args, m->args) : "",
      .new_for_topic = m->new_for_topic,
      .fallback_key = m->fallback_key,
  };
}

static int by_permission(const void *a, const void *b)
{
  const struct toguna_audience_line *x = *(const struct toguna_audience_line *const *)a;
  const struct toguna_audience_line *y = *(const struct toguna_audience_line *const *)b;
  if (!x->portions != !y->portions)
    return x->portions ? -1 : 1;
  return strcmp(x->member, y->member);
}

static enum tg_err take_audience(const Tg__LAudience *m, struct toguna_audience **ret, struct tg_why *why)
{
  struct arena *arena = arena_new((size_t)2 * LOCAL_ARENA);
  if (!arena)
    return no_memory(why);
  struct copier c = {.arena = arena};
  struct held_audience *held = copier_room(&c, 1, sizeof *held);
  struct toguna_audience_line *lines = copier_room(&c, m->n_lines, sizeof *lines);
  const struct toguna_audience_line **list = copier_room(&c, m->n_lines + 1, sizeof(void *));
  const char **missing = copier_room(&c, m->n_missing + 1, sizeof *missing);
  for (size_t i = 0; !c.failed && i < m->n_lines; i++) {
    take_member(&c, m->lines[i], &lines[i]);
    list[i] = &lines[i];
  }
  for (size_t i = 0; !c.failed && i < m->n_missing; i++)
    missing[i] = copier_sentence(&c, m->missing[i], 0, NULL);
  if (c.failed) {
    arena_free(arena);
    return no_memory(why);
  }
  qsort(list, m->n_lines, sizeof *list, by_permission);
  *held = (struct held_audience){.audience = {.lines = list, .missing = missing}, .arena = arena};
  *ret = &held->audience;
  return TG_OK;
}

void toguna_audience_free(struct toguna_audience *audience)
{
  if (audience)
    arena_free(((struct held_audience *)(void *)audience)->arena);
}

static enum tg_err preview(struct toguna *node, struct draft *d, struct toguna_audience **ret,
                           struct tg_why *why)
{
  Tg__LPreview m = TG__LPREVIEW__INIT;
  enum local_type type;
  ProtobufCMessage *answer;
  m.request = channel_number(node->channel);
  m.draft = &d->message;
  enum tg_err err = channel_send(node->channel, LOCAL_PREVIEW, &m.base, why);
  if (err == TG_OK)
    err = channel_answer(node->channel, m.request, ANSWER(LOCAL_AUDIENCE), &type, &answer, why);
  return err == TG_OK ? take_audience((const Tg__LAudience *)answer, ret, why) : err;
}

enum toguna_err toguna_preview(struct toguna *node, const struct toguna_draft *draft,
                               struct toguna_audience **ret_audience, struct toguna_error *error)
{
  struct tg_why why = {0};
  struct draft d = {0};
  enum tg_err err = node_begin(node, &why);
  if (err == TG_OK)
    err = draft_open(draft, true, &d, &why);
  if (err == TG_OK)
    err = preview(node, &d, ret_audience, &why);
  draft_close(&d);
  return error_put(error, err, &why);
}

/* ---- publishing ---- */

struct publication {
  struct toguna *node;
  uint64_t request;
  enum toguna_wait wait;
  int timeout_ms;
  toguna_on_progress *on_progress;
  void *context;
  struct toguna_progress progress; /* as last told */
  bool spooled;
};

/* While content is still to come the node says nothing, unless it refuses. */
static enum tg_err listen_for_refusal(void *context, struct tg_why *why)
{
  struct publication *p = context;
  enum local_type type;
  ProtobufCMessage *none;
  return channel_poll(p->node->channel, p->request, 0, 0, &type, &none, why);
}

static enum tg_err send_all(struct publication *p, struct draft *d, struct tg_why *why)
{
  enum tg_err err = outgoing_queue(p->node, p->request, p->wait, d, listen_for_refusal, p, why);
  return err == TG_OK ? channel_flush(p->node->channel, why) : err;
}

enum tg_err progress_take(struct toguna *node, const Tg__LProgress *m, struct toguna_progress *ret, struct tg_why *why)
{
  struct copier c = {.arena = channel_arena(node->channel)};
  const char *detail = m->detail.len ? copier_sentence(&c, m->detail, 0, NULL) : "";
  snprintf(node->detail, sizeof node->detail, "%s", detail);
  *ret = (struct toguna_progress){
      .id = id_of(m->bulletin),
      .state = (enum toguna_state)m->state,
      .number = m->number,
      .leaf = m->leaf,
      .detail = node->detail,
  };
  return c.failed ? no_memory(why) : TG_OK;
}

/* Takes a state in and tells it. *ret_enough when the caller wants to hear no more. */
static enum tg_err take_progress(struct publication *p, const Tg__LProgress *m, bool *ret_enough,
                                 struct tg_why *why)
{
  enum tg_err err = progress_take(p->node, m, &p->progress, why);
  if (err != TG_OK)
    return err;
  p->spooled = true;
  p->node->in_call = true;
  *ret_enough = p->on_progress && p->on_progress(p->context, &p->progress) != 0;
  p->node->in_call = false;
  return TG_OK;
}

enum tg_err progress_outcome(const struct toguna_progress *progress, struct tg_why *why)
{
  char id[65];
  if (!progress)
    return why_set(why, TG_BAD_INPUT, NULL,
                   N_("the node ended the publication without saying what became of it"),
                   N_("Look with \"toguna sent\" before you publish it again"), NULL, NULL, NULL);
  toguna_id_print(&progress->id, id);
  id[12] = 0;
  if (progress->state == TOGUNA_IS_REFUSED)
    return why_set(why, TG_REFUSED, id,
                   *progress->detail ? N_("the hub refused the bulletin: %1$s")
                                     : N_("the hub refused the bulletin"),
                   NULL, progress->detail, NULL, NULL);
  if (progress->state == TOGUNA_IS_EXPIRED)
    return why_set(why, TG_EXPIRED, id, N_("the bulletin expired before everybody had it"),
                   N_("See with \"toguna track\" who has it"), NULL, NULL, NULL);
  return TG_OK;
}

static enum tg_err outcome(const struct publication *p, struct tg_why *why)
{
  return progress_outcome(p->spooled ? &p->progress : NULL, why);
}

static enum tg_err still_waiting(struct publication *p, struct tg_why *why)
{
  char id[65];
  toguna_id_print(&p->progress.id, id);
  id[12] = 0;
  channel_cancel(p->node->channel, p->request);
  return why_set(why, TG_BUSY, id, N_("the time to wait is over; the bulletin goes its way"),
                 N_("Follow it with \"toguna track\""), NULL, NULL, NULL);
}

/* The next message about the publication; its silence counts until it is spooled, the caller's time from then
 * on. */
static enum tg_err next(struct publication *p, int64_t deadline, enum local_type *ret_type,
                        ProtobufCMessage **ret_message, struct tg_why *why)
{
  const uint32_t answers = ANSWER(LOCAL_PROGRESS) | ANSWER(LOCAL_DONE);
  if (!p->spooled || p->wait == TOGUNA_SPOOLED)
    return channel_answer(p->node->channel, p->request, answers, ret_type, ret_message, why);
  int64_t left = deadline == INT64_MAX ? -1 : deadline - clock_mono();
  int wait = deadline != INT64_MAX && left < 0 ? 0 : (int)left;
  enum tg_err err = channel_poll(p->node->channel, p->request, answers, wait, ret_type, ret_message, why);
  return err == TG_OK && !*ret_message ? still_waiting(p, why) : err;
}

static enum tg_err follow(struct publication *p, struct tg_why *why)
{
  int64_t deadline = INT64_MAX;
  for (;;) {
    enum local_type type;
    ProtobufCMessage *message;
    bool enough = false, first = !p->spooled;
    enum tg_err err = next(p, deadline, &type, &message, why);
    if (err != TG_OK)
      return err;
    if (type == LOCAL_DONE)
      return outcome(p, why);
    err = take_progress(p, (const Tg__LProgress *)message, &enough, why);
    if (first && p->timeout_ms >= 0)
      deadline = clock_mono() + p->timeout_ms;
    if (err == TG_OK && enough)
      channel_cancel(p->node->channel, p->request);
    if (err != TG_OK || enough)
      return err == TG_OK ? outcome(p, why) : err;
  }
}

static enum tg_err publish(struct publication *p, const struct toguna_draft *draft, struct tg_why *why)
{
  struct draft d = {0};
  enum tg_err err = draft_open(draft, false, &d, why);
  if (err == TG_OK) {
    p->request = channel_number(p->node->channel);
    err = send_all(p, &d, why);
  }
  draft_close(&d);
  return err == TG_OK ? follow(p, why) : err;
}

enum toguna_err toguna_publish(struct toguna *node, const struct toguna_draft *draft, enum toguna_wait wait,
                               int timeout_ms, toguna_on_progress *on_progress, void *context,
                               struct toguna_progress *ret_progress, struct toguna_error *error)
{
  struct tg_why why = {0};
  struct publication p = {
      .node = node, .wait = wait, .timeout_ms = timeout_ms, .on_progress = on_progress, .context = context};
  enum tg_err err = node_begin(node, &why);
  if (err == TG_OK && (wait < TOGUNA_SPOOLED || wait > TOGUNA_SETTLED))
    err = why_set(&why, TG_USAGE, NULL, N_("there is no such state to wait for"), NULL, NULL, NULL, NULL);
  if (err == TG_OK)
    err = publish(&p, draft, &why);
  if (p.spooled && ret_progress)
    *ret_progress = p.progress;
  return error_put(error, err, &why);
}
