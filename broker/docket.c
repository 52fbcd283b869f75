#include "broker/docket.h"

#include "broker/passage.h"

#include <stdlib.h>

enum {
  SLOTS = 256,
  SLOT_ARENA = 24 * 1024 * 1024, /* an arena goes between a slot and hub->item: room for any bulletin */
  KEPT = 32 * 1024,              /* a passage that needed more is read back when it is wanted */
  BODY_KEPT = 4 * 1024,
};

/* Slot i holds a bulletin whose leaf is i modulo SLOTS. Arenas are made with their first use. */
struct slot {
  bool used;
  struct arena *arena;
  struct docket docket;
};

struct dockets {
  struct slot slot[SLOTS];
};

struct dockets *dockets_new(void)
{
  return calloc(1, sizeof(struct dockets));
}

void dockets_free(struct dockets *d)
{
  for (size_t i = 0; d && i < SLOTS; i++)
    arena_free(d->slot[i].arena);
  free(d);
}

static enum tg_err load(struct hub *hub, struct slot *slot, uint64_t leaf)
{
  struct slice bytes;
  struct content *content;
  slot->used = false;
  if (!slot->arena)
    slot->arena = arena_new(SLOT_ARENA);
  if (!slot->arena)
    return TG_NO_MEMORY;
  arena_reset(slot->arena);
  slot->docket = (struct docket){0};
  enum tg_err err = store_bulletin(hub->store, leaf, &slot->docket.bulletin);
  if (!err)
    err = store_bulletin_content(hub->store, leaf, slot->arena, &bytes);
  if (!err && bytes.n == 0)
    err = TG_NOT_FOUND;
  if (!err)
    err = content_read(bytes, &slot->docket.bulletin.id, slot->arena, &content);
  if (err)
    return err;
  slot->docket.content = content;
  slot->used = true;
  return TG_OK;
}

/* The same question as when it came, asked of the rules in force now. */
static enum tg_err decide(struct hub *hub, struct docket *d)
{
  const struct content *c = d->content;
  struct policy_request q;
  const struct policy_matter matter = {&c->header, c->portion_count, c->portions, c->releases};
  struct policy_decision decision = {0};
  const struct node *node = directory_node(hub->rules.directory, &c->header.subject.originator);
  d->generation = hub->rules.generation;
  for (size_t i = 0; i < LIMIT_PORTIONS; i++)
    d->permitted[i] = (struct memberset){0};
  d->reason = REASON_NONE;
  if (c->header.subject.kind == KIND_RECALL) {
    for (size_t i = 0; i < c->portion_count; i++)
      d->permitted[i] = (struct memberset){{UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX}};
    return TG_OK;
  }
  if (!node || node->revoked) {
    d->reason = REASON_REVOKED;
    return TG_OK;
  }
  arena_reset(hub->item);
  enum tg_err err = question_build(hub, &matter, hub->item, &q, &d->reason, NULL);
  if (err || d->reason)
    return err;
  err = policy_decide(hub->rules.set, &q, &decision);
  if (err)
    return err == TG_NO_MEMORY ? err : TG_OK;
  for (size_t i = 0; i < c->portion_count; i++)
    d->permitted[i] = decision.portions[i].permitted;
  return TG_OK;
}

/* What a passage decided of it holds as long as the rules do. */
static void permit(struct hub *hub, struct docket *d, const struct passage *p)
{
  d->generation = hub->rules.generation;
  d->reason = REASON_NONE;
  for (size_t i = 0; i < d->content->portion_count; i++)
    d->permitted[i] = p->view.header.subject.kind == KIND_RECALL
                          ? (struct memberset){{UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX}}
                          : p->decision.portions[i].permitted;
}

enum tg_err docket_keep(struct hub *hub, const struct store_bulletin *b, const struct passage *p, struct slice bytes)
{
  struct slot *slot = &hub->dockets->slot[b->leaf % SLOTS];
  struct arena *arena = hub->item;
  if (arena_used(arena) + bytes.n > KEPT)
    return TG_OK;
  if (!slot->arena)
    slot->arena = arena_new(SLOT_ARENA);
  struct content *c = arena_alloc(arena, sizeof *c);
  const Tg__Submission *m = tg__submission__unpack(arena_allocator(arena), bytes.n, bytes.p);
  if (!slot->arena || !c || !m)
    return TG_NO_MEMORY;
  /* Parsed once: only what pointed into the frame now points into what was unpacked again. */
  c->message = m;
  c->header = p->view.header;
  c->header.bytes = strict_slice(m->header);
  c->portion_count = p->view.portion_count;
  for (size_t i = 0; i < c->portion_count; i++) {
    c->portions[i] = p->view.portions[i];
    c->portions[i].bytes = strict_slice(m->portions[i]);
    c->releases[i] = p->view.releases[i];
    c->releases[i].bytes = strict_slice(m->releases[i]);
  }
  slot->docket = (struct docket){.bulletin = *b, .content = c};
  permit(hub, &slot->docket, p);
  for (size_t i = 0; i < c->portion_count; i++)
    if (p->view.bodies[i].n <= BODY_KEPT)
      slot->docket.body[i] = arena_copy(arena, p->view.bodies[i]);
  slot->used = true;
  hub->item = slot->arena;
  slot->arena = arena;
  arena_reset(hub->item);
  return TG_OK;
}

enum tg_err docket_body(struct hub *hub, uint64_t leaf, unsigned portion, struct arena *arena, struct slice *ret)
{
  struct slot *slot = &hub->dockets->slot[leaf % SLOTS];
  const bool ours = slot->used && slot->docket.bulletin.leaf == leaf;
  if (ours && slot->docket.body[portion].n) {
    *ret = arena_copy(arena, slot->docket.body[portion]);
    return ret->p ? TG_OK : TG_NO_MEMORY;
  }
  enum tg_err err = store_body(hub->store, leaf, portion, arena, ret);
  if (!err && ours && ret->n <= BODY_KEPT)
    slot->docket.body[portion] = arena_copy(slot->arena, *ret); /* for the next reader; none without room */
  return err;
}

enum tg_err docket_of(struct hub *hub, uint64_t leaf, const struct docket **ret)
{
  struct slot *slot = &hub->dockets->slot[leaf % SLOTS];
  enum tg_err err = TG_OK;
  bool fresh = !slot->used || slot->docket.bulletin.leaf != leaf;
  if (fresh)
    err = load(hub, slot, leaf);
  if (!err && (fresh || slot->docket.generation != hub->rules.generation))
    err = decide(hub, &slot->docket);
  if (!err)
    *ret = &slot->docket;
  return err;
}

bool docket_permits(const struct docket *d, unsigned member, uint32_t portions)
{
  for (unsigned i = 0; i < LIMIT_PORTIONS; i++)
    if ((portions >> i & 1) && !memberset_has(&d->permitted[i], member))
      return false;
  return true;
}
