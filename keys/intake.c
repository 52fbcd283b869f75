/* The way of a document into a directory: what is the same for every kind. */
#include "keys/directory_state.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- lists --- */

enum tg_err list_reserve(struct list *l)
{
  if (l->n < l->cap)
    return TG_OK;
  size_t cap = l->cap ? 2 * l->cap : 16;
  void **at = reallocarray(l->at, cap, sizeof *at);
  if (!at)
    return TG_NO_MEMORY;
  l->at = at;
  l->cap = cap;
  return TG_OK;
}

void list_insert(struct list *l, size_t i, void *thing)
{
  assert(l->n < l->cap && i <= l->n);
  memmove(l->at + i + 1, l->at + i, (l->n - i) * sizeof *l->at);
  l->at[i] = thing;
  l->n++;
}

void list_push(struct list *l, void *thing)
{
  list_insert(l, l->n, thing);
}

/* --- items --- */

struct item *item_prepare(struct directory *d, const struct intake *in)
{
  if (list_reserve(&d->items))
    return NULL;
  struct item *item = calloc(1, sizeof *item + in->bytes.n + in->proof.n);
  if (!item)
    return NULL;
  memcpy(item->memory, in->bytes.p, in->bytes.n);
  if (in->proof.n)
    memcpy(item->memory + in->bytes.n, in->proof.p, in->proof.n);
  item->is = (struct directory_item){.kind = in->kind,
                                     .hash = in->news.hash,
                                     .bytes = slice_of(item->memory, in->bytes.n),
                                     .proof = slice_of(item->memory + in->bytes.n, in->proof.n),
                                     .accepted = in->now};
  return item;
}

void item_commit(struct directory *d, struct item *item)
{
  item->is.order = ++d->last_order;
  list_push(&d->items, item);
  table_put(&d->by_hash, &item->by_hash, item->is.hash.b, item);
}

/* The place of the first item with order > after. */
static size_t items_from(const struct directory *d, uint64_t after)
{
  size_t low = 0, high = d->items.n;
  while (low < high) {
    size_t middle = (low + high) / 2, probe = middle;
    while (probe > low && !d->items.at[probe])
      probe--;
    const struct item *item = d->items.at[probe];
    if (!item || item->is.order <= after)
      low = middle + 1;
    else
      high = probe;
  }
  return low;
}

/* Closes the gaps once they are half of the list, so that dropping costs a constant on the average. */
static void items_compact(struct directory *d)
{
  size_t kept = 0;
  if (d->by_hash.n > d->items.n / 2 || d->items.n < 32)
    return;
  for (size_t i = 0; i < d->items.n; i++)
    if (d->items.at[i])
      d->items.at[kept++] = d->items.at[i];
  d->items.n = kept;
}

void item_drop(struct directory *d, struct item *item)
{
  if (!item)
    return;
  size_t i = items_from(d, item->is.order - 1);
  while (d->items.at[i] != item)
    i++;
  d->items.at[i] = NULL;
  table_remove(&d->by_hash, &item->by_hash);
  free(item);
  items_compact(d);
}

enum tg_err directory_next(const struct directory *d, uint64_t after, struct directory_item *ret)
{
  for (size_t i = items_from(d, after); i < d->items.n; i++) {
    const struct item *item = d->items.at[i];
    if (item && item->is.order > after)
      return *ret = item->is, TG_OK;
  }
  return TG_NOT_FOUND;
}

enum tg_err directory_document(const struct directory *d, const struct hash *hash, struct directory_item *ret)
{
  const struct item *item = table_find(&d->by_hash, hash->b);
  if (!item)
    return TG_NOT_FOUND;
  *ret = item->is;
  return TG_OK;
}

/* --- questions that several kinds ask --- */

enum tg_err intake_error(const struct intake *in, enum tg_err err, const char *what, const char *todo,
                         const char *a, const char *b)
{
  return why_set(in->why, err, document_kind_name(in->kind), what, todo, a, b, NULL);
}

enum tg_err intake_note(struct intake *in)
{
  enum tg_err err = note_parse(in->bytes, document_kind_name(in->kind), &in->note, in->why);
  if (err)
    return err;
  in->news.kind = in->kind;
  in->news.text = in->note.text;
  in->news.hash = document_hash(in->note.text);
  return TG_OK;
}

enum tg_err intake_exchange(const struct directory *d, const struct intake *in, const char *name)
{
  const struct charter *c = directory_newest_charter(d);
  if (!c)
    return intake_error(in, TG_NOT_FOUND, N_("the charter is not known yet"),
                        N_("take in charter version 1 first"), NULL, NULL);
  if (strcmp(name, c->exchange))
    return intake_error(in, TG_BAD_INPUT, N_("this document is for the exchange %1$s; this one is %2$s"),
                        NULL, name, c->exchange);
  return TG_OK;
}

enum tg_err intake_member(const struct directory *d, const struct intake *in, struct country code,
                          struct member_state **ret)
{
  int index = directory_member_index(d, code);
  if (index < 0)
    return intake_error(in, TG_NOT_FOUND, N_("no charter known here names %1$s"),
                        N_("take in the newest charter first, or correct the country code"), code.code, NULL);
  *ret = d->member[index];
  return TG_OK;
}

enum tg_err intake_new(const struct directory *d, const struct intake *in)
{
  if (!table_find(&d->by_hash, in->news.hash.b))
    return TG_OK;
  return intake_error(in, TG_DUPLICATE, N_("this document is known already"), NULL, NULL, NULL);
}

