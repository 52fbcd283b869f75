/* A growing byte buffer with a hard cap, for building what is sent, and a reader that cannot step past
   the end. */
#ifndef TOGUNA_PROTO_BUF_H
#define TOGUNA_PROTO_BUF_H

#include "proto/base.h"

/* Invariants: n <= cap <= max; once failed is set (TG_TOO_BIG: the cap was reached; TG_NO_MEMORY) all later puts do nothing, so a
   caller checks once, at the end. */
struct buf {
  uint8_t *p;
  size_t n, cap, max;
  enum tg_err failed;
};

/* An empty buffer that never holds more than max bytes. Allocates nothing yet. */
struct buf buf_new(size_t max);
/* Frees; the buffer is empty and usable again. Wipes first: buffers carry plaintext at times. */
void buf_free(struct buf *b);
void buf_clear(struct buf *b); /* keeps the memory, n = 0, failed = TG_OK */
void buf_put(struct buf *b, const void *p, size_t n);
void buf_put_slice(struct buf *b, struct slice s);
void buf_put_str(struct buf *b, const char *s);
void buf_put_u8(struct buf *b, uint8_t v);
void buf_put_u16(struct buf *b, uint16_t v); /* big-endian, like all fixed-width integers of Toguna */
void buf_put_u32(struct buf *b, uint32_t v);
void buf_put_u64(struct buf *b, uint64_t v);
void buf_printf(struct buf *b, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* n bytes of room at the end, to be filled by the caller; NULL when it has failed. */
uint8_t *buf_grow(struct buf *b, size_t n);
struct slice buf_slice(const struct buf *b);
/* TG_OK; TG_TOO_BIG when a put did not fit; TG_NO_MEMORY, which says nothing about what was put. */
enum tg_err buf_status(const struct buf *b);

/* Reading: each take moves the slice forward. All return false, and take nothing, when too little is left. */
bool take(struct slice *s, size_t n, struct slice *ret);
bool take_u8(struct slice *s, uint8_t *ret);
bool take_u16(struct slice *s, uint16_t *ret);
bool take_u32(struct slice *s, uint32_t *ret);
bool take_u64(struct slice *s, uint64_t *ret);
/* Up to and without the next '\n', which is consumed. False when there is none. */
bool take_line(struct slice *s, struct slice *ret);

#endif
