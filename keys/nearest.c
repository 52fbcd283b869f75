#include "keys/nearest.h"

#include <ctype.h>
#include <string.h>

static size_t least(size_t a, size_t b)
{
  return a < b ? a : b;
}

/* In half edits: a wrong letter is one edit, a letter in the wrong case half of one. */
static size_t change_cost(uint8_t a, uint8_t b)
{
  if (a == b)
    return 0;
  return tolower(a) == tolower(b) ? 1 : 2;
}

size_t nearest_distance(struct slice a, struct slice b)
{
  /* Three rows of the matrix: two back (for swaps), the last, this one. */
  size_t row[3][NEAREST_WORD_MAX + 1];
  if (a.n > NEAREST_WORD_MAX || b.n > NEAREST_WORD_MAX)
    return SIZE_MAX;
  for (size_t j = 0; j <= b.n; j++)
    row[0][j] = 2 * j;
  for (size_t i = 1; i <= a.n; i++) {
    size_t *now = row[i % 3], *last = row[(i + 2) % 3], *before = row[(i + 1) % 3];
    now[0] = 2 * i;
    for (size_t j = 1; j <= b.n; j++) {
      now[j] = least(last[j] + 2, now[j - 1] + 2);
      now[j] = least(now[j], last[j - 1] + change_cost(a.p[i - 1], b.p[j - 1]));
      if (i > 1 && j > 1 && a.p[i - 1] == b.p[j - 2] && a.p[i - 2] == b.p[j - 1])
        now[j] = least(now[j], before[j - 2] + 2);
    }
  }
  return row[a.n % 3][b.n];
}

struct nearest nearest_to(struct slice word)
{
  size_t edits = word.n / 3 < 1 ? 1 : word.n / 3;
  return (struct nearest){.word = word, .distance = 2 * edits + 1};
}

void nearest_try(struct nearest *n, const char *candidate)
{
  size_t own = strlen(candidate), gap = own > n->word.n ? own - n->word.n : n->word.n - own;
  if (2 * gap >= n->distance) /* each letter more or less is an edit: most candidates end here */
    return;
  size_t distance = nearest_distance(n->word, slice_str(candidate));
  /* A word of which nothing is left is not near: "XY" is no misspelling of "ML". */
  size_t length = n->word.n > own ? n->word.n : own;
  if (distance < n->distance && distance < 2 * length) {
    n->distance = distance;
    n->best = candidate;
  }
}
