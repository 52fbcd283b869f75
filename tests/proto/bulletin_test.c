/* The whole bulletin: from originator through the hub to each recipient, and everything on the way that must not pass. */
#include "tests/proto/chance.h"
#include "tests/proto/story.h"

#include <setjmp.h>
#include <sodium.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

static enum tg_err hub_says(struct story *s, const Tg__Submission *m)
{
  struct submission ret;
  struct tg_why why = {0};
  enum tg_err err = submission_check(m, &s->exchange, s->verifier, s->arena, &ret, &why);
  if (err)
    assert_int_equal(why.err, err);
  return err;
}

static enum tg_err node_says(struct story *s, size_t recipient, const Tg__Delivery *m)
{
  struct delivery ret;
  return delivery_check(m, &s->exchange, &s->recipients[recipient].identity, s->verifier, s->arena, &ret, NULL);
}

/* ---- what must pass ---- */

static void reads_all_it_may(struct story *s, size_t i, struct wrap_opener *opener)
{
  const struct story_node *me = &s->recipients[i];
  struct delivery d;
  struct wrap_content content;
  struct tg_why why;
  assert_int_equal(delivery_check(story_delivery(s, i), &s->exchange, &me->identity, s->verifier, s->arena, &d, &why),
                   TG_OK);
  assert_int_equal(bulletin_open(&d, "ML", me->member, &me->key, me->key_secret, opener, &content, &why), TG_OK);
  assert_int_equal(content.number, 1 + i);
  assert_true(hash_eq(&content.previous, &s->drafts[i].previous));
  assert_int_equal(content.portions, s->drafts[i].portions);
  for (size_t p = 0; p < d.portion_count; p++) {
    uint32_t index = d.portions[p].index;
    struct sealed_body b = {.index = index, .bytes = buf_new(1 << 20), .seal = d.portions[p].seal,
                            .key = content.keys[index]};
    struct opened_body o;
    buf_put_slice(&b.bytes, d.bodies[index]);
    assert_int_equal(body_read(&b, 1000, &o), TG_OK);
    assert_true(slice_is(buf_slice(&o.content), s->contents[index]));
    assert_int_equal(d.releases[p].to_count, index == 1 ? 0 : 3);
    buf_free(&o.content);
    body_drop(&b);
  }
}

static void a_bulletin_reaches_everybody_it_is_for(void **state)
{
  (void)state;
  static const struct {
    size_t portions, recipients;
  } shapes[] = {{1, 1}, {1, 2}, {2, 2}, {3, 5}, {4, 15}, {16, 40}};
  struct wrap_opener *opener = wrap_opener_new(4);
  for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
    struct story *s = story_new(shapes[i].portions, shapes[i].recipients);
    struct submission sub;
    struct tg_why why;
    assert_int_equal(submission_check(story_submission(s), &s->exchange, s->verifier, s->arena, &sub, &why), TG_OK);
    assert_int_equal(sub.wrap_count, shapes[i].recipients);
    assert_int_equal(sub.inline_bodies, (1u << shapes[i].portions) - 1);
    assert_true(hash_eq(&sub.header.id, &s->sealed.id));
    assert_int_equal(sub.header.number, 41);
    assert_int_equal(s->sealed.view->number, 41);
    assert_true(hash_eq(&s->sealed.view->id, &sub.header.id) && slice_eq(s->sealed.view->bytes, sub.header.bytes));
    assert_true(hash_eq(&s->sealed.view->audience_root, &sub.header.audience_root));
    assert_true(slice_eq(s->sealed.view->subject.bytes, sub.header.subject.bytes));
    assert_int_equal(approval_verify(&sub.header.subject, &sub.header.approvals[0], &why), TG_OK);
    for (size_t r = 0; r < shapes[i].recipients; r++)
      reads_all_it_may(s, r, opener);
    story_free(s);
  }
  wrap_opener_free(opener);
}

static void bodies_may_come_later(void **state)
{
  (void)state;
  struct story *s = story_new(3, 3);
  Tg__Submission *m = story_submission(s);
  m->bodies++;
  m->n_bodies--;
  struct submission sub;
  assert_int_equal(submission_check(m, &s->exchange, s->verifier, s->arena, &sub, NULL), TG_OK);
  assert_int_equal(sub.inline_bodies, 6);
  assert_int_equal(sub.bodies[0].n, 0);
  m->n_bodies = 0;
  assert_int_equal(hub_says(s, m), TG_OK);
  story_free(s);
}

/* ---- every bit ---- */

static enum tg_err whole_submission(struct story *s, struct slice bytes, struct arena *arena)
{
  ProtobufCMessage *m;
  struct submission ret;
  arena_reset(arena);
  enum tg_err err = strict_unpack(&limits_submission, bytes, arena, &m, NULL);
  return err ? err
             : submission_check((const Tg__Submission *)m, &s->exchange, s->verifier, arena, &ret, NULL);
}

