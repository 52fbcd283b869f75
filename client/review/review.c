/* Opening a source, and what there is to say of it as a whole. */
#include "client/review/review.h"

#include "client/review/inside.h"
#include "keys/codec.h"
#include "os/clock.h"
#include "os/file.h"
#include "proto/hash.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { VERIFIED = 256, WITNESSES = 512 };

/* ---- the index's place: in the user's cache, by what the source is called ---- */

static enum tg_err cache_path(const struct place *p, char out[REVIEW_PATH], struct tg_why *why)
{
  char folder[REVIEW_PATH], real[PATH_MAX], hex[HASH_TEXT];
  const char *cache = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
  struct hash_state s;
  if (cache && cache[0] == '/')
    snprintf(folder, sizeof folder, "%s/toguna", cache);
  else
    snprintf(folder, sizeof folder, "%s/.cache/toguna", home ? home : "/tmp");
  if (!realpath(p->log, real))
    snprintf(real, sizeof real, "%s", p->log);
  hash_begin(&s, "toguna/review/v1");
  hash_put(&s, real, strlen(real));
  struct hash h = hash_end(&s);
  hash_print(&h, hex);
  enum tg_err err = file_mkdir(folder, 0700, why);
  if (!err && (size_t)snprintf(out, REVIEW_PATH, "%s/review-%.16s.db", folder, hex) >= REVIEW_PATH)
    err = TG_BAD_INPUT;
  return err;
}

/* ---- life ---- */

void review_free(struct review *r)
{
  if (!r)
    return;
  words_free(r->words);
  db_close(&r->db);
  directory_free(r->directory);
  batch_verifier_free(r->verifier);
  arena_free(r->arena);
  buf_free(&r->note);
  buf_free(&r->bundle);
  free(r);
}

/* What the index remembers: the directory as of its last entry. */
static enum tg_err resume(struct review *r, struct tg_why *why)
{
  bool rules;
  return place_is_view(&r->place) ? TG_OK : papers_between(r, 0, r->size, &r->directory, &rules, why);
}

static enum tg_err start(struct review *r, const struct review_place *wish, struct tg_why *why)
{
  char path[REVIEW_PATH];
  enum tg_err err = place_find(wish, &r->place, why);
  if (!err && !wish->index)
    err = cache_path(&r->place, path, why);
  if (!err)
    err = index_open(r, wish->index ? wish->index : path, why);
  return err ? err : resume(r, why);
}

/* Whatever failed without a word of its own. */
static enum tg_err explained(enum tg_err err, const struct review_place *wish, struct tg_why *why)
{
  if (!why || why->what || wish->ask) /* a node said it itself */
    return err;
  return why_set(why, err, wish->folder, N_("this log cannot be reviewed (%1$s)"),
                 N_("Try again; if it stays so, remove the index, which is made again"), tg_err_name(err), NULL, NULL);
}

enum tg_err review_open(const struct review_place *wish, review_progress *progress, void *arg, struct review **ret,
                        struct tg_why *why)
{
  uint64_t fresh;
  struct review *r = calloc(1, sizeof *r);
  if (!r)
    return TG_NO_MEMORY;
  r->note = buf_new(CHECKPOINT_BYTES_MAX);
  r->bundle = buf_new(DOSSIER_BUNDLE_MAX);
  r->bundle_of = r->asked_of = UINT64_MAX;
  r->arena = arena_new(REVIEW_ARENA);
  r->verifier = batch_verifier_new(VERIFIED);
  enum tg_err err = r->arena && r->verifier ? start(r, wish, why) : TG_NO_MEMORY;
  if (!err)
    err = intake(r, progress, arg, &fresh, why);
  if (err) {
    review_free(r);
    return explained(err, wish, why);
  }
  *ret = r;
  return TG_OK;
}

enum tg_err review_refresh(struct review *r, uint64_t *ret_new, struct tg_why *why)
{
  return intake(r, NULL, NULL, ret_new, why);
}

bool review_is_view(const struct review *r)
{
  return place_is_view(&r->place);
}

struct slice review_note(const struct review *r)
{
  return buf_slice(&r->note);
}

const struct note_key *review_key(const struct review *r)
{
  return &r->place.key;
}

const struct directory *review_directory(const struct review *r)
{
  return r->directory;
}

/* ---- witnesses ---- */

