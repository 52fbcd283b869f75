#include "client/node/draft.h"

#include "client/node/arrivals.h"
#include "client/node/record.h"
#include "client/node/seal.h"
#include "client/node/waiting.h"
#include "proto/locked.h"

#include <assert.h>
#include <stdlib.h>

enum { WISH_ARENA = 4 << 20 };

/* Invariants: portions below `current` are sealed; `sealer` is that of `current`, which still lacks `left` bytes; bodies 0..current
   are in the store and belong to nothing but this. */
struct draft {
  struct node_core *core;
  struct arena *arena; /* the wish */
  const Tg__LDraft *wish;
  size_t current;
  uint64_t left;
  struct body_sealer *sealer;
  uint64_t body[LIMIT_PORTIONS], chunks[LIMIT_PORTIONS];
  struct body_seal seal[LIMIT_PORTIONS];
  struct body_key *keys; /* LIMIT_PORTIONS, of `keys_shelf` */
};

static struct locked_shelf keys_shelf = {.size = LIMIT_PORTIONS * sizeof(struct body_key)};

/* A result that is no fault of ours is the wish's verdict. */
static enum tg_err verdict(enum tg_err err, enum tg_err *ret_verdict)
{
  if (core_is_fatal(err))
    return err;
  *ret_verdict = err;
  return TG_OK;
}

enum tg_err draft_preview(struct node_core *core, const Tg__LDraft *wish, struct arena *arena, Tg__LAudience **ret,
                          enum tg_err *ret_verdict, struct tg_why *ret_why)
{
  struct plan *plan = arena_alloc(arena, sizeof *plan);
  if (!plan)
    return TG_NO_MEMORY;
  enum tg_err err = verdict(plan_make(core, wish, NULL, NULL, arena, plan, ret_why), ret_verdict);
  return err == TG_OK && *ret_verdict == TG_OK ? plan_audience(core, plan, arena, ret) : err;
}

/* ---- taking content ---- */

void draft_free(struct draft *d)
{
  if (!d)
    return;
  body_sealer_free(d->sealer);
  locked_give(&keys_shelf, d->keys);
  arena_free(d->arena);
  free(d);
}

enum tg_err draft_abort(struct node_core *core, struct draft **d)
{
  struct draft *draft = *d;
  if (!draft)
    return TG_OK;
  *d = NULL;
  enum tg_err err = core_begin(core);
  for (size_t i = 0; err == TG_OK && i < draft->wish->n_portions && draft->body[i]; i++)
    err = depot_body_drop(core->depot, draft->body[i]);
  core->sweeping = true;
  draft_free(draft);
  return err;
}

static enum tg_err put_chunk(void *context, struct slice sealed)
{
  struct draft *d = context;
  enum tg_err err = core_begin(d->core);
  return err == TG_OK ? depot_chunk_put(d->core->depot, d->body[d->current], d->chunks[d->current]++, sealed) : err;
}

/* Seals every portion that lacks nothing any more, and begins the next. */
static enum tg_err advance(struct draft *d, struct tg_why *why)
{
  enum tg_err err = TG_OK;
  while (err == TG_OK && d->current < d->wish->n_portions && d->left == 0) {
    if (d->sealer) {
      struct body_seal *seal = &d->seal[d->current];
      err = body_sealer_finish(d->sealer, seal, &d->keys[d->current], why);
      if (err != TG_OK)
        return err;
      if (d->wish->portions[d->current]->size > arrivals_content_max(seal->size))
        return why_set(why, TG_TOO_BIG, "content", N_("this content would be compressed so much that nobody may open it"),
                       N_("send it without compression"), NULL, NULL, NULL);
      body_sealer_free(d->sealer);
      d->sealer = NULL;
      if (++d->current == d->wish->n_portions)
        return TG_OK;
    }
    const Tg__LPortionDraft *p = d->wish->portions[d->current];
    struct body_head head = plan_head(p);
    d->left = p->size;
    err = depot_body_new(d->core->depot, &d->body[d->current]);
    if (err == TG_OK)
      err = body_sealer_new((uint32_t)d->current, &head, NULL, put_chunk, d, &d->sealer, why);
  }
  return err;
}

