#include "client/node/errands.h"

#include "client/node/desk.h"
#include "client/node/logged.h"
#include "client/node/papers.h"
#include "client/node/rotation.h"
#include "client/node/talk.h"
#include "keys/revocation.h"
#include "policy/refusal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
  OFFERS_MAX = 64,
  AGAIN_MS = 1000, /* what clogged the line may still do so */
  AGAIN_MAX_MS = 300 * 1000,
  PUT_OFF_MS = 4 * 3600 * 1000, /* an hourly limit leaves room for one after an hour: a hub that has decided nothing for so long keeps documents out */
};

/* A local program that waits for the hub's answer to a note. */
struct offer {
  uint64_t client, request;
  struct hash hash;
  bool ends_us; /* it revokes our own key or credential, */
  bool sent;    /* and went to a hub */
};

struct errands {
  uint64_t awaited; /* answers, at most, to what was offered in this session */
  bool unsent; /* something of it did not go out: all of it is offered again, from `again` on */
  int64_t again, wait; /* twice as long each time: something may never go */
  bool put_off;
  int64_t put_off_since; /* monotonic: nothing was decided since this hub, or another, put one off */
  size_t n_offers;
  struct offer offers[OFFERS_MAX];
};

struct errands *errands_new(void) { return calloc(1, sizeof(struct errands)); }
void errands_free(struct errands *e) { free(e); }

/* ---- on their way ---- */

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
  frame.checkpoint = slice_data(talk_note(core));
  core->errands->awaited++;
  return talk_send(core, FRAME_DOCUMENTS, &frame.base);
}

static enum tg_err keep(struct node_core *core, enum document_kind kind, const struct hash *hash, struct slice content,
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
  return db_run(s);
}

enum tg_err errands_put(struct node_core *core, enum document_kind kind, const struct hash *hash, struct slice content,
                          struct slice proof)
{
  enum tg_err err = keep(core, kind, hash, content, proof);
  return err == TG_OK ? send_one(core, kind, content, proof) : err;
}

/* Whose it is, its signed text tells; charters are everybody's, and come from the hub's operator. */
static bool is_own(const struct node_core *core, enum document_kind kind, struct slice content)
{
  struct note note;
  struct slice text, line;
  char member[16], holder[16];
  if (kind == DOCUMENT_CHARTER || kind == DOCUMENT_SEALING_KEYS || note_parse(content, NULL, &note, NULL) != TG_OK)
    return false;
  snprintf(member, sizeof member, "member %s", core->member.code);
  snprintf(holder, sizeof holder, "holder %s/", core->member.code);
  for (text = note.text; take_line(&text, &line);)
    if (slice_is(line, member) || (line.n > strlen(holder) && memcmp(line.p, holder, strlen(holder)) == 0))
      return true;
  return false;
}

enum tg_err errands_bring_own(struct node_core *core)
{
  struct directory_item item;
  struct sealing_keys keys;
  enum tg_err err = TG_OK;
  for (uint64_t order = 0; err == TG_OK && directory_next(core->directory, order, &item) == TG_OK; order = item.order) {
    enum tg_err other = item.kind == DOCUMENT_SEALING_KEYS ? sealing_keys_parse(item.bytes, &keys, NULL) : TG_UNKNOWN;
    const bool sealing = other == TG_OK && sign_pk_eq(&keys.node, &core->me);
    if (core_is_fatal(other))
      err = other;
    else if (sealing || is_own(core, item.kind, item.bytes))
      err = keep(core, item.kind, &item.hash, item.bytes, item.proof);
  }
  return err;
}

static enum tg_err send_all(struct node_core *core)
{
  struct db_stmt *s = db_stmt(depot_db(core->depot), "SELECT kind, content, proof FROM errand ORDER BY place");
  bool row;
  enum tg_err err;
  core->errands->unsent = false;
  while ((err = db_step(s, &row)) == TG_OK && row)
    if ((err = send_one(core, (enum document_kind)db_u64(s, 0), db_blob(s, 1), db_blob(s, 2))) != TG_OK) {
      db_reset(s);
      return err;
    }
  return err;
}

enum tg_err errands_welcome(struct node_core *core)
{
  struct errands *e = core->errands;
  e->awaited = 0;
  e->wait = 0;
  for (size_t i = 0; i < e->n_offers; i++)
    e->offers[i].sent = true;
  return send_all(core);
}

void errands_dropped(struct node_core *core, enum frame_type type)
{
  struct errands *e = core->errands;
  if (type != FRAME_DOCUMENTS)
    return;
  e->unsent = true; /* which one is not known; what the hub knows already it says again */
  if (core->now.mono - e->again > 2 * e->wait) /* what was said last went out */
    e->wait = 0;
  if (e->wait == 0)
    e->wait = AGAIN_MS;
  else if (core->now.mono >= e->again)
    e->wait = 2 * e->wait < AGAIN_MAX_MS ? 2 * e->wait : AGAIN_MAX_MS;
  e->again = core->now.mono + e->wait;
}

