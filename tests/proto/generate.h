/* Messages made from the table of limits alone: whatever strict_check() must accept. */
#ifndef TOGUNA_TESTS_PROTO_GENERATE_H
#define TOGUNA_TESTS_PROTO_GENERATE_H

#include "proto/strict.h"

/* Appends a random message: optional fields now and then, few elements, lengths and values from the whole range
   (bytes fields up to 300 unless more is needed). */
void generate_message(const struct strict_limits *limits, struct buf *out);
/* Appends the message that costs a decoder most: every field there, everything as small as may be, and as many elements
   as fit in `budget` bytes; a sub-message takes one part in `share` of what is left. */
void generate_crowd(const struct strict_limits *limits, size_t budget, size_t share, struct buf *out);

/* Wire pieces. */
void wire_varint(struct buf *b, uint64_t v);
void wire_tag(struct buf *b, uint32_t number, unsigned wire);
void wire_bytes(struct buf *b, uint32_t number, const void *p, size_t n);
void wire_number(struct buf *b, uint32_t number, uint64_t v);

#endif
