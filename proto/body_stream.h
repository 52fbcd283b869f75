/* What sealing and opening a body share; for body*.c only. */
#ifndef TOGUNA_PROTO_BODY_STREAM_H
#define TOGUNA_PROTO_BODY_STREAM_H

#include "proto/body.h"

enum { BODY_CHUNK_DATA = 16 + 4 + 8 };

/* The secretstream key and the key commitment that follow from K. */
void body_derive(const struct body_key *key, uint8_t stream_key[32], struct hash *commitment);
/* The additional data of one chunk: "toguna/chunk/v1" ‖ u32 index ‖ u64 chunk. */
void body_chunk_data(uint32_t index, uint64_t chunk, uint8_t out[BODY_CHUNK_DATA]);
/* What limits.c does not say of a head. */
enum tg_err body_head_check(const struct body_head *head, struct tg_why *why);

#endif
