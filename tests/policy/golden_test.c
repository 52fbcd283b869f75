/* Policies as texts. golden/NAME.policy with golden/NAME.err must say exactly that, to an officer: every
   problem with its line and carets (warnings too). Without a .err it parses in silence. What parses prints in
   canonical form, which parses to the same and prints to the same; golden/NAME.fmt, where there is one, is
   that form. With REGOLD=1 in the environment the .err and .fmt files are written anew, to be read by whoever
   changed them. */
#include "kit.h"

#include <dirent.h>
#include <sodium.h>

static bool file_read(const char *folder, const char *name, struct buf *out)
{
  char path[512];
  snprintf(path, sizeof path, "%s/%s", folder, name);
  FILE *f = fopen(path, "rb");
  if (!f)
    return false;
  for (int c; (c = getc(f)) != EOF;)
    buf_put_u8(out, (uint8_t)c);
  fclose(f);
  return true;
}

static void file_write(const char *name, struct slice text)
{
  char path[512];
  snprintf(path, sizeof path, "%s/%s", GOLDEN, name);
  FILE *f = fopen(path, "wb");
  assert_non_null(f);
  fwrite(text.p, 1, text.n, f);
  fclose(f);
}

static void expect_file(const char *name, const char *suffix, struct slice got)
{
  char file[256];
  struct buf expected = buf_new(1 << 20);
  snprintf(file, sizeof file, "%.*s.%s", (int)(strlen(name) - strlen(".policy")), name, suffix);
  bool exists = file_read(GOLDEN, file, &expected);
  if (getenv("REGOLD") && (exists || got.n)) {
    file_write(file, got);
  } else if (!slice_eq(got, buf_slice(&expected))) {
    fail_msg("%s\n--- expected\n%.*s\n--- got\n%.*s", file, (int)expected.n, (const char *)expected.p,
             (int)got.n, (const char *)got.p);
  }
  buf_free(&expected);
}

/* Canonical form: same meaning, and nothing left to format. */
static struct buf printed(const struct policy *p)
{
  struct buf once = buf_new(1 << 20), twice = buf_new(1 << 20);
  struct policy *again;
  policy_print(p, &once);
  assert_int_equal(policy_parse(buf_slice(&once), "printed", kit_world(), &again, NULL, NULL), TG_OK);
  policy_print(again, &twice);
  assert_true(slice_eq(buf_slice(&once), buf_slice(&twice)));
  assert_int_equal(policy_rules(p), policy_rules(again));
  policy_free(again);
  buf_free(&twice);
  return once;
}

static void one(const char *name)
{
  struct buf text = buf_new(1 << 20), shown = buf_new(1 << 20);
  struct problems problems = {0};
  struct policy *p = NULL;
  struct tg_why why = {0};
  assert_true(file_read(GOLDEN, name, &text));
  enum tg_err err = policy_parse(buf_slice(&text), name, kit_world(), &p, &problems, &why);
  assert_true((err == TG_OK) == !problems.errors);
  assert_int_equal(err, why.err);
  for (size_t i = 0; i < problems.n; i++)
    problem_show(&problems.list[i], buf_slice(&text), NULL, &shown);
  expect_file(name, "err", buf_slice(&shown));
  if (!err) {
    struct buf canonical = printed(p);
    struct slice same =
        slice_eq(buf_slice(&canonical), buf_slice(&text)) ? slice_of(NULL, 0) : buf_slice(&canonical);
    expect_file(name, "fmt", same);
    buf_free(&canonical);
    policy_free(p);
  }
  problems_free(&problems);
  buf_free(&shown);
  buf_free(&text);
}

static void golden_policies_say_what_they_should(void **state)
{
  (void)state;
  DIR *dir = opendir(GOLDEN);
  size_t n = 0;
  assert_non_null(dir);
  for (struct dirent *e; (e = readdir(dir));) {
    const char *dot = strrchr(e->d_name, '.');
    if (!dot || strcmp(dot, ".policy"))
      continue;
    one(e->d_name);
    n++;
  }
  closedir(dir);
  assert_true(n >= 25);
}

static void the_demonstration_parses(void **state)
{
  (void)state;
  DIR *dir = opendir(DEMO);
  size_t n = 0;
  assert_non_null(dir);
  for (struct dirent *e; (e = readdir(dir));) {
    const char *dot = strrchr(e->d_name, '.');
    if (!dot || strcmp(dot, ".policy"))
      continue;
    struct buf text = buf_new(1 << 20);
    struct policy *p;
    struct tg_why why;
    char message[512] = "";
    assert_true(file_read(DEMO, e->d_name, &text));
    if (policy_parse(buf_slice(&text), e->d_name, NULL, &p, NULL, &why))
      why_render(&why, NULL, message, sizeof message);
    assert_string_equal(message, "");
    policy_free(p);
    buf_free(&text);
    n++;
  }
  closedir(dir);
  assert_true(n >= 6);
}

