/* From names to readers, sealing keys in the directory, and handing a directory on. */
#include "tests/keys/world.h"

#include "keys/keyring.h"
#include "proto/batch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <sodium.h>

static const tg_time NOW = WORLD_START + TG_HOUR;

/* --- release lists --- */

/* Up to eight words as a list. */
static size_t words(const char *text, struct slice *out)
{
  size_t n = 0;
  while (*text) {
    size_t length = strcspn(text, " ");
    out[n++] = slice_of(text, length);
    text += length + (text[length] == ' ');
  }
  return n;
}

static enum tg_err resolve(const struct world *w, const char *to, const char *except, struct memberset *ret,
                           struct tg_why *why)
{
  struct slice to_words[8], except_words[8];
  struct release_list list = {.to = to_words,
                              .n_to = words(to, to_words),
                              .except = except_words,
                              .n_except = words(except, except_words)};
  return directory_resolve(w->d, &list, NOW, ret, why);
}

static void expect_members(const struct world *w, const char *to, const char *except, const char *expected)
{
  struct memberset set;
  char found[64] = "";
  assert_int_equal(resolve(w, to, except, &set, NULL), TG_OK);
  for (size_t i = 0; i < WORLD_MEMBERS; i++)
    if (memberset_has(&set, (unsigned)directory_member_index(w->d, world_code(i))))
      sprintf(found + strlen(found), "%s%s", found[0] ? " " : "", world_code(i).code);
  assert_string_equal(found, expected);
}

static void expect_refusal(const struct world *w, const char *to, const char *except, const char *expected)
{
  struct memberset set;
  struct tg_why why;
  char message[600];
  assert_int_not_equal(resolve(w, to, except, &set, &why), TG_OK);
  why_render(&why, NULL, message, sizeof message);
  assert_string_equal(message, expected);
}

static void names_become_members(void **state)
{
  (void)state;
  struct world *w = world_new(NULL);
  struct secret_key *node = world_issue(w, ML, "ML/dgse/n1", ROLE_NODE);
  expect_members(w, "ML", "", "ML");
  expect_members(w, "AES", "", "ML BF NE");
  expect_members(w, "AES ECOWAS TD", "", "ML BF NE SN NG TD");
  expect_members(w, "AES SN", "NE", "ML BF SN");
  expect_members(w, "AES SN", "ECOWAS", "ML BF NE");
  expect_members(w, "ML/dgse", "", "ML");
  expect_members(w, "ML/dgse BF", "ML", "BF");
  secret_key_free(node);
  world_free(w);
}

/* An empty or unknown audience is an error, never "everyone". */
static void an_empty_or_unknown_audience_is_an_error(void **state)
{
  (void)state;
  struct world *w = world_new(NULL);
  struct secret_key *node = world_issue(w, ML, "ML/dgse/n1", ROLE_NODE);
  expect_refusal(w, "", "", "the release list is empty. Name who may read it, for example ML or AES");
  expect_refusal(w, "ML", "AES",
                 "the release list leaves nobody: every name in it is excepted again. Name who may read it, "
                 "for example ML or AES");
  expect_refusal(w, "Mali", "", "'Mali' is no member or bloc of this exchange. Did you mean ML?");
  expect_refusal(w, "ECOWSA", "", "'ECOWSA' is no member or bloc of this exchange. Did you mean ECOWAS?");
  expect_refusal(w, "FR", "",
                 "FR is not a member of this exchange. The charter names the members: toguna charter show");
  expect_refusal(
      w, "*", "",
      "'*' is no member or bloc of this exchange. The charter names members and blocs: toguna charter show");
  expect_refusal(w, "ML", "LCBC",
                 "'LCBC' is no member or bloc of this exchange. The charter names members and blocs: toguna "
                 "charter show");
  expect_refusal(w, "ML/dges", "", "ML has no agency 'dges'. Did you mean 'dgse'?");
  expect_refusal(w, "BF/anr", "",
                 "BF has no agency 'anr'. Address the member: it decides where a bulletin goes inside");
  expect_refusal(
      w, "ML/dgse/n1", "",
      "'ML/dgse/n1' is not an address. Address a member (ML), a bloc (AES) or an agency (ML/dgse)");
  secret_key_free(node);
  world_free(w);
}

enum { CENTRAL, SILENT, ARMY, NIGER, NODES };

