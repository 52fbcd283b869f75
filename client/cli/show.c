#include "client/cli/show.h"

#include "keys/codec.h"
#include "keys/country.h"
#include "os/fault.h"
#include "os/speak.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

static bool colour;

static void need(const void *p)
{
  if (p)
    return;
  fputs("toguna: out of memory\n", stderr);
  exit(tg_exit_code(TG_NO_MEMORY));
}

void show_init(void)
{
  const char *term = getenv("TERM"), *no = getenv("NO_COLOR");
  colour = isatty(STDOUT_FILENO) && term && strcmp(term, "dumb") && !(no && *no);
}

static const char *tint_code(enum tint tint)
{
  static const char *const codes[] = {"", "\033[1m", "\033[2m", "\033[32m", "\033[33m", "\033[31m"};
  return codes[tint];
}

void show_tinted(enum tint tint, const char *text)
{
  bool on = colour && tint != TINT_PLAIN;
  printf("%s%s%s", on ? tint_code(tint) : "", text, on ? "\033[0m" : "");
}

size_t show_width(const char *text)
{
  size_t n = 0;
  for (; *text; text++)
    n += ((unsigned char)*text & 0xc0) != 0x80;
  return n;
}

static size_t terminal_width(void)
{
  struct winsize w;
  if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &w) || w.ws_col < 50)
    return 80;
  return w.ws_col < 110 ? w.ws_col : 110;
}

void show_wrapped(const char *text, size_t indent)
{
  size_t width = terminal_width(), column = 0;
  while (*text) {
    size_t n = speak_word(text);
    char word[256];
    snprintf(word, sizeof word, "%.*s", (int)(n < 255 ? n : 255), text);
    size_t w = show_width(word);
    if (column && column + 1 + w > width) {
      putchar('\n');
      column = 0;
    }
    if (!column)
      printf("%*s", (int)indent, "");
    printf("%s%s", column ? " " : "", word);
    column = (column ? column + 1 : indent) + w;
    text += n;
    if (*text == '\n') {
      putchar('\n');
      column = 0;
    }
    text += *text != 0;
  }
  if (column)
    putchar('\n');
}

/* --- tables */

struct cell {
  char *text;
  enum tint tint;
};

struct grid {
  size_t n, rows, room;
  bool headings;
  struct cell *cell; /* row by row */
};

struct grid *grid_new(size_t n, const char *const *headings)
{
  struct grid *g = calloc(1, sizeof *g);
  need(g);
  g->n = n;
  if (!headings)
    return g;
  grid_row(g, headings);
  g->headings = true;
  for (size_t i = 0; i < n; i++)
    grid_tint(g, i, TINT_BOLD);
  return g;
}

void grid_row(struct grid *g, const char *const *cells)
{
  if (g->rows == g->room) {
    g->room = g->room ? 2 * g->room : 16;
    g->cell = reallocarray(g->cell, g->room * g->n, sizeof *g->cell);
    need(g->cell);
  }
  struct cell *row = &g->cell[g->rows++ * g->n];
  for (size_t i = 0; i < g->n; i++) {
    row[i] = (struct cell){.text = strdup(cells[i] ? cells[i] : "")};
    need(row[i].text);
  }
}

void grid_tint(struct grid *g, size_t column, enum tint tint)
{
  g->cell[(g->rows - 1) * g->n + column].tint = tint;
}

size_t grid_rows(const struct grid *g)
{
  return g->rows - g->headings;
}

static void print_row(const struct grid *g, const struct cell *row, const size_t *width)
{
  size_t last = 0;
  for (size_t i = 0; i < g->n; i++)
    if (row[i].text[0])
      last = i;
  for (size_t i = 0; i <= last; i++) {
    show_tinted(row[i].tint, row[i].text);
    if (i < last)
      printf("%*s", (int)(width[i] - show_width(row[i].text) + 2), "");
  }
  putchar('\n');
}

void grid_free(struct grid *g)
{
  for (size_t i = 0; i < g->rows * g->n; i++)
    free(g->cell[i].text);
  free(g->cell);
  free(g);
}

void grid_print(struct grid *g)
{
  size_t width[GRID_COLUMNS_MAX] = {0};
  for (size_t i = 0; i < g->rows * g->n; i++) {
    size_t w = show_width(g->cell[i].text);
    if (w > width[i % g->n])
      width[i % g->n] = w;
  }
  for (size_t r = 0; r < g->rows; r++)
    print_row(g, &g->cell[r * g->n], width);
  grid_free(g);
}

/* --- values */

const char *show_time(tg_time t, char out[SHOW_TIME])
{
  time_t seconds = (time_t)(t / TG_SECOND);
  struct tm tm;
  if (t == 0 || !localtime_r(&seconds, &tm) || !strftime(out, SHOW_TIME, "%Y-%m-%d %H:%M:%S %Z", &tm))
    strcpy(out, "-");
  return out;
}

