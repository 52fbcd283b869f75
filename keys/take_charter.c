/* Charters and withdrawals: who is a member. */
#include "keys/directory_state.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* How long ago a charter given in by its author may say that it took effect: enough for clocks and hands, too little to
   change who was in a bloc when something was published. */
#define BACKDATING_MAX TG_HOUR

/* --- charters --- */

/* The version before, by which a charter's signatures are judged. */
static enum tg_err check_against(const struct directory *d, struct intake *in, uint64_t before)
{
  const struct charter_record *last = d->charters.at[before - 1];
  bool left[MEMBERS_MAX];
  charter_left(d, last, in->now, left);
  return charter_check_succession(last->charter, &last->hash, left, in->charter, &in->note, in->why);
}

static enum tg_err check_founding(const struct directory *d, struct intake *in)
{
  if (!hash_eq(&in->news.hash, &d->exchange))
    return intake_error(in, TG_BAD_INPUT,
                        N_("this is the founding charter of another exchange than the one pinned here"),
                        N_("compare the hash of charter version 1 with another member"), NULL, NULL);
  return charter_check_founding(in->charter, &in->note, in->why);
}

/* A version that we have with another text: evidence when it is well signed too, else just false. */
static enum tg_err check_old_version(const struct directory *d, struct intake *in)
{
  enum tg_err err =
      in->charter->version == 1 ? check_founding(d, in) : check_against(d, in, in->charter->version - 1);
  if (err)
    return err;
  return intake_error(in, TG_CONFLICT, N_("there are two charters with one version number, both signed"),
                      N_("keep both; whoever signed both has cheated"), NULL, NULL);
}

/* How many of its members were never named before? */
static size_t count_new(const struct directory *d, const struct charter *c)
{
  size_t n = 0;
  for (size_t i = 0; i < c->n_members; i++)
    n += directory_member_index(d, c->member[i].code) < 0;
  return n;
}

static enum tg_err check_logs(const struct directory *d, struct intake *in)
{
  enum tg_err err = TG_OK;
  for (size_t i = 0; !err && i < d->charters.n; i++) {
    const struct charter_record *known = d->charters.at[i];
    err = charter_check_logs(known->charter, in->charter, in->why);
  }
  return err;
}

enum tg_err directory_explain_charter(const struct directory *d, struct slice bytes, uint64_t *ret_version, struct tg_why *why)
{
  struct intake in = {.kind = DOCUMENT_CHARTER, .bytes = bytes};
  struct tg_why log;
  char where[32];
  *ret_version = 0;
  enum tg_err err = intake_note(&in);
  if (!err)
    err = charter_parse(in.note.text, NULL, &in.charter, NULL);
  if (err)
    return err == TG_NO_MEMORY ? err : TG_BAD_INPUT;
  *ret_version = in.charter->version;
  in.why = &log;
  err = check_logs(d, &in);
  charter_free(in.charter);
  if (err != TG_BAD_INPUT)
    return err;
  snprintf(where, sizeof where, "charter %llu", (unsigned long long)*ret_version);
  return why_set(why, TG_CONFLICT, where, log.what,
                 N_("An earlier program took it in; have the members sign another of this version, which names the hub otherwise (operations.md, \"A charter that is taken no more\")"),
                 log.arg[0], log.arg[1], NULL);
}

static enum tg_err check_next(const struct directory *d, struct intake *in)
{
  uint64_t known = d->charters.n, version = in->charter->version;
  if (known == 0 && version != 1)
    return intake_error(in, TG_NOT_FOUND, N_("the charter versions before this one are not known yet"),
                        N_("take in charter version 1 first"), NULL, NULL);
  if (version <= known)
    return check_old_version(d, in);
  if (version > known + 1)
    return intake_error(in, TG_NOT_FOUND, N_("a charter version before this one is not known yet"),
                        N_("take the versions in order"), NULL, NULL);
  if (known == DIRECTORY_CHARTERS_MAX || d->n_members + count_new(d, in->charter) > MEMBERS_MAX)
    return intake_error(in, TG_QUOTA,
                        N_("there are more charter versions, or members ever named, than can be kept"),
                        N_("found a new exchange"), NULL, NULL);
  if (version == 1)
    return check_founding(d, in);
  if (in->how == DIRECTORY_FRESH && in->charter->effective < in->now - BACKDATING_MAX)
    return intake_error(in, TG_BAD_INPUT, N_("this charter says that it took effect in the past"),
                        N_("draft it again with a time to come, and have it signed again"), NULL, NULL);
  enum tg_err err = check_against(d, in, known);
  return err ? err : check_logs(d, in); /* for who has signatures: it looks at every version */
}

