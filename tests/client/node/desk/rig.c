#include "tests/client/node/desk/rig.h"

#include "client/node/papers.h"
#include "proto/header.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { TURNS_MAX = 1000 }; /* of one call: then it would not come to rest */

static const tg_time START = INT64_C(1790000000000);

/* ---- effects ---- */

static size_t to_hub(void *context, struct slice frame)
{
  (void)context;
  (void)frame;
  return 0;
}

static void connect_to(void *context, const char *endpoint, const struct seal_pk *hub)
{
  (void)context;
  (void)endpoint;
  (void)hub;
}

static size_t to_client(void *context, uint64_t client, struct slice frame)
{
  struct rig *r = context;
  const struct local_kind *kind;
  struct answer *a = &r->answer[r->n_answers++];
  assert_true(r->n_answers < RIG_ANSWERS);
  assert_int_equal(local_decode(frame, LOCAL_TO_PROGRAM, r->arena, &kind, &a->message, NULL), TG_OK);
  a->client = client;
  a->type = kind->type;
  r->sent_bytes += frame.n;
  return r->waiting;
}

static void close_client(void *context, uint64_t client)
{
  ((struct rig *)context)->closed = client;
}

static void hook(void *context, const struct node_hook *order)
{
  struct rig *r = context;
  r->hook_order = order->order;
  r->hook_orders++;
  snprintf(r->hook_json, sizeof r->hook_json, "%.*s", (int)order->json.n, (const char *)order->json.p);
}

static void wake_at(void *context, int64_t mono)
{
  struct rig *r = context;
  r->wake = mono;
}

static void evidence(void *context, const char *name, struct slice text)
{
  (void)context;
  (void)text;
  fail_msg("evidence without a hub: %s", name);
}

static void tell(void *context, const struct node_event *event)
{
  struct rig *r = context;
  snprintf(r->told, sizeof r->told, "%s", event->name);
}

/* ---- life ---- */

static void start(struct rig *r)
{
  const struct node_effects effects = {.context = r,
                                       .to_hub = to_hub,
                                       .connect = connect_to,
                                       .to_client = to_client,
                                       .close_client = close_client,
                                       .hook = hook,
                                       .wake_at = wake_at,
                                       .evidence = evidence,
                                       .tell = tell};
  struct tg_why why = {0};
  char text[512];
  if (node_new(&r->config, &r->secrets, &effects, r->now, &r->core, &why) != TG_OK) {
    why_render(&why, NULL, text, sizeof text);
    fail_msg("node_new: %s", text);
  }
}

void rig_restart(struct rig *r)
{
  node_free(r->core);
  start(r);
}

void rig_turn(struct rig *r)
{
  struct tg_why why = {0};
  unsigned turns = 0;
  do { /* what is left over for a further turn wakes the node at once, and a timer goes off once */
    r->wake = INT64_MAX;
    assert_int_equal(node_time(r->core, r->now), TG_OK);
    assert_int_equal(node_turn(r->core, &why), TG_OK);
    assert_true(turns++ < TURNS_MAX);
  } while (r->wake <= r->now.mono);
}

void rig_later(struct rig *r, int64_t ms)
{
  r->now.wall += ms;
  r->now.mono += ms;
  rig_turn(r);
}

static void take_document(void *context, struct slice note)
{
  struct rig *r = context;
  struct tg_why why = {0};
  char text[512];
  if (node_document(r->core, note, &why) != TG_OK) {
    why_render(&why, NULL, text, sizeof text);
    fail_msg("document: %s", text);
  }
}

static enum tg_err sign_as(void *key, struct slice message, struct sign_sig *ret)
{
  return secret_key_sign(key, message, ret);
}

