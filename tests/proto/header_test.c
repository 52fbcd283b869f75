/* Subjects, approvals and headers: printed they parse to the same, and no rule can be broken. */
#include "proto/header.h"
#include "tests/proto/chance.h"

#include <setjmp.h>
#include <sodium.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

static struct subject draft(void)
{
  return (struct subject){.suite = SUITE_1,
                          .exchange = {{1}},
                          .originator = {{2}},
                          .created = 1796083200000,
                          .expires = 1796083200001,
                          .precedence = PRECEDENCE_IMMEDIATE,
                          .kind = KIND_REPORT,
                          .topic_count = 1,
                          .topics = {slice_str("alert.convoy")},
                          .portion_root = {{3}},
                          .portion_count = 1};
}

static enum tg_err builds(const struct subject *d)
{
  struct buf b = buf_new(LIMIT_SUBJECT);
  struct tg_why why = {0};
  enum tg_err err = subject_build(d, &b, &why);
  assert_int_equal(why.err, err);
  if (err)
    assert_int_equal(b.n, 0);
  buf_free(&b);
  return err;
}

static void topics_are_plain(void **state)
{
  (void)state;
  static const char *const good[] = {
      "a", "alert", "alert.attack.convoy", "a.b.c.d.e.f.g.h", "x-1.2", "0", "report.humint.niger-river",
      "abcdefghijklmnopqrstuvwxyz012345", "abcdefghijklmnopqrstuvwxyz012345.abcdefghijklmnopqrstuvwxyz01234"};
  static const char *const bad[] = {
      "", ".", "a.", ".a", "a..b", "A", "alert.*", "**", "*", "a b", "a_b", "\xc3\xa9t\xc3\xa9", "-a", "a-", "a.-b",
      "a.b.c.d.e.f.g.h.i", "abcdefghijklmnopqrstuvwxyz0123456",
      "abcdefghijklmnopqrstuvwxyz012345.abcdefghijklmnopqrstuvwxyz012345"};
  for (size_t i = 0; i < sizeof good / sizeof *good; i++)
    assert_true(topic_valid(slice_str(good[i])));
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
    assert_false(topic_valid(slice_str(bad[i])));
  assert_false(topic_valid(slice_of(NULL, 0)));
  assert_false(topic_valid(slice_of("a\0b", 3)));
}

static void words_parse_as_they_print(void **state)
{
  (void)state;
  for (unsigned i = PRECEDENCE_ROUTINE; i <= PRECEDENCE_FLASH; i++) {
    enum precedence p;
    assert_int_equal(precedence_parse(slice_str(precedence_name((enum precedence)i)), &p), TG_OK);
    assert_int_equal(p, i);
  }
  for (unsigned i = KIND_REPORT; i <= KIND_RELEASE_DENIAL; i++) {
    enum kind k;
    assert_int_equal(kind_parse(slice_str(kind_name((enum kind)i)), &k), TG_OK);
    assert_int_equal(k, i);
  }
  enum precedence p = PRECEDENCE_ROUTINE;
  enum kind k;
  assert_int_equal(precedence_parse(slice_str("flash"), &p), TG_OK);
  assert_int_equal(p, PRECEDENCE_FLASH);
  assert_int_equal(precedence_parse(slice_str("FLAS"), &p), TG_BAD_INPUT);
  assert_int_equal(precedence_parse(slice_str(""), &p), TG_BAD_INPUT);
  assert_int_equal(kind_parse(slice_str("?"), &k), TG_BAD_INPUT);
  assert_string_equal(precedence_name((enum precedence)0), "?");
  assert_string_equal(kind_name((enum kind)9), "?");
}

