#include "keys/credential.h"
#include "keys/codec.h"

#include <stdio.h>

enum { EXCHANGE, HOLDER, ROLE, SERIAL, IDENTITY, TRANSPORT, WITNESS, RECEIVES, NOT_BEFORE, NOT_AFTER };

static const struct line_rule rules[] = {
    [EXCHANGE] = {"exchange", 1, 1, LINE_ONCE},
    [HOLDER] = {"holder", 1, 1, LINE_ONCE},
    [ROLE] = {"role", 1, 1, LINE_ONCE},
    [SERIAL] = {"serial", 1, 1, LINE_ONCE},
    [IDENTITY] = {"identity", 1, 1, LINE_ONCE},
    [TRANSPORT] = {"transport", 1, 1, LINE_OPTIONAL},
    [WITNESS] = {"witness", 1, 1, LINE_OPTIONAL},
    [RECEIVES] = {"receives", 1, 1, LINE_OPTIONAL},
    [NOT_BEFORE] = {"not-before", 1, 1, LINE_ONCE},
    [NOT_AFTER] = {"not-after", 1, 1, LINE_ONCE},
};

static const struct document_grammar grammar = {"toguna/credential v1", rules, sizeof rules / sizeof *rules,
                                                false};

static const char *const role_names[] = {
    [ROLE_NODE] = "node",       [ROLE_POLICY] = "policy",     [ROLE_RELEASE] = "release",
    [ROLE_AUDITOR] = "auditor", [ROLE_SECURITY] = "security",
};

enum { ROLES = sizeof role_names / sizeof *role_names };

const char *role_name(enum role role)
{
  return role >= ROLE_NODE && (size_t)role < ROLES ? role_names[role] : "?";
}

enum tg_err role_parse(struct slice s, enum role *ret)
{
  for (size_t i = ROLE_NODE; i < ROLES; i++)
    if (slice_is(s, role_names[i]))
      return *ret = (enum role)i, TG_OK;
  return TG_BAD_INPUT;
}

static enum tg_err read_role(const struct document *d, struct credential *c, struct tg_why *why)
{
  const struct line *l = document_find(d, ROLE);
  if (!role_parse(l->word[0].text, &c->role))
    return TG_OK;
  return document_error(d, l, 0, TG_BAD_INPUT, N_("this is not a role"),
                        N_("the roles are node, policy, release, auditor and security"), NULL, NULL, why);
}

static enum tg_err read_receives(const struct document *d, const struct line *l, struct credential *c,
                                 struct tg_why *why)
{
  c->receives = slice_is(l->word[0].text, "yes");
  if (c->receives || slice_is(l->word[0].text, "no"))
    return TG_OK;
  return document_error(d, l, 0, TG_BAD_INPUT, N_("this must be yes or no"), NULL, NULL, NULL, why);
}

/* What only nodes have: present for them, absent for officers. */
static enum tg_err read_node(const struct document *d, struct credential *c, struct tg_why *why)
{
  static const uint8_t node_lines[] = {TRANSPORT, RECEIVES, WITNESS};
  const struct line *role = document_find(d, ROLE);
  for (size_t i = 0; i < sizeof node_lines; i++) {
    const struct line *l = document_find(d, node_lines[i]);
    if (l && c->role != ROLE_NODE)
      return document_error(d, l, SIZE_MAX, TG_BAD_INPUT, N_("only a node has a line '%1$s'"),
                            N_("remove the line, or make the role node"), rules[node_lines[i]].keyword, NULL,
                            why);
    if (!l && c->role == ROLE_NODE && node_lines[i] != WITNESS)
      return document_error(d, role, 0, TG_BAD_INPUT, N_("the credential of a node needs a line '%1$s'"),
                            N_("add it"), rules[node_lines[i]].keyword, NULL, why);
  }
  if (c->role != ROLE_NODE)
    return TG_OK;
  enum tg_err err = document_key(d, document_find(d, TRANSPORT), 0, c->transport.b, why);
  if (!err)
    err = read_receives(d, document_find(d, RECEIVES), c, why);
  c->has_witness = document_find(d, WITNESS) != NULL;
  if (!err && c->has_witness)
    err = document_key(d, document_find(d, WITNESS), 0, c->witness.b, why);
  return err;
}

