/* Openings and portable receipts: what proves an entry, and every way in which it must not. */
#include "audit/proof.h"
#include "tests/audit/kit.h"

static const uint8_t SALT[ENTRY_SALT] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16};

/* A log of 20 leaves whose last is an entry, its checkpoint, and the receipt for it. */
struct scene {
  struct kit_log *log;
  struct buf entry, note, file;
  struct merkle_path path;
  struct opening opening;
  struct checkpoint checkpoint;
};

static void scene_new(struct scene *s)
{
  struct entry e = kit_entry();
  *s = (struct scene){.entry = buf_new(LIMIT_ENTRY), .file = buf_new(PROOF_BYTES_MAX)};
  assert_int_equal(entry_build(&e, &s->entry, NULL), TG_OK);
  s->log = kit_log_new("log.example/a", 19);
  s->opening = kit_append_entry(s->log, buf_slice(&s->entry), SALT, &s->path);
  s->note = kit_note(s->log, 20);
  s->checkpoint = kit_checkpoint(s->log, 20);
  assert_int_equal(proof_print(&s->opening, buf_slice(&s->note), &s->file), TG_OK);
}

static void scene_free(struct scene *s)
{
  buf_free(&s->file);
  buf_free(&s->note);
  buf_free(&s->entry);
  kit_log_free(s->log);
}

static void an_opening_shows_its_entry(void **state)
{
  (void)state;
  struct scene s;
  struct entry e, want = kit_entry();
  scene_new(&s);
  assert_int_equal(opening_verify(&s.opening, &s.checkpoint, &e, NULL), TG_OK);
  assert_int_equal(e.number, want.number);
  assert_int_equal(opening_verify(&s.opening, &s.checkpoint, NULL, NULL), TG_OK);
  scene_free(&s);
}

static void every_part_of_an_opening_counts(void **state)
{
  (void)state;
  struct scene s;
  scene_new(&s);
  struct opening o = s.opening;
  uint8_t salt[ENTRY_SALT];
  for (size_t bit = 0; bit < 8 * ENTRY_SALT; bit++) {
    memcpy(salt, SALT, sizeof salt);
    salt[bit / 8] ^= (uint8_t)(1 << bit % 8);
    o.salt = slice_of(salt, sizeof salt);
    assert_int_equal(opening_verify(&o, &s.checkpoint, NULL, NULL), TG_BAD_PROOF);
  }
  o = s.opening, o.salt.n--;
  assert_int_equal(opening_verify(&o, &s.checkpoint, NULL, NULL), TG_BAD_INPUT);
  for (size_t bit = 0; bit < 8 * s.entry.n; bit++) {
    s.entry.p[bit / 8] ^= (uint8_t)(1 << bit % 8);
    assert_int_not_equal(opening_verify(&s.opening, &s.checkpoint, NULL, NULL), TG_OK);
    s.entry.p[bit / 8] ^= (uint8_t)(1 << bit % 8);
  }
  for (uint64_t index = 0; index < 40; index++) {
    o = s.opening, o.index = index;
    assert_int_equal(opening_verify(&o, &s.checkpoint, NULL, NULL), index == 19 ? TG_OK : TG_BAD_PROOF);
  }
  for (size_t n = 0; n < s.opening.path.n; n++) {
    o = s.opening, o.path.n = n;
    assert_int_equal(opening_verify(&o, &s.checkpoint, NULL, NULL), TG_BAD_PROOF);
  }
  for (uint64_t size = 0; size < 40; size++) {
    struct checkpoint c = s.checkpoint;
    c.size = size;
    enum tg_err err = opening_verify(&s.opening, &c, NULL, NULL);
    if (size < 20 ||
        size > 32) /* the path to the last of 20 has one shape up to some size; the root is signed with it */
      assert_int_equal(err, TG_BAD_PROOF);
  }
  scene_free(&s);
}

/* An entry that was logged in one history is in no other one, whatever path comes along. */
static void a_fork_does_not_show_the_entry(void **state)
{
  (void)state;
  struct scene s;
  scene_new(&s);
  struct kit_log *fork = kit_log_fork(s.log, 19, 20);
  struct checkpoint c = kit_checkpoint(fork, 20), before = kit_checkpoint(s.log, 19);
  assert_int_equal(opening_verify(&s.opening, &c, NULL, NULL), TG_BAD_PROOF);
  assert_int_equal(opening_verify(&s.opening, &before, NULL, NULL), TG_BAD_PROOF);
  kit_log_free(fork);
  scene_free(&s);
}

static void a_receipt_stands_alone(void **state)
{
  (void)state;
  struct scene s;
  struct proof p;
  struct entry e;
  struct checkpoint c;
  scene_new(&s);
  assert_int_equal(proof_parse(buf_slice(&s.file), "r.tlog-proof", &p, NULL), TG_OK);
  assert_int_equal(p.index, 19);
  assert_true(slice_eq(p.checkpoint, buf_slice(&s.note)));
  assert_int_equal(proof_verify_opening(&p, &s.log->vkey, &e, &c, NULL, NULL), TG_OK);
  assert_int_equal(e.type, ENTRY_ACCEPTED);
  assert_int_equal(c.size, 20);
  struct buf again = buf_new(PROOF_BYTES_MAX);
  struct opening o;
  assert_int_equal(proof_opening(&p, &o), TG_OK);
  assert_int_equal(proof_print(&o, p.checkpoint, &again), TG_OK);
  assert_true(slice_eq(buf_slice(&again), buf_slice(&s.file)));
  buf_free(&again);
  scene_free(&s);
}

