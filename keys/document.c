#include "keys/document.h"
#include "keys/codec.h"
#include "keys/nearest.h"
#include "proto/hash.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct document {
  const struct document_grammar *grammar;
  const char *file;
  struct line *line;
  size_t n_lines;
  struct word *word; /* of all lines, in order */
};

static const char *const kind_names[] = {
    [DOCUMENT_CHARTER] = N_("charter"),       [DOCUMENT_CREDENTIAL] = N_("credential"),
    [DOCUMENT_REVOCATION] = N_("revocation"), [DOCUMENT_POLICY] = N_("policy"),
    [DOCUMENT_WITHDRAWAL] = N_("withdrawal"), [DOCUMENT_GRANT] = N_("grant"),
};

const char *document_kind_name(enum document_kind kind)
{
  if (kind == DOCUMENT_SEALING_KEYS)
    return N_("sealing-keys");
  return (size_t)kind < sizeof kind_names / sizeof *kind_names && kind_names[kind] ? kind_names[kind]
                                                                                   : N_("document");
}

struct hash document_hash(struct slice text)
{
  return hash_labelled("toguna/document/v1", text);
}

/* --- errors --- */

static enum tg_err error_at(const char *file, size_t line, size_t column, enum tg_err err, const char *what,
                            const char *todo, const char *a, const char *b, struct tg_why *why)
{
  char where[160];
  snprintf(where, sizeof where, "%.100s:%zu:%zu", file, line, column);
  return why_set(why, err, where, what, todo, a, b, NULL);
}

/* A NUL-terminated copy for an explanation, cut where an explanation would cut it. */
static const char *shown(struct slice s, char out[128])
{
  size_t n = s.n < 127 ? s.n : 127;
  if (n)
    memcpy(out, s.p, n);
  out[n] = 0;
  return out;
}

enum tg_err document_error(const struct document *d, const struct line *line, size_t i, enum tg_err err,
                           const char *what, const char *todo, const char *a, const char *b,
                           struct tg_why *why)
{
  size_t column = i < line->n ? line->word[i].column : 1;
  return error_at(d->file, line->number, column, err, what, todo, a, b, why);
}

/* --- the first line --- */

enum tg_err document_kind_of(struct slice text, const char *file, enum document_kind *ret, struct tg_why *why)
{
  struct slice line = slice_of(text.p, 0);
  char first[64], name[128];
  take_line(&text, &line);
  for (size_t i = DOCUMENT_CHARTER; i <= DOCUMENT_GRANT; i++) {
    snprintf(first, sizeof first, "toguna/%s v1", kind_names[i]);
    if (slice_is(line, first))
      return *ret = (enum document_kind)i, TG_OK;
  }
  return error_at(
      file ? file : "note", 1, 1, TG_UNKNOWN, N_("'%1$s' is not a type of document that this program knows"),
      N_("the first line must be one such as 'toguna/charter v1'; a newer version needs a newer program"),
      shown(line, name), NULL, why);
}

/* --- splitting --- */

static size_t count_words(struct slice s)
{
  size_t n = 0;
  for (size_t i = 0; i < s.n; i++)
    n += s.p[i] != ' ' && s.p[i] != '\n' && (i == 0 || s.p[i - 1] == ' ' || s.p[i - 1] == '\n');
  return n;
}

static size_t count_lines(struct slice s)
{
  size_t n = 0;
  for (size_t i = 0; i < s.n; i++)
    n += s.p[i] == '\n';
  return n;
}

/* Splits a line at spaces. Room for all words of the text was made before. */
static size_t split(struct slice line, struct word *out)
{
  size_t n = 0;
  for (size_t i = 0; i < line.n;) {
    size_t from = i;
    while (i < line.n && line.p[i] != ' ')
      i++;
    if (i > from)
      out[n++] = (struct word){slice_of(line.p + from, i - from), (uint32_t)from + 1};
    while (i < line.n && line.p[i] == ' ')
      i++;
  }
  return n;
}

