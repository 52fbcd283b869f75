/* Who may see what: every type of entry against every kind of viewer. */
#include "audit/disclose.h"
#include "tests/audit/kit.h"

/* One node per role; the auditor of each member; a stranger. */
enum who { ACTOR, ORIGINATOR, RECIPIENT, DENIED, WHOS };
static const char member[WHOS][2] = {{'M', 'L'}, {'S', 'N'}, {'N', 'G'}, {'T', 'D'}};

static struct sign_pk key(enum who who)
{
  struct sign_pk k;
  memset(k.b, 0x40 + (int)who, sizeof k.b);
  return k;
}

static struct disclose_viewer viewer(enum who who, bool auditor)
{
  struct disclose_viewer v = {.key = key(who), .auditor = auditor};
  if (auditor)
    v.key.b[0] ^= 0xff; /* an officer, not the node */
  memcpy(v.member, member[who], 2);
  return v;
}

static struct disclose_party party(enum who who)
{
  struct disclose_party p = {.key = key(who)};
  memcpy(p.member, member[who], 2);
  return p;
}

/* docs/protocol.md §7: who learns what an entry says; P: everybody. */
static const struct {
  enum entry_type type;
  const char *sees; /* A actor, O originators, R recipients, P all members */
} rows[] = {
    {ENTRY_ACCEPTED, "AOR"},       {ENTRY_REFUSED, "A"},
    {ENTRY_FORWARDED, "A"},        {ENTRY_RECEIPTS, "AO"},
    {ENTRY_DOCUMENT, "P"},         {ENTRY_SESSION_OPENED, "A"},
    {ENTRY_SESSION_CUT, "A"},      {ENTRY_EXPIRED, "OR"},
    {ENTRY_RECALLED, "AOR"},       {ENTRY_HELD, "O"},
    {ENTRY_CONFIGURATION, "P"},    {ENTRY_ALARM, "AO"},
    {ENTRY_DOCUMENT_REFUSED, "A"},
};

static void each_sees_what_its_row_says(void **state)
{
  (void)state;
  struct disclose_party o = party(ORIGINATOR), r = party(RECIPIENT);
  struct disclose_subject about = {
      .originators = &o, .originator_count = 1, .recipients = &r, .recipient_count = 1};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    struct entry e = {.type = rows[i].type, .actor = key(ACTOR), .member = {'M', 'L'}};
    bool all = strchr(rows[i].sees, 'P') != NULL;
    assert_int_equal(disclose_is_public(&e, &about), all);
    for (enum who who = ACTOR; who < WHOS; who++) {
      struct disclose_viewer node = viewer(who, false), auditor = viewer(who, true);
      bool sees = all || (who != DENIED && strchr(rows[i].sees, "AOR"[who]) != NULL);
      assert_int_equal(disclose_entry(&e, &about, &node), sees);
      assert_int_equal(disclose_entry(&e, &about, &auditor), sees);
      auditor.auditor = false; /* any other officer of that member */
      assert_int_equal(disclose_entry(&e, &about, &auditor), all);
    }
  }
}

static void the_list_of_parties_is_who_sees(void **state)
{
  (void)state;
  struct disclose_party o = party(ORIGINATOR), r[2] = {party(RECIPIENT), party(ACTOR)}, list[4];
  struct disclose_subject about = {
      .originators = &o, .originator_count = 1, .recipients = r, .recipient_count = 2};
  struct entry e = {.type = ENTRY_ACCEPTED, .actor = key(ACTOR), .member = {'M', 'L'}};
  size_t n = 9;
  assert_int_equal(disclose_parties(&e, &about, list, 4, &n), TG_OK);
  assert_int_equal(n, 3); /* the actor is a recipient too, and stands once */
  for (size_t i = 0; i < n; i++) {
    struct disclose_viewer v = {.key = list[i].key};
    assert_true(disclose_entry(&e, &about, &v));
  }
  n = 9;
  assert_int_equal(disclose_parties(&e, &about, list, 2, &n), TG_TOO_BIG);
  assert_int_equal(n, 9);
}

static void a_restricted_document_is_for_its_readers(void **state)
{
  (void)state;
  struct disclose_party r = party(RECIPIENT);
  struct disclose_subject about = {.recipients = &r, .recipient_count = 1, .restricted = true};
  struct entry e = {.type = ENTRY_DOCUMENT, .actor = key(ACTOR), .member = {'M', 'L'}};
  struct disclose_viewer reader = viewer(RECIPIENT, false), bringer = viewer(ACTOR, false),
                         other = viewer(DENIED, false);
  assert_false(disclose_is_public(&e, &about));
  assert_true(disclose_entry(&e, &about, &reader) && disclose_entry(&e, &about, &bringer));
  assert_false(disclose_entry(&e, &about, &other));
}

static void rulings_are_for_the_originator(void **state)
{
  (void)state;
  struct disclose_party o = party(ACTOR), r = party(RECIPIENT);
  struct disclose_subject about = {
      .originators = &o, .originator_count = 1, .recipients = &r, .recipient_count = 1};
  for (unsigned t = 1; t <= ENTRY_TYPES; t++) {
    struct entry e = {.type = (enum entry_type)t, .actor = key(ACTOR), .member = {'M', 'L'}};
    bool decided = t == ENTRY_ACCEPTED || t == ENTRY_REFUSED;
    struct disclose_viewer node = viewer(ACTOR, false), auditor = viewer(ACTOR, true),
                           reader = viewer(RECIPIENT, false);
    assert_int_equal(disclose_ruling(&e, &about, &node), decided);
    assert_int_equal(disclose_ruling(&e, &about, &auditor), decided);
    assert_false(disclose_ruling(&e, &about, &reader));
  }
}

/* An alarm about nobody, a type of a later version: nothing to show to anybody. */
static void without_parties_nobody_sees(void **state)
{
  (void)state;
  struct disclose_subject about = {.restricted = false};
  struct disclose_viewer none = {.auditor = false}, node = viewer(ACTOR, true);
  struct entry alarm = {.type = ENTRY_ALARM},
               later = {.type = (enum entry_type)(ENTRY_TYPES + 1), .actor = key(ACTOR)};
  assert_false(disclose_entry(&alarm, &about, &none) || disclose_entry(&alarm, &about, &node));
  assert_false(disclose_entry(&later, &about, &node) || disclose_is_public(&later, &about));
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(each_sees_what_its_row_says),
      cmocka_unit_test(the_list_of_parties_is_who_sees),
      cmocka_unit_test(a_restricted_document_is_for_its_readers),
      cmocka_unit_test(rulings_are_for_the_originator),
      cmocka_unit_test(without_parties_nobody_sees),
  };
  return sodium_init() < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
