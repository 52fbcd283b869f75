/* What an entry is found by, and what is counted. */
#include "client/review/inside.h"

#include "audit/reason.h"
#include "policy/decide.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>

struct noting {
  struct review *r;
  uint64_t leaf;
  enum tg_err err;
};

static void note_word(struct noting *n, const char *kind, const char *value)
{
  char word[WORD_MAX];
  const size_t before = strlen(kind), after = value ? strlen(value) : 0;
  if (n->err || !after)
    return;
  if (before + 1 + after >= sizeof word) {
    n->err = TG_TOO_BIG; /* names are bounded by what parsed them */
    return;
  }
  memcpy(word, kind, before); /* a dozen of these for each entry: printf took a tenth of the time */
  word[before] = ':';
  memcpy(word + before + 1, value, after + 1);
  n->err = words_add(n->r->words, word, n->leaf);
}

static void note_member(struct noting *n, const char member[2])
{
  const char code[3] = {member[0], member[1], 0};
  note_word(n, "state", code);
}

static void note_key(struct noting *n, const struct sign_pk *key)
{
  static const struct sign_pk none;
  char hex[65];
  if (sign_pk_eq(key, &none))
    return;
  sodium_bin2hex(hex, sizeof hex, key->b, sizeof key->b);
  note_word(n, "who", hex);
}

/* "alerte.crue" is found by "alerte" too. */
static void note_topic(struct noting *n, struct slice topic)
{
  char text[LIMIT_TOPIC + 1];
  snprintf(text, sizeof text, "%.*s", (int)topic.n, (const char *)topic.p);
  note_word(n, "topic", text);
  for (char *dot; (dot = strrchr(text, '.'));) {
    *dot = 0;
    note_word(n, "topic", text);
  }
}

static void note_subject(struct noting *n, const struct hash *h)
{
  struct db_stmt *s = db_stmt(n->r->db, "INSERT OR IGNORE INTO subject(hash, leaf) VALUES(?1, ?2)");
  if (n->err || hash_is_zero(h))
    return;
  db_bind_blob(s, 1, slice_of(h->b, 32));
  db_bind_u64(s, 2, n->leaf);
  n->err = db_run(s);
}

/* ---- bulletins ---- */

static void put_bulletin(struct noting *n, const struct entry *e, const struct dossier_bulletin *b)
{
  struct db_stmt *s = db_stmt(n->r->db, "INSERT OR IGNORE INTO bulletin(leaf, id, time, created, expires, member, node, precedence)"
                                        " VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)");
  if (n->err)
    return;
  db_bind_u64(s, 1, n->leaf);
  db_bind_blob(s, 2, slice_of(e->subject.b, 32));
  db_bind_i64(s, 3, e->time);
  db_bind_i64(s, 4, b ? b->header.subject.created : 0);
  db_bind_i64(s, 5, b ? b->header.subject.expires : 0);
  db_bind_text(s, 6, slice_of(e->member, 2));
  db_bind_blob(s, 7, slice_of(e->actor.b, 32));
  db_bind_u64(s, 8, b ? b->header.subject.precedence : 0);
  n->err = db_run(s);
}

static void put_given(struct noting *n, const struct dossier *d)
{
  for (size_t i = 0; !n->err && i < dossier_recipient_count(d); i++) {
    struct sign_pk node;
    uint32_t portions = 0;
    char member[3];
    dossier_recipient(d, i, &node, &portions);
    papers_member(n->r, &node, member);
    struct db_stmt *s = db_stmt(n->r->db, "INSERT OR IGNORE INTO given VALUES(?1, ?2, ?3, ?4, 0, 0, 0, 0, 0, 0)");
    db_bind_u64(s, 1, n->leaf);
    db_bind_blob(s, 2, slice_of(node.b, 32));
    db_bind_text(s, 3, slice_str(member));
    db_bind_u64(s, 4, portions);
    n->err = db_run(s);
    note_word(n, "state", member);
  }
}

/* A node's word of itself. */
static void put_own(struct noting *n, const struct dossier *d)
{
  struct sign_pk node;
  uint32_t portions;
  tg_time stored;
  char member[3];
  if (n->err || !dossier_own(d, &node, &portions, &stored))
    return;
  papers_member(n->r, &node, member);
  struct db_stmt *s = db_stmt(n->r->db, "INSERT OR IGNORE INTO given VALUES(?1, ?2, ?3, ?4, ?5, 0, 0, 0, 0, 1)");
  db_bind_u64(s, 1, n->leaf);
  db_bind_blob(s, 2, slice_of(node.b, 32));
  db_bind_text(s, 3, slice_str(member));
  db_bind_u64(s, 4, portions);
  db_bind_i64(s, 5, stored);
  n->err = db_run(s);
  note_word(n, "state", member);
}

static void put_denied(struct noting *n, const struct ruling *ruling)
{
  for (size_t p = 0; p < ruling->portion_count; p++)
    for (size_t i = 0; !n->err && i < ruling->portions[p].denied_count; i++) {
      const struct ruling_denial *d = &ruling->portions[p].denied[i];
      struct db_stmt *s = db_stmt(n->r->db, "INSERT OR IGNORE INTO denied VALUES(?1, ?2, ?3, ?4, ?5, ?6)");
      db_bind_u64(s, 1, n->leaf);
      db_bind_u64(s, 2, ruling->portions[p].index);
      db_bind_text(s, 3, slice_of(d->member, 2));
      db_bind_u64(s, 4, d->stage);
      db_bind_blob(s, 5, slice_of(d->policy.b, 32));
      db_bind_u64(s, 6, d->line);
      n->err = db_run(s);
      note_word(n, "decision", "denied");
      note_word(n, "decision", "not-all");
      note_word(n, "rule", policy_stage_name((enum policy_stage)d->stage));
      note_member(n, d->member);
    }
}

