/* Configuration files and values. */
#include "kit.h"
#include "os/conf.h"
#include "os/file.h"

#include <stddef.h>
#include <sys/stat.h>

static const char *const levels[] = {"notice", "debug", NULL};

struct settings {
  char *listen, *store, *note;
  uint64_t members, frame;
  tg_time grace;
  bool strict;
  unsigned level;
  struct conf_lines peers;
};

#define AT(field) offsetof(struct settings, field)
static const struct conf_key keys[] = {
    {.keyword = "listen",
     .kind = VALUE_TEXT,
     .offset = AT(listen),
     .required = true,
     .example = "tcp://[::]:7440",
     .help = N_("Where nodes connect.")},
    {.keyword = "store",
     .kind = VALUE_PATH,
     .offset = AT(store),
     .fallback = "hub.db",
     .help = N_("The file that holds everything. Relative to the folder of this file, like all paths here, "
                "which is a "
                "sentence long enough to need a second line.")},
    {.keyword = "note", .kind = VALUE_TEXT, .offset = AT(note), .limits = {.min = 2, .max = 20}},
    {.keyword = "members",
     .kind = VALUE_NUMBER,
     .offset = AT(members),
     .fallback = "18",
     .limits = {.min = 2, .max = 200}},
    {.keyword = "max-frame",
     .kind = VALUE_SIZE,
     .offset = AT(frame),
     .fallback = "1MiB",
     .limits = {.min = 4096, .max = 1u << 20}},
    {.keyword = "grace",
     .kind = VALUE_DURATION,
     .offset = AT(grace),
     .fallback = "30s",
     .limits = {.max = 3600000}},
    {.keyword = "strict", .kind = VALUE_BOOL, .offset = AT(strict), .fallback = "yes"},
    {.keyword = "log",
     .kind = VALUE_CHOICE,
     .offset = AT(level),
     .fallback = "notice",
     .limits = {.choices = levels}},
    {.keyword = "peer",
     .shape = CONF_LINES,
     .kind = VALUE_TEXT,
     .offset = AT(peers),
     .min_words = 2,
     .max_words = 3,
     .example = "NAME ADDRESS",
     .help = N_("Another hub.")},
};
#define N_KEYS (sizeof keys / sizeof *keys)

static enum tg_err parse(const char *text, struct settings *s, struct tg_why *why)
{
  *s = (struct settings){0};
  *why = (struct tg_why){0};
  return conf_parse(slice_str(text), "/etc/toguna/hub.conf", keys, N_KEYS, s, why);
}

static void every_kind_is_read(void **state)
{
  (void)state;
  struct settings s;
  struct tg_why why;
  assert_int_equal(
      parse("# hub\n\n  listen tcp://*:1 # here\nstore /x/y\r\nnote \"a # \\\"b\\\" \\\\\"\nmembers 20\n"
            "max-frame 64KiB\ngrace 15m\nstrict no\nlog debug\npeer A tcp://a:1\npeer B tcp://b:1 \"two "
            "words\"",
            &s, &why),
      TG_OK);
  assert_string_equal(s.listen, "tcp://*:1");
  assert_string_equal(s.store, "/x/y");
  assert_string_equal(s.note, "a # \"b\" \\");
  assert_int_equal(s.members, 20);
  assert_int_equal(s.frame, 65536);
  assert_int_equal(s.grace, 15 * TG_MINUTE);
  assert_false(s.strict);
  assert_int_equal(s.level, 1);
  assert_int_equal(s.peers.n, 2);
  assert_int_equal(s.peers.line[1].n, 3);
  assert_string_equal(s.peers.line[1].word[2], "two words");
  char where[160];
  assert_string_equal(conf_where("hub.conf", &s.peers.line[1], where), "hub.conf:12");
  conf_free(keys, N_KEYS, &s);
  assert_null(s.listen);
  assert_int_equal(s.peers.n, 0);
}

