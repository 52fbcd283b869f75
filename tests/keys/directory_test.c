/* The directory: takes in what verifies, answers, never goes backwards. */
#include "tests/keys/world.h"

#include "keys/keyring.h"
#include "proto/batch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static const tg_time NOW = WORLD_START + TG_HOUR;

static enum standing standing(const struct world *w, size_t member, tg_time at)
{
  return directory_standing(w->d, world_code(member), at);
}

static bool in_bloc(const struct world *w, const char *bloc, size_t member, tg_time at)
{
  struct memberset set;
  assert_int_equal(directory_bloc(w->d, slice_str(bloc), at, &set), TG_OK);
  return memberset_has(&set, (unsigned)directory_member_index(w->d, world_code(member)));
}

/* --- charters --- */

static void it_starts_from_the_pinned_charter_and_no_other(void **state)
{
  (void)state;
  struct world *w = world_new(NULL), *other = world_new(NULL);
  struct directory *d = directory_new(&w->exchange);
  assert_null(directory_charter(d, NOW));
  struct secret_key *node = world_key(KEY_NODE, "ML/dgse/n1");
  struct credential c = world_credential("ML/dgse/n1", ROLE_NODE, node);
  world_add(d, DOCUMENT_CREDENTIAL, world_note_credential(&c, w->root[ML]), NOW, TG_NOT_FOUND);
  struct buf copy = buf_new(NOTE_BYTES_MAX);
  buf_put_slice(&copy, buf_slice(&other->charter));
  world_add(d, DOCUMENT_CHARTER, copy, NOW, TG_BAD_INPUT);
  copy = buf_new(NOTE_BYTES_MAX);
  buf_put_slice(&copy, buf_slice(&w->charter));
  world_add(d, DOCUMENT_CHARTER, copy, NOW, TG_OK);
  assert_int_equal(directory_charter(d, NOW)->version, 1);
  assert_null(directory_charter(d, WORLD_START - 1)); /* not in force before its time */
  secret_key_free(node);
  directory_free(d);
  world_free(other);
  world_free(w);
}

static void charters_come_in_order_and_only_once(void **state)
{
  (void)state;
  struct world *w = world_new(NULL);
  struct secret_key *quorum[] = {w->root[ML], w->root[BF], w->root[SN]};
  struct charter *c = world_charter(w);
  struct buf copy = buf_new(NOTE_BYTES_MAX);
  buf_put_slice(&copy, buf_slice(&w->charter));
  world_add(w->d, DOCUMENT_CHARTER, copy, NOW, TG_DUPLICATE);
  world_follow(w, c, NOW + TG_DAY);
  world_add(w->d, DOCUMENT_CHARTER, world_note_charter(c, quorum, 2), NOW, TG_REFUSED);
  c->version = 3;
  world_add(w->d, DOCUMENT_CHARTER, world_note_charter(c, quorum, 3), NOW, TG_NOT_FOUND);
  c->version = 2;
  world_add(w->d, DOCUMENT_CHARTER, world_note_charter(c, quorum, 3), NOW, TG_OK);
  world_add(w->d, DOCUMENT_CHARTER, world_note_charter(c, quorum, 3), NOW, TG_DUPLICATE);
  /* In force from its time on. */
  assert_int_equal(directory_charter(w->d, NOW)->version, 1);
  assert_int_equal(directory_charter(w->d, NOW + TG_DAY)->version, 2);
  /* Another version 2: well signed it is evidence, else it is nothing. */
  c->limits.portions = 3;
  world_add(w->d, DOCUMENT_CHARTER, world_note_charter(c, quorum, 3), NOW, TG_CONFLICT);
  world_add(w->d, DOCUMENT_CHARTER, world_note_charter(c, quorum, 2), NOW, TG_REFUSED);
  charter_free(c);
  world_free(w);
}

static void next_log(const struct world *w, struct charter *c, struct secret_key *log)
{
  assert_int_equal(secret_key_note_key(log, &c->hub[0].log), TG_OK);
  world_follow(w, c, NOW + (tg_time)c->version * TG_DAY);
}

/* What nodes keep of a log goes by its name: no charter gives a name to another key, however many named it not at all. */
static void a_log_keeps_its_key(void **state)
{
  (void)state;
  struct world *w = world_new(NULL);
  struct secret_key *quorum[] = {w->root[ML], w->root[BF], w->root[SN]};
  struct secret_key *anew = world_key(KEY_HUB_LOG, "hub-dakar"), *other = world_key(KEY_HUB_LOG, "hub-niamey");
  struct charter *c = world_charter(w);
  next_log(w, c, anew);
  world_add(w->d, DOCUMENT_CHARTER, world_note_charter(c, quorum, 3), NOW, TG_BAD_INPUT);
  next_log(w, c, other);
  world_add(w->d, DOCUMENT_CHARTER, world_note_charter(c, quorum, 3), NOW, TG_OK);
  next_log(w, c, anew);
  world_add(w->d, DOCUMENT_CHARTER, world_note_charter(c, quorum, 3), NOW, TG_BAD_INPUT);
  next_log(w, c, w->hub_log);
  world_add(w->d, DOCUMENT_CHARTER, world_note_charter(c, quorum, 3), NOW, TG_OK);
  secret_key_free(anew);
  secret_key_free(other);
  charter_free(c);
  world_free(w);
}

