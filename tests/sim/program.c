/* Three programs at each node: one follows the inbox and reads everything, one publishes, one looks after
   what became of it; and a fourth writes and reads bundles (carrier.c), where a seed has them. They live as long as the simulation; their connections as long as the node's process. A
   program keeps what it has done, as a good one would. */
#include "tests/sim/sim.h"

#include "keys/codec.h"
#include "proto/subject.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PUBLISH = 10, TRACK = 1000000, PROVE = 2000000, DONE_ALL = 2 /* LFilter.folder: sent */ };

static ProtobufCBinaryData data_of(const void *p, size_t n)
{
  return (ProtobufCBinaryData){n, n ? (uint8_t *)(uintptr_t)p : NULL};
}
static struct slice slice_of_data(ProtobufCBinaryData d)
{
  return slice_of(d.data, d.len);
}

/* ---- connections; event.number says which program */

static uint64_t programs(const struct sim *s)
{
  return s->plan.faults & PLAN_CARRY ? 4 : 3;
}

static struct program *program_at(struct sim *s, int node, uint64_t which)
{
  struct node_site *n = &s->node[node];
  return which == 0 ? &n->reader.p : which == 1 ? &n->writer.p : which == 2 ? &n->looker.p : &n->carrier.p;
}

static void joins(struct sim *s, const struct event *e)
{
  Tg__LHello hello = TG__LHELLO__INIT;
  struct program *p = program_at(s, e->node, e->number);
  if (!site_hears(&s->node[e->node].site, e))
    return;
  *p = (struct program){.client = ++s->clients};
  node_site_joined(s, e->node, p->client);
  hello.request = p->requests = 1;
  hello.protocol = LOCAL_PROTOCOL;
  hello.program = data_of("sim", 3);
  node_site_program(s, e->node, p->client, LOCAL_HELLO, &hello.base);
}

static void join(struct sim *s, int node, uint64_t which, int64_t delay)
{
  agenda_post(
      s, delay,
      (struct event){.happens = joins, .node = node, .life = s->node[node].site.life, .number = which},
      (struct slice){0});
}

static void leave(struct sim *s, int node, uint64_t which)
{
  struct node_site *n = &s->node[node];
  *program_at(s, node, which) = (struct program){0};
  if (which == 0) {
    n->reader.n_shown = n->reader.next = 0;
    n->reader.follow = n->reader.reading = 0;
    buf_clear(&n->reader.text);
  }
  if (which == 2)
    n->looker.request = n->looker.proves = 0;
  if (which == 3)
    carrier_leaves(s, node);
}

void program_node_up(struct sim *s, int node)
{
  for (uint64_t which = 0; which < programs(s); which++)
    join(s, node, which, sim_between(s, 1, 200));
}

void program_node_down(struct sim *s, int node)
{
  for (uint64_t which = 0; which < programs(s); which++)
    leave(s, node, which);
}

void program_closed(struct sim *s, int node, uint64_t client)
{
  for (uint64_t which = 0; which < programs(s); which++)
    if (program_at(s, node, which)->client == client) {
      leave(s, node, which);
      join(s, node, which, sim_between(s, 50, 500));
    }
}

/* ---- reading */

static void follow(struct sim *s, int node)
{
  struct reader *r = &s->node[node].reader;
  Tg__LFollow wish = TG__LFOLLOW__INIT;
  Tg__LFilter filter = TG__LFILTER__INIT;
  filter.folder = 1;
  filter.after = r->place;
  wish.filter = &filter;
  wish.request = r->follow = ++r->p.requests;
  r->at = r->place;
  node_site_program(s, node, r->p.client, LOCAL_FOLLOW, &wish.base);
}

static unsigned part_under_way(const struct reader *r)
{
  return (unsigned)__builtin_ctz(r->shown[r->next].parts);
}

static void read_next(struct sim *s, int node)
{
  struct reader *r = &s->node[node].reader;
  Tg__LRead wish = TG__LREAD__INIT;
  if (r->reading || r->next == r->n_shown)
    return;
  buf_clear(&r->text);
  wish.request = r->reading = ++r->p.requests;
  wish.bulletin = data_of(r->shown[r->next].id.b, 32);
  wish.portion = part_under_way(r);
  wish.mark = true;
  node_site_program(s, node, r->p.client, LOCAL_READ, &wish.base);
}