static void every_bit_of_a_submission_counts(void **state)
{
  (void)state;
  struct story *s = story_new(2, 2);
  struct arena *arena = arena_new(1 << 20);
  struct buf b = buf_new(1 << 20);
  assert_int_equal(strict_pack(&limits_submission, &story_submission(s)->base, &b, NULL), TG_OK);
  assert_int_equal(whole_submission(s, buf_slice(&b), arena), TG_OK);
  for (size_t bit = 0; bit < b.n * 8; bit++) {
    b.p[bit / 8] ^= (uint8_t)(1 << bit % 8);
    assert_int_not_equal(whole_submission(s, buf_slice(&b), arena), TG_OK);
    b.p[bit / 8] ^= (uint8_t)(1 << bit % 8);
  }
  size_t cut = 0;
  for (size_t n = 0; n < b.n; n++)
    cut += whole_submission(s, slice_of(b.p, n), arena) == TG_OK;
  assert_int_equal(cut, 2); /* without one body, without both: they may come later */
  buf_free(&b);
  arena_free(arena);
  story_free(s);
}

static enum tg_err whole_delivery(struct story *s, struct slice bytes, struct arena *arena)
{
  ProtobufCMessage *m;
  struct delivery ret;
  arena_reset(arena);
  enum tg_err err = strict_unpack(&limits_delivery, bytes, arena, &m, NULL);
  return err ? err
             : delivery_check((const Tg__Delivery *)m, &s->exchange, &s->recipients[1].identity, s->verifier, arena, &ret,
                              NULL);
}

/* The queue place and the log's proof are not of the bulletin: the message ends before them here. */
static void every_bit_of_a_delivery_counts(void **state)
{
  (void)state;
  struct story *s = story_new(2, 3);
  struct arena *arena = arena_new(1 << 20);
  struct buf b = buf_new(1 << 20);
  assert_int_equal(strict_pack(&limits_delivery, &story_delivery(s, 1)->base, &b, NULL), TG_OK);
  assert_int_equal(whole_delivery(s, buf_slice(&b), arena), TG_OK);
  size_t from = 2, to = b.n - (2 + 5) - (2 + 16);
  for (size_t bit = from * 8; bit < to * 8; bit++) {
    b.p[bit / 8] ^= (uint8_t)(1 << bit % 8);
    assert_int_not_equal(whole_delivery(s, buf_slice(&b), arena), TG_OK);
    b.p[bit / 8] ^= (uint8_t)(1 << bit % 8);
  }
  buf_free(&b);
  arena_free(arena);
  story_free(s);
}

/* ---- a dishonest originator: everything signed, and still inconsistent ---- */

/* Signs a header for these wraps instead of the sealed ones. */
static void rewrap(struct story *s, struct slice *wraps, size_t count)
{
  struct buf out = buf_new(LIMIT_HEADER);
  struct header h;
  struct merkle_tree *tree = audience_tree(wraps, count);
  assert_int_equal(header_parse(s->sealed.header, s->arena, &h, NULL), TG_OK);
  h.audience_root = *merkle_tree_root(tree);
  h.audience_count = (uint32_t)count;
  merkle_tree_free(tree);
  assert_int_equal(header_build(&h, &out, NULL), TG_OK);
  story_sign(s, story_copy(s, &out));
  s->sealed.wraps = wraps;
  s->sealed.wrap_count = count;
  buf_free(&out);
}

static void wraps_are_in_order_and_single(void **state)
{
  (void)state;
  struct story *s = story_new(2, 3);
  const struct slice *w = s->sealed.wraps;
  struct slice swapped[] = {w[1], w[0], w[2]}, twice[] = {w[0], w[0], w[1], w[2]}, all[] = {w[0], w[1], w[2]};
  rewrap(s, swapped, 3);
  assert_int_equal(hub_says(s, story_submission(s)), TG_BAD_INPUT);
  rewrap(s, twice, 4);
  assert_int_equal(hub_says(s, story_submission(s)), TG_BAD_INPUT);
  rewrap(s, all, 3);
  assert_int_equal(hub_says(s, story_submission(s)), TG_OK);
  story_free(s);
}

static void every_portion_is_for_somebody(void **state)
{
  (void)state;
  struct story *s = story_new(2, 3); /* recipients 0 and 2 read portion 0 only, 1 reads both */
  struct slice some[2];
  size_t n = 0;
  for (size_t i = 0; i < 3; i++)
    if (s->sealed.recipient_of[i] != 1)
      some[n++] = s->sealed.wraps[i];
  rewrap(s, some, n);
  assert_int_equal(hub_says(s, story_submission(s)), TG_BAD_INPUT);
  story_free(s);
}

