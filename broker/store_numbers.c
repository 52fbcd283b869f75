/* Numbers that change with every bulletin: what waits for a node, what a member occupies, how far a node has counted. They are kept in
   memory as they will be on the disk, and written once with the transaction that changed them, however often it did. Only
   here are the tables tally and usage touched, and the counting columns of node. */
#include "broker/store_bulletin.h"
#include "broker/store_inside.h"

#include <stdlib.h>
#include <string.h>

enum {
  CELLS = 2 * STORE_RANKS, /* held or not, by rank */
  NODES_MAX = 1 << 24,     /* numbers are given one by one: more than ever have credentials */
};

/* One node. Invariants: what is dirty is known; a dirty one is in the list of those to be written. */
struct number_node {
  nodeno no;
  bool state_known, state_dirty, tally_known;
  unsigned tally_dirty; /* mask of cells */
  struct store_node_state state;
  struct {
    uint64_t rows, bytes;
  } tally[CELLS];
  bool listed;
  struct number_node *next;
};

struct number_member {
  char code[2];
  bool dirty;
  uint64_t bytes;
};

struct numbers {
  struct number_node **node; /* by number; NULL: not looked at yet */
  size_t room;
  struct number_node *changed;
  struct number_member *member;
  size_t n_members, members_room;
  bool members_changed;
};

enum tg_err store_numbers_open(struct store *store)
{
  store->numbers = calloc(1, sizeof *store->numbers);
  return store->numbers ? TG_OK : TG_NO_MEMORY;
}

void store_numbers_close(struct store *store)
{
  struct numbers *n = store->numbers;
  for (size_t i = 0; n && i < n->room; i++)
    free(n->node[i]);
  if (n) {
    free(n->node);
    free(n->member);
  }
  free(n);
  store->numbers = NULL;
}

/* ---- a node's */

static struct number_node *node_of(struct store *store, nodeno no)
{
  struct numbers *all = store->numbers;
  if (no > NODES_MAX)
    return NULL;
  if (no >= all->room) {
    size_t room = all->room ? all->room : 64;
    while (room <= no)
      room *= 2;
    struct number_node **list = realloc(all->node, room * sizeof *list);
    if (!list)
      return NULL;
    memset(list + all->room, 0, (room - all->room) * sizeof *list);
    all->node = list;
    all->room = room;
  }
  if (!all->node[no] && (all->node[no] = calloc(1, sizeof **all->node)))
    all->node[no]->no = no;
  return all->node[no];
}

static void changed(struct store *store, struct number_node *n)
{
  if (n->listed)
    return;
  n->listed = true;
  n->next = store->numbers->changed;
  store->numbers->changed = n;
}

static enum tg_err state_read(struct store *store, struct number_node *n)
{
  struct db_stmt *s = db_stmt(
      store->db, "SELECT last_number, receipts_serial, receipts_root, notes_sequence FROM node WHERE no = ?1");
  db_bind_u64(s, 1, n->no);
  enum tg_err err = db_one(s);
  if (!err) {
    n->state = (struct store_node_state){
        .last_number = db_u64(s, 0), .receipts_serial = db_u64(s, 1), .notes_sequence = db_u64(s, 3)};
    db_bytes(s, 2, n->state.receipts_root.b, 32); /* empty before the first: zeros */
    n->state_known = true;
  }
  db_reset(s);
  return err;
}

/* TG_NOT_FOUND: there is no such node. */
static enum tg_err state_of(struct store *store, nodeno no, struct number_node **ret)
{
  struct number_node *n = node_of(store, no);
  enum tg_err err = !n ? TG_NO_MEMORY : n->state_known ? TG_OK : state_read(store, n);
  if (!err)
    *ret = n;
  return err;
}

static void state_changed(struct store *store, struct number_node *n)
{
  n->state_dirty = true;
  changed(store, n);
}

enum tg_err store_node_state(struct store *store, nodeno node, struct store_node_state *ret)
{
  struct number_node *n;
  enum tg_err err = state_of(store, node, &n);
  if (!err)
    *ret = n->state;
  return err;
}

enum tg_err store_node_number(struct store *store, nodeno node, uint64_t number)
{
  struct number_node *n;
  enum tg_err err = state_of(store, node, &n);
  if (err)
    return err == TG_NOT_FOUND ? TG_OK : err;
  if (number > n->state.last_number) {
    n->state.last_number = number;
    state_changed(store, n);
  }
  return TG_OK;
}

