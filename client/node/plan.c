#include "client/node/plan.h"

#include "client/node/inbox.h"
#include "client/node/outbox.h"
#include "client/node/schema.h"
#include "client/node/source.h"
#include "policy/explain.h"

#include <stdio.h>
#include <string.h>

static const tg_time DEFAULT_LIFETIME = 30 * TG_DAY;

static enum tg_err refuse(struct tg_why *why, enum tg_err err, const char *where, const char *what, const char *todo)
{
  return why_set(why, err, where, what, todo, NULL, NULL, NULL);
}

static struct slice *slices(struct arena *arena, const ProtobufCBinaryData *data, size_t n)
{
  struct slice *s = arena_alloc(arena, (n ? n : 1) * sizeof *s);
  for (size_t i = 0; s && i < n; i++)
    s[i] = data_slice(data[i]);
  return s;
}

struct body_head plan_head(const Tg__LPortionDraft *p)
{
  struct slice type = data_slice(p->content_type);
  return (struct body_head){.content_type = type.n ? type : slice_str("text/plain; charset=utf-8"),
                            .title = data_slice(p->title),
                            .filename = data_slice(p->filename),
                            .language = data_slice(p->language),
                            .size = p->size,
                            .compression = (enum body_compression)p->compression};
}

/* ---- may we send at all ---- */

static enum tg_err check_ourselves(struct node_core *core, struct tg_why *why)
{
  if (!core_charter(core) || !core->policies)
    return refuse(why, TG_BUSY, NULL, N_("this node knows no charter that is in force"),
                  N_("wait until it has been connected, or put the charter into its folder"));
  if (!core->named)
    return refuse(why, TG_REFUSED, NULL, N_("this node's credential is not known here"),
                  N_("have the member's root issue one, and publish it"));
  enum tg_err err = directory_may_act(core->directory, &core->me, core->now.wall, why);
  if (err != TG_OK)
    return err;
  if (!policy_set_policy(core->policies, (unsigned)core_member_index(core), core->now.wall))
    return refuse(why, TG_REFUSED, core->member.code, N_("the state has no policy in force, which permits nothing"),
                  N_("have a policy signed and published: toguna policy"));
  return TG_OK;
}

/* ---- the subject ---- */

static enum tg_err find_expiry(struct node_core *core, const Tg__LDraft *wish, tg_time *ret, struct tg_why *why)
{
  tg_time longest = core_charter(core)->limits.lifetime;
  tg_time usual = core->config->lifetime ? core->config->lifetime : DEFAULT_LIFETIME;
  if (wish->expires == 0) {
    *ret = core->now.wall + (usual < longest ? usual : longest);
    return TG_OK;
  }
  if ((tg_time)wish->expires <= core->now.wall)
    return refuse(why, TG_EXPIRED, "expires", N_("this time is past"), N_("Name a later one, or a span such as 24h"));
  if ((tg_time)wish->expires > core->now.wall + longest)
    return refuse(why, TG_BAD_INPUT, "expires", N_("the charter allows no bulletin to live that long"), N_("Name an earlier time; the charter's limit is its line limit lifetime"));
  *ret = (tg_time)wish->expires;
  return TG_OK;
}

static enum tg_err read_subject(struct node_core *core, const Tg__LDraft *wish, const struct plan_given *given,
                                struct subject *ret, struct tg_why *why)
{
  if (given) {
    *ret = *given->subject;
    return ret->expires > core->now.wall ? TG_OK : refuse(why, TG_EXPIRED, "expires", N_("this time is past"), NULL);
  }
  struct subject s = {.suite = SUITE_1,
                      .exchange = core->config->exchange,
                      .originator = core->me,
                      .created = core->now.wall,
                      .precedence = wish->precedence ? (enum precedence)wish->precedence : PRECEDENCE_ROUTINE,
                      .kind = wish->kind ? (enum kind)wish->kind : KIND_REPORT,
                      .flags = wish->flags,
                      .topic_count = wish->n_topics,
                      .source_count = wish->n_sources,
                      .portion_root = core->config->exchange, /* stands for what is not known yet */
                      .portion_count = (uint32_t)wish->n_portions};
  if (wish->n_topics > LIMIT_TOPICS || wish->n_sources > LIMIT_SOURCES)
    return refuse(why, TG_TOO_BIG, "draft", N_("too many topics or sources"), NULL);
  for (size_t i = 0; i < wish->n_topics; i++)
    s.topics[i] = data_slice(wish->topics[i]);
  for (size_t i = 0; i < wish->n_sources; i++)
    if (hash_read(data_slice(wish->sources[i]), &s.sources[i]) != TG_OK)
      return refuse(why, TG_BAD_INPUT, "sources", N_("this is no id of a bulletin"), NULL);
  if ((wish->supersedes.len && hash_read(data_slice(wish->supersedes), &s.supersedes) != TG_OK) ||
      (wish->replies_to.len && hash_read(data_slice(wish->replies_to), &s.replies_to) != TG_OK))
    return refuse(why, TG_BAD_INPUT, "draft", N_("this is no id of a bulletin"), NULL);
  enum tg_err err = find_expiry(core, wish, &s.expires, why);
  struct buf trial = buf_new(LIMIT_SUBJECT);
  if (err == TG_OK)
    err = subject_build(&s, &trial, why); /* the rules for subjects stand there */
  buf_free(&trial);
  if (err == TG_OK)
    *ret = s;
  return err;
}

