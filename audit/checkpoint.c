#include "audit/checkpoint.h"

#include "keys/codec.h"

#include <stdlib.h>

static enum tg_err refuse(enum tg_err err, const char *what, const char *todo, struct tg_why *why)
{
  return why_set(why, err, "checkpoint", what, todo, NULL, NULL, NULL);
}

static bool origin_valid(struct slice origin)
{
  static const struct sign_pk none;
  struct note_key key;
  return note_key_make(origin, NOTE_ED25519, &none, &key) == TG_OK;
}

/* The empty tree has one root; a checkpoint that states another one would make a proof of anything. */
static bool root_fits_size(uint64_t size, const struct hash *root)
{
  struct hash empty = merkle_empty();
  return size != 0 || hash_eq(root, &empty);
}

/* No line of a checkpoint is empty, extension lines included. */
static bool lines_filled(struct slice text)
{
  struct slice line;
  while (text.n)
    if (!take_line(&text, &line) || line.n == 0)
      return false;
  return true;
}

enum tg_err checkpoint_print(const struct checkpoint *c, struct buf *out)
{
  if (!origin_valid(c->origin) || c->size > MERKLE_SIZE_MAX || !root_fits_size(c->size, &c->root) ||
      !lines_filled(c->extensions))
    return TG_BAD_INPUT;
  buf_put_slice(out, c->origin);
  buf_printf(out, "\n%llu\n", (unsigned long long)c->size);
  base64_put(out, c->root.b, sizeof c->root.b);
  buf_put_u8(out, '\n');
  buf_put_slice(out, c->extensions);
  return buf_status(out);
}

enum tg_err checkpoint_parse(struct slice text, struct checkpoint *ret, struct tg_why *why)
{
  struct slice rest = text, origin, size, root;
  struct checkpoint c;
  if (text.n > CHECKPOINT_BYTES_MAX)
    return refuse(TG_TOO_BIG, N_("larger than a checkpoint may be"), NULL, why);
  if (!note_text_valid(text) || !lines_filled(text) || !take_line(&rest, &origin) ||
      !take_line(&rest, &size) || !take_line(&rest, &root))
    return refuse(TG_BAD_INPUT, N_("not a checkpoint: it must be three lines or more, none of them empty"),
                  NULL, why);
  if (number_parse(size, MERKLE_SIZE_MAX, &c.size))
    return refuse(TG_BAD_INPUT, N_("the size in the second line is not a number of leaves"), NULL, why);
  if (base64_read(root, c.root.b, sizeof c.root.b))
    return refuse(TG_BAD_INPUT, N_("the root in the third line is not a hash in base64"), NULL, why);
  if (!root_fits_size(c.size, &c.root))
    return refuse(TG_BAD_INPUT, N_("the root of an empty log is not the one that empty logs have"), NULL,
                  why);
  c.origin = origin;
  c.extensions = rest;
  *ret = c;
  return TG_OK;
}

enum tg_err checkpoint_open(struct slice bytes, const struct note_key *log, struct checkpoint *ret,
                            struct note *ret_note, struct tg_why *why)
{
  struct note note;
  struct note_verdict verdict;
  struct checkpoint c;
  if (bytes.n > CHECKPOINT_BYTES_MAX)
    return refuse(TG_TOO_BIG, N_("larger than a checkpoint may be"), NULL, why);
  if (log->type != NOTE_ED25519) /* a cosignature says what its witness saw, not what the log is */
    return refuse(TG_BAD_SIGNATURE, N_("the key is that of a witness, not of a log"), NULL, why);
  enum tg_err err = note_parse(bytes, "checkpoint", &note, why);
  if (!err)
    err = note_verify(&note, log, 1, &verdict, why);
  if (!err)
    err = checkpoint_parse(note.text, &c, why);
  if (err)
    return err;
  if (!slice_is(c.origin, log->name))
    return why_set(why, TG_CONFLICT, "checkpoint", N_("it is of another log than %1$s"),
                   N_("compare the hub's log key with the charter"), log->name, NULL, NULL);
  *ret = c;
  if (ret_note)
    *ret_note = note;
  return TG_OK;
}

