/* Any bytes as a bundle, in pieces of any size: the same records come out of it as in one piece, and nothing is read beyond. */
#include "proto/bundle.h"

#include <sodium.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

/* What came out: a hash over types and how it ended. */
static struct hash read_all(struct slice bytes, size_t piece)
{
  struct bundle_reader *r = bundle_reader_new();
  struct arena *kept = arena_new(8 << 20), *chunks = arena_new(1 << 20);
  struct buf seen = buf_new(1 << 20);
  struct bundle_record record;
  enum tg_err err = r && kept && chunks ? TG_OK : TG_NO_MEMORY;
  while (err == TG_OK && bytes.n) {
    struct slice now;
    (void)take(&bytes, piece < bytes.n ? piece : bytes.n, &now);
    while ((err = bundle_read(r, &now, kept, chunks, &record, NULL)) == TG_OK) {
      buf_put_u8(&seen, (uint8_t)record.type);
      arena_reset(chunks);
      if (record.type != BUNDLE_DOCUMENT)
        arena_reset(kept);
    }
    if (err == TG_NOT_FOUND && now.n == 0)
      err = TG_OK;
  }
  if (err == TG_NO_MEMORY)
    abort();
  buf_put_u32(&seen, (uint32_t)err);
  struct hash h = bundle_read_statement(r);
  buf_put(&seen, h.b, sizeof h.b);
  crypto_hash_sha256(h.b, seen.p, seen.n);
  buf_free(&seen);
  arena_free(kept);
  arena_free(chunks);
  bundle_reader_free(r);
  return h;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
  struct slice all = slice_of(data, n);
  if (sodium_init() < 0)
    abort();
  struct hash whole = read_all(all, n ? n : 1), pieces = read_all(all, 1 + (n ? data[n - 1] % 61u : 0));
  if (!hash_eq(&whole, &pieces))
    abort();
  return 0;
}