/* Nothing old widens when a bloc grows. */
static void blocs_are_read_as_they_stood(void **state)
{
  (void)state;
  struct world *w = world_new(NULL);
  struct secret_key *quorum[] = {w->root[ML], w->root[BF], w->root[SN]};
  struct charter *c = world_charter(w);
  tg_time later = NOW + 10 * TG_DAY;
  world_follow(w, c, later);
  /* TD (place 5 of BF ML NE NG SN TD) joins AES (BF ML NE). */
  struct charter_bloc *aes = (struct charter_bloc *)(uintptr_t)charter_bloc(c, slice_str("AES"));
  aes->member = realloc(aes->member, 4 * sizeof *aes->member);
  aes->member[aes->n++] = 5;
  /* Backdated, it would change who was meant by what was published before. */
  c->effective = NOW - 2 * TG_HOUR;
  world_add(w->d, DOCUMENT_CHARTER, world_note_charter(c, quorum, 3), NOW, TG_BAD_INPUT);
  c->effective = later;
  world_add(w->d, DOCUMENT_CHARTER, world_note_charter(c, quorum, 3), NOW, TG_OK);
  assert_false(in_bloc(w, "AES", TD, NOW));
  assert_false(in_bloc(w, "AES", TD, later - 1));
  assert_true(in_bloc(w, "AES", TD, later));
  assert_true(in_bloc(w, "AES", ML, NOW) && !in_bloc(w, "AES", SN, later));
  struct memberset set;
  assert_int_equal(directory_bloc(w->d, slice_str("LCBC"), NOW, &set), TG_NOT_FOUND);
  charter_free(c);
  world_free(w);
}

static void suspension_is_graded(void **state)
{
  (void)state;
  struct world *w = world_new(NULL);
  struct secret_key *quorum[] = {w->root[ML], w->root[BF], w->root[SN]};
  struct secret_key *node = world_issue(w, NG, "NG/dia/n1", ROLE_NODE);
  struct sign_pk pk = secret_key_sign_pk(node);
  struct charter *c = world_charter(w);
  tg_time later = NOW + TG_DAY;
  struct charter_member *ng = (struct charter_member *)(uintptr_t)charter_member(c, world_code(NG));
  world_follow(w, c, later);
  ng->standing = STANDING_NO_NEW_TRAFFIC;
  ng->ceiling = LEVEL_RESTRICTED;
  world_add(w->d, DOCUMENT_CHARTER, world_note_charter(c, quorum, 3), NOW, TG_OK);
  unsigned index = (unsigned)directory_member_index(w->d, world_code(NG));
  struct memberset before = directory_originators(w->d, NOW), after = directory_originators(w->d, later);
  struct memberset receivers = directory_receivers(w->d, later), members = directory_members(w->d, later);
  assert_true(memberset_has(&before, index) && !memberset_has(&after, index) &&
              !memberset_has(&receivers, index));
  assert_true(memberset_has(&members, index));
  assert_int_equal(standing(w, NG, later), STANDING_NO_NEW_TRAFFIC);
  assert_int_equal(directory_may_act(w->d, &pk, later, NULL), TG_OK); /* it still owes receipts and recalls */
  assert_int_equal(directory_ceiling(w->d, world_code(NG), NOW), LEVEL_TOP_SECRET);
  assert_int_equal(directory_ceiling(w->d, world_code(NG), later), LEVEL_RESTRICTED);
  secret_key_free(node);
  charter_free(c);
  world_free(w);
}

/* --- withdrawal --- */

static struct withdrawal leaving(size_t member, uint64_t charter, tg_time effective)
{
  struct withdrawal w = {.member = world_code(member), .charter = charter, .effective = effective};
  strcpy(w.exchange, "sahel.example");
  return w;
}

static void a_member_leaves_by_its_own_signature_alone(void **state)
{
  (void)state;
  struct world *w = world_new(NULL);
  struct secret_key *node = world_issue(w, NE, "NE/dgdse/n1", ROLE_NODE);
  struct sign_pk pk = secret_key_sign_pk(node);
  tg_time when = NOW + 5 * TG_DAY;
  struct withdrawal leave = leaving(NE, 1, when);
  world_add(w->d, DOCUMENT_WITHDRAWAL, world_note_withdrawal(&leave, w->root[ML]), NOW, TG_BAD_SIGNATURE);
  struct withdrawal early = leaving(NE, 2, when);
  world_add(w->d, DOCUMENT_WITHDRAWAL, world_note_withdrawal(&early, w->root[NE]), NOW, TG_NOT_FOUND);
  world_add(w->d, DOCUMENT_WITHDRAWAL, world_note_withdrawal(&leave, w->root[NE]), NOW, TG_OK);
  world_add(w->d, DOCUMENT_WITHDRAWAL, world_note_withdrawal(&leave, w->root[NE]), NOW, TG_DUPLICATE);
  assert_int_equal(standing(w, NE, when - 1), STANDING_GOOD);
  assert_int_equal(directory_may_act(w->d, &pk, when - 1, NULL), TG_OK);
  assert_int_equal(standing(w, NE, when), STANDING_WITHDRAWN);
  assert_int_equal(directory_may_act(w->d, &pk, when, NULL), TG_REVOKED);
  struct memberset members = directory_members(w->d, when);
  assert_false(memberset_has(&members, (unsigned)directory_member_index(w->d, world_code(NE))));
  /* It can still go sooner than it said. */
  struct withdrawal sooner = leaving(NE, 1, NOW + TG_HOUR);
  world_add(w->d, DOCUMENT_WITHDRAWAL, world_note_withdrawal(&sooner, w->root[NE]), NOW, TG_OK);
  assert_int_equal(standing(w, NE, NOW + TG_HOUR), STANDING_WITHDRAWN);
  secret_key_free(node);
  world_free(w);
}

