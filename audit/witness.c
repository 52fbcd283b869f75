#include "audit/witness.h"

#include "audit/evidence.h"
#include "audit/lines.h"

#include <string.h>

static const char FIRST_LINE[] = "toguna/witness-state v1";
static const char LABEL[] = "toguna/witness-state/v1";

struct checkpoint witness_checkpoint(const struct witness_state *state)
{
  return (struct checkpoint){.origin = slice_str(state->origin), .size = state->size, .root = state->root};
}

struct slice witness_note(const struct witness_state *state)
{
  return slice_of(state->note, state->note_size);
}

/* ---- the state ---- */

/* Fills in what the note says; the invariant of struct witness_state. */
static enum tg_err state_of(struct slice note_bytes, const struct checkpoint *c, struct witness_state *ret)
{
  struct witness_state state = {.size = c->size, .root = c->root, .note_size = note_bytes.n};
  if (note_bytes.n > sizeof state.note || c->origin.n >= sizeof state.origin)
    return TG_TOO_BIG;
  memcpy(state.origin, c->origin.p, c->origin.n);
  memcpy(state.note, note_bytes.p, note_bytes.n);
  *ret = state;
  return TG_OK;
}

enum tg_err witness_print(const struct witness_state *state, struct buf *out)
{
  size_t from = out->n;
  buf_printf(out, "%s\n", FIRST_LINE);
  lines_put_block(out, "note", witness_note(state));
  lines_put_checksum(out, from, LABEL);
  return buf_status(out);
}

enum tg_err witness_parse(struct slice bytes, const char *file, struct witness_state *ret, struct tg_why *why)
{
  struct lines l = lines_of(bytes, file ? file : "witness-state", why);
  struct slice block;
  struct note note;
  struct checkpoint c;
  enum tg_err err = lines_take_exact(&l, FIRST_LINE);
  if (!err)
    err = lines_take_block(&l, "note", WITNESS_NOTE_MAX, &block);
  if (!err)
    err = lines_take_checksum(&l, bytes, LABEL);
  if (!err)
    err = note_parse(block, l.file, &note, why);
  if (!err)
    err = checkpoint_parse(note.text, &c, why);
  return err ? err : state_of(block, &c, ret);
}

/* The text and the log's own signature, without cosignatures: those may be many, and prove nothing about the
 * log. */
static enum tg_err strip(const struct note *note, const struct note_key *log, struct buf *out)
{
  enum tg_err err = note_begin(out, note->text);
  for (size_t i = 0; !err && i < note->n; i++) {
    if (note->sig[i].id != log->id || !slice_is(note->sig[i].name, log->name))
      continue;
    buf_put_slice(out, note->sig[i].line);
    buf_put_u8(out, '\n');
    return buf_status(out);
  }
  return err ? err : TG_BAD_SIGNATURE; /* cannot happen: the note was verified with this key */
}

static enum tg_err state_from(const struct note *note, const struct checkpoint *c, const struct note_key *log,
                              struct witness_state *ret, struct tg_why *why)
{
  struct buf kept = buf_new(WITNESS_NOTE_MAX);
  enum tg_err err = strip(note, log, &kept);
  if (!err)
    err = state_of(buf_slice(&kept), c, ret);
  buf_free(&kept);
  if (err == TG_TOO_BIG)
    return why_set(why, err, "checkpoint", N_("it carries more lines than a witness keeps"), NULL, NULL, NULL,
                   NULL);
  return err;
}

/* ---- forks ---- */

/* A path that does not show what it should may show the contrary: that the larger tree begins with another
   one. That needs the path's first hash, which a plain path leaves out where the older tree is complete; who confesses
   sends it (a plain one, taken for full, is a hash too short and convicts nobody). */
static void path_in_full(struct slice path, struct merkle_path *ret)
{
  if (merkle_path_read(path, ret))
    ret->n = 0;
}

