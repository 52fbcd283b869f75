/* toguna audit report: figures of a time as a page and a table, dated and signed. */
#include "client/cli/box.h"
#include "client/cli/command.h"
#include "client/cli/sight.h"
#include "client/cli/traffic.h"
#include "client/report/report.h"
#include "keys/codec.h"
#include "keys/country.h"
#include "os/clock.h"
#include "os/file.h"
#include "proto/hash.h"

#include <stdlib.h>
#include <string.h>

#define TYPE "toguna/report v1"

struct report_options {
  struct common common;
  char *log, *charter, *key, *index, *from, *to, *output, *sign, *passphrase_file, *check;
};

/* ---- latency: from acceptance to receipts */

static const char *const PRECEDENCES[] = {"FLASH", "IMMEDIATE", "PRIORITY", "ROUTINE"};
enum { N_PRECEDENCES = sizeof PRECEDENCES / sizeof *PRECEDENCES };

struct times {
  size_t n, room;
  uint64_t *ms;
  uint64_t open; /* recipients that have not said that they have it */
};

static enum tg_err times_add(struct times *t, uint64_t ms)
{
  if (t->n == t->room) {
    const size_t room = t->room ? 2 * t->room : 256;
    uint64_t *grown = realloc(t->ms, room * sizeof *grown);
    if (!grown)
      return TG_NO_MEMORY;
    t->ms = grown;
    t->room = room;
  }
  t->ms[t->n++] = ms;
  return TG_OK;
}

static int by_size(const void *x, const void *y)
{
  const uint64_t a = *(const uint64_t *)x, b = *(const uint64_t *)y;
  return a < b ? -1 : a > b;
}

/* The time that `percent` of all were not slower than. */
static json_int_t within(const struct times *t, unsigned percent)
{
  return t->n ? (json_int_t)t->ms[(t->n * percent + 99) / 100 - 1] : 0;
}

static json_t *latency_of(struct times *t, const char *precedence)
{
  if (t->n)
    qsort(t->ms, t->n, sizeof *t->ms, by_size);
  return json_pack("{s:s,s:I,s:I,s:I,s:I,s:I,s:I}", "precedence", precedence, "count", (json_int_t)t->n, "open", (json_int_t)t->open, "p50_ms",
                   within(t, 50), "p90_ms", within(t, 90), "p99_ms", within(t, 99), "max_ms", within(t, 100));
}

/* A moment as text in UTC; 0 when there is none. */
static tg_time moment(const json_t *o, const char *key)
{
  tg_time t = 0;
  const char *text = json_string_value(json_object_get(o, key));
  return text && time_parse(slice_str(text), &t) == TG_OK ? t : 0;
}

static enum tg_err take_story(struct times *t, const json_t *story, tg_time accepted)
{
  const json_t *recipient;
  size_t i;
  json_array_foreach(json_object_get(story, "recipients"), i, recipient) {
    const tg_time stored = moment(recipient, "stored");
    if (!stored)
      t->open++;
    else if (times_add(t, stored > accepted ? (uint64_t)(stored - accepted) : 0) != TG_OK)
      return TG_NO_MEMORY;
  }
  return TG_OK;
}

/* ---- figures */

struct count {
  struct call *call;
  struct review *review;
  struct review_filter filter; /* of the time */
  struct times times[N_PRECEDENCES];
  json_t *refusals, *denials; /* name: {"sentence","count"} */
};

static enum tg_err no_memory(struct tg_why *why)
{
  return why_set(why, TG_NO_MEMORY, NULL, N_("out of memory"), NULL, NULL, NULL, NULL);
}

static void count_one(json_t *counts, const char *name, const char *sentence)
{
  json_t *row = json_object_get(counts, name);
  if (!row) {
    row = json_pack("{s:s,s:i}", "sentence", sentence ? tr(sentence) : name, "count", 0);
    json_object_set_new(counts, name, row);
  }
  json_object_set_new(row, "count", json_integer(json_integer_value(json_object_get(row, "count")) + 1));
}

