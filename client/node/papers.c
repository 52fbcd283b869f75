#include "client/node/papers.h"

#include "client/node/errands.h"
#include "client/node/logged.h"
#include "client/node/relog.h"
#include "client/node/talk.h"
#include "client/node/waiting.h"
#include "client/node/watch.h"
#include "keys/codec.h"
#include "policy/change.h"
#include "proto/hash.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WORLD_EVERY = 3600 * 1000, IDLE_MS = 4000, FORMER_MAX = 1024 };

/* Invariant: `charter` is the one that the world of core->policies was built from. lacking: a document of this session was not taken for want of its entry in the
   log: what came before it is all that we have of this hub's documents, and it begins behind that the next time. former: keys
   whose credentials came from a hub and were worth nothing any more, by what was known here before they came. dropped: the version of the first charter of the store
   that was refused when it was loaded, 0: none. */
struct papers {
  const struct charter *charter;
  int64_t due;
  int64_t world_due;
  bool lacking;
  uint64_t next_leaf; /* behind the document of this hub that was taken last */
  struct note_key *former;
  size_t n_former;
  uint64_t dropped;
  struct tg_why why_dropped;
};

struct papers *papers_new(void) { return calloc(1, sizeof(struct papers)); }

void papers_free(struct papers *p)
{
  if (p)
    free(p->former);
  free(p);
}

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
   pass; the first policy of a member and all narrowing need neither. One that narrows only what still waits takes its place
   when that would have begun. */
