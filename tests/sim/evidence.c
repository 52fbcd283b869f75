/* Proofs and evidence, judged as `toguna audit check` does it: by a file and the charter's key of the log alone. What is true must convince,
   and what somebody changed or made up must not. */
#include "tests/sim/sim.h"

#include "audit/evidence.h"
#include "audit/proof.h"
#include "client/node/watch.h"
#include "proto/hash.h"

#include <stdlib.h>
#include <string.h>

enum { FLIPS = 12 };

static struct note_key log_key(const struct sim *s, int hub)
{
  struct note_key key;
  if (secret_key_note_key(s->hub[hub].log, &key) != TG_OK)
    abort();
  return key;
}

/* What a file says when it convinces. Filled with zeros before: compared as bytes. */
struct claim {
  uint64_t hub, kind, index, size[2];
  struct hash root[2], path, entry, salt, header, subject;
};

/* In the log of any hub that a charter named: of what the newest need not have, the first one's proof is as good as ever. */
static bool proves(const struct sim *s, struct slice text, struct claim *ret)
{
  struct proof proof;
  struct entry entry;
  struct checkpoint c;
  int hub = s->both ? SIM_HUBS - 1 : s->serving;
  if (proof_parse(text, "proof", &proof, NULL) != TG_OK)
    return false;
  for (; hub >= 0; hub--) {
    const struct note_key log = log_key(s, hub);
    if (proof_verify_opening(&proof, &log, &entry, &c, NULL, NULL) == TG_OK)
      break;
  }
  if (hub < 0)
    return false;
  memset(ret, 0, sizeof *ret);
  ret->hub = (uint64_t)hub;
  ret->kind = entry.type;
  ret->index = proof.index;
  ret->size[0] = c.size;
  ret->root[0] = c.root;
  ret->path = hash_plain(merkle_path_slice(&proof.path));
  ret->entry = hash_plain(slice_of(proof.extra, proof.extra_size));
  ret->subject = entry.subject;
  return true;
}

static bool convicts(const struct sim *s, struct slice text, struct claim *ret)
{
  struct evidence e;
  struct checkpoint first, second;
  const struct note_key log = log_key(s, 0);
  if (evidence_parse(text, "evidence", &e, NULL) != TG_OK || !note_key_eq(&e.log, &log) || evidence_verify(&e, &first, &second, NULL) != TG_OK)
    return false;
  memset(ret, 0, sizeof *ret);
  ret->kind = e.kind;
  ret->index = e.index;
  ret->size[0] = first.size;
  ret->size[1] = second.size;
  ret->root[0] = first.root;
  ret->root[1] = second.root;
  ret->path = hash_plain(merkle_path_slice(&e.path));
  ret->entry = hash_plain(slice_of(e.entry, e.entry_n));
  ret->salt = hash_plain(slice_of(e.salt, sizeof e.salt));
  ret->header = hash_plain(slice_of(e.header, e.header_n));
  return true;
}

/* Somebody changes a byte, or takes off the end: it convinces nobody; or nothing of what it says was touched, for the cosignatures of a note are
   not what convinces. */
static void tamper(struct sim *s, int node, const char *what, struct slice text, const struct claim *truth,
                   bool (*holds)(const struct sim *, struct slice, struct claim *))
{
  struct buf copy = buf_new(text.n + 1);
  buf_put_slice(&copy, text);
  for (int i = 0; i < FLIPS && !s->failed; i++) {
    const size_t at = (size_t)random_below(&s->chance, text.n);
    const uint8_t bits = (uint8_t)(1 + random_below(&s->chance, 255));
    const bool cut = i % 4 == 3;
    struct claim claim;
    copy.p[at] ^= bits;
    if (holds(s, slice_of(copy.p, cut ? at : copy.n), &claim) && memcmp(&claim, truth, sizeof claim) != 0)
      sim_fail(s, s->node[node].site.name, "%s convinces with byte %zu changed%s, and says something else", what, at, cut ? " and the rest cut off" : "");
    copy.p[at] ^= bits;
  }
  buf_free(&copy);
}

void oracle_proof(struct sim *s, int node, const struct publication *p, struct slice text)
{
  struct claim claim;
  const char *name = s->node[node].site.name;
  if (!proves(s, text, &claim)) {
    sim_fail(s, name, "its proof that no. %zu was logged does not verify", (size_t)(p - s->publication));
    return;
  }
  const bool refused = claim.kind == ENTRY_REFUSED && claim.hub > 0 && sim_rules_change(s); /* by the hub that came later: other rules hold there */
  if ((claim.kind != ENTRY_ACCEPTED && !refused) || !hash_eq(&claim.subject, &p->id))
    sim_fail(s, name, "its proof of no. %zu is about something else", (size_t)(p - s->publication));
  if (!log_roots_have(&s->hub[claim.hub].roots, claim.size[0], &claim.root[0]))
    sim_fail(s, name, "its proof of no. %zu rests on a checkpoint that was not signed", (size_t)(p - s->publication));
  tamper(s, node, "a proof", text, &claim, proves);
}

/* ---- a hub that signs two histories */

struct log_roots log_roots_copy(const struct log_roots *roots)
{
  struct log_roots copy = *roots;
  copy.root = calloc(roots->n + 1, sizeof *copy.root);
  if (!copy.root)
    abort();
  if (roots->n > 0)
    memcpy(copy.root, roots->root, roots->n * sizeof *copy.root);
  return copy;
}

