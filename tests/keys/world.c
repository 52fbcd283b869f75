#include "tests/keys/world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <sodium.h>

static const char NAME[] = "sahel.example";
static const char *const CODES[WORLD_MEMBERS] = {"ML", "BF", "NE", "SN", "NG", "TD"};

struct country world_code(size_t member)
{
  struct country c = {{CODES[member][0], CODES[member][1], 0}};
  return c;
}

struct secret_key *world_key(enum key_kind kind, const char *holder)
{
  char name[NOTE_NAME_MAX + 1];
  struct secret_key *key;
  snprintf(name, sizeof name, "%s/%s", NAME, holder);
  assert_int_equal(secret_key_new(kind, name, &key), TG_OK);
  return key;
}

struct buf world_sign(struct buf *text, struct secret_key *const *keys, size_t n)
{
  struct buf note = buf_new(NOTE_BYTES_MAX);
  assert_int_equal(note_begin(&note, buf_slice(text)), TG_OK);
  for (size_t i = 0; i < n; i++)
    assert_int_equal(note_sign(&note, buf_slice(text), keys[i], NULL), TG_OK);
  buf_free(text);
  return note;
}

/* --- charters --- */

static const char CHARTER_HEAD[] = "toguna/charter v1\nexchange sahel.example\nversion 1\n"
                                   "effective 2026-12-01T00:00:00Z\nsuites 0x0001\n";
static const char CHARTER_TAIL[] = "bloc AES ML BF NE\nbloc ECOWAS SN NG\nquorum 2 of AES and 1 of ECOWAS\n";

static struct buf charter_text(const struct world *w)
{
  char vkey[NOTE_VKEY_MAX], transport[64];
  struct note_key key;
  struct buf text = buf_new(NOTE_BYTES_MAX);
  buf_put_str(&text, CHARTER_HEAD);
  for (size_t i = 0; i < WORLD_MEMBERS; i++) {
    assert_int_equal(secret_key_note_key(w->root[i], &key), TG_OK);
    note_key_print(&key, vkey);
    buf_printf(&text, "member %s %s\n", CODES[i], vkey);
  }
  assert_int_equal(secret_key_note_key(w->hub_log, &key), TG_OK);
  note_key_print(&key, vkey);
  sodium_bin2base64(transport, sizeof transport, secret_key_public(w->hub_transport), 32,
                    sodium_base64_VARIANT_ORIGINAL);
  buf_printf(&text, "hub dakar host SN transport %s log %s endpoint tcp://127.0.0.1:7400\n", transport, vkey);
  buf_put_str(&text, CHARTER_TAIL);
  return text;
}

struct charter *world_charter(const struct world *w)
{
  struct note note;
  struct charter *c;
  if (w->charter.n) {
    assert_int_equal(note_parse(buf_slice(&w->charter), NULL, &note, NULL), TG_OK);
    assert_int_equal(charter_parse(note.text, NULL, &c, NULL), TG_OK);
    return c;
  }
  struct buf text = charter_text(w);
  assert_int_equal(charter_parse(buf_slice(&text), NULL, &c, NULL), TG_OK);
  buf_free(&text);
  return c;
}

void world_follow(const struct world *w, struct charter *c, tg_time effective)
{
  c->version = directory_newest_charter(w->d)->version + 1;
  assert_non_null(directory_charter_version(w->d, c->version - 1, &c->previous));
  c->effective = effective;
}

struct buf world_note_charter(const struct charter *c, struct secret_key *const *keys, size_t n)
{
  struct buf text = buf_new(NOTE_BYTES_MAX);
  charter_print(c, &text);
  return world_sign(&text, keys, n);
}

struct world *world_new(void (*tune)(struct charter *))
{
  struct world *w = calloc(1, sizeof *w);
  assert_true(w && sodium_init() >= 0);
  for (size_t i = 0; i < WORLD_MEMBERS; i++)
    w->root[i] = world_key(KEY_MEMBER_ROOT, CODES[i]);
  w->hub_transport = world_key(KEY_TRANSPORT, "hub-dakar");
  w->hub_log = world_key(KEY_HUB_LOG, "hub-dakar");
  struct charter *c = world_charter(w);
  if (tune)
    tune(c);
  struct buf text = buf_new(NOTE_BYTES_MAX);
  charter_print(c, &text);
  charter_free(c);
  w->exchange = document_hash(buf_slice(&text));
  w->charter = world_sign(&text, w->root, WORLD_MEMBERS);
  w->d = directory_new(&w->exchange);
  assert_non_null(w->d);
  assert_int_equal(directory_add(w->d, DOCUMENT_CHARTER, buf_slice(&w->charter), slice_of(NULL, 0),
                                 DIRECTORY_FRESH, WORLD_START, NULL, NULL),
                   TG_OK);
  return w;
}