static void a_subject_parses_as_it_was_built(void **state)
{
  (void)state;
  struct arena *arena = arena_new(1 << 20);
  struct subject d = draft(), s;
  struct buf b = buf_new(LIMIT_SUBJECT);
  d.flags = FLAG_EXERCISE;
  d.kind = KIND_CORRECTION;
  d.supersedes = (struct hash){{5}};
  d.replies_to = (struct hash){{6}};
  d.topic_count = 4;
  d.topics[1] = slice_str("b"), d.topics[2] = slice_str("c"), d.topics[3] = slice_str("a");
  d.source_count = 16;
  for (uint8_t i = 0; i < 16; i++)
    d.sources[i].b[4] = (uint8_t)(40 - i);
  assert_int_equal(subject_build(&d, &b, NULL), TG_OK);
  assert_int_equal(subject_parse(buf_slice(&b), arena, &s, NULL), TG_OK);
  assert_true(slice_eq(s.bytes, buf_slice(&b)));
  assert_int_equal(s.suite, 1);
  assert_true(hash_eq(&s.exchange, &d.exchange) && sign_pk_eq(&s.originator, &d.originator));
  assert_true(s.created == d.created && s.expires == d.expires);
  assert_true(s.precedence == d.precedence && s.kind == d.kind && s.flags == d.flags);
  assert_true(hash_eq(&s.supersedes, &d.supersedes) && hash_eq(&s.replies_to, &d.replies_to));
  assert_true(hash_eq(&s.portion_root, &d.portion_root) && s.portion_count == 1);
  assert_int_equal(s.topic_count, 4);
  for (size_t i = 0; i < 4; i++)
    assert_true(slice_eq(s.topics[i], d.topics[i]));
  assert_int_equal(s.source_count, 16);
  for (size_t i = 0; i < 16; i++)
    assert_true(hash_eq(&s.sources[i], &d.sources[i]));
  buf_free(&b);
  arena_free(arena);
}

static void subjects_keep_the_rules(void **state)
{
  (void)state;
  struct subject good = draft(), d = good;
  assert_int_equal(builds(&d), TG_OK);
  d = good, d.suite = 2;
  assert_int_equal(builds(&d), TG_UNKNOWN);
  d = good, d.suite = 0;
  assert_int_equal(builds(&d), TG_BAD_INPUT);
  d = good, d.expires = d.created;
  assert_int_equal(builds(&d), TG_BAD_INPUT);
  d = good, d.created = 0;
  assert_int_equal(builds(&d), TG_BAD_INPUT);
  d = good, d.created = -5;
  assert_int_equal(builds(&d), TG_BAD_INPUT);
  d = good, d.expires = INT64_C(253402300800000);
  assert_int_equal(builds(&d), TG_BAD_INPUT);
  d = good, d.precedence = (enum precedence)5;
  assert_int_equal(builds(&d), TG_BAD_INPUT);
  d = good, d.kind = (enum kind)9;
  assert_int_equal(builds(&d), TG_BAD_INPUT);
  d = good, d.flags = 2;
  assert_int_equal(builds(&d), TG_BAD_INPUT);
  d = good, d.topic_count = 0;
  assert_int_equal(builds(&d), TG_BAD_INPUT);
  d = good, d.topics[0] = slice_str("alert.*");
  assert_int_equal(builds(&d), TG_BAD_INPUT);
  d = good, d.topic_count = 2, d.topics[1] = d.topics[0];
  assert_int_equal(builds(&d), TG_BAD_INPUT);
  d = good, d.source_count = 2, d.sources[0] = d.sources[1] = (struct hash){{1}};
  assert_int_equal(builds(&d), TG_BAD_INPUT);
  d = good, d.portion_count = 0;
  assert_int_equal(builds(&d), TG_BAD_INPUT);
  d = good, d.portion_count = 17;
  assert_int_equal(builds(&d), TG_BAD_INPUT);
}