static void it_comes_back_only_by_its_own_signature(void **state)
{
  (void)state;
  struct world *w = world_new(NULL);
  struct secret_key *others[] = {w->root[ML], w->root[BF], w->root[SN], w->root[NE]};
  struct charter *c = world_charter(w);
  struct withdrawal leave = leaving(NE, 1, NOW);
  world_add(w->d, DOCUMENT_WITHDRAWAL, world_note_withdrawal(&leave, w->root[NE]), NOW, TG_OK);
  /* The others go on naming it in version 2: it stays out. */
  world_follow(w, c, NOW + TG_DAY);
  world_add(w->d, DOCUMENT_CHARTER, world_note_charter(c, others, 3), NOW, TG_OK);
  assert_int_equal(standing(w, NE, NOW + TG_DAY), STANDING_WITHDRAWN);
  /* The departed do not count for the quorum. */
  world_follow(w, c, NOW + 2 * TG_DAY);
  struct secret_key *with_departed[] = {w->root[ML], w->root[NE], w->root[SN]};
  world_add(w->d, DOCUMENT_CHARTER, world_note_charter(c, with_departed, 3), NOW + TG_DAY, TG_REFUSED);
  /* It signs version 3 itself: it is back, from then on and not before. */
  world_add(w->d, DOCUMENT_CHARTER, world_note_charter(c, others, 4), NOW + TG_DAY, TG_OK);
  assert_int_equal(standing(w, NE, NOW + 2 * TG_DAY - 1), STANDING_WITHDRAWN);
  assert_int_equal(standing(w, NE, NOW + 2 * TG_DAY), STANDING_GOOD);
  charter_free(c);
  world_free(w);
}

/* --- credentials --- */

static void credentials_are_found_by_every_key(void **state)
{
  (void)state;
  struct world *w = world_new(NULL);
  struct secret_key *node = world_key(KEY_NODE, "ML/dgse/n1");
  struct credential c = world_credential("ML/dgse/n1", ROLE_NODE, node);
  world_add(w->d, DOCUMENT_CREDENTIAL, world_note_credential(&c, w->root[ML]), NOW, TG_OK);
  const struct node *n = directory_node(w->d, &c.identity);
  assert_non_null(n);
  assert_ptr_equal(n, directory_node_by_transport(w->d, &c.transport));
  assert_ptr_equal(n, directory_node_at(w->d, 0));
  assert_null(directory_node_at(w->d, 1));
  assert_null(directory_officer(w->d, &c.identity));
  assert_int_equal(n->member, directory_member_index(w->d, world_code(ML)));
  assert_int_equal(directory_may_act(w->d, &c.identity, NOW, NULL), TG_OK);
  assert_int_equal(directory_may_act(w->d, &c.identity, c.not_before - 1, NULL),
                   TG_REVOKED); /* before the charter */
  assert_int_equal(directory_may_act(w->d, &c.identity, c.not_after + 1, NULL), TG_EXPIRED);
  struct sign_pk stranger = {{9}};
  assert_int_equal(directory_may_act(w->d, &stranger, NOW, NULL), TG_NOT_FOUND);
  secret_key_free(node);
  world_free(w);
}

static void only_the_members_own_root_vouches(void **state)
{
  (void)state;
  struct world *w = world_new(NULL);
  struct secret_key *node = world_key(KEY_NODE, "ML/dgse/n1");
  struct secret_key *officer = world_issue(w, ML, "ML/policy-1", ROLE_POLICY);
  struct credential c = world_credential("ML/dgse/n1", ROLE_NODE, node);
  world_add(w->d, DOCUMENT_CREDENTIAL, world_note_credential(&c, w->root[BF]), NOW, TG_BAD_SIGNATURE);
  world_add(w->d, DOCUMENT_CREDENTIAL, world_note_credential(&c, officer), NOW, TG_BAD_SIGNATURE);
  strcpy(c.exchange, "other.example");
  world_add(w->d, DOCUMENT_CREDENTIAL, world_note_credential(&c, w->root[ML]), NOW, TG_BAD_INPUT);
  struct credential stranger = world_credential("FR/dgse/n1", ROLE_NODE, node);
  world_add(w->d, DOCUMENT_CREDENTIAL, world_note_credential(&stranger, w->root[ML]), NOW, TG_NOT_FOUND);
  struct credential past = world_credential("ML/dgse/n1", ROLE_NODE, node);
  past.not_after = NOW - 1;
  world_add(w->d, DOCUMENT_CREDENTIAL, world_note_credential(&past, w->root[ML]), NOW, TG_EXPIRED);
  assert_null(directory_node(w->d, &c.identity));
  secret_key_free(officer);
  secret_key_free(node);
  world_free(w);
}