static enum tg_err check(const struct document *d, const struct credential *c, struct tg_why *why)
{
  const struct line *holder = document_find(d, HOLDER);
  if (!c->holder.agency[0] || (c->role == ROLE_NODE && !c->holder.node[0]))
    return document_error(d, holder, 0, TG_BAD_INPUT, N_("this name is too short for its role"),
                          N_("a node is named as ML/dgse/n1, an officer as ML/policy-1"), NULL, NULL, why);
  if (c->not_after <= c->not_before)
    return document_error(d, document_find(d, NOT_AFTER), 0, TG_BAD_INPUT,
                          N_("this credential ends before it begins"), N_("state a later time"), NULL, NULL,
                          why);
  if (c->has_witness && sign_pk_eq(&c->witness, &c->identity))
    return document_error(d, document_find(d, WITNESS), 0, TG_BAD_INPUT,
                          N_("the witness key is the identity key"),
                          N_("a key serves one purpose; make a witness key"), NULL, NULL, why);
  return TG_OK;
}

static enum tg_err read_all(const struct document *d, struct credential *c, struct tg_why *why)
{
  enum tg_err err = document_exchange(d, document_find(d, EXCHANGE), 0, c->exchange, why);
  if (!err)
    err = document_holder(d, document_find(d, HOLDER), 0, &c->holder, why);
  if (!err)
    err = read_role(d, c, why);
  if (!err)
    err = document_number(d, document_find(d, SERIAL), 0, 1, INT64_MAX, &c->serial, why);
  if (!err)
    err = document_key(d, document_find(d, IDENTITY), 0, c->identity.b, why);
  if (!err)
    err = document_time(d, document_find(d, NOT_BEFORE), 0, &c->not_before, why);
  if (!err)
    err = document_time(d, document_find(d, NOT_AFTER), 0, &c->not_after, why);
  if (!err)
    err = read_node(d, c, why);
  return err ? err : check(d, c, why);
}

enum tg_err credential_parse(struct slice text, const char *file, struct credential *ret, struct tg_why *why)
{
  struct document *d;
  struct credential c = {0};
  enum tg_err err = document_parse(&grammar, text, file, &d, why);
  if (err)
    return err;
  err = read_all(d, &c, why);
  if (!err)
    *ret = c;
  document_free(d);
  return err;
}

void credential_print(const struct credential *c, struct buf *out)
{
  char holder[HOLDER_MAX + 1], key[KEY_TEXT], from[25], until[25];
  holder_print(&c->holder, holder);
  key_print(c->identity.b, key);
  buf_printf(out, "toguna/credential v1\nexchange %s\nholder %s\nrole %s\nserial %llu\nidentity %s\n",
             c->exchange, holder, role_name(c->role), (unsigned long long)c->serial, key);
  if (c->role == ROLE_NODE) {
    key_print(c->transport.b, key);
    buf_printf(out, "transport %s\nreceives %s\n", key, c->receives ? "yes" : "no");
  }
  if (c->role == ROLE_NODE && c->has_witness) {
    key_print(c->witness.b, key);
    buf_printf(out, "witness %s\n", key);
  }
  time_print(c->not_before, from);
  time_print(c->not_after, until);
  buf_printf(out, "not-before %s\nnot-after %s\n", from, until);
}

static enum tg_err key_of(const struct credential *c, enum note_type type, const struct sign_pk *pk,
                          struct note_key *ret)
{
  char holder[HOLDER_MAX + 1], name[NOTE_NAME_MAX + 1];
  holder_print(&c->holder, holder);
  snprintf(name, sizeof name, "%s/%s", c->exchange, holder);
  return note_key_make(slice_str(name), type, pk, ret);
}

enum tg_err credential_note_key(const struct credential *c, struct note_key *ret)
{
  return key_of(c, NOTE_ED25519, &c->identity, ret);
}

enum tg_err credential_witness_key(const struct credential *c, struct note_key *ret)
{
  return c->has_witness ? key_of(c, NOTE_COSIGNATURE, &c->witness, ret) : TG_NOT_FOUND;
}
