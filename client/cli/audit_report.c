/* toguna audit report: figures of a time as a page and a table, dated and signed. */
#include "client/cli/box.h"
#include "client/cli/command.h"
#include "client/cli/figures.h"
#include "client/cli/sight.h"
#include "client/report/report.h"
#include "keys/codec.h"
#include "os/clock.h"
#include "os/file.h"
#include "proto/hash.h"

#include <stdio.h>
#include <string.h>

#define TYPE "toguna/report v1"

struct report_options {
  struct common common;
  SIGHT_MEMBERS;
  char *from, *to, *output, *sign, *passphrase_file, *check;
};

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

static enum tg_err make(struct call *call, const struct report_options *o, struct review *r, struct tg_why *why)
{
  tg_time from, to;
  const char *base = o->output ? o->output : "report";
  json_t *figures = NULL;
  enum tg_err err = sight_time(o->from, "--from", &from, why);
  if (err == TG_OK)
    err = sight_time(o->to, "--to", &to, why);
  if (err == TG_OK)
    err = figures_count(r, from, to, clock_wall() / TG_SECOND * TG_SECOND, &figures, why);
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
  const struct sight sight = {call->n ? call->arg[0] : o->log, o->charter, o->key, o->index, o->socket, o->node, o->receipts};
  struct review *r = NULL;
  if (o->check)
    return run_check(call, o, why);
  enum tg_err err = sight_open(call, &sight, &r, why);
  if (err == TG_OK)
    err = make(call, o, r, why);
  review_free(r);
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
    .about = N_("FOLDER is that of a hub, running or not, or a copy of a log; the current folder unless stated; --node asks a node instead. The report is a page "
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
