/* The log's static files: whole, in order, continued after a restart, and never in the hub's way. The hub
   here is this file: a log of made-up leaves that hands out its level-0 tiles. */
#include "tests/os/kit.h"

#include "broker/core/publish.h"
#include "os/file.h"

#include <sys/stat.h>

struct hub {
  uint64_t size;
  bool bundles;       /* entry bundles are handed out instead of tiles */
  enum tg_err broken; /* what its store answers */
  unsigned handed_out;
  uint64_t dossiers; /* put together, in all */
};

enum tg_err hub_log_publish(struct hub *hub, uint64_t *published, const struct hub_files *files,
                            bool *ret_more)
{
  uint8_t hashes[TILE_BYTES];
  char note[100];
  *ret_more = false;
  if (hub->broken != TG_OK || *published == hub->size)
    return hub->broken;
  memset(hashes, 7, sizeof hashes);
  for (uint64_t i = *published / TILE_WIDTH; i * TILE_WIDTH < hub->size; i++) {
    const struct tile_name name = {.entries = hub->bundles, .index = i, .width = tile_width(hub->size, 0, i)};
    enum tg_err err = files->tile(files->context, &name, slice_of(hashes, 32 * name.width));
    hub->handed_out++;
    if (err != TG_OK)
      return err;
  }
  snprintf(note, sizeof note, "sahel.example/log\n%llu\nAAAA\n\n", (unsigned long long)hub->size);
  enum tg_err err = files->checkpoint(files->context, hub->size, slice_str(note));
  if (err == TG_OK)
    *published = hub->size;
  return err;
}

enum tg_err hub_dossiers(struct hub *hub, uint64_t from, uint64_t below, struct buf *out)
{
  hub->dossiers += below - from;
  for (; from < below; from++)
    buf_printf(out, "%04u ", (unsigned)from);
  return hub->broken;
}

static struct publish *open_on(const char *folder)
{
  struct publish *p = NULL;
  assert_int_equal(publish_new(folder, NULL, &p, NULL), TG_OK);
  return p;
}

static void step(struct publish *p, struct hub *hub)
{
  bool more = true;
  assert_int_equal(publish_step(p, hub, &more), TG_OK);
  assert_false(more);
}

static off_t size_of(const char *folder, const char *name)
{
  struct stat st;
  return stat(kit_path(folder, name), &st) == 0 ? st.st_size : -1;
}

static void tiles_grow_and_full_ones_replace_their_shorter_selves(void **unused)
{
  (void)unused;
  char *folder = kit_folder();
  struct hub hub = {.size = 3};
  struct publish *p = open_on(folder);
  step(p, &hub);
  assert_int_equal(size_of(folder, "tile/0/000.p/3"), 96);
  assert_true(size_of(folder, "checkpoint") > 0);
  hub.size = 200;
  step(p, &hub);
  assert_int_equal(size_of(folder, "tile/0/000.p/200"), 6400);
  hub.size = 300;
  step(p, &hub);
  assert_int_equal(size_of(folder, "tile/0/000"), TILE_BYTES);
  assert_int_equal(size_of(folder, "tile/0/000.p"), -1);
  assert_int_equal(size_of(folder, "tile/0/001.p/44"), 44 * 32);
  publish_free(&p);
  kit_remove(folder);
}

static void a_restart_goes_on_where_the_checkpoint_stands(void **unused)
{
  (void)unused;
  char *folder = kit_folder();
  struct hub hub = {.size = 600};
  struct publish *p = open_on(folder);
  step(p, &hub);
  assert_int_equal(hub.handed_out, 3);
  publish_make_certain(p);
  publish_free(&p);
  p = open_on(folder);
  step(p, &hub);
  assert_int_equal(hub.handed_out, 3); /* nothing new */
  hub.size = 601;
  step(p, &hub);
  assert_int_equal(hub.handed_out, 4);
  publish_free(&p);
  assert_int_equal(file_write(kit_path(folder, "checkpoint"), slice_str("damaged"), 0644, NULL), TG_OK);
  p = open_on(folder);
  step(p, &hub); /* all of it again */
  assert_int_equal(hub.handed_out, 7);
  publish_free(&p);
  kit_remove(folder);
}

