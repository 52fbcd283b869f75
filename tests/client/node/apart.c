#include "tests/client/node/apart.h"

#include "audit/checkpoint.h"
#include "client/node/watch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

ProtobufCBinaryData *apart_checkpoint_of(enum frame_type type, ProtobufCMessage *m, ProtobufCBinaryData **ret_proof)
{
  switch (type) {
  case FRAME_HELLO:
    return *ret_proof = NULL, &((Tg__Hello *)m)->checkpoint;
  case FRAME_SUBMIT:
    return *ret_proof = NULL, &((Tg__Submit *)m)->checkpoint;
  case FRAME_RECEIPTS:
    return *ret_proof = NULL, &((Tg__Receipts *)m)->checkpoint;
  case FRAME_TICK:
    return *ret_proof = &((Tg__Tick *)m)->consistency, &((Tg__Tick *)m)->checkpoint;
  case FRAME_WELCOME:
    return *ret_proof = &((Tg__Welcome *)m)->consistency, &((Tg__Welcome *)m)->checkpoint;
  case FRAME_DOCUMENTS:
    return *ret_proof = &((Tg__Documents *)m)->consistency, &((Tg__Documents *)m)->checkpoint;
  default:
    return NULL;
  }
}

/* What the true tree would be if the last leaf that a proof reaches were another one. */
static bool other_end(const struct checkpoint *old, uint64_t size, const ProtobufCBinaryData *proof, struct hash *ret)
{
  struct hash first = old->root, was, root;
  struct slice rest = data_slice(*proof);
  if (!merkle_old_is_complete(old->size)) {
    memcpy(first.b, rest.p, 32);
    rest = slice_of(rest.p + 32, rest.n - 32);
  }
  for (size_t at = rest.n; at > 0; at -= 32) {
    uint8_t *last = (uint8_t *)(uintptr_t)(rest.p + at - 32);
    last[0] ^= 1;
    if (merkle_consistency_roots(old->size, size, &first, rest, &was, &root) == TG_OK && hash_eq(&was, &old->root)) {
      *ret = root;
      return true;
    }
    last[0] ^= 1;
  }
  return false;
}

static void lie(struct apart *a, ProtobufCBinaryData *note, ProtobufCBinaryData *proof, struct buf *forged)
{
  struct note_key log;
  struct checkpoint c;
  const struct checkpoint old = {.size = watch_size(pair_core(a->world->pair, ML)),
                                 .root = watch_root(pair_core(a->world->pair, ML))};
  assert_int_equal(secret_key_note_key(a->world->kit->hub_log, &log), TG_OK);
  assert_int_equal(checkpoint_open(data_slice(*note), &log, &c, NULL, NULL), TG_OK);
  if (c.size == old.size || !other_end(&old, c.size, proof, &c.root))
    return;
  assert_int_equal(checkpoint_sign(&c, a->world->kit->hub_log, forged, NULL), TG_OK);
  *note = slice_data(buf_slice(forged));
  a->size = c.size;
  a->root = c.root;
  a->lied = true;
}

static bool keep_apart(void *context, struct buf *frame)
{
  struct apart *a = context;
  const struct frame_kind *kind;
  ProtobufCMessage *message;
  ProtobufCBinaryData *proof, *note;
  struct buf forged = buf_new(CHECKPOINT_BYTES_MAX);
  struct arena *arena = arena_new(FRAME_ARENA);
  bool passes = false;
  if (frame_decode(buf_slice(frame), a->direction, arena, &kind, &message, NULL) == TG_OK) {
    note = apart_checkpoint_of(kind->type, message, &proof);
    passes = !a->lied || note || kind->type == FRAME_CHUNK || kind->type == FRAME_WANT || kind->type == FRAME_RECEIPTS_SEEN;
    if (a->direction == FRAME_TO_NODE && !a->lied && note && note->len)
      lie(a, note, proof, &forged);
    else if (a->direction == FRAME_TO_HUB || a->lied)
      if (note) {
        *note = (ProtobufCBinaryData){0, NULL};
        if (proof)
          *proof = (ProtobufCBinaryData){0, NULL};
      }
    buf_clear(frame);
    assert_int_equal(frame_encode(kind->type, message, frame, NULL), TG_OK);
  }
  arena_free(arena);
  buf_free(&forged);
  return passes;
}

void apart_begin(struct world *w, struct apart *down, struct apart *up)
{
  *down = (struct apart){.world = w, .direction = FRAME_TO_NODE};
  *up = (struct apart){.world = w, .direction = FRAME_TO_HUB};
  pair_set_filter(w->pair, ML, keep_apart, down);
  pair_set_uplink(w->pair, ML, keep_apart, up);
  assert_int_equal(pair_publish(w->pair, NE, &(struct pair_bulletin){.to = "BF", .text = "the log grows"}, NULL), TG_OK);
  pair_pass(w->pair, TG_MINUTE);
  assert_true(down->lied);
  assert_int_equal(pair_publish(w->pair, NE, &(struct pair_bulletin){.to = "BF", .text = "and grows on"}, NULL), TG_OK);
  pair_settle(w->pair);
}

void apart_settled(struct world *w, struct apart *down, struct apart *up, bool away)
{
  pair_plug(w->pair, BF, !away);
  apart_begin(w, down, up);
  pair_plug(w->pair, BF, true);
  pair_pass(w->pair, TG_MINUTE);
  const struct hash root = watch_root(pair_core(w->pair, ML));
  assert_true(hash_eq(&root, &down->root));
  assert_int_equal(pair_told(w->pair, ML, "log-forked") + pair_told(w->pair, ML, "checkpoint-not-proven"), 0);
}
