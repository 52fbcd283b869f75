/* Entries by what they say. */
#include "client/review/inside.h"

#include "audit/reason.h"
#include "keys/nearest.h"
#include "policy/decide.h"

#include <ctype.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* An entry is found when it has one word of each condition. */
enum { CONDITIONS = 10, LEAVES_MAX = 1000000, PIECES_TIME = WORDS_PIECE / TILE_WIDTH };

struct condition {
  char (*word)[WORD_MAX];
  size_t n;
};

struct search {
  struct review *r;
  const struct review_filter *f;
  struct condition all[CONDITIONS];
  size_t n;
  bool by_subject;
  struct hash low, high;
  uint8_t bits[WORDS_BYTES], other[WORDS_BYTES];
};

static enum tg_err add_word(struct condition *c, const char *kind, const char *value, size_t length)
{
  char(*grown)[WORD_MAX] = realloc(c->word, (c->n + 1) * sizeof *grown);
  if (!grown)
    return TG_NO_MEMORY;
  c->word = grown;
  snprintf(c->word[c->n++], WORD_MAX, "%s:%.*s", kind, (int)length, value);
  return TG_OK;
}

static enum tg_err require(struct search *s, const char *kind, const char *value)
{
  return value ? add_word(&s->all[s->n++], kind, value, strlen(value)) : TG_OK;
}

static enum tg_err require_case(struct search *s, const char *kind, const char *value, int (*convert)(int))
{
  char text[WORD_MAX];
  size_t n = 0;
  if (!value)
    return TG_OK;
  for (; value[n] && n < sizeof text - 1; n++)
    text[n] = (char)convert((unsigned char)value[n]);
  text[n] = 0;
  return require(s, kind, text);
}

/* ---- who ---- */

struct holders {
  struct search *s;
  struct condition *c;
};

static enum tg_err take_key(struct condition *c, const struct sign_pk *key)
{
  char hex[65];
  sodium_bin2hex(hex, sizeof hex, key->b, sizeof key->b);
  return add_word(c, "who", hex, 64);
}

static bool begins(const struct holder *h, const char *prefix)
{
  char name[PAPERS_NAME];
  holder_print(h, name);
  return strncmp(name, prefix, strlen(prefix)) == 0;
}

static enum tg_err take_word(void *arg, const char *word)
{
  return add_word(arg, "who", word + 4, strlen(word + 4));
}

static enum tg_err require_who(struct search *s, const char *who)
{
  char prefix[WORD_MAX];
  struct condition *c = &s->all[s->n];
  const struct node *n;
  const struct officer *o;
  enum tg_err err = TG_OK;
  if (!who)
    return TG_OK;
  s->n++;
  for (size_t i = 0; !err && s->r->directory && (n = directory_node_at(s->r->directory, i)); i++)
    if (begins(&n->credential.holder, who))
      err = take_key(c, &n->credential.identity);
  for (size_t i = 0; !err && s->r->directory && (o = directory_officer_at(s->r->directory, i)); i++)
    if (begins(&o->credential.holder, who))
      err = take_key(c, &o->credential.identity);
  snprintf(prefix, sizeof prefix, "who:%s", who);
  return err ? err : words_like(s->r->words, prefix, take_word, c);
}

/* ---- checks ---- */

static enum tg_err no_such(struct tg_why *why, const char *where, const char *value, const char *todo)
{
  return why_set(why, TG_USAGE, where, N_("%1$s is none of the words for this"), todo, value, NULL, NULL);
}

static bool is_among(const char *value, const char *const *words)
{
  for (; *words; words++)
    if (strcasecmp(value, *words) == 0)
      return true;
  return false;
}

static bool is_rule(const char *value)
{
  enum reason reason;
  for (unsigned i = POLICY_CHARTER; i <= POLICY_SOURCES; i++)
    if (strcmp(value, policy_stage_name((enum policy_stage)i)) == 0)
      return true;
  return reason_parse(slice_str(value), &reason) == TG_OK;
}

