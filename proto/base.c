#include "proto/base.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

int tg_exit_code(enum tg_err err) { return (int)err >> 8; }

const char *tg_err_name(enum tg_err err)
{
  switch (err) {
  case TG_OK:
    return "ok";
  case TG_REFUSED:
    return "refused";
  case TG_REVOKED:
    return "revoked";
  case TG_QUOTA:
    return "quota";
  case TG_USAGE:
    return "usage";
  case TG_BAD_INPUT:
    return "bad-input";
  case TG_BAD_SIGNATURE:
    return "bad-signature";
  case TG_BAD_PROOF:
    return "bad-proof";
  case TG_BAD_SEAL:
    return "bad-seal";
  case TG_BAD_PASSPHRASE:
    return "bad-passphrase";
  case TG_TOO_BIG:
    return "too-big";
  case TG_NOT_FOUND:
    return "not-found";
  case TG_STALE:
    return "stale";
  case TG_DUPLICATE:
    return "duplicate";
  case TG_CONFLICT:
    return "conflict";
  case TG_EXPIRED:
    return "expired";
  case TG_UNKNOWN:
    return "unknown";
  case TG_UNREACHABLE:
    return "unreachable";
  case TG_BUSY:
    return "busy";
  case TG_INTERNAL:
    return "internal";
  case TG_NO_MEMORY:
    return "no-memory";
  case TG_DISK:
    return "disk";
  }
  return "internal"; /* cannot happen: the enum is closed */
}

/* Copies s into out, cut on a UTF-8 boundary; control characters would let an argument fake other lines. */
static void copy_printable(char *out, size_t size, const char *s)
{
  size_t n = 0;
  for (; s && *s && n + 1 < size; s++)
    out[n++] = ((unsigned char)*s < 0x20 || *s == 0x7f) ? '?' : *s;
  if (s && *s)
    while (n > 0 && ((unsigned char)*s & 0xc0) == 0x80)
      s--, n--;
  out[n] = 0;
}

enum tg_err why_set(struct tg_why *why, enum tg_err err, const char *where, const char *what,
                    const char *todo, const char *a, const char *b, const char *c)
{
  if (!why)
    return err;
  why->err = err;
  why->what = what;
  why->todo = todo;
  copy_printable(why->where, sizeof why->where, where);
  copy_printable(why->arg[0], sizeof why->arg[0], a);
  copy_printable(why->arg[1], sizeof why->arg[1], b);
  copy_printable(why->arg[2], sizeof why->arg[2], c);
  return err;
}

/* The length of out without a last character that was cut. */
static size_t whole_length(const char *out, size_t n)
{
  size_t at = n;
  while (at > 0 && n - at < 3 && ((unsigned char)out[at - 1] & 0xc0) == 0x80)
    at--;
  if (at == 0 || (unsigned char)out[at - 1] < 0xc0)
    return n;
  unsigned char first = (unsigned char)out[at - 1];
  size_t want = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  return n - at + 1 < want ? at - 1 : n;
}

size_t why_fill(const char *text, const char *const arg[3], char *out, size_t size)
{
  size_t n = 0;
  if (size == 0)
    return 0;
  for (const char *s = text; *s && n + 1 < size;) {
    if (s[0] == '%' && s[1] >= '1' && s[1] <= '3' && s[2] == '$' && s[3] == 's') {
      const char *value = arg[s[1] - '1'];
      for (; value && *value && n + 1 < size; value++)
        out[n++] = *value;
      s += 4;
    } else if (s[0] == '%' && s[1] == '%') {
      out[n++] = '%';
      s += 2;
    } else {
      out[n++] = *s++;
    }
  }
  n = whole_length(out, n);
  out[n] = 0;
  return n;
}

/* A sentence begins with a capital, whichever msgid it comes from: ASCII, and the Latin letters of U+00E0 to U+00FE. */
static void capitalise(char *s)
{
  unsigned char first = (unsigned char)s[0], second = first == 0xc3 ? (unsigned char)s[1] : 0;
  if (first >= 'a' && first <= 'z')
    s[0] = (char)(first - 0x20);
  else if (second >= 0xa0 && second <= 0xbe && second != 0xb7)
    s[1] = (char)(second - 0x20);
}