struct witnesses {
  struct checkpoint_witness good[WITNESSES];
  size_t n;
  json_t *list;
};

static bool stands_in(const struct note *note, const struct note_key *key)
{
  for (size_t i = 0; i < note->n; i++)
    if (note->sig[i].id == key->id && slice_is(note->sig[i].name, key->name))
      return true;
  return false;
}

enum tg_err witnesses_check(const struct review *r, struct slice bytes, const char *where, struct tg_why *why)
{
  struct note *note = calloc(1, sizeof *note);
  const struct node *node;
  enum tg_err err = note ? note_parse(bytes, where, note, why) : TG_NO_MEMORY;
  for (size_t i = 0; !err && note->n > 1 && r->directory && (node = directory_node_at(r->directory, i)); i++) {
    struct note_key key;
    struct note_verdict verdict;
    if (node->credential.has_witness && credential_witness_key(&node->credential, &key) == TG_OK && stands_in(note, &key) &&
        note_verify(note, &key, 1, &verdict, NULL) != TG_OK)
      err = why_set(why, TG_BAD_SIGNATURE, where, N_("the cosignature in the name of %1$s is false"),
                    N_("Somebody changed this file, or made it up: fetch it again from where it comes"), key.name, NULL, NULL);
  }
  free(note);
  return err;
}

static void add_witness(struct review *r, const struct note *note, const struct node *node, struct witnesses *w)
{
  struct checkpoint_witness x = {.member = node->credential.holder.member};
  struct note_verdict verdict;
  char name[PAPERS_NAME];
  if (!node->credential.has_witness || credential_witness_key(&node->credential, &x.key) != TG_OK || !stands_in(note, &x.key) ||
      note_verify(note, &x.key, 1, &verdict, NULL) != TG_OK || w->n == WITNESSES)
    return;
  holder_print(&node->credential.holder, name);
  json_array_append_new(w->list, json_pack("{s:s,s:s,s:o}", "witness", name, "state", x.member.code, "time",
                                           json_of_time(verdict.time)));
  if (directory_may_act(r->directory, &node->credential.identity, verdict.time, NULL) == TG_OK)
    w->good[w->n++] = x;
}

/* Whose cosignatures a checkpoint has, and are they enough? null: the charter is not known. */
static json_t *settled(struct review *r, const struct note *note, struct witnesses *w)
{
  const struct charter *c = r->directory ? directory_newest_charter(r->directory) : NULL;
  const struct node *node;
  bool left[MEMBERS_MAX] = {false};
  if (!c)
    return json_null();
  for (size_t i = 0; (node = directory_node_at(r->directory, i)); i++)
    add_witness(r, note, node, w);
  const tg_time now = clock_wall();
  for (size_t i = 0; i < c->n_members; i++)
    left[i] = directory_standing(r->directory, c->member[i].code, now) == STANDING_WITHDRAWN;
  const struct settled_by by = {.charter = c, .left = left, .witnesses = w->good, .n = w->n};
  return json_boolean(checkpoint_settled(note, &r->place.key, &by, now, c->limits.clock_skew, NULL, NULL) == TG_OK);
}

static json_t *of_checkpoint(struct review *r, struct slice bytes, tg_time seen)
{
  struct checkpoint c;
  struct note *note = calloc(1, sizeof *note);
  struct witnesses *w = calloc(1, sizeof *w);
  json_t *j = NULL;
  if (note && w && checkpoint_open(bytes, &r->place.key, &c, note, NULL) == TG_OK) {
    w->list = json_array();
    json_t *is = settled(r, note, w);
    j = json_pack("{s:I,s:o,s:o,s:o,s:o,s:o}", "size", (json_int_t)c.size, "root", json_of_hash(&c.root), "seen", json_of_time(seen),
                  "settled", is, "cosigned", w->list, "note", json_of_text(bytes));
  }
  free(w);
  free(note);
  return j;
}

enum { CHECKPOINTS_MAX = 200 };

enum tg_err review_checkpoints(struct review *r, json_t **ret, struct tg_why *why)
{
  json_t *list = json_array();
  bool row;
  (void)why;
  struct db_stmt *s = db_stmt(r->db, "SELECT note, seen FROM checkpoint ORDER BY size DESC LIMIT ?1");
  db_bind_u64(s, 1, CHECKPOINTS_MAX);
  while (db_step(s, &row) == TG_OK && row) {
    json_t *c = of_checkpoint(r, db_blob(s, 0), db_i64(s, 1));
    if (c)
      json_array_append_new(list, c);
  }
  *ret = json_pack("{s:s,s:o}", "log", r->place.key.name, "checkpoints", list);
  return *ret ? TG_OK : TG_NO_MEMORY;
}

