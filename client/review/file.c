/* Dossiers, read again for an answer: what stood there when it was indexed is no promise, so each is checked again. */
#include "client/review/inside.h"

#include "os/file.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static enum tg_err load_bundle(struct review *r, uint64_t bundle, struct tg_why *why)
{
  char name[DOSSIER_PATH_MAX];
  if (r->bundle_of == bundle)
    return TG_OK;
  r->bundle_of = UINT64_MAX;
  r->bundle.n = 0; /* public enough: no need to wipe */
  dossier_path(bundle, name);
  enum tg_err err = place_read(r->place.private, name, DOSSIER_BUNDLE_MAX, &r->bundle, why);
  if (!err)
    r->bundle_of = bundle;
  return err;
}

/* At its place, or wherever it stands now: a hub writes the last bundle again and again. */
static enum tg_err find_dossier(const struct review *r, const struct place_of *at, struct dossier *ret)
{
  struct slice all = buf_slice(&r->bundle), rest = all;
  if (at->at < all.n) {
    rest = slice_of(all.p + at->at, all.n - at->at);
    if (dossier_take(&rest, ret) == TG_OK && ret->index == at->leaf)
      return TG_OK;
  }
  for (rest = all; rest.n;) {
    if (dossier_take(&rest, ret) != TG_OK)
      break;
    if (ret->index == at->leaf)
      return TG_OK;
  }
  return TG_NOT_FOUND;
}

/* A single one, where the index says that it stands: a page of rare entries is spread over as many files. TG_NOT_FOUND: it is not there
   any more. */
static enum tg_err read_single(struct review *r, const struct place_of *at, struct arena *arena, struct dossier *ret)
{
  char name[DOSSIER_PATH_MAX], path[REVIEW_PATH + DOSSIER_PATH_MAX];
  struct buf bytes = buf_new(DOSSIER_MAX + 4);
  dossier_path(at->leaf / TILE_WIDTH, name);
  snprintf(path, sizeof path, "%s/%s", r->place.private, name);
  enum tg_err err = at->n <= DOSSIER_MAX + 4 ? file_read_at(path, at->at, (size_t)at->n, &bytes, NULL) : TG_NOT_FOUND;
  struct slice copy = err ? slice_of(NULL, 0) : arena_copy(arena, buf_slice(&bytes));
  buf_free(&bytes);
  if (err || !copy.p)
    return err ? TG_NOT_FOUND : TG_NO_MEMORY;
  return dossier_take(&copy, ret) == TG_OK && copy.n == 0 && ret->index == at->leaf ? TG_OK : TG_NOT_FOUND;
}

/* By itself, unless its bundle is at hand or was asked for just before. */
static enum tg_err read_alone(struct review *r, const struct place_of *at, struct arena *arena, struct dossier *ret)
{
  const uint64_t bundle = at->leaf / TILE_WIDTH;
  const bool again = r->asked_of == bundle;
  r->asked_of = bundle;
  return again || r->bundle_of == bundle ? TG_NOT_FOUND : read_single(r, at, arena, ret);
}

/* It was as logged when it was indexed: which file, which entry. */
static void name_entry(const struct review *r, uint64_t leaf, struct tg_why *why)
{
  char name[DOSSIER_PATH_MAX];
  dossier_path(leaf / TILE_WIDTH, name);
  snprintf(why->where, sizeof why->where, "%s:entry %" PRIu64, place_is_view(&r->place) ? "index" : name, leaf);
}

