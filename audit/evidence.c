#include "audit/evidence.h"

#include "audit/lines.h"
#include "keys/codec.h"
#include "proto/arena.h"

#include <string.h>

static const char FIRST_LINE[] = "toguna/evidence v1";

const char *evidence_kind_name(enum evidence_kind kind)
{
  return kind == EVIDENCE_SAME_SIZE ? "same-size" : kind == EVIDENCE_OTHER_BEGINNING ? "other-beginning" : "out-of-order";
}

const char *evidence_kind_sentence(enum evidence_kind kind)
{
  return kind == EVIDENCE_SAME_SIZE ? N_("the log signed two checkpoints of one size with different roots")
         : kind == EVIDENCE_OTHER_BEGINNING
             ? N_("the log signed a tree that does not begin with the tree that it had signed before")
             : N_("the log has a bulletin at a place below the size that it had signed before that bulletin was written");
}

enum tg_err evidence_out_of_order(const struct note_key *log, const struct header *header, const struct opening *opening, struct slice note,
                                  struct evidence *ret)
{
  struct evidence e = {.kind = EVIDENCE_OUT_OF_ORDER, .log = *log, .first = header->checkpoint, .second = note, .index = opening->index};
  if (opening->salt.n != sizeof e.salt || opening->entry.n > sizeof e.entry || header->bytes.n > sizeof e.header ||
      merkle_path_read(opening->path, &e.path) != TG_OK)
    return TG_BAD_INPUT;
  e.entry_n = opening->entry.n;
  e.header_n = header->bytes.n;
  memcpy(e.salt, opening->salt.p, sizeof e.salt);
  memcpy(e.entry, opening->entry.p, e.entry_n);
  memcpy(e.header, header->bytes.p, e.header_n);
  *ret = e;
  return TG_OK;
}

/* ---- what the two checkpoints prove ---- */

static bool same_size(const struct evidence *e, const struct checkpoint *a, const struct checkpoint *b)
{
  return e->path.n == 0 && a->size == b->size && !hash_eq(&a->root, &b->root);
}

/* The path binds what the second tree begins with; if that is not what the first checkpoint states, one of
   the two was a lie. */
static bool other_beginning(const struct evidence *e, const struct checkpoint *a, const struct checkpoint *b)
{
  struct hash beginning, whole;
  struct slice path = merkle_path_slice(&e->path);
  if (e->path.n < 1 ||
      merkle_consistency_roots(a->size, b->size, &e->path.hash[0],
                               slice_of(path.p + sizeof(struct hash), path.n - sizeof(struct hash)),
                               &beginning, &whole))
    return false;
  return hash_eq(&whole, &b->root) && !hash_eq(&beginning, &a->root);
}

/* Any entry about the bulletin will do: an honest log has none of them among the entries that it had signed before the bulletin was there. */
static enum tg_err out_of_order(const struct evidence *e, const struct checkpoint *a, const struct checkpoint *b)
{
  const struct opening o = {.entry = slice_of(e->entry, e->entry_n),
                            .salt = slice_of(e->salt, sizeof e->salt),
                            .index = e->index,
                            .path = merkle_path_slice(&e->path)};
  struct arena *arena = arena_new(64 * 1024);
  struct header header;
  struct entry entry;
  enum tg_err err = arena ? header_parse(slice_of(e->header, e->header_n), arena, &header, NULL) : TG_NO_MEMORY;
  if (err == TG_OK)
    err = slice_eq(header.checkpoint, e->first) ? opening_verify(&o, b, &entry, NULL) : TG_BAD_PROOF;
  if (err == TG_OK && (!hash_eq(&entry.subject, &header.id) || a->size <= e->index))
    err = TG_BAD_PROOF;
  arena_free(arena);
  return err;
}

static enum tg_err contradict(const struct evidence *e, const struct checkpoint *a, const struct checkpoint *b)
{
  switch (e->kind) {
  case EVIDENCE_SAME_SIZE:
    return same_size(e, a, b) ? TG_OK : TG_BAD_PROOF;
  case EVIDENCE_OTHER_BEGINNING:
    return other_beginning(e, a, b) ? TG_OK : TG_BAD_PROOF;
  case EVIDENCE_OUT_OF_ORDER:
    return out_of_order(e, a, b);
  }
  return TG_BAD_PROOF; /* cannot happen: the enum is closed and the parser knows it */
}

enum tg_err evidence_verify(const struct evidence *e, struct checkpoint *ret_first,
                            struct checkpoint *ret_second, struct tg_why *why)
{
  struct checkpoint first, second;
  enum tg_err err = checkpoint_open(e->first, &e->log, &first, NULL, why);
  if (!err)
    err = checkpoint_open(e->second, &e->log, &second, NULL, why);
  if (err)
    return err;
  err = contradict(e, &first, &second);
  if (err == TG_NO_MEMORY)
    return why_set(why, err, NULL, N_("out of memory"), NULL, NULL, NULL, NULL);
  if (err)
    return why_set(why, TG_BAD_PROOF, NULL, N_("these two checkpoints do not contradict each other"), NULL,
                   NULL, NULL, NULL);
  if (ret_first)
    *ret_first = first;
  if (ret_second)
    *ret_second = second;
  return TG_OK;
}

