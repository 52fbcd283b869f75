/* The shapes that answers share. */
#include "client/review/inside.h"

#include "audit/reason.h"
#include "keys/codec.h"
#include "policy/decide.h"
#include "policy/policy.h"

#include <stdio.h>
#include <stdlib.h>

json_t *json_of_time(tg_time t)
{
  char text[25];
  if (t == 0)
    return json_null();
  time_print(t, text);
  return json_string(text);
}

json_t *json_of_hash(const struct hash *h)
{
  char hex[HASH_TEXT];
  if (hash_is_zero(h))
    return json_null();
  hash_print(h, hex);
  return json_string(hex);
}

json_t *json_of_text(struct slice s)
{
  return s.n ? json_stringn((const char *)s.p, s.n) : json_null();
}

static json_t *of_code(const char code[2])
{
  return code[0] ? json_stringn(code, 2) : json_null();
}

/* ---- rules ---- */

static const char *const stage_sentence[] = {
    N_("it may receive it"),
    N_("the charter keeps it out: standing, ceiling or suite"),
    N_("the bulletin's own marking keeps it out"),
    N_("the originator's export policy does not let it go there"),
    N_("an approval or caveat that the originator's policy demands is missing"),
    N_("it would pass through a country that a policy excludes"),
    N_("the recipient's import policy refuses it"),
    N_("it derives from a bulletin that may not go there"),
};

const char *json_stage_sentence(unsigned stage)
{
  return stage < sizeof stage_sentence / sizeof *stage_sentence ? stage_sentence[stage] : "";
}

/* "ml.policy" as in the explanations of the policy room; and the line itself. */
static void add_line(struct review *r, json_t *into, const struct hash *policy, unsigned line)
{
  struct directory_item item;
  struct policy *p = NULL;
  struct note *note = calloc(1, sizeof *note);
  char file[16];
  if (note && r->directory && !hash_is_zero(policy) && directory_document(r->directory, policy, &item) == TG_OK &&
      note_parse(item.bytes, NULL, note, NULL) == TG_OK && policy_parse(note->text, "policy", NULL, &p, NULL, NULL) == TG_OK) {
    const struct country member = policy_member(p);
    snprintf(file, sizeof file, "%c%c.policy", member.code[0] | 0x20, member.code[1] | 0x20);
    json_object_set_new(into, "policy_of", json_string(member.code));
    json_object_set_new(into, "serial", json_integer((json_int_t)policy_serial(p)));
    json_object_set_new(into, "file", json_string(file));
    json_object_set_new(into, "rule", line ? json_of_text(policy_line(p, line)) : json_null());
  } else {
    json_object_set_new(into, "policy_of", json_null());
    json_object_set_new(into, "serial", json_null());
    json_object_set_new(into, "file", json_null());
    json_object_set_new(into, "rule", json_null());
  }
  policy_free(p);
  free(note);
}

void json_add_rule(struct review *r, json_t *into, unsigned stage, const struct hash *policy, unsigned line)
{
  json_object_set_new(into, "stage", json_string(policy_stage_name((enum policy_stage)stage)));
  json_object_set_new(into, "sentence", json_string(json_stage_sentence(stage)));
  json_object_set_new(into, "policy", json_of_hash(policy));
  json_object_set_new(into, "line", line ? json_integer((json_int_t)line) : json_null());
  add_line(r, into, policy, line);
}

json_t *json_of_ruling(struct review *r, const struct ruling *ruling)
{
  json_t *portions = json_array();
  for (size_t p = 0; p < ruling->portion_count; p++) {
    const struct ruling_portion *o = &ruling->portions[p];
    json_t *yes = json_array(), *no = json_array();
    for (size_t i = 0; i < o->permitted_count; i++)
      json_array_append_new(yes, of_code(o->permitted[i]));
    for (size_t i = 0; i < o->denied_count; i++) {
      json_t *d = json_pack("{s:o}", "state", of_code(o->denied[i].member));
      json_add_rule(r, d, o->denied[i].stage, &o->denied[i].policy, o->denied[i].line);
      json_array_append_new(no, d);
    }
    json_array_append_new(portions, json_pack("{s:I,s:o,s:o}", "index", (json_int_t)o->index, "permitted", yes, "denied", no));
  }
  return json_pack("{s:o}", "portions", portions);
}

