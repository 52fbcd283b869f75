#include "client/report/report.h"

#include "client/report/markup.h"
#include "client/report/plot.h"
#include "os/speak.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define _(s) tr(s)

/* Inline only; the policy of the page itself forbids every request. */
static const char style[] =
    ":root{color-scheme:light dark;--ink:#1b1e22;--paper:#fff;--line:#c8ccd2;--soft:#f3f4f6;--dim:#565d66;"
    "--s0:#1f6fb2;--s1:#c96a10;--s2:#9fb8cf;--s3:#2e8b57;--s4:#8b5fbf;--s5:#b8860b;--s6:#c0392b;--s7:#7f8c8d}"
    "@media(prefers-color-scheme:dark){:root{--ink:#e7e9ec;--paper:#15171a;--line:#3d434a;--soft:#1f2327;--dim:#a7aeb7;"
    "--s0:#66aee8;--s1:#f0a35c;--s2:#4a6f92;--s3:#6fcf97;--s4:#b99ae0;--s5:#e0bd55;--s6:#ff8a80;--s7:#95a5a6}}"
    "@media print{:root{--paper:#fff;--ink:#000}}"
    "body{font:16px/1.5 system-ui,\"DejaVu Sans\",sans-serif;color:var(--ink);background:var(--paper);margin:0 auto;padding:1.5rem;max-width:60rem}"
    "h1{font-size:1.6rem;margin:0 0 .3rem}h2{font-size:1.2rem;margin:2.2rem 0 .4rem;break-after:avoid}p{margin:.4rem 0}"
    ".dim{color:var(--dim)}dl{display:grid;grid-template-columns:max-content minmax(0,1fr);gap:.1rem 1rem;margin:1rem 0}dt{color:var(--dim)}"
    "dd{margin:0;overflow-wrap:anywhere}@media(max-width:40rem){dl{grid-template-columns:minmax(0,1fr)}}"
    ".frame{overflow-x:auto}table{border-collapse:collapse;width:100%;font-size:.92rem;margin:.6rem 0}"
    "th,td{padding:.25rem .6rem;border-bottom:1px solid var(--line);text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}"
    "th:first-child,td:first-child,.words{text-align:left}thead th{background:var(--soft)}tr{break-inside:avoid}"
    "svg{width:100%;height:auto;display:block;margin:.8rem 0}svg text{font:12px system-ui,\"DejaVu Sans\",sans-serif;fill:var(--dim)}"
    "svg line{stroke:var(--line)}figure{margin:0;overflow-x:auto}figure>svg{min-width:34rem}"
    ".s0{fill:var(--s0)}.s1{fill:var(--s1)}.s2{fill:var(--s2)}.s3{fill:var(--s3)}.s4{fill:var(--s4)}.s5{fill:var(--s5)}.s6{fill:var(--s6)}.s7{fill:var(--s7)}"
    ".legend{display:flex;flex-wrap:wrap;gap:.2rem 1rem;list-style:none;margin:.3rem 0;padding:0;font-size:.9rem}"
    ".legend svg{display:inline;width:14px;height:14px;margin:0;vertical-align:-2px}";

struct page {
  const json_t *figures;
  struct buf *out;
};

/* ---- reading figures: what is not there counts nothing */

static const char *text_of(const json_t *o, const char *key)
{
  const char *s = json_string_value(json_object_get(o, key));
  return s ? s : "";
}

static uint64_t number_of(const json_t *o, const char *key)
{
  json_int_t n = json_integer_value(json_object_get(o, key));
  return n > 0 ? (uint64_t)n : 0;
}

static const json_t *list_of(const struct page *p, const char *key)
{
  return json_object_get(p->figures, key);
}

static const char *name_of(const struct page *p, const char *code)
{
  const char *name = text_of(json_object_get(p->figures, "names"), code);
  return *name ? name : code;
}

static uint64_t sum_of(const json_t *counts)
{
  uint64_t sum = 0;
  const char *key;
  const json_t *value;
  json_object_foreach((json_t *)(uintptr_t)counts, key, value)
    sum += (uint64_t)json_integer_value(value);
  return sum;
}

/* ---- tables */

/* words: the column whose cells are words and not numbers, besides the first; 0: none. */
static void begin_table(struct page *p, const char *const *heads, size_t n, size_t words)
{
  buf_put_str(p->out, "<div class=\"frame\"><table><thead><tr>");
  for (size_t i = 0; i < n; i++)
    markup_element(p->out, i > 0 && i == words ? "th scope=\"col\" class=\"words\"" : "th scope=\"col\"", heads[i]);
  buf_put_str(p->out, "</tr></thead><tbody>\n");
}

