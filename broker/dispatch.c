#include "broker/dispatch.h"

#include "broker/docket.h"
#include "broker/flight.h"
#include "broker/memory.h"
#include "broker/owed.h"
#include "broker/reply.h"
#include "broker/store_body.h"
#include "proto/hash.h"

#include <string.h>

enum {
  ITEMS = 64,          /* deliveries in one frame */
  ROWS = 16,           /* read at once */
  HELD_PER_TURN = 256, /* rows looked at before others get their turn */
  EXPIRED_PER_TURN = 64,
  WANT_MAX = 256, /* chunks for one Want */
  CHUNKS_PER_TURN = 16,
  DAMAGE_TOLD_MS = 60000,
};

/* One frame in the making. */
struct load {
  Tg__Delivery *items[ITEMS];
  struct hash ids[ITEMS]; /* leaf hashes of the ids, for the log */
  size_t n, bytes;
  uint64_t weight; /* of flights */
  bool full;
};

/* ---- one delivery

   The docket may give way to another before the frame is sent, so what it holds is copied. */

static ProtobufCBinaryData copy(const struct hub *hub, ProtobufCBinaryData data)
{
  return strict_data(arena_copy(hub->reply, strict_slice(data)));
}

static Tg__BatchProof *proof_copy(const struct hub *hub, const Tg__BatchProof *proof)
{
  Tg__BatchProof *m = arena_alloc(hub->reply, sizeof *m);
  if (!m)
    return NULL;
  *m = *proof;
  m->path = copy(hub, proof->path);
  m->signature = copy(hub, proof->signature);
  return m;
}

static enum tg_err open_portion(struct hub *hub, const struct content *c, struct merkle_tree *tree,
                                unsigned i, Tg__OpenPortion **ret)
{
  struct merkle_path path = {.n = 0};
  Tg__OpenPortion *m = arena_alloc(hub->reply, sizeof *m);
  if (!m)
    return TG_NO_MEMORY;
  tg__open_portion__init(m);
  if (tree)
    merkle_tree_path(tree, i, &path);
  m->portion = copy(hub, strict_data(c->portions[i].bytes));
  m->path = copy(hub, strict_data(merkle_path_slice(&path)));
  if (!(c->portions[i].caveats & CAVEAT_BLIND))
    m->release = copy(hub, strict_data(c->releases[i].bytes));
  *ret = m;
  return TG_OK;
}

static enum tg_err open_portions(struct hub *hub, const struct content *c, uint32_t mask, Tg__Delivery *m)
{
  struct slice bytes[LIMIT_PORTIONS];
  for (size_t i = 0; i < c->portion_count; i++)
    bytes[i] = c->portions[i].bytes;
  m->portions = arena_alloc(hub->reply, LIMIT_PORTIONS * sizeof(Tg__OpenPortion *));
  if (!m->portions)
    return TG_NO_MEMORY;
  if (c->portion_count == 1 && (mask & 1)) /* a tree of one leaf: its path is empty */
    return open_portion(hub, c, NULL, 0, &m->portions[m->n_portions++]);
  struct merkle_tree *tree = portion_tree(bytes, c->portion_count);
  enum tg_err err = tree ? TG_OK : TG_NO_MEMORY;
  for (unsigned i = 0; !err && i < c->portion_count; i++)
    if (mask >> i & 1)
      err = open_portion(hub, c, tree, i, &m->portions[m->n_portions++]);
  merkle_tree_free(tree);
  return err;
}

