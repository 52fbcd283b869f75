#include "policy/pattern.h"

#include "proto/subject.h"

#include <string.h>

bool pattern_part(struct slice *rest, struct slice *ret)
{
  if (!rest->n)
    return false;
  const uint8_t *dot = memchr(rest->p, '.', rest->n);
  size_t n = dot ? (size_t)(dot - rest->p) : rest->n;
  *ret = slice_of(rest->p, n);
  n += dot != NULL;
  *rest = slice_of(rest->p + n, rest->n - n);
  return true;
}

bool pattern_valid(struct slice s)
{
  size_t labels = 0, bytes = 0;
  bool after_any = false;
  struct slice part;
  if (!s.n || s.n > PATTERN_MAX || s.p[s.n - 1] == '.')
    return false;
  while (pattern_part(&s, &part)) {
    bool any = slice_is(part, "**");
    if (any ? after_any : !slice_is(part, "*") && !topic_valid(part))
      return false;
    after_any = any;
    labels += !any;
    bytes += any ? 0 : part.n + 1;
  }
  return labels <= LIMIT_TOPIC_LABELS && bytes <= LIMIT_TOPIC + 1;
}

/* Recursion only at `**`, of which a pattern has at most nine and a topic eight labels: a few thousand steps
 * at worst. */
bool pattern_matches(struct slice pattern, struct slice topic)
{
  struct slice want, have;
  while (pattern_part(&pattern, &want)) {
    if (slice_is(want, "**")) {
      if (!pattern.n)
        return true;
      do
        if (pattern_matches(pattern, topic))
          return true;
      while (pattern_part(&topic, &have));
      return false;
    }
    if (!pattern_part(&topic, &have) || (!slice_is(want, "*") && !slice_eq(want, have)))
      return false;
  }
  return !topic.n;
}

int text_order(struct slice a, struct slice b)
{
  int order = memcmp(a.p, b.p, a.n < b.n ? a.n : b.n);
  return order ? order : (a.n > b.n) - (a.n < b.n);
}
