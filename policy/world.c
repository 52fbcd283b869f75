#include "policy/world.h"

#include "keys/directory.h"

#include <stdlib.h>
#include <string.h>

int policy_world_member(const struct policy_world *w, struct country code)
{
  for (size_t i = 0; code.code[0] && i < w->member_count; i++)
    if (country_eq(w->members[i].code, code))
      return (int)i;
  return -1;
}

struct memberset policy_world_everyone(const struct policy_world *w)
{
  struct memberset all = {0};
  for (unsigned i = 0; i < w->member_count; i++)
    if (w->members[i].code.code[0])
      memberset_add(&all, i);
  return all;
}

bool policy_world_bloc(const struct policy_world *w, struct slice name, tg_time at, struct memberset *ret)
{
  const struct policy_bloc *found = NULL;
  for (size_t i = 0; i < w->bloc_count; i++)
    if (slice_is(name, w->blocs[i].name) && w->blocs[i].since <= at)
      found = &w->blocs[i];
  if (!found || !found->exists)
    return false;
  *ret = found->members;
  return true;
}

/* --- copies --- */

/* A world that owns its arrays: they follow it in one piece of memory. */
struct owned {
  struct policy_world world;
  struct policy_member *members;
  struct policy_bloc *blocs;
  struct policy_agency *agencies;
  struct country *places;
};

static struct owned *owned_new(size_t members, size_t blocs, size_t agencies, size_t places)
{
  struct owned *o = calloc(1, sizeof *o);
  if (!o)
    return NULL;
  o->members = calloc(members + 1, sizeof *o->members);
  o->blocs = calloc(blocs + 1, sizeof *o->blocs);
  o->agencies = calloc(agencies + 1, sizeof *o->agencies);
  o->places = calloc(places + 1, sizeof *o->places);
  o->world = (struct policy_world){.member_count = members,
                                   .members = o->members,
                                   .bloc_count = blocs,
                                   .blocs = o->blocs,
                                   .agency_count = agencies,
                                   .agencies = o->agencies,
                                   .place_count = places,
                                   .places = o->places};
  if (o->members && o->blocs && o->agencies && o->places)
    return o;
  policy_world_free(&o->world);
  return NULL;
}

void policy_world_free(struct policy_world *w)
{
  struct owned *o = (struct owned *)w; /* the world is its first member */
  if (!o)
    return;
  free(o->members);
  free(o->blocs);
  free(o->agencies);
  free(o->places);
  free(o);
}

static void copy_array(void *to, const void *from, size_t n, size_t size)
{
  if (n)
    memcpy(to, from, n * size);
}

static void copy_but_blocs(struct owned *o, const struct policy_world *w)
{
  copy_array(o->members, w->members, w->member_count, sizeof *w->members);
  copy_array(o->agencies, w->agencies, w->agency_count, sizeof *w->agencies);
  copy_array(o->places, w->places, w->place_count, sizeof *w->places);
  o->world.at = w->at;
  o->world.suite_count = w->suite_count;
  memcpy(o->world.suites, w->suites, sizeof w->suites);
}

struct policy_world *policy_world_copy(const struct policy_world *w)
{
  struct owned *o = owned_new(w->member_count, w->bloc_count, w->agency_count, w->place_count);
  if (!o)
    return NULL;
  copy_but_blocs(o, w);
  copy_array(o->blocs, w->blocs, w->bloc_count, sizeof *w->blocs);
  return &o->world;
}

/* --- who may join --- */

/* Who is tried: all of them, or nobody. Some would leave out a bloc, and what a rule opens through it. */
static bool each_combination(const struct policy_world *w, size_t n)
{
  return n <= POLICY_JOINED_BLOCS && (size_t)1 << n <= MEMBERS_MAX - w->member_count;
}

bool policy_world_joined_is_in(const struct policy_world *w, size_t i, size_t k, size_t n)
{
  return each_combination(w, n) ? i >> k & 1 : i == k + 1 || i == n + 1;
}

