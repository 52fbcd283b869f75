#include "broker/upload.h"

#include "broker/content.h"
#include "broker/sequence.h"
#include "keys/codec.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
  UPLOADS = 64,       /* under way at once; more wait for their turn in the store */
  WINDOW = 16,        /* chunks asked for ahead; again when half of them are outstanding */
  NODE_WINDOW = 32,   /* of one node's bodies together about so many: they wait in the front as all that it says does, and who has too much there is cut */
  STALLED_MS = 10000, /* without a chunk: asked for again */
  TURN_MS = 10 * 60 * 1000, /* in a place while others wait for one: however busy it is, it waits in its turn */
};

/* One body that is coming in. Invariant: have is what the store has; tree is over those chunks. */
struct upload {
  bool used;
  struct hash id;
  unsigned portion;
  struct party *party;
  struct body_seal seal;
  struct merkle_frontier tree;
  uint64_t have, asked; /* chunks; asked for up to here */
  uint32_t handle; /* by which its chunks name it */
  int64_t moved, placed; /* monotonic: the last bytes; when it got its place */
  tg_time until;         /* the bulletin is given up */
  struct buf pieces;    /* of chunk `have`; on slow lines it comes in several */
};

struct uploads {
  struct upload list[UPLOADS];
  bool turned_away; /* somebody found no place */
  uint32_t handles; /* given out since the start, for ever new ones: a chunk that comes late must not be taken for another body's */
};

struct uploads *uploads_new(void)
{
  return calloc(1, sizeof(struct uploads));
}
void uploads_free(struct uploads *u)
{
  for (size_t i = 0; u && i < UPLOADS; i++)
    buf_free(&u->list[i].pieces);
  free(u);
}

/* The place is free for another. */
static void upload_end(struct upload *u)
{
  u->used = false;
  buf_free(&u->pieces);
}

/* ---- the hashing, kept with the chunks */

enum { FACT_NAME = 96 };

static void fact_name(const struct hash *id, unsigned portion, char out[FACT_NAME])
{
  char hex[HASH_TEXT];
  hash_print(id, hex);
  snprintf(out, FACT_NAME, "upload/%s/%u", hex, portion);
}

static enum tg_err tree_keep(struct hub *hub, const struct upload *u)
{
  char name[FACT_NAME];
  uint8_t bytes[8 + sizeof u->tree.node];
  struct buf out = {.p = bytes, .cap = sizeof bytes, .max = sizeof bytes};
  buf_put_u64(&out, u->tree.size);
  for (unsigned level = 0; level < MERKLE_LEVELS; level++)
    if (u->tree.size >> level & 1)
      buf_put(&out, u->tree.node[level].b, 32);
  fact_name(&u->id, u->portion, name);
  return store_fact_put(hub->store, name, buf_slice(&out));
}

static enum tg_err tree_read(struct hub *hub, struct upload *u)
{
  char name[FACT_NAME];
  struct slice bytes;
  fact_name(&u->id, u->portion, name);
  u->tree = (struct merkle_frontier){0};
  enum tg_err err = store_fact(hub->store, name, hub->item, &bytes);
  if (err)
    return err == TG_NOT_FOUND && u->have == 0 ? TG_OK : TG_DISK;
  bool whole = take_u64(&bytes, &u->tree.size);
  for (unsigned level = 0; whole && level < MERKLE_LEVELS; level++) {
    struct slice node;
    if (!(u->tree.size >> level & 1))
      continue;
    whole = take(&bytes, 32, &node);
    if (whole)
      memcpy(u->tree.node[level].b, node.p, 32);
  }
  return whole && u->tree.size == u->have ? TG_OK : TG_DISK;
}

/* ---- those under way */

static struct upload *find(const struct hub *hub, const struct hash *id, unsigned portion)
{
  for (struct upload *u = hub->uploads->list; u < hub->uploads->list + UPLOADS; u++)
    if (u->used && u->portion == portion && hash_eq(&u->id, id))
      return u;
  return NULL;
}

