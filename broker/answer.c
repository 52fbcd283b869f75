#include "broker/answer.h"

#include "broker/reply.h"
#include "broker/store_bulletin.h"

#include <stdlib.h>
#include <string.h>

#define NOT_LOGGED UINT64_MAX

struct answer {
  struct answer *next;
  bool document;
  struct hash of;
  uint64_t leaf;
  enum reason reason;            /* documents */
  char detail[ENTRY_DETAIL_MAX]; /* documents; may be empty */
  bool decided;                  /* outcomes: the decision is at hand, not in the store */
  struct slice decision;         /* owned: behind this struct */
};

static enum tg_err add(const struct party *party, struct answer answer)
{
  if (!party->session)
    return TG_OK; /* it will ask again */
  struct answer *a = malloc(sizeof *a + answer.decision.n);
  if (!a)
    return TG_NO_MEMORY;
  *a = answer;
  a->next = NULL;
  a->decision.p = (const uint8_t *)(a + 1);
  if (answer.decision.n)
    memcpy(a + 1, answer.decision.p, answer.decision.n);
  *party->session->answers_end = a;
  party->session->answers_end = &a->next;
  return TG_OK;
}

enum tg_err answer_outcome(const struct party *party, const struct hash *id, uint64_t leaf, const struct slice *decision)
{
  return add(party, (struct answer){.of = *id,
                                    .leaf = leaf,
                                    .decided = decision != NULL,
                                    .decision = decision ? *decision : slice_of(NULL, 0)});
}

enum tg_err answer_document(const struct party *party, const struct hash *hash, uint64_t leaf,
                            enum reason reason, const struct tg_why *why)
{
  struct answer a = {.document = true, .of = *hash, .leaf = leaf, .reason = reason};
  if (why && why->what)
    why_render(why, NULL, a.detail, sizeof a.detail);
  if (!text_valid(slice_str(a.detail), ""))
    a.detail[0] = '\0';
  return add(party, a);
}

void answers_free(struct session *s)
{
  for (struct answer *a = s->answers, *next; a; a = next) {
    next = a->next;
    free(a);
  }
  s->answers = NULL;
  s->answers_end = &s->answers;
}

/* Can it be proved by now? */
static bool ready(const struct hub *hub, const struct answer *a)
{
  return a && (a->leaf == NOT_LOGGED || a->leaf < logbook_signed_size(hub->log));
}

static struct answer *take_answer(struct session *s)
{
  struct answer *a = s->answers;
  s->answers = a->next;
  if (!s->answers)
    s->answers_end = &s->answers;
  return a;
}

static enum tg_err make_outcome(struct hub *hub, const struct answer *a, Tg__Outcome **ret, size_t *size)
{
  Tg__Outcome *m = arena_alloc(hub->reply, sizeof *m);
  struct opening o;
  struct slice decision = arena_copy(hub->reply, a->decision);
  enum tg_err err = m ? logbook_opening(hub->log, a->leaf, hub->reply, &o) : TG_NO_MEMORY;
  if (!err && a->decision.n && !decision.p)
    err = TG_NO_MEMORY;
  if (!err && !a->decided)
    err = store_bulletin_decision(hub->store, a->leaf, hub->reply, &decision);
  if (err)
    return err;
  tg__outcome__init(m);
  m->bulletin = reply_hash(hub, &a->of);
  m->entry = strict_data(o.entry);
  m->salt = strict_data(o.salt);
  m->leaf = o.index;
  m->path = strict_data(o.path);
  m->decision = strict_data(decision);
  *ret = m;
  *size += tg__outcome__get_packed_size(m) + REPLY_ITEM;
  return TG_OK;
}

static enum tg_err make_document(struct hub *hub, const struct answer *a, Tg__DocumentOutcome **ret,
                                 size_t *size)
{
  Tg__DocumentOutcome *m = arena_alloc(hub->reply, sizeof *m);
  struct opening o = {0};
  enum tg_err err = m ? TG_OK : TG_NO_MEMORY;
  if (!err && a->leaf != NOT_LOGGED)
    err = logbook_opening(hub->log, a->leaf, hub->reply, &o);
  if (err)
    return err;
  tg__document_outcome__init(m);
  m->hash = reply_hash(hub, &a->of);
  m->reason = a->reason;
  m->detail = reply_text(hub, a->detail);
  m->entry = strict_data(o.entry);
  m->salt = strict_data(o.salt);
  m->leaf = o.index;
  m->path = strict_data(o.path);
  *ret = m;
  *size += tg__document_outcome__get_packed_size(m) + REPLY_ITEM;
  return TG_OK;
}

static enum tg_err send_outcomes(struct hub *hub, struct session *s)
{
  Tg__Outcome *items[REPLY_ITEMS];
  Tg__Outcomes m = TG__OUTCOMES__INIT;
  enum tg_err err = TG_OK;
  m.items = items;
  arena_reset(hub->reply);
  for (size_t size = 0; !err && ready(hub, s->answers) && !s->answers->document && m.n_items < REPLY_ITEMS;) {
    size_t before = size;
    err = make_outcome(hub, s->answers, &items[m.n_items], &size);
    if (!err && before && size > reply_room(hub))
      break;
    m.n_items++;
    free(take_answer(s));
  }
  if (!err)
    err = session_chain(hub, s, &m.checkpoint, &m.consistency);
  return err ? err : session_send(hub, s, FRAME_OUTCOMES, &m.base);
}

static enum tg_err send_documents(struct hub *hub, struct session *s)
{
  Tg__DocumentOutcome *items[REPLY_ITEMS];
  Tg__DocumentOutcomes m = TG__DOCUMENT_OUTCOMES__INIT;
  enum tg_err err = TG_OK;
  m.items = items;
  arena_reset(hub->reply);
  for (size_t size = 0; !err && ready(hub, s->answers) && s->answers->document && m.n_items < REPLY_ITEMS;) {
    size_t before = size;
    err = make_document(hub, s->answers, &items[m.n_items], &size);
    if (!err && before && size > reply_room(hub))
      break;
    m.n_items++;
    free(take_answer(s));
  }
  if (!err)
    err = session_chain(hub, s, &m.checkpoint, &m.consistency);
  return err ? err : session_send(hub, s, FRAME_DOCUMENT_OUTCOMES, &m.base);
}

enum tg_err answers_send(struct hub *hub, struct session *s)
{
  enum tg_err err = TG_OK;
  while (!err && ready(hub, s->answers) && logbook_signed_size(hub->log))
    err = s->answers->document ? send_documents(hub, s) : send_outcomes(hub, s);
  return err;
}
