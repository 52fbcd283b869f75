#include "broker/core/documents.h"

#include "broker/foresight.h"
#include "keys/document.h"
#include "os/file.h"
#include "os/folder.h"
#include "os/log.h"
#include "policy/policy.h"
#include "policy/refusal.h"
#include "proto/limits.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FILES_MAX = 10000, BYTES_MAX = 64 << 20 };

struct document {
  char *path;
  struct buf bytes;
  enum document_kind kind; /* 0: none that we know */
  bool taken;
  struct country member; /* a policy's, and its serial; 0 where it is none at all */
  uint64_t serial;
  struct tg_why refusal;
};

struct documents {
  struct document *v;
  size_t n, room, bytes;
  bool past; /* we have not begun: what is here is older than we are */
  bool unread; /* something here could not be read */
  struct foresight *foresight; /* of all charters here, when it is past */
};

static void documents_free(struct documents *d)
{
  for (size_t i = 0; i < d->n; i++) {
    free(d->v[i].path);
    buf_free(&d->v[i].bytes);
  }
  free(d->v);
  foresight_free(d->foresight);
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

/* What the order depends on. What is nothing the hub itself will say. */
static enum tg_err read_head(struct document *one)
{
  struct note note;
  struct policy *policy = NULL;
  enum tg_err err = TG_OK;
  if (document_kind_of(buf_slice(&one->bytes), NULL, &one->kind, NULL) != TG_OK || note_parse(buf_slice(&one->bytes), NULL, &note, NULL) != TG_OK)
    return TG_OK;
  if (one->kind == DOCUMENT_POLICY && (err = policy_parse(note.text, NULL, NULL, &policy, NULL, NULL)) == TG_OK) {
    one->member = policy_member(policy);
    one->serial = policy_serial(policy);
  }
  policy_free(policy);
  return err == TG_NO_MEMORY ? err : TG_OK;
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
    d->unread = true;
    buf_free(&one.bytes);
    return TG_OK;
  }
  one.path = slice_dup(slice_str(path));
  err = one.path ? make_room(d) : TG_NO_MEMORY;
  if (err == TG_OK)
    err = read_head(&one);
  if (err != TG_OK) {
    free(one.path);
    buf_free(&one.bytes);
    return err;
  }
  d->bytes += one.bytes.n;
  d->v[d->n++] = one;
  return TG_OK;
}

/* One pass. *ret_progress: something of this kind was taken. */
static enum tg_err look_at(struct documents *d, enum document_kind kind, bool *seen, bool *ret_progress)
{
  enum tg_err err = TG_OK;
  *ret_progress = false;
  for (size_t i = 0; err == TG_OK && i < d->n; i++)
    if (!seen[i] && d->v[i].kind == kind) {
      err = foresight_add(d->foresight, kind, buf_slice(&d->v[i].bytes), &seen[i]);
      *ret_progress |= seen[i];
    }
  return err;
}

/* All charters that follow from what is known and lie here: a quorum is told by who has withdrawn, so that each may wait for another. In the order of
   offer_round(). */
static enum tg_err look_ahead(struct documents *d, struct hub *hub)
{
  bool *seen = calloc(d->n + 1, sizeof *seen);
  enum tg_err err = seen ? foresight_new(hub, &d->foresight) : TG_NO_MEMORY;
  for (bool progress = true; err == TG_OK && progress;) {
    err = look_at(d, DOCUMENT_CHARTER, seen, &progress);
    if (err == TG_OK && !progress)
      err = look_at(d, DOCUMENT_WITHDRAWAL, seen, &progress);
  }
  free(seen);
  return err;
}

static enum tg_err offer(const struct documents *d, struct document *one, struct hub *hub)
{
  enum tg_err err = TG_OK;
  if (d->past && one->kind == DOCUMENT_CREDENTIAL)
    err = foresight_check(d->foresight, buf_slice(&one->bytes), &one->refusal);
  if (err != TG_OK)
    return err == TG_REVOKED ? TG_OK : err;
  err = d->past ? hub_past_document(hub, d->foresight, buf_slice(&one->bytes), &one->refusal)
                : hub_document(hub, buf_slice(&one->bytes), &one->refusal);
  one->taken = err == TG_OK;
  return err == TG_REFUSED ? TG_OK : err;
}

/* The policies of a member one behind another, by serial. */
static int by_serial(const void *left, const void *right)
{
  const struct document *a = left, *b = right;
  const int member = memcmp(a->member.code, b->member.code, sizeof a->member.code);
  if (member)
    return member;
  return a->serial == b->serial ? strcmp(a->path, b->path) : a->serial < b->serial ? -1 : 1;
}

