/* The signer as the real process it is: what it signs, what it refuses, and what it remembers whatever
 * happens to it. */
#include "tests/broker/rig.h"

#include "audit/signing.h"
#include "broker/signer/memory.h"
#include "keys/secret.h"
#include "os/file.h"
#include "proto/merkle.h"

#include <signal.h>
#include <sodium.h>
#include <sys/resource.h>
#include <unistd.h>

#define ORIGIN "sahel.example/hub-1-log"

/* A hub's core that remembers its leaves, and the log key's owner. */
struct story {
  char *folder;
  struct secret_key *key;
  struct signer_brief brief;
  struct hash leaf[64];
};

static struct story tell(void)
{
  struct story s = {.folder = kit_folder()};
  uint8_t seed[32];
  assert_true(sodium_init() >= 0);
  randombytes_buf(seed, sizeof seed);
  assert_int_equal(secret_key_from(KEY_HUB_LOG, ORIGIN, slice_of(seed, sizeof seed), &s.key), TG_OK);
  snprintf(s.brief.folder, sizeof s.brief.folder, "%s", s.folder);
  snprintf(s.brief.key_name, sizeof s.brief.key_name, "%s", ORIGIN);
  memcpy(s.brief.key, seed, sizeof seed);
  for (size_t i = 0; i < 64; i++)
    s.leaf[i] = merkle_leaf(slice_of(&i, sizeof i));
  return s;
}

static void close_book(struct story *s)
{
  secret_key_free(s->key);
  kit_remove(s->folder);
}

static struct rig *start(struct story *s)
{
  return rig_start("signer", "core", &s->brief, sizeof s->brief, MESSAGE_SIGNER_LIMITS);
}

/* The same where nothing is remembered, as a core that has no log either. */
static struct rig *start_new(struct story *s)
{
  struct rig *rig = start(s);
  assert_int_equal(rig_expect(rig, MESSAGE_EMPTY).n, 0);
  rig_say(rig, MESSAGE_BEGIN, slice_of(NULL, 0));
  assert_int_equal(rig_expect(rig, MESSAGE_NOTE).n, 0);
  return rig;
}

static enum tg_err fetch(void *from, unsigned level, uint64_t index, struct hash *ret)
{
  const struct story *s = from;
  *ret = merkle_root(&s->leaf[index << level], (size_t)1 << level);
  return TG_OK;
}

/* Asks for the extension from `old` to `size` leaves, honestly proved. */
static void ask(struct story *s, struct rig *rig, uint64_t old, uint64_t size)
{
  struct merkle_path path = {.n = 0};
  struct buf b = buf_new(8192);
  if (old <= size)
    assert_int_equal(merkle_consistency(old, size, fetch, s, &path), TG_OK);
  const struct signing_request r = {.old_size = old,
                                    .new_size = size,
                                    .new_root = merkle_root(s->leaf, size),
                                    .path = merkle_path_slice(&path)};
  signing_request_print(&r, &b);
  rig_say(rig, MESSAGE_SIGN, buf_slice(&b));
  buf_free(&b);
}

/* The answer is a note of this log that says `size`, and the state on the disk says no less. */
static void expect_signed(struct story *s, struct rig *rig, uint64_t size)
{
  struct slice note = rig_expect(rig, MESSAGE_NOTE);
  struct note_key key;
  struct checkpoint checkpoint;
  struct tg_why why = {.err = TG_OK};
  assert_int_equal(secret_key_note_key(s->key, &key), TG_OK);
  assert_int_equal(checkpoint_open(note, &key, &checkpoint, NULL, &why), TG_OK);
  struct hash root = merkle_root(s->leaf, size);
  assert_int_equal(checkpoint.size, size);
  assert_true(hash_eq(&checkpoint.root, &root));
}

static struct signing_state on_disk(const struct story *s)
{
  struct signing_state state;
  struct memory *memory = NULL;
  assert_int_equal(memory_open(kit_path(s->folder, "state"), &memory, &state, NULL), TG_OK);
  memory_free(memory);
  return state;
}

