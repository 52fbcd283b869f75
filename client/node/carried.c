#include "client/node/carried.h"

#include "client/node/inbox.h"

enum tg_err carried_load(struct node_core *core)
{
  struct db_stmt *s = db_stmt(depot_db(core->depot), "SELECT count(*) FROM carried");
  return db_number(s, &core->carried);
}

enum tg_err carried_is(struct node_core *core, const struct hash *id, bool *ret)
{
  *ret = false;
  if (core->carried == 0)
    return TG_OK;
  struct db_stmt *s = db_stmt(depot_db(core->depot), "SELECT 1 FROM carried WHERE id = ?");
  db_bind_blob(s, 1, hash_slice(id));
  return db_any(s, ret);
}

enum tg_err carried_put(struct node_core *core, const struct hash *id)
{
  struct db_stmt *s = db_stmt(depot_db(core->depot), "INSERT INTO carried VALUES(?)");
  db_bind_blob(s, 1, hash_slice(id));
  core->carried++;
  return db_run(s);
}

enum tg_err carried_settle(struct node_core *core, const Tg__Delivery *message, const struct judged *j)
{
  const struct hash *id = &j->delivery.header.id;
  enum tg_err err = core_begin(core);
  if (err != TG_OK)
    return err;
  struct db_stmt *s = db_stmt(depot_db(core->depot), "DELETE FROM carried WHERE id = ?");
  db_bind_blob(s, 1, hash_slice(id));
  err = db_run(s);
  core->carried -= err == TG_OK && db_changes(depot_db(core->depot));
  if (err == TG_OK)
    err = inbox_logged(core, message, &j->delivery.header);
  return err == TG_OK ? core_tell(core, NODE_NOTICE, "carried-settled", id, NULL, message->leaf, NULL) : err;
}
