#include "broker/notes.h"

#include "broker/content.h"
#include "broker/reply.h"
#include "broker/store_document.h"
#include "proto/receipt.h"

#include <stdlib.h>

enum {
  UNCONFIRMED = 1024,      /* notes under way to one originator */
  LATE = 64,               /* entries whose receipts are in memory */
  LATE_BYTES = 128 * 1024, /* of one; larger ones are read back when they are wanted */
  LATE_COUNT = 1024,
};

/* Receipts of one entry. Invariant: tree has a leaf for each place in `at`, which ends with one more: where the last receipt ends. */
struct late {
  uint64_t leaf; /* meaningful with a tree */
  struct merkle_tree *tree; /* NULL: free */
  struct buf said;
  uint32_t *at; /* of each receipt's length in said */
};

struct notes {
  struct late late[LATE];
  size_t next;
};

struct notes *notes_new(void)
{
  return calloc(1, sizeof(struct notes));
}

static void late_free(struct late *l)
{
  merkle_tree_free(l->tree);
  buf_free(&l->said);
  free(l->at);
  *l = (struct late){0};
}

void notes_free(struct notes *notes)
{
  for (size_t i = 0; notes && i < LATE; i++)
    late_free(&notes->late[i]);
  free(notes);
}

/* ---- receipts of late */

static struct late *late_find(struct notes *notes, uint64_t leaf)
{
  for (size_t i = 0; i < LATE; i++)
    if (notes->late[i].tree && notes->late[i].leaf == leaf)
      return &notes->late[i];
  return NULL;
}

static struct slice late_signature(const struct late *l)
{
  return slice_of(l->said.p, sizeof(struct sign_sig));
}

static struct slice late_receipt(const struct late *l, size_t place)
{
  const size_t at = l->at[place] + 2;
  return slice_of(l->said.p + at, l->at[place + 1] - at);
}

/* Walks over the receipts, noting where each stands if `at` is there. *ret_n: how many. TG_DISK: not what was put. */
static enum tg_err walk(const struct buf *said, uint32_t *at, size_t *ret_n)
{
  struct slice rest = buf_slice(said), receipt;
  uint16_t length;
  size_t n = 0;
  if (!take(&rest, sizeof(struct sign_sig), &receipt))
    return TG_DISK;
  for (;; n++) {
    if (at)
      at[n] = (uint32_t)(said->n - rest.n);
    if (!rest.n)
      break;
    if (!take_u16(&rest, &length) || !take(&rest, length, &receipt))
      return TG_DISK;
  }
  *ret_n = n;
  return TG_OK;
}

static enum tg_err late_index(struct late *l, size_t *ret_n)
{
  enum tg_err err = walk(&l->said, NULL, ret_n);
  if (err)
    return err;
  l->at = malloc((*ret_n + 1) * sizeof *l->at);
  return l->at ? walk(&l->said, l->at, ret_n) : TG_NO_MEMORY;
}

static enum tg_err late_tree(struct late *l, size_t n)
{
  struct hash *leaves = calloc(n + 1, sizeof *leaves);
  for (size_t i = 0; leaves && i < n; i++) {
    const struct hash id = statement_id(STATEMENT_RECEIPT, late_receipt(l, i));
    leaves[i] = merkle_leaf(slice_of(id.b, sizeof id.b));
  }
  l->tree = leaves && n ? merkle_tree_new(leaves, n) : NULL;
  free(leaves);
  return l->tree ? TG_OK : n ? TG_NO_MEMORY : TG_DISK;
}

/* A free slot: that of the entry which came in first. */
static struct late *late_take(struct notes *notes, uint64_t leaf)
{
  struct late *l = &notes->late[notes->next];
  notes->next = (notes->next + 1) % LATE;
  late_free(l);
  l->leaf = leaf;
  return l;
}

/* Receipts of an entry, from memory or from what was kept of them. Valid until the next call. Uses hub->item. */
static enum tg_err late_of(struct hub *hub, uint64_t leaf, const struct late **ret)
{
  struct slice said;
  size_t n;
  struct late *l = late_find(hub->notes, leaf);
  if (l) {
    *ret = l;
    return TG_OK;
  }
  arena_reset(hub->item);
  enum tg_err err = store_said(hub->store, leaf, hub->item, &said);
  if (err)
    return err == TG_NOT_FOUND ? TG_DISK : err; /* kept for ever */
  l = late_take(hub->notes, leaf);
  l->said = buf_new(said.n + 1);
  buf_put_slice(&l->said, said);
  err = buf_status(&l->said) ? TG_NO_MEMORY : late_index(l, &n);
  if (!err)
    err = late_tree(l, n);
  if (err)
    late_free(l);
  else
    *ret = l;
  return err;
}