static void shown(struct sim *s, int node, const Tg__LItem *item)
{
  struct reader *r = &s->node[node].reader;
  const char *name = s->node[node].site.name;
  size_t room = sizeof r->shown / sizeof *r->shown;
  if (item->place <= r->at)
    sim_fail(s, name, "place %llu is shown after place %llu", (unsigned long long)item->place,
             (unsigned long long)r->at);
  else if (r->n_shown == room || item->bulletin.len != 32)
    sim_fail(s, name, "more is shown than was published");
  else if (item->n_portions < 1 || item->n_portions > SIM_PARTS)
    sim_fail(s, name, "what is shown has %zu portions", item->n_portions);
  const struct publication *p = oracle_with_id(s, slice_of_data(item->bulletin));
  if (p && item->settled)
    oracle_settles(s, node, p);
  if (s->failed)
    return;
  r->at = item->place;
  r->shown[r->n_shown].place = item->place;
  r->shown[r->n_shown].parts = 0;
  for (size_t i = 0; i < item->n_portions; i++)
    r->shown[r->n_shown].parts |= 1u << (item->portions[i]->index % SIM_PARTS);
  memcpy(r->shown[r->n_shown++].id.b, item->bulletin.data, 32);
  read_next(s, node);
}

/* The bulletin at hand was read, or is gone. */
static void done_with(struct sim *s, int node)
{
  struct reader *r = &s->node[node].reader;
  const struct hash id = r->shown[r->next].id;
  r->place = r->shown[r->next].place;
  r->next++; /* before anything is asked: the node may die of it, and the reader begins anew */
  if (random_chance(&s->chance, 30)) {
    Tg__LAck ack = TG__LACK__INIT;
    ack.request = ++r->p.requests;
    ack.bulletin = data_of(id.b, 32);
    node_site_program(s, node, r->p.client, LOCAL_ACK, &ack.base);
  }
}

static void content(struct sim *s, int node, const Tg__LContent *piece)
{
  struct reader *r = &s->node[node].reader;
  if (piece->request != r->reading)
    return;
  buf_put_slice(&r->text, slice_of_data(piece->data));
  if (!piece->end)
    return;
  unsigned part = part_under_way(r);
  oracle_read(s, node, r->shown[r->next].place, &r->shown[r->next].id, part, buf_slice(&r->text));
  r->reading = 0;
  r->shown[r->next].parts &= ~(1u << part);
  if (r->shown[r->next].parts == 0)
    done_with(s, node);
  read_next(s, node);
}

static void cannot_read(struct sim *s, int node, const Tg__LError *m)
{
  struct reader *r = &s->node[node].reader;
  if (m->err != TG_NOT_FOUND)
    sim_fail(s, s->node[node].site.name, "what is in the inbox cannot be read: %.*s", (int)m->what.len,
             (const char *)m->what.data);
  oracle_gone(s, node, &r->shown[r->next].id);
  r->reading = 0;
  done_with(s, node);
  read_next(s, node);
}

/* ---- publishing; the request's number tells the publication */

static const char *const TOPICS[] = {"alert.attack", "report.trade", "political.note"};

/* The policies of sim.c, said once more by hand. */
static bool may(const struct sim *s, int from, int to, size_t topic)
{
  if (to == SIM_WIDER && topic == 2 && !widening_may_hold(s))
    return false;                                            /* BF takes in nothing political */
  return from != 2 || topic == 0 || (topic == 1 && to == 0); /* NE tells alerts to all, reports to ML only */
}

static size_t length(struct sim *s)
{
  size_t most = random_chance(&s->chance, 80) ? 200 : random_chance(&s->chance, 80) ? 4 * SIM_INLINE : SIM_TEXT;
  return 40 + random_below(&s->chance, most - 40);
}

