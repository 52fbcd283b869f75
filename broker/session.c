#include "broker/session.h"

#include "broker/dispatch.h"
#include "broker/answer.h"
#include "broker/cosign.h"
#include "broker/gossip.h"
#include "broker/station.h"
#include "broker/store_body.h"
#include "broker/store_document.h"
#include "broker/upload.h"

#include <stdlib.h>
#include <string.h>

enum {
  SILENT_TICKS = 3,
  HELLOS_PER_HOUR = 1200, /* of one node: each is two leaves of the log */
  PARKED_NAMED = 128,     /* as many as a Welcome has room for */
  OCCUPIED_MS = 5 * 60 * 1000, /* a checkpoint, its cosignature and the quorum's take a line of 9.6 kbit/s a second */
};

/* ---- who is there */

struct session *session_of(const struct hub *hub, const struct seal_pk *peer)
{
  const struct node *node = directory_node_by_transport(hub->rules.directory, peer);
  const struct party *p = node ? party_find(&hub->parties, &node->credential.identity) : NULL;
  return p && p->session && seal_pk_eq(&p->session->peer, peer) ? p->session : NULL;
}

struct session *session_first(const struct hub *hub)
{
  return hub->sessions;
}

void sessions_wake(struct hub *hub, unsigned work)
{
  for (struct session *s = hub->sessions; s; s = s->next)
    s->work |= work;
}

void sessions_reconsider(struct hub *hub)
{
  for (struct session *s = hub->sessions; s; s = s->next) {
    memset(s->held_cursor, 0, sizeof s->held_cursor);
    s->work |= WORK_HELD;
  }
}

static void session_free(struct session *s)
{
  if (!s)
    return;
  answers_free(s);
  station_forget(s);
  free(s->flights);
  free(s);
}

void sessions_forget(struct hub *hub)
{
  for (struct session *s = hub->sessions, *next; s; s = next) {
    next = s->next;
    session_free(s);
  }
  hub->sessions = NULL;
}

/* ---- frames of its own */

enum tg_err session_send(struct hub *hub, struct session *s, enum frame_type type,
                         const ProtobufCMessage *message)
{
  s->sent = hub->now.mono;
  size_t bytes = 0;
  enum tg_err err = effects_send(hub->out, &s->peer, type, message, &bytes);
  pace_spend(&s->pace, hub->now.mono, bytes);
  return err;
}

bool session_may_send(struct hub *hub, const struct session *s)
{
  if (pace_is_free(&s->pace, hub->now.mono))
    return true;
  if (pace_due(&s->pace) < hub->paced)
    hub->paced = pace_due(&s->pace);
  return false;
}

enum tg_err session_chain(struct hub *hub, struct session *s, ProtobufCBinaryData *ret_note,
                          ProtobufCBinaryData *ret_proof)
{
  struct slice proof;
  if (!logbook_signed_size(hub->log))
    return TG_OK;
  enum tg_err err = logbook_chain(hub->log, s->shown, hub->reply, &proof);
  if (err)
    return err;
  *ret_note = strict_data(logbook_note(hub->log));
  *ret_proof = strict_data(proof);
  s->shown = logbook_signed_size(hub->log);
  return TG_OK;
}

enum tg_err session_turn_away(struct hub *hub, const struct seal_pk *peer, enum reason reason,
                              const char *detail)
{
  Tg__Goodbye m = TG__GOODBYE__INIT;
  m.reason = reason;
  m.detail = strict_data(slice_str(detail));
  return effects_send(hub->out, peer, FRAME_GOODBYE, &m.base, NULL);
}

/* ---- ending */

