#include "keys/codec.h"

#include <sodium.h>
#include <string.h>

/* libsodium takes some bytes above 127 for letters of the alphabet; those end the matter before it sees them. Everything else that is no letter of
   it, missing padding and set bits behind the last byte it refuses itself, so that equal bytes have equal text. */
bool text_is_ascii(struct slice text)
{
  uint8_t all = 0;
  for (size_t i = 0; i < text.n; i++)
    all |= text.p[i];
  return all < 0x80;
}

enum tg_err base64_read_upto(struct slice text, uint8_t *ret, size_t max, size_t *ret_n)
{
  size_t n;
  const char *end;
  const char *begin = (const char *)text.p;
  if (text.n == 0)
    return *ret_n = 0, TG_OK;
  if (text.n / 4 * 3 > max + 2 || !text_is_ascii(text))
    return TG_BAD_INPUT;
  if (sodium_base642bin(ret, max, begin, text.n, NULL, &n, &end, sodium_base64_VARIANT_ORIGINAL) ||
      end != begin + text.n)
    return TG_BAD_INPUT;
  return *ret_n = n, TG_OK;
}

enum tg_err base64_read(struct slice text, uint8_t *ret, size_t n)
{
  uint8_t bytes[256];
  size_t got = 0;
  enum tg_err err = n > sizeof bytes ? TG_BAD_INPUT : base64_read_upto(text, bytes, n, &got);
  if (!err && got != n)
    err = TG_BAD_INPUT;
  if (!err)
    memcpy(ret, bytes, n);
  sodium_memzero(bytes, sizeof bytes);
  return err;
}

void base64_put(struct buf *out, const void *p, size_t n)
{
  size_t size = sodium_base64_ENCODED_LEN(n, sodium_base64_VARIANT_ORIGINAL);
  uint8_t *to = buf_grow(out, size);
  if (!to)
    return;
  sodium_bin2base64((char *)to, size, p, n, sodium_base64_VARIANT_ORIGINAL);
  out->n--; /* the NUL */
}

void key_print(const uint8_t key[32], char out[KEY_TEXT])
{
  sodium_bin2base64(out, KEY_TEXT, key, 32, sodium_base64_VARIANT_ORIGINAL);
}

enum tg_err hash_parse(struct slice text, struct hash *ret)
{
  struct hash h = {{0}};
  if (text.n != 2 * sizeof h.b)
    return TG_BAD_INPUT;
  for (size_t i = 0; i < text.n; i++) {
    uint8_t c = text.p[i];
    bool digit = c >= '0' && c <= '9', letter = c >= 'a' && c <= 'f';
    if (!digit && !letter)
      return TG_BAD_INPUT;
    h.b[i / 2] = (uint8_t)(h.b[i / 2] << 4 | (digit ? c - '0' : c - 'a' + 10));
  }
  *ret = h;
  return TG_OK;
}

void hash_print(const struct hash *h, char out[HASH_TEXT])
{
  sodium_bin2hex(out, HASH_TEXT, h->b, sizeof h->b);
}
