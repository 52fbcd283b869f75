#include "policy/parse.h"

#include "keys/nearest.h"

#include <stdio.h>

bool parse_may_suggest(struct parser *x)
{
  return x->suggestions < 2 * PROBLEMS_MAX && ++x->suggestions;
}

bool parse_unknown(struct parser *x, struct slice word, const char *what, const char *const *words, size_t n,
                   const char *todo)
{
  struct nearest nearest = nearest_to(word);
  char text[128];
  if (parse_foreign_letter(x, word))
    return false;
  for (size_t i = 0, max = parse_may_suggest(x) ? n : 0; i < max; i++)
    nearest_try(&nearest, words[i]);
  if (nearest.best)
    return reader_error(&x->r, word, what, N_("did you mean '%2$s'?"), shown(word, text), nearest.best);
  return reader_error(&x->r, word, what, todo, shown(word, text), NULL);
}

/* Names and keywords are plain Latin letters: a Cyrillic М in ML is another name that looks the same. */
bool parse_foreign_letter(struct parser *x, struct slice word)
{
  char text[128], letter[8];
  for (size_t i = 0; i < word.n; i++) {
    size_t n = 1;
    if (word.p[i] < 0x80)
      continue;
    while (i + n < word.n && n < 4 && (word.p[i + n] & 0xc0) == 0x80)
      n++;
    snprintf(letter, sizeof letter, "%.*s", (int)n, (const char *)word.p + i);
    const bool accent = n == 2 && word.p[i] >= 0xc3 && word.p[i] <= 0xc5; /* U+00C0 to U+017F */
    reader_error(&x->r, slice_of(word.p + i, n),
                 N_("'%1$s' holds '%2$s', which is no letter of the plain Latin alphabet"),
                 accent ? N_("topics and names are written without accents")
                        : N_("it may only look like one; type the word again"),
                 shown(word, text), letter);
    return true;
  }
  return false;
}

static bool missing(struct parser *x, const char *todo)
{
  return reader_error(&x->r, slice_of(NULL, 0), N_("the line ends too early"), todo, NULL, NULL);
}

static bool bad_value(struct parser *x, struct slice word, const char *what, const char *todo, const char *b)
{
  char text[128];
  return reader_error(&x->r, word, what, todo, shown(word, text), b);
}

bool parse_end(struct parser *x)
{
  struct slice word = reader_peek(&x->r);
  return !word.n || bad_value(x, word, N_("'%1$s' is too much on this line"),
                              N_("remove it, or begin a new line"), NULL);
}

bool parse_country(struct parser *x, struct country *ret)
{
  struct slice word = reader_take(&x->r);
  if (!word.n)
    return missing(x, N_("write the two capital letters of ISO 3166-1, as ML"));
  if (!country_parse(word, ret))
    return true;
  const char *nearest = parse_may_suggest(x) ? country_nearest(word) : NULL;
  return !parse_foreign_letter(x, word) &&
         bad_value(x, word, N_("'%1$s' is not a country code"),
                   nearest ? N_("did you mean %2$s?") : N_("use the two capital letters of ISO 3166-1"),
                   nearest);
}

bool parse_number(struct parser *x, uint64_t max, uint64_t *ret)
{
  struct slice word = reader_take(&x->r);
  uint64_t v;
  char range[40];
  if (word.n && !number_parse(word, max, &v) && v >= 1) {
    *ret = v;
    return true;
  }
  snprintf(range, sizeof range, "%llu", (unsigned long long)max);
  return word.n ? bad_value(x, word, N_("'%1$s' is not a number from 1 to %2$s"),
                            N_("write it in plain digits, without leading zeros"), range)
                : missing(x, N_("write a number"));
}

/* A word of a scale in its one spelling. */
static bool parse_scale(struct parser *x, const char *(*name)(uint8_t),
                        enum tg_err (*read)(struct slice, uint8_t *), const char *what, const char *todo,
                        uint8_t *ret)
{
  const char *words[5];
  uint8_t other_case;
  struct slice word = reader_take(&x->r);
  if (!word.n)
    return missing(x, todo);
  for (uint8_t i = 1; i <= 5; i++) {
    words[i - 1] = name(i);
    if (slice_is(word, words[i - 1])) {
      *ret = i;
      return true;
    }
  }
  if (!read(word, &other_case))
    return bad_value(x, word, what, N_("did you mean '%2$s'?"), name(other_case));
  return parse_unknown(x, word, what, words, 5, todo);
}

bool parse_level(struct parser *x, uint8_t *ret)
{
  return parse_scale(x, level_name, level_parse, N_("'%1$s' is not a level"),
                     N_("write UNCLASSIFIED, RESTRICTED, CONFIDENTIAL, SECRET or TOP-SECRET"), ret);
}

bool parse_tlp(struct parser *x, uint8_t *ret)
{
  return parse_scale(x, tlp_name, tlp_parse, N_("'%1$s' is not a TLP colour"),
                     N_("write clear, green, amber, amber+strict or red"), ret);
}

bool parse_size(struct parser *x, uint64_t *ret, struct slice *ret_text)
{
  struct slice word = *ret_text = reader_take(&x->r);
  const char *todo = N_("write it as 64KiB, 16MiB, 1GiB or a number of bytes");
  if (!word.n)
    return missing(x, todo);
  return !size_parse(word, ret) || bad_value(x, word, N_("'%1$s' is not a size"), todo, NULL);
}

bool parse_duration(struct parser *x, tg_time *ret, struct slice *ret_text)
{
  struct slice word = *ret_text = reader_take(&x->r);
  const char *todo = N_("write it as 30s, 15m, 24h or 90d");
  if (!word.n)
    return missing(x, todo);
  return !duration_parse(word, ret) || bad_value(x, word, N_("'%1$s' is not a duration"), todo, NULL);
}

bool parse_time(struct parser *x, tg_time *ret, tg_time *ret_length, struct slice *ret_text)
{
  struct slice word = *ret_text = reader_take(&x->r);
  const char *todo = N_("write a day as 2026-12-01, or a moment in UTC as 2026-12-01T00:00:00Z");
  char text[24];
  if (!word.n)
    return missing(x, todo);
  bool day = word.n == 10;
  if (day)
    snprintf(text, sizeof text, "%.10sT00:00:00Z", (const char *)word.p);
  *ret_length = day ? TG_DAY : 1;
  return !time_parse(day ? slice_str(text) : word, ret) ||
         bad_value(x, word, N_("'%1$s' is neither a day nor a time"), todo, NULL);
}
