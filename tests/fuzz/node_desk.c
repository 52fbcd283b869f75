/* A local program says anything at all to its node: whatever the bytes are, node_client_frame() and node_turn() answer TG_OK. The input is a row
   of steps of (verb, length, bytes): raw frames and frames of a type, from programs of several users, that come and go. Its inbox holds bulletins
   of every precedence, and its store lies on the disk. */
#include "client/local.h"
#include "client/node/node.h"
#include "proto/subject.h"
#include "tests/kit/pair.h"
#include "tests/proto/chance.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { ML, BF, MEMBERS, BULLETINS = 6, PROGRAMS = 3, OWNER = 1000, AGE = 2000, STEPS = 24 };
#define START ((tg_time)1796083200000) /* 2026-12-01T00:00:00Z */

static struct kit *kit;
static struct pair *pair;
static struct node_core *core;
static struct node_config config;
static struct node_secrets secrets;
static struct node_now now;
static bool joined[PROGRAMS];
static unsigned age;

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
  (void)argc, (void)argv;
  return sodium_init() < 0 ? -1 : 0;
}

static void need(bool ok)
{
  if (!ok)
    abort();
}

static size_t to_hub(void *context, struct slice frame) { (void)context, (void)frame; return 0; }
static size_t to_client(void *context, uint64_t client, struct slice frame)
{
  struct arena *arena = arena_new(LOCAL_ARENA);
  const struct local_kind *kind;
  ProtobufCMessage *message;
  (void)context, (void)client;
  need(arena && local_decode(frame, LOCAL_TO_PROGRAM, arena, &kind, &message, NULL) == TG_OK);
  arena_free(arena);
  return 0;
}
static void close_client(void *context, uint64_t client) { (void)context; joined[client - 1] = false; }
static void connect_to(void *context, const char *endpoint, const struct seal_pk *hub) { (void)context, (void)endpoint, (void)hub; }
static void hook(void *context, const struct node_hook *order) { (void)context, (void)order; }
static void wake_at(void *context, int64_t mono) { (void)context, (void)mono; }
static void evidence(void *context, const char *name, struct slice text) { (void)context, (void)name, (void)text; }

/* What came before any program: the last of them are a FLASH that stands behind others, and one that takes another back. */
static void fill_inbox(void)
{
  static const uint32_t precedence[BULLETINS] = {PRECEDENCE_ROUTINE, PRECEDENCE_FLASH, PRECEDENCE_ROUTINE, PRECEDENCE_IMMEDIATE, PRECEDENCE_FLASH, PRECEDENCE_PRIORITY};
  struct hash id[BULLETINS];
  pair = pair_new(kit);
  for (size_t i = 0; i < MEMBERS; i++)
    pair_start(pair, i);
  pair_settle(pair);
  for (size_t i = 0; i < BULLETINS; i++)
    need(pair_publish(pair, BF, &(struct pair_bulletin){.to = "ML", .text = "text", .precedence = precedence[i]}, &id[i]) == TG_OK);
  need(pair_publish(pair, BF, &(struct pair_bulletin){.to = "ML", .text = "x", .kind = KIND_RECALL, .supersedes = &id[2]}, NULL) == TG_OK);
  pair_settle(pair);
  pair_kill(pair, ML);
}

/* From time to time a new node. */
static void begin(void)
{
  static const struct node_effects effects = {.to_hub = to_hub, .to_client = to_client, .close_client = close_client,
                                              .connect = connect_to, .hook = hook, .wake_at = wake_at, .evidence = evidence};
  if (core && age++ < AGE)
    return;
  node_free(core);
  pair_free(pair);
  kit_free(kit);
  chance_seed(1);
  kit = kit_new(MEMBERS, START, NULL);
  fill_inbox();
  now = (struct node_now){.wall = pair_now(pair) + TG_MINUTE, .mono = 1000};
  config = *pair_config(pair, ML);
  config.owner = OWNER;
  secrets = (struct node_secrets){.node = kit->member[ML].node[0].identity};
  core = NULL;
  need(node_new(&config, &secrets, &effects, now, &core, NULL) == TG_OK);
  memset(joined, 0, sizeof joined);
  age = 0;
}

static void turn(void)
{
  now.wall += 10;
  now.mono += 10;
  need(node_time(core, now) == TG_OK && node_turn(core, NULL) == TG_OK);
}

static void hello(uint64_t client)
{
  Tg__LHello m = TG__LHELLO__INIT;
  struct buf frame = buf_new(LOCAL_FRAME);
  m.request = 1;
  m.protocol = LOCAL_PROTOCOL;
  m.program = strict_data(slice_str("fuzz"));
  need(node_client_joined(core, client, client == PROGRAMS ? OWNER + 1 : OWNER) == TG_OK);
  need(local_encode(LOCAL_HELLO, &m.base, &frame, NULL) == TG_OK);
  joined[client - 1] = true;
  need(node_client_frame(core, client, buf_slice(&frame)) == TG_OK);
  buf_free(&frame);
}

/* What a frame's first bytes are is local.h's; a type in the second place reaches the decoder of its message. */
static void say(uint64_t client, struct slice bytes, bool typed)
{
  struct buf frame = buf_new(LOCAL_FRAME);
  if (typed)
    buf_put_u8(&frame, LOCAL_PROTOCOL);
  buf_put_slice(&frame, bytes);
  if (!frame.failed && joined[client - 1])
    need(node_client_frame(core, client, buf_slice(&frame)) == TG_OK);
  buf_free(&frame);
}

static void step(uint8_t verb, struct slice bytes)
{
  const uint64_t client = 1 + (verb >> 4) % PROGRAMS;
  switch (verb & 7) {
  case 0:
    say(client, bytes, false);
    break;
  case 6:
    if (joined[client - 1])
      need(node_client_gone(core, client) == TG_OK);
    joined[client - 1] = false;
    break;
  case 7:
    turn();
    break;
  default:
    say(client, bytes, true);
    break;
  }
  if (!joined[client - 1] && (verb & 7) != 6) {
    turn();
    if (!joined[client - 1])
      hello(client);
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  begin();
  for (uint64_t client = 1; client <= PROGRAMS; client++)
    if (!joined[client - 1])
      hello(client);
  turn();
  for (unsigned steps = 0; steps < STEPS && size >= 3; steps++) {
    size_t n = data[1] | (size_t)data[2] << 8;
    n = n < size - 3 ? n : size - 3;
    step(data[0], slice_of(data + 3, n));
    data += 3 + n;
    size -= 3 + n;
  }
  turn();
  return 0;
}