/* The bodies that came inline go inline, unless they would keep a slow line busy for long; *ret_bytes is what they weigh. */
static enum tg_err inline_bodies(struct hub *hub, const struct session *s, const struct docket *d, const struct store_row *row,
                                 Tg__Delivery *m, uint64_t *ret_bytes)
{
  *ret_bytes = 0;
  m->bodies = arena_alloc(hub->reply, LIMIT_PORTIONS * sizeof(Tg__Body *));
  if (!m->bodies)
    return TG_NO_MEMORY;
  for (unsigned i = 0; i < LIMIT_PORTIONS; i++) {
    struct slice sealed;
    if (!(row->portions >> i & 1) || d->content->portions[i].seal.size > pace_inline(&s->pace, row->rank == 0, LIMIT_FRAME))
      continue;
    enum tg_err err = docket_body(hub, row->leaf, i, hub->reply, &sealed);
    if (err == TG_NOT_FOUND)
      continue; /* a large one: the node asks for its chunks */
    Tg__Body *body = err ? NULL : arena_alloc(hub->reply, sizeof *body);
    if (!body)
      return err ? err : TG_NO_MEMORY;
    tg__body__init(body);
    body->portion = i;
    body->sealed = strict_data(sealed);
    m->bodies[m->n_bodies++] = body;
    *ret_bytes += sealed.n;
  }
  return TG_OK;
}

static enum tg_err opening_of(struct hub *hub, uint64_t leaf, Tg__Delivery *m)
{
  struct opening o;
  enum tg_err err = logbook_opening(hub->log, leaf, hub->reply, &o);
  if (err)
    return err;
  m->entry = strict_data(o.entry);
  m->salt = strict_data(o.salt);
  m->leaf = o.index;
  m->path = strict_data(o.path);
  return TG_OK;
}

static enum tg_err make_delivery(struct hub *hub, const struct session *s, const struct docket *d, const struct store_row *row,
                                 Tg__Delivery **ret, uint64_t *ret_bytes)
{
  Tg__Delivery *m = arena_alloc(hub->reply, sizeof *m);
  if (!m)
    return TG_NO_MEMORY;
  tg__delivery__init(m);
  m->queue = row->leaf + 1;
  m->header = copy(hub, d->content->message->header);
  m->proof = proof_copy(hub, d->content->message->proof);
  m->wrap = strict_data(row->wrap);
  m->wrap_index = row->wrap_index;
  m->wrap_path = strict_data(row->wrap_path);
  enum tg_err err = m->proof ? open_portions(hub, d->content, row->portions, m) : TG_NO_MEMORY;
  if (!err)
    err = inline_bodies(hub, s, d, row, m, ret_bytes);
  if (!err)
    err = opening_of(hub, row->leaf, m);
  if (!err)
    *ret = m;
  return err;
}

/* ---- which rows */

static enum tg_err hold(struct hub *hub, struct session *s, const struct store_row *row,
                        const struct docket *d)
{
  const struct charter *charter = hub_charter(hub);
  struct entry e = {.type = ENTRY_HELD,
                    .subject = d->bulletin.id,
                    .actor = s->party->identity,
                    .number = d->bulletin.number,
                    .charter_version = charter ? charter->version : 1,
                    .policy_set = rules_hash(&hub->rules, hub->now.wall),
                    .reason = d->reason ? d->reason : REASON_POLICY};
  memcpy(e.member, s->code, 2);
  hub->counts.held++;
  enum tg_err err = store_row_hold(hub->store, s->party->no, row->rank, row->leaf, true);
  if (!err)
    err = hub_log(hub, &e, NULL);
  return err ? err : hub_tell(hub, HUB_NOTICE, "bulletin-held", s->party, &d->bulletin.id, row->leaf, NULL);
}

/* Deliveries that may be under way to one node: what is remembered of them has its part of memory, however many sessions there are. */
static uint64_t in_flight_most(const struct hub *hub)
{
  enum { LEAST = 64 };
  const uint64_t room = memory_flights(hub->config.memory) / sizeof(struct flight) / (hub->n_sessions ? hub->n_sessions : 1);
  const uint64_t most = room < LEAST ? LEAST : room;
  return most < hub->config.in_flight_count ? most : hub->config.in_flight_count;
}

/* Would another of these bytes go beyond what may be under way? Something may always be. */
static bool beyond_credit(const struct hub *hub, struct session *s, unsigned rank, uint64_t bytes)
{
  if (!s->credit_count || (s->flight_count && bytes > s->credit_bytes))
    return true;
  if (rank == 0) /* our own limits are there so that a FLASH need not wait */
    return false;
  return s->flight_count >= in_flight_most(hub) ||
         (s->flight_count && s->flight_bytes + bytes > hub->config.in_flight_bytes) || flight_is_full(s, bytes, hub->now.mono);
}