/* What was written since the last sync may be gone, or empty, whatever the checkpoint says: it is written again. */
static void a_crash_costs_what_was_not_yet_certain(void **unused)
{
  (void)unused;
  char *folder = kit_folder();
  struct hub hub = {.size = 512};
  struct publish *p = open_on(folder);
  step(p, &hub);
  publish_make_certain(p);
  hub.size = 1024;
  step(p, &hub);
  assert_int_equal(hub.handed_out, 4);
  publish_free(&p);
  assert_int_equal(truncate(kit_path(folder, "tile/0/003"), 0), 0);
  p = open_on(folder);
  step(p, &hub);
  assert_int_equal(hub.handed_out, 6); /* from the mark on */
  assert_int_equal(size_of(folder, "tile/0/003"), TILE_BYTES);
  publish_free(&p);
  assert_int_equal(file_write(kit_path(folder, ".certain"), slice_str("x"), 0600, NULL), TG_OK);
  p = open_on(folder);
  step(p, &hub); /* all of it again */
  assert_int_equal(hub.handed_out, 10);
  hub.size += 65536; /* under load the mark moves by itself */
  step(p, &hub);
  publish_free(&p);
  const unsigned before = hub.handed_out;
  p = open_on(folder);
  step(p, &hub);
  assert_int_equal(hub.handed_out, before);
  publish_free(&p);
  kit_remove(folder);
}

static void a_file_that_cannot_be_written_costs_the_hub_nothing(void **unused)
{
  (void)unused;
  char *folder = kit_folder();
  struct hub hub = {.size = 5};
  struct publish *p = open_on(folder);
  assert_int_equal(file_write(kit_path(folder, "tile"), slice_str("in the way"), 0644, NULL), TG_OK);
  step(p, &hub);
  assert_int_equal(size_of(folder, "checkpoint"), -1);
  assert_int_equal(unlink(kit_path(folder, "tile")), 0);
  step(p, &hub);
  assert_true(size_of(folder, "checkpoint") > 0);
  assert_int_equal(size_of(folder, "tile/0/000.p/5"), 160);
  publish_free(&p);
  kit_remove(folder);
}

static void a_store_that_fails_ends_the_hub(void **unused)
{
  (void)unused;
  char *folder = kit_folder();
  struct hub hub = {.size = 5, .broken = TG_DISK};
  struct publish *p = open_on(folder);
  bool more = true;
  assert_int_equal(publish_step(p, &hub, &more), TG_DISK);
  assert_false(more);
  publish_free(&p);
  kit_remove(folder);
}

static void dossiers_are_kept_beside_the_log_for_nobody_else(void **unused)
{
  (void)unused;
  struct stat st;
  struct publish *p = NULL;
  char *folder = kit_folder();
  char private[1024];
  struct hub hub = {.size = 300, .bundles = true};
  snprintf(private, sizeof private, "%s/hub", folder);
  assert_int_equal(publish_new(folder, private, &p, NULL), TG_OK);
  step(p, &hub);
  assert_int_equal(stat(kit_path(folder, "hub/openings/000000/001"), &st), 0);
  assert_int_equal(st.st_mode & 0777, 0600);
  assert_int_equal(hub.dossiers, 300);
  assert_int_equal(stat(kit_path(folder, "hub/openings"), &st), 0);
  assert_int_equal(st.st_mode & 0777, 0700);
  publish_free(&p);
  /* They come again when somebody removed them. */
  assert_int_equal(unlink(kit_path(folder, "hub/openings/000000/000")), 0);
  assert_int_equal(publish_new(folder, private, &p, NULL), TG_OK);
  step(p, &hub);
  assert_int_equal(stat(kit_path(folder, "hub/openings/000000/000"), &st), 0);
  assert_int_equal(size_of(folder, "hub/openings/000000/001"), (300 - 256) * 5);
  /* A bundle that grows: what is new is added to what is there. */
  for (hub.dossiers = 0; hub.size < 600; hub.size += 30) {
    step(p, &hub);
    struct buf text = buf_new(256 * 5);
    const bool full = hub.size >= 512;
    assert_int_equal(file_read(kit_path(folder, full ? "hub/openings/000000/002" : "hub/openings/000000/001"), 256 * 5, &text, NULL), TG_OK);
    assert_int_equal(text.n, (hub.size - (full ? 512 : 256)) * 5);
    for (unsigned i = 0; i < text.n / 5; i++) {
      char want[8];
      snprintf(want, sizeof want, "%04u ", i + (full ? 512 : 256));
      assert_memory_equal(text.p + 5 * i, want, 5);
    }
    buf_free(&text);
  }
  assert_true(hub.dossiers < 600);
  hub.broken = TG_DISK;
  hub.size = 601;
  bool more;
  assert_int_equal(publish_step(p, &hub, &more), TG_DISK);
  publish_free(&p);
  kit_remove(folder);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(tiles_grow_and_full_ones_replace_their_shorter_selves),
      cmocka_unit_test(a_restart_goes_on_where_the_checkpoint_stands),
      cmocka_unit_test(a_crash_costs_what_was_not_yet_certain),
      cmocka_unit_test(a_file_that_cannot_be_written_costs_the_hub_nothing),
      cmocka_unit_test(a_store_that_fails_ends_the_hub),
      cmocka_unit_test(dossiers_are_kept_beside_the_log_for_nobody_else),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
