#include "tests/kit/exchange.h"

#include "keys/revocation.h"
#include "keys/withdrawal.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char NAME[] = "sahel.example";
static const char *const CODES[KIT_MEMBERS] = {"ML", "BF", "NE", "SN", "NG", "TD"};

/* A test cannot go on without its exchange. */
static void need(bool ok, const char *what)
{
  if (ok)
    return;
  fprintf(stderr, "test kit: %s failed\n", what);
  abort();
}

static struct country country(const char *code)
{
  struct country c = {{code[0], code[1], 0}};
  return c;
}

static struct secret_key *key_new(enum key_kind kind, const char *holder)
{
  char name[NOTE_NAME_MAX + 1];
  struct secret_key *key;
  snprintf(name, sizeof name, "%s/%s", NAME, holder);
  need(secret_key_new(kind, name, &key) == TG_OK, "making a key");
  return key;
}

/* The text as a note signed by these keys. Takes the text. */
static struct buf sign(struct buf *text, const struct secret_key *const *keys, size_t n)
{
  struct buf note = buf_new(NOTE_BYTES_MAX);
  struct tg_why why;
  need(buf_status(text) == TG_OK && note_begin(&note, buf_slice(text)) == TG_OK, "a note's text");
  for (size_t i = 0; i < n; i++)
    need(note_sign(&note, buf_slice(text), keys[i], &why) == TG_OK, "signing a note");
  buf_free(text);
  return note;
}

static struct buf credential(const struct kit *k, const struct kit_member *m, const char *holder, enum role role, uint64_t serial,
                             const struct secret_key *identity, const struct kit_node *node)
{
  struct credential c = {.role = role, .serial = serial, .identity = secret_key_sign_pk(identity), .receives = node != NULL,
                         .not_before = k->start, .not_after = k->start + 3650 * TG_DAY};
  struct buf text = buf_new(NOTE_BYTES_MAX);
  strcpy(c.exchange, NAME);
  need(holder_parse(slice_str(holder), &c.holder) == TG_OK, "a holder's name");
  if (node) {
    c.transport = secret_key_seal_pk(node->transport);
    c.witness = secret_key_sign_pk(node->witness);
    c.has_witness = true;
  }
  credential_print(&c, &text);
  const struct secret_key *signer = m->root;
  return sign(&text, &signer, 1);
}

/* New keys for what is so called, and a credential of this serial. */
static void node_keys(const struct kit *k, const struct kit_member *m, uint64_t serial, struct kit_node *node)
{
  node->identity = key_new(KEY_NODE, node->name);
  node->transport = key_new(KEY_TRANSPORT, node->name);
  node->witness = key_new(KEY_WITNESS, node->name);
  node->credential = credential(k, m, node->name, ROLE_NODE, serial, node->identity, node);
}

struct kit_node *kit_add_node_of(struct kit *k, size_t at, const char *agency)
{
  struct kit_member *m = &k->member[at];
  need(m->n_nodes < KIT_NODES_PER_MEMBER, "adding a node");
  struct kit_node *node = &m->node[m->n_nodes++];
  const struct country code = m->code;
  snprintf(node->name, sizeof node->name, "%s/%s/n%zu", code.code, agency, m->n_nodes);
  node_keys(k, m, 1, node);
  return node;
}

void kit_replace_node(const struct kit *k, size_t at, const char *name, struct kit_node *ret)
{
  const struct kit_member *m = &k->member[at];
  need(strlen(name) < sizeof ret->name, "a node's name");
  strcpy(ret->name, name);
  node_keys(k, m, strcmp(name, m->node[0].name) == 0 ? 2 : 1, ret);
}

void kit_node_free(struct kit_node *node)
{
  secret_key_free(node->identity);
  secret_key_free(node->transport);
  secret_key_free(node->witness);
  buf_free(&node->credential);
}

struct kit_node *kit_add_node(struct kit *k, size_t at) { return kit_add_node_of(k, at, "ops"); }