enum tg_err store_node_receipts(struct store *store, nodeno node, uint64_t serial, const struct hash *root)
{
  struct number_node *n;
  enum tg_err err = state_of(store, node, &n);
  if (err)
    return err == TG_NOT_FOUND ? TG_OK : err;
  n->state.receipts_serial = serial;
  n->state.receipts_root = *root;
  state_changed(store, n);
  return TG_OK;
}

enum tg_err store_node_note(struct store *store, nodeno node, uint64_t count, uint64_t *ret_first)
{
  struct number_node *n;
  enum tg_err err = state_of(store, node, &n);
  if (err)
    return err;
  *ret_first = n->state.notes_sequence + 1;
  n->state.notes_sequence += count;
  state_changed(store, n);
  return TG_OK;
}

static enum tg_err state_write(struct store *store, struct number_node *n)
{
  struct db_stmt *s =
      db_stmt(store->db, "UPDATE node SET last_number = ?2, receipts_serial = ?3, receipts_root = ?4,"
                         " notes_sequence = ?5 WHERE no = ?1");
  db_bind_u64(s, 1, n->no);
  db_bind_u64(s, 2, n->state.last_number);
  db_bind_u64(s, 3, n->state.receipts_serial);
  store_bind_hash(s, 4, &n->state.receipts_root);
  db_bind_u64(s, 5, n->state.notes_sequence);
  n->state_dirty = false;
  return db_run(s);
}

/* ---- what waits for it */

static unsigned cell_of(bool held, unsigned rank)
{
  return (held ? STORE_RANKS : 0U) + rank % STORE_RANKS;
}

static enum tg_err tally_read(struct store *store, struct number_node *n)
{
  struct db_stmt *s = db_stmt(store->db, "SELECT rank, held, rows, bytes FROM tally WHERE node = ?1");
  db_bind_u64(s, 1, n->no);
  for (bool row = true; row;) {
    enum tg_err err = db_step(s, &row);
    if (err)
      return err;
    if (!row)
      break;
    const unsigned cell = cell_of(db_u64(s, 1), (unsigned)db_u64(s, 0));
    n->tally[cell].rows = db_u64(s, 2);
    n->tally[cell].bytes = db_u64(s, 3);
  }
  n->tally_known = true;
  return TG_OK;
}

static enum tg_err tally_of(struct store *store, nodeno no, struct number_node **ret)
{
  struct number_node *n = node_of(store, no);
  enum tg_err err = !n ? TG_NO_MEMORY : n->tally_known ? TG_OK : tally_read(store, n);
  if (!err)
    *ret = n;
  return err;
}

enum tg_err store_tally_add(struct store *store, nodeno node, bool held, unsigned rank, int64_t rows, int64_t bytes)
{
  struct number_node *n;
  enum tg_err err = tally_of(store, node, &n);
  if (err)
    return err;
  const unsigned cell = cell_of(held, rank);
  n->tally[cell].rows += (uint64_t)rows;
  n->tally[cell].bytes += (uint64_t)bytes;
  n->tally_dirty |= 1U << cell;
  changed(store, n);
  return TG_OK;
}

static void tally_sum(struct store_tally *t, unsigned cell, uint64_t rows, uint64_t bytes)
{
  const unsigned rank = cell % STORE_RANKS;
  if (cell >= STORE_RANKS)
    t->held[rank] += rows;
  t->count[rank] += rows;
  t->bytes[rank] += bytes;
}

enum tg_err store_tally(struct store *store, nodeno node, struct store_tally *ret)
{
  struct number_node *n;
  struct store_tally t = {0};
  enum tg_err err = tally_of(store, node, &n);
  if (err)
    return err;
  for (unsigned cell = 0; cell < CELLS; cell++)
    tally_sum(&t, cell, n->tally[cell].rows, n->tally[cell].bytes);
  *ret = t;
  return TG_OK;
}

enum tg_err store_tally_all(struct store *store, struct store_tally *ret)
{
  struct store_tally t = {0};
  enum tg_err err = store_numbers_write(store); /* as a part of the transaction that changed them */
  if (err)
    return err;
  struct db_stmt *s =
      db_stmt(store->db, "SELECT rank, held, sum(rows), sum(bytes) FROM tally GROUP BY rank, held");
  for (bool row = true; row;) {
    err = db_step(s, &row);
    if (err)
      return err;
    if (row)
      tally_sum(&t, cell_of(db_u64(s, 1), (unsigned)db_u64(s, 0)), db_u64(s, 2), db_u64(s, 3));
  }
  *ret = t;
  return TG_OK;
}

