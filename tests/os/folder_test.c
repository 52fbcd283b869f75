/* What lies in a folder, in order and within a limit. */
#include "kit.h"
#include "os/file.h"
#include "os/folder.h"

struct seen {
  char names[200];
  size_t n, stop_at;
};

static enum tg_err note(void *arg, const char *path)
{
  struct seen *s = arg;
  size_t used = strlen(s->names);
  snprintf(s->names + used, sizeof s->names - used, "%s ", strrchr(path, '/') + 1);
  return ++s->n == s->stop_at ? TG_REFUSED : TG_OK;
}

static char *folder_with(const char *const *names)
{
  char *folder = kit_folder();
  for (; *names; names++)
    assert_int_equal(file_write(kit_path(folder, *names), slice_str("x"), 0600, NULL), TG_OK);
  return folder;
}

static const char *const some[] = {"b.note", "a.note", ".hidden.note", "a.note~", "c.txt", "B.note", NULL};

static void names_come_in_order_and_others_not_at_all(void **state)
{
  (void)state;
  char *folder = folder_with(some);
  struct seen s = {.n = 0};
  assert_int_equal(folder_each(folder, ".note", 3, note, &s, NULL), TG_OK);
  assert_string_equal(s.names, "B.note a.note b.note ");
  kit_remove(folder);
}

static void an_answer_ends_it(void **state)
{
  (void)state;
  char *folder = folder_with(some);
  struct seen s = {.stop_at = 2};
  assert_int_equal(folder_each(folder, ".note", 3, note, &s, NULL), TG_REFUSED);
  assert_int_equal(s.n, 2);
  kit_remove(folder);
}

static void more_than_the_limit_is_an_error_before_anything_is_taken(void **state)
{
  (void)state;
  char *folder = folder_with(some);
  struct seen s = {.n = 0};
  struct tg_why why = {0};
  assert_int_equal(folder_each(folder, ".note", 2, note, &s, &why), TG_TOO_BIG);
  assert_int_equal(s.n, 0);
  assert_string_equal(why.where, folder);
  kit_remove(folder);
}

static void a_missing_folder_is_said(void **state)
{
  (void)state;
  struct tg_why why = {0};
  assert_int_equal(folder_each("/nonexistent/x", ".note", 2, note, NULL, &why), TG_NOT_FOUND);
  assert_string_equal(why.where, "/nonexistent/x");
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(names_come_in_order_and_others_not_at_all),
      cmocka_unit_test(an_answer_ends_it),
      cmocka_unit_test(more_than_the_limit_is_an_error_before_anything_is_taken),
      cmocka_unit_test(a_missing_folder_is_said),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
