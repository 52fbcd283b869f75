/* Recounting a log from its files: all of it is verified, and what is wrong is named, neither more nor less.
 */
#include "audit/recount.h"
#include "tests/audit/kit.h"

static const char NAME[] = "log.example/a";

/* A folder in memory, and what a recount of it said. */
struct folder {
  size_t n;
  struct file {
    struct tile_name name;
    struct buf bytes;
    bool gone;
  } file[2000];
  size_t found;
  struct recount_finding finding[RECOUNT_TOLD_MAX];
  uint64_t progress;
};

static struct file *file_find(struct folder *f, const struct tile_name *name)
{
  for (size_t i = 0; i < f->n; i++) {
    const struct tile_name *is = &f->file[i].name;
    if (is->entries == name->entries && is->level == name->level && is->index == name->index &&
        is->width == name->width)
      return f->file[i].gone ? NULL : &f->file[i];
  }
  return NULL;
}

static enum tg_err read_file(void *context, const struct tile_name *name, struct buf *out)
{
  const struct file *file = file_find(context, name);
  if (!file)
    return TG_NOT_FOUND;
  buf_put_slice(out, buf_slice(&file->bytes));
  return buf_status(out);
}

static void found(void *context, const struct recount_finding *finding)
{
  struct folder *f = context;
  f->finding[f->found++] = *finding;
}

static void progress(void *context, uint64_t entries)
{
  struct folder *f = context;
  assert_true(entries >= f->progress);
  f->progress = entries;
}

static struct file *file_new(struct folder *f, bool entries, unsigned level, uint64_t index, unsigned width)
{
  struct file *file = &f->file[f->n++];
  assert_true(f->n <= sizeof f->file / sizeof *f->file);
  *file = (struct file){.name = {.entries = entries, .level = level, .index = index, .width = width},
                        .bytes = buf_new(2 * RECOUNT_FILE_MAX)};
  return file;
}

/* What a hub would have exported. */
static struct folder *export(struct kit_log *log)
{
  struct folder *f = calloc(1, sizeof *f);
  uint64_t size = ledger_size(log->ledger);
  assert_non_null(f);
  for (unsigned level = 0; level < TILE_LEVELS; level++)
    for (uint64_t i = 0; tile_width(size, level, i); i++) {
      struct file *file = file_new(f, false, level, i, tile_width(size, level, i));
      buf_put(&file->bytes, kit_tile(&log->tiles, level, i)->bytes, file->name.width * 32);
      if (level)
        continue;
      file = file_new(f, true, 0, i, file->name.width);
      for (unsigned k = 0; k < file->name.width; k++) {
        struct hash leaf = kit_leaf(log, i * TILE_WIDTH + k);
        tile_bundle_put(&file->bytes, &leaf);
      }
    }
  return f;
}

static void folder_free(struct folder *f)
{
  for (size_t i = 0; i < f->n; i++)
    buf_free(&f->file[i].bytes);
  free(f);
}

static enum tg_err count_again(struct folder *f, const struct checkpoint *c, struct recount_result *ret)
{
  struct recount_source source = {.context = f, .read = read_file, .found = found, .progress = progress};
  f->found = 0;
  f->progress = 0;
  return recount(c, &source, ret);
}

static void expect_one(const struct folder *f, enum recount_wrong wrong, const struct tile_name *file,
                       uint64_t at)
{
  char have[TILE_PATH_MAX], want[TILE_PATH_MAX];
  assert_int_equal(f->found, 1);
  tile_name_print(&f->finding[0].file, have);
  tile_name_print(file, want);
  assert_string_equal(have, want);
  assert_int_equal(f->finding[0].wrong, wrong);
  assert_int_equal(f->finding[0].at, at);
}