static void note_header(struct noting *n, const struct dossier_bulletin *b)
{
  const struct subject *s = &b->header.subject;
  note_word(n, "precedence", precedence_name(s->precedence));
  for (size_t i = 0; i < s->topic_count; i++)
    note_topic(n, s->topics[i]);
  note_subject(n, &s->supersedes);
  note_subject(n, &s->replies_to);
  for (size_t i = 0; i < s->source_count; i++)
    note_subject(n, &s->sources[i]);
}

static void record_bulletin(struct noting *n, const struct dossier *d, const struct entry *e, struct arena *arena)
{
  struct dossier_bulletin *b = NULL;
  struct ruling ruling;
  if (dossier_bulletin(d, arena, &b, NULL) == TG_OK)
    note_header(n, b);
  if (e->type == ENTRY_ACCEPTED)
    put_bulletin(n, e, b);
  put_given(n, d);
  put_own(n, d);
  if (dossier_ruling(d, arena, &ruling, NULL) == TG_OK)
    put_denied(n, &ruling);
  note_word(n, "decision", e->type == ENTRY_ACCEPTED ? "accepted" : "refused");
  if (e->type == ENTRY_REFUSED)
    note_word(n, "decision", "not-all");
}

/* ---- receipts ---- */

static struct db_stmt *of_event(struct db *db, enum receipt_event event)
{
  switch (event) {
  case RECEIPT_STORED:
    return db_stmt(db, "UPDATE given SET stored = ?3, own = 0 WHERE leaf = ?1 AND node = ?2 AND (stored = 0 OR own)");
  case RECEIPT_READ:
    return db_stmt(db, "UPDATE given SET seen = ?3 WHERE leaf = ?1 AND node = ?2 AND seen = 0");
  case RECEIPT_ACKNOWLEDGED:
    return db_stmt(db, "UPDATE given SET acknowledged = ?3 WHERE leaf = ?1 AND node = ?2 AND acknowledged = 0");
  default:
    return db_stmt(db, "UPDATE given SET other_time = ?3, other = ?4 WHERE leaf = ?1 AND node = ?2");
  }
}

static enum tg_err leaf_of(struct review *r, const struct hash *id, uint64_t *ret)
{
  struct db_stmt *s = db_stmt(r->db, "SELECT leaf FROM bulletin WHERE id = ?1");
  db_bind_blob(s, 1, slice_of(id->b, 32));
  return db_number(s, ret);
}

static void record_receipts(struct noting *n, const struct dossier *d, struct arena *arena)
{
  struct slice rest = dossier_receipts(d);
  struct receipt receipt;
  while (!n->err && dossier_receipt_next(d, &rest, arena, &receipt) == TG_OK) {
    uint64_t leaf;
    note_subject(n, &receipt.bulletin);
    enum tg_err err = n->err ? n->err : leaf_of(n->r, &receipt.bulletin, &leaf);
    if (err == TG_NOT_FOUND)
      continue;
    struct db_stmt *s = err ? NULL : of_event(n->r->db, receipt.event);
    if (s) {
      db_bind_u64(s, 1, leaf);
      db_bind_blob(s, 2, slice_of(receipt.node.b, 32));
      db_bind_i64(s, 3, receipt.time);
      if (receipt.event > RECEIPT_ACKNOWLEDGED)
        db_bind_u64(s, 4, receipt.event);
      err = db_run(s);
    }
    n->err = err;
  }
}

/* ---- documents ---- */

static void record_document(struct noting *n, const struct dossier *d, const struct entry *e)
{
  struct directory_news news = {.n_signers = 0};
  enum tg_err err = papers_take(n->r, d, e->time, &news);
  if (err == TG_NO_MEMORY || err == TG_BAD_SIGNATURE || err == TG_BAD_INPUT || err == TG_BAD_PROOF)
    n->err = err; /* its text was logged, but this is not the note that was taken in */
  if (n->err || d->paper[DOSSIER_DOCUMENT].n == 0)
    return;
  for (size_t i = 0; err == TG_OK && i < news.n_signers; i++) {
    note_key(n, &news.signer[i]->credential.identity);
    note_word(n, "role", role_name(news.signer[i]->credential.role));
  }
  struct db_stmt *s = db_stmt(n->r->db, "INSERT INTO document(leaf, hash, kind, accepted) VALUES(?1, ?2, ?3, ?4)");
  db_bind_u64(s, 1, n->leaf);
  db_bind_blob(s, 2, slice_of(e->subject.b, 32));
  db_bind_u64(s, 3, d->paper[DOSSIER_DOCUMENT].p[0]);
  db_bind_i64(s, 4, e->time);
  n->err = db_run(s);
}

enum tg_err record(struct review *r, const struct dossier *d, const struct entry *e, struct arena *arena)
{
  struct noting n = {.r = r, .leaf = d->index};
  static const struct sign_pk none;
  note_word(&n, "type", entry_type_name(e->type));
  if (e->member[0])
    note_member(&n, e->member);
  note_key(&n, &e->actor);
  if (!sign_pk_eq(&e->actor, &none))
    note_word(&n, "role", "node");
  if (e->reason)
    note_word(&n, "rule", reason_name(e->reason));
  note_subject(&n, &e->subject);
  if (e->type == ENTRY_ACCEPTED || e->type == ENTRY_REFUSED)
    record_bulletin(&n, d, e, arena);
  else if (e->type == ENTRY_RECEIPTS)
    record_receipts(&n, d, arena);
  else if (e->type == ENTRY_DOCUMENT)
    record_document(&n, d, e);
  return n.err;
}