/* ML: dgse/n1 receives, dgse/n2 does not, army/n1 does not. NE: one that receives. */
static void issue_nodes(struct world *w, struct secret_key *keys[NODES])
{
  static const char *const names[NODES] = {"ML/dgse/n1", "ML/dgse/n2", "ML/army/n1", "NE/dgdse/n1"};
  for (size_t i = 0; i < NODES; i++) {
    keys[i] = world_key(KEY_NODE, names[i]);
    struct credential c = world_credential(names[i], ROLE_NODE, keys[i]);
    c.receives = i == CENTRAL || i == NIGER;
    world_add(w->d, DOCUMENT_CREDENTIAL, world_note_credential(&c, w->root[i == NIGER ? NE : ML]), NOW,
              TG_OK);
  }
}

/* Which of the four nodes does a list reach? A bit each. */
static unsigned reached(const struct world *w, struct secret_key *keys[NODES], const char *to,
                        const struct memberset *permitted)
{
  struct slice list_words[8];
  struct release_list list = {.to = list_words, .n_to = words(to, list_words)};
  const struct node *nodes[16];
  size_t n;
  unsigned found = 0;
  assert_int_equal(directory_resolve_nodes(w->d, &list, permitted, NOW, NOW, nodes, 16, &n, NULL), TG_OK);
  for (size_t i = 0; i < n; i++) {
    if (i > 0)
      assert_true(memcmp(nodes[i - 1]->credential.identity.b, nodes[i]->credential.identity.b, 32) < 0);
    for (unsigned k = 0; k < NODES; k++) {
      struct sign_pk pk = secret_key_sign_pk(keys[k]);
      if (sign_pk_eq(&pk, &nodes[i]->credential.identity))
        found |= 1u << k;
    }
  }
  for (unsigned k = 0; k < NODES; k++) {
    struct sign_pk pk = secret_key_sign_pk(keys[k]);
    const struct node *node = directory_node(w->d, &pk);
    enum tg_err expected = found >> k & 1 ? TG_OK : TG_REFUSED;
    if (!node->revoked && memberset_has(permitted, node->member))
      assert_int_equal(directory_reaches(w->d, &list, NOW, node, NULL), expected);
  }
  return found;
}

static void members_decide_where_inside(void **state)
{
  (void)state;
  struct world *w = world_new(NULL);
  struct secret_key *keys[NODES];
  struct memberset all = directory_members(w->d, NOW), without_ne = all;
  memberset_remove(&without_ne, (unsigned)directory_member_index(w->d, world_code(NE)));
  issue_nodes(w, keys);
  assert_int_equal(reached(w, keys, "ML", &all), 1u << CENTRAL);
  assert_int_equal(reached(w, keys, "AES", &all), 1u << CENTRAL | 1u << NIGER);
  assert_int_equal(reached(w, keys, "AES", &without_ne), 1u << CENTRAL);
  assert_int_equal(reached(w, keys, "ML/army", &all), 1u << ARMY);
  assert_int_equal(reached(w, keys, "ML/dgse", &all), 1u << CENTRAL | 1u << SILENT);
  assert_int_equal(reached(w, keys, "AES ML/army", &all), 1u << CENTRAL | 1u << ARMY | 1u << NIGER);
  assert_int_equal(reached(w, keys, "TD", &all), 0);
  /* The revoked receive nothing. */
  struct revocation r = {
      .member = world_code(ML), .serial = 1, .by_key = true, .key = secret_key_sign_pk(keys[CENTRAL])};
  strcpy(r.exchange, "sahel.example");
  world_add(w->d, DOCUMENT_REVOCATION, world_note_revocation(&r, &w->root[ML], 1), NOW, TG_OK);
  assert_int_equal(reached(w, keys, "AES", &all), 1u << NIGER);
  for (size_t i = 0; i < NODES; i++)
    secret_key_free(keys[i]);
  world_free(w);
}

static void more_nodes_than_allowed_is_an_error(void **state)
{
  (void)state;
  struct world *w = world_new(NULL);
  struct secret_key *keys[NODES];
  struct memberset all = directory_members(w->d, NOW);
  struct slice to = slice_str("AES");
  struct release_list list = {.to = &to, .n_to = 1};
  const struct node *nodes[1];
  size_t n = 77;
  issue_nodes(w, keys);
  assert_int_equal(directory_resolve_nodes(w->d, &list, &all, NOW, NOW, nodes, 1, &n, NULL), TG_TOO_BIG);
  assert_int_equal(n, 77);
  for (size_t i = 0; i < NODES; i++)
    secret_key_free(keys[i]);
  world_free(w);
}