static void end_table(struct page *p)
{
  buf_put_str(p->out, "</tbody></table></div>\n");
}

static void put_number(struct page *p, uint64_t n)
{
  buf_printf(p->out, "<td>%llu</td>", (unsigned long long)n);
}

/* ---- traffic by state and day */

/* Those that sent most get a colour of their own; the others share the last. */
struct senders {
  size_t n;          /* series, the last being the others when there are more */
  bool others;
  const char *code[PLOT_SERIES_MAX], *label[PLOT_SERIES_MAX];
};

static uint64_t accepted_of(const struct page *p, const char *code)
{
  uint64_t sum = 0;
  const json_t *day;
  size_t i;
  json_array_foreach(list_of(p, "days"), i, day)
    sum += number_of(json_object_get(day, "accepted"), code);
  return sum;
}

static struct senders choose_senders(const struct page *p)
{
  struct senders s = {.n = 0};
  uint64_t had[PLOT_SERIES_MAX];
  const json_t *state;
  size_t i;
  json_array_foreach(list_of(p, "states"), i, state) {
    const char *code = json_string_value(state);
    const uint64_t sent = accepted_of(p, code);
    if (!sent)
      continue;
    size_t at = s.n < PLOT_SERIES_MAX ? s.n++ : PLOT_SERIES_MAX;
    s.others |= at == PLOT_SERIES_MAX;
    for (; at > 0 && had[at - 1] < sent; at--) /* in order; who falls off the end is of the others */
      if (at < PLOT_SERIES_MAX)
        had[at] = had[at - 1], s.code[at] = s.code[at - 1];
    if (at < PLOT_SERIES_MAX)
      had[at] = sent, s.code[at] = code;
  }
  for (i = 0; i < s.n; i++)
    s.label[i] = name_of(p, s.code[i]);
  if (s.others)
    s.code[PLOT_SERIES_MAX - 1] = NULL, s.label[PLOT_SERIES_MAX - 1] = _("the others");
  return s;
}

static void plot_traffic(struct page *p, const struct senders *s)
{
  const json_t *days = list_of(p, "days"), *day;
  const size_t n = json_array_size(days);
  const char **label = calloc(n + 1, sizeof *label);
  uint64_t *value = calloc(n * s->n + 1, sizeof *value);
  size_t i;
  if (label && value && n && s->n) {
    json_array_foreach(days, i, day) {
      const json_t *counts = json_object_get(day, "accepted");
      uint64_t rest = sum_of(counts);
      label[i] = text_of(day, "day");
      for (size_t k = 0; k < s->n; k++) {
        value[i * s->n + k] = s->code[k] ? number_of(counts, s->code[k]) : rest;
        rest -= s->code[k] ? value[i * s->n + k] : 0;
      }
    }
    plot_stack(&(struct plot_stack){.about = _("Bulletins accepted, by day and originating state"),
                                    .n_columns = n,
                                    .n_series = s->n,
                                    .column = label,
                                    .series = s->label,
                                    .value = value},
               p->out);
  }
  free(label);
  free(value);
}

static void put_traffic(struct page *p)
{
  const struct senders s = choose_senders(p);
  const json_t *day;
  size_t i;
  markup_element(p->out, "h2", _("Traffic by state and day"));
  markup_element(p->out, "p", _("Bulletins that the hub accepted, by the state that sent them. Days are those of UTC."));
  buf_put_str(p->out, "<figure>");
  plot_traffic(p, &s);
  buf_put_str(p->out, "</figure>\n");
  begin_table(p, (const char *[]){_("Day"), _("accepted"), _("refused"), _("receipts"), _("by state")}, 5, 4);
  json_array_foreach(list_of(p, "days"), i, day) {
    const char *code;
    const json_t *count;
    buf_put_str(p->out, "<tr>");
    markup_element(p->out, "td", text_of(day, "day"));
    put_number(p, sum_of(json_object_get(day, "accepted")));
    put_number(p, sum_of(json_object_get(day, "refused")));
    put_number(p, sum_of(json_object_get(day, "receipts")));
    buf_put_str(p->out, "<td class=\"words\">");
    json_object_foreach(json_object_get(day, "accepted"), code, count)
      buf_printf(p->out, "%s %lld &nbsp; ", code, (long long)json_integer_value(count));
    buf_put_str(p->out, "</td></tr>\n");
  }
  end_table(p);
}

