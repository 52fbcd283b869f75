/* A hub's store in which one bit turned over: whichever it is, it is told, by the name of its file, or it changes nothing of what the
   store says. Pages, the log and the signer's state are gone through bit by bit always. To open the whole store for each bit takes long: some of
   them are drawn (TOGUNA_SEED), and all are done when the test is told --every. */
#include "tests/broker/stage.h"

#include "broker/signer/memory.h"
#include "broker/store_body.h"
#include "broker/store_schema.h"
#include "os/db.h"
#include "os/file.h"
#include "os/pagesum.h"
#include "tests/sim/disk.h"

#include <fcntl.h>
#include <setjmp.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

enum { ML, BF, NE, LARGE = 300000, TABLES = 64, OPENED = 800 };

static bool every;

struct flips {
  struct stage *s;
  struct random r;
  struct disk *d;
  char *select[TABLES]; /* one for each table; they live on, for their addresses are keys */
  size_t n_select;
  struct hash large, says;
  uint64_t told, harmless;
};

/* ---- a small hub that has seen something of everything */

static void serve(struct actor *a, const struct sealed *b, size_t n)
{
  for (size_t sent = 0; a->want_chunk < a->want_end && sent < n; stage_settle(a->stage))
    for (; a->want_chunk < a->want_end && sent < n; sent++)
      actor_chunk(a, b, a->want_chunk++);
}

/* Delivered and not, refused, large, half there, recalled. */
static void live(struct flips *f)
{
  static uint8_t content[LARGE];
  struct actor *ml = &f->s->actor[ML], *bf = &f->s->actor[BF];
  const struct story large = {.to = "BF", .content = slice_of(content, LARGE), .apart = true};
  struct hash first = actor_publish(ml, (struct story){.to = "BF"});
  actor_publish(bf, (struct story){.to = "ML", .wraps = "NE"});
  stage_settle(f->s);
  actor_receive(bf, 0, RECEIPT_STORED);
  actor_publish(ml, (struct story){.to = "NE", .precedence = PRECEDENCE_FLASH});
  actor_publish(ml, (struct story){.to = "BF", .kind = KIND_RECALL, .supersedes = first});
  struct sealed whole = actor_seal(ml, large);
  actor_submit(ml, &whole);
  stage_settle(f->s);
  serve(ml, &whole, SIZE_MAX);
  f->large = whole.id;
  struct sealed half = actor_seal(ml, large);
  actor_submit(ml, &half);
  stage_settle(f->s);
  serve(ml, &half, 2);
  body_drop(&whole.body);
  body_drop(&half.body);
}

/* ---- what a store says */

static struct db_options options(const struct flips *f)
{
  return (struct db_options){.path = "/hub.db",
                             .vfs = disk_vfs(f->d),
                             .application_id = STORE_APPLICATION_ID,
                             .migrations = STORE_MIGRATIONS,
                             .n_migrations = STORE_MIGRATION_COUNT};
}

static enum tg_err say_rows(struct db *db, const char *sql, struct buf *out)
{
  struct db_stmt *s = db_stmt(db, sql);
  for (bool row = true; row;) {
    enum tg_err err = db_step(s, &row);
    if (err)
      return err;
    if (row)
      buf_put_slice(out, db_blob(s, 0));
  }
  return TG_OK;
}

/* Every row of every table, the tables themselves, and that indexes agree with them. */
static enum tg_err say(const struct flips *f, struct hash *ret, struct tg_why *why)
{
  struct db *db = NULL;
  struct buf out = buf_new(16 << 20);
  const struct db_options o = options(f);
  enum tg_err err = db_open(&o, &db, why);
  for (size_t i = 0; !err && i < f->n_select; i++)
    err = db_explain(db, say_rows(db, f->select[i], &out), why);
  if (!err)
    err = db_check(db, why);
  assert_int_equal(buf_status(&out), TG_OK);
  crypto_hash_sha256(ret->b, out.p, out.n);
  buf_free(&out);
  db_close(&db);
  return err;
}

/* All columns of a row as one text. */
static void add_table(struct flips *f, struct db *db, const char *table)
{
  char list[2048] = "";
  struct db_stmt *s = db_stmt(db, "SELECT name FROM pragma_table_info(?1)");
  db_bind_text(s, 1, slice_str(table));
  for (bool row = true; !db_step(s, &row) && row;)
    snprintf(list + strlen(list), sizeof list - strlen(list), "%squote(\"%.*s\")", *list ? "||','||" : "", (int)db_text(s, 0).n,
             (const char *)db_text(s, 0).p);
  assert_true(f->n_select < TABLES);
  assert_true(asprintf(&f->select[f->n_select++], "SELECT %s FROM \"%s\"", list, table) > 0);
}