static enum tg_err read_and_verify(struct slice file, const struct note_key *log)
{
  struct proof p;
  enum tg_err err = proof_parse(file, NULL, &p, NULL);
  return err ? err : proof_verify_opening(&p, log, NULL, NULL, NULL, NULL);
}

static void every_bit_of_a_receipt_counts(void **state)
{
  (void)state;
  struct scene s;
  scene_new(&s);
  for (size_t bit = 0; bit < 8 * s.file.n; bit++) {
    s.file.p[bit / 8] ^= (uint8_t)(1 << bit % 8);
    assert_int_not_equal(read_and_verify(buf_slice(&s.file), &s.log->vkey), TG_OK);
    s.file.p[bit / 8] ^= (uint8_t)(1 << bit % 8);
  }
  for (size_t n = 0; n < s.file.n; n++)
    assert_int_not_equal(read_and_verify(slice_of(s.file.p, n), &s.log->vkey), TG_OK);
  scene_free(&s);
}

static void another_logs_key_does_not_verify_it(void **state)
{
  (void)state;
  struct scene s;
  struct note_key other;
  struct secret_key *key = kit_key(KEY_HUB_LOG, "log.example/a", 8);
  scene_new(&s);
  assert_int_equal(secret_key_note_key(key, &other), TG_OK);
  assert_int_equal(read_and_verify(buf_slice(&s.file), &other), TG_BAD_SIGNATURE);
  secret_key_free(key);
  scene_free(&s);
}

/* Proofs of other programs: another leaf, no extra data. */
static void a_proof_without_opening(void **state)
{
  (void)state;
  struct kit_log *log = kit_log_new("log.example/a", 7);
  struct buf note = kit_note(log, 7), file = buf_new(PROOF_BYTES_MAX);
  struct merkle_path path;
  struct proof p;
  struct opening o;
  struct hash leaf = kit_leaf(log, 3);
  assert_int_equal(ledger_inclusion(log->ledger, 3, 7, &path), TG_OK);
  assert_int_equal(proof_print_raw(3, merkle_path_slice(&path), slice_str(""), buf_slice(&note), &file),
                   TG_OK);
  assert_int_equal(proof_parse(buf_slice(&file), NULL, &p, NULL), TG_OK);
  assert_int_equal(proof_verify(&p, &leaf, &log->vkey, NULL, NULL, NULL), TG_OK);
  assert_int_equal(proof_opening(&p, &o), TG_NOT_FOUND);
  assert_int_equal(proof_verify_opening(&p, &log->vkey, NULL, NULL, NULL, NULL), TG_NOT_FOUND);
  leaf.b[0] ^= 1;
  assert_int_equal(proof_verify(&p, &leaf, &log->vkey, NULL, NULL, NULL), TG_BAD_PROOF);
  assert_int_equal(proof_print_raw(3, slice_of(path.hash, 33), slice_str(""), buf_slice(&note), &file),
                   TG_BAD_INPUT);
  assert_int_equal(proof_print_raw(MERKLE_SIZE_MAX, slice_str(""), slice_str(""), buf_slice(&note), &file),
                   TG_BAD_INPUT);
  assert_int_equal(proof_print_raw(3, slice_str(""), slice_str(""), slice_str("no note\n"), &file),
                   TG_BAD_INPUT);
  buf_free(&file);
  buf_free(&note);
  kit_log_free(log);
}

static void the_line_of_a_mistake_is_named(void **state)
{
  (void)state;
#define FIRST "c2sp.org/tlog-proof@v1\n"
  static const struct {
    const char *text, *where;
  } rows[] = {
      {"", "r:1"},
      {"c2sp.org/tlog-proof@v2\n", "r:1"},
      {FIRST "extra\n", "r:2"},
      {FIRST "extra AAA\n", "r:2"},
      {FIRST "index 01\n", "r:2"},
      {FIRST "index 4611686018427387904\n", "r:2"},
      {FIRST "extra AAAA\nindex 1\nx\n", "r:4"},
      {FIRST "index 1\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n", "r:4"},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    struct proof p = {.index = 5};
    struct tg_why why;
    assert_int_equal(proof_parse(slice_str(rows[i].text), "r", &p, &why), TG_BAD_INPUT);
    assert_string_equal(why.where, rows[i].where);
    assert_int_equal(p.index, 5);
  }
  struct buf long_one = buf_new(2 * PROOF_BYTES_MAX);
  struct proof p;
  buf_put_str(&long_one, FIRST "index 1\n");
  for (int i = 0; i <= MERKLE_PATH_MAX; i++)
    buf_put_str(&long_one, "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n");
  buf_put_str(&long_one, "\n");
  assert_int_equal(proof_parse(buf_slice(&long_one), "r", &p, NULL), TG_BAD_INPUT);
  while (long_one.n <= PROOF_BYTES_MAX)
    buf_put_str(&long_one, "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n");
  assert_int_equal(proof_parse(buf_slice(&long_one), "r", &p, NULL), TG_TOO_BIG);
  buf_free(&long_one);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(an_opening_shows_its_entry),     cmocka_unit_test(every_part_of_an_opening_counts),
      cmocka_unit_test(a_fork_does_not_show_the_entry), cmocka_unit_test(a_receipt_stands_alone),
      cmocka_unit_test(every_bit_of_a_receipt_counts),  cmocka_unit_test(another_logs_key_does_not_verify_it),
      cmocka_unit_test(a_proof_without_opening),        cmocka_unit_test(the_line_of_a_mistake_is_named),
  };
  return sodium_init() < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
