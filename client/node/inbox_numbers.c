/* The running numbers that came: what is missing, what came twice, what was swapped. In whichever order they come: who comes before its predecessor leaves
   the name of that one behind. */
#include "client/node/inbox_inside.h"

/* What stands beside a number of a node. */
struct beside {
  bool before, at, after;       /* the number before, this one, the next one: has it come? */
  struct hash before_id, at_id, after_id;
  bool waits;                   /* the next one came first, */
  bool expects;                 /* and said what */
  struct hash expected;         /* this one must be */
};

static bool read_beside(struct db_stmt *s, uint64_t number, struct beside *b)
{
  const uint64_t n = db_u64(s, 0);
  struct hash id;
  if (!db_bytes(s, 1, id.b, sizeof id.b))
    return false;
  if (n < number) {
    b->before = true;
    b->before_id = id;
  } else if (n == number) {
    b->at = true;
    b->at_id = id;
  } else {
    b->after = true;
    b->after_id = id;
    b->waits = !db_is_null(s, 2);
    b->expects = db_bytes(s, 2, b->expected.b, sizeof b->expected.b);
  }
  return true;
}

static enum tg_err look_beside(struct node_core *core, const struct sign_pk *node, uint64_t number, struct beside *ret)
{
  struct db_stmt *s = db_stmt(depot_db(core->depot), "SELECT number, id, previous FROM heard WHERE node = ?1 AND number BETWEEN ?2 - 1 AND ?2 + 1");
  struct beside b = {.before = false};
  bool row;
  enum tg_err err;
  db_bind_blob(s, 1, key_slice(node));
  db_bind_u64(s, 2, number);
  while ((err = db_step(s, &row)) == TG_OK && row)
    if (!read_beside(s, number, &b)) {
      db_reset(s);
      return TG_DISK;
    }
  if (err == TG_OK)
    *ret = b;
  return err;
}

/* previous is kept while the one that it names has not come, and no longer. */
static enum tg_err put(struct node_core *core, const struct sign_pk *node, const struct wrap_content *wrapped, const struct hash *id, bool waits)
{
  struct db_stmt *s = db_stmt(depot_db(core->depot), "INSERT INTO heard(node, number, id, previous) VALUES(?, ?, ?, ?)");
  db_bind_blob(s, 1, key_slice(node));
  db_bind_u64(s, 2, wrapped->number);
  db_bind_blob(s, 3, hash_slice(id));
  if (waits)
    db_bind_blob(s, 4, hash_slice(&wrapped->previous));
  return db_run(s);
}

/* The next one waits for nothing any more. */
static enum tg_err met_after(struct node_core *core, const struct sign_pk *node, uint64_t number, const struct beside *b, const struct hash *id, const char *name)
{
  struct db_stmt *s = db_stmt(depot_db(core->depot), "UPDATE heard SET previous = NULL WHERE node = ? AND number = ?");
  db_bind_blob(s, 1, key_slice(node));
  db_bind_u64(s, 2, number + 1);
  enum tg_err err = db_run(s);
  if (err != TG_OK || !b->expects || hash_eq(&b->expected, id))
    return err;
  return core_tell(core, NODE_ALARM, "chain-broken", &b->after_id, name, number + 1, NULL);
}

enum tg_err inbox_stop_waiting(struct node_core *core, const struct hash *id)
{
  struct db_stmt *s = db_stmt(depot_db(core->depot), "UPDATE heard SET previous = NULL WHERE previous = ?");
  db_bind_blob(s, 1, hash_slice(id));
  return db_run(s);
}

/* Has what was sent to us before it not come? Numbers may be left out, so it is what the wrap names, and nothing where its originator knows of none. */
static enum tg_err is_waiting(struct node_core *core, const struct subject *subject, const struct wrap_content *wrapped, const struct beside *b, bool *ret)
{
  unsigned event;
  const struct node *node = directory_node(core->directory, &subject->originator);
  *ret = false;
  if (b->before || hash_is_zero(&wrapped->previous))
    return TG_OK;
  if (subject->kind == KIND_RECALL && hash_eq(&subject->supersedes, &wrapped->previous))
    return TG_OK; /* the hub has taken it out of our queue */
  enum tg_err err = inbox_met(core, &wrapped->previous, &event);
  if (err != TG_NOT_FOUND)
    return err;
  bool recalled = false;
  err = node ? inbox_is_recalled(core, &wrapped->previous, node->credential.holder.member, &recalled) : TG_OK;
  *ret = !recalled;
  return err;
}

enum tg_err inbox_number(struct node_core *core, const struct header *header, const struct wrap_content *wrapped)
{
  const struct sign_pk *node = &header->subject.originator;
  const struct hash *id = &header->id;
  const uint64_t number = wrapped->number;
  char name[HOLDER_MAX + 1];
  struct beside b;
  core_name_of(core, node, name);
  if (number >= INT64_MAX) /* no honest node ever counts so far */
    return core_tell(core, NODE_ALARM, "number-impossible", id, name, number, NULL);
  enum tg_err err = look_beside(core, node, number, &b);
  if (err != TG_OK)
    return err;
  if (b.at) /* two bulletins under one number: both are signed, and kept */
    return hash_eq(&b.at_id, id) ? TG_OK : core_tell(core, NODE_ALARM, "number-twice", id, name, number, NULL);
  if (b.before && !hash_eq(&b.before_id, &wrapped->previous))
    err = core_tell(core, NODE_ALARM, "chain-broken", id, name, number, NULL);
  bool waits = false;
  if (err == TG_OK)
    err = is_waiting(core, &header->subject, wrapped, &b, &waits);
  if (err == TG_OK && waits)
    err = core_tell(core, NODE_NOTICE, "number-missing", &wrapped->previous, name, 0, NULL);
  if (err == TG_OK && b.waits)
    err = met_after(core, node, number, &b, id, name);
  if (err == TG_OK)
    err = inbox_stop_waiting(core, id);
  return err == TG_OK ? put(core, node, wrapped, id, waits) : err;
}