static void spend(struct session *s, uint64_t bytes)
{
  s->credit_count--;
  s->credit_bytes = s->credit_bytes > bytes ? s->credit_bytes - bytes : 0;
}

/* One row that may go: into the load, if it fits. */
static enum tg_err load_row(struct hub *hub, struct session *s, const struct store_row *row,
                            const struct docket *d, struct load *load)
{
  Tg__Delivery *m;
  uint64_t bytes;
  if (beyond_credit(hub, s, row->rank, 0)) { /* whatever its bodies are: not worth making */
    load->full = true;
    return TG_OK;
  }
  enum tg_err err = make_delivery(hub, s, d, row, &m, &bytes);
  if (err)
    return err;
  size_t size = tg__delivery__get_packed_size(m) + REPLY_ITEM;
  if (beyond_credit(hub, s, row->rank, bytes) || (load->n && load->bytes + size > reply_room(hub))) {
    load->full = true;
    return TG_OK;
  }
  spend(s, bytes);
  load->ids[load->n] = merkle_leaf(slice_of(d->bulletin.id.b, 32));
  load->items[load->n++] = m;
  load->bytes += size;
  load->weight += flight_weight(bytes);
  load->full = load->n == ITEMS || load->weight >= flight_share(s) || s->pace.rate; /* on a slow line each goes alone, so that the next may be a more urgent one */
  s->cursor[row->rank] = row->leaf + 1;
  return flight_add(s, row->leaf, row->rank, bytes, hub->now.mono);
}

/* May this row go to the session's node, by all that is in force now? */
static enum tg_err may_go(struct hub *hub, const struct session *s, const struct store_row *row, const struct docket *d, bool *ret)
{
  const struct subject *subject = &d->content->header.subject;
  const struct node *from = directory_node(hub->rules.directory, &subject->originator);
  *ret = docket_permits(d, s->member, row->portions);
  arena_reset(hub->item);
  return *ret && from ? owed_permits(hub, subject, from->member, s->member, s->party, ret) : TG_OK;
}

static enum tg_err consider(struct hub *hub, struct session *s, const struct store_row *row,
                            struct load *load)
{
  const struct docket *d;
  enum tg_err err = TG_OK;
  if (flight_has(s, row->leaf)) {
    s->cursor[row->rank] = row->leaf + 1;
    return TG_OK;
  }
  err = docket_of(hub, row->leaf, &d);
  if (err)
    return err == TG_NOT_FOUND ? TG_DISK : err; /* what is queued is remembered */
  if (d->bulletin.expires <= hub->now.wall) {   /* leaves the queue with the next chores */
    s->cursor[row->rank] = row->leaf + 1;
    return TG_OK;
  }
  bool may;
  err = may_go(hub, s, row, d, &may);
  if (err)
    return err;
  if (may)
    return load_row(hub, s, row, d, load);
  s->cursor[row->rank] = row->leaf + 1;
  return hold(hub, s, row, d);
}

/* Rows of one precedence, oldest first, until the frame is full or there are no more that can be proved. */
static enum tg_err load_rank(struct hub *hub, struct session *s, unsigned rank, struct load *load)
{
  struct store_row row[ROWS];
  for (size_t n = ROWS; n == ROWS && !load->full && s->credit_count;) {
    enum tg_err err = store_rows_next(hub->store, s->party->no, false, rank, s->cursor[rank],
                                      logbook_signed_size(hub->log), hub->reply, ROWS, row, &n);
    for (size_t i = 0; !err && i < n && !load->full && s->credit_count; i++)
      err = consider(hub, s, &row[i], load);
    if (err)
      return err;
  }
  return TG_OK;
}

