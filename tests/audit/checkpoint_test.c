/* Checkpoints: the published vectors, every way in which one log may not continue another, and who settles.
 */
#include "keys/codec.h"
#include "tests/audit/kit.h"
#include "tests/kit/exchange.h"

#include <jansson.h>

static const char NAME[] = "log.example/a";

static json_t *derived(json_t **ret_file)
{
  *ret_file = json_load_file(TEST_VECTORS "/note-vectors.json", 0, NULL);
  assert_non_null(*ret_file);
  return json_object_get(*ret_file, "derived");
}

static const char *text_of(const json_t *object, const char *name)
{
  const char *text = json_string_value(json_object_get(object, name));
  assert_non_null(text);
  return text;
}

/* The classic eight leaves of RFC 6962 tests: our ledger must come to the roots in the published checkpoints.
 */
static void published_checkpoints_are_ours(void **state)
{
  (void)state;
  json_t *file, *d = derived(&file), *one;
  size_t i;
  json_array_foreach(json_object_get(d, "checkpoints"), i, one)
  {
    struct note_key log;
    struct note note;
    struct checkpoint c;
    struct slice bytes = slice_str(text_of(one, "note"));
    assert_int_equal(note_key_parse(slice_str(text_of(one, "log_vkey")), &log, NULL), TG_OK);
    assert_int_equal(checkpoint_open(bytes, &log, &c, &note, NULL), TG_OK);
    assert_true(slice_is(c.origin, log.name));
    struct merkle_frontier tree = {.size = 0};
    for (uint64_t k = 0; k < c.size; k++) {
      uint8_t data[64];
      size_t n;
      const char *hex = json_string_value(json_array_get(json_object_get(d, "leaves_hex"), k));
      assert_int_equal(sodium_hex2bin(data, sizeof data, hex, strlen(hex), NULL, &n, NULL), 0);
      struct hash leaf = merkle_leaf(slice_of(data, n));
      merkle_frontier_append(&tree, &leaf, NULL);
    }
    struct hash root = merkle_frontier_root(&tree);
    assert_true(hash_eq(&root, &c.root));
    struct buf printed = buf_new(CHECKPOINT_BYTES_MAX);
    assert_int_equal(checkpoint_print(&c, &printed), TG_OK);
    assert_true(slice_eq(buf_slice(&printed), note.text));
    buf_free(&printed);
  }
  assert_int_equal(i, 4);
  json_decref(file);
}

static void a_signed_checkpoint_opens(void **state)
{
  (void)state;
  struct kit_log *log = kit_log_new(NAME, 5);
  struct buf note = kit_note(log, 5);
  struct checkpoint c, want = kit_checkpoint(log, 5);
  assert_int_equal(checkpoint_open(buf_slice(&note), &log->vkey, &c, NULL, NULL), TG_OK);
  assert_int_equal(c.size, 5);
  assert_true(hash_eq(&c.root, &want.root) && c.extensions.n == 0);
  buf_free(&note);
  kit_log_free(log);
}

/* No bit of a checkpoint can be changed. */
static void every_bit_counts(void **state)
{
  (void)state;
  struct kit_log *log = kit_log_new(NAME, 5);
  struct buf note = kit_note(log, 5);
  struct checkpoint c;
  for (size_t bit = 0; bit < 8 * note.n; bit++) {
    note.p[bit / 8] ^= (uint8_t)(1 << bit % 8);
    assert_int_not_equal(checkpoint_open(buf_slice(&note), &log->vkey, &c, NULL, NULL), TG_OK);
    note.p[bit / 8] ^= (uint8_t)(1 << bit % 8);
  }
  for (size_t n = 0; n < note.n; n++)
    assert_int_not_equal(checkpoint_open(slice_of(note.p, n), &log->vkey, &c, NULL, NULL), TG_OK);
  buf_free(&note);
  kit_log_free(log);
}

static void sign_text(const char *text, const struct secret_key *key, struct buf *note)
{
  *note = buf_new(NOTE_BYTES_MAX);
  assert_int_equal(note_begin(note, slice_str(text)), TG_OK);
  assert_int_equal(note_sign(note, slice_str(text), key, NULL), TG_OK);
}

static void another_log_under_this_key_is_a_conflict(void **state)
{
  (void)state;
  struct kit_log *log = kit_log_new(NAME, 1);
  struct buf note;
  struct checkpoint c;
  sign_text("log.example/b\n1\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n", log->key, &note);
  assert_int_equal(checkpoint_open(buf_slice(&note), &log->vkey, &c, NULL, NULL), TG_CONFLICT);
  buf_free(&note);
  kit_log_free(log);
}