/* The state file's bytes, as a copy of the disk would have them. */
static struct buf image(const struct story *s)
{
  struct buf bytes = buf_new(MEMORY_BYTES);
  assert_int_equal(file_read(kit_path(s->folder, "state"), MEMORY_BYTES, &bytes, NULL), TG_OK);
  return bytes;
}

static void put_back(const struct story *s, const struct buf *bytes)
{
  assert_int_equal(file_write(kit_path(s->folder, "state"), buf_slice(bytes), 0600, NULL), TG_OK);
}

static void a_new_log_begins_when_told_and_grows(void **unused)
{
  (void)unused;
  struct story s = tell();
  struct rig *rig = start_new(&s);
  rig_expect_ready(rig);
  assert_int_equal(on_disk(&s).size, 0);
  static const uint64_t sizes[] = {0, 1, 2, 7, 8, 9, 33};
  for (size_t i = 1; i < sizeof sizes / sizeof *sizes; i++) {
    ask(&s, rig, sizes[i - 1], sizes[i]);
    expect_signed(&s, rig, sizes[i]);
    assert_int_equal(on_disk(&s).size, sizes[i]);
  }
  rig_stop(rig);
  close_book(&s);
}

/* Its state may be lost: then whatever it signed first might be a second history. */
static void who_remembers_nothing_signs_nothing(void **unused)
{
  (void)unused;
  struct story s = tell();
  struct rig *rig;
  for (unsigned life = 0; life < 2; life++) { /* a start leaves nothing that the next would take for a memory */
    rig = start(&s);
    assert_int_equal(rig_expect(rig, MESSAGE_EMPTY).n, 0);
    ask(&s, rig, 0, 5);
    assert_true(rig_expect(rig, MESSAGE_REFUSED).n > 0);
    rig_kill(rig);
    assert_int_equal(access(kit_path(s.folder, "state"), F_OK), -1);
  }
  /* Killed before anything was signed, it needs not be told again; and whoever remembers is not told to begin. */
  rig_kill(start_new(&s));
  rig = start(&s);
  assert_int_equal(rig_expect(rig, MESSAGE_NOTE).n, 0);
  ask(&s, rig, 0, 5);
  expect_signed(&s, rig, 5);
  rig_say(rig, MESSAGE_BEGIN, slice_of(NULL, 0));
  assert_true(rig_expect(rig, MESSAGE_REFUSED).n > 0);
  assert_int_equal(on_disk(&s).size, 5);
  rig_stop(rig);
  close_book(&s);
}

static void it_remembers_through_kills(void **unused)
{
  (void)unused;
  struct story s = tell();
  struct rig *rig = start_new(&s);
  ask(&s, rig, 0, 5);
  expect_signed(&s, rig, 5);
  rig_kill(rig);
  rig = start(&s);
  expect_signed(&s, rig, 5); /* its greeting */
  ask(&s, rig, 0, 5);        /* the core had not read the answer */
  expect_signed(&s, rig, 5);
  ask(&s, rig, 5, 6);
  expect_signed(&s, rig, 6);
  rig_stop(rig);
  close_book(&s);
}

static void it_refuses_rollbacks_and_forks_and_goes_on(void **unused)
{
  (void)unused;
  struct story s = tell();
  struct rig *rig = start_new(&s);
  ask(&s, rig, 0, 20);
  expect_signed(&s, rig, 20);
  ask(&s, rig, 10, 12); /* smaller: set back */
  assert_true(rig_expect(rig, MESSAGE_REFUSED).n > 0);
  ask(&s, rig, 10, 30); /* the core does not know the last one */
  assert_true(rig_expect(rig, MESSAGE_REFUSED).n > 0);
  struct hash honest = s.leaf[3];
  s.leaf[3] = s.leaf[4]; /* another history */
  ask(&s, rig, 20, 20);
  assert_true(rig_expect(rig, MESSAGE_REFUSED).n > 0);
  ask(&s, rig, 20, 30);
  assert_true(rig_expect(rig, MESSAGE_REFUSED).n > 0);
  s.leaf[3] = honest;
  rig_say(rig, MESSAGE_SIGN, slice_str("no request at all"));
  assert_true(rig_expect(rig, MESSAGE_REFUSED).n > 0);
  assert_int_equal(on_disk(&s).size, 20);
  ask(&s, rig, 20, 30);
  expect_signed(&s, rig, 30);
  rig_stop(rig);
  close_book(&s);
}

