#include "policy/areas.h"

#include "policy/set_state.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { COVERS_MAX = 1 << 24 };

static int compare_text(const void *a, const void *b)
{
  const struct slice *x = a, *y = b;
  int order = memcmp(x->p, y->p, x->n < y->n ? x->n : y->n);
  return order ? order : (x->n > y->n) - (x->n < y->n);
}

/* --- the patterns, each once --- */

static enum tg_err take_patterns(struct areas *a, size_t *cap, const struct policy *p)
{
  for (size_t i = 0; i < p->n_patterns; i++) {
    if (!room_for(&a->pattern, cap, a->n_patterns, sizeof *a->pattern))
      return TG_NO_MEMORY;
    a->pattern[a->n_patterns++] = p->pattern[i];
  }
  return TG_OK;
}

static enum tg_err find_patterns(const struct policy_set *const *sets, size_t n, tg_time at, struct areas *a)
{
  size_t cap = 0, kept = 0;
  for (size_t s = 0; s < n; s++)
    for (unsigned m = 0; m < sets[s]->world->member_count; m++) {
      const struct reading *r = set_reading(sets[s], m, at);
      if (r && take_patterns(a, &cap, r->policy))
        return TG_NO_MEMORY;
    }
  if (a->n_patterns)
    qsort(a->pattern, a->n_patterns, sizeof *a->pattern, compare_text);
  for (size_t i = 0; i < a->n_patterns; i++)
    if (!kept || !slice_eq(a->pattern[i], a->pattern[kept - 1]))
      a->pattern[kept++] = a->pattern[i];
  a->n_patterns = kept;
  return TG_OK;
}

/* --- the classes --- */

/* By accepted set, the shortest example; "" where no topic leads. */
static enum tg_err find_examples(const struct topics *t, const uint32_t *sets, size_t n_sets, topic_text **ret)
{
  topic_text *by_state, *by_set = calloc(n_sets ? n_sets : 1, sizeof *by_set);
  enum tg_err err = by_set ? topics_examples(t, &by_state) : TG_NO_MEMORY;
  if (err) {
    free(by_set);
    return err;
  }
  for (size_t s = 0; s < t->n_states; s++) {
    char *have = by_set[sets[s]];
    if (by_state[s][0] && (!have[0] || strlen(by_state[s]) < strlen(have)))
      memcpy(have, by_state[s], sizeof by_state[s]);
  }
  free(by_state);
  *ret = by_set;
  return TG_OK;
}

static enum tg_err number_classes(struct areas *a, const struct bag *accepted, topic_text *by_set)
{
  uint32_t *number = calloc(accepted->count ? accepted->count : 1, sizeof *number);
  if (!number)
    return TG_NO_MEMORY;
  for (uint32_t s = 0; s < accepted->count; s++) {
    size_t n;
    bag_get(accepted, s, &n);
    if (n && by_set[s][0]) {
      memmove(by_set[a->n_classes], by_set[s], sizeof *by_set);
      number[a->n_classes++] = s;
    }
  }
  bool fits = a->n_classes <= COVERS_MAX / (a->n_patterns ? a->n_patterns : 1);
  a->covers = fits ? calloc(a->n_classes * a->n_patterns + 1, 1) : NULL;
  for (size_t c = 0; a->covers && c < a->n_classes; c++) {
    size_t n;
    const uint32_t *pattern = bag_get(accepted, number[c], &n);
    for (size_t i = 0; i < n; i++)
      a->covers[pattern[i] * a->n_classes + c] = 1;
  }
  free(number);
  return a->covers ? TG_OK : fits ? TG_NO_MEMORY : TG_TOO_BIG;
}

enum tg_err areas_new(const struct policy_set *const *sets, size_t n, tg_time at, struct areas *ret)
{
  struct areas a = {0};
  struct topics machine;
  struct bag accepted = {0};
  uint32_t *state_set;
  enum tg_err err = find_patterns(sets, n, at, &a);
  if (err == TG_OK && a.n_patterns) {
    err = topics_build(a.pattern, a.n_patterns, &machine, &state_set, &accepted);
    if (err == TG_OK) {
      err = find_examples(&machine, state_set, accepted.count, &a.example);
      topics_free(&machine);
      free(state_set);
    }
    if (err == TG_OK)
      err = number_classes(&a, &accepted, a.example);
    bag_free(&accepted);
  }
  if (err != TG_OK)
    areas_free(&a);
  else
    *ret = a;
  return err;
}