enum tg_err errands_pump(struct node_core *core)
{
  struct errands *e = core->errands;
  if (!e->unsent || !talk_is_open(core))
    return TG_OK;
  if (core->now.mono < e->again) {
    core_wake_at(core, e->again);
    return TG_OK;
  }
  if (talk_has_room(core)) {
    e->again = core->now.mono;
    return send_all(core);
  }
  talk_wake_when_free(core);
  return TG_OK;
}

/* ---- the hub's answers ---- */

/* The errand's own bytes, in the arena. TG_NOT_FOUND: answered before, or never ours. */
static enum tg_err find(struct node_core *core, const struct hash *hash, enum document_kind *ret_kind,
                        struct slice *ret_content, struct slice *ret_proof)
{
  struct db_stmt *s = db_stmt(depot_db(core->depot), "SELECT kind, content, proof FROM errand WHERE hash = ?");
  db_bind_blob(s, 1, hash_slice(hash));
  enum tg_err err = db_one(s);
  if (err != TG_OK)
    return err;
  *ret_kind = (enum document_kind)db_u64(s, 0);
  *ret_content = arena_copy(core->arena, db_blob(s, 1));
  *ret_proof = arena_copy(core->arena, db_blob(s, 2));
  db_reset(s);
  return ret_content->p && !arena_is_starved(core->arena) ? TG_OK : TG_NO_MEMORY;
}

static enum tg_err is_ours(struct node_core *core, const struct hash *hash, bool *ret)
{
  struct db_stmt *s = db_stmt(depot_db(core->depot), "SELECT 1 FROM errand WHERE hash = ?");
  db_bind_blob(s, 1, hash_slice(hash));
  return db_any(s, ret);
}

static enum tg_err answer_offers(struct node_core *core, const struct hash *hash, const struct tg_why *refusal)
{
  struct errands *e = core->errands;
  for (size_t i = 0; i < e->n_offers;) {
    if (!hash_eq(&e->offers[i].hash, hash)) {
      i++;
      continue;
    }
    struct offer offer = e->offers[i];
    e->offers[i] = e->offers[--e->n_offers];
    enum tg_err err = desk_document_done(core, offer.client, offer.request, refusal);
    if (err != TG_OK)
      return err;
  }
  return TG_OK;
}

static enum tg_err forget(struct node_core *core, const struct hash *hash)
{
  struct db_stmt *s = db_stmt(depot_db(core->depot), "DELETE FROM errand WHERE hash = ?");
  db_bind_blob(s, 1, hash_slice(hash));
  return db_run(s);
}

static enum tg_err refused(struct node_core *core, enum document_kind kind, const struct hash *hash,
                           const Tg__DocumentOutcome *item)
{
  struct tg_why why;
  char detail[ENTRY_DETAIL_MAX + 1];
  struct slice text = data_slice(item->detail);
  snprintf(detail, sizeof detail, "%.*s", (int)(text.n < sizeof detail ? text.n : sizeof detail - 1), text.n ? (const char *)text.p : "");
  if (!refusal_read(detail, &why))
    why_set(&why, TG_REFUSED, NULL, N_("the hub refused the document (%1$s). %2$s"), NULL, reason_name(item->reason), detail, NULL);
  enum tg_err err = TG_OK;
  if (kind == DOCUMENT_SEALING_KEYS && item->reason == REASON_STALE)
    err = rotation_overtaken(core);
  if (err == TG_OK)
    err = core_tell(core, NODE_ERROR, "document-not-accepted", hash, NULL, item->reason, &why);
  return err == TG_OK ? answer_offers(core, hash, &why) : err;
}

/* What goes beyond its limit the hub does not log: it did not decide, and we offer it again. A hub that always says so refuses without the log's knowing, a
   revocation perhaps: that is told as loud as can be. */
static bool is_put_off(const Tg__DocumentOutcome *item) { return item->reason == REASON_QUOTA && item->entry.len == 0; }

static enum tg_err put_off(struct node_core *core, const struct hash *hash)
{
  struct errands *e = core->errands;
  struct tg_why why;
  bool ours = false;
  enum tg_err err = e->awaited ? is_ours(core, hash, &ours) : TG_OK; /* nothing ends an errand that is put off: it could be said without end */
  if (err != TG_OK || !ours)
    return err;
  e->awaited--;
  if (!e->put_off)
    e->put_off_since = core->now.mono;
  e->put_off = true;
  const bool kept_out = core->now.mono - e->put_off_since >= PUT_OFF_MS;
  why_set(&why, TG_QUOTA, talk_hub(core), N_("the hub takes no more documents from this node within the hour"),
          N_("It need not be given in again: the node offers it whenever it connects to the hub"), NULL, NULL, NULL);
  err = core_tell(core, kept_out ? NODE_ALARM : NODE_NOTICE, "document-put-off", hash, talk_hub(core), REASON_QUOTA, &why);
  return err == TG_OK ? answer_offers(core, hash, &why) : err;
}

