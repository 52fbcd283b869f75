#include "tests/sim/sim.h"

#include "broker/store_bulletin.h"
#include "proto/frame.h"
#include "proto/header.h"
#include "proto/receipt.h"
#include "proto/session.pb-c.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FORKED_MS = 15000 }; /* so long all may meet a hub that cheats before they are looked at */

void oracle_signed(struct sim *s, int hub, const struct checkpoint *c)
{
  struct log_roots *r = &s->hub[hub].roots;
  if (c->size < r->newest)
    sim_fail(s, "oracle", "the log shrinks from %llu to %llu", (unsigned long long)r->newest,
             (unsigned long long)c->size);
  if (c->size >= r->n) {
    uint64_t n = 2 * c->size + 64;
    r->root = realloc(r->root, n * sizeof *r->root);
    if (!r->root)
      abort();
    memset(&r->root[r->n], 0, (n - r->n) * sizeof *r->root);
    r->n = n;
  }
  if (!hash_is_zero(&r->root[c->size]) && !hash_eq(&r->root[c->size], &c->root))
    sim_fail(s, "oracle", "two checkpoints of size %llu", (unsigned long long)c->size);
  r->root[c->size] = c->root;
  r->newest = c->size > r->newest ? c->size : r->newest;
}

static size_t number_of(const struct sim *s, const struct publication *p)
{
  return (size_t)(p - s->publication);
}

/* Has the hub that the members named last said that it has it, to us or to its originator? */
static bool is_held(const struct sim *s, const struct publication *p)
{
  const struct hub_site *h = &s->hub[s->serving];
  return !h->lost && (oracle_has_logged(s, s->serving, p) || (s->both && oracle_has_logged(s, 1, p)) || (p->accepted && s->serving == 0));
}

/* An id belongs to one publication, and so does a number of its node. */
static void learn_id(struct sim *s, struct publication *p, const struct hash *id)
{
  if (!hash_is_zero(&p->id) && !hash_eq(&p->id, id))
    sim_fail(s, "oracle", "no. %zu has two ids", number_of(s, p));
  for (size_t i = 0; i < s->n_publications; i++)
    if (&s->publication[i] != p && hash_eq(&s->publication[i].id, id))
      sim_fail(s, "oracle", "no. %zu and no. %zu have one id", i, number_of(s, p));
  p->id = *id;
}

void oracle_spooled(struct sim *s, struct publication *p, struct slice id, uint64_t number)
{
  struct hash h;
  p->spooled = true;
  if (hash_read(id, &h) != TG_OK) {
    sim_fail(s, "oracle", "no. %zu has no id", number_of(s, p));
    return;
  }
  learn_id(s, p, &h);
  if (number == 0)
    return;
  if (p->number && p->number != number)
    sim_fail(s, "oracle", "no. %zu has two numbers", number_of(s, p));
  if (s->forked && s->node[p->node].restored)
    return; /* what both forgot nobody can know */
  for (size_t i = 0; i < s->n_publications; i++) {
    const struct publication *other = &s->publication[i];
    if (other == p || other->node != p->node || other->number != number || other->lost)
      continue;
    const bool unheard = other->forgotten && s->told >> p->node & 1 && !is_held(s, other); /* its node forgot it, and goes by a hub that never heard of it */
    if (!unheard)
      sim_fail(s, "oracle", "no. %zu and no. %zu are both the %llu of their node", i, number_of(s, p),
               (unsigned long long)number);
  }
  p->number = number;
}

/* Whose text is it? */
static struct publication *author(struct sim *s, unsigned part, struct slice text)
{
  for (size_t i = 0; i < s->n_publications; i++) {
    struct publication *p = &s->publication[i];
    if (part < p->n_parts && slice_eq(text, slice_of(p->part[part].text, p->part[part].n)))
      return p;
  }
  return NULL;
}

static bool has_stated(const struct node_site *n, size_t from, size_t to, const struct hash *id, bool purged)
{
  for (size_t i = from; i < to; i++)
    if (n->stated[i].purged == purged && hash_eq(&n->stated[i].id, id))
      return true;
  return false;
}

/* Did the node's old copy make it forget that this came, or that it purged it? */
static bool has_forgotten(const struct sim *s, int node, const struct publication *p, bool purged)
{
  const struct node_site *n = &s->node[node];
  return has_stated(n, n->forgot_from, n->forgot_to, &p->id, purged);
}

