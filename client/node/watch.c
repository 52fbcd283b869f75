#include "client/node/watch.h"

#include "audit/evidence.h"
#include "audit/witness.h"
#include "client/node/history.h"
#include "client/node/talk.h"
#include "keys/codec.h"
#include "proto/hash.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WITNESSES_MAX = 512 };

/* A checkpoint that somebody saw, whose signature was verified: many bulletins in a row carry the same bytes. */
struct verified {
  struct note_key log;
  size_t n; /* 0: none yet */
  uint8_t note[LIMIT_BARE_CHECKPOINT];
  uint64_t size;
  struct hash root;
};

/* Invariant: `state` is what the table says of the log, once the turn is committed. */
struct watch {
  struct note_key log;
  bool begun, known; /* a session began; a checkpoint was seen */
  char first[NOTE_NAME_MAX + 1]; /* the log that rows do not name; "": an earlier version named none of several */
  struct witness_state state;
  uint64_t settled;
  struct buf cosigned; /* the newest note with our cosignature; empty: not made yet */
  struct verified heard;
  struct proven proven; /* of the tree that was asked about last */
  bool starved; /* there was no memory for our cosignature: the turn must not end as if it had been given */
  bool needed, marked;  /* an entry was opened to us under the newest; the table says so */
  uint64_t pruned;      /* history_put() */
};

struct watch *watch_new(void)
{
  struct watch *w = calloc(1, sizeof *w);
  if (w)
    w->cosigned = buf_new(LIMIT_CHECKPOINT);
  return w;
}

void watch_free(struct watch *w)
{
  if (!w)
    return;
  buf_free(&w->cosigned);
  free(w);
}

/* ---- what the disk knows ---- */

static enum tg_err load(struct node_core *core, const char *log, struct witness_state *ret, uint64_t *ret_settled,
                        bool *ret_forked)
{
  struct db_stmt *s = db_stmt(depot_db(core->depot), "SELECT state, settled, forked FROM watched WHERE log = ?");
  db_bind_text(s, 1, slice_str(log));
  enum tg_err err = db_one(s);
  if (err != TG_OK)
    return err;
  err = witness_parse(db_blob(s, 0), log, ret, NULL) == TG_OK ? TG_OK : TG_DISK;
  *ret_settled = db_u64(s, 1);
  *ret_forked = db_u64(s, 2) != 0;
  db_reset(s);
  return err;
}

static enum tg_err store(struct node_core *core, bool forked)
{
  struct watch *w = core->watch;
  struct buf text = buf_new(WITNESS_STATE_MAX);
  enum tg_err err = core_begin(core);
  if (err == TG_OK)
    err = witness_print(&w->state, &text);
  if (err == TG_OK) {
    struct db_stmt *s = db_stmt(depot_db(core->depot), "INSERT OR REPLACE INTO watched VALUES(?, ?, ?, ?)");
    db_bind_text(s, 1, slice_str(w->log.name));
    db_bind_buf(s, 2, &text);
    db_bind_u64(s, 3, w->settled);
    db_bind_u64(s, 4, forked);
    err = db_run(s);
  }
  buf_free(&text);
  return err;
}

enum tg_err watch_is_forked(struct node_core *core, const struct charter_hub *hub, bool *ret)
{
  struct witness_state state;
  uint64_t settled;
  bool forked = false;
  enum tg_err err = load(core, hub->log.name, &state, &settled, &forked);
  *ret = forked;
  return err == TG_NOT_FOUND ? TG_OK : err;
}

enum tg_err watch_turn(struct node_core *core)
{
  struct watch *w = core->watch;
  if (w->starved)
    return TG_NO_MEMORY;
  if (!w->needed || w->marked)
    return TG_OK;
  w->marked = true;
  enum tg_err err = core_begin(core);
  return err == TG_OK ? history_need(core, w->log.name, w->state.size) : err;
}

static const char first_log[] = "first-log";

/* Which log is the one that rows do not name? TG_NOT_FOUND: the store does not say. */
static enum tg_err read_first(struct node_core *core)
{
  struct watch *w = core->watch;
  struct slice name;
  enum tg_err err = w->first[0] ? TG_OK : depot_fact(core->depot, first_log, core->arena, &name);
  if (err == TG_OK && !w->first[0])
    snprintf(w->first, sizeof w->first, "%.*s", (int)name.n, (const char *)name.p);
  return err;
}

