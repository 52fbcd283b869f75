#include "client/cli/folio.h"

#include "client/cli/box.h"
#include "client/cli/reach.h"
#include "os/folder.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

struct collecting {
  struct folio *folio;
  struct tg_why *why;
};

static enum tg_err no_memory(struct tg_why *why)
{
  return why_set(why, TG_NO_MEMORY, NULL, N_("out of memory"), NULL, NULL, NULL, NULL);
}

/* Says of what file the trouble is, when the place inside it was named by the document's kind alone. */
static void name_file(struct tg_why *why, const char *path)
{
  char inner[160];
  if (!why || !strncmp(why->where, path, strlen(path)))
    return;
  const char *colon = strchr(why->where, ':');
  snprintf(inner, sizeof inner, "%s%s", path, colon ? colon : "");
  snprintf(why->where, sizeof why->where, "%s", inner);
}

/* The next sheet, from its bytes, which it takes over. */
static enum tg_err add_sheet(struct folio *f, const char *name, struct buf *bytes, struct tg_why *why)
{
  struct sheet *s = &f->sheet[f->n++]; /* also a sheet that failed is freed with the folio */
  struct note *note = malloc(sizeof *note);
  s->bytes = *bytes;
  enum tg_err err = note && (s->path = strdup(name)) ? note_parse(buf_slice(&s->bytes), name, note, why) : no_memory(why);
  if (err == TG_OK)
    err = document_kind_of(note->text, name, &s->kind, why);
  if (err == TG_OK)
    s->hash = document_hash(note->text);
  free(note);
  return err;
}

static enum tg_err collect(void *arg, const char *path)
{
  struct collecting *c = arg;
  struct buf bytes;
  if (c->folio->n == FOLIO_MAX)
    return why_set(c->why, TG_TOO_BIG, path, N_("these are too many documents"), NULL, NULL, NULL, NULL);
  enum tg_err err = box_read(path, &bytes, c->why);
  if (err == TG_OK)
    return add_sheet(c->folio, path, &bytes, c->why);
  buf_free(&bytes);
  return err;
}

static enum tg_err collect_path(struct collecting *c, const char *path)
{
  struct stat st;
  if (stat(path, &st) == 0 && S_ISDIR(st.st_mode))
    return folder_each(path, ".note", FOLIO_MAX, collect, c, c->why);
  return collect(c, path);
}

/* The hash of the founding charter among the sheets. */
static enum tg_err find_exchange(const struct folio *f, struct hash *ret, struct tg_why *why)
{
  struct note *note = malloc(sizeof *note);
  enum tg_err err = note ? TG_NOT_FOUND : no_memory(why);
  for (size_t i = 0; err == TG_NOT_FOUND && i < f->n; i++) {
    const struct sheet *s = &f->sheet[i];
    struct charter *charter;
    if (s->kind != DOCUMENT_CHARTER)
      continue;
    enum tg_err read = note_parse(buf_slice(&s->bytes), s->path, note, why);
    if (read == TG_OK)
      read = charter_parse(note->text, s->path, &charter, why);
    if (read != TG_OK) {
      err = read;
      break;
    }
    if (charter->version == 1) {
      *ret = s->hash;
      err = TG_OK;
    }
    charter_free(charter);
  }
  free(note);
  if (err == TG_NOT_FOUND)
    return why_set(why, err, f->n ? f->sheet[0].path : NULL,
                   N_("charter version 1 is not among these documents"),
                   N_("Add its file: the hash of its text identifies the exchange"), NULL, NULL, NULL);
  return err;
}

/* One round; are there documents now that were not before? */
static bool take_round(struct folio *f, bool revocations, tg_time now)
{
  bool progress = false;
  for (size_t i = 0; i < f->n; i++) {
    struct sheet *s = &f->sheet[i];
    if (s->taken || (s->kind == DOCUMENT_REVOCATION) != revocations)
      continue;
    enum tg_err err = directory_add(f->directory, s->kind, buf_slice(&s->bytes), slice_of(NULL, 0),
                                    DIRECTORY_RELAYED, now, NULL, &s->why);
    s->taken = err == TG_OK || err == TG_DUPLICATE || err == TG_STALE;
    s->why.err = err;
    progress |= s->taken;
    if (!s->taken)
      name_file(&s->why, s->path);
  }
  return progress;
}

