#include "client/node/papers.h"

#include "client/node/desk.h"
#include "client/node/rotation.h"
#include "client/node/talk.h"
#include "client/node/waiting.h"
#include "client/node/watch.h"
#include "keys/codec.h"
#include "policy/change.h"
#include "proto/hash.h"

#include <stdio.h>
#include <stdlib.h>

enum { FRAME_DOCUMENTS_BYTES = 512 * 1024, OFFERS_MAX = 64, WORLD_EVERY = 3600 * 1000 };

/* A local program that waits for the hub's answer to a note. */
struct offer {
  uint64_t client, request;
  struct hash hash;
};

/* Invariant: `charter` is the one that the world of core->policies was built from. */
struct papers {
  const struct charter *charter;
  int64_t due;
  int64_t world_due;
  size_t n_offers;
  struct offer offers[OFFERS_MAX];
};

struct papers *papers_new(void) { return calloc(1, sizeof(struct papers)); }
void papers_free(struct papers *p) { free(p); }

/* ---- policies ---- */

enum { NOT_DELAYED = 0, PERMITS_NOTHING = -1 };

static const char *policy_file_of(const struct node_core *core, struct country member, char out[16])
{
  if (core->named && country_eq(member, core->member) && core->config->policy_file)
    return core->config->policy_file;
  snprintf(out, 16, "%s.policy", member.code);
  return out;
}

/* From when a policy that came now is in force: a widening needs a second officer and the charter's delay, whatever the hub let
   pass; the first policy of a member and all narrowing need neither. */
static enum tg_err when_in_force(struct node_core *core, const struct policy *policy, size_t signers, tg_time *ret)
{
  int member = directory_member_index(core->directory, policy_member(policy));
  const struct policy *old = member < 0 ? NULL : policy_set_policy(core->policies, (unsigned)member, core->now.wall);
  const struct charter *charter = core_charter(core);
  bool widens = false;
  *ret = NOT_DELAYED;
  if (!old || !charter)
    return TG_OK;
  tg_time from = core->now.wall + charter->limits.widening_delay;
  enum tg_err err = policy_widens(old, policy, policy_set_world_of(core->policies), from, &widens, NULL);
  if (err == TG_NO_MEMORY)
    return err;
  if (err == TG_OK && !widens)
    return TG_OK;
  *ret = signers >= 2 ? from : PERMITS_NOTHING; /* what cannot be told not to widen counts as widening */
  return TG_OK;
}

/* A policy that we cannot read permits nothing, and neither does the one before it. */
static enum tg_err put_policy(struct node_core *core, struct slice text, tg_time in_force, bool fresh, size_t signers,
                              struct country member, tg_time *ret_in_force)
{
  char name[16];
  struct policy *policy = NULL;
  struct tg_why why = {0};
  int index = directory_member_index(core->directory, member);
  enum tg_err err = policy_parse(text, policy_file_of(core, member, name), NULL, &policy, NULL, &why);
  if (err == TG_NO_MEMORY)
    return err;
  if (err != TG_OK) {
    *ret_in_force = PERMITS_NOTHING;
    if (index >= 0)
      err = policy_set_remove(core->policies, (unsigned)index, core->now.wall);
    return core_is_fatal(err) ? err : core_tell(core, NODE_ERROR, "policy-unreadable", NULL, member.code, 0, &why);
  }
  err = fresh ? when_in_force(core, policy, signers, &in_force) : TG_OK;
  if (err == TG_OK && in_force != PERMITS_NOTHING)
    err = policy_set_put(core->policies, &policy, in_force, core->now.wall, &why);
  policy_free(policy);
  if (core_is_fatal(err))
    return err;
  *ret_in_force = in_force;
  if (err == TG_OK && in_force == PERMITS_NOTHING)
    return core_tell(core, NODE_ALARM, "policy-widens-unsigned", NULL, member.code, 0, NULL);
  return err == TG_OK || err == TG_DUPLICATE ? TG_OK
                                             : core_tell(core, NODE_NOTICE, "policy-not-used", NULL, member.code, 0, &why);
}