void areas_free(struct areas *a)
{
  free(a->example);
  free(a->pattern);
  free(a->covers);
  *a = (struct areas){0};
}

/* --- names --- */

struct naming {
  const struct areas *a;
  const bool *chosen;
  bool *named; /* by class: has a name by now */
};

static const uint8_t *row_of(const struct naming *x, size_t pattern)
{
  return x->a->covers + pattern * x->a->n_classes;
}

/* Does `other` take away only what is not chosen, and some of what `pattern` covers too much? */
static bool takes_away(const struct naming *x, size_t other, const bool *too_much)
{
  const uint8_t *row = row_of(x, other);
  bool useful = false;
  for (size_t c = 0; c < x->a->n_classes; c++) {
    if (row[c] && x->chosen[c])
      return false;
    useful |= row[c] && too_much[c];
  }
  return useful;
}

/* Writes "PATTERN except OTHER..." if few exceptions make it exact. */
static bool describe(const struct naming *x, size_t pattern, bool *too_much, char out[AREA_NAME])
{
  enum { EXCEPTIONS_MAX = 4 };
  size_t left = 0, n = 0;
  const struct slice *text = x->a->pattern;
  int length = snprintf(out, AREA_NAME, "%.*s", (int)text[pattern].n, (const char *)text[pattern].p);
  for (size_t c = 0; c < x->a->n_classes; c++)
    left += too_much[c] = row_of(x, pattern)[c] && !x->chosen[c];
  for (size_t q = 0; left && n < EXCEPTIONS_MAX && q < x->a->n_patterns; q++) {
    if (q == pattern || !takes_away(x, q, too_much))
      continue;
    length += snprintf(out + length, AREA_NAME - (size_t)length, "%s%.*s", n++ ? " " : " except ", (int)text[q].n,
                       (const char *)text[q].p);
    for (size_t c = 0; c < x->a->n_classes; c++)
      if (row_of(x, q)[c] && too_much[c]) {
        too_much[c] = false;
        left--;
      }
  }
  return left == 0;
}

static size_t gain(const struct naming *x, size_t pattern, size_t *ret_first)
{
  size_t n = 0;
  for (size_t c = x->a->n_classes; c-- > 0;)
    if (row_of(x, pattern)[c] && x->chosen[c] && !x->named[c]) {
      n++;
      *ret_first = c;
    }
  return n;
}

/* The pattern that names most of what has no name yet; false: none does exactly. */
static bool best_name(const struct naming *x, bool *scratch, char out[AREA_NAME], size_t *ret_pattern, size_t *ret_first)
{
  size_t best = 0, first = 0;
  char text[AREA_NAME];
  for (size_t p = 0; p < x->a->n_patterns; p++) {
    size_t n = gain(x, p, &first);
    if (n <= best || !describe(x, p, scratch, text))
      continue;
    best = n;
    *ret_pattern = p;
    *ret_first = first;
    memcpy(out, text, sizeof text);
  }
  return best > 0;
}

enum tg_err areas_name(const struct areas *a, const bool *chosen, areas_tell *tell, void *context)
{
  size_t n = a->n_classes, pattern, first;
  bool *flags = calloc(3 * n + 1, sizeof *flags);
  if (!flags)
    return TG_NO_MEMORY;
  bool *covered = flags + 2 * n;
  struct naming x = {a, chosen, flags};
  char name[AREA_NAME];
  while (best_name(&x, flags + n, name, &pattern, &first)) {
    for (size_t c = 0; c < n; c++)
      covered[c] = row_of(&x, pattern)[c] && chosen[c];
    tell(context, name, first, covered);
    for (size_t c = 0; c < n; c++)
      x.named[c] |= covered[c];
  }
  for (size_t c = 0; c < n; c++)
    if (chosen[c] && !x.named[c]) {
      memset(covered, 0, n * sizeof *covered);
      covered[c] = true;
      tell(context, a->example[c], c, covered);
    }
  free(flags);
  return TG_OK;
}
