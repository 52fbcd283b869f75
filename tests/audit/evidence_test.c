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

/* ---- a bulletin below what its writer had seen */

static const struct story_of_a_bulletin {
  uint64_t seen, at, shown; /* the size that its header names, its own place, and the size of the log that has it */
  enum tg_err convicts;
} orders[] = {{12, 9, 10, TG_OK}, {10, 9, 12, TG_OK}, {40, 39, 40, TG_OK}, {9, 9, 10, TG_BAD_PROOF}, {1, 9, 12, TG_BAD_PROOF}, {12, 12, 13, TG_BAD_PROOF}};

static void build_header(struct slice checkpoint, struct buf *out)
{
  const struct subject s = {.suite = SUITE_1,
                            .exchange = {{1}},
                            .originator = {{2}},
                            .created = KIT_NOW,
                            .expires = KIT_NOW + 1,
                            .precedence = PRECEDENCE_FLASH,
                            .kind = KIND_REPORT,
                            .topic_count = 1,
                            .topics = {slice_str("alert")},
                            .portion_root = {{3}},
                            .portion_count = 1};
  struct buf subject = buf_new(LIMIT_SUBJECT);
  assert_int_equal(subject_build(&s, &subject, NULL), TG_OK);
  struct header h = {.charter_version = 1, .number = 5, .policy_serial = 1, .policy_hash = {{4}}, .audience_root = {{5}}, .audience_count = 1};
  h.checkpoint = checkpoint;
  struct arena *arena = arena_new(1 << 16);
  assert_int_equal(subject_parse(buf_slice(&subject), arena, &h.subject, NULL), TG_OK);
  assert_int_equal(header_build(&h, out, NULL), TG_OK);
  arena_free(arena);
  buf_free(&subject);
}

/* The file that convicts a log of `shown` entries which has, at `at`, a bulletin that names the log at `seen`; or would. */
static enum tg_err misplaced(const struct story_of_a_bulletin *o, struct buf *file, struct evidence *ret)
{
  static struct buf kept[3]; /* what *ret points into */
  struct kit_log *log = kit_log_new(NAME, TALL), *other = kit_log_fork(log, o->at, o->at);
  uint8_t salt[ENTRY_SALT] = {7};
  struct merkle_path path;
  struct arena *arena = arena_new(1 << 16);
  struct header header;
  for (size_t i = 0; i < 3; i++)
    buf_free(&kept[i]);
  kept[0] = kit_note(log, o->seen);
  kept[1] = buf_new(LIMIT_HEADER);
  build_header(buf_slice(&kept[0]), &kept[1]);
  assert_int_equal(header_parse(buf_slice(&kept[1]), arena, &header, NULL), TG_OK);
  struct entry entry = kit_entry();
  entry.subject = header.id;
  struct buf bytes = buf_new(LIMIT_ENTRY);
  assert_int_equal(entry_build(&entry, &bytes, NULL), TG_OK);
  struct opening opening = kit_append_entry(other, buf_slice(&bytes), salt, &path);
  kit_log_grow(other, o->shown);
  assert_int_equal(ledger_inclusion(other->ledger, o->at, o->shown, &path), TG_OK);
  opening.path = merkle_path_slice(&path);
  kept[2] = kit_note(other, o->shown);
  assert_int_equal(evidence_out_of_order(&log->vkey, &header, &opening, buf_slice(&kept[2]), ret), TG_OK);
  enum tg_err err = evidence_print(ret, file, NULL);
  ret->first = buf_slice(&kept[0]); /* the header's own goes with the arena */
  buf_free(&bytes);
  arena_free(arena);
  kit_log_free(other);
  kit_log_free(log);
  return err;
}

static void a_bulletin_below_what_its_writer_saw_convicts(void **state)
{
  (void)state;
  for (size_t i = 0; i < sizeof orders / sizeof *orders; i++) {
    struct buf file = buf_new(EVIDENCE_BYTES_MAX);
    struct evidence e, read;
    struct checkpoint seen, shown;
    assert_int_equal(misplaced(&orders[i], &file, &e), orders[i].convicts);
    if (orders[i].convicts == TG_OK) {
      assert_int_equal(evidence_parse(buf_slice(&file), "e", &read, NULL), TG_OK);
      assert_int_equal(evidence_verify(&read, &seen, &shown, NULL), TG_OK);
      assert_true(seen.size == orders[i].seen && shown.size == orders[i].shown && read.index == orders[i].at);
    }
    buf_free(&file);
  }
}

static void every_bit_of_that_counts_too(void **state)
{
  (void)state;
  struct buf file = buf_new(EVIDENCE_BYTES_MAX);
  struct evidence e;
  assert_int_equal(misplaced(&orders[0], &file, &e), TG_OK);
  for (size_t bit = 0; bit < 8 * file.n; bit++) {
    file.p[bit / 8] ^= (uint8_t)(1 << bit % 8);
    if (evidence_parse(buf_slice(&file), "e", &e, NULL) == TG_OK)
      assert_int_not_equal(evidence_verify(&e, NULL, NULL, NULL), TG_OK);
    file.p[bit / 8] ^= (uint8_t)(1 << bit % 8);
  }
  for (size_t n = 0; n < file.n; n++)
    assert_int_not_equal(evidence_parse(slice_of(file.p, n), "e", &e, NULL), TG_OK);
  buf_free(&file);
}

/* Each part is what it says, or nothing follows from the whole. */
static void a_forged_part_convicts_nobody(void **state)
{
  (void)state;
  struct kit_log *log = kit_log_new(NAME, TALL);
  struct buf file = buf_new(EVIDENCE_BYTES_MAX), other = kit_note(log, 20);
  struct evidence good;
  assert_int_equal(misplaced(&orders[0], &file, &good), TG_OK);
  struct evidence e = good;
  e.first = buf_slice(&other); /* not what the header names */
  assert_int_equal(evidence_verify(&e, NULL, NULL, NULL), TG_BAD_PROOF);
  e = good, e.index = 8;
  assert_int_equal(evidence_verify(&e, NULL, NULL, NULL), TG_BAD_PROOF);
  e = good, e.header[e.header_n - 1] ^= 1;
  assert_int_equal(evidence_verify(&e, NULL, NULL, NULL), TG_BAD_PROOF);
  e = good, e.entry[e.entry_n - 1] ^= 1;
  assert_int_equal(evidence_verify(&e, NULL, NULL, NULL), TG_BAD_PROOF);
  e = good, e.kind = EVIDENCE_SAME_SIZE;
  assert_int_equal(evidence_verify(&e, NULL, NULL, NULL), TG_BAD_PROOF);
  buf_free(&file);
  buf_free(&other);
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
      {HEAD "kind out-of-order\nnote 3\n", "e:4"},
      {HEAD "kind out-of-order\nindex 7\nentry !\n", "e:5"},
      {HEAD "kind out-of-order\nindex 7\nentry AAAA\nsalt AAAA\n", "e:6"},
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
      cmocka_unit_test(a_bulletin_below_what_its_writer_saw_convicts),
      cmocka_unit_test(every_bit_of_that_counts_too),
      cmocka_unit_test(a_forged_part_convicts_nobody),
      cmocka_unit_test(the_line_of_a_mistake_is_named),
      cmocka_unit_test(a_witness_cannot_be_convicted_as_a_log),
      cmocka_unit_test(a_full_buffer_leaves_nothing_behind),
  };
  return sodium_init() < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