size_t why_render(const struct tg_why *why, const char *(*translate)(const char *), char *out, size_t size)
{
  const char *const arg[3] = {why->arg[0], why->arg[1], why->arg[2]};
  size_t n = 0;
  if (size == 0)
    return 0;
  out[0] = 0;
  if (why->where[0])
    n += (size_t)snprintf(out, size, "%s: ", why->where);
  if (n < size && why->what)
    n += why_fill(translate ? translate(why->what) : why->what, arg, out + n, size - n);
  if (n + 2 < size && why->todo) {
    n += (size_t)snprintf(out + n, size - n, "%s", n && out[n - 1] == '.' ? " " : ". "); /* as in "toguna read ID..." */
    size_t begin = n;
    n += why_fill(translate ? translate(why->todo) : why->todo, arg, out + n, size - n);
    if (begin < size)
      capitalise(out + begin);
  }
  return n < size ? n : size - 1;
}

struct slice slice_of(const void *p, size_t n) { return (struct slice){.p = p, .n = n}; }
struct slice slice_str(const char *s) { return slice_of(s, strlen(s)); }
bool slice_eq(struct slice a, struct slice b) { return a.n == b.n && (a.n == 0 || !memcmp(a.p, b.p, a.n)); }
bool slice_is(struct slice a, const char *literal) { return slice_eq(a, slice_str(literal)); }

char *slice_dup(struct slice s)
{
  char *copy = malloc(s.n + 1);
  if (!copy)
    return NULL;
  if (s.n)
    memcpy(copy, s.p, s.n);
  copy[s.n] = 0;
  return copy;
}

bool hash_eq(const struct hash *a, const struct hash *b) { return !memcmp(a->b, b->b, sizeof a->b); }
bool sign_pk_eq(const struct sign_pk *a, const struct sign_pk *b) { return !memcmp(a->b, b->b, sizeof a->b); }
bool seal_pk_eq(const struct seal_pk *a, const struct seal_pk *b) { return !memcmp(a->b, b->b, sizeof a->b); }

bool hash_is_zero(const struct hash *h)
{
  static const struct hash zero;
  return hash_eq(h, &zero);
}

enum tg_err hash_read(struct slice s, struct hash *ret)
{
  if (s.n != sizeof ret->b)
    return TG_BAD_INPUT;
  memcpy(ret->b, s.p, sizeof ret->b);
  return TG_OK;
}

/* Exactly n digits at *at, as a number. */
static bool digits(struct slice s, size_t at, size_t n, int64_t *ret)
{
  int64_t v = 0;
  if (at + n > s.n)
    return false;
  for (size_t i = at; i < at + n; i++) {
    if (s.p[i] < '0' || s.p[i] > '9')
      return false;
    v = v * 10 + (s.p[i] - '0');
  }
  *ret = v;
  return true;
}

/* Days from 1970-01-01 in the proleptic Gregorian calendar. */
static int64_t days_of(int64_t y, int64_t m, int64_t d)
{
  int64_t yy = m <= 2 ? y - 1 : y;
  int64_t era = yy / 400, yoe = yy - era * 400;
  int64_t doy = (153 * (m + (m > 2 ? -3 : 9)) + 2) / 5 + d - 1;
  return era * 146097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719468;
}

enum tg_err time_parse(struct slice s, tg_time *ret)
{
  static const int month_days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  int64_t y, mo, d, h, mi, sec, ms = 0;
  bool shape = (s.n == 20 || (s.n == 24 && s.p[19] == '.' && digits(s, 20, 3, &ms))) && s.p[s.n - 1] == 'Z' &&
               s.p[4] == '-' && s.p[7] == '-' && s.p[10] == 'T' && s.p[13] == ':' && s.p[16] == ':' &&
               digits(s, 0, 4, &y) && digits(s, 5, 2, &mo) && digits(s, 8, 2, &d) && digits(s, 11, 2, &h) &&
               digits(s, 14, 2, &mi) && digits(s, 17, 2, &sec);
  if (!shape || y < 1970 || mo < 1 || mo > 12 || h > 23 || mi > 59 || sec > 59)
    return TG_BAD_INPUT;
  bool leap = (y % 4 == 0 && y % 100 != 0) || y % 400 == 0;
  if (d < 1 || d > month_days[mo - 1] + (mo == 2 && leap))
    return TG_BAD_INPUT;
  *ret = ((days_of(y, mo, d) * 24 + h) * 60 + mi) * TG_MINUTE + sec * TG_SECOND + ms;
  return TG_OK;
}

