/* Submissions and deliveries of one originator who signs whatever the input holds: all that lies behind the
   signature is reached. The first byte chooses. */
#include "proto/frame.h"
#include "tests/proto/chance.h"
#include "tests/proto/story.h"

#include <assert.h>
#include <sodium.h>

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct story *story;

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
  (void)argc;
  (void)argv;
  if (sodium_init() < 0)
    return -1;
  chance_seed(1); /* the corpus was made with this seed */
  story = story_new(3, 5);
  return 0;
}

/* A batch of one by the story's originator, over this header. */
static Tg__BatchProof *sign(struct slice header, struct arena *arena)
{
  struct batch *b = batch_new();
  struct hash id = header_id(header);
  assert(b && batch_add(b, &id, NULL) == TG_OK);
  assert(batch_sign(b, &story->exchange, batch_sign_with_key, story->originator.secret) == TG_OK);
  Tg__BatchProof *proof = batch_proof(b, 0, arena);
  batch_free(b);
  return proof;
}

static void submission(struct slice bytes, struct arena *arena)
{
  ProtobufCMessage *base;
  struct submission s;
  if (strict_unpack(&limits_submission, bytes, arena, &base, NULL))
    return;
  Tg__Submission *m = (Tg__Submission *)base;
  m->proof = sign(strict_slice(m->header), arena);
  if (m->proof && submission_check(m, &story->exchange, story->verifier, arena, &s, NULL) == TG_OK)
    assert(s.portion_count >= 1 && s.wrap_count == s.header.audience_count);
}

static void delivery(struct slice bytes, struct arena *arena)
{
  ProtobufCMessage *base;
  struct delivery d;
  struct wrap_content content;
  const struct story_node *me = &story->recipients[1];
  if (strict_unpack(&limits_delivery, bytes, arena, &base, NULL))
    return;
  Tg__Delivery *m = (Tg__Delivery *)base;
  m->proof = sign(strict_slice(m->header), arena);
  if (!m->proof || delivery_check(m, &story->exchange, &me->identity, story->verifier, arena, &d, NULL))
    return;
  assert(d.portion_count >= 1);
  struct wrap_opener *opener = wrap_opener_new(1);
  assert(opener);
  if (bulletin_open(&d, "ML", me->member, &me->key, me->key_secret, opener, &content, NULL) == TG_OK)
    assert(content.portions == d.wrap.portions && content.number >= 1);
  wrap_opener_free(opener);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  if (size < 1)
    return 0;
  struct arena *arena = arena_new(FRAME_ARENA);
  if (data[0] & 1)
    submission(slice_of(data + 1, size - 1), arena);
  else
    delivery(slice_of(data + 1, size - 1), arena);
  arena_free(arena);
  return 0;
}
