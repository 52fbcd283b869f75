/* What the verbs of toguna init share. */
#include "client/cli/init.h"

#include "keys/codec.h"
#include "os/file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const char *init_ask(const char *given, const char *question, char answer[256])
{
  if (given || !isatty(STDIN_FILENO) || !isatty(STDERR_FILENO))
    return given;
  fputs(question, stderr);
  if (!fgets(answer, 256, stdin))
    return NULL;
  answer[strcspn(answer, "\n")] = 0;
  return *answer ? answer : NULL;
}

enum tg_err init_country(const char *text, struct country *ret, struct tg_why *why)
{
  if (country_parse(slice_str(text), ret) == TG_OK)
    return TG_OK;
  const char *near = country_nearest(slice_str(text));
  return why_set(why, TG_BAD_INPUT, text, N_("this is not a country code of ISO 3166-1"),
                 near ? N_("Did you mean %1$s?") : N_("Use two capital letters, such as ML"), near, NULL,
                 NULL);
}

enum tg_err init_holder(const char *text, struct holder *ret, struct tg_why *why)
{
  char country[3] = "";
  struct country code;
  if (holder_parse(slice_str(text), ret) == TG_OK)
    return TG_OK;
  snprintf(country, sizeof country, "%.2s", text);
  if ((!text[2] || text[2] == '/') && init_country(country, &code, why))
    return TG_BAD_INPUT;
  return why_set(why, TG_BAD_INPUT, text, N_("this is not the name of a holder"),
                 N_("Write a node as ML/dgse/n1, an officer as ML/policy-1: small letters, digits and '-'"),
                 NULL, NULL, NULL);
}

uint64_t init_serial(tg_time now)
{
  return (uint64_t)(now / TG_SECOND);
}

enum tg_err init_vouch(const struct secret_key *root, const struct card *card, uint64_t serial, tg_time from,
                       tg_time until, struct buf *out, struct tg_why *why)
{
  char name[NOTE_NAME_MAX + 1];
  struct credential c = card->holder, checked;
  if (card->kind != CARD_HOLDER)
    return why_set(why, TG_BAD_INPUT, card->name,
                   N_("this is the card of a member or hub, which a charter names"),
                   N_("A root vouches for nodes and officers: use their cards"), NULL, NULL, NULL);
  snprintf(name, sizeof name, "%s/%s", card->exchange, c.holder.member.code);
  if (strcmp(name, secret_key_name(root)))
    return why_set(why, TG_BAD_INPUT, card->name, N_("the key of %1$s cannot vouch for a holder of %2$s"),
                   N_("Use the root key of the same member in the same exchange"), secret_key_name(root),
                   name, NULL);
  c.serial = serial;
  from -= 5 * TG_MINUTE; /* the clocks of states differ */
  c.not_before = from - from % TG_SECOND;
  c.not_after = until - until % TG_SECOND;
  struct buf text = buf_new(NOTE_BYTES_MAX);
  credential_print(&c, &text);
  enum tg_err err = credential_parse(buf_slice(&text), card->name, &checked, why);
  if (err == TG_OK)
    err = box_sign(buf_slice(&text), card->name, root, out, why);
  buf_free(&text);
  return err;
}

enum tg_err init_card_write(const char *folder, const struct card *card, struct tg_why *why)
{
  char name[128], path[BOX_PATH];
  struct card checked;
  struct buf text = buf_new(NOTE_BYTES_MAX);
  card_print(card, &text);
  enum tg_err err = card_parse(buf_slice(&text), card->name, &checked, why);
  if (err == TG_OK) {
    card_free(&checked);
    err = card_file(name, card->name, ".card");
  }
  if (err == TG_OK)
    err = box_path(path, folder, name, why);
  if (err == TG_OK)
    err = box_write(path, buf_slice(&text), false, why);
  buf_free(&text);
  return err;
}

void init_document_name(enum document_kind kind, const struct hash *hash, char out[INIT_DOCUMENT_NAME])
{
  snprintf(out, INIT_DOCUMENT_NAME, "%d-%s-%02x%02x%02x%02x.note", (int)kind, document_kind_name(kind),
           hash->b[0], hash->b[1], hash->b[2], hash->b[3]);
}

enum tg_err init_documents(const char *folder, const struct folio *folio, struct tg_why *why)
{
  char documents[BOX_PATH], path[BOX_PATH], name[INIT_DOCUMENT_NAME];
  enum tg_err err = box_path(documents, folder, "documents", why);
  if (err == TG_OK)
    err = file_mkdir(documents, 0755, why);
  for (size_t i = 0; err == TG_OK && i < folio->n; i++) {
    init_document_name(folio->sheet[i].kind, &folio->sheet[i].hash, name);
    err = box_path(path, documents, name, why);
    if (err == TG_OK)
      err = box_write(path, buf_slice(&folio->sheet[i].bytes), true, why);
  }
  return err;
}

void init_exchange_id(const struct folio *folio, char out[65])
{
  hash_print(directory_exchange(folio->directory), out);
}

void init_conf_value(struct buf *out, const char *keyword, const char *value)
{
  bool quote = strpbrk(value, " #\"\\") || !*value;
  buf_printf(out, "%s %s", keyword, quote ? "\"" : "");
  for (const char *c = value; *c; c++) {
    if (*c == '"' || *c == '\\')
      buf_put_u8(out, '\\');
    buf_put_u8(out, (uint8_t)*c);
  }
  buf_put_str(out, quote ? "\"\n" : "\n");
}

const char *init_absolute(const char *path, char out[BOX_PATH])
{
  char *real = realpath(path, NULL);
  snprintf(out, BOX_PATH, "%s", real ? real : path);
  free(real);
  return out;
}

enum tg_err init_credential_read(const char *path, struct credential *ret, struct hash *ret_hash,
                                 struct tg_why *why)
{
  struct buf bytes;
  struct note *note = malloc(sizeof *note);
  enum tg_err err = box_read(path, &bytes, why);
  if (err == TG_OK && !note)
    err = why_set(why, TG_NO_MEMORY, path, N_("out of memory"), NULL, NULL, NULL, NULL);
  if (err == TG_OK)
    err = note_parse(buf_slice(&bytes), path, note, why);
  if (err == TG_OK)
    err = credential_parse(note->text, path, ret, why);
  if (err == TG_OK)
    *ret_hash = document_hash(note->text);
  free(note);
  buf_free(&bytes);
  return err;
}
