#include "os/conf.h"

#include "os/file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CONF_MAX (1u << 20)
#define WORDS_MAX 64
#define LINES_MAX 10000

/* What a reading knows. Invariant: line and column, from 1, are those of the word being looked at. */
struct reading {
  const char *path;
  char *base;
  const struct conf_key *keys;
  size_t n_keys;
  void *conf;
  unsigned *seen; /* per key: the line it stood at, 0 when not yet */
  unsigned line;
  struct tg_why *why;
};

struct word {
  struct slice text; /* unquoted, in the line's scratch memory */
  unsigned column;
};

static enum tg_err refuse(const struct reading *r, unsigned column, const char *what, const char *todo,
                          const char *a, const char *b, const char *c)
{
  char where[160];
  snprintf(where, sizeof where, "%.120s:%u:%u", r->path, r->line, column);
  return why_set(r->why, TG_BAD_INPUT, where, what, todo, a, b, c);
}

static void *at(const struct reading *r, const struct conf_key *k)
{
  return (char *)r->conf + k->offset;
}

/* --- words */

static bool is_space(uint8_t c)
{
  return c == ' ' || c == '\t' || c == '\r';
}

/* Reads one quoted word; *line stands behind the opening quote. */
static enum tg_err quoted(const struct reading *r, struct slice *line, unsigned column, uint8_t **out)
{
  while (line->n > 0 && line->p[0] != '"') {
    if (line->p[0] == '\\' && line->n > 1 && (line->p[1] == '"' || line->p[1] == '\\'))
      *line = slice_of(line->p + 1, line->n - 1);
    else if (line->p[0] == '\\')
      return refuse(r, column, N_("a backslash stands before a quote or a backslash only"), NULL, NULL, NULL,
                    NULL);
    *(*out)++ = line->p[0];
    *line = slice_of(line->p + 1, line->n - 1);
  }
  if (line->n == 0)
    return refuse(r, column, N_("the closing quote is missing"), NULL, NULL, NULL, NULL);
  *line = slice_of(line->p + 1, line->n - 1);
  if (line->n > 0 && !is_space(line->p[0]) && line->p[0] != '#')
    return refuse(r, column, N_("a space must follow the closing quote"), NULL, NULL, NULL, NULL);
  return TG_OK;
}

/* Cuts a line into words; their text goes to scratch, which is as long as the line. */
static enum tg_err split(const struct reading *r, struct slice line, uint8_t *scratch, struct word *words,
                         size_t *ret_n)
{
  const uint8_t *start = line.p;
  size_t n = 0;
  for (;;) {
    while (line.n > 0 && is_space(line.p[0]))
      line = slice_of(line.p + 1, line.n - 1);
    if (line.n == 0 || line.p[0] == '#')
      break;
    unsigned column = (unsigned)(line.p - start) + 1;
    if (n == WORDS_MAX)
      return refuse(r, column, N_("too many words on one line"), NULL, NULL, NULL, NULL);
    uint8_t *from = scratch;
    if (line.p[0] == '"') {
      line = slice_of(line.p + 1, line.n - 1);
      enum tg_err err = quoted(r, &line, column, &scratch);
      if (err != TG_OK)
        return err;
    } else {
      for (; line.n > 0 && !is_space(line.p[0]); line = slice_of(line.p + 1, line.n - 1)) {
        if (line.p[0] == '"')
          return refuse(r, (unsigned)(line.p - start) + 1, N_("a quote inside a word"),
                        N_("Put the whole value in quotes"), NULL, NULL, NULL);
        *scratch++ = line.p[0];
      }
    }
    words[n++] = (struct word){.text = slice_of(from, (size_t)(scratch - from)), .column = column};
  }
  *ret_n = n;
  return TG_OK;
}

/* --- lines */

static const char *next_keyword(const void *arg, size_t i)
{
  const struct reading *r = arg;
  return i < r->n_keys ? r->keys[i].keyword : NULL;
}

static enum tg_err find_key(const struct reading *r, const struct word *word, size_t *ret)
{
  for (size_t i = 0; i < r->n_keys; i++)
    if (slice_is(word->text, r->keys[i].keyword)) {
      *ret = i;
      return TG_OK;
    }
  char text[64];
  snprintf(text, sizeof text, "%.*s", (int)(word->text.n < 60 ? word->text.n : 60),
           (const char *)word->text.p);
  const char *near = value_nearest(word->text, next_keyword, r);
  return refuse(r, word->column, N_("unknown keyword %1$s"), near ? N_("Did you mean %2$s?") : NULL, text,
                near, NULL);
}

