/* Bundles: somebody writes one at a node, carries it while lines are cut, has it read at another, and carries the receipts back. On the way
   it may be altered: then nothing of it may count. */
#include "tests/sim/sim.h"

#include <stdlib.h>
#include <string.h>

enum { AGAIN_MS = 300, CARRIED_MS = 3000, RECEIPTS = 256 /* in event.number: beside who wrote it */ };

static struct carrier *carrier_of(struct sim *s, int node)
{
  return &s->node[node].carrier;
}

static const char *name_of(const struct sim *s, int node)
{
  return s->node[node].site.name;
}

/* ---- at the node that writes */

static void writes(struct sim *s, const struct event *e)
{
  const int from = e->node, to = (int)e->number;
  struct carrier *c = carrier_of(s, from);
  Tg__LExport wish = TG__LEXPORT__INIT;
  if (!c->p.welcome || c->does != CARRIER_RESTS || c->bundle.n > 0)
    return;
  c->does = CARRIER_WRITES;
  c->other = to;
  wish.request = c->request = ++c->p.requests;
  wish.to = (ProtobufCBinaryData){2, (uint8_t *)s->kit->member[to].code.code};
  node_site_program(s, from, c->p.client, LOCAL_EXPORT, &wish.base);
}

/* Mostly because there is no line, at the one end or the other. */
void carrier_sets_out(struct sim *s, int from, int to)
{
  if (from == to)
    return;
  if (random_chance(&s->chance, 90))
    network_bar(s, random_chance(&s->chance, 60) ? to : from, sim_between(s, 1000, 2 * CARRIED_MS));
  agenda_post(s, sim_between(s, 100, CARRIED_MS), (struct event){.happens = writes, .node = from, .number = (uint64_t)to}, (struct slice){0});
}

static void brings(struct sim *s, const struct event *e);

static void carries(struct sim *s, int to, uint64_t number, struct slice bundle)
{
  agenda_post(s, sim_between(s, 20, CARRIED_MS), (struct event){.happens = brings, .node = to, .number = number}, bundle);
}

static void written(struct sim *s, int node)
{
  struct carrier *c = carrier_of(s, node);
  c->does = CARRIER_RESTS;
  sim_tell(s, name_of(s, node), "a bundle for %s is written, %zu bytes", name_of(s, c->other), c->bundle.n);
  oracle_bundle(s, node, buf_slice(&c->bundle));
  carries(s, c->other, (uint64_t)node, buf_slice(&c->bundle));
}

/* ---- at the node that reads; bundle: what is on the stick, as it was written */

static void reads(struct sim *s, int node)
{
  struct carrier *c = carrier_of(s, node);
  const uint64_t client = c->p.client;
  Tg__LImport wish = TG__LIMPORT__INIT;
  c->altered = !c->tried && random_chance(&s->chance, 25);
  c->tried = true;
  const size_t at = (size_t)random_below(&s->chance, c->bundle.n);
  const uint8_t bits = c->altered ? (uint8_t)(1 + random_below(&s->chance, 255)) : 0;
  sim_tell(s, name_of(s, node), "reads a bundle of %s%s%s", name_of(s, c->other), c->receipts ? "'s receipts" : "", c->altered ? ", which was ALTERED" : "");
  wish.request = c->request = ++c->p.requests;
  wish.size = c->bundle.n;
  c->does = CARRIER_READS;
  buf_clear(&c->answer);
  node_site_program(s, node, client, LOCAL_IMPORT, &wish.base);
  c->bundle.p[at] ^= bits;
  for (size_t from = 0; from < c->bundle.n && c->p.client == client && c->does == CARRIER_READS; from += LOCAL_DATA) {
    Tg__LData data = TG__LDATA__INIT;
    data.request = wish.request;
    data.data = (ProtobufCBinaryData){c->bundle.n - from < LOCAL_DATA ? c->bundle.n - from : LOCAL_DATA, c->bundle.p + from};
    node_site_program(s, node, client, LOCAL_PUBLISH_DATA, &data.base);
  }
  c->bundle.p[at] ^= bits;
}

static void brings(struct sim *s, const struct event *e)
{
  struct carrier *c = carrier_of(s, e->node);
  if (!c->p.welcome || c->does != CARRIER_RESTS || c->bundle.n > 0) {
    agenda_post(s, AGAIN_MS, *e, slice_of(e->bytes, e->n));
    return;
  }
  buf_put(&c->bundle, e->bytes, e->n);
  c->other = (int)(e->number % RECEIPTS);
  c->receipts = e->number >= RECEIPTS;
  c->tried = false;
  reads(s, e->node);
}

static void over(struct sim *s, int node)
{
  struct carrier *c = carrier_of(s, node);
  c->does = CARRIER_RESTS;
  c->request = 0;
  if (c->answer.n > 0 && !c->altered) {
    oracle_bundle(s, node, buf_slice(&c->answer));
    carries(s, c->other, (uint64_t)node + RECEIPTS, buf_slice(&c->answer));
  }
  buf_clear(&c->bundle);
}

/* ---- what the node says */

void carrier_hears(struct sim *s, int node, enum local_type type, const ProtobufCMessage *m)
{
  struct carrier *c = carrier_of(s, node);
  if (type == LOCAL_WELCOME && c->bundle.n > 0)
    reads(s, node); /* the stick is still there */
  if (type == LOCAL_WELCOME || local_request(m) != c->request)
    return;
  if (c->altered && c->does == CARRIER_READS && type != LOCAL_ERROR)
    sim_fail(s, name_of(s, node), "it takes something in of a bundle that was altered");
  else if (type == LOCAL_CONTENT) {
    const Tg__LContent *piece = (const Tg__LContent *)m;
    buf_put(c->does == CARRIER_WRITES ? &c->bundle : &c->answer, piece->data.data, piece->data.len);
    if (piece->end && c->does == CARRIER_WRITES)
      written(s, node), buf_clear(&c->bundle);
  } else if (type == LOCAL_IMPORTED)
    oracle_imported(s, node, c->other, (const Tg__LImported *)m);
  else if (type == LOCAL_DONE)
    over(s, node);
}

/* Nothing to write is no fault; what is refused must be so for a reason. */
void carrier_refused(struct sim *s, int node, const Tg__LError *m)
{
  struct carrier *c = carrier_of(s, node);
  if (m->request != c->request)
    return;
  const bool reading = c->does == CARRIER_READS, again = c->altered || m->err == TG_BUSY || m->err == TG_NO_MEMORY;
  c->does = CARRIER_RESTS;
  c->request = 0;
  if (!reading) {
    buf_clear(&c->bundle);
    return;
  }
  if (!c->altered)
    oracle_bundle_refused(s, node, c->other, m);
  if (again)
    carries(s, node, (uint64_t)c->other + (c->receipts ? RECEIPTS : 0), buf_slice(&c->bundle));
  buf_clear(&c->bundle);
}

void carrier_leaves(struct sim *s, int node)
{
  struct carrier *c = carrier_of(s, node);
  if (c->does == CARRIER_WRITES)
    buf_clear(&c->bundle);
  c->does = CARRIER_RESTS;
  c->request = 0;
}
