/* Release lists: from the names people write to members and nodes. */
#include "keys/directory_state.h"
#include "keys/nearest.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- names of members and blocs --- */

enum tg_err directory_bloc(const struct directory *d, struct slice name, tg_time at, struct memberset *ret)
{
  struct memberset set = {0};
  const struct charter *c = directory_charter(d, at);
  const struct charter_bloc *bloc = c ? charter_bloc(c, name) : NULL;
  if (!bloc)
    return TG_NOT_FOUND;
  for (size_t i = 0; i < bloc->n; i++) {
    int index = directory_member_index(d, c->member[bloc->member[i]].code);
    if (index >= 0)
      memberset_add(&set, (unsigned)index);
  }
  *ret = set;
  return TG_OK;
}

/* The name of this charter that s probably means: a member by its country's name, else the nearest spelling. */
static const char *nearest_group(const struct charter *c, struct slice s)
{
  struct country country;
  const char *code = country_nearest(s);
  if (code && !country_parse(slice_str(code), &country) && charter_member(c, country))
    return code;
  struct nearest nearest = nearest_to(s);
  for (size_t i = 0; i < c->n_blocs; i++)
    nearest_try(&nearest, c->bloc[i].name);
  return nearest.best;
}

static enum tg_err unknown_group(const struct charter *c, struct slice s, const char *where,
                                 struct tg_why *why)
{
  char name[64];
  const char *nearest = c ? nearest_group(c, s) : NULL;
  struct country country;
  snprintf(name, sizeof name, "%.*s", s.n > 60 ? 60 : (int)s.n, s.n ? (const char *)s.p : "");
  if (nearest)
    return why_set(why, TG_NOT_FOUND, where, N_("'%1$s' is no member or bloc of this exchange"),
                   N_("did you mean %2$s?"), name, nearest, NULL);
  if (!country_parse(s, &country))
    return why_set(why, TG_NOT_FOUND, where, N_("%1$s is not a member of this exchange"),
                   N_("the charter names the members: toguna charter show"), name, NULL, NULL);
  return why_set(why, TG_NOT_FOUND, where, N_("'%1$s' is no member or bloc of this exchange"),
                 N_("the charter names members and blocs: toguna charter show"), name, NULL, NULL);
}

enum tg_err directory_group(const struct directory *d, struct slice name, tg_time at, const char *where,
                            struct memberset *ret, struct tg_why *why)
{
  struct country code;
  const struct charter *c = directory_charter(d, at);
  if (c && !country_parse(name, &code) && charter_member(c, code)) {
    struct memberset set = {0};
    memberset_add(&set, (unsigned)directory_member_index(d, code));
    return *ret = set, TG_OK;
  }
  if (!directory_bloc(d, name, at, ret))
    return TG_OK;
  return unknown_group(c, name, where, why);
}

/* --- a release list, read --- */

enum { AGENCIES_MAX = 256 };

struct agency {
  unsigned member;
  char name[LABEL_MAX + 1];
};

/* Invariant: members = (whole ∪ members of agencies) \ except, and whole has lost the exceptions too. Few lists name agencies: what is not
   used of the table is not touched. */
struct reading {
  struct memberset whole, except, members;
  size_t n;
  struct agency *agency; /* room for AGENCIES_MAX; NULL as long as there is none */
};

static void reading_done(struct reading *r)
{
  free(r->agency);
  r->agency = NULL;
}

static bool has_agency(const struct member_state *m, const char *agency)
{
  for (size_t i = 0; i < m->records.n; i++) {
    const struct record *r = m->records.at[i];
    if (r->node.credential.role == ROLE_NODE && !strcmp(r->node.credential.holder.agency, agency))
      return true;
  }
  return false;
}

static enum tg_err unknown_agency(const struct member_state *m, const char *agency, struct tg_why *why)
{
  struct nearest nearest = nearest_to(slice_str(agency));
  for (size_t i = 0; i < m->records.n; i++) {
    const struct record *r = m->records.at[i];
    if (r->node.credential.role == ROLE_NODE)
      nearest_try(&nearest, r->node.credential.holder.agency);
  }
  if (nearest.best)
    return why_set(why, TG_NOT_FOUND, NULL, N_("%1$s has no agency '%2$s'"), N_("did you mean '%3$s'?"),
                   m->code.code, agency, nearest.best);
  return why_set(why, TG_NOT_FOUND, NULL, N_("%1$s has no agency '%2$s'"),
                 N_("address the member: it decides where a bulletin goes inside"), m->code.code, agency,
                 NULL);
}

/* "ML/dgse" */
static enum tg_err read_agency(const struct directory *d, struct slice name, tg_time at, struct reading *r,
                               struct tg_why *why)
{
  struct holder holder;
  struct memberset member;
  char text[64];
  if (holder_parse(name, &holder) || !holder.agency[0] || holder.node[0]) {
    snprintf(text, sizeof text, "%.*s", name.n > 60 ? 60 : (int)name.n, (const char *)name.p);
    return why_set(why, TG_BAD_INPUT, NULL, N_("'%1$s' is not an address"),
                   N_("address a member (ML), a bloc (AES) or an agency (ML/dgse)"), text, NULL, NULL);
  }
  enum tg_err err = directory_group(d, slice_str(holder.member.code), at, NULL, &member, why);
  if (err)
    return err;
  unsigned index = (unsigned)directory_member_index(d, holder.member);
  if (!has_agency(d->member[index], holder.agency))
    return unknown_agency(d->member[index], holder.agency, why);
  if (r->n == AGENCIES_MAX)
    return why_set(why, TG_TOO_BIG, NULL, N_("the release list names too many agencies"),
                   N_("address members instead"), NULL, NULL, NULL);
  if (!r->agency && !(r->agency = malloc(AGENCIES_MAX * sizeof *r->agency)))
    return why_set(why, TG_NO_MEMORY, NULL, N_("out of memory"), NULL, NULL, NULL, NULL);
  r->agency[r->n].member = index;
  memcpy(r->agency[r->n++].name, holder.agency, sizeof holder.agency);
  r->members = memberset_or(r->members, member);
  return TG_OK;
}

