/* Witnesses: they follow one history, notice a second one, and can then prove it to others. */
#include "audit/evidence.h"
#include "tests/audit/kit.h"

static const char NAME[] = "log.example/a";
enum { TALL = 40 };

struct scene {
  struct kit_log *log, *fork; /* one history up to 10, then two */
  struct witness_state s;
  struct buf evidence;
};

static enum tg_err show(struct scene *s, const struct witness_state *last, struct kit_log *log, uint64_t size,
                        struct witness_state *ret)
{
  struct buf note = kit_note(log, size);
  struct merkle_path path = {.n = 0};
  if (last && last->size <= size)
    path = kit_consistency(log, last->size, size);
  enum tg_err err =
      witness_update(last, &log->vkey, buf_slice(&note), merkle_path_slice(&path), ret, &s->evidence, NULL);
  buf_free(&note);
  return err;
}

static void scene_new(struct scene *s, uint64_t seen)
{
  s->log = kit_log_new(NAME, TALL);
  s->fork = kit_log_fork(s->log, 10, TALL);
  s->evidence = buf_new(EVIDENCE_BYTES_MAX);
  assert_int_equal(show(s, NULL, s->log, seen, &s->s), TG_OK);
}

static void scene_free(struct scene *s)
{
  buf_free(&s->evidence);
  kit_log_free(s->fork);
  kit_log_free(s->log);
}

static void expect_evidence(struct scene *s, enum evidence_kind kind)
{
  struct evidence e;
  assert_int_equal(evidence_parse(buf_slice(&s->evidence), NULL, &e, NULL), TG_OK);
  assert_int_equal(e.kind, kind);
  assert_true(note_key_eq(&e.log, &s->log->vkey));
  assert_int_equal(evidence_verify(&e, NULL, NULL, NULL), TG_OK);
  buf_clear(&s->evidence);
}

static void it_follows_a_log_that_grows(void **state)
{
  (void)state;
  struct scene s;
  scene_new(&s, 0);
  for (uint64_t size = 0; size <= TALL; size += 1 + size % 4) {
    assert_int_equal(show(&s, &s.s, s.log, size, &s.s), size == s.s.size && size == 0 ? TG_DUPLICATE : TG_OK);
    assert_int_equal(s.s.size, size);
    struct checkpoint c = witness_checkpoint(&s.s), want = kit_checkpoint(s.log, size);
    assert_true(hash_eq(&c.root, &want.root) && slice_is(c.origin, NAME));
  }
  assert_int_equal(show(&s, &s.s, s.log, s.s.size, &s.s), TG_DUPLICATE);
  assert_int_equal(s.evidence.n, 0);
  scene_free(&s);
}

static void an_older_checkpoint_is_no_news(void **state)
{
  (void)state;
  struct scene s;
  struct witness_state next;
  scene_new(&s, 20);
  for (uint64_t size = 0; size < 20; size++)
    assert_int_equal(show(&s, &s.s, s.log, size, &next), TG_STALE);
  assert_int_equal(s.evidence.n, 0);
  scene_free(&s);
}

/* From whatever was seen last, to whatever the other history shows: never taken; and where the paths
 * themselves tell, proven. */
static void a_fork_is_noticed_at_every_size(void **state)
{
  (void)state;
  struct scene s;
  for (uint64_t seen = 11; seen <= 30; seen++) {
    scene_new(&s, seen);
    for (uint64_t size = seen; size <= TALL; size++) {
      struct witness_state next = {.size = 1234};
      enum tg_err err = show(&s, &s.s, s.fork, size, &next);
      assert_int_equal(next.size, 1234);
      if (size == seen)
        assert_int_equal(err, TG_CONFLICT), expect_evidence(&s, EVIDENCE_SAME_SIZE);
      else if (seen & (seen - 1)) /* its root is no single hash of the path */
        assert_int_equal(err, TG_CONFLICT), expect_evidence(&s, EVIDENCE_OTHER_BEGINNING);
      else
        assert_int_equal(err, TG_BAD_PROOF);
      assert_int_equal(s.evidence.n, 0);
      if (size == seen || seen & (seen - 1))
        continue;
      /* A hub that confesses repeats that root. */
      struct buf note = kit_note(s.fork, size);
      struct merkle_path path = kit_consistency(s.fork, seen, size);
      memmove(&path.hash[1], &path.hash[0], path.n++ * sizeof path.hash[0]);
      path.hash[0] = kit_checkpoint(s.fork, seen).root;
      err = witness_update(&s.s, &s.log->vkey, buf_slice(&note), merkle_path_slice(&path), &next, &s.evidence, NULL);
      assert_int_equal(err, TG_CONFLICT);
      expect_evidence(&s, EVIDENCE_OTHER_BEGINNING);
      /* Of an honest log the same convicts nobody, and is no proof either. */
      buf_free(&note);
      note = kit_note(s.log, size);
      path = kit_consistency(s.log, seen, size);
      memmove(&path.hash[1], &path.hash[0], path.n++ * sizeof path.hash[0]);
      path.hash[0] = kit_checkpoint(s.log, seen).root;
      err = witness_update(&s.s, &s.log->vkey, buf_slice(&note), merkle_path_slice(&path), &next, &s.evidence, NULL);
      assert_int_equal(err, TG_BAD_PROOF);
      assert_int_equal(s.evidence.n, 0);
      buf_free(&note);
    }
    scene_free(&s);
  }
}