/* A text like no other, that does not get shorter by compression. */
static void write_text(struct sim *s, struct part *part, size_t number)
{
  char mark[SIM_MARK];
  sim_mark(s, mark);
  part->n = length(s);
  part->text = malloc(part->n + 64);
  if (!part->text)
    abort();
  size_t n = (size_t)snprintf(part->text, 64, "no. %zu%s%d: ", number, mark, part != s->publication[number].part);
  while (n < part->n)
    part->text[n++] = (char)('!' + random_below(&s->entropy, 90));
  part->n = n;
}

static unsigned some_of(struct sim *s, unsigned mask)
{
  unsigned some = 0;
  while (some == 0)
    some = (unsigned)random_below(&s->chance, 1u << SIM_NODES) & mask;
  return some;
}

/* Something that this node said and has not corrected or taken back. */
static struct publication *regretted(struct sim *s, int node)
{
  if (s->n_publications == 0 || !random_chance(&s->chance, 30))
    return NULL;
  struct publication *p = &s->publication[random_below(&s->chance, s->n_publications)];
  bool fits = p->node == node && !p->disowned && p->kind == KIND_REPORT && p->spooled && !p->refused && !p->recalled &&
              !hash_is_zero(&p->id) && p->part[0].sealed;
  return fits ? p : NULL;
}

static void make_up(struct sim *s, int node, struct publication *p, struct publication *target)
{
  size_t number = (size_t)(p - s->publication);
  *p = (struct publication){.node = node, .kind = KIND_REPORT, .n_parts = 1, .target = target};
  p->topic = target ? target->topic : random_below(&s->chance, sizeof TOPICS / sizeof *TOPICS);
  if (target)
    p->kind = random_chance(&s->chance, 60) ? KIND_RECALL : KIND_CORRECTION;
  p->part[0].to = target ? target->part[0].to : some_of(s, ((1u << SIM_NODES) - 1) & ~(1u << node));
  for (int to = 0; to < SIM_NODES; to++)
    if ((p->part[0].to >> to & 1) && may(s, node, to, p->topic))
      p->part[0].permitted |= 1u << to;
  write_text(s, &p->part[0], number);
  if (!target && p->part[0].permitted && random_chance(&s->chance, 20)) { /* a tear line */
    p->n_parts = 2;
    p->part[1].to = p->part[1].permitted = some_of(s, p->part[0].permitted);
    write_text(s, &p->part[1], number);
  }
  if (p->kind == KIND_RECALL)
    target->recalled = true;
}

/* The text of a draft, in pieces. False when the node has died of it. */
static bool say_text(struct sim *s, int node, uint64_t request, uint32_t portion, const struct part *part)
{
  struct writer *w = &s->node[node].writer;
  uint64_t client = w->p.client;
  for (size_t at = 0; at < part->n && w->p.client == client; at += LOCAL_DATA) {
    Tg__LData data = TG__LDATA__INIT;
    data.request = request;
    data.portion = portion;
    data.data = data_of(part->text + at, part->n - at < LOCAL_DATA ? part->n - at : LOCAL_DATA);
    node_site_program(s, node, client, LOCAL_PUBLISH_DATA, &data.base);
  }
  return w->p.client == client;
}