static enum tg_err read_name(const struct directory *d, struct slice name, tg_time at, struct reading *r,
                             struct tg_why *why)
{
  struct memberset group;
  if (name.n && memchr(name.p, '/', name.n))
    return read_agency(d, name, at, r, why);
  enum tg_err err = directory_group(d, name, at, NULL, &group, why);
  if (!err)
    r->whole = memberset_or(r->whole, group);
  return err;
}

static enum tg_err read_list(const struct directory *d, const struct release_list *list, tg_time at,
                             struct reading *r, struct tg_why *why)
{
  enum tg_err err = TG_OK;
  memset(r, 0, sizeof *r);
  if (list->n_to == 0)
    return why_set(why, TG_BAD_INPUT, NULL, N_("the release list is empty"),
                   N_("name who may read it, for example ML or AES"), NULL, NULL, NULL);
  for (size_t i = 0; !err && i < list->n_to; i++)
    err = read_name(d, list->to[i], at, r, why);
  for (size_t i = 0; !err && i < list->n_except; i++) {
    struct memberset group;
    err = directory_group(d, list->except[i], at, NULL, &group, why);
    if (!err)
      r->except = memberset_or(r->except, group);
  }
  if (err)
    return err;
  r->whole = memberset_minus(r->whole, r->except);
  r->members = memberset_minus(memberset_or(r->whole, r->members), r->except);
  if (memberset_empty(&r->members))
    return why_set(why, TG_BAD_INPUT, NULL,
                   N_("the release list leaves nobody: every name in it is excepted again"),
                   N_("name who may read it, for example ML or AES"), NULL, NULL, NULL);
  return TG_OK;
}

enum tg_err directory_resolve(const struct directory *d, const struct release_list *list, tg_time at,
                              struct memberset *ret, struct tg_why *why)
{
  struct reading r;
  enum tg_err err = read_list(d, list, at, &r, why);
  if (!err)
    *ret = r.members;
  reading_done(&r);
  return err;
}

/* --- nodes --- */

static bool reaches(const struct reading *r, const struct node *node)
{
  if (memberset_has(&r->except, node->member))
    return false;
  if (memberset_has(&r->whole, node->member) && node->credential.receives)
    return true;
  for (size_t i = 0; i < r->n; i++)
    if (r->agency[i].member == node->member && !strcmp(r->agency[i].name, node->credential.holder.agency))
      return true;
  return false;
}

enum tg_err directory_reaches(const struct directory *d, const struct release_list *list, tg_time at,
                              const struct node *node, struct tg_why *why)
{
  struct reading r;
  enum tg_err err = read_list(d, list, at, &r, why);
  if (!err && !reaches(&r, node))
    err = why_set(why, TG_REFUSED, NULL, N_("the release list does not name this node's member or agency"),
                  NULL, NULL, NULL, NULL);
  reading_done(&r);
  return err;
}

static int by_identity(const void *a, const void *b)
{
  const struct node *const *x = a, *const *y = b;
  return memcmp((*x)->credential.identity.b, (*y)->credential.identity.b, sizeof(*x)->credential.identity.b);
}

static enum tg_err reached_nodes(const struct directory *d, const struct reading *r, const struct memberset *permitted,
                                 tg_time now, const struct node **ret_nodes, size_t max, size_t *ret_n,
                                 struct tg_why *why)
{
  size_t n = 0;
  struct memberset asked = memberset_and(r->members, *permitted);
  for (unsigned i = memberset_next(&asked, 0); i < d->n_members; i = memberset_next(&asked, i + 1)) {
    const struct list *records = &d->member[i]->records;
    for (size_t k = 0; k < records->n; k++) {
      const struct record *record = records->at[k];
      if (record->node.credential.role != ROLE_NODE || !reaches(r, &record->node) ||
          record_good(d, record, now, NULL))
        continue;
      if (n == max)
        return why_set(why, TG_TOO_BIG, NULL,
                       N_("the release list reaches more nodes than a bulletin may have"),
                       N_("send it to fewer recipients at once"), NULL, NULL, NULL);
      ret_nodes[n++] = &record->node;
    }
  }
  qsort(ret_nodes, n, sizeof *ret_nodes, by_identity);
  *ret_n = n;
  return TG_OK;
}

enum tg_err directory_resolve_nodes(const struct directory *d, const struct release_list *list,
                                    const struct memberset *permitted, tg_time at, tg_time now,
                                    const struct node **ret_nodes, size_t max, size_t *ret_n,
                                    struct tg_why *why)
{
  struct reading r;
  enum tg_err err = read_list(d, list, at, &r, why);
  if (!err)
    err = reached_nodes(d, &r, permitted, now, ret_nodes, max, ret_n, why);
  reading_done(&r);
  return err;
}