static bool by_officers(const struct document *one)
{
  return one->kind == DOCUMENT_POLICY || one->kind == DOCUMENT_GRANT;
}

/* Some refer to others: again, as long as each pass takes something. */
static enum tg_err offer_all_of_roots(struct documents *d, struct hub *hub)
{
  enum tg_err err = TG_OK;
  for (bool progress = true; err == TG_OK && progress;) {
    progress = false;
    for (size_t i = 0; err == TG_OK && i < d->n; i++)
      if (d->v[i].kind != DOCUMENT_CHARTER && d->v[i].kind != DOCUMENT_WITHDRAWAL && !by_officers(&d->v[i]) && !d->v[i].taken) {
        err = offer(d, &d->v[i], hub);
        progress |= d->v[i].taken;
      }
  }
  return err;
}

static bool breaks_pin(const struct document *one)
{
  const char *what = one->refusal.what;
  return what && (strcmp(what, REFUSAL_PIN_TELLS) == 0 || strcmp(what, REFUSAL_PIN_PASSES) == 0);
}

/* It may be taken yet, under a later charter: that knows whom it names, or has a bloc whose members no pin of its keeps out. What is taken in as it was may
   have opened nothing more then, or come from officers whom the later charter knows. */
static bool may_come_yet(const struct documents *d, const struct document *one)
{
  const enum tg_err err = one->refusal.err;
  const bool under_any = err == TG_BAD_INPUT || err == TG_NOT_FOUND || breaks_pin(one);
  return !one->taken && one->serial && (under_any || (d->past && (err == TG_REFUSED || err == TG_BAD_SIGNATURE)));
}

static void hold(struct document *one, const struct document *earlier)
{
  const char *slash = strrchr(earlier->path, '/');
  why_set(&one->refusal, TG_REFUSED, "serial", N_("it waits for an earlier policy of this member, which was not taken"),
          N_("see what is said of %1$s; if that was never in force, move it away"), slash ? slash + 1 : earlier->path, NULL, NULL);
}

/* One pass. patient: none of a member whose earlier one may come yet. */
static enum tg_err offer_each_of_officers(struct documents *d, struct hub *hub, bool patient, bool *ret_progress)
{
  const struct document *waited = NULL;
  enum tg_err err = TG_OK;
  *ret_progress = false;
  for (size_t i = 0; err == TG_OK && i < d->n; i++) {
    struct document *one = &d->v[i];
    if (one->taken || !by_officers(one))
      continue;
    if (waited && one->serial && country_eq(waited->member, one->member)) {
      hold(one, waited);
      continue;
    }
    err = offer(d, one, hub);
    *ret_progress |= one->taken;
    if (patient && may_come_yet(d, one))
      waited = one;
  }
  return err;
}

/* Policies by serial, whatever their files are called: each is measured against the one before it, and without that one it could widen in the hand of a
   single officer, or in no time. */
static enum tg_err offer_all_of_officers(struct documents *d, struct hub *hub, bool patient)
{
  enum tg_err err = TG_OK;
  for (bool progress = true; err == TG_OK && progress;)
    err = offer_each_of_officers(d, hub, patient, &progress);
  return err;
}

/* The one that comes next. *ret_taken: there was one; *ret_waits: there is one that was not taken, for a pin, its date, or one before it that is missing. */
static enum tg_err offer_charter(struct documents *d, struct hub *hub, bool *ret_taken, bool *ret_waits)
{
  enum tg_err err = TG_OK;
  *ret_taken = *ret_waits = false;
  for (size_t i = 0; err == TG_OK && !*ret_taken && i < d->n; i++)
    if (d->v[i].kind == DOCUMENT_CHARTER && !d->v[i].taken) {
      err = offer(d, &d->v[i], hub);
      *ret_taken = d->v[i].taken;
      *ret_waits |= !d->v[i].taken;
    }
  return err;
}

/* Only when no charter follows without them. A member can say that it leaves a charter when the next one has its signature: that means nothing then, but said
   before, its signature would count no more, and whoever begins could not take that charter. */
static enum tg_err offer_withdrawals(struct documents *d, struct hub *hub, bool *ret_taken)
{
  enum tg_err err = TG_OK;
  *ret_taken = false;
  for (size_t i = 0; err == TG_OK && i < d->n; i++)
    if (d->v[i].kind == DOCUMENT_WITHDRAWAL && !d->v[i].taken) {
      err = offer(d, &d->v[i], hub);
      *ret_taken |= d->v[i].taken;
    }
  return err;
}

