#include "broker/registry.h"

#include "broker/answer.h"
#include "broker/content.h"
#include "broker/paper.h"
#include "broker/reply.h"
#include "broker/store_document.h"
#include "keys/codec.h"

#include <stdio.h>
#include <string.h>

#define NOT_LOGGED UINT64_MAX

/* ---- policies that only the hub and their own member may read */

enum { FACT_NAME = 96 };

static void hidden_name(const struct hash *hash, char out[FACT_NAME])
{
  char hex[HASH_TEXT];
  hash_print(hash, hex);
  snprintf(out, FACT_NAME, "hidden/%s", hex);
}

static enum tg_err hide(struct hub *hub, const struct paper *p)
{
  char name[FACT_NAME];
  hidden_name(&p->hash, name);
  return store_fact_put(hub->store, name, slice_of(p->news.member.code, 2));
}

static enum tg_err may_read(struct hub *hub, const struct session *s, const struct store_document *d,
                            bool *ret)
{
  char name[FACT_NAME];
  struct slice member;
  *ret = true;
  if (d->kind != DOCUMENT_POLICY)
    return TG_OK;
  hidden_name(&d->hash, name);
  enum tg_err err = store_fact(hub->store, name, hub->reply, &member);
  if (err)
    return err == TG_NOT_FOUND ? TG_OK : err;
  *ret = member.n == 2 && memcmp(member.p, s->code, 2) == 0;
  return TG_OK;
}

/* ---- taking in */

static enum tg_err log_paper(struct hub *hub, const struct paper *p, const struct party *by,
                             uint64_t *ret_leaf)
{
  char detail[ENTRY_DETAIL_MAX];
  struct entry e = {
      .type = p->reason ? ENTRY_DOCUMENT_REFUSED : ENTRY_DOCUMENT, .subject = p->hash, .reason = p->reason};
  if (by)
    e.actor = by->identity;
  if (!p->reason) {
    memcpy(e.member, p->news.member.code, 2);
    e.number = p->news.serial;
  } else if (p->why.what) {
    e.detail = slice_of(detail, why_render(&p->why, NULL, detail, sizeof detail));
  }
  if (!text_valid(e.detail, ""))
    e.detail = slice_of(NULL, 0);
  return hub_log(hub, &e, ret_leaf);
}

/* What the new document changes in what the hub decides by. */
static enum tg_err put_in_force(struct hub *hub, struct paper *p)
{
  switch (p->kind) {
  case DOCUMENT_POLICY:
    hub->rules.generation++;
    if (!p->set)
      return rules_reread(&hub->rules, hub->now.wall);
    policy_set_free(hub->rules.set);
    hub->rules.set = p->set;
    p->set = NULL;
    return TG_OK;
  case DOCUMENT_GRANT:
    hub->rules.generation++;
    return TG_OK;
  case DOCUMENT_SEALING_KEYS:
    return TG_OK;
  case DOCUMENT_CHARTER:
  case DOCUMENT_CREDENTIAL:
  case DOCUMENT_REVOCATION:
  case DOCUMENT_WITHDRAWAL:
    return rules_reread(&hub->rules, hub->now.wall);
  }
  return TG_INTERNAL;
}

static enum tg_err accept(struct hub *hub, struct paper *p, const struct party *by, uint64_t *ret_leaf)
{
  uint64_t sequence;
  enum tg_err err = directory_add(hub->rules.directory, p->kind, p->content, p->proof, p->how,
                                  hub->now.wall, &p->news, NULL);
  if (!err)
    err = log_paper(hub, p, by, ret_leaf);
  const struct store_document d = {.kind = p->kind,
                                   .hash = p->hash,
                                   .content = p->content,
                                   .proof = p->proof,
                                   .leaf = err ? 0 : *ret_leaf,
                                   .accepted = hub->now.wall};
  if (!err)
    err = store_document_put(hub->store, &d, &sequence);
  if (!err && !hash_is_zero(&p->news.superseded))
    err = store_document_drop(hub->store, &p->news.superseded);
  if (!err && p->hidden)
    err = hide(hub, p);
  if (!err)
    err = put_in_force(hub, p);
  hub->papers_came = true;
  hub->counts.documents++;
  return err ? err : hub_tell(hub, HUB_NOTICE, "document-accepted", by, &p->hash, p->news.serial, NULL);
}

/* Where it was logged. What another document has said already was not, and is refused: no answer goes out that nothing in the log bears out. */
static enum tg_err find_known(struct hub *hub, struct paper *p, uint64_t *ret)
{
  struct store_document d;
  enum tg_err err = store_document_by_hash(hub->store, &p->hash, hub->item, &d);
  if (!err)
    *ret = d.leaf;
  else if (err == TG_NOT_FOUND)
    p->reason = REASON_STALE;
  return err == TG_NOT_FOUND ? TG_OK : err;
}

static enum tg_err refuse(struct hub *hub, const struct paper *p, struct party *by, uint64_t *ret_leaf)
{
  enum tg_err err = log_paper(hub, p, by, ret_leaf);
  if (!err && p->reason == REASON_CONFLICT)
    err = hub_alarm(hub, REASON_CONFLICT, by, &p->hash, p->content);
  return err ? err : hub_tell(hub, HUB_NOTICE, "document-refused", by, &p->hash, p->reason, &p->why);
}

/* Whether it was taken in already: a node that does not know which one did not go out says them all again, and that must not use up what it may say within
   the hour. */