static void a_key_serves_one_holder_in_one_role(void **state)
{
  (void)state;
  struct world *w = world_new(NULL);
  struct secret_key *node = world_key(KEY_NODE, "ML/dgse/n1"), *other = world_key(KEY_NODE, "BF/anr/n1");
  struct credential c = world_credential("ML/dgse/n1", ROLE_NODE, node);
  world_add(w->d, DOCUMENT_CREDENTIAL, world_note_credential(&c, w->root[ML]), NOW, TG_OK);
  struct credential thief = world_credential("BF/anr/n1", ROLE_NODE, node);
  world_add(w->d, DOCUMENT_CREDENTIAL, world_note_credential(&thief, w->root[BF]), NOW, TG_CONFLICT);
  thief = world_credential("BF/anr/n1", ROLE_NODE, other);
  thief.transport = c.transport;
  world_add(w->d, DOCUMENT_CREDENTIAL, world_note_credential(&thief, w->root[BF]), NOW, TG_CONFLICT);
  thief = world_credential("BF/anr/n1", ROLE_NODE, w->root[ML]);
  world_add(w->d, DOCUMENT_CREDENTIAL, world_note_credential(&thief, w->root[BF]), NOW, TG_BAD_INPUT);
  thief = world_credential("BF/anr/n1", ROLE_NODE, other);
  thief.transport = secret_key_seal_pk(w->hub_transport);
  world_add(w->d, DOCUMENT_CREDENTIAL, world_note_credential(&thief, w->root[BF]), NOW, TG_BAD_INPUT);
  struct secret_key *officer = world_issue(w, ML, "ML/keita", ROLE_POLICY);
  struct credential promoted = world_credential("ML/keita", ROLE_RELEASE, officer);
  promoted.serial = 2;
  world_add(w->d, DOCUMENT_CREDENTIAL, world_note_credential(&promoted, w->root[ML]), NOW, TG_BAD_INPUT);
  secret_key_free(officer);
  secret_key_free(other);
  secret_key_free(node);
  world_free(w);
}

static void a_newer_credential_replaces_the_older_for_ever(void **state)
{
  (void)state;
  struct world *w = world_new(NULL);
  struct secret_key *first = world_key(KEY_NODE, "ML/dgse/n1"), *second = world_key(KEY_NODE, "ML/dgse/n1");
  struct credential c = world_credential("ML/dgse/n1", ROLE_NODE, first), old = c;
  world_add(w->d, DOCUMENT_CREDENTIAL, world_note_credential(&c, w->root[ML]), NOW, TG_OK);
  const struct node *n = directory_node(w->d, &c.identity);
  /* Renewed with another transport key: the same node, found by the new one only. */
  c.serial = 2;
  c.transport.b[0] ^= 1;
  c.not_after += TG_DAY;
  world_add(w->d, DOCUMENT_CREDENTIAL, world_note_credential(&c, w->root[ML]), NOW, TG_OK);
  assert_ptr_equal(directory_node(w->d, &c.identity), n);
  assert_ptr_equal(directory_node_by_transport(w->d, &c.transport), n);
  assert_null(directory_node_by_transport(w->d, &old.transport));
  /* Back to the first: known, and no longer of use. Another with the same serial: evidence. */
  world_add(w->d, DOCUMENT_CREDENTIAL, world_note_credential(&old, w->root[ML]), NOW, TG_DUPLICATE);
  struct credential older = old;
  older.not_after -= TG_DAY;
  world_add(w->d, DOCUMENT_CREDENTIAL, world_note_credential(&older, w->root[ML]), NOW, TG_STALE);
  older.serial = 2;
  world_add(w->d, DOCUMENT_CREDENTIAL, world_note_credential(&older, w->root[ML]), NOW, TG_CONFLICT);
  /* A new identity under the name: the old key is out, and stays out. */
  struct credential rekeyed = world_credential("ML/dgse/n1", ROLE_NODE, second);
  rekeyed.serial = 3;
  world_add(w->d, DOCUMENT_CREDENTIAL, world_note_credential(&rekeyed, w->root[ML]), NOW, TG_OK);
  assert_int_equal(directory_may_act(w->d, &c.identity, NOW, NULL), TG_REVOKED);
  assert_int_equal(directory_may_act(w->d, &rekeyed.identity, NOW, NULL), TG_OK);
  assert_true(n->revoked && n->revoked_at == NOW);
  c.serial = 4;
  world_add(w->d, DOCUMENT_CREDENTIAL, world_note_credential(&c, w->root[ML]), NOW, TG_CONFLICT);
  secret_key_free(first);
  secret_key_free(second);
  world_free(w);
}

