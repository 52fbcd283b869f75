#include "broker/receipts.h"

#include "broker/flight.h"
#include "broker/owed.h"
#include "broker/reply.h"
#include "broker/store_bulletin.h"
#include "broker/store_document.h"
#include "proto/receipt.h"

#include <string.h>

enum {
  PER_BULLETIN = 16,  /* receipts allowed per bulletin that a node might receive */
  UNCONFIRMED = 1024, /* notes under way to one originator */
  PROOF_MAX = 1024,   /* bytes of a BatchProof: a path in a batch of LIMIT_BATCH is 512 */
};

/* One receipt of the frame at hand. */
struct stated {
  struct receipt receipt;
  struct store_bulletin about;
};

static enum tg_err not_taken(struct tg_why *why, const char *what, bool *ret_forged)
{
  *ret_forged = true;
  why_set(why, TG_BAD_INPUT, "Receipts", what, NULL, NULL, NULL, NULL);
  return TG_OK;
}

/* A receipt of this node about a bulletin that it was given. */
static enum tg_err read_one(struct hub *hub, const struct session *s, struct slice bytes, struct stated *ret,
                            bool *ret_good)
{
  *ret_good = !receipt_parse(bytes, hub->item, &ret->receipt, NULL) &&
              sign_pk_eq(&ret->receipt.node, &s->party->identity);
  if (!*ret_good)
    return TG_OK;
  enum tg_err err = store_bulletin_by_id(hub->store, &ret->receipt.bulletin, &ret->about);
  if (err == TG_NOT_FOUND || (!err && !ret->about.accepted)) {
    *ret_good = false;
    return TG_OK;
  }
  return err ? err : owed_was_given(hub, ret->about.leaf, s->party, ret_good);
}

/* ---- into the store */

static enum tg_err put_note(struct hub *hub, const struct stated *r, struct merkle_tree *tree, size_t index,
                            struct slice signature, uint64_t leaf)
{
  Tg__BatchProof proof = TG__BATCH_PROOF__INIT;
  struct merkle_path path;
  struct party *originator;
  uint8_t packed[PROOF_MAX];
  merkle_tree_path(tree, index, &path);
  proof.size = merkle_tree_size(tree);
  proof.index = index;
  proof.path = strict_data(merkle_path_slice(&path));
  proof.signature = strict_data(signature);
  if (tg__batch_proof__get_packed_size(&proof) > sizeof packed)
    return TG_INTERNAL;
  const struct store_note note = {.receipt = r->receipt.bytes,
                                  .proof = slice_of(packed, tg__batch_proof__pack(&proof, packed)),
                                  .leaf = leaf};
  enum tg_err err = store_note_put(hub->store, r->about.originator, &note);
  if (!err)
    err = party_numbered(&hub->parties, hub->store, r->about.originator, &originator);
  if (!err && originator->session)
    originator->session->work |= WORK_NOTES;
  return err;
}

/* As it was signed, for those who ask years later (DOSSIER_RECEIPTS). */
static enum tg_err keep_said(struct hub *hub, uint64_t leaf, const struct stated *list, size_t n, struct slice signature)
{
  struct buf said = buf_new(signature.n + n * (2 + LIMIT_RECEIPT));
  buf_put_slice(&said, signature);
  for (size_t i = 0; i < n; i++) {
    buf_put_u16(&said, (uint16_t)list[i].receipt.bytes.n);
    buf_put_slice(&said, list[i].receipt.bytes);
  }
  enum tg_err err = buf_status(&said) ? TG_NO_MEMORY : store_said_put(hub->store, leaf, buf_slice(&said));
  buf_free(&said);
  return err;
}