/* The line and column of the first character that text may not hold. */
static enum tg_err hidden_character(struct slice text, const char *file, struct tg_why *why)
{
  size_t number = 1, good;
  struct slice line = slice_of(text.p, 0);
  while (take_line(&text, &line) && text_valid(line, NULL))
    number++;
  /* The longest good beginning ends right before it. Trying them all is for lines that people write. */
  good = line.n < 1000 ? line.n : 0;
  while (good > 0 && !text_valid(slice_of(line.p, good), NULL))
    good--;
  return error_at(file, number, good + 1, TG_BAD_INPUT,
                  N_("here is a character that is not visible text (control character, direction "
                     "mark or bad UTF-8)"),
                  N_("type the line again; separate words by spaces"), NULL, NULL, why);
}

/* --- checking against the grammar --- */

static size_t rule_find(const struct document_grammar *g, struct slice keyword)
{
  for (size_t i = 0; i < g->n; i++)
    if (slice_is(keyword, g->rules[i].keyword))
      return i;
  return SIZE_MAX;
}

static enum tg_err unknown_keyword(const struct document *d, const struct word *w, size_t number,
                                   struct tg_why *why)
{
  struct nearest nearest = nearest_to(w->text);
  char word[128];
  for (size_t i = 0; i < d->grammar->n; i++)
    nearest_try(&nearest, d->grammar->rules[i].keyword);
  shown(w->text, word);
  if (nearest.best)
    return error_at(d->file, number, w->column, TG_BAD_INPUT, N_("unknown keyword '%1$s'"),
                    N_("did you mean '%2$s'?"), word, nearest.best, why);
  return error_at(d->file, number, w->column, TG_BAD_INPUT, N_("unknown keyword '%1$s'"),
                  N_("remove the line, or use the keyword of this type of document"), word, NULL, why);
}

static enum tg_err check_words(const struct document *d, const struct line *l, struct tg_why *why)
{
  char few[24];
  if (l->rule == SIZE_MAX)
    return TG_OK;
  const struct line_rule *rule = &d->grammar->rules[l->rule];
  snprintf(few, sizeof few, "%u", rule->words_min);
  if (l->n < rule->words_min)
    return document_error(d, l, SIZE_MAX, TG_BAD_INPUT, N_("'%1$s' lacks a value: it takes at least %2$s"),
                          N_("complete the line"), rule->keyword, few, why);
  snprintf(few, sizeof few, "%u", rule->words_max);
  if (l->n > rule->words_max)
    return document_error(d, l, rule->words_max, TG_BAD_INPUT,
                          N_("'%1$s' has too many values: it takes at most %2$s"), N_("shorten the line"),
                          rule->keyword, few, why);
  return TG_OK;
}

/* How often each rule's line occurs is right? */
static enum tg_err check_counts(const struct document *d, size_t last_line, struct tg_why *why)
{
  for (size_t rule = 0; rule < d->grammar->n; rule++) {
    const struct line_rule *r = &d->grammar->rules[rule];
    const struct line *first = NULL, *second = NULL;
    for (size_t i = 0; i < d->n_lines && !second; i++)
      if (d->line[i].rule == rule)
        *(first ? &second : &first) = &d->line[i];
    if (second && (r->need == LINE_ONCE || r->need == LINE_OPTIONAL))
      return document_error(d, second, SIZE_MAX, TG_BAD_INPUT, N_("'%1$s' stands here a second time"),
                            N_("keep one of the two lines"), r->keyword, NULL, why);
    if (!first && (r->need == LINE_ONCE || r->need == LINE_SOME))
      return error_at(d->file, last_line, 1, TG_BAD_INPUT, N_("the line '%1$s' is missing"), N_("add it"),
                      r->keyword, NULL, why);
  }
  return TG_OK;
}