static enum tg_err is_kept(struct hub *hub, const struct hash *hash, bool *ret)
{
  struct store_document d;
  enum tg_err err = store_document_by_hash(hub->store, hash, hub->item, &d);
  *ret = !err;
  return err == TG_NOT_FOUND ? TG_OK : err;
}

/* By node, so that a stolen one cannot use up what its member needs to revoke it. */
static bool has_quota(struct hub *hub, struct session *s)
{
  return allowance_take(&s->party->documents, hub_limits(hub)->documents_per_hour, 1, hub->now.mono);
}

enum tg_err registry_take(struct hub *hub, struct session *s, const Tg__Document *m)
{
  struct paper p = {.kind = (enum document_kind)m->kind, .content = strict_slice(m->content)};
  struct buf proof = buf_new(limits_batch_proof.max);
  uint64_t leaf = NOT_LOGGED;
  bool kept;
  arena_reset(hub->item);
  p.hash = paper_hash(p.kind, p.content);
  enum tg_err err = is_kept(hub, &p.hash, &kept);
  if (!err && !kept && !has_quota(hub, s))
    return answer_document(s->party, &p.hash, NOT_LOGGED, REASON_QUOTA, NULL);
  if (!err)
    err = m->proof ? strict_pack(&limits_batch_proof, &m->proof->base, &proof, NULL) : TG_OK; /* decoded by the same rules */
  p.proof = buf_slice(&proof);
  if (!err)
    err = paper_examine(hub, &p);
  if (!err && p.known)
    err = find_known(hub, &p, &leaf);
  const bool over = !err && kept && leaf == NOT_LOGGED && !has_quota(hub, s); /* it was, and is refused now: that is logged */
  if (over)
    p.reason = REASON_QUOTA;
  else if (!err && leaf == NOT_LOGGED)
    err = p.reason ? refuse(hub, &p, s->party, &leaf) : accept(hub, &p, s->party, &leaf);
  if (!err)
    err = answer_document(s->party, &p.hash, leaf, p.reason, over ? NULL : &p.why);
  paper_done(&p);
  buf_free(&proof);
  return err;
}

enum tg_err registry_file(struct hub *hub, struct slice bytes, const struct foresight *past, bool *ret_refused, struct tg_why *why)
{
  struct note note;
  struct paper p = {.content = bytes, .past = past};
  uint64_t leaf;
  *ret_refused = true;
  arena_reset(hub->item);
  if (note_parse(bytes, NULL, &note, why) || document_kind_of(note.text, NULL, &p.kind, why))
    return TG_OK;
  p.hash = document_hash(note.text);
  enum tg_err err = paper_examine(hub, &p);
  if (!err && !p.known && !p.reason)
    err = accept(hub, &p, NULL, &leaf);
  if (!err)
    *ret_refused = p.reason != REASON_NONE;
  if (!err && p.reason && why) {
    *why = p.why;
    if (!why->what)
      why_set(why, TG_REFUSED, NULL, reason_sentence(p.reason), NULL, NULL, NULL, NULL);
  }
  paper_done(&p);
  return err;
}

/* ---- passing on */

static enum tg_err make_document(struct hub *hub, const struct store_document *d, Tg__Document **ret,
                                 size_t *size)
{
  ProtobufCMessage *proof = NULL;
  struct opening o;
  Tg__Document *m = arena_alloc(hub->reply, sizeof *m);
  enum tg_err err = m ? logbook_opening(hub->log, d->leaf, hub->reply, &o) : TG_NO_MEMORY;
  if (!err && d->proof.n)
    err = content_stored(strict_unpack(&limits_batch_proof, d->proof, hub->reply, &proof, NULL));
  if (err)
    return err;
  tg__document__init(m);
  m->sequence = d->sequence;
  m->kind = d->kind;
  m->content = strict_data(d->content);
  m->proof = (Tg__BatchProof *)proof;
  m->entry = strict_data(o.entry);
  m->salt = strict_data(o.salt);
  m->leaf = o.index;
  m->path = strict_data(o.path);
  *size += tg__document__get_packed_size(m) + REPLY_ITEM;
  *ret = m;
  return TG_OK;
}

enum tg_err registry_send(struct hub *hub, struct session *s, bool *ret_more)
{
  Tg__Document *items[REPLY_ITEMS];
  Tg__Documents m = TG__DOCUMENTS__INIT;
  bool more = true;
  m.items = items;
  *ret_more = false;
  arena_reset(hub->reply);
  for (size_t size = 0; m.n_items < REPLY_ITEMS;) {
    struct store_document d;
    bool readable = false;
    enum tg_err err = store_document_next(hub->store, s->document, hub->reply, &d);
    if (err == TG_NOT_FOUND) {
      more = false;
      break;
    }
    if (!err && d.leaf >= logbook_signed_size(hub->log))
      break;
    if (!err)
      err = may_read(hub, s, &d, &readable);
    if (!err && readable)
      err = make_document(hub, &d, &items[m.n_items], &size);
    if (err)
      return err;
    if (m.n_items && size > reply_room(hub))
      break;
    m.n_items += readable;
    s->document = d.sequence;
  }
  if (!more)
    s->work &= ~(unsigned)WORK_DOCUMENTS;
  if (m.n_items == 0)
    return TG_OK;
  *ret_more = more;
  enum tg_err err = session_chain(hub, s, &m.checkpoint, &m.consistency);
  return err ? err : session_send(hub, s, FRAME_DOCUMENTS, &m.base);
}
