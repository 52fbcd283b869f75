/* Life of a directory, and its look-ups. How documents come in is in intake.c. */
#include "keys/directory_state.h"
#include "proto/hash.h"

#include <stdlib.h>
#include <string.h>

/* --- life --- */

static enum tg_err tables_init(struct directory *d)
{
  struct table *const tables[] = {&d->by_hash, &d->by_identity, &d->by_transport, &d->by_name, &d->revoked};
  enum tg_err err = TG_OK;
  for (size_t i = 0; !err && i < sizeof tables / sizeof *tables; i++)
    err = table_init(tables[i]);
  return err;
}

struct directory *directory_new(const struct hash *exchange)
{
  struct directory *d = calloc(1, sizeof *d);
  if (!d)
    return NULL;
  d->exchange = *exchange;
  for (size_t i = 0; i < sizeof d->index / sizeof *d->index; i++)
    d->index[i] = -1;
  if (tables_init(d)) {
    directory_free(d);
    return NULL;
  }
  return d;
}

static void list_done(struct list *l, void (*done)(void *))
{
  for (size_t i = 0; i < l->n; i++)
    if (done && l->at[i])
      done(l->at[i]);
  free(l->at);
}

static void charter_record_free(void *p)
{
  struct charter_record *c = p;
  charter_free(c->charter);
  free(c);
}

static void record_free(void *p)
{
  struct record *r = p;
  free(r->sealing);
  free(r);
}

static void member_free(struct member_state *m)
{
  list_done(&m->records, NULL); /* freed as nodes and officers */
  list_done(&m->grants, free);
  free(m);
}

void directory_free(struct directory *d)
{
  if (!d)
    return;
  list_done(&d->charters, charter_record_free);
  list_done(&d->nodes, record_free);
  list_done(&d->officers, record_free);
  list_done(&d->revocations, free);
  list_done(&d->items, free);
  for (size_t i = 0; i < d->n_members; i++)
    member_free(d->member[i]);
  table_done(&d->by_hash);
  table_done(&d->by_identity);
  table_done(&d->by_transport);
  table_done(&d->by_name);
  table_done(&d->revoked);
  free(d);
}

const struct hash *directory_exchange(const struct directory *d)
{
  return &d->exchange;
}

/* --- charters --- */

const struct charter_record *charter_record_newest(const struct directory *d)
{
  return d->charters.n ? d->charters.at[d->charters.n - 1] : NULL;
}

/* Effective times never fall from one version to the next, so the newest that has begun is the one in force. */
const struct charter_record *charter_record_at(const struct directory *d, tg_time at)
{
  for (size_t i = d->charters.n; i > 0; i--) {
    const struct charter_record *c = d->charters.at[i - 1];
    if (c->charter->effective <= at)
      return c;
  }
  return NULL;
}

const struct charter_record *charter_record_judging(const struct directory *d, tg_time now)
{
  const struct charter_record *c = charter_record_at(d, now);
  return c ? c : charter_record_newest(d);
}

const struct charter *directory_charter(const struct directory *d, tg_time at)
{
  const struct charter_record *c = charter_record_at(d, at);
  return c ? c->charter : NULL;
}

const struct charter *directory_newest_charter(const struct directory *d)
{
  const struct charter_record *c = charter_record_newest(d);
  return c ? c->charter : NULL;
}

const struct charter *directory_charter_version(const struct directory *d, uint64_t version,
                                                struct hash *ret_hash)
{
  if (version == 0 || version > d->charters.n)
    return NULL;
  const struct charter_record *c = d->charters.at[version - 1];
  if (ret_hash)
    *ret_hash = c->hash;
  return c->charter;
}

/* --- members --- */

int directory_member_index(const struct directory *d, struct country code)
{
  unsigned a = (unsigned)(code.code[0] - 'A'), b = (unsigned)(code.code[1] - 'A');
  return a < 26 && b < 26 ? d->index[a * 26 + b] : -1;
}

const struct country *directory_member_code(const struct directory *d, unsigned index)
{
  return index < d->n_members ? &d->member[index]->code : NULL;
}

unsigned directory_member_count(const struct directory *d)
{
  return (unsigned)d->n_members;
}

enum standing standing_in(const struct directory *d, const struct charter_record *c, unsigned member,
                          tg_time at)
{
  const struct member_state *state = d->member[member];
  const struct charter_member *m = c ? charter_member(c->charter, state->code) : NULL;
  if (!m)
    return STANDING_NONE;
  for (size_t i = 0; i < state->n_withdrawals; i++)
    if (state->withdrawal[i].effective <= at && c->last_signed[member] <= state->withdrawal[i].charter)
      return STANDING_WITHDRAWN;
  return m->standing;
}

void charter_left(const struct directory *d, const struct charter_record *c, tg_time at, bool *ret_left)
{
  for (size_t i = 0; i < c->charter->n_members; i++) {
    int index = directory_member_index(d, c->charter->member[i].code);
    ret_left[i] = index >= 0 && standing_in(d, c, (unsigned)index, at) == STANDING_WITHDRAWN;
  }
}

