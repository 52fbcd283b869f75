/* A copy of everything, for a machine that never saw the exchange. */
#include "client/review/inside.h"

#include "audit/recount.h"
#include "os/file.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct copy {
  struct review *r;
  const char *folder;
  struct buf bytes, out;
  char made[REVIEW_PATH];
  struct tg_why *why;
};

static enum tg_err put(struct copy *c, const char *name, struct slice bytes)
{
  char path[REVIEW_PATH], folder[REVIEW_PATH];
  if ((size_t)snprintf(path, sizeof path, "%s/%s", c->folder, name) >= sizeof path)
    return why_set(c->why, TG_BAD_INPUT, c->folder, N_("the path is too long"), NULL, NULL, NULL, NULL);
  snprintf(folder, sizeof folder, "%.*s", (int)(strrchr(path, '/') - path), path);
  enum tg_err err = strcmp(folder, c->made) ? file_mkdir(folder, 0700, c->why) : TG_OK;
  if (!err) {
    memcpy(c->made, folder, sizeof folder);
    err = file_write(path, bytes, 0600, c->why);
  }
  return err;
}

/* A tile or bundle as wide as the checkpoint demands, cut out of a wider one if need be. */
static enum tg_err copy_tile(struct copy *c, bool entries, unsigned level, uint64_t index, unsigned width)
{
  char name[TILE_PATH_MAX];
  const size_t each = entries ? 34 : 32;
  for (unsigned w = width; w <= TILE_WIDTH; w++) {
    (void)tile_name_print(&(struct tile_name){.entries = entries, .level = level, .index = index, .width = w}, name);
    buf_clear(&c->bytes);
    enum tg_err err = place_read(c->r->place.log, name, RECOUNT_FILE_MAX, &c->bytes, c->why);
    if (err == TG_NOT_FOUND)
      continue;
    if (!err && c->bytes.n < each * width)
      return why_set(c->why, TG_BAD_PROOF, name, N_("this file of the log is too short"), NULL, NULL, NULL, NULL);
    (void)tile_name_print(&(struct tile_name){.entries = entries, .level = level, .index = index, .width = width}, name);
    return err ? err : put(c, name, slice_of(c->bytes.p, each * width));
  }
  return why_set(c->why, TG_BAD_PROOF, name, N_("this file of the log is missing"), NULL, NULL, NULL, NULL);
}

static enum tg_err copy_dossiers(struct copy *c, uint64_t bundle, uint64_t *count)
{
  char name[DOSSIER_PATH_MAX];
  struct dossier d;
  dossier_path(bundle, name);
  buf_clear(&c->bytes);
  buf_clear(&c->out);
  enum tg_err err = place_read(c->r->place.private, name, DOSSIER_BUNDLE_MAX, &c->bytes, c->why);
  if (err)
    return err == TG_NOT_FOUND ? TG_OK : err;
  for (struct slice rest = buf_slice(&c->bytes); rest.n;) {
    if (dossier_take(&rest, &d) != TG_OK)
      return why_set(c->why, TG_BAD_PROOF, name, N_("something stands there that is no opening"), NULL, NULL, NULL, NULL);
    if (d.index >= c->r->size)
      break;
    dossier_put(&c->out, &d);
    ++*count;
  }
  return put(c, name, buf_slice(&c->out));
}

static enum tg_err copy_documents(struct copy *c)
{
  struct review *r = c->r;
  struct directory_item item = {.order = 0};
  char name[128];
  unsigned n = 0;
  while (r->directory && directory_next(r->directory, item.order, &item) == TG_OK) {
    if (item.kind == DOCUMENT_SEALING_KEYS)
      continue;
    snprintf(name, sizeof name, "documents/%04u-%s.note", n++, document_kind_name(item.kind));
    for (char *p = name; *p; p++)
      if (*p == ' ')
        *p = '-';
    enum tg_err err = put(c, name, item.bytes);
    if (err)
      return err;
  }
  return TG_OK;
}

static enum tg_err copy_all(struct copy *c, uint64_t *count)
{
  const uint64_t size = c->r->size;
  enum tg_err err = TG_OK;
  for (uint64_t b = 0; !err && b * TILE_WIDTH < size; b++) {
    err = copy_tile(c, true, 0, b, tile_width(size, 0, b));
    if (!err)
      err = copy_dossiers(c, b, count);
  }
  for (unsigned level = 0; !err && level < TILE_LEVELS; level++)
    for (uint64_t i = 0; !err && tile_width(size, level, i); i++)
      err = copy_tile(c, false, level, i, tile_width(size, level, i));
  if (!err)
    err = copy_documents(c);
  return err ? err : put(c, "checkpoint", buf_slice(&c->r->note)); /* last: without it the folder is no copy */
}

enum tg_err review_export(struct review *r, const char *folder, uint64_t *ret_entries, struct tg_why *why)
{
  struct copy c = {.r = r, .folder = folder, .bytes = buf_new(DOSSIER_BUNDLE_MAX), .out = buf_new(DOSSIER_BUNDLE_MAX), .why = why};
  uint64_t count = 0;
  if (access(folder, F_OK) == 0)
    return why_set(why, TG_DUPLICATE, folder, N_("this exists already"), N_("Name a folder that does not"), NULL, NULL, NULL);
  enum tg_err err = place_is_view(&r->place) ? view_export(r, folder, &count, why) : copy_all(&c, &count);
  buf_free(&c.bytes);
  buf_free(&c.out);
  if (!err)
    *ret_entries = count;
  return err;
}
