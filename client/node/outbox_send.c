/* The outbox towards the hub: submissions by precedence, and the chunks that the hub asks for. */
#include "client/node/outbox_inside.h"

#include "client/node/schema.h"
#include "client/node/talk.h"
#include "client/node/watch.h"
#include "proto/portion.h"

#include <string.h>

enum {
  CHUNKS_PER_TURN = 8,           /* then the queue to the hub is asked again */
  FRAME_SPARE = 28 * 1024,       /* of a Submit: checkpoint and framing; and what the Deliver that carries it on has more */
  ITEMS_MAX = 64,
  WALKED_MAX = 512,
  LINE_BYTES = 4 * LIMIT_FRAME,  /* of rows that may turn out not to go; beyond, those that go are read once more */
};

static bool is_out(const struct outbox *o, uint64_t place)
{
  for (size_t i = 0; i < o->n_out; i++)
    if (o->out[i].place == place)
      return true;
  return false;
}

/* The sealed body of a portion in one piece, if it may travel inside the frame and there is room for it. */
static enum tg_err inline_body(struct node_core *core, const struct hash *id, const struct portion *portion, Tg__Body **ret)
{
  uint64_t sealed;
  enum tg_err err = depot_content_body(core->depot, id, portion->index, &sealed);
  if (err != TG_OK)
    return err;
  Tg__Body *body = arena_alloc(core->arena, sizeof *body);
  uint8_t *bytes = arena_alloc(core->arena, (size_t)portion->seal.size);
  if (!body || !bytes)
    return TG_NO_MEMORY;
  size_t at = 0;
  for (uint64_t i = 0; err == TG_OK && i < portion->seal.chunks; i++) {
    struct slice chunk;
    arena_reset(core->scrap);
    err = depot_chunk(core->depot, sealed, i, core->scrap, &chunk);
    if (err == TG_OK && chunk.n > portion->seal.size - at)
      err = TG_DISK;
    if (err == TG_OK)
      memcpy(bytes + at, chunk.p, chunk.n);
    at += err == TG_OK ? chunk.n : 0;
  }
  if (err != TG_OK)
    return err == TG_NOT_FOUND ? TG_DISK : err;
  tg__body__init(body);
  body->portion = portion->index;
  body->sealed = slice_data(slice_of(bytes, at));
  *ret = body;
  return TG_OK;
}

/* Bodies that are small enough travel along; `room`: how much may be added. */
static enum tg_err add_bodies(struct node_core *core, const struct sent_row *row, Tg__Submission *message, size_t room)
{
  const uint64_t most = talk_inline_body(core, row->precedence);
  message->bodies = arena_alloc(core->arena, message->n_portions * sizeof *message->bodies);
  if (!message->bodies)
    return TG_NO_MEMORY;
  for (size_t i = 0; i < message->n_portions; i++) {
    struct portion portion;
    if (portion_parse(data_slice(message->portions[i]), core->arena, &portion, NULL) != TG_OK)
      return TG_DISK; /* we built it */
    if (portion.seal.size > most || portion.seal.size + 32 > room)
      continue;
    enum tg_err err = inline_body(core, &row->id, &portion, &message->bodies[message->n_bodies]);
    if (err != TG_OK)
      return err;
    message->n_bodies++;
    room -= (size_t)portion.seal.size + 32;
  }
  return TG_OK;
}

/* Bytes under way. A hub that is heard later, be it by a Tick, has not been standing still. */
static size_t bytes_out(const struct node_core *core)
{
  const struct outbox *o = core->outbox;
  size_t n = 0;
  for (size_t i = 0; i < o->n_out; i++)
    n += talk_heard(core) < o->out[i].said + OUTBOX_BYTES_MS ? o->out[i].bytes : 0;
  return n;
}

/* How many more may be under way; *ret_least: and how urgent they must be. The last places and bytes are for FLASH alone. On a slow line none goes
   that is less urgent than the body that is under way. */
