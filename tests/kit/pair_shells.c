#include "tests/kit/pair_inside.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* ---- a hub's shell ---- */

static struct place *place_of(struct pair *p, const struct seal_pk *key)
{
  for (size_t i = 0; i < p->kit->n_members; i++) {
    struct seal_pk own = secret_key_seal_pk(p->place[i].kit->transport);
    if (seal_pk_eq(&own, key))
      return &p->place[i];
  }
  return NULL;
}

/* Who is connected to it with this key. */
static struct place *peer_of(const struct site *s, const struct seal_pk *key)
{
  struct place *at = place_of(s->pair, key);
  return at && at->up && at->with == s ? at : NULL;
}

static void hub_send(void *context, const struct seal_pk *peer, struct slice frame)
{
  struct place *at = peer_of(context, peer);
  if (at && at->line)
    badline_send(at->line, &at->line->down, at->pair->mono, frame);
  else if (at)
    pair_push(&at->from_hub, frame);
}

static void hub_allow(void *context, const struct hub_peer *peers, size_t count)
{
  struct site *s = context;
  pair_need(count <= 64, "so many keys", NULL);
  s->n_allowed = count;
  for (size_t i = 0; i < count; i++)
    s->allowed[i] = peers[i].key;
}

static void link_down(struct place *at)
{
  pair_need(!at->line || !at->line->resumed, "a session over a resumed line", NULL);
  if (at->line && at->up)
    badline_cut(at->line, at->pair->mono);
  at->up = false;
  buf_clear(&at->from_hub.bytes);
  buf_clear(&at->to_hub.bytes);
}

static void hub_cut(void *context, const struct seal_pk *peer)
{
  struct place *at = peer_of(context, peer);
  if (!at)
    return;
  link_down(at);
  if (at->core)
    pair_need(node_link(at->core, NODE_LINK_DOWN) == TG_OK, "node_link", NULL);
}

static void hub_sign(void *context, const struct hub_sign *request)
{
  struct site *s = context;
  struct signing_request r = {request->old_size, request->new_size, request->new_root, request->path};
  buf_clear(&s->to_sign);
  signing_request_print(&r, &s->to_sign);
  s->sign = true;
}

static void hub_wake(void *context, int64_t mono) { ((struct site *)context)->wake = mono; }

static void hub_tell_nobody(void *context, const struct hub_event *event)
{
  if (getenv("PAIR_TRACE"))
    fprintf(stderr, "%s: %s %s\n", ((struct site *)context)->config.name, event->name, event->why && event->why->what ? event->why->what : "");
}

static void answer_signature(struct site *s)
{
  struct signing_request request;
  struct signing_state next_state;
  struct buf note = buf_new(CHECKPOINT_BYTES_MAX);
  struct tg_why why = {0};
  s->sign = false;
  pair_need(signing_request_parse(buf_slice(&s->to_sign), &request) == TG_OK, "a signing request", NULL);
  pair_need(signing_advance(&s->signer, &request, s->pair->wall, &next_state, &why) == TG_OK, "signing", &why);
  s->signer = next_state;
  struct checkpoint c = signing_checkpoint(&s->signer);
  pair_need(checkpoint_sign(&c, s->log, &note, &why) == TG_OK, "signing", &why);
  pair_need(hub_signed(s->hub, buf_slice(&note)) == TG_OK, "hub_signed", NULL);
  buf_free(&note);
}

void pair_hub_turn(struct site *s)
{
  struct tg_why why = {0};
  pair_need(hub_commit(s->hub, &why) == TG_OK, "hub_commit", &why);
  while (s->sign) {
    answer_signature(s);
    pair_need(hub_commit(s->hub, &why) == TG_OK, "hub_commit", &why);
  }
}

static void document_with_others(void *context, struct slice note)
{
  struct site *s = context;
  struct tg_why why = {0};
  pair_need(hub_time(s->hub, (struct hub_now){s->pair->wall + s->pair->ahead, s->pair->mono}) == TG_OK, "hub_time", NULL);
  pair_need(hub_document(s->hub, note, &why) == TG_OK, "hub_document", &why);
}

static void document(void *context, struct slice note)
{
  document_with_others(context, note);
  pair_hub_turn(context);
}

void pair_hub_disk(struct pair *p, uint64_t free_bytes)
{
  pair_need(hub_disk(p->hub[0].hub, free_bytes) == TG_OK, "hub_disk", NULL);
}

void pair_document_at(struct pair *p, size_t hub, struct slice note) { document(&p->hub[hub], note); }

void pair_document(struct pair *p, struct slice note)
{
  for (size_t i = 0; i < p->n_hubs; i++)
    document(&p->hub[i], note);
}

