#include "os/late.h"


#include <stdlib.h>
#include <string.h>

enum { SLICES = 256, SEEN = 1024 };

struct row {
  struct hash id;
  uint64_t number, place;
};

/* Invariant: of the ids that begin with byte i exactly those of places below slice[i].below are in the table, and all others in list. What is asked for is asked
   for again soon, so the rows that were looked for last are in `seen`, each at its own place there (place 0: none). */
struct late {
  struct db *db;
  const struct late_table *table;
  struct slice_of_ids {
    uint64_t below;
    struct row *list;
    size_t n, room;
  } slice[SLICES];
  struct row *seen;
  uint64_t guess; /* the place after that of the row that was found in the store last */
  size_t n;     /* of all slices */
  size_t next;  /* the slice that goes into the table next */
  uint64_t end; /* one more than the highest place that was put */
};

uint64_t late_next(const struct late *l) { return l->end; }

/* Eight bytes in the middle: what tells two ids apart, without looking at all of them. */
static uint64_t middle(const struct hash *id)
{
  uint64_t n;
  memcpy(&n, id->b + 8, sizeof n);
  return n;
}

static struct row *seen_at(const struct late *l, const struct hash *id) { return &l->seen[middle(id) % SEEN]; }

static bool is_row(const struct row *r, const struct hash *id, uint64_t number)
{
  return middle(&r->id) == middle(id) && r->number == number && hash_eq(&r->id, id);
}

void late_seen(struct late *l, const struct hash *id, uint64_t number, uint64_t place)
{
  *seen_at(l, id) = (struct row){.id = *id, .number = number, .place = place};
}

enum tg_err late_put(struct late *l, const struct hash *id, uint64_t number, uint64_t place)
{
  struct slice_of_ids *s = &l->slice[id->b[0]];
  if (s->n == s->room) {
    const size_t room = s->room ? 2 * s->room : 16;
    struct row *more = reallocarray(s->list, room, sizeof *more);
    if (!more)
      return TG_NO_MEMORY;
    s->list = more;
    s->room = room;
  }
  s->list[s->n++] = (struct row){.id = *id, .number = number, .place = place};
  l->n++;
  if (place >= l->end)
    l->end = place + 1;
  return TG_OK;
}

bool late_held(const struct late *l, const struct hash *id, uint64_t number, uint64_t *ret_place)
{
  const struct slice_of_ids *s = &l->slice[id->b[0]];
  for (size_t i = s->n; i-- > 0;) /* what is asked for is mostly of late */
    if (is_row(&s->list[i], id, number)) {
      *ret_place = s->list[i].place;
      return true;
    }
  return false;
}

static enum tg_err find_stored(struct late *l, const struct hash *id, uint64_t number, uint64_t *ret_place)
{
  enum tg_err err = TG_NOT_FOUND;
  if (l->table->at && l->guess) {
    struct db_stmt *stmt = db_stmt(l->db, l->table->at);
    db_bind_blob(stmt, 1, slice_of(id->b, sizeof id->b));
    db_bind_u64(stmt, 2, number);
    db_bind_u64(stmt, 3, l->guess);
    err = db_number(stmt, ret_place);
  }
  if (err == TG_NOT_FOUND) {
    struct db_stmt *stmt = db_stmt(l->db, l->table->find);
    db_bind_blob(stmt, 1, slice_of(id->b, sizeof id->b));
    db_bind_u64(stmt, 2, number);
    err = db_number(stmt, ret_place);
  }
  if (err == TG_OK)
    l->guess = *ret_place + 1;
  return err;
}

enum tg_err late_find(struct late *l, const struct hash *id, uint64_t number, uint64_t *ret_place)
{
  const struct row *seen = seen_at(l, id);
  if (seen->place && is_row(seen, id, number)) {
    *ret_place = seen->place;
    return TG_OK;
  }
  enum tg_err err = late_held(l, id, number, ret_place) ? TG_OK : find_stored(l, id, number, ret_place);
  if (err == TG_OK)
    late_seen(l, id, number, *ret_place);
  return err;
}

bool late_take(struct late *l, const struct hash *id, uint64_t *ret_place)
{
  struct slice_of_ids *s = &l->slice[id->b[0]];
  *seen_at(l, id) = (struct row){.place = 0};
  for (size_t i = s->n; i-- > 0;)
    if (hash_eq(&s->list[i].id, id)) {
      *ret_place = s->list[i].place;
      s->list[i] = s->list[--s->n];
      l->n--;
      return true;
    }
  return false;
}

