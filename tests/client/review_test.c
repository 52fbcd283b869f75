/* What a node says of the log is taken in page by page, and the node says itself where it ends. */
#include "client/review/review.h"

#include "tests/os/kit.h"

#include <string.h>

#define KEY "sahel.example/dakar+90e9c578+AWOXMMdbnJ3sKDGumqfmrvh8R92dgLC369d4f+ayQ4E2"

enum { PATIENCE = 1 << 20 };

struct endless {
  unsigned asked;
  uint64_t place;
};

/* No documents; and of all else pages without end in which nothing stands. */
static enum tg_err ask(void *arg, const char *what, const char *const *arguments, json_t **ret, struct tg_why *why)
{
  struct endless *e = arg;
  if (strcmp(what, "review") != 0)
    *ret = json_array();
  else if (!arguments[0])
    *ret = json_pack("{s:s, s:s, s:i}", "node", "TD/anse/n1", "log", "sahel.example/dakar", "size", 1);
  else
    *ret = json_pack("{s:[], s:[], s:I}", "checkpoints", "entries", "next", (json_int_t)++e->place);
  return ++e->asked < PATIENCE ? TG_OK : why_set(why, TG_UNREACHABLE, "node", "nobody waits so long", NULL, NULL, NULL, NULL);
}

static void a_node_that_never_ends_is_left(void **state)
{
  (void)state;
  struct endless e = {0};
  struct review *r = NULL;
  struct tg_why why = {.err = TG_OK};
  const struct review_place place = {.folder = "node", .ask = ask, .ask_arg = &e, .key = KEY, .index = ":memory:"};
  assert_int_equal(review_open(&place, NULL, NULL, &r, &why), TG_BAD_INPUT);
  assert_null(r);
  assert_true(e.asked > 1000 && e.asked < PATIENCE);
  assert_string_equal(why.what, "this goes on and on, and brings nothing new");
}

int main(void)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(a_node_that_never_ends_is_left)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
