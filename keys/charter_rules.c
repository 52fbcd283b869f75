/* Who must have signed a charter: founding, quorum, succession. */
#include "keys/charter.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- quorum --- */

struct count {
  size_t have, of;
};

static struct count count_group(const struct charter *c, const char *group, const bool *signed_by,
                                const bool *left)
{
  struct count count = {0};
  const struct charter_bloc *bloc = charter_bloc(c, slice_str(group));
  size_t n = bloc ? bloc->n : !strcmp(group, "members") ? c->n_members : 0;
  for (size_t i = 0; i < n; i++) {
    size_t m = bloc ? bloc->member[i] : i;
    if (c->member[m].standing != STANDING_GOOD || (left && left[m]))
      continue;
    count.of++;
    count.have += signed_by[m];
  }
  return count;
}

static enum tg_err quorum_lacks(const struct quorum_term *term, struct count count, struct tg_why *why)
{
  char have[24], want[24];
  snprintf(have, sizeof have, "%zu", count.have);
  snprintf(want, sizeof want, "%zu", term->count ? (size_t)term->count : count.of);
  return why_set(why, TG_REFUSED, NULL, N_("the quorum is not met: %1$s of %2$s needed signatures of %3$s"),
                 N_("collect the missing signatures and merge them"), have, want, term->group);
}

enum tg_err charter_quorum(const struct charter *c, const struct quorum *q, const bool *signed_by,
                           const bool *left, struct tg_why *why)
{
  if (q->n == 0)
    return why_set(why, TG_REFUSED, NULL, N_("this charter names no quorum"), NULL, NULL, NULL, NULL);
  for (size_t i = 0; i < q->n; i++) {
    struct count count = count_group(c, q->term[i].group, signed_by, left);
    size_t want = q->term[i].count ? q->term[i].count : count.of;
    if (count.have < want || count.of == 0)
      return quorum_lacks(&q->term[i], count, why);
  }
  return TG_OK;
}

/* --- signatures --- */

enum tg_err charter_signers(const struct charter *c, const struct note *note, bool *ret_signed,
                            struct tg_why *why)
{
  struct note_key known[MEMBERS_MAX];
  struct note_verdict verdict[MEMBERS_MAX];
  for (size_t i = 0; i < c->n_members; i++)
    known[i] = c->member[i].root;
  enum tg_err err = note_verify(note, known, c->n_members, verdict, why);
  for (size_t i = 0; !err && i < c->n_members; i++)
    ret_signed[i] = verdict[i].good;
  return err;
}

static enum tg_err lacks_signature(const char *what, const char *code, struct tg_why *why)
{
  return why_set(why, TG_BAD_SIGNATURE, NULL, what, N_("ask it to sign, then merge the signatures"), code,
                 NULL, NULL);
}

enum tg_err charter_check_founding(const struct charter *c, const struct note *note, struct tg_why *why)
{
  bool signed_by[MEMBERS_MAX];
  if (c->version != 1)
    return why_set(why, TG_BAD_INPUT, NULL, N_("only version 1 of a charter founds an exchange"), NULL, NULL,
                   NULL, NULL);
  enum tg_err err = charter_signers(c, note, signed_by, why);
  for (size_t i = 0; !err && i < c->n_members; i++)
    if (!signed_by[i])
      err = lacks_signature(N_("%1$s has not signed the founding charter, which all members must sign"),
                            c->member[i].code.code, why);
  return err;
}

/* --- succession --- */

