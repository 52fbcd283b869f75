/* Three programs at each node: one follows the inbox and reads everything, one publishes, one looks after
   what became of it. They live as long as the simulation; their connections as long as the node's process. A
   program keeps what it has done, as a good one would. */
#include "tests/sim/sim.h"

#include "proto/subject.h"

#include <stdio.h>
#include <string.h>

enum { FOLLOW = 1, FIRST_READ = 1000, PUBLISH = 10, DONE_ALL = 2 /* LFilter.folder: sent */ };

static ProtobufCBinaryData data_of(const void *p, size_t n)
{
  return (ProtobufCBinaryData){n, n ? (uint8_t *)(uintptr_t)p : NULL};
}
static struct slice slice_of_data(ProtobufCBinaryData d)
{
  return slice_of(d.data, d.len);
}

/* ---- connections; event.number says which program */

static struct program *program_at(struct sim *s, int node, uint64_t which)
{
  struct node_site *n = &s->node[node];
  return which == 0 ? &n->reader.p : which == 1 ? &n->writer.p : &n->looker.p;
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
    n->looker.request = 0;
}

void program_node_up(struct sim *s, int node)
{
  for (uint64_t which = 0; which < 3; which++)
    join(s, node, which, sim_between(s, 1, 200));
}

void program_node_down(struct sim *s, int node)
{
  for (uint64_t which = 0; which < 3; which++)
    leave(s, node, which);
}