enum tg_err session_close(struct hub *hub, struct session *s, enum reason reason, unsigned how)
{
  struct entry entry = {.type = ENTRY_SESSION_CUT, .actor = s->party->identity, .reason = reason};
  memcpy(entry.member, s->code, 2);
  enum tg_err err = how & END_SAY ? session_turn_away(hub, &s->peer, reason, reason_sentence(reason)) : TG_OK;
  if (!err && how & END_CUT)
    err = effects_cut(hub->out, &s->peer);
  if (!err)
    err = hub_log(hub, &entry, NULL);
  if (!err)
    err = hub_tell(hub, HUB_NOTICE, "session-closed", s->party, NULL, reason, NULL);
  hub->counts.cut++;
  hub->parties.member[s->member].sessions--;
  hub->n_sessions--;
  s->party->session = NULL;
  *s->link = s->next;
  if (s->next)
    s->next->link = s->link;
  session_free(s);
  return err;
}

enum tg_err sessions_close_all(struct hub *hub, enum reason reason, unsigned how)
{
  while (hub->sessions) {
    enum tg_err err = session_close(hub, hub->sessions, reason, how);
    if (err)
      return err;
  }
  return TG_OK;
}

/* Ends its session, if it has one, and its connection. */
static enum tg_err turn_out(struct hub *hub, const struct seal_pk *peer, struct party *party, enum reason reason)
{
  if (party->session)
    return session_close(hub, party->session, reason, END_SAY | END_CUT);
  enum tg_err err = session_turn_away(hub, peer, reason, reason_sentence(reason));
  return err ? err : effects_cut(hub->out, peer);
}

enum tg_err session_strike(struct hub *hub, struct party *party, const struct seal_pk *peer,
                           const struct tg_why *why)
{
  hub->counts.malformed++;
  enum tg_err err = hub_tell(hub, HUB_NOTICE, "malformed", party, NULL, party->strikes + 1, why);
  if (err || !party_strike(party, hub->config.strikes, hub->config.refusal_window, hub->now.mono))
    return err;
  err = hub_tell(hub, HUB_ALARM, "abuse", party, NULL, party->strikes, why);
  return err ? err : turn_out(hub, peer, party, REASON_ABUSE);
}

/* Why a node may not hold a session, as others are told. */
static enum reason reason_of_right(enum tg_err err)
{
  return err == TG_REVOKED ? REASON_REVOKED : REASON_CREDENTIAL;
}

static enum tg_err review_one(struct hub *hub, struct session *s)
{
  const struct sign_pk *identity = &s->party->identity;
  enum tg_err right = directory_may_act(hub->rules.directory, identity, hub->now.wall, NULL);
  const struct node *node = directory_node(hub->rules.directory, identity);
  if (!right && node && seal_pk_eq(&node->credential.transport, &s->peer) && hub_has_begun(hub))
    return TG_OK;
  return session_close(hub, s, right ? reason_of_right(right) : REASON_CREDENTIAL, END_SAY | END_CUT);
}

enum tg_err sessions_review(struct hub *hub)
{
  enum tg_err err = TG_OK;
  for (struct session *s = hub->sessions, *next; !err && s; s = next) {
    next = s->next;
    err = review_one(hub, s);
  }
  return err ? err : hub_allow(hub);
}

/* ---- beginning */

enum tg_err session_compare(struct hub *hub, struct party *party, struct slice note, uint64_t *ret_size,
                            enum reason *ret_reason)
{
  struct checkpoint c;
  bool ours = false;
  *ret_size = 0;
  *ret_reason = REASON_NONE;
  if (note.n == 0)
    return TG_OK;
  enum tg_err err = checkpoint_open(note, &hub_self(hub)->log, &c, NULL, NULL);
  if (err == TG_NO_MEMORY)
    return err;
  if (err) {
    *ret_reason = REASON_SIGNATURE;
    return TG_OK;
  }
  if (c.size <= logbook_signed_size(hub->log))
    err = logbook_contains(hub->log, c.size, &c.root, &ours);
  if (err)
    return err;
  *ret_size = c.size;
  if (ours)
    return TG_OK;
  *ret_reason = REASON_CONFLICT;
  return hub_alarm(hub, REASON_CONFLICT, party, &c.root, note);
}