void oracle_states(struct sim *s, int node, struct slice frame)
{
  struct node_site *n = &s->node[node];
  const struct frame_kind *kind;
  ProtobufCMessage *message;
  struct receipt r;
  if (!(s->plan.faults & PLAN_IMAGE) || frame.n < 2 || frame.p[1] != FRAME_RECEIPTS)
    return;
  arena_reset(s->arena);
  if (frame_decode(frame, FRAME_TO_HUB, s->arena, &kind, &message, NULL) != TG_OK) {
    sim_fail(s, n->site.name, "it sends what is no frame");
    return;
  }
  const Tg__Receipts *m = (const Tg__Receipts *)message;
  for (size_t i = 0; i < m->n_items; i++) {
    if (receipt_parse(slice_of(m->items[i].data, m->items[i].len), s->arena, &r, NULL) != TG_OK)
      sim_fail(s, n->site.name, "it states what is no receipt");
    else if ((r.event == RECEIPT_STORED || r.event == RECEIPT_PURGED) &&
             !has_stated(n, 0, n->n_stated, &r.bulletin, r.event == RECEIPT_PURGED)) {
      if (n->n_stated == sizeof n->stated / sizeof *n->stated) {
        sim_fail(s, n->site.name, "it has more than was published");
        return;
      }
      n->stated[n->n_stated].purged = r.event == RECEIPT_PURGED;
      n->stated[n->n_stated++].id = r.bulletin;
    }
  }
}

void oracle_read(struct sim *s, int node, uint64_t place, const struct hash *id, unsigned part, struct slice text)
{
  const char *name = s->node[node].site.name;
  struct publication *p = author(s, part, text);
  if (!p) {
    sim_fail(s, name, "it shows a text that nobody published: %.*s", (int)(text.n < 60 ? text.n : 60),
             (const char *)text.p);
    return;
  }
  sim_tell(s, name, "reads no. %zu, portion %u, at place %llu", number_of(s, p), part, (unsigned long long)place);
  if (!(p->part[part].permitted >> node & 1))
    sim_fail(s, name, "it reads no. %zu, which it may not have", number_of(s, p));
  if ((p->purged >> node & 1) && !has_forgotten(s, node, p, true))
    sim_fail(s, name, "it reads no. %zu, which it said it had purged", number_of(s, p));
  if (p->place[node] && p->place[node] != place)
    sim_fail(s, name, "no. %zu is shown at place %llu and again at %llu", number_of(s, p),
             (unsigned long long)p->place[node], (unsigned long long)place);
  p->place[node] = place;
  p->part[part].shown |= 1u << node;
  learn_id(s, p, id);
}

static struct publication *with_id(struct sim *s, const struct hash *id)
{
  for (size_t i = 0; i < s->n_publications; i++)
    if (hash_eq(&s->publication[i].id, id))
      return &s->publication[i];
  return NULL;
}

/* ---- a policy that permits less */

bool oracle_is_narrowed(const struct sim *s, const struct publication *p)
{
  return s->narrowing && p->node == SIM_NARROWER && p->topic == 1 && p->kind != KIND_RECALL;
}

/* A recall goes to whom the recalled went; everything else by what is in force. */
void oracle_leaves(struct sim *s, int hub, int node, struct slice frame)
{
  const struct frame_kind *kind;
  ProtobufCMessage *message;
  const char *name = s->hub[hub].site.name;
  if (!s->hub[hub].narrowed || frame.n < 2 || frame.p[1] != FRAME_DELIVER)
    return;
  arena_reset(s->arena);
  if (frame_decode(frame, FRAME_TO_NODE, s->arena, &kind, &message, NULL) != TG_OK) {
    sim_fail(s, name, "it sends what is no frame");
    return;
  }
  const Tg__Deliver *m = (const Tg__Deliver *)message;
  for (size_t i = 0; i < m->n_items; i++) {
    struct hash id = header_id(slice_of(m->items[i]->header.data, m->items[i]->header.len));
    const struct publication *p = with_id(s, &id);
    if (p && oracle_is_narrowed(s, p))
      sim_fail(s, name, "it gives no. %zu to %s, which the policy of %s no longer permits", number_of(s, p), s->node[node].site.name,
               s->node[SIM_NARROWER].site.name);
  }
}

const struct publication *oracle_with_id(struct sim *s, struct slice id)
{
  struct hash h;
  return hash_read(id, &h) == TG_OK ? with_id(s, &h) : NULL;
}