/* Documents may refer to each other in any order: again and again, as long as that brings something.
   Revocations come last, so that what was revoked is known as such. */
static void take_all(struct folio *f, tg_time now)
{
  while (take_round(f, false, now) || take_round(f, true, now))
    continue;
}

static struct folio *folio_new(void)
{
  struct folio *f = calloc(1, sizeof *f);
  if (f && (f->sheet = calloc(FOLIO_MAX, sizeof *f->sheet)))
    return f;
  free(f);
  return NULL;
}

/* All sheets are there: makes the directory of them. */
static enum tg_err settle(struct folio *f, tg_time now, struct tg_why *why)
{
  struct hash exchange;
  enum tg_err err = find_exchange(f, &exchange, why);
  if (err == TG_OK && !(f->directory = directory_new(&exchange)))
    err = no_memory(why);
  if (err == TG_OK)
    take_all(f, now);
  return err;
}

enum tg_err folio_read(char *const *paths, size_t n, bool strict, tg_time now, struct folio **ret,
                       struct tg_why *why)
{
  struct folio *f = folio_new();
  if (!f)
    return no_memory(why);
  struct collecting c = {f, why};
  enum tg_err err = TG_OK;
  for (size_t i = 0; err == TG_OK && i < n; i++)
    err = collect_path(&c, paths[i]);
  if (err == TG_OK)
    err = settle(f, now, why);
  for (size_t i = 0; strict && err == TG_OK && i < f->n; i++)
    if (!f->sheet[i].taken) {
      err = f->sheet[i].why.err;
      if (why)
        *why = f->sheet[i].why;
    }
  if (err == TG_OK)
    *ret = f;
  else
    folio_free(f);
  return err;
}

/* One of the node's documents; announcements of sealing keys are no notes, and say nothing about who may do what. */
static enum tg_err fetch(struct call *call, const char *socket, const char *hash, struct folio *f, struct tg_why *why)
{
  const char *const arguments[] = {hash, NULL};
  json_t *answer;
  struct buf bytes = buf_new(NOTE_BYTES_MAX);
  enum tg_err err = reach_ask(call, socket, "document", arguments, &answer, why);
  if (err != TG_OK)
    return err;
  const char *note = json_string_value(json_object_get(answer, "note"));
  if (note) {
    buf_put_str(&bytes, note);
    err = buf_status(&bytes) ? no_memory(why) : add_sheet(f, hash, &bytes, why);
  }
  json_decref(answer);
  return err;
}

enum tg_err folio_fetch(struct call *call, const char *socket, tg_time now, struct folio **ret, struct tg_why *why)
{
  struct folio *f = folio_new();
  json_t *list = NULL;
  const json_t *document;
  size_t i;
  enum tg_err err = f ? reach_ask(call, socket, "documents", NULL, &list, why) : no_memory(why);
  json_array_foreach(list, i, document) {
    const char *hash = json_string_value(json_object_get(document, "hash"));
    if (err != TG_OK || !hash || f->n == FOLIO_MAX)
      break;
    err = fetch(call, socket, hash, f, why);
  }
  json_decref(list);
  if (err == TG_OK)
    err = settle(f, now, why);
  if (err == TG_OK)
    *ret = f;
  else
    folio_free(f);
  return err;
}

void folio_free(struct folio *f)
{
  if (!f)
    return;
  for (size_t i = 0; i < f->n; i++) {
    free(f->sheet[i].path);
    buf_free(&f->sheet[i].bytes);
  }
  free(f->sheet);
  directory_free(f->directory);
  free(f);
}