/* ---- the text ---- */

static void put_base64(struct buf *out, const char *keyword, const uint8_t *p, size_t n)
{
  buf_printf(out, "%s ", keyword);
  base64_put(out, p, n);
  buf_put_u8(out, '\n');
}

static void put_entry(const struct evidence *e, struct buf *out)
{
  buf_printf(out, "index %llu\n", (unsigned long long)e->index);
  put_base64(out, "entry", e->entry, e->entry_n);
  put_base64(out, "salt", e->salt, sizeof e->salt);
  put_base64(out, "header", e->header, e->header_n);
}

enum tg_err evidence_print(const struct evidence *e, struct buf *out, struct tg_why *why)
{
  char vkey[NOTE_VKEY_MAX];
  enum tg_err err = evidence_verify(e, NULL, NULL, why);
  if (err)
    return err;
  size_t before = out->n;
  note_key_print(&e->log, vkey);
  buf_printf(out, "%s\nlog %s\nkind %s\n", FIRST_LINE, vkey, evidence_kind_name(e->kind));
  for (size_t i = 0; i < e->path.n; i++)
    put_base64(out, "hash", e->path.hash[i].b, sizeof e->path.hash[i].b);
  if (e->kind == EVIDENCE_OUT_OF_ORDER)
    put_entry(e, out);
  lines_put_block(out, "note", e->first);
  lines_put_block(out, "note", e->second);
  err = buf_status(out);
  if (err)
    out->n = before;
  return err;
}

static enum tg_err take_kind(struct lines *l, enum evidence_kind *ret)
{
  struct slice value;
  enum tg_err err = lines_take_value(l, "kind", &value);
  if (err)
    return err;
  for (int kind = EVIDENCE_SAME_SIZE; kind <= EVIDENCE_OUT_OF_ORDER; kind++)
    if (slice_is(value, evidence_kind_name((enum evidence_kind)kind)))
      return *ret = (enum evidence_kind)kind, TG_OK;
  return lines_refuse(l, N_("no such kind of evidence"), NULL);
}

static enum tg_err take_path(struct lines *l, struct merkle_path *path)
{
  while (lines_next_is(l, "hash")) {
    if (path->n == MERKLE_PATH_MAX)
      return lines_refuse(l, N_("no proof has so many hashes"), NULL);
    enum tg_err err = lines_take_hash(l, "hash", &path->hash[path->n++]);
    if (err)
      return err;
  }
  return TG_OK;
}

static enum tg_err take_base64(struct lines *l, const char *keyword, uint8_t *out, size_t max, size_t *ret_n)
{
  struct slice value;
  enum tg_err err = lines_take_value(l, keyword, &value);
  if (!err && (base64_read_upto(value, out, max, ret_n) || *ret_n == 0))
    err = lines_refuse(l, N_("this is not base64, or too long"), NULL);
  return err;
}

static enum tg_err take_entry(struct lines *l, struct evidence *e)
{
  size_t salt_n = 0;
  enum tg_err err = lines_take_number(l, "index", MERKLE_SIZE_MAX - 1, &e->index);
  if (!err)
    err = take_base64(l, "entry", e->entry, sizeof e->entry, &e->entry_n);
  if (!err)
    err = take_base64(l, "salt", e->salt, sizeof e->salt, &salt_n);
  if (!err && salt_n != sizeof e->salt)
    err = lines_refuse(l, N_("the salt of a leaf has another length"), NULL);
  return err ? err : take_base64(l, "header", e->header, sizeof e->header, &e->header_n);
}

static enum tg_err take_all(struct lines *l, struct evidence *e)
{
  struct slice vkey;
  enum tg_err err = lines_take_exact(l, FIRST_LINE);
  if (!err)
    err = lines_take_value(l, "log", &vkey);
  if (!err)
    err = note_key_parse(vkey, &e->log, l->why);
  if (!err)
    err = take_kind(l, &e->kind);
  if (!err)
    err = take_path(l, &e->path);
  if (!err && e->kind == EVIDENCE_OUT_OF_ORDER)
    err = take_entry(l, e);
  if (!err)
    err = lines_take_block(l, "note", CHECKPOINT_BYTES_MAX, &e->first);
  if (!err)
    err = lines_take_block(l, "note", CHECKPOINT_BYTES_MAX, &e->second);
  if (!err && l->rest.n)
    err = lines_refuse(l, N_("there is something behind the second note"), NULL);
  return err;
}

enum tg_err evidence_parse(struct slice bytes, const char *file, struct evidence *ret, struct tg_why *why)
{
  struct lines l = lines_of(bytes, file ? file : "evidence", why);
  struct evidence e = {.path = {.n = 0}};
  if (bytes.n > EVIDENCE_BYTES_MAX)
    return why_set(why, TG_TOO_BIG, l.file, N_("larger than evidence may be"), NULL, NULL, NULL, NULL);
  enum tg_err err = take_all(&l, &e);
  if (!err)
    *ret = e;
  return err;
}