static void publish(struct sim *s, int node, struct publication *p, struct publication *target)
{
  struct writer *w = &s->node[node].writer;
  ProtobufCBinaryData to[SIM_PARTS][SIM_NODES], topics[] = {data_of(TOPICS[p->topic], strlen(TOPICS[p->topic]))};
  Tg__LPortionDraft portion[SIM_PARTS], *portions[SIM_PARTS];
  Tg__LDraft draft = TG__LDRAFT__INIT;
  Tg__LPublish publish = TG__LPUBLISH__INIT;
  for (size_t i = 0; i < p->n_parts; i++) {
    tg__lportion_draft__init(&portion[i]);
    portions[i] = &portion[i];
    for (int m = 0; m < SIM_NODES; m++)
      if (p->part[i].to >> m & 1)
        to[i][portion[i].n_to++] = data_of(s->kit->member[m].code.code, 2);
    portion[i].to = to[i];
    portion[i].level = LEVEL_RESTRICTED;
    portion[i].tlp = TLP_AMBER;
    portion[i].content_type = data_of("text/plain", 10);
    portion[i].size = p->part[i].n;
  }
  draft.kind = p->kind;
  if (target)
    draft.supersedes = data_of(target->id.b, 32);
  draft.precedence = (uint32_t)(1 + random_below(&s->chance, 4));
  draft.n_topics = 1;
  draft.topics = topics;
  draft.n_portions = p->n_parts;
  draft.portions = portions;
  publish.draft = &draft;
  publish.wait = (uint32_t)random_below(&s->chance, 3);
  publish.request = PUBLISH + s->n_publications;
  sim_tell(s, s->node[node].site.name, "publishes no. %zu on %s to %x, permitted %x, %zu bytes%s", s->n_publications,
           TOPICS[p->topic], p->part[0].to, p->part[0].permitted, p->part[0].n,
           p->n_parts > 1            ? ", with a tear line"
           : p->kind == KIND_RECALL     ? ", a recall"
           : p->kind == KIND_CORRECTION ? ", a correction"
                                        : "");
  if (target)
    sim_tell(s, s->node[node].site.name, "... of no. %zu", (size_t)(target - s->publication));
  s->n_publications++;
  uint64_t client = w->p.client;
  node_site_program(s, node, client, LOCAL_PUBLISH, &publish.base);
  for (uint32_t i = 0; i < p->n_parts && w->p.client == client; i++)
    if (!say_text(s, node, publish.request, i, &p->part[i]))
      return;
}

void program_publish(struct sim *s, int node)
{
  if (!s->node[node].writer.p.welcome || s->n_publications == SIM_PUBLICATIONS)
    return;
  struct publication *target = regretted(s, node), *p = &s->publication[s->n_publications];
  make_up(s, node, p, target);
  publish(s, node, p, target);
}

void program_report(struct sim *s, int node, size_t topic, unsigned to)
{
  struct publication *p = &s->publication[s->n_publications];
  if (!s->node[node].writer.p.welcome)
    sim_fail(s, s->node[node].site.name, "its programs are not served, when all is over");
  *p = (struct publication){.node = node, .kind = KIND_REPORT, .topic = topic, .n_parts = 1};
  p->part[0].to = p->part[0].permitted = to;
  write_text(s, &p->part[0], s->n_publications);
  publish(s, node, p, NULL);
}

static struct publication *publication_of(struct sim *s, uint64_t request)
{
  return request >= PUBLISH && request < PUBLISH + s->n_publications ? &s->publication[request - PUBLISH]
                                                                     : NULL;
}

/* Whom the node sealed it to. Never more than are permitted; less, where somebody has published no key yet.
 */
static void audience(struct sim *s, struct publication *p, const Tg__LAudience *a)
{
  for (size_t i = 0; a && i < a->n_lines; i++)
    for (int node = 0; node < SIM_NODES; node++)
      for (size_t part = 0; part < p->n_parts; part++)
        if ((a->lines[i]->portions >> part & 1) &&
            slice_is(slice_of_data(a->lines[i]->member), s->kit->member[node].code.code))
          p->part[part].sealed |= 1u << node;
  for (size_t part = 0; part < p->n_parts; part++)
    if (p->part[part].sealed & ~p->part[part].permitted)
      sim_fail(s, s->node[p->node].site.name, "it seals portion %zu to %x, permitted are %x", part,
               p->part[part].sealed, p->part[part].permitted);
}

static void progress(struct sim *s, int node, const Tg__LProgress *m)
{
  struct publication *p = publication_of(s, m->request);
  if (!p || p->node != node) {
    sim_fail(s, s->node[node].site.name, "progress of request %llu, which is none",
             (unsigned long long)m->request);
    return;
  }
  sim_tell(s, s->node[node].site.name, "no. %llu is in state %u", (unsigned long long)(m->request - PUBLISH),
           m->state);
  oracle_spooled(s, p, slice_of_data(m->bulletin), m->number);
  audience(s, p, m->audience);
  if (m->state == 4 && sim_may_be_refused(s, p))
    p->refused = true;
  else if (m->state == 4 || m->state == 5)
    sim_fail(s, s->node[node].site.name, "the hub refuses what policy permits: %.*s", (int)m->detail.len,
             (const char *)m->detail.data);
  if (m->state >= 1 && m->state <= 3)
    oracle_heard_accepted(s, p);
}