/* Only who said it may correct it; and only who sent it knows who was given it. */
static enum tg_err check_superseded(struct node_core *core, const struct subject *subject, struct arena *arena,
                                    struct tg_why *why)
{
  if (subject->kind != KIND_CORRECTION && subject->kind != KIND_RECALL)
    return TG_OK;
  struct sent_row sent;
  struct inbox_row row;
  enum tg_err err = outbox_row(core, &subject->supersedes, arena, &sent);
  if (err != TG_NOT_FOUND)
    return err;
  if (subject->kind == KIND_RECALL)
    return refuse(why, TG_NOT_FOUND, "supersedes", N_("this node sent no such bulletin"),
                  N_("a bulletin is recalled from the node that sent it"));
  err = inbox_row(core, &subject->supersedes, arena, &row);
  if (err != TG_OK)
    return err == TG_NOT_FOUND ? refuse(why, err, "supersedes", N_("there is no such bulletin here"), NULL) : err;
  const struct node *node = directory_node(core->directory, &row.node);
  return node && country_eq(node->credential.holder.member, core->member)
             ? TG_OK
             : refuse(why, TG_REFUSED, "supersedes", N_("only the state that said it may correct it"), NULL);
}

/* ---- portions ---- */

/* Sealed bytes of a portion as long as compression does not make it shorter. */
static uint64_t sealed_size(const Tg__LPortionDraft *p)
{
  struct body_head h = plan_head(p);
  Tg__BodyHead m = TG__BODY_HEAD__INIT;
  m.content_type = slice_data(h.content_type);
  m.title = slice_data(h.title);
  m.filename = slice_data(h.filename);
  m.language = slice_data(h.language);
  m.size = h.size;
  m.compression = h.compression;
  uint64_t padded = body_padded(4 + tg__body_head__get_packed_size(&m) + p->size);
  return padded + (padded + BODY_CHUNK - 1) / BODY_CHUNK * BODY_OVERHEAD;
}

static enum tg_err read_portion(struct node_core *core, const Tg__LPortionDraft *p, size_t i, uint64_t size,
                                struct arena *arena, struct plan *plan, struct tg_why *why)
{
  char where[32];
  snprintf(where, sizeof where, "portion %zu", i + 1);
  if (p->level < LEVEL_UNCLASSIFIED || p->level > LEVEL_TOP_SECRET)
    return refuse(why, TG_BAD_INPUT, where, N_("a portion needs a classification"), NULL);
  if (p->tlp < TLP_CLEAR || p->tlp > TLP_RED)
    return refuse(why, TG_BAD_INPUT, where, N_("a portion needs a TLP marking"), NULL);
  if (p->caveats & ~(uint32_t)CAVEAT_ALL)
    return refuse(why, TG_BAD_INPUT, where, N_("this caveat is unknown"), NULL);
  if (p->n_to == 0)
    return refuse(why, TG_BAD_INPUT, where, N_("a portion needs a release list"),
                  N_("name members, blocs or agencies: ML, AES, ML/dgse"));
  plan->list[i] = (struct release_list){.to = slices(arena, p->to, p->n_to), .n_to = p->n_to,
                                        .except = slices(arena, p->except, p->n_except), .n_except = p->n_except};
  if (!plan->list[i].to || !plan->list[i].except)
    return TG_NO_MEMORY;
  struct policy_portion portion = {.level = (uint8_t)p->level, .tlp = (uint8_t)p->tlp, .orcon = p->caveats & CAVEAT_ORCON,
                                   .label = data_slice(p->label), .size = size};
  enum tg_err err = directory_resolve(core->directory, &plan->list[i], plan->subject.created, &portion.release, why);
  if (err == TG_OK)
    plan->portion[i] = portion;
  return err;
}