size_t policy_world_joiners(const struct policy_world *w, size_t n)
{
  const size_t all = each_combination(w, n) ? (size_t)1 << n : n + 2;
  return all <= MEMBERS_MAX - w->member_count ? all : 0;
}

static void add_joined(const struct policy_world *w, struct policy_bloc *b, const struct slice *bloc, size_t n)
{
  for (size_t k = 0; b->exists && k < n; k++)
    for (size_t i = 0; slice_is(bloc[k], b->name) && i < policy_world_joiners(w, n); i++)
      if (policy_world_joined_is_in(w, i, k, n))
        memberset_add(&b->members, (unsigned)(w->member_count + i));
}

/* History stays as it is: what a bloc is now begins anew, with them. */
static size_t join_blocs(const struct policy_world *w, const struct slice *bloc, size_t n, struct policy_bloc *out)
{
  size_t filled = 0;
  for (size_t i = 0; i < w->bloc_count; i++) {
    const struct policy_bloc *b = &w->blocs[i];
    const bool last = i + 1 == w->bloc_count || strcmp(b[1].name, b->name) || b[1].since > w->at;
    if (b->since < w->at)
      out[filled++] = *b;
    if (b->since < w->at && !last)
      continue;
    out[filled] = *b;
    out[filled].since = b->since < w->at ? w->at : b->since;
    add_joined(w, &out[filled++], bloc, n);
  }
  return filled;
}

struct policy_world *policy_world_joined(const struct policy_world *w, const struct slice *bloc, size_t n)
{
  const size_t joined = policy_world_joiners(w, n);
  struct owned *o = owned_new(w->member_count + joined, 2 * w->bloc_count, w->agency_count, w->place_count);
  if (!o)
    return NULL;
  copy_but_blocs(o, w);
  for (size_t i = w->member_count; i < o->world.member_count; i++)
    o->members[i] = (struct policy_member){.code = {"?"}, .originates = true, .receives = true, .connects = true, .ceiling = LEVEL_TOP_SECRET};
  o->world.bloc_count = join_blocs(w, bloc, n, o->blocs);
  return &o->world;
}

/* --- from the directory --- */

bool policy_world_holds(const struct policy_world *w, const struct directory *d, tg_time at)
{
  const struct charter *then = directory_charter(d, w->at), *now = directory_charter(d, at);
  const struct memberset was[3] = {directory_members(d, w->at), directory_originators(d, w->at), directory_receivers(d, w->at)};
  const struct memberset is[3] = {directory_members(d, at), directory_originators(d, at), directory_receivers(d, at)};
  bool same = then == now;
  for (size_t i = 0; same && i < sizeof was / sizeof *was; i++)
    same = memberset_eq(&was[i], &is[i]);
  return same;
}

static int by_name_and_time(const void *a, const void *b)
{
  const struct policy_bloc *x = a, *y = b;
  int order = strcmp(x->name, y->name);
  return order ? order : (x->since > y->since) - (x->since < y->since);
}

static struct policy_bloc bloc_entry(const char *name, tg_time since)
{
  struct policy_bloc b = {.since = since};
  memcpy(b.name, name, strlen(name) + 1); /* names in charters have at most BLOC_MAX bytes, as here */
  return b;
}

/* Does `before` list the same bloc with the same members? Members are ascending by code in every charter. */
static bool same_bloc(const struct charter *before, const struct charter *c, const struct charter_bloc *b)
{
  const struct charter_bloc *a = before ? charter_bloc(before, slice_str(b->name)) : NULL;
  bool same = a && a->n == b->n;
  for (size_t i = 0; same && i < b->n; i++)
    same = country_eq(before->member[a->member[i]].code, c->member[b->member[i]].code);
  return same;
}

static void fill_bloc(const struct directory *d, const struct charter *c, const struct charter_bloc *from,
                      struct policy_bloc *b)
{
  *b = bloc_entry(from->name, c->effective);
  b->exists = true;
  for (size_t k = 0; k < from->n; k++)
    memberset_add(&b->members, (unsigned)directory_member_index(d, c->member[from->member[k]].code));
}

