/* The running numbers that came: what is missing, what came twice, what was swapped. */
#include "client/node/inbox.h"

/* The bulletin that came with a number. TG_NOT_FOUND. */
static enum tg_err heard(struct node_core *core, const struct sign_pk *node, uint64_t number, struct hash *ret)
{
  struct db_stmt *s = db_stmt(depot_db(core->depot), "SELECT id FROM heard WHERE node = ? AND number = ?");
  db_bind_blob(s, 1, key_slice(node));
  db_bind_u64(s, 2, number);
  return db_hash(s, ret);
}

enum tg_err inbox_number(struct node_core *core, const struct sign_pk *node, const struct wrap_content *wrapped,
                         const struct hash *id)
{
  char name[HOLDER_MAX + 1];
  struct hash other;
  core_name_of(core, node, name);
  if (wrapped->number > INT64_MAX) /* no honest node ever counts so far */
    return core_tell(core, NODE_ALARM, "number-impossible", id, name, wrapped->number, NULL);
  enum tg_err err = heard(core, node, wrapped->number, &other);
  if (err == TG_OK) /* two bulletins under one number: both are signed, and kept */
    return hash_eq(&other, id) ? TG_OK : core_tell(core, NODE_ALARM, "number-twice", id, name, wrapped->number, NULL);
  if (err != TG_NOT_FOUND)
    return err;
  err = wrapped->number > 1 ? heard(core, node, wrapped->number - 1, &other) : TG_NOT_FOUND;
  if (err == TG_OK && !hash_eq(&other, &wrapped->previous))
    err = core_tell(core, NODE_ALARM, "chain-broken", id, name, wrapped->number, NULL);
  else if (err == TG_NOT_FOUND)
    err = wrapped->number > 1 ? core_tell(core, NODE_NOTICE, "number-missing", id, name, wrapped->number - 1, NULL) : TG_OK;
  if (err != TG_OK)
    return err;
  struct db_stmt *s = db_stmt(depot_db(core->depot), "INSERT INTO heard VALUES(?, ?, ?)");
  db_bind_blob(s, 1, key_slice(node));
  db_bind_u64(s, 2, wrapped->number);
  db_bind_blob(s, 3, hash_slice(id));
  return db_run(s);
}