static void parts_are_those_that_were_signed(void **state)
{
  (void)state;
  struct story *s = story_new(3, 4), *other = story_new(3, 4);
  Tg__Submission *m, *foreign = story_submission(other);

  m = story_submission(s), m->portions[1] = foreign->portions[1], m->releases[1] = foreign->releases[1], m->n_bodies = 0;
  assert_int_equal(hub_says(s, m), TG_BAD_PROOF);
  m = story_submission(s), m->releases[1] = foreign->releases[1];
  assert_int_equal(hub_says(s, m), TG_BAD_PROOF);
  m = story_submission(s), m->wraps[1] = foreign->wraps[1];
  assert_int_equal(hub_says(s, m), TG_BAD_PROOF);
  m = story_submission(s), m->bodies[1] = foreign->bodies[1];
  assert_int_equal(hub_says(s, m), TG_BAD_PROOF);
  m = story_submission(s), m->n_portions = m->n_releases = 2, m->n_bodies = 0;
  assert_int_equal(hub_says(s, m), TG_BAD_INPUT);
  m = story_submission(s), m->n_releases = 2;
  assert_int_equal(hub_says(s, m), TG_BAD_INPUT);
  m = story_submission(s), m->n_wraps = 3;
  assert_int_equal(hub_says(s, m), TG_BAD_INPUT);
  m = story_submission(s), m->proof = foreign->proof;
  assert_int_equal(hub_says(s, m), TG_BAD_SIGNATURE);
  m = story_submission(s), m->header = foreign->header, m->proof = foreign->proof; /* another exchange's */
  assert_int_equal(hub_says(s, m), TG_CONFLICT);

  m = story_submission(s);
  Tg__Body *first = m->bodies[0];
  m->bodies[0] = m->bodies[1], m->bodies[1] = first; /* out of order */
  assert_int_equal(hub_says(s, m), TG_BAD_INPUT);
  m = story_submission(s), m->bodies[1] = m->bodies[0]; /* twice */
  assert_int_equal(hub_says(s, m), TG_BAD_INPUT);
  m = story_submission(s), m->bodies[2]->portion = 5; /* of no portion */
  assert_int_equal(hub_says(s, m), TG_BAD_INPUT);
  story_free(s);
  story_free(other);
}

/* ---- a dishonest hub ---- */

static void a_wrap_is_for_its_recipient_only(void **state)
{
  (void)state;
  struct story *s = story_new(1, 3);
  Tg__Delivery *m = story_delivery(s, 0), *other = story_delivery(s, 1);
  assert_int_equal(node_says(s, 1, m), TG_NOT_FOUND);
  m->wrap_index = other->wrap_index;
  assert_int_equal(node_says(s, 0, m), TG_BAD_PROOF);
  m = story_delivery(s, 0);
  m->wrap = other->wrap;
  assert_int_equal(node_says(s, 1, m), TG_BAD_PROOF);
  story_free(s);
}

static void portions_are_exactly_those_of_the_wrap(void **state)
{
  (void)state;
  struct story *s = story_new(3, 3);
  Tg__Delivery *m = story_delivery(s, 2); /* portions 0 and 2 */
  assert_int_equal(m->n_portions, 2);
  assert_int_equal(node_says(s, 2, m), TG_OK);
  m->n_portions = 1, m->n_bodies = 0; /* withheld */
  assert_int_equal(node_says(s, 2, m), TG_BAD_INPUT);
  m = story_delivery(s, 2), m->portions[2] = story_delivery(s, 1)->portions[1], m->n_portions = 3; /* one too many */
  assert_int_equal(node_says(s, 2, m), TG_BAD_INPUT);
  m = story_delivery(s, 2), m->portions[1] = m->portions[0]; /* twice */
  assert_int_equal(node_says(s, 2, m), TG_BAD_INPUT);
  m = story_delivery(s, 2);
  Tg__OpenPortion *first = m->portions[0];
  m->portions[0] = m->portions[1], m->portions[1] = first;
  assert_int_equal(node_says(s, 2, m), TG_BAD_INPUT);
  m = story_delivery(s, 2), m->portions[1]->path.len -= 32;
  assert_int_equal(node_says(s, 2, m), TG_BAD_PROOF);
  story_free(s);
}

static void release_lists_are_shown_unless_blind(void **state)
{
  (void)state;
  struct story *s = story_new(2, 2);
  Tg__Delivery *m = story_delivery(s, 1);
  m->portions[0]->release = strict_data_of(NULL, 0);
  assert_int_equal(node_says(s, 1, m), TG_BAD_INPUT);
  m = story_delivery(s, 1), m->portions[1]->release = strict_data(s->releases[1]);
  assert_int_equal(node_says(s, 1, m), TG_BAD_INPUT);
  m = story_delivery(s, 1), m->portions[0]->release = strict_data(s->releases[1]);
  assert_int_equal(node_says(s, 1, m), TG_BAD_PROOF);
  story_free(s);
}

