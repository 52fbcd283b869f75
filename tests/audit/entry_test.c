/* Entries: what each type must, may and must not have; one encoding; a leaf that says nothing without its
 * salt. */
#include "tests/audit/kit.h"

static struct buf built(const struct entry *e)
{
  struct buf out = buf_new(LIMIT_ENTRY);
  struct tg_why why;
  assert_int_equal(entry_build(e, &out, &why), TG_OK);
  return out;
}

static void expect_no_build(const struct entry *e, const char *where)
{
  struct buf out = buf_new(LIMIT_ENTRY);
  struct tg_why why;
  buf_put_str(&out, "before");
  assert_int_equal(entry_build(e, &out, &why), TG_BAD_INPUT);
  assert_string_equal(why.where, where);
  assert_true(slice_is(buf_slice(&out), "before"));
  buf_free(&out);
}

static void expect_same(const struct entry *a, const struct entry *b)
{
  assert_int_equal(a->type, b->type);
  assert_int_equal(a->time, b->time);
  assert_true(hash_eq(&a->subject, &b->subject) && sign_pk_eq(&a->actor, &b->actor));
  assert_memory_equal(a->member, b->member, 2);
  assert_int_equal(a->number, b->number);
  assert_int_equal(a->charter_version, b->charter_version);
  assert_true(hash_eq(&a->policy_set, &b->policy_set) && hash_eq(&a->decision, &b->decision));
  assert_int_equal(a->reason, b->reason);
  assert_true(slice_eq(a->detail, b->detail));
}

static void an_entry_reads_back_as_it_was(void **state)
{
  (void)state;
  struct entry e = kit_entry(), read;
  e.detail = slice_str("aux frontières");
  struct buf bytes = built(&e);
  assert_int_equal(entry_parse(buf_slice(&bytes), &read, NULL), TG_OK);
  expect_same(&e, &read);
  assert_ptr_equal(read.detail.p, bytes.p + bytes.n - e.detail.n);
  struct buf again = built(&read);
  assert_true(slice_eq(buf_slice(&bytes), buf_slice(&again)));
  buf_free(&again);
  buf_free(&bytes);
}

/* The columns of docs/protocol.md §7: S subject, W actor and member, N number, R charter, policy set and
   decision, C charter and policy set only, c charter alone, X reason, D detail. */
static const struct shape {
  enum entry_type type;
  const char *must, *may;
} shapes[] = {
    {ENTRY_ACCEPTED, "SWNR", "D"},         {ENTRY_REFUSED, "SWX", "NRD"},
    {ENTRY_FORWARDED, "SWN", ""},          {ENTRY_RECEIPTS, "SWN", ""},
    {ENTRY_DOCUMENT, "S", "WND"},          {ENTRY_SESSION_OPENED, "W", "cD"},
    {ENTRY_SESSION_CUT, "WX", "ND"},       {ENTRY_EXPIRED, "SWN", "D"},
    {ENTRY_RECALLED, "SW", "ND"},          {ENTRY_HELD, "SWC", "NRXD"},
    {ENTRY_CONFIGURATION, "S", "NcD"},     {ENTRY_ALARM, "X", "SWNRD"},
    {ENTRY_DOCUMENT_REFUSED, "SX", "WND"}, {ENTRY_OVERDUE, "SWN", "D"},
};

static void add(struct entry *e, char column)
{
  struct entry full = kit_entry();
  if (column == 'S')
    e->subject = full.subject;
  if (column == 'W')
    e->actor = full.actor, memcpy(e->member, full.member, 2);
  if (column == 'N')
    e->number = full.number;
  if (strchr("RCc", column))
    e->charter_version = full.charter_version;
  if (strchr("RC", column))
    e->policy_set = full.policy_set;
  if (column == 'R')
    e->decision = full.decision;
  if (column == 'X')
    e->reason = REASON_POLICY;
  if (column == 'D')
    e->detail = slice_str("detail");
}

static struct entry shaped(const struct shape *s, const char *columns, char without)
{
  struct entry e = {.type = s->type, .time = KIT_NOW};
  for (const char *c = columns; *c; c++)
    if (*c != without)
      add(&e, *c);
  return e;
}

