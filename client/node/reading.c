#include "client/node/reading.h"

#include "client/node/arrivals.h"
#include "client/node/inbox.h"
#include "client/node/outbox.h"
#include "client/node/record.h"
#include "client/node/waiting.h"

#include <sodium.h>
#include <stdlib.h>

enum { HELD_MAX = 4 << 20 }; /* content that one chunk may unfold to before we stop and begin anew */

/* Invariants: out holds content up to position `held`, of which `given` bytes were handed out; `at` is the position of the opener;
   opener NULL: it must begin anew before more comes. */
struct reading {
  struct hash id;
  uint32_t portion;
  uint64_t body;
  struct body_seal seal;
  struct body_opener *opener;
  uint64_t chunk, at;
  uint64_t held, end, size;
  struct buf out;
  size_t given;
  bool full, whole; /* out is full; the opener has said that the body is whole */
  struct body_key *key; /* of what is read as it is sealed: in locked memory; NULL: it is opened here */
  bool first;           /* the piece that was handed out last is the first */
};

void reading_free(struct reading *r)
{
  if (!r)
    return;
  body_opener_free(r->opener);
  buf_free(&r->out);
  sodium_free(r->key);
  free(r);
}

/* ---- beginning ---- */

static enum tg_err gone(struct tg_why *why)
{
  return why_set(why, TG_NOT_FOUND, NULL, N_("its content was erased here: it expired or was taken back"), NULL, NULL, NULL, NULL);
}

/* What we built ourselves says of its portion. */
static enum tg_err seal_of(struct node_core *core, const ProtobufCBinaryData *portions, size_t n, uint32_t portion, struct body_seal *ret)
{
  struct portion p;
  if (portion >= n)
    return TG_NOT_FOUND;
  if (portion_parse(data_slice(portions[portion]), core->arena, &p, NULL) != TG_OK)
    return TG_DISK;
  *ret = p.seal;
  return TG_OK;
}

static enum tg_err find_seal(struct node_core *core, const struct hash *id, uint32_t portion, struct body_seal *ret)
{
  struct inbox_row in;
  struct sent_row out;
  struct waiting_row draft;
  enum tg_err err = inbox_row(core, id, core->arena, &in);
  if (err == TG_OK) {
    for (size_t i = 0; i < in.portion_count; i++)
      if (in.portions[i].index == portion) {
        *ret = in.portions[i].seal;
        return TG_OK;
      }
    return TG_NOT_FOUND;
  }
  if (err == TG_NOT_FOUND && (err = outbox_row(core, id, core->arena, &out)) == TG_OK)
    return seal_of(core, out.message->portions, out.message->n_portions, portion, ret);
  if (err == TG_NOT_FOUND && (err = waiting_row(core, id, core->arena, &draft)) == TG_OK)
    return seal_of(core, draft.record->portions, draft.record->n_portions, portion, ret);
  return err;
}

static enum tg_err start(struct node_core *core, struct reading *r, uint64_t offset, uint64_t count, struct tg_why *why)
{
  struct record_content content;
  enum tg_err err = find_seal(core, &r->id, r->portion, &r->seal);
  if (err == TG_NOT_FOUND)
    return why_set(why, err, NULL, N_("there is no such bulletin or portion here"), NULL, NULL, NULL, NULL);
  if (err == TG_OK)
    err = record_content(core, &r->id, r->portion, core->arena, &content);
  if (err != TG_OK)
    return err == TG_NOT_FOUND ? gone(why) : err;
  sodium_memzero(&content.key, sizeof content.key);
  r->body = content.body;
  r->size = content.head.size;
  if (offset > r->size || count > r->size - offset)
    return why_set(why, TG_BAD_INPUT, "offset", N_("the content is not that long"), NULL, NULL, NULL, NULL);
  r->held = offset;
  r->end = count ? offset + count : r->size;
  return TG_OK;
}

static struct reading *reading_of(const struct hash *id, uint32_t portion)
{
  struct reading *r = calloc(1, sizeof *r);
  if (r) {
    r->id = *id;
    r->portion = portion;
    r->out = buf_new(HELD_MAX);
  }
  return r;
}