bool log_roots_have(const struct log_roots *roots, uint64_t size, const struct hash *root)
{
  return size < roots->n && hash_eq(&roots->root[size], root);
}

void oracle_forks(struct sim *s, uint64_t size)
{
  struct log_roots *roots = &s->hub[0].roots;
  s->forked = true;
  s->fork_size = size;
  s->other = log_roots_copy(roots);
  memset(&roots->root[size + 1], 0, (size_t)(roots->n - size - 1) * sizeof *roots->root);
  roots->newest = size;
  s->hub[0].revoked = s->hub[0].narrowed = false; /* it may have forgotten */
}

static bool was_signed(const struct sim *s, uint64_t size, const struct hash *root)
{
  return log_roots_have(&s->hub[0].roots, size, root) || log_roots_have(&s->other, size, root);
}

void oracle_evidence(struct sim *s, int node, const char *file, struct slice text)
{
  struct claim claim;
  struct node_site *n = &s->node[node];
  if (!s->forked) {
    sim_fail(s, n->site.name, "it has evidence of a cheat, %s: %.*s", file, (int)text.n, (const char *)text.p);
    return;
  }
  sim_tell(s, n->site.name, "keeps evidence: %s", file);
  if (strncmp(file, "log-fork-", 9) != 0)
    return; /* a single statement, which shows by comparison only */
  n->evidence++;
  if (!convicts(s, text, &claim)) {
    sim_fail(s, n->site.name, "its evidence does not verify: %.*s", (int)text.n, (const char *)text.p);
    return;
  }
  for (int i = 0; i < 2; i++)
    if (!was_signed(s, claim.size[i], &claim.root[i]))
      sim_fail(s, n->site.name, "its evidence has a checkpoint of size %llu that was not signed", (unsigned long long)claim.size[i]);
  tamper(s, node, "evidence", text, &claim, convicts);
}

/* Does it believe in the first history, and must have been shown the second, which contradicts it? Or it has seen both, and cannot show it. */
static bool is_deceived(const struct sim *s, int node)
{
  const struct node_site *n = &s->node[node];
  const uint64_t size = watch_size(n->core);
  const struct hash root = watch_root(n->core);
  return n->evidence == 0 && (n->distrusts || (size > s->fork_size && size <= s->hub[0].roots.newest && log_roots_have(&s->other, size, &root)));
}

bool oracle_uncovered(const struct sim *s)
{
  for (int i = 0; i < SIM_NODES; i++)
    if (!site_alive(&s->node[i].site) || (!(s->revoking && i == SIM_REVOKED) && is_deceived(s, i)))
      return false;
  return true;
}

void oracle_deceived(struct sim *s)
{
  for (int i = 0; i < SIM_NODES; i++)
    if (!site_alive(&s->node[i].site) || is_deceived(s, i))
      sim_tell(s, "oracle", "%s believes in a history of %llu entries that the hub has given up, and has no evidence", s->node[i].site.name,
               site_alive(&s->node[i].site) ? (unsigned long long)watch_size(s->node[i].core) : 0);
}

/* ---- a hub that signs one */

static struct buf note_of(const struct sim *s, int hub, uint64_t size)
{
  struct buf note = buf_new(CHECKPOINT_BYTES_MAX);
  const struct hub_site *h = &s->hub[hub];
  const struct note_key log = log_key(s, hub);
  const struct checkpoint c = {.origin = slice_str(log.name), .size = size, .root = h->roots.root[size]};
  if (checkpoint_sign(&c, h->log, &note, NULL) != TG_OK)
    abort();
  return note;
}

/* A size that was signed, at most this. */
static uint64_t some_size(struct sim *s, int hub, uint64_t most)
{
  uint64_t size = 1 + random_below(&s->chance, most);
  while (size > 0 && hash_is_zero(&s->hub[hub].roots.root[size]))
    size--;
  return size;
}

/* Somebody who has the log's checkpoints makes up what is to look like evidence against it. */
void oracle_slander(struct sim *s, int hub)
{
  const struct log_roots *roots = &s->hub[hub].roots;
  const uint64_t larger = roots->newest ? some_size(s, hub, roots->newest) : 0, smaller = larger ? some_size(s, hub, larger) : 0;
  if (smaller == 0)
    return;
  struct buf a = note_of(s, hub, smaller), b = note_of(s, hub, larger);
  struct evidence e = {.log = log_key(s, hub), .first = buf_slice(&a), .second = buf_slice(&b)};
  for (int kind = EVIDENCE_SAME_SIZE; kind <= EVIDENCE_OTHER_BEGINNING; kind++)
    for (e.path.n = 0; e.path.n < 8; e.path.n++) {
      e.kind = (enum evidence_kind)kind;
      for (size_t i = 0; i < 8; i++)
        for (size_t k = 0; k < sizeof e.path.hash[i].b; k++)
          e.path.hash[i].b[k] = (uint8_t)random_next(&s->chance);
      if (random_chance(&s->chance, 50))
        e.path.hash[0] = roots->root[smaller];
      if (evidence_verify(&e, NULL, NULL, NULL) == TG_OK)
        sim_fail(s, "oracle", "what was made up convicts an honest log: %s of %llu and %llu entries", evidence_kind_name(e.kind),
                 (unsigned long long)smaller, (unsigned long long)larger);
    }
  buf_free(&a);
  buf_free(&b);
}
