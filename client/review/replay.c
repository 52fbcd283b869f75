#include "client/review/replay.h"

#include <stdio.h>
#include <string.h>

static void lacks(struct replay *p, const char *sentence)
{
  json_array_append_new(p->missing, json_string(sentence));
}

/* ---- the question ---- */

struct finding {
  struct review *r;
  const struct replay *p;
  bool unknown; /* a node was shown no more than a part of it, or nothing */
};

/* Was a node of this member among those that the source was given to? */
static bool was_party(const struct replay *p, const struct dossier *source, const struct entry *e, unsigned member)
{
  if (memcmp(e->member, p->entry.member, 2) == 0)
    return true;
  for (size_t i = 0; i < dossier_recipient_count(source); i++) {
    struct sign_pk key;
    uint32_t portions;
    dossier_recipient(source, i, &key, &portions);
    const struct node *n = directory_node(p->directory, &key);
    if (n && n->member == member)
      return true;
  }
  return false;
}

/* A policy_source_find. */
static enum tg_err find_source(void *arg, const struct hash *id, unsigned author, struct arena *arena, struct policy_matter *ret)
{
  struct finding *f = arg;
  struct db_stmt *s = db_stmt(f->r->db, "SELECT leaf FROM bulletin WHERE id = ?1");
  struct dossier_bulletin *b = NULL;
  struct dossier d;
  struct entry e;
  bool row;
  db_bind_blob(s, 1, slice_of(id->b, 32));
  enum tg_err err = db_step(s, &row);
  f->unknown |= !row && place_is_view(&f->r->place);
  if (err || !row)
    return err;
  const uint64_t leaf = db_u64(s, 0);
  db_reset(s);
  if (leaf >= f->p->dossier.index)
    return TG_OK;
  err = file_dossier(f->r, leaf, arena, &d, &e, NULL);
  if (err || !was_party(f->p, &d, &e, author))
    return err;
  d.paper[DOSSIER_BULLETIN] = arena_copy(arena, d.paper[DOSSIER_BULLETIN]); /* the next one may stand in another bundle */
  d.paper[DOSSIER_DELIVERY] = arena_copy(arena, d.paper[DOSSIER_DELIVERY]);
  err = dossier_bulletin(&d, arena, &b, NULL);
  f->unknown |= !err && !b->whole;
  if (!err && b->whole)
    *ret = (struct policy_matter){&b->header, b->portion_count, b->portions, b->releases};
  return err == TG_NOT_FOUND ? TG_OK : err;
}

static const struct charter_hub *hub_of(const struct review *r, const struct charter *c)
{
  for (size_t i = 0; c && i < c->n_hubs; i++)
    if (strcmp(c->hub[i].log.name, r->place.key.name) == 0)
      return &c->hub[i];
  return NULL;
}

static enum tg_err ask(struct review *r, struct replay *p)
{
  const struct dossier_bulletin *b = p->bulletin;
  const struct policy_matter matter = {&b->header, b->portion_count, b->portions, b->releases};
  const struct charter_hub *hub = hub_of(r, directory_charter(p->directory, p->entry.time));
  struct finding f = {r, p, false};
  const struct policy_ground ground = {.directory = p->directory,
                                       .set = p->set,
                                       .host = hub ? &hub->host : NULL,
                                       .now = p->entry.time,
                                       .find = find_source,
                                       .arg = &f};
  enum policy_lack lack;
  enum tg_err err = policy_request_build(&ground, &matter, r->arena, &p->request, &lack, NULL);
  p->sources_unknown = f.unknown;
  if (err)
    return err;
  if (lack == POLICY_LACKS_APPROVAL)
    return lacks(p, N_("an approval of it is by nobody who could give it, as far as the documents here say")), TG_NOT_FOUND;
  if (lack)
    return lacks(p, N_("its originator or a name on its release list is not in the documents here")), TG_NOT_FOUND;
  return policy_decide(p->set, &p->request, &p->decision);
}