void oracle_refused(struct sim *s, struct slice id)
{
  struct hash h;
  struct publication *p = hash_read(id, &h) == TG_OK ? with_id(s, &h) : NULL;
  if (p)
    p->refused = true;
}

void oracle_heard_accepted(struct sim *s, struct publication *p)
{
  if (!p->accepted)
    p->accepted_by_next = oracle_has_logged(s, 1, p);
  p->accepted = true;
}

void oracle_accepted(struct sim *s, struct slice id)
{
  struct hash h;
  struct publication *p = hash_read(id, &h) == TG_OK ? with_id(s, &h) : NULL;
  if (p)
    oracle_heard_accepted(s, p);
}

void oracle_gone(struct sim *s, int node, const struct hash *id)
{
  const struct publication *p = with_id(s, id);
  if (!p || !p->recalled)
    sim_fail(s, s->node[node].site.name, "what is in the inbox cannot be read, and nobody took it back");
  else
    sim_tell(s, s->node[node].site.name, "no. %zu was taken back", number_of(s, p));
}

void oracle_heard(struct sim *s, struct publication *p, struct slice from, unsigned event)
{
  for (int node = 0; node < SIM_NODES; node++) {
    if (!slice_is(from, s->kit->member[node].code.code) || event != RECEIPT_PURGED)
      continue;
    if (!(p->purged >> node & 1))
      sim_tell(s, s->node[p->node].site.name, "hears that %s purged no. %zu", s->node[node].site.name, number_of(s, p));
    p->purged |= 1u << node;
    if (!p->recalled)
      sim_fail(s, s->node[p->node].site.name, "no. %zu is said to be purged, and nobody took it back", number_of(s, p));
  }
}

/* ---- bundles */

void oracle_bundle(struct sim *s, int node, struct slice bundle)
{
  char mark[SIM_MARK];
  if (memmem(bundle.p, bundle.n, mark, sim_mark(s, mark)))
    sim_fail(s, s->node[node].site.name, "it writes a text into a bundle");
}

/* Has it published something whose id it did not come to tell? */
static bool has_nameless(const struct sim *s, int node)
{
  for (size_t i = 0; i < s->n_publications; i++)
    if (s->publication[i].node == node && hash_is_zero(&s->publication[i].id))
      return true;
  return false;
}

void oracle_imported(struct sim *s, int node, int from, const Tg__LImported *m)
{
  const char *name = s->node[node].site.name;
  struct hash id;
  struct publication *p = hash_read(slice_of(m->bulletin.data, m->bulletin.len), &id) == TG_OK ? with_id(s, &id) : NULL;
  if (!p) {
    s->node[node].took_nameless |= m->outcome != 4;
    if (m->outcome != 3 && !has_nameless(s, m->outcome == 4 ? node : from))
      sim_fail(s, name, "it takes in from a bundle what nobody published");
    return;
  }
  sim_tell(s, name, "no. %zu in the bundle: outcome %u, event %u %.*s", number_of(s, p), m->outcome, m->event, (int)m->what.len, (const char *)m->what.data);
  const bool is_receipt = m->outcome == 4, taken = m->outcome == 1 || m->outcome == 2;
  const int holder = is_receipt ? from : node;
  if (!is_receipt && p->node != from)
    sim_fail(s, name, "no. %zu came in a bundle of %s, who did not write it", number_of(s, p), s->node[from].site.name);
  if (taken && !(p->part[0].permitted >> node & 1))
    sim_fail(s, name, "it takes no. %zu from a bundle, which it may not have", number_of(s, p));
  if (is_receipt && m->event == RECEIPT_STORED && !((p->carried | p->part[0].shown) >> holder & 1) && !s->node[holder].took_nameless)
    sim_fail(s, name, "it is told that %s has no. %zu, which never took it in", s->node[holder].site.name, number_of(s, p));
  if (m->outcome == 3 && !p->recalled && !sim_may_be_refused(s, p))
    sim_fail(s, name, "it declines no. %zu from a bundle: %.*s", number_of(s, p), (int)m->what.len, (const char *)m->what.data);
  /* it may be under way to being checked, and its originator revoked before that */
  p->carried |= taken && !p->disowned && !(s->revoking && p->node == SIM_REVOKED) ? 1u << node : 0;
}