static unsigned places_of(const struct hub *hub, const struct party *party)
{
  unsigned n = 0;
  for (const struct upload *u = hub->uploads->list; u < hub->uploads->list + UPLOADS; u++)
    n += u->used && u->party == party;
  return n;
}

bool upload_is_under_way(const struct hub *hub, const struct party *party)
{
  return places_of(hub, party) > 0;
}

/* A free place; or one that has not moved for long; or one of a node that has two more than this one; or one that was held for long, so
   that many who drip bytes keep nobody out: the store remembers what it held. NULL: all are busy. */
static struct upload *place_for(struct hub *hub, const struct party *party)
{
  struct upload *oldest = hub->uploads->list, *longest = hub->uploads->list, *most = NULL;
  unsigned held = places_of(hub, party) + 1;
  for (struct upload *u = hub->uploads->list; u < hub->uploads->list + UPLOADS; u++) {
    if (!u->used)
      return u;
    if (u->moved < oldest->moved)
      oldest = u;
    if (u->placed < longest->placed)
      longest = u;
    unsigned n = places_of(hub, u->party);
    if (n > held) {
      held = n;
      most = u;
    }
  }
  if (hub->now.mono - oldest->moved > STALLED_MS)
    return oldest;
  return most || hub->now.mono - longest->placed <= TURN_MS ? most : longest;
}

/* Chunks that may be outstanding of a body: all of its node's divide what there is, as soon as those that had more have come so far.
   One may always. */
static uint64_t window(const struct hub *hub, const struct upload *u)
{
  uint64_t n = 0, others = 0;
  for (const struct upload *o = hub->uploads->list; o < hub->uploads->list + UPLOADS; o++)
    if (o->used && o->party == u->party) {
      n++;
      others += o == u ? 0 : o->asked - o->have;
    }
  const uint64_t each = NODE_WINDOW / (n > 2 ? n : NODE_WINDOW / WINDOW), left = NODE_WINDOW > others ? NODE_WINDOW - others : 0;
  const uint64_t most = each < left ? each : left;
  return most > 0 ? most : 1;
}

/* The next chunks, unless enough are on their way. */
static enum tg_err want(struct hub *hub, struct upload *u)
{
  Tg__Want m = TG__WANT__INIT;
  const uint64_t left = u->seal.chunks - u->asked, most = window(hub, u), out = u->asked - u->have, count = most > out ? most - out : 0;
  if (!u->party->session || !left || out > most / 2 || hub->full) /* with room again it is asked for as what did not come */
    return TG_OK;
  m.bulletin = strict_data_of(u->id.b, 32);
  m.portion = u->portion;
  m.chunk = u->asked;
  m.offset = u->asked == u->have ? (uint32_t)u->pieces.n : 0;
  m.count = count < left ? count : left;
  m.handle = u->handle;
  u->asked += m.count;
  return session_send(hub, u->party->session, FRAME_WANT, &m.base);
}

/* The portion's body, as the parked Submission describes it. */
static enum tg_err seal_of(struct hub *hub, const struct store_parked *parked, unsigned portion,
                           bool *ret_missing, struct body_seal *ret)
{
  ProtobufCMessage *message;
  struct portion p;
  enum tg_err err = content_stored(strict_unpack(&limits_submission, parked->item, hub->item, &message, NULL));
  if (err)
    return err;
  const Tg__Submission *m = (const Tg__Submission *)message;
  *ret_missing = portion < m->n_portions;
  for (size_t i = 0; i < m->n_bodies; i++)
    *ret_missing = *ret_missing && m->bodies[i]->portion != portion;
  if (!*ret_missing)
    return TG_OK;
  err = content_stored(portion_parse(strict_slice(m->portions[portion]), hub->item, &p, NULL));
  if (!err)
    *ret = p.seal;
  return err;
}

