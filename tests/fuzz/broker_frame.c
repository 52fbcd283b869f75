/* A member's node with a valid key says anything at all to the hub. The hub must go on: whatever the bytes are, hub_frame() and hub_commit()
   answer TG_OK. The input is a row of steps of (verb, length, bytes): raw frames, frames of a type, and a sealed bulletin, batch of receipts or
   document that is honest but for what the bytes change in it, signed after the change. */
#include "proto/frame.h"
#include "tests/broker/stage.h"
#include "tests/proto/chance.h"

#include <setjmp.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { ML, BF, NE, MEMBERS, AGE = 2000, STEPS = 24 };

static struct stage *stage;
static unsigned age;

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
  (void)argc, (void)argv;
  return sodium_init() < 0 ? -1 : 0;
}

/* From time to time a new hub: what the last ones left in it would make finds hard to repeat. */
static void begin(void)
{
  if (stage && age++ < AGE)
    return;
  if (stage)
    stage_free(stage);
  chance_seed(1);
  stage = stage_new(MEMBERS, NULL);
  age = 0;
}

/* The hub's answer, or the end. */
static void say(const struct actor *a, struct slice frame)
{
  const struct seal_pk peer = secret_key_seal_pk(a->kit->transport);
  if (hub_frame(stage->hub, &peer, frame) != TG_OK)
    abort();
}

static void say_as(const struct actor *a, enum frame_type type, struct slice message)
{
  struct buf frame = buf_new(LIMIT_FRAME);
  buf_put_u8(&frame, 1);
  buf_put_u8(&frame, (uint8_t)type);
  buf_put_slice(&frame, message);
  if (!frame.failed)
    say(a, buf_slice(&frame));
  buf_free(&frame);
}

static struct slice rest(struct slice s)
{
  return slice_of(s.p + 1, s.n - 1);
}

/* Changes bytes of a field: pairs of (place, value). */
static void spoil(ProtobufCBinaryData *field, struct slice with)
{
  for (size_t i = 0; field->len && i + 1 < with.n; i += 2)
    field->data[with.p[i] % field->len] ^= with.p[i + 1];
}

static void submit(struct actor *a, uint8_t which, struct slice with)
{
  static const enum kind kinds[] = {KIND_REPORT, KIND_QUESTION};
  struct story story = {.to = which & 1 ? "BF" : "*", .number = which & 2 ? 7 : 0, .apart = which & 4, .kind = kinds[which >> 3 & 1]};
  struct sealed b = actor_seal(a, story);
  ProtobufCBinaryData *const fields[] = {&b.message->portions[0], &b.message->releases[0], &b.message->wraps[0],
                                         &b.message->header};
  spoil(fields[which >> 4 & 3], with);
  if (which >> 6 & 1)
    actor_sign(a, b.message);
  Tg__Submission *items[] = {b.message, b.message};
  Tg__Submit m = TG__SUBMIT__INIT;
  m.items = items;
  m.n_items = which >> 7 ? 2 : 1;
  struct buf out = buf_new(LIMIT_FRAME);
  if (frame_encode(FRAME_SUBMIT, &m.base, &out, NULL) == TG_OK)
    say(a, buf_slice(&out));
  buf_free(&out);
  body_drop(&b.body);
}

/* Receipts, signed as they are: each item is 32 bytes of bulletin chosen among those that came, an event and a number. */
static void receipts(struct actor *a, struct slice with)
{
  for (size_t i = 0; i + 2 < with.n && i < 12; i += 3) {
    uint64_t serial, queue;
    memset(&serial, with.p[i], sizeof serial);
    memset(&queue, with.p[i + 1], sizeof queue);
    if (!a->deliveries)
      return;
    struct got_delivery *d = &a->delivery[with.p[i + 2] % (a->deliveries < STAGE_KEPT ? a->deliveries : STAGE_KEPT)];
    struct got_delivery was = *d;
    a->serial = serial >> 2;
    d->queue = queue >> 2 | 1;
    actor_receive(a, (size_t)(d - a->delivery), with.p[i + 2] & 1 ? RECEIPT_STORED : RECEIPT_UNREADABLE);
    *d = was;
  }
}

static void step(uint8_t verb, struct slice bytes)
{
  struct actor *a = &stage->actor[verb >> 4 & 1];
  switch (verb & 7) {
  case 0:
    say(a, bytes);
    break;
  case 1:
    if (bytes.n)
      say_as(a, (enum frame_type)(bytes.p[0] % 20), rest(bytes));
    break;
  case 2:
    if (bytes.n)
      submit(a, bytes.p[0], rest(bytes));
    break;
  case 3:
    receipts(a, bytes);
    break;
  case 4:
    if (!a->open)
      actor_hello(a);
    break;
  case 5:
    actor_sealing_keys(a);
    break;
  case 6:
    stage_settle(stage);
    break;
  default:
    stage_pass(stage, (int64_t)(bytes.n % 8 + 1) * 10000);
    break;
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  begin();
  stage->now.wall += 40000, stage->now.mono += 40000; /* strikes are forgiven in time, a session that is silent not yet closed */
  for (size_t i = 0; i < 2; i++)
    if (!stage->actor[i].open)
      actor_hello(&stage->actor[i]);
  stage_settle(stage);
  for (unsigned steps = 0; steps < STEPS && size >= 3; steps++) {
    size_t n = data[1] | (size_t)data[2] << 8;
    n = n < size - 3 ? n : size - 3;
    step(data[0], slice_of(data + 3, n));
    data += 3 + n;
    size -= 3 + n;
  }
  stage_settle(stage);
  return 0;
}
