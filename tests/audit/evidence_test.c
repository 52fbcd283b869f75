/* Evidence: it convicts a log that signed two histories, and never an honest one. */
#include "audit/evidence.h"
#include "tests/audit/kit.h"

static const char NAME[] = "log.example/a";
enum { TALL = 40 };

/* A consistency path in full: where the older tree is complete, its root (in the newer tree) comes first. */
static struct merkle_path full_path(struct kit_log *log, uint64_t old_size, uint64_t size)
{
  struct merkle_path path = kit_consistency(log, old_size, size);
  if (merkle_old_is_complete(old_size)) {
    memmove(path.hash + 1, path.hash, path.n * sizeof *path.hash);
    path.hash[0] = kit_checkpoint(log, old_size).root;
    path.n++;
  }
  return path;
}

static void two_roots_of_one_size_convict(void **state)
{
  (void)state;
  struct kit_log *log = kit_log_new(NAME, TALL), *fork = kit_log_fork(log, 10, TALL);
  struct buf a = kit_note(log, 12), b = kit_note(fork, 12), file = buf_new(EVIDENCE_BYTES_MAX);
  struct evidence e = {.kind = EVIDENCE_SAME_SIZE,
                       .log = log->vkey,
                       .first = buf_slice(&a),
                       .second = buf_slice(&b)},
                  read;
  struct checkpoint first, second;
  assert_int_equal(evidence_print(&e, &file, NULL), TG_OK);
  assert_int_equal(evidence_parse(buf_slice(&file), NULL, &read, NULL), TG_OK);
  assert_int_equal(evidence_verify(&read, &first, &second, NULL), TG_OK);
  assert_true(first.size == 12 && second.size == 12 && !hash_eq(&first.root, &second.root));
  e.second = e.first;
  assert_int_equal(evidence_print(&e, &file, NULL), TG_BAD_PROOF);
  buf_free(&file);
  buf_free(&b);
  buf_free(&a);
  kit_log_free(fork);
  kit_log_free(log);
}

/* For every pair of sizes: the other history convicts, the same one does not. */
static void another_beginning_convicts(void **state)
{
  (void)state;
  struct kit_log *log = kit_log_new(NAME, TALL), *fork = kit_log_fork(log, 10, TALL);
  for (uint64_t m = 1; m < TALL; m++)
    for (uint64_t n = m + 1; n <= TALL; n += 3) {
      struct buf a = kit_note(log, m), b = kit_note(fork, n), c = kit_note(log, n);
      struct evidence e = {.kind = EVIDENCE_OTHER_BEGINNING,
                           .log = log->vkey,
                           .path = full_path(fork, m, n),
                           .first = buf_slice(&a),
                           .second = buf_slice(&b)};
      assert_int_equal(evidence_verify(&e, NULL, NULL, NULL), m > 10 ? TG_OK : TG_BAD_PROOF);
      e.path = full_path(log, m, n);
      e.second = buf_slice(&c);
      assert_int_equal(evidence_verify(&e, NULL, NULL, NULL), TG_BAD_PROOF);
      e.path.hash[e.path.n - 1].b[0] ^= 1; /* a forged path does not lead to what the log signed */
      assert_int_equal(evidence_verify(&e, NULL, NULL, NULL), TG_BAD_PROOF);
      buf_free(&c);
      buf_free(&b);
      buf_free(&a);
    }
  kit_log_free(fork);
  kit_log_free(log);
}

static struct buf convicting(struct kit_log *log, struct kit_log *fork)
{
  struct buf a = kit_note(log, 13), b = kit_note(fork, 30), file = buf_new(EVIDENCE_BYTES_MAX);
  struct evidence e = {.kind = EVIDENCE_OTHER_BEGINNING,
                       .log = log->vkey,
                       .path = full_path(fork, 13, 30),
                       .first = buf_slice(&a),
                       .second = buf_slice(&b)};
  assert_int_equal(evidence_print(&e, &file, NULL), TG_OK);
  buf_free(&b);
  buf_free(&a);
  return file;
}