/* ---- refusals and denials */

static void put_counts(struct page *p, const char *key, const char *title, const char *about, const char *head)
{
  const json_t *rows = list_of(p, key), *row;
  const size_t n = json_array_size(rows);
  const char **label = calloc(n + 1, sizeof *label);
  uint64_t *value = calloc(n + 1, sizeof *value);
  size_t i;
  markup_element(p->out, "h2", title);
  markup_element(p->out, "p", n ? about : _("None."));
  if (label && value && n) {
    json_array_foreach(rows, i, row) {
      label[i] = text_of(row, json_object_get(row, "reason") ? "reason" : "stage");
      value[i] = number_of(row, "count");
    }
    buf_put_str(p->out, "<figure>");
    plot_bars(&(struct plot_bars){.about = title, .n = n, .label = label, .value = value}, p->out);
    buf_put_str(p->out, "</figure>\n");
    begin_table(p, (const char *[]){head, _("how often")}, 2, 0);
    json_array_foreach(rows, i, row) {
      buf_put_str(p->out, "<tr>");
      markup_element(p->out, "td", text_of(row, "sentence"));
      put_number(p, value[i]);
      buf_put_str(p->out, "</tr>\n");
    }
    end_table(p);
  }
  free(label);
  free(value);
}

/* ---- latency */

static void put_latency(struct page *p)
{
  static const char *const keys[] = {"p50_ms", "p90_ms", "p99_ms", "max_ms"};
  enum { ROWS = 8 };
  const char *label[ROWS];
  uint64_t ms[ROWS][3];
  const json_t *rows = list_of(p, "latency"), *row;
  const size_t n = json_array_size(rows) < ROWS ? json_array_size(rows) : ROWS;
  size_t i;
  markup_element(p->out, "h2", _("How fast, by precedence"));
  markup_element(p->out, "p", _("From the hub's acceptance to the recipient's own receipt that it has stored the bulletin. The mark is the "
                                "middle: half were faster; the thick bar ends where nine tenths were, the thin one where ninety-nine "
                                "hundredths were."));
  for (i = 0; i < n; i++) {
    row = json_array_get(rows, i);
    label[i] = text_of(row, "precedence");
    for (size_t k = 0; k < 3; k++)
      ms[i][k] = number_of(row, keys[k]);
  }
  buf_put_str(p->out, "<figure>");
  plot_ranges(&(struct plot_ranges){.about = _("How fast, by precedence"), .n = n, .label = label, .ms = (const uint64_t(*)[3])ms}, p->out);
  buf_put_str(p->out, "</figure>\n");
  begin_table(p, (const char *[]){_("Precedence"), _("receipts"), _("none yet"), "50 %", "90 %", "99 %", _("slowest")}, 7, 0);
  for (i = 0; i < n; i++) {
    row = json_array_get(rows, i);
    buf_put_str(p->out, "<tr>");
    markup_element(p->out, "td", label[i]);
    put_number(p, number_of(row, "count"));
    put_number(p, number_of(row, "open"));
    for (size_t k = 0; k < 4; k++) {
      char said[PLOT_SPAN];
      markup_element(p->out, "td", number_of(row, "count") ? plot_span(number_of(row, keys[k]), said) : "\xe2\x80\x93");
    }
    buf_put_str(p->out, "</tr>\n");
  }
  end_table(p);
}

/* ---- reciprocity */

struct pair {
  const char *a, *b;
  uint64_t given, received;
  char label[8];
};

static uint64_t stored_of(const struct page *p, const char *from, const char *to)
{
  const json_t *pair;
  size_t i;
  json_array_foreach(list_of(p, "pairs"), i, pair)
    if (!strcmp(text_of(pair, "from"), from) && !strcmp(text_of(pair, "to"), to))
      return number_of(pair, "stored");
  return 0;
}

static int by_traffic(const void *x, const void *y)
{
  const struct pair *a = x, *b = y;
  const uint64_t m = a->given + a->received, n = b->given + b->received;
  return m < n ? 1 : m > n ? -1 : strcmp(a->label, b->label);
}

