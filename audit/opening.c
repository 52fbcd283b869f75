#include "audit/opening.h"

enum tg_err opening_leaf(const struct opening *o, struct hash *ret)
{
  if (o->salt.n != ENTRY_SALT)
    return TG_BAD_INPUT;
  *ret = entry_leaf(o->salt.p, o->entry);
  return TG_OK;
}

enum tg_err opening_verify(const struct opening *o, const struct checkpoint *checkpoint, struct entry *ret,
                           struct tg_why *why)
{
  return opening_verify_with(o, checkpoint, NULL, ret, why);
}

enum tg_err opening_verify_with(const struct opening *o, const struct checkpoint *checkpoint, struct proven *proven,
                                struct entry *ret, struct tg_why *why)
{
  struct entry entry;
  struct hash leaf;
  enum tg_err err = entry_parse(o->entry, &entry, why);
  if (err)
    return err;
  if (opening_leaf(o, &leaf))
    return why_set(why, TG_BAD_INPUT, "salt", N_("the salt of a log entry has 16 bytes"), NULL, NULL, NULL,
                   NULL);
  leaf = merkle_leaf(slice_of(leaf.b, sizeof leaf.b));
  err = proven ? proven_verify(proven, &leaf, o->index, checkpoint->size, o->path, &checkpoint->root)
               : merkle_path_verify(&leaf, o->index, checkpoint->size, o->path, &checkpoint->root);
  if (err)
    return why_set(why, err, NULL, N_("the log's checkpoint does not contain this entry"),
                   N_("keep both and tell the auditors: the hub claims what its log does not show"), NULL,
                   NULL, NULL);
  if (ret)
    *ret = entry;
  return TG_OK;
}