/* ---- as a whole ---- */

static enum tg_err append_value(void *arg, const char *word)
{
  const char *value = strchr(word, ':');
  return json_array_append_new(arg, json_string(value ? value + 1 : word)) == 0 ? TG_OK : TG_NO_MEMORY;
}

enum { SETTLED_LOOK = 20 };

/* The largest that is known to be settled: entries below it are. null: none, or it cannot be told. */
static json_t *settled_size(struct review *r, const json_t *newest, struct witnesses *w)
{
  struct note *note = calloc(1, sizeof *note);
  json_t *found = NULL;
  bool row;
  if (json_is_true(newest))
    found = json_integer((json_int_t)r->size);
  struct db_stmt *s = db_stmt(r->db, "SELECT size, note FROM checkpoint WHERE settled = 1 OR ?1 ORDER BY size DESC LIMIT ?2");
  db_bind_u64(s, 1, !place_is_view(&r->place));
  db_bind_u64(s, 2, SETTLED_LOOK);
  while (note && !found && !json_is_null(newest) && db_step(s, &row) == TG_OK && row) {
    json_array_clear(w->list);
    w->n = 0;
    json_t *is = note_parse(db_blob(s, 1), NULL, note, NULL) == TG_OK ? settled(r, note, w) : json_null();
    if (json_is_true(is))
      found = json_integer((json_int_t)db_u64(s, 0));
    json_decref(is);
  }
  db_reset(s);
  free(note);
  return found ? found : json_null();
}

static const char *kind_name_of(const struct review *r)
{
  static const char *const names[] = {[REVIEW_HUB] = "hub", [REVIEW_COPY] = "copy", [REVIEW_NODE] = "node", [REVIEW_NODE_COPY] = "node-copy"};
  return names[r->place.kind];
}

static json_t *fact_text(struct review *r, const char *name)
{
  struct buf b = buf_new(256);
  json_t *j = index_fact(r, name, &b) == TG_OK ? json_of_text(buf_slice(&b)) : json_null();
  buf_free(&b);
  return j;
}

static json_t *fact_number(struct review *r, const char *name)
{
  json_t *text = fact_text(r, name);
  json_t *n = json_integer(json_is_string(text) ? strtoll(json_string_value(text), NULL, 10) : 0);
  json_decref(text);
  return n;
}

enum tg_err review_about(struct review *r, json_t **ret, struct tg_why *why)
{
  json_t *states = json_array(), *topics = json_array();
  struct witnesses *w = calloc(1, sizeof *w);
  struct note *note = calloc(1, sizeof *note);
  (void)why;
  enum tg_err err = w && note ? words_like(r->words, "state:", append_value, states) : TG_NO_MEMORY;
  if (!err)
    err = words_like(r->words, "topic:", append_value, topics);
  if (!err)
    w->list = json_array();
  json_t *is = !err && note_parse(buf_slice(&r->note), NULL, note, NULL) == TG_OK ? settled(r, note, w) : json_null();
  json_t *below = !err ? settled_size(r, is, w) : json_null();
  const uint64_t opened = index_opened(r);
  tg_time first = 0, last = 0;
  if (!err)
    err = review_span(r, &first, &last);
  if (!err)
    *ret = json_pack("{s:s,s:o,s:o,s:o,s:s,s:o,s:I,s:I,s:o,s:o,s:o,s:o,s:o,s:b,s:o,s:o}", "kind", kind_name_of(r), "node", fact_text(r, "node"),
                     "gaps", fact_number(r, "gaps"), "unproven", fact_number(r, "unproven"), "log",
                     r->place.key.name, "exchange", json_of_hash(&r->exchange), "size", (json_int_t)r->size, "opened",
                     (json_int_t)opened, "root", json_of_hash(&r->checkpoint.root), "first", json_of_time(first), "last",
                     json_of_time(last), "settled", is, "settled_size", below, "vouched", r->place.vouched, "states", states, "topics", topics);
  if (w)
    json_decref(w->list);
  free(w);
  free(note);
  return err ? err : *ret ? TG_OK : TG_NO_MEMORY;
}