/* What a restored image of core and signer together would do: go on from an old state along another way. */
static void a_restored_hub_is_convicted(void **state)
{
  (void)state;
  struct scene s;
  struct witness_state next;
  scene_new(&s, 25);
  assert_int_equal(show(&s, &s.s, s.fork, 12, &next), TG_STALE);
  assert_int_equal(show(&s, &s.s, s.fork, 26, &next), TG_CONFLICT);
  expect_evidence(&s, EVIDENCE_OTHER_BEGINNING);
  scene_free(&s);
}

static void a_false_path_convicts_nobody(void **state)
{
  (void)state;
  struct scene s;
  struct witness_state next;
  scene_new(&s, 11);
  struct buf note = kit_note(s.log, 30);
  struct merkle_path path = kit_consistency(s.log, 11, 30);
  for (size_t i = 0; i < path.n; i++) {
    path.hash[i].b[7] ^= 1;
    assert_int_equal(witness_update(&s.s, &s.log->vkey, buf_slice(&note), merkle_path_slice(&path), &next,
                                    &s.evidence, NULL),
                     TG_BAD_PROOF);
    path.hash[i].b[7] ^= 1;
    assert_int_equal(witness_update(&s.s, &s.log->vkey, buf_slice(&note), slice_of(path.hash, 32 * i), &next,
                                    &s.evidence, NULL),
                     TG_BAD_PROOF);
  }
  assert_int_equal(witness_update(NULL, &s.log->vkey, buf_slice(&note), merkle_path_slice(&path), &next,
                                  &s.evidence, NULL),
                   TG_BAD_PROOF);
  assert_int_equal(s.evidence.n, 0);
  buf_free(&note);
  scene_free(&s);
}

static void only_the_log_is_believed(void **state)
{
  (void)state;
  struct scene s;
  struct witness_state next;
  struct kit_log *other = kit_log_new("log.example/b", TALL);
  scene_new(&s, 11);
  struct buf note = kit_note(s.log, 30), foreign = kit_note(other, 30);
  struct merkle_path path = kit_consistency(s.log, 11, 30);
  struct slice steps = merkle_path_slice(&path);
  note.p[note.n - 9] ^= 1;
  assert_int_not_equal(witness_update(&s.s, &s.log->vkey, buf_slice(&note), steps, &next, NULL, NULL), TG_OK);
  assert_int_equal(witness_update(&s.s, &s.log->vkey, buf_slice(&foreign), steps, &next, NULL, NULL),
                   TG_BAD_SIGNATURE);
  assert_int_equal(witness_update(&s.s, &other->vkey, buf_slice(&foreign), steps, &next, NULL, NULL),
                   TG_CONFLICT);
  buf_free(&foreign);
  buf_free(&note);
  kit_log_free(other);
  scene_free(&s);
}

