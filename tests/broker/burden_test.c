/* The front weighs itself: what it holds beyond half of its share is noticed, and that it is gone as well. Where the system says nothing of it, that is told. */
#include "broker/front/burden.h"

#include "os/log.h"
#include "os/resident.h"
#include "tests/os/kit.h"

#include <stdlib.h>
#include <string.h>

enum { MIB = 1 << 20, PIECE = 60 * 1024 /* malloc has it in the heap, where what is freed stays */ };

/* --- /proc, by --wrap: there or not, whatever the build */

static bool is_there, is_expected;

int __real_resident_open(void);
int __wrap_resident_open(void);
bool __wrap_resident_is_expected(void);

int __wrap_resident_open(void) { return is_there ? __real_resident_open() : -1; }
bool __wrap_resident_is_expected(void) { return is_expected; }

static unsigned told;

static void hear(void *arg, enum log_level level, const char *line)
{
  (void)arg;
  told += level == LOG_ERROR && strstr(line, "memory-not-measured");
}

static void changed(void *arg) { (void)arg; }

static void what_cannot_be_measured_is_told(void **state)
{
  (void)state;
  log_set_sink(hear, NULL);
  for (unsigned i = 0; i < 2; i++) {
    struct loop *l = loop_new();
    is_expected = i;
    struct burden *b = burden_new(l, 1 << 20, changed, NULL);
    assert_non_null(b);
    burden_free(b);
    loop_free(l);
    assert_int_equal(told, i);
  }
  log_set_sink(NULL, NULL);
}

struct world {
  struct loop *loop;
  struct burden *burden;
  uint64_t share;
  unsigned changed;
};

static void on_changed(void *arg)
{
  struct world *w = arg;
  w->changed++;
}

static int set_up(void **state)
{
  static struct world w;
  is_there = true;
  int fd = resident_open();
  w = (struct world){.loop = loop_new()};
  assert_non_null(w.loop);
  *state = &w;
  if (fd < 0)
    return 0;
  w.share = 4 * resident_now(fd) + 64 * MIB;
  close(fd);
  assert_non_null(w.burden = burden_new(w.loop, w.share, on_changed, &w));
  return 0;
}

static int tear_down(void **state)
{
  struct world *w = *state;
  burden_free(w->burden);
  loop_free(w->loop);
  is_there = false;
  return 0;
}

static void what_is_held_is_noticed_and_that_it_is_gone(void **state)
{
  struct world *w = *state;
  if (!w->burden)
    skip(); /* under sanitizers, which keep what was freed, it does not */
  burden_moved(w->burden, 2 * MIB);
  assert_false(burden_is_short(w->burden));
  for (unsigned round = 0; round < 2; round++) {
    const size_t n = (w->share / 2 + MIB) / PIECE;
    uint8_t **piece = calloc(n, sizeof *piece);
    assert_non_null(piece);
    for (size_t i = 0; i < n; i++) {
      assert_non_null(piece[i] = malloc(PIECE));
      memset(piece[i], 1, PIECE);
    }
    if (round == 0)
      burden_moved(w->burden, 2 * MIB); /* so much moved: it looks at once */
    else
      KIT_UNTIL(w->loop, burden_is_short(w->burden)); /* or by itself, however little moves */
    assert_true(burden_is_short(w->burden));
    assert_int_equal(w->changed, 2 * round + 1);
    for (size_t i = 0; i + 1 < n; i++) /* the last one stays, and all below it in the heap */
      free(piece[i]);
    KIT_UNTIL(w->loop, !burden_is_short(w->burden));
    assert_int_equal(w->changed, 2 * round + 2);
    free(piece[n - 1]);
    free(piece);
  }
}

int main(void)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(what_cannot_be_measured_is_told),
                                     cmocka_unit_test_setup_teardown(what_is_held_is_noticed_and_that_it_is_gone, set_up, tear_down)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