static void few_credentials(struct charter *c)
{
  c->limits.credentials = 3;
}

static void one_member_cannot_fill_the_directory(void **state)
{
  (void)state;
  struct world *w = world_new(few_credentials);
  for (int i = 0; i < 5; i++) {
    char holder[32];
    snprintf(holder, sizeof holder, "ML/dgse/n%d", i);
    struct secret_key *node = world_key(KEY_NODE, holder);
    struct credential c = world_credential(holder, ROLE_NODE, node);
    world_add(w->d, DOCUMENT_CREDENTIAL, world_note_credential(&c, w->root[ML]), NOW,
              i < 3 ? TG_OK : TG_QUOTA);
    secret_key_free(node);
  }
  struct secret_key *renewed = world_key(KEY_NODE, "ML/dgse/n0"),
                    *other = world_issue(w, BF, "BF/anr/n1", ROLE_NODE);
  struct credential c = world_credential("ML/dgse/n0", ROLE_NODE, renewed);
  c.serial = 2;
  world_add(w->d, DOCUMENT_CREDENTIAL, world_note_credential(&c, w->root[ML]), NOW,
            TG_OK); /* in place of one */
  secret_key_free(renewed);
  secret_key_free(other);
  world_free(w);
}

/* --- revocation --- */

static struct revocation revoking(size_t member, uint64_t serial, const struct sign_pk *key)
{
  struct revocation r = {.member = world_code(member), .serial = serial, .by_key = true, .key = *key};
  strcpy(r.exchange, "sahel.example");
  return r;
}

static void revocation_works_at_once_and_for_ever(void **state)
{
  (void)state;
  struct world *w = world_new(NULL);
  struct secret_key *node = world_issue(w, ML, "ML/dgse/n1", ROLE_NODE);
  struct sign_pk pk = secret_key_sign_pk(node);
  struct revocation r = revoking(ML, 1, &pk);
  assert_int_equal(directory_may_act(w->d, &pk, NOW, NULL), TG_OK);
  world_add(w->d, DOCUMENT_REVOCATION, world_note_revocation(&r, &w->root[BF], 1), NOW, TG_BAD_SIGNATURE);
  world_add(w->d, DOCUMENT_REVOCATION, world_note_revocation(&r, &w->root[ML], 1), NOW, TG_OK);
  assert_int_equal(directory_may_act(w->d, &pk, NOW, NULL), TG_REVOKED);
  assert_int_equal(directory_node(w->d, &pk)->revoked_at, NOW);
  /* Twice is harmless; the key never comes back, not even with a higher serial. */
  r.serial = 2;
  world_add(w->d, DOCUMENT_REVOCATION, world_note_revocation(&r, &w->root[ML], 1), NOW, TG_DUPLICATE);
  struct credential c = world_credential("ML/dgse/n1", ROLE_NODE, node);
  c.serial = 9;
  world_add(w->d, DOCUMENT_CREDENTIAL, world_note_credential(&c, w->root[ML]), NOW, TG_REVOKED);
  secret_key_free(node);
  world_free(w);
}

/* A hub may deliver a revocation before what it revokes; that must not help anybody. */
static void a_revocation_may_come_first(void **state)
{
  (void)state;
  struct world *w = world_new(NULL);
  struct secret_key *node = world_key(KEY_NODE, "ML/dgse/n1");
  struct credential c = world_credential("ML/dgse/n1", ROLE_NODE, node);
  struct buf text = buf_new(NOTE_BYTES_MAX);
  credential_print(&c, &text);
  struct revocation r = revoking(ML, 7, &c.identity);
  r.by_key = false;
  r.credential = document_hash(buf_slice(&text));
  world_add(w->d, DOCUMENT_REVOCATION, world_note_revocation(&r, &w->root[ML], 1), NOW, TG_OK);
  world_add(w->d, DOCUMENT_CREDENTIAL, world_note_credential(&c, w->root[ML]), NOW, TG_REVOKED);
  /* The credential was revoked, not the key: a new one for it is possible. And lower serials are no matter. */
  c.serial = 2;
  world_add(w->d, DOCUMENT_CREDENTIAL, world_note_credential(&c, w->root[ML]), NOW, TG_OK);
  struct revocation by_key = revoking(ML, 1, &c.identity);
  world_add(w->d, DOCUMENT_REVOCATION, world_note_revocation(&by_key, &w->root[ML], 1), NOW, TG_OK);
  assert_int_equal(directory_may_act(w->d, &c.identity, NOW, NULL), TG_REVOKED);
  buf_free(&text);
  secret_key_free(node);
  world_free(w);
}

