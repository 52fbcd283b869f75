/* The signer's conscience: forward along one history, and never along two, whoever restores what. */
#include "audit/signing.h"
#include "tests/audit/kit.h"

static const char NAME[] = "log.example/a";

static struct signing_state begun(void)
{
  struct signing_state s;
  assert_int_equal(signing_begin(slice_str(NAME), &s), TG_OK);
  return s;
}

/* What a core that believes old_size was signed last asks for, to get `log` at `size` signed. */
static enum tg_err ask(const struct signing_state *last, uint64_t old_size, struct kit_log *log,
                       uint64_t size, struct signing_state *ret)
{
  struct merkle_path path = {.n = 0};
  struct signing_request r = {
      .old_size = old_size, .new_size = size, .new_root = kit_checkpoint(log, size).root};
  if (old_size <= size)
    path = kit_consistency(log, old_size, size);
  r.path = merkle_path_slice(&path);
  return signing_advance(last, &r, KIT_NOW, ret, NULL);
}

static void it_signs_a_log_that_grows(void **state)
{
  (void)state;
  struct kit_log *log = kit_log_new(NAME, 40);
  struct signing_state s = begun();
  for (uint64_t size = 0; size <= 40; size += 1 + size % 3) {
    assert_int_equal(ask(&s, s.size, log, size, &s), TG_OK);
    struct checkpoint c = signing_checkpoint(&s), want = kit_checkpoint(log, size), read;
    struct buf note = buf_new(CHECKPOINT_BYTES_MAX);
    assert_true(c.size == size && hash_eq(&c.root, &want.root));
    assert_int_equal(checkpoint_sign(&c, log->key, &note, NULL), TG_OK);
    assert_int_equal(checkpoint_open(buf_slice(&note), &log->vkey, &read, NULL, NULL), TG_OK);
    buf_free(&note);
  }
  kit_log_free(log);
}

/* The core may have stopped before it read the answer; it asks again, perhaps from what it believed before.
 */
static void the_same_again_changes_nothing(void **state)
{
  (void)state;
  struct kit_log *log = kit_log_new(NAME, 9);
  struct signing_state s = begun(), again;
  assert_int_equal(ask(&s, 0, log, 9, &s), TG_OK);
  s.time = 5;
  assert_int_equal(ask(&s, 0, log, 9, &again), TG_OK);
  assert_memory_equal(&s, &again, sizeof s);
  assert_int_equal(ask(&s, 4, log, 9, &again), TG_OK);
  assert_memory_equal(&s, &again, sizeof s);
  kit_log_free(log);
}

/* The core's store was restored from an older copy: it would write another history from there. */
static void a_core_set_back_gets_no_signature(void **state)
{
  (void)state;
  struct kit_log *log = kit_log_new(NAME, 40), *fork = kit_log_fork(log, 10, 40);
  struct signing_state s = begun(), next = {.time = 3};
  assert_int_equal(ask(&s, 0, log, 20, &s), TG_OK);
  for (uint64_t size = 0; size <= 40; size++) {
    enum tg_err want = size < 20 ? TG_STALE : size == 20 ? TG_CONFLICT : TG_STALE;
    assert_int_equal(ask(&s, 10, fork, size, &next), want);
    if (size > 20) /* it learnt the number, but not the history */
      assert_int_equal(ask(&s, 20, fork, size, &next), TG_BAD_PROOF);
  }
  assert_int_equal(next.time, 3);
  kit_log_free(fork);
  kit_log_free(log);
}

/* The signer's own state was restored from an older copy, while the core goes on: nothing is signed, and it
   is said who is old. Were core and signer both restored, no process here could know: that is what witnesses
   are for (witness_test). */
static void a_signer_set_back_signs_nothing(void **state)
{
  (void)state;
  struct kit_log *log = kit_log_new(NAME, 40);
  struct signing_state old = begun(), s, next;
  struct tg_why why;
  assert_int_equal(ask(&old, 0, log, 10, &old), TG_OK);
  assert_int_equal(ask(&old, 10, log, 20, &s), TG_OK);
  struct merkle_path path = kit_consistency(log, 20, 30);
  struct signing_request r = {.old_size = 20,
                              .new_size = 30,
                              .new_root = kit_checkpoint(log, 30).root,
                              .path = merkle_path_slice(&path)};
  assert_int_equal(signing_advance(&old, &r, KIT_NOW, &next, &why), TG_STALE);
  assert_non_null(strstr(why.what, "old copy"));
  assert_int_equal(signing_advance(&s, &r, KIT_NOW, &next, &why), TG_OK);
  kit_log_free(log);
}

static void every_bit_of_a_request_counts(void **state)
{
  (void)state;
  struct kit_log *log = kit_log_new(NAME, 21);
  struct signing_state s = begun(), next;
  assert_int_equal(ask(&s, 0, log, 11, &s), TG_OK);
  struct merkle_path path = kit_consistency(log, 11, 21);
  struct signing_request r = {.old_size = 11,
                              .new_size = 21,
                              .new_root = kit_checkpoint(log, 21).root,
                              .path = merkle_path_slice(&path)};
  struct buf bytes = buf_new(4096);
  signing_request_print(&r, &bytes);
  for (size_t bit = 0; bit < 8 * bytes.n; bit++) {
    bytes.p[bit / 8] ^= (uint8_t)(1 << bit % 8);
    struct signing_request read;
    if (signing_request_parse(buf_slice(&bytes), &read) == TG_OK) {
      enum tg_err err = signing_advance(&s, &read, KIT_NOW, &next, NULL);
      /* A size is signed together with its root and proven only in part by the path (RFC 9162): a lying core
         can state one that fits the path's shape. It must still not reach a size or root signed before. */
      if (err == TG_OK)
        assert_true(next.size > s.size && hash_eq(&next.root, &r.new_root));
    }
    bytes.p[bit / 8] ^= (uint8_t)(1 << bit % 8);
  }
  for (size_t n = 0; n < bytes.n; n++) {
    struct signing_request read;
    if (signing_request_parse(slice_of(bytes.p, n), &read) == TG_OK)
      assert_int_equal(signing_advance(&s, &read, KIT_NOW, &next, NULL), TG_BAD_PROOF);
  }
  buf_free(&bytes);
  kit_log_free(log);
}