enum standing directory_standing(const struct directory *d, struct country code, tg_time at)
{
  int index = directory_member_index(d, code);
  return index < 0 ? STANDING_NONE : standing_in(d, charter_record_at(d, at), (unsigned)index, at);
}

static struct memberset members_where(const struct directory *d, tg_time at, bool (*is)(enum standing))
{
  struct memberset set = {0};
  const struct charter_record *c = charter_record_at(d, at);
  for (unsigned i = 0; c && i < d->n_members; i++)
    if (is(standing_in(d, c, i, at)))
      memberset_add(&set, i);
  return set;
}

struct memberset directory_members(const struct directory *d, tg_time at)
{
  return members_where(d, at, standing_may_connect);
}

struct memberset directory_originators(const struct directory *d, tg_time at)
{
  return members_where(d, at, standing_may_originate);
}

struct memberset directory_receivers(const struct directory *d, tg_time at)
{
  return members_where(d, at, standing_may_receive);
}

uint8_t directory_ceiling(const struct directory *d, struct country code, tg_time at)
{
  const struct charter *c = directory_charter(d, at);
  const struct charter_member *m = c ? charter_member(c, code) : NULL;
  return m ? m->ceiling : 0;
}

/* --- nodes and officers --- */

static const struct record *record_by(const struct directory *d, const struct sign_pk *identity)
{
  return table_find(&d->by_identity, identity->b);
}

static bool is_node(const struct record *r)
{
  return r && r->node.credential.role == ROLE_NODE;
}

const struct node *directory_node(const struct directory *d, const struct sign_pk *identity)
{
  const struct record *r = record_by(d, identity);
  return is_node(r) ? &r->node : NULL;
}

const struct node *directory_node_by_transport(const struct directory *d, const struct seal_pk *transport)
{
  const struct record *r = table_find(&d->by_transport, transport->b);
  return r ? &r->node : NULL;
}

struct hash name_key(const struct holder *h)
{
  char name[HOLDER_MAX + 1];
  holder_print(h, name);
  return hash_plain(slice_str(name));
}

const struct officer *directory_officer(const struct directory *d, const struct sign_pk *key)
{
  const struct record *r = record_by(d, key);
  return r && !is_node(r) ? &r->officer : NULL;
}

const struct node *directory_node_at(const struct directory *d, size_t n)
{
  return n < d->nodes.n ? &((const struct record *)d->nodes.at[n])->node : NULL;
}

const struct officer *directory_officer_at(const struct directory *d, size_t n)
{
  return n < d->officers.n ? &((const struct record *)d->officers.at[n])->officer : NULL;
}

static enum tg_err not_good(const struct record *r, enum tg_err err, const char *what, const char *todo,
                            struct tg_why *why)
{
  char name[HOLDER_MAX + 1];
  holder_print(&r->node.credential.holder, name);
  return why_set(why, err, NULL, what, todo, name, NULL, NULL);
}

static bool root_signed(const struct record *r, const struct charter_member *m)
{
  return sign_pk_eq(&m->root.pk, &r->root[0]) || sign_pk_eq(&m->root.pk, &r->root[1]);
}

enum tg_err record_standing(const struct directory *d, const struct record *r, tg_time at, struct tg_why *why)
{
  const struct charter_record *charter = charter_record_at(d, at);
  if (r->node.revoked)
    return not_good(r, TG_REVOKED, N_("the credential of %1$s was revoked or replaced"),
                    N_("it needs a new key and a credential for it"), why);
  switch (charter ? standing_in(d, charter, r->node.member, at) : STANDING_NONE) {
  case STANDING_NONE:
    return not_good(r, TG_REVOKED, N_("the member of %1$s is not in the charter"), NULL, why);
  case STANDING_WITHDRAWN:
    return not_good(r, TG_REVOKED, N_("the member of %1$s has withdrawn from the exchange"), NULL, why);
  case STANDING_GOOD:
  case STANDING_NO_SENDING:
  case STANDING_NO_NEW_TRAFFIC:
    break;
  }
  if (!root_signed(r, charter_member(charter->charter, r->node.credential.holder.member)))
    return not_good(r, TG_REVOKED,
                    N_("the credential of %1$s was signed by an earlier root key of its member"),
                    N_("its member must issue it again"), why);
  return TG_OK;
}

enum tg_err record_dates(const struct record *r, tg_time at, struct tg_why *why)
{
  if (at < r->node.credential.not_before)
    return not_good(r, TG_EXPIRED, N_("the credential of %1$s is not valid yet"), N_("check the clock"), why);
  if (at > r->node.credential.not_after)
    return not_good(r, TG_EXPIRED, N_("the credential of %1$s has expired"),
                    N_("its member must issue a new one"), why);
  return TG_OK;
}

enum tg_err record_good(const struct directory *d, const struct record *r, tg_time at, struct tg_why *why)
{
  enum tg_err err = record_standing(d, r, at, why);
  return err ? err : record_dates(r, at, why);
}

