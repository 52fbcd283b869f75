/* The running numbers to each recipient node, which tell it whether a bulletin was kept from it. */
#include "client/node/outbox_inside.h"

#include <stdlib.h>
#include <string.h>

/* Where the node's row is or belongs. */
static size_t pair_place(const struct outbox *o, const struct sign_pk *node)
{
  size_t low = 0, high = o->n_pairs;
  while (low < high) {
    size_t middle = low + (high - low) / 2;
    if (memcmp(o->pairs[middle].node.b, node->b, sizeof node->b) < 0)
      low = middle + 1;
    else
      high = middle;
  }
  return low;
}

static enum tg_err load_pair(struct node_core *core, const struct sign_pk *node, struct pair *ret)
{
  struct db_stmt *s = db_stmt(depot_db(core->depot), "SELECT number, last FROM pair WHERE node = ?");
  db_bind_blob(s, 1, key_slice(node));
  bool row;
  enum tg_err err = db_step(s, &row);
  if (err != TG_OK)
    return err;
  *ret = (struct pair){.node = *node, .number = core->outbox->pair_floor};
  if (row) {
    if (db_u64(s, 0) > ret->number)
      ret->number = db_u64(s, 0);
    err = db_bytes(s, 1, ret->last.b, sizeof ret->last.b) ? TG_OK : TG_DISK;
    db_reset(s);
  }
  return err;
}

/* The row of a node; valid until the next call. */
static enum tg_err pair_of(struct node_core *core, const struct sign_pk *node, struct pair **ret)
{
  struct outbox *o = core->outbox;
  size_t at = pair_place(o, node);
  if (at < o->n_pairs && sign_pk_eq(&o->pairs[at].node, node)) {
    *ret = &o->pairs[at];
    return TG_OK;
  }
  if (o->n_pairs == o->cap_pairs) {
    size_t cap = o->cap_pairs ? 2 * o->cap_pairs : 16;
    struct pair *more = reallocarray(o->pairs, cap, sizeof *more);
    if (!more)
      return TG_NO_MEMORY;
    o->pairs = more;
    o->cap_pairs = cap;
  }
  struct pair new;
  enum tg_err err = load_pair(core, node, &new);
  if (err != TG_OK)
    return err;
  memmove(&o->pairs[at + 1], &o->pairs[at], (o->n_pairs - at) * sizeof *o->pairs);
  o->n_pairs++;
  o->pairs[at] = new;
  *ret = &o->pairs[at];
  return TG_OK;
}

void outbox_raise_pairs(struct outbox *o, uint64_t floor)
{
  o->pair_floor = o->pair_floor > floor ? o->pair_floor : floor;
  for (size_t i = 0; i < o->n_pairs; i++)
    if (o->pairs[i].number < o->pair_floor)
      o->pairs[i].number = o->pair_floor;
}

enum tg_err outbox_put_pairs(struct node_core *core)
{
  struct outbox *o = core->outbox;
  enum tg_err err = TG_OK;
  for (size_t i = 0; err == TG_OK && i < o->n_pairs; i++) {
    if (!o->pairs[i].dirty)
      continue;
    struct db_stmt *s = db_stmt(depot_db(core->depot), "INSERT OR REPLACE INTO pair VALUES(?, ?, ?)");
    db_bind_blob(s, 1, key_slice(&o->pairs[i].node));
    db_bind_u64(s, 2, o->pairs[i].number);
    db_bind_blob(s, 3, hash_slice(&o->pairs[i].last));
    err = db_run(s);
    o->pairs[i].dirty = false;
  }
  return err;
}

enum tg_err outbox_pair(struct node_core *core, const struct sign_pk *node, uint64_t *ret_number, struct hash *ret_previous)
{
  struct pair *pair;
  enum tg_err err = pair_of(core, node, &pair);
  if (err != TG_OK)
    return err;
  *ret_number = pair->number + 1;
  *ret_previous = pair->last;
  return TG_OK;
}

enum tg_err outbox_add_recipient(struct node_core *core, const struct header *header, const struct outbox_recipient *recipient)
{
  struct pair *pair;
  enum tg_err err = pair_of(core, &recipient->node, &pair);
  if (err != TG_OK)
    return err;
  pair->number = recipient->number;
  pair->last = header->id;
  pair->dirty = true;
  struct db_stmt *s = db_stmt(depot_db(core->depot), "INSERT INTO track VALUES(?, ?, 0, ?, x'')"); /* event 0: its time is the number to that node */
  db_bind_u64(s, 1, header->number);
  db_bind_blob(s, 2, key_slice(&recipient->node));
  db_bind_u64(s, 3, recipient->number);
  return db_run(s);
}

enum { LOOK_BACK = 256 }; /* bulletins of ours: a hub may refuse many at once */

/* The last one before `number` that was meant for this node and can have come to it; zeros: none, as far as is looked. */
static enum tg_err sent_before(struct node_core *core, const struct sign_pk *node, uint64_t number, struct hash *ret)
{
  struct db_stmt *s = db_stmt(depot_db(core->depot), "SELECT id FROM sent CROSS JOIN track ON track.number = sent.number AND node = ?3 AND event = 0"
                                                     " WHERE sent.number < ?1 AND sent.number >= ?2 AND +state < 4 ORDER BY sent.number DESC LIMIT 1");
  bool row;
  db_bind_u64(s, 1, number);
  db_bind_u64(s, 2, number > LOOK_BACK ? number - LOOK_BACK : 0);
  db_bind_blob(s, 3, key_slice(node));
  enum tg_err err = db_step(s, &row);
  *ret = (struct hash){{0}};
  if (err != TG_OK || !row)
    return err;
  err = db_bytes(s, 0, ret->b, sizeof ret->b) ? TG_OK : TG_DISK;
  db_reset(s);
  return err;
}

enum tg_err outbox_name_no_more(struct node_core *core, const struct hash *id, uint64_t number)
{
  struct db_stmt *s = db_stmt(depot_db(core->depot), "SELECT node FROM track WHERE number = ? AND event = 0");
  bool row;
  enum tg_err err;
  db_bind_u64(s, 1, number);
  while ((err = db_step(s, &row)) == TG_OK && row) {
    struct sign_pk node;
    struct pair *pair;
    err = db_bytes(s, 0, node.b, sizeof node.b) ? pair_of(core, &node, &pair) : TG_DISK;
    if (err == TG_OK && hash_eq(&pair->last, id)) {
      err = sent_before(core, &node, number, &pair->last);
      pair->number++;
      pair->dirty = true;
    }
    if (err != TG_OK) {
      db_reset(s);
      return err;
    }
  }
  return err == TG_OK ? outbox_put_pairs(core) : err;
}
