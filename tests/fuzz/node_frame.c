/* A hub with all its keys says anything at all to a node: whatever the bytes are, node_frame() and node_turn() answer TG_OK. The input is a row
   of steps of (verb, length, bytes): raw frames, frames of a type, and frames of the honest hub, with bulletins or with documents, in which the
   bytes change something. */
#include "client/node/talk.h"
#include "keys/codec.h"
#include "keys/note.h"
#include "proto/hash.h"
#include "tests/kit/pair.h"
#include "tests/proto/chance.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { ML, BF, MEMBERS, AGE = 2000, STEPS = 24, DOCUMENTS = 400, ANYBODY = 0 };
#define START ((tg_time)1796083200000) /* 2026-12-01T00:00:00Z */

static struct kit *kit;
static struct pair *pair;
static unsigned age, documents;

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
  (void)argc, (void)argv;
  return sodium_init() < 0 ? -1 : 0;
}

/* So that the hub puts some off. */
static void few_documents(struct charter *c) { c->limits.documents_per_hour = 20; }

/* From time to time a new exchange: what the last inputs left in it would make finds hard to repeat. */
static void begin(void)
{
  if (pair && age++ < AGE)
    return;
  pair_free(pair);
  kit_free(kit);
  chance_seed(1);
  kit = kit_new(MEMBERS, START, few_documents);
  pair = pair_new(kit);
  for (size_t i = 0; i < MEMBERS; i++)
    pair_start(pair, i);
  pair_settle(pair);
  age = documents = 0;
}

static void inject(uint8_t type, struct slice message)
{
  struct buf frame = buf_new(LIMIT_FRAME);
  buf_put_u8(&frame, 1);
  buf_put_u8(&frame, type);
  buf_put_slice(&frame, message);
  if (!frame.failed)
    pair_inject(pair, BF, buf_slice(&frame));
  buf_free(&frame);
}

/* One byte in each frame: (type, place, value). */
static bool spoil(void *context, struct buf *frame)
{
  const struct slice *with = context;
  for (size_t i = 0; i + 3 < with->n; i += 4)
    if (frame->p[1] == with->p[i] % 20 && frame->n > 2)
      frame->p[2 + (with->p[i + 1] | (size_t)with->p[i + 2] << 8) % (frame->n - 2)] ^= with->p[i + 3];
  return true;
}

static void say_to_node(enum local_type type, const ProtobufCMessage *message)
{
  struct buf answers = buf_new(4 << 20);
  enum local_type first;
  pair_program(pair, BF, ANYBODY, type, message, &answers, &first);
  buf_free(&answers);
}

static void offer(struct slice note)
{
  Tg__LDocument m = TG__LDOCUMENT__INIT;
  m.content = slice_data(note);
  say_to_node(LOCAL_PUT_DOCUMENT, &m.base);
}

static void query(const char *what, const char *first, const char *second)
{
  ProtobufCBinaryData args[2] = {slice_data(slice_str(first)), slice_data(slice_str(second ? second : ""))};
  Tg__LQuery m = TG__LQUERY__INIT;
  m.what = slice_data(slice_str(what));
  m.args = args;
  m.n_args = second ? 2 : 1;
  say_to_node(LOCAL_QUERY, &m.base);
}

static void publish_spoilt(struct slice with)
{
  pair_set_filter(pair, BF, spoil, &with);
  pair_publish(pair, ML, &(struct pair_bulletin){.to = "BF", .text = "x", .size = with.n & 1 ? 200000 : 0}, NULL);
  pair_settle(pair);
  pair_publish(pair, BF, &(struct pair_bulletin){.to = "ML", .text = "y"}, NULL);
  pair_settle(pair);
  query("review", "stated", NULL); /* its own receipts, which the node asks the hub for */
  pair_settle(pair);
  pair_set_filter(pair, BF, NULL, NULL);
}

/* What the node kept of it, it can say again. */
static void ask_about(struct slice bytes)
{
  static struct note note;
  char hex[65];
  if (note_parse(bytes, NULL, &note, NULL) != TG_OK)
    return;
  const struct hash hash = document_hash(note.text);
  hash_print(&hash, hex);
  query("prove", hex, NULL);
  query("review", "documents", "0");
}

/* A document with its entry in the log: the hub's, in a session or at the beginning of one, or the node's own, which the hub answers. */
static void document_spoilt(struct slice with)
{
  if (documents == DOCUMENTS)
    return;
  const struct sign_pk lost = {{7, (uint8_t)documents, (uint8_t)(documents >> 8)}};
  const bool own = with.n & 1, away = with.n & 2;
  struct buf note = kit_revoke_key(kit, own ? BF : ML, &lost, pair_now(pair));
  documents++;
  pair_set_filter(pair, BF, spoil, &with);
  if (away)
    pair_plug(pair, BF, false);
  if (own)
    offer(buf_slice(&note));
  else
    pair_document(pair, buf_slice(&note));
  pair_settle(pair);
  if (away)
    pair_plug(pair, BF, true);
  pair_settle(pair);
  pair_set_filter(pair, BF, NULL, NULL);
  ask_about(buf_slice(&note));
  buf_free(&note);
}

static void step(uint8_t verb, struct slice bytes)
{
  switch (verb & 7) {
  case 0:
    pair_inject(pair, BF, bytes);
    break;
  case 1:
  case 2:
    if (bytes.n)
      inject(bytes.p[0] % 20, slice_of(bytes.p + 1, bytes.n - 1));
    break;
  case 3:
    publish_spoilt(bytes);
    break;
  case 4:
    document_spoilt(bytes);
    break;
  case 5:
    pair_plug(pair, BF, false);
    pair_plug(pair, BF, true);
    break;
  case 6:
    pair_settle(pair);
    break;
  default:
    pair_pass(pair, 20 * TG_SECOND);
    break;
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  begin();
  pair_pass(pair, TG_SECOND);
  if (talk_state(pair_core(pair, BF)) != TALK_OPEN)
    pair_pass(pair, 2 * TG_MINUTE); /* it rests after what the last input did */
  for (unsigned steps = 0; steps < STEPS && size >= 3; steps++) {
    size_t n = data[1] | (size_t)data[2] << 8;
    n = n < size - 3 ? n : size - 3;
    step(data[0], slice_of(data + 3, n));
    data += 3 + n;
    size -= 3 + n;
  }
  pair_settle(pair);
  return 0;
}