size_t late_between(const struct late *l, const struct hash *low, const struct hash *high, struct hash *ret, size_t max)
{
  size_t n = 0;
  for (size_t no = low->b[0]; no <= high->b[0]; no++)
    for (size_t i = 0; i < l->slice[no].n; i++) {
      const struct hash *id = &l->slice[no].list[i].id;
      if (memcmp(id->b, low->b, sizeof id->b) < 0 || memcmp(id->b, high->b, sizeof id->b) > 0)
        continue;
      if (n < max)
        ret[n] = *id;
      n++;
    }
  return n;
}

/* ---- into the table */

static int by_id(const void *a, const void *b)
{
  return memcmp(((const struct row *)a)->id.b, ((const struct row *)b)->id.b, sizeof(struct hash));
}

static enum tg_err slice_write(struct late *l, size_t no)
{
  struct slice_of_ids *s = &l->slice[no];
  if (s->n)
    qsort(s->list, s->n, sizeof *s->list, by_id);
  for (size_t i = 0; i < s->n; i++) {
    struct db_stmt *stmt = db_stmt(l->db, l->table->put);
    db_bind_blob(stmt, 1, slice_of(s->list[i].id.b, sizeof s->list[i].id.b));
    db_bind_u64(stmt, 2, s->list[i].place);
    enum tg_err err = db_run(stmt);
    if (err != TG_OK)
      return err;
  }
  l->n -= s->n;
  s->n = 0;
  s->below = l->end;
  struct db_stmt *stmt = db_stmt(l->db, l->table->slice);
  db_bind_u64(stmt, 1, no);
  db_bind_u64(stmt, 2, s->below);
  return db_run(stmt);
}

enum tg_err late_write(struct late *l)
{
  enum tg_err err = TG_OK;
  for (size_t i = 0; err == TG_OK && i < SLICES && l->n > l->table->most; i++) {
    err = slice_write(l, l->next);
    l->next = (l->next + 1) % SLICES;
  }
  return err;
}

/* ---- life */

/* How far each slice has come; the one that is furthest behind goes next. */
static enum tg_err slices_read(struct late *l, uint64_t *ret_least)
{
  struct db_stmt *s = db_stmt(l->db, l->table->slices);
  size_t n = 0;
  bool row;
  enum tg_err err;
  *ret_least = UINT64_MAX >> 1;
  while ((err = db_step(s, &row)) == TG_OK && row && n < SLICES) {
    const uint64_t below = db_u64(s, 0);
    l->slice[n++].below = below;
    l->end = below > l->end ? below : l->end;
    if (below < *ret_least) {
      *ret_least = below;
      l->next = n - 1;
    }
  }
  db_reset(s);
  return err != TG_OK ? err : n == SLICES && !row ? TG_OK : TG_DISK;
}

static enum tg_err late_read(struct late *l, uint64_t from)
{
  struct db_stmt *s = db_stmt(l->db, l->table->since);
  struct hash id;
  bool row;
  enum tg_err err;
  db_bind_u64(s, 1, from);
  while ((err = db_step(s, &row)) == TG_OK && row) {
    const uint64_t place = db_u64(s, 0);
    if (!db_bytes(s, 1, id.b, sizeof id.b))
      err = TG_DISK;
    else if (place >= l->slice[id.b[0]].below) /* else it is in the table, and below `end` */
      err = late_put(l, &id, db_u64(s, 2), place);
    if (err != TG_OK)
      break;
  }
  db_reset(s);
  return err;
}

enum tg_err late_open(struct db *db, const struct late_table *table, struct late **ret)
{
  uint64_t least;
  struct late *l = calloc(1, sizeof *l);
  if (!l || !(l->seen = calloc(SEEN, sizeof *l->seen))) {
    free(l);
    return TG_NO_MEMORY;
  }
  l->db = db;
  l->table = table;
  l->end = 1;
  enum tg_err err = slices_read(l, &least);
  if (err == TG_OK)
    err = late_read(l, least);
  if (err == TG_OK)
    *ret = l;
  else
    late_close(l);
  return err;
}

void late_close(struct late *l)
{
  for (size_t i = 0; l && i < SLICES; i++)
    free(l->slice[i].list);
  if (l)
    free(l->seen);
  free(l);
}
