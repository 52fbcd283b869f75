#include "keys/revocation.h"
#include "keys/codec.h"

#include <string.h>

enum { EXCHANGE, MEMBER, SERIAL, CREDENTIAL, KEY, REASON };

static const struct line_rule rules[] = {
    [EXCHANGE] = {"exchange", 1, 1, LINE_ONCE}, [MEMBER] = {"member", 1, 1, LINE_ONCE},
    [SERIAL] = {"serial", 1, 1, LINE_ONCE},     [CREDENTIAL] = {"credential", 1, 1, LINE_OPTIONAL},
    [KEY] = {"key", 1, 1, LINE_OPTIONAL},       [REASON] = {"reason", 1, 40, LINE_OPTIONAL},
};

static const struct document_grammar grammar = {"toguna/revocation v1", rules, sizeof rules / sizeof *rules,
                                                false};

static enum tg_err read_reason(const struct document *d, struct revocation *r, struct tg_why *why)
{
  const struct line *l = document_find(d, REASON);
  if (!l)
    return TG_OK;
  struct slice reason = document_rest(l, 0);
  if (reason.n >= sizeof r->reason)
    return document_error(d, l, 0, TG_BAD_INPUT, N_("this reason is too long"), N_("shorten it to 127 bytes"),
                          NULL, NULL, why);
  memcpy(r->reason, reason.p, reason.n);
  return TG_OK;
}

static enum tg_err read_what(const struct document *d, struct revocation *r, struct tg_why *why)
{
  const struct line *credential = document_find(d, CREDENTIAL), *key = document_find(d, KEY);
  if (!credential == !key)
    return document_error(d, document_find(d, SERIAL), SIZE_MAX, TG_BAD_INPUT,
                          N_("a revocation needs one line 'credential' or one line 'key'"),
                          N_("name what is revoked, once"), NULL, NULL, why);
  r->by_key = key != NULL;
  return key ? document_key(d, key, 0, r->key.b, why)
             : document_hash_word(d, credential, 0, &r->credential, why);
}

static enum tg_err read_all(const struct document *d, struct revocation *r, struct tg_why *why)
{
  enum tg_err err = document_exchange(d, document_find(d, EXCHANGE), 0, r->exchange, why);
  if (!err)
    err = document_country(d, document_find(d, MEMBER), 0, &r->member, why);
  if (!err)
    err = document_number(d, document_find(d, SERIAL), 0, 1, INT64_MAX, &r->serial, why);
  if (!err)
    err = read_what(d, r, why);
  return err ? err : read_reason(d, r, why);
}

enum tg_err revocation_parse(struct slice text, const char *file, struct revocation *ret, struct tg_why *why)
{
  struct document *d;
  struct revocation r = {0};
  enum tg_err err = document_parse(&grammar, text, file, &d, why);
  if (err)
    return err;
  err = read_all(d, &r, why);
  if (!err)
    *ret = r;
  document_free(d);
  return err;
}

void revocation_print(const struct revocation *r, struct buf *out)
{
  char text[HASH_TEXT];
  buf_printf(out, "toguna/revocation v1\nexchange %s\nmember %s\nserial %llu\n", r->exchange, r->member.code,
             (unsigned long long)r->serial);
  if (r->by_key)
    key_print(r->key.b, text);
  else
    hash_print(&r->credential, text);
  buf_printf(out, "%s %s\n", r->by_key ? "key" : "credential", text);
  if (r->reason[0])
    buf_printf(out, "reason %s\n", r->reason);
}