static void a_whole_log_is_verified(void **state)
{
  (void)state;
  static const uint64_t sizes[] = {0, 1, 2, 255, 256, 257, 512, 700, 65536, 66000};
  for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
    struct kit_log *log = kit_log_new(NAME, sizes[i]);
    struct folder *f = export(log);
    struct checkpoint c = kit_checkpoint(log, sizes[i]);
    struct recount_result r;
    assert_int_equal(count_again(f, &c, &r), TG_OK);
    assert_true(r.reached && r.wrong == 0 && f->found == 0);
    assert_int_equal(r.entries, sizes[i]);
    assert_int_equal(f->progress, sizes[i]);
    uint64_t tiles = 0;
    for (size_t k = 0; k < f->n; k++)
      tiles += !f->file[k].name.entries;
    assert_int_equal(r.tiles, tiles);
    folder_free(f);
    kit_log_free(log);
  }
}

/* Each file in turn is changed in its first, a middle and its last byte; exactly it is named. */
static void a_changed_byte_is_found_where_it_is(void **state)
{
  (void)state;
  struct kit_log *log = kit_log_new(NAME, 700);
  struct folder *f = export(log);
  struct checkpoint c = kit_checkpoint(log, 700);
  struct recount_result r;
  for (size_t i = 0; i < f->n; i++) {
    struct file *file = &f->file[i];
    size_t places[] = {0, file->bytes.n / 2 + 3, file->bytes.n - 1};
    for (size_t k = 0; k < 3; k++) {
      size_t at = places[k], each = file->name.entries ? 34 : 32;
      bool framing = file->name.entries && at % 34 < 2;
      file->bytes.p[at] ^= 0x10;
      assert_int_equal(count_again(f, &c, &r), TG_BAD_PROOF);
      assert_true(r.reached);
      if (file->name.entries)
        expect_one(f, framing ? RECOUNT_LENGTH : RECOUNT_ENTRY, &file->name,
                   framing ? at / each : file->name.index * TILE_WIDTH + at / each);
      else
        expect_one(f, RECOUNT_HASH, &file->name, at / each);
      file->bytes.p[at] ^= 0x10;
    }
  }
  assert_int_equal(count_again(f, &c, &r), TG_OK);
  folder_free(f);
  kit_log_free(log);
}

static void flip(struct buf *b, size_t bit)
{
  b->p[bit / 8] ^= (uint8_t)(1 << bit % 8);
}

/* Every `stride`-th bit of every file and of the checkpoint, one at a time: named with its file, or not opened. */
static void flip_all(uint64_t size, size_t stride)
{
  struct kit_log *log = kit_log_new(NAME, size);
  struct folder *f = export(log);
  struct buf note = kit_note(log, size);
  struct checkpoint c = kit_checkpoint(log, size), opened;
  struct recount_result r;
  for (size_t i = 0; i < f->n; i++)
    for (size_t bit = 0; bit < f->file[i].bytes.n * 8; bit += stride) {
      char have[TILE_PATH_MAX], want[TILE_PATH_MAX];
      flip(&f->file[i].bytes, bit);
      assert_int_equal(count_again(f, &c, &r), TG_BAD_PROOF);
      assert_int_equal(f->found, 1);
      tile_name_print(&f->finding[0].file, have);
      tile_name_print(&f->file[i].name, want);
      assert_string_equal(have, want);
      flip(&f->file[i].bytes, bit);
    }
  for (size_t bit = 0; bit < note.n * 8; bit++) {
    flip(&note, bit);
    assert_int_not_equal(checkpoint_open(buf_slice(&note), &log->vkey, &opened, NULL, NULL), TG_OK);
    flip(&note, bit);
  }
  assert_int_equal(count_again(f, &c, &r), TG_OK);
  buf_free(&note);
  folder_free(f);
  kit_log_free(log);
}

static void every_bit_of_a_small_log_counts(void **state)
{
  (void)state;
  flip_all(1, 1);
  flip_all(2, 1);
  flip_all(7, 1);
  flip_all(258, 1009); /* two levels of tiles */
}

