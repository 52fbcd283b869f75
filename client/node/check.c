#include "client/node/check.h"

#include "client/node/arrivals.h"
#include "client/node/record.h"

#include <stdlib.h>

/* Invariants: portions below `at` are good or `unreadable` is set. Of the portion at hand either the opener is set, which also proves
   that the body is the one committed to, or, once something cannot be opened, the tally, which proves just that; neither: it has
   not begun. */
struct check {
  const struct judged *judged;
  struct check_bodies bodies;
  size_t at;
  uint64_t chunk;
  struct body_opener *opener;
  struct body_tally *tally;
  struct buf secret[LIMIT_PORTIONS];
  bool unreadable;
  struct tg_why why; /* of it */
};

struct check *check_new(const struct judged *judged, const struct check_bodies *bodies)
{
  struct check *c = calloc(1, sizeof *c);
  if (!c)
    return NULL;
  c->judged = judged;
  c->bodies = *bodies;
  for (size_t i = 0; i < LIMIT_PORTIONS; i++)
    c->secret[i] = buf_new(8192);
  return c;
}

void check_free(struct check *c)
{
  if (!c)
    return;
  body_opener_free(c->opener);
  body_tally_free(c->tally);
  for (size_t i = 0; i < LIMIT_PORTIONS; i++)
    buf_free(&c->secret[i]);
  free(c);
}

struct depot_content check_content(const struct check *c, size_t i)
{
  return (struct depot_content){.body = c->bodies.body[i], .secret = buf_slice(&c->secret[i])};
}

static const struct portion *portion_at(const struct check *c) { return &c->judged->delivery.portions[c->at]; }

/* ---- where opened content goes: the head is kept, the rest is only looked at ---- */

static enum tg_err take_head(void *context, const struct body_head *head)
{
  struct check *c = context;
  return record_secret(&c->judged->content.keys[portion_at(c)->index], head, &c->secret[c->at]);
}

static enum tg_err take_content(void *context, struct slice bytes)
{
  (void)context;
  (void)bytes;
  return TG_OK;
}

/* ---- steps ---- */

static enum tg_err begin_tally(struct check *c)
{
  const struct portion *p = portion_at(c);
  c->chunk = 0;
  c->tally = body_tally_new(&p->seal.root, p->seal.size);
  return c->tally ? TG_OK : TG_NO_MEMORY;
}

/* Nothing is opened any more; the chunks are measured from the first on, to know whose fault it is. */
static enum tg_err give_up(struct check *c, enum tg_err err, const struct tg_why *why)
{
  if (core_is_fatal(err))
    return err;
  c->unreadable = true;
  c->why = *why;
  body_opener_free(c->opener);
  c->opener = NULL;
  return begin_tally(c);
}

static enum tg_err begin(struct check *c)
{
  const struct portion *p = portion_at(c);
  struct body_reader reader = {.head = take_head, .content = take_content, .context = c};
  struct tg_why why = {0};
  if (c->unreadable)
    return begin_tally(c);
  c->chunk = 0;
  enum tg_err err = body_opener_new(p->index, &p->seal, &c->judged->content.keys[p->index],
                                    arrivals_content_max(p->seal.size), &reader, &c->opener, &why);
  if (err == TG_OK && c->bodies.measured >> p->index & 1)
    body_opener_proven(c->opener);
  return err == TG_OK ? TG_OK : give_up(c, err, &why);
}

/* What came along is in the message still. */
static enum tg_err next_chunk(struct node_core *core, struct check *c, struct slice *ret)
{
  const struct portion *p = portion_at(c);
  const uint64_t chunk = c->chunk++;
  if (c->bodies.measured >> p->index & 1) {
    struct slice left = c->judged->delivery.bodies[p->index], before;
    return take(&left, (size_t)chunk * BODY_SEALED, &before) && take(&left, body_chunk_size(p->seal.size, chunk), ret) ? TG_OK : TG_INTERNAL;
  }
  arena_reset(core->scrap);
  return depot_chunk(core->depot, c->bodies.body[c->at], chunk, core->scrap, ret);
}

static enum tg_err one_chunk(struct node_core *core, struct check *c, enum check_result *ret)
{
  struct slice sealed;
  struct tg_why why = {0};
  enum tg_err err = next_chunk(core, c, &sealed);
  if (err != TG_OK)
    return err == TG_NOT_FOUND ? TG_DISK : err;
  if (c->tally && body_tally_put(c->tally, sealed, NULL) != TG_OK)
    *ret = CHECK_ALTERED;
  if (c->tally)
    return TG_OK;
  err = body_opener_put(c->opener, sealed, &why);
  return err == TG_OK ? TG_OK : give_up(c, err, &why);
}

static enum tg_err end(struct check *c, enum check_result *ret)
{
  struct tg_why why = {0};
  enum tg_err err = c->opener ? body_opener_finish(c->opener, &why) : TG_OK;
  if (err != TG_OK)
    return give_up(c, err, &why);
  if (c->tally && body_tally_finish(c->tally, NULL) != TG_OK)
    *ret = CHECK_ALTERED;
  body_opener_free(c->opener);
  body_tally_free(c->tally);
  c->opener = NULL;
  c->tally = NULL;
  c->at++;
  return TG_OK;
}

enum tg_err check_step(struct node_core *core, struct check *c, unsigned chunks, enum check_result *ret, struct tg_why *ret_why)
{
  enum tg_err err = TG_OK;
  *ret = CHECK_MORE;
  while (err == TG_OK && *ret == CHECK_MORE && c->at < c->judged->delivery.portion_count) {
    if (!c->tally && !c->opener)
      err = begin(c);
    else if (c->chunk == portion_at(c)->seal.chunks)
      err = end(c, ret);
    else if (chunks-- == 0)
      return TG_OK;
    else
      err = one_chunk(core, c, ret);
  }
  if (err != TG_OK || *ret != CHECK_MORE)
    return err;
  *ret = c->unreadable ? CHECK_UNREADABLE : CHECK_GOOD;
  if (c->unreadable)
    *ret_why = c->why;
  return TG_OK;
}