static void sizes_beyond_any_log_are_refused(void **state)
{
  (void)state;
  struct signing_state s = begun(), next;
  struct signing_request r = {.new_size = MERKLE_SIZE_MAX + 1};
  assert_int_equal(signing_advance(&s, &r, KIT_NOW, &next, NULL), TG_BAD_INPUT);
  r.new_size = UINT64_MAX, r.old_size = UINT64_MAX;
  assert_int_equal(signing_advance(&s, &r, KIT_NOW, &next, NULL), TG_BAD_INPUT);
  r.new_size = 0, r.old_size = 0; /* the empty tree with the root of zeros */
  assert_int_equal(signing_advance(&s, &r, KIT_NOW, &next, NULL), TG_CONFLICT);
}

static void a_state_reads_back(void **state)
{
  (void)state;
  struct kit_log *log = kit_log_new(NAME, 9);
  struct signing_state s = begun(), read;
  for (int i = 0; i < 2; i++) {
    struct buf text = buf_new(SIGNING_STATE_MAX);
    assert_int_equal(signing_print(&s, &text), TG_OK);
    assert_int_equal(signing_parse(buf_slice(&text), NULL, &read, NULL), TG_OK);
    assert_memory_equal(&s, &read, sizeof s);
    buf_free(&text);
    assert_int_equal(ask(&s, 0, log, 9, &s), TG_OK);
  }
  kit_log_free(log);
}

/* A torn write, a bad sector, an edit by hand: refused, never guessed at. */
static void a_damaged_state_is_refused(void **state)
{
  (void)state;
  struct signing_state s = begun(), read;
  struct buf text = buf_new(SIGNING_STATE_MAX);
  struct tg_why why;
  assert_int_equal(signing_print(&s, &text), TG_OK);
  for (size_t bit = 0; bit < 8 * text.n; bit++) {
    text.p[bit / 8] ^= (uint8_t)(1 << bit % 8);
    assert_int_equal(signing_parse(buf_slice(&text), "signer.state", &read, &why), TG_BAD_INPUT);
    assert_true(strncmp(why.where, "signer.state:", 13) == 0);
    text.p[bit / 8] ^= (uint8_t)(1 << bit % 8);
  }
  for (size_t n = 0; n < text.n; n++)
    assert_int_equal(signing_parse(slice_of(text.p, n), NULL, &read, NULL), TG_BAD_INPUT);
  buf_put_u8(&text, '\n');
  assert_int_equal(signing_parse(buf_slice(&text), NULL, &read, NULL), TG_BAD_INPUT);
  uint8_t much[SIGNING_STATE_MAX + 1] = {0};
  assert_int_equal(signing_parse(slice_of(much, sizeof much), NULL, &read, NULL), TG_TOO_BIG);
  struct signing_state none = begun(); /* nothing was signed yet, and yet there is a root of something */
  none.root.b[0] ^= 1;
  buf_clear(&text);
  assert_int_equal(signing_print(&none, &text), TG_OK);
  assert_int_equal(signing_parse(buf_slice(&text), NULL, &read, NULL), TG_BAD_INPUT);
  buf_free(&text);
}

static void a_log_has_a_key_name(void **state)
{
  (void)state;
  struct signing_state s;
  char name[NOTE_NAME_MAX + 2];
  memset(name, 'a', sizeof name);
  assert_int_equal(signing_begin(slice_str(""), &s), TG_BAD_INPUT);
  assert_int_equal(signing_begin(slice_str("a b"), &s), TG_BAD_INPUT);
  assert_int_equal(signing_begin(slice_str("a+b"), &s), TG_BAD_INPUT);
  assert_int_equal(signing_begin(slice_of(name, NOTE_NAME_MAX + 1), &s), TG_BAD_INPUT);
  assert_int_equal(signing_begin(slice_of(name, NOTE_NAME_MAX), &s), TG_OK);
  struct buf text = buf_new(SIGNING_STATE_MAX);
  s.size = MERKLE_SIZE_MAX, s.time = INT64_C(253402300799999);
  assert_int_equal(signing_print(&s, &text), TG_OK); /* the longest state fits */
  buf_free(&text);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(it_signs_a_log_that_grows),
      cmocka_unit_test(the_same_again_changes_nothing),
      cmocka_unit_test(a_core_set_back_gets_no_signature),
      cmocka_unit_test(a_signer_set_back_signs_nothing),
      cmocka_unit_test(every_bit_of_a_request_counts),
      cmocka_unit_test(sizes_beyond_any_log_are_refused),
      cmocka_unit_test(a_state_reads_back),
      cmocka_unit_test(a_damaged_state_is_refused),
      cmocka_unit_test(a_log_has_a_key_name),
  };
  return sodium_init() < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