/* Every two states between which something went, those with most first. */
static struct pair *find_pairs(const struct page *p, size_t *ret_n)
{
  const json_t *states = list_of(p, "states");
  const size_t n = json_array_size(states);
  struct pair *found = calloc(n * n + 1, sizeof *found);
  size_t count = 0;
  for (size_t i = 0; found && i < n; i++)
    for (size_t k = i + 1; k < n; k++) {
      struct pair x = {.a = json_string_value(json_array_get(states, i)), .b = json_string_value(json_array_get(states, k))};
      x.given = stored_of(p, x.a, x.b);
      x.received = stored_of(p, x.b, x.a);
      snprintf(x.label, sizeof x.label, "%.2s\xe2\x80\x93%.2s", x.a, x.b);
      if (x.given + x.received)
        found[count++] = x;
    }
  if (found)
    qsort(found, count, sizeof *found, by_traffic);
  *ret_n = found ? count : 0;
  return found;
}

static void put_reciprocity(struct page *p)
{
  enum { SHOWN = 24 };
  const char *label[SHOWN];
  uint64_t value[SHOWN], back[SHOWN];
  size_t n;
  struct pair *pair = find_pairs(p, &n);
  markup_element(p->out, "h2", _("Given and received"));
  markup_element(p->out, "p", _("Counted from receipts alone: what the other side itself signed that it has stored. To the right, what the first "
                                "state of a pair gave; to the left, what it received from the second."));
  const size_t shown = n < SHOWN ? n : SHOWN;
  for (size_t i = 0; i < shown; i++)
    label[i] = pair[i].label, value[i] = pair[i].given, back[i] = pair[i].received;
  buf_put_str(p->out, "<figure>");
  plot_bars(&(struct plot_bars){.about = _("Given and received"), .n = shown, .label = label, .value = value, .back = back}, p->out);
  buf_put_str(p->out, "</figure>\n");
  begin_table(p, (const char *[]){_("State"), _("with"), _("given"), _("received")}, 4, 1);
  for (size_t i = 0; i < n; i++) {
    buf_put_str(p->out, "<tr>");
    markup_element(p->out, "td", name_of(p, pair[i].a));
    markup_element(p->out, "td class=\"words\"", name_of(p, pair[i].b));
    put_number(p, pair[i].given);
    put_number(p, pair[i].received);
    buf_put_str(p->out, "</tr>\n");
  }
  end_table(p);
  free(pair);
}

/* ---- the whole */

static void put_fact(struct page *p, const char *name, const char *value)
{
  markup_element(p->out, "dt", name);
  markup_element(p->out, "dd", *value ? value : "\xe2\x80\x93");
}

static void put_head(struct page *p)
{
  char size[24];
  const json_t *f = p->figures;
  snprintf(size, sizeof size, "%llu", (unsigned long long)number_of(f, "size"));
  buf_printf(p->out, "<!doctype html>\n<html lang=\"%s\"><head><meta charset=\"utf-8\">\n", speak_language());
  buf_put_str(p->out, "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; "
                      "form-action 'none'\">\n<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n");
  markup_element(p->out, "title", _("What passed through the exchange"));
  buf_printf(p->out, "<style>%s</style></head><body><main>\n", style);
  markup_element(p->out, "h1", _("What passed through the exchange"));
  markup_element(p->out, "p", _("Every entry that is counted here was held against the hub's signed log first. The figures are those of the log, "
                                "as far as the place that made this report may read it."));
  buf_put_str(p->out, "<dl>");
  put_fact(p, _("Log"), text_of(f, "log"));
  put_fact(p, _("Entries"), size);
  put_fact(p, _("Root"), text_of(f, "root"));
  put_fact(p, _("Settled by the witnesses"), json_is_true(json_object_get(f, "settled")) ? _("yes") : _("not yet"));
  put_fact(p, _("From"), text_of(f, "from"));
  put_fact(p, _("To"), text_of(f, "to"));
  put_fact(p, _("Made"), text_of(f, "made"));
  buf_put_str(p->out, "</dl>\n");
}

enum tg_err report_page(const json_t *figures, struct buf *out)
{
  struct page p = {.figures = figures, .out = out};
  if (!json_is_object(figures) || !json_is_array(list_of(&p, "states")) || !json_is_array(list_of(&p, "days")))
    return TG_BAD_INPUT;
  put_head(&p);
  put_traffic(&p);
  put_counts(&p, "refusals", _("Refused"), _("Bulletins that the hub did not accept, by reason."), _("Reason"));
  put_counts(&p, "denials", _("Not to everybody"), _("States that did not get a bulletin that was accepted, by the stage that denied it."), _("Stage"));
  put_latency(&p);
  put_reciprocity(&p);
  buf_put_str(out, "</main></body></html>\n");
  return buf_status(out);
}
