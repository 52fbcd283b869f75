#include "keys/grant.h"
#include "keys/codec.h"

#include <string.h>

enum { EXCHANGE, MEMBER, SERIAL, BULLETIN, ISSUED, UNTIL, TO };

static const struct line_rule rules[] = {
    [EXCHANGE] = {"exchange", 1, 1, LINE_ONCE}, [MEMBER] = {"member", 1, 1, LINE_ONCE},
    [SERIAL] = {"serial", 1, 1, LINE_ONCE},     [BULLETIN] = {"bulletin", 1, 1, LINE_ONCE},
    [ISSUED] = {"issued", 1, 1, LINE_ONCE},     [UNTIL] = {"until", 1, 1, LINE_ONCE},
    [TO] = {"to", 1, GRANT_TO_MAX, LINE_ONCE},
};

static const struct document_grammar grammar = {"toguna/grant v1", rules, sizeof rules / sizeof *rules,
                                                false};

/* Country codes and bloc names; whether the blocs exist is the directory's question. */
static enum tg_err read_to(const struct document *d, struct grant *g, struct tg_why *why)
{
  const struct line *l = document_find(d, TO);
  for (size_t i = 0; i < l->n; i++) {
    struct slice s = l->word[i].text;
    struct country code;
    if (!bloc_name_valid(s) && country_parse(s, &code))
      return document_error(d, l, i, TG_BAD_INPUT, N_("this is not a country code or the name of a bloc"),
                            N_("name members as ML and blocs as AES"), NULL, NULL, why);
    memcpy(g->to[g->n_to++], s.p, s.n);
  }
  return TG_OK;
}

static enum tg_err read_all(const struct document *d, struct grant *g, struct tg_why *why)
{
  enum tg_err err = document_exchange(d, document_find(d, EXCHANGE), 0, g->exchange, why);
  if (!err)
    err = document_country(d, document_find(d, MEMBER), 0, &g->member, why);
  if (!err)
    err = document_number(d, document_find(d, SERIAL), 0, 1, INT64_MAX, &g->serial, why);
  if (!err)
    err = document_hash_word(d, document_find(d, BULLETIN), 0, &g->bulletin, why);
  if (!err)
    err = document_time(d, document_find(d, ISSUED), 0, &g->issued, why);
  if (!err)
    err = document_time(d, document_find(d, UNTIL), 0, &g->until, why);
  if (!err && g->until <= g->issued)
    err = document_error(d, document_find(d, UNTIL), 0, TG_BAD_INPUT, N_("this grant ends before it begins"),
                         N_("state a later time"), NULL, NULL, why);
  return err ? err : read_to(d, g, why);
}

enum tg_err grant_parse(struct slice text, const char *file, struct grant *ret, struct tg_why *why)
{
  struct document *d;
  struct grant g = {0};
  enum tg_err err = document_parse(&grammar, text, file, &d, why);
  if (err)
    return err;
  err = read_all(d, &g, why);
  if (!err)
    *ret = g;
  document_free(d);
  return err;
}

void grant_print(const struct grant *g, struct buf *out)
{
  char bulletin[HASH_TEXT], issued[25], until[25];
  hash_print(&g->bulletin, bulletin);
  time_print(g->issued, issued);
  time_print(g->until, until);
  buf_printf(out,
             "toguna/grant v1\nexchange %s\nmember %s\nserial %llu\nbulletin %s\nissued %s\nuntil %s\nto",
             g->exchange, g->member.code, (unsigned long long)g->serial, bulletin, issued, until);
  for (size_t i = 0; i < g->n_to; i++)
    buf_printf(out, " %s", g->to[i]);
  buf_put_str(out, "\n");
}
