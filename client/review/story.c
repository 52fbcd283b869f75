/* One bulletin: what became of it, who got it, why another did not. */
#include "client/review/replay.h"

#include "proto/marking.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

/* ---- recipients ---- */

static json_t *portions_of(uint32_t mask)
{
  json_t *list = json_array();
  for (unsigned i = 0; i < LIMIT_PORTIONS; i++)
    if (mask >> i & 1)
      json_array_append_new(list, json_integer(i));
  return list;
}

static json_t *recipients(struct review *r, uint64_t leaf)
{
  json_t *list = json_array();
  bool row;
  struct db_stmt *s = db_stmt(r->db, "SELECT node, member, portions, stored, seen, acknowledged, other, other_time, own FROM given"
                                     " WHERE leaf = ?1 ORDER BY member, node");
  db_bind_u64(s, 1, leaf);
  while (db_step(s, &row) == TG_OK && row) {
    struct sign_pk key = {{0}};
    char name[PAPERS_NAME];
    (void)db_bytes(s, 0, key.b, 32);
    const uint64_t other = db_u64(s, 6);
    json_array_append_new(list, json_pack("{s:s,s:o,s:o,s:o,s:o,s:o,s:s?,s:o,s:b}", "node", papers_name(r, &key, name), "state",
                                          json_of_text(db_text(s, 1)), "portions", portions_of((uint32_t)db_u64(s, 2)), "stored",
                                          json_of_time(db_i64(s, 3)), "read", json_of_time(db_i64(s, 4)), "acknowledged",
                                          json_of_time(db_i64(s, 5)), "other",
                                          other ? receipt_event_name((enum receipt_event)other) : NULL, "other_time",
                                          json_of_time(db_i64(s, 7)), "proven", db_u64(s, 8) == 0));
  }
  return list;
}

/* ---- the header ---- */

static json_t *words_of(const struct slice *list, size_t n)
{
  json_t *j = json_array();
  for (size_t i = 0; i < n; i++)
    json_array_append_new(j, json_of_text(list[i]));
  return j;
}

static json_t *header_of(struct review *r, const struct dossier_bulletin *b)
{
  const struct subject *s = &b->header.subject;
  json_t *portions = json_array();
  for (size_t i = 0; i < b->portion_count; i++)
    json_array_append_new(portions, json_pack("{s:I,s:I,s:I,s:b,s:o,s:I,s:o,s:o}", "index", (json_int_t)b->portions[i].index, "level",
                                              (json_int_t)b->portions[i].level, "tlp", (json_int_t)b->portions[i].tlp, "orcon",
                                              (b->portions[i].caveats & CAVEAT_ORCON) != 0, "label",
                                              json_of_text(b->portions[i].label), "size", (json_int_t)b->portions[i].seal.size, "to",
                                              words_of(b->releases[i].to, b->releases[i].to_count), "except",
                                              words_of(b->releases[i].except, b->releases[i].except_count)));
  return json_pack("{s:s,s:s,s:o,s:o,s:o,s:I,s:I,s:o,s:o,s:o,s:b}", "precedence", precedence_name(s->precedence), "kind",
                   kind_name(s->kind), "created", json_of_time(s->created), "expires", json_of_time(s->expires), "topics",
                   words_of(s->topics, s->topic_count), "number", (json_int_t)b->header.number, "approvals",
                   (json_int_t)b->header.approval_count, "supersedes", json_of_hash(&s->supersedes), "replies_to",
                   json_of_hash(&s->replies_to), "portions", portions, "signed",
                   dossier_signed(b, &r->exchange, r->verifier, NULL) == TG_OK);
}

/* ---- entries about it ---- */

static json_t *entries_about(struct review *r, const struct hash *id, struct tg_why *why, enum tg_err *ret_err)
{
  char hex[65];
  json_t *page = NULL, *entries = NULL;
  for (unsigned i = 0; i < 32; i++)
    snprintf(hex + 2 * i, 3, "%02x", id->b[i]);
  const struct review_filter f = {.subject = hex, .oldest_first = true};
  *ret_err = review_entries(r, &f, 0, REVIEW_PAGE_MAX, &page, why);
  if (page)
    entries = json_incref(json_object_get(page, "entries"));
  json_decref(page);
  return entries;
}

struct found {
  uint64_t leaf;
  struct dossier dossier;
  struct entry entry;
  struct dossier_bulletin *bulletin; /* NULL: forgotten */
  struct place_of place;
};

