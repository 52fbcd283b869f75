#include "client/cli/box.h"

#include "client/cli/speak.h"
#include "os/fault.h"
#include "os/file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const char *const box_kdf_names[] = {"default", "light", "test", NULL};

enum tg_err box_path(char out[BOX_PATH], const char *folder, const char *name, struct tg_why *why)
{
  if (snprintf(out, BOX_PATH, "%s/%s", folder, name) < BOX_PATH)
    return TG_OK;
  return why_set(why, TG_BAD_INPUT, folder, N_("the path is too long"), NULL, NULL, NULL, NULL);
}

/* --- passphrases */

/* The passphrase of keys that exist already. */
static enum tg_err passphrase_of(const char *file, const char *about, struct secret **ret, struct tg_why *why)
{
  char question[400];
  if (file)
    return secret_from_file(file, ret, why);
  snprintf(question, sizeof question, _("Passphrase of %s: "), about);
  return secret_ask(question, NULL, ret, why);
}

enum tg_err box_passphrase_new(const char *file, const char *about, struct secret **ret, struct tg_why *why)
{
  char question[400];
  if (file)
    return secret_from_file(file, ret, why);
  snprintf(question, sizeof question, _("New passphrase for %s: "), about);
  return secret_ask(question, _("The same again: "), ret, why);
}

/* --- key files */

static enum tg_err key_read(const char *path, enum key_kind kind, struct buf *bytes, struct keyfile_head *ret,
                            struct tg_why *why)
{
  enum tg_err err = file_read_private(path, KEYFILE_BYTES_MAX, bytes, why);
  if (err == TG_OK)
    err = keyfile_peek(buf_slice(bytes), path, ret, why);
  if (err == TG_OK && kind && ret->kind != kind)
    return why_set(why, TG_BAD_INPUT, path, N_("this is a key of kind %1$s; one of kind %2$s is needed"),
                   N_("Point to the right file"), key_kind_name(ret->kind), key_kind_name(kind), NULL);
  return err;
}

enum tg_err box_key_peek(const char *path, enum key_kind kind, struct keyfile_head *ret, struct tg_why *why)
{
  struct buf bytes = buf_new(KEYFILE_BYTES_MAX);
  enum tg_err err = key_read(path, kind, &bytes, ret, why);
  buf_free(&bytes);
  return err;
}

enum tg_err box_key_open_with(const char *path, enum key_kind kind, const struct secret *passphrase,
                              struct secret_key **ret, struct tg_why *why)
{
  struct buf bytes = buf_new(KEYFILE_BYTES_MAX);
  struct keyfile_head head;
  enum tg_err err = key_read(path, kind, &bytes, &head, why);
  if (err == TG_OK)
    err = keyfile_open(buf_slice(&bytes), path, secret_slice(passphrase), ret, why);
  buf_free(&bytes);
  return err;
}

enum tg_err box_key_open(const char *path, enum key_kind kind, const char *passphrase_file,
                         struct secret_key **ret, struct tg_why *why)
{
  struct keyfile_head head;
  struct secret *passphrase = NULL;
  char about[320];
  enum tg_err err = box_key_peek(path, kind, &head, why);
  if (err == TG_OK) {
    snprintf(about, sizeof about, "%s (%s)", head.name, key_kind_name(head.kind));
    err = passphrase_of(passphrase_file, about, &passphrase, why);
  }
  if (err == TG_OK)
    err = box_key_open_with(path, kind, passphrase, ret, why);
  secret_free(&passphrase);
  return err;
}

enum tg_err box_put(const char *path, struct slice content, mode_t mode, bool replace, struct tg_why *why)
{
  struct file_draft *d = NULL;
  enum tg_err err = file_draft_new(path, mode, &d, why);
  if (err == TG_OK)
    err = file_draft_put(d, content, why);
  if (err == TG_OK)
    err = file_draft_commit(&d, replace, why);
  file_draft_free(&d);
  return err;
}

/* Deriving a key from a passphrase takes about a second, on purpose: whoever looks on sees which key it is for. */
static void say_sealing(const char *name)
{
  if (!isatty(STDERR_FILENO))
    return;
  fputs("\r\033[K", stderr);
  if (name)
    fprintf(stderr, _("sealing the key %s with the passphrase"), name);
  fflush(stderr);
}

enum tg_err box_key_save(const char *path, const struct secret_key *key, const struct secret *passphrase,
                         unsigned kdf, bool replace, struct tg_why *why)
{
  const struct keyfile_cost costs[] = {KEYFILE_COST_DEFAULT, KEYFILE_COST_LIGHT, KEYFILE_COST_TEST};
  struct buf bytes = buf_new(KEYFILE_BYTES_MAX);
  say_sealing(secret_key_name(key));
  enum tg_err err = keyfile_seal(key, secret_slice(passphrase), costs[kdf], &bytes, why);
  say_sealing(NULL);
  if (err == TG_OK)
    err = box_put(path, buf_slice(&bytes), 0600, replace, why);
  buf_free(&bytes);
  return err;
}