static struct site *add_hub(struct pair *p, const char *name, const struct secret_key *transport, const struct secret_key *log_key)
{
  pair_need(p->n_hubs < PAIR_HUBS, "so many hubs", NULL);
  struct site *s = &p->hub[p->n_hubs++];
  *s = (struct site){.pair = p, .log = log_key, .transport = secret_key_seal_pk(transport), .wake = INT64_MAX, .to_sign = buf_new(1 << 16)};
  struct hub_effects effects = {.context = s, .send = hub_send, .allow = hub_allow, .cut = hub_cut, .sign = hub_sign,
                                .wake_at = hub_wake, .tell = hub_tell_nobody};
  char bodies[sizeof p->folder + LABEL_MAX + 24];
  struct store_options options = {.database = ":memory:", .bodies = bodies};
  struct store *store;
  struct note_key log;
  struct tg_why why = {0};
  snprintf(bodies, sizeof bodies, "%s/%s-%zu", p->folder, name, p->n_hubs);
  pair_need(mkdir(bodies, 0700) == 0, "a folder", NULL);
  pair_need(secret_key_note_key(log_key, &log) == TG_OK && signing_begin(slice_str(log.name), &s->signer) == TG_OK, "the signer", NULL);
  s->config = (struct hub_config){.exchange = p->kit->exchange};
  snprintf(s->config.name, sizeof s->config.name, "%s", name);
  pair_need(store_open(&options, &store, &why) == TG_OK, "store_open", &why);
  pair_need(hub_new(&s->config, &store, &effects, (struct hub_now){p->wall + p->ahead, p->mono}, slice_of(NULL, 0), &s->hub, &why) == TG_OK,
            "hub_new", &why);
  return s;
}

void pair_add_hub(struct pair *p, const char *name, const struct secret_key *transport, const struct secret_key *log_key)
{
  kit_each_document(p->kit, document, add_hub(p, name, transport, log_key));
}

void pair_add_successor(struct pair *p, const char *name, const struct secret_key *transport, const struct secret_key *log_key, struct slice charter)
{
  struct site *s = add_hub(p, name, transport, log_key);
  kit_each_document(p->kit, document_with_others, s);
  document(s, charter);
}

/* ---- a node's shell ---- */

static size_t node_to_hub(void *context, struct slice frame)
{
  struct place *at = context;
  struct buf copy = buf_new(LIMIT_FRAME);
  buf_put_slice(&copy, frame);
  if (at->up && (!at->uplink || at->uplink(at->uplink_context, &copy))) {
    if (at->line)
      badline_send(at->line, &at->line->up, at->pair->mono, buf_slice(&copy));
    else
      pair_push(&at->to_hub, buf_slice(&copy));
  }
  buf_free(&copy);
  return 0;
}

static void node_connect(void *context, const char *endpoint, const struct seal_pk *hub)
{
  struct place *at = context;
  struct pair *p = at->pair;
  at->wanted = NULL;
  if (endpoint)
    snprintf(at->endpoint, sizeof at->endpoint, "%s", endpoint);
  for (size_t i = 0; endpoint && i < p->n_hubs; i++)
    if (seal_pk_eq(hub, &p->hub[i].transport))
      at->wanted = &p->hub[i];
  if (at->up) {
    struct seal_pk key = secret_key_seal_pk(at->kit->transport);
    struct buf last = pair_pull(&at->to_hub); /* a goodbye, say */
    struct slice all = buf_slice(&last), frame;
    while (pair_next(&all, &frame))
      pair_need(hub_frame(at->with->hub, &key, frame) == TG_OK, "hub_frame", NULL);
    buf_free(&last);
    link_down(at);
    pair_need(hub_gone(at->with->hub, &key) == TG_OK, "hub_gone", NULL);
  }
}

static size_t node_to_client(void *context, uint64_t client, struct slice frame)
{
  struct place *at = context;
  pair_push(client == PAIR_VISITOR ? &at->to_visitor : &at->to_program, frame);
  return 0;
}

static void node_close_client(void *context, uint64_t client)
{
  (void)context;
  (void)client;
}

static void node_hook(void *context, const struct node_hook *order)
{
  buf_put_slice(&((struct place *)context)->hooked, order->json);
}

static void node_wake(void *context, int64_t mono) { ((struct place *)context)->wake = mono; }

static void node_evidence(void *context, const char *name, struct slice text)
{
  (void)name;
  pair_need(text.n > 0, "evidence", NULL);
  struct place *at = context;
  at->evidence++;
  buf_clear(&at->proof);
  buf_put_slice(&at->proof, text);
}

static void node_tell(void *context, const struct node_event *event)
{
  struct place *at = context;
  size_t i = 0;
  while (i < at->n_told && strcmp(at->told[i].name, event->name) != 0)
    i++;
  pair_need(i < PAIR_TOLD, "so many different things to tell", NULL);
  if (i == at->n_told)
    snprintf(at->told[at->n_told++].name, sizeof at->told->name, "%s", event->name);
  at->told[i].times++;
  at->alarms += event->level == NODE_ALARM;
  if (getenv("PAIR_TRACE")) {
    char text[512] = "";
    if (event->why && event->why->what)
      why_render(event->why, NULL, text, sizeof text);
    fprintf(stderr, "%s: %s %s %llu %s\n", at->kit->name, event->name, event->who ? event->who : "",
            (unsigned long long)event->number, text);
  }
}