/* All policies anew, from the store, in the order in which they came. */
static enum tg_err load_policies(struct node_core *core)
{
  struct db_stmt *s = db_stmt(depot_db(core->depot), "SELECT content, in_force FROM document WHERE kind = 4 ORDER BY place");
  bool row;
  enum tg_err err;
  while ((err = db_step(s, &row)) == TG_OK && row) {
    struct note note;
    struct slice bytes = db_blob(s, 0);
    tg_time in_force = db_i64(s, 1);
    struct policy *policy = NULL;
    if (note_parse(bytes, NULL, &note, NULL) != TG_OK)
      continue;
    if (policy_parse(note.text, "", NULL, &policy, NULL, NULL) != TG_OK)
      continue; /* what is unreadable permits nothing */
    struct country member = policy_member(policy);
    policy_free(policy);
    if ((err = put_policy(core, note.text, in_force, false, 0, member, &in_force)) != TG_OK) {
      db_reset(s);
      return err;
    }
  }
  return err;
}

/* ---- the world that policies are read against ---- */

static enum tg_err know_myself(struct node_core *core)
{
  const struct node *me = directory_node(core->directory, &core->me);
  if (!me || core->named)
    return TG_OK;
  core->named = true;
  core->member = me->credential.holder.member;
  holder_print(&me->credential.holder, core->my_name);
  snprintf(core->my_agency, sizeof core->my_agency, "%s", me->credential.holder.agency);
  return TG_OK;
}

static enum tg_err rebuild_world(struct node_core *core)
{
  struct papers *p = core->papers;
  struct policy_world *world = NULL;
  enum tg_err err = policy_world_build(core->directory, core->now.wall, &world);
  p->charter = core_charter(core);
  p->world_due = core->now.mono + WORLD_EVERY;
  if (err == TG_NOT_FOUND) /* no charter is in force: nothing is permitted */
    return TG_OK;
  if (err == TG_OK && core->policies) {
    err = policy_set_world(core->policies, world, core->now.wall);
  } else if (err == TG_OK) {
    err = policy_set_new(world, core->now.wall, &core->policies);
    if (err == TG_OK)
      err = load_policies(core);
  }
  policy_world_free(world);
  return err;
}

enum tg_err papers_time(struct node_core *core)
{
  struct papers *p = core->papers;
  if (core->now.mono < p->due)
    return TG_OK;
  enum tg_err err = TG_OK;
  if (core_charter(core) != p->charter || core->now.mono >= p->world_due) {
    bool changed = core_charter(core) != p->charter;
    err = rebuild_world(core);
    if (err == TG_OK && changed)
      err = talk_hubs_changed(core);
  }
  if (err == TG_OK && core->policies && core->now.wall >= policy_set_until(core->policies))
    err = policy_set_advance(core->policies, core->now.wall);
  p->due = core->now.mono + 1000;
  return err;
}

int64_t papers_due(const struct node_core *core) { return core->papers->due; }

/* ---- taking in ---- */

enum tg_err papers_load(struct node_core *core, struct tg_why *why)
{
  struct db_stmt *s =
      db_stmt(depot_db(core->depot), "SELECT kind, content, proof, accepted FROM document ORDER BY place");
  bool row;
  enum tg_err err;
  while ((err = db_step(s, &row)) == TG_OK && row) {
    err = directory_add(core->directory, (enum document_kind)db_u64(s, 0), db_blob(s, 1), db_blob(s, 2), DIRECTORY_RELAYED,
                        db_i64(s, 3), NULL, why);
    /* What was accepted once and is not now has been superseded meanwhile, or its officer's credential has. */
    if (core_is_fatal(err)) {
      db_reset(s);
      return err;
    }
  }
  if (err == TG_OK)
    err = know_myself(core);
  return err == TG_OK ? rebuild_world(core) : err;
}