/* While the signer may be writing. */
static bool keeps(const struct story *s, uint64_t size)
{
  struct signing_state state = {.size = 0};
  struct memory *memory = NULL;
  enum tg_err err = memory_open(kit_path(s->folder, "state"), &memory, &state, NULL);
  memory_free(memory);
  return err == TG_OK && state.size == size;
}

/* Killed after the state was kept and before anybody heard the answer: it is bound by what it kept. */
static void killed_between_keeping_and_answering_it_is_bound(void **unused)
{
  (void)unused;
  struct story s = tell();
  for (uint64_t size = 4; size < 8; size++) {
    struct rig *rig = size == 4 ? start_new(&s) : start(&s);
    if (size > 4)
      rig_expect(rig, MESSAGE_NOTE); /* its greeting */
    ask(&s, rig, size == 4 ? 0 : size - 1, size);
    KIT_UNTIL(rig->loop, keeps(&s, size));
    rig_kill(rig);
    rig = start(&s);
    expect_signed(&s, rig, size);
    struct hash honest = s.leaf[size - 1];
    s.leaf[size - 1] = s.leaf[40]; /* the core comes back with another history of the same length */
    ask(&s, rig, size == 4 ? 0 : size - 1, size);
    assert_true(rig_expect(rig, MESSAGE_REFUSED).n > 0);
    s.leaf[size - 1] = honest;
    ask(&s, rig, size == 4 ? 0 : size - 1, size);
    expect_signed(&s, rig, size);
    rig_stop(rig);
  }
  close_book(&s);
}

/* An honest proof for a tree that is not the one to be signed, a bit turned, a hash missing, another size. (A size that asks for the same path
   cannot be told apart by any such proof; the root binds what stands in the log, and no honest tree would extend it.) */
static void a_root_that_the_proof_does_not_show_is_refused(void **unused)
{
  (void)unused;
  struct story s = tell();
  struct rig *rig = start_new(&s);
  struct merkle_path path = {.n = 0};
  ask(&s, rig, 0, 11);
  expect_signed(&s, rig, 11);
  assert_int_equal(merkle_consistency(11, 29, fetch, &s, &path), TG_OK);
  for (unsigned lie = 0; lie < 4; lie++) {
    struct buf b = buf_new(8192);
    struct signing_request r = {.old_size = 11, .new_size = 29, .new_root = merkle_root(s.leaf, 29), .path = merkle_path_slice(&path)};
    if (lie == 0)
      r.new_root.b[31] ^= 1;
    if (lie == 1)
      path.hash[path.n - 1].b[0] ^= 0x80;
    if (lie == 2)
      r.path.n -= 32;
    if (lie == 3)
      r.new_size = 40;
    signing_request_print(&r, &b);
    rig_say(rig, MESSAGE_SIGN, buf_slice(&b));
    assert_true(rig_expect(rig, MESSAGE_REFUSED).n > 0);
    if (lie == 1)
      path.hash[path.n - 1].b[0] ^= 0x80;
    buf_free(&b);
  }
  assert_int_equal(on_disk(&s).size, 11);
  ask(&s, rig, 11, 29);
  expect_signed(&s, rig, 29);
  rig_stop(rig);
  close_book(&s);
}

static void an_older_state_put_back_signs_nothing_new(void **unused)
{
  (void)unused;
  struct story s = tell();
  struct rig *rig = start_new(&s);
  ask(&s, rig, 0, 3);
  expect_signed(&s, rig, 3);
  struct buf old = image(&s);
  ask(&s, rig, 3, 9);
  expect_signed(&s, rig, 9);
  rig_stop(rig);
  put_back(&s, &old);
  rig = start(&s);
  expect_signed(&s, rig, 3);
  ask(&s, rig, 9, 12);
  assert_true(rig_expect(rig, MESSAGE_REFUSED).n > 0);
  assert_int_equal(on_disk(&s).size, 3);
  rig_stop(rig);
  buf_free(&old);
  close_book(&s);
}