static void every_type_takes_what_its_row_says(void **state)
{
  (void)state;
  for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
    const struct shape *s = &shapes[i];
    struct entry least = shaped(s, s->must, 0), most = least, read;
    for (const char *c = s->may; *c; c++)
      add(&most, *c);
    struct buf a = built(&least), b = built(&most);
    assert_int_equal(entry_parse(buf_slice(&a), &read, NULL), TG_OK);
    expect_same(&least, &read);
    assert_int_equal(entry_parse(buf_slice(&b), &read, NULL), TG_OK);
    expect_same(&most, &read);
    buf_free(&a);
    buf_free(&b);
    assert_int_equal(s->type, i + 1);
  }
}

static void nothing_missing_and_nothing_more(void **state)
{
  (void)state;
  struct buf out = buf_new(LIMIT_ENTRY);
  for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
    const struct shape *s = &shapes[i];
    for (const char *c = s->must; *c; c++) {
      struct entry e = shaped(s, s->must, *c);
      assert_int_equal(entry_build(&e, &out, NULL), TG_BAD_INPUT);
    }
    for (const char *c = "SWNRXD"; *c; c++) {
      struct entry e = shaped(s, s->must, 0);
      if (strchr(s->must, *c) || strchr(s->may, *c))
        continue;
      add(&e, *c);
      assert_int_equal(entry_build(&e, &out, NULL), TG_BAD_INPUT);
    }
  }
  assert_int_equal(out.n, 0);
  buf_free(&out);
}

static void the_place_of_a_mistake_is_named(void **state)
{
  (void)state;
  struct entry e = kit_entry();
  e.reason = REASON_POLICY;
  expect_no_build(&e, "Entry.reason");
  e = kit_entry();
  e.number = 0;
  expect_no_build(&e, "Entry.number");
  e = kit_entry();
  e.member[0] = 'm';
  expect_no_build(&e, "Entry.member");
  e = kit_entry();
  e.member[1] = 0;
  expect_no_build(&e, "Entry.member");
  e = kit_entry();
  e.type = (enum entry_type)15;
  expect_no_build(&e, "Entry.type");
  e = kit_entry();
  e.time = 0;
  expect_no_build(&e, "Entry.time");
  e = kit_entry();
  e.type = ENTRY_REFUSED;
  e.reason = 4711;
  expect_no_build(&e, "Entry.reason");
}

static void details_are_text_within_their_length(void **state)
{
  (void)state;
  uint8_t much[ENTRY_DETAIL_MAX + 1];
  memset(much, 'x', sizeof much);
  struct entry e = kit_entry();
  struct buf out = buf_new(LIMIT_ENTRY);
  e.detail = slice_of(much, ENTRY_DETAIL_MAX);
  assert_int_equal(entry_build(&e, &out, NULL), TG_OK);
  buf_clear(&out);
  e.detail = slice_of(much, sizeof much);
  assert_int_equal(entry_build(&e, &out, NULL), TG_TOO_BIG);
  e.detail = slice_str("\xff\xfe");
  assert_int_equal(entry_build(&e, &out, NULL), TG_BAD_INPUT);
  e.detail = slice_str("two\nlines");
  assert_int_equal(entry_build(&e, &out, NULL), TG_BAD_INPUT);
  buf_free(&out);
}

/* A reason that a later version gives meaning to must not make today's auditors blind. */
static void a_reason_of_a_later_version_is_kept(void **state)
{
  (void)state;
  static const uint8_t bytes[] = {0x08, 12, 0x10, 1, 0x50, 0xd0, 0x0f}; /* alarm, time 1, reason 2000 */
  struct entry e;
  assert_int_equal(entry_parse(slice_of(bytes, sizeof bytes), &e, NULL), TG_OK);
  assert_int_equal(e.reason, 2000);
  assert_string_equal(reason_name(e.reason), "unknown");
}

static void what_is_present_must_say_something(void **state)
{
  (void)state;
  uint8_t bytes[7 + 34] = {0x08, 12, 0x10, 1, 0x1a, 32}; /* alarm, time 1, subject of 32 zero bytes, */
  bytes[38] = 0x50;
  bytes[39] = 1; /* reason 1 */
  struct entry e = {.number = 77};
  struct tg_why why;
  assert_int_equal(entry_parse(slice_of(bytes, 40), &e, &why), TG_BAD_INPUT);
  assert_string_equal(why.where, "Entry.subject");
  assert_int_equal(e.number, 77);
  bytes[37] = 1;
  assert_int_equal(entry_parse(slice_of(bytes, 40), &e, NULL), TG_OK);
}