static void count_all(json_t *counts, const json_t *rows, const char *name, const char *sentence)
{
  const json_t *row;
  size_t i;
  json_array_foreach((json_t *)(uintptr_t)rows, i, row) {
    const char *key = json_string_value(json_object_get(row, name));
    if (key)
      count_one(counts, key, json_string_value(json_object_get(row, sentence)));
  }
}

static enum tg_err take_refusals(struct count *c, const json_t *page, struct tg_why *why)
{
  (void)why;
  count_all(c->refusals, json_object_get(page, "refusals"), "reason", "reason_sentence");
  count_all(c->denials, json_object_get(page, "denials"), "stage", "sentence");
  return TG_OK;
}

static struct times *times_of(struct count *c, const char *precedence)
{
  for (size_t i = 0; precedence && i < N_PRECEDENCES; i++)
    if (!strcmp(precedence, PRECEDENCES[i]))
      return &c->times[i];
  return NULL;
}

static enum tg_err take_accepted(struct count *c, const json_t *page, struct tg_why *why)
{
  const json_t *e;
  size_t i;
  json_array_foreach(json_object_get(page, "entries"), i, e) {
    struct times *t = times_of(c, json_string_value(json_object_get(e, "precedence")));
    const char *id = json_string_value(json_object_get(e, "subject"));
    json_t *story = NULL;
    if (!t || !id)
      continue; /* not open to this place */
    enum tg_err err = review_story(c->review, id, &story, why);
    if (err == TG_OK && take_story(t, story, json_integer_value(json_object_get(e, "time_ms"))) != TG_OK)
      err = no_memory(why);
    json_decref(story);
    if (err != TG_OK)
      return err;
  }
  return TG_OK;
}

typedef enum tg_err paged(struct review *r, const struct review_filter *f, uint64_t cursor, unsigned limit, json_t **ret,
                          struct tg_why *why);

static enum tg_err each_page(struct count *c, paged *ask, const char *type,
                             enum tg_err (*each)(struct count *c, const json_t *page, struct tg_why *why), struct tg_why *why)
{
  struct review_filter f = c->filter;
  uint64_t cursor = 0;
  enum tg_err err = TG_OK;
  f.type = type;
  do {
    json_t *page = NULL;
    err = ask(c->review, &f, cursor, REVIEW_PAGE_MAX, &page, why);
    if (err == TG_OK)
      err = each(c, page, why);
    const json_t *next = json_object_get(page, "next");
    cursor = json_is_integer(next) ? (uint64_t)json_integer_value(next) : 0;
    json_decref(page);
  } while (err == TG_OK && cursor);
  return err;
}

/* Those most often first. */
static json_t *rows_of(const json_t *counts, const char *name)
{
  json_t *rows = json_array();
  const json_t *row;
  const char *key;
  json_object_foreach((json_t *)(uintptr_t)counts, key, row) {
    json_t *x = json_deep_copy(row);
    const json_int_t count = json_integer_value(json_object_get(x, "count"));
    size_t at = 0;
    json_object_set_new(x, name, json_string(key));
    while (at < json_array_size(rows) && json_integer_value(json_object_get(json_array_get(rows, at), "count")) >= count)
      at++;
    json_array_insert_new(rows, at, x);
  }
  return rows;
}

static json_t *names_of(const json_t *states)
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

static enum tg_err put_traffic(struct count *c, json_t *figures, struct tg_why *why)
{
  struct traffic t = {.from = c->filter.from, .to = c->filter.to};
  enum tg_err err = traffic_take(&t, c->review, why);
  json_t *days = err == TG_OK ? traffic_days(&t) : NULL;
  if (err == TG_OK && !days)
    err = no_memory(why);
  if (days)
    json_object_set_new(figures, "days", days);
  traffic_free(&t);
  return err;
}

static enum tg_err put_pairs(struct count *c, json_t *figures, struct tg_why *why)
{
  json_t *matrix = NULL;
  enum tg_err err = review_matrix(c->review, c->filter.from, c->filter.to, &matrix, why);
  if (err == TG_OK) {
    json_object_set(figures, "pairs", json_object_get(matrix, "pairs"));
    json_object_set(figures, "states", json_object_get(matrix, "states"));
    json_object_set_new(figures, "names", names_of(json_object_get(matrix, "states")));
  }
  json_decref(matrix);
  return err;
}