static enum tg_err store_document(struct node_core *core, const struct directory_news *news, struct slice content,
                                  struct slice proof, tg_time in_force)
{
  struct db_stmt *s = db_stmt(depot_db(core->depot),
                              "INSERT OR IGNORE INTO document(kind, hash, content, proof, accepted, in_force)"
                              " VALUES(?, ?, ?, ?, ?, ?)");
  db_bind_u64(s, 1, news->kind);
  db_bind_blob(s, 2, hash_slice(&news->hash));
  db_bind_blob(s, 3, content);
  db_bind_blob(s, 4, proof);
  db_bind_i64(s, 5, core->now.wall);
  db_bind_i64(s, 6, in_force);
  enum tg_err err = db_run(s);
  if (err != TG_OK || hash_is_zero(&news->superseded))
    return err;
  s = db_stmt(depot_db(core->depot), "DELETE FROM document WHERE hash = ?");
  db_bind_blob(s, 1, hash_slice(&news->superseded));
  return db_run(s);
}

static enum tg_err follow(struct node_core *core, const struct directory_news *news, tg_time *ret_in_force)
{
  waiting_stir(core);
  switch (news->kind) {
  case DOCUMENT_CHARTER:
  case DOCUMENT_CREDENTIAL:
  case DOCUMENT_REVOCATION:
  case DOCUMENT_WITHDRAWAL: {
    enum tg_err err = know_myself(core);
    if (err == TG_OK)
      err = rebuild_world(core);
    if (err == TG_OK && news->kind == DOCUMENT_CHARTER)
      err = talk_hubs_changed(core);
    return err;
  }
  case DOCUMENT_POLICY:
    return core->policies ? put_policy(core, news->text, 0, true, news->n_signers, news->member, ret_in_force) : TG_OK;
  case DOCUMENT_GRANT:
  case DOCUMENT_SEALING_KEYS:
    return TG_OK;
  }
  return TG_OK;
}

/* Two documents under one number, both well signed, are evidence against who signed them. */
static enum tg_err keep_contradiction(struct node_core *core, struct slice content, const struct tg_why *why)
{
  struct hash hash = hash_plain(content);
  char hex[65], name[96];
  hash_print(&hash, hex);
  snprintf(name, sizeof name, "document-conflict-%.16s.note", hex);
  enum tg_err err = orders_evidence(core->orders, name, content);
  return err == TG_OK ? core_tell(core, NODE_ALARM, "document-conflict", &hash, NULL, 0, why) : err;
}

enum tg_err papers_take(struct node_core *core, enum document_kind kind, struct slice content, struct slice proof,
                        enum directory_how how, enum tg_err *ret_verdict, struct tg_why *ret_why)
{
  struct directory_news news;
  struct tg_why why = {0};
  enum tg_err verdict = directory_add(core->directory, kind, content, proof, how, core->now.wall, &news, &why);
  if (core_is_fatal(verdict))
    return verdict;
  *ret_verdict = verdict;
  if (ret_why)
    *ret_why = why;
  if (verdict == TG_CONFLICT)
    return keep_contradiction(core, content, &why);
  if (verdict != TG_OK)
    return TG_OK;
  tg_time in_force = NOT_DELAYED;
  enum tg_err err = core_begin(core);
  if (err == TG_OK)
    err = follow(core, &news, &in_force);
  if (err == TG_OK)
    err = store_document(core, &news, content, proof, in_force);
  return err == TG_OK ? core_tell(core, NODE_DEBUG, "document-taken", &news.hash, news.member.code, news.serial, NULL) : err;
}