/* The wish outlives the frame it came in. */
static enum tg_err copy_wish(struct draft *d, const Tg__LDraft *wish)
{
  struct buf bytes = buf_new(LOCAL_FRAME);
  uint8_t *room = buf_grow(&bytes, tg__ldraft__get_packed_size(wish));
  if (room) {
    tg__ldraft__pack(wish, room);
    d->wish = tg__ldraft__unpack(arena_allocator(d->arena), bytes.n, bytes.p);
  }
  buf_free(&bytes);
  return d->wish ? TG_OK : TG_NO_MEMORY;
}

/* lasting: the wish must outlive its frame. */
static enum tg_err begin(struct node_core *core, const Tg__LDraft *wish, bool lasting, struct draft **ret, struct tg_why *why)
{
  struct draft *d = calloc(1, sizeof *d);
  if (!d)
    return TG_NO_MEMORY;
  d->core = core;
  d->keys = locked_take(&keys_shelf);
  enum tg_err err = d->keys ? TG_OK : TG_NO_MEMORY;
  if (lasting && err == TG_OK)
    err = (d->arena = arena_new(WISH_ARENA)) ? copy_wish(d, wish) : TG_NO_MEMORY;
  else
    d->wish = wish;
  if (err == TG_OK)
    err = core_begin(core);
  if (err == TG_OK)
    err = advance(d, why);
  if (err == TG_OK) {
    *ret = d;
    return TG_OK;
  }
  if (!d->wish || core_is_fatal(err)) {
    draft_free(d);
    return err;
  }
  enum tg_err gone = draft_abort(core, &d);
  return gone == TG_OK ? err : gone;
}

static enum tg_err no_room(struct tg_why *why)
{
  return why_set(why, TG_QUOTA, NULL, N_("the node's disk is full"), N_("make room, then try again"), NULL, NULL, NULL);
}

enum tg_err draft_begin(struct node_core *core, const Tg__LDraft *wish, struct draft **ret, enum tg_err *ret_verdict,
                        struct tg_why *ret_why)
{
  struct plan *plan = arena_alloc(core->arena, sizeof *plan);
  if (!plan)
    return TG_NO_MEMORY;
  enum tg_err err = core_has_room(core) ? plan_make(core, wish, NULL, NULL, core->arena, plan, ret_why) : no_room(ret_why);
  if (err == TG_OK)
    err = plan_check(core, plan, ret_why);
  if (err == TG_OK && plan->approvals)
    err = waiting_room(core, ret_why);
  if (err == TG_OK)
    err = begin(core, wish, true, ret, ret_why);
  return verdict(err, ret_verdict);
}

static enum tg_err put(struct node_core *core, struct draft *d, uint32_t portion, struct slice content, struct tg_why *why)
{
  if (portion != d->current || content.n > d->left)
    return why_set(why, TG_BAD_INPUT, "content", N_("content comes for another portion, or is more than was announced"), NULL,
                   NULL, NULL, NULL);
  if (!core_has_room(core))
    return no_room(why);
  d->left -= content.n;
  enum tg_err err = body_sealer_put(d->sealer, content, why);
  return err == TG_OK ? advance(d, why) : err;
}

enum tg_err draft_put(struct node_core *core, struct draft *d, uint32_t portion, struct slice content,
                      enum tg_err *ret_verdict, struct tg_why *ret_why)
{
  return verdict(put(core, d, portion, content, ret_why), ret_verdict);
}

/* ---- sealing ---- */

static enum tg_err keep(struct arena *arena, struct buf *b, struct slice *ret)
{
  *ret = arena_copy(arena, buf_slice(b));
  buf_clear(b);
  return ret->n ? TG_OK : TG_NO_MEMORY;
}

