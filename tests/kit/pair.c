#include "tests/kit/pair.h"

#include "audit/signing.h"
#include "broker/hub.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { ROUNDS = 5000, TOLD = 64, CLIENT = 1, VISITOR = 2, ARENA = 16 << 20 };

/* Frames on their way: u32 length, bytes. */
struct queue {
  struct buf bytes;
};

/* What was told, and how often. */
struct told {
  char name[40];
  unsigned times;
};

struct place {
  struct pair *pair;
  struct kit_node *kit;
  struct node_config config;
  struct node_secrets secrets;
  struct node_core *core; /* NULL: not running */
  char path[160];
  bool plugged, wanted, up;
  int64_t wake;
  struct queue to_hub, from_hub, to_program, to_visitor; /* visitor: a program that comes, asks and goes */
  struct buf hooked;
  pair_filter *filter, *uplink;
  void *context, *uplink_context;
  struct told told[TOLD];
  size_t n_told;
  unsigned evidence;
  uint64_t request;
};

struct pair {
  struct kit *kit;
  struct hub *hub;
  struct signing_state signer;
  struct hub_config config;
  struct buf to_sign;
  bool sign;
  tg_time wall;
  int64_t mono, hub_wake;
  struct seal_pk allowed[64];
  size_t n_allowed;
  struct place place[KIT_MEMBERS];
  char folder[64];
  struct arena *arena;
};

static void need(bool ok, const char *what, const struct tg_why *why)
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

static void push(struct queue *q, struct slice frame)
{
  buf_put_u32(&q->bytes, (uint32_t)frame.n);
  buf_put_slice(&q->bytes, frame);
  need(buf_status(&q->bytes) == TG_OK, "memory", NULL);
}

/* Everything that waits, out of the queue; the caller frees it. */
static struct buf pull(struct queue *q)
{
  struct buf all = q->bytes;
  q->bytes = buf_new((size_t)1 << 30);
  return all;
}

static bool next(struct slice *all, struct slice *ret)
{
  uint32_t n;
  return take_u32(all, &n) && take(all, n, ret);
}

/* ---- the hub's shell ---- */

static struct place *place_of(struct pair *p, const struct seal_pk *key)
{
  for (size_t i = 0; i < p->kit->n_members; i++) {
    struct seal_pk own = secret_key_seal_pk(p->place[i].kit->transport);
    if (seal_pk_eq(&own, key))
      return &p->place[i];
  }
  return NULL;
}

static void hub_send(void *context, const struct seal_pk *peer, struct slice frame)
{
  struct place *at = place_of(context, peer);
  if (at && at->up)
    push(&at->from_hub, frame);
}

static void hub_allow(void *context, const struct seal_pk *keys, size_t count)
{
  struct pair *p = context;
  need(count <= 64, "so many keys", NULL);
  p->n_allowed = count;
  if (count)
    memcpy(p->allowed, keys, count * sizeof *keys);
}

static void link_down(struct place *at)
{
  at->up = false;
  buf_clear(&at->from_hub.bytes);
  buf_clear(&at->to_hub.bytes);
}

static void hub_cut(void *context, const struct seal_pk *peer)
{
  struct place *at = place_of(context, peer);
  if (!at || !at->up)
    return;
  link_down(at);
  if (at->core)
    need(node_link(at->core, NODE_LINK_DOWN) == TG_OK, "node_link", NULL);
}

static void hub_sign(void *context, const struct hub_sign *request)
{
  struct pair *p = context;
  struct signing_request r = {request->old_size, request->new_size, request->new_root, request->path};
  buf_clear(&p->to_sign);
  signing_request_print(&r, &p->to_sign);
  p->sign = true;
}

static void hub_wake(void *context, int64_t mono) { ((struct pair *)context)->hub_wake = mono; }

static void hub_tell_nobody(void *context, const struct hub_event *event)
{
  (void)context;
  if (getenv("PAIR_TRACE"))
    fprintf(stderr, "hub: %s %s\n", event->name, event->why && event->why->what ? event->why->what : "");
}