void oracle_bundle_refused(struct sim *s, int node, int from, const Tg__LError *m)
{
  const bool passes = m->err == TG_BUSY || m->err == TG_NO_MEMORY || m->err == TG_QUOTA;
  if (!passes && !s->revoking && !s->clocks_off && !s->forked && !s->replaced.begun)
    sim_fail(s, s->node[node].site.name, "it refuses a bundle of %s: %.*s", s->node[from].site.name, (int)m->what.len, (const char *)m->what.data);
}

/* The next machine knows nothing, and has another key. What the former published stands or not. */
void oracle_replaced(struct sim *s, int node)
{
  struct node_site *n = &s->node[node];
  n->n_stated = n->stated_in_copy = n->forgot_from = n->forgot_to = 0;
  n->restored = n->took_nameless = n->distrusts = false;
  n->looker.fresh = false;
  for (size_t i = 0; i < s->n_publications; i++) {
    struct publication *p = &s->publication[i];
    p->place[node] = 0;
    p->carried &= ~(1u << node);
    p->purged &= ~(1u << node);
    p->disowned |= p->node == node;
    p->lost |= p->disowned;
  }
}

bool oracle_has_logged(const struct sim *s, int hub, const struct publication *p)
{
  const struct hub_site *h = &s->hub[hub];
  for (size_t i = 0; i < h->n_accepted; i++)
    if (hash_eq(&h->accepted[i], &p->id))
      return true;
  return false;
}

/* What it has shown since may be shown again, at another place, or is gone: the hub heard that it has it. What it has spooled since is gone unless
   the hub has it. */
void oracle_restored(struct sim *s, int node)
{
  const uint64_t place = s->node[node].copied_place;
  s->node[node].forgot_from = s->node[node].stated_in_copy;
  s->node[node].forgot_to = s->node[node].n_stated;
  for (size_t i = 0; i < s->n_publications; i++) {
    struct publication *p = &s->publication[i];
    if (p->place[node] > place) {
      p->place[node] = 0;
      p->carried &= ~(1u << node);
      p->purged &= ~(1u << node);
    }
    p->forgotten |= p->node == node && (i >= s->node[node].copied || p->unanswered);
    p->lost |= p->forgotten && !is_held(s, p);
  }
}

void oracle_logged(struct sim *s, int hub, const struct hash *id)
{
  struct hub_site *h = &s->hub[hub];
  if (h->n_accepted == sizeof h->accepted / sizeof *h->accepted)
    sim_fail(s, h->site.name, "it accepts more than was published");
  else
    h->accepted[h->n_accepted++] = *id;
}

/* ---- the end */

/* Its node died before it said whether it keeps the recall: what had not left it may have been taken back, or may still leave it. */
static bool perhaps_taken_back(const struct sim *s, const struct publication *p)
{
  for (size_t i = 0; p->recalled && !p->accepted && i < s->n_publications; i++) {
    const struct publication *recall = &s->publication[i];
    if (recall->target == p && recall->kind == KIND_RECALL && !recall->spooled && !recall->refused)
      return true;
  }
  return false;
}

/* Was it written when all knew of the machine that came in place of a node's, and of the policy that permits more? */
static bool is_late(const struct sim *s, const struct publication *p)
{
  return s->late && number_of(s, p) >= s->late_from;
}

/* Must everything permitted have arrived? What was never answered may have come to nothing, but not to a
 * half. */
static bool is_owed(const struct sim *s, const struct publication *p)
{
  if (is_late(s, p))
    return true;
  if (p->refused || p->disowned || (s->revoking && p->node == SIM_REVOKED) || oracle_is_narrowed(s, p))
    return false;
  return (p->spooled && !p->lost && !perhaps_taken_back(s, p)) || (p->part[0].shown && !(p->lost && (p->carried || s->serving > 0)));
}

/* Who need not read nor answer this: its key was or will be revoked, for all that the bulletin knows; or it was written while not all held the same policy. */
static unsigned cut_off_from(const struct sim *s, const struct publication *p)
{
  unsigned cut_off = s->revoking ? 1u << SIM_REVOKED : 0;
  if (s->replaced.begun && !is_late(s, p))
    cut_off |= 1u << s->replaced.node;
  if (s->wider.begun && p->topic == 2 && !is_late(s, p))
    cut_off |= 1u << SIM_WIDER;
  return cut_off;
}