/* As if the hub had brought it: a sealing key of this node, announced under its signature. */
static void announce(struct rig *r, const struct kit_node *node)
{
  struct sealing_keys keys = {
      .exchange = r->kit->exchange, .node = secret_key_sign_pk(node->identity), .serial = 1, .n = 1};
  struct buf bytes = buf_new(4096), proof = buf_new(4096);
  struct batch *batch = batch_new();
  struct arena *arena = arena_new(1 << 16);
  struct tg_why why = {0};
  enum tg_err verdict;
  uint8_t secret[32];
  randombytes_buf(secret, sizeof secret);
  keys.key[0] = (struct sealing_key){.suite = 1, .from = START, .until = START + 60 * TG_DAY};
  assert_int_equal(crypto_scalarmult_base(keys.key[0].key.b, secret), 0);
  keys.key[0].id = sealing_key_id(1, &keys.key[0].key);
  assert_int_equal(sealing_keys_print(&keys, &bytes), TG_OK);
  struct hash id = statement_id(STATEMENT_SEALING_KEYS, buf_slice(&bytes));
  assert_int_equal(batch_add(batch, &id, NULL), TG_OK);
  assert_int_equal(batch_sign(batch, &r->kit->exchange, sign_as, node->identity), TG_OK);
  assert_int_equal(strict_pack(&limits_batch_proof, &batch_proof(batch, 0, arena)->base, &proof, NULL),
                   TG_OK);
  assert_int_equal(papers_take(r->core, DOCUMENT_SEALING_KEYS, buf_slice(&bytes), buf_slice(&proof),
                               DIRECTORY_RELAYED, &verdict, &why),
                   TG_OK);
  assert_int_equal(verdict, TG_OK);
  arena_free(arena);
  batch_free(batch);
  buf_free(&bytes);
  buf_free(&proof);
}

struct rig *rig_new(void)
{
  static const struct node_user users[] = {
      {OWNER, NODE_ADMIN}, {READER, NODE_READER}, {PUBLISHER, NODE_PUBLISHER}, {OFFICER, NODE_OFFICER},
      {APPROVER, NODE_APPROVER}, {SECOND_PUBLISHER, NODE_PUBLISHER}};
  static const char *const hooks[] = {"file", NULL};
  static char path[64];
  struct rig *r = calloc(1, sizeof *r);
  assert_non_null(r);
  snprintf(path, sizeof path, "/tmp/toguna-desk-%d.db", (int)getpid());
  r->kit = kit_new(3, START, NULL);
  r->now = (struct node_now){START + TG_HOUR, 1000};
  r->arena = arena_new(256 << 20);
  r->config = (struct node_config){.exchange = r->kit->exchange,
                                   .database = path,
                                   .policy_file = "ml.policy",
                                   .users = users,
                                   .n_users = sizeof users / sizeof *users,
                                   .hooks = hooks};
  r->secrets = (struct node_secrets){.node = r->kit->member[0].node[0].identity};
  start(r);
  kit_each_document(r->kit, take_document, r);
  announce(r, &r->kit->member[1].node[0]);
  announce(r, &r->kit->member[2].node[0]);
  rig_turn(r);
  return r;
}

void rig_free(struct rig *r)
{
  char file[96];
  node_free(r->core);
  static const char *const ends[] = {"", "-wal", "-shm"};
  for (size_t i = 0; i < 3; i++) {
    snprintf(file, sizeof file, "%s%s", r->config.database, ends[i]);
    unlink(file);
  }
  arena_free(r->arena);
  kit_free(r->kit);
  free(r);
}

/* ---- programs ---- */

void rig_bytes(struct rig *r, uint64_t client, const void *bytes, size_t n)
{
  assert_int_equal(node_time(r->core, r->now), TG_OK);
  assert_int_equal(node_client_frame(r->core, client, slice_of(bytes, n)), TG_OK);
  rig_turn(r);
}

void rig_send(struct rig *r, uint64_t client, enum local_type type, const ProtobufCMessage *message)
{
  struct buf frame = buf_new(LOCAL_FRAME);
  struct tg_why why = {0};
  assert_int_equal(local_encode(type, message, &frame, &why), TG_OK);
  rig_bytes(r, client, frame.p, frame.n);
  buf_free(&frame);
}