/* Writes the evidence that the two notes contradict each other, when they provably do; TG_NO_MEMORY: that is not known. */
static enum tg_err accuse(const struct note_key *log, const struct checkpoint *older, struct slice older_note,
                   const struct checkpoint *newer, struct slice newer_note, const struct merkle_path *full,
                   struct buf *out)
{
  struct buf unwanted = buf_new(EVIDENCE_BYTES_MAX);
  struct evidence e = {.kind = older->size == newer->size ? EVIDENCE_SAME_SIZE : EVIDENCE_OTHER_BEGINNING,
                       .log = *log,
                       .first = older_note,
                       .second = newer_note};
  if (e.kind == EVIDENCE_OTHER_BEGINNING)
    e.path = *full;
  enum tg_err err = evidence_print(&e, out ? out : &unwanted, NULL);
  buf_free(&unwanted);
  return err;
}

/* checkpoint_extends(), and when it says no, the evidence if there is any. full: with no hash left out, or empty. */
static enum tg_err extends(const struct note_key *log, const struct checkpoint *older,
                           struct slice older_note, const struct checkpoint *newer, struct slice newer_note,
                           struct slice path, const struct merkle_path *full, struct buf *evidence, struct tg_why *why)
{
  enum tg_err err = checkpoint_extends(older, newer, path, why);
  if (err != TG_BAD_PROOF && err != TG_CONFLICT)
    return err;
  const enum tg_err proved = accuse(log, older, older_note, newer, newer_note, full, evidence);
  if (proved == TG_NO_MEMORY)
    return why_set(why, proved, NULL, N_("out of memory"), NULL, NULL, NULL, NULL);
  if (proved)
    return err;
  return why_set(why, TG_CONFLICT, "checkpoint",
                 N_("the log has signed two histories, and here is the proof"),
                 N_("stop trusting this hub and show the evidence to the other members"), NULL, NULL, NULL);
}

/* ---- what a witness does ---- */

enum tg_err witness_update(const struct witness_state *last, const struct note_key *log, struct slice bytes,
                           struct slice path, struct witness_state *ret_next, struct buf *evidence,
                           struct tg_why *why)
{
  struct checkpoint c;
  struct note note;
  struct witness_state next;
  enum tg_err err = checkpoint_open(bytes, log, &c, &note, why);
  if (!err)
    err = state_from(&note, &c, log, &next, why);
  if (err)
    return err;
  if (!last) {
    if (path.n)
      return why_set(why, TG_BAD_PROOF, "checkpoint", N_("a proof that starts from nothing proves nothing"),
                     NULL, NULL, NULL, NULL);
    *ret_next = next;
    return TG_OK;
  }
  struct checkpoint was = witness_checkpoint(last);
  if (!slice_eq(was.origin, c.origin))
    return why_set(why, TG_CONFLICT, "checkpoint", N_("it is of another log than %1$s"), NULL, last->origin,
                   NULL, NULL);
  struct merkle_path full;
  path_in_full(path, &full);
  err = extends(log, &was, witness_note(last), &c, witness_note(&next), path, &full, evidence, why);
  if (err)
    return err;
  bool same = c.size == last->size;
  *ret_next = same ? *last : next;
  return same ? TG_DUPLICATE : TG_OK;
}

enum tg_err witness_compare(const struct witness_state *state, const struct note_key *log,
                            struct slice older_note, struct slice path, struct buf *evidence,
                            struct tg_why *why)
{
  struct checkpoint older, now = witness_checkpoint(state);
  enum tg_err err = checkpoint_open(older_note, log, &older, NULL, why);
  if (err)
    return err;
  if (!slice_eq(now.origin, older.origin))
    return why_set(why, TG_CONFLICT, "checkpoint", N_("it is of another log than %1$s"), NULL, state->origin,
                   NULL, NULL);
  struct merkle_path full;
  path_in_full(path, &full);
  if (path.n >= 32 && merkle_old_is_complete(older.size))
    path = slice_of(path.p + 32, path.n - 32);
  return extends(log, &older, older_note, &now, witness_note(state), path, &full, evidence, why);
}

enum tg_err witness_cosign(const struct witness_state *persisted, const struct secret_key *key, tg_time now,
                           struct buf *out, struct tg_why *why)
{
  struct note note;
  enum tg_err err = note_parse(witness_note(persisted), "checkpoint", &note, why);
  if (err)
    return err;
  size_t before = out->n;
  buf_put_slice(out, note.bytes);
  err = note_cosign(out, note.text, key, now, why);
  if (!err)
    err = buf_status(out);
  if (err)
    out->n = before;
  return err;
}