void pair_turn(struct place *at)
{
  struct tg_why why = {0};
  pair_need(node_turn(at->core, &why) == TG_OK, "node_turn", &why);
}

void pair_tell_time(struct place *at)
{
  pair_need(node_time(at->core, (struct node_now){at->pair->wall + at->ahead, at->pair->mono}) == TG_OK, "node_time", NULL);
}

void pair_start(struct pair *p, size_t member)
{
  struct place *at = &p->place[member];
  struct node_effects effects = {.context = at, .to_hub = node_to_hub, .connect = node_connect, .to_client = node_to_client,
                                 .close_client = node_close_client, .hook = node_hook, .wake_at = node_wake,
                                 .evidence = node_evidence, .tell = node_tell};
  struct tg_why why = {0};
  pair_need(!at->core, "starting a node twice", NULL);
  at->secrets = (struct node_secrets){at->kit->identity, at->kit->witness};
  pair_need(node_new(&at->config, &at->secrets, &effects, (struct node_now){p->wall + at->ahead, p->mono}, &at->core, &why) == TG_OK, "node_new",
            &why);
  pair_need(node_document(at->core, buf_slice(&p->kit->charter), &why) == TG_OK, "node_document", &why);
  pair_tell_time(at);
  pair_turn(at);
  Tg__LHello hello = TG__LHELLO__INIT;
  struct buf frame = buf_new(LOCAL_FRAME);
  hello.request = ++at->request;
  hello.protocol = LOCAL_PROTOCOL;
  pair_need(local_encode(LOCAL_HELLO, &hello.base, &frame, &why) == TG_OK, "LHello", &why);
  pair_need(node_client_joined(at->core, PAIR_CLIENT, 0) == TG_OK && node_client_frame(at->core, PAIR_CLIENT, buf_slice(&frame)) == TG_OK,
            "a program", NULL);
  buf_free(&frame);
  pair_turn(at);
  buf_clear(&at->to_program.bytes);
}

void pair_kill(struct pair *p, size_t member)
{
  struct place *at = &p->place[member];
  struct seal_pk key = secret_key_seal_pk(at->kit->transport);
  node_free(at->core);
  at->core = NULL;
  at->wanted = NULL;
  if (at->up) {
    link_down(at);
    pair_need(hub_gone(at->with->hub, &key) == TG_OK, "hub_gone", NULL);
    pair_hub_turn(at->with);
  }
}

static void pull(struct place *at)
{
  struct seal_pk key = secret_key_seal_pk(at->kit->transport);
  link_down(at);
  pair_need(hub_gone(at->with->hub, &key) == TG_OK, "hub_gone", NULL);
  pair_hub_turn(at->with);
  if (at->core) {
    pair_need(node_link(at->core, NODE_LINK_DOWN) == TG_OK, "node_link", NULL);
    pair_turn(at);
  }
}

void pair_plug(struct pair *p, size_t member, bool in)
{
  struct place *at = &p->place[member];
  at->plugged = in;
  if (!in && at->up)
    pull(at);
}

void pair_reach(struct pair *p, size_t member, size_t hub, bool can)
{
  struct place *at = &p->place[member];
  at->cut_off[hub] = !can;
  if (!can && at->up && at->with == &p->hub[hub])
    pull(at);
}

struct node_config *pair_config(struct pair *p, size_t member) { return &p->place[member].config; }
struct node_core *pair_core(struct pair *p, size_t member) { return p->place[member].core; }

const char *pair_endpoint(const struct pair *p, size_t member) { return p->place[member].endpoint; }

bool pair_is_due(const struct pair *p, size_t member) { return p->place[member].wake <= p->mono; }
const char *pair_database(struct pair *p, size_t member) { return p->place[member].path; }
tg_time pair_now(const struct pair *p) { return p->wall; }
int64_t pair_mono(const struct pair *p) { return p->mono; }
void pair_set_clock(struct pair *p, size_t member, tg_time ahead) { p->place[member].ahead = ahead; }
void pair_set_hub_clock(struct pair *p, tg_time ahead) { p->ahead = ahead; }

void pair_set_uplink(struct pair *p, size_t member, pair_filter *f, void *context)
{
  p->place[member].uplink = f;
  p->place[member].uplink_context = context;
}

void pair_set_filter(struct pair *p, size_t member, pair_filter *f, void *context)
{
  p->place[member].filter = f;
  p->place[member].context = context;
}

void pair_inject(struct pair *p, size_t member, struct slice frame)
{
  struct place *at = &p->place[member];
  pair_tell_time(at);
  pair_need(node_frame(at->core, frame) == TG_OK, "node_frame", NULL);
  pair_turn(at);
}