/* What the report is about, and what it stands on. */
static enum tg_err put_head(struct count *c, json_t *figures, tg_time now, struct tg_why *why)
{
  static const char *const kept[] = {"log", "size", "root", "settled", "vouched", "kind"};
  json_t *about = NULL;
  enum tg_err err = review_about(c->review, &about, why);
  for (size_t i = 0; err == TG_OK && i < sizeof kept / sizeof *kept; i++)
    json_object_set(figures, kept[i], json_object_get(about, kept[i]));
  json_decref(about);
  json_object_set_new(figures, "made", json_time(now));
  json_object_set_new(figures, "from", json_time(c->filter.from));
  json_object_set_new(figures, "to", json_time(c->filter.to));
  return err;
}

static enum tg_err put_latency(struct count *c, json_t *figures, struct tg_why *why)
{
  json_t *rows = json_array();
  enum tg_err err = each_page(c, review_entries, "accepted", take_accepted, why);
  for (size_t i = 0; i < N_PRECEDENCES; i++) {
    json_array_append_new(rows, latency_of(&c->times[i], PRECEDENCES[i]));
    free(c->times[i].ms);
  }
  json_object_set_new(figures, "latency", rows);
  return err;
}

static enum tg_err put_refusals(struct count *c, json_t *figures, struct tg_why *why)
{
  c->refusals = json_object();
  c->denials = json_object();
  enum tg_err err = each_page(c, review_refusals, NULL, take_refusals, why);
  json_object_set_new(figures, "refusals", rows_of(c->refusals, "reason"));
  json_object_set_new(figures, "denials", rows_of(c->denials, "stage"));
  json_decref(c->refusals);
  json_decref(c->denials);
  return err;
}

static enum tg_err count_figures(struct count *c, tg_time now, json_t *figures, struct tg_why *why)
{
  enum tg_err err = put_head(c, figures, now, why);
  if (err == TG_OK)
    err = put_traffic(c, figures, why);
  if (err == TG_OK)
    err = put_refusals(c, figures, why);
  if (err == TG_OK)
    err = put_latency(c, figures, why);
  return err == TG_OK ? put_pairs(c, figures, why) : err;
}

/* ---- the note: what was found when, and the hashes of both files, signed */

static void hex_of(struct slice bytes, char out[65])
{
  const struct hash h = hash_plain(bytes);
  hash_print(&h, out);
}

static void print_note(const json_t *figures, const char *base, struct slice page, struct slice table, struct buf *out)
{
  static const char *const texts[] = {"log", "root", "from", "to", "made"};
  char hash[65];
  buf_put_str(out, TYPE "\n");
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
    const char *text = json_string_value(json_object_get(figures, texts[i]));
    if (text)
      buf_printf(out, "%s %s\n", texts[i], text);
  }
  buf_printf(out, "size %lld\n", (long long)json_integer_value(json_object_get(figures, "size")));
  hex_of(page, hash);
  buf_printf(out, "file %s.html %s\n", base, hash);
  hex_of(table, hash);
  buf_printf(out, "file %s.csv %s\n", base, hash);
}

static const char *base_of(const char *path)
{
  const char *slash = strrchr(path, '/');
  return slash ? slash + 1 : path;
}

static enum tg_err ending(char out[BOX_PATH], const char *base, const char *end, struct tg_why *why)
{
  return (size_t)snprintf(out, BOX_PATH, "%s%s", base, end) < BOX_PATH
             ? TG_OK
             : why_set(why, TG_BAD_INPUT, base, N_("the path is too long"), NULL, NULL, NULL, NULL);
}

static enum tg_err write_one(const char *base, const char *end, struct slice bytes, struct tg_why *why)
{
  char path[BOX_PATH];
  enum tg_err err = ending(path, base, end, why);
  return err ? err : box_write(path, bytes, false, why);
}

static enum tg_err sign_note(const struct report_options *o, struct buf *text, struct buf *out, struct tg_why *why)
{
  struct secret_key *key = NULL;
  enum tg_err err = box_key_open(o->sign, KEY_OFFICER, o->passphrase_file, &key, why);
  if (err == TG_OK)
    err = box_sign(buf_slice(text), TYPE, key, out, why);
  secret_key_free(key);
  return err;
}

