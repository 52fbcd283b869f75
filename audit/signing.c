#include "audit/signing.h"

#include "audit/lines.h"
#include "keys/codec.h"

#include <string.h>

static const char FIRST_LINE[] = "toguna/signing-state v1";
static const char LABEL[] = "toguna/signing-state/v1";

static bool origin_set(struct slice origin, struct signing_state *state)
{
  static const struct sign_pk none;
  struct note_key key;
  if (note_key_make(origin, NOTE_ED25519, &none, &key))
    return false;
  memcpy(state->origin, key.name, sizeof state->origin);
  return true;
}

enum tg_err signing_begin(struct slice origin, struct signing_state *ret)
{
  struct signing_state state = {.size = 0, .root = merkle_empty()};
  if (!origin_set(origin, &state))
    return TG_BAD_INPUT;
  *ret = state;
  return TG_OK;
}

enum tg_err signing_print(const struct signing_state *state, struct buf *out)
{
  size_t from = out->n;
  char time[25];
  time_print(state->time, time);
  buf_printf(out, "%s\norigin %s\nsize %llu\nroot ", FIRST_LINE, state->origin,
             (unsigned long long)state->size);
  base64_put(out, state->root.b, sizeof state->root.b);
  buf_printf(out, "\ntime %s\n", time);
  lines_put_checksum(out, from, LABEL);
  return buf_status(out);
}

/* The values, before the checksum has confirmed them. */
static enum tg_err take_values(struct lines *l, struct signing_state *state)
{
  struct slice value;
  enum tg_err err = lines_take_exact(l, FIRST_LINE);
  if (!err)
    err = lines_take_value(l, "origin", &value);
  if (!err && !origin_set(value, state))
    err = lines_refuse(l, N_("the origin is not the name of a log"), NULL);
  if (!err)
    err = lines_take_number(l, "size", MERKLE_SIZE_MAX, &state->size);
  if (!err)
    err = lines_take_hash(l, "root", &state->root);
  if (!err)
    err = lines_take_value(l, "time", &value);
  if (!err && time_parse(value, &state->time))
    err = lines_refuse(l, N_("this is not a time"), NULL);
  return err;
}

enum tg_err signing_parse(struct slice bytes, const char *file, struct signing_state *ret, struct tg_why *why)
{
  struct lines l = lines_of(bytes, file ? file : "signing-state", why);
  struct signing_state state = {.size = 0};
  if (bytes.n > SIGNING_STATE_MAX)
    return why_set(why, TG_TOO_BIG, l.file, N_("larger than this file can be"), NULL, NULL, NULL, NULL);
  enum tg_err err = take_values(&l, &state);
  if (!err)
    err = lines_take_checksum(&l, bytes, LABEL);
  struct hash empty = merkle_empty();
  if (!err && state.size == 0 && !hash_eq(&state.root, &empty))
    err = lines_refuse(&l, N_("the root of an empty log is not the one that empty logs have"), NULL);
  if (!err)
    *ret = state;
  return err;
}

enum tg_err signing_request_parse(struct slice bytes, struct signing_request *ret)
{
  struct signing_request r;
  struct slice root;
  if (!take_u64(&bytes, &r.old_size) || !take_u64(&bytes, &r.new_size) ||
      !take(&bytes, sizeof r.new_root.b, &root) || bytes.n % sizeof(struct hash) ||
      bytes.n / sizeof(struct hash) > MERKLE_PATH_MAX)
    return TG_BAD_INPUT;
  memcpy(r.new_root.b, root.p, root.n);
  r.path = bytes;
  *ret = r;
  return TG_OK;
}

void signing_request_print(const struct signing_request *r, struct buf *out)
{
  buf_put_u64(out, r->old_size);
  buf_put_u64(out, r->new_size);
  buf_put(out, r->new_root.b, sizeof r->new_root.b);
  buf_put_slice(out, r->path);
}

enum tg_err signing_advance(const struct signing_state *last, const struct signing_request *request,
                            tg_time now, struct signing_state *ret, struct tg_why *why)
{
  struct checkpoint was = signing_checkpoint(last), next = was;
  if (request->new_size > MERKLE_SIZE_MAX)
    return why_set(why, TG_BAD_INPUT, NULL, N_("no log is that large"), NULL, NULL, NULL, NULL);
  next.size = request->new_size;
  next.root = request->new_root;
  if (next.size == was.size && hash_eq(&next.root, &was.root)) {
    *ret = *last;
    return TG_OK;
  }
  if (request->old_size > was.size && next.size > was.size)
    return why_set(
        why, TG_STALE, NULL,
        N_("the hub's log is ahead of what its signer remembers: the signer's state is an old copy"),
        N_("put back the newest state file; signing from an old one could fork the log"), NULL, NULL, NULL);
  if (request->old_size < was.size && next.size > was.size)
    return why_set(
        why, TG_STALE, NULL, N_("the hub does not know the last checkpoint of its own log: it was set back"),
        N_("do not continue from this copy of the store; restore the newest one"), NULL, NULL, NULL);
  enum tg_err err = checkpoint_extends(&was, &next, request->path, why);
  if (err)
    return err;
  *ret = *last;
  ret->size = next.size;
  ret->root = next.root;
  ret->time = now;
  return TG_OK;
}

struct checkpoint signing_checkpoint(const struct signing_state *state)
{
  return (struct checkpoint){.origin = slice_str(state->origin), .size = state->size, .root = state->root};
}