enum tg_err take_charter_check(const struct directory *d, struct intake *in)
{
  enum tg_err err = intake_note(in);
  if (!err)
    err = charter_parse(in->note.text, document_kind_name(in->kind), &in->charter, in->why);
  if (err)
    return err;
  in->news.serial = in->charter->version;
  in->news.effective = in->charter->effective;
  err = intake_new(d, in);
  err = err ? err : check_next(d, in);
  return err ? err : charter_signers(in->charter, &in->note, in->signed_by, in->why);
}

/* States for the members never named before, in the order of the charter. */
static enum tg_err members_prepare(const struct directory *d, const struct charter *c,
                                   struct member_state **out, size_t *ret_n)
{
  *ret_n = 0;
  for (size_t i = 0; i < c->n_members; i++) {
    if (directory_member_index(d, c->member[i].code) >= 0)
      continue;
    struct member_state *m = calloc(1, sizeof *m);
    if (!m)
      return TG_NO_MEMORY;
    m->code = c->member[i].code;
    out[(*ret_n)++] = m;
  }
  return TG_OK;
}

static void members_commit(struct directory *d, struct member_state **states, size_t n)
{
  for (size_t i = 0; i < n; i++) {
    const char *code = states[i]->code.code;
    d->index[(code[0] - 'A') * 26 + code[1] - 'A'] = (int16_t)d->n_members;
    d->member[d->n_members++] = states[i];
  }
}

static void signatures_note(const struct directory *d, const struct intake *in, struct charter_record *record)
{
  const struct charter_record *before = charter_record_newest(d);
  if (before)
    memcpy(record->last_signed, before->last_signed, sizeof record->last_signed);
  for (size_t i = 0; i < record->charter->n_members; i++)
    if (in->signed_by[i])
      record->last_signed[directory_member_index(d, record->charter->member[i].code)] =
          (uint32_t)record->charter->version;
}

enum tg_err take_charter(struct directory *d, struct intake *in)
{
  struct member_state *states[MEMBERS_MAX];
  size_t n = 0;
  struct charter_record *record = calloc(1, sizeof *record);
  struct item *item = item_prepare(d, in);
  enum tg_err err = record && item ? list_reserve(&d->charters) : TG_NO_MEMORY;
  if (!err)
    err = members_prepare(d, in->charter, states, &n);
  if (err) {
    while (n > 0)
      free(states[--n]);
    free(item);
    free(record);
    return err;
  }
  members_commit(d, states, n);
  record->charter = in->charter;
  record->hash = in->news.hash;
  in->charter = NULL;
  signatures_note(d, in, record);
  list_push(&d->charters, record);
  item_commit(d, item);
  return TG_OK;
}

/* --- withdrawals --- */

/* The root that the charter it leaves names for the member must have signed. */
static enum tg_err check_leaver(const struct directory *d, struct intake *in)
{
  const struct withdrawal *w = &in->withdrawal;
  const struct charter *c = directory_charter_version(d, w->charter, NULL);
  struct note_verdict verdict;
  if (!c)
    return intake_error(in, TG_NOT_FOUND, N_("the charter version that it names is not known yet"),
                        N_("take in the newest charter first"), NULL, NULL);
  const struct charter_member *m = charter_member(c, w->member);
  if (!m)
    return intake_error(in, TG_BAD_INPUT, N_("%1$s is not a member in the charter version that it leaves"),
                        NULL, w->member.code, NULL);
  const enum tg_err err = note_verify(&in->note, &m->root, 1, &verdict, in->why);
  if (err == TG_NO_MEMORY)
    return err;
  if (err)
    return intake_error(
        in, TG_BAD_SIGNATURE, N_("the root key of %1$s has not signed this document as it stands"),
        N_("only the key named in the charter counts; sign the text with it"), w->member.code, NULL);
  return TG_OK;
}

enum tg_err take_withdrawal_check(const struct directory *d, struct intake *in)
{
  struct member_state *state;
  enum tg_err err = intake_note(in);
  if (!err)
    err = withdrawal_parse(in->note.text, document_kind_name(in->kind), &in->withdrawal, in->why);
  if (err)
    return err;
  in->news.member = in->withdrawal.member;
  in->news.serial = in->withdrawal.charter;
  in->news.effective = in->withdrawal.effective;
  err = intake_exchange(d, in, in->withdrawal.exchange);
  err = err ? err : intake_member(d, in, in->withdrawal.member, &state);
  err = err ? err : intake_new(d, in);
  err = err ? err : check_leaver(d, in);
  if (!err && state->n_withdrawals == WITHDRAWALS_MAX)
    err = intake_error(in, TG_QUOTA, N_("%1$s has withdrawn more often than can be kept"), NULL,
                       state->code.code, NULL);
  return err;
}

enum tg_err take_withdrawal(struct directory *d, struct intake *in)
{
  struct member_state *state = d->member[directory_member_index(d, in->withdrawal.member)];
  struct item *item = item_prepare(d, in);
  if (!item)
    return TG_NO_MEMORY;
  state->withdrawal[state->n_withdrawals++] = in->withdrawal;
  item_commit(d, item);
  return TG_OK;
}
