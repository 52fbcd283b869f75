/* Policies and grants: what officers sign. */
#include "keys/directory_state.h"

#include <stdlib.h>
#include <string.h>

/* --- officers' signatures --- */

/* Good for a document that takes effect at `effect`? The rules of enum directory_how. */
static enum tg_err officer_good(const struct directory *d, const struct intake *in, const struct record *r,
                                tg_time effect)
{
  tg_time later = effect > in->now ? effect : in->now, earlier = effect < in->now ? effect : in->now;
  enum tg_err err = record_standing(d, r, in->now, in->why);
  if (err)
    return err;
  switch (in->how) {
  case DIRECTORY_FRESH:
    err = record_dates(r, in->now, in->why);
    return err ? err : record_dates(r, later, in->why);
  case DIRECTORY_RELAYED:
    /* A time before the officer's own says nothing about the officer. */
    if (earlier < r->node.credential.not_before)
      earlier = r->node.credential.not_before;
    return earlier > in->now ? record_dates(r, in->now, in->why) : record_dates(r, earlier, in->why);
  }
  return TG_INTERNAL; /* cannot happen: the enum is closed */
}

/* The member's officers of a role and their keys, good or not; *ret_n of them. */
static enum tg_err officers_of(const struct member_state *state, enum role role, const struct record **out,
                               struct note_key *keys, size_t *ret_n)
{
  *ret_n = 0;
  for (size_t i = 0; i < state->records.n; i++) {
    const struct record *r = state->records.at[i];
    if (r->node.credential.role != role)
      continue;
    if (credential_note_key(&r->node.credential, &keys[*ret_n]))
      return TG_INTERNAL;
    out[(*ret_n)++] = r;
  }
  return TG_OK;
}

/* Those whose signatures verified and who are good, into the news. When nobody is, the reason of the last who signed. */
static enum tg_err gather_signers(const struct directory *d, struct intake *in,
                                  const struct record **officers, const struct note_verdict *verdicts,
                                  size_t n, tg_time effect)
{
  enum tg_err err = TG_OK;
  for (size_t i = 0; i < n && in->news.n_signers < DIRECTORY_SIGNERS_MAX; i++) {
    enum tg_err one = verdicts[i].good ? officer_good(d, in, officers[i], effect) : TG_BAD_SIGNATURE;
    if (!one)
      in->news.signer[in->news.n_signers++] = &officers[i]->officer;
    else if (verdicts[i].good)
      err = one;
  }
  return in->news.n_signers ? TG_OK : err;
}

static enum tg_err check_officers(const struct directory *d, struct intake *in,
                                  const struct member_state *state, enum role role, tg_time effect)
{
  size_t n, room = state->records.n + 1;
  const struct record **officers = calloc(room, sizeof *officers);
  struct note_key *keys = calloc(room, sizeof *keys);
  struct note_verdict *verdicts = calloc(room, sizeof *verdicts);
  enum tg_err err = officers && keys && verdicts ? TG_OK : TG_NO_MEMORY;
  if (err)
    intake_error(in, err, N_("out of memory"), NULL, NULL, NULL);
  err = err ? err : officers_of(state, role, officers, keys, &n);
  err = err ? err : note_verify(&in->note, keys, n, verdicts, in->why);
  if (err == TG_BAD_SIGNATURE)
    intake_error(in, err, N_("no officer of %1$s with the role %2$s has signed this document as it stands"),
                 N_("sign it with the key of such an officer, whose credential must be known"),
                 state->code.code, role_name(role));
  err = err ? err : gather_signers(d, in, officers, verdicts, n, effect);
  free(verdicts);
  free(keys);
  free(officers);
  return err;
}

/* --- policies --- */

enum { EXCHANGE, MEMBER, SERIAL, EFFECTIVE };

/* The head of a policy; its rules are read by the policy room. */
static const struct line_rule rules[] = {
    [EXCHANGE] = {"exchange", 1, 1, LINE_OPTIONAL},
    [MEMBER] = {"member", 1, 1, LINE_ONCE},
    [SERIAL] = {"serial", 1, 1, LINE_ONCE},
    [EFFECTIVE] = {"effective", 1, 1, LINE_ONCE},
};

static const struct document_grammar grammar = {"toguna/policy v1", rules, sizeof rules / sizeof *rules,
                                                true};

static enum tg_err read_head(const struct directory *d, struct intake *in, const struct document *doc)
{
  char exchange[EXCHANGE_NAME_MAX + 1];
  const struct line *l = document_find(doc, EXCHANGE);
  enum tg_err err = l ? document_exchange(doc, l, 0, exchange, in->why) : TG_OK;
  if (!err && l)
    err = intake_exchange(d, in, exchange);
  if (!err)
    err = document_country(doc, document_find(doc, MEMBER), 0, &in->news.member, in->why);
  if (!err)
    err = document_number(doc, document_find(doc, SERIAL), 0, 1, INT64_MAX, &in->news.serial, in->why);
  return err ? err : document_time(doc, document_find(doc, EFFECTIVE), 0, &in->news.effective, in->why);
}

static enum tg_err policy_read(const struct directory *d, struct intake *in)
{
  struct document *doc;
  enum tg_err err = intake_note(in);
  if (!err)
    err = document_parse(&grammar, in->note.text, document_kind_name(in->kind), &doc, in->why);
  if (err)
    return err;
  err = read_head(d, in, doc);
  document_free(doc);
  return err;
}

