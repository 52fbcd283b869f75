#include "kit.h"
#include "os/options.h"

#include <stddef.h>

struct dest {
  bool dry, json;
  char *topic;
  uint64_t limit;
  struct options_list to;
};
#define AT(field) offsetof(struct dest, field)
static const struct option_key keys[] = {
    {.name = "dry-run",
     .letter = 'n',
     .shape = OPTION_FLAG,
     .offset = AT(dry),
     .help = N_("Show what would be done and stop there.")},
    {.name = "json", .letter = 'j', .shape = OPTION_FLAG, .offset = AT(json), .help = N_("For programs.")},
    {.name = "topic",
     .letter = 't',
     .shape = OPTION_ONE,
     .kind = VALUE_TEXT,
     .offset = AT(topic),
     .placeholder = N_("TOPIC"),
     .help = N_("What it is about.")},
    {.name = "limit",
     .shape = OPTION_ONE,
     .kind = VALUE_NUMBER,
     .offset = AT(limit),
     .limits = {.min = 1, .max = 100},
     .placeholder = N_("N"),
     .help = N_("At most so many.")},
    {.name = "to",
     .shape = OPTION_MANY,
     .offset = AT(to),
     .placeholder = N_("WHO"),
     .help = N_("A member, a bloc or some agency ; may be repeated, and this help is long enough to be wrapped "
                "twice.")},
};
#define N_KEYS (sizeof keys / sizeof *keys)

static enum tg_err parse(const char *line, struct dest *d, struct operands *ops, struct tg_why *why)
{
  static char copy[512];
  static char *argv[32];
  int argc = 0;
  snprintf(copy, sizeof copy, "%s", line);
  for (char *w = strtok(copy, " "); w; w = strtok(NULL, " "))
    argv[argc++] = w;
  *d = (struct dest){.limit = 10};
  *why = (struct tg_why){0};
  return options_parse(argc, argv, keys, N_KEYS, d, ops, why);
}

static void all_ways_of_writing_are_understood(void **state)
{
  (void)state;
  static const char *const lines[] = {"p -n -t alert --limit=5 --to ML --to=BF a b",
                                      "p a --dry-run --topic=alert b --limit 5 --to ML --to BF",
                                      "p -nt alert --limit 5 --to ML --to BF -- a b",
                                      "p -ntalert a b --to ML --limit 5 --to BF"};
  for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
    struct dest d;
    struct operands ops;
    struct tg_why why;
    assert_int_equal(parse(lines[i], &d, &ops, &why), TG_OK);
    assert_true(d.dry);
    assert_false(d.json);
    assert_string_equal(d.topic, "alert");
    assert_int_equal(d.limit, 5);
    assert_int_equal(d.to.n, 2);
    assert_string_equal(d.to.v[1], "BF");
    assert_int_equal(ops.n, 2);
    assert_string_equal(ops.v[0], "a");
    assert_string_equal(ops.v[1], "b");
    free(ops.v);
    options_free(keys, N_KEYS, &d);
  }
}

static void after_two_dashes_all_are_operands(void **state)
{
  (void)state;
  struct dest d;
  struct operands ops;
  struct tg_why why;
  assert_int_equal(parse("p - -- --json -n --", &d, &ops, &why), TG_OK);
  assert_int_equal(ops.n, 4);
  assert_string_equal(ops.v[0], "-");
  assert_string_equal(ops.v[3], "--");
  assert_false(d.json);
  assert_int_equal(d.limit, 10);
  free(ops.v);
}

static void mistakes_are_told(void **state)
{
  (void)state;
  static const struct {
    const char *line, *told;
  } cases[] = {
      {"p --topik x", "--topik: unknown option. Did you mean --topic?"},
      {"p --zebra", "--zebra: unknown option. See --help"},
      {"p -x", "-x: unknown option. See --help"},
      {"p --topic", "--topic: this option needs a value: TOPIC"},
      {"p -t", "-t: this option needs a value: TOPIC"},
      {"p --json=yes", "--json: this option takes no value"},
      {"p -t a --topic b", "--topic: this option is given twice"},
      {"p --limit 0", "--limit: 0 is too small: the least is 1"},
      {"p --limit many", "--limit: many is not a number. Write it in digits, like 20"},
      {"p --to a --limi 3", "--limi: unknown option. Did you mean --limit?"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    struct dest d;
    struct operands ops;
    struct tg_why why;
    char told[400];
    assert_int_equal(parse(cases[i].line, &d, &ops, &why), TG_USAGE);
    assert_int_equal(why.err, TG_USAGE);
    why_render(&why, NULL, told, sizeof told);
    assert_string_equal(told, cases[i].told);
    assert_null(d.topic);
    assert_int_equal(d.to.n, 0);
  }
}

static void help_is_aligned_and_wrapped(void **state)
{
  (void)state;
  struct buf out = buf_new(10000);
  options_help(keys, N_KEYS, NULL, 60, &out);
  buf_put_u8(&out, 0);
  assert_string_equal((char *)out.p, "  -n, --dry-run             Show what would be done and stop\n"
                                     "                            there.\n"
                                     "  -j, --json                For programs.\n"
                                     "  -t, --topic TOPIC         What it is about.\n"
                                     "      --limit N             At most so many.\n"
                                     "      --to WHO              A member, a bloc or some\n"
                                     "                            agency ; may be repeated, and\n"
                                     "                            this help is long enough to be\n"
                                     "                            wrapped twice.\n");
  buf_free(&out);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(all_ways_of_writing_are_understood),
      cmocka_unit_test(after_two_dashes_all_are_operands),
      cmocka_unit_test(mistakes_are_told),
      cmocka_unit_test(help_is_aligned_and_wrapped),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