enum tg_err node_document(struct node_core *core, struct slice content, struct tg_why *ret_refusal)
{
  struct note note;
  enum document_kind kind;
  struct tg_why why = {0};
  enum tg_err verdict = note_parse(content, NULL, &note, &why);
  if (verdict == TG_OK)
    verdict = document_kind_of(note.text, NULL, &kind, &why);
  if (verdict == TG_OK) {
    enum tg_err err =
        papers_take(core, kind, content, slice_of(NULL, 0), DIRECTORY_RELAYED, &verdict, &why);
    if (err != TG_OK)
      return core->failed = err;
  }
  if (verdict == TG_OK || verdict == TG_DUPLICATE || verdict == TG_STALE)
    return TG_OK;
  if (ret_refusal)
    *ret_refusal = why;
  return TG_REFUSED;
}

/* ---- from the hub ---- */

static const char *cursor_name(const char *hub, char out[64])
{
  snprintf(out, 64, "cursor/%s", hub);
  return out;
}

enum tg_err papers_cursor(struct node_core *core, const char *hub, uint64_t *ret)
{
  char name[64];
  return depot_number(core->depot, cursor_name(hub, name), ret);
}

/* A proof travels decoded and is kept encoded. */
static enum tg_err proof_bytes(const Tg__BatchProof *proof, struct buf *out)
{
  return proof ? strict_pack(&limits_batch_proof, &proof->base, out, NULL) : TG_OK;
}

static enum tg_err take_from_hub(struct node_core *core, const Tg__Document *item)
{
  struct buf proof = buf_new(8192);
  struct tg_why why = {0};
  enum tg_err verdict = TG_OK, err = proof_bytes(item->proof, &proof);
  if (err == TG_OK)
    err = papers_take(core, (enum document_kind)item->kind, data_slice(item->content), buf_slice(&proof), DIRECTORY_RELAYED,
                      &verdict, &why);
  buf_free(&proof);
  if (err != TG_OK || verdict == TG_OK || verdict == TG_DUPLICATE || verdict == TG_STALE)
    return err;
  return core_tell(core, NODE_ALARM, "document-refused", NULL, talk_hub(core), item->sequence, &why);
}

enum tg_err papers_from_hub(struct node_core *core, const Tg__Documents *frame)
{
  char name[64];
  uint64_t cursor;
  enum tg_err err = papers_cursor(core, talk_hub(core), &cursor);
  if (err == TG_OK)
    err = core_begin(core);
  for (size_t i = 0; err == TG_OK && i < frame->n_items; i++) {
    const Tg__Document *item = frame->items[i];
    if (item->sequence <= cursor)
      continue;
    err = take_from_hub(core, item);
    cursor = item->sequence;
  }
  return err == TG_OK ? depot_number_put(core->depot, cursor_name(talk_hub(core), name), cursor) : err;
}

/* ---- errands: documents of ours on their way to the hub ---- */

static enum tg_err send_one(struct node_core *core, enum document_kind kind, struct slice content, struct slice proof)
{
  Tg__Documents frame = TG__DOCUMENTS__INIT;
  Tg__Document item = TG__DOCUMENT__INIT, *items[1] = {&item};
  ProtobufCMessage *decoded = NULL;
  if (proof.n && strict_unpack(&limits_batch_proof, proof, core->arena, &decoded, NULL) != TG_OK)
    return TG_DISK; /* we wrote it */
  item.kind = kind;
  item.content = slice_data(content);
  item.proof = (Tg__BatchProof *)decoded;
  frame.n_items = 1;
  frame.items = items;
  frame.checkpoint = slice_data(watch_note(core));
  return talk_send(core, FRAME_DOCUMENTS, &frame.base);
}