static enum tg_err when_in_force(struct node_core *core, const struct policy *policy, size_t signers, tg_time *ret)
{
  const struct charter *charter = core_charter(core);
  const tg_time now = core->now.wall, begins = policy_effective(policy), from = begins > now ? begins : now;
  tg_time narrowed = INT64_MAX;
  *ret = NOT_DELAYED;
  if (directory_member_index(core->directory, policy_member(policy)) < 0 || !charter)
    return TG_OK;
  enum tg_err err = policy_set_narrowed_from(core->policies, policy, from, &narrowed, NULL);
  if (err == TG_NO_MEMORY)
    return err;
  if (err == TG_OK && narrowed == from)
    return TG_OK;
  /* What cannot be told not to widen counts as widening. */
  *ret = signers >= 2 ? now + charter->limits.widening_delay : !err && narrowed < INT64_MAX ? narrowed : PERMITS_NOTHING;
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

/* Index of the member whose policy has this hash; -1: it is not kept any more. */
static int owner_of(const struct directory *d, const struct hash *hash)
{
  struct directory_policy p;
  for (unsigned i = 0; i < directory_member_count(d); i++)
    for (uint64_t before = 0; !directory_policy_after(d, *directory_member_code(d, i), before, &p); before = p.serial)
      if (hash_eq(&p.hash, hash))
        return (int)i;
  return -1;
}

/* As when it came: it permits nothing, and neither does the one before it. */
static enum tg_err load_unreadable(struct node_core *core, struct slice text)
{
  const struct hash hash = document_hash(text);
  const int owner = owner_of(core->directory, &hash);
  return owner < 0 ? TG_OK : policy_set_remove(core->policies, (unsigned)owner, core->now.wall);
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
    err = policy_parse(note.text, "", NULL, &policy, NULL, NULL);
    if (err == TG_NO_MEMORY || (err != TG_OK && (err = load_unreadable(core, note.text)) != TG_OK)) {
      db_reset(s);
      return err;
    }
    if (!policy)
      continue;
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

static enum tg_err hubs_changed(struct node_core *core)
{
  enum tg_err err = talk_hubs_changed(core);
  return err == TG_OK ? relog_charter(core) : err;
}

enum tg_err papers_time(struct node_core *core)
{
  struct papers *p = core->papers;
  /* At once: what a hub that is named no more says now would settle what is meant for those that are. */
  const bool changed = core_charter(core) != p->charter;
  if (core->now.mono < p->due && !changed)
    return TG_OK;
  enum tg_err err = TG_OK;
  if (changed || core->now.mono >= p->world_due) {
    err = rebuild_world(core);
    if (err == TG_OK && changed)
      err = hubs_changed(core);
  }
  if (err == TG_OK && core->policies && core->now.wall >= policy_set_until(core->policies))
    err = policy_set_advance(core->policies, core->now.wall);
  p->due = core->now.mono + 1000;
  return err;
}

/* Every event looks at the charter first, and at the time at most once a second: with nothing to do the node need not wake for it but when a policy begins or ends,
   and now and then for charters. */
int64_t papers_due(const struct node_core *core)
{
  const int64_t rest = core->papers->due + IDLE_MS;
  if (!core->policies)
    return rest;
  const tg_time until = policy_set_until(core->policies), left = until - core->now.wall;
  return until <= core->now.wall ? core->papers->due : left < IDLE_MS ? core->now.mono + left : rest;
}

/* ---- taking in ---- */

const struct tg_why *papers_lack_charter(const struct node_core *core)
{
  const struct papers *p = core->papers;
  return p->dropped && !directory_charter_version(core->directory, p->dropped, NULL) ? &p->why_dropped : NULL;
}

/* Those that follow from it are dropped with it. */
static enum tg_err charter_dropped(struct node_core *core, struct slice content, const struct tg_why *why)
{
  struct papers *p = core->papers;
  const struct charter *newest = directory_newest_charter(core->directory);
  p->why_dropped = *why;
  const enum tg_err err = directory_explain_charter(core->directory, content, &p->dropped, &p->why_dropped);
  if (!p->dropped)
    p->dropped = newest ? newest->version + 1 : 1;
  return core_is_fatal(err) ? err : TG_OK;
}

static enum tg_err load_one(struct node_core *core, struct db_stmt *s, struct tg_why *why)
{
  const enum document_kind kind = (enum document_kind)db_u64(s, 0);
  struct tg_why said = {0};
  enum tg_err err = directory_add(core->directory, kind, db_blob(s, 1), db_blob(s, 2), DIRECTORY_RELAYED, db_i64(s, 3), NULL, &said);
  if (core_is_fatal(err))
    *why = said;
  else if (err != TG_OK && kind == DOCUMENT_CHARTER && !core->papers->dropped)
    err = charter_dropped(core, db_blob(s, 1), &said);
  /* What else was accepted once and is not now has been superseded meanwhile, or its officer's credential has. */
  return core_is_fatal(err) ? err : TG_OK;
}

static enum tg_err tell_dropped(struct node_core *core)
{
  const struct tg_why *why = papers_lack_charter(core);
  return why ? core_tell(core, NODE_ERROR, "charter-not-taken", NULL, NULL, core->papers->dropped, why) : TG_OK;
}

enum tg_err papers_load(struct node_core *core, struct tg_why *why)
{
  struct db_stmt *s =
      db_stmt(depot_db(core->depot), "SELECT kind, content, proof, accepted FROM document ORDER BY place");
  bool row;
  enum tg_err err;
  while ((err = db_step(s, &row)) == TG_OK && row) {
    err = load_one(core, s, why);
    if (err != TG_OK) {
      db_reset(s);
      return err;
    }
  }
  if (err == TG_OK)
    err = tell_dropped(core);
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
  err = db_run(s);
  return err == TG_OK ? logged_forget(core, &news->superseded) : err;
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
      err = hubs_changed(core);
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
  core->due = true;
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

/* Of a log, as all that is kept of one: a hub that has another log begins anew. The sequence of the last document that we have, and the leaf behind its entry. */
static const char cursors[] = "cursor", leaves[] = "leaf";

enum tg_err papers_cursor(struct node_core *core, uint64_t *ret) { return watch_number(core, cursors, ret); }

/* A proof travels decoded and is kept encoded. */
static enum tg_err proof_bytes(const Tg__BatchProof *proof, struct buf *out)
{
  return proof ? strict_pack(&limits_batch_proof, &proof->base, out, NULL) : TG_OK;
}

static bool is_good(enum tg_err verdict) { return verdict == TG_OK || verdict == TG_DUPLICATE; }

static enum tg_err remember_former(struct papers *p, struct slice content)
{
  struct note note;
  struct credential c;
  struct note_key key, *grown;
  enum tg_err err = p->n_former < FORMER_MAX ? note_parse(content, NULL, &note, NULL) : TG_QUOTA;
  if (err == TG_OK)
    err = credential_parse(note.text, NULL, &c, NULL);
  if (err == TG_OK)
    err = credential_note_key(&c, &key);
  if (err != TG_OK)
    return core_is_fatal(err) ? err : TG_OK;
  grown = reallocarray(p->former, p->n_former + 1, sizeof *grown);
  if (!grown)
    return TG_NO_MEMORY;
  p->former = grown;
  p->former[p->n_former++] = key;
  return TG_OK;
}

static enum tg_err note_by_former(const struct papers *p, struct slice content, bool *ret)
{
  struct note note;
  struct note_verdict verdict;
  enum tg_err err = note_parse(content, NULL, &note, NULL);
  for (size_t i = 0; err == TG_OK && !*ret && i < p->n_former; i++) {
    const enum tg_err one = note_verify(&note, &p->former[i], 1, &verdict, NULL);
    *ret = one == TG_OK;
    err = core_is_fatal(one) ? one : TG_OK;
  }
  return core_is_fatal(err) ? err : TG_OK;
}

static enum tg_err sealing_by_former(const struct papers *p, struct slice content, bool *ret)
{
  struct sealing_keys keys;
  enum tg_err err = sealing_keys_parse(content, &keys, NULL);
  for (size_t i = 0; err == TG_OK && !*ret && i < p->n_former; i++)
    *ret = sign_pk_eq(&keys.node, &p->former[i].pk);
  return core_is_fatal(err) ? err : TG_OK;
}

/* Of whoever the hub believed once, and we do not from the beginning: of him nothing is known here, so that what he signed looks as if nobody had. */
static enum tg_err is_by_former(struct node_core *core, const Tg__Document *item, enum tg_err verdict, bool *ret)
{
  struct papers *p = core->papers;
  const struct slice content = data_slice(item->content);
  *ret = verdict == TG_REVOKED;
  switch ((enum document_kind)item->kind) {
  case DOCUMENT_CREDENTIAL:
    return *ret ? remember_former(p, content) : TG_OK;
  case DOCUMENT_POLICY:
  case DOCUMENT_GRANT:
    return verdict == TG_BAD_SIGNATURE ? note_by_former(p, content, ret) : TG_OK;
  case DOCUMENT_SEALING_KEYS:
    return verdict == TG_NOT_FOUND ? sealing_by_former(p, content, ret) : TG_OK;
  case DOCUMENT_CHARTER:
  case DOCUMENT_REVOCATION:
  case DOCUMENT_WITHDRAWAL:
    break;
  }
  return TG_OK;
}

/* A document that would be taken, or was, must be in the log: a hub could otherwise show each of us another. *ret: it is, or is not taken anyway. */
static enum tg_err check_entry(struct node_core *core, const Tg__Document *item, struct slice proof, const struct opening *opening,
                               struct directory_news *ret_news, bool *ret)
{
  struct tg_why why = {0};
  enum tg_err err = directory_check(core->directory, (enum document_kind)item->kind, data_slice(item->content), proof, DIRECTORY_RELAYED,
                                    core->now.wall, ret_news, NULL);
  *ret = true;
  if (!is_good(err))
    return core_is_fatal(err) ? err : TG_OK;
  err = logged_check(core, opening, &ret_news->hash, REASON_NONE, ret_news, &why);
  *ret = err == TG_OK;
  return err == TG_OK || core_is_fatal(err) ? err : talk_strike(core, "document-forged", &ret_news->hash, &why);
}

/* A hub numbers documents as it logs them. One that shows who comes later another order could let a root vouch on that a charter before had replaced. */
static enum tg_err check_order(struct node_core *core, const struct hash *hash, uint64_t leaf)
{
  struct papers *p = core->papers;
  struct tg_why why;
  const bool in_order = leaf >= p->next_leaf;
  p->next_leaf = leaf + 1;
  if (in_order)
    return TG_OK;
  why_set(&why, TG_BAD_PROOF, talk_hub(core), N_("the hub shows documents in another order than its log has them"),
          N_("Compare with other members which documents they have, and ask its operator"), NULL, NULL, NULL);
  return talk_strike(core, "documents-out-of-order", hash, &why);
}

/* *ret: the hub need not send it again. */
static enum tg_err take_from_hub(struct node_core *core, const Tg__Document *item, bool *ret)
{
  struct buf proof = buf_new(8192);
  struct tg_why why = {0};
  struct directory_news news;
  const struct opening opening = {.entry = data_slice(item->entry), .salt = data_slice(item->salt), .index = item->leaf, .path = data_slice(item->path)};
  enum tg_err verdict = TG_OK, err = proof_bytes(item->proof, &proof);
  if (err == TG_OK)
    err = check_entry(core, item, buf_slice(&proof), &opening, &news, ret);
  if (err == TG_OK && *ret)
    err = papers_take(core, (enum document_kind)item->kind, data_slice(item->content), buf_slice(&proof), DIRECTORY_RELAYED,
                      &verdict, &why);
  if (err == TG_OK && *ret && is_good(verdict))
    err = logged_keep(core, &news.hash, &opening);
  if (err == TG_OK && *ret && is_good(verdict))
    err = check_order(core, &news.hash, item->leaf);
  buf_free(&proof);
  /* A hub keeps documents for who comes later, what has expired since among them. */
  if (err != TG_OK || is_good(verdict) || verdict == TG_STALE || verdict == TG_EXPIRED)
    return err;
  /* Whoever signed it may have been believed when the hub took it: of who came later, or knows already who has left, the hub has deserved no alarm. */
  bool former;
  if ((err = is_by_former(core, item, verdict, &former)) != TG_OK)
    return err;
  if (former)
    return core_tell(core, NODE_NOTICE, "document-refused", NULL, talk_hub(core), item->sequence, &why);
  return talk_strike(core, "document-refused", NULL, &why); /* or a hub could alarm without end; should it be honest, the next session goes on behind it */
}

enum tg_err papers_from_hub(struct node_core *core, const Tg__Documents *frame)
{
  struct papers *p = core->papers;
  uint64_t cursor, next_leaf = 0;
  bool any = false;
  enum tg_err err = watch_number(core, cursors, &cursor);
  if (err == TG_OK)
    err = core_begin(core);
  for (size_t i = 0; err == TG_OK && talk_is_open(core) && i < frame->n_items; i++) {
    const Tg__Document *item = frame->items[i];
    bool done = true;
    if (item->sequence <= cursor)
      continue;
    err = take_from_hub(core, item, &done);
    p->lacking |= !done;
    if (!p->lacking) {
      cursor = item->sequence;
      next_leaf = p->next_leaf;
      any = true;
    }
  }
  if (err == TG_OK && any)
    err = watch_number_put(core, leaves, next_leaf);
  return err == TG_OK ? watch_number_put(core, cursors, cursor) : err;
}

enum tg_err papers_welcome(struct node_core *core)
{
  core->papers->lacking = false;
  const enum tg_err err = watch_number(core, leaves, &core->papers->next_leaf);
  return err == TG_OK ? errands_welcome(core) : err;
}