static enum tg_err build_portion(struct node_core *core, const struct draft *d, const struct plan *plan, size_t i,
                                 struct seal_parts *parts, struct buf *b, struct tg_why *why)
{
  const struct release_list *list = &plan->list[i];
  enum tg_err err = release_build(list->to, list->n_to, list->except, list->n_except, b, why);
  if (err == TG_OK)
    err = keep(core->arena, b, &parts->releases[i]);
  if (err != TG_OK)
    return err;
  const struct policy_portion *p = &plan->portion[i];
  struct portion_draft portion = {.index = (uint32_t)i,
                                  .level = p->level,
                                  .tlp = p->tlp,
                                  .caveats = plan->wish->portions[i]->caveats,
                                  .label = p->label,
                                  .release_hash = release_hash(parts->releases[i]),
                                  .seal = d->seal[i]};
  err = portion_build(&portion, b, why);
  return err == TG_OK ? keep(core->arena, b, &parts->portions[i]) : err;
}

static enum tg_err build_parts(struct node_core *core, const struct draft *d, struct plan *plan, struct seal_parts *ret,
                               struct tg_why *why)
{
  struct buf b = buf_new(LIMIT_RELEASE);
  enum tg_err err = TG_OK;
  for (size_t i = 0; err == TG_OK && i < plan->portion_count; i++)
    err = build_portion(core, d, plan, i, ret, &b, why);
  if (err == TG_OK) {
    plan->subject.portion_root = portion_root(ret->portions, plan->portion_count);
    err = subject_build(&plan->subject, &b, why);
  }
  if (err == TG_OK)
    err = keep(core->arena, &b, &ret->subject);
  buf_free(&b);
  return err;
}

/* Our own copy: the key of each portion under our storage key. */
static enum tg_err keep_content(struct node_core *core, const struct draft *d, const struct hash *id)
{
  struct buf secret = buf_new(8192);
  enum tg_err err = TG_OK;
  for (size_t i = 0; err == TG_OK && i < d->wish->n_portions; i++) {
    struct body_head head = plan_head(d->wish->portions[i]);
    buf_clear(&secret);
    err = record_secret(&d->keys[i], &head, &secret);
    struct depot_content content = {.body = d->body[i], .secret = buf_slice(&secret)};
    if (err == TG_OK)
      err = depot_content_put(core->depot, id, (unsigned)i, &content);
  }
  buf_free(&secret);
  return err;
}

/* It goes, or waits for those who must approve it. Our own copy goes along. */
static enum tg_err send_or_wait(struct node_core *core, const struct draft *d, struct plan *plan, const struct draft_author *author,
                                struct draft_done *ret, struct tg_why *why)
{
  struct seal_parts parts;
  enum tg_err err = build_parts(core, d, plan, &parts, why);
  if (err != TG_OK)
    return err;
  ret->waits = plan->approvals > 0;
  if (ret->waits) {
    ret->id = subject_hash(parts.subject);
    ret->number = 0;
    err = waiting_add(core, plan, &parts, author, why);
  } else {
    err = seal_bulletin(core, plan, &parts, d->keys, NULL, 0, &ret->id, &ret->number, why);
  }
  return err == TG_OK ? keep_content(core, d, &ret->id) : err;
}

/* What was decided about the draft, with the sizes that its bodies have in truth. */
static enum tg_err decide(struct node_core *core, const struct draft *d, struct plan *plan, struct tg_why *why)
{
  uint64_t sizes[LIMIT_PORTIONS];
  if (d->current < d->wish->n_portions)
    return why_set(why, TG_BAD_INPUT, "content", N_("less content came than was announced"), NULL, NULL, NULL, NULL);
  for (size_t i = 0; i < d->wish->n_portions; i++)
    sizes[i] = d->seal[i].size;
  enum tg_err err = core_begin(core);
  if (err == TG_OK)
    err = plan_make(core, d->wish, sizes, NULL, core->arena, plan, why);
  return err == TG_OK ? plan_check(core, plan, why) : err;
}