static enum tg_err find_first(struct node_core *core, const char *log)
{
  bool others = false;
  enum tg_err err = read_first(core);
  if (err != TG_NOT_FOUND)
    return err;
  err = history_has_others(core, "", &others);
  if (err != TG_OK || others)
    return err;
  err = core_begin(core);
  if (err == TG_OK)
    err = depot_fact_put(core->depot, first_log, slice_str(log));
  if (err == TG_OK)
    snprintf(core->watch->first, sizeof core->watch->first, "%s", log);
  return err;
}

enum tg_err watch_begin(struct node_core *core, const struct charter_hub *hub)
{
  struct watch *w = core->watch;
  bool forked;
  enum tg_err err = watch_turn(core);
  if (err == TG_OK)
    err = find_first(core, hub->log.name);
  if (err != TG_OK)
    return err;
  w->log = hub->log;
  w->begun = true;
  w->known = false;
  w->settled = w->pruned = 0;
  w->needed = w->marked = false;
  buf_clear(&w->cosigned);
  err = load(core, hub->log.name, &w->state, &w->settled, &forked);
  w->known = err == TG_OK;
  return err == TG_NOT_FOUND ? TG_OK : err;
}

/* ---- taking checkpoints ---- */

static size_t good_witnesses(const struct node_core *core, struct checkpoint_witness *ret)
{
  const struct node *node;
  size_t n = 0;
  for (size_t i = 0; n < WITNESSES_MAX && (node = directory_node_at(core->directory, i)); i++)
    if (node->credential.has_witness &&
        directory_may_act(core->directory, &node->credential.identity, core->now.wall, NULL) == TG_OK &&
        credential_witness_key(&node->credential, &ret[n].key) == TG_OK)
      ret[n++].member = node->credential.holder.member;
  return n;
}

/* Cosigned by enough of each camp? Then all below it is settled. */
static enum tg_err settle(struct node_core *core, struct slice bytes)
{
  struct watch *w = core->watch;
  const struct charter *charter = core_charter(core);
  if (!charter)
    return TG_OK;
  if (charter->witness_quorum.n == 0) {
    w->settled = w->state.size;
    return TG_OK;
  }
  struct checkpoint_witness *witnesses = arena_alloc(core->arena, WITNESSES_MAX * sizeof *witnesses);
  bool *left = arena_alloc(core->arena, charter->n_members * sizeof *left);
  struct note *note = arena_alloc(core->arena, sizeof *note);
  if (!witnesses || !left || !note)
    return TG_NO_MEMORY;
  if (note_parse(bytes, NULL, note, NULL) != TG_OK)
    return TG_OK;
  for (size_t i = 0; i < charter->n_members; i++)
    left[i] = directory_standing(core->directory, charter->member[i].code, core->now.wall) == STANDING_WITHDRAWN;
  struct settled_by by = {.charter = charter, .left = left, .witnesses = witnesses, .n = good_witnesses(core, witnesses)};
  enum tg_err err =
      checkpoint_settled(note, &w->log, &by, core->now.wall, charter->limits.clock_skew, NULL, NULL);
  if (err == TG_OK)
    w->settled = w->state.size;
  return err == TG_NO_MEMORY ? err : TG_OK;
}

static enum tg_err fork_seen(struct node_core *core, struct slice evidence, const struct tg_why *why)
{
  char name[96], hex[65];
  struct hash hash = hash_plain(evidence);
  hash_print(&hash, hex);
  snprintf(name, sizeof name, "log-fork-%.16s.evidence", hex);
  enum tg_err err = evidence.n ? orders_evidence(core->orders, name, evidence) : TG_OK;
  if (err == TG_OK)
    err = store(core, true);
  return err == TG_OK ? core_tell(core, NODE_ALARM, "log-forked", NULL, talk_hub(core), core->watch->state.size, why) : err;
}

