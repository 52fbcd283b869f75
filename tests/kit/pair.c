#include "tests/kit/pair_inside.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ROUNDS = 5000, ARENA = 16 << 20 };

void pair_need(bool ok, const char *what, const struct tg_why *why)
{
  char text[512] = "";
  if (ok)
    return;
  if (why && why->what)
    why_render(why, NULL, text, sizeof text);
  fprintf(stderr, "pair: %s failed: %s\n", what, text);
  abort();
}

/* ---- queues ---- */

void pair_push(struct queue *q, struct slice frame)
{
  buf_put_u32(&q->bytes, (uint32_t)frame.n);
  buf_put_slice(&q->bytes, frame);
  pair_need(buf_status(&q->bytes) == TG_OK, "memory", NULL);
}

struct buf pair_pull(struct queue *q)
{
  struct buf all = q->bytes;
  q->bytes = buf_new((size_t)1 << 30);
  return all;
}

bool pair_next(struct slice *all, struct slice *ret)
{
  uint32_t n;
  return take_u32(all, &n) && take(all, n, ret);
}

/* ---- the network ---- */

static bool is_allowed(const struct site *s, const struct seal_pk *key)
{
  for (size_t i = 0; i < s->n_allowed; i++)
    if (seal_pk_eq(&s->allowed[i], key))
      return true;
  return false;
}

static bool carry_to_hub(struct pair *p, struct place *at)
{
  struct seal_pk key = secret_key_seal_pk(at->kit->transport);
  struct buf frames = pair_pull(&at->to_hub);
  struct slice all = buf_slice(&frames), frame;
  bool any = false;
  while (pair_next(&all, &frame) || (at->line && badline_arrived(at->line, &at->line->up, p->mono, &frame))) {
    pair_need(hub_frame(at->with->hub, &key, frame) == TG_OK, "hub_frame", NULL);
    any = true;
  }
  buf_free(&frames);
  return any;
}

static void give(struct place *at, struct slice frame)
{
  struct buf copy = buf_new(2 * LIMIT_FRAME);
  buf_put_slice(&copy, frame);
  if (!at->filter || at->filter(at->context, &copy))
    pair_need(node_frame(at->core, buf_slice(&copy)) == TG_OK, "node_frame", NULL);
  buf_free(&copy);
}

/* What its carriers say of the line. */
static bool hear_line(struct pair *p, struct place *at)
{
  struct seal_pk key = secret_key_seal_pk(at->kit->transport);
  bool busy, any = false;
  if (!at->line || !at->line->resumed || !at->core)
    return false;
  if (badline_turned(at->line, true, &busy)) {
    pair_need(hub_line((at->with ? at->with : p->hub)->hub, &key, busy) == TG_OK, "hub_line", NULL);
    any = true;
  }
  if (badline_turned(at->line, false, &busy)) {
    pair_tell_time(at);
    pair_need(node_line(at->core, busy) == TG_OK, "node_line", NULL);
    pair_turn(at);
    any = true;
  }
  return any;
}

static bool run_node(struct pair *p, struct place *at)
{
  struct seal_pk key = secret_key_seal_pk(at->kit->transport);
  if (!at->core)
    return false;
  bool due = at->wake <= p->mono;
  if (due)
    at->wake = INT64_MAX; /* a timer goes off once */
  struct buf frames = pair_pull(&at->from_hub);
  struct slice all = buf_slice(&frames), frame;
  const bool may_come_up = at->wanted && at->plugged && !at->cut_off[at->wanted - p->hub] && !at->up && (!at->line || at->line->up_at <= p->mono);
  bool any = all.n > 0 || due || at->line;
  if (any || may_come_up)
    pair_tell_time(at);
  any &= all.n > 0 || due;
  if (may_come_up && is_allowed(at->wanted, &key)) {
    at->up = any = true;
    at->with = at->wanted;
    pair_need(node_link(at->core, NODE_LINK_UP) == TG_OK, "node_link", NULL);
  }
  while (at->up && (pair_next(&all, &frame) || (at->line && badline_arrived(at->line, &at->line->down, p->mono, &frame)))) {
    any = true;
    give(at, frame);
  }
  buf_free(&frames);
  if (any)
    pair_turn(at);
  return any;
}

static bool hubs_time(struct pair *p)
{
  bool any = false;
  for (size_t i = 0; i < p->n_hubs; i++) {
    any |= p->hub[i].wake <= p->mono;
    pair_need(hub_time(p->hub[i].hub, (struct hub_now){p->wall + p->ahead, p->mono}) == TG_OK, "hub_time", NULL);
  }
  return any;
}

void pair_settle(struct pair *p)
{
  for (unsigned round = 0; round < ROUNDS; round++) {
    bool any = hubs_time(p);
    for (size_t i = 0; i < p->kit->n_members; i++) {
      any |= carry_to_hub(p, &p->place[i]);
      any |= hear_line(p, &p->place[i]);
    }
    for (size_t i = 0; i < p->n_hubs; i++)
      pair_hub_turn(&p->hub[i]);
    for (size_t i = 0; i < p->kit->n_members; i++)
      any |= run_node(p, &p->place[i]);
    if (!any)
      return;
  }
  pair_need(false, "coming to rest", NULL);
}