static enum tg_err send_load(struct hub *hub, struct session *s, struct load *load)
{
  Tg__Deliver m = TG__DELIVER__INIT;
  struct entry e = {.type = ENTRY_FORWARDED,
                    .subject = merkle_root(load->ids, load->n),
                    .actor = s->party->identity,
                    .number = load->n};
  memcpy(e.member, s->code, 2);
  m.items = load->items;
  m.n_items = load->n;
  hub->counts.forwarded += load->n;
  enum tg_err err = hub_log(hub, &e, NULL);
  if (!err)
    err = session_chain(hub, s, &m.checkpoint, &m.consistency);
  return err ? err : session_send(hub, s, FRAME_DELIVER, &m.base);
}

static struct wanted *most_urgent(struct session *s)
{
  struct wanted *best = s->want;
  for (struct wanted *w = s->want; w < s->want + s->want_count; w++)
    if (w->rank < best->rank)
      best = w;
  return best;
}

/* On a slow line, where there is not room for both: is a chunk more urgent than every bulletin that waits? */
static bool chunk_is_due(struct hub *hub, struct session *s)
{
  struct store_row row;
  if (!s->pace.rate || !s->want_count)
    return false;
  const unsigned rank = most_urgent(s)->rank;
  for (unsigned better = 0; better <= rank; better++)
    if (store_row_next(hub->store, s->party->no, false, better, s->cursor[better], logbook_signed_size(hub->log), hub->reply, &row) !=
        TG_NOT_FOUND)
      return false;
  return true;
}

enum tg_err dispatch(struct hub *hub, struct session *s, bool *ret_more)
{
  struct load load = {0};
  *ret_more = false;
  arena_reset(hub->reply);
  if (!session_may_send(hub, s) || chunk_is_due(hub, s))
    return TG_OK;
  for (unsigned rank = 0; !load.full && rank < STORE_RANKS; rank++) {
    enum tg_err err = load_rank(hub, s, rank, &load);
    if (err)
      return err;
  }
  if (load.n == 0) {
    /* Out of credit: receipts bring more. Or all that there is was looked at: new rows say so. */
    if (load.full || !s->credit_count || s->rows_end <= logbook_signed_size(hub->log))
      s->work &= ~(unsigned)WORK_ROWS;
    return TG_OK;
  }
  *ret_more = load.full && !s->pace.rate;
  enum tg_err err = send_load(hub, s, &load);
  if (!err)
    (void)session_may_send(hub, s); /* wakes us when the line is free again */
  return err;
}

enum tg_err dispatch_arriving(struct hub *hub, struct session *s, const Tg__Hello *hello)
{
  for (size_t i = 0; i < hello->n_arriving; i++) {
    const uint64_t leaf = hello->arriving[i] - 1;
    struct store_bulletin b;
    struct store_row row;
    arena_reset(hub->reply);
    enum tg_err err = store_bulletin(hub->store, leaf, &b);
    if (!err)
      err = store_row_next(hub->store, s->party->no, false, b.rank, leaf, leaf + 1, hub->reply, &row);
    if (!err && !flight_has(s, leaf))
      err = flight_add(s, leaf, b.rank, 0, 0);
    if (err && err != TG_NOT_FOUND)
      return err;
  }
  return TG_OK;
}

/* The next held row of this rank: may it go now? TG_NOT_FOUND: there is none. */
static enum tg_err reconsider_row(struct hub *hub, struct session *s, unsigned rank)
{
  struct store_row row;
  const struct docket *d;
  arena_reset(hub->reply);
  enum tg_err err = store_row_next(hub->store, s->party->no, true, rank, s->held_cursor[rank],
                                   UINT64_MAX >> 1, hub->reply, &row);
  if (err)
    return err;
  err = docket_of(hub, row.leaf, &d);
  if (err)
    return err == TG_NOT_FOUND ? TG_DISK : err;
  s->held_cursor[rank] = row.leaf + 1;
  bool may;
  err = may_go(hub, s, &row, d, &may);
  if (err || !may)
    return err;
  if (s->cursor[rank] > row.leaf)
    s->cursor[rank] = row.leaf;
  s->work |= WORK_ROWS;
  return store_row_hold(hub->store, s->party->no, rank, row.leaf, false);
}