struct buf kit_policy_note(const struct kit *k, size_t at, uint64_t serial, const char *rules, tg_time effective, size_t n_officers)
{
  const struct kit_member *m = &k->member[at];
  struct buf text = buf_new(NOTE_BYTES_MAX);
  char when[25];
  time_print(effective, when);
  buf_printf(&text, "toguna/policy v1\nmember %s\nserial %llu\neffective %s\n%s", m->code.code, (unsigned long long)serial, when,
             rules);
  return sign(&text, (const struct secret_key *const *)m->officer, n_officers);
}

void kit_policy(struct kit *k, size_t at, const char *rules, tg_time effective, size_t n_officers)
{
  struct kit_member *m = &k->member[at];
  buf_free(&m->policy);
  m->policy = kit_policy_note(k, at, ++m->policy_serial, rules, effective, n_officers);
}

static void member_new(struct kit *k, size_t at)
{
  struct kit_member *m = &k->member[at];
  m->code = country(CODES[at]);
  m->root = key_new(KEY_MEMBER_ROOT, m->code.code);
  for (size_t i = 0; i < 2; i++) {
    char holder[HOLDER_MAX + 1];
    snprintf(holder, sizeof holder, "%s/policy-%zu", m->code.code, i + 1);
    m->officer[i] = key_new(KEY_OFFICER, holder);
    m->officer_credential[i] = credential(k, m, holder, ROLE_POLICY, 1, m->officer[i], NULL);
  }
  kit_add_node(k, at);
  kit_policy(k, at, "export allow ** to * up-to SECRET\nimport allow ** from * up-to SECRET\n", k->start, 1);
}

/* Charters list members by ascending code; the kit keeps its own order. */
static size_t rank(const struct kit *k, size_t at)
{
  size_t r = 0;
  for (size_t i = 0; i < k->n_members; i++)
    r += strcmp(k->member[i].code.code, k->member[at].code.code) < 0;
  return r;
}

static void bloc_fill(const struct kit *k, struct charter_bloc *bloc, const char *name, size_t from, size_t to)
{
  bool in[KIT_MEMBERS] = {0};
  uint16_t *list = calloc(KIT_MEMBERS, sizeof *list);
  need(list != NULL, "memory");
  *bloc = (struct charter_bloc){.member = list};
  strcpy(bloc->name, name);
  for (size_t i = from; i < to && i < k->n_members; i++)
    in[rank(k, i)] = true;
  for (uint16_t r = 0; r < KIT_MEMBERS; r++)
    if (in[r])
      list[bloc->n++] = r;
}

static void charter_found(struct kit *k, void (*tune)(struct charter *))
{
  struct charter_member members[KIT_MEMBERS];
  struct charter_bloc blocs[2];
  struct charter_hub hub = {.name = "hub1", .host = country("SN"), .transport = secret_key_seal_pk(k->hub_transport),
                            .n_endpoints = 1, .endpoint = {"tcp://127.0.0.1:7400"}};
  struct charter c = {.version = 1, .effective = k->start, .n_suites = 1, .suite = {1}, .n_members = k->n_members,
                      .member = members, .bloc = blocs, .n_hubs = 1, .hub = &hub,
                      .quorum = {.n = 1, .term = {{.count = 2, .group = "members"}}},
                      .limits = CHARTER_LIMITS_DEFAULT};
  const struct secret_key *roots[KIT_MEMBERS];
  strcpy(c.exchange, NAME);
  need(secret_key_note_key(k->hub_log, &hub.log) == TG_OK, "the log's note key");
  for (size_t i = 0; i < k->n_members; i++) {
    struct charter_member *m = &members[rank(k, i)];
    *m = (struct charter_member){.code = k->member[i].code, .ceiling = LEVEL_TOP_SECRET, .standing = STANDING_GOOD};
    need(secret_key_note_key(k->member[i].root, &m->root) == TG_OK, "a root's note key");
    roots[i] = k->member[i].root;
  }
  bloc_fill(k, &blocs[c.n_blocs++], "AES", 0, 3);
  if (k->n_members > 3)
    bloc_fill(k, &blocs[c.n_blocs++], "ECOWAS", 3, 5);
  if (tune)
    tune(&c);
  struct buf text = buf_new(NOTE_BYTES_MAX);
  charter_print(&c, &text);
  k->exchange = document_hash(buf_slice(&text));
  k->charter = sign(&text, roots, k->n_members);
  for (size_t i = 0; i < c.n_blocs; i++)
    free(blocs[i].member);
}