static void read_tables(struct flips *f)
{
  struct db *db = NULL;
  char name[TABLES][64];
  size_t n = 0;
  const struct db_options o = options(f);
  assert_int_equal(db_open(&o, &db, NULL), TG_OK);
  struct db_stmt *s = db_stmt(db, "SELECT name FROM sqlite_schema WHERE type = 'table'");
  for (bool row = true; !db_step(s, &row) && row;)
    snprintf(name[n++], sizeof *name, "%.*s", (int)db_text(s, 0).n, (const char *)db_text(s, 0).p);
  add_table(f, db, "sqlite_schema");
  for (size_t i = 0; i < n; i++)
    add_table(f, db, name[i]);
  db_close(&db);
  assert_true(f->n_select > 20);
}

/* ---- one bit */

static void flip(struct flips *f, const struct disk_image *image, const char *name, uint64_t bit)
{
  struct tg_why why = {.err = TG_OK};
  struct hash says;
  assert_true(disk_flip(f->d, name, bit));
  enum tg_err err = say(f, &says, &why);
  if (!err && !hash_eq(&says, &f->says))
    fail_msg("bit %llu of %s changes what the store says, and nobody noticed", (unsigned long long)bit, name);
  if (err && !strstr(why.where, "hub.db"))
    fail_msg("bit %llu of %s: %s says '%s' but not of which file", (unsigned long long)bit, name, tg_err_name(err), why.what);
  f->told += err != TG_OK;
  f->harmless += err == TG_OK;
  if (err) {
    assert_true(disk_flip(f->d, name, bit)); /* what was refused was not written to */
  } else {
    disk_image_restore(f->d, image);
  }
}

static void flip_many(struct flips *f, const struct disk_image *image, const char *name, uint64_t from, uint64_t to)
{
  const uint64_t bits = to - from, n = every || bits < OPENED ? bits : OPENED;
  for (uint64_t i = 0; i < n; i++)
    flip(f, image, name, from + (n == bits ? i : random_below(&f->r, bits)));
}

static void flip_all_files(struct flips *f, const struct disk_image *image)
{
  const char *name;
  char names[8][64];
  size_t bytes[8], n = 0;
  for (; n < 8 && disk_file(f->d, n, &name, &bytes[n]); n++)
    snprintf(names[n], sizeof *names, "%s", name);
  for (size_t i = 0; i < n; i++) {
    const uint64_t told = f->told, harmless = f->harmless;
    flip_many(f, image, names[i], 0, 8 * (uint64_t)(bytes[i] < 100 ? bytes[i] : 100)); /* where formats keep what matters most */
    if (bytes[i] > 100)
      flip_many(f, image, names[i], 800, 8 * (uint64_t)bytes[i]);
    print_message("%s, %zu bytes: %llu flips told, %llu harmless\n", names[i], bytes[i], (unsigned long long)(f->told - told),
                  (unsigned long long)(f->harmless - harmless));
  }
}

/* ---- stories */

static struct disk_image *take_image(struct flips *f)
{
  struct tg_why why = {0};
  struct disk_image *image = disk_image(f->d);
  if (say(f, &f->says, &why))
    fail_msg("the store as it is: %s: %s", why.where, why.what);
  disk_image_restore(f->d, image);
  return image;
}

static void tell(struct flips *f, bool stopped)
{
  const char *seed = getenv("TOGUNA_SEED");
  static struct random keys; /* the same store from the same seed */
  keys = random_new(seed ? strtoull(seed, NULL, 10) : 1);
  random_drives_libsodium(&keys);
  *f = (struct flips){.s = stage_new(3, NULL), .r = random_new(random_next(&keys))};
  f->d = disk_new("flips", &f->r);
  stage_move(f->s, disk_vfs(f->d));
  live(f);
  if (!stopped) { /* most in the file, and the last of it in the log */
    assert_int_equal(stage_restart(f->s), TG_OK);
    for (size_t i = 0; i < f->s->actors; i++)
      actor_hello(&f->s->actor[i]);
    stage_settle(f->s);
    actor_publish(&f->s->actor[ML], (struct story){.to = "BF"});
    stage_settle(f->s);
  }
}

static void close_book(struct flips *f)
{
  hub_free(f->s->hub);
  f->s->hub = NULL;
  for (size_t i = 0; i < f->n_select; i++)
    free(f->select[i]);
  disk_free(f->d);
  stage_free(f->s);
}