enum tg_err dispatch_reconsider(struct hub *hub, struct session *s, bool *ret_more)
{
  *ret_more = false;
  for (unsigned rank = 0, looked = 0; rank < STORE_RANKS; rank++) {
    enum tg_err err = TG_OK;
    while (!err && looked++ < HELD_PER_TURN)
      err = reconsider_row(hub, s, rank);
    if (!err) {
      *ret_more = true; /* the next turn goes on from here */
      return TG_OK;
    }
    if (err != TG_NOT_FOUND)
      return err;
  }
  s->work &= ~(unsigned)WORK_HELD;
  return TG_OK;
}

/* ---- expiry */

static enum tg_err expire(struct hub *hub, uint64_t leaf)
{
  struct store_bulletin b;
  struct store_recipient *list;
  size_t n;
  struct entry e = {.type = ENTRY_EXPIRED};
  arena_reset(hub->item);
  enum tg_err err = store_bulletin(hub->store, leaf, &b);
  if (!err)
    err = store_bulletin_recipients(hub->store, leaf, hub->item, &list, &n);
  for (size_t i = 0; !err && i < n; i++) {
    bool removed;
    err = store_row_remove(hub->store, list[i].node, b.rank, leaf, &removed);
    e.number += !err && removed;
  }
  if (!err)
    err = store_bulletin_drop(hub->store, leaf);
  if (!err)
    err = store_node_key(hub->store, b.originator, &e.actor);
  if (err || e.number == 0)
    return err;
  e.subject = b.id;
  memcpy(e.member, b.member, 2);
  hub->counts.expired++;
  return hub_log(hub, &e, NULL);
}

enum tg_err dispatch_expire(struct hub *hub, bool *ret_more)
{
  *ret_more = false;
  for (unsigned i = 0; i < EXPIRED_PER_TURN; i++) {
    uint64_t leaf;
    enum tg_err err = store_bulletin_expiring(hub->store, hub->now.wall, &leaf);
    if (err)
      return err == TG_NOT_FOUND ? TG_OK : err;
    err = expire(hub, leaf);
    if (err)
      return err;
  }
  *ret_more = true;
  return TG_OK;
}

/* ---- chunks */

/* The row by which this node may have this portion of this bulletin. TG_NOT_FOUND: none, as for what does not
 * exist. */
static enum tg_err row_for(struct hub *hub, struct session *s, const struct hash *id, unsigned portion,
                           struct store_row *ret)
{
  struct store_bulletin b;
  enum tg_err err = store_bulletin_by_id(hub->store, id, &b);
  if (!err)
    err = store_row_next(hub->store, s->party->no, false, b.rank, b.leaf, b.leaf + 1, hub->reply, ret);
  return !err && !(ret->portions >> portion & 1) ? TG_NOT_FOUND : err;
}

enum tg_err dispatch_want(struct hub *hub, struct session *s, const Tg__Want *m)
{
  struct wanted w = {.portion = m->portion, .chunk = m->chunk, .offset = m->offset, .handle = m->handle};
  struct store_row row;
  const struct docket *d;
  if (hash_read(strict_slice(m->bulletin), &w.id))
    return TG_OK;
  arena_reset(hub->reply);
  enum tg_err err = row_for(hub, s, &w.id, w.portion, &row);
  if (!err)
    err = docket_of(hub, row.leaf, &d);
  if (err)
    return err == TG_NOT_FOUND ? TG_OK : err;
  w.leaf = row.leaf;
  w.rank = row.rank;
  w.size = d->content->portions[w.portion].seal.size;
  const uint64_t chunks = body_chunks(w.size);
  if (w.chunk >= chunks || w.offset >= body_chunk_size(w.size, w.chunk) || !docket_permits(d, s->member, row.portions))
    return TG_OK;
  w.left = m->count < WANT_MAX ? m->count : WANT_MAX;
  if (w.left > chunks - w.chunk)
    w.left = chunks - w.chunk;
  size_t at = 0;
  while (at < s->want_count && !(hash_eq(&s->want[at].id, &w.id) && s->want[at].portion == w.portion))
    at++;
  if (at == SESSION_WANTS)
    return TG_OK; /* too many at once: it asks again */
  if (at < s->want_count && !w.offset && w.handle == s->want[at].handle && w.chunk == s->want[at].chunk + s->want[at].left)
    s->want[at].left += w.left; /* goes on where the other ends */
  else
    s->want[at] = w;
  s->want_count += at == s->want_count;
  s->work |= WORK_WANTS;
  return TG_OK;
}