enum tg_err box_key_make(const char *path, enum key_kind kind, const char *name,
                         const struct secret *passphrase, unsigned kdf, struct secret_key **ret_key,
                         struct tg_why *why)
{
  struct secret_key *key = NULL;
  enum tg_err err = secret_key_new(kind, name, &key);
  if (err == TG_NO_MEMORY)
    return why_set(why, err, path, N_("no memory could be locked for a key"),
                   N_("Raise the limit on locked memory"), NULL, NULL, NULL);
  if (err != TG_OK)
    return why_set(why, err, name, N_("this cannot be the name of a key"),
                   N_("Write it like sahel.example/ML/policy-1"), NULL, NULL, NULL);
  err = box_key_save(path, key, passphrase, kdf, false, why);
  if (err == TG_OK && ret_key)
    *ret_key = key;
  else
    secret_key_free(key);
  return err;
}

/* --- texts and notes */

enum tg_err box_write(const char *path, struct slice content, bool replace, struct tg_why *why)
{
  return box_put(path, content, 0644, replace, why);
}

static enum tg_err read_standard_input(struct buf *bytes, struct tg_why *why)
{
  uint8_t piece[4096];
  ssize_t n;
  while ((n = read(STDIN_FILENO, piece, sizeof piece)) > 0)
    buf_put(bytes, piece, (size_t)n);
  if (n < 0)
    return fault_why(why, TG_DISK, "-", N_("cannot read: %1$s"), NULL);
  return buf_status(bytes) ? why_set(why, TG_TOO_BIG, "-", N_("standard input is too long for a document"),
                                     NULL, NULL, NULL, NULL)
                           : TG_OK;
}

enum tg_err box_read(const char *path, struct buf *bytes, struct tg_why *why)
{
  *bytes = buf_new(NOTE_BYTES_MAX);
  return strcmp(path, "-") ? file_read(path, NOTE_BYTES_MAX, bytes, why) : read_standard_input(bytes, why);
}

enum tg_err box_note_read(const char *path, struct buf *bytes, struct note *ret, struct tg_why *why)
{
  enum tg_err err = box_read(path, bytes, why);
  return err ? err : note_parse(buf_slice(bytes), path, ret, why);
}

/* A signature line begins with an em dash; a document's text may hold one only by a strange accident, in a
 * comment. */
static bool has_signatures(struct slice bytes)
{
  return memmem(bytes.p, bytes.n, "\n\n\xe2\x80\x94 ", 6) != NULL;
}

enum tg_err box_split(struct slice bytes, const char *file, struct slice *ret_text, bool *ret_signed,
                      struct tg_why *why)
{
  if (has_signatures(bytes)) {
    static struct note note; /* large */
    enum tg_err err = note_parse(bytes, file, &note, why);
    if (err != TG_OK)
      return err;
    *ret_text = note.text;
    *ret_signed = true;
    return TG_OK;
  }
  *ret_text = bytes;
  *ret_signed = false;
  return TG_OK;
}

enum tg_err box_text(struct slice bytes, const char *file, struct slice *ret_text, bool *ret_signed,
                     struct tg_why *why)
{
  struct slice text;
  bool is_signed;
  enum tg_err err = box_split(bytes, file, &text, &is_signed, why);
  if (err != TG_OK)
    return err;
  if (!is_signed && !note_text_valid(bytes))
    return why_set(
        why, TG_BAD_INPUT, file,
        N_("this text cannot be signed: it is empty, not UTF-8, has tabs or other control characters, or "
           "does not end with a line end"),
        N_("Save it as plain UTF-8 text"), NULL, NULL, NULL);
  *ret_text = text;
  *ret_signed = is_signed;
  return TG_OK;
}

static bool signed_by(const struct note *note, const struct note_key *key)
{
  for (size_t i = 0; i < note->n; i++)
    if (note->sig[i].id == key->id && slice_is(note->sig[i].name, key->name))
      return true;
  return false;
}

static enum tg_err start(struct slice text, const char *file, struct buf *out, struct tg_why *why)
{
  return note_begin(out, text)
             ? why_set(why, TG_TOO_BIG, file, N_("the text is too long"), NULL, NULL, NULL, NULL)
             : TG_OK;
}

enum tg_err box_sign(struct slice bytes, const char *file, const struct secret_key *key, struct buf *out,
                     struct tg_why *why)
{
  struct note *note = NULL;
  struct note_key mine;
  struct slice text;
  bool has;
  enum tg_err err = box_text(bytes, file, &text, &has, why);
  if (err == TG_OK && secret_key_note_key(key, &mine))
    err = why_set(why, TG_USAGE, file, N_("a key of kind %1$s signs no documents"), NULL,
                  key_kind_name(secret_key_kind(key)), NULL, NULL);
  if (err != TG_OK)
    return err;
  if (!has)
    err = start(text, file, out, why);
  else if (!(note = malloc(sizeof *note)))
    err = why_set(why, TG_NO_MEMORY, file, N_("out of memory"), NULL, NULL, NULL, NULL);
  else if ((err = note_parse(bytes, file, note, why)) == TG_OK && signed_by(note, &mine))
    err = why_set(why, TG_DUPLICATE, file, N_("%1$s has signed this already"), NULL, mine.name, NULL, NULL);
  else if (err == TG_OK)
    buf_put_slice(out, bytes);
  free(note);
  if (err == TG_OK)
    err = note_sign(out, text, key, why);
  if (err == TG_OK && buf_status(out))
    err = why_set(why, TG_TOO_BIG, file, N_("the text is too long"), NULL, NULL, NULL, NULL);
  return err;
}