static void the_quorum_revokes_too_and_a_member_only_its_own(void **state)
{
  (void)state;
  struct world *w = world_new(NULL);
  struct secret_key *node = world_issue(w, NG, "NG/dia/n1", ROLE_NODE);
  struct sign_pk pk = secret_key_sign_pk(node);
  /* BF revokes "its" key, which is NG's: nothing happens to NG. */
  struct revocation foreign = revoking(BF, 1, &pk);
  world_add(w->d, DOCUMENT_REVOCATION, world_note_revocation(&foreign, &w->root[BF], 1), NOW, TG_OK);
  assert_int_equal(directory_may_act(w->d, &pk, NOW, NULL), TG_OK);
  struct secret_key *quorum[] = {w->root[ML], w->root[BF], w->root[SN]};
  struct revocation r = revoking(NG, 1, &pk);
  world_add(w->d, DOCUMENT_REVOCATION, world_note_revocation(&r, quorum, 2), NOW, TG_BAD_SIGNATURE);
  world_add(w->d, DOCUMENT_REVOCATION, world_note_revocation(&r, quorum, 3), NOW, TG_OK);
  assert_int_equal(directory_may_act(w->d, &pk, NOW, NULL), TG_REVOKED);
  secret_key_free(node);
  world_free(w);
}

/* A stolen root is replaced by charter; what only it had signed counts no more. */
static void a_new_root_ends_what_the_old_one_signed(void **state)
{
  (void)state;
  struct world *w = world_new(NULL);
  struct secret_key *fresh = world_key(KEY_MEMBER_ROOT, "ML");
  struct secret_key *node = world_issue(w, ML, "ML/dgse/n1", ROLE_NODE),
                    *both = world_key(KEY_NODE, "ML/dgse/n2");
  struct secret_key *signers[] = {w->root[ML], w->root[BF], w->root[SN], fresh};
  struct charter *c = world_charter(w);
  struct sign_pk pk = secret_key_sign_pk(node), both_pk = secret_key_sign_pk(both);
  tg_time later = NOW + TG_DAY;
  world_follow(w, c, later);
  struct charter_member *ml = (struct charter_member *)(uintptr_t)charter_member(c, world_code(ML));
  assert_int_equal(secret_key_note_key(fresh, &ml->root), TG_OK);
  world_add(w->d, DOCUMENT_CHARTER, world_note_charter(c, signers, 4), NOW, TG_OK);
  /* In between, a credential signed by both roots works before and after. */
  struct credential credential = world_credential("ML/dgse/n2", ROLE_NODE, both);
  struct buf text = buf_new(NOTE_BYTES_MAX);
  struct secret_key *roots[] = {w->root[ML], fresh};
  credential_print(&credential, &text);
  world_add(w->d, DOCUMENT_CREDENTIAL, world_sign(&text, roots, 2), NOW, TG_OK);
  assert_int_equal(directory_may_act(w->d, &pk, later - 1, NULL), TG_OK);
  assert_int_equal(directory_may_act(w->d, &pk, later, NULL), TG_REVOKED);
  assert_int_equal(directory_may_act(w->d, &both_pk, later - 1, NULL), TG_OK);
  assert_int_equal(directory_may_act(w->d, &both_pk, later, NULL), TG_OK);
  /* Once in force, the old root can do nothing. */
  struct credential forged = world_credential("ML/dgse/n3", ROLE_NODE, node);
  forged.identity.b[0] ^= 1;
  world_add(w->d, DOCUMENT_CREDENTIAL, world_note_credential(&forged, w->root[ML]), later, TG_REVOKED);
  struct revocation taken_back = revoking(ML, 1, &both_pk);
  world_add(w->d, DOCUMENT_REVOCATION, world_note_revocation(&taken_back, &w->root[ML], 1), later, TG_REVOKED);
  world_add(w->d, DOCUMENT_REVOCATION, world_note_revocation(&taken_back, &w->root[BF], 1), later, TG_BAD_SIGNATURE);
  secret_key_free(fresh);
  secret_key_free(node);
  secret_key_free(both);
  charter_free(c);
  world_free(w);
}

/* --- policies and grants --- */

static uint64_t policy_in_force(const struct world *w, size_t member, tg_time at)
{
  struct directory_policy p;
  return directory_policy(w->d, world_code(member), at, &p) ? 0 : p.serial;
}