/* Whoever asks again and again: the operator hears of each damaged file once in a while. */
static enum tg_err tell_damage(struct hub *hub, const struct wanted *w)
{
  struct tg_why why = {0};
  if (hub->told_damage && hub->now.mono - hub->told_damage < DAMAGE_TOLD_MS)
    return TG_NOT_FOUND;
  hub->told_damage = hub->now.mono;
  why_set(&why, TG_DISK, NULL, N_("a chunk of this body is not as it was written; its recipients cannot get it"),
          N_("Look at the disk; restore the body's file from a copy, or ask its originator to publish it again"), NULL, NULL, NULL);
  enum tg_err err = hub_tell(hub, HUB_ERROR, "body-damaged", NULL, &w->id, w->chunk, &why);
  return err ? err : TG_NOT_FOUND;
}

/* Out of a file, or of a small body that was not sent along. TG_NOT_FOUND: it is gone, or damaged. */
static enum tg_err read_chunk(struct hub *hub, const struct wanted *w, struct slice *ret)
{
  const size_t size = body_chunk_size(w->size, w->chunk);
  struct slice body;
  enum tg_err err = store_file_chunk(hub->store, &w->id, w->portion, w->chunk, size, hub->reply, ret);
  if (err == TG_CONFLICT)
    return tell_damage(hub, w);
  if (err != TG_NOT_FOUND)
    return err;
  err = store_body(hub->store, w->leaf, w->portion, hub->reply, &body);
  if (err)
    return err;
  const uint64_t at = w->chunk * BODY_SEALED;
  if (body.n < at + size)
    return TG_DISK;
  *ret = slice_of(body.p + at, size);
  return TG_OK;
}

/* The next piece; on a fast line a whole chunk. */
static enum tg_err send_chunk(struct hub *hub, struct session *s, struct wanted *w)
{
  Tg__Chunk m = TG__CHUNK__INIT;
  struct slice sealed;
  arena_reset(hub->reply);
  enum tg_err err = read_chunk(hub, w, &sealed);
  if (err)
    return err;
  const size_t left = sealed.n - w->offset, piece = pace_piece(&s->pace, left);
  if (!(m.handle = w->handle)) {
    m.bulletin = strict_data_of(w->id.b, 32);
    m.portion = w->portion;
  }
  m.chunk = w->chunk;
  m.offset = (uint32_t)w->offset;
  m.sealed = strict_data_of(sealed.p + w->offset, piece);
  w->offset += piece;
  if (piece == left) {
    w->chunk++;
    w->left--;
    w->offset = 0;
  }
  return session_send(hub, s, FRAME_CHUNK, &m.base);
}

enum tg_err dispatch_chunks(struct hub *hub, struct session *s, bool *ret_more)
{
  for (unsigned i = 0; i < CHUNKS_PER_TURN && s->want_count && session_may_send(hub, s); i++) {
    struct wanted *w = most_urgent(s);
    enum tg_err err = send_chunk(hub, s, w);
    if (err && err != TG_NOT_FOUND)
      return err;
    if (err || w->left == 0)
      *w = s->want[--s->want_count];
  }
  *ret_more = s->want_count != 0 && session_may_send(hub, s);
  if (!s->want_count)
    s->work &= ~(unsigned)WORK_WANTS;
  return TG_OK;
}