enum tg_err watch_take(struct node_core *core, struct slice note, struct slice consistency, enum watch_verdict *ret,
                       struct tg_why *why)
{
  struct watch *w = core->watch;
  struct witness_state next;
  struct buf evidence = buf_new(EVIDENCE_BYTES_MAX);
  *ret = WATCH_CHAINED;
  if (note.n == 0)
    return TG_OK;
  enum tg_err err = witness_update(w->known ? &w->state : NULL, &w->log, note, consistency, &next, &evidence, why);
  switch (err) {
  case TG_OK:
    if ((err = watch_turn(core)) != TG_OK)
      break;
    w->needed = w->marked = false;
    w->state = next;
    w->known = true;
    buf_clear(&w->cosigned);
    err = settle(core, note);
    if (err == TG_OK)
      err = store(core, false);
    if (err == TG_OK) {
      const bool settled = w->settled == next.size;
      err = history_put(core, &next, consistency, settled ? note : witness_note(&next), settled, &w->pruned);
    }
    break;
  case TG_DUPLICATE: { /* perhaps with more cosignatures */
    uint64_t before = w->settled;
    err = settle(core, note);
    if (err == TG_OK && w->settled != before)
      err = store(core, false);
    if (err == TG_OK && w->settled != before)
      err = history_settle(core, w->log.name, w->settled, note);
    break;
  }
  case TG_CONFLICT:
    *ret = WATCH_FORKED;
    err = fork_seen(core, buf_slice(&evidence), why);
    break;
  case TG_NO_MEMORY:
    break;
  default:
    *ret = WATCH_BROKEN;
    err = TG_OK;
    break;
  }
  buf_free(&evidence);
  return err;
}

/* ---- what other nodes saw ---- */

/* Two checkpoints that the log signed, of one size: nothing more is needed. */
static enum tg_err same_size_fork(struct node_core *core, struct slice theirs, struct slice ours)
{
  struct watch *w = core->watch;
  struct buf text = buf_new(EVIDENCE_BYTES_MAX);
  struct tg_why why;
  const struct evidence e = {.kind = EVIDENCE_SAME_SIZE, .log = w->log, .first = ours, .second = theirs};
  why_set(&why, TG_CONFLICT, "checkpoint", N_("the log has signed two histories, and here is the proof"),
          N_("stop trusting this hub and show the evidence to the other members"), NULL, NULL, NULL);
  enum tg_err err = evidence_print(&e, &text, NULL);
  if (err == TG_OK)
    err = fork_seen(core, buf_slice(&text), &why);
  buf_free(&text);
  return err;
}

/* Who wrote the bulletin had seen a log longer than the place that its entry got. The entry names the bulletin, the bulletin names
   that log's root: no log can hold both. */
static enum tg_err impossible_order(struct node_core *core, const struct header *header, const struct opening *opening,
                                    const struct witness_state *under)
{
  struct watch *w = core->watch;
  struct tg_why why;
  struct evidence e;
  struct buf text = buf_new(EVIDENCE_BYTES_MAX);
  enum tg_err err = evidence_out_of_order(&w->log, header, opening, witness_note(under), &e);
  if (err == TG_OK)
    err = evidence_print(&e, &text, NULL);
  why_set(&why, TG_CONFLICT, "checkpoint",
          N_("another node had seen more of the log than the hub shows here, before it wrote what the hub shows now"),
          N_("stop trusting this hub and show the evidence to the other members"), NULL, NULL, NULL);
  if (err != TG_NO_MEMORY) /* without a proof the node has seen it nevertheless */
    err = fork_seen(core, err == TG_OK ? buf_slice(&text) : slice_of(NULL, 0), &why);
  buf_free(&text);
  return err;
}

/* What the note says, if our log signed it. The same bytes under the same key are verified once. */
static enum tg_err hear_checkpoint(struct watch *w, struct slice bytes, uint64_t *ret_size, struct hash *ret_root)
{
  struct verified *v = &w->heard;
  struct checkpoint c;
  if (v->n == 0 || !slice_eq(bytes, slice_of(v->note, v->n)) || !note_key_eq(&v->log, &w->log)) {
    enum tg_err err = bytes.n > sizeof v->note ? TG_TOO_BIG : checkpoint_open(bytes, &w->log, &c, NULL, NULL);
    if (err != TG_OK)
      return err;
    *v = (struct verified){.log = w->log, .n = bytes.n, .size = c.size, .root = c.root};
    memcpy(v->note, bytes.p, bytes.n);
  }
  *ret_size = v->size;
  *ret_root = v->root;
  return TG_OK;
}

