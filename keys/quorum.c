#include "keys/quorum.h"

#include <stdio.h>

size_t quorum_print(const struct quorum *q, char out[QUORUM_TEXT])
{
  size_t n = 0;
  out[0] = 0;
  for (size_t i = 0; i < q->n; i++) {
    char count[12] = "all";
    if (q->term[i].count)
      snprintf(count, sizeof count, "%u", q->term[i].count);
    n += (size_t)snprintf(out + n, QUORUM_TEXT - n, "%s%s of %s", i ? " and " : "", count, q->term[i].group);
  }
  return n;
}

/* The text of a number without sign. */
static enum tg_err count_parse(const struct document *d, const struct line *l, size_t i, uint32_t *ret,
                               struct tg_why *why)
{
  uint64_t count;
  if (slice_is(l->word[i].text, "all"))
    return *ret = 0, TG_OK;
  enum tg_err err = document_number(d, l, i, 1, 256, &count, why);
  if (!err)
    *ret = (uint32_t)count;
  return err;
}

static enum tg_err malformed(const struct document *d, const struct line *l, size_t i, struct tg_why *why)
{
  return document_error(d, l, i, TG_BAD_INPUT, N_("this is not a quorum"),
                        N_("write it as '2 of AES and 4 of ECOWAS' or '3 of members'"), NULL, NULL, why);
}

enum tg_err quorum_parse(const struct document *d, const struct line *l, struct quorum *ret,
                         struct tg_why *why)
{
  struct quorum q = {0};
  for (size_t i = 0; i < l->n; i += 4) {
    struct quorum_term *term = &q.term[q.n];
    if (i + 2 >= l->n || q.n == QUORUM_TERMS_MAX || !slice_is(l->word[i + 1].text, "of"))
      return malformed(d, l, i, why);
    enum tg_err err = count_parse(d, l, i, &term->count, why);
    if (err)
      return err;
    struct slice group = l->word[i + 2].text;
    if (!slice_is(group, "members") && !bloc_name_valid(group))
      return malformed(d, l, i + 2, why);
    snprintf(term->group, sizeof term->group, "%.*s", (int)group.n, (const char *)group.p);
    q.n++;
    if (i + 3 < l->n && (!slice_is(l->word[i + 3].text, "and") || i + 4 == l->n))
      return malformed(d, l, i + 3, why);
  }
  *ret = q;
  return TG_OK;
}