static enum tg_err check_serial(const struct intake *in, const struct member_state *state)
{
  uint64_t newest = state->n_policies ? state->policy[state->n_policies - 1].serial : 0;
  if (in->news.serial > newest)
    return TG_OK;
  for (size_t i = 0; i < state->n_policies; i++)
    if (state->policy[i].serial == in->news.serial)
      return intake_error(in, TG_CONFLICT, N_("there are two policies of %1$s with one serial, both signed"),
                          N_("publish it again with a higher serial"), state->code.code, NULL);
  return intake_error(in, TG_STALE, N_("a newer policy of %1$s is known"),
                      N_("publish it again with a higher serial"), state->code.code, NULL);
}

/* Is the oldest policy kept the one in force, so that it cannot make room? */
static bool needed(const struct member_state *state, const struct intake *in)
{
  bool replaced = in->news.effective <= in->now;
  for (size_t i = 1; i < state->n_policies; i++)
    replaced = replaced || state->policy[i].effective <= in->now;
  return !replaced;
}

enum tg_err take_policy_check(const struct directory *d, struct intake *in)
{
  struct member_state *state;
  enum tg_err err = policy_read(d, in);
  err = err ? err : intake_member(d, in, in->news.member, &state);
  err = err ? err : intake_new(d, in);
  err = err ? err : check_officers(d, in, state, ROLE_POLICY, in->news.effective);
  err = err ? err : check_serial(in, state);
  if (err || state->n_policies < DIRECTORY_POLICIES_MAX)
    return err;
  if (needed(state, in))
    return intake_error(in, TG_QUOTA, N_("too many policies of %1$s are waiting to take effect"),
                        N_("wait until one of them does"), state->code.code, NULL);
  in->news.superseded = state->policy[0].item->is.hash;
  return TG_OK;
}

enum tg_err take_policy(struct directory *d, struct intake *in)
{
  struct member_state *state = d->member[directory_member_index(d, in->news.member)];
  struct item *item = item_prepare(d, in);
  if (!item)
    return TG_NO_MEMORY;
  if (state->n_policies == DIRECTORY_POLICIES_MAX) {
    item_drop(d, state->policy[0].item);
    memmove(state->policy, state->policy + 1, --state->n_policies * sizeof *state->policy);
  }
  state->policy[state->n_policies++] =
      (struct policy_record){.serial = in->news.serial,
                             .effective = in->news.effective,
                             .item = item,
                             .text = slice_of(item->memory, in->note.text.n)};
  item_commit(d, item);
  return TG_OK;
}

/* --- grants --- */

static enum tg_err check_names(const struct directory *d, const struct intake *in)
{
  enum tg_err err = TG_OK;
  for (size_t i = 0; !err && i < in->grant.n_to; i++) {
    struct memberset group;
    err = directory_group(d, slice_str(in->grant.to[i]), in->grant.issued, "grant", &group, in->why);
  }
  return err;
}

static enum tg_err check_number(const struct intake *in, const struct member_state *state)
{
  size_t living = 0;
  for (size_t i = 0; i < state->grants.n; i++) {
    const struct grant_record *g = state->grants.at[i];
    living += g->grant.until >= in->now;
    if (g->grant.serial == in->grant.serial)
      return intake_error(in, TG_CONFLICT, N_("there are two grants of %1$s with one serial, both signed"),
                          N_("issue it again with a number not used before"), state->code.code, NULL);
  }
  if (living >= DIRECTORY_GRANTS_MAX)
    return intake_error(in, TG_QUOTA, N_("%1$s has more grants in force than can be kept"),
                        N_("wait until some expire"), state->code.code, NULL);
  return TG_OK;
}

enum tg_err take_grant_check(const struct directory *d, struct intake *in)
{
  struct member_state *state;
  enum tg_err err = intake_note(in);
  if (!err)
    err = grant_parse(in->note.text, document_kind_name(in->kind), &in->grant, in->why);
  if (err)
    return err;
  in->news.member = in->grant.member;
  in->news.serial = in->grant.serial;
  in->news.effective = in->grant.issued;
  err = intake_exchange(d, in, in->grant.exchange);
  err = err ? err : intake_member(d, in, in->grant.member, &state);
  err = err ? err : intake_new(d, in);
  err = err ? err : check_officers(d, in, state, ROLE_RELEASE, in->grant.issued);
  if (!err && in->grant.until < in->now)
    err = intake_error(in, TG_EXPIRED, N_("this grant has expired"), N_("issue a new one"), NULL, NULL);
  err = err ? err : check_names(d, in);
  return err ? err : check_number(in, state);
}

/* Forgets what has expired. */
static void grants_expire(struct directory *d, struct member_state *state, tg_time now)
{
  size_t kept = 0;
  for (size_t i = 0; i < state->grants.n; i++) {
    struct grant_record *g = state->grants.at[i];
    if (g->grant.until >= now) {
      state->grants.at[kept++] = g;
      continue;
    }
    item_drop(d, g->item);
    free(g);
  }
  state->grants.n = kept;
}

static size_t grant_place(const struct member_state *state, const struct hash *bulletin)
{
  size_t i = 0;
  while (i < state->grants.n &&
         memcmp(((const struct grant_record *)state->grants.at[i])->grant.bulletin.b, bulletin->b, 32) < 0)
    i++;
  return i;
}

enum tg_err take_grant(struct directory *d, struct intake *in)
{
  struct member_state *state = d->member[directory_member_index(d, in->grant.member)];
  struct grant_record *record = calloc(1, sizeof *record);
  struct item *item = record && !list_reserve(&state->grants) ? item_prepare(d, in) : NULL;
  if (!item) {
    free(record);
    return TG_NO_MEMORY;
  }
  grants_expire(d, state, in->now);
  record->grant = in->grant;
  record->item = item;
  list_insert(&state->grants, grant_place(state, &in->grant.bulletin), record);
  item_commit(d, item);
  return TG_OK;
}