enum tg_err review_filter_check(const struct review_filter *f, struct tg_why *why)
{
  static const char *const decisions[] = {"accepted", "refused", "denied", "not-all", NULL};
  static const char *const precedences[] = {"flash", "immediate", "priority", "routine", NULL};
  static const char *const roles[] = {"node", "policy", "release", "auditor", "security", NULL};
  enum entry_type type;
  struct hash low, high;
  if (f->state && (strlen(f->state) != 2 || !isalpha((unsigned char)f->state[0]) || !isalpha((unsigned char)f->state[1])))
    return no_such(why, "--state", f->state, N_("Give a country code such as ML"));
  if (f->decision && !is_among(f->decision, decisions))
    return no_such(why, "--decision", f->decision, N_("Give accepted, refused, denied (to some) or not-all (refused or denied to some)"));
  if (f->precedence && !is_among(f->precedence, precedences))
    return no_such(why, "--precedence", f->precedence, N_("Give flash, immediate, priority or routine"));
  if (f->role && !is_among(f->role, roles))
    return no_such(why, "--role", f->role, N_("Give node, policy, release, auditor or security"));
  if (f->type && entry_type_parse(slice_str(f->type), &type) != TG_OK)
    return no_such(why, "--type", f->type, N_("`toguna audit log --help` lists them"));
  if (f->rule && !is_rule(f->rule))
    return no_such(why, "--rule", f->rule,
                   N_("Give a stage (charter, marking, export, obligation, transit, import, sources) or a reason's name"));
  if (f->subject && !file_range(f->subject, &low, &high))
    return no_such(why, "--subject", f->subject, N_("Give the first hex digits of a bulletin's or document's hash"));
  return TG_OK;
}

/* "ML, SN, TD", as many as fit. */
static const char *list_members(const struct directory *d, char out[100])
{
  size_t n = 0;
  for (unsigned i = 0; i < directory_member_count(d) && n + 8 < 100; i++)
    n += (size_t)snprintf(out + n, 100 - n, n + 12 < 100 ? "%s%s" : "%s...", i ? ", " : "", directory_member_code(d, i)->code);
  return out;
}

static enum tg_err is_there(void *arg, const char *word)
{
  (void)word;
  *(bool *)arg = true;
  return TG_OK;
}

enum tg_err find_state(struct review *r, const char *state, const char *where, struct tg_why *why)
{
  const struct country code = {{(char)toupper((unsigned char)state[0]), (char)toupper((unsigned char)state[1]), 0}};
  struct nearest near = nearest_to(slice_str(code.code));
  char members[100] = "", word[WORD_MAX];
  bool named = false;
  if (!r->directory || directory_member_count(r->directory) == 0 || directory_member_index(r->directory, code) >= 0)
    return TG_OK;
  snprintf(word, sizeof word, "state:%s", code.code);
  enum tg_err err = words_like(r->words, word, is_there, &named);
  if (err || named)
    return err;
  for (unsigned i = 0; i < directory_member_count(r->directory); i++)
    nearest_try(&near, directory_member_code(r->directory, i)->code);
  return why_set(why, TG_USAGE, where, N_("%1$s is no member of this exchange"),
                 near.best ? N_("Did you mean %2$s?") : N_("Its members are %2$s"), code.code,
                 near.best ? near.best : list_members(r->directory, members), NULL);
}

static enum tg_err prepare(struct search *s, struct tg_why *why)
{
  const struct review_filter *f = s->f;
  enum tg_err err = review_filter_check(f, why);
  if (!err && f->state)
    err = find_state(s->r, f->state, "--state", why);
  if (!err)
    err = require_case(s, "state", f->state, toupper);
  if (!err)
    err = require(s, "topic", f->topic);
  if (!err)
    err = require_case(s, "decision", f->decision, tolower);
  if (!err)
    err = require_case(s, "precedence", f->precedence, toupper);
  if (!err)
    err = require(s, "type", f->type);
  if (!err)
    err = require_case(s, "role", f->role, tolower);
  if (!err)
    err = require(s, "rule", f->rule);
  if (!err)
    err = require_who(s, f->who);
  s->by_subject = f->subject && file_range(f->subject, &s->low, &s->high);
  return err;
}

static void done(struct search *s)
{
  for (size_t i = 0; i < s->n; i++)
    free(s->all[i].word);
}

/* ---- one piece ---- */

static void both(struct search *s)
{
  for (size_t i = 0; i < WORDS_BYTES; i++)
    s->bits[i] &= s->other[i];
}