enum tg_err directory_may_act(const struct directory *d, const struct sign_pk *identity, tg_time now,
                              struct tg_why *why)
{
  const struct record *r = record_by(d, identity);
  if (!is_node(r))
    return why_set(why, TG_NOT_FOUND, NULL, N_("no member vouches for this node"),
                   N_("its security officer must issue a credential for its key"), NULL, NULL, NULL);
  return record_good(d, r, now, why);
}

enum tg_err directory_officer_may(const struct directory *d, const struct sign_pk *key, enum role role,
                                  tg_time at, struct tg_why *why)
{
  const struct record *r = record_by(d, key);
  if (!r || is_node(r))
    return why_set(why, TG_NOT_FOUND, NULL, N_("no member vouches for this officer"),
                   N_("the security officer must issue a credential for the key"), NULL, NULL, NULL);
  enum tg_err err = record_good(d, r, at, why);
  if (!err && r->officer.credential.role != role) {
    char name[HOLDER_MAX + 1];
    holder_print(&r->officer.credential.holder, name);
    err = why_set(why, TG_REFUSED, NULL, N_("%1$s has the role %2$s, not %3$s"),
                  N_("an officer with that role must sign"), name, role_name(r->officer.credential.role),
                  role_name(role));
  }
  return err;
}

/* --- sealing keys, policies, grants --- */

const struct sealing_keys *directory_sealing_keys(const struct directory *d, const struct sign_pk *node)
{
  const struct record *r = record_by(d, node);
  return r ? r->sealing : NULL;
}

enum tg_err directory_sealing_key(const struct directory *d, const struct sign_pk *node, uint16_t suite,
                                  tg_time at, struct sealing_choice *ret)
{
  const struct sealing_keys *keys = directory_sealing_keys(d, node);
  const struct charter *c = directory_charter(d, at);
  return keys && c ? sealing_choose(keys, suite, at, c->limits.sealing_window, ret) : TG_NOT_FOUND;
}

static enum tg_err policy_out(const struct member_state *m, const struct policy_record *p,
                              struct directory_policy *ret)
{
  *ret = (struct directory_policy){.member = m->code,
                                   .serial = p->serial,
                                   .effective = p->effective,
                                   .hash = p->item->is.hash,
                                   .text = p->text};
  return TG_OK;
}

enum tg_err directory_policy(const struct directory *d, struct country member, tg_time at,
                             struct directory_policy *ret)
{
  int index = directory_member_index(d, member);
  const struct member_state *m = index < 0 ? NULL : d->member[index];
  for (size_t i = m ? m->n_policies : 0; i > 0; i--)
    if (m->policy[i - 1].effective <= at)
      return policy_out(m, &m->policy[i - 1], ret);
  return TG_NOT_FOUND;
}

enum tg_err directory_policy_serial(const struct directory *d, struct country member, uint64_t serial,
                                    struct directory_policy *ret)
{
  int index = directory_member_index(d, member);
  const struct member_state *m = index < 0 ? NULL : d->member[index];
  for (size_t i = m ? m->n_policies : 0; i > 0; i--)
    if (serial == 0 || m->policy[i - 1].serial == serial)
      return policy_out(m, &m->policy[i - 1], ret);
  return TG_NOT_FOUND;
}

enum tg_err directory_policy_after(const struct directory *d, struct country member, uint64_t serial,
                                   struct directory_policy *ret)
{
  int index = directory_member_index(d, member);
  const struct member_state *m = index < 0 ? NULL : d->member[index];
  for (size_t i = 0; m && i < m->n_policies; i++) /* ascending by serial */
    if (m->policy[i].serial > serial)
      return policy_out(m, &m->policy[i], ret);
  return TG_NOT_FOUND;
}

/* The first grant of m for a bulletin, or where it would stand. */
static size_t grants_from(const struct member_state *m, const struct hash *bulletin)
{
  size_t low = 0, high = m->grants.n;
  while (low < high) {
    size_t middle = (low + high) / 2;
    const struct grant_record *g = m->grants.at[middle];
    if (memcmp(g->grant.bulletin.b, bulletin->b, sizeof bulletin->b) < 0)
      low = middle + 1;
    else
      high = middle;
  }
  return low;
}

struct memberset directory_granted(const struct directory *d, const struct hash *bulletin,
                                   struct country originator, tg_time at)
{
  struct memberset set = {0};
  int index = directory_member_index(d, originator);
  const struct member_state *m = index < 0 ? NULL : d->member[index];
  for (size_t i = m ? grants_from(m, bulletin) : 0; m && i < m->grants.n; i++) {
    const struct grant *g = &((const struct grant_record *)m->grants.at[i])->grant;
    if (!hash_eq(&g->bulletin, bulletin))
      break;
    for (size_t k = 0; at >= g->issued && at <= g->until && k < g->n_to; k++) {
      struct memberset group;
      if (!directory_group(d, slice_str(g->to[k]), g->issued, NULL, &group, NULL))
        set = memberset_or(set, group);
    }
  }
  return set;
}