static void free_words(struct conf_line *line)
{
  for (size_t i = 0; i < line->n; i++)
    free(line->word[i]);
  free(line->word);
}

static void free_lines(struct conf_lines *lines)
{
  for (size_t i = 0; i < lines->n; i++)
    free_words(&lines->line[i]);
  free(lines->line);
  *lines = (struct conf_lines){0};
}

static enum tg_err no_memory(const struct reading *r)
{
  return why_set(r->why, TG_NO_MEMORY, r->path, N_("out of memory"), NULL, NULL, NULL, NULL);
}

static enum tg_err add_line(const struct reading *r, const struct conf_key *k, const struct word *words,
                            size_t n)
{
  struct conf_lines *lines = at(r, k);
  struct value_limits limits = k->limits;
  if (n < k->min_words || n > k->max_words) {
    char bound[24];
    snprintf(bound, sizeof bound, "%zu", n < k->min_words ? k->min_words : k->max_words);
    return refuse(r, 1,
                  n < k->min_words ? N_("%1$s needs %2$s values") : N_("%1$s takes at most %2$s values"),
                  k->example ? N_("Write it like: %1$s %3$s") : NULL, k->keyword, bound, k->example);
  }
  if (lines->n == LINES_MAX)
    return refuse(r, 1, N_("too many lines with %1$s"), NULL, k->keyword, NULL, NULL);
  struct conf_line *grown = realloc(lines->line, (lines->n + 1) * sizeof *grown);
  if (!grown)
    return no_memory(r);
  lines->line = grown;
  struct conf_line *line = &grown[lines->n];
  *line = (struct conf_line){.line = r->line, .word = calloc(n + 1, sizeof(char *))};
  enum tg_err err = line->word ? TG_OK : no_memory(r);
  for (; err == TG_OK && line->n < n; line->n++) {
    char where[160];
    snprintf(where, sizeof where, "%.120s:%u:%u", r->path, r->line, words[line->n].column);
    err = value_set(VALUE_TEXT, &limits, words[line->n].text, NULL, &line->word[line->n], where, r->why);
  }
  if (err != TG_OK) {
    free_words(line);
    return err;
  }
  lines->n++;
  return TG_OK;
}

static enum tg_err take_line_words(struct reading *r, const struct word *words, size_t n)
{
  size_t i = 0;
  enum tg_err err = find_key(r, &words[0], &i);
  if (err != TG_OK)
    return err;
  const struct conf_key *k = &r->keys[i];
  if (k->shape == CONF_LINES) {
    r->seen[i] = r->line;
    return add_line(r, k, words + 1, n - 1);
  }
  if (r->seen[i]) {
    char first[24];
    snprintf(first, sizeof first, "%u", r->seen[i]);
    return refuse(r, words[0].column, N_("%1$s stands twice; the first time on line %2$s"),
                  N_("Remove one of them"), k->keyword, first, NULL);
  }
  r->seen[i] = r->line;
  if (n < 2)
    return refuse(r, words[0].column, N_("%1$s needs a value"), NULL, k->keyword, NULL, NULL);
  if (n > 2)
    return refuse(r, words[2].column, N_("%1$s takes one value"), N_("A value with spaces stands in quotes"),
                  k->keyword, NULL, NULL);
  char where[160];
  snprintf(where, sizeof where, "%.120s:%u:%u", r->path, r->line, words[1].column);
  return value_set(k->kind, &k->limits, words[1].text, r->base, at(r, k), where, r->why);
}

static enum tg_err read_line(struct reading *r, struct slice line)
{
  struct word words[WORDS_MAX];
  size_t n = 0;
  uint8_t *scratch = malloc(line.n + 1);
  if (!scratch)
    return no_memory(r);
  enum tg_err err = split(r, line, scratch, words, &n);
  if (err == TG_OK && n > 0)
    err = take_line_words(r, words, n);
  free(scratch);
  return err;
}

/* --- the whole */

/* A default is read like a line of a file; a mistake in one is the program's own. */
static enum tg_err take_fallback(struct reading *r, const struct conf_key *k)
{
  r->line = 0;
  if (k->shape == CONF_ONE)
    return value_set(k->kind, &k->limits, slice_str(k->fallback), r->base, at(r, k), k->keyword, r->why);
  struct word words[WORDS_MAX];
  size_t n = 0;
  uint8_t *scratch = malloc(strlen(k->fallback) + 1);
  enum tg_err err = scratch ? split(r, slice_str(k->fallback), scratch, words, &n) : no_memory(r);
  if (err == TG_OK)
    err = add_line(r, k, words, n);
  free(scratch);
  return err;
}

