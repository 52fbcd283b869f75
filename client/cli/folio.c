#include "client/cli/folio.h"

#include "client/cli/box.h"
#include "os/folder.h"

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

static enum tg_err collect(void *arg, const char *path)
{
  struct collecting *c = arg;
  struct folio *f = c->folio;
  if (f->n == FOLIO_MAX)
    return why_set(c->why, TG_TOO_BIG, path, N_("these are too many documents"), NULL, NULL, NULL, NULL);
  struct sheet *s = &f->sheet[f->n];
  enum tg_err err = box_read(path, &s->bytes, c->why);
  struct note *note = err ? NULL : malloc(sizeof *note);
  if (err == TG_OK)
    err = note && (s->path = strdup(path)) ? note_parse(buf_slice(&s->bytes), path, note, c->why)
                                           : no_memory(c->why);
  if (err == TG_OK)
    err = document_kind_of(note->text, path, &s->kind, c->why);
  if (err == TG_OK)
    s->hash = document_hash(note->text);
  free(note);
  f->n++; /* also a sheet that failed is freed with the folio */
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

enum tg_err folio_read(char *const *paths, size_t n, bool strict, tg_time now, struct folio **ret,
                       struct tg_why *why)
{
  struct folio *f = calloc(1, sizeof *f);
  struct hash exchange;
  if (!f || !(f->sheet = calloc(FOLIO_MAX, sizeof *f->sheet))) {
    free(f);
    return no_memory(why);
  }
  struct collecting c = {f, why};
  enum tg_err err = TG_OK;
  for (size_t i = 0; err == TG_OK && i < n; i++)
    err = collect_path(&c, paths[i]);
  if (err == TG_OK)
    err = find_exchange(f, &exchange, why);
  if (err == TG_OK && !(f->directory = directory_new(&exchange)))
    err = no_memory(why);
  if (err == TG_OK)
    take_all(f, now);
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