enum tg_err papers_errand(struct node_core *core, enum document_kind kind, const struct hash *hash, struct slice content,
                          struct slice proof)
{
  enum tg_err err = core_begin(core);
  if (err != TG_OK)
    return err;
  struct db_stmt *s;
  if (kind == DOCUMENT_SEALING_KEYS) { /* only the newest announcement matters */
    s = db_stmt(depot_db(core->depot), "DELETE FROM errand WHERE kind = 7");
    if ((err = db_run(s)) != TG_OK)
      return err;
  }
  s = db_stmt(depot_db(core->depot),
              "INSERT OR IGNORE INTO errand(kind, hash, content, proof, since) VALUES(?, ?, ?, ?, ?)");
  db_bind_u64(s, 1, kind);
  db_bind_blob(s, 2, hash_slice(hash));
  db_bind_blob(s, 3, content);
  db_bind_blob(s, 4, proof);
  db_bind_i64(s, 5, core->now.wall);
  if ((err = db_run(s)) != TG_OK)
    return err;
  return send_one(core, kind, content, proof);
}

enum tg_err papers_welcome(struct node_core *core)
{
  struct db_stmt *s = db_stmt(depot_db(core->depot), "SELECT kind, content, proof FROM errand ORDER BY place");
  bool row;
  enum tg_err err;
  while ((err = db_step(s, &row)) == TG_OK && row)
    if ((err = send_one(core, (enum document_kind)db_u64(s, 0), db_blob(s, 1), db_blob(s, 2))) != TG_OK) {
      db_reset(s);
      return err;
    }
  return err;
}

/* The errand's own bytes, in the arena. TG_NOT_FOUND: answered before, or never ours. */
static enum tg_err find_errand(struct node_core *core, const struct hash *hash, enum document_kind *ret_kind,
                               struct slice *ret_content, struct slice *ret_proof)
{
  struct db_stmt *s = db_stmt(depot_db(core->depot), "SELECT kind, content, proof FROM errand WHERE hash = ?");
  db_bind_blob(s, 1, hash_slice(hash));
  bool row;
  enum tg_err err = db_step(s, &row);
  if (err != TG_OK || !row)
    return err != TG_OK ? err : TG_NOT_FOUND;
  *ret_kind = (enum document_kind)db_u64(s, 0);
  *ret_content = arena_copy(core->arena, db_blob(s, 1));
  *ret_proof = arena_copy(core->arena, db_blob(s, 2));
  db_reset(s);
  return ret_content->p ? TG_OK : TG_NO_MEMORY;
}

static enum tg_err answer_offers(struct node_core *core, const struct hash *hash, const struct tg_why *refusal)
{
  struct papers *p = core->papers;
  for (size_t i = 0; i < p->n_offers;) {
    if (!hash_eq(&p->offers[i].hash, hash)) {
      i++;
      continue;
    }
    struct offer offer = p->offers[i];
    p->offers[i] = p->offers[--p->n_offers];
    enum tg_err err = desk_document_done(core, offer.client, offer.request, refusal);
    if (err != TG_OK)
      return err;
  }
  return TG_OK;
}

/* What the hub says must be in its log, or it could tell each of us something else. */
static enum tg_err check_outcome(struct node_core *core, const Tg__DocumentOutcome *item, const struct hash *hash,
                                 struct tg_why *why)
{
  struct entry entry;
  struct opening opening = {.entry = data_slice(item->entry), .salt = data_slice(item->salt), .index = item->leaf,
                            .path = data_slice(item->path)};
  enum tg_err err = watch_entry(core, &opening, &entry, why);
  if (err != TG_OK)
    return err;
  if (entry.type != (item->reason == 0 ? ENTRY_DOCUMENT : ENTRY_DOCUMENT_REFUSED) || !hash_eq(&entry.subject, hash) ||
      entry.reason != item->reason)
    return why_set(why, TG_BAD_PROOF, NULL, N_("the log entry is about something else"), NULL, NULL, NULL, NULL);
  return TG_OK;
}

static enum tg_err forget_errand(struct node_core *core, const struct hash *hash)
{
  struct db_stmt *s = db_stmt(depot_db(core->depot), "DELETE FROM errand WHERE hash = ?");
  db_bind_blob(s, 1, hash_slice(hash));
  return db_run(s);
}