static void a_missing_or_cut_file_is_named(void **state)
{
  (void)state;
  struct kit_log *log = kit_log_new(NAME, 700);
  struct folder *f = export(log);
  struct checkpoint c = kit_checkpoint(log, 700);
  struct recount_result r;
  for (size_t i = 0; i < f->n; i++) {
    struct file *file = &f->file[i];
    file->gone = true;
    assert_int_equal(count_again(f, &c, &r), TG_BAD_PROOF);
    expect_one(f, RECOUNT_MISSING, &file->name, 0);
    assert_true(r.reached);
    file->gone = false;
    file->bytes.n--;
    assert_int_equal(count_again(f, &c, &r), TG_BAD_PROOF);
    expect_one(f, RECOUNT_LENGTH, &file->name, 0);
    file->bytes.n++;
    size_t n = file->bytes.n;
    file->bytes.n = 0;
    assert_int_equal(count_again(f, &c, &r), TG_BAD_PROOF);
    expect_one(f, RECOUNT_LENGTH, &file->name, 0);
    file->bytes.n = n;
  }
  folder_free(f);
  kit_log_free(log);
}

/* An entry and the tile above it, changed together, but not the tile above that one: the tile is the lie. */
static void a_tile_made_to_fit_is_found(void **state)
{
  (void)state;
  struct kit_log *log = kit_log_new(NAME, 700);
  struct folder *f = export(log);
  struct checkpoint c = kit_checkpoint(log, 700);
  struct recount_result r;
  struct tile_name bundle = {.entries = true, .index = 1, .width = 256}, tile = {.index = 1, .width = 256};
  uint8_t *entry = file_find(f, &bundle)->bytes.p + 34 * 7;
  entry[10] ^= 1;
  struct hash leaf = merkle_leaf(slice_of(entry + 2, 32));
  memcpy(file_find(f, &tile)->bytes.p + 32 * 7, leaf.b, 32);
  assert_int_equal(count_again(f, &c, &r), TG_BAD_PROOF);
  expect_one(f, RECOUNT_HASH, &tile, 0);
  folder_free(f);
  kit_log_free(log);
}

/* Another history altogether, in perfect order, below a checkpoint of ours. */
static void another_history_does_not_reach_the_root(void **state)
{
  (void)state;
  struct kit_log *log = kit_log_new(NAME, 700), *fork = kit_log_fork(log, 300, 700);
  struct folder *f = export(fork);
  struct checkpoint c = kit_checkpoint(log, 700);
  struct recount_result r;
  assert_int_equal(count_again(f, &c, &r), TG_BAD_PROOF);
  assert_false(r.reached);
  assert_true(r.entries == 0 && r.tiles == 0);
  folder_free(f);
  kit_log_free(fork);
  kit_log_free(log);
}

/* Entries of one history, tiles of the other. The signed root says which are right. */
static void entries_and_tiles_of_two_histories(void **state)
{
  (void)state;
  struct kit_log *log = kit_log_new(NAME, 700), *fork = kit_log_fork(log, 690, 700);
  struct folder *f = export(log), *other = export(fork);
  struct checkpoint c = kit_checkpoint(log, 700), d = kit_checkpoint(fork, 700), e = kit_checkpoint(log, 700);
  struct recount_result r;
  e.root = kit_hash(9);
  for (size_t i = 0; i < f->n; i++)
    if (!f->file[i].name.entries) {
      struct buf swap = f->file[i].bytes;
      f->file[i].bytes = other->file[i].bytes;
      other->file[i].bytes = swap;
    }
  struct tile_name tile = {.index = 2, .width = 188};
  assert_int_equal(count_again(f, &c, &r),
                   TG_BAD_PROOF); /* the entries lead to the root: the tile is wrong */
  expect_one(f, RECOUNT_HASH, &tile, 690 - 512);
  assert_int_equal(count_again(f, &d, &r), TG_BAD_PROOF); /* the tiles do: ten entries are wrong */
  assert_int_equal(f->found, 10);
  for (size_t i = 0; i < 10; i++)
    assert_true(f->finding[i].wrong == RECOUNT_ENTRY && f->finding[i].at == 690 + i);
  assert_int_equal(r.entries, 690);
  assert_int_equal(count_again(f, &e, &r), TG_BAD_PROOF); /* neither */
  expect_one(f, RECOUNT_DIFFERS, &tile, 690 - 512);
  assert_false(r.reached);
  folder_free(other);
  folder_free(f);
  kit_log_free(fork);
  kit_log_free(log);
}