/* A witness cosigns what it is shown; its signature must never pass for the log's. */
static void a_witness_is_no_log(void **state)
{
  (void)state;
  struct secret_key *witness = kit_key(KEY_WITNESS, NAME, 9);
  struct note_key key;
  struct checkpoint c;
  const char text[] = "log.example/a\n1\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n";
  struct buf note = buf_new(NOTE_BYTES_MAX);
  assert_int_equal(secret_key_note_key(witness, &key), TG_OK);
  assert_int_equal(note_begin(&note, slice_str(text)), TG_OK);
  assert_int_equal(note_cosign(&note, slice_str(text), witness, KIT_NOW, NULL), TG_OK);
  assert_int_equal(checkpoint_open(buf_slice(&note), &key, &c, NULL, NULL), TG_BAD_SIGNATURE);
  buf_free(&note);
  secret_key_free(witness);
}

static void malformed_texts_are_refused(void **state)
{
  (void)state;
#define ROOT "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n"
  static const char *const bad[] = {
      "",
      "\n",
      "a\n",
      "a\n1\n",
      "a\n1\n\n",
      "\n1\n" ROOT,
      "a\n\n" ROOT,
      "a\n01\n" ROOT,
      "a\n+1\n" ROOT,
      "a\n1 \n" ROOT,
      "a\n-1\n" ROOT,
      "a\n4611686018427387905\n" ROOT,
      "a\n18446744073709551616\n" ROOT,
      "a\n1\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n",
      "a\n1\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAB=\n",
      "a\n1\nAAAA\n",
      "a\n1\n" ROOT "\n",
      "a\n1\n" ROOT "x\n\ny\n",
      "a\n1\n" ROOT "x",
      "a\n1\r\n" ROOT,
      "a\n0\n" ROOT, /* an empty log with the root of something */
  };
  struct checkpoint c = {.size = 99};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    assert_int_equal(checkpoint_parse(slice_str(bad[i]), &c, NULL), TG_BAD_INPUT);
    assert_int_equal(c.size, 99);
  }
  assert_int_equal(checkpoint_parse(slice_str("a\n4611686018427387904\n" ROOT "x\ny\n"), &c, NULL), TG_OK);
  assert_true(slice_is(c.extensions, "x\ny\n"));
  assert_int_equal(
      checkpoint_parse(slice_str("a\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n"), &c, NULL), TG_OK);
}

static void what_would_not_be_read_is_not_written(void **state)
{
  (void)state;
  struct checkpoint good = {.origin = slice_str(NAME), .size = 3, .root = kit_hash(1)}, c = good;
  struct secret_key *key = kit_key(KEY_HUB_LOG, NAME, 7), *witness = kit_key(KEY_WITNESS, NAME, 7);
  struct buf out = buf_new(CHECKPOINT_BYTES_MAX);
  struct tg_why why;
  c.origin = slice_str("a b"), assert_int_equal(checkpoint_print(&c, &out), TG_BAD_INPUT), c = good;
  c.origin = slice_str(""), assert_int_equal(checkpoint_print(&c, &out), TG_BAD_INPUT), c = good;
  c.size = MERKLE_SIZE_MAX + 1, assert_int_equal(checkpoint_print(&c, &out), TG_BAD_INPUT), c = good;
  c.size = 0, assert_int_equal(checkpoint_print(&c, &out), TG_BAD_INPUT), c = good;
  c.extensions = slice_str("x\n\n"), assert_int_equal(checkpoint_print(&c, &out), TG_BAD_INPUT);
  c.extensions = slice_str("x"), assert_int_equal(checkpoint_print(&c, &out), TG_BAD_INPUT), c = good;
  assert_int_equal(checkpoint_sign(&c, witness, &out, &why), TG_USAGE);
  c.origin = slice_str("log.example/b"), assert_int_equal(checkpoint_sign(&c, key, &out, &why), TG_USAGE);
  assert_int_equal(out.n, 0);
  buf_free(&out);
  secret_key_free(witness);
  secret_key_free(key);
}

/* ---- growth ---- */

enum { TALL = 40 };

static void a_log_extends_its_own_beginnings_only(void **state)
{
  (void)state;
  struct kit_log *log = kit_log_new(NAME, TALL), *fork = kit_log_fork(log, 0, TALL);
  for (uint64_t m = 0; m <= TALL; m++)
    for (uint64_t n = 0; n <= TALL; n++) {
      struct checkpoint old = kit_checkpoint(log, m), next = kit_checkpoint(log, n),
                        other = kit_checkpoint(fork, n);
      struct merkle_path path = {.n = 0};
      if (m <= n)
        path = kit_consistency(log, m, n);
      struct slice steps = merkle_path_slice(&path);
      assert_int_equal(checkpoint_extends(&old, &next, steps, NULL), m <= n ? TG_OK : TG_STALE);
      if (m == 0 || n < m)
        continue;
      assert_int_equal(checkpoint_extends(&old, &other, steps, NULL), m == n ? TG_CONFLICT : TG_BAD_PROOF);
      if (steps.n) {
        assert_int_equal(checkpoint_extends(&old, &next, slice_of(steps.p, steps.n - 32), NULL),
                         TG_BAD_PROOF);
        path.hash[m % path.n].b[n % 32] ^= 1;
        assert_int_equal(checkpoint_extends(&old, &next, steps, NULL), TG_BAD_PROOF);
      }
    }
  kit_log_free(fork);
  kit_log_free(log);
}