static enum tg_err find(struct review *r, const char *id, struct found *ret, struct tg_why *why)
{
  arena_reset(r->arena);
  *ret = (struct found){.leaf = 0};
  enum tg_err err = file_bulletin(r, id, &ret->leaf, why);
  if (!err)
    err = index_place(r, ret->leaf, &ret->place);
  if (!err)
    err = file_dossier(r, ret->leaf, r->arena, &ret->dossier, &ret->entry, why);
  if (!err)
    err = dossier_bulletin(&ret->dossier, r->arena, &ret->bulletin, why);
  return err == TG_NOT_FOUND && ret->entry.type ? TG_OK : err;
}

enum tg_err review_story(struct review *r, const char *id, json_t **ret, struct tg_why *why)
{
  struct found f;
  char name[PAPERS_NAME];
  enum tg_err err = find(r, id, &f, why);
  if (err)
    return err;
  const struct hash subject = f.entry.subject;
  json_t *j = json_pack("{s:o,s:I,s:s,s:s,s:o,s:o,s:o,s:o,s:o,s:o}", "bulletin", json_of_hash(&subject), "index", (json_int_t)f.leaf,
                        "decision", "accepted", "originator", papers_name(r, &f.entry.actor, name), "state",
                        json_stringn(f.entry.member, 2), "time", json_of_time(f.entry.time), "header",
                        f.bulletin ? header_of(r, f.bulletin) : json_null(), "audience",
                        json_of_audience(r, f.leaf, &f.dossier, f.bulletin), "recipients", recipients(r, f.leaf), "denied",
                        json_of_denied(r, f.leaf));
  json_t *entries = j ? entries_about(r, &subject, why, &err) : NULL;
  if (!entries) {
    json_decref(j);
    return err ? err : TG_NO_MEMORY;
  }
  json_object_set_new(j, "entries", entries);
  *ret = j;
  return TG_OK;
}

/* ---- who got it ---- */

/* Are the receipts about it what their nodes signed? The entries of those that are not. */
static enum tg_err check_receipts(struct review *r, const json_t *entries, json_t *false_ones, uint64_t *ret_signed)
{
  size_t i;
  const json_t *one;
  json_array_foreach(entries, i, one) {
    const char *type = json_string_value(json_object_get(one, "type"));
    struct dossier d;
    struct entry e;
    if (!type || strcmp(type, "receipts") != 0)
      continue;
    arena_reset(r->arena);
    const uint64_t leaf = (uint64_t)json_integer_value(json_object_get(one, "index"));
    enum tg_err err = file_dossier(r, leaf, r->arena, &d, &e, NULL);
    if (err)
      return err;
    if (dossier_receipts_signed(&d, &r->exchange, &e.actor, r->verifier, NULL) == TG_OK)
      ++*ret_signed;
    else
      json_array_append_new(false_ones, json_integer((json_int_t)leaf));
  }
  return TG_OK;
}

enum tg_err review_who_got(struct review *r, const char *id, json_t **ret, struct tg_why *why)
{
  struct found f;
  uint64_t is_signed = 0;
  enum tg_err err = find(r, id, &f, why);
  if (err)
    return err;
  const struct hash subject = f.entry.subject;
  const bool header_signed = f.bulletin && dossier_signed(f.bulletin, &r->exchange, r->verifier, NULL) == TG_OK;
  json_t *audience = json_of_audience(r, f.leaf, &f.dossier, f.bulletin), *wrong = json_array();
  json_t *entries = entries_about(r, &subject, why, &err);
  if (!err)
    err = check_receipts(r, entries, wrong, &is_signed);
  json_decref(entries);
  if (err) {
    json_decref(audience);
    json_decref(wrong);
    return err;
  }
  *ret = json_pack("{s:o,s:o,s:b,s:o,s:o,s:I,s:o,s:{s:I,s:o,s:I,s:o}}", "bulletin", json_of_hash(&subject), "audience", audience,
                   "signed", header_signed, "recipients", recipients(r, f.leaf), "denied", json_of_denied(r, f.leaf),
                   "receipts_verified", (json_int_t)is_signed, "receipts_false", wrong, "proof", "index", (json_int_t)f.leaf, "leaf",
                   json_of_hash(&f.place.hash), "size", (json_int_t)r->size, "root", json_of_hash(&r->checkpoint.root));
  if (!*ret)
    return TG_NO_MEMORY;
  if (header_signed && json_array_size(wrong) == 0)
    return TG_OK;
  return why_set(why, TG_BAD_SIGNATURE, id, N_("the originator's signature, or that of a node that received it, is false"),
                 N_("Keep this copy and show it to the other members"), NULL, NULL, NULL);
}