static void a_store_of_a_hub_that_was_stopped(void **unused)
{
  (void)unused;
  struct flips f;
  tell(&f, true);
  hub_free(f.s->hub);
  f.s->hub = NULL;
  read_tables(&f);
  struct disk_image *image = take_image(&f);
  flip_all_files(&f, image);
  assert_true(f.told > 1000);
  disk_image_free(image);
  close_book(&f);
}

static void a_store_of_a_hub_that_was_killed(void **unused)
{
  (void)unused;
  struct flips f;
  tell(&f, false);
  struct disk_image *killed = disk_image_written(f.d);
  hub_free(f.s->hub);
  f.s->hub = NULL;
  read_tables(&f);
  disk_image_restore(f.d, killed);
  struct disk_image *image = take_image(&f);
  flip_all_files(&f, image);
  assert_true(f.told > 1000 && f.harmless > 0);
  disk_image_free(image);
  disk_image_free(killed);
  close_book(&f);
}

/* Commits until the log has been moved into the file twice and begun anew over what it held: what is left of the rounds before stands behind the last. */
static size_t write_over(struct flips *f)
{
  struct db *db = NULL;
  struct db_options o = options(f);
  o.checkpoint_bytes = 48 * 1024;
  assert_int_equal(db_open(&o, &db, NULL), TG_OK);
  struct db_counts counts = db_counts(db);
  const uint64_t before = counts.checkpoints;
  for (unsigned i = 0, more = 3; more; i++) {
    char value[3000];
    memset(value, 'a' + (int)(i % 26), sizeof value);
    assert_int_equal(db_begin(db, NULL), TG_OK);
    struct db_stmt *s = db_stmt(db, "INSERT OR REPLACE INTO fact(name, value) VALUES(?, ?)");
    snprintf(value, 16, "round %u", i % 7);
    db_bind_text(s, 1, slice_str(value));
    db_bind_blob(s, 2, slice_of(value, sizeof value));
    assert_int_equal(db_run(s), TG_OK);
    assert_int_equal(db_commit(db, NULL), TG_OK);
    counts = db_counts(db);
    more -= counts.checkpoints >= before + 2; /* and three into the third round */
  }
  struct disk_image *killed = disk_image_written(f->d);
  const char *name;
  size_t bytes = 0;
  for (size_t i = 0; disk_file(f->d, i, &name, &bytes) && strcmp(name, "/hub.db-wal") != 0; i++)
    bytes = 0;
  db_close(&db);
  disk_image_restore(f->d, killed);
  disk_image_free(killed);
  return bytes;
}

/* The log's file is as long as ever, and only its beginning counts. */
static void a_store_whose_log_was_written_over(void **unused)
{
  (void)unused;
  struct flips f;
  tell(&f, true);
  hub_free(f.s->hub);
  f.s->hub = NULL;
  read_tables(&f);
  const size_t log = write_over(&f);
  assert_in_range(log, 48 * 1024, 128 * 1024);
  struct disk_image *image = take_image(&f);
  flip_all_files(&f, image);
  assert_true(f.told > 1000 && f.harmless > 200);
  /* In the first frame of this round something hangs on each bit; in the last of the round before on none. */
  const uint64_t told = f.told, harmless = f.harmless;
  flip_many(&f, image, "/hub.db-wal", 8 * (uint64_t)(32 + 24 + 200), 8 * (uint64_t)(32 + 24 + 300));
  assert_int_equal(f.harmless, harmless);
  flip_many(&f, image, "/hub.db-wal", 8 * (uint64_t)(log - 1000), 8 * (uint64_t)(log - 900));
  assert_int_equal(f.harmless, harmless + 800);
  assert_int_equal(f.told, told + 800);
  disk_image_free(image);
  close_book(&f);
}

/* Each bit of each page, against its sum alone. */
static void no_page_holds_with_another_bit(void **unused)
{
  (void)unused;
  struct flips f;
  uint8_t page[PAGESUM_PAGE];
  uint64_t number = 1;
  tell(&f, true);
  hub_free(f.s->hub);
  f.s->hub = NULL;
  for (; disk_read(f.d, "/hub.db", (size_t)(number - 1) * sizeof page, page, sizeof page); number++) {
    assert_true(pagesum_holds(page, number));
    assert_false(pagesum_holds(page, number + 1));
    for (size_t bit = 0; bit < 8 * sizeof page; bit++) {
      page[bit / 8] ^= (uint8_t)(1U << bit % 8);
      if (pagesum_holds(page, number))
        fail_msg("page %llu, bit %zu", (unsigned long long)number, bit);
      page[bit / 8] ^= (uint8_t)(1U << bit % 8);
    }
  }
  assert_true(number > 30);
  close_book(&f);
}

