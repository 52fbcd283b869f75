/* The hub's log, entry by entry, when everybody is gone: does it say what happened, and nothing else? */
#include "tests/sim/sim.h"

#include "audit/entry.h"
#include "broker/store_bulletin.h"
#include "proto/merkle.h"

static struct publication *with_id(struct sim *s, const struct hash *id)
{
  for (size_t i = 0; i < s->n_publications; i++)
    if (hash_eq(&s->publication[i].id, id))
      return &s->publication[i];
  return NULL;
}

/* What is decided has one entry, and the store says the same. */
static void decided(struct sim *s, int hub, struct store *store, uint64_t leaf, const struct entry *entry)
{
  struct publication *p = with_id(s, &entry->subject);
  struct store_bulletin found;
  if (store_bulletin(store, leaf, &found) != TG_OK || found.accepted != (entry->type == ENTRY_ACCEPTED) || !hash_eq(&found.id, &entry->subject))
    sim_fail(s, "oracle", "entry %llu decides on a bulletin, and the hub's store says otherwise", (unsigned long long)leaf);
  if (p && entry->type == ENTRY_ACCEPTED)
    p->logs |= 1u << hub;
  if (p && ++p->entries > 1)
    sim_fail(s, "oracle", "no. %zu was decided on twice, again in entry %llu", (size_t)(p - s->publication), (unsigned long long)leaf);
  const bool before = (hub > 0 || s->both) && sim_rules_change(s); /* by the hub that was lost, and other rules hold now; or the other's are not the same yet */
  const bool since = hub == 0 && !s->both && p && p->accepted_by_next; /* its originator did not hear that one refused it, and brought it to the next */
  if (p && p->accepted && entry->type != ENTRY_ACCEPTED && !before && !since)
    sim_fail(s, "oracle", "no. %zu was said to be accepted, and entry %llu refuses it", (size_t)(p - s->publication), (unsigned long long)leaf);
}

/* A key that is revoked, by this document. */
struct ended {
  const struct kit_node *node; /* NULL: none is */
  struct hash by;
  bool cut; /* the revocation has passed by */
};

/* Nothing of a revoked key after its index. */
static void revoked(struct sim *s, uint64_t leaf, const struct entry *entry, struct ended *ended)
{
  if (!ended->node)
    return;
  const struct sign_pk key = secret_key_sign_pk(ended->node->identity);
  if (ended->cut && sign_pk_eq(&key, &entry->actor) &&
      (entry->type == ENTRY_ACCEPTED || entry->type == ENTRY_RECEIPTS || entry->type == ENTRY_SESSION_OPENED || entry->type == ENTRY_DOCUMENT))
    sim_fail(s, "oracle", "entry %llu is by a key that was revoked before: %s", (unsigned long long)leaf, entry_type_name(entry->type));
  ended->cut |= entry->type == ENTRY_DOCUMENT && hash_eq(&entry->subject, &ended->by);
}

void oracle_ledger(struct sim *s, int hub, struct store *store, uint64_t size)
{
  const struct hub_site *h = &s->hub[hub];
  struct merkle_frontier tree = {0};
  struct ended ended[] = {{.node = s->revoking ? &s->kit->member[SIM_REVOKED].node[0] : NULL, .by = s->revocation},
                          {.node = s->replaced.revocation.n > 0 ? s->replaced.former : NULL, .by = s->replaced.revoked}};
  for (uint64_t leaf = 0; leaf < size && !s->failed; leaf++) {
    struct store_entry found;
    struct entry entry;
    arena_reset(s->arena);
    if (store_entry(store, leaf, s->arena, &found) != TG_OK || entry_parse(found.bytes, &entry, NULL) != TG_OK) {
      sim_fail(s, "oracle", "entry %llu of the log is not there, or is none", (unsigned long long)leaf);
      return;
    }
    const struct hash hash = entry_leaf(found.salt, found.bytes), node = merkle_leaf(slice_of(hash.b, sizeof hash.b));
    merkle_frontier_append(&tree, &node, NULL);
    const struct hash root = merkle_frontier_root(&tree);
    if (leaf + 1 < h->roots.n && !hash_is_zero(&h->roots.root[leaf + 1]) && !hash_eq(&h->roots.root[leaf + 1], &root))
      sim_fail(s, "oracle", "what was signed with %llu leaves is not the tree of these entries", (unsigned long long)(leaf + 1));
    for (size_t i = 0; i < sizeof ended / sizeof *ended; i++)
      revoked(s, leaf, &entry, &ended[i]);
    if (entry.type == ENTRY_ACCEPTED || (entry.type == ENTRY_REFUSED && !reason_is_not_now(entry.reason)))
      decided(s, hub, store, leaf, &entry);
  }
  for (size_t i = 0; i < s->n_publications && !s->failed; i++) {
    struct publication *p = &s->publication[i];
    const bool accepted = oracle_has_logged(s, hub, p) || (p->accepted && s->serving == 0 && !s->both); /* which of two told its originator is not known */
    if (accepted && p->entries == 0)
      sim_fail(s, "oracle", "no. %zu was accepted, and the log has no entry of it", i);
    p->entries = 0;
  }
  if ((h->revoked && !ended[0].cut) || (ended[1].node && !ended[1].cut && !h->lost))
    sim_fail(s, "oracle", "the hub has the revocation, and the log has no entry of it");
}