void time_print(tg_time t, char out[25])
{
  time_t seconds = (time_t)(t / TG_SECOND);
  struct tm tm;
  if (t < 0 || t > INT64_C(253402300799999) || !gmtime_r(&seconds, &tm)) {
    memcpy(out, "unknown time", 13);
    return;
  }
  size_t n = strftime(out, 25, "%Y-%m-%dT%H:%M:%S", &tm);
  if (t % TG_SECOND)
    snprintf(out + n, 25 - n, ".%03dZ", (int)(t % TG_SECOND));
  else
    snprintf(out + n, 25 - n, "Z");
}

enum tg_err number_parse(struct slice s, uint64_t max, uint64_t *ret)
{
  uint64_t v = 0;
  if (s.n == 0 || s.n > 20 || (s.n > 1 && s.p[0] == '0'))
    return TG_BAD_INPUT;
  for (size_t i = 0; i < s.n; i++) {
    if (s.p[i] < '0' || s.p[i] > '9')
      return TG_BAD_INPUT;
    if (__builtin_mul_overflow(v, (uint64_t)10, &v) || __builtin_add_overflow(v, (uint64_t)(s.p[i] - '0'), &v))
      return TG_BAD_INPUT;
  }
  if (v > max)
    return TG_BAD_INPUT;
  *ret = v;
  return TG_OK;
}

enum tg_err duration_parse(struct slice s, tg_time *ret)
{
  uint64_t v;
  tg_time unit = 0;
  if (s.n < 2)
    return TG_BAD_INPUT;
  switch (s.p[s.n - 1]) {
  case 'd':
    unit = TG_DAY;
    break;
  case 'h':
    unit = TG_HOUR;
    break;
  case 'm':
    unit = TG_MINUTE;
    break;
  case 's':
    unit = TG_SECOND;
    break;
  }
  s.n--;
  if (!unit || number_parse(s, 1000000, &v) || v == 0)
    return TG_BAD_INPUT;
  *ret = (tg_time)v * unit;
  return TG_OK;
}

enum tg_err size_parse(struct slice s, uint64_t *ret)
{
  static const struct {
    const char *name;
    unsigned shift;
  } units[] = {{"KiB", 10}, {"MiB", 20}, {"GiB", 30}};
  unsigned shift = 0;
  uint64_t v;
  for (size_t i = 0; i < 3; i++)
    if (s.n > 3 && !memcmp(s.p + s.n - 3, units[i].name, 3))
      shift = units[i].shift;
  if (shift)
    s.n -= 3;
  if (number_parse(s, UINT64_MAX >> (shift + 1), &v))
    return TG_BAD_INPUT;
  *ret = v << shift;
  return TG_OK;
}

/* The code point at s and its length in *n; -1 for anything not well-formed (Unicode 15, table 3-7). */
static int32_t utf8_next(struct slice s, size_t *n)
{
  uint8_t a = s.p[0];
  if (a < 0x80)
    return *n = 1, a;
  size_t len = a >= 0xf0 ? 4 : a >= 0xe0 ? 3 : 2;
  if (a < 0xc2 || a > 0xf4 || s.n < len)
    return -1;
  int32_t c = len == 4 ? a & 7 : len == 3 ? a & 15 : a & 31;
  for (size_t i = 1; i < len; i++) {
    if ((s.p[i] & 0xc0) != 0x80)
      return -1;
    c = c << 6 | (s.p[i] & 0x3f);
  }
  if ((len == 3 && (c < 0x800 || (c >= 0xd800 && c <= 0xdfff))) || (len == 4 && (c < 0x10000 || c > 0x10ffff)))
    return -1;
  return *n = len, c;
}

/* Marks that reorder text, so that it reads other than it is written (UAX #9). */
static bool is_bidi(int32_t c)
{
  return (c >= 0x202a && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069) || c == 0x200e || c == 0x200f || c == 0x61c;
}

bool utf8_valid(struct slice s)
{
  size_t n;
  for (; s.n; s.p += n, s.n -= n)
    if (utf8_next(s, &n) <= 0)
      return false;
  return true;
}

bool text_valid(struct slice s, const char *allow)
{
  size_t n;
  for (; s.n; s.p += n, s.n -= n) {
    int32_t c = utf8_next(s, &n);
    bool control = c < 0x20 || (c >= 0x7f && c <= 0x9f);
    if (c <= 0 || is_bidi(c) || (control && !(allow && c < 0x80 && strchr(allow, c))))
      return false;
  }
  return true;
}