static void cut_and_lengthened_entries_are_refused(void **state)
{
  (void)state;
  struct entry e = kit_entry(), read;
  struct buf bytes = built(&e);
  for (size_t n = 0; n < bytes.n; n++)
    assert_int_not_equal(entry_parse(slice_of(bytes.p, n), &read, NULL), TG_OK);
  buf_put_u8(&bytes, 0);
  assert_int_not_equal(entry_parse(buf_slice(&bytes), &read, NULL), TG_OK);
  buf_free(&bytes);
}

/* Every bit of an entry and of its salt counts. */
static void every_bit_changes_the_leaf(void **state)
{
  (void)state;
  struct entry e = kit_entry();
  struct buf bytes = built(&e);
  uint8_t salt[ENTRY_SALT] = {1, 2, 3};
  struct hash leaf = entry_leaf(salt, buf_slice(&bytes)), other;
  for (size_t bit = 0; bit < 8 * bytes.n; bit++) {
    bytes.p[bit / 8] ^= (uint8_t)(1 << bit % 8);
    other = entry_leaf(salt, buf_slice(&bytes));
    assert_false(hash_eq(&leaf, &other));
    bytes.p[bit / 8] ^= (uint8_t)(1 << bit % 8);
  }
  for (size_t bit = 0; bit < 8 * ENTRY_SALT; bit++) {
    salt[bit / 8] ^= (uint8_t)(1 << bit % 8);
    other = entry_leaf(salt, buf_slice(&bytes));
    assert_false(hash_eq(&leaf, &other));
    salt[bit / 8] ^= (uint8_t)(1 << bit % 8);
  }
  uint8_t one[ENTRY_SALT], two[ENTRY_SALT];
  entry_salt(one);
  entry_salt(two);
  assert_memory_not_equal(one, two, ENTRY_SALT);
  buf_free(&bytes);
}

static void a_policy_set_names_its_members(void **state)
{
  (void)state;
  struct entry_policy p[] = {{{'B', 'F'}, kit_hash(1)}, {{'M', 'L'}, kit_hash(2)}};
  struct hash none = entry_policy_set(p, 0), one = entry_policy_set(p, 1), two = entry_policy_set(p, 2);
  assert_false(hash_eq(&none, &one) || hash_eq(&one, &two));
  p[1].hash = kit_hash(3);
  struct hash changed = entry_policy_set(p, 2);
  assert_false(hash_eq(&two, &changed));
}

static void names_go_both_ways(void **state)
{
  (void)state;
  for (unsigned t = 1; t <= ENTRY_TYPES; t++) {
    enum entry_type type;
    assert_int_equal(entry_type_parse(slice_str(entry_type_name(t)), &type), TG_OK);
    assert_int_equal(type, t);
    assert_true(strlen(entry_type_sentence(t)) > 0);
  }
  assert_string_equal(entry_type_name(0), "unknown");
  assert_string_equal(entry_type_name(15), "unknown");
  size_t known = 0;
  for (unsigned r = 0; r < 1000; r++) {
    enum reason reason;
    bool named = reason_parse(slice_str(reason_name(r)), &reason) == TG_OK;
    assert_int_equal(named, reason_known(r));
    if (named)
      assert_int_equal(reason, r), known++;
    assert_non_null(reason_sentence(r));
  }
  assert_int_equal(known, 34);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(an_entry_reads_back_as_it_was),
      cmocka_unit_test(every_type_takes_what_its_row_says),
      cmocka_unit_test(nothing_missing_and_nothing_more),
      cmocka_unit_test(the_place_of_a_mistake_is_named),
      cmocka_unit_test(details_are_text_within_their_length),
      cmocka_unit_test(a_reason_of_a_later_version_is_kept),
      cmocka_unit_test(what_is_present_must_say_something),
      cmocka_unit_test(cut_and_lengthened_entries_are_refused),
      cmocka_unit_test(every_bit_changes_the_leaf),
      cmocka_unit_test(a_policy_set_names_its_members),
      cmocka_unit_test(names_go_both_ways),
  };
  return sodium_init() < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