static enum tg_err read_portions(struct node_core *core, const Tg__LDraft *wish, const uint64_t *sizes, struct arena *arena,
                                 struct plan *plan, struct tg_why *why)
{
  const struct charter_limits *limits = &core_charter(core)->limits;
  uint64_t all = 0;
  if (wish->n_portions < 1 || wish->n_portions > LIMIT_PORTIONS || wish->n_portions > limits->portions)
    return refuse(why, TG_BAD_INPUT, "portions", N_("a bulletin has at least one portion, and no more than the charter allows"),
                  NULL);
  plan->portion_count = wish->n_portions;
  for (size_t i = 0; i < wish->n_portions; i++) {
    if (wish->portions[i]->size > limits->body_size) /* also keeps the sum from overflowing */
      return refuse(why, TG_TOO_BIG, "portions", N_("the charter allows no bulletin of this size"), NULL);
    uint64_t size = sizes ? sizes[i] : sealed_size(wish->portions[i]);
    enum tg_err err = read_portion(core, wish->portions[i], i, size, arena, plan, why);
    if (err != TG_OK)
      return err;
    all += wish->portions[i]->compression && !sizes ? 0 : size;
  }
  return all <= limits->body_size ? TG_OK
                                  : refuse(why, TG_TOO_BIG, "portions", N_("the charter allows no bulletin of this size"), NULL);
}

/* ---- the decision ---- */

static enum tg_err read_sources(struct node_core *core, struct plan *plan, struct arena *arena, struct tg_why *why)
{
  size_t n = plan->subject.source_count;
  struct policy_source *sources = arena_alloc(arena, (n ? n : 1) * sizeof *sources);
  if (!sources)
    return TG_NO_MEMORY;
  for (size_t i = 0; i < n; i++) {
    enum tg_err err = source_find(core, &plan->subject.sources[i], arena, &sources[i]);
    if (err == TG_NOT_FOUND)
      return refuse(why, err, "sources", N_("a source is no bulletin that is known here"), NULL);
    if (err != TG_OK)
      return err;
  }
  plan->request.sources = sources;
  plan->request.source_count = n;
  return TG_OK;
}

/* With the approvals that there are; if they are too few, with all that it takes: that is what it waits for. */
static enum tg_err ask(struct node_core *core, struct plan *plan)
{
  enum tg_err err = policy_decide(core->policies, &plan->request, &plan->decision);
  for (size_t i = 0; err == TG_OK && i < plan->portion_count; i++) {
    const struct policy_verdict *v = &plan->decision.portions[i];
    if (!memberset_empty(&v->unmet) && v->approvals > plan->approvals)
      plan->approvals = v->approvals;
  }
  if (err != TG_OK || !plan->approvals)
    return err;
  plan->request.approvals = plan->approvals;
  return policy_decide(core->policies, &plan->request, &plan->decision);
}

/* Every hub that this node may use is on the path: which one it will be is not known yet. */
static enum tg_err decide(struct node_core *core, struct plan *plan, unsigned approvals, struct arena *arena,
                          struct tg_why *why)
{
  const struct charter_hub *hubs[POLICY_HUBS_MAX];
  size_t n = core_hubs(core, hubs, POLICY_HUBS_MAX);
  struct country *hosts = arena_alloc(arena, (n ? n : 1) * sizeof *hosts);
  if (!hosts)
    return TG_NO_MEMORY;
  for (size_t i = 0; i < n; i++)
    hosts[i] = hubs[i]->host;
  plan->request = (struct policy_request){.originator = (unsigned)core_member_index(core),
                                          .agency = slice_str(core->my_agency),
                                          .suite = SUITE_1,
                                          .owed = plan->subject.kind == KIND_CORRECTION || plan->subject.kind == KIND_RECALL,
                                          .time = core->now.wall,
                                          .expires = plan->subject.expires,
                                          .topic_count = plan->wish->n_topics,
                                          .topics = slices(arena, plan->wish->topics, plan->wish->n_topics),
                                          .hub_count = n,
                                          .hubs = hosts,
                                          .approvals = approvals,
                                          .portion_count = plan->portion_count,
                                          .portions = plan->portion};
  if (!plan->request.topics)
    return TG_NO_MEMORY;
  enum tg_err err = read_sources(core, plan, arena, why);
  if (err != TG_OK)
    return err;
  err = ask(core, plan);
  return err == TG_BAD_INPUT ? refuse(why, err, "draft", N_("no policy can be asked about this"), NULL) : err;
}