static enum tg_err session_new(struct hub *hub, const struct seal_pk *peer, struct party *party,
                               const struct node *node, const Tg__Hello *hello, struct session **ret)
{
  struct session *s = calloc(1, sizeof *s);
  if (!s)
    return TG_NO_MEMORY;
  *s = (struct session){
      .party = party,
      .peer = *peer,
      .member = node->member,
      .code = {node->credential.holder.member.code[0], node->credential.holder.member.code[1]},
      .document = hello->document_cursor,
      .note = hello->receipt_cursor,
      .note_seen = hello->receipt_cursor,
      .credit_count = hello->credit_count,
      .credit_bytes = hello->credit_bytes,
      .pace = pace_of(hello->rate),
      .heard = hub->now.mono,
      .sent = hub->now.mono,
      .rows_end = logbook_size(hub->log),
      .work = WORK_ROWS | WORK_NOTES | WORK_DOCUMENTS | WORK_HELD,
      .next = hub->sessions,
      .link = &hub->sessions};
  s->answers_end = &s->answers;
  if (s->next)
    s->next->link = &s->next;
  hub->sessions = s;
  party->session = s;
  hub->parties.member[s->member].sessions++;
  hub->n_sessions++;
  *ret = s;
  return TG_OK;
}

static enum tg_err welcome(struct hub *hub, struct session *s, const Tg__Hello *hello)
{
  Tg__Welcome m = TG__WELCOME__INIT;
  struct store_node_state state;
  const struct charter_limits *limits = hub_limits(hub);
  uint8_t parked[PARKED_NAMED * PARKED_PREFIX];
  struct buf waiting = {.p = parked, .cap = sizeof parked, .max = sizeof parked};
  enum tg_err err = store_node_state(hub->store, s->party->no, &state);
  if (!err)
    err = store_parked_prefixes(hub->store, s->party->no, PARKED_NAMED, &waiting);
  if (!err && (!s->pace.rate || !s->shown)) /* who has a slow line gets it with what is said under it */
    err = session_chain(hub, s, &m.checkpoint, &m.consistency);
  if (err)
    return err;
  m.protocol = 1;
  m.session = hello->session;
  m.time = (uint64_t)hub->now.wall;
  m.max_frame = limits->frame;
  m.max_inline_body = limits->inline_body;
  m.last_number = state.last_number;
  m.receipts_serial = state.receipts_serial;
  m.parked = strict_data(buf_slice(&waiting));
  return session_send(hub, s, FRAME_WELCOME, &m.base);
}

/* What the node says of the past: cursors beyond what we ever gave are taken for what we gave. */
static enum tg_err cursors(struct hub *hub, struct session *s)
{
  struct store_node_state state;
  uint64_t last;
  enum tg_err err = store_node_state(hub->store, s->party->no, &state);
  if (!err)
    err = store_document_last(hub->store, &last);
  if (err)
    return err;
  if (s->document > last)
    s->document = last;
  if (s->note > state.notes_sequence)
    s->note = s->note_seen = state.notes_sequence;
  return store_notes_seen(hub->store, s->party->no, s->note);
}

/* Why this Hello is not answered with Welcome; REASON_NONE: it is. */
static enum reason hello_refusal(const struct hub *hub, const struct node *node, const Tg__Hello *hello)
{
  struct hash claimed;
  if (hello->protocol != 1)
    return REASON_PROTOCOL;
  if (hash_read(strict_slice(hello->node), &claimed) ||
      memcmp(claimed.b, node->credential.identity.b, 32) != 0)
    return REASON_CREDENTIAL;
  if (hub->parties.member[node->member].sessions >= hub_limits(hub)->sessions)
    return REASON_QUOTA;
  return REASON_NONE;
}

/* Size and root alone prove nothing against us: who saw what we do not know shows the whole note next. */
static enum tg_err compare_seen(struct hub *hub, const Tg__Hello *hello, uint64_t *ret_size, enum reason *ret_reason)
{
  struct hash root;
  bool ours = false;
  enum tg_err err = TG_OK;
  if (hello->seen_size <= logbook_signed_size(hub->log) && !hash_read(strict_slice(hello->seen_root), &root))
    err = logbook_contains(hub->log, hello->seen_size, &root, &ours);
  *ret_size = ours ? hello->seen_size : 0;
  *ret_reason = ours ? REASON_NONE : REASON_UNKNOWN_REFERENCE;
  return err;
}

