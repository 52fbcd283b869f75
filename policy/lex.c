#include "policy/lex.h"

#include "policy/problem_list.h"

#include <stdio.h>
#include <string.h>

const char *shown(struct slice s, char out[128])
{
  size_t n = s.n < 127 ? s.n : 127;
  if (n)
    memcpy(out, s.p, n);
  out[n] = 0;
  return out;
}

static void report(struct reader *r, struct slice place, bool warning, const char *what, const char *todo,
                   const char *a, const char *b)
{
  struct problem p = {.line = r->number, .column = 1, .width = 1, .warning = warning};
  char where[160];
  if (!place.p) /* the end of what is written */
    place = slice_of(r->line.p ? r->line.p + r->line.n : NULL, 0);
  if (r->line.p && place.p >= r->line.p)
    p.column = (uint32_t)characters(slice_of(r->line.p, (size_t)(place.p - r->line.p))) + 1;
  if (place.n)
    p.width = (uint32_t)characters(place);
  snprintf(where, sizeof where, "%.120s:%u:%u", r->file, p.line, p.column);
  enum tg_err err = warning ? TG_OK : r->code ? r->code : TG_BAD_INPUT;
  why_set(&p.why, err, where, what, todo, a, b, NULL);
  r->code = TG_OK;
  if (!warning && !r->first.what)
    r->first = p.why;
  problems_add(r->problems, &p);
}

bool reader_error(struct reader *r, struct slice place, const char *what, const char *todo, const char *a,
                  const char *b)
{
  report(r, place, false, what, todo, a, b);
  return false;
}

bool reader_warn(struct reader *r, struct slice place, const char *what, const char *todo, const char *a,
                 const char *b)
{
  report(r, place, true, what, todo, a, b);
  return true;
}

/* Letters of some scripts are joined by such; but whoever reads a policy must see every character that is signed. */
bool lex_unseen(const uint8_t *p, size_t n)
{
  static const uint32_t ranges[][2] = {{0xad, 0xad},       {0x34f, 0x34f},     {0x115f, 0x1160},   {0x17b4, 0x17b5},
                                       {0x180b, 0x180f},   {0x200b, 0x200f},   {0x2028, 0x202e},   {0x2060, 0x206f},
                                       {0x2800, 0x2800},   {0x3164, 0x3164},   {0xfe00, 0xfe0f},   {0xfeff, 0xfeff},
                                       {0xffa0, 0xffa0},   {0xfff0, 0xfffb},   {0x1d173, 0x1d17a}, {0xe0000, 0xe0fff}};
  uint32_t c = n == 1 ? p[0] : p[0] & (0x7fu >> n);
  for (size_t i = 1; i < n; i++)
    c = c << 6 | (p[i] & 0x3f);
  for (size_t i = 0; i < sizeof ranges / sizeof *ranges; i++)
    if (c >= ranges[i][0] && c <= ranges[i][1])
      return true;
  return false;
}

/* The longest beginning of s that is visible text; the character after it is the one that hides. */
static size_t visible(struct slice s)
{
  size_t n = 0;
  while (n < s.n) {
    size_t k = 1;
    while (n + k < s.n && k < 4 && (s.p[n + k] & 0xc0) == 0x80)
      k++;
    if (!text_valid(slice_of(s.p + n, k), NULL) || lex_unseen(s.p + n, k))
      break;
    n += k;
  }
  return n;
}

static bool hidden(struct reader *r, size_t at)
{
  struct slice place = slice_of(r->line.p + at, 1);
  uint8_t c = r->line.p[at];
  if (c == '\r')
    return reader_error(r, place, N_("the line ends as on Windows (CR LF)"),
                        N_("save the file with Unix line ends (LF)"), NULL, NULL);
  if (c == '\t')
    return reader_error(r, place, N_("here is a tab"), N_("separate words by spaces"), NULL, NULL);
  if (c >= 0x80 && !utf8_valid(slice_of(r->line.p, r->line.n)))
    return reader_error(r, place, N_("here is a byte that is not UTF-8"), N_("save the file as UTF-8"), NULL,
                        NULL);
  return reader_error(r, place,
                      N_("here is a character that cannot be seen (control character or direction mark)"),
                      N_("type the line again"), NULL, NULL);
}

bool reader_split(struct reader *r, uint32_t number, struct slice line)
{
  r->number = number;
  r->line = line;
  r->n = r->at = 0;
  size_t good = visible(line);
  if (good < line.n)
    return hidden(r, good);
  for (size_t i = 0; i < line.n;) {
    if (line.p[i] == '#' && !r->n) /* a comment: its quotation marks mean nothing */
      return true;
    if (line.p[i] == ' ') {
      i++;
      continue;
    }
    size_t from = i;
    bool quoted = line.p[i] == '"';
    for (i++; i < line.n && line.p[i] != (quoted ? '"' : ' ');)
      i++;
    if (quoted && i == line.n)
      return reader_error(r, slice_of(line.p + from, 1), N_("this quotation mark is never closed"),
                          N_("end the label with another one"), NULL, NULL);
    i += quoted;
    r->word[r->n++] = (struct lexed_word){slice_of(line.p + from, i - from), quoted};
    if (quoted && i < line.n && line.p[i] != ' ')
      return reader_error(r, slice_of(line.p + i, 1), N_("a space is missing after the quotation mark"), NULL,
                          NULL, NULL);
  }
  return true;
}

struct slice reader_peek(const struct reader *r)
{
  return r->at < r->n ? r->word[r->at].text : slice_of(NULL, 0);
}

struct slice reader_take(struct reader *r)
{
  struct slice word = reader_peek(r);
  r->at += r->at < r->n;
  return word;
}

bool reader_takes(struct reader *r, const char *word)
{
  bool is = slice_is(reader_peek(r), word);
  r->at += is;
  return is;
}