/* Bodies stand in files of their own. */
static void a_body_in_a_file_is_the_one_that_came_or_none(void **unused)
{
  (void)unused;
  struct flips f;
  struct store *store = NULL;
  struct slice got;
  char path[256], hex[65];
  uint8_t byte;
  tell(&f, true);
  hub_free(f.s->hub);
  f.s->hub = NULL;
  const struct store_options o = {.database = "/hub.db", .bodies = f.s->bodies, .vfs = disk_vfs(f.d)};
  assert_int_equal(store_open(&o, &store, NULL), TG_OK);
  struct arena *arena = arena_new(1 << 20);
  sodium_bin2hex(hex, sizeof hex, f.large.b, 32);
  snprintf(path, sizeof path, "%s/%s-0", f.s->bodies, hex);
  int fd = open(path, O_RDWR);
  assert_true(fd >= 0);
  const off_t size = lseek(fd, 0, SEEK_END);
  assert_true(size > 4 * (off_t)BODY_SEALED);
  const uint64_t bits = 8 * (uint64_t)size, n = every ? bits : OPENED;
  for (uint64_t i = 0; i < n; i++) {
    const uint64_t bit = every ? i : random_below(&f.r, bits), chunk = bit / 8 / BODY_SEALED;
    const size_t length = (size_t)size - chunk * BODY_SEALED < BODY_SEALED ? (size_t)size - chunk * BODY_SEALED : BODY_SEALED;
    assert_int_equal(pread(fd, &byte, 1, (off_t)(bit / 8)), 1);
    for (unsigned turn = 0; turn < 2; turn++) {
      byte ^= (uint8_t)(1U << bit % 8);
      assert_int_equal(pwrite(fd, &byte, 1, (off_t)(bit / 8)), 1);
      arena_reset(arena);
      assert_int_equal(store_file_chunk(store, &f.large, 0, chunk, length, arena, &got), turn ? TG_OK : TG_CONFLICT);
    }
  }
  close(fd);
  arena_free(arena);
  store_close(&store);
  close_book(&f);
}

/* What the signer remembers: any bit, and it does not sign. */
static void the_signers_state_is_whole_or_refused(void **unused)
{
  (void)unused;
  char folder[] = "/tmp/toguna-flip-XXXXXX", path[64];
  struct signing_state state;
  struct memory *memory = NULL;
  uint8_t byte;
  assert_non_null(mkdtemp(folder));
  snprintf(path, sizeof path, "%s/state", folder);
  assert_int_equal(signing_begin(slice_str("sahel.example/hub-1-log"), &state), TG_OK);
  assert_int_equal(memory_make(path, &state, &memory, NULL), TG_OK);
  state.size = 7;
  memset(state.root.b, 0x5a, sizeof state.root.b);
  assert_int_equal(memory_keep(memory, &state, NULL), TG_OK);
  memory_free(memory);
  int fd = open(path, O_RDWR);
  for (uint64_t bit = 0; bit < 8 * MEMORY_BYTES; bit++) {
    struct tg_why why = {.err = TG_OK};
    assert_int_equal(pread(fd, &byte, 1, (off_t)(bit / 8)), 1);
    byte ^= (uint8_t)(1U << bit % 8);
    assert_int_equal(pwrite(fd, &byte, 1, (off_t)(bit / 8)), 1);
    if (memory_open(path, &memory, &state, &why) == TG_OK || !strstr(why.where, path))
      fail_msg("bit %llu of the signer's state", (unsigned long long)bit);
    byte ^= (uint8_t)(1U << bit % 8);
    assert_int_equal(pwrite(fd, &byte, 1, (off_t)(bit / 8)), 1);
  }
  close(fd);
  assert_int_equal(memory_open(path, &memory, &state, NULL), TG_OK);
  memory_free(memory);
  assert_int_equal(unlink(path), 0);
  assert_int_equal(rmdir(folder), 0);
}

int main(int argc, char **argv)
{
  every = argc > 1 && strcmp(argv[1], "--every") == 0;
  if (sodium_init() < 0)
    return 1;
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_store_of_a_hub_that_was_stopped),
      cmocka_unit_test(a_store_of_a_hub_that_was_killed),
      cmocka_unit_test(a_store_whose_log_was_written_over),
      cmocka_unit_test(no_page_holds_with_another_bit),
      cmocka_unit_test(a_body_in_a_file_is_the_one_that_came_or_none),
      cmocka_unit_test(the_signers_state_is_whole_or_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