/* Begins, or goes on from where the store is. *ret is NULL when there is nothing to come, or no place. */
static enum tg_err begin(struct hub *hub, struct party *party, const struct store_parked *parked,
                         unsigned portion, struct upload **ret)
{
  struct upload u = {.used = true, .id = parked->id, .portion = portion, .party = party, .moved = hub->now.mono, .placed = hub->now.mono,
                     .until = parked->until};
  bool missing;
  *ret = NULL;
  enum tg_err err = seal_of(hub, parked, portion, &missing, &u.seal);
  if (!err && missing)
    err = store_file_chunks(hub->store, &u.id, portion, &u.have);
  if (err || !missing || u.have >= u.seal.chunks)
    return err;
  struct upload *place = find(hub, &u.id, portion);
  if (!place)
    place = place_for(hub, party);
  if (!place) {
    hub->uploads->turned_away = true;
    return TG_OK;
  }
  err = tree_read(hub, &u);
  if (err)
    return err;
  u.asked = u.have;
  u.pieces = buf_new(BODY_SEALED);
  if (place->used && place->have == u.have && place->portion == portion && hash_eq(&place->id, &u.id)) { /* it goes on where it was */
    u.pieces = place->pieces;
    u.placed = place->placed;
    u.handle = place->handle;
    place->pieces = (struct buf){0};
  }
  while (!u.handle)
    u.handle = ++hub->uploads->handles;
  upload_end(place);
  *place = u;
  *ret = place;
  return TG_OK;
}

/* again: also what is under way. */
static enum tg_err ask_all(struct hub *hub, struct party *party, const struct store_parked *parked,
                           bool again)
{
  for (unsigned i = 0; i < LIMIT_PORTIONS; i++) {
    struct upload *u = NULL;
    enum tg_err err = again || !find(hub, &parked->id, i) ? begin(hub, party, parked, i, &u) : TG_OK;
    if (!err && u)
      err = want(hub, u);
    if (err)
      return err;
  }
  return TG_OK;
}

enum tg_err upload_ask(struct hub *hub, struct party *party, const struct hash *id)
{
  struct store_parked parked;
  enum tg_err err = store_parked(hub->store, id, hub->item, &parked);
  return err ? err : ask_all(hub, party, &parked, true);
}

static enum tg_err resume(struct hub *hub, struct session *s, bool again)
{
  for (uint64_t place = 0;;) {
    struct store_parked parked;
    arena_reset(hub->item);
    enum tg_err err = store_parked_next(hub->store, s->party->no, place, hub->item, &parked, &place);
    if (err)
      return err == TG_NOT_FOUND ? TG_OK : err;
    if (parked.why == PARKED_FOR_BODIES)
      err = ask_all(hub, s->party, &parked, again);
    if (err)
      return err;
  }
}

enum tg_err upload_resume(struct hub *hub, struct session *s)
{
  return resume(hub, s, true);
}

enum tg_err upload_forget(struct hub *hub, const struct hash *id)
{
  enum tg_err err = TG_OK;
  for (unsigned i = 0; !err && i < LIMIT_PORTIONS; i++) {
    char name[FACT_NAME];
    struct upload *u = find(hub, id, i);
    if (u)
      upload_end(u);
    fact_name(id, i, name);
    err = store_fact_drop(hub->store, name);
  }
  return err;
}

/* Those that found no place try again. */
static enum tg_err let_in(struct hub *hub)
{
  if (!hub->uploads->turned_away)
    return TG_OK;
  enum tg_err err = TG_OK;
  hub->uploads->turned_away = false;
  for (struct session *s = session_first(hub); !err && s; s = s->next)
    err = resume(hub, s, false);
  return err;
}

enum tg_err uploads_tick(struct hub *hub)
{
  for (struct upload *u = hub->uploads->list; u < hub->uploads->list + UPLOADS; u++) {
    if (!u->used || !u->party->session || hub->now.mono - u->moved < STALLED_MS)
      continue;
    u->asked = u->have;
    u->moved = hub->now.mono;
    enum tg_err err = want(hub, u);
    if (err)
      return err;
  }
  return let_in(hub);
}

/* ---- a chunk */