enum tg_err session_hello(struct hub *hub, const struct seal_pk *peer, struct party *party,
                          const Tg__Hello *hello)
{
  const struct node *node = directory_node(hub->rules.directory, &party->identity);
  struct entry entry = {.type = ENTRY_SESSION_OPENED, .actor = party->identity};
  if (!allowance_take(&party->hellos, HELLOS_PER_HOUR, 1, hub->now.mono))
    return turn_out(hub, peer, party, REASON_QUOTA);
  enum tg_err err = party->session ? session_close(hub, party->session, REASON_REPLACED, END_QUIETLY) : TG_OK;
  if (err)
    return err;
  enum reason reason = hello_refusal(hub, node, hello);
  uint64_t shown = 0;
  if (reason == REASON_NONE)
    err = hello->seen_size && !hello->checkpoint.len ? compare_seen(hub, hello, &shown, &reason)
                                                     : session_compare(hub, party, strict_slice(hello->checkpoint), &shown, &reason);
  if (err)
    return err;
  if (reason != REASON_NONE) {
    err = hub_tell(hub, HUB_NOTICE, "session-refused", party, NULL, reason, NULL);
    if (!err && reason == REASON_CONFLICT)
      err = gossip_confess(hub, peer, hello, shown);
    return err ? err : session_turn_away(hub, peer, reason, reason_sentence(reason));
  }
  struct session *s;
  err = session_new(hub, peer, party, node, hello, &s);
  if (err)
    return err;
  s->shown = shown;
  memcpy(entry.member, s->code, 2);
  err = cursors(hub, s);
  if (!err)
    err = dispatch_arriving(hub, s, hello);
  if (!err)
    err = welcome(hub, s, hello);
  for (size_t i = 0; !err && i < hello->n_wants; i++)
    err = dispatch_want(hub, s, hello->wants[i]);
  if (!err)
    err = hub_log(hub, &entry, NULL);
  return err ? err : hub_tell(hub, HUB_NOTICE, "session-opened", party, NULL, s->document, NULL);
}

/* ---- time */

enum tg_err session_tick(struct hub *hub, struct session *s)
{
  Tg__Tick m = TG__TICK__INIT;
  m.time = (uint64_t)hub->now.wall;
  arena_reset(hub->reply);
  enum tg_err err = session_chain(hub, s, &m.checkpoint, &m.consistency);
  s->called = s->shown;
  s->party->called = hub->now.mono;
  return err ? err : session_send(hub, s, FRAME_TICK, &m.base);
}

bool session_is_occupied(const struct hub *hub, const struct session *s)
{
  return s->pace.rate && s->party->called && hub->now.mono - s->party->called < OCCUPIED_MS &&
         (s->want_count || upload_is_under_way(hub, s->party));
}

/* That we live, and no more. */
static enum tg_err bare_tick(struct hub *hub, struct session *s)
{
  Tg__Tick m = TG__TICK__INIT;
  m.time = (uint64_t)hub->now.wall;
  return session_send(hub, s, FRAME_TICK, &m.base);
}

static enum tg_err tick_one(struct hub *hub, struct session *s)
{
  if (hub->now.mono - s->heard > SILENT_TICKS * hub->config.tick)
    return session_close(hub, s, REASON_SILENT, END_SAY | END_CUT);
  if (session_is_occupied(hub, s))
    return hub->now.mono - s->sent < hub->config.tick ? TG_OK : bare_tick(hub, s);
  const bool called = !cosign_is_open(hub) || s->called == logbook_signed_size(hub->log);
  return called && hub->now.mono - s->sent < hub->config.tick ? TG_OK : session_tick(hub, s);
}

enum tg_err sessions_tick(struct hub *hub)
{
  enum tg_err err = TG_OK;
  for (struct session *s = hub->sessions, *next; !err && s; s = next) {
    next = s->next;
    err = tick_one(hub, s);
  }
  return err;
}