/* ---- why ---- */

static json_t *why_portion(struct review *r, const struct replay *p, size_t i, unsigned member, const char code[3], bool *permitted)
{
  struct policy_reason reason = {.stage = POLICY_PERMITTED};
  const bool named = memberset_has(&p->request.portions[i].release, member);
  const bool recall = p->bulletin->header.subject.kind == KIND_RECALL;
  char text[512];
  if (!recall)
    (void)policy_explain(p->set, &p->request, i, member, POLICY_ASKED_BY_ALL, &reason);
  const bool yes = memberset_has(&p->decision.portions[i].permitted, member);
  *permitted |= yes;
  const struct policy *policy = yes ? reason.import_policy : reason.policy;
  const unsigned line = yes ? reason.import_line : reason.line;
  struct hash hash = policy ? policy_hash(policy) : (struct hash){{0}};
  json_t *j = json_pack("{s:I,s:b,s:b}", "index", (json_int_t)i, "permitted", yes, "named", named);
  json_add_rule(r, j, yes ? POLICY_PERMITTED : reason.stage, &hash, line);
  if (reason.why.what) {
    why_fill(reason.why.what, (const char *const[3]){reason.why.arg[0], reason.why.arg[1], reason.why.arg[2]}, text, sizeof text);
    json_object_set_new(j, "explanation", json_string(text));
    json_object_set_new(j, "where", json_string(reason.why.where));
    json_object_set_new(j, "what", json_string(reason.why.what));
    json_object_set_new(j, "args", json_pack("[s,s,s]", reason.why.arg[0], reason.why.arg[1], reason.why.arg[2]));
  } else {
    json_object_set_new(j, "explanation", json_null());
    json_object_set_new(j, "where", json_null());
    json_object_set_new(j, "what", json_null());
    json_object_set_new(j, "args", json_null());
  }
  const struct ruling_portion *was = p->has_logged && i < p->logged.portion_count ? &p->logged.portions[i] : NULL;
  const char *logged = was ? "unnamed" : NULL;
  for (size_t k = 0; was && k < was->permitted_count; k++)
    if (memcmp(was->permitted[k], code, 2) == 0)
      logged = "permitted";
  for (size_t k = 0; was && k < was->denied_count; k++)
    if (memcmp(was->denied[k].member, code, 2) == 0)
      logged = policy_stage_name((enum policy_stage)was->denied[k].stage);
  json_object_set_new(j, "logged", logged ? json_string(logged) : json_null());
  return j;
}

static enum tg_err explain(struct review *r, struct replay *p, const char code[3], json_t **ret, struct tg_why *why)
{
  const struct country c = {{code[0], code[1], 0}};
  const int member = directory_member_index(p->directory, c);
  bool permitted = false;
  enum tg_err err;
  if (member < 0 && (err = find_state(r, code, NULL, why)) != TG_OK)
    return err;
  if (member < 0) /* once it was */
    return why_set(why, TG_NOT_FOUND, code, N_("no state of the exchange has this code"), NULL, NULL, NULL, NULL);
  json_t *portions = json_array();
  for (size_t i = 0; i < p->bulletin->portion_count; i++)
    json_array_append_new(portions, why_portion(r, p, i, (unsigned)member, code, &permitted));
  *ret = json_pack("{s:o,s:I,s:s,s:b,s:o,s:I,s:b}", "bulletin", json_of_hash(&p->entry.subject), "index",
                   (json_int_t)p->dossier.index, "state", code, "permitted", permitted, "portions", portions, "charter_version",
                   (json_int_t)p->charter_version, "same_policies", hash_eq(&p->policy_set_hash, &p->entry.policy_set));
  return *ret ? TG_OK : TG_NO_MEMORY;
}

enum tg_err review_why(struct review *r, const char *id, const char *state, json_t **ret, struct tg_why *why)
{
  struct ground g = {0};
  struct replay p = {.missing = NULL};
  if (strlen(state) != 2)
    return why_set(why, TG_USAGE, state, N_("a state is given by its country code, such as ML"), NULL, NULL, NULL, NULL);
  const char code[3] = {(char)toupper((unsigned char)state[0]), (char)toupper((unsigned char)state[1]), 0};
  enum tg_err err = replay_of(r, id, &g, &p, why);
  if (!err)
    err = explain(r, &p, code, ret, why);
  replay_done(&p);
  ground_done(&g);
  return err;
}