/* The last one has come: is it the body that the portion commits to? Then the bulletin goes on, if it lacks
 * no other. */
static enum tg_err complete(struct hub *hub, struct upload *u)
{
  struct store_parked parked;
  struct hash root = merkle_frontier_root(&u->tree);
  bool good = hash_eq(&root, &u->seal.root);
  struct hash id = u->id;
  enum tg_err err = tree_keep(hub, u);
  upload_end(u); /* the fact goes with the decision */
  if (!err)
    err = store_parked(hub->store, &id, hub->item, &parked);
  if (err)
    return err == TG_NOT_FOUND ? TG_OK : err;
  if (!good)
    err = store_file_remove_all(hub->store, &id);
  return err ? err : sequence_parked(hub, &parked, good ? REASON_NONE : REASON_SEAL);
}

/* The upload that a chunk belongs to, from the store if need be; NULL: none of this session's. */
static enum tg_err upload_of(struct hub *hub, struct session *s, const struct hash *id, unsigned portion,
                             struct upload **ret)
{
  struct store_parked parked;
  *ret = find(hub, id, portion);
  if (*ret)
    return TG_OK;
  enum tg_err err = store_parked(hub->store, id, hub->item, &parked);
  if (err)
    return err == TG_NOT_FOUND ? TG_OK : err;
  if (parked.originator != s->party->no || parked.why != PARKED_FOR_BODIES)
    return TG_OK;
  return begin(hub, s->party, &parked, portion, ret);
}

/* By handle, or by bulletin and portion. */
static enum tg_err upload_named(struct hub *hub, struct session *s, const Tg__Chunk *m, struct upload **ret)
{
  struct hash id;
  *ret = NULL;
  if (!m->handle)
    return hash_read(strict_slice(m->bulletin), &id) ? TG_OK : upload_of(hub, s, &id, m->portion, ret);
  for (struct upload *u = hub->uploads->list; u < hub->uploads->list + UPLOADS && !m->bulletin.len; u++)
    if (u->used && u->handle == m->handle)
      *ret = u;
  return TG_OK;
}

/* A body may take longer than a day to come, on a slow line or by call windows, as long as it comes. */
static enum tg_err wait_on(struct hub *hub, struct upload *u)
{
  if (u->until - hub->now.wall > UPLOAD_WAIT / 2)
    return TG_OK;
  u->until = hub->now.wall + UPLOAD_WAIT;
  return store_parked_wait(hub->store, &u->id, u->until);
}

enum tg_err upload_chunk(struct hub *hub, struct session *s, const Tg__Chunk *m, bool *ret_forged)
{
  struct upload *u;
  *ret_forged = false;
  enum tg_err err = upload_named(hub, s, m, &u);
  if (err || !u || u->party != s->party || m->chunk != u->have || m->offset != u->pieces.n)
    return err; /* not asked for, twice, or out of order: it will be asked for again */
  const size_t size = body_chunk_size(u->seal.size, m->chunk);
  if (m->sealed.len > size - m->offset) {
    *ret_forged = true;
    return TG_OK;
  }
  u->moved = hub->now.mono;
  struct slice chunk = strict_slice(m->sealed);
  if (m->sealed.len < size) {
    buf_put_slice(&u->pieces, chunk);
    if (buf_status(&u->pieces))
      return TG_NO_MEMORY;
    if (u->pieces.n < size)
      return TG_OK;
    chunk = buf_slice(&u->pieces);
  }
  struct hash leaf = merkle_leaf(chunk);
  err = store_file_append(hub->store, &u->id, u->portion, u->have, chunk);
  if (err)
    return err;
  buf_clear(&u->pieces);
  merkle_frontier_append(&u->tree, &leaf, NULL);
  u->have++;
  if (u->have == u->seal.chunks)
    return complete(hub, u);
  err = tree_keep(hub, u);
  if (!err)
    err = wait_on(hub, u);
  if (!err && u->asked < u->have)
    u->asked = u->have;
  return err ? err : want(hub, u);
}