static void what_cannot_be_kept_is_not_signed(void **unused)
{
  (void)unused;
  struct story s = tell();
  char *away;
  assert_true(asprintf(&away, "%s-away", s.folder) > 0);
  struct rig *rig = start_new(&s);
  ask(&s, rig, 0, 4);
  expect_signed(&s, rig, 4);
  assert_int_equal(rename(s.folder, away), 0);
  ask(&s, rig, 4, 5);
  assert_true(rig_expect(rig, MESSAGE_REFUSED).n > 0);
  assert_int_equal(rename(away, s.folder), 0);
  ask(&s, rig, 4, 5);
  expect_signed(&s, rig, 5);
  rig_stop(rig);
  free(away);
  close_book(&s);
}

/* An image restored under a running signer: what it would write from now on is written to nothing. */
static void a_state_replaced_while_it_runs_stops_it(void **unused)
{
  (void)unused;
  struct story s = tell();
  struct rig *rig = start_new(&s);
  ask(&s, rig, 0, 3);
  expect_signed(&s, rig, 3);
  struct buf old = image(&s);
  put_back(&s, &old);
  ask(&s, rig, 3, 4);
  assert_true(rig_expect(rig, MESSAGE_REFUSED).n > 0);
  assert_int_equal(unlink(kit_path(s.folder, "state")), 0);
  ask(&s, rig, 3, 4);
  assert_true(rig_expect(rig, MESSAGE_REFUSED).n > 0);
  rig_stop(rig);
  buf_free(&old);
  close_book(&s);
}

/* Power fails while a state is written: the sector holds what it held before. */
static void a_write_that_did_not_happen_loses_nothing_that_was_signed(void **unused)
{
  (void)unused;
  struct story s = tell();
  struct rig *rig = start_new(&s);
  for (uint64_t size = 0; size < 6; size++) {
    struct buf before = image(&s);
    ask(&s, rig, size, size + 1);
    expect_signed(&s, rig, size + 1);
    struct buf after = image(&s);
    /* one slot only was touched, and it is not the one that held the last state */
    size_t half = MEMORY_BYTES / 2, changed = memcmp(before.p, after.p, half) == 0;
    assert_memory_equal(before.p + !changed * half, after.p + !changed * half, half);
    assert_memory_not_equal(before.p + changed * half, after.p + changed * half, half);
    assert_int_equal(changed, size % 2 == 0);
    buf_free(&before);
    buf_free(&after);
  }
  rig_stop(rig);
  close_book(&s);
}

/* What the disk says after an error is not to be believed: only a new start reads what is there. */
static void after_an_error_of_the_disk_nothing_more_is_kept(void **unused)
{
  (void)unused;
  char *folder = kit_folder();
  struct memory *memory;
  struct signing_state state, there;
  struct rlimit was, none;
  assert_int_equal(signing_begin(slice_str("sahel.example/hub-1-log"), &state), TG_OK);
  assert_int_equal(memory_make(kit_path(folder, "state"), &state, &memory, NULL), TG_OK);
  state.size = 1;
  state.root.b[0] ^= 1;
  assert_int_equal(getrlimit(RLIMIT_FSIZE, &was), 0);
  none = was;
  none.rlim_cur = 1;
  signal(SIGXFSZ, SIG_IGN);
  assert_int_equal(setrlimit(RLIMIT_FSIZE, &none), 0);
  assert_int_equal(memory_keep(memory, &state, NULL), TG_DISK);
  assert_int_equal(setrlimit(RLIMIT_FSIZE, &was), 0);
  assert_int_equal(memory_keep(memory, &state, NULL), TG_DISK);
  memory_free(memory);
  assert_int_equal(memory_open(kit_path(folder, "state"), &memory, &there, NULL), TG_OK);
  assert_int_equal(there.size, 0);
  assert_int_equal(memory_keep(memory, &state, NULL), TG_OK);
  memory_free(memory);
  kit_remove(folder);
}

