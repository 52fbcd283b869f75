#include "policy/refusal.h"

#include <string.h>

enum { TEXT = 640, ARGS = 3, ARG = sizeof((struct tg_why *)0)->arg[0], WHERES = 4 /* places ever tried: they have colons of their own */ };

static const struct {
  const char *what, *todo;
} known[] = {
    {REFUSAL_WIDENS_ALONE, REFUSAL_SIGN},    {REFUSAL_WIDENS_SOON, REFUSAL_WAIT},
    {REFUSAL_DROPS_PIN_ALONE, REFUSAL_SIGN}, {REFUSAL_DROPS_PIN_SOON, REFUSAL_WAIT},
    {REFUSAL_PIN, NULL},                     {REFUSAL_OVER, REFUSAL_OVER_TODO},
    {REFUSAL_NO_MEMBER, REFUSAL_NEAR_MEMBER}, {REFUSAL_NO_MEMBER, REFUSAL_REMOVE_MEMBER},
};
enum { KNOWN = sizeof known / sizeof *known };

/* The number of the argument that stands there, from 1; 0: none. */
static size_t argument_at(const char *s)
{
  return s[0] == '%' && s[1] >= '1' && s[1] <= '0' + ARGS && s[2] == '$' && s[3] == 's' ? (size_t)(s[1] - '0') : 0;
}

/* Reads what stands for the arguments of pattern: each as short as it can be. False when text is not of this pattern. */
static bool read_arguments(const char *pattern, const char *text, char arg[ARGS][ARG])
{
  while (*pattern) {
    const size_t i = argument_at(pattern);
    if (!i) {
      if (*pattern++ != *text++)
        return false;
      continue;
    }
    pattern += 4;
    const char *mark = strchr(pattern, '%');
    const size_t literal = mark ? (size_t)(mark - pattern) : strlen(pattern);
    const char *end = text;
    while (*end && (*pattern ? strncmp(end, pattern, literal) != 0 : true))
      end++;
    const size_t n = (size_t)(end - text);
    if (n >= ARG)
      return false;
    memcpy(arg[i - 1], text, n);
    arg[i - 1][n] = 0;
    text = end;
  }
  return !*text;
}

/* The sentences as one pattern, as why_render() joins them. */
static void join(size_t i, char out[TEXT])
{
  const struct tg_why why = {.what = known[i].what, .todo = known[i].todo, .arg = {"%1$s", "%2$s", "%3$s"}};
  (void)why_render(&why, NULL, out, TEXT);
}

static bool is_known(size_t i, const char *where, const char *text, const char *whole, struct tg_why *ret)
{
  char pattern[TEXT], again[TEXT], arg[ARGS][ARG] = {{0}};
  struct tg_why why;
  join(i, pattern);
  if (!read_arguments(pattern, text, arg))
    return false;
  why_set(&why, TG_REFUSED, where, known[i].what, known[i].todo, arg[0], arg[1], arg[2]);
  why_render(&why, NULL, again, sizeof again);
  if (strcmp(again, whole) != 0)
    return false;
  *ret = why;
  return true;
}

static bool is_any(const char *where, const char *text, const char *whole, struct tg_why *ret)
{
  for (size_t i = 0; i < KNOWN; i++)
    if (is_known(i, where, text, whole, ret))
      return true;
  return false;
}

/* With a place first: it would also be read as the beginning of an argument. */
bool refusal_read(const char *text, struct tg_why *ret)
{
  char where[sizeof ret->where];
  const char *colon = strstr(text, ": ");
  for (size_t tried = 0; colon && (size_t)(colon - text) < sizeof where && tried < WHERES; tried++) {
    memcpy(where, text, (size_t)(colon - text));
    where[colon - text] = 0;
    if (is_any(where, colon + 2, text, ret))
      return true;
    colon = strstr(colon + 2, ": ");
  }
  return is_any("", text, text, ret);
}