static enum tg_err write_files(const struct report_options *o, const json_t *figures, const char *base, struct tg_why *why)
{
  struct buf page = buf_new(REPORT_BYTES_MAX), table = buf_new(REPORT_BYTES_MAX), text = buf_new(8192), note = buf_new(NOTE_BYTES_MAX);
  enum tg_err err = report_page(figures, &page);
  if (err == TG_OK)
    err = report_csv(figures, &table);
  if (err != TG_OK)
    err = why_set(why, err, base, N_("the report cannot be made of these figures"), N_("Take a shorter time"), NULL, NULL, NULL);
  if (err == TG_OK && o->sign) {
    print_note(figures, base_of(base), buf_slice(&page), buf_slice(&table), &text);
    err = sign_note(o, &text, &note, why);
  }
  if (err == TG_OK)
    err = write_one(base, ".html", buf_slice(&page), why);
  if (err == TG_OK)
    err = write_one(base, ".csv", buf_slice(&table), why);
  if (err == TG_OK && o->sign)
    err = write_one(base, ".note", buf_slice(&note), why);
  buf_free(&page);
  buf_free(&table);
  buf_free(&text);
  buf_free(&note);
  return err;
}

/* ---- checking a report that came from somebody */

static enum tg_err check_file(const char *note_path, struct slice line, struct tg_why *why)
{
  char name[256], wanted[65], found[65], path[BOX_PATH];
  struct buf bytes = buf_new(REPORT_BYTES_MAX);
  if (sscanf((const char *)line.p, "file %255s %64[0-9a-f]", name, wanted) != 2 || strchr(name, '/') || strlen(wanted) != 64)
    return why_set(why, TG_BAD_INPUT, note_path, N_("it names its files in a way that nobody writes"), NULL, NULL, NULL, NULL);
  snprintf(path, sizeof path, "%.*s%s", (int)(base_of(note_path) - note_path), note_path, name);
  enum tg_err err = file_read(path, REPORT_BYTES_MAX, &bytes, why);
  if (err == TG_OK) {
    hex_of(buf_slice(&bytes), found);
    if (strcmp(found, wanted) != 0)
      err = why_set(why, TG_BAD_PROOF, path, N_("this is not the file that was signed"), N_("Fetch it again from whoever made the report"), NULL,
                    NULL, NULL);
  }
  buf_free(&bytes);
  return err;
}

static enum tg_err check_files(const char *path, struct slice text, struct tg_why *why)
{
  struct slice line;
  unsigned files = 0;
  enum tg_err err = TG_OK;
  if (!take_line(&text, &line) || !slice_is(line, TYPE))
    return why_set(why, TG_UNKNOWN, path, N_("this is no signed report of a kind that this program knows"), NULL, NULL, NULL, NULL);
  while (err == TG_OK && take_line(&text, &line))
    if (line.n > 5 && !memcmp(line.p, "file ", 5)) {
      err = check_file(path, line, why); /* a line of a note ends in a newline: sscanf goes no further */
      files++;
    }
  return err == TG_OK && files == 0 ? why_set(why, TG_BAD_INPUT, path, N_("it names no file"), NULL, NULL, NULL, NULL) : err;
}

static enum tg_err run_check(struct call *call, const struct report_options *o, struct tg_why *why)
{
  struct buf bytes = buf_new(NOTE_BYTES_MAX);
  struct note note;
  struct note_key key;
  struct note_verdict verdict;
  if (!o->key || call->n)
    return why_set(why, TG_USAGE, "--key", N_("say whose signature it must have, and name nothing else"),
                   N_("Name the officer's key as `toguna key show` prints it: --key VKEY"), NULL, NULL, NULL);
  enum tg_err err = note_key_parse(slice_str(o->key), &key, why);
  if (err == TG_OK)
    err = box_note_read(o->check, &bytes, &note, why);
  if (err == TG_OK)
    err = note_verify(&note, &key, 1, &verdict, why);
  if (err == TG_OK)
    err = check_files(o->check, note.text, why);
  if (err == TG_OK && call->json)
    show_json(json_pack("{s:s,s:b,s:s}", "note", o->check, "verified", 1, "signed_by", key.name));
  else if (err == TG_OK)
    printf(_("%s: signed by %s, and its files are those that were signed\n"), o->check, key.name);
  buf_free(&bytes);
  return err;
}