/* Blocs of one charter that are new or changed, and the end of those that only the charter before had.
   Returns how many entries; out may be NULL. */
static size_t blocs_of(const struct directory *d, const struct charter *before, const struct charter *c,
                       struct policy_bloc *out)
{
  size_t n = 0;
  for (size_t i = 0; i < c->n_blocs; i++) {
    if (same_bloc(before, c, &c->bloc[i]))
      continue;
    if (out)
      fill_bloc(d, c, &c->bloc[i], &out[n]);
    n++;
  }
  for (size_t i = 0; before && i < before->n_blocs; i++) {
    if (charter_bloc(c, slice_str(before->bloc[i].name)))
      continue;
    if (out)
      out[n] = bloc_entry(before->bloc[i].name, c->effective);
    n++;
  }
  return n;
}

/* All versions in order, those still to come too: a policy may be decided for then. A version that the next
   one overtakes at the very moment it begins was never in force. */
static size_t gather_blocs(const struct directory *d, struct policy_bloc *out)
{
  size_t n = 0;
  const struct charter *before = NULL, *c, *next;
  for (uint64_t v = 1; (c = directory_charter_version(d, v, NULL)); v++) {
    next = directory_charter_version(d, v + 1, NULL);
    if (next && next->effective <= c->effective)
      continue;
    n += blocs_of(d, before, c, out ? out + n : NULL);
    before = c;
  }
  return n;
}

static size_t count_agencies(const struct directory *d)
{
  size_t n = 0;
  while (directory_node_at(d, n))
    n++;
  return n;
}

/* Every agency that ever had a node, each once: what a rule says of an agency outlives its last credential.
 */
static size_t gather_agencies(const struct directory *d, struct policy_agency *out)
{
  size_t n = 0;
  const struct node *node;
  for (size_t i = 0; (node = directory_node_at(d, i)); i++) {
    struct policy_agency a = {.member = node->member};
    bool known = false;
    memcpy(a.name, node->credential.holder.agency, sizeof a.name);
    for (size_t k = 0; k < n && !known; k++)
      known = out[k].member == a.member && !strcmp(out[k].name, a.name);
    if (!known)
      out[n++] = a;
  }
  return n;
}

static void gather_members(const struct directory *d, tg_time at, struct policy_member *out, size_t n)
{
  struct memberset members = directory_members(d, at), send = directory_originators(d, at),
                   receive = directory_receivers(d, at);
  for (unsigned i = 0; i < n; i++) {
    if (!memberset_has(&members, i))
      continue;
    out[i].code = *directory_member_code(d, i);
    out[i].originates = memberset_has(&send, i);
    out[i].receives = memberset_has(&receive, i);
    out[i].connects = standing_may_connect(directory_standing(d, out[i].code, at));
    out[i].ceiling = directory_ceiling(d, out[i].code, at);
  }
}

enum tg_err policy_world_build(const struct directory *d, tg_time at, struct policy_world **ret)
{
  const struct charter *c = directory_charter(d, at);
  if (!c)
    return TG_NOT_FOUND;
  if (c->n_hubs > POLICY_PLACES_MAX)
    return TG_TOO_BIG;
  struct owned *o = owned_new(directory_member_count(d), gather_blocs(d, NULL), count_agencies(d), c->n_hubs);
  if (!o)
    return TG_NO_MEMORY;
  o->world.at = at;
  gather_members(d, at, o->members, o->world.member_count);
  gather_blocs(d, o->blocs);
  qsort(o->blocs, o->world.bloc_count, sizeof *o->blocs, by_name_and_time);
  o->world.agency_count = gather_agencies(d, o->agencies);
  for (size_t i = 0; i < c->n_hubs; i++)
    o->places[i] = c->hub[i].host;
  o->world.suite_count = c->n_suites;
  memcpy(o->world.suites, c->suite, c->n_suites * sizeof *c->suite);
  *ret = &o->world;
  return TG_OK;
}
