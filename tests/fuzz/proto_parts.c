/* The parts of a bulletin, one parser each; the first byte chooses. What parses from fields is built again
   from them byte for byte. */
#include "proto/header.h"
#include "proto/portion.h"
#include "proto/receipt.h"
#include "proto/wrap.h"

#include <assert.h>
#include <sodium.h>

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
  (void)argc;
  (void)argv;
  return sodium_init() < 0 ? -1 : 0;
}

static void subject(struct slice bytes, struct arena *arena, struct buf *again)
{
  struct subject s;
  if (subject_parse(bytes, arena, &s, NULL) == TG_OK)
    assert(subject_build(&s, again, NULL) == TG_OK && slice_eq(bytes, buf_slice(again)));
}

static void header(struct slice bytes, struct arena *arena, struct buf *again)
{
  struct header h;
  if (header_parse(bytes, arena, &h, NULL))
    return;
  assert(header_build(&h, again, NULL) == TG_OK && slice_eq(bytes, buf_slice(again)));
  for (size_t i = 0; i < h.approval_count; i++)
    approval_verify(&h.subject, &h.approvals[i], NULL);
}

static void portion(struct slice bytes, struct arena *arena, struct buf *again)
{
  struct portion p;
  (void)again;
  if (portion_parse(bytes, arena, &p, NULL) == TG_OK)
    assert(body_chunks(p.seal.size) == p.seal.chunks && p.index < LIMIT_PORTIONS);
}

static void release(struct slice bytes, struct arena *arena, struct buf *again)
{
  struct release r;
  if (release_parse(bytes, arena, &r, NULL))
    return;
  assert(r.to_count >= 1);
  assert(release_build(r.to, r.to_count, r.except, r.except_count, again, NULL) == TG_OK);
  assert(again->n == bytes.n); /* alike but for its salt */
}

static void wrap(struct slice bytes, struct arena *arena, struct buf *again)
{
  struct wrap w;
  (void)again;
  if (wrap_parse(bytes, arena, &w, NULL) == TG_OK)
    assert(w.portions && w.seq < WRAP_USES &&
           w.sealed.n == 41 + 33 * (size_t)__builtin_popcount(w.portions) + 16);
}

static void receipt(struct slice bytes, struct arena *arena, struct buf *again)
{
  struct receipt r;
  if (receipt_parse(bytes, arena, &r, NULL) == TG_OK)
    assert(receipt_build(&r, again, NULL) == TG_OK && slice_eq(bytes, buf_slice(again)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  static void (*const parsers[])(struct slice, struct arena *, struct buf *) = {subject, header, portion,
                                                                                release, wrap,   receipt};
  if (size < 1)
    return 0;
  struct arena *arena = arena_new(1 << 20);
  struct buf again = buf_new(LIMIT_RELEASE);
  parsers[data[0] % (sizeof parsers / sizeof *parsers)](slice_of(data + 1, size - 1), arena, &again);
  buf_free(&again);
  arena_free(arena);
  return 0;
}
