#include "audit/proof.h"

#include "audit/lines.h"
#include "keys/codec.h"

#include <string.h>

static const char FIRST_LINE[] = "c2sp.org/tlog-proof@v1";

static void print(uint64_t index, struct slice path, struct slice extra, struct slice note, struct buf *out)
{
  buf_printf(out, "%s\n", FIRST_LINE);
  if (extra.n) {
    buf_put_str(out, "extra ");
    base64_put(out, extra.p, extra.n);
    buf_put_u8(out, '\n');
  }
  buf_printf(out, "index %llu\n", (unsigned long long)index);
  for (size_t at = 0; at < path.n; at += sizeof(struct hash)) {
    base64_put(out, path.p + at, sizeof(struct hash));
    buf_put_u8(out, '\n');
  }
  buf_put_u8(out, '\n');
  buf_put_slice(out, note);
}

enum tg_err proof_print_raw(uint64_t index, struct slice path, struct slice extra, struct slice note,
                            struct buf *out)
{
  struct note parsed;
  if (index >= MERKLE_SIZE_MAX || path.n % sizeof(struct hash) ||
      path.n / sizeof(struct hash) > MERKLE_PATH_MAX || extra.n > PROOF_EXTRA_MAX ||
      note.n > CHECKPOINT_BYTES_MAX || note_parse(note, NULL, &parsed, NULL))
    return TG_BAD_INPUT;
  print(index, path, extra, note, out);
  return buf_status(out);
}

enum tg_err proof_print(const struct opening *o, struct slice note, struct buf *out)
{
  uint8_t extra[PROOF_EXTRA_MAX];
  if (o->salt.n != ENTRY_SALT || o->entry.n == 0 || o->entry.n > LIMIT_ENTRY)
    return TG_BAD_INPUT;
  memcpy(extra, o->salt.p, ENTRY_SALT);
  memcpy(extra + ENTRY_SALT, o->entry.p, o->entry.n);
  return proof_print_raw(o->index, o->path, slice_of(extra, ENTRY_SALT + o->entry.n), note, out);
}

static enum tg_err take_extra(struct lines *l, struct proof *p)
{
  struct slice value;
  enum tg_err err = lines_take_value(l, "extra", &value);
  if (err)
    return err;
  if (base64_read_upto(value, p->extra, sizeof p->extra, &p->extra_size) || p->extra_size == 0)
    return lines_refuse(l, N_("the extra data are not base64, or too long"), NULL);
  return TG_OK;
}

/* Hashes up to the empty line. */
static enum tg_err take_path(struct lines *l, struct merkle_path *path)
{
  struct slice line;
  for (;;) {
    enum tg_err err = lines_take(l, &line);
    if (err)
      return err;
    if (line.n == 0)
      return TG_OK;
    if (path->n == MERKLE_PATH_MAX)
      return lines_refuse(l, N_("no proof has so many hashes"), NULL);
    if (base64_read(line, path->hash[path->n].b, sizeof path->hash[0].b))
      return lines_refuse(l, N_("this line is not a hash in base64"), NULL);
    path->n++;
  }
}

enum tg_err proof_parse(struct slice bytes, const char *file, struct proof *ret, struct tg_why *why)
{
  struct lines l = lines_of(bytes, file ? file : "proof", why);
  struct proof p = {.extra_size = 0};
  struct note note;
  if (bytes.n > PROOF_BYTES_MAX)
    return why_set(why, TG_TOO_BIG, l.file, N_("larger than a proof may be"), NULL, NULL, NULL, NULL);
  enum tg_err err = lines_take_exact(&l, FIRST_LINE);
  if (!err && lines_next_is(&l, "extra"))
    err = take_extra(&l, &p);
  if (!err)
    err = lines_take_number(&l, "index", MERKLE_SIZE_MAX - 1, &p.index);
  if (!err)
    err = take_path(&l, &p.path);
  if (!err && l.rest.n > CHECKPOINT_BYTES_MAX)
    err = why_set(why, TG_TOO_BIG, l.file, N_("larger than a checkpoint may be"), NULL, NULL, NULL, NULL);
  if (!err)
    err = note_parse(l.rest, l.file, &note, why);
  if (err)
    return err;
  p.checkpoint = l.rest;
  *ret = p;
  return TG_OK;
}

enum tg_err proof_opening(const struct proof *p, struct opening *ret)
{
  if (p->extra_size <= ENTRY_SALT || p->extra_size > ENTRY_SALT + LIMIT_ENTRY)
    return TG_NOT_FOUND;
  *ret = (struct opening){.entry = slice_of(p->extra + ENTRY_SALT, p->extra_size - ENTRY_SALT),
                          .salt = slice_of(p->extra, ENTRY_SALT),
                          .index = p->index,
                          .path = merkle_path_slice(&p->path)};
  return TG_OK;
}

enum tg_err proof_verify(const struct proof *p, const struct hash *leaf, const struct note_key *log,
                         struct checkpoint *ret_checkpoint, struct note *ret_note, struct tg_why *why)
{
  struct checkpoint c;
  struct note note;
  struct hash hash = merkle_leaf(slice_of(leaf->b, sizeof leaf->b));
  enum tg_err err = checkpoint_open(p->checkpoint, log, &c, &note, why);
  if (err)
    return err;
  err = merkle_path_verify(&hash, p->index, c.size, merkle_path_slice(&p->path), &c.root);
  if (err)
    return why_set(why, err, NULL, N_("the log's checkpoint does not contain what this proof is about"), NULL,
                   NULL, NULL, NULL);
  if (ret_checkpoint)
    *ret_checkpoint = c;
  if (ret_note)
    *ret_note = note;
  return TG_OK;
}

enum tg_err proof_verify_opening(const struct proof *p, const struct note_key *log, struct entry *ret,
                                 struct checkpoint *ret_checkpoint, struct note *ret_note, struct tg_why *why)
{
  struct opening o;
  struct hash leaf;
  struct entry entry;
  if (proof_opening(p, &o) || opening_leaf(&o, &leaf))
    return why_set(why, TG_NOT_FOUND, NULL, N_("the proof does not say what was logged"), NULL, NULL, NULL,
                   NULL);
  enum tg_err err = entry_parse(o.entry, &entry, why);
  if (!err)
    err = proof_verify(p, &leaf, log, ret_checkpoint, ret_note, why);
  if (!err && ret)
    *ret = entry;
  return err;
}
