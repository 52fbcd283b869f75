#include "client/node/source.h"

#include "client/node/inbox.h"
#include "client/node/outbox.h"

/* A bulletin as both folders have it. */
struct known {
  const struct header *header;
  struct sign_pk node;
  size_t n;
  const struct portion *portions;
  const struct release *releases; /* to_count 0: blind */
};

static enum tg_err find_sent(struct node_core *core, const struct hash *id, struct arena *arena, struct header *header,
                             struct known *ret)
{
  struct sent_row row;
  enum tg_err err = outbox_row(core, id, arena, &row);
  if (err != TG_OK)
    return err;
  size_t n = row.message->n_portions;
  struct portion *portions = arena_alloc(arena, n * sizeof *portions);
  struct release *releases = arena_alloc(arena, n * sizeof *releases);
  if (!portions || !releases)
    return TG_NO_MEMORY;
  for (size_t i = 0; i < n; i++)
    if (portion_parse(data_slice(row.message->portions[i]), arena, &portions[i], NULL) != TG_OK ||
        release_parse(data_slice(row.message->releases[i]), arena, &releases[i], NULL) != TG_OK)
      return TG_DISK; /* we built it */
  *header = row.header;
  *ret = (struct known){header, core->me, n, portions, releases};
  return TG_OK;
}

static enum tg_err find_received(struct node_core *core, const struct hash *id, struct arena *arena, struct header *header,
                                 struct known *ret)
{
  struct inbox_row row;
  enum tg_err err = inbox_row(core, id, arena, &row);
  if (err != TG_OK)
    return err;
  *header = row.header;
  *ret = (struct known){header, row.node, row.portion_count, row.portions, row.releases};
  return TG_OK;
}

/* The members that a portion's list named when it was published, and its originator. Of a blind audience we know ourselves. */
static struct memberset release_of(const struct node_core *core, const struct known *known, size_t i, unsigned originator)
{
  struct memberset set = {{0}};
  const struct release *r = &known->releases[i];
  struct release_list list = {.to = r->to, .n_to = r->to_count, .except = r->except, .n_except = r->except_count};
  if (r->to_count == 0 || directory_resolve(core->directory, &list, known->header->subject.created, &set, NULL) != TG_OK)
    set = (struct memberset){{0}};
  if (r->to_count == 0 && core_member_index(core) >= 0)
    memberset_add(&set, (unsigned)core_member_index(core));
  memberset_add(&set, originator);
  return set;
}

/* What its originator lets pass on without being asked. */
static struct memberset onward_of(const struct node_core *core, const struct known *known, const struct node *originator)
{
  const struct subject *subject = &known->header->subject;
  struct policy_portion portions[POLICY_PORTIONS_MAX];
  struct memberset all = {{UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX}};
  for (size_t i = 0; i < known->n; i++) {
    const struct portion *p = &known->portions[i];
    portions[i] = (struct policy_portion){.level = p->level, .tlp = p->tlp, .orcon = p->caveats & CAVEAT_ORCON,
                                          .label = p->label, .size = p->seal.size,
                                          .release = release_of(core, known, i, originator->member)};
  }
  struct policy_request request = {.originator = originator->member,
                                   .agency = slice_str(originator->credential.holder.agency),
                                   .suite = subject->suite, .time = core->now.wall, .expires = subject->expires,
                                   .topic_count = subject->topic_count, .topics = subject->topics,
                                   .portion_count = known->n, .portions = portions};
  for (size_t i = 0; i < known->n; i++) {
    struct memberset allow = {{0}}, ask;
    if (policy_onward(core->policies, &request, i, &allow, &ask) != TG_OK)
      return (struct memberset){{0}};
    all = memberset_and(all, allow);
  }
  return all;
}

enum tg_err source_find(struct node_core *core, const struct hash *id, struct arena *arena, struct policy_source *ret)
{
  struct known known;
  struct header header;
  enum tg_err err = find_received(core, id, arena, &header, &known);
  if (err == TG_NOT_FOUND)
    err = find_sent(core, id, arena, &header, &known);
  if (err != TG_OK)
    return err;
  const struct node *originator = directory_node(core->directory, &known.node);
  struct policy_source source = {0};
  if (!originator) { /* whose it was is no longer known: nobody may be told */
    *ret = source;
    return TG_OK;
  }
  source.release = release_of(core, &known, 0, originator->member);
  for (size_t i = 1; i < known.n; i++)
    source.release = memberset_and(source.release, release_of(core, &known, i, originator->member));
  source.granted = memberset_or(directory_granted(core->directory, id, originator->credential.holder.member, core->now.wall),
                                onward_of(core, &known, originator));
  *ret = source;
  return TG_OK;
}