/* A recall goes to those who were given what it recalls, whatever policies have become. */
static enum tg_err decide_recall(struct review *r, struct replay *p)
{
  p->decision = (struct policy_decision){.portion_count = p->bulletin->portion_count};
  for (size_t i = 0; i < dossier_recipient_count(&p->dossier); i++) {
    struct sign_pk key;
    uint32_t portions;
    bool row;
    dossier_recipient(&p->dossier, i, &key, &portions);
    const struct node *n = directory_node(p->directory, &key);
    struct db_stmt *s = db_stmt(r->db, "SELECT 1 FROM given, bulletin USING(leaf) WHERE bulletin.id = ?1 AND given.node = ?2");
    db_bind_blob(s, 1, slice_of(p->bulletin->header.subject.supersedes.b, 32));
    db_bind_blob(s, 2, slice_of(key.b, 32));
    enum tg_err err = db_step(s, &row);
    if (err)
      return err;
    if (row)
      db_reset(s);
    for (size_t q = 0; n && row && q < p->bulletin->portion_count; q++)
      if (portions >> q & 1)
        memberset_add(&p->decision.portions[q].permitted, n->member);
  }
  return TG_OK;
}

/* ---- the ruling, as the hub writes it ---- */

static enum tg_err rule_portion(struct review *r, struct replay *p, size_t portion, struct ruling_portion *ret)
{
  const struct memberset *permitted = &p->decision.portions[portion].permitted;
  const struct memberset denied = memberset_minus(p->request.portions[portion].release, *permitted);
  char(*yes)[2] = arena_alloc(r->arena, sizeof(char[2]) * MEMBERS_MAX);
  struct ruling_denial *no = arena_alloc(r->arena, sizeof *no * (memberset_count(&denied) + 1));
  size_t n_yes = 0, n_no = 0;
  if (!yes || !no)
    return TG_NO_MEMORY;
  for (unsigned i = memberset_next(permitted, 0); i < MEMBERS_MAX; i = memberset_next(permitted, i + 1))
    memcpy(yes[n_yes++], directory_member_code(p->directory, i)->code, 2);
  for (unsigned i = memberset_next(&denied, 0); i < MEMBERS_MAX; i = memberset_next(&denied, i + 1)) {
    struct policy_reason why = {.stage = POLICY_CHARTER};
    const struct country *code = directory_member_code(p->directory, i);
    (void)policy_explain(p->set, &p->request, portion, i, (int)p->request.originator, &why);
    no[n_no] = (struct ruling_denial){.member = {code->code[0], code->code[1]},
                                      .stage = why.stage ? why.stage : POLICY_CHARTER,
                                      .line = why.policy ? why.line : 0};
    if (why.policy)
      no[n_no].policy = policy_hash(why.policy);
    n_no++;
  }
  *ret = ruling_portion_of(portion, yes, n_yes, no, n_no);
  return TG_OK;
}

static enum tg_err rule(struct review *r, struct replay *p)
{
  struct ruling_portion *all = arena_alloc(r->arena, LIMIT_PORTIONS * sizeof *all);
  enum tg_err err = all ? TG_OK : TG_NO_MEMORY;
  for (size_t i = 0; !err && i < p->bulletin->portion_count; i++)
    err = rule_portion(r, p, i, &all[i]);
  p->again = (struct ruling){.portions = all, .portion_count = p->bulletin->portion_count};
  return err;
}

static enum tg_err gather(struct review *r, uint64_t leaf, struct replay *p, struct tg_why *why)
{
  enum tg_err err = file_dossier(r, leaf, r->arena, &p->dossier, &p->entry, why);
  if (err)
    return err;
  /* Sources stand in other bundles: what we borrow from this one must stay. */
  for (unsigned k = DOSSIER_ENTRY; k < DOSSIER_PAPERS; k++)
    p->dossier.paper[k] = arena_copy(r->arena, p->dossier.paper[k]);
  err = dossier_bulletin(&p->dossier, r->arena, &p->bulletin, why);
  if (err == TG_NOT_FOUND)
    return why_set(why, err, NULL, N_("what was said of this bulletin is not open here, so nothing can be made again from it"), NULL,
                   NULL, NULL, NULL);
  if (!err && !p->bulletin->whole) {
    p->bulletin = NULL;
    return why_set(why, TG_NOT_FOUND, NULL, N_("this node received the bulletin and did not send it: what was decided about the others is not for it to know"),
                   N_("Ask the node that sent it, or the hub's own auditors"), NULL, NULL, NULL);
  }
  p->has_logged = !err && dossier_ruling(&p->dossier, r->arena, &p->logged, NULL) == TG_OK;
  return err;
}