enum tg_err watch_hear(struct node_core *core, const struct header *header, const struct opening *opening,
                       const struct witness_state *under, enum watch_heard *ret, uint64_t *ret_size)
{
  const struct slice bytes = header->checkpoint;
  struct watch *w = core->watch;
  struct checkpoint c = {.size = 0};
  struct history_row ours;
  struct slice text = bytes, origin;
  *ret = HEARD_SAME;
  *ret_size = 0;
  if (bytes.n == 0 || !w->known || slice_eq(bytes, witness_note(&w->state)))
    return TG_OK;
  *ret = HEARD_OTHER;
  if (!take_line(&text, &origin) || !slice_is(origin, w->log.name))
    return TG_OK;
  *ret = HEARD_FORGED;
  enum tg_err err = hear_checkpoint(w, bytes, &c.size, &c.root);
  if (err != TG_OK)
    return err == TG_NO_MEMORY ? err : TG_OK;
  *ret_size = c.size;
  if (c.size > opening->index) {
    *ret = HEARD_FORKED;
    return impossible_order(core, header, opening, under);
  }
  err = c.size ? history_at(core, w->log.name, c.size, core->arena, &ours) : TG_OK;
  *ret = err == TG_NOT_FOUND ? HEARD_NEW : HEARD_SAME;
  if (err != TG_OK || c.size == 0 || hash_eq(&ours.root, &c.root))
    return err == TG_NOT_FOUND ? TG_OK : err;
  *ret = HEARD_FORKED;
  return same_size_fork(core, bytes, ours.note);
}

enum tg_err watch_proven(struct node_core *core, struct slice note, struct slice path, enum watch_verdict *ret,
                         struct tg_why *why)
{
  struct watch *w = core->watch;
  struct buf evidence = buf_new(EVIDENCE_BYTES_MAX);
  *ret = WATCH_CHAINED;
  enum tg_err err = w->known ? witness_compare(&w->state, &w->log, note, path, &evidence, why) : TG_STALE;
  if (err == TG_CONFLICT) {
    *ret = WATCH_FORKED;
    err = fork_seen(core, buf_slice(&evidence), why);
  } else if (err != TG_OK && err != TG_NO_MEMORY) {
    *ret = WATCH_BROKEN;
    err = TG_OK;
  }
  buf_free(&evidence);
  return err;
}

/* ---- what it knows ---- */

uint64_t watch_size(const struct node_core *core) { return core->watch->known ? core->watch->state.size : 0; }

struct hash watch_root(const struct node_core *core)
{
  return core->watch->known ? core->watch->state.root : (struct hash){{0}};
}

struct slice watch_note(struct node_core *core)
{
  struct watch *w = core->watch;
  if (!w->known)
    return slice_of(NULL, 0);
  if (!core->secrets->witness)
    return witness_note(&w->state);
  if (w->cosigned.n == 0) {
    const enum tg_err err = witness_cosign(&w->state, core->secrets->witness, core->now.wall, &w->cosigned, NULL);
    w->starved |= err == TG_NO_MEMORY;
    if (err != TG_OK)
      buf_clear(&w->cosigned);
  }
  return w->cosigned.n ? buf_slice(&w->cosigned) : witness_note(&w->state);
}

void watch_cosign_again(struct node_core *core) { buf_clear(&core->watch->cosigned); }

struct slice watch_bare(const struct node_core *core)
{
  const struct watch *w = core->watch;
  const struct slice note = w->known ? witness_note(&w->state) : slice_of(NULL, 0);
  return note.n <= LIMIT_BARE_CHECKPOINT ? note : slice_of(NULL, 0);
}

uint64_t watch_settled(const struct node_core *core) { return core->watch->settled; }

const char *watch_mark(const struct node_core *core, const char *log)
{
  if (!log)
    return "-"; /* the name of none */
  return strcmp(log, core->watch->first) == 0 ? "" : log;
}

bool watch_has_settled(const struct node_core *core, struct slice mark, uint64_t leaf)
{
  const struct watch *w = core->watch;
  return leaf < w->settled && (mark.n ? slice_is(mark, w->log.name) : !w->first[0] || strcmp(w->first, w->log.name) == 0);
}