/* All that can be taken under the charters so far, then the next charter. What officers signed comes after what says who they are, and who they are
   no longer. */
static enum tg_err offer_round(struct documents *d, struct hub *hub, bool *ret_later)
{
  bool waits = false;
  enum tg_err err = offer_all_of_roots(d, hub);
  if (err == TG_OK)
    err = offer_all_of_officers(d, hub, true);
  if (err == TG_OK)
    err = offer_charter(d, hub, ret_later, &waits);
  if (err == TG_OK && !*ret_later)
    err = offer_withdrawals(d, hub, ret_later);
  if (err != TG_OK || *ret_later)
    return err;
  /* What still waits for an earlier one waits in vain, if all charters are here. What one would jump over could never be taken any more. */
  return waits || !hub_has_begun(hub) ? TG_OK : offer_all_of_officers(d, hub, false);
}

/* Nothing but charters, as long as none here names us: nobody is let in, and whose root signed what those say that are still to come. */
static enum tg_err offer_charters(struct documents *d, struct hub *hub)
{
  bool later = true, waits;
  enum tg_err err = TG_OK;
  while (err == TG_OK && later)
    err = offer_charter(d, hub, &later, &waits);
  for (size_t i = 0; err == TG_OK && i < d->n; i++)
    if (!d->v[i].kind)
      err = offer(d, &d->v[i], hub); /* for what is said of it */
    else if (d->v[i].kind != DOCUMENT_CHARTER)
      why_set(&d->v[i].refusal, TG_REFUSED, NULL, N_("it waits for a charter that names this hub: none is among the documents here"),
              N_("Put all charters beside it, then load the documents again"), NULL, NULL, NULL);
  return err;
}

/* Nobody is let in by what a charter said that is replaced. An operator who takes one out of the folder has decided that it was never in force; a file that
   cannot be read decides nothing. */
static enum tg_err await_charter(const struct documents *d, struct hub *hub)
{
  const uint64_t needed = foresight_needed(d->foresight);
  return d->unread && needed < hub_awaited_charter(hub) ? TG_OK : hub_await_charter(hub, needed);
}

static void tell_awaited(const struct hub *hub)
{
  const uint64_t version = hub_awaited_charter(hub);
  struct tg_why why;
  char number[24];
  if (!version)
    return;
  snprintf(number, sizeof number, "%llu", (unsigned long long)version);
  why_set(&why, TG_REFUSED, "charter", N_("nobody is let in before this hub has version %1$s of the charter, which was not taken"),
          N_("Mend what document-refused says of it or of one before it, then load the documents again; if it was never in force, first take it out of the folder"), number, NULL, NULL);
  log_event(LOG_ERROR, "charter-awaited", log_number("version", version), log_why(&why));
}

static enum tg_err offer_all(struct documents *d, struct hub *hub)
{
  bool later = true; /* there is another charter, or may be one now */
  enum tg_err err = TG_OK;
  d->past = !hub_has_begun(hub);
  if (d->past)
    err = look_ahead(d, hub);
  if (err == TG_OK && d->past)
    err = await_charter(d, hub);
  if (err == TG_OK && d->past && !foresight_names_hub(d->foresight))
    return offer_charters(d, hub);
  while (err == TG_OK && later)
    err = offer_round(d, hub, &later);
  return err;
}

enum tg_err documents_take(const char *folder, struct hub *hub, struct tg_why *why)
{
  struct documents d = {.past = false};
  size_t taken = 0;
  enum tg_err err = folder_each(folder, ".note", FILES_MAX, read_one, &d, why);
  if (err != TG_OK && err != TG_NO_MEMORY) { /* the operator's mistake, not the hub's */
    log_event(LOG_ERROR, "documents-not-read", log_why(why));
    d.unread = true;
    err = TG_OK;
  }
  /* What can be taken under a charter comes before the next one, whatever the files are called. */
  if (d.n)
    qsort(d.v, d.n, sizeof *d.v, by_serial);
  if (err == TG_OK)
    err = offer_all(&d, hub);
  for (size_t i = 0; err == TG_OK && i < d.n; i++) {
    taken += d.v[i].taken;
    if (!d.v[i].taken)
      log_event(LOG_ERROR, "document-refused", log_text("file", d.v[i].path), log_why(&d.v[i].refusal));
  }
  if (err == TG_OK)
    log_event(LOG_NOTICE, "documents-taken", log_number("count", taken), log_number("of", d.n));
  if (err == TG_OK)
    tell_awaited(hub);
  documents_free(&d);
  return err;
}