/* Splits line after line into d, whose arrays are large enough. */
static enum tg_err read_lines(struct document *d, struct slice text, struct tg_why *why)
{
  struct word *free_word = d->word;
  struct slice rest = text, line;
  size_t number = 1;
  enum tg_err err = TG_OK;
  take_line(&rest, &line); /* the first line, checked by the caller */
  for (number = 2; !err && take_line(&rest, &line); number++) {
    size_t n = split(line, free_word);
    if (n == 0 || free_word[0].text.p[0] == '#')
      continue;
    struct line *l = &d->line[d->n_lines];
    *l = (struct line){.rule = rule_find(d->grammar, free_word[0].text),
                       .number = (uint32_t)number,
                       .n = n - 1,
                       .word = free_word + 1};
    if (l->rule == SIZE_MAX && !d->grammar->open)
      return unknown_keyword(d, free_word, number, why);
    if (n - 1 > DOCUMENT_WORDS_MAX || d->n_lines == DOCUMENT_LINES_MAX)
      return error_at(d->file, number, 1, TG_TOO_BIG, N_("the document is longer than a document may be"),
                      NULL, NULL, NULL, why);
    err = check_words(d, l, why);
    d->n_lines++;
    free_word += n;
  }
  return err ? err : check_counts(d, number, why);
}

static enum tg_err check_text(const struct document_grammar *grammar, struct slice text, const char *file,
                              struct tg_why *why)
{
  struct slice rest = text, first;
  char name[128];
  if (text.n > NOTE_BYTES_MAX)
    return error_at(file, 1, 1, TG_TOO_BIG, N_("the document is longer than a document may be"), NULL, NULL,
                    NULL, why);
  if (!take_line(&rest, &first))
    first = text;
  if (!slice_is(first, grammar->first_line))
    return error_at(file, 1, 1, TG_UNKNOWN, N_("the first line is '%1$s' where '%2$s' must stand"),
                    N_("a newer version needs a newer program"), shown(first, name), grammar->first_line,
                    why);
  if (!text_valid(text, "\n"))
    return hidden_character(text, file, why);
  if (text.p[text.n - 1] != '\n')
    return error_at(file, count_lines(text) + 1, 1, TG_BAD_INPUT, N_("the last line does not end"),
                    N_("end it with a line end; the file may have been cut off"), NULL, NULL, why);
  return TG_OK;
}

enum tg_err document_parse(const struct document_grammar *grammar, struct slice text, const char *file,
                           struct document **ret, struct tg_why *why)
{
  file = file ? file : grammar->first_line;
  enum tg_err err = check_text(grammar, text, file, why);
  if (err)
    return err;
  struct document *d = calloc(1, sizeof *d);
  if (d) {
    d->grammar = grammar;
    d->file = file;
    d->line = calloc(count_lines(text) + 1, sizeof *d->line);
    d->word = calloc(count_words(text) + 1, sizeof *d->word);
  }
  if (!d || !d->line || !d->word)
    err = why_set(why, TG_NO_MEMORY, file, N_("out of memory"), NULL, NULL, NULL, NULL);
  err = err ? err : read_lines(d, text, why);
  if (err) {
    document_free(d);
    return err;
  }
  *ret = d;
  return TG_OK;
}

void document_free(struct document *d)
{
  if (!d)
    return;
  free(d->line);
  free(d->word);
  free(d);
}

const struct line *document_line(const struct document *d, size_t i)
{
  return i < d->n_lines ? &d->line[i] : NULL;
}

const struct line *document_find(const struct document *d, size_t rule)
{
  for (size_t i = 0; i < d->n_lines; i++)
    if (d->line[i].rule == rule)
      return &d->line[i];
  return NULL;
}

/* --- values --- */

/* An error about one word, which it quotes. */
static enum tg_err bad_word(const struct document *d, const struct line *l, size_t i, const char *what,
                            const char *todo, const char *b, struct tg_why *why)
{
  char word[128];
  return document_error(d, l, i, TG_BAD_INPUT, what, todo, shown(l->word[i].text, word), b, why);
}

enum tg_err document_time(const struct document *d, const struct line *l, size_t i, tg_time *ret,
                          struct tg_why *why)
{
  if (!time_parse(l->word[i].text, ret))
    return TG_OK;
  return bad_word(d, l, i, N_("'%1$s' is not a time"), N_("write it in UTC, as 2026-12-01T00:00:00Z"), NULL,
                  why);
}