bool watch_shows_settled(struct node_core *core, struct slice mark, uint64_t leaf)
{
  const struct watch *w = core->watch;
  char log[NOTE_NAME_MAX + 1];
  struct witness_state state;
  uint64_t settled;
  bool forked;
  if (w->begun)
    return watch_has_settled(core, mark, leaf);
  if (!mark.n && read_first(core) != TG_OK)
    return false;
  snprintf(log, sizeof log, "%.*s", mark.n ? (int)mark.n : NOTE_NAME_MAX, mark.n ? (const char *)mark.p : w->first);
  return load(core, log, &state, &settled, &forked) == TG_OK && leaf < settled;
}

enum tg_err watch_look(struct node_core *core, uint64_t *ret_size, uint64_t *ret_settled)
{
  const struct charter *charter = core_charter(core);
  const struct charter_hub *hub = charter ? charter_hub(charter, slice_str(talk_next_hub(core))) : NULL;
  struct witness_state state = {.size = 0};
  bool forked;
  *ret_size = watch_size(core);
  *ret_settled = watch_settled(core);
  if (core->watch->begun || !hub)
    return TG_OK;
  enum tg_err err = load(core, hub->log.name, &state, ret_settled, &forked);
  *ret_size = state.size;
  return err == TG_NOT_FOUND ? TG_OK : err;
}

const char *watch_log(const struct node_core *core) { return core->watch->begun ? core->watch->log.name : ""; }

enum { NUMBER_NAME = 16 + 1 + NOTE_NAME_MAX + 1 };

static const char *number_name(const struct node_core *core, const char *name, char out[NUMBER_NAME])
{
  snprintf(out, NUMBER_NAME, "%.16s/%s", name, watch_log(core));
  return out;
}

enum tg_err watch_number(struct node_core *core, const char *name, uint64_t *ret)
{
  char room[NUMBER_NAME];
  return depot_number(core->depot, number_name(core, name, room), ret);
}

enum tg_err watch_number_put(struct node_core *core, const char *name, uint64_t value)
{
  char room[NUMBER_NAME];
  return depot_number_put(core->depot, number_name(core, name, room), value);
}

enum tg_err watch_entry_under(struct node_core *core, const struct witness_state *under, const struct opening *opening, struct entry *ret,
                              struct tg_why *why)
{
  if (under->size == 0)
    return why_set(why, TG_BAD_PROOF, NULL, N_("the hub has not shown a checkpoint of its log"), NULL, NULL, NULL, NULL);
  struct checkpoint checkpoint = witness_checkpoint(under);
  return opening_verify_with(opening, &checkpoint, &core->watch->proven, ret, why);
}

enum tg_err watch_entry(struct node_core *core, const struct opening *opening, struct entry *ret, struct tg_why *why)
{
  static const struct witness_state none = {.size = 0};
  struct watch *w = core->watch;
  enum tg_err err = watch_entry_under(core, w->known ? &w->state : &none, opening, ret, why);
  w->needed = w->needed || err == TG_OK;
  return err;
}

struct witness_state watch_hold(struct node_core *core)
{
  struct watch *w = core->watch;
  w->needed = w->needed || w->known;
  return w->known ? w->state : (struct witness_state){.size = 0};
}

enum tg_err watch_compare(struct node_core *core, const struct sign_pk *who, uint64_t size, const struct hash *root,
                          struct slice statement)
{
  struct watch *w = core->watch;
  const struct charter *charter = core_charter(core);
  /* A receipt does not say whose log it means: with several hubs there is nothing to compare. */
  if (size == 0 || !charter || charter->n_hubs != 1)
    return TG_OK;
  struct history_row ours;
  enum tg_err err = history_at(core, w->log.name, size, core->arena, &ours);
  if (err != TG_OK)
    return err == TG_NOT_FOUND ? TG_OK : err;
  if (hash_eq(&ours.root, root))
    return TG_OK;
  char name[HOLDER_MAX + 1];
  core_name_of(core, who, name);
  err = orders_evidence(core->orders, "other-history.receipt", statement);
  return err == TG_OK ? core_tell(core, NODE_ALARM, "other-history-seen", &ours.root, name, size, NULL) : err;
}
