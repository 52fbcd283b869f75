#include "keys/name.h"

#include <stdio.h>
#include <string.h>

static bool is_lower(uint8_t c)
{
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}
static bool is_upper(uint8_t c)
{
  return (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

bool exchange_name_valid(struct slice s)
{
  if (s.n == 0 || s.n > EXCHANGE_NAME_MAX || !is_lower(s.p[0]) || !is_lower(s.p[s.n - 1]))
    return false;
  for (size_t i = 0; i < s.n; i++)
    if (!is_lower(s.p[i]) && s.p[i] != '-' && s.p[i] != '.')
      return false;
  return true;
}

bool label_valid(struct slice s)
{
  if (s.n == 0 || s.n > LABEL_MAX || !is_lower(s.p[0]))
    return false;
  for (size_t i = 0; i < s.n; i++)
    if (!is_lower(s.p[i]) && s.p[i] != '-')
      return false;
  return true;
}

bool bloc_name_valid(struct slice s)
{
  if (s.n < 3 || s.n > BLOC_MAX || s.p[0] < 'A' || s.p[0] > 'Z')
    return false;
  for (size_t i = 0; i < s.n; i++)
    if (!is_upper(s.p[i]) && s.p[i] != '-')
      return false;
  return true;
}

/* Takes "/label" off s. */
static bool take_label(struct slice *s, char out[LABEL_MAX + 1])
{
  struct slice slash, label;
  if (!take(s, 1, &slash) || slash.p[0] != '/')
    return false;
  const uint8_t *end = s->n ? memchr(s->p, '/', s->n) : NULL;
  if (!take(s, end ? (size_t)(end - s->p) : s->n, &label) || !label_valid(label))
    return false;
  memcpy(out, label.p, label.n);
  out[label.n] = 0;
  return true;
}

enum tg_err holder_parse(struct slice s, struct holder *ret)
{
  struct holder h = {0};
  struct slice code;
  if (!take(&s, 2, &code) || country_parse(code, &h.member))
    return TG_BAD_INPUT;
  if (s.n && !take_label(&s, h.agency))
    return TG_BAD_INPUT;
  if (s.n && !take_label(&s, h.node))
    return TG_BAD_INPUT;
  if (s.n)
    return TG_BAD_INPUT;
  *ret = h;
  return TG_OK;
}

void holder_print(const struct holder *h, char out[HOLDER_MAX + 1])
{
  snprintf(out, HOLDER_MAX + 1, "%s%s%s%s%s", h->member.code, h->agency[0] ? "/" : "", h->agency,
           h->node[0] ? "/" : "", h->node);
}