static void a_damaged_state_is_not_guessed_at(void **unused)
{
  (void)unused;
  struct story s = tell();
  struct rig *rig = start_new(&s);
  ask(&s, rig, 0, 1);
  expect_signed(&s, rig, 1);
  rig_stop(rig);
  struct buf whole = image(&s);
  static const size_t places[] = {60, MEMORY_BYTES / 2 - 1, MEMORY_BYTES / 2 + 60, MEMORY_BYTES - 1};
  for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
    whole.p[places[i]] ^= 1;
    put_back(&s, &whole);
    assert_int_equal(rig_end(start(&s)), 3);
    whole.p[places[i]] ^= 1;
  }
  for (size_t n = 0; n < MEMORY_BYTES; n += 1365) { /* cut short */
    const struct buf part = {.p = whole.p, .n = n, .cap = n, .max = n};
    put_back(&s, &part);
    assert_int_equal(rig_end(start(&s)), 3);
  }
  memset(whole.p + MEMORY_BYTES / 2, 0, MEMORY_BYTES / 2); /* the newer half lost: the older is no substitute */
  put_back(&s, &whole);
  assert_int_equal(rig_end(start(&s)), 3);
  memset(whole.p, 0, MEMORY_BYTES); /* a file that lost all it held is no log that begins */
  put_back(&s, &whole);
  assert_int_equal(rig_end(start(&s)), 3);
  buf_free(&whole);
  close_book(&s);
}

static void two_histories_in_one_file_are_refused(void **unused)
{
  (void)unused;
  struct story s = tell();
  struct rig *rig = start_new(&s);
  ask(&s, rig, 0, 3);
  expect_signed(&s, rig, 3);
  rig_stop(rig);
  struct buf first = image(&s);
  assert_int_equal(unlink(kit_path(s.folder, "state")), 0);
  s.leaf[1] = s.leaf[2];
  rig = start_new(&s);
  ask(&s, rig, 0, 3);
  expect_signed(&s, rig, 3);
  rig_stop(rig);
  struct buf second = image(&s);
  memcpy(first.p, second.p + MEMORY_BYTES / 2, MEMORY_BYTES / 2);
  put_back(&s, &first);
  assert_int_equal(rig_end(start(&s)), 3);
  buf_free(&first);
  buf_free(&second);
  close_book(&s);
}

static void the_state_of_another_log_is_refused(void **unused)
{
  (void)unused;
  struct story s = tell();
  struct rig *rig = start_new(&s);
  rig_stop(rig);
  snprintf(s.brief.key_name, sizeof s.brief.key_name, "other.example/log");
  assert_int_equal(rig_end(start(&s)), 3);
  close_book(&s);
}

static void two_signers_never_share_a_folder(void **unused)
{
  (void)unused;
  struct story s = tell();
  struct rig *first = start_new(&s);
  assert_int_equal(rig_end(start(&s)), 4);
  rig_stop(first);
  close_book(&s);
}

int main(int argc, char **argv)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_new_log_begins_when_told_and_grows),
      cmocka_unit_test(who_remembers_nothing_signs_nothing),
      cmocka_unit_test(it_remembers_through_kills),
      cmocka_unit_test(killed_between_keeping_and_answering_it_is_bound),
      cmocka_unit_test(a_root_that_the_proof_does_not_show_is_refused),
      cmocka_unit_test(it_refuses_rollbacks_and_forks_and_goes_on),
      cmocka_unit_test(an_older_state_put_back_signs_nothing_new),
      cmocka_unit_test(what_cannot_be_kept_is_not_signed),
      cmocka_unit_test(a_state_replaced_while_it_runs_stops_it),
      cmocka_unit_test(a_write_that_did_not_happen_loses_nothing_that_was_signed),
      cmocka_unit_test(after_an_error_of_the_disk_nothing_more_is_kept),
      cmocka_unit_test(a_damaged_state_is_not_guessed_at),
      cmocka_unit_test(two_histories_in_one_file_are_refused),
      cmocka_unit_test(the_state_of_another_log_is_refused),
      cmocka_unit_test(two_signers_never_share_a_folder),
  };
  return rig_main(argc, argv, tests, sizeof tests / sizeof *tests);
}
