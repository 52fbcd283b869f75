/* Rulings: the logged form of a decision, one encoding, members in order and in one list only. */
#include "audit/ruling.h"
#include "tests/audit/kit.h"

static const char permitted[][2] = {{'B', 'F'}, {'N', 'E'}};
static const struct ruling_denial denied[] = {
    {.member = {'N', 'G'}, .stage = 3}, {.member = {'T', 'D'}, .stage = 6, .policy = {{9}}, .line = 12}};

struct made {
  struct ruling_portion portion[2];
  struct ruling ruling;
};

/* Two portions: the first as above, the second permitted to nobody. */
static void make(struct made *m)
{
  *m = (struct made){
      .portion = {
          {.index = 0, .permitted = permitted, .permitted_count = 2, .denied = denied, .denied_count = 2},
          {.index = 3, .denied = denied, .denied_count = 1}}};
  m->ruling = (struct ruling){.salt = {5}, .portions = m->portion, .portion_count = 2};
}

static void a_ruling_reads_back_as_it_was(void **state)
{
  (void)state;
  struct made m;
  struct ruling read;
  struct buf bytes = buf_new(LIMIT_DECISION), again = buf_new(LIMIT_DECISION);
  struct arena *arena = arena_new(1 << 20);
  make(&m);
  assert_int_equal(ruling_build(&m.ruling, &bytes, NULL), TG_OK);
  assert_int_equal(ruling_parse(buf_slice(&bytes), arena, &read, NULL), TG_OK);
  assert_int_equal(read.portion_count, 2);
  assert_int_equal(read.portions[1].index, 3);
  assert_int_equal(read.portions[1].permitted_count, 0);
  assert_memory_equal(read.portions[0].permitted[1], "NE", 2);
  assert_int_equal(read.portions[0].denied[1].line, 12);
  assert_true(hash_eq(&read.portions[0].denied[1].policy, &denied[1].policy));
  assert_true(hash_is_zero(&read.portions[0].denied[0].policy));
  assert_int_equal(ruling_build(&read, &again, NULL), TG_OK);
  assert_true(slice_eq(buf_slice(&bytes), buf_slice(&again)));
  struct hash hash = ruling_hash(buf_slice(&bytes));
  bytes.p[2] ^= 1; /* the salt */
  struct hash other = ruling_hash(buf_slice(&bytes));
  assert_false(hash_eq(&hash, &other));
  buf_free(&again);
  buf_free(&bytes);
  arena_free(arena);
}

static void expect_refused(struct made *m, const char *where)
{
  struct buf out = buf_new(LIMIT_DECISION);
  struct tg_why why;
  buf_put_u8(&out, 7);
  assert_int_equal(ruling_build(&m->ruling, &out, &why), TG_BAD_INPUT);
  assert_string_equal(why.where, where);
  assert_int_equal(out.n, 1);
  buf_free(&out);
}

static void order_members_and_stages_are_checked(void **state)
{
  (void)state;
  struct made m;
  static const char backwards[][2] = {{'N', 'E'}, {'B', 'F'}}, twice[][2] = {{'N', 'E'}, {'N', 'E'}},
                    small[][2] = {{'n', 'e'}}, both[][2] = {{'B', 'F'}, {'T', 'D'}};
  struct ruling_denial d[2];
  make(&m), m.portion[0].permitted = backwards, expect_refused(&m, "Decision.permitted");
  make(&m), m.portion[0].permitted = twice, expect_refused(&m, "Decision.permitted");
  make(&m), m.portion[0].permitted = small, m.portion[0].permitted_count = 1,
            expect_refused(&m, "Decision.permitted");
  make(&m), m.portion[0].permitted = both, expect_refused(&m, "Decision");
  make(&m), d[0] = denied[1], d[1] = denied[0], m.portion[0].denied = d,
            expect_refused(&m, "Decision.denied");
  make(&m), d[0] = denied[0], d[0].stage = 0, m.portion[1].denied = d, expect_refused(&m, "Decision.stage");
  make(&m), d[0] = denied[0], d[0].stage = RULING_STAGES + 1, m.portion[1].denied = d;
  expect_refused(&m, "Decision.stage");
  make(&m), d[0] = denied[0], d[0].member[1] = '1', m.portion[1].denied = d,
            expect_refused(&m, "Decision.denied");
  make(&m), m.portion[1].index = 0, expect_refused(&m, "Decision.portions");
  make(&m), m.ruling.portion_count = 0, expect_refused(&m, "Decision.portions");
  make(&m), m.ruling.portion_count = LIMIT_PORTIONS + 1, expect_refused(&m, "Decision.portions");
}

