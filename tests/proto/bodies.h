/* Bodies in memory for tests: sealed chunks one after the other, and what came out of opening them. */
#ifndef TOGUNA_TESTS_PROTO_BODIES_H
#define TOGUNA_TESTS_PROTO_BODIES_H

#include "proto/body.h"
#include "proto/buf.h"

struct sealed_body {
  uint32_t index;
  struct buf bytes; /* the sealed chunks */
  struct body_seal seal;
  struct body_key key;
};

struct opened_body {
  struct buf content;
  struct body_head head; /* slices are not kept: lengths only */
  char title[600];
  size_t heads; /* how often a head came */
};

/* A head that says text/plain, `size` bytes, and this title. */
struct body_head head_of(uint64_t size, enum body_compression compression, const char *title);

/* Seals content, put in pieces of `piece` bytes (0: all at once). key NULL: random. */
enum tg_err body_make(uint32_t index, const struct body_head *head, const struct body_key *key, struct slice content,
                      size_t piece, struct sealed_body *ret);
/* A body of any plaintext, sealed by hand with libsodium alone: for what the sealer would never make. tags[i] is the
   tag of chunk i; the last of `tags` serves all chunks after it. */
void body_forge(uint32_t index, const struct body_key *key, struct slice plaintext, const uint8_t *tags, size_t tag_count,
                struct sealed_body *ret);
void body_drop(struct sealed_body *b);

/* Opens chunk by chunk. Content is empty and freed unless TG_OK. */
enum tg_err body_read(const struct sealed_body *b, uint64_t max, struct opened_body *ret);
/* The same with these chunks instead of b's, in this order. */
enum tg_err body_read_chunks(const struct sealed_body *b, const struct slice *chunks, size_t count, uint64_t max,
                             struct opened_body *ret);
/* Chunk i of the sealed bytes. */
struct slice body_chunk(const struct sealed_body *b, uint64_t i);

#endif