static void a_policy_says_what_it_says(void **state)
{
  (void)state;
  struct policy *p = kit_policy(
      "ML", 7, "language fr\nvisibility hub\nexpires 2027-01-01T00:00:00Z\n\n# oui\nexport allow a to BF\n");
  struct hash hash = policy_hash(p);
  assert_string_equal(policy_member(p).code, "ML");
  assert_int_equal(policy_serial(p), 7);
  assert_int_equal(policy_effective(p), kit_time("2026-01-01T00:00:00Z"));
  assert_int_equal(policy_expires(p), kit_time("2027-01-01T00:00:00Z"));
  assert_string_equal(policy_language(p), "fr");
  assert_int_equal(policy_visibility(p), POLICY_FOR_HUB);
  assert_string_equal(policy_file(p), "test.policy");
  assert_int_equal(policy_rules(p), 1);
  assert_true(slice_is(policy_line(p, 10), "export allow a to BF"));
  assert_int_equal(policy_line(p, 0).n + policy_line(p, 11).n + policy_line(p, 8).n, 0);
  assert_false(hash_is_zero(&hash));
  policy_free(p);
}

/* --- limits: an answer, exact and bounded --- */

static enum tg_err parse_repeated(const char *head, const char *line, size_t times, const char *tail)
{
  struct buf text = buf_new(32u << 20);
  struct policy *p = NULL;
  buf_put_str(&text, "toguna/policy v1\nmember ML\nserial 1\neffective 2026-01-01T00:00:00Z\n");
  buf_put_str(&text, head);
  for (size_t i = 0; i < times; i++)
    buf_printf(&text, line, (unsigned)i);
  buf_put_str(&text, tail);
  enum tg_err err = policy_parse(buf_slice(&text), "big", kit_world(), &p, NULL, NULL);
  policy_free(p);
  buf_free(&text);
  return err;
}

static void limits_hold(void **state)
{
  (void)state;
  assert_int_equal(parse_repeated("", "export allow t%u to ML\n", 9900, ""), TG_OK);
  assert_int_equal(parse_repeated("", "export allow * to ML\n", POLICY_RULES_MAX, ""), TG_OK);
  assert_int_equal(parse_repeated("", "export allow * to ML\n", POLICY_RULES_MAX + 1, ""), TG_TOO_BIG);
  assert_int_equal(parse_repeated("", "#\n", POLICY_LINES_MAX - 4, ""), TG_OK);
  assert_int_equal(parse_repeated("", "#\n", POLICY_LINES_MAX - 3, ""), TG_TOO_BIG);
  assert_int_equal(parse_repeated("", "# ten million bytes of something that is no policy\n", 200000, ""),
                   TG_TOO_BIG);
  assert_int_equal(parse_repeated("export allow", " t%u", POLICY_PATTERNS_MAX, " to ML\n"), TG_OK);
  assert_int_equal(parse_repeated("export allow", " t%u", POLICY_PATTERNS_MAX + 1, " to ML\n"), TG_TOO_BIG);
  assert_int_equal(parse_repeated("export allow a to", " ML", POLICY_NAMES_MAX, "\n"), TG_OK);
  assert_int_equal(parse_repeated("export allow a to", " ML", POLICY_NAMES_MAX + 1, "\n"), TG_TOO_BIG);
  assert_int_equal(parse_repeated("# ", "%u", 500, "\n"), TG_OK);
  assert_int_equal(parse_repeated("# ", "%u", 5000, "\n"), TG_TOO_BIG);
  assert_int_equal(parse_repeated("", "import allow a from ML max-size %u\n", POLICY_SIZES_MAX, ""), TG_OK);
  assert_int_equal(parse_repeated("", "import allow a from ML max-size %u\n", POLICY_SIZES_MAX + 1, ""),
                   TG_TOO_BIG);
  assert_int_equal(parse_repeated("", "label \"L%u\" is SECRET\n", POLICY_LABELS_MAX + 1, ""), TG_TOO_BIG);
  assert_int_equal(parse_repeated("", "pin never a to ML\n", POLICY_PINS_MAX + 1, ""), TG_TOO_BIG);
  /* Wildcards that multiply: 2^n classes. */
  assert_int_equal(parse_repeated("", "export allow **.t%u.** to ML\n", 8, ""), TG_OK);
  assert_int_equal(parse_repeated("", "export allow **.t%u.** to ML\n", 40, ""), TG_TOO_BIG);
}

static void every_error_is_counted_and_the_first_kept(void **state)
{
  (void)state;
  struct buf text = buf_new(1 << 20);
  struct problems problems = {0};
  struct policy *p = NULL;
  struct tg_why why;
  buf_put_str(&text, "toguna/policy v1\n");
  for (unsigned i = 0; i < 100; i++)
    buf_printf(&text, "exprot allow a to ML\n");
  assert_int_equal(policy_parse(buf_slice(&text), "f", NULL, &p, &problems, &why), TG_BAD_INPUT);
  assert_null(p);
  assert_int_equal(problems.n, PROBLEMS_MAX);
  assert_int_equal(problems.total, 103);
  assert_true(problems.errors);
  assert_int_equal(problems.list[0].line, 1); /* three lines of the head are missing */
  assert_int_equal(problems.list[3].line, 2);
  assert_string_equal(why.where, "f:1:1");
  problems_free(&problems);
  buf_free(&text);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(golden_policies_say_what_they_should),
      cmocka_unit_test(the_demonstration_parses),
      cmocka_unit_test(a_policy_says_what_it_says),
      cmocka_unit_test(limits_hold),
      cmocka_unit_test(every_error_is_counted_and_the_first_kept),
  };
  if (sodium_init() < 0)
    return 1;
  return cmocka_run_group_tests(tests, NULL, NULL);
}
