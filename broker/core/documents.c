#include "broker/core/documents.h"

#include "keys/document.h"
#include "os/file.h"
#include "os/folder.h"
#include "os/log.h"
#include "proto/limits.h"

#include <stdlib.h>

enum { FILES_MAX = 10000, BYTES_MAX = 64 << 20 };

struct document {
  char *path;
  struct buf bytes;
  bool taken, charter;
  struct tg_why refusal;
};

struct documents {
  struct document *v;
  size_t n, room, bytes;
};

static void documents_free(struct documents *d)
{
  for (size_t i = 0; i < d->n; i++) {
    free(d->v[i].path);
    buf_free(&d->v[i].bytes);
  }
  free(d->v);
}

static enum tg_err make_room(struct documents *d)
{
  if (d->n < d->room)
    return TG_OK;
  size_t room = d->room ? 2 * d->room : 32;
  struct document *grown = realloc(d->v, room * sizeof *grown);
  if (!grown)
    return TG_NO_MEMORY;
  d->v = grown;
  d->room = room;
  return TG_OK;
}

static enum tg_err read_one(void *arg, const char *path)
{
  struct documents *d = arg;
  struct tg_why why = {.err = TG_OK};
  struct document one = {.bytes = buf_new(LIMIT_DOCUMENT)};
  enum tg_err err = file_read(path, LIMIT_DOCUMENT, &one.bytes, &why);
  if (err == TG_OK && d->bytes + one.bytes.n > BYTES_MAX)
    err = why_set(&why, TG_TOO_BIG, path, N_("the documents together are larger than 64 MiB"),
                  N_("Move away those that are not needed any more"), NULL, NULL, NULL);
  if (err != TG_OK) {
    log_event(LOG_ERROR, "document-not-read", log_why(&why));
    buf_free(&one.bytes);
    return TG_OK;
  }
  one.path = slice_dup(slice_str(path));
  err = one.path ? make_room(d) : TG_NO_MEMORY;
  if (err != TG_OK) {
    free(one.path);
    buf_free(&one.bytes);
    return err;
  }
  enum document_kind kind;
  one.charter = document_kind_of(buf_slice(&one.bytes), path, &kind, NULL) == TG_OK && kind == DOCUMENT_CHARTER;
  d->bytes += one.bytes.n;
  d->v[d->n++] = one;
  return TG_OK;
}

static enum tg_err offer(struct document *one, struct hub *hub)
{
  enum tg_err err = hub_document(hub, buf_slice(&one->bytes), &one->refusal);
  one->taken = err == TG_OK;
  return err == TG_REFUSED ? TG_OK : err;
}

/* Some refer to others: again, as long as each pass takes something. */
static enum tg_err offer_all_but_charters(struct documents *d, struct hub *hub)
{
  enum tg_err err = TG_OK;
  for (bool progress = true; err == TG_OK && progress;) {
    progress = false;
    for (size_t i = 0; err == TG_OK && i < d->n; i++)
      if (!d->v[i].charter && !d->v[i].taken) {
        err = offer(&d->v[i], hub);
        progress |= d->v[i].taken;
      }
  }
  return err;
}

/* The one that comes next. *ret_taken: there was one. */
static enum tg_err offer_charter(struct documents *d, struct hub *hub, bool *ret_taken)
{
  enum tg_err err = TG_OK;
  *ret_taken = false;
  for (size_t i = 0; err == TG_OK && !*ret_taken && i < d->n; i++)
    if (d->v[i].charter && !d->v[i].taken) {
      err = offer(&d->v[i], hub);
      *ret_taken = d->v[i].taken;
    }
  return err;
}

enum tg_err documents_take(const char *folder, struct hub *hub, struct tg_why *why)
{
  struct documents d = {.n = 0};
  size_t taken = 0;
  bool later = true; /* there is another charter */
  enum tg_err err = folder_each(folder, ".note", FILES_MAX, read_one, &d, why);
  if (err != TG_OK && err != TG_NO_MEMORY) { /* the operator's mistake, not the hub's */
    log_event(LOG_ERROR, "documents-not-read", log_why(why));
    err = TG_OK;
  }
  /* What can be taken under a charter comes before the next one, whatever the files are called: a hub that a later one names takes as it was
     what is older (paper.c). */
  while (err == TG_OK && later) {
    err = offer_all_but_charters(&d, hub);
    if (err == TG_OK)
      err = offer_charter(&d, hub, &later);
  }
  for (size_t i = 0; err == TG_OK && i < d.n; i++) {
    taken += d.v[i].taken;
    if (!d.v[i].taken)
      log_event(LOG_ERROR, "document-refused", log_text("file", d.v[i].path), log_why(&d.v[i].refusal));
  }
  if (err == TG_OK)
    log_event(LOG_NOTICE, "documents-taken", log_number("count", taken), log_number("of", d.n));
  documents_free(&d);
  return err;
}