static size_t room_for(struct node_core *core, enum precedence *ret_least)
{
  const struct outbox *o = core->outbox;
  const size_t bytes = bytes_out(core);
  const bool full = o->n_out >= OUTBOX_WINDOW - OUTBOX_URGENT || bytes >= OUTBOX_BYTES;
  *ret_least = full ? PRECEDENCE_FLASH : talk_is_slow(core) && o->n_serving ? o->serving[0].precedence : PRECEDENCE_ROUTINE;
  if (talk_is_slow(core) && !o->rests_until)
    return o->n_out < OUTBOX_WINDOW ? 1 : 0;
  if (bytes >= 2 * OUTBOX_BYTES)
    return 0;
  return (full ? (size_t)OUTBOX_WINDOW : (size_t)(OUTBOX_WINDOW - OUTBOX_URGENT)) - o->n_out;
}

static size_t without_those_out(const struct outbox *o, uint64_t *places, size_t n)
{
  size_t kept = 0;
  for (size_t i = 0; i < n; i++)
    if (!is_out(o, places[i]))
      places[kept++] = places[i];
  return kept;
}

/* The spooled rows that come next and are at least as urgent, up to n; highest precedence first, then in order. Where we only look in, those that this hub alone may have. */
static enum tg_err next_rows(struct node_core *core, enum precedence least, uint64_t *ret_places, size_t n, size_t *ret_n)
{
  struct outbox *o = core->outbox;
  if (talk_is_away(core)) {
    *ret_n = without_those_out(o, ret_places, outbox_bound_rows(o, watch_log(core), least, ret_places, n));
    return TG_OK;
  }
  struct db_stmt *s = db_stmt(depot_db(core->depot), "SELECT place FROM sent WHERE state = 0 AND precedence >= ? ORDER BY precedence DESC, number LIMIT ?");
  db_bind_u64(s, 1, least);
  db_bind_u64(s, 2, n + o->n_out + o->n_bound);
  bool row;
  enum tg_err err;
  size_t found = 0;
  while ((err = db_step(s, &row)) == TG_OK && row)
    if (found < n && !is_out(o, db_u64(s, 0)) && outbox_may_go(o, db_u64(s, 0), watch_log(core)))
      ret_places[found++] = db_u64(s, 0);
  *ret_n = found;
  return err;
}

/* The bulletin of ours that this one corrects or recalls, while the hub has not answered it; 0: none. */
static enum tg_err amended(struct node_core *core, const struct subject *subject, uint64_t *ret_place)
{
  *ret_place = 0;
  if (subject->kind != KIND_CORRECTION && subject->kind != KIND_RECALL)
    return TG_OK;
  struct db_stmt *s = db_stmt(depot_db(core->depot), "SELECT place FROM sent WHERE " SCHEMA_SENT("?1") " AND state = 0");
  db_bind_blob(s, 1, hash_slice(&subject->supersedes));
  const enum tg_err err = db_number(s, ret_place);
  return err == TG_NOT_FOUND ? TG_OK : err;
}

/* Rows that were looked at for one Submit: the first of the line of each goes with it, or waits, and so does whatever else leads there. */
struct walked {
  uint64_t place[WALKED_MAX];
  size_t n;
};

static bool was_walked(struct walked *w, uint64_t place)
{
  for (size_t i = 0; i < w->n; i++)
    if (w->place[i] == place)
      return true;
  if (w->n < WALKED_MAX)
    w->place[w->n++] = place;
  return false;
}

/* In the scrap it takes the place of the one before. */
static enum tg_err row_at(struct node_core *core, uint64_t place, struct arena *arena, struct sent_row *ret)
{
  if (arena == core->scrap)
    arena_reset(arena);
  const enum tg_err err = outbox_after(core, place - 1, arena, ret);
  return err == TG_NOT_FOUND ? TG_DISK : err;
}

/* What corrects or recalls a bulletin of ours must not overtake it, whatever its precedence: the hub refuses for good what amends a
   bulletin that it does not know. It goes when the hub has answered the other, which goes in its stead: left where its own
   precedence puts it, it would never go while what waits for it stands before it and is all that there is room for. *ret_goes: it is not under way, nor was it come to before, nor for another
   hub; then *ret is it, in core->arena. */
static enum tg_err first_of_its_line(struct node_core *core, uint64_t place, struct walked *walked, struct sent_row *ret, bool *ret_goes)
{
  struct arena *arena = arena_used(core->arena) < LINE_BYTES ? core->arena : core->scrap;
  enum tg_err err = TG_OK;
  *ret_goes = false;
  for (uint64_t other = place; err == TG_OK && other != 0;) {
    if (is_out(core->outbox, other) || was_walked(walked, other))
      return TG_OK;
    if (other != place)
      arena = core->scrap;
    place = other;
    err = row_at(core, place, arena, ret);
    if (err == TG_OK)
      err = amended(core, &ret->header.subject, &other);
  }
  if (err == TG_OK)
    err = outbox_bind(core, ret, ret_goes);
  return err == TG_OK && *ret_goes && arena != core->arena ? row_at(core, place, core->arena, ret) : err;
}

