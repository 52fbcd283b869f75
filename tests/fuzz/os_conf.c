/* Any text as a configuration file: an answer, never a crash; and what was read prints and reads the same. */
#include "os/conf.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

static const char *const choices[] = {"notice", "debug", NULL};

struct settings {
  char *text, *path;
  uint64_t number, size;
  tg_time duration;
  bool flag;
  unsigned choice;
  struct conf_lines lines;
};
#define AT(field) offsetof(struct settings, field)
static const struct conf_key keys[] = {
    {.keyword = "text",
     .kind = VALUE_TEXT,
     .offset = AT(text),
     .fallback = "a \"b\" \\",
     .limits = {.max = 40}},
    {.keyword = "path", .kind = VALUE_PATH, .offset = AT(path)},
    {.keyword = "number", .kind = VALUE_NUMBER, .offset = AT(number), .limits = {.min = 1}},
    {.keyword = "size", .kind = VALUE_SIZE, .offset = AT(size)},
    {.keyword = "duration", .kind = VALUE_DURATION, .offset = AT(duration), .fallback = "1s"},
    {.keyword = "flag", .kind = VALUE_BOOL, .offset = AT(flag)},
    {.keyword = "choice", .kind = VALUE_CHOICE, .offset = AT(choice), .limits = {.choices = choices}},
    {.keyword = "line", .shape = CONF_LINES, .offset = AT(lines), .min_words = 1, .max_words = 4},
};
#define N_KEYS (sizeof keys / sizeof *keys)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  struct settings s = {0};
  static const struct settings empty;
  struct tg_why why = {0};
  char told[800];
  enum tg_err err = conf_parse(slice_of(data, size), "x/fuzz.conf", keys, N_KEYS, &s, &why);
  if (err == TG_OK) {
    if (!s.text || !text_valid(slice_str(s.text), NULL) ||
        (s.path && s.path[0] != '/' && strncmp(s.path, "x/", 2) != 0))
      abort();
    for (size_t i = 0; i < s.lines.n; i++)
      if (s.lines.line[i].n < 1 || s.lines.line[i].n > 4)
        abort();
    conf_free(keys, N_KEYS, &s);
  } else if (!why.what || why_render(&why, NULL, told, sizeof told) == 0) {
    abort(); /* a refusal without a word */
  }
  if (memcmp(&s, &empty, sizeof s) != 0)
    abort();
  return 0;
}