/* ---- looking after it */

static void track(struct sim *s, int node, size_t number)
{
  struct looker *l = &s->node[node].looker;
  Tg__LTrack wish = TG__LTRACK__INIT;
  if (!l->p.welcome)
    return;
  wish.request = TRACK + number;
  wish.bulletin = data_of(s->publication[number].id.b, 32);
  node_site_program(s, node, l->p.client, LOCAL_TRACK, &wish.base);
}

void program_reread(struct sim *s, int node, const struct publication *p)
{
  struct looker *l = &s->node[node].looker;
  Tg__LRead wish = TG__LREAD__INIT;
  wish.request = ++l->p.requests;
  wish.bulletin = data_of(p->id.b, 32);
  if (l->p.welcome)
    node_site_program(s, node, l->p.client, LOCAL_READ, &wish.base);
}

void program_prove(struct sim *s, int node, const struct publication *p)
{
  struct looker *l = &s->node[node].looker;
  Tg__LQuery wish = TG__LQUERY__INIT;
  char hex[HASH_TEXT] = "";
  ProtobufCBinaryData args[] = {data_of(hex, HASH_TEXT - 1)};
  if (!l->p.welcome || l->proves)
    return;
  hash_print(&p->id, hex);
  buf_clear(&l->json);
  wish.request = PROVE + (uint64_t)(p - s->publication);
  wish.what = data_of("prove", 5);
  wish.args = args;
  wish.n_args = 1;
  l->proves = wish.request;
  node_site_program(s, node, l->p.client, LOCAL_QUERY, &wish.base);
}

static void proven(struct sim *s, int node, const Tg__LJson *piece)
{
  struct looker *l = &s->node[node].looker;
  buf_put_slice(&l->json, slice_of_data(piece->json));
  if (piece->request != l->proves || !piece->end)
    return;
  json_t *answer = json_loadb((const char *)l->json.p, l->json.n, 0, NULL);
  const char *text = json_string_value(json_object_get(answer, "proof"));
  const struct publication *p = &s->publication[l->proves - PROVE];
  l->proves = 0;
  if (text)
    oracle_proof(s, node, p, slice_str(text));
  else
    sim_fail(s, s->node[node].site.name, "it cannot prove that no. %zu was logged", (size_t)(p - s->publication));
  json_decref(answer);
}

void program_look(struct sim *s, int node)
{
  struct looker *l = &s->node[node].looker;
  Tg__LList wish = TG__LLIST__INIT;
  Tg__LFilter filter = TG__LFILTER__INIT;
  if (!l->p.welcome || l->request)
    return;
  for (size_t i = 0; i < s->n_publications; i++)
    if (s->publication[i].node == node && s->publication[i].recalled)
      track(s, node, i);
  filter.folder = DONE_ALL;
  wish.filter = &filter;
  wish.request = l->request = ++l->p.requests;
  l->items = l->open = l->unsettled = 0;
  node_site_program(s, node, l->p.client, LOCAL_LIST, &wish.base);
}

static void looked_at(struct sim *s, int node, const Tg__LItem *item)
{
  struct looker *l = &s->node[node].looker;
  l->items++;
  l->open += item->state < 2;
  l->unsettled += item->state == 2;
  if (item->state == 4 && sim_may_be_refused(s, oracle_with_id(s, slice_of_data(item->bulletin))))
    oracle_refused(s, slice_of_data(item->bulletin));
  else if (item->state > 3)
    sim_fail(s, s->node[node].site.name, "what it sent is in state %u", item->state);
  else if (item->state > 0)
    oracle_accepted(s, slice_of_data(item->bulletin));
  const struct publication *p = oracle_with_id(s, slice_of_data(item->bulletin));
  if (p && (item->state == 3 || item->settled))
    oracle_settles(s, node, p);
}