/* The last charter that named another root of this member, which signed: TG_REVOKED. None: TG_BAD_SIGNATURE. */
static enum tg_err check_former_roots(const struct directory *d, const struct intake *in, struct country code)
{
  char version[24];
  const struct note_key *next = NULL;
  struct note_verdict verdict;
  for (size_t i = d->charters.n; i > 0; i--) {
    const struct charter_member *m = charter_member(((const struct charter_record *)d->charters.at[i - 1])->charter, code);
    if (!m || (next && note_key_eq(next, &m->root)))
      continue;
    next = &m->root;
    const enum tg_err err = note_verify(&in->note, &m->root, 1, &verdict, NULL);
    if (err == TG_BAD_SIGNATURE)
      continue;
    if (err)
      return err;
    snprintf(version, sizeof version, "%zu", i + 1);
    return intake_error(in, TG_REVOKED, N_("this was signed with a root key of %1$s that version %2$s of the charter replaced"),
                        N_("sign it with the root key that the charter names now"), code.code, version);
  }
  return TG_BAD_SIGNATURE;
}

enum tg_err intake_root(const struct directory *d, struct intake *in, struct country code)
{
  const struct charter_record *const charters[] = {charter_record_judging(d, in->now),
                                                   charter_record_newest(d)};
  struct note_key known[2];
  struct note_verdict verdict[2];
  size_t n = 0, good = 0;
  for (size_t i = 0; i < 2; i++) {
    const struct charter_member *m = charters[i] ? charter_member(charters[i]->charter, code) : NULL;
    if (m && (n == 0 || !note_key_eq(&known[0], &m->root)))
      known[n++] = m->root;
  }
  if (n == 0)
    return intake_error(in, TG_REVOKED, N_("%1$s is not a member any more"), NULL, code.code, NULL);
  enum tg_err err = note_verify(&in->note, known, n, verdict, in->why);
  if (err == TG_BAD_SIGNATURE)
    err = check_former_roots(d, in, code);
  if (err == TG_BAD_SIGNATURE)
    return intake_error(in, err, N_("the root key of %1$s has not signed this document as it stands"),
                        N_("only the key named in the charter counts; sign the text with it"), code.code,
                        NULL);
  for (size_t i = 0; !err && i < n; i++)
    if (verdict[i].good)
      in->root[good++] = known[i].pk;
  return err;
}

/* --- the way in --- */

static const struct {
  enum tg_err (*check)(const struct directory *d, struct intake *in);
  enum tg_err (*take)(struct directory *d, struct intake *in);
} kinds[] = {
    [DOCUMENT_CHARTER] = {take_charter_check, take_charter},
    [DOCUMENT_CREDENTIAL] = {take_credential_check, take_credential},
    [DOCUMENT_REVOCATION] = {take_revocation_check, take_revocation},
    [DOCUMENT_POLICY] = {take_policy_check, take_policy},
    [DOCUMENT_WITHDRAWAL] = {take_withdrawal_check, take_withdrawal},
    [DOCUMENT_GRANT] = {take_grant_check, take_grant},
    [DOCUMENT_SEALING_KEYS] = {take_sealing_check, take_sealing},
};

/* Checks into a new intake, whose owner is the caller also when checking failed. */
static enum tg_err check(const struct directory *d, enum document_kind kind, struct slice bytes,
                         struct slice proof, enum directory_how how, tg_time now, struct tg_why *why,
                         struct intake **ret_in)
{
  struct intake *in = calloc(1, sizeof *in);
  *ret_in = in;
  if (!in)
    return why_set(why, TG_NO_MEMORY, NULL, N_("out of memory"), NULL, NULL, NULL, NULL);
  in->kind = kind;
  in->bytes = bytes;
  in->proof = proof;
  in->how = how;
  in->now = now;
  in->why = why;
  if ((size_t)kind >= sizeof kinds / sizeof *kinds || !kinds[kind].check)
    return intake_error(in, TG_UNKNOWN, N_("this is a kind of document that this program does not know"),
                        N_("a newer program is needed"), NULL, NULL);
  return kinds[kind].check(d, in);
}

static void intake_free(struct intake *in)
{
  if (!in)
    return;
  charter_free(in->charter);
  free(in->sealing);
  free(in);
}

/* News are for those who may use them: after success, or of a document that is known. */
static void news_out(const struct intake *in, enum tg_err err, struct directory_news *ret)
{
  if (!ret || (err && err != TG_DUPLICATE))
    return;
  *ret = in->news;
  if (err)
    ret->n_signers = 0;
}

enum tg_err directory_check(const struct directory *d, enum document_kind kind, struct slice bytes,
                            struct slice proof, enum directory_how how, tg_time now,
                            struct directory_news *ret, struct tg_why *why)
{
  struct intake *in;
  enum tg_err err = check(d, kind, bytes, proof, how, now, why, &in);
  news_out(in, err, ret);
  intake_free(in);
  return err;
}

enum tg_err directory_add(struct directory *d, enum document_kind kind, struct slice bytes,
                          struct slice proof, enum directory_how how, tg_time now, struct directory_news *ret,
                          struct tg_why *why)
{
  struct intake *in;
  enum tg_err err = check(d, kind, bytes, proof, how, now, why, &in);
  if (!err) {
    err = kinds[kind].take(d, in);
    if (err)
      intake_error(in, err, N_("out of memory"), NULL, NULL, NULL);
  }
  news_out(in, err, ret);
  intake_free(in);
  return err;
}