static enum tg_err piece_of_subject(struct search *s, uint64_t piece)
{
  struct db_stmt *q = db_stmt(s->r->db, "SELECT leaf FROM subject WHERE hash >= ?1 AND hash <= ?2 AND leaf >= ?3 AND leaf < ?4 LIMIT ?5");
  bool row;
  enum tg_err err;
  memset(s->other, 0, sizeof s->other);
  db_bind_blob(q, 1, slice_of(s->low.b, 32));
  db_bind_blob(q, 2, slice_of(s->high.b, 32));
  db_bind_u64(q, 3, piece * WORDS_PIECE);
  db_bind_u64(q, 4, (piece + 1) * WORDS_PIECE);
  db_bind_u64(q, 5, LEAVES_MAX);
  while ((err = db_step(q, &row)) == TG_OK && row) {
    const uint64_t leaf = db_u64(q, 0);
    s->other[leaf % WORDS_PIECE / 8] |= (uint8_t)(1 << leaf % 8);
  }
  both(s);
  return err;
}

/* Blocks in which no entry is of the time asked for go; those in which some are stay. */
static enum tg_err piece_of_time(struct search *s, uint64_t piece)
{
  struct db_stmt *q = db_stmt(s->r->db, "SELECT block FROM span WHERE block >= ?1 AND block < ?2 AND high >= ?3 AND low < ?4");
  bool row;
  enum tg_err err;
  memset(s->other, 0, sizeof s->other);
  db_bind_u64(q, 1, piece * PIECES_TIME);
  db_bind_u64(q, 2, (piece + 1) * PIECES_TIME);
  db_bind_i64(q, 3, s->f->from);
  db_bind_i64(q, 4, s->f->to ? s->f->to : INT64_MAX);
  while ((err = db_step(q, &row)) == TG_OK && row)
    memset(s->other + db_u64(q, 0) % PIECES_TIME * (TILE_WIDTH / 8), 0xff, TILE_WIDTH / 8);
  both(s);
  return err;
}

static enum tg_err load_piece(struct search *s, uint64_t piece)
{
  enum tg_err err = TG_OK;
  memset(s->bits, 0xff, sizeof s->bits);
  for (size_t i = 0; !err && i < s->n; i++) {
    memset(s->other, 0, sizeof s->other);
    for (size_t w = 0; !err && w < s->all[i].n; w++)
      err = words_piece(s->r->words, s->all[i].word[w], piece, s->other);
    both(s);
  }
  if (!err && s->by_subject)
    err = piece_of_subject(s, piece);
  if (!err && (s->f->from || s->f->to))
    err = piece_of_time(s, piece);
  return err;
}

/* ---- the page ---- */

struct page {
  json_t *list;
  unsigned limit;
  uint64_t last;
  bool full;
};

static enum tg_err take_leaf(struct search *s, uint64_t leaf, struct page *p, struct tg_why *why)
{
  struct place_of at;
  struct dossier d;
  struct entry e;
  enum tg_err err = index_place(s->r, leaf, &at);
  if (err || at.n == 0) /* not open to us */
    return err;
  if ((s->f->from && at.time < s->f->from) || (s->f->to && at.time >= s->f->to))
    return TG_OK;
  arena_reset(s->r->arena);
  err = file_dossier(s->r, leaf, s->r->arena, &d, &e, why);
  if (err)
    return err;
  json_t *j = json_of_entry(s->r, &d, &e, s->r->arena);
  if (!j || json_array_append_new(p->list, j) != 0)
    return TG_NO_MEMORY;
  p->last = leaf;
  p->full = json_array_size(p->list) == p->limit;
  return TG_OK;
}

/* The first place from here on that the index knows; a view knows few. */
static enum tg_err next_known(struct search *s, bool up, uint64_t *at)
{
  struct db_stmt *q = up ? db_stmt(s->r->db, "SELECT leaf FROM entry WHERE leaf >= ?1 ORDER BY leaf LIMIT 1")
                         : db_stmt(s->r->db, "SELECT leaf + 1 FROM entry WHERE leaf < ?1 ORDER BY leaf DESC LIMIT 1");
  bool row;
  db_bind_u64(q, 1, *at);
  enum tg_err err = db_step(q, &row);
  if (err)
    return err;
  *at = row ? db_u64(q, 0) : up ? s->r->size : 0;
  if (row)
    db_reset(q);
  return TG_OK;
}