/* Keeps what was just stated, for those who are told of it in a moment. */
static enum tg_err late_keep(struct hub *hub, uint64_t leaf, struct buf *said, struct merkle_tree **tree)
{
  size_t n;
  struct late *l = late_take(hub->notes, leaf);
  l->said = *said;
  *said = (struct buf){0};
  enum tg_err err = late_index(l, &n);
  if (err) {
    late_free(l);
    return err;
  }
  l->tree = *tree;
  *tree = NULL;
  return TG_OK;
}

/* ---- in */

static enum tg_err put_row(struct hub *hub, uint64_t leaf, nodeno originator, const uint16_t *place, size_t n, bool *here)
{
  struct party *party;
  enum tg_err err = store_notes_put(hub->store, originator, leaf, place, n);
  if (!err)
    err = party_numbered(&hub->parties, hub->store, originator, &party);
  if (err || !party->session)
    return err;
  party->session->work |= WORK_NOTES;
  *here = true;
  return TG_OK;
}

/* All from place `first` on that are for the same originator as that. */
static enum tg_err put_originator(struct hub *hub, uint64_t leaf, const nodeno *originator, size_t first, size_t n, bool *done, bool *here)
{
  uint16_t place[STORE_NOTES];
  size_t count = 0;
  enum tg_err err = TG_OK;
  for (size_t i = first; !err && i < n; i++) {
    if (originator[i] != originator[first])
      continue;
    done[i] = true;
    place[count++] = (uint16_t)i;
    if (count == STORE_NOTES) {
      err = put_row(hub, leaf, originator[first], place, count, here);
      count = 0;
    }
  }
  return err || !count ? err : put_row(hub, leaf, originator[first], place, count, here);
}

enum tg_err notes_put(struct hub *hub, uint64_t leaf, const nodeno *originator, size_t n, struct buf *said, struct merkle_tree **tree)
{
  bool *done = arena_alloc(hub->item, n * sizeof *done), here = false;
  enum tg_err err = done ? TG_OK : TG_NO_MEMORY;
  for (size_t i = 0; !err && i < n; i++)
    if (!done[i])
      err = put_originator(hub, leaf, originator, i, n, done, &here);
  if (!err && here && said->n <= LATE_BYTES && n <= LATE_COUNT)
    err = late_keep(hub, leaf, said, tree);
  buf_free(said);
  merkle_tree_free(*tree);
  *tree = NULL;
  return err;
}

enum tg_err notes_seen(struct hub *hub, struct session *s, const Tg__ReceiptsSeen *m)
{
  uint64_t upto = m->sequence < s->note ? m->sequence : s->note;
  if (upto <= s->note_seen)
    return TG_OK;
  s->note_seen = upto;
  s->work |= WORK_NOTES;
  return store_notes_seen(hub->store, s->party->no, upto);
}

/* ---- out */

/* A frame being filled. */
struct frame {
  Tg__ReceiptNote *items[REPLY_ITEMS];
  size_t n, size;
};

static bool has_room(const struct hub *hub, const struct session *s, const struct frame *f)
{
  return f->n < REPLY_ITEMS && f->size < reply_room(hub) / 2 && s->note - s->note_seen < UNCONFIRMED;
}

static enum tg_err add_note(struct hub *hub, struct session *s, struct frame *f, uint64_t sequence, struct slice receipt,
                            const Tg__BatchProof *proof, const struct opening *o)
{
  Tg__ReceiptNote *m = arena_alloc(hub->reply, sizeof *m);
  if (!m)
    return TG_NO_MEMORY;
  tg__receipt_note__init(m);
  m->sequence = sequence;
  m->receipt = strict_data(receipt);
  m->proof = (Tg__BatchProof *)(uintptr_t)proof;
  m->entry = strict_data(o->entry);
  m->salt = strict_data(o->salt);
  m->leaf = o->index;
  m->path = strict_data(o->path);
  f->size += tg__receipt_note__get_packed_size(m) + REPLY_ITEM;
  f->items[f->n++] = m;
  s->note = sequence;
  return TG_OK;
}