static void every_bit_of_evidence_counts(void **state)
{
  (void)state;
  struct kit_log *log = kit_log_new(NAME, TALL), *fork = kit_log_fork(log, 10, TALL);
  struct buf file = convicting(log, fork);
  struct evidence e;
  for (size_t bit = 0; bit < 8 * file.n; bit++) {
    file.p[bit / 8] ^= (uint8_t)(1 << bit % 8);
    if (evidence_parse(buf_slice(&file), "e", &e, NULL) == TG_OK)
      assert_int_not_equal(evidence_verify(&e, NULL, NULL, NULL), TG_OK);
    file.p[bit / 8] ^= (uint8_t)(1 << bit % 8);
  }
  for (size_t n = 0; n < file.n; n++)
    assert_int_not_equal(evidence_parse(slice_of(file.p, n), "e", &e, NULL), TG_OK);
  buf_put_u8(&file, '\n');
  assert_int_not_equal(evidence_parse(buf_slice(&file), "e", &e, NULL), TG_OK);
  buf_free(&file);
  kit_log_free(fork);
  kit_log_free(log);
}

static void the_line_of_a_mistake_is_named(void **state)
{
  (void)state;
#define HEAD "toguna/evidence v1\nlog PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW\n"
  static const struct {
    const char *text, *where;
  } rows[] = {
      {"", "e:1"},
      {"toguna/evidence v2\n", "e:1"},
      {"toguna/evidence v1\nlogs x\n", "e:2"},
      {HEAD "kind other\n", "e:3"},
      {HEAD "kind same-size\nhash AAAA\n", "e:4"},
      {HEAD "kind same-size\nnote 0\n", "e:4"},
      {HEAD "kind same-size\nnote 99\nshort\n", "e:4"},
      {HEAD "kind same-size\nnote 3\nabcd\n", "e:4"},
      {HEAD "kind same-size\nnote 3\nab\nnote 3\nab\nmore\n", "e:7"},
      {HEAD "kind same-size\nnote 99999999\n", "e:4"},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    struct evidence e;
    struct tg_why why;
    assert_int_equal(evidence_parse(slice_str(rows[i].text), "e", &e, &why), TG_BAD_INPUT);
    assert_string_equal(why.where, rows[i].where);
  }
}

/* A witness that cosigned two histories was deceived; only the log can be convicted. */
static void a_witness_cannot_be_convicted_as_a_log(void **state)
{
  (void)state;
  struct secret_key *witness = kit_key(KEY_WITNESS, NAME, 3);
  struct buf note[2], text = buf_new(CHECKPOINT_TEXT_MAX);
  struct evidence e = {.kind = EVIDENCE_SAME_SIZE};
  assert_int_equal(secret_key_note_key(witness, &e.log), TG_OK);
  for (uint8_t i = 0; i < 2; i++) {
    struct checkpoint c = {.origin = slice_str(NAME), .size = 4, .root = kit_hash(i)};
    note[i] = buf_new(CHECKPOINT_BYTES_MAX);
    buf_clear(&text);
    assert_int_equal(checkpoint_print(&c, &text), TG_OK);
    assert_int_equal(note_begin(&note[i], buf_slice(&text)), TG_OK);
    assert_int_equal(note_cosign(&note[i], buf_slice(&text), witness, KIT_NOW, NULL), TG_OK);
  }
  e.first = buf_slice(&note[0]), e.second = buf_slice(&note[1]);
  assert_int_equal(evidence_verify(&e, NULL, NULL, NULL), TG_BAD_SIGNATURE);
  buf_free(&note[0]);
  buf_free(&note[1]);
  buf_free(&text);
  secret_key_free(witness);
}

static void a_full_buffer_leaves_nothing_behind(void **state)
{
  (void)state;
  struct kit_log *log = kit_log_new(NAME, TALL), *fork = kit_log_fork(log, 10, TALL);
  struct buf a = kit_note(log, 12), b = kit_note(fork, 12), file = buf_new(100);
  struct evidence e = {
      .kind = EVIDENCE_SAME_SIZE, .log = log->vkey, .first = buf_slice(&a), .second = buf_slice(&b)};
  assert_int_equal(evidence_print(&e, &file, NULL), TG_TOO_BIG);
  assert_int_equal(file.n, 0);
  buf_free(&file);
  buf_free(&b);
  buf_free(&a);
  kit_log_free(fork);
  kit_log_free(log);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(two_roots_of_one_size_convict),
      cmocka_unit_test(another_beginning_convicts),
      cmocka_unit_test(every_bit_of_evidence_counts),
      cmocka_unit_test(the_line_of_a_mistake_is_named),
      cmocka_unit_test(a_witness_cannot_be_convicted_as_a_log),
      cmocka_unit_test(a_full_buffer_leaves_nothing_behind),
  };
  return sodium_init() < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
