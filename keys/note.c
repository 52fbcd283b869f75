#include "keys/note.h"
#include "keys/codec.h"
#include "keys/secret.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* U+2014 and a space begin every signature line. */
static const char DASH[] = "\xe2\x80\x94 ";
enum { DASH_LEN = sizeof DASH - 1, KEY_ID = 4, ED25519_SIG = 64, COSIGNATURE = 8 + 64, VKEY_BYTES = 1 + 32 };

enum { ASCII_SPACES = 6 }; /* the first six below */

/* Unicode's spaces, in UTF-8: none may stand in a key name. */
static bool has_space(struct slice s)
{
  static const char *const spaces[] = {
      "\t",           "\n",           "\v",           "\f",           "\r",           " ",
      "\xc2\x85",     "\xc2\xa0",     "\xe1\x9a\x80", "\xe2\x80\x80", "\xe2\x80\x81", "\xe2\x80\x82",
      "\xe2\x80\x83", "\xe2\x80\x84", "\xe2\x80\x85", "\xe2\x80\x86", "\xe2\x80\x87", "\xe2\x80\x88",
      "\xe2\x80\x89", "\xe2\x80\x8a", "\xe2\x80\xa8", "\xe2\x80\xa9", "\xe2\x80\xaf", "\xe2\x81\x9f",
      "\xe3\x80\x80"};
  const size_t n = text_is_ascii(s) ? ASCII_SPACES : sizeof spaces / sizeof *spaces;
  for (size_t i = 0; i < n; i++)
    if (memmem(s.p, s.n, spaces[i], strlen(spaces[i])))
      return true;
  return false;
}

static bool key_name_valid(struct slice s)
{
  return s.n > 0 && s.n <= NOTE_NAME_MAX && utf8_valid(s) && !memchr(s.p, '+', s.n) && !has_space(s);
}

/* The first four bytes of SHA-256(name ‖ 0A ‖ type ‖ key). */
static uint32_t key_id(struct slice name, uint8_t type, const uint8_t pk[32])
{
  crypto_hash_sha256_state state;
  uint8_t hash[32], head[2] = {'\n', type};
  crypto_hash_sha256_init(&state);
  crypto_hash_sha256_update(&state, name.p, name.n);
  crypto_hash_sha256_update(&state, head, sizeof head);
  crypto_hash_sha256_update(&state, pk, 32);
  crypto_hash_sha256_final(&state, hash);
  return (uint32_t)hash[0] << 24 | (uint32_t)hash[1] << 16 | (uint32_t)hash[2] << 8 | hash[3];
}

enum tg_err note_key_make(struct slice name, enum note_type type, const struct sign_pk *pk,
                          struct note_key *ret)
{
  if (!key_name_valid(name))
    return TG_BAD_INPUT;
  struct note_key key = {.type = type, .id = key_id(name, (uint8_t)type, pk->b), .pk = *pk};
  memcpy(key.name, name.p, name.n);
  *ret = key;
  return TG_OK;
}

/* Up to the next '+', which is consumed: base64 itself may hold more of them. */
static bool take_plus(struct slice *s, struct slice *ret)
{
  const uint8_t *plus = s->n ? memchr(s->p, '+', s->n) : NULL;
  struct slice sign;
  return plus && take(s, (size_t)(plus - s->p), ret) && take(s, 1, &sign);
}

/* The id as it must be spelled: eight lower-case hex digits. */
static bool id_is(struct slice s, uint32_t id)
{
  char text[9];
  snprintf(text, sizeof text, "%08x", id);
  return slice_is(s, text);
}

static enum tg_err vkey_error(struct slice vkey, enum tg_err err, const char *what, struct tg_why *why)
{
  char head[NOTE_NAME_MAX + 1];
  snprintf(head, sizeof head, "%.*s", vkey.n > 60 ? 60 : (int)vkey.n, vkey.n ? (const char *)vkey.p : "");
  return why_set(why, err, NULL, what, N_("copy the whole key line again from its owner"), head, NULL, NULL);
}