json_t *json_of_denied(struct review *r, uint64_t leaf)
{
  json_t *list = json_array();
  bool row;
  struct db_stmt *s = db_stmt(r->db, "SELECT portion, member, stage, policy, line FROM denied WHERE leaf = ?1 ORDER BY member, portion");
  db_bind_u64(s, 1, leaf);
  while (db_step(s, &row) == TG_OK && row) {
    struct hash policy = {{0}};
    (void)db_bytes(s, 3, policy.b, 32);
    json_t *d = json_pack("{s:I,s:o}", "portion", (json_int_t)db_u64(s, 0), "state", json_of_text(db_text(s, 1)));
    json_add_rule(r, d, (unsigned)db_u64(s, 2), &policy, (unsigned)db_u64(s, 4));
    json_array_append_new(list, d);
  }
  return list;
}

/* ---- entries ---- */

static json_t *members_of(struct review *r, uint64_t leaf, bool denied)
{
  json_t *list = json_array();
  bool row;
  struct db_stmt *s = denied ? db_stmt(r->db, "SELECT DISTINCT member FROM denied WHERE leaf = ?1 ORDER BY member")
                             : db_stmt(r->db, "SELECT DISTINCT member FROM given WHERE leaf = ?1 ORDER BY member");
  db_bind_u64(s, 1, leaf);
  while (db_step(s, &row) == TG_OK && row)
    json_array_append_new(list, json_of_text(db_text(s, 0)));
  return list;
}

static void add_header(struct review *r, json_t *j, const struct dossier *d, struct arena *arena)
{
  struct dossier_bulletin *b = NULL;
  json_t *topics = json_array();
  if (dossier_bulletin(d, arena, &b, NULL) == TG_OK)
    for (size_t i = 0; i < b->header.subject.topic_count; i++)
      json_array_append_new(topics, json_of_text(b->header.subject.topics[i]));
  json_object_set_new(j, "precedence", b ? json_string(precedence_name(b->header.subject.precedence)) : json_null());
  json_object_set_new(j, "kind", b ? json_string(kind_name(b->header.subject.kind)) : json_null());
  json_object_set_new(j, "topics", topics);
  json_object_set_new(j, "given", members_of(r, d->index, false));
  json_object_set_new(j, "denied", members_of(r, d->index, true));
}

json_t *json_of_entry(struct review *r, const struct dossier *d, const struct entry *e, struct arena *arena)
{
  static const struct sign_pk none;
  char name[PAPERS_NAME];
  const bool has_actor = !sign_pk_eq(&e->actor, &none);
  const char *decision = e->type == ENTRY_ACCEPTED ? "accepted" : e->type == ENTRY_REFUSED ? "refused" : NULL;
  json_t *j = json_pack("{s:I,s:s,s:s,s:o,s:I,s:o,s:o,s:o,s:I,s:s?,s:o,s:o,s:o}", "index", (json_int_t)d->index, "type",
                        entry_type_name(e->type), "sentence", entry_type_sentence(e->type), "time", json_of_time(e->time), "time_ms",
                        (json_int_t)e->time, "state", of_code(e->member), "actor",
                        has_actor ? json_string(papers_name(r, &e->actor, name)) : json_null(), "subject", json_of_hash(&e->subject),
                        "number", (json_int_t)e->number, "decision", decision, "reason",
                        e->reason ? json_string(reason_name(e->reason)) : json_null(), "reason_sentence",
                        e->reason ? json_string(reason_sentence(e->reason)) : json_null(), "detail", json_of_text(e->detail));
  if (j)
    add_header(r, j, d, arena);
  return j;
}

json_t *json_of_receipt(struct review *r, const struct receipt *receipt)
{
  char name[PAPERS_NAME], member[3];
  papers_member(r, &receipt->node, member);
  return json_pack("{s:o,s:s,s:o,s:s,s:o}", "bulletin", json_of_hash(&receipt->bulletin), "node",
                   papers_name(r, &receipt->node, name), "state", member[0] ? json_string(member) : json_null(), "event",
                   receipt_event_name(receipt->event), "time", json_of_time(receipt->time));
}

/* As many as the originator signed are named here: nobody was left out and nobody added. */
json_t *json_of_audience(struct review *r, uint64_t leaf, const struct dossier *d, const struct dossier_bulletin *b)
{
  (void)r, (void)leaf;
  const size_t known = dossier_recipient_count(d);
  return json_pack("{s:o,s:I,s:b}", "signed", b ? json_integer((json_int_t)b->header.audience_count) : json_null(), "known",
                   (json_int_t)known, "complete", b && known == b->header.audience_count);
}
