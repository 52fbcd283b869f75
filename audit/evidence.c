#include "audit/evidence.h"

#include "audit/lines.h"
#include "keys/codec.h"

static const char FIRST_LINE[] = "toguna/evidence v1";

const char *evidence_kind_name(enum evidence_kind kind)
{
  return kind == EVIDENCE_SAME_SIZE ? "same-size" : "other-beginning";
}

const char *evidence_kind_sentence(enum evidence_kind kind)
{
  return kind == EVIDENCE_SAME_SIZE
             ? N_("the log signed two checkpoints of one size with different roots")
             : N_("the log signed a tree that does not begin with the tree that it had signed before");
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

static bool contradict(const struct evidence *e, const struct checkpoint *a, const struct checkpoint *b)
{
  switch (e->kind) {
  case EVIDENCE_SAME_SIZE:
    return same_size(e, a, b);
  case EVIDENCE_OTHER_BEGINNING:
    return other_beginning(e, a, b);
  }
  return false; /* cannot happen: the enum is closed and the parser knows it */
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
  if (!contradict(e, &first, &second))
    return why_set(why, TG_BAD_PROOF, NULL, N_("these two checkpoints do not contradict each other"), NULL,
                   NULL, NULL, NULL);
  if (ret_first)
    *ret_first = first;
  if (ret_second)
    *ret_second = second;
  return TG_OK;
}

/* ---- the text ---- */

enum tg_err evidence_print(const struct evidence *e, struct buf *out, struct tg_why *why)
{
  char vkey[NOTE_VKEY_MAX];
  enum tg_err err = evidence_verify(e, NULL, NULL, why);
  if (err)
    return err;
  size_t before = out->n;
  note_key_print(&e->log, vkey);
  buf_printf(out, "%s\nlog %s\nkind %s\n", FIRST_LINE, vkey, evidence_kind_name(e->kind));
  for (size_t i = 0; i < e->path.n; i++) {
    buf_put_str(out, "hash ");
    base64_put(out, e->path.hash[i].b, sizeof e->path.hash[i].b);
    buf_put_u8(out, '\n');
  }
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
  for (int kind = EVIDENCE_SAME_SIZE; kind <= EVIDENCE_OTHER_BEGINNING; kind++)
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