static void nothing_is_proved_about_an_empty_log(void **state)
{
  (void)state;
  struct kit_log *log = kit_log_new(NAME, 3);
  struct checkpoint empty = kit_checkpoint(log, 0), next = kit_checkpoint(log, 3);
  assert_int_equal(checkpoint_extends(&empty, &next, slice_of(next.root.b, 32), NULL), TG_BAD_PROOF);
  assert_int_equal(checkpoint_extends(&empty, &empty, slice_of(next.root.b, 32), NULL), TG_BAD_PROOF);
  assert_int_equal(checkpoint_extends(&next, &next, slice_of(next.root.b, 32), NULL), TG_BAD_PROOF);
  kit_log_free(log);
}

/* ---- settled ---- */

static void two_of_aes_and_one_of_ecowas(struct charter *c)
{
  c->witness_quorum =
      (struct quorum){.n = 2, .term = {{.count = 2, .group = "AES"}, {.count = 1, .group = "ECOWAS"}}};
}

struct settling {
  struct kit *kit;
  struct charter *charter;
  struct note_key log;
  struct buf text, note;
  struct checkpoint_witness witness[KIT_MEMBERS];
  struct settled_by by;
};

static void settling_new(struct settling *s, void (*tune)(struct charter *))
{
  struct note charter;
  memset(s, 0, sizeof *s);
  s->kit = kit_new(KIT_MEMBERS, KIT_NOW, tune);
  assert_int_equal(note_parse(buf_slice(&s->kit->charter), NULL, &charter, NULL), TG_OK);
  assert_int_equal(charter_parse(charter.text, NULL, &s->charter, NULL), TG_OK);
  assert_int_equal(secret_key_note_key(s->kit->hub_log, &s->log), TG_OK);
  struct checkpoint c = {.origin = slice_str(s->log.name), .size = 8, .root = kit_hash(8)};
  s->text = buf_new(CHECKPOINT_TEXT_MAX), s->note = buf_new(CHECKPOINT_BYTES_MAX);
  assert_int_equal(checkpoint_print(&c, &s->text), TG_OK);
  assert_int_equal(checkpoint_sign(&c, s->kit->hub_log, &s->note, NULL), TG_OK);
  for (size_t i = 0; i < KIT_MEMBERS; i++) {
    assert_int_equal(secret_key_note_key(s->kit->member[i].node[0].witness, &s->witness[i].key), TG_OK);
    s->witness[i].member = s->kit->member[i].code;
  }
  s->by = (struct settled_by){.charter = s->charter, .witnesses = s->witness, .n = KIT_MEMBERS};
}

static void settling_free(struct settling *s)
{
  buf_free(&s->text);
  buf_free(&s->note);
  charter_free(s->charter);
  kit_free(s->kit);
}

static void cosign(struct settling *s, size_t member, tg_time time)
{
  const struct secret_key *key = s->kit->member[member].node[0].witness;
  assert_int_equal(note_cosign(&s->note, buf_slice(&s->text), key, time, NULL), TG_OK);
}

static enum tg_err settled(const struct settling *s, tg_time *ret)
{
  struct note note;
  assert_int_equal(note_parse(buf_slice(&s->note), NULL, &note, NULL), TG_OK);
  return checkpoint_settled(&note, &s->log, &s->by, KIT_NOW, 5 * TG_MINUTE, ret, NULL);
}

enum { ML, BF, NE, SN, NG, TD };

static void each_camp_must_have_its_witnesses(void **state)
{
  (void)state;
  struct settling s;
  tg_time time = 1;
  settling_new(&s, two_of_aes_and_one_of_ecowas);
  assert_int_equal(settled(&s, &time), TG_REFUSED);
  cosign(&s, ML, KIT_NOW - TG_HOUR);
  cosign(&s, ML, KIT_NOW - TG_HOUR); /* twice is once */
  cosign(&s, NG, KIT_NOW - TG_MINUTE);
  cosign(&s, TD, KIT_NOW);
  assert_int_equal(settled(&s, &time), TG_REFUSED);
  assert_int_equal(time, 1);
  cosign(&s, NE, KIT_NOW - TG_HOUR);
  assert_int_equal(settled(&s, &time), TG_OK);
  assert_int_equal(time, KIT_NOW);
  settling_free(&s);
}