static void policies_ascend_and_take_effect_in_time(void **state)
{
  (void)state;
  struct world *w = world_new(NULL);
  struct secret_key *officers[] = {world_issue(w, ML, "ML/policy-1", ROLE_POLICY),
                                   world_issue(w, ML, "ML/policy-2", ROLE_POLICY)};
  assert_int_equal(policy_in_force(w, ML, NOW), 0);
  world_add(w->d, DOCUMENT_POLICY, world_note_policy(ML, 5, NOW, officers, 1), NOW, TG_OK);
  world_add(w->d, DOCUMENT_POLICY, world_note_policy(ML, 5, NOW, officers, 1), NOW, TG_DUPLICATE);
  world_add(w->d, DOCUMENT_POLICY, world_note_policy(ML, 5, NOW + 1000, officers, 1), NOW, TG_CONFLICT);
  world_add(w->d, DOCUMENT_POLICY, world_note_policy(ML, 4, NOW, officers, 1), NOW, TG_STALE);
  world_add(w->d, DOCUMENT_POLICY, world_note_policy(ML, 6, NOW + TG_DAY, officers, 2), NOW, TG_OK);
  assert_int_equal(policy_in_force(w, ML, NOW - 1), 0);
  assert_int_equal(policy_in_force(w, ML, NOW), 5);
  assert_int_equal(policy_in_force(w, ML, NOW + TG_DAY), 6);
  /* A narrower one in haste overtakes the one that waits. */
  world_add(w->d, DOCUMENT_POLICY, world_note_policy(ML, 7, NOW, officers, 1), NOW, TG_OK);
  assert_int_equal(policy_in_force(w, ML, NOW), 7);
  assert_int_equal(policy_in_force(w, ML, NOW + TG_DAY), 7);
  struct directory_policy p;
  assert_int_equal(directory_policy_serial(w->d, world_code(ML), 6, &p), TG_OK);
  assert_int_equal(p.effective, NOW + TG_DAY);
  assert_int_equal(directory_policy_serial(w->d, world_code(ML), 0, &p), TG_OK);
  assert_int_equal(p.serial, 7);
  struct hash hash = document_hash(p.text);
  assert_true(hash_eq(&hash, &p.hash));
  for (uint64_t serial = 8; serial < 40; serial++)
    world_add(w->d, DOCUMENT_POLICY, world_note_policy(ML, serial, NOW, officers, 1), NOW, TG_OK);
  assert_int_equal(policy_in_force(w, ML, NOW), 39);
  assert_int_equal(directory_policy_serial(w->d, world_code(ML), 7, &p),
                   TG_NOT_FOUND); /* only the newest are kept */
  /* Waiting ones never push out the one in force. */
  for (uint64_t serial = 40; serial < 40 + DIRECTORY_POLICIES_MAX - 1; serial++)
    world_add(w->d, DOCUMENT_POLICY, world_note_policy(ML, serial, NOW + TG_DAY, officers, 1), NOW, TG_OK);
  world_add(w->d, DOCUMENT_POLICY, world_note_policy(ML, 99, NOW + TG_DAY, officers, 1), NOW, TG_QUOTA);
  assert_int_equal(policy_in_force(w, ML, NOW), 39);
  secret_key_free(officers[0]);
  secret_key_free(officers[1]);
  world_free(w);
}

static void policies_need_a_policy_officer_of_that_member(void **state)
{
  (void)state;
  struct world *w = world_new(NULL);
  struct secret_key *ours = world_issue(w, ML, "ML/policy-1", ROLE_POLICY),
                    *second = world_issue(w, ML, "ML/policy-2", ROLE_POLICY);
  struct secret_key *release = world_issue(w, ML, "ML/release-1", ROLE_RELEASE),
                    *theirs = world_issue(w, BF, "BF/policy-1", ROLE_POLICY);
  tg_time end = WORLD_START + 365 * TG_DAY;
  world_add(w->d, DOCUMENT_POLICY, world_note_policy(ML, 1, NOW, &release, 1), NOW, TG_BAD_SIGNATURE);
  world_add(w->d, DOCUMENT_POLICY, world_note_policy(ML, 1, NOW, &theirs, 1), NOW, TG_BAD_SIGNATURE);
  world_add(w->d, DOCUMENT_POLICY, world_note_policy(ML, 1, NOW, &w->root[ML], 1), NOW, TG_BAD_SIGNATURE);
  world_add(w->d, DOCUMENT_POLICY, world_note_policy(ML, 1, NOW, &ours, 1), end + 1000, TG_EXPIRED);
  world_add(w->d, DOCUMENT_POLICY, world_note_policy(ML, 1, end + 1000, &ours, 1), NOW, TG_EXPIRED);
  /* The news name those whose signatures count, for who must know whether two did. */
  struct secret_key *mixed[] = {ours, theirs, second, release};
  struct buf note = world_note_policy(ML, 1, NOW, mixed, 4);
  struct directory_news news;
  assert_int_equal(directory_check(w->d, DOCUMENT_POLICY, buf_slice(&note), slice_of(NULL, 0),
                                   DIRECTORY_FRESH, NOW, &news, NULL),
                   TG_OK);
  assert_int_equal(news.n_signers, 2);
  assert_int_equal(news.serial, 1);
  assert_int_equal(news.effective, NOW);
  assert_true(country_eq(news.member, world_code(ML)));
  assert_int_equal(policy_in_force(w, ML, NOW), 0); /* checking changes nothing */
  buf_free(&note);
  /* A revoked officer signs no more; the policies signed before stay. */
  world_add(w->d, DOCUMENT_POLICY, world_note_policy(ML, 1, NOW, &ours, 1), NOW, TG_OK);
  struct sign_pk pk = secret_key_sign_pk(ours);
  struct revocation r = revoking(ML, 1, &pk);
  world_add(w->d, DOCUMENT_REVOCATION, world_note_revocation(&r, &w->root[ML], 1), NOW, TG_OK);
  world_add(w->d, DOCUMENT_POLICY, world_note_policy(ML, 2, NOW, &ours, 1), NOW, TG_REVOKED);
  assert_int_equal(policy_in_force(w, ML, NOW), 1);
  secret_key_free(ours);
  secret_key_free(second);
  secret_key_free(release);
  secret_key_free(theirs);
  world_free(w);
}