static enum tg_err refused(struct node_core *core, enum document_kind kind, const struct hash *hash,
                           const Tg__DocumentOutcome *item)
{
  struct tg_why why;
  char detail[128];
  struct slice text = data_slice(item->detail);
  snprintf(detail, sizeof detail, "%.*s", (int)(text.n < 127 ? text.n : 127), text.n ? (const char *)text.p : "");
  why_set(&why, TG_REFUSED, NULL, N_("the hub refused the document (%1$s). %2$s"), NULL, reason_name(item->reason), detail,
          NULL);
  enum tg_err err = TG_OK;
  if (kind == DOCUMENT_SEALING_KEYS && item->reason == REASON_STALE)
    err = rotation_overtaken(core);
  if (err == TG_OK)
    err = core_tell(core, NODE_ERROR, "document-not-accepted", hash, NULL, item->reason, &why);
  return err == TG_OK ? answer_offers(core, hash, &why) : err;
}

static enum tg_err conclude(struct node_core *core, const Tg__DocumentOutcome *item)
{
  struct hash hash;
  struct tg_why why = {0};
  enum document_kind kind;
  struct slice content, proof;
  if (hash_read(data_slice(item->hash), &hash) != TG_OK)
    return TG_OK;
  enum tg_err verdict = TG_OK, err = find_errand(core, &hash, &kind, &content, &proof);
  if (err != TG_OK)
    return err == TG_NOT_FOUND ? TG_OK : err;
  if (check_outcome(core, item, &hash, &why) != TG_OK)
    return talk_strike(core, "document-outcome-forged", &hash, &why);
  if (item->reason == 0)
    err = papers_take(core, kind, content, proof, DIRECTORY_RELAYED, &verdict, &why);
  if (err == TG_OK)
    err = forget_errand(core, &hash);
  if (err != TG_OK)
    return err;
  return item->reason == 0 ? answer_offers(core, &hash, NULL) : refused(core, kind, &hash, item);
}

enum tg_err papers_outcomes(struct node_core *core, const Tg__DocumentOutcomes *frame)
{
  enum tg_err err = core_begin(core);
  for (size_t i = 0; err == TG_OK && i < frame->n_items; i++)
    err = conclude(core, frame->items[i]);
  return err;
}

/* ---- from local programs ---- */

enum tg_err papers_offer(struct node_core *core, uint64_t client, uint64_t request, struct slice bytes,
                         enum tg_err *ret_verdict, struct tg_why *ret_why)
{
  struct papers *p = core->papers;
  struct note note;
  enum document_kind kind;
  struct directory_news news;
  enum tg_err verdict = note_parse(bytes, NULL, &note, ret_why);
  if (verdict == TG_OK)
    verdict = document_kind_of(note.text, NULL, &kind, ret_why);
  if (verdict == TG_OK)
    verdict = directory_check(core->directory, kind, bytes, slice_of(NULL, 0), DIRECTORY_FRESH, core->now.wall, &news, ret_why);
  if (core_is_fatal(verdict))
    return verdict;
  if (verdict == TG_OK && p->n_offers == OFFERS_MAX)
    verdict = why_set(ret_why, TG_BUSY, NULL, N_("too many documents wait for the hub's answer"),
                      N_("try again when the node is connected"), NULL, NULL, NULL);
  *ret_verdict = verdict;
  if (verdict != TG_OK)
    return TG_OK;
  p->offers[p->n_offers++] = (struct offer){client, request, news.hash};
  return papers_errand(core, kind, &news.hash, bytes, slice_of(NULL, 0));
}

void papers_client_gone(struct node_core *core, uint64_t client)
{
  struct papers *p = core->papers;
  for (size_t i = 0; i < p->n_offers;)
    if (p->offers[i].client == client)
      p->offers[i] = p->offers[--p->n_offers];
    else
      i++;
}