enum tg_err note_key_parse(struct slice vkey, struct note_key *ret, struct tg_why *why)
{
  struct slice rest = vkey, name, id;
  uint8_t bytes[NOTE_SIGNATURE_MAX];
  size_t n;
  if (!take_plus(&rest, &name) || !take_plus(&rest, &id) || !key_name_valid(name) ||
      base64_read_upto(rest, bytes, sizeof bytes, &n) || n < 1)
    return vkey_error(vkey, TG_BAD_INPUT, N_("'%1$s' is not a verification key (name+id+base64)"), why);
  if (bytes[0] != NOTE_ED25519 && bytes[0] != NOTE_COSIGNATURE)
    return vkey_error(vkey, TG_UNKNOWN, N_("the key '%1$s' is of a type that this program does not know"),
                      why);
  if (n != VKEY_BYTES || !id_is(id, key_id(name, bytes[0], bytes + 1)))
    return vkey_error(vkey, TG_BAD_INPUT, N_("the key '%1$s' is damaged: its id does not belong to it"), why);
  struct sign_pk pk;
  memcpy(pk.b, bytes + 1, sizeof pk.b);
  return note_key_make(name, (enum note_type)bytes[0], &pk, ret);
}

size_t note_key_print(const struct note_key *key, char out[NOTE_VKEY_MAX])
{
  uint8_t bytes[VKEY_BYTES] = {(uint8_t)key->type};
  char base64[sodium_base64_ENCODED_LEN(sizeof bytes, sodium_base64_VARIANT_ORIGINAL)];
  memcpy(bytes + 1, key->pk.b, 32);
  sodium_bin2base64(base64, sizeof base64, bytes, sizeof bytes, sodium_base64_VARIANT_ORIGINAL);
  return (size_t)snprintf(out, NOTE_VKEY_MAX, "%s+%08x+%s", key->name, key->id, base64);
}

bool note_key_eq(const struct note_key *a, const struct note_key *b)
{
  return a->type == b->type && !strcmp(a->name, b->name) && sign_pk_eq(&a->pk, &b->pk);
}

/* --- reading --- */

static enum tg_err note_error(const char *file, size_t line, enum tg_err err, const char *what,
                              const char *todo, const char *a, struct tg_why *why)
{
  char where[160];
  if (line)
    snprintf(where, sizeof where, "%s:%zu", file, line);
  else
    snprintf(where, sizeof where, "%s", file);
  return why_set(why, err, where, what, todo, a, NULL, NULL);
}

static size_t count_lines(struct slice s)
{
  size_t n = 0;
  for (size_t i = 0; i < s.n; i++)
    n += s.p[i] == '\n';
  return n;
}

/* Valid UTF-8 whose only control character (below space) is newline. */
static bool note_bytes_valid(struct slice s)
{
  for (size_t i = 0; i < s.n; i++)
    if (s.p[i] < 0x20 && s.p[i] != '\n')
      return false;
  return utf8_valid(s);
}

bool note_text_valid(struct slice text)
{
  return text.n > 0 && text.n <= NOTE_BYTES_MAX && text.p[text.n - 1] == '\n' && note_bytes_valid(text);
}