static void officers_act_in_their_role(void **state)
{
  (void)state;
  struct world *w = world_new(NULL);
  struct secret_key *release = world_issue(w, ML, "ML/release-1", ROLE_RELEASE);
  struct sign_pk pk = secret_key_sign_pk(release), stranger = {{1}};
  assert_int_equal(directory_officer_may(w->d, &pk, ROLE_RELEASE, NOW, NULL), TG_OK);
  assert_int_equal(directory_officer_may(w->d, &pk, ROLE_POLICY, NOW, NULL), TG_REFUSED);
  assert_int_equal(directory_officer_may(w->d, &stranger, ROLE_RELEASE, NOW, NULL), TG_NOT_FOUND);
  assert_int_equal(directory_may_act(w->d, &pk, NOW, NULL), TG_NOT_FOUND); /* an officer is no node */
  assert_non_null(directory_officer_at(w->d, 0));
  secret_key_free(release);
  world_free(w);
}

static struct grant granting(uint64_t serial, const struct hash *bulletin, const char *to, tg_time until)
{
  struct grant g = {.member = world_code(ML),
                    .serial = serial,
                    .bulletin = *bulletin,
                    .issued = NOW,
                    .until = until,
                    .n_to = 1};
  strcpy(g.exchange, "sahel.example");
  strcpy(g.to[0], to);
  return g;
}

static void grants_open_one_bulletin_to_those_named(void **state)
{
  (void)state;
  struct world *w = world_new(NULL);
  struct secret_key *release = world_issue(w, ML, "ML/release-1", ROLE_RELEASE),
                    *policy = world_issue(w, ML, "ML/policy-1", ROLE_POLICY);
  struct hash bulletin = {{1}}, other = {{2}};
  struct grant g = granting(1, &bulletin, "TD", NOW + TG_DAY);
  world_add(w->d, DOCUMENT_GRANT, world_note_grant(&g, policy), NOW, TG_BAD_SIGNATURE);
  world_add(w->d, DOCUMENT_GRANT, world_note_grant(&g, release), NOW, TG_OK);
  world_add(w->d, DOCUMENT_GRANT, world_note_grant(&g, release), NOW, TG_DUPLICATE);
  struct grant again = granting(1, &other, "TD", NOW + TG_DAY);
  world_add(w->d, DOCUMENT_GRANT, world_note_grant(&again, release), NOW, TG_CONFLICT);
  struct grant past = granting(2, &bulletin, "TD", NOW + TG_DAY);
  world_add(w->d, DOCUMENT_GRANT, world_note_grant(&past, release), NOW + 2 * TG_DAY, TG_EXPIRED);
  struct grant unknown = granting(2, &bulletin, "LCBC", NOW + TG_DAY);
  world_add(w->d, DOCUMENT_GRANT, world_note_grant(&unknown, release), NOW, TG_NOT_FOUND);
  struct grant bloc = granting(3, &bulletin, "ECOWAS", NOW + 2 * TG_DAY);
  world_add(w->d, DOCUMENT_GRANT, world_note_grant(&bloc, release), NOW, TG_OK);
  struct memberset now = directory_granted(w->d, &bulletin, world_code(ML), NOW);
  struct memberset later = directory_granted(w->d, &bulletin, world_code(ML), NOW + TG_DAY + 1);
  struct memberset none = directory_granted(w->d, &other, world_code(ML), NOW);
  struct memberset others = directory_granted(w->d, &bulletin, world_code(BF), NOW);
  assert_int_equal(memberset_count(&now), 3);
  assert_int_equal(memberset_count(&later), 2);
  assert_true(memberset_empty(&none) && memberset_empty(&others));
  secret_key_free(policy);
  secret_key_free(release);
  world_free(w);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(it_starts_from_the_pinned_charter_and_no_other),
      cmocka_unit_test(charters_come_in_order_and_only_once),
      cmocka_unit_test(a_log_keeps_its_key),
      cmocka_unit_test(blocs_are_read_as_they_stood),
      cmocka_unit_test(suspension_is_graded),
      cmocka_unit_test(a_member_leaves_by_its_own_signature_alone),
      cmocka_unit_test(it_comes_back_only_by_its_own_signature),
      cmocka_unit_test(credentials_are_found_by_every_key),
      cmocka_unit_test(only_the_members_own_root_vouches),
      cmocka_unit_test(a_key_serves_one_holder_in_one_role),
      cmocka_unit_test(a_newer_credential_replaces_the_older_for_ever),
      cmocka_unit_test(one_member_cannot_fill_the_directory),
      cmocka_unit_test(revocation_works_at_once_and_for_ever),
      cmocka_unit_test(a_revocation_may_come_first),
      cmocka_unit_test(the_quorum_revokes_too_and_a_member_only_its_own),
      cmocka_unit_test(a_new_root_ends_what_the_old_one_signed),
      cmocka_unit_test(policies_ascend_and_take_effect_in_time),
      cmocka_unit_test(policies_need_a_policy_officer_of_that_member),
      cmocka_unit_test(officers_act_in_their_role),
      cmocka_unit_test(grants_open_one_bulletin_to_those_named),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