static void a_wrap_opens_between_these_two_only(void **state)
{
  (void)state;
  struct story *s = story_new(1, 2);
  struct wrap_opener *opener = wrap_opener_new(2);
  const struct story_node *me = &s->recipients[0], *other = &s->recipients[1];
  struct delivery d;
  struct wrap_content c;
  assert_int_equal(delivery_check(story_delivery(s, 0), &s->exchange, &me->identity, s->verifier, s->arena, &d, NULL),
                   TG_OK);
  assert_int_equal(bulletin_open(&d, "BF", me->member, &me->key, me->key_secret, opener, &c, NULL), TG_BAD_SEAL);
  assert_int_equal(bulletin_open(&d, "ML", "BF", &me->key, me->key_secret, opener, &c, NULL), TG_BAD_SEAL);
  assert_int_equal(bulletin_open(&d, "ML", me->member, &other->key, other->key_secret, opener, &c, NULL), TG_BAD_SEAL);
  assert_int_equal(bulletin_open(&d, "ML", me->member, &me->key, other->key_secret, opener, &c, NULL), TG_BAD_SEAL);
  assert_int_equal(bulletin_open(&d, "ML", me->member, &me->key, me->key_secret, opener, &c, NULL), TG_OK);
  d.header.number++;
  assert_int_equal(bulletin_open(&d, "ML", me->member, &me->key, me->key_secret, opener, &c, NULL), TG_BAD_SEAL);
  d.header.number--;
  d.header.subject.bytes.n--;
  assert_int_equal(bulletin_open(&d, "ML", me->member, &me->key, me->key_secret, opener, &c, NULL), TG_BAD_SEAL);
  wrap_opener_free(opener);
  story_free(s);
}

/* ---- what the originator's own node refuses to seal ---- */

static enum tg_err seal_says(struct story *s, const struct bulletin_draft *d)
{
  struct bulletin_sealed ret;
  return bulletin_seal(d, s->sender, STORY_TIME, s->arena, &ret, NULL);
}

static void drafts_are_checked(void **state)
{
  (void)state;
  struct story *s = story_new(2, 3);
  struct bulletin_draft d = story_draft(s);
  d.recipient_count = 0;
  assert_int_equal(seal_says(s, &d), TG_BAD_INPUT); /* nobody is not everybody */
  d = story_draft(s), d.portion_count = 1;
  assert_int_equal(seal_says(s, &d), TG_BAD_INPUT);
  d = story_draft(s);
  struct slice swapped[] = {s->portions[1], s->portions[0]};
  d.portions = swapped;
  assert_int_equal(seal_says(s, &d), TG_BAD_INPUT);
  d = story_draft(s), s->drafts[1].portions = 1;
  assert_int_equal(seal_says(s, &d), TG_BAD_INPUT); /* portion 1 for nobody */
  s->drafts[1].portions = 7;
  assert_int_equal(seal_says(s, &d), TG_BAD_INPUT); /* portion 2 is not there */
  s->drafts[1].portions = 3;
  s->drafts[2].portions = 0;
  assert_int_equal(seal_says(s, &d), TG_BAD_INPUT);
  s->drafts[2].portions = 1;
  s->drafts[2].identity = s->drafts[0].identity;
  assert_int_equal(seal_says(s, &d), TG_BAD_INPUT);
  s->drafts[2].identity = s->recipients[2].identity;
  memset(s->drafts[2].key.b, 0, 32);
  assert_int_equal(seal_says(s, &d), TG_BAD_INPUT); /* no usable key */
  s->drafts[2].key = s->recipients[2].key;
  d.number = 0;
  assert_int_equal(seal_says(s, &d), TG_BAD_INPUT);
  d.number = 41;
  assert_int_equal(seal_says(s, &d), TG_OK);
  story_free(s);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_bulletin_reaches_everybody_it_is_for),
      cmocka_unit_test(bodies_may_come_later),
      cmocka_unit_test(every_bit_of_a_submission_counts),
      cmocka_unit_test(every_bit_of_a_delivery_counts),
      cmocka_unit_test(wraps_are_in_order_and_single),
      cmocka_unit_test(every_portion_is_for_somebody),
      cmocka_unit_test(parts_are_those_that_were_signed),
      cmocka_unit_test(a_wrap_is_for_its_recipient_only),
      cmocka_unit_test(portions_are_exactly_those_of_the_wrap),
      cmocka_unit_test(release_lists_are_shown_unless_blind),
      cmocka_unit_test(a_wrap_opens_between_these_two_only),
      cmocka_unit_test(drafts_are_checked),
  };
  chance_seed(5);
  return sodium_init() < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