/* The decision, on the ground of its time. */
static enum tg_err decide(struct review *r, const struct ground *g, struct replay *p, struct tg_why *why)
{
  if (!g->set)
    return why_set(why, TG_NOT_FOUND, NULL, N_("the charter of that time is not open here"), NULL, NULL, NULL, NULL);
  const struct charter *c = directory_charter(g->directory, p->entry.time);
  p->directory = g->directory;
  p->set = g->set;
  p->charter_version = c ? c->version : 0;
  p->policy_set_hash = policy_set_hash(p->set, p->entry.time);
  enum tg_err err = ask(r, p);
  if (!err && p->bulletin->header.subject.kind == KIND_RECALL)
    err = decide_recall(r, p);
  if (!err)
    err = rule(r, p);
  if (err && why && !why->what)
    return why_set(why, err, NULL, N_("the decision cannot be made again from what is open here"), NULL, NULL, NULL, NULL);
  return err;
}

enum tg_err replay_make(struct review *r, uint64_t leaf, struct ground *g, struct replay *ret, struct tg_why *why)
{
  struct place_of at;
  *ret = (struct replay){.missing = json_array()};
  arena_reset(r->arena);
  enum tg_err err = index_place(r, leaf, &at);
  if (!err)
    err = ground_reach(r, g, leaf, at.time); /* reads other bundles, so before the dossier */
  if (!err)
    err = gather(r, leaf, ret, why);
  return err ? err : decide(r, g, ret, why);
}

void replay_done(struct replay *p)
{
  json_decref(p->missing);
  p->missing = NULL;
}

/* ---- the comparison ---- */

static const struct ruling_denial *denial_of(const struct ruling_portion *p, const char member[2])
{
  for (size_t i = 0; p && i < p->denied_count; i++)
    if (memcmp(p->denied[i].member, member, 2) == 0)
      return &p->denied[i];
  return NULL;
}

static bool permits(const struct ruling_portion *p, const char member[2])
{
  for (size_t i = 0; p && i < p->permitted_count; i++)
    if (memcmp(p->permitted[i], member, 2) == 0)
      return true;
  return false;
}

/* "permitted", a stage, or "unnamed". */
static const char *said_of(const struct ruling_portion *p, const char member[2])
{
  const struct ruling_denial *d = denial_of(p, member);
  return permits(p, member) ? "permitted" : d ? policy_stage_name((enum policy_stage)d->stage) : "unnamed";
}

static bool same_rule(const struct ruling_denial *a, const struct ruling_denial *b)
{
  return !a || !b || (a->line == b->line && hash_eq(&a->policy, &b->policy));
}

static void compare_member(json_t *list, size_t portion, const struct ruling_portion *was, const struct ruling_portion *is,
                           const char member[2], bool recall)
{
  const char *a = said_of(was, member), *b = said_of(is, member);
  if (recall && strcmp(a, "unnamed") == 0)
    return; /* of a recall only permissions are logged */
  if (strcmp(a, b) != 0 || !same_rule(denial_of(was, member), denial_of(is, member)))
    json_array_append_new(list, json_pack("{s:I,s:o,s:s,s:s}", "portion", (json_int_t)portion, "state", json_stringn(member, 2),
                                          "logged", a, "recomputed", b));
}

/* Everybody that one of the two names. */
static json_t *differences(const struct replay *p)
{
  json_t *list = json_array();
  const bool recall = p->bulletin->header.subject.kind == KIND_RECALL;
  for (size_t i = 0; i < p->again.portion_count; i++) {
    const struct ruling_portion *was = i < p->logged.portion_count ? &p->logged.portions[i] : NULL;
    for (unsigned m = 0; m < directory_member_count(p->directory); m++)
      compare_member(list, i, was, &p->again.portions[i], directory_member_code(p->directory, m)->code, recall);
  }
  return list;
}

/* Nodes that were given a portion their member is not permitted. */
static json_t *intruders(struct review *r, const struct replay *p)
{
  json_t *list = json_array();
  for (size_t i = 0; i < dossier_recipient_count(&p->dossier); i++) {
    struct sign_pk key;
    uint32_t portions;
    char name[PAPERS_NAME];
    dossier_recipient(&p->dossier, i, &key, &portions);
    const struct node *n = directory_node(p->directory, &key);
    for (size_t q = 0; q < p->again.portion_count; q++)
      if ((portions >> q & 1) && (!n || !memberset_has(&p->decision.portions[q].permitted, n->member)))
        json_array_append_new(list, json_pack("{s:s,s:I}", "node", papers_name(r, &key, name), "portion", (json_int_t)q));
  }
  return list;
}