/* It could be started, or why not: to whoever asked. Takes r. */
static enum tg_err started(struct reading *r, enum tg_err err, struct reading **ret, enum tg_err *ret_verdict)
{
  if (err == TG_OK)
    *ret = r;
  else
    reading_free(r);
  if (core_is_fatal(err))
    return err;
  *ret_verdict = err;
  return TG_OK;
}

enum tg_err reading_new(struct node_core *core, const struct hash *id, uint32_t portion, uint64_t offset, uint64_t count,
                        struct reading **ret, enum tg_err *ret_verdict, struct tg_why *ret_why)
{
  struct reading *r = reading_of(id, portion);
  return r ? started(r, start(core, r, offset, count, ret_why), ret, ret_verdict) : TG_NO_MEMORY;
}

static enum tg_err start_sealed(struct node_core *core, struct reading *r, struct tg_why *why)
{
  struct record_content content;
  struct waiting_row draft;
  enum tg_err err = waiting_row(core, &r->id, core->arena, &draft);
  if (err == TG_OK && draft.state != WAITING_OPEN)
    err = TG_NOT_FOUND; /* in the words of who may not see it: nobody learns that it is there */
  if (err == TG_OK)
    err = seal_of(core, draft.record->portions, draft.record->n_portions, r->portion, &r->seal);
  if (err == TG_OK)
    err = record_content(core, &r->id, r->portion, core->arena, &content);
  if (err != TG_OK)
    return err == TG_NOT_FOUND
               ? why_set(why, err, NULL, N_("there is no such bulletin or portion here"), NULL, NULL, NULL, NULL)
               : err;
  r->key = sodium_malloc(sizeof *r->key);
  if (r->key)
    *r->key = content.key;
  sodium_memzero(&content.key, sizeof content.key);
  r->body = content.body;
  r->size = r->end = r->seal.size;
  return r->key ? TG_OK : TG_NO_MEMORY;
}

enum tg_err reading_sealed(struct node_core *core, const struct hash *draft, uint32_t portion, struct reading **ret,
                           enum tg_err *ret_verdict, struct tg_why *ret_why)
{
  struct reading *r = reading_of(draft, portion);
  if (!r)
    return TG_NO_MEMORY;
  r->first = true;
  return started(r, start_sealed(core, r, ret_why), ret, ret_verdict);
}

const struct body_key *reading_key(const struct reading *r) { return r->first ? r->key : NULL; }

/* ---- opening ---- */

static enum tg_err take_head(void *context, const struct body_head *head)
{
  (void)context;
  (void)head;
  return TG_OK;
}

/* Keeps what lies between `held` and `end`. When more comes than may be held the opener is stopped, to begin anew later. */
static enum tg_err take_content(void *context, struct slice bytes)
{
  struct reading *r = context;
  uint64_t from = r->at, to = r->at + bytes.n;
  r->at = to;
  if (to > r->end)
    to = r->end;
  if (from < r->held)
    from = r->held;
  if (from >= to)
    return TG_OK;
  if (to - from > HELD_MAX - r->out.n) {
    r->full = true;
    return TG_BUSY;
  }
  buf_put(&r->out, bytes.p + (from - (r->at - bytes.n)), (size_t)(to - from));
  if (buf_status(&r->out) != TG_OK)
    return TG_NO_MEMORY;
  r->held = to;
  return TG_OK;
}

static enum tg_err begin(struct node_core *core, struct reading *r, struct tg_why *why)
{
  struct body_reader reader = {.head = take_head, .content = take_content, .context = r};
  struct record_content content;
  enum tg_err err = record_content(core, &r->id, r->portion, core->scrap, &content);
  if (err != TG_OK)
    return err == TG_NOT_FOUND ? gone(why) : err;
  r->chunk = r->at = 0;
  r->full = false;
  err = body_opener_new(r->portion, &r->seal, &content.key, arrivals_content_max(r->seal.size), &reader, &r->opener, why);
  sodium_memzero(&content.key, sizeof content.key);
  if (err == TG_OK)
    body_opener_proven(r->opener); /* before it was kept; and nobody changes here what is sealed under a key that is locked up */
  return err;
}