static enum tg_err put_all(struct hub *hub, const struct session *s, const struct stated *list,
                           struct merkle_tree *tree, struct slice signature)
{
  const size_t n = merkle_tree_size(tree);
  struct entry e = {
      .type = ENTRY_RECEIPTS, .subject = *merkle_tree_root(tree), .actor = s->party->identity, .number = n};
  uint64_t leaf;
  memcpy(e.member, s->code, 2);
  enum tg_err err = hub_log(hub, &e, &leaf);
  for (size_t i = 0; !err && i < n; i++)
    err = put_note(hub, &list[i], tree, i, signature, leaf);
  hub->counts.receipts += n;
  return err ? err : keep_said(hub, leaf, list, n, signature);
}

/* ---- deliveries done with, and credit */

static enum tg_err done_with(struct hub *hub, struct session *s, uint64_t queue)
{
  unsigned rank;
  if (queue == 0)
    return TG_OK;
  uint64_t leaf = queue - 1;
  if (!flight_done(s, leaf, &rank)) { /* sent in an earlier session */
    struct store_bulletin b;
    enum tg_err err = store_bulletin(hub->store, leaf, &b);
    if (err)
      return err == TG_NOT_FOUND ? TG_OK : err;
    rank = b.rank;
  }
  return store_row_remove(hub->store, s->party->no, rank, leaf, NULL);
}

static uint64_t sum(uint64_t a, uint64_t b)
{
  return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}

static enum tg_err settle(struct hub *hub, struct session *s, const Tg__Receipts *m)
{
  for (size_t i = 0; i < m->n_queues; i++) {
    enum tg_err err = done_with(hub, s, m->queues[i]);
    if (err)
      return err;
  }
  flight_sweep(s);
  s->credit_count = sum(s->credit_count, m->credit_count);
  s->credit_bytes = sum(s->credit_bytes, m->credit_bytes);
  s->work |= WORK_ROWS;
  return TG_OK;
}

static enum tg_err confirm(struct hub *hub, struct session *s, uint64_t serial)
{
  Tg__ReceiptsSeen m = TG__RECEIPTS_SEEN__INIT;
  m.sequence = serial;
  return serial ? session_send(hub, s, FRAME_RECEIPTS_SEEN, &m.base) : TG_OK;
}

/* ---- the frame */

/* All receipts of the frame, each by this node and about something it was given, signed as one batch. The tree is there when they are not
   forged; merkle_tree_free(). */
static enum tg_err read_all(struct hub *hub, const struct session *s, const Tg__Receipts *m,
                            struct stated *list, struct merkle_tree **ret_tree, bool *ret_forged, struct tg_why *why)
{
  struct hash *ids = arena_alloc(hub->item, m->n_items * sizeof *ids);
  if (!ids)
    return TG_NO_MEMORY;
  for (size_t i = 0; i < m->n_items; i++)
    ids[i] = statement_id(STATEMENT_RECEIPT, strict_slice(m->items[i]));
  enum tg_err bad = batch_verify_tree(hub->verifier, &hub->config.exchange, &s->party->identity, ids, m->n_items,
                                      strict_slice(m->signature), ret_tree, why);
  if (bad == TG_NO_MEMORY)
    return bad;
  *ret_forged = bad != TG_OK;
  if (bad)
    return TG_OK;
  for (size_t i = 0; i < m->n_items; i++) {
    bool good;
    enum tg_err err = read_one(hub, s, strict_slice(m->items[i]), &list[i], &good);
    if (err)
      return err;
    if (!good)
      return not_taken(why, N_("a receipt is not of this node, or about a bulletin that it was not given"),
                       ret_forged);
  }
  return TG_OK;
}