/* All is sealed and permitted. The audience is listed before that of its topics becomes the usual one. */
static enum tg_err complete(struct node_core *core, const struct draft *d, struct plan *plan, bool with_audience,
                            const struct draft_author *author, struct draft_done *ret, struct tg_why *why)
{
  struct draft_done done = {.number = 0};
  enum tg_err err = with_audience ? plan_audience(core, plan, core->arena, &done.audience) : TG_OK;
  if (err == TG_OK)
    err = send_or_wait(core, d, plan, author, &done, why);
  if (err == TG_OK)
    *ret = done;
  return err;
}

static enum tg_err finish(struct node_core *core, const struct draft *d, const struct draft_author *author, struct draft_done *ret,
                          struct tg_why *why)
{
  struct plan *plan = arena_alloc(core->arena, sizeof *plan);
  enum tg_err err = plan ? decide(core, d, plan, why) : TG_NO_MEMORY;
  return err == TG_OK ? complete(core, d, plan, true, author, ret, why) : err;
}

enum tg_err draft_finish(struct node_core *core, struct draft **d, const struct draft_author *author, struct draft_done *ret,
                         enum tg_err *ret_verdict, struct tg_why *ret_why)
{
  struct draft *draft = *d;
  *d = NULL;
  enum tg_err err = verdict(finish(core, draft, author, ret, ret_why), ret_verdict);
  if (err == TG_OK && *ret_verdict != TG_OK)
    return draft_abort(core, &draft);
  draft_free(draft);
  return err;
}

/* ---- all at once ---- */

static bool is_compressed(const Tg__LDraft *wish)
{
  for (size_t i = 0; i < wish->n_portions; i++)
    if (wish->portions[i]->compression)
      return true;
  return false;
}

static enum tg_err put_all(struct node_core *core, struct draft *d, const struct slice *contents, struct tg_why *why)
{
  enum tg_err err = TG_OK;
  for (size_t i = 0; err == TG_OK && i < d->wish->n_portions; i++) {
    assert(contents[i].n == d->wish->portions[i]->size);
    if (contents[i].n)
      err = put(core, d, (uint32_t)i, contents[i], why);
  }
  return err;
}

/* Without compression the sealed sizes are known before anything is sealed, so that one decision is enough. */
static enum tg_err publish(struct node_core *core, const Tg__LDraft *wish, const struct slice *contents, bool with_audience,
                           const struct draft_author *author, struct draft **d, struct draft_done *ret, struct tg_why *why)
{
  bool once = !is_compressed(wish);
  struct plan *plan = arena_alloc(core->arena, sizeof *plan);
  if (!plan)
    return TG_NO_MEMORY;
  enum tg_err err = core_has_room(core) ? plan_make(core, wish, NULL, NULL, core->arena, plan, why) : no_room(why);
  if (err == TG_OK)
    err = plan_check(core, plan, why);
  if (err == TG_OK && plan->approvals)
    err = waiting_room(core, why);
  if (err == TG_OK)
    err = begin(core, wish, false, d, why);
  if (err == TG_OK)
    err = put_all(core, *d, contents, why);
  if (err == TG_OK && !once)
    err = decide(core, *d, plan, why);
  for (size_t i = 0; err == TG_OK && i < wish->n_portions; i++)
    if ((*d)->seal[i].size != plan->portion[i].size)
      err = TG_INTERNAL; /* it was decided about something else */
  return err == TG_OK ? complete(core, *d, plan, with_audience, author, ret, why) : err;
}

enum tg_err draft_publish(struct node_core *core, const Tg__LDraft *wish, const struct slice *contents, bool with_audience,
                          const struct draft_author *author, struct draft_done *ret, enum tg_err *ret_verdict, struct tg_why *ret_why)
{
  struct draft *d = NULL;
  enum tg_err err = verdict(publish(core, wish, contents, with_audience, author, &d, ret, ret_why), ret_verdict);
  if (err == TG_OK && *ret_verdict != TG_OK)
    return draft_abort(core, &d);
  draft_free(d);
  return err;
}