/* The table of docs/protocol.md §5. */
static void each_kind_refers_as_it_must(void **state)
{
  (void)state;
  static const struct {
    enum kind kind;
    bool none, supersedes, replies_to, both;
  } rules[] = {
      {KIND_REPORT, true, false, false, false},          {KIND_REPLY, false, false, true, false},
      {KIND_CORRECTION, false, true, false, true},       {KIND_RECALL, false, true, false, false},
      {KIND_QUESTION, true, false, true, false},         {KIND_RELEASE_REQUEST, false, false, true, false},
      {KIND_RELEASE_GRANT, false, false, true, false},   {KIND_RELEASE_DENIAL, false, false, true, false},
  };
  const struct hash none = {{0}}, some = {{1}};
  for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) {
    struct subject d = draft();
    d.kind = rules[i].kind;
    assert_int_equal(builds(&d), rules[i].none ? TG_OK : TG_BAD_INPUT);
    d.supersedes = some;
    assert_int_equal(builds(&d), rules[i].supersedes ? TG_OK : TG_BAD_INPUT);
    d.replies_to = some;
    assert_int_equal(builds(&d), rules[i].both ? TG_OK : TG_BAD_INPUT);
    d.supersedes = none;
    assert_int_equal(builds(&d), rules[i].replies_to ? TG_OK : TG_BAD_INPUT);
  }
  struct subject d = draft();
  d.kind = KIND_RECALL, d.supersedes = some;
  assert_int_equal(builds(&d), TG_OK);
  d.source_count = 1, d.sources[0] = some; /* policies are not asked about it: it passes nothing on */
  assert_int_equal(builds(&d), TG_BAD_INPUT);
}

/* What was received keeps the rules too: the bytes of a good subject, changed by hand. */
static void received_subjects_keep_the_rules(void **state)
{
  (void)state;
  struct arena *arena = arena_new(1 << 20);
  struct subject d = draft(), s;
  struct buf b = buf_new(LIMIT_SUBJECT);
  d.kind = KIND_REPLY;
  memset(d.replies_to.b, 0xee, 32);
  assert_int_equal(subject_build(&d, &b, NULL), TG_OK);
  uint8_t *reference = memmem(b.p, b.n, d.replies_to.b, 32), *topic = memmem(b.p, b.n, "alert.convoy", 12);
  memset(reference, 0, 32); /* an id of zeros would read as none */
  assert_int_equal(subject_parse(buf_slice(&b), arena, &s, NULL), TG_BAD_INPUT);
  memset(reference, 0xee, 32);
  topic[0] = '*';
  assert_int_equal(subject_parse(buf_slice(&b), arena, &s, NULL), TG_BAD_INPUT);
  topic[0] = 'a';
  b.p[1] = 2; /* the suite */
  assert_int_equal(subject_parse(buf_slice(&b), arena, &s, NULL), TG_UNKNOWN);
  b.p[1] = 1;
  assert_int_equal(subject_parse(buf_slice(&b), arena, &s, NULL), TG_OK);
  buf_free(&b);
  arena_free(arena);
}

/* ---- approvals and headers ---- */

struct officer {
  uint8_t pk[32], sk[64];
};

static struct header header_draft(struct buf *subject_bytes, struct arena *arena, struct officer *officers, size_t count)
{
  struct header h = {.charter_version = 1, .policy_serial = 2, .policy_hash = {{4}}, .number = 5,
                     .audience_root = {{6}}, .audience_count = 7, .approval_count = count};
  struct subject d = draft();
  *subject_bytes = buf_new(LIMIT_SUBJECT);
  assert_int_equal(subject_build(&d, subject_bytes, NULL), TG_OK);
  assert_int_equal(subject_parse(buf_slice(subject_bytes), arena, &h.subject, NULL), TG_OK);
  for (size_t i = 0; i < count; i++) {
    crypto_sign_keypair(officers[i].pk, officers[i].sk);
    approval_sign(&h.subject, 1000 + (tg_time)i, officers[i].sk, &h.approvals[i]);
  }
  return h;
}

