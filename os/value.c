#include "os/value.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WORD_MAX 40 /* letters of a word compared with others */

static enum tg_err refuse(const char *where, struct slice text, const char *what, const char *todo,
                          const char *detail, struct tg_why *why)
{
  char word[64];
  snprintf(word, sizeof word, "%.*s", (int)(text.n < 60 ? text.n : 60), text.p ? (const char *)text.p : "");
  return why_set(why, TG_BAD_INPUT, where, what, todo, word, detail, NULL);
}

/* A bound as it would be written in its place. */
static void print_bound(enum value_kind kind, uint64_t v, char out[24])
{
  static const char *const units[] = {"", "KiB", "MiB", "GiB"};
  size_t unit = 0;
  while (kind == VALUE_SIZE && v > 0 && v % 1024 == 0 && unit < 3) {
    v /= 1024;
    unit++;
  }
  snprintf(out, 24, "%llu%s", (unsigned long long)v, units[unit]);
}

static enum tg_err check_range(enum value_kind kind, const struct value_limits *l, uint64_t v, struct slice text,
                               const char *where, struct tg_why *why)
{
  char bound[24];
  if (v < l->min) {
    print_bound(kind, l->min, bound);
    return refuse(where, text, N_("%1$s is too small: the least is %2$s"), NULL, bound, why);
  }
  if (l->max && v > l->max) {
    print_bound(kind, l->max, bound);
    return refuse(where, text, N_("%1$s is too large: the most is %2$s"), NULL, bound, why);
  }
  return TG_OK;
}

static enum tg_err set_text(const struct value_limits *l, struct slice text, const char *base, char **at,
                            const char *where, struct tg_why *why)
{
  if (!text_valid(text, NULL))
    return refuse(where, text, N_("this text has control characters or is not UTF-8"), NULL, NULL, why);
  if (text.n < l->min)
    return refuse(where, text, N_("%1$s is too short"), NULL, NULL, why);
  if (l->max && text.n > l->max)
    return refuse(where, text, N_("%1$s is too long"), NULL, NULL, why);
  char *copy;
  if (base && text.n > 0 && text.p[0] != '/') {
    if (asprintf(&copy, "%s/%.*s", base, (int)text.n, (const char *)text.p) < 0)
      copy = NULL;
  } else {
    copy = slice_dup(text);
  }
  if (!copy)
    return why_set(why, TG_NO_MEMORY, where, N_("out of memory"), NULL, NULL, NULL, NULL);
  free(*at);
  *at = copy;
  return TG_OK;
}

static enum tg_err set_number(enum value_kind kind, const struct value_limits *l, struct slice text,
                              uint64_t *at, const char *where, struct tg_why *why)
{
  uint64_t v;
  bool size = kind == VALUE_SIZE;
  enum tg_err err = size ? size_parse(text, &v) : number_parse(text, UINT64_MAX, &v);
  if (err != TG_OK)
    return refuse(where, text, size ? N_("%1$s is not a size") : N_("%1$s is not a number"),
                  size ? N_("Write it like 64KiB, 16MiB, 1GiB, or in bytes") : N_("Write it in digits, like 20"), NULL,
                  why);
  err = check_range(kind, l, v, text, where, why);
  if (err == TG_OK)
    *at = v;
  return err;
}

static enum tg_err set_duration(const struct value_limits *l, struct slice text, tg_time *at,
                                const char *where, struct tg_why *why)
{
  tg_time v;
  if (duration_parse(text, &v) != TG_OK)
    return refuse(where, text, N_("%1$s is not a duration"), N_("Write it like 30s, 15m, 24h or 90d"), NULL,
                  why);
  if ((uint64_t)v < l->min)
    return refuse(where, text, N_("%1$s is too short"), NULL, NULL, why);
  if (l->max && (uint64_t)v > l->max)
    return refuse(where, text, N_("%1$s is too long"), NULL, NULL, why);
  *at = v;
  return TG_OK;
}

static enum tg_err set_bool(struct slice text, bool *at, const char *where, struct tg_why *why)
{
  if (!slice_is(text, "yes") && !slice_is(text, "no"))
    return refuse(where, text, N_("%1$s is neither yes nor no"), NULL, NULL, why);
  *at = slice_is(text, "yes");
  return TG_OK;
}

