/* Bytes as text in notes: base64 for keys (RFC 4648 §4, padded), lower-case hexadecimal for hashes. Each value has
   exactly one spelling. */
#ifndef TOGUNA_KEYS_CODEC_H
#define TOGUNA_KEYS_CODEC_H

#include "proto/buf.h"

enum { KEY_TEXT = 45, HASH_TEXT = 65 }; /* room for 32 bytes in base64 and in hexadecimal, NUL included */

/* No byte above 127. */
bool text_is_ascii(struct slice text);
/* Reads exactly n bytes; TG_BAD_INPUT for another length, whitespace, or another spelling of the same bytes. */
enum tg_err base64_read(struct slice text, uint8_t *ret, size_t n);
/* Reads at most max bytes, their number in *ret_n. */
enum tg_err base64_read_upto(struct slice text, uint8_t *ret, size_t max, size_t *ret_n);
void base64_put(struct buf *out, const void *p, size_t n);
void key_print(const uint8_t key[32], char out[KEY_TEXT]);

enum tg_err hash_parse(struct slice text, struct hash *ret); /* 64 lower-case hex digits, else TG_BAD_INPUT */
void hash_print(const struct hash *h, char out[HASH_TEXT]);

#endif