static void hello(struct rig *r, uint64_t client, uint32_t uid)
{
  Tg__LHello hello = TG__LHELLO__INIT;
  hello.request = 1;
  hello.protocol = LOCAL_PROTOCOL;
  hello.program = strict_data(slice_str("test"));
  assert_int_equal(node_client_joined(r->core, client, uid), TG_OK);
  rig_send(r, client, LOCAL_HELLO, &hello.base);
}

void rig_join(struct rig *r, uint64_t client, uint32_t uid)
{
  hello(r, client, uid);
  if (uid == NOBODY)
    rig_expect_error(r, client, 1, TG_REFUSED);
  else
    rig_expect(r, client, LOCAL_WELCOME, 1);
}

const void *rig_expect(struct rig *r, uint64_t client, enum local_type type, uint64_t request)
{
  if (r->read == r->n_answers)
    fail_msg("waited in vain for a %s", local_kind((uint8_t)type)->name);
  const struct answer *a = &r->answer[r->read++];
  if (a->type == LOCAL_ERROR && type != LOCAL_ERROR) {
    const Tg__LError *e = (const Tg__LError *)a->message;
    fail_msg("an error instead of a %s: %s %.*s: %.*s", local_kind((uint8_t)type)->name,
             tg_err_name((enum tg_err)e->err), (int)e->where.len, (const char *)e->where.data,
             (int)e->what.len, (const char *)e->what.data);
  }
  assert_int_equal(a->type, type);
  assert_int_equal(a->client, client);
  assert_int_equal(local_request(a->message), request);
  return a->message;
}

void rig_expect_error(struct rig *r, uint64_t client, uint64_t request, enum tg_err err)
{
  const Tg__LError *e = rig_expect(r, client, LOCAL_ERROR, request);
  assert_int_equal(e->err, err);
  assert_true(e->what.len > 0); /* a sentence, always */
}

void rig_expect_silence(struct rig *r)
{
  assert_int_equal(r->n_answers, r->read);
}

struct hash rig_publish(struct rig *r, uint64_t client, uint64_t request, const char *topic, const char *text)
{
  Tg__LPublish publish = TG__LPUBLISH__INIT;
  Tg__LDraft draft = TG__LDRAFT__INIT;
  Tg__LPortionDraft portion = TG__LPORTION_DRAFT__INIT, *portions[1] = {&portion};
  ProtobufCBinaryData topics[1] = {strict_data(slice_str(topic))}, to[1] = {strict_data(slice_str("BF"))};
  Tg__LData data = TG__LDATA__INIT;
  portion.level = LEVEL_RESTRICTED;
  portion.tlp = TLP_AMBER;
  portion.n_to = 1;
  portion.to = to;
  portion.content_type = strict_data(slice_str("text/plain; charset=utf-8"));
  portion.title = strict_data(slice_str("A title"));
  portion.size = strlen(text);
  draft.kind = KIND_REPORT;
  draft.precedence = PRECEDENCE_ROUTINE;
  draft.n_topics = 1;
  draft.topics = topics;
  draft.n_portions = 1;
  draft.portions = portions;
  publish.request = request;
  publish.draft = &draft;
  rig_send(r, client, LOCAL_PUBLISH, &publish.base);
  rig_expect_silence(r);
  data.request = request;
  data.data = strict_data(slice_str(text));
  rig_send(r, client, LOCAL_PUBLISH_DATA, &data.base);
  const Tg__LProgress *progress = rig_expect(r, client, LOCAL_PROGRESS, request);
  assert_true(progress->state == 0 || progress->state == 6);
  assert_non_null(progress->audience);
  struct hash id;
  assert_int_equal(hash_read(strict_slice(progress->bulletin), &id), TG_OK);
  rig_expect(r, client, LOCAL_DONE, request);
  return id;
}