static json_t *policies_of(const struct replay *p)
{
  json_t *list = json_array();
  for (unsigned m = 0; m < directory_member_count(p->directory); m++) {
    struct directory_policy d;
    const struct country *code = directory_member_code(p->directory, m);
    if (directory_policy(p->directory, *code, p->entry.time, &d) == TG_OK)
      json_array_append_new(list, json_pack("{s:s,s:I,s:o}", "state", code->code, "serial", (json_int_t)d.serial, "hash",
                                            json_of_hash(&d.hash)));
  }
  return list;
}

bool replay_agrees(const struct replay *p)
{
  json_t *different = p->has_logged ? differences(p) : NULL;
  const bool agrees = !p->sources_unknown && p->has_logged && json_array_size(different) == 0 && hash_eq(&p->policy_set_hash, &p->entry.policy_set) &&
                      p->charter_version == p->entry.charter_version;
  json_decref(different);
  return agrees;
}

static enum tg_err unclear(struct review *r, const struct replay *p, struct tg_why *why)
{
  if (!place_is_view(&r->place))
    return TG_OK;
  if (p->sources_unknown)
    return why_set(why, TG_NOT_FOUND, NULL, N_("this node does not have all of what the bulletin derives from, so that it cannot decide again"),
                   N_("Ask the hub's own auditors"), NULL, NULL, NULL);
  if (p->has_logged && p->charter_version == p->entry.charter_version && hash_eq(&p->policy_set_hash, &p->entry.policy_set))
    return TG_OK;
  return why_set(why, TG_NOT_FOUND, NULL, N_("this node does not have all documents that the entry names, so that it cannot decide again"),
                 N_("Ask the hub's own auditors"), NULL, NULL, NULL);
}

static enum tg_err report(struct review *r, struct replay *p, json_t **ret, struct tg_why *why)
{
  const bool same_policies = hash_eq(&p->policy_set_hash, &p->entry.policy_set);
  const bool same_charter = p->charter_version == p->entry.charter_version;
  const bool is_signed = dossier_signed(p->bulletin, &r->exchange, r->verifier, NULL) == TG_OK;
  if (!same_policies)
    lacks(p, N_("the policies in force here are not those that the entry names"));
  if (!same_charter)
    lacks(p, N_("the charter in force here is not the one that the entry names"));
  if (!p->has_logged)
    lacks(p, N_("the decision itself is not open here"));
  json_t *different = p->has_logged ? differences(p) : json_array(), *others = intruders(r, p);
  const bool right = same_policies && same_charter && p->has_logged && is_signed && json_array_size(different) == 0 &&
                     json_array_size(others) == 0;
  char at[24];
  snprintf(at, sizeof at, "%llu", (unsigned long long)p->dossier.index);
  *ret = json_pack("{s:o,s:I,s:o,s:o,s:o,s:b,s:b,s:o,s:o,s:I,s:o,s:o,s:O}", "bulletin", json_of_hash(&p->entry.subject), "index",
                   (json_int_t)p->dossier.index, "time", json_of_time(p->entry.time), "logged",
                   p->has_logged ? json_of_ruling(r, &p->logged) : json_null(), "recomputed", json_of_ruling(r, &p->again), "agrees",
                   right, "signed", is_signed, "differences", different, "given_wrongly", others, "charter_version",
                   (json_int_t)p->charter_version, "policy_set", json_of_hash(&p->policy_set_hash), "policies", policies_of(p),
                   "missing", p->missing);
  if (!*ret)
    return TG_NO_MEMORY;
  return right ? TG_OK
               : why_set(why, TG_BAD_PROOF, at,
                         N_("the hub decided otherwise than charter and policies say, or logged something else than it decided by"),
                         N_("Keep this copy and show it to the other members"), NULL, NULL, NULL);
}

enum tg_err replay_of(struct review *r, const char *id, struct ground *g, struct replay *ret, struct tg_why *why)
{
  uint64_t leaf;
  enum tg_err err = file_bulletin(r, id, &leaf, why);
  if (!err)
    err = replay_make(r, leaf, g, ret, why);
  return err ? err : unclear(r, ret, why);
}

enum tg_err review_replay(struct review *r, const char *id, json_t **ret, struct tg_why *why)
{
  struct ground g = {0};
  struct replay p = {.missing = NULL};
  enum tg_err err = replay_of(r, id, &g, &p, why);
  if (!err)
    err = report(r, &p, ret, why);
  replay_done(&p);
  ground_done(&g);
  return err;
}