/* --- sealing keys --- */

struct announcement {
  struct buf bytes, proof;
};

static struct announcement announce(const struct world *w, const struct secret_key *node,
                                    struct keyring *ring, tg_time now)
{
  struct announcement a = {buf_new(1 << 16), buf_new(1 << 16)};
  struct sign_pk pk = secret_key_sign_pk(node);
  size_t made;
  assert_int_equal(keyring_fill(ring, now, TG_DAY, 5, &made), TG_OK);
  assert_int_equal(keyring_announce(ring, &w->exchange, &pk, 0, now, &a.bytes), TG_OK);
  struct arena *arena = arena_new(1 << 16);
  struct batch *batch = batch_new();
  struct hash id = statement_id(STATEMENT_SEALING_KEYS, buf_slice(&a.bytes));
  assert_int_equal(batch_add(batch, &id, NULL), TG_OK);
  assert_int_equal(
      batch_sign(batch, &w->exchange, batch_sign_with_key, (void *)(uintptr_t)secret_key_ed25519(node)),
      TG_OK);
  Tg__BatchProof *proof = batch_proof(batch, 0, arena);
  assert_int_equal(strict_pack(&limits_batch_proof, &proof->base, &a.proof, NULL), TG_OK);
  batch_free(batch);
  arena_free(arena);
  return a;
}

static enum tg_err announced(const struct world *w, struct announcement *a, tg_time now,
                             struct directory_news *news)
{
  return directory_add(w->d, DOCUMENT_SEALING_KEYS, buf_slice(&a->bytes), buf_slice(&a->proof),
                       DIRECTORY_FRESH, now, news, NULL);
}

static void announcement_free(struct announcement *a)
{
  buf_free(&a->bytes);
  buf_free(&a->proof);
}

static void sealing_keys_are_taken_from_their_node_alone(void **state)
{
  (void)state;
  struct world *w = world_new(NULL);
  struct secret_key *node = world_issue(w, ML, "ML/dgse/n1", ROLE_NODE),
                    *other = world_issue(w, BF, "BF/anr/n1", ROLE_NODE);
  struct secret_key *unknown = world_key(KEY_NODE, "TD/ans/n1");
  struct sign_pk pk = secret_key_sign_pk(node);
  struct keyring *ring = keyring_new(), *copy = keyring_new();
  struct sealing_choice choice;
  struct directory_news news;
  assert_int_equal(directory_sealing_key(w->d, &pk, 1, NOW, &choice), TG_NOT_FOUND);
  struct announcement a = announce(w, node, ring, NOW), forged = announce(w, other, copy, NOW);
  struct announcement stranger = announce(w, unknown, copy, NOW);
  /* BF's proof over ML's announcement. */
  struct announcement mixed = {a.bytes, forged.proof};
  assert_int_equal(announced(w, &mixed, NOW, NULL), TG_BAD_SIGNATURE);
  assert_int_equal(announced(w, &stranger, NOW, NULL), TG_NOT_FOUND);
  assert_int_equal(announced(w, &a, NOW, &news), TG_OK);
  assert_true(hash_is_zero(&news.superseded));
  assert_int_equal(announced(w, &a, NOW, NULL), TG_DUPLICATE);
  assert_int_equal(directory_sealing_key(w->d, &pk, 1, NOW, &choice), TG_OK);
  assert_false(choice.fallback);
  /* Announced once more, it supersedes; the older one is refused from then on. */
  struct hash first = news.hash;
  struct announcement b = announce(w, node, ring, NOW + TG_DAY);
  assert_int_equal(announced(w, &b, NOW + TG_DAY, &news), TG_OK);
  assert_true(hash_eq(&news.superseded, &first));
  assert_int_equal(announced(w, &a, NOW + TG_DAY, NULL), TG_STALE);
  assert_int_equal(directory_sealing_keys(w->d, &pk)->serial, NOW + TG_DAY);
  /* Another text under the same serial is evidence. */
  struct keyring *liar = keyring_new();
  struct announcement lie = announce(w, node, liar, NOW), lie2 = announce(w, node, liar, NOW + TG_DAY);
  assert_int_equal(announced(w, &lie, NOW, NULL), TG_STALE);
  assert_int_equal(announced(w, &lie2, NOW, NULL), TG_CONFLICT);
  announcement_free(&lie);
  announcement_free(&lie2);
  keyring_free(liar);
  announcement_free(&a);
  announcement_free(&b);
  announcement_free(&forged);
  announcement_free(&stranger);
  keyring_free(ring);
  keyring_free(copy);
  secret_key_free(node);
  secret_key_free(other);
  secret_key_free(unknown);
  world_free(w);
}