const char *show_topics(const char *name, char *out, size_t size)
{
  static const char between[] = " except "; /* no topic has spaces */
  const char *found = strstr(name, between);
  snprintf(out, size, "%.*s%s%s%s%s", (int)(found ? found - name : (ptrdiff_t)strlen(name)), name, found ? " " : "",
           found ? _("except") : "", found ? " " : "", found ? found + sizeof between - 1 : "");
  return out;
}

const char *show_country(const char *code)
{
  struct country country; /* what parses is in the table, whose names are static */
  return country_parse(slice_str(code), &country) == TG_OK ? country_name(&country, speak_language()) : "";
}

const char *show_size(uint64_t bytes, char out[SHOW_SIZE])
{
  static const char *const units[] = {N_("KiB"), N_("MiB"), N_("GiB"), N_("TiB"), N_("PiB")};
  if (bytes < 1024) {
    snprintf(out, SHOW_SIZE, _("%u B"), (unsigned)bytes);
    return out;
  }
  size_t unit = 0;
  while (bytes >= 1024 * 1024 && unit < 4) {
    bytes /= 1024;
    unit++;
  }
  /* TRANSLATORS: a size, such as 1.5 MiB */
  snprintf(out, SHOW_SIZE, _("%u.%u %s"), (unsigned)(bytes / 1024), (unsigned)(bytes % 1024 * 10 / 1024),
           _(units[unit]));
  return out;
}

/* --- JSON */

json_t *json_time(tg_time t)
{
  char text[25];
  if (t == 0)
    return json_null();
  time_print(t, text);
  json_t *j = json_string(text);
  need(j);
  return j;
}

/* Takes the text. */
static json_t *json_of(struct buf *text)
{
  json_t *j = buf_status(text) ? NULL : json_stringn((const char *)text->p, text->n);
  need(j);
  buf_free(text);
  return j;
}

json_t *json_hex(struct slice bytes)
{
  struct buf text = buf_new(SIZE_MAX);
  for (size_t i = 0; i < bytes.n; i++)
    buf_printf(&text, "%02x", bytes.p[i]);
  return json_of(&text);
}

json_t *json_base64(struct slice bytes)
{
  struct buf text = buf_new(SIZE_MAX);
  base64_put(&text, bytes.p, bytes.n);
  return json_of(&text);
}

json_t *json_words(const char *const *words)
{
  json_t *list = json_array();
  need(list);
  for (size_t i = 0; words && words[i]; i++)
    json_array_append_new(list, json_string(words[i]));
  return list;
}

static json_t *text_or_null(const char *text)
{
  return text && *text ? json_string(text) : json_null();
}

json_t *json_failure(enum tg_err err, const char *where, const char *what, const char *todo, const char *message)
{
  json_t *j = json_object();
  need(j);
  json_object_set_new(j, "error", json_string(tg_err_name(err)));
  json_object_set_new(j, "exit", json_integer(tg_exit_code(err)));
  json_object_set_new(j, "where", text_or_null(where));
  json_object_set_new(j, "what", text_or_null(what));
  json_object_set_new(j, "todo", text_or_null(todo));
  json_object_set_new(j, "message", text_or_null(message));
  return j;
}

json_t *json_why(const struct tg_why *why, const char *message)
{
  const char *const arg[3] = {why->arg[0], why->arg[1], why->arg[2]};
  char what[512] = "", todo[512] = "";
  if (why->what)
    why_fill(_(why->what), arg, what, sizeof what);
  if (why->todo)
    why_fill(_(why->todo), arg, todo, sizeof todo);
  return json_failure(why->err, why->where, what, todo, message);
}

void show_json(json_t *value)
{
  need(value);
  json_dumpf(value, stdout, JSON_ENCODE_ANY | (isatty(STDOUT_FILENO) ? JSON_INDENT(2) : JSON_COMPACT));
  putchar('\n');
  json_decref(value);
}

enum tg_err show_flush(struct tg_why *why)
{
  if (fflush(stdout) == 0 && !ferror(stdout))
    return TG_OK;
  return fault_why(why, TG_DISK, NULL, N_("standard output did not take everything: %1$s"), NULL);
}

const char *show_sentence(const json_t *sentence, const char *key, char *out, size_t size)
{
  const json_t *args = json_object_get(sentence, "args");
  const char *msgid = json_string_value(json_object_get(sentence, key)), *arg[3];
  for (size_t i = 0; i < 3; i++) {
    arg[i] = json_string_value(json_array_get(args, i));
    arg[i] = arg[i] ? arg[i] : "";
  }
  why_fill(msgid ? _(msgid) : "", arg, out, size);
  return out;
}

json_t *show_states(const json_t *states)
{
  json_t *names = json_object();
  const json_t *state;
  size_t i;
  json_array_foreach((json_t *)(uintptr_t)states, i, state) {
    struct country country;
    const char *code = json_string_value(state);
    if (code && country_parse(slice_str(code), &country) == TG_OK)
      json_object_set_new(names, code, json_string(country_name(&country, speak_language())));
  }
  return names;
}