enum tg_err checkpoint_extends(const struct checkpoint *last, const struct checkpoint *next,
                               struct slice path, struct tg_why *why)
{
  if (next->size < last->size)
    return refuse(TG_STALE, N_("the log is smaller than it was"),
                  N_("its hub shows an old state, or was set back"), why);
  if (next->size == last->size && !hash_eq(&next->root, &last->root))
    return refuse(TG_CONFLICT, N_("two histories of one log: the same size with another root"),
                  N_("stop trusting this hub and show both checkpoints to the other members"), why);
  bool proved = last->size == 0 ? path.n == 0
                                : merkle_consistency_verify(last->size, &last->root, next->size, &next->root,
                                                            path) == TG_OK;
  if (!proved)
    return refuse(TG_BAD_PROOF, N_("it is not shown that the log only grew since the last checkpoint"), NULL,
                  why);
  return TG_OK;
}

enum tg_err checkpoint_sign(const struct checkpoint *c, const struct secret_key *log, struct buf *out,
                            struct tg_why *why)
{
  if (secret_key_kind(log) != KEY_HUB_LOG || !slice_is(c->origin, secret_key_name(log)))
    return refuse(TG_USAGE, N_("only the log's own key signs its checkpoints"), NULL, why);
  struct buf text = buf_new(CHECKPOINT_BYTES_MAX);
  enum tg_err err = checkpoint_print(c, &text);
  if (!err)
    err = note_begin(out, buf_slice(&text));
  if (err)
    refuse(err, N_("these values make no checkpoint"), NULL, why);
  if (!err)
    err = note_sign(out, buf_slice(&text), log, why);
  buf_free(&text);
  return err ? err : buf_status(out);
}

/* ---- settled ---- */

/* The memory that one evaluation needs. keys and verdicts: the log, then the witnesses in their order. */
struct settling {
  struct note_key *keys;
  struct note_verdict *verdicts;
  bool *signed_by; /* parallel to charter->member */
};

/* Marks the members that count and whose witnesses signed in time; returns the latest of those times. */
static tg_time mark_members(const struct settled_by *by, const struct note_verdict *verdicts, tg_time latest,
                            bool *signed_by)
{
  tg_time time = 0;
  for (size_t i = 0; i < by->n; i++) {
    const struct checkpoint_witness *witness = &by->witnesses[i];
    const struct charter_member *member = charter_member(by->charter, witness->member);
    if (!member || !verdicts[i].good || verdicts[i].time > latest || witness->key.type != NOTE_COSIGNATURE)
      continue;
    size_t place = (size_t)(member - by->charter->member);
    if (member->standing != STANDING_GOOD || (by->left && by->left[place]))
      continue;
    signed_by[place] = true;
    time = verdicts[i].time > time ? verdicts[i].time : time;
  }
  return time;
}

static enum tg_err settle(struct settling *s, const struct settled_by *by, const struct note *note,
                          const struct note_key *log, tg_time latest, tg_time *ret, struct tg_why *why)
{
  s->keys[0] = *log;
  for (size_t i = 0; i < by->n; i++)
    s->keys[i + 1] = by->witnesses[i].key;
  enum tg_err err = note_verify(note, s->keys, by->n + 1, s->verdicts, why);
  if (err)
    return err;
  if (!s->verdicts[0].good)
    return refuse(TG_BAD_SIGNATURE, N_("the log itself has not signed this checkpoint"), NULL, why);
  tg_time time = mark_members(by, s->verdicts + 1, latest, s->signed_by);
  if (by->charter->witness_quorum.n == 0)
    time = 0;
  else
    err = charter_quorum(by->charter, &by->charter->witness_quorum, s->signed_by, by->left, why);
  if (!err && ret)
    *ret = time;
  return err;
}

enum tg_err checkpoint_settled(const struct note *note, const struct note_key *log,
                               const struct settled_by *by, tg_time now, tg_time ahead, tg_time *ret_settled,
                               struct tg_why *why)
{
  struct settling s = {.keys = calloc(by->n + 1, sizeof *s.keys),
                       .verdicts = calloc(by->n + 1, sizeof *s.verdicts),
                       .signed_by = calloc(by->charter->n_members + 1, sizeof *s.signed_by)};
  enum tg_err err = TG_NO_MEMORY;
  if (s.keys && s.verdicts && s.signed_by)
    err = settle(&s, by, note, log, now + ahead, ret_settled, why);
  free(s.signed_by);
  free(s.verdicts);
  free(s.keys);
  return err;
}