/* --- handing on --- */

static void fill(struct world *w, struct secret_key *keys[4], struct keyring *ring)
{
  keys[0] = world_issue(w, ML, "ML/dgse/n1", ROLE_NODE);
  keys[1] = world_issue(w, ML, "ML/policy-1", ROLE_POLICY);
  keys[2] = world_issue(w, ML, "ML/release-1", ROLE_RELEASE);
  keys[3] = world_issue(w, BF, "BF/anr/n1", ROLE_NODE);
  world_add(w->d, DOCUMENT_POLICY, world_note_policy(ML, 1, NOW, &keys[1], 1), NOW, TG_OK);
  for (int i = 0; i < 40; i++) {
    struct announcement a = announce(w, keys[0], ring, NOW + i * TG_HOUR);
    assert_int_equal(announced(w, &a, NOW + i * TG_HOUR, NULL), TG_OK);
    announcement_free(&a);
  }
  struct grant g = {.member = world_code(ML),
                    .serial = 1,
                    .bulletin = {{1}},
                    .issued = NOW,
                    .until = NOW + 30 * TG_DAY,
                    .n_to = 1,
                    .to = {"TD"}};
  struct revocation r = {
      .member = world_code(BF), .serial = 1, .by_key = true, .key = secret_key_sign_pk(keys[3])};
  struct withdrawal leave = {.member = world_code(NG), .charter = 1, .effective = NOW + TG_DAY};
  strcpy(g.exchange, "sahel.example");
  strcpy(r.exchange, "sahel.example");
  strcpy(leave.exchange, "sahel.example");
  world_add(w->d, DOCUMENT_GRANT, world_note_grant(&g, keys[2]), NOW, TG_OK);
  world_add(w->d, DOCUMENT_REVOCATION, world_note_revocation(&r, &w->root[BF], 1), NOW, TG_OK);
  world_add(w->d, DOCUMENT_WITHDRAWAL, world_note_withdrawal(&leave, w->root[NG]), NOW, TG_OK);
  /* The policy officer is renewed with another key: the policy was signed with the old one. */
  struct secret_key *fresh = world_key(KEY_OFFICER, "ML/policy-1");
  struct credential c = world_credential("ML/policy-1", ROLE_POLICY, fresh);
  c.serial = 2;
  world_add(w->d, DOCUMENT_CREDENTIAL, world_note_credential(&c, w->root[ML]), NOW + TG_DAY, TG_OK);
  secret_key_free(fresh);
}

/* A newcomer who gets everything in order, much later, knows the same. */
/* What supersedes what: a credential of another key takes the sealing keys of the former with it, which a newcomer might not find anybody to vouch for; one of the
   same key does not. */
static void a_replaced_key_leaves_no_sealing_keys(void **state)
{
  (void)state;
  struct world *w = world_new(NULL);
  struct secret_key *former = world_issue(w, ML, "ML/dgse/n1", ROLE_NODE), *next = world_key(KEY_NODE, "ML/dgse/n1");
  struct keyring *ring = keyring_new();
  struct directory_news news, of_credential;
  struct announcement a = announce(w, former, ring, NOW);
  assert_int_equal(announced(w, &a, NOW, &news), TG_OK);
  struct credential c = world_credential("ML/dgse/n1", ROLE_NODE, former);
  c.serial = 2;
  struct buf same = world_note_credential(&c, w->root[ML]);
  assert_int_equal(directory_add(w->d, DOCUMENT_CREDENTIAL, buf_slice(&same), (struct slice){0}, DIRECTORY_FRESH, NOW, &of_credential, NULL), TG_OK);
  assert_true(hash_is_zero(&of_credential.superseded));
  c = world_credential("ML/dgse/n1", ROLE_NODE, next);
  c.serial = 3;
  struct buf other = world_note_credential(&c, w->root[ML]);
  assert_int_equal(directory_add(w->d, DOCUMENT_CREDENTIAL, buf_slice(&other), (struct slice){0}, DIRECTORY_FRESH, NOW, &of_credential, NULL), TG_OK);
  assert_true(hash_eq(&of_credential.superseded, &news.hash));
  buf_free(&same);
  buf_free(&other);
  announcement_free(&a);
  keyring_free(ring);
  secret_key_free(former);
  secret_key_free(next);
  world_free(w);
}

