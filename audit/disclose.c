#include "audit/disclose.h"

#include <string.h>

enum party {
  ACTOR = 1, /* the node named in the entry */
  ORIGINATORS = 2,
  RECIPIENTS = 4,
  MEMBERS = 8, /* all, unless the document is restricted: then its readers */
};

/* Row i is type i + 1. A party that is not in a row learns nothing, not even that there is something to
   learn:
   - refused and document-refused: what was refused concerns who tried;
   - forwarded, sessions: traffic of one node is nobody else's business;
   - held: names a recipient who is denied, as actor; so only the originator. */
static const unsigned rows[ENTRY_TYPES] = {
    ACTOR | ORIGINATORS | RECIPIENTS, /* accepted */
    ACTOR,                            /* refused */
    ACTOR,                            /* forwarded */
    ACTOR | ORIGINATORS,              /* receipts */
    ACTOR | MEMBERS,                  /* document */
    ACTOR,                            /* session-opened */
    ACTOR,                            /* session-cut */
    ORIGINATORS | RECIPIENTS,         /* expired */
    ACTOR | ORIGINATORS | RECIPIENTS, /* recalled */
    ORIGINATORS,                      /* held */
    MEMBERS,                          /* configuration */
    ACTOR | ORIGINATORS,              /* alarm */
    ACTOR,                            /* document-refused */
};

static unsigned parties_of(const struct entry *e)
{
  return (unsigned)e->type >= 1 && (unsigned)e->type <= ENTRY_TYPES ? rows[e->type - 1] : 0;
}

/* A node is a party by its key; an auditor by the member of a party. */
static bool is_party(const struct disclose_party *p, const struct disclose_viewer *v)
{
  return sign_pk_eq(&p->key, &v->key) || (v->auditor && !memcmp(p->member, v->member, sizeof p->member));
}

static bool among(const struct disclose_party *parties, size_t n, const struct disclose_viewer *v)
{
  for (size_t i = 0; i < n; i++)
    if (is_party(&parties[i], v))
      return true;
  return false;
}

/* The node that the entry names, if it names one. */
static bool actor_of(const struct entry *e, struct disclose_party *ret)
{
  static const struct sign_pk none;
  if (sign_pk_eq(&e->actor, &none))
    return false;
  ret->key = e->actor;
  memcpy(ret->member, e->member, sizeof ret->member);
  return true;
}

bool disclose_is_public(const struct entry *entry, const struct disclose_subject *about)
{
  return (parties_of(entry) & MEMBERS) && !about->restricted;
}

/* Whether the recipients in `about` are parties: by the row, or as the readers of a restricted document. */
static bool recipients_count(unsigned parties, const struct disclose_subject *about)
{
  return (parties & RECIPIENTS) || ((parties & MEMBERS) && about->restricted);
}

bool disclose_entry(const struct entry *entry, const struct disclose_subject *about,
                    const struct disclose_viewer *viewer)
{
  unsigned parties = parties_of(entry);
  struct disclose_party actor;
  if (disclose_is_public(entry, about))
    return true;
  if ((parties & ACTOR) && actor_of(entry, &actor) && is_party(&actor, viewer))
    return true;
  if ((parties & ORIGINATORS) && among(about->originators, about->originator_count, viewer))
    return true;
  return recipients_count(parties, about) && among(about->recipients, about->recipient_count, viewer);
}

bool disclose_ruling(const struct entry *entry, const struct disclose_subject *about,
                     const struct disclose_viewer *viewer)
{
  struct disclose_party actor;
  if (entry->type != ENTRY_ACCEPTED && entry->type != ENTRY_REFUSED)
    return false;
  return (actor_of(entry, &actor) && is_party(&actor, viewer)) ||
         among(about->originators, about->originator_count, viewer);
}

/* ---- listing ---- */

struct list {
  struct disclose_party *party;
  size_t n, max;
};

static enum tg_err list_add(struct list *l, const struct disclose_party *p)
{
  for (size_t i = 0; i < l->n; i++)
    if (sign_pk_eq(&l->party[i].key, &p->key))
      return TG_OK;
  if (l->n == l->max)
    return TG_TOO_BIG;
  l->party[l->n++] = *p;
  return TG_OK;
}

static enum tg_err list_add_all(struct list *l, const struct disclose_party *parties, size_t n)
{
  enum tg_err err = TG_OK;
  for (size_t i = 0; i < n && !err; i++)
    err = list_add(l, &parties[i]);
  return err;
}

enum tg_err disclose_parties(const struct entry *entry, const struct disclose_subject *about,
                             struct disclose_party *ret, size_t max, size_t *ret_n)
{
  unsigned parties = parties_of(entry);
  struct list l = {.party = ret, .max = max};
  struct disclose_party actor;
  enum tg_err err = TG_OK;
  if ((parties & ACTOR) && actor_of(entry, &actor))
    err = list_add(&l, &actor);
  if (!err && (parties & ORIGINATORS))
    err = list_add_all(&l, about->originators, about->originator_count);
  if (!err && recipients_count(parties, about))
    err = list_add_all(&l, about->recipients, about->recipient_count);
  if (!err)
    *ret_n = l.n;
  return err;
}