/* Version 2 as it would be with nothing changed but the roots that are others by now. */
static struct charter *second_charter(const struct kit *k, tg_time effective)
{
  struct charter *c = NULL;
  struct note note;
  need(note_parse(buf_slice(&k->charter), NULL, &note, NULL) == TG_OK && charter_parse(note.text, NULL, &c, NULL) == TG_OK,
       "reading the charter");
  c->version = 2;
  c->previous = k->exchange;
  c->effective = effective;
  for (size_t i = 0; i < k->n_members; i++)
    need(secret_key_note_key(k->member[i].root, &c->member[rank(k, i)].root) == TG_OK, "a root's note key");
  return c;
}

/* Signed by everybody. Takes the charter. */
static struct buf sign_charter(const struct kit *k, struct charter *c)
{
  const struct secret_key *roots[KIT_MEMBERS];
  struct buf text = buf_new(NOTE_BYTES_MAX);
  charter_print(c, &text);
  charter_free(c);
  for (size_t i = 0; i < k->n_members; i++)
    roots[i] = k->member[i].root;
  return sign(&text, roots, k->n_members);
}

struct buf kit_next_charter(const struct kit *k, tg_time effective, void (*tune)(struct charter *))
{
  struct charter *c = second_charter(k, effective);
  tune(c);
  return sign_charter(k, c);
}

struct buf kit_charter_after(const struct kit *k, struct slice before, tg_time effective, void (*tune)(struct charter *))
{
  struct charter *c = second_charter(k, effective);
  struct note note;
  need(note_parse(before, NULL, &note, NULL) == TG_OK, "reading the charter before");
  c->version = 3;
  c->previous = document_hash(note.text);
  tune(c);
  return sign_charter(k, c);
}

void kit_hub_keys(const char *name, struct secret_key **ret_transport, struct secret_key **ret_log)
{
  *ret_transport = key_new(KEY_TRANSPORT, name);
  *ret_log = key_new(KEY_HUB_LOG, name);
}

static void name_hub(struct charter_hub *hub, const char *name, const struct secret_key *transport, const struct secret_key *log)
{
  need(strlen(name) < sizeof hub->name, "a hub's name");
  strcpy(hub->name, name);
  hub->transport = secret_key_seal_pk(transport);
  need(secret_key_note_key(log, &hub->log) == TG_OK, "the log's note key");
}

struct buf kit_charter_naming(const struct kit *k, tg_time effective, const char *hub, const struct secret_key *transport,
                              const struct secret_key *log)
{
  struct charter *c = second_charter(k, effective);
  name_hub(c->hub, hub, transport, log);
  return sign_charter(k, c);
}

struct buf kit_charter_adding(const struct kit *k, tg_time effective, const char *hub, const struct secret_key *transport,
                              const struct secret_key *log)
{
  struct charter *c = second_charter(k, effective);
  struct charter_hub *hubs = reallocarray(c->hub, 2, sizeof *hubs);
  need(hubs != NULL, "memory");
  hubs[1] = hubs[0];
  strcpy(hubs[1].endpoint[0], "tcp://127.0.0.1:7500");
  name_hub(&hubs[1], hub, transport, log);
  c->hub = hubs;
  c->n_hubs = 2;
  return sign_charter(k, c);
}