static void defaults_fill_what_is_absent(void **state)
{
  (void)state;
  struct settings s;
  struct tg_why why;
  assert_int_equal(parse("listen x", &s, &why), TG_OK);
  assert_string_equal(s.store, "/etc/toguna/hub.db");
  assert_null(s.note);
  assert_int_equal(s.members, 18);
  assert_int_equal(s.frame, 1u << 20);
  assert_int_equal(s.grace, 30 * TG_SECOND);
  assert_true(s.strict);
  assert_int_equal(s.peers.n, 0);
  conf_free(keys, N_KEYS, &s);
}

static void mistakes_are_told_by_place(void **state)
{
  (void)state;
  static const struct {
    const char *text, *told;
  } cases[] = {
      {"", "/etc/toguna/hub.conf: listen is missing. Add a line: listen tcp://[::]:7440"},
      {"listen a\n  lsten b\n", "/etc/toguna/hub.conf:2:3: unknown keyword lsten. Did you mean listen?"},
      {"listen a\nzzzzzzz b\n", "/etc/toguna/hub.conf:2:1: unknown keyword zzzzzzz"},
      {"listen a\n\nlisten b\n",
       "/etc/toguna/hub.conf:3:1: listen stands twice; the first time on line 1. Remove one of them"},
      {"listen\n", "/etc/toguna/hub.conf:1:1: listen needs a value"},
      {"listen a b\n",
       "/etc/toguna/hub.conf:1:10: listen takes one value. A value with spaces stands in quotes"},
      {"listen \"a\n", "/etc/toguna/hub.conf:1:8: the closing quote is missing"},
      {"listen a\"b\"\n", "/etc/toguna/hub.conf:1:9: a quote inside a word. Put the whole value in quotes"},
      {"listen \"a\"b\n", "/etc/toguna/hub.conf:1:8: a space must follow the closing quote"},
      {"listen \"a\\n\"\n",
       "/etc/toguna/hub.conf:1:8: a backslash stands before a quote or a backslash only"},
      {"members 1\n", "/etc/toguna/hub.conf:1:9: 1 is too small: the least is 2"},
      {"members 201\n", "/etc/toguna/hub.conf:1:9: 201 is too large: the most is 200"},
      {"members 0x10\n", "/etc/toguna/hub.conf:1:9: 0x10 is not a number. Write it in digits, like 20"},
      {"max-frame 1KiB\n", "/etc/toguna/hub.conf:1:11: 1KiB is too small: the least is 4KiB"},
      {"max-frame 1GiB\n", "/etc/toguna/hub.conf:1:11: 1GiB is too large: the most is 1MiB"},
      {"max-frame 12KB\n",
       "/etc/toguna/hub.conf:1:11: 12KB is not a size. Write it like 64KiB, 16MiB, 1GiB, or in bytes"},
      {"grace 5\n", "/etc/toguna/hub.conf:1:7: 5 is not a duration. Write it like 30s, 15m, 24h or 90d"},
      {"grace 2h\n", "/etc/toguna/hub.conf:1:7: 2h is too long"},
      {"strict maybe\n", "/etc/toguna/hub.conf:1:8: maybe is neither yes nor no"},
      {"log dbug\n", "/etc/toguna/hub.conf:1:5: dbug is not one of the choices. Did you mean debug?"},
      {"log loudly\n",
       "/etc/toguna/hub.conf:1:5: loudly is not one of the choices. Choose among: notice, debug"},
      {"store \"\"\n", "/etc/toguna/hub.conf:1:7: the path is empty"},
      {"note x\n", "/etc/toguna/hub.conf:1:6: x is too short"},
      {"listen a\x1b[2J\n", "/etc/toguna/hub.conf:1:8: this text has control characters or is not UTF-8"},
      {"listen \xff\n", "/etc/toguna/hub.conf:1:8: this text has control characters or is not UTF-8"},
      {"peer A\n", "/etc/toguna/hub.conf:1:1: peer needs 2 values. Write it like: peer NAME ADDRESS"},
      {"peer A b c d\n",
       "/etc/toguna/hub.conf:1:1: peer takes at most 3 values. Write it like: peer NAME ADDRESS"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    struct settings s;
    struct tg_why why;
    char told[600];
    assert_int_equal(parse(cases[i].text, &s, &why), TG_BAD_INPUT);
    why_render(&why, NULL, told, sizeof told);
    assert_string_equal(told, cases[i].told);
    assert_memory_equal(&s, &(struct settings){0}, sizeof s);
  }
}

static void the_printed_file_gives_the_defaults(void **state)
{
  (void)state;
  struct buf text = buf_new(10000);
  conf_print(keys, N_KEYS, NULL, &text);
  buf_put_u8(&text, 0);
  assert_int_equal(buf_status(&text), TG_OK);
  assert_non_null(strstr((char *)text.p, "# Where nodes connect.\nlisten tcp://[::]:7440\n"));
  assert_non_null(strstr((char *)text.p, "\n#grace 30s\n"));
  assert_non_null(strstr((char *)text.p, "\n# Another hub.\n#peer NAME ADDRESS\n"));
  struct settings printed, plain;
  struct tg_why why;
  assert_int_equal(parse((char *)text.p, &printed, &why), TG_OK);
  assert_int_equal(parse("listen tcp://[::]:7440", &plain, &why), TG_OK);
  assert_int_equal(printed.grace, plain.grace);
  assert_string_equal(printed.store, plain.store);
  /* And with every comment sign before a default taken away, the same. */
  for (char *c = (char *)text.p; (c = strstr(c, "\n#")); c++)
    if (c[2] != ' ' && strncmp(c, "\n#note", 6) != 0 && strncmp(c, "\n#peer", 6) != 0)
      c[1] = ' ';
  struct settings bare;
  assert_int_equal(parse((char *)text.p, &bare, &why), TG_OK);
  assert_int_equal(bare.members, plain.members);
  assert_int_equal(bare.frame, plain.frame);
  conf_free(keys, N_KEYS, &printed);
  conf_free(keys, N_KEYS, &plain);
  conf_free(keys, N_KEYS, &bare);
  buf_free(&text);
}

static void a_file_is_read_and_its_absence_told(void **state)
{
  (void)state;
  char *folder = kit_folder();
  const char *path = kit_path(folder, "hub.conf");
  struct settings s = {0};
  struct tg_why why;
  assert_int_equal(conf_read(path, keys, N_KEYS, &s, &why), TG_NOT_FOUND);
  assert_string_equal(why.where, path);
  assert_int_equal(file_write(path, slice_str("listen a\nstore b\n"), 0600, NULL), TG_OK);
  assert_int_equal(chmod(path, 0666), 0); /* anybody could say what we do */
  assert_int_equal(conf_read(path, keys, N_KEYS, &s, &why), TG_BAD_INPUT);
  assert_int_equal(chmod(path, 0644), 0);
  assert_int_equal(conf_read(path, keys, N_KEYS, &s, &why), TG_OK);
  assert_string_equal(s.store, kit_path(folder, "b"));
  conf_free(keys, N_KEYS, &s);
  kit_remove(folder);
}

static const char *next_word(const void *arg, size_t i)
{
  return ((const char *const *)arg)[i];
}

static void the_nearest_word_is_near(void **state)
{
  (void)state;
  static const char *const words[] = {"publish", "policy", "inbox", "audit", NULL};
  static const struct {
    const char *typed, *meant;
  } cases[] = {{"pubish", "publish"}, {"polciy", "policy"}, {"inbxo", "inbox"}, {"adit", "audit"},
               {"xyz", NULL},         {"", NULL},           {"a", NULL}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    const char *near = value_nearest(slice_str(cases[i].typed), next_word, words);
    if (cases[i].meant)
      assert_string_equal(near, cases[i].meant);
    else
      assert_null(near);
  }
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_kind_is_read),
      cmocka_unit_test(defaults_fill_what_is_absent),
      cmocka_unit_test(mistakes_are_told_by_place),
      cmocka_unit_test(the_printed_file_gives_the_defaults),
      cmocka_unit_test(a_file_is_read_and_its_absence_told),
      cmocka_unit_test(the_nearest_word_is_near),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