static void answer_signature(struct pair *p)
{
  struct signing_request request;
  struct signing_state next_state;
  struct buf note = buf_new(CHECKPOINT_BYTES_MAX);
  struct tg_why why = {0};
  p->sign = false;
  need(signing_request_parse(buf_slice(&p->to_sign), &request) == TG_OK, "a signing request", NULL);
  need(signing_advance(&p->signer, &request, p->wall, &next_state, &why) == TG_OK, "signing", &why);
  p->signer = next_state;
  struct checkpoint c = signing_checkpoint(&p->signer);
  need(checkpoint_sign(&c, p->kit->hub_log, &note, &why) == TG_OK, "signing", &why);
  need(hub_signed(p->hub, buf_slice(&note)) == TG_OK, "hub_signed", NULL);
  buf_free(&note);
}

static void hub_turn(struct pair *p)
{
  struct tg_why why = {0};
  need(hub_commit(p->hub, &why) == TG_OK, "hub_commit", &why);
  while (p->sign) {
    answer_signature(p);
    need(hub_commit(p->hub, &why) == TG_OK, "hub_commit", &why);
  }
}

static void found(void *context, struct slice note) { pair_document(context, note); }

void pair_document(struct pair *p, struct slice note)
{
  struct tg_why why = {0};
  need(hub_time(p->hub, (struct hub_now){p->wall, p->mono}) == TG_OK, "hub_time", NULL);
  need(hub_document(p->hub, note, &why) == TG_OK, "hub_document", &why);
  hub_turn(p);
}

static void start_hub(struct pair *p)
{
  struct hub_effects effects = {.context = p, .send = hub_send, .allow = hub_allow, .cut = hub_cut, .sign = hub_sign,
                                .wake_at = hub_wake, .tell = hub_tell_nobody};
  struct store_options options = {.database = ":memory:", .bodies = p->folder};
  struct store *store;
  struct note_key log;
  struct tg_why why = {0};
  need(secret_key_note_key(p->kit->hub_log, &log) == TG_OK && signing_begin(slice_str(log.name), &p->signer) == TG_OK,
       "the signer", NULL);
  p->config = (struct hub_config){.exchange = p->kit->exchange, .name = "hub1"};
  need(store_open(&options, &store, &why) == TG_OK, "store_open", &why);
  need(hub_new(&p->config, &store, &effects, (struct hub_now){p->wall, p->mono}, slice_of(NULL, 0), &p->hub, &why) == TG_OK,
       "hub_new", &why);
  kit_each_document(p->kit, found, p);
}

/* ---- a node's shell ---- */

static size_t node_to_hub(void *context, struct slice frame)
{
  struct place *at = context;
  struct buf copy = buf_new(LIMIT_FRAME);
  buf_put_slice(&copy, frame);
  if (at->up && (!at->uplink || at->uplink(at->uplink_context, &copy)))
    push(&at->to_hub, buf_slice(&copy));
  buf_free(&copy);
  return 0;
}

static void node_connect(void *context, const char *endpoint, const struct seal_pk *hub)
{
  struct place *at = context;
  (void)hub;
  at->wanted = endpoint != NULL;
  if (at->up) {
    struct seal_pk key = secret_key_seal_pk(at->kit->transport);
    struct buf last = pull(&at->to_hub); /* a goodbye, say */
    struct slice all = buf_slice(&last), frame;
    while (next(&all, &frame))
      need(hub_frame(at->pair->hub, &key, frame) == TG_OK, "hub_frame", NULL);
    buf_free(&last);
    link_down(at);
    need(hub_gone(at->pair->hub, &key) == TG_OK, "hub_gone", NULL);
  }
}

static size_t node_to_client(void *context, uint64_t client, struct slice frame)
{
  struct place *at = context;
  push(client == VISITOR ? &at->to_visitor : &at->to_program, frame);
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
  need(text.n > 0, "evidence", NULL);
  ((struct place *)context)->evidence++;
}

