/* A hub with all its keys says anything at all to a node: whatever the bytes are, node_frame() and node_turn() answer TG_OK. The input is a row
   of steps of (verb, length, bytes): raw frames, frames of a type, and frames of the honest hub in which the bytes change something. */
#include "client/node/talk.h"
#include "tests/kit/pair.h"
#include "tests/proto/chance.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { ML, BF, MEMBERS, AGE = 2000, STEPS = 24 };
#define START ((tg_time)1796083200000) /* 2026-12-01T00:00:00Z */

static struct kit *kit;
static struct pair *pair;
static unsigned age;

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
  (void)argc, (void)argv;
  return sodium_init() < 0 ? -1 : 0;
}

/* From time to time a new exchange: what the last inputs left in it would make finds hard to repeat. */
static void begin(void)
{
  if (pair && age++ < AGE)
    return;
  pair_free(pair);
  kit_free(kit);
  chance_seed(1);
  kit = kit_new(MEMBERS, START, NULL);
  pair = pair_new(kit);
  for (size_t i = 0; i < MEMBERS; i++)
    pair_start(pair, i);
  pair_settle(pair);
  age = 0;
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

static void publish_spoilt(struct slice with)
{
  pair_set_filter(pair, BF, spoil, &with);
  pair_publish(pair, ML, &(struct pair_bulletin){.to = "BF", .text = "x", .size = with.n & 1 ? 200000 : 0}, NULL);
  pair_settle(pair);
  pair_publish(pair, BF, &(struct pair_bulletin){.to = "ML", .text = "y"}, NULL);
  pair_settle(pair);
  pair_set_filter(pair, BF, NULL, NULL);
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
  case 4:
    publish_spoilt(bytes);
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