void pair_pass(struct pair *p, tg_time time)
{
  const tg_time step = time > TG_HOUR ? 30 * TG_MINUTE : time > TG_MINUTE ? 10 * TG_SECOND : TG_SECOND;
  for (tg_time passed = 0; passed < time; passed += step) {
    p->wall += step;
    p->mono += step;
    pair_settle(p);
  }
}

void pair_line(struct pair *p, size_t member, struct badline *line)
{
  p->place[member].line = line;
  if (line && line->cut_every)
    line->cut_at = p->mono + line->cut_every;
}

/* The next moment at which something happens. */
static int64_t next_event(const struct pair *p)
{
  int64_t at = INT64_MAX;
  for (size_t i = 0; i < p->n_hubs; i++)
    if (p->hub[i].wake < at)
      at = p->hub[i].wake;
  for (size_t i = 0; i < p->kit->n_members; i++) {
    const struct place *place = &p->place[i];
    if (place->core && place->wake < at)
      at = place->wake;
    if (place->line && badline_next(place->line, p->mono) < at)
      at = badline_next(place->line, p->mono);
  }
  return at;
}

static void cut_lines(struct pair *p)
{
  for (size_t i = 0; i < p->kit->n_members; i++) {
    struct badline *line = p->place[i].line;
    if (!line || !line->cut_every || line->cut_at > p->mono)
      continue;
    if (line->resumed || !p->place[i].up)
      badline_cut(line, p->mono); /* while they meet; or nobody hears of it */
    if (line->resumed)
      continue;
    pair_plug(p, i, false);
    pair_plug(p, i, true);
  }
}

void pair_run(struct pair *p, tg_time time)
{
  for (const int64_t end = p->mono + time; p->mono < end;) {
    int64_t to = next_event(p);
    to = to <= p->mono ? p->mono + 1 : to > end ? end : to;
    p->wall += to - p->mono;
    p->mono = to;
    cut_lines(p);
    pair_settle(p);
  }
}

/* ---- what was told ---- */

unsigned pair_told(const struct pair *p, size_t member, const char *name)
{
  for (size_t i = 0; i < p->place[member].n_told; i++)
    if (strcmp(p->place[member].told[i].name, name) == 0)
      return p->place[member].told[i].times;
  return 0;
}

unsigned pair_alarms(const struct pair *p, size_t member) { return p->place[member].alarms; }
unsigned pair_evidence(const struct pair *p, size_t member) { return p->place[member].evidence; }
struct slice pair_proof(const struct pair *p, size_t member) { return buf_slice(&p->place[member].proof); }

uint64_t pair_counted(struct pair *p, size_t hub, const char *name)
{
  char key[64];
  struct buf text = buf_new(1 << 20);
  snprintf(key, sizeof key, "\"%s\":", name);
  pair_need(hub_stats(p->hub[hub].hub, &text) == TG_OK, "hub_stats", NULL);
  buf_put_u8(&text, 0);
  const char *at = strstr((const char *)text.p, key);
  pair_need(at != NULL, name, NULL);
  const uint64_t n = strtoull(at + strlen(key), NULL, 10);
  buf_free(&text);
  return n;
}

/* ---- all of it ---- */

struct pair *pair_new(struct kit *k)
{
  struct pair *p = calloc(1, sizeof *p);
  pair_need(p != NULL, "memory", NULL);
  p->kit = k;
  p->wall = k->start + TG_HOUR;
  p->mono = 1000000;
  p->arena = arena_new(ARENA);
  pair_need(p->arena != NULL, "memory", NULL);
  strcpy(p->folder, "/tmp/toguna-pair-XXXXXX");
  pair_need(mkdtemp(p->folder) != NULL, "a folder", NULL);
  for (size_t i = 0; i < k->n_members; i++) {
    struct place *at = &p->place[i];
    at->pair = p;
    at->kit = &k->member[i].node[0];
    at->plugged = true;
    at->wake = INT64_MAX;
    at->to_hub.bytes = at->from_hub.bytes = at->to_program.bytes = at->to_visitor.bytes = at->hooked = at->proof =
        buf_new((size_t)1 << 30);
    snprintf(at->path, sizeof at->path, "%s/%s.db", p->folder, k->member[i].code.code);
    at->config = (struct node_config){.exchange = k->exchange, .database = at->path};
  }
  pair_add_hub(p, "hub1", k->hub_transport, k->hub_log);
  return p;
}

void pair_free(struct pair *p)
{
  char command[128];
  if (!p)
    return;
  for (size_t i = 0; i < p->kit->n_members; i++) {
    node_free(p->place[i].core);
    buf_free(&p->place[i].to_hub.bytes);
    buf_free(&p->place[i].from_hub.bytes);
    buf_free(&p->place[i].to_program.bytes);
    buf_free(&p->place[i].to_visitor.bytes);
    buf_free(&p->place[i].hooked);
    buf_free(&p->place[i].proof);
  }
  for (size_t i = 0; i < p->n_hubs; i++) {
    hub_free(p->hub[i].hub);
    buf_free(&p->hub[i].to_sign);
  }
  arena_free(p->arena);
  snprintf(command, sizeof command, "rm -rf %s", p->folder);
  pair_need(system(command) == 0, "removing the folder", NULL);
  free(p);
}