static enum tg_err check_sequence(const struct charter *now, const struct hash *now_hash,
                                  const struct charter *next, struct tg_why *why)
{
  char text[24];
  if (strcmp(now->exchange, next->exchange))
    return why_set(why, TG_BAD_INPUT, NULL, N_("this charter is of another exchange, %1$s"), NULL,
                   next->exchange, NULL, NULL);
  snprintf(text, sizeof text, "%llu", (unsigned long long)now->version + 1);
  if (next->version != now->version + 1)
    return why_set(why, next->version <= now->version ? TG_STALE : TG_BAD_INPUT, NULL,
                   N_("the next version of the charter is %1$s"), N_("fetch the versions in order"), text,
                   NULL, NULL);
  if (!hash_eq(&next->previous, now_hash))
    return why_set(why, TG_BAD_INPUT, NULL,
                   N_("this charter does not follow the version we know: its previous hash differs"),
                   N_("compare the hash of the version before with its signers"), NULL, NULL, NULL);
  if (next->effective < now->effective)
    return why_set(why, TG_BAD_INPUT, NULL,
                   N_("this charter would take effect before the version that it replaces"),
                   N_("state a later time"), NULL, NULL, NULL);
  return TG_OK;
}

/* All roots of both versions, each once. Returns how many. */
static size_t both_roots(const struct charter *now, const struct charter *next, struct note_key *out)
{
  size_t n = 0;
  for (size_t i = 0; i < now->n_members; i++)
    out[n++] = now->member[i].root;
  for (size_t i = 0; i < next->n_members; i++) {
    const struct charter_member *before = charter_member(now, next->member[i].code);
    if (!before || !note_key_eq(&before->root, &next->member[i].root))
      out[n++] = next->member[i].root;
  }
  return n;
}

/* A key that enters must show that its owner has it and agrees. */
static enum tg_err check_newcomers(const struct charter *now, const struct charter *next,
                                   const struct note_verdict *verdict, struct tg_why *why)
{
  size_t at = now->n_members;
  for (size_t i = 0; i < next->n_members; i++) {
    const struct charter_member *before = charter_member(now, next->member[i].code);
    if (before && note_key_eq(&before->root, &next->member[i].root))
      continue;
    if (!verdict[at++].good)
      return lacks_signature(N_("the new root key of %1$s has not signed this charter"),
                             next->member[i].code.code, why);
  }
  return TG_OK;
}

enum tg_err charter_check_logs(const struct charter *before, const struct charter *next, struct tg_why *why)
{
  char version[24];
  snprintf(version, sizeof version, "%llu", (unsigned long long)before->version);
  for (size_t i = 0; i < next->n_hubs; i++) {
    const struct note_key *log = &next->hub[i].log;
    for (size_t k = 0; k < before->n_hubs; k++)
      if (!strcmp(before->hub[k].log.name, log->name) && !note_key_eq(&before->hub[k].log, log))
        return why_set(why, TG_BAD_INPUT, NULL, N_("this charter gives the log %1$s another key than version %2$s did"),
                       N_("a log that begins anew takes another name: name its hub otherwise"), log->name, version, NULL);
  }
  return TG_OK;
}

enum tg_err charter_check_succession(const struct charter *now, const struct hash *now_hash, const bool *left,
                                     const struct charter *next, const struct note *note, struct tg_why *why)
{
  bool signed_by[MEMBERS_MAX];
  enum tg_err err = check_sequence(now, now_hash, next, why);
  if (!err)
    err = charter_check_logs(now, next, why);
  if (err)
    return err;
  struct note_key *known = calloc(2 * (size_t)MEMBERS_MAX, sizeof *known);
  struct note_verdict *verdict = calloc(2 * (size_t)MEMBERS_MAX, sizeof *verdict);
  if (!known || !verdict)
    err = why_set(why, TG_NO_MEMORY, NULL, N_("out of memory"), NULL, NULL, NULL, NULL);
  if (!err)
    err = note_verify(note, known, both_roots(now, next, known), verdict, why);
  for (size_t i = 0; !err && i < now->n_members; i++)
    signed_by[i] = verdict[i].good;
  if (!err)
    err = charter_quorum(now, &now->quorum, signed_by, left, why);
  if (!err)
    err = check_newcomers(now, next, verdict, why);
  free(verdict);
  free(known);
  return err;
}