/* Who asked for it opens it. */
static enum tg_err step_sealed(struct node_core *core, struct reading *r, struct tg_why *why)
{
  struct slice sealed;
  enum tg_err err = depot_chunk(core->depot, r->body, r->chunk++, core->scrap, &sealed);
  if (err != TG_OK)
    return err == TG_NOT_FOUND ? gone(why) : err;
  buf_put_slice(&r->out, sealed);
  r->held += sealed.n;
  r->whole = r->held == r->end;
  return buf_status(&r->out);
}

static enum tg_err step(struct node_core *core, struct reading *r, struct tg_why *why)
{
  struct slice sealed;
  arena_reset(core->scrap);
  if (r->key)
    return step_sealed(core, r, why);
  if (!r->opener)
    return begin(core, r, why);
  if (r->chunk == r->seal.chunks) {
    enum tg_err err = body_opener_finish(r->opener, why);
    r->whole = err == TG_OK;
    return err;
  }
  enum tg_err err = depot_chunk(core->depot, r->body, r->chunk++, core->scrap, &sealed);
  if (err != TG_OK)
    return err == TG_NOT_FOUND ? gone(why) : err;
  err = body_opener_put(r->opener, sealed, why);
  if (r->full) {
    body_opener_free(r->opener);
    r->opener = NULL;
    return TG_OK;
  }
  return err;
}

/* Has all come that was asked for, and, when that is the end of the content, is the body whole? */
static bool is_complete(const struct reading *r) { return r->held == r->end && (r->whole || r->end < r->size); }

enum tg_err reading_next(struct node_core *core, struct reading *r, struct slice *ret_piece, bool *ret_end,
                         enum tg_err *ret_verdict, struct tg_why *ret_why)
{
  enum tg_err err = TG_OK;
  if (r->given == r->out.n) {
    buf_clear(&r->out);
    r->given = 0;
  }
  while (err == TG_OK && !is_complete(r) && r->out.n - r->given < READING_PIECE && !(r->full && r->out.n > r->given))
    err = step(core, r, ret_why);
  if (err != TG_OK) {
    if (core_is_fatal(err))
      return err;
    *ret_verdict = err;
    return TG_OK;
  }
  size_t left = r->out.n - r->given, n = left < READING_PIECE ? left : READING_PIECE;
  r->first = r->given == 0 && r->held == r->out.n;
  *ret_piece = slice_of(r->out.p + r->given, n);
  r->given += n;
  *ret_end = r->given == r->out.n && is_complete(r);
  *ret_verdict = TG_OK;
  return TG_OK;
}

static enum tg_err read_whole(struct node_core *core, struct reading *r, struct arena *arena, struct slice *ret, struct tg_why *why)
{
  struct record_content content;
  enum tg_err err = record_content(core, &r->id, r->portion, core->scrap, &content);
  if (err != TG_OK)
    return err == TG_NOT_FOUND ? gone(why) : err;
  sodium_memzero(&content.key, sizeof content.key);
  r->body = content.body;
  r->size = r->end = content.head.size;
  if (r->size > READING_PIECE)
    return TG_INTERNAL;
  while (err == TG_OK && !is_complete(r))
    err = step(core, r, why);
  if (err != TG_OK)
    return err;
  *ret = arena_copy(arena, buf_slice(&r->out));
  return r->out.n && !ret->p ? TG_NO_MEMORY : TG_OK;
}

enum tg_err reading_whole(struct node_core *core, const struct hash *id, uint32_t portion, const struct body_seal *seal,
                          struct arena *arena, struct slice *ret, enum tg_err *ret_verdict, struct tg_why *ret_why)
{
  struct reading r = {.id = *id, .portion = portion, .seal = *seal, .out = buf_new(READING_PIECE)};
  arena_reset(core->scrap);
  enum tg_err err = read_whole(core, &r, arena, ret, ret_why);
  body_opener_free(r.opener);
  buf_free(&r.out);
  if (core_is_fatal(err))
    return err;
  *ret_verdict = err;
  return TG_OK;
}