/* A full hub is offered one bulletin at a time, but every recall: those it takes. */
static bool is_held_back(struct outbox *o, enum kind kind, uint64_t place)
{
  if (!o->rests_until || kind == KIND_RECALL)
    return false;
  if (is_out(o, o->offered))
    return true;
  o->offered = place;
  return false;
}

/* One Submit with as many of the rows as fit, at most `most`; they are at least as urgent as `least`, or go in the stead of one that is.
   *ret_sent: how many. */
static enum tg_err submit(struct node_core *core, const uint64_t *places, size_t n, enum precedence least, size_t most, size_t *ret_sent)
{
  struct outbox *o = core->outbox;
  Tg__Submit frame = TG__SUBMIT__INIT;
  Tg__Submission *items[ITEMS_MAX];
  struct walked walked = {.n = 0};
  const size_t bytes_most = (least == PRECEDENCE_FLASH ? 2 : 1) * (size_t)OUTBOX_BYTES;
  size_t room = talk_max_frame(core) - FRAME_SPARE, sent = 0, bytes = bytes_out(core);
  arena_reset(core->arena);
  for (size_t i = 0; i < n && sent < most; i++) {
    struct sent_row row;
    bool goes = false;
    enum tg_err err = first_of_its_line(core, places[i], &walked, &row, &goes);
    if (err != TG_OK)
      return err;
    if (!goes)
      continue;
    depot_met(core->depot, DEPOT_SENT, &row.id, row.place); /* the hub's answer names the id */
    if (is_held_back(o, row.header.subject.kind, row.place))
      continue;
    Tg__Submission *item = (Tg__Submission *)(uintptr_t)row.message;
    size_t bare = protobuf_c_message_get_packed_size(&item->base) + 16;
    if (bare > room || bytes >= bytes_most)
      break;
    if ((err = add_bodies(core, &row, item, room - bare)) != TG_OK)
      return err;
    const size_t size = protobuf_c_message_get_packed_size(&item->base) + 16;
    room -= size;
    bytes += size;
    items[sent++] = item;
    o->out[o->n_out++] = (struct out){row.place, size, core->now.mono};
  }
  *ret_sent = sent;
  frame.items = items;
  frame.n_items = sent;
  frame.checkpoint = slice_data(talk_note(core));
  return sent ? talk_send(core, FRAME_SUBMIT, &frame.base) : TG_OK;
}

static enum tg_err submit_waiting(struct node_core *core)
{
  struct outbox *o = core->outbox;
  if (o->waiting && core->now.mono < o->rests_until) {
    core_wake_at(core, o->rests_until);
    return TG_OK;
  }
  while (o->waiting && o->n_out < OUTBOX_WINDOW && talk_has_room(core)) {
    uint64_t places[ITEMS_MAX];
    enum precedence least;
    size_t n, room = room_for(core, &least), sent = 0;
    enum tg_err err = next_rows(core, least, places, ITEMS_MAX, &n); /* more than there is room for: some wait for others */
    if (err == TG_OK)
      err = submit(core, places, n, least, room < ITEMS_MAX ? room : ITEMS_MAX, &sent);
    if (err != TG_OK)
      return err;
    if (sent == 0 && !o->rests_until && least == PRECEDENCE_ROUTINE)
      o->waiting = false;
    if (sent == 0)
      break;
  }
  return TG_OK;
}

/* ---- chunks ---- */

/* More of a body that is under way already: it goes on where the other request ends, or begins anew. False: it is not. */
static bool goes_on(struct outbox *o, const struct serving *new)
{
  for (size_t i = 0; i < o->n_serving; i++) {
    struct serving *old = &o->serving[i];
    if (!hash_eq(&old->bulletin, &new->bulletin) || old->portion != new->portion)
      continue;
    if (old->end == new->from && !new->offset && old->handle == new->handle)
      old->end = new->end;
    else
      *old = *new; /* the same precedence: it keeps its place */
    return true;
  }
  return false;
}