static enum tg_err tally_write(struct store *store, struct number_node *n)
{
  enum tg_err err = TG_OK;
  for (unsigned cell = 0; !err && cell < CELLS; cell++) {
    if (!(n->tally_dirty >> cell & 1))
      continue;
    struct db_stmt *s = db_stmt(store->db, "INSERT OR REPLACE INTO tally(node, held, rank, rows, bytes)"
                                           " VALUES(?1, ?2, ?3, ?4, ?5)");
    db_bind_u64(s, 1, n->no);
    db_bind_u64(s, 2, cell >= STORE_RANKS);
    db_bind_u64(s, 3, cell % STORE_RANKS);
    db_bind_u64(s, 4, n->tally[cell].rows);
    db_bind_u64(s, 5, n->tally[cell].bytes);
    err = db_run(s);
  }
  n->tally_dirty = 0;
  return err;
}

/* ---- a member's */

static enum tg_err member_read(struct store *store, struct number_member *m)
{
  struct db_stmt *s = db_stmt(store->db, "SELECT bytes FROM usage WHERE member = ?1");
  db_bind_text(s, 1, slice_of(m->code, 2));
  enum tg_err err = db_one(s);
  if (!err)
    m->bytes = db_u64(s, 0);
  db_reset(s);
  return err == TG_NOT_FOUND ? TG_OK : err;
}

static enum tg_err member_of(struct store *store, const char code[2], struct number_member **ret)
{
  struct numbers *all = store->numbers;
  for (size_t i = 0; i < all->n_members; i++)
    if (memcmp(all->member[i].code, code, 2) == 0) {
      *ret = &all->member[i];
      return TG_OK;
    }
  if (all->n_members == all->members_room) {
    size_t room = all->members_room ? 2 * all->members_room : 16;
    struct number_member *list = realloc(all->member, room * sizeof *list);
    if (!list)
      return TG_NO_MEMORY;
    all->member = list;
    all->members_room = room;
  }
  struct number_member m = {.code = {code[0], code[1]}};
  enum tg_err err = member_read(store, &m);
  if (err)
    return err;
  all->member[all->n_members] = m;
  *ret = &all->member[all->n_members++];
  return TG_OK;
}

enum tg_err store_usage_add(struct store *store, const char member[2], int64_t bytes)
{
  struct number_member *m;
  enum tg_err err = member_of(store, member, &m);
  if (err)
    return err;
  if (bytes >= 0)
    m->bytes += (uint64_t)bytes;
  else
    m->bytes = m->bytes > (uint64_t)-bytes ? m->bytes - (uint64_t)-bytes : 0;
  m->dirty = store->numbers->members_changed = true;
  return TG_OK;
}

enum tg_err store_member_bytes(struct store *store, const char member[2], uint64_t *ret)
{
  struct number_member *m;
  enum tg_err err = member_of(store, member, &m);
  if (!err)
    *ret = m->bytes;
  return err;
}

static enum tg_err members_write(struct store *store)
{
  struct numbers *all = store->numbers;
  enum tg_err err = TG_OK;
  for (size_t i = 0; !err && all->members_changed && i < all->n_members; i++) {
    if (!all->member[i].dirty)
      continue;
    struct db_stmt *s = db_stmt(store->db, "INSERT OR REPLACE INTO usage(member, bytes) VALUES(?1, ?2)");
    db_bind_text(s, 1, slice_of(all->member[i].code, 2));
    db_bind_u64(s, 2, all->member[i].bytes);
    all->member[i].dirty = false;
    err = db_run(s);
  }
  all->members_changed = false;
  return err;
}

/* ---- into the transaction */

enum tg_err store_numbers_write(struct store *store)
{
  enum tg_err err = members_write(store);
  for (struct number_node *n; !err && (n = store->numbers->changed);) {
    store->numbers->changed = n->next;
    n->listed = false;
    if (n->state_dirty)
      err = state_write(store, n);
    if (!err && n->tally_dirty)
      err = tally_write(store, n);
  }
  return err;
}