/* ---- nodes ---- */

enum { FEW = 16 };

/* Room for one more: most bulletins go to a few nodes. */
static enum tg_err make_room(struct plan *plan, struct arena *arena)
{
  if (plan->recipient_count < plan->recipient_cap)
    return TG_OK;
  size_t cap = plan->recipient_cap ? 4 * plan->recipient_cap : FEW;
  struct plan_recipient *more = arena_alloc(arena, cap * sizeof *more);
  if (!more)
    return TG_NO_MEMORY;
  if (plan->recipient_count)
    memcpy(more, plan->recipients, plan->recipient_count * sizeof *more);
  plan->recipients = more;
  plan->recipient_cap = cap;
  return TG_OK;
}

/* The place of the node among the recipients, made if need be (there is room). NULL: they would be more than allowed. */
static struct plan_recipient *place_of(struct plan *plan, const struct node *node, size_t max)
{
  size_t at = 0;
  while (at < plan->recipient_count &&
         memcmp(plan->recipients[at].node->credential.identity.b, node->credential.identity.b, 32) < 0)
    at++;
  if (at < plan->recipient_count && plan->recipients[at].node == node)
    return &plan->recipients[at];
  if (plan->recipient_count == max)
    return NULL;
  memmove(&plan->recipients[at + 1], &plan->recipients[at], (plan->recipient_count - at) * sizeof *plan->recipients);
  plan->recipient_count++;
  plan->recipients[at] = (struct plan_recipient){.node = node};
  return &plan->recipients[at];
}

static enum tg_err add_node(struct node_core *core, struct plan *plan, const struct node *node, uint32_t portions,
                            struct arena *arena, struct tg_why *why)
{
  struct sealing_choice key;
  if (sign_pk_eq(&node->credential.identity, &core->me))
    return TG_OK; /* we have it */
  if (directory_sealing_key(core->directory, &node->credential.identity, SUITE_1, core->now.wall, &key) != TG_OK) {
    memberset_add(&plan->without_key, node->member);
    return TG_OK;
  }
  uint64_t most = core_charter(core)->limits.recipients;
  enum tg_err err = make_room(plan, arena);
  if (err != TG_OK)
    return err;
  struct plan_recipient *r = place_of(plan, node, most < LIMIT_WRAPS ? (size_t)most : LIMIT_WRAPS);
  if (!r)
    return refuse(why, TG_TOO_BIG, "to", N_("the audience has more nodes than the charter allows"), NULL);
  r->key = key;
  r->portions |= portions;
  return TG_OK;
}

/* Was this node given the bulletin that is corrected? */
static enum tg_err was_given(struct node_core *core, const struct hash *bulletin, const struct sign_pk *node, bool *ret)
{
  struct db_stmt *s = db_stmt(depot_db(core->depot), "SELECT 1 FROM track WHERE number = " SCHEMA_NUMBER("?1") " AND node = ?2 AND event = 0");
  db_bind_blob(s, 1, hash_slice(bulletin));
  db_bind_blob(s, 2, key_slice(node));
  return db_any(s, ret);
}

/* A correction passes from and to suspended members, which must not let new traffic pass under its name: it then goes where the
   bulletin went. */
static enum tg_err is_owed(struct node_core *core, struct plan *plan, const struct node *node, bool *ret)
{
  *ret = true;
  if (plan->subject.kind != KIND_CORRECTION)
    return TG_OK;
  const struct memberset senders = directory_originators(core->directory, core->now.wall),
                         receivers = directory_receivers(core->directory, core->now.wall);
  if (memberset_has(&senders, plan->request.originator) && memberset_has(&receivers, node->member))
    return TG_OK;
  enum tg_err err = was_given(core, &plan->subject.supersedes, &node->credential.identity, ret);
  if (err == TG_OK && !*ret)
    memberset_add(&plan->not_given, node->member);
  return err;
}

