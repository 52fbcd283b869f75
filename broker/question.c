#include "broker/question.h"

#include "broker/content.h"
#include "broker/store_bulletin.h"
#include "keys/approver.h"

/* ---- release lists */

static struct release_list list_of(const struct release *r)
{
  return (struct release_list){
      .to = r->to, .n_to = r->to_count, .except = r->except, .n_except = r->except_count};
}

/* What policies see of one portion. Blocs are read as they stood when it was published. */
static enum tg_err portion_ask(const struct hub *hub, const struct portion *p, const struct release *release,
                               tg_time created, struct policy_portion *ret, struct tg_why *why)
{
  const struct release_list list = list_of(release);
  struct memberset named;
  enum tg_err err = directory_resolve(hub->rules.directory, &list, created, &named, why);
  if (err)
    return err;
  *ret = (struct policy_portion){.level = p->level,
                                 .tlp = p->tlp,
                                 .orcon = (p->caveats & CAVEAT_ORCON) != 0,
                                 .label = p->label,
                                 .size = p->seal.size,
                                 .release = named};
  return TG_OK;
}

/* ---- sources */

/* Was this member a party of the bulletin: its originator's, or one that was given it? */
static enum tg_err was_party(struct hub *hub, const struct store_bulletin *b, struct country member,
                             unsigned index, struct arena *arena, bool *ret)
{
  struct store_recipient *list;
  size_t n;
  *ret = b->member[0] == member.code[0] && b->member[1] == member.code[1];
  if (*ret)
    return TG_OK;
  enum tg_err err = store_bulletin_recipients(hub->store, b->leaf, arena, &list, &n);
  for (size_t i = 0; !err && !*ret && i < n; i++) {
    struct party *p;
    err = party_numbered(&hub->parties, hub->store, list[i].node, &p);
    const struct node *node = err ? NULL : directory_node(hub->rules.directory, &p->identity);
    *ret = node && node->member == index;
  }
  return err;
}

/* The content of a source that its author was a party of; *ret NULL: there is none. What we do not know, no
   longer know, or the author was no party of look alike. */
static enum tg_err source_read(struct hub *hub, const struct hash *id, struct country author,
                               unsigned author_index, struct arena *arena, struct content **ret)
{
  struct store_bulletin b;
  struct slice bytes;
  bool party = false;
  *ret = NULL;
  enum tg_err err = store_bulletin_by_id(hub->store, id, &b);
  if (err == TG_NOT_FOUND || (!err && !b.accepted))
    return TG_OK;
  if (!err)
    err = was_party(hub, &b, author, author_index, arena, &party);
  if (!err && party)
    err = store_bulletin_content(hub->store, b.leaf, arena, &bytes);
  return err || !party || !bytes.n ? err : content_read(bytes, arena, ret);
}

/* To whom a source went and may go on, as its originator marked it. What derives from it derives from all of
   it, so each of its portions must allow it. */
static enum tg_err source_ask(struct hub *hub, const struct hash *id, const struct policy_request *about,
                              struct country author, struct arena *arena, struct policy_source *ret)
{
  struct content *c;
  *ret = (struct policy_source){0};
  enum tg_err err = source_read(hub, id, author, about->originator, arena, &c);
  if (err || !c)
    return err;
  const struct subject *subject = &c->header.subject;
  const struct node *node = directory_node(hub->rules.directory, &subject->originator);
  struct policy_portion *portions = arena_alloc(arena, c->portion_count * sizeof *portions);
  if (!portions)
    return TG_NO_MEMORY;
  for (size_t i = 0; i < c->portion_count; i++)
    if (!node || portion_ask(hub, &c->portions[i], &c->releases[i], subject->created, &portions[i], NULL))
      return TG_OK;
  struct policy_request original = *about;
  original.originator = node->member;
  original.agency = slice_str(node->credential.holder.agency);
  original.expires = subject->expires;
  original.topics = subject->topics;
  original.topic_count = subject->topic_count;
  original.portions = portions;
  original.portion_count = c->portion_count;
  for (size_t i = 0; i < c->portion_count; i++) {
    struct memberset allow, ask;
    if (policy_onward(hub->rules.set, &original, i, &allow, &ask))
      allow = (struct memberset){0};
    ret->release = i ? memberset_and(ret->release, portions[i].release) : portions[i].release;
    ret->granted = i ? memberset_and(ret->granted, allow) : allow;
  }
  memberset_add(&ret->release, node->member);
  ret->granted = memberset_or(ret->granted, directory_granted(hub->rules.directory, id,
                                                              node->credential.holder.member, hub->now.wall));
  return TG_OK;
}

static enum tg_err sources_ask(struct hub *hub, const struct subject *subject, struct country author,
                               struct arena *arena, struct policy_request *r)
{
  if (subject->source_count == 0)
    return TG_OK;
  struct policy_source *sources = arena_alloc(arena, subject->source_count * sizeof *sources);
  if (!sources)
    return TG_NO_MEMORY;
  for (size_t i = 0; i < subject->source_count; i++) {
    enum tg_err err = source_ask(hub, &subject->sources[i], r, author, arena, &sources[i]);
    if (err)
      return err;
  }
  r->sources = sources;
  r->source_count = subject->source_count;
  return TG_OK;
}

/* ---- all of it */

static enum tg_err refuse(enum reason reason, enum reason *ret_reason)
{
  *ret_reason = reason;
  return TG_OK;
}

enum tg_err question_build(struct hub *hub, const struct header *header, const struct portion *portions,
                           const struct release *releases, size_t count, struct arena *arena,
                           struct question *ret, enum reason *ret_reason, struct tg_why *why)
{
  const struct subject *subject = &header->subject;
  const struct node *node = directory_node(hub->rules.directory, &subject->originator);
  if (!node || !hub->rules.set) {
    why_set(why, TG_REFUSED, NULL, N_("its originator is no member of this exchange now"), NULL, NULL, NULL,
            NULL);
    return refuse(REASON_STANDING, ret_reason);
  }
  struct policy_portion *asked = arena_alloc(arena, count * sizeof *asked);
  struct country *place = arena_alloc(arena, sizeof *place);
  struct slice *topics = arena_alloc(arena, sizeof subject->topics);
  if (!asked || !place || !topics)
    return TG_NO_MEMORY;
  for (size_t i = 0; i < count; i++) {
    if (portion_ask(hub, &portions[i], &releases[i], subject->created, &asked[i], why))
      return refuse(REASON_AUDIENCE, ret_reason);
    ret->named[i] = asked[i].release;
  }
  unsigned approvals = 0;
  for (; approvals < header->approval_count; approvals++)
    if (approver_check(hub->rules.directory, node->member, subject, &header->approvals[approvals], hub->now.wall, why))
      return refuse(REASON_APPROVALS, ret_reason);
  for (size_t i = 0; i < subject->topic_count; i++)
    topics[i] = subject->topics[i];
  const struct charter_hub *self = hub_self(hub);
  if (self)
    *place = self->host;
  ret->request =
      (struct policy_request){.originator = node->member,
                              .agency = slice_str(node->credential.holder.agency),
                              .suite = subject->suite,
                              .owed = subject->kind == KIND_RECALL || subject->kind == KIND_CORRECTION,
                              .time = hub->now.wall,
                              .expires = subject->expires,
                              .topic_count = subject->topic_count,
                              .topics = topics,
                              .hub_count = self ? 1 : 0,
                              .hubs = place,
                              .approvals = approvals,
                              .portion_count = count,
                              .portions = asked};
  *ret_reason = REASON_NONE;
  return sources_ask(hub, subject, node->credential.holder.member, arena, &ret->request);
}
