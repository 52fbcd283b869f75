#include "broker/question.h"

#include "broker/content.h"
#include "broker/store_bulletin.h"

/* ---- sources */

struct asking {
  struct hub *hub;
  struct country author;
};

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

/* A policy_source_find. */
static enum tg_err source_read(void *arg, const struct hash *id, unsigned author, struct arena *arena,
                               struct policy_matter *ret)
{
  const struct asking *a = arg;
  struct store_bulletin b;
  struct content *c = NULL;
  struct slice bytes;
  bool party = false;
  enum tg_err err = store_bulletin_by_id(a->hub->store, id, &b);
  if (err == TG_NOT_FOUND || (!err && !b.accepted))
    return TG_OK;
  if (!err)
    err = was_party(a->hub, &b, a->author, author, arena, &party);
  if (!err && party)
    err = store_bulletin_content(a->hub->store, b.leaf, arena, &bytes);
  if (err || !party || !bytes.n)
    return err;
  err = content_read(bytes, id, arena, &c);
  if (!err)
    *ret = (struct policy_matter){&c->header, c->portion_count, c->portions, c->releases};
  return err;
}

/* ---- all of it */

static enum reason reason_of(enum policy_lack lack)
{
  switch (lack) {
  case POLICY_LACKS_NOTHING: return REASON_NONE;
  case POLICY_LACKS_ORIGINATOR: return REASON_STANDING;
  case POLICY_LACKS_AUDIENCE: return REASON_AUDIENCE;
  case POLICY_LACKS_APPROVAL: return REASON_APPROVALS;
  }
  return REASON_MALFORMED; /* cannot happen */
}

enum tg_err question_build(struct hub *hub, const struct policy_matter *matter, struct arena *arena,
                           struct policy_request *ret, enum reason *ret_reason, struct tg_why *why)
{
  /* Where the charter in force says that it stands: one that waits may move it. */
  const struct charter *charter = hub_charter(hub);
  const struct charter_hub *self = charter ? charter_hub(charter, slice_str(hub->config.name)) : NULL;
  const struct node *node = directory_node(hub->rules.directory, &matter->header->subject.originator);
  struct asking a = {.hub = hub, .author = node ? node->credential.holder.member : (struct country){{0}}};
  const struct policy_ground ground = {.directory = hub->rules.directory,
                                       .set = hub->rules.set,
                                       .host = self ? &self->host : NULL,
                                       .now = hub->now.wall,
                                       .find = source_read,
                                       .arg = &a};
  enum policy_lack lack;
  if (!hub->rules.set) {
    *ret_reason = REASON_STANDING;
    return why_set(why, TG_REFUSED, NULL, N_("there is no charter in force"), NULL, NULL, NULL, NULL), TG_OK;
  }
  enum tg_err err = policy_request_build(&ground, matter, arena, ret, &lack, why);
  if (!err)
    *ret_reason = reason_of(lack);
  return err;
}