enum tg_err outbox_want(struct node_core *core, const Tg__Want *frame)
{
  struct outbox *o = core->outbox;
  struct hash id;
  struct sent_row row;
  uint64_t body, chunks;
  if (hash_read(data_slice(frame->bulletin), &id) != TG_OK)
    return TG_OK;
  enum tg_err err = outbox_row(core, &id, core->arena, &row);
  if (err == TG_OK && row.state != SENT_SPOOLED)
    return TG_OK; /* answered: the hub has it, or will not have it */
  if (err == TG_OK)
    err = depot_content_body(core->depot, &id, frame->portion, &body);
  if (err == TG_OK)
    err = depot_body_chunks(core->depot, body, &chunks);
  if (err != TG_OK)
    return err == TG_NOT_FOUND ? TG_OK : err;
  if (frame->chunk >= chunks || frame->offset >= BODY_SEALED)
    return TG_OK;
  uint64_t count = frame->count < chunks - frame->chunk ? frame->count : chunks - frame->chunk;
  struct serving new = {.bulletin = id, .portion = frame->portion, .body = body, .from = frame->chunk,
                        .next = frame->chunk, .end = frame->chunk + count, .offset = frame->offset, .handle = frame->handle, .precedence = row.precedence};
  if (goes_on(o, &new))
    return TG_OK;
  if (o->n_serving == OUTBOX_SERVING)
    return TG_OK;
  size_t at = o->n_serving++;
  for (; at > 0 && o->serving[at - 1].precedence < new.precedence; at--)
    o->serving[at] = o->serving[at - 1];
  o->serving[at] = new;
  return TG_OK;
}

static enum tg_err send_chunk(struct node_core *core, struct serving *serving)
{
  Tg__Chunk frame = TG__CHUNK__INIT;
  struct slice sealed;
  arena_reset(core->scrap);
  enum tg_err err = depot_chunk(core->depot, serving->body, serving->next, core->scrap, &sealed);
  if (err != TG_OK)
    return err == TG_NOT_FOUND ? TG_DISK : err;
  if (serving->offset >= sealed.n) /* the hub asked for the middle of a shorter chunk */
    serving->offset = 0;
  const size_t left = sealed.n - serving->offset, piece = talk_piece(core, left);
  if (!(frame.handle = serving->handle)) {
    frame.bulletin = slice_data(hash_slice(&serving->bulletin));
    frame.portion = serving->portion;
  }
  frame.chunk = serving->next;
  frame.offset = (uint32_t)serving->offset;
  frame.sealed = slice_data(slice_of(sealed.p + serving->offset, piece));
  serving->offset = piece == left ? 0 : serving->offset + piece;
  serving->next += piece == left;
  core->outbox->chunk = core->now.mono;
  return talk_send(core, FRAME_CHUNK, &frame.base);
}

static enum tg_err send_chunks(struct node_core *core)
{
  struct outbox *o = core->outbox;
  enum tg_err err = TG_OK;
  for (unsigned i = 0; err == TG_OK && o->n_serving && i < CHUNKS_PER_TURN && talk_has_room(core); i++) {
    err = send_chunk(core, &o->serving[0]);
    if (o->serving[0].next < o->serving[0].end)
      continue;
    o->n_serving--;
    for (size_t j = 0; j < o->n_serving; j++)
      o->serving[j] = o->serving[j + 1];
  }
  if (o->n_serving && talk_has_room(core))
    core_wake_now(core);
  return err;
}

enum tg_err outbox_pump(struct node_core *core)
{
  const struct outbox *o = core->outbox;
  const bool goes = talk_has_room(core) && (!talk_is_away(core) || outbox_is_bound(core, watch_log(core)));
  enum tg_err err = goes ? submit_waiting(core) : TG_OK;
  if (err == TG_OK && talk_has_room(core))
    err = send_chunks(core);
  if (o->waiting || o->n_serving)
    talk_wake_when_free(core);
  return err;
}

void outbox_dropped(struct node_core *core, enum frame_type type)
{
  struct outbox *o = core->outbox;
  if (type == FRAME_SUBMIT) { /* which one is not known; what the hub has already it answers again */
    o->n_out = 0;
    o->waiting = true;
  }
  if (type == FRAME_CHUNK)
    for (size_t i = 0; i < o->n_serving; i++)
      o->serving[i].next = o->serving[i].from, o->serving[i].offset = 0;
}