static enum tg_err conclude(struct node_core *core, const Tg__DocumentOutcome *item)
{
  struct hash hash;
  struct tg_why why = {0};
  enum document_kind kind;
  struct slice content, proof;
  const struct opening opening = {.entry = data_slice(item->entry), .salt = data_slice(item->salt), .index = item->leaf, .path = data_slice(item->path)};
  if (hash_read(data_slice(item->hash), &hash) != TG_OK)
    return TG_OK;
  if (is_put_off(item))
    return put_off(core, &hash);
  enum tg_err verdict = TG_OK, err = find(core, &hash, &kind, &content, &proof);
  if (err != TG_OK)
    return err == TG_NOT_FOUND ? TG_OK : err;
  /* What the hub says must be in its log, or it could tell each of us something else. */
  err = logged_check(core, &opening, &hash, (enum reason)item->reason, NULL, &why);
  if (err != TG_OK)
    return core_is_fatal(err) ? err : talk_strike(core, "document-outcome-forged", &hash, &why);
  core->errands->put_off = false;
  core->errands->awaited -= core->errands->awaited > 0;
  if (item->reason == 0)
    err = papers_take(core, kind, content, proof, DIRECTORY_RELAYED, &verdict, &why);
  if (err == TG_OK && item->reason == 0 && (verdict == TG_OK || verdict == TG_DUPLICATE))
    err = logged_keep(core, &hash, &opening);
  if (err == TG_OK)
    err = forget(core, &hash);
  if (err != TG_OK)
    return err;
  return item->reason == 0 ? answer_offers(core, &hash, NULL) : refused(core, kind, &hash, item);
}

enum tg_err errands_outcomes(struct node_core *core, const Tg__DocumentOutcomes *frame)
{
  enum tg_err err = core_begin(core);
  for (size_t i = 0; err == TG_OK && talk_is_open(core) && i < frame->n_items; i++)
    err = conclude(core, frame->items[i]);
  return err;
}

/* It stays an errand: a hub that lets us in again answers it. */
static enum tg_err take_own_end(struct node_core *core, const struct hash *hash, bool *ret)
{
  enum document_kind kind;
  struct slice content, proof;
  struct tg_why why = {0};
  enum tg_err verdict, err = find(core, hash, &kind, &content, &proof);
  *ret = false;
  if (err != TG_OK)
    return err == TG_NOT_FOUND ? TG_OK : err;
  err = core_begin(core);
  if (err == TG_OK)
    err = papers_take(core, kind, content, proof, DIRECTORY_RELAYED, &verdict, &why);
  *ret = err == TG_OK && (verdict == TG_OK || verdict == TG_DUPLICATE);
  return err;
}

/* The session ends as soon as the hub has the note, before the log is signed and the answer could go out; and we are not let in again to hear it. */
enum tg_err errands_turned_out(struct node_core *core)
{
  struct errands *e = core->errands;
  enum tg_err err = TG_OK;
  for (size_t i = 0; err == TG_OK && i < e->n_offers; i++) {
    const struct hash hash = e->offers[i].hash;
    bool taken = false;
    if (e->offers[i].ends_us && e->offers[i].sent)
      err = take_own_end(core, &hash, &taken);
    if (err == TG_OK && taken) {
      err = answer_offers(core, &hash, NULL);
      i = SIZE_MAX; /* from the first again: others stand where it stood */
    }
  }
  return err;
}

/* ---- from local programs ---- */

static bool ends_us(const struct node_core *core, enum document_kind kind, struct slice text)
{
  const struct node *me = directory_node(core->directory, &core->me);
  struct revocation r;
  if (kind != DOCUMENT_REVOCATION || !me || revocation_parse(text, NULL, &r, NULL) != TG_OK || !country_eq(r.member, core->member))
    return false;
  return r.by_key ? sign_pk_eq(&r.key, &core->me) : hash_eq(&r.credential, &me->hash);
}

enum tg_err errands_offer(struct node_core *core, uint64_t client, uint64_t request, struct slice bytes,
                         enum tg_err *ret_verdict, struct tg_why *ret_why)
{
  struct errands *e = core->errands;
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
  if (verdict == TG_OK && e->n_offers == OFFERS_MAX)
    verdict = why_set(ret_why, TG_BUSY, NULL, N_("too many documents wait for the hub's answer"),
                      N_("try again when the node is connected"), NULL, NULL, NULL);
  *ret_verdict = verdict;
  if (verdict != TG_OK)
    return TG_OK;
  e->offers[e->n_offers++] = (struct offer){client, request, news.hash, ends_us(core, kind, note.text), talk_is_open(core)};
  return errands_put(core, kind, &news.hash, bytes, slice_of(NULL, 0));
}

void errands_client_gone(struct node_core *core, uint64_t client)
{
  struct errands *e = core->errands;
  for (size_t i = 0; i < e->n_offers;)
    if (e->offers[i].client == client)
      e->offers[i] = e->offers[--e->n_offers];
    else
      i++;
}
