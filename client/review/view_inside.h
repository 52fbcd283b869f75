/* What the files of a view share: view_pages.c, view_papers.c, view_roots.c, view.c. */
#ifndef TOGUNA_REVIEW_VIEW_INSIDE_H
#define TOGUNA_REVIEW_VIEW_INSIDE_H

#include "client/review/inside.h"

enum { VIEW_PATH_BYTES = 32 * MERKLE_LEVELS };

struct view_root {
  uint64_t size;
  struct hash hash;
};

struct view {
  struct review *r;
  struct view_root *root; /* ascending */
  size_t n_roots, cap_roots;
  uint64_t solid; /* size of the first checkpoint from which on each is proven to extend the one before, and none is left out */
  uint64_t fresh, gaps, unproven;
  struct arena *arena;
  struct buf bytes, path, join;
  char where[96]; /* the page and what stands in it at which we are */
  struct tg_why *why;
};

/* why says where in the source we are, and that nothing of it is taken in; err. */
enum tg_err view_wrong(struct view *v, enum tg_err err, const char *what);
/* The same of what no node says: TG_BAD_INPUT. */
enum tg_err view_odd(struct view *v);

/* ---- view_pages.c */
/* A file of a copy, an object; the caller's to free. TG_BAD_PROOF: it is missing. */
enum tg_err view_read_json(struct view *v, const char *name, json_t **ret);
/* Each element of `list` in the pages of `what` behind `after`, until one is refused. */
enum tg_err view_each_page(struct view *v, const char *what, const char *list, uint64_t after, enum tg_err (*each)(struct view *v, const json_t *one));
/* The base64 under this name, at most max bytes of it, in place of what out held. False: it is none. */
bool view_text_bytes(const json_t *j, const char *name, size_t max, struct buf *out);

/* ---- view_papers.c */
/* {"note","accepted"} into the index and the directory, unless it is there. TG_BAD_SIGNATURE. */
enum tg_err view_take_document(struct view *v, const json_t *one);
/* Takes from a live node whatever documents are not in the index. */
enum tg_err view_ask_documents(struct view *v);
/* Each charter of the index, for key_find(). */
enum tg_err view_charters(struct review *r, key_each *each, void *arg);

/* ---- view_roots.c */
/* Those of the index. *ret_again: from there on some may have been settled since. */
enum tg_err view_load_roots(struct view *v, uint64_t *ret_again);
/* The one of this size; NULL: it is not among them. Valid until the next is taken. */
const struct view_root *view_root_of(const struct view *v, uint64_t size);
/* {"size","note","growth","settled"} into the index, behind the newest. TG_BAD_SIGNATURE, TG_BAD_PROOF, TG_CONFLICT. */
enum tg_err view_take_checkpoint(struct view *v, const json_t *one);

#endif