/* Files of a log that has grown on: what was partial is now the beginning of a wider file, full or not. */
static void an_older_checkpoint_is_verified_from_wider_tiles(void **state)
{
  (void)state;
  struct kit_log *log = kit_log_new(NAME, 740);
  struct folder *f = export(log);
  struct recount_result r;
  for (uint64_t size = 1; size <= 740; size += size % 3 ? 1 : 36) {
    struct checkpoint c = kit_checkpoint(log, size);
    assert_int_equal(count_again(f, &c, &r), TG_OK);
    assert_true(r.reached && r.entries == size);
  }
  /* What is wrong in the wider file is found, and named as this checkpoint asks for it. */
  struct checkpoint c = kit_checkpoint(log, 600);
  struct tile_name last = {.level = 0, .index = 2, .width = 740 - 512};
  struct file *file = file_find(f, &last);
  assert_non_null(file);
  file->bytes.p[0] ^= 1;
  assert_int_equal(count_again(f, &c, &r), TG_BAD_PROOF);
  struct tile_name asked = {.level = 0, .index = 2, .width = 600 - 512};
  expect_one(f, RECOUNT_HASH, &asked, 0);
  file->gone = true;
  assert_int_equal(count_again(f, &c, &r), TG_BAD_PROOF);
  expect_one(f, RECOUNT_MISSING, &asked, 0);
  folder_free(f);
  kit_log_free(log);
}

static enum tg_err fails(void *context, const struct tile_name *name, struct buf *out)
{
  (void)context, (void)name, (void)out;
  return TG_DISK;
}

static void errors_of_reading_come_through(void **state)
{
  (void)state;
  struct kit_log *log = kit_log_new(NAME, 3);
  struct checkpoint c = kit_checkpoint(log, 3);
  struct recount_source source = {.read = fails, .found = found};
  struct recount_result r;
  assert_int_equal(recount(&c, &source, &r), TG_DISK);
  kit_log_free(log);
}

/* A folder of garbage tells so much and no more. */
static void findings_are_bounded(void **state)
{
  (void)state;
  struct kit_log *log = kit_log_new(NAME, 3000), *fork = kit_log_fork(log, 0, 3000);
  struct folder *f = export(log), *other = export(fork);
  struct checkpoint c = kit_checkpoint(log, 3000);
  struct recount_result r;
  for (size_t i = 0; i < f->n; i++)
    if (f->file[i].name.entries) {
      struct buf swap = f->file[i].bytes;
      f->file[i].bytes = other->file[i].bytes;
      other->file[i].bytes = swap;
    }
  assert_int_equal(count_again(f, &c, &r), TG_BAD_PROOF);
  assert_int_equal(f->found, RECOUNT_TOLD_MAX);
  assert_int_equal(r.wrong, 3000);
  folder_free(other);
  folder_free(f);
  kit_log_free(fork);
  kit_log_free(log);
}

/* The smallest checkpoint can state the largest log. */
static void a_size_without_files_ends_soon(void **state)
{
  (void)state;
  struct kit_log *log = kit_log_new(NAME, 300);
  struct folder *f = export(log);
  struct checkpoint c = {.origin = slice_str(NAME), .size = MERKLE_SIZE_MAX, .root = kit_hash(1)};
  struct recount_result r;
  assert_int_equal(count_again(f, &c, &r), TG_BAD_PROOF);
  assert_false(r.reached);
  assert_int_equal(f->found, RECOUNT_TOLD_MAX);
  folder_free(f);
  kit_log_free(log);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_whole_log_is_verified),
      cmocka_unit_test(a_changed_byte_is_found_where_it_is),
      cmocka_unit_test(every_bit_of_a_small_log_counts),
      cmocka_unit_test(a_missing_or_cut_file_is_named),
      cmocka_unit_test(a_tile_made_to_fit_is_found),
      cmocka_unit_test(another_history_does_not_reach_the_root),
      cmocka_unit_test(entries_and_tiles_of_two_histories),
      cmocka_unit_test(an_older_checkpoint_is_verified_from_wider_tiles),
      cmocka_unit_test(errors_of_reading_come_through),
      cmocka_unit_test(findings_are_bounded),
      cmocka_unit_test(a_size_without_files_ends_soon),
  };
  return sodium_init() < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
