/* Charters: who must sign, per camp, and what may follow what. */
#include "tests/keys/world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

/* The members of c that `codes` names ("ML BF"), as signed. */
static void mark(const struct charter *c, const char *codes, bool *signed_by)
{
  memset(signed_by, 0, c->n_members * sizeof *signed_by);
  for (size_t i = 0; i < c->n_members; i++)
    signed_by[i] = strstr(codes, c->member[i].code.code) != NULL;
}

/* 2 of AES (ML BF NE) and 1 of ECOWAS (SN NG). */
static void each_camp_counts_for_itself(void **state)
{
  (void)state;
  struct world *w = world_new(NULL);
  struct charter *c = world_charter(w);
  bool signed_by[WORLD_MEMBERS];
  static const char *const enough[] = {"ML BF SN", "ML NE NG", "ML BF NE SN NG TD"};
  static const char *const lacking[] = {"", "ML BF NE TD", "SN NG TD", "ML SN NG TD", "ML BF TD"};
  for (size_t i = 0; i < sizeof enough / sizeof *enough; i++) {
    mark(c, enough[i], signed_by);
    assert_int_equal(charter_quorum(c, &c->quorum, signed_by, NULL, NULL), TG_OK);
  }
  for (size_t i = 0; i < sizeof lacking / sizeof *lacking; i++) {
    struct tg_why why;
    mark(c, lacking[i], signed_by);
    assert_int_equal(charter_quorum(c, &c->quorum, signed_by, NULL, &why), TG_REFUSED);
    assert_true(!strcmp(why.arg[2], "AES") || !strcmp(why.arg[2], "ECOWAS"));
  }
  charter_free(c);
  world_free(w);
}

static void the_suspended_and_the_departed_do_not_count(void **state)
{
  (void)state;
  struct world *w = world_new(NULL);
  struct charter *c = world_charter(w);
  bool signed_by[WORLD_MEMBERS], left[WORLD_MEMBERS] = {0};
  struct charter_member *bf = (struct charter_member *)(uintptr_t)charter_member(c, world_code(BF));
  mark(c, "ML BF SN", signed_by);
  bf->standing = STANDING_NO_SENDING;
  assert_int_equal(charter_quorum(c, &c->quorum, signed_by, NULL, NULL), TG_REFUSED);
  bf->standing = STANDING_GOOD;
  left[bf - c->member] = true;
  assert_int_equal(charter_quorum(c, &c->quorum, signed_by, left, NULL), TG_REFUSED);
  /* "all" means all that can. */
  struct quorum all = {.n = 1, .term = {{.count = 0, .group = "AES"}}};
  mark(c, "ML NE", signed_by);
  assert_int_equal(charter_quorum(c, &all, signed_by, left, NULL), TG_OK);
  assert_int_equal(charter_quorum(c, &all, signed_by, NULL, NULL), TG_REFUSED);
  for (size_t i = 0; i < c->n_members; i++)
    left[i] = true;
  assert_int_equal(charter_quorum(c, &all, signed_by, left, NULL), TG_REFUSED);
  struct quorum nothing = {0};
  mark(c, "ML BF NE SN NG TD", signed_by);
  assert_int_equal(charter_quorum(c, &nothing, signed_by, NULL, NULL), TG_REFUSED);
  charter_free(c);
  world_free(w);
}

/* Every subset of members against a count made the naive way. */
static void quorum_agrees_with_counting(void **state)
{
  (void)state;
  struct world *w = world_new(NULL);
  struct charter *c = world_charter(w);
  for (unsigned subset = 0; subset < 1u << WORLD_MEMBERS; subset++) {
    bool signed_by[WORLD_MEMBERS];
    unsigned aes = 0, ecowas = 0;
    for (size_t i = 0; i < c->n_members; i++) {
      const char *code = c->member[i].code.code;
      signed_by[i] = subset >> i & 1;
      aes += signed_by[i] && strstr("ML BF NE", code);
      ecowas += signed_by[i] && strstr("SN NG", code);
    }
    enum tg_err expected = aes >= 2 && ecowas >= 1 ? TG_OK : TG_REFUSED;
    assert_int_equal(charter_quorum(c, &c->quorum, signed_by, NULL, NULL), expected);
  }
  charter_free(c);
  world_free(w);
}

static enum tg_err founding(const struct charter *c, struct secret_key *const *keys, size_t n)
{
  struct buf bytes = world_note_charter(c, keys, n);
  struct note note;
  assert_int_equal(note_parse(buf_slice(&bytes), NULL, &note, NULL), TG_OK);
  enum tg_err err = charter_check_founding(c, &note, NULL);
  buf_free(&bytes);
  return err;
}