void world_free(struct world *w)
{
  for (size_t i = 0; i < WORLD_MEMBERS; i++)
    secret_key_free(w->root[i]);
  secret_key_free(w->hub_transport);
  secret_key_free(w->hub_log);
  buf_free(&w->charter);
  directory_free(w->d);
  free(w);
}

/* --- the smaller documents --- */

struct credential world_credential(const char *holder, enum role role, const struct secret_key *identity)
{
  struct credential c = {.role = role,
                         .serial = 1,
                         .identity = secret_key_sign_pk(identity),
                         .not_before = WORLD_START,
                         .not_after = WORLD_START + 365 * TG_DAY};
  strcpy(c.exchange, NAME);
  assert_int_equal(holder_parse(slice_str(holder), &c.holder), TG_OK);
  c.receives = role == ROLE_NODE;
  if (role == ROLE_NODE)
    randombytes_buf(c.transport.b, sizeof c.transport.b);
  return c;
}

struct buf world_note_credential(const struct credential *c, const struct secret_key *key)
{
  struct buf text = buf_new(NOTE_BYTES_MAX);
  struct secret_key *const keys[] = {(struct secret_key *)(uintptr_t)key};
  credential_print(c, &text);
  return world_sign(&text, keys, 1);
}

struct buf world_note_revocation(const struct revocation *r, struct secret_key *const *keys, size_t n)
{
  struct buf text = buf_new(NOTE_BYTES_MAX);
  revocation_print(r, &text);
  return world_sign(&text, keys, n);
}

struct buf world_note_withdrawal(const struct withdrawal *w, const struct secret_key *key)
{
  struct buf text = buf_new(NOTE_BYTES_MAX);
  struct secret_key *const keys[] = {(struct secret_key *)(uintptr_t)key};
  withdrawal_print(w, &text);
  return world_sign(&text, keys, 1);
}

struct buf world_note_grant(const struct grant *g, const struct secret_key *key)
{
  struct buf text = buf_new(NOTE_BYTES_MAX);
  struct secret_key *const keys[] = {(struct secret_key *)(uintptr_t)key};
  grant_print(g, &text);
  return world_sign(&text, keys, 1);
}

struct buf world_note_policy(size_t member, uint64_t serial, tg_time effective,
                             struct secret_key *const *keys, size_t n)
{
  char time[25];
  struct buf text = buf_new(NOTE_BYTES_MAX);
  time_print(effective, time);
  buf_printf(&text,
             "toguna/policy v1\nmember %s\nserial %llu\neffective %s\nlanguage fr\n# ce que nous disons\n"
             "export allow alert.** to AES up-to SECRET\n",
             CODES[member], (unsigned long long)serial, time);
  return world_sign(&text, keys, n);
}

void world_add(struct directory *d, enum document_kind kind, struct buf note, tg_time now,
               enum tg_err expected)
{
  struct tg_why why = {0};
  char message[600];
  enum tg_err err =
      directory_add(d, kind, buf_slice(&note), slice_of(NULL, 0), DIRECTORY_FRESH, now, NULL, &why);
  if (err != expected) {
    why_render(&why, NULL, message, sizeof message);
    fail_msg("%s where %s was expected: %s", tg_err_name(err), tg_err_name(expected), message);
  }
  if (err)
    assert_int_equal(why.err, err);
  buf_free(&note);
}

struct secret_key *world_issue(struct world *w, size_t member, const char *holder, enum role role)
{
  struct secret_key *key = world_key(role == ROLE_NODE ? KEY_NODE : KEY_OFFICER, holder);
  struct credential c = world_credential(holder, role, key);
  world_add(w->d, DOCUMENT_CREDENTIAL, world_note_credential(&c, w->root[member]), WORLD_START, TG_OK);
  return key;
}