static void a_replay_ends_in_the_same_place(void **state)
{
  (void)state;
  struct world *w = world_new(NULL);
  struct secret_key *keys[4];
  struct keyring *ring = keyring_new();
  fill(w, keys, ring);
  for (int late = 0; late < 2; late++) {
    struct directory *d = directory_new(&w->exchange);
    struct directory_item item = {0};
    size_t n = 0;
    while (!directory_next(w->d, item.order, &item)) {
      struct tg_why why;
      char message[600] = "";
      tg_time now = late ? NOW + 20 * TG_DAY : item.accepted;
      if (directory_add(d, item.kind, item.bytes, item.proof, DIRECTORY_RELAYED, now, NULL, &why))
        why_render(&why, NULL, message, sizeof message);
      assert_string_equal(message, "");
      n++;
    }
    assert_int_equal(n, 11); /* of forty announcements, the last */
    tg_time then = NOW + 20 * TG_DAY;
    for (size_t i = 0; i < 4; i++) {
      struct sign_pk pk = secret_key_sign_pk(keys[i]);
      assert_int_equal(directory_may_act(d, &pk, then, NULL), directory_may_act(w->d, &pk, then, NULL));
      assert_int_equal(directory_officer_may(d, &pk, ROLE_POLICY, then, NULL),
                       directory_officer_may(w->d, &pk, ROLE_POLICY, then, NULL));
    }
    for (size_t i = 0; i < WORLD_MEMBERS; i++)
      assert_int_equal(directory_standing(d, world_code(i), then),
                       directory_standing(w->d, world_code(i), then));
    struct directory_policy ours, theirs;
    assert_int_equal(directory_policy(w->d, world_code(ML), then, &ours), TG_OK);
    assert_int_equal(directory_policy(d, world_code(ML), then, &theirs), TG_OK);
    assert_true(hash_eq(&ours.hash, &theirs.hash));
    struct sign_pk node = secret_key_sign_pk(keys[0]);
    assert_int_equal(directory_sealing_keys(d, &node)->serial, NOW + 39 * TG_HOUR);
    assert_int_equal(directory_document(d, &ours.hash, &item), TG_OK);
    assert_int_equal(item.kind, DOCUMENT_POLICY);
    directory_free(d);
  }
  keyring_free(ring);
  for (size_t i = 0; i < 4; i++)
    secret_key_free(keys[i]);
  world_free(w);
}

/* Whatever single bit a relay changes in a document: refused, and nothing learnt. */
static void no_changed_document_is_taken_in(void **state)
{
  (void)state;
  struct world *w = world_new(NULL);
  struct secret_key *node = world_key(KEY_NODE, "ML/dgse/n1");
  struct credential c = world_credential("ML/dgse/n1", ROLE_NODE, node);
  struct buf note = world_note_credential(&c, w->root[ML]);
  for (size_t i = 0; i < note.n * 8; i++) {
    note.p[i / 8] ^= (uint8_t)(1 << i % 8);
    assert_int_not_equal(directory_add(w->d, DOCUMENT_CREDENTIAL, buf_slice(&note), slice_of(NULL, 0),
                                       DIRECTORY_RELAYED, NOW, NULL, NULL),
                         TG_OK);
    note.p[i / 8] ^= (uint8_t)(1 << i % 8);
  }
  assert_null(directory_node_at(w->d, 0));
  assert_int_equal(directory_add(w->d, DOCUMENT_REVOCATION, buf_slice(&note), slice_of(NULL, 0),
                                 DIRECTORY_FRESH, NOW, NULL, NULL),
                   TG_UNKNOWN);
  assert_int_equal(directory_add(w->d, (enum document_kind)99, buf_slice(&note), slice_of(NULL, 0),
                                 DIRECTORY_FRESH, NOW, NULL, NULL),
                   TG_UNKNOWN);
  world_add(w->d, DOCUMENT_CREDENTIAL, note, NOW, TG_OK);
  secret_key_free(node);
  world_free(w);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(names_become_members),
      cmocka_unit_test(an_empty_or_unknown_audience_is_an_error),
      cmocka_unit_test(members_decide_where_inside),
      cmocka_unit_test(more_nodes_than_allowed_is_an_error),
      cmocka_unit_test(sealing_keys_are_taken_from_their_node_alone),
      cmocka_unit_test(a_replaced_key_leaves_no_sealing_keys),
      cmocka_unit_test(a_replay_ends_in_the_same_place),
      cmocka_unit_test(no_changed_document_is_taken_in),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