static void node_tell(void *context, const struct node_event *event)
{
  struct place *at = context;
  size_t i = 0;
  while (i < at->n_told && strcmp(at->told[i].name, event->name) != 0)
    i++;
  need(i < TOLD, "so many different things to tell", NULL);
  if (i == at->n_told)
    snprintf(at->told[at->n_told++].name, sizeof at->told->name, "%s", event->name);
  at->told[i].times++;
  if (getenv("PAIR_TRACE")) {
    char text[512] = "";
    if (event->why && event->why->what)
      why_render(event->why, NULL, text, sizeof text);
    fprintf(stderr, "%s: %s %s %llu %s\n", at->kit->name, event->name, event->who ? event->who : "",
            (unsigned long long)event->number, text);
  }
}

static void turn(struct place *at)
{
  struct tg_why why = {0};
  need(node_turn(at->core, &why) == TG_OK, "node_turn", &why);
}

static void tell_time(struct place *at)
{
  need(node_time(at->core, (struct node_now){at->pair->wall, at->pair->mono}) == TG_OK, "node_time", NULL);
}

void pair_start(struct pair *p, size_t member)
{
  struct place *at = &p->place[member];
  struct node_effects effects = {.context = at, .to_hub = node_to_hub, .connect = node_connect, .to_client = node_to_client,
                                 .close_client = node_close_client, .hook = node_hook, .wake_at = node_wake,
                                 .evidence = node_evidence, .tell = node_tell};
  struct tg_why why = {0};
  need(!at->core, "starting a node twice", NULL);
  at->secrets = (struct node_secrets){at->kit->identity, at->kit->witness};
  need(node_new(&at->config, &at->secrets, &effects, (struct node_now){p->wall, p->mono}, &at->core, &why) == TG_OK, "node_new",
       &why);
  need(node_document(at->core, buf_slice(&p->kit->charter), &why) == TG_OK, "node_document", &why);
  tell_time(at);
  turn(at);
  Tg__LHello hello = TG__LHELLO__INIT;
  struct buf frame = buf_new(LOCAL_FRAME);
  hello.request = ++at->request;
  hello.protocol = LOCAL_PROTOCOL;
  need(local_encode(LOCAL_HELLO, &hello.base, &frame, &why) == TG_OK, "LHello", &why);
  need(node_client_joined(at->core, CLIENT, 0) == TG_OK && node_client_frame(at->core, CLIENT, buf_slice(&frame)) == TG_OK,
       "a program", NULL);
  buf_free(&frame);
  turn(at);
  buf_clear(&at->to_program.bytes);
}

void pair_kill(struct pair *p, size_t member)
{
  struct place *at = &p->place[member];
  struct seal_pk key = secret_key_seal_pk(at->kit->transport);
  node_free(at->core);
  at->core = NULL;
  at->wanted = false;
  if (at->up) {
    link_down(at);
    need(hub_gone(p->hub, &key) == TG_OK, "hub_gone", NULL);
    hub_turn(p);
  }
}

void pair_plug(struct pair *p, size_t member, bool in)
{
  struct place *at = &p->place[member];
  at->plugged = in;
  if (in || !at->up)
    return;
  struct seal_pk key = secret_key_seal_pk(at->kit->transport);
  link_down(at);
  need(hub_gone(p->hub, &key) == TG_OK, "hub_gone", NULL);
  hub_turn(p);
  if (at->core) {
    need(node_link(at->core, NODE_LINK_DOWN) == TG_OK, "node_link", NULL);
    turn(at);
  }
}

struct node_config *pair_config(struct pair *p, size_t member) { return &p->place[member].config; }
struct node_core *pair_core(struct pair *p, size_t member) { return p->place[member].core; }
const char *pair_database(struct pair *p, size_t member) { return p->place[member].path; }
tg_time pair_now(const struct pair *p) { return p->wall; }

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
  tell_time(at);
  need(node_frame(at->core, frame) == TG_OK, "node_frame", NULL);
  turn(at);
}

/* ---- the network ---- */

static bool is_allowed(const struct pair *p, const struct seal_pk *key)
{
  for (size_t i = 0; i < p->n_allowed; i++)
    if (seal_pk_eq(&p->allowed[i], key))
      return true;
  return false;
}