static const char *next_choice(const void *arg, size_t i)
{
  const char *const *choices = arg;
  return choices[i];
}

static enum tg_err set_choice(const struct value_limits *l, struct slice text, unsigned *at,
                              const char *where, struct tg_why *why)
{
  char all[128] = "";
  for (unsigned i = 0; l->choices[i]; i++) {
    if (slice_is(text, l->choices[i])) {
      *at = i;
      return TG_OK;
    }
    size_t n = strlen(all);
    snprintf(all + n, sizeof all - n, "%s%s", i ? ", " : "", l->choices[i]);
  }
  const char *near = value_nearest(text, next_choice, l->choices);
  if (near)
    return refuse(where, text, N_("%1$s is not one of the choices"), N_("Did you mean %2$s?"), near, why);
  return refuse(where, text, N_("%1$s is not one of the choices"), N_("Choose among: %2$s"), all, why);
}

enum tg_err value_set(enum value_kind kind, const struct value_limits *limits, struct slice text,
                      const char *base, void *at, const char *where, struct tg_why *why)
{
  switch (kind) {
  case VALUE_TEXT:
    return set_text(limits, text, NULL, at, where, why);
  case VALUE_PATH:
    if (text.n == 0)
      return refuse(where, text, N_("the path is empty"), NULL, NULL, why);
    return set_text(limits, text, base, at, where, why);
  case VALUE_NUMBER:
  case VALUE_SIZE:
    return set_number(kind, limits, text, at, where, why);
  case VALUE_DURATION:
    return set_duration(limits, text, at, where, why);
  case VALUE_BOOL:
    return set_bool(text, at, where, why);
  case VALUE_CHOICE:
    return set_choice(limits, text, at, where, why);
  }
  return TG_INTERNAL; /* cannot happen: the enum is closed */
}

void value_free(enum value_kind kind, void *at)
{
  switch (kind) {
  case VALUE_TEXT:
  case VALUE_PATH:
    free(*(char **)at);
    *(char **)at = NULL;
    return;
  case VALUE_NUMBER:
  case VALUE_SIZE:
    *(uint64_t *)at = 0;
    return;
  case VALUE_DURATION:
    *(tg_time *)at = 0;
    return;
  case VALUE_BOOL:
    *(bool *)at = false;
    return;
  case VALUE_CHOICE:
    *(unsigned *)at = 0;
    return;
  }
}

/* Damerau-Levenshtein, the variant that swaps neighbours once (optimal string alignment). */
static size_t distance(struct slice a, struct slice b)
{
  size_t row[3][WORD_MAX + 1];
  size_t *before = row[0], *last = row[1], *now = row[2];
  for (size_t j = 0; j <= b.n; j++)
    last[j] = j;
  for (size_t i = 1; i <= a.n; i++) {
    now[0] = i;
    for (size_t j = 1; j <= b.n; j++) {
      size_t best = last[j - 1] + (a.p[i - 1] != b.p[j - 1]);
      if (last[j] + 1 < best)
        best = last[j] + 1;
      if (now[j - 1] + 1 < best)
        best = now[j - 1] + 1;
      if (i > 1 && j > 1 && a.p[i - 1] == b.p[j - 2] && a.p[i - 2] == b.p[j - 1] && before[j - 2] + 1 < best)
        best = before[j - 2] + 1;
      now[j] = best;
    }
    size_t *oldest = before;
    before = last;
    last = now;
    now = oldest;
  }
  return last[b.n];
}

const char *value_nearest(struct slice word, const char *(*next)(const void *arg, size_t i), const void *arg)
{
  const char *best = NULL;
  size_t best_distance = word.n / 3 + 1;
  if (word.n == 0 || word.n > WORD_MAX)
    return NULL;
  const char *candidate;
  for (size_t i = 0; (candidate = next(arg, i)) != NULL; i++) {
    struct slice c = slice_str(candidate);
    if (c.n > WORD_MAX)
      continue;
    size_t d = distance(word, c);
    if (d < best_distance || (d == best_distance && !best)) {
      best = candidate;
      best_distance = d;
    }
  }
  return best;
}
