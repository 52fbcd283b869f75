/* When an approval counts, and who tries to make one count that does not. */
#include "keys/approver.h"
#include "tests/keys/world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static const tg_time NOW = WORLD_START + TG_HOUR;

struct scene {
  struct world *w;
  struct secret_key *release, *policy, *foreign;
  struct subject subject;
};

static unsigned index_of(const struct scene *s, size_t member)
{
  return (unsigned)directory_member_index(s->w->d, world_code(member));
}

/* Subjects differ in their bytes' hash alone here: what the bytes say is proto/'s matter. */
static struct subject subject(const struct scene *s, uint8_t mark)
{
  static uint8_t bytes[UINT8_MAX + 1];
  struct subject subject = {.bytes = slice_of(&bytes[mark], 1), .exchange = s->w->exchange, .created = NOW, .expires = NOW + TG_DAY};
  bytes[mark] = mark;
  return subject;
}

static int set_up(void **state)
{
  static struct scene s;
  s.w = world_new(NULL);
  s.release = world_issue(s.w, ML, "ML/release-1", ROLE_RELEASE);
  s.policy = world_issue(s.w, ML, "ML/policy-1", ROLE_POLICY);
  s.foreign = world_issue(s.w, BF, "BF/release-1", ROLE_RELEASE);
  s.subject = subject(&s, 1);
  *state = &s;
  return 0;
}

static int tear_down(void **state)
{
  struct scene *s = *state;
  secret_key_free(s->release);
  secret_key_free(s->policy);
  secret_key_free(s->foreign);
  world_free(s->w);
  return 0;
}

static struct approval approved(const struct subject *subject, const struct secret_key *by, tg_time time)
{
  struct approval a = {.officer = secret_key_sign_pk(by), .time = time};
  uint8_t message[APPROVAL_MESSAGE];
  approval_message(subject, time, message);
  assert_int_equal(secret_key_sign(by, slice_of(message, sizeof message), &a.signature), TG_OK);
  return a;
}

static enum tg_err check(const struct scene *s, const struct approval *a, tg_time now)
{
  return approver_check(s->w->d, index_of(s, ML), &s->subject, a, now, NULL);
}

static void an_officer_with_the_role_approves(void **state)
{
  const struct scene *s = *state;
  const struct approval a = approved(&s->subject, s->release, NOW);
  assert_int_equal(check(s, &a, NOW), TG_OK);
  assert_int_equal(check(s, &a, NOW + TG_DAY), TG_OK); /* as long as it may take */
}

static void another_role_another_state_and_nobody_do_not(void **state)
{
  const struct scene *s = *state;
  struct secret_key *nobody = world_key(KEY_OFFICER, "ML/release-9");
  const struct approval policy = approved(&s->subject, s->policy, NOW), foreign = approved(&s->subject, s->foreign, NOW),
                        unknown = approved(&s->subject, nobody, NOW);
  assert_int_equal(check(s, &policy, NOW), TG_REFUSED);
  assert_int_equal(check(s, &foreign, NOW), TG_NOT_FOUND);
  assert_int_equal(check(s, &unknown, NOW), TG_NOT_FOUND);
  secret_key_free(nobody);
}

static void it_approves_this_subject_and_no_other(void **state)
{
  const struct scene *s = *state;
  const struct subject other = subject(s, 2);
  struct approval a = approved(&other, s->release, NOW);
  assert_int_equal(check(s, &a, NOW), TG_BAD_SIGNATURE);
  a = approved(&s->subject, s->release, NOW);
  a.time++;
  assert_int_equal(check(s, &a, NOW + TG_MINUTE), TG_BAD_SIGNATURE);
  a = approved(&s->subject, s->policy, NOW);
  a.officer = secret_key_sign_pk(s->release); /* under another's name */
  assert_int_equal(check(s, &a, NOW), TG_BAD_SIGNATURE);
}

static void what_was_revoked_does_not_count_whenever_it_signed(void **state)
{
  const struct scene *s = *state;
  const struct approval a = approved(&s->subject, s->release, NOW);
  struct revocation r = {.member = world_code(ML), .serial = 1, .by_key = true, .key = a.officer};
  strcpy(r.exchange, "sahel.example");
  assert_int_equal(check(s, &a, NOW), TG_OK);
  world_add(s->w->d, DOCUMENT_REVOCATION, world_note_revocation(&r, &s->w->root[ML], 1), NOW + TG_MINUTE, TG_OK);
  assert_int_equal(check(s, &a, NOW + TG_MINUTE), TG_REVOKED);
}

static void nobody_dates_an_approval_back_or_ahead(void **state)
{
  const struct scene *s = *state;
  const tg_time skew = directory_charter(s->w->d, NOW)->limits.clock_skew;
  struct approval a = approved(&s->subject, s->release, NOW - skew);
  assert_int_equal(check(s, &a, NOW), TG_OK);
  a = approved(&s->subject, s->release, NOW - skew - 1); /* before it was written */
  assert_int_equal(check(s, &a, NOW), TG_REFUSED);
  a = approved(&s->subject, s->release, NOW + skew + 1);
  assert_int_equal(check(s, &a, NOW), TG_REFUSED);
  assert_int_equal(check(s, &a, NOW + 1), TG_OK);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(an_officer_with_the_role_approves, set_up, tear_down),
      cmocka_unit_test_setup_teardown(another_role_another_state_and_nobody_do_not, set_up, tear_down),
      cmocka_unit_test_setup_teardown(it_approves_this_subject_and_no_other, set_up, tear_down),
      cmocka_unit_test_setup_teardown(what_was_revoked_does_not_count_whenever_it_signed, set_up, tear_down),
      cmocka_unit_test_setup_teardown(nobody_dates_an_approval_back_or_ahead, set_up, tear_down),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