static bool carry_to_hub(struct pair *p, struct place *at)
{
  struct seal_pk key = secret_key_seal_pk(at->kit->transport);
  struct buf frames = pull(&at->to_hub);
  struct slice all = buf_slice(&frames), frame;
  bool any = false;
  while (next(&all, &frame)) {
    need(hub_frame(p->hub, &key, frame) == TG_OK, "hub_frame", NULL);
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
    need(node_frame(at->core, buf_slice(&copy)) == TG_OK, "node_frame", NULL);
  buf_free(&copy);
}

static bool run_node(struct pair *p, struct place *at)
{
  struct seal_pk key = secret_key_seal_pk(at->kit->transport);
  if (!at->core)
    return false;
  bool due = at->wake <= p->mono;
  struct buf frames = pull(&at->from_hub);
  struct slice all = buf_slice(&frames), frame;
  bool any = all.n > 0 || due;
  if (any || (at->wanted && at->plugged && !at->up))
    tell_time(at);
  if (at->wanted && at->plugged && !at->up && is_allowed(p, &key)) {
    at->up = any = true;
    need(node_link(at->core, NODE_LINK_UP) == TG_OK, "node_link", NULL);
  }
  while (at->up && next(&all, &frame))
    give(at, frame);
  buf_free(&frames);
  if (any)
    turn(at);
  return any;
}

void pair_settle(struct pair *p)
{
  for (unsigned round = 0; round < ROUNDS; round++) {
    bool any = p->hub_wake <= p->mono;
    need(hub_time(p->hub, (struct hub_now){p->wall, p->mono}) == TG_OK, "hub_time", NULL);
    for (size_t i = 0; i < p->kit->n_members; i++)
      any |= carry_to_hub(p, &p->place[i]);
    hub_turn(p);
    for (size_t i = 0; i < p->kit->n_members; i++)
      any |= run_node(p, &p->place[i]);
    if (!any)
      return;
  }
  need(false, "coming to rest", NULL);
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

/* ---- programs ---- */

/* The request goes into the node; what it answers, later perhaps, is in to_program. */
static void say(struct pair *p, struct place *at, enum local_type type, const ProtobufCMessage *message)
{
  struct buf frame = buf_new(LOCAL_FRAME);
  struct tg_why why = {0};
  (void)p;
  tell_time(at);
  need(local_encode(type, message, &frame, &why) == TG_OK, "a request", &why);
  need(node_client_frame(at->core, CLIENT, buf_slice(&frame)) == TG_OK, "node_client_frame", NULL);
  buf_free(&frame);
  turn(at);
}

/* The first answer to the present request; those to others are passed over. NULL: none. */
static const ProtobufCMessage *hear(struct pair *p, struct place *at, enum local_type *ret_type)
{
  struct buf frames = pull(&at->to_program);
  struct slice all = buf_slice(&frames), frame;
  const ProtobufCMessage *found_one = NULL;
  while (!found_one && next(&all, &frame)) {
    const struct local_kind *kind;
    ProtobufCMessage *message;
    struct tg_why why = {0};
    need(local_decode(frame, LOCAL_TO_PROGRAM, p->arena, &kind, &message, &why) == TG_OK, "an answer", &why);
    if (local_request(message) == at->request) {
      found_one = message;
      *ret_type = kind->type;
    }
  }
  buf_free(&frames);
  return found_one;
}

/* Every request has its number as its first field, after the message's own head. */
static void number(struct place *at, ProtobufCMessage *message)
{
  const ProtobufCFieldDescriptor *field = &message->descriptor->fields[0];
  uint64_t *at_field = (uint64_t *)(void *)((uint8_t *)message + field->offset);
  *at_field = ++at->request;
}

const ProtobufCMessage *pair_ask(struct pair *p, size_t member, enum local_type type, const ProtobufCMessage *message,
                                 enum local_type *ret_type)
{
  struct place *at = &p->place[member];
  arena_reset(p->arena);
  number(at, (ProtobufCMessage *)(uintptr_t)message);
  say(p, at, type, message);
  return hear(p, at, ret_type);
}

/* A program of another user than the one that is always there. */
static void visit(struct place *at, uint32_t uid)
{
  Tg__LHello hello = TG__LHELLO__INIT;
  struct buf frame = buf_new(LOCAL_FRAME);
  hello.request = ++at->request;
  hello.protocol = LOCAL_PROTOCOL;
  tell_time(at);
  need(local_encode(LOCAL_HELLO, &hello.base, &frame, NULL) == TG_OK && node_client_joined(at->core, VISITOR, uid) == TG_OK &&
           node_client_frame(at->core, VISITOR, buf_slice(&frame)) == TG_OK,
       "a visitor", NULL);
  turn(at);
  buf_clear(&at->to_visitor.bytes);
  buf_free(&frame);
}

const ProtobufCMessage *pair_program(struct pair *p, size_t member, uint32_t uid, enum local_type type,
                                     const ProtobufCMessage *message, struct buf *out, enum local_type *ret_type)
{
  struct place *at = &p->place[member];
  struct buf frame = buf_new(LOCAL_FRAME);
  const ProtobufCMessage *first = NULL;
  const struct local_kind *kind;
  arena_reset(p->arena);
  visit(at, uid);
  number(at, (ProtobufCMessage *)(uintptr_t)message);
  need(local_encode(type, message, &frame, NULL) == TG_OK && node_client_frame(at->core, VISITOR, buf_slice(&frame)) == TG_OK,
       "a visitor's request", NULL);
  for (size_t had = SIZE_MAX; had != at->to_visitor.bytes.n;) {
    had = at->to_visitor.bytes.n;
    turn(at);
  }
  struct buf frames = pull(&at->to_visitor);
  struct slice all = buf_slice(&frames), one;
  while (next(&all, &one)) {
    buf_put_slice(out, one);
    ProtobufCMessage *answer;
    need(local_decode(one, LOCAL_TO_PROGRAM, p->arena, &kind, &answer, NULL) == TG_OK, "an answer", NULL);
    if (!first && local_request(answer) == at->request) {
      first = answer;
      *ret_type = kind->type;
    }
  }
  need(node_client_gone(at->core, VISITOR) == TG_OK, "a visitor's going", NULL);
  turn(at);
  buf_free(&frames);
  buf_free(&frame);
  return first;
}

void pair_hooked(const struct pair *p, size_t member, struct buf *out)
{
  buf_put_slice(out, buf_slice(&p->place[member].hooked));
}

static size_t split(const char *names, ProtobufCBinaryData *ret, size_t max)
{
  size_t n = 0;
  for (const char *s = names; s && *s && n < max; n++) {
    size_t length = strcspn(s, ",");
    ret[n] = (ProtobufCBinaryData){length, (uint8_t *)(uintptr_t)s};
    s += length + (s[length] == ',');
  }
  return n;
}

static ProtobufCBinaryData data(const void *p, size_t n) { return (ProtobufCBinaryData){n, (uint8_t *)(uintptr_t)p}; }

static ProtobufCBinaryData id_of(const struct hash *id) { return id ? data(id->b, 32) : data(NULL, 0); }

static void send_content(struct pair *p, struct place *at, uint32_t portion, const uint8_t *content, size_t n)
{
  for (size_t done = 0; done < n;) {
    Tg__LData piece = TG__LDATA__INIT;
    size_t length = n - done < LOCAL_DATA ? n - done : LOCAL_DATA;
    piece.request = at->request;
    piece.portion = portion;
    piece.data = data(content + done, length);
    say(p, at, LOCAL_PUBLISH_DATA, &piece.base);
    done += length;
  }
}

enum tg_err pair_publish(struct pair *p, size_t member, const struct pair_bulletin *b, struct hash *ret)
{
  struct place *at = &p->place[member];
  ProtobufCBinaryData to[16], topic = data(b->topic ? b->topic : "alert.attack", strlen(b->topic ? b->topic : "alert.attack"));
  ProtobufCBinaryData source = id_of(b->source);
  Tg__LPublish publish = TG__LPUBLISH__INIT;
  Tg__LDraft draft = TG__LDRAFT__INIT;
  ProtobufCBinaryData tear_to[16];
  Tg__LPortionDraft portion = TG__LPORTION_DRAFT__INIT, tear, *portions[] = {&portion, &tear};
  uint8_t *content = malloc(b->size ? b->size : 1);
  need(content != NULL, "memory", NULL);
  if (b->size)
    randombytes_buf(content, b->size);
  portion.level = b->level ? b->level : 2;
  portion.tlp = b->tlp ? b->tlp : 3;
  portion.caveats = b->caveats;
  portion.to = to;
  portion.n_to = split(b->to, to, 16);
  portion.title = data(b->title, b->title ? strlen(b->title) : 0);
  portion.size = b->size ? b->size : b->text ? strlen(b->text) : 0;
  tear = portion;
  tear.to = tear_to;
  tear.n_to = split(b->tear_to, tear_to, 16);
  tear.size = b->tear_text ? strlen(b->tear_text) : 0;
  draft.kind = b->kind;
  draft.precedence = b->precedence;
  draft.expires = b->expires;
  draft.topics = &topic;
  draft.n_topics = 1;
  draft.sources = &source;
  draft.n_sources = b->source ? 1 : 0;
  draft.supersedes = id_of(b->supersedes);
  draft.replies_to = id_of(b->replies_to);
  draft.portions = portions;
  draft.n_portions = b->tear_to ? 2 : 1;
  publish.draft = &draft;
  arena_reset(p->arena);
  number(at, &publish.base);
  say(p, at, LOCAL_PUBLISH, &publish.base);
  if (portion.size)
    send_content(p, at, 0, b->size ? content : (const uint8_t *)b->text, portion.size);
  if (b->tear_to && tear.size)
    send_content(p, at, 1, (const uint8_t *)b->tear_text, tear.size);
  free(content);
  enum local_type type = LOCAL_ERROR;
  const ProtobufCMessage *answer = hear(p, at, &type);
  need(answer != NULL, "an answer to LPublish", NULL);
  if (type == LOCAL_ERROR)
    return (enum tg_err)((const Tg__LError *)answer)->err;
  need(type == LOCAL_PROGRESS, "LProgress", NULL);
  const Tg__LProgress *progress = (const Tg__LProgress *)answer;
  need(progress->bulletin.len == 32, "an id", NULL);
  if (ret)
    memcpy(ret->b, progress->bulletin.data, 32);
  return TG_OK;
}

/* ---- what was told ---- */

unsigned pair_told(const struct pair *p, size_t member, const char *name)
{
  for (size_t i = 0; i < p->place[member].n_told; i++)
    if (strcmp(p->place[member].told[i].name, name) == 0)
      return p->place[member].told[i].times;
  return 0;
}

unsigned pair_evidence(const struct pair *p, size_t member) { return p->place[member].evidence; }

/* ---- all of it ---- */

struct pair *pair_new(struct kit *k)
{
  struct pair *p = calloc(1, sizeof *p);
  need(p != NULL, "memory", NULL);
  p->kit = k;
  p->wall = k->start + TG_HOUR;
  p->mono = 1000000;
  p->hub_wake = INT64_MAX;
  p->to_sign = buf_new(1 << 16);
  p->arena = arena_new(ARENA);
  need(p->arena != NULL, "memory", NULL);
  strcpy(p->folder, "/tmp/toguna-pair-XXXXXX");
  need(mkdtemp(p->folder) != NULL, "a folder", NULL);
  for (size_t i = 0; i < k->n_members; i++) {
    struct place *at = &p->place[i];
    at->pair = p;
    at->kit = &k->member[i].node[0];
    at->plugged = true;
    at->wake = INT64_MAX;
    at->to_hub.bytes = at->from_hub.bytes = at->to_program.bytes = at->to_visitor.bytes = at->hooked =
        buf_new((size_t)1 << 30);
    snprintf(at->path, sizeof at->path, "%s/%s.db", p->folder, k->member[i].code.code);
    at->config = (struct node_config){.exchange = k->exchange, .database = at->path};
  }
  start_hub(p);
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
  }
  hub_free(p->hub);
  buf_free(&p->to_sign);
  arena_free(p->arena);
  snprintf(command, sizeof command, "rm -rf %s", p->folder);
  need(system(command) == 0, "removing the folder", NULL);
  free(p);
}