static void a_header_parses_as_it_was_built(void **state)
{
  (void)state;
  struct arena *arena = arena_new(1 << 20);
  struct officer officers[LIMIT_APPROVALS];
  struct buf subject_bytes, b = buf_new(LIMIT_HEADER);
  struct header d = header_draft(&subject_bytes, arena, officers, LIMIT_APPROVALS), h;
  assert_int_equal(header_build(&d, &b, NULL), TG_OK);
  assert_int_equal(header_parse(buf_slice(&b), arena, &h, NULL), TG_OK);
  struct hash id = header_id(buf_slice(&b));
  assert_true(hash_eq(&h.id, &id));
  struct header known;
  const struct hash other = {{7}};
  assert_int_equal(header_parse_known(buf_slice(&b), &other, arena, &known, NULL), TG_OK);
  assert_true(hash_eq(&known.id, &other) && known.number == h.number);
  assert_true(slice_eq(h.bytes, buf_slice(&b)) && slice_eq(h.subject.bytes, buf_slice(&subject_bytes)));
  assert_true(h.charter_version == 1 && h.policy_serial == 2 && h.number == 5 && h.audience_count == 7);
  assert_true(hash_eq(&h.policy_hash, &d.policy_hash) && hash_eq(&h.audience_root, &d.audience_root));
  assert_int_equal(h.approval_count, LIMIT_APPROVALS);
  for (size_t i = 0; i < h.approval_count; i++) {
    assert_memory_equal(h.approvals[i].officer.b, officers[i].pk, 32);
    assert_int_equal(approval_verify(&h.subject, &h.approvals[i], NULL), TG_OK);
  }
  buf_free(&b);
  buf_free(&subject_bytes);
  arena_free(arena);
}

static void approvals_are_of_this_subject_at_this_time(void **state)
{
  (void)state;
  struct arena *arena = arena_new(1 << 20);
  struct officer officers[2];
  struct buf subject_bytes;
  struct header h = header_draft(&subject_bytes, arena, officers, 2);
  struct approval a = h.approvals[0];
  a.time++;
  assert_int_equal(approval_verify(&h.subject, &a, NULL), TG_BAD_SIGNATURE);
  a = h.approvals[0], a.officer = h.approvals[1].officer;
  assert_int_equal(approval_verify(&h.subject, &a, NULL), TG_BAD_SIGNATURE);
  a = h.approvals[0], a.signature.b[0] ^= 1;
  assert_int_equal(approval_verify(&h.subject, &a, NULL), TG_BAD_SIGNATURE);
  struct subject other = h.subject;
  other.bytes.n--;
  assert_int_equal(approval_verify(&other, &h.approvals[0], NULL), TG_BAD_SIGNATURE);
  other = h.subject, other.exchange.b[0] ^= 1;
  assert_int_equal(approval_verify(&other, &h.approvals[0], NULL), TG_BAD_SIGNATURE);
  assert_int_equal(approval_verify(&h.subject, &h.approvals[0], NULL), TG_OK);
  buf_free(&subject_bytes);
  arena_free(arena);
}

static void headers_keep_the_rules(void **state)
{
  (void)state;
  struct arena *arena = arena_new(1 << 20);
  struct officer officers[2];
  struct buf subject_bytes, b = buf_new(LIMIT_HEADER);
  struct header good = header_draft(&subject_bytes, arena, officers, 2), d = good;
  d.approvals[1].officer = d.approvals[0].officer; /* one person does not approve twice */
  assert_int_equal(header_build(&d, &b, NULL), TG_BAD_INPUT);
  d = good, d.number = 0;
  assert_int_equal(header_build(&d, &b, NULL), TG_BAD_INPUT);
  d = good, d.audience_count = 0;
  assert_int_equal(header_build(&d, &b, NULL), TG_BAD_INPUT);
  d = good, d.audience_count = LIMIT_WRAPS + 1;
  assert_int_equal(header_build(&d, &b, NULL), TG_BAD_INPUT);
  d = good, d.charter_version = 0;
  assert_int_equal(header_build(&d, &b, NULL), TG_BAD_INPUT);
  d = good, d.policy_serial = 0;
  assert_int_equal(header_build(&d, &b, NULL), TG_BAD_INPUT);
  assert_int_equal(b.n, 0);
  buf_free(&b);
  buf_free(&subject_bytes);
  arena_free(arena);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(topics_are_plain),
      cmocka_unit_test(words_parse_as_they_print),
      cmocka_unit_test(a_subject_parses_as_it_was_built),
      cmocka_unit_test(subjects_keep_the_rules),
      cmocka_unit_test(each_kind_refers_as_it_must),
      cmocka_unit_test(received_subjects_keep_the_rules),
      cmocka_unit_test(a_header_parses_as_it_was_built),
      cmocka_unit_test(approvals_are_of_this_subject_at_this_time),
      cmocka_unit_test(headers_keep_the_rules),
  };
  chance_seed(8);
  return sodium_init() < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