static void all_found_it_or_nobody(void **state)
{
  (void)state;
  struct world *w = world_new(NULL);
  struct charter *c = world_charter(w);
  assert_int_equal(founding(c, w->root, WORLD_MEMBERS), TG_OK);
  assert_int_equal(founding(c, w->root, WORLD_MEMBERS - 1), TG_BAD_SIGNATURE);
  c->version = 2;
  c->previous = w->exchange;
  assert_int_equal(founding(c, w->root, WORLD_MEMBERS), TG_BAD_INPUT);
  charter_free(c);
  world_free(w);
}

static enum tg_err follows(const struct world *w, const struct charter *next, struct secret_key *const *keys,
                           size_t n)
{
  struct charter *now = world_charter(w);
  struct buf bytes = world_note_charter(next, keys, n);
  struct note note;
  assert_int_equal(note_parse(buf_slice(&bytes), NULL, &note, NULL), TG_OK);
  enum tg_err err = charter_check_succession(now, &w->exchange, NULL, next, &note, NULL);
  buf_free(&bytes);
  charter_free(now);
  return err;
}

static void the_next_version_follows_the_last(void **state)
{
  (void)state;
  struct world *w = world_new(NULL);
  struct secret_key *quorum[] = {w->root[ML], w->root[NE], w->root[SN]};
  struct charter *next = world_charter(w);
  world_follow(w, next, WORLD_START + TG_DAY);
  assert_int_equal(follows(w, next, quorum, 3), TG_OK);
  assert_int_equal(follows(w, next, quorum, 2), TG_REFUSED);
  next->previous.b[0] ^= 1;
  assert_int_equal(follows(w, next, quorum, 3), TG_BAD_INPUT);
  next->previous.b[0] ^= 1;
  next->effective = WORLD_START - 1000;
  assert_int_equal(follows(w, next, quorum, 3), TG_BAD_INPUT);
  next->effective = WORLD_START + TG_DAY;
  next->version = 3;
  assert_int_equal(follows(w, next, quorum, 3), TG_BAD_INPUT);
  next->version = 2;
  strcpy(next->exchange, "other.example");
  struct note fake = {.text = slice_str("x\n")};
  struct charter *now = world_charter(w);
  assert_int_equal(charter_check_succession(now, &w->exchange, NULL, next, &fake, NULL), TG_BAD_INPUT);
  charter_free(now);
  charter_free(next);
  world_free(w);
}

/* Nobody's root is changed, and nobody is made a member, without a signature of the key that enters. */
static void a_key_that_enters_must_sign(void **state)
{
  (void)state;
  struct world *w = world_new(NULL);
  struct secret_key *fresh = world_key(KEY_MEMBER_ROOT, "TD");
  struct secret_key *quorum[] = {w->root[ML], w->root[BF], w->root[NG], fresh};
  struct charter *next = world_charter(w);
  world_follow(w, next, WORLD_START + TG_DAY);
  struct charter_member *td = (struct charter_member *)(uintptr_t)charter_member(next, world_code(TD));
  assert_int_equal(secret_key_note_key(fresh, &td->root), TG_OK);
  assert_int_equal(follows(w, next, quorum, 3), TG_BAD_SIGNATURE);
  assert_int_equal(follows(w, next, quorum, 4), TG_OK);
  assert_int_equal(follows(w, next, quorum + 3, 1), TG_REFUSED); /* the new key alone is no quorum */
  secret_key_free(fresh);
  charter_free(next);
  world_free(w);
}

static void standings_allow_what_their_names_say(void **state)
{
  (void)state;
  assert_true(standing_may_connect(STANDING_NO_NEW_TRAFFIC) &&
              !standing_may_receive(STANDING_NO_NEW_TRAFFIC));
  assert_true(standing_may_receive(STANDING_NO_SENDING) && !standing_may_originate(STANDING_NO_SENDING));
  assert_true(standing_may_originate(STANDING_GOOD));
  assert_false(standing_may_connect(STANDING_WITHDRAWN) || standing_may_connect(STANDING_NONE));
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(each_camp_counts_for_itself),
      cmocka_unit_test(the_suspended_and_the_departed_do_not_count),
      cmocka_unit_test(quorum_agrees_with_counting),
      cmocka_unit_test(all_found_it_or_nobody),
      cmocka_unit_test(the_next_version_follows_the_last),
      cmocka_unit_test(a_key_that_enters_must_sign),
      cmocka_unit_test(standings_allow_what_their_names_say),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