/* Whatever is done to the bytes: refused, or another ruling with another hash. */
static void damage_is_refused_or_seen(void **state)
{
  (void)state;
  struct made m;
  struct ruling read;
  struct buf bytes = buf_new(LIMIT_DECISION), again = buf_new(LIMIT_DECISION);
  struct arena *arena = arena_new(1 << 20);
  make(&m);
  assert_int_equal(ruling_build(&m.ruling, &bytes, NULL), TG_OK);
  struct hash hash = ruling_hash(buf_slice(&bytes));
  for (size_t n = 0; n < bytes.n; n++) {
    arena_reset(arena);
    /* Between two portions a cut leaves a shorter ruling: its hash is another one. */
    if (ruling_parse(slice_of(bytes.p, n), arena, &read, NULL) == TG_OK)
      assert_int_equal(read.portion_count, 1);
  }
  for (size_t bit = 0; bit < 8 * bytes.n; bit++) {
    bytes.p[bit / 8] ^= (uint8_t)(1 << bit % 8);
    struct hash other = ruling_hash(buf_slice(&bytes));
    assert_false(hash_eq(&hash, &other));
    arena_reset(arena);
    if (ruling_parse(buf_slice(&bytes), arena, &read, NULL) == TG_OK) {
      buf_clear(&again);
      assert_int_equal(ruling_build(&read, &again, NULL), TG_OK);
      assert_true(slice_eq(buf_slice(&again), buf_slice(&bytes)));
    }
    bytes.p[bit / 8] ^= (uint8_t)(1 << bit % 8);
  }
  buf_free(&again);
  buf_free(&bytes);
  arena_free(arena);
}

static void a_policy_of_zeros_is_not_said_twice(void **state)
{
  (void)state;
  struct made m;
  struct ruling read;
  struct buf bytes = buf_new(LIMIT_DECISION);
  struct arena *arena = arena_new(1 << 20);
  make(&m);
  assert_int_equal(ruling_build(&m.ruling, &bytes, NULL), TG_OK);
  uint8_t *policy = memmem(bytes.p, bytes.n, denied[1].policy.b, 32);
  assert_non_null(policy);
  *policy = 0;
  assert_int_equal(ruling_parse(buf_slice(&bytes), arena, &read, NULL), TG_BAD_INPUT);
  buf_free(&bytes);
  arena_free(arena);
}

static void a_small_arena_is_an_answer(void **state)
{
  (void)state;
  struct made m;
  struct ruling read;
  struct buf bytes = buf_new(LIMIT_DECISION);
  make(&m);
  assert_int_equal(ruling_build(&m.ruling, &bytes, NULL), TG_OK);
  for (size_t budget = 16; budget < 1600; budget += 16) {
    struct arena *arena = arena_new(budget);
    enum tg_err err = ruling_parse(buf_slice(&bytes), arena, &read, NULL);
    assert_true(err == TG_OK || err == TG_TOO_BIG);
    arena_free(arena);
  }
  buf_free(&bytes);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_ruling_reads_back_as_it_was), cmocka_unit_test(order_members_and_stages_are_checked),
      cmocka_unit_test(damage_is_refused_or_seen),     cmocka_unit_test(a_policy_of_zeros_is_not_said_twice),
      cmocka_unit_test(a_small_arena_is_an_answer),
  };
  return sodium_init() < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