static enum tg_err walk(struct search *s, uint64_t from, struct page *p, struct tg_why *why)
{
  const bool up = s->f->oldest_first;
  uint64_t loaded = UINT64_MAX;
  enum tg_err err = TG_OK;
  for (uint64_t at = from; !err && !p->full && (up ? at < s->r->size : at > 0);) {
    const uint64_t leaf = up ? at : at - 1, piece = leaf / WORDS_PIECE;
    if (piece != loaded) {
      err = load_piece(s, piece);
      loaded = piece;
    }
    const unsigned bit = (unsigned)(leaf % WORDS_PIECE);
    if (!err && s->bits[bit / 8] == 0 && (up ? bit % 8 == 0 && leaf + 8 < s->r->size : bit % 8 == 7)) {
      at = up ? at + 8 : at - 8; /* eight that are not asked for */
      continue;
    }
    if (!err && (s->bits[bit / 8] >> bit % 8 & 1))
      err = take_leaf(s, leaf, p, why);
    at = up ? at + 1 : at - 1;
    if (err == TG_NOT_FOUND)
      err = next_known(s, up, &at);
  }
  return err;
}

enum tg_err review_entries(struct review *r, const struct review_filter *f, uint64_t cursor, unsigned limit, json_t **ret,
                           struct tg_why *why)
{
  struct search *s = calloc(1, sizeof *s);
  struct page p = {.list = json_array(), .limit = limit < 1 ? 1 : limit > REVIEW_PAGE_MAX ? REVIEW_PAGE_MAX : limit};
  if (!s || !p.list)
    return free(s), TG_NO_MEMORY;
  s->r = r;
  s->f = f;
  enum tg_err err = prepare(s, why);
  if (!err)
    err = walk(s, cursor || f->oldest_first ? (cursor < r->size ? cursor : r->size) : r->size, &p, why);
  done(s);
  free(s);
  const uint64_t next = f->oldest_first ? p.last + 1 : p.last;
  const bool more = p.full && next > 0 && next < r->size;
  if (!err)
    *ret = json_pack("{s:O,s:o}", "entries", p.list, "next", more ? json_integer((json_int_t)next) : json_null());
  json_decref(p.list);
  return err ? err : *ret ? TG_OK : TG_NO_MEMORY;
}

/* ---- one entry ---- */

static void add_bytes(json_t *j, const char *name, struct slice bytes)
{
  char text[LIMIT_ENTRY * 2];
  json_object_set_new(j, name, json_string(sodium_bin2base64(text, sizeof text, bytes.p, bytes.n, sodium_base64_VARIANT_ORIGINAL)));
}

static json_t *receipts_of(struct review *r, const struct dossier *d)
{
  json_t *list = json_array();
  struct receipt receipt;
  for (struct slice rest = dossier_receipts(d); dossier_receipt_next(d, &rest, r->arena, &receipt) == TG_OK;)
    json_array_append_new(list, json_of_receipt(r, &receipt));
  return list;
}

static json_t *document_of(const struct dossier *d)
{
  struct slice bytes = d->paper[DOSSIER_DOCUMENT];
  uint8_t kind;
  if (!bytes.n || !take_u8(&bytes, &kind))
    return json_null();
  return json_pack("{s:s,s:o}", "kind", document_kind_name((enum document_kind)kind), "text",
                   kind == DOCUMENT_SEALING_KEYS ? json_null() : json_of_text(bytes));
}

enum tg_err review_entry(struct review *r, uint64_t index, json_t **ret, struct tg_why *why)
{
  struct dossier d;
  struct entry e;
  struct place_of at;
  struct ruling ruling;
  arena_reset(r->arena);
  enum tg_err err = file_dossier(r, index, r->arena, &d, &e, why);
  if (!err)
    err = index_place(r, index, &at);
  if (err)
    return err;
  json_t *j = json_of_entry(r, &d, &e, r->arena);
  if (!j)
    return TG_NO_MEMORY;
  json_object_set_new(j, "leaf", json_of_hash(&at.hash));
  add_bytes(j, "salt", slice_of(d.salt, sizeof d.salt));
  add_bytes(j, "entry", d.paper[DOSSIER_ENTRY]);
  json_object_set_new(j, "charter_version", e.charter_version ? json_integer((json_int_t)e.charter_version) : json_null());
  json_object_set_new(j, "policy_set", json_of_hash(&e.policy_set));
  json_object_set_new(j, "decision_hash", json_of_hash(&e.decision));
  json_object_set_new(j, "ruling", dossier_ruling(&d, r->arena, &ruling, NULL) == TG_OK ? json_of_ruling(r, &ruling) : json_null());
  json_object_set_new(j, "receipts", receipts_of(r, &d));
  json_object_set_new(j, "document", document_of(&d));
  *ret = j;
  return TG_OK;
}