enum tg_err file_dossier(struct review *r, uint64_t leaf, struct arena *arena, struct dossier *ret, struct entry *ret_entry,
                         struct tg_why *why)
{
  struct place_of at;
  struct dossier d;
  bool alone = false;
  enum tg_err err = index_place(r, leaf, &at);
  if (err == TG_NOT_FOUND && place_is_view(&r->place) && leaf < r->size)
    return why_set(why, err, NULL, N_("this node is no party of that entry: what it says was not opened to it"),
                   N_("Ask a node that is, or the hub's own auditors"), NULL, NULL, NULL);
  if (err == TG_NOT_FOUND) {
    char at_text[24], size[24];
    snprintf(at_text, sizeof at_text, "%" PRIu64, leaf);
    snprintf(size, sizeof size, "%" PRIu64, r->size);
    return why_set(why, err, NULL, N_("there is no entry %1$s: its checkpoint covers %2$s entries, from 0"), N_("Fetch a newer copy of the log"), at_text, size, NULL);
  }
  if (!err && at.n == 0)
    return why_set(why, TG_NOT_FOUND, NULL, N_("what this entry says is not open here"), NULL, NULL, NULL, NULL);
  if (!err && place_is_view(&r->place)) {
    struct slice bytes;
    err = view_dossier(r, leaf, arena, &bytes);
    if (!err)
      err = dossier_take(&bytes, &d);
  } else if (!err) {
    err = read_alone(r, &at, arena, &d);
    alone = err == TG_OK;
    if (err == TG_NOT_FOUND)
      err = load_bundle(r, leaf / TILE_WIDTH, why);
  }
  if (!err && !alone && !place_is_view(&r->place) && find_dossier(r, &at, &d) != TG_OK) {
    r->bundle_of = UINT64_MAX; /* it may have been replaced meanwhile */
    err = load_bundle(r, leaf / TILE_WIDTH, why);
    if (!err && find_dossier(r, &at, &d) != TG_OK)
      return why_set(why, TG_BAD_PROOF, r->place.private, N_("an entry that was there when it was indexed is gone"), NULL, NULL,
                     NULL, NULL);
  }
  if (!err) {
    err = dossier_check(&d, &at.hash, arena, ret_entry, why);
    if (err && why)
      name_entry(r, leaf, why);
  }
  if (!err)
    *ret = d;
  return err;
}

/* ---- ids by their beginning ---- */

static int digit(char c)
{
  return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool file_range(const char *prefix, struct hash *low, struct hash *high)
{
  const size_t n = strlen(prefix);
  memset(low, 0, sizeof *low);
  memset(high, 0xff, sizeof *high);
  for (size_t i = 0; i < n; i++) {
    int d = i < 64 ? digit(prefix[i]) : -1;
    if (d < 0)
      return false;
    unsigned shift = i % 2 ? 0 : 4, clear = i % 2 ? 0xf0 : 0x0f;
    low->b[i / 2] = (uint8_t)(low->b[i / 2] | (unsigned)d << shift);
    high->b[i / 2] = (uint8_t)((high->b[i / 2] & clear) | (unsigned)d << shift);
  }
  return n > 0;
}

enum tg_err file_bulletin(struct review *r, const char *prefix, uint64_t *ret, struct tg_why *why)
{
  struct hash low, high;
  uint64_t leaf[2];
  size_t n = 0;
  bool row;
  if (strlen(prefix) < 4 || !file_range(prefix, &low, &high))
    return why_set(why, TG_USAGE, prefix, N_("an id is given by its first digits, four or more of 0-9 and a-f"), NULL, NULL, NULL,
                   NULL);
  struct db_stmt *s = db_stmt(r->db, "SELECT leaf FROM bulletin WHERE id >= ?1 AND id <= ?2 LIMIT 2");
  db_bind_blob(s, 1, slice_of(low.b, 32));
  db_bind_blob(s, 2, slice_of(high.b, 32));
  enum tg_err err;
  while ((err = db_step(s, &row)) == TG_OK && row && n < 2)
    leaf[n++] = db_u64(s, 0);
  if (err)
    return err;
  if (n == 0)
    return why_set(why, TG_NOT_FOUND, prefix, N_("no bulletin whose id begins so was accepted, as far as is open here"),
                   N_("`toguna audit log --subject ID` also finds what was refused"), NULL, NULL, NULL);
  if (n > 1)
    return why_set(why, TG_CONFLICT, prefix, N_("the ids of several bulletins begin so"), N_("Give more digits"), NULL, NULL, NULL);
  *ret = leaf[0];
  return TG_OK;
}
