#include "client/node/shell/brief.h"

#include "keys/secret.h"

#include <string.h>

/* u32 length ‖ path ‖ u32 length ‖ text of the configuration, then for each key: u8 kind ‖ u32 length ‖ name
 * ‖ u32 length ‖ secret. */

static void put_part(struct buf *out, struct slice part)
{
  buf_put_u32(out, (uint32_t)part.n);
  buf_put_slice(out, part);
}

static void put_key(struct buf *out, const struct secret_key *key)
{
  if (!key)
    return;
  buf_put_u8(out, (uint8_t)secret_key_kind(key));
  put_part(out, slice_str(secret_key_name(key)));
  put_part(out, secret_key_bytes(key));
}

enum tg_err brief_put(const struct settings *s, const struct node_keys *keys, struct buf *out)
{
  put_part(out, slice_str(s->path));
  put_part(out, buf_slice(&s->text));
  put_key(out, keys->node);
  put_key(out, keys->transport);
  put_key(out, keys->witness);
  return buf_status(out);
}

static bool take_part(struct slice *in, struct slice *ret)
{
  uint32_t n;
  return take_u32(in, &n) && take(in, n, ret);
}

static struct secret_key **place_of(struct node_keys *keys, enum key_kind kind)
{
  return kind == KEY_NODE        ? &keys->node
         : kind == KEY_TRANSPORT ? &keys->transport
         : kind == KEY_WITNESS   ? &keys->witness
                                 : NULL;
}

static enum tg_err take_key(struct slice *in, struct node_keys *keys)
{
  uint8_t kind;
  struct slice name, secret;
  if (!take_u8(in, &kind) || !take_part(in, &name) || !take_part(in, &secret) || name.n > NOTE_NAME_MAX)
    return TG_BAD_INPUT;
  struct secret_key **place = place_of(keys, (enum key_kind)kind);
  char text[NOTE_NAME_MAX + 1] = {0};
  memcpy(text, name.p, name.n);
  return place && !*place ? secret_key_from((enum key_kind)kind, text, secret, place) : TG_BAD_INPUT;
}

enum tg_err brief_take(struct slice brief, struct settings **ret_settings, struct node_keys *ret_keys,
                       struct tg_why *why)
{
  struct slice path, text;
  struct node_keys keys = {0};
  struct settings *settings = NULL;
  char file[4096] = {0};
  if (!take_part(&brief, &path) || !take_part(&brief, &text) || path.n >= sizeof file)
    return TG_BAD_INPUT;
  memcpy(file, path.p, path.n);
  enum tg_err err = TG_OK;
  while (err == TG_OK && brief.n)
    err = take_key(&brief, &keys);
  if (err == TG_OK)
    err = settings_parse(file, text, &settings, why);
  if (err != TG_OK) {
    node_keys_free(&keys);
    return err;
  }
  *ret_settings = settings;
  *ret_keys = keys;
  return TG_OK;
}
