#include "policy/request.h"

#include "keys/approver.h"

/* One portion. Blocs are read as they stood at `created`. Errors of directory_resolve(), *ret untouched. */
static enum tg_err portion_of(const struct directory *d, const struct portion *portion, const struct release *release, tg_time created,
                              struct policy_portion *ret, struct tg_why *why)
{
  const struct release_list list = {
      .to = release->to, .n_to = release->to_count, .except = release->except, .n_except = release->except_count};
  struct memberset named;
  enum tg_err err = directory_resolve(d, &list, created, &named, why);
  if (err)
    return err;
  *ret = (struct policy_portion){.level = portion->level,
                                 .tlp = portion->tlp,
                                 .orcon = (portion->caveats & CAVEAT_ORCON) != 0,
                                 .label = portion->label,
                                 .size = portion->seal.size,
                                 .release = named};
  return TG_OK;
}

/* ---- sources ---- */

/* The request about a source itself, as its originator marked it; false: it cannot be asked about any more. */
static bool ask_original(const struct policy_ground *g, const struct policy_request *about, const struct policy_matter *m,
                         const struct node *node, struct policy_portion *portions, struct policy_request *ret)
{
  const struct subject *subject = &m->header->subject;
  for (size_t i = 0; i < m->count; i++)
    if (portion_of(g->directory, &m->portions[i], &m->releases[i], subject->created, &portions[i], NULL))
      return false;
  *ret = *about;
  ret->originator = node->member;
  ret->agency = slice_str(node->credential.holder.agency);
  ret->expires = subject->expires;
  ret->topics = subject->topics;
  ret->topic_count = subject->topic_count;
  ret->portions = portions;
  ret->portion_count = m->count;
  return true;
}

/* To whom a source went and may go on. What derives from it derives from all of it, so each of its portions must allow it. */
static enum tg_err ask_source(const struct policy_ground *g, const struct hash *id, const struct policy_request *about,
                              struct arena *arena, struct policy_source *ret)
{
  struct policy_matter m = {0};
  struct policy_request original;
  *ret = (struct policy_source){0};
  enum tg_err err = g->find(g->arg, id, about->originator, arena, &m);
  if (err || !m.header)
    return err;
  const struct node *node = directory_node(g->directory, &m.header->subject.originator);
  struct policy_portion *portions = arena_alloc(arena, m.count * sizeof *portions);
  if (!portions)
    return TG_NO_MEMORY;
  if (!node || !ask_original(g, about, &m, node, portions, &original))
    return TG_OK;
  for (size_t i = 0; i < m.count; i++) {
    struct memberset allow, ask;
    if (policy_onward(g->set, &original, i, &allow, &ask))
      allow = (struct memberset){0};
    ret->release = i ? memberset_and(ret->release, portions[i].release) : portions[i].release;
    ret->granted = i ? memberset_and(ret->granted, allow) : allow;
  }
  memberset_add(&ret->release, node->member);
  ret->granted =
      memberset_or(ret->granted, directory_granted(g->directory, id, node->credential.holder.member, g->now));
  return TG_OK;
}

static enum tg_err ask_sources(const struct policy_ground *g, const struct subject *subject, struct arena *arena,
                               struct policy_request *r)
{
  if (subject->source_count == 0)
    return TG_OK;
  struct policy_source *sources = arena_alloc(arena, subject->source_count * sizeof *sources);
  if (!sources)
    return TG_NO_MEMORY;
  for (size_t i = 0; i < subject->source_count; i++) {
    enum tg_err err = ask_source(g, &subject->sources[i], r, arena, &sources[i]);
    if (err)
      return err;
  }
  r->sources = sources;
  r->source_count = subject->source_count;
  return TG_OK;
}

/* ---- all of it ---- */

static enum tg_err lack(enum policy_lack what, enum policy_lack *ret)
{
  *ret = what;
  return TG_OK;
}

enum tg_err policy_request_build(const struct policy_ground *g, const struct policy_matter *m, struct arena *arena,
                                 struct policy_request *ret, enum policy_lack *ret_lack, struct tg_why *why)
{
  const struct header *header = m->header;
  const struct subject *subject = &header->subject;
  const struct node *node = directory_node(g->directory, &subject->originator);
  if (!node) {
    why_set(why, TG_REFUSED, NULL, N_("its originator is no member of this exchange now"), NULL, NULL, NULL, NULL);
    return lack(POLICY_LACKS_ORIGINATOR, ret_lack);
  }
  struct policy_portion *portions = arena_alloc(arena, m->count * sizeof *portions);
  struct slice *topics = arena_alloc(arena, sizeof subject->topics);
  struct country *place = arena_alloc(arena, sizeof *place);
  if (!portions || !topics || !place)
    return TG_NO_MEMORY;
  for (size_t i = 0; i < m->count; i++) {
    const enum tg_err err =
        portion_of(g->directory, &m->portions[i], &m->releases[i], subject->created, &portions[i], why);
    if (err)
      return err == TG_NO_MEMORY ? err : lack(POLICY_LACKS_AUDIENCE, ret_lack);
  }
  for (size_t i = 0; i < header->approval_count; i++)
    if (approver_check(g->directory, node->member, subject, &header->approvals[i], g->now, why))
      return lack(POLICY_LACKS_APPROVAL, ret_lack);
  for (size_t i = 0; i < subject->topic_count; i++)
    topics[i] = subject->topics[i];
  if (g->host)
    *place = *g->host;
  *ret = (struct policy_request){.originator = node->member,
                                 .agency = slice_str(node->credential.holder.agency),
                                 .suite = subject->suite,
                                 .owed = subject->kind == KIND_RECALL || subject->kind == KIND_CORRECTION,
                                 .time = g->now,
                                 .expires = subject->expires,
                                 .topic_count = subject->topic_count,
                                 .topics = topics,
                                 .hub_count = g->host ? 1 : 0,
                                 .hubs = place,
                                 .approvals = (unsigned)header->approval_count,
                                 .portion_count = m->count,
                                 .portions = portions};
  *ret_lack = POLICY_LACKS_NOTHING;
  return ask_sources(g, subject, arena, ret);
}