/* What another node has seen, carried by the hub in all its traffic. */
static void others_views_are_compared(void **state)
{
  (void)state;
  struct scene s;
  scene_new(&s, 25);
  for (uint64_t size = 0; size <= 25; size++) {
    struct buf same = kit_note(s.log, size), other = kit_note(s.fork, size);
    struct merkle_path path = kit_consistency(s.log, size, 25);
    if (size && size < 25 && merkle_old_is_complete(size)) { /* in full */
      memmove(&path.hash[1], &path.hash[0], path.n++ * sizeof path.hash[0]);
      path.hash[0] = kit_checkpoint(s.log, size).root;
    }
    struct slice steps = merkle_path_slice(&path);
    assert_int_equal(witness_compare(&s.s, &s.log->vkey, buf_slice(&same), steps, &s.evidence, NULL), TG_OK);
    enum tg_err err = witness_compare(&s.s, &s.log->vkey, buf_slice(&other), steps, &s.evidence, NULL);
    if (size <= 10)
      assert_int_equal(err, TG_OK);
    else
      assert_int_equal(err, TG_CONFLICT),
          expect_evidence(&s, size == 25 ? EVIDENCE_SAME_SIZE : EVIDENCE_OTHER_BEGINNING);
    assert_int_equal(witness_compare(&s.s, &s.log->vkey, buf_slice(&other), slice_of(NULL, 0), NULL, NULL),
                     size == 0 ? TG_OK : size == 25 ? TG_CONFLICT : TG_BAD_PROOF);
    buf_free(&other);
    buf_free(&same);
  }
  struct buf newer = kit_note(s.log, 26);
  assert_int_equal(witness_compare(&s.s, &s.log->vkey, buf_slice(&newer), slice_str(""), &s.evidence, NULL),
                   TG_STALE);
  buf_free(&newer);
  /* Of another log nothing is said, whatever its own key signed: two logs are no fork. */
  struct kit_log *other = kit_log_new("log.example/b", TALL);
  struct buf foreign = kit_note(other, 25);
  assert_int_equal(witness_compare(&s.s, &other->vkey, buf_slice(&foreign), slice_str(""), &s.evidence, NULL), TG_CONFLICT);
  assert_int_equal(s.evidence.n, 0);
  buf_free(&foreign);
  kit_log_free(other);
  scene_free(&s);
}

static void a_cosignature_says_what_is_persisted(void **state)
{
  (void)state;
  struct scene s;
  struct note note;
  struct secret_key *key = kit_key(KEY_WITNESS, "witness.example/w", 3);
  struct note_key known[2];
  struct note_verdict verdict[2];
  struct buf out = buf_new(CHECKPOINT_BYTES_MAX);
  scene_new(&s, 25);
  assert_int_equal(secret_key_note_key(key, &known[0]), TG_OK);
  known[1] = s.log->vkey;
  assert_int_equal(witness_cosign(&s.s, key, KIT_NOW, &out, NULL), TG_OK);
  assert_int_equal(note_parse(buf_slice(&out), NULL, &note, NULL), TG_OK);
  assert_int_equal(note_verify(&note, known, 2, verdict, NULL), TG_OK);
  assert_true(verdict[0].good && verdict[0].time == KIT_NOW && verdict[1].good);
  /* A cosigned note taken in again leaves the cosignature behind. */
  struct witness_state next;
  assert_int_equal(witness_update(NULL, &s.log->vkey, buf_slice(&out), slice_str(""), &next, NULL, NULL),
                   TG_OK);
  assert_true(slice_eq(witness_note(&next), witness_note(&s.s)));
  size_t before = out.n;
  assert_int_equal(witness_cosign(&s.s, s.log->key, KIT_NOW, &out, NULL), TG_USAGE);
  assert_int_equal(out.n, before);
  buf_free(&out);
  secret_key_free(key);
  scene_free(&s);
}

static void a_state_reads_back_or_is_refused(void **state)
{
  (void)state;
  struct scene s;
  struct witness_state read;
  struct buf text = buf_new(WITNESS_STATE_MAX);
  scene_new(&s, 25);
  assert_int_equal(witness_print(&s.s, &text), TG_OK);
  assert_int_equal(witness_parse(buf_slice(&text), NULL, &read, NULL), TG_OK);
  assert_memory_equal(&read, &s.s, sizeof read);
  for (size_t bit = 0; bit < 8 * text.n; bit++) {
    text.p[bit / 8] ^= (uint8_t)(1 << bit % 8);
    assert_int_not_equal(witness_parse(buf_slice(&text), NULL, &read, NULL), TG_OK);
    text.p[bit / 8] ^= (uint8_t)(1 << bit % 8);
  }
  for (size_t n = 0; n < text.n; n++)
    assert_int_not_equal(witness_parse(slice_of(text.p, n), NULL, &read, NULL), TG_OK);
  buf_free(&text);
  scene_free(&s);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(it_follows_a_log_that_grows),
      cmocka_unit_test(an_older_checkpoint_is_no_news),
      cmocka_unit_test(a_fork_is_noticed_at_every_size),
      cmocka_unit_test(a_restored_hub_is_convicted),
      cmocka_unit_test(a_false_path_convicts_nobody),
      cmocka_unit_test(only_the_log_is_believed),
      cmocka_unit_test(others_views_are_compared),
      cmocka_unit_test(a_cosignature_says_what_is_persisted),
      cmocka_unit_test(a_state_reads_back_or_is_refused),
  };
  return sodium_init() < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
