/* Whose bulletins wait for a node, by originating member: asked only when its queue is more than half full. Then they are counted once, and
   from there on kept in memory with every row that comes and goes; a restart counts again. So the ordinary way of a bulletin pays nothing. */
#include "broker/store_bulletin.h"
#include "broker/store_inside.h"

#include <stdlib.h>
#include <string.h>

/* Of one node that was counted. */
struct share_node {
  nodeno no;
  struct share_member {
    char code[2];
    uint64_t rows, bytes;
  } *member;
  size_t n, room;
  struct share_node *next;
};

static struct share_node *find(const struct store *store, nodeno no)
{
  for (struct share_node *s = store->shares; s; s = s->next)
    if (s->no == no)
      return s;
  return NULL;
}

static struct share_member *member_of(struct share_node *s, const char code[2])
{
  for (size_t i = 0; i < s->n; i++)
    if (memcmp(s->member[i].code, code, 2) == 0)
      return &s->member[i];
  if (s->n == s->room) {
    size_t room = s->room ? 2 * s->room : 16;
    struct share_member *more = realloc(s->member, room * sizeof *more);
    if (!more)
      return NULL;
    s->member = more;
    s->room = room;
  }
  s->member[s->n] = (struct share_member){.code = {code[0], code[1]}};
  return &s->member[s->n++];
}

static void share_free(struct share_node *s)
{
  free(s->member);
  free(s);
}

void store_shares_close(struct store *store)
{
  for (struct share_node *s = store->shares, *next; s; s = next) {
    next = s->next;
    share_free(s);
  }
  store->shares = NULL;
}

/* A node's queue in the order of its key: one walk, however long. */
static enum tg_err count(struct store *store, struct share_node *s)
{
  struct db_stmt *rows =
      db_stmt(store->db, "SELECT bulletin.member, count(*), sum(queue.bytes) FROM queue JOIN bulletin ON bulletin.leaf = queue.leaf"
                         " WHERE queue.node = ?1 GROUP BY bulletin.member");
  db_bind_u64(rows, 1, s->no);
  for (bool row = true; row;) {
    enum tg_err err = db_step(rows, &row);
    if (err || !row)
      return err;
    struct slice code = db_text(rows, 0);
    struct share_member *m = code.n == 2 ? member_of(s, (const char *)code.p) : NULL;
    if (!m) {
      db_reset(rows);
      return code.n == 2 ? TG_NO_MEMORY : TG_DISK;
    }
    m->rows = db_u64(rows, 1);
    m->bytes = db_u64(rows, 2);
  }
  return TG_OK;
}

enum tg_err store_share(struct store *store, nodeno node, const char member[2], uint64_t *ret_rows, uint64_t *ret_bytes)
{
  struct share_node *s = find(store, node);
  if (!s) {
    s = calloc(1, sizeof *s);
    if (!s)
      return TG_NO_MEMORY;
    s->no = node;
    enum tg_err err = count(store, s);
    if (err) {
      share_free(s);
      return err;
    }
    s->next = store->shares;
    store->shares = s;
  }
  const struct share_member *m = member_of(s, member);
  if (!m)
    return TG_NO_MEMORY;
  *ret_rows = m->rows;
  *ret_bytes = m->bytes;
  return TG_OK;
}

enum tg_err store_share_add(struct store *store, nodeno node, uint64_t leaf, int64_t rows, int64_t bytes)
{
  struct share_node *s = find(store, node);
  struct store_bulletin b;
  if (!s)
    return TG_OK;
  enum tg_err err = store_bulletin(store, leaf, &b);
  if (err)
    return err == TG_NOT_FOUND ? TG_OK : err;
  struct share_member *m = member_of(s, b.member);
  if (!m)
    return TG_NO_MEMORY;
  m->rows += (uint64_t)rows;
  m->bytes += (uint64_t)bytes;
  return TG_OK;
}