static enum tg_err complete(struct reading *r)
{
  enum tg_err err = TG_OK;
  for (size_t i = 0; err == TG_OK && i < r->n_keys; i++) {
    const struct conf_key *k = &r->keys[i];
    if (r->seen[i])
      continue;
    if (k->required)
      return why_set(r->why, TG_BAD_INPUT, r->path, N_("%1$s is missing"), N_("Add a line: %1$s %2$s"),
                     k->keyword, k->example ? k->example : "…", NULL);
    if (k->fallback)
      err = take_fallback(r, k);
  }
  return err;
}

static char *folder_of(const char *path)
{
  const char *slash = strrchr(path, '/');
  return slash ? strndup(path, slash == path ? 1 : (size_t)(slash - path)) : strdup(".");
}

enum tg_err conf_parse(struct slice text, const char *path, const struct conf_key *keys, size_t n, void *conf,
                       struct tg_why *why)
{
  struct reading r = {.path = path, .keys = keys, .n_keys = n, .conf = conf, .line = 1, .why = why};
  r.base = folder_of(path);
  r.seen = calloc(n + 1, sizeof *r.seen);
  enum tg_err err = r.base && r.seen ? TG_OK : no_memory(&r);
  for (struct slice line; err == TG_OK && text.n > 0; r.line++) {
    if (!take_line(&text, &line)) {
      line = text;
      text.n = 0;
    }
    err = read_line(&r, line);
  }
  if (err == TG_OK)
    err = complete(&r);
  if (err != TG_OK)
    conf_free(keys, n, conf);
  free(r.seen);
  free(r.base);
  return err;
}

enum tg_err conf_read(const char *path, const struct conf_key *keys, size_t n, void *conf, struct tg_why *why)
{
  struct buf text = buf_new(CONF_MAX);
  enum tg_err err = file_read_trusted(path, CONF_MAX, &text, why);
  if (err == TG_OK)
    err = conf_parse(buf_slice(&text), path, keys, n, conf, why);
  buf_free(&text);
  return err;
}

void conf_free(const struct conf_key *keys, size_t n, void *conf)
{
  for (size_t i = 0; i < n; i++) {
    void *value = (char *)conf + keys[i].offset;
    if (keys[i].shape == CONF_LINES)
      free_lines(value);
    else
      value_free(keys[i].kind, value);
  }
}

/* A comment, wrapped at 96 columns. */
static void print_comment(const char *text, struct buf *ret)
{
  size_t column = 0;
  buf_put_str(ret, "#");
  while (*text) {
    size_t n = strcspn(text, " \n");
    if (column + n + 1 > 94) {
      buf_put_str(ret, "\n#");
      column = 0;
    }
    buf_put_u8(ret, ' ');
    buf_put(ret, text, n);
    column += n + 1;
    text += n + (text[n] != 0);
  }
  buf_put_u8(ret, '\n');
}

static void print_value(const struct conf_key *k, struct buf *ret)
{
  const char *value = k->fallback ? k->fallback : k->example;
  bool quote = value && k->shape == CONF_ONE && (strpbrk(value, " #\"\\") || !*value);
  buf_put_str(ret, k->keyword);
  if (!value) {
    buf_put_str(ret, " …\n");
    return;
  }
  buf_put_str(ret, quote ? " \"" : " ");
  for (const char *c = value; *c; c++) {
    if (quote && (*c == '"' || *c == '\\'))
      buf_put_u8(ret, '\\');
    buf_put_u8(ret, (uint8_t)*c);
  }
  buf_put_str(ret, quote ? "\"\n" : "\n");
}

void conf_print(const struct conf_key *keys, size_t n, const char *(*translate)(const char *),
                struct buf *ret)
{
  for (size_t i = 0; i < n; i++) {
    const struct conf_key *k = &keys[i];
    if (i > 0)
      buf_put_u8(ret, '\n');
    if (k->help)
      print_comment(translate ? translate(k->help) : k->help, ret);
    if (!k->required)
      buf_put_u8(ret, '#');
    print_value(k, ret);
  }
}

const char *conf_where(const char *path, const struct conf_line *line, char out[160])
{
  snprintf(out, 160, "%.140s:%u", path, line->line);
  return out;
}