enum tg_err receipts_take(struct hub *hub, struct session *s, const Tg__Receipts *m, bool *ret_forged,
                          struct tg_why *why)
{
  struct store_node_state state;
  struct hash root = {{0}};
  const uint64_t hourly = hub_limits(hub)->bulletins_per_hour * PER_BULLETIN;
  *ret_forged = false;
  arena_reset(hub->item);
  enum tg_err err = store_node_state(hub->store, s->party->no, &state);
  if (err)
    return err;
  bool new = m->n_items && m->serial > state.receipts_serial;
  if (m->n_items && !m->serial)
    return not_taken(why, N_("receipts came without a serial number"), ret_forged);
  if (new && !allowance_take(&s->party->receipts, hourly, m->n_items, hub->now.mono))
    return session_close(hub, s, REASON_QUOTA,
                         END_SAY | END_CUT); /* all that is not confirmed comes again, in order */
  if (new) {
    struct merkle_tree *tree = NULL;
    struct stated *list = arena_alloc(hub->item, m->n_items * sizeof *list);
    err = list ? read_all(hub, s, m, list, &tree, ret_forged, why) : TG_NO_MEMORY;
    if (!err && !*ret_forged) {
      root = *merkle_tree_root(tree);
      err = put_all(hub, s, list, tree, strict_slice(m->signature));
    }
    merkle_tree_free(tree);
    if (err || *ret_forged)
      return err;
  }
  if (!err && m->serial > state.receipts_serial)
    err = store_node_receipts(hub->store, s->party->no, m->serial, &root);
  if (!err)
    err = settle(hub, s, m);
  return err ? err : confirm(hub, s, m->serial);
}

enum tg_err receipts_seen(struct hub *hub, struct session *s, const Tg__ReceiptsSeen *m)
{
  uint64_t upto = m->sequence < s->note ? m->sequence : s->note;
  if (upto <= s->note_seen)
    return TG_OK;
  s->note_seen = upto;
  s->work |= WORK_NOTES;
  return store_notes_seen(hub->store, s->party->no, upto);
}

/* ---- to the originator */

static enum tg_err make_note(struct hub *hub, const struct store_note *note, Tg__ReceiptNote **ret,
                             size_t *size)
{
  struct opening o;
  ProtobufCMessage *proof;
  Tg__ReceiptNote *m = arena_alloc(hub->reply, sizeof *m);
  enum tg_err err = m ? logbook_opening(hub->log, note->leaf, hub->reply, &o) : TG_NO_MEMORY;
  if (err)
    return err;
  if (strict_unpack(&limits_batch_proof, note->proof, hub->reply, &proof, NULL))
    return TG_DISK;
  tg__receipt_note__init(m);
  m->sequence = note->sequence;
  m->receipt = strict_data(note->receipt);
  m->proof = (Tg__BatchProof *)proof;
  m->entry = strict_data(o.entry);
  m->salt = strict_data(o.salt);
  m->leaf = o.index;
  m->path = strict_data(o.path);
  *size += tg__receipt_note__get_packed_size(m) + REPLY_ITEM;
  *ret = m;
  return TG_OK;
}

enum tg_err receipts_send(struct hub *hub, struct session *s, bool *ret_more)
{
  Tg__ReceiptNote *items[REPLY_ITEMS];
  Tg__ReceiptNotes m = TG__RECEIPT_NOTES__INIT;
  bool unsigned_left = false;
  size_t size = 0;
  m.items = items;
  *ret_more = false;
  arena_reset(hub->reply);
  while (m.n_items < REPLY_ITEMS && size < reply_room(hub) / 2 && s->note - s->note_seen < UNCONFIRMED) {
    struct store_note note;
    enum tg_err err = store_note_next(hub->store, s->party->no, s->note, hub->reply, &note);
    if (err == TG_NOT_FOUND)
      break;
    unsigned_left = !err && note.leaf >= logbook_signed_size(hub->log);
    if (unsigned_left)
      break;
    if (!err)
      err = make_note(hub, &note, &items[m.n_items], &size);
    if (err)
      return err;
    m.n_items++;
    s->note = note.sequence;
  }
  if (m.n_items == 0) {
    if (!unsigned_left)
      s->work &= ~(unsigned)WORK_NOTES;
    return TG_OK;
  }
  *ret_more = true;
  enum tg_err err = session_chain(hub, s, &m.checkpoint, &m.consistency);
  return err ? err : session_send(hub, s, FRAME_RECEIPT_NOTES, &m.base);
}
