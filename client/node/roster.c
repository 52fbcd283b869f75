/* The question `directory`: who is in the exchange, as this node knows it. */
#include "client/node/query.h"

#include "proto/subject.h"

static json_t *node_json(const struct node_core *core, const struct node *n)
{
  char name[HOLDER_MAX + 1];
  struct sealing_choice sealing;
  bool good = directory_may_act(core->directory, &n->credential.identity, core->now.wall, NULL) == TG_OK;
  bool sealable = directory_sealing_key(core->directory, &n->credential.identity, SUITE_1, core->now.wall,
                                        &sealing) == TG_OK;
  holder_print(&n->credential.holder, name);
  return json_pack("{s:s, s:b, s:b, s:b, s:o, s:b, s:b}", "name", name, "valid", good, "revoked", n->revoked,
                   "receives", n->credential.receives, "expires", query_time(n->credential.not_after),
                   "sealing_key", sealable, "fallback_key", sealable && sealing.fallback);
}

static json_t *officer_json(const struct node_core *core, const struct officer *o)
{
  char name[HOLDER_MAX + 1];
  enum role role = o->credential.role;
  bool good =
      directory_officer_may(core->directory, &o->credential.identity, role, core->now.wall, NULL) == TG_OK;
  holder_print(&o->credential.holder, name);
  return json_pack("{s:s, s:s, s:b, s:b, s:o}", "name", name, "role", role_name(role), "valid", good,
                   "revoked", o->revoked, "expires", query_time(o->credential.not_after));
}

static json_t *nodes_of(const struct node_core *core, unsigned member)
{
  const struct node *n;
  json_t *list = json_array();
  for (size_t i = 0; (n = directory_node_at(core->directory, i)); i++)
    if (n->member == member)
      json_array_append_new(list, node_json(core, n));
  return list;
}

static json_t *officers_of(const struct node_core *core, unsigned member)
{
  const struct officer *o;
  json_t *list = json_array();
  for (size_t i = 0; (o = directory_officer_at(core->directory, i)); i++)
    if (o->member == member)
      json_array_append_new(list, officer_json(core, o));
  return list;
}

static json_t *policy_json(const struct node_core *core, struct country member)
{
  struct directory_policy p;
  if (directory_policy(core->directory, member, core->now.wall, &p) != TG_OK)
    return json_null();
  return json_pack("{s:I, s:o, s:o}", "serial", (json_int_t)p.serial, "effective", query_time(p.effective),
                   "hash", query_hex(&p.hash));
}

static json_t *member_json(const struct node_core *core, struct country code)
{
  unsigned index = (unsigned)directory_member_index(core->directory, code);
  return json_pack(
      "{s:s, s:s, s:s, s:s, s:o, s:o, s:o}", "member", code.code, "name", country_name(&code, "en"),
      "standing", standing_name(directory_standing(core->directory, code, core->now.wall)), "ceiling",
      level_name(directory_ceiling(core->directory, code, core->now.wall)), "policy", policy_json(core, code),
      "nodes", nodes_of(core, index), "officers", officers_of(core, index));
}

static json_t *bloc_json(const struct charter *c, const struct charter_bloc *bloc)
{
  json_t *members = json_array();
  for (size_t i = 0; i < bloc->n; i++)
    json_array_append_new(members, json_string(c->member[bloc->member[i]].code.code));
  return json_pack("{s:s, s:o}", "name", bloc->name, "members", members);
}

static json_t *hub_json(const struct charter_hub *hub)
{
  json_t *endpoints = json_array();
  for (size_t i = 0; i < hub->n_endpoints; i++)
    json_array_append_new(endpoints, json_string(hub->endpoint[i]));
  return json_pack("{s:s, s:s, s:o}", "name", hub->name, "host", hub->host.code, "endpoints", endpoints);
}

enum tg_err query_directory(struct node_core *core, struct query *q)
{
  const struct charter *c = core_charter(core);
  json_t *members = json_array(), *blocs = json_array(), *hubs = json_array();
  for (size_t i = 0; c && i < c->n_members; i++)
    json_array_append_new(members, member_json(core, c->member[i].code));
  for (size_t i = 0; c && i < c->n_blocs; i++)
    json_array_append_new(blocs, bloc_json(c, &c->bloc[i]));
  for (size_t i = 0; c && i < c->n_hubs; i++)
    json_array_append_new(hubs, hub_json(&c->hub[i]));
  json_t *charter = c ? json_integer((json_int_t)c->version) : json_null();
  q->json = json_pack("{s:o, s:o, s:o, s:o, s:o}", "exchange", query_hex(&core->config->exchange), "charter",
                      charter, "members", members, "blocs", blocs, "hubs", hubs);
  return q->json ? TG_OK : TG_NO_MEMORY;
}
