/* A node that is replaced. Its machine is lost with its disk; its state revokes the key, and issues a credential for new keys to another machine,
   under the same name or another. Both documents are in the hub's folder when the state's officer has brought them there, in any order. What was sealed
   to the former nobody can read; what is sealed when all know of the next arrives there like everywhere else. */
#include "tests/sim/sim.h"

enum { BEGINS_MS = 4000, OFFICE_MS = 2500 };

void replacement_documents(struct sim *s, int hub)
{
  if (s->replaced.revocation.n > 0)
    (void)hub_site_document(s, hub, buf_slice(&s->replaced.revocation));
  if (s->replaced.vouched && !hub_site_document(s, hub, buf_slice(&s->replaced.holder->credential)) && site_alive(&s->hub[hub].site))
    sim_fail(s, s->hub[hub].site.name, "it does not take the credential of %s, which was replaced", s->node[s->replaced.node].site.name);
}

bool replacement_is_over(const struct sim *s)
{
  return !s->replaced.begun || (s->replaced.revocation.n > 0 && s->replaced.vouched && !s->node[s->replaced.node].away);
}

static void revokes(struct sim *s, const struct event *e)
{
  struct note parsed;
  (void)e;
  s->replaced.revocation = kit_revoke(s->kit, (size_t)s->replaced.node, s->replaced.former, sim_wall(s));
  if (note_parse(buf_slice(&s->replaced.revocation), NULL, &parsed, NULL) == TG_OK)
    s->replaced.revoked = document_hash(parsed.text);
  sim_tell(s, s->node[s->replaced.node].site.name, "its former key is revoked");
  hub_site_news(s, replacement_documents);
}

static void vouches(struct sim *s, const struct event *e)
{
  (void)e;
  s->replaced.vouched = true;
  sim_tell(s, s->node[s->replaced.node].site.name, "a credential is issued to it, as %s", s->replaced.holder->name);
  hub_site_news(s, replacement_documents);
}

static void starts(struct sim *s, const struct event *e)
{
  s->node[e->node].away = false;
  node_site_start(s, e->node);
}

static void loses(struct sim *s, const struct event *e)
{
  const int node = (int)((SIM_REVOKED + 1 + random_below(&s->chance, SIM_NODES - 1)) % SIM_NODES); /* that one has its own story */
  const struct event office[] = {{.happens = revokes, .node = node}, {.happens = vouches, .node = node}, {.happens = starts, .node = node}};
  (void)e;
  if (s->quiet)
    return;
  s->replaced.begun = true;
  s->replaced.node = node;
  s->replaced.former = s->node[node].holder;
  s->replaced.holder = &s->stage->spare[node][random_below(&s->chance, 2)];
  node_site_lose(s, node, s->replaced.holder);
  for (size_t i = 0; i < sizeof office / sizeof *office; i++)
    agenda_post(s, sim_between(s, 100, OFFICE_MS), office[i], (struct slice){0});
}

void replacement_begins(struct sim *s)
{
  agenda_post(s, sim_between(s, 100, BEGINS_MS), (struct event){.happens = loses, .node = -1}, (struct slice){0});
}

void replacement_is_known(struct sim *s)
{
  const unsigned all = (1u << SIM_NODES) - 1;
  const int node = s->replaced.node;
  int other = node;
  while (other == node || (s->revoking && other == SIM_REVOKED))
    other = (int)random_below(&s->chance, SIM_NODES);
  program_report(s, other, 0, all & ~(1u << other));
  program_report(s, node, 0, all & ~(1u << node));
}