/* ---- the command */

static enum tg_err make(struct call *call, const struct report_options *o, struct count *c, struct tg_why *why)
{
  const tg_time now = clock_wall() / TG_SECOND * TG_SECOND;
  const char *base = o->output ? o->output : "report";
  json_t *figures = json_object();
  enum tg_err err = count_figures(c, now, figures, why);
  if (err == TG_OK && (o->output || !call->json))
    err = write_files(o, figures, base, why);
  if (err == TG_OK && call->json)
    show_json(json_incref(figures));
  else if (err == TG_OK && o->sign)
    printf(_("%s.html and %s.csv, signed in %s.note\n"), base, base, base);
  else if (err == TG_OK)
    printf(_("%s.html and %s.csv, not signed: name an officer's key with --sign\n"), base, base);
  json_decref(figures);
  return err;
}

static enum tg_err run_report(struct call *call, struct tg_why *why)
{
  const struct report_options *o = call->options;
  const struct sight sight = {call->n ? call->arg[0] : o->log, o->charter, o->key, o->index};
  struct count c = {.call = call};
  if (o->check)
    return run_check(call, o, why);
  enum tg_err err = sight_time(o->from, "--from", &c.filter.from, why);
  if (err == TG_OK)
    err = sight_time(o->to, "--to", &c.filter.to, why);
  if (err == TG_OK)
    err = sight_open(call, &sight, &c.review, why);
  if (err == TG_OK)
    err = make(call, o, &c, why);
  review_free(c.review);
  return err;
}

#define TEXT(name, letter, member, placeholder, help)                                                                                    \
  {                                                                                                                                      \
    name, letter, OPTION_ONE, VALUE_TEXT, offsetof(struct report_options, member), {0}, placeholder, help                                \
  }
#define FILE_(name, letter, member, placeholder, help)                                                                                   \
  {                                                                                                                                      \
    name, letter, OPTION_ONE, VALUE_PATH, offsetof(struct report_options, member), {0}, placeholder, help                                \
  }

static const struct option_key report_options[] = {
    TEXT("from", 0, from, N_("TIME"), N_("Nothing before it: a day (2026-12-01), a time in UTC (2026-12-01T08:00:00Z), or how long ago (7d).")),
    TEXT("to", 0, to, N_("TIME"), N_("Nothing from it on.")),
    FILE_("output", 'o', output, N_("NAME"), N_("Write NAME.html, NAME.csv and, signed, NAME.note; report unless stated.")),
    FILE_("sign", 0, sign, N_("FILE"), N_("The officer's key that signs the report.")),
    BOX_OPTION_PASSPHRASE(struct report_options),
    FILE_("check", 0, check, N_("NOTE"), N_("Check a report that was made: the signature, of the officer's key that --key states, and both files.")),
    SIGHT_OPTIONS(struct report_options),
};

const struct command command_audit_report = {
    .noun = "audit",
    .verb = "report",
    .section = SECTION_LOOK,
    .summary = N_("Write a report: traffic by state and day, what was refused, how fast, given and received"),
    .operands = N_("[FOLDER]"),
    .min = 0,
    .max = 1,
    .about = N_("FOLDER is that of a hub, running or not, or a copy of a log; the current folder unless stated. The report is a page "
                "that needs nothing else and a table for other programs. Given and received are counted from receipts alone. "
                "Signed with an officer's key it has a note beside it that names both files by their hashes; --check verifies it."),
    .examples = "toguna audit report copy/ --charter charter.note --from 2026-11-01 --to 2026-12-01 -o november\n"
                "toguna audit report /var/lib/toguna --sign officers/auditor-1.key -o november\n"
                "toguna audit report --check november.note --key VKEY\n",
    .options = report_options,
    .n_options = sizeof report_options / sizeof *report_options,
    .size = sizeof(struct report_options),
    .run = run_report,
};