/* ---- what the node says */

/* It comes anew. */
static void program_again(struct sim *s, int node, const struct program *p)
{
  const struct node_site *n = &s->node[node];
  const uint64_t which = p == &n->reader.p ? 0 : p == &n->writer.p ? 1 : p == &n->looker.p ? 2 : 3;
  leave(s, node, which);
  join(s, node, which, sim_between(s, 50, 500));
}

static void refused(struct sim *s, int node, const struct program *p, const Tg__LError *m)
{
  struct node_site *n = &s->node[node];
  struct publication *publication = p == &n->writer.p ? publication_of(s, m->request) : NULL;
  sim_tell(s, n->site.name, "a program is told: %s %.*s", tg_err_name((enum tg_err)m->err), (int)m->what.len,
           (const char *)m->what.data);
  if (m->request && m->request == n->looker.proves && p == &n->looker.p)
    sim_fail(s, n->site.name, "it does not prove what it sent");
  if (p == &n->carrier.p)
    carrier_refused(s, node, m);
  if (m->err == TG_NO_MEMORY && p != &n->writer.p) {
    program_again(s, node, p); /* as a good program would */
    return;
  }
  if (publication && !publication->spooled) {
    publication->refused = true;
    if (publication->kind == KIND_RECALL)
      publication->target->kept = true;
  } else if (p == &n->reader.p && m->request == n->reader.reading && m->request)
    cannot_read(s, node, m);
}

static void heard(struct sim *s, int node, uint64_t which, enum local_type type, const ProtobufCMessage *m)
{
  struct node_site *n = &s->node[node];
  struct program *p = program_at(s, node, which);
  if (type == LOCAL_WELCOME) {
    p->welcome = true;
    if (which == 0)
      follow(s, node);
    if (which == 3)
      carrier_hears(s, node, type, m);
  } else if (which == 3 && type != LOCAL_ERROR) {
    carrier_hears(s, node, type, m);
  } else if (type == LOCAL_ITEM && which == 0) {
    shown(s, node, (const Tg__LItem *)m);
  } else if (type == LOCAL_ITEM) {
    looked_at(s, node, (const Tg__LItem *)m);
  } else if (type == LOCAL_CONTENT && which == 2) {
    sim_fail(s, n->site.name, "it can still read what was taken back, and the recall has come");
  } else if (type == LOCAL_JSON) {
    proven(s, node, (const Tg__LJson *)m);
  } else if (type == LOCAL_TRACK_ITEM) {
    const Tg__LTrackItem *item = (const Tg__LTrackItem *)m;
    oracle_heard(s, &s->publication[item->request - TRACK], slice_of_data(item->member), item->event);
  } else if (type == LOCAL_CONTENT) {
    content(s, node, (const Tg__LContent *)m);
  } else if (type == LOCAL_PROGRESS) {
    progress(s, node, (const Tg__LProgress *)m);
  } else if (type == LOCAL_ERROR) {
    refused(s, node, p, (const Tg__LError *)m);
  } else if (type == LOCAL_DONE && which == 2 && local_request(m) == n->looker.request) {
    n->looker.request = 0;
    n->looker.last_items = n->looker.items;
    n->looker.last_open = n->looker.open;
    n->looker.last_unsettled = n->looker.unsettled;
    n->looker.fresh = s->quiet;
  }
}

void program_frame(struct sim *s, int node, uint64_t client, struct slice frame)
{
  const struct local_kind *kind;
  ProtobufCMessage *message;
  struct tg_why why = {.err = TG_OK};
  for (uint64_t which = 0; which < programs(s); which++) {
    if (program_at(s, node, which)->client != client)
      continue;
    arena_reset(s->arena);
    if (local_decode(frame, LOCAL_TO_PROGRAM, s->arena, &kind, &message, &why) != TG_OK)
      sim_fail(s, s->node[node].site.name, "it says to a program what makes no sense: %s", why.what);
    else
      heard(s, node, which, kind->type, message);
    return;
  }
}