enum tg_err document_duration(const struct document *d, const struct line *l, size_t i, tg_time *ret,
                              struct tg_why *why)
{
  if (!duration_parse(l->word[i].text, ret))
    return TG_OK;
  return bad_word(d, l, i, N_("'%1$s' is not a duration"), N_("write it as 30s, 15m, 24h or 90d"), NULL, why);
}

enum tg_err document_number(const struct document *d, const struct line *l, size_t i, uint64_t min,
                            uint64_t max, uint64_t *ret, struct tg_why *why)
{
  uint64_t v;
  char range[64];
  if (!number_parse(l->word[i].text, max, &v) && v >= min)
    return *ret = v, TG_OK;
  snprintf(range, sizeof range, "%llu..%llu", (unsigned long long)min, (unsigned long long)max);
  return bad_word(d, l, i, N_("'%1$s' is not a number in %2$s"),
                  N_("write it in plain digits, without leading zeros"), range, why);
}

enum tg_err document_size(const struct document *d, const struct line *l, size_t i, uint64_t *ret,
                          struct tg_why *why)
{
  if (!size_parse(l->word[i].text, ret))
    return TG_OK;
  return bad_word(d, l, i, N_("'%1$s' is not a size"),
                  N_("write it as 64KiB, 16MiB, 1GiB or a number of bytes"), NULL, why);
}

enum tg_err document_country(const struct document *d, const struct line *l, size_t i, struct country *ret,
                             struct tg_why *why)
{
  if (!country_parse(l->word[i].text, ret))
    return TG_OK;
  const char *nearest = country_nearest(l->word[i].text);
  return bad_word(d, l, i, N_("'%1$s' is not a country code"),
                  nearest ? N_("did you mean %2$s?") : N_("use the two capital letters of ISO 3166-1"),
                  nearest, why);
}

enum tg_err document_holder(const struct document *d, const struct line *l, size_t i, struct holder *ret,
                            struct tg_why *why)
{
  if (!holder_parse(l->word[i].text, ret))
    return TG_OK;
  return bad_word(d, l, i, N_("'%1$s' is not the name of a key holder"),
                  N_("write country, agency and node as ML/dgse/n1, in small letters after the country"),
                  NULL, why);
}

enum tg_err document_exchange(const struct document *d, const struct line *l, size_t i,
                              char ret[EXCHANGE_NAME_MAX + 1], struct tg_why *why)
{
  struct slice s = l->word[i].text;
  if (!exchange_name_valid(s))
    return bad_word(d, l, i, N_("'%1$s' is not the name of an exchange"),
                    N_("use small letters, digits, '-' and '.', as in sahel.example"), NULL, why);
  memcpy(ret, s.p, s.n);
  ret[s.n] = 0;
  return TG_OK;
}

enum tg_err document_key(const struct document *d, const struct line *l, size_t i, uint8_t ret[32],
                         struct tg_why *why)
{
  if (!base64_read(l->word[i].text, ret, 32))
    return TG_OK;
  return bad_word(d, l, i, N_("'%1$s' is not a key of 32 bytes in base64"),
                  N_("copy the whole key again from its owner"), NULL, why);
}

enum tg_err document_hash_word(const struct document *d, const struct line *l, size_t i, struct hash *ret,
                               struct tg_why *why)
{
  if (!hash_parse(l->word[i].text, ret))
    return TG_OK;
  return bad_word(d, l, i, N_("'%1$s' is not a hash of 64 hexadecimal digits"),
                  N_("copy it again, in small letters"), NULL, why);
}

enum tg_err document_vkey(const struct document *d, const struct line *l, size_t i, struct note_key *ret,
                          struct tg_why *why)
{
  struct tg_why cause;
  enum tg_err err = note_key_parse(l->word[i].text, ret, &cause);
  if (!err)
    return TG_OK;
  return document_error(d, l, i, err, cause.what, cause.todo, cause.arg[0], NULL, why);
}

struct slice document_rest(const struct line *l, size_t i)
{
  if (i >= l->n)
    return slice_of(NULL, 0);
  const struct word *last = &l->word[l->n - 1];
  return slice_of(l->word[i].text.p, (size_t)(last->text.p + last->text.n - l->word[i].text.p));
}