static void the_future_does_not_settle(void **state)
{
  (void)state;
  struct settling s;
  settling_new(&s, two_of_aes_and_one_of_ecowas);
  cosign(&s, ML, KIT_NOW), cosign(&s, NG, KIT_NOW);
  cosign(&s, BF, KIT_NOW + 6 * TG_MINUTE);
  assert_int_equal(settled(&s, NULL), TG_REFUSED);
  cosign(&s, NE, KIT_NOW + 4 * TG_MINUTE);
  assert_int_equal(settled(&s, NULL), TG_OK);
  settling_free(&s);
}

static void who_left_or_is_suspended_does_not_count(void **state)
{
  (void)state;
  struct settling s;
  tg_time time = 0;
  settling_new(&s, two_of_aes_and_one_of_ecowas);
  bool left[KIT_MEMBERS] = {false};
  s.by.left = left;
  cosign(&s, ML, KIT_NOW - TG_HOUR), cosign(&s, BF, KIT_NOW - TG_HOUR), cosign(&s, SN, KIT_NOW - TG_HOUR);
  cosign(&s, NG, KIT_NOW);
  assert_int_equal(settled(&s, &time), TG_OK);
  assert_int_equal(time, KIT_NOW);
  const struct charter_member *ng = charter_member(s.charter, s.kit->member[NG].code);
  left[ng - s.charter->member] = true;
  assert_int_equal(settled(&s, &time), TG_OK);
  assert_int_equal(time, KIT_NOW - TG_HOUR); /* NG's time counts no more than NG */
  const struct charter_member *ml = charter_member(s.charter, s.kit->member[ML].code);
  s.charter->member[ml - s.charter->member].standing = STANDING_NO_NEW_TRAFFIC;
  assert_int_equal(settled(&s, &time), TG_REFUSED);
  settling_free(&s);
}

static void cosignatures_do_not_replace_the_log(void **state)
{
  (void)state;
  struct settling s;
  settling_new(&s, two_of_aes_and_one_of_ecowas);
  buf_clear(&s.note);
  assert_int_equal(note_begin(&s.note, buf_slice(&s.text)), TG_OK);
  for (size_t i = 0; i < KIT_MEMBERS; i++)
    cosign(&s, i, KIT_NOW);
  assert_int_equal(settled(&s, NULL), TG_BAD_SIGNATURE);
  settling_free(&s);
}

static void a_false_cosignature_is_an_error(void **state)
{
  (void)state;
  struct settling s;
  settling_new(&s, two_of_aes_and_one_of_ecowas);
  cosign(&s, ML, KIT_NOW), cosign(&s, BF, KIT_NOW), cosign(&s, SN, KIT_NOW);
  uint8_t forged[72] = {0};
  note_append(&s.note, &s.witness[TD].key, forged, sizeof forged);
  assert_int_equal(settled(&s, NULL), TG_BAD_SIGNATURE);
  settling_free(&s);
}

/* Where nobody must cosign, the log must still have signed. */
static void without_quorum_the_log_suffices(void **state)
{
  (void)state;
  struct settling s;
  tg_time time = 7;
  settling_new(&s, NULL);
  assert_int_equal(s.charter->witness_quorum.n, 0);
  cosign(&s, ML, KIT_NOW);
  assert_int_equal(settled(&s, &time), TG_OK);
  assert_int_equal(time, 0);
  buf_clear(&s.note);
  assert_int_equal(note_begin(&s.note, buf_slice(&s.text)), TG_OK);
  cosign(&s, ML, KIT_NOW);
  assert_int_equal(settled(&s, &time), TG_BAD_SIGNATURE);
  settling_free(&s);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(published_checkpoints_are_ours),
      cmocka_unit_test(a_signed_checkpoint_opens),
      cmocka_unit_test(every_bit_counts),
      cmocka_unit_test(another_log_under_this_key_is_a_conflict),
      cmocka_unit_test(a_witness_is_no_log),
      cmocka_unit_test(malformed_texts_are_refused),
      cmocka_unit_test(what_would_not_be_read_is_not_written),
      cmocka_unit_test(a_log_extends_its_own_beginnings_only),
      cmocka_unit_test(nothing_is_proved_about_an_empty_log),
      cmocka_unit_test(each_camp_must_have_its_witnesses),
      cmocka_unit_test(the_future_does_not_settle),
      cmocka_unit_test(who_left_or_is_suspended_does_not_count),
      cmocka_unit_test(cosignatures_do_not_replace_the_log),
      cmocka_unit_test(a_false_cosignature_is_an_error),
      cmocka_unit_test(without_quorum_the_log_suffices),
  };
  return sodium_init() < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
