#include "keys/withdrawal.h"

enum { EXCHANGE, MEMBER, CHARTER, EFFECTIVE };

static const struct line_rule rules[] = {
    [EXCHANGE] = {"exchange", 1, 1, LINE_ONCE},
    [MEMBER] = {"member", 1, 1, LINE_ONCE},
    [CHARTER] = {"charter", 1, 1, LINE_ONCE},
    [EFFECTIVE] = {"effective", 1, 1, LINE_ONCE},
};

static const struct document_grammar grammar = {"toguna/withdrawal v1", rules, sizeof rules / sizeof *rules,
                                                false};

static enum tg_err read_all(const struct document *d, struct withdrawal *w, struct tg_why *why)
{
  enum tg_err err = document_exchange(d, document_find(d, EXCHANGE), 0, w->exchange, why);
  if (!err)
    err = document_country(d, document_find(d, MEMBER), 0, &w->member, why);
  if (!err)
    err = document_number(d, document_find(d, CHARTER), 0, 1, UINT32_MAX, &w->charter, why);
  return err ? err : document_time(d, document_find(d, EFFECTIVE), 0, &w->effective, why);
}

enum tg_err withdrawal_parse(struct slice text, const char *file, struct withdrawal *ret, struct tg_why *why)
{
  struct document *d;
  struct withdrawal w = {0};
  enum tg_err err = document_parse(&grammar, text, file, &d, why);
  if (err)
    return err;
  err = read_all(d, &w, why);
  if (!err)
    *ret = w;
  document_free(d);
  return err;
}

void withdrawal_print(const struct withdrawal *w, struct buf *out)
{
  char time[25];
  time_print(w->effective, time);
  buf_printf(out, "toguna/withdrawal v1\nexchange %s\nmember %s\ncharter %llu\neffective %s\n", w->exchange,
             w->member.code, (unsigned long long)w->charter, time);
}