/* What was taken back need not be seen before it goes. */
static bool has_all(const struct sim *s, const struct publication *p)
{
  unsigned cut_off = cut_off_from(s, p);
  if (is_late(s, p) && (p->part[0].permitted & ~(p->part[0].sealed | cut_off)))
    return false; /* it was not sealed to all who may have it */
  for (int node = 0; node < SIM_NODES; node++)
    cut_off |= has_forgotten(s, node, p, false) ? 1u << node : 0;
  for (size_t i = 0; i < p->n_parts; i++)
    if (p->part[i].sealed && (p->part[i].sealed & ~(p->part[i].shown | cut_off)))
      return p->recalled && !p->kept;
  return true;
}

/* What was taken in from a bundle is shown, also where the hub refused it. */
static bool has_carried(const struct sim *s, const struct publication *p)
{
  unsigned missing = p->carried & ~p->part[0].shown;
  for (int node = 0; node < SIM_NODES; node++)
    missing &= s->node[node].restored ? ~(1u << node) : ~0u;
  return !missing || p->recalled;
}

/* For the revoked node alone and not answered yet: nothing that the run waits for shows whether it has left its originator. */
static bool may_still_wait(const struct sim *s, const struct publication *p)
{
  return !p->accepted && p->part[0].sealed && !(p->part[0].sealed & ~cut_off_from(s, p));
}

/* Its readers have it from a stick, and their answers too: nothing else that the run waits for shows whether the hub has it. */
static bool waits_behind_stick(const struct sim *s, const struct publication *p)
{
  return p->carried && !p->accepted && is_owed(s, p) && !may_still_wait(s, p) && !p->forgotten;
}

/* It is held, or takes back what was. */
static bool concerns_narrowed(const struct sim *s, const struct publication *p)
{
  return oracle_is_narrowed(s, p) || (p->target && oracle_is_narrowed(s, p->target));
}

/* The one that stood for a lost hub cannot have what was taken back: its originator has erased it. */
static bool need_not_be_held(const struct sim *s, const struct publication *p)
{
  return s->serving > 0 && p->recalled && !p->kept;
}

/* Everybody may have it, since the hub that was lost had it. The other may have died before it said that it has it, too. */
static bool is_brought(const struct sim *s, const struct publication *p)
{
  const struct hub_site *h = &s->hub[s->serving];
  struct store_bulletin found;
  if (s->serving == 0 || !is_owed(s, p) || may_still_wait(s, p) || need_not_be_held(s, p) || oracle_has_logged(s, s->serving, p))
    return true;
  return site_alive(&h->site) && store_bulletin_by_id(hub_store(h->hub), &p->id, &found) == TG_OK && found.accepted;
}

bool oracle_settled(const struct sim *s)
{
  if (s->forked)
    return s->mono > s->storm + FORKED_MS && oracle_uncovered(s);
  if (!succession_is_over(s) || !pairing_is_over(s) || !replacement_is_over(s) || !widening_is_over(s))
    return false;
  size_t sent[SIM_NODES] = {0}, taken_back[SIM_NODES] = {0};
  bool unsure[SIM_NODES] = {false}; /* of a recall that its node died of: nobody who was given nothing shows it */
  /* What was spooled and never answered is known by its being read; unless it was refused, or is for the revoked. */
  const bool exact = !s->revoking && !s->clocks_off && !s->narrowing && !s->replaced.begun && !s->wider.begun;
  for (size_t i = 0; i < s->n_publications; i++) {
    const struct publication *p = &s->publication[i];
    if ((is_owed(s, p) && !has_all(s, p)) || !has_carried(s, p) || waits_behind_stick(s, p) || !is_brought(s, p))
      return false;
    /* the hub delivers it no more: some may never answer */
    taken_back[p->node] += (p->recalled && !p->kept) || (p->part[0].permitted & cut_off_from(s, p)) || concerns_narrowed(s, p);
    unsure[p->node] |= perhaps_taken_back(s, p);
    sent[p->node] += is_owed(s, p) || (p->refused && p->spooled && !p->disowned);
  }
  for (int i = 0; i < SIM_NODES; i++) {
    const struct looker *l = &s->node[i].looker;
    if ((s->revoking && i == SIM_REVOKED) || s->node[i].restored) /* receipts that were confirmed do not come again */
      continue;
    if (!l->fresh || (l->last_unsettled > 0 && l->last_unsettled > oracle_unsettled(s, i)) || l->last_open > taken_back[i])
      return false;
    if (l->last_items < sent[i] || (exact && !unsure[i] && l->last_items != sent[i]))
      return false;
  }
  return true;
}