void program_closed(struct sim *s, int node, uint64_t client)
{
  for (uint64_t which = 0; which < 3; which++)
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

static void read_next(struct sim *s, int node)
{
  struct reader *r = &s->node[node].reader;
  Tg__LRead wish = TG__LREAD__INIT;
  if (r->reading || r->next == r->n_shown)
    return;
  buf_clear(&r->text);
  wish.request = r->reading = ++r->p.requests;
  wish.bulletin = data_of(r->shown[r->next].id.b, 32);
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
  if (s->failed)
    return;
  r->at = item->place;
  r->shown[r->n_shown].place = item->place;
  memcpy(r->shown[r->n_shown++].id.b, item->bulletin.data, 32);
  read_next(s, node);
}

static void content(struct sim *s, int node, const Tg__LContent *piece)
{
  struct reader *r = &s->node[node].reader;
  if (piece->request != r->reading)
    return;
  buf_put_slice(&r->text, slice_of_data(piece->data));
  if (!piece->end)
    return;
  oracle_read(s, node, r->shown[r->next].place, &r->shown[r->next].id, buf_slice(&r->text));
  r->place = r->shown[r->next].place;
  r->reading = 0;
  if (random_chance(&s->chance, 30)) {
    Tg__LAck ack = TG__LACK__INIT;
    ack.request = ++r->p.requests;
    ack.bulletin = data_of(r->shown[r->next].id.b, 32);
    node_site_program(s, node, r->p.client, LOCAL_ACK, &ack.base);
  }
  r->next++;
  read_next(s, node);
}

/* ---- publishing; the request's number tells the publication */

static const char *const TOPICS[] = {"alert.attack", "report.trade", "political.note"};

/* The policies of sim.c, said once more by hand. */
static bool may(int from, int to, size_t topic)
{
  if (to == 1 && topic == 2)
    return false;                                            /* BF takes in nothing political */
  return from != 2 || topic == 0 || (topic == 1 && to == 0); /* NE tells alerts to all, reports to ML only */
}

static void make_up(struct sim *s, int node, struct publication *p, size_t *ret_topic)
{
  *p = (struct publication){.node = node, .begun = true};
  *ret_topic = random_below(&s->chance, sizeof TOPICS / sizeof *TOPICS);
  while (p->to == 0)
    p->to = (unsigned)random_below(&s->chance, 1u << SIM_NODES) & ~(1u << node);
  for (int to = 0; to < SIM_NODES; to++)
    if ((p->to >> to & 1) && may(node, to, *ret_topic))
      p->permitted |= 1u << to;
  int n = snprintf(p->text, sizeof p->text, "publication %zu of seed %llu ", s->n_publications,
                   (unsigned long long)s->seed);
  for (size_t more = random_below(&s->chance, sizeof p->text - (size_t)n - 1); more > 0; more--)
    p->text[n] = (char)('a' + n % 26), n++;
}

void program_publish(struct sim *s, int node)
{
  struct writer *w = &s->node[node].writer;
  if (!w->p.welcome || s->n_publications == SIM_PUBLICATIONS)
    return;
  struct publication *p = &s->publication[s->n_publications];
  size_t topic;
  make_up(s, node, p, &topic);
  ProtobufCBinaryData to[SIM_NODES], topics[] = {data_of(TOPICS[topic], strlen(TOPICS[topic]))};
  Tg__LPortionDraft portion = TG__LPORTION_DRAFT__INIT, *portions[] = {&portion};
  Tg__LDraft draft = TG__LDRAFT__INIT;
  Tg__LPublish publish = TG__LPUBLISH__INIT;
  Tg__LData data = TG__LDATA__INIT;
  for (int i = 0; i < SIM_NODES; i++)
    if (p->to >> i & 1)
      to[portion.n_to++] = data_of(s->kit->member[i].code.code, 2);
  portion.to = to;
  portion.level = LEVEL_RESTRICTED;
  portion.tlp = TLP_AMBER;
  portion.content_type = data_of("text/plain", 10);
  portion.size = strlen(p->text);
  draft.kind = KIND_REPORT;
  draft.precedence = (uint32_t)(1 + random_below(&s->chance, 4));
  draft.n_topics = 1;
  draft.topics = topics;
  draft.n_portions = 1;
  draft.portions = portions;
  publish.draft = &draft;
  publish.wait = (uint32_t)random_below(&s->chance, 3);
  publish.request = data.request = PUBLISH + s->n_publications;
  data.data = data_of(p->text, strlen(p->text));
  sim_tell(s, s->node[node].site.name, "publishes no. %zu on %s to %x, permitted %x", s->n_publications,
           TOPICS[topic], p->to, p->permitted);
  s->n_publications++;
  uint64_t client = w->p.client;
  node_site_program(s, node, client, LOCAL_PUBLISH, &publish.base);
  if (w->p.client == client) /* the node may have died of it */
    node_site_program(s, node, client, LOCAL_PUBLISH_DATA, &data.base);
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
      if (a->lines[i]->portions &&
          slice_is(slice_of_data(a->lines[i]->member), s->kit->member[node].code.code))
        p->sealed |= 1u << node;
  if (p->sealed & ~p->permitted)
    sim_fail(s, s->node[p->node].site.name, "it seals to %x, permitted are %x", p->sealed, p->permitted);
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
  if (m->state == 4 || m->state == 5)
    sim_fail(s, s->node[node].site.name, "the hub refuses what policy permits: %.*s", (int)m->detail.len,
             (const char *)m->detail.data);
  p->accepted |= m->state >= 1 && m->state <= 3;
}

/* ---- looking after it */

void program_look(struct sim *s, int node)
{
  struct looker *l = &s->node[node].looker;
  Tg__LList wish = TG__LLIST__INIT;
  Tg__LFilter filter = TG__LFILTER__INIT;
  if (!l->p.welcome || l->request)
    return;
  filter.folder = DONE_ALL;
  wish.filter = &filter;
  wish.request = l->request = ++l->p.requests;
  l->items = l->open = 0;
  node_site_program(s, node, l->p.client, LOCAL_LIST, &wish.base);
}

static void looked_at(struct sim *s, int node, const Tg__LItem *item)
{
  struct looker *l = &s->node[node].looker;
  l->items++;
  l->open += item->state < 2;
  if (item->state > 3)
    sim_fail(s, s->node[node].site.name, "what it sent is in state %u", item->state);
}

/* ---- what the node says */

static void refused(struct sim *s, int node, const struct program *p, const Tg__LError *m)
{
  struct node_site *n = &s->node[node];
  struct publication *publication = p == &n->writer.p ? publication_of(s, m->request) : NULL;
  sim_tell(s, n->site.name, "a program is told: %s %.*s", tg_err_name((enum tg_err)m->err), (int)m->what.len,
           (const char *)m->what.data);
  if (publication && !publication->spooled)
    publication->refused = true;
  else if (p == &n->reader.p && m->request == n->reader.reading && m->request)
    sim_fail(s, n->site.name, "what is in the inbox cannot be read: %.*s", (int)m->what.len,
             (const char *)m->what.data);
}

static void heard(struct sim *s, int node, uint64_t which, enum local_type type, const ProtobufCMessage *m)
{
  struct node_site *n = &s->node[node];
  struct program *p = program_at(s, node, which);
  if (type == LOCAL_WELCOME) {
    p->welcome = true;
    if (which == 0)
      follow(s, node);
  } else if (type == LOCAL_ITEM && which == 0) {
    shown(s, node, (const Tg__LItem *)m);
  } else if (type == LOCAL_ITEM) {
    looked_at(s, node, (const Tg__LItem *)m);
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
    n->looker.fresh = s->quiet;
  }
}

void program_frame(struct sim *s, int node, uint64_t client, struct slice frame)
{
  const struct local_kind *kind;
  ProtobufCMessage *message;
  struct tg_why why = {.err = TG_OK};
  for (uint64_t which = 0; which < 3; which++) {
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