/* The proof of one receipt of its batch, in hub->reply. NULL without memory. */
static Tg__BatchProof *make_proof(struct hub *hub, const struct late *l, size_t place, struct slice signature)
{
  struct merkle_path path;
  Tg__BatchProof *proof = arena_alloc(hub->reply, sizeof *proof);
  if (!proof)
    return NULL;
  merkle_tree_path(l->tree, place, &path);
  const struct slice hashes = merkle_path_slice(&path), kept = arena_copy(hub->reply, hashes);
  if (hashes.n && !kept.p)
    return NULL;
  tg__batch_proof__init(proof);
  proof->size = merkle_tree_size(l->tree);
  proof->index = place;
  proof->path = strict_data(kept);
  proof->signature = strict_data(signature);
  return proof;
}

/* As much of one row as there is room for. */
static enum tg_err add_row(struct hub *hub, struct session *s, struct frame *f, const struct store_notes *row)
{
  struct opening o;
  const struct late *l;
  enum tg_err err = logbook_opening(hub->log, row->leaf, hub->reply, &o);
  if (!err)
    err = late_of(hub, row->leaf, &l);
  if (err)
    return err;
  const struct slice signature = arena_copy(hub->reply, late_signature(l));
  for (size_t i = s->note + 1 - row->first; !err && i < row->count && has_room(hub, s, f); i++) {
    if (row->place[i] >= merkle_tree_size(l->tree))
      return TG_DISK;
    const struct slice receipt = arena_copy(hub->reply, late_receipt(l, row->place[i]));
    const Tg__BatchProof *proof = make_proof(hub, l, row->place[i], signature);
    err = proof && signature.p && receipt.p ? add_note(hub, s, f, row->first + i, receipt, proof, &o) : TG_NO_MEMORY;
  }
  return err;
}

/* A note of an earlier release, which kept each with its proof. */
static enum tg_err add_old(struct hub *hub, struct session *s, struct frame *f, const struct store_note *note)
{
  struct opening o;
  ProtobufCMessage *proof;
  enum tg_err err = logbook_opening(hub->log, note->leaf, hub->reply, &o);
  if (!err)
    err = content_stored(strict_unpack(&limits_batch_proof, note->proof, hub->reply, &proof, NULL));
  return err ? err : add_note(hub, s, f, note->sequence, note->receipt, (const Tg__BatchProof *)proof, &o);
}

/* What comes next in this originator's stream. TG_NOT_FOUND: nothing. *ret_unsigned: it cannot be proved yet. */
static enum tg_err add_next(struct hub *hub, struct session *s, struct frame *f, bool *ret_unsigned)
{
  const uint64_t end = logbook_signed_size(hub->log);
  struct store_note old;
  struct store_notes row;
  enum tg_err err = store_note_next(hub->store, s->party->no, s->note, hub->reply, &old);
  if (!err)
    return (*ret_unsigned = old.leaf >= end) ? TG_NOT_FOUND : add_old(hub, s, f, &old);
  if (err == TG_NOT_FOUND)
    err = store_notes_next(hub->store, s->party->no, s->note, &row);
  if (err)
    return err;
  if (s->note + 1 < row.first)
    s->note = row.first - 1; /* what lies before is gone: it was confirmed */
  return (*ret_unsigned = row.leaf >= end) ? TG_NOT_FOUND : add_row(hub, s, f, &row);
}

enum tg_err notes_send(struct hub *hub, struct session *s, bool *ret_more)
{
  struct frame f = {.n = 0};
  Tg__ReceiptNotes m = TG__RECEIPT_NOTES__INIT;
  bool unsigned_left = false;
  enum tg_err err = TG_OK;
  *ret_more = false;
  arena_reset(hub->reply);
  while (!err && has_room(hub, s, &f))
    err = add_next(hub, s, &f, &unsigned_left);
  if (err && err != TG_NOT_FOUND)
    return err;
  if (f.n == 0) {
    if (!unsigned_left)
      s->work &= ~(unsigned)WORK_NOTES;
    return TG_OK;
  }
  *ret_more = true;
  m.items = f.items;
  m.n_items = f.n;
  err = session_chain(hub, s, &m.checkpoint, &m.consistency);
  return err ? err : session_send(hub, s, FRAME_RECEIPT_NOTES, &m.base);
}