void oracle_explain(struct sim *s)
{
  if (!succession_is_over(s))
    sim_tell(s, "oracle", "the hub was not followed by another");
  for (size_t i = 0; i < s->n_publications; i++) {
    const struct publication *p = &s->publication[i];
    if (is_owed(s, p) && !has_all(s, p))
      sim_tell(s, "oracle", "no. %zu of %s: sealed to %x, arrived %x, %s", i, s->node[p->node].site.name,
               p->part[0].sealed, p->part[0].shown,
               p->accepted  ? "accepted"
               : p->spooled ? "spooled"
                            : "never answered");
    if (!is_brought(s, p))
      sim_tell(s, "oracle", "no. %zu of %s was not brought to the new hub", i, s->node[p->node].site.name);
    if (!has_carried(s, p))
      sim_tell(s, "oracle", "no. %zu of %s: carried to %x, arrived %x", i, s->node[p->node].site.name, p->carried, p->part[0].shown);
    if (waits_behind_stick(s, p))
      sim_tell(s, "oracle", "no. %zu of %s was carried, and did not go to the hub since", i, s->node[p->node].site.name);
  }
  for (int i = 0; i < SIM_NODES; i++)
    sim_tell(s, "oracle", "%s says that it sent %zu, %zu of them not delivered to all, %zu delivered and not settled", s->node[i].site.name,
             s->node[i].looker.last_items, s->node[i].looker.last_open, s->node[i].looker.last_unsettled);
}

/* What is on a hub's disk, when nobody uses it. */
static struct store *open_store(struct sim *s, int hub)
{
  const struct store_options options = {.database = "hub.db", .bodies = s->hub[hub].bodies, .vfs = disk_vfs(s->hub[hub].site.disk)};
  struct store *store = NULL;
  uint64_t size = 0;
  if (store_open(&options, &store, NULL) != TG_OK || store_log_size(store, &size) != TG_OK) {
    sim_fail(s, "oracle", "the hub's store cannot be read");
    store_close(&store);
    return NULL;
  }
  if (size < s->hub[hub].roots.newest)
    sim_fail(s, "oracle", "%llu leaves were signed, %llu are there", (unsigned long long)s->hub[hub].roots.newest,
             (unsigned long long)size);
  oracle_ledger(s, hub, store, size);
  return store;
}

static void close_store(struct sim *s, int hub, struct store *store)
{
  char of_texts[SIM_MARK]; /* what stands in each: one search for all */
  if (disk_contains(s->hub[hub].site.disk, of_texts, sim_mark(s, of_texts)))
    sim_fail(s, "oracle", "the hub's disk holds a text");
  disk_cut(s->hub[hub].site.disk); /* nobody wants it tidied up */
  store_close(&store);
}

/* Of what its node forgot nothing was left but what the hub had. */
void oracle_hub_lost(struct sim *s, int hub)
{
  struct store *store = open_store(s, hub);
  if (store)
    close_store(s, hub, store);
  for (size_t i = 0; i < s->n_publications; i++)
    s->publication[i].lost |= s->publication[i].forgotten && !is_held(s, &s->publication[i]);
}

/* What is in the stores of those that serve when everybody is gone. */
void oracle_inspect(struct sim *s)
{
  bool found[SIM_PUBLICATIONS] = {false};
  for (int hub = 0; hub < SIM_HUBS; hub++) {
    struct store *store = sim_is_named(s, hub) ? open_store(s, hub) : NULL;
    struct store_bulletin b;
    for (size_t i = 0; store && i < s->n_publications; i++)
      found[i] |= store_bulletin_by_id(store, &s->publication[i].id, &b) == TG_OK && b.accepted;
    if (store)
      close_store(s, hub, store);
  }
  for (size_t i = 0; i < s->n_publications; i++) {
    const struct publication *p = &s->publication[i];
    if (!found[i] && is_owed(s, p) && !may_still_wait(s, p) && !need_not_be_held(s, p))
      sim_fail(s, "oracle", "no. %zu was %s, and is not in the log of a hub", i, p->accepted ? "accepted" : "spooled");
    if (s->both && p->accepted && !p->logs)
      sim_fail(s, "oracle", "no. %zu was said to be accepted, and no log says so", i);
  }
}