/* "— name base64" */
static bool signature_parse(struct slice line, struct note_signature *ret)
{
  struct slice rest = line, dash, space;
  uint8_t bytes[NOTE_SIGNATURE_MAX];
  size_t n;
  if (!take(&rest, DASH_LEN, &dash) || memcmp(dash.p, DASH, DASH_LEN))
    return false;
  const uint8_t *end = rest.n ? memchr(rest.p, ' ', rest.n) : NULL;
  if (!end || !take(&rest, (size_t)(end - rest.p), &ret->name) || !take(&rest, 1, &space) ||
      !key_name_valid(ret->name))
    return false;
  if (base64_read_upto(rest, bytes, sizeof bytes, &n) || n <= KEY_ID)
    return false;
  ret->line = line;
  ret->encoded = rest;
  ret->id = (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
  return true;
}

/* Where the signatures begin: behind the last empty line. 0: there is none. */
static size_t signatures_at(struct slice bytes)
{
  for (size_t i = bytes.n; i >= 2; i--)
    if (bytes.p[i - 1] == '\n' && bytes.p[i - 2] == '\n')
      return i;
  return 0;
}

enum tg_err note_parse(struct slice bytes, const char *file, struct note *ret, struct tg_why *why)
{
  file = file ? file : "note";
  if (bytes.n > NOTE_BYTES_MAX)
    return note_error(file, 0, TG_TOO_BIG, N_("this note is larger than a signed note may be"), NULL, NULL,
                      why);
  if (!note_bytes_valid(bytes))
    return note_error(file, 0, TG_BAD_INPUT,
                      N_("this is not a signed note: it is not UTF-8 text with plain line ends"),
                      N_("check that the file was not converted on its way"), NULL, why);
  size_t at = signatures_at(bytes);
  if (at < 3 || at == bytes.n)
    return note_error(file, 0, TG_BAD_INPUT,
                      N_("this text is not signed: there is no empty line followed by signature lines"),
                      N_("ask its author for the signed file"), NULL, why);
  struct slice rest = slice_of(bytes.p + at, bytes.n - at), line;
  size_t number = count_lines(slice_of(bytes.p, at));
  ret->bytes = bytes;
  ret->text = slice_of(bytes.p, at - 1);
  ret->n = 0;
  while (take_line(&rest, &line)) {
    number++;
    if (ret->n == NOTE_SIGNATURES_MAX)
      return note_error(file, number, TG_TOO_BIG, N_("this note has more signatures than a note may have"),
                        NULL, NULL, why);
    if (!signature_parse(line, &ret->sig[ret->n]))
      return note_error(
          file, number, TG_BAD_INPUT, N_("this is not a signature line"),
          N_("a signature line is an em dash, the key's name and base64, separated by single spaces"), NULL,
          why);
    ret->n++;
  }
  if (rest.n)
    return note_error(file, number + 1, TG_BAD_INPUT, N_("the last line does not end: the file was cut off"),
                      N_("fetch it again"), NULL, why);
  return TG_OK;
}

/* --- verifying --- */

/* The message of a cosignature/v1: a head with the time, then the whole text. */
static bool cosignature_message(struct buf *out, struct slice text, uint64_t seconds)
{
  buf_printf(out, "cosignature/v1\ntime %llu\n", (unsigned long long)seconds);
  buf_put_slice(out, text);
  return buf_status(out) == TG_OK;
}

static enum tg_err check_cosignature(struct slice text, const struct note_key *key, struct slice sig,
                                     tg_time *ret_time)
{
  uint64_t seconds;
  if (sig.n != COSIGNATURE || !take_u64(&sig, &seconds) || seconds > (uint64_t)(INT64_MAX / TG_SECOND))
    return TG_BAD_SIGNATURE;
  struct buf message = buf_new(NOTE_BYTES_MAX + 64);
  enum tg_err err = TG_BAD_SIGNATURE;
  if (!cosignature_message(&message, text, seconds))
    err = TG_NO_MEMORY; /* a text that was parsed fits */
  else if (!crypto_sign_verify_detached(sig.p, message.p, message.n, key->pk.b))
    err = TG_OK;
  buf_free(&message);
  if (!err)
    *ret_time = (tg_time)seconds * TG_SECOND;
  return err;
}

/* Does this line hold a good signature of key over text? TG_BAD_SIGNATURE, TG_NO_MEMORY. */
static enum tg_err check_signature(struct slice text, const struct note_key *key, const struct note_signature *s,
                                   tg_time *ret_time)
{
  uint8_t bytes[KEY_ID + COSIGNATURE];
  size_t n;
  if (base64_read_upto(s->encoded, bytes, sizeof bytes, &n) || n <= KEY_ID)
    return TG_BAD_SIGNATURE;
  struct slice sig = slice_of(bytes + KEY_ID, n - KEY_ID);
  *ret_time = 0;
  if (key->type == NOTE_COSIGNATURE)
    return check_cosignature(text, key, sig, ret_time);
  return sig.n == ED25519_SIG && !crypto_sign_verify_detached(sig.p, text.p, text.n, key->pk.b) ? TG_OK : TG_BAD_SIGNATURE;
}

/* The known key that a line names, or n. TG_CONFLICT when two could be meant. */
static enum tg_err known_find(const struct note_signature *s, const struct note_key *known, size_t n,
                              size_t *ret)
{
  size_t found = n;
  for (size_t i = 0; i < n; i++) {
    if (known[i].id != s->id || !slice_is(s->name, known[i].name))
      continue;
    if (found < n && !note_key_eq(&known[found], &known[i]))
      return TG_CONFLICT;
    found = found < n ? found : i;
  }
  *ret = found;
  return TG_OK;
}

enum tg_err note_verify(const struct note *note, const struct note_key *known, size_t n,
                        struct note_verdict *ret_verdicts, struct tg_why *why)
{
  bool any = false;
  struct note_verdict *verdict = calloc(n ? n : 1, sizeof *verdict);
  enum tg_err err =
      verdict ? TG_OK : why_set(why, TG_NO_MEMORY, NULL, N_("out of memory"), NULL, NULL, NULL, NULL);
  for (size_t i = 0; !err && i < note->n; i++) {
    size_t k;
    tg_time time;
    err = known_find(&note->sig[i], known, n, &k);
    if (err) {
      why_set(why, err, NULL, N_("two different keys are configured under one name and id"),
              N_("remove one of them"), NULL, NULL, NULL);
      break;
    }
    if (k < n)
      err = check_signature(note->text, &known[k], &note->sig[i], &time);
    if (err == TG_BAD_SIGNATURE) {
      why_set(why, TG_BAD_SIGNATURE, NULL,
              N_("the signature of %1$s is false: the text was changed after it"),
              N_("do not use this note; ask for it again by another way"), known[k].name, NULL, NULL);
    } else if (!err && k < n) {
      any = verdict[k].good = true;
      verdict[k].time = time > verdict[k].time ? time : verdict[k].time;
    }
  }
  if (!err && !any)
    err = why_set(why, TG_BAD_SIGNATURE, NULL, N_("nobody whose signature counts here has signed this note"),
                  NULL, NULL, NULL, NULL);
  if (!err)
    memcpy(ret_verdicts, verdict, n * sizeof *verdict);
  free(verdict);
  return err;
}

/* --- writing --- */

enum tg_err note_begin(struct buf *out, struct slice text)
{
  if (!note_text_valid(text))
    return TG_BAD_INPUT;
  buf_put_slice(out, text);
  buf_put_u8(out, '\n');
  return buf_status(out);
}

void note_append(struct buf *out, const struct note_key *key, const void *signature, size_t n)
{
  struct buf bytes = buf_new(KEY_ID + NOTE_SIGNATURE_MAX);
  buf_put_u32(&bytes, key->id);
  buf_put(&bytes, signature, n);
  buf_put(out, DASH, DASH_LEN);
  buf_put_str(out, key->name);
  buf_put_u8(out, ' ');
  base64_put(out, bytes.p, bytes.n);
  buf_put_u8(out, '\n');
  if (bytes.failed)
    out->failed = bytes.failed;
  buf_free(&bytes);
}

static enum tg_err key_for(const struct secret_key *key, enum note_type type, struct note_key *ret,
                           struct tg_why *why)
{
  enum tg_err err = secret_key_note_key(key, ret);
  if (!err && ret->type == type)
    return TG_OK;
  return why_set(why, TG_USAGE, NULL, N_("a key of kind %1$s does not sign this"),
                 N_("a key serves one purpose; use the key made for it"), key_kind_name(secret_key_kind(key)),
                 NULL, NULL);
}

enum tg_err note_sign(struct buf *out, struct slice text, const struct secret_key *key, struct tg_why *why)
{
  struct note_key public_key;
  struct sign_sig sig;
  enum tg_err err = key_for(key, NOTE_ED25519, &public_key, why);
  if (!err && !note_text_valid(text))
    err = why_set(why, TG_BAD_INPUT, NULL,
                  N_("this text cannot be signed: it must be UTF-8 and end with a line end"), NULL, NULL,
                  NULL, NULL);
  if (!err)
    err = secret_key_sign(key, text, &sig);
  if (err)
    return err;
  note_append(out, &public_key, sig.b, sizeof sig.b);
  return buf_status(out);
}

enum tg_err note_cosign(struct buf *out, struct slice text, const struct secret_key *key, tg_time now,
                        struct tg_why *why)
{
  struct note_key public_key;
  struct sign_sig sig;
  enum tg_err err = key_for(key, NOTE_COSIGNATURE, &public_key, why);
  if (err)
    return err;
  if (now < 0 || !note_text_valid(text))
    return why_set(why, TG_BAD_INPUT, NULL,
                   N_("this text cannot be signed: it must be UTF-8 and end with a line end"), NULL, NULL,
                   NULL, NULL);
  uint64_t seconds = (uint64_t)(now / TG_SECOND);
  struct buf message = buf_new(NOTE_BYTES_MAX + 64), stamped = buf_new(COSIGNATURE);
  if (!cosignature_message(&message, text, seconds))
    err = TG_NO_MEMORY;
  if (!err)
    err = secret_key_sign(key, buf_slice(&message), &sig);
  if (!err) {
    buf_put_u64(&stamped, seconds);
    buf_put(&stamped, sig.b, sizeof sig.b);
    err = buf_status(&stamped);
  }
  if (!err) {
    note_append(out, &public_key, stamped.p, stamped.n);
    err = buf_status(out);
  }
  buf_free(&stamped);
  buf_free(&message);
  return err;
}

static enum tg_err texts_differ(struct slice a, struct slice b, struct tg_why *why)
{
  size_t same = 0;
  char line[24];
  while (same < a.n && same < b.n && a.p[same] == b.p[same])
    same++;
  snprintf(line, sizeof line, "%zu", count_lines(slice_of(a.p, same)) + 1);
  return why_set(why, TG_CONFLICT, NULL,
                 N_("the two notes are not the same text: they differ from line %1$s on"),
                 N_("all signers must sign one text; compare the files and start again from one of them"),
                 line, NULL, NULL);
}

static bool has_line(const struct note *note, size_t upto, struct slice line)
{
  for (size_t i = 0; i < upto; i++)
    if (slice_eq(note->sig[i].line, line))
      return true;
  return false;
}

static size_t put_lines(struct buf *out, const struct note *note, const struct note *before)
{
  size_t put = 0;
  for (size_t i = 0; i < note->n; i++) {
    if (has_line(note, i, note->sig[i].line) || (before && has_line(before, before->n, note->sig[i].line)))
      continue;
    buf_put_slice(out, note->sig[i].line);
    buf_put_u8(out, '\n');
    put++;
  }
  return put;
}

enum tg_err note_merge(struct buf *out, const struct note *a, const struct note *b, struct tg_why *why)
{
  if (!slice_eq(a->text, b->text))
    return texts_differ(a->text, b->text, why);
  enum tg_err err = note_begin(out, a->text);
  if (!err && put_lines(out, a, NULL) + put_lines(out, b, a) > NOTE_SIGNATURES_MAX)
    err = TG_TOO_BIG;
  err = err ? err : buf_status(out);
  if (err)
    why_set(why, err, NULL, N_("the note has too many signatures"), NULL, NULL, NULL, NULL);
  return err;
}