static enum tg_err find_nodes(struct node_core *core, struct plan *plan, struct arena *arena, struct tg_why *why)
{
  const struct node *nodes[LIMIT_WRAPS] UNFILLED;
  for (size_t i = 0; i < plan->portion_count; i++) {
    size_t n = 0;
    enum tg_err err = directory_resolve_nodes(core->directory, &plan->list[i], &plan->decision.portions[i].permitted,
                                              plan->subject.created, core->now.wall, nodes, LIMIT_WRAPS, &n, why);
    for (size_t j = 0; err == TG_OK && j < n; j++) {
      bool owed;
      err = is_owed(core, plan, nodes[j], &owed);
      if (err == TG_OK && owed)
        err = add_node(core, plan, nodes[j], UINT32_C(1) << i, arena, why);
    }
    if (err != TG_OK)
      return err;
  }
  return TG_OK;
}

/* Exactly the nodes that were given what is taken back, whatever policies have become. */
static enum tg_err find_given(struct node_core *core, struct plan *plan, struct arena *arena, struct tg_why *why)
{
  struct db_stmt *s = db_stmt(depot_db(core->depot), "SELECT node FROM track WHERE number = " SCHEMA_NUMBER("?1") " AND event = 0");
  db_bind_blob(s, 1, hash_slice(&plan->subject.supersedes));
  bool row;
  enum tg_err err;
  while ((err = db_step(s, &row)) == TG_OK && row) {
    struct sign_pk key;
    const struct node *node = db_bytes(s, 0, key.b, sizeof key.b) ? directory_node(core->directory, &key) : NULL;
    if (!node || directory_may_act(core->directory, &key, core->now.wall, NULL) != TG_OK)
      continue;
    err = add_node(core, plan, node, (UINT32_C(1) << plan->portion_count) - 1, arena, why);
    if (err != TG_OK) {
      db_reset(s);
      return err;
    }
    for (size_t i = 0; i < plan->portion_count; i++)
      memberset_add(&plan->decision.portions[i].permitted, node->member);
  }
  return err;
}

enum tg_err plan_make(struct node_core *core, const Tg__LDraft *wish, const uint64_t *sizes, const struct plan_given *given,
                      struct arena *arena, struct plan *ret, struct tg_why *why)
{
  struct plan plan = {.wish = wish};
  enum tg_err err = check_ourselves(core, why);
  if (err == TG_OK)
    err = read_subject(core, wish, given, &plan.subject, why);
  if (err == TG_OK)
    err = check_superseded(core, &plan.subject, arena, why);
  if (err == TG_OK)
    err = read_portions(core, wish, sizes, arena, &plan, why);
  if (err != TG_OK)
    return err;
  plan.recall = plan.subject.kind == KIND_RECALL;
  *ret = plan; /* the request points into it */
  if (plan.recall) {
    ret->decision.portion_count = plan.portion_count;
    return find_given(core, ret, arena, why);
  }
  err = decide(core, ret, given ? given->approvals : 0, arena, why);
  return err == TG_OK ? find_nodes(core, ret, arena, why) : err;
}

/* ---- may it leave ---- */

enum tg_err plan_check(struct node_core *core, const struct plan *plan, struct tg_why *why)
{
  uint32_t reached = 0;
  for (size_t i = 0; i < plan->recipient_count; i++)
    reached |= plan->recipients[i].portions;
  for (size_t i = 0; i < plan->portion_count; i++) {
    const struct policy_verdict *verdict = &plan->decision.portions[i];
    char where[32];
    snprintf(where, sizeof where, "portion %zu", i + 1);
    if (!memberset_empty(&verdict->unmet))
      return refuse(why, TG_REFUSED, where, N_("the policy demands the caveat ORCON for this"), N_("mark it ORCON"));
    if (reached >> i & 1)
      continue;
    if (memberset_empty(&verdict->permitted)) {
      struct policy_reason reason;
      unsigned first = memberset_next(&plan->portion[i].release, 0);
      if (!plan->recall && memberset_count(&plan->portion[i].release) == 1 &&
          policy_explain(core->policies, &plan->request, i, first, core_member_index(core), &reason) == TG_OK) {
        if (why)
          *why = reason.why;
        return TG_REFUSED;
      }
      return refuse(why, TG_REFUSED, where, N_("nobody of the release list may receive this"),
                    N_("see who may and who may not, and why: toguna publish --dry-run"));
    }
    return refuse(why, TG_REFUSED, where, N_("no node of those who may receive this can be sealed to"),
                  N_("see which nodes lack a sealing key: toguna publish --dry-run"));
  }
  return TG_OK;
}