struct kit *kit_new(size_t n, tg_time start, void (*tune)(struct charter *))
{
  struct kit *k = calloc(1, sizeof *k);
  need(k && n >= 2 && n <= KIT_MEMBERS && sodium_init() >= 0, "starting the kit");
  k->start = start;
  k->n_members = n;
  k->hub_transport = key_new(KEY_TRANSPORT, "hub1");
  k->hub_log = key_new(KEY_HUB_LOG, "hub1");
  for (size_t i = 0; i < n; i++)
    member_new(k, i);
  charter_found(k, tune);
  return k;
}

struct secret_key *kit_officer(const struct kit *k, size_t at, const char *holder, enum role role, struct buf *ret_note)
{
  struct secret_key *key = key_new(KEY_OFFICER, holder);
  *ret_note = credential(k, &k->member[at], holder, role, 1, key, NULL);
  return key;
}

void kit_replace_root(struct kit *k, size_t at)
{
  struct kit_member *m = &k->member[at];
  secret_key_free(m->root);
  m->root = key_new(KEY_MEMBER_ROOT, m->code.code);
}

struct buf kit_vouch_again(const struct kit *k, size_t at, size_t officer)
{
  char holder[HOLDER_MAX + 1];
  snprintf(holder, sizeof holder, "%s/policy-%zu", k->member[at].code.code, officer + 1);
  return credential(k, &k->member[at], holder, ROLE_POLICY, 2, k->member[at].officer[officer], NULL);
}

struct buf kit_revoke_key(const struct kit *k, size_t at, const struct sign_pk *key, tg_time now)
{
  struct revocation r = {.member = k->member[at].code, .serial = (uint64_t)now, .by_key = true, .key = *key, .reason = "lost"};
  struct buf text = buf_new(NOTE_BYTES_MAX);
  strcpy(r.exchange, NAME);
  revocation_print(&r, &text);
  const struct secret_key *signer = k->member[at].root;
  return sign(&text, &signer, 1);
}

struct buf kit_revoke(struct kit *k, size_t at, const struct kit_node *node, tg_time now)
{
  const struct sign_pk key = secret_key_sign_pk(node->identity);
  return kit_revoke_key(k, at, &key, now);
}

struct buf kit_withdrawal(const struct kit *k, size_t at, uint64_t charter, tg_time effective)
{
  struct withdrawal w = {.member = k->member[at].code, .charter = charter, .effective = effective};
  struct buf text = buf_new(NOTE_BYTES_MAX);
  strcpy(w.exchange, NAME);
  withdrawal_print(&w, &text);
  const struct secret_key *signer = k->member[at].root;
  return sign(&text, &signer, 1);
}

void kit_each_document(const struct kit *k, void (*f)(void *context, struct slice note), void *context)
{
  f(context, buf_slice(&k->charter));
  for (size_t i = 0; i < k->n_members; i++) {
    const struct kit_member *m = &k->member[i];
    for (size_t o = 0; o < 2; o++)
      f(context, buf_slice(&m->officer_credential[o]));
    for (size_t j = 0; j < m->n_nodes; j++)
      f(context, buf_slice(&m->node[j].credential));
    f(context, buf_slice(&m->policy));
  }
}

void kit_two_cosign(struct charter *c)
{
  c->witness_quorum = (struct quorum){.n = 1, .term = {{.count = 2, .group = "members"}}};
}

void kit_free(struct kit *k)
{
  if (!k)
    return;
  for (size_t i = 0; i < k->n_members; i++) {
    struct kit_member *m = &k->member[i];
    secret_key_free(m->root);
    buf_free(&m->policy);
    for (size_t o = 0; o < 2; o++) {
      secret_key_free(m->officer[o]);
      buf_free(&m->officer_credential[o]);
    }
    for (size_t j = 0; j < m->n_nodes; j++)
      kit_node_free(&m->node[j]);
  }
  secret_key_free(k->hub_transport);
  secret_key_free(k->hub_log);
  buf_free(&k->charter);
  free(k);
}
