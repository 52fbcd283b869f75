#include "broker/cosign.h"


#include <string.h>

/* Kept by the store: the settled size, then what the witnesses of the newest checkpoint said: size, whether it is settled, who has spoken,
   and the note with their lines. */
static const char FACT[] = "cosigned";
enum { FACT_MAX = 8 + 8 + 1 + 2 + 2 * MEMBERS_MAX + LIMIT_CHECKPOINT };

static enum tg_err keep(struct hub *hub)
{
  const struct hub_cosigned *c = &hub->cosigned;
  struct buf out = buf_new(FACT_MAX);
  buf_put_u64(&out, hub->settled);
  buf_put_u64(&out, c->size);
  buf_put_u8(&out, c->settled);
  buf_put_u16(&out, (uint16_t)c->n);
  buf_put(&out, c->member, 2 * c->n);
  buf_put_slice(&out, logbook_note(hub->log));
  enum tg_err err = buf_status(&out) ? TG_NO_MEMORY : store_fact_put(hub->store, FACT, buf_slice(&out));
  buf_free(&out);
  return err;
}

/* Who has spoken; *bytes is then the note. */
static bool take_members(struct slice *bytes, struct hub_cosigned *ret)
{
  struct slice codes;
  uint8_t settled;
  uint16_t n;
  if (!take_u64(bytes, &ret->size) || !take_u8(bytes, &settled) || !take_u16(bytes, &n) || n > MEMBERS_MAX ||
      !take(bytes, 2 * (size_t)n, &codes))
    return false;
  ret->settled = settled;
  ret->n = n;
  if (n)
    memcpy(ret->member, codes.p, codes.n);
  return true;
}

/* The signer makes the same note of the same checkpoint, byte for byte; what follows it in ours are the witnesses' lines. */
enum tg_err cosign_resume(struct hub *hub, struct tg_why *why)
{
  struct hub_cosigned c = {0};
  struct slice bytes;
  const struct slice now = logbook_note(hub->log);
  arena_reset(hub->item);
  enum tg_err err = store_fact(hub->store, FACT, hub->item, &bytes);
  if (err)
    return err == TG_NOT_FOUND ? TG_OK : err;
  if (!take_u64(&bytes, &hub->settled) || !take_members(&bytes, &c))
    return TG_DISK;
  if (hub->settled > logbook_signed_size(hub->log) || (c.size && logbook_signed_size(hub->log) == 0))
    return why_set(why, TG_STALE, NULL, N_("the hub's log is ahead of what its signer remembers: the signer's state is an old copy"),
                   N_("put back the newest state file; signing from an old one could fork the log"), NULL, NULL, NULL);
  if (c.size != logbook_signed_size(hub->log) || bytes.n < now.n || memcmp(bytes.p, now.p, now.n) != 0)
    return TG_OK; /* of a checkpoint that the log has outgrown */
  hub->cosigned = c;
  bytes = slice_of(bytes.p + now.n, bytes.n - now.n);
  for (struct slice line; !err && take_line(&bytes, &line);)
    err = logbook_cosigned(hub->log, line);
  if (!err && c.settled)
    logbook_settled(hub->log);
  return err;
}

static struct hub_cosigned *current(struct hub *hub)
{
  struct hub_cosigned *c = &hub->cosigned;
  const uint64_t size = logbook_signed_size(hub->log);
  if (c->size != size)
    *c = (struct hub_cosigned){.size = size};
  return c;
}

bool cosign_is_open(struct hub *hub)
{
  const struct charter *charter = hub_charter(hub);
  const struct hub_cosigned *c = current(hub);
  return charter && charter->witness_quorum.n && c->size && !c->settled;
}

static enum tg_err ignored(struct hub *hub)
{
  hub->counts.cosignatures_ignored++;
  return TG_OK;
}

/* Everybody who is here gets the note as it is now. */
static enum tg_err hand_out(struct hub *hub)
{
  enum tg_err err = TG_OK;
  for (struct session *s = session_first(hub); !err && s; s = s->next)
    if (!session_is_occupied(hub, s) || s->called == hub->cosigned.size)
      err = session_tick(hub, s);
  return err;
}

static bool quorum_is_reached(const struct hub *hub)
{
  const struct charter *charter = hub_charter(hub);
  bool cosigned[MEMBERS_MAX] = {false}, left[MEMBERS_MAX] = {false};
  for (size_t i = 0; i < charter->n_members; i++) {
    const struct country code = charter->member[i].code;
    left[i] = directory_standing(hub->rules.directory, code, hub->now.wall) == STANDING_WITHDRAWN;
    for (size_t k = 0; k < hub->cosigned.n; k++)
      cosigned[i] |= memcmp(hub->cosigned.member[k], code.code, 2) == 0;
  }
  return charter_quorum(charter, &charter->witness_quorum, cosigned, left, NULL) == TG_OK;
}

static bool has_cosigned(const struct hub_cosigned *c, const char code[2])
{
  for (size_t i = 0; i < c->n; i++)
    if (memcmp(c->member[i], code, 2) == 0)
      return true;
  return false;
}

/* The line of a key that was verified. */
static struct slice line_of(const struct note *note, const struct note_key *key)
{
  for (size_t i = 0; i < note->n; i++)
    if (note->sig[i].id == key->id && slice_is(note->sig[i].name, key->name))
      return note->sig[i].line;
  return slice_of(NULL, 0);
}

/* One witness of a member is enough: the quorum counts members. */
static enum tg_err gather(struct hub *hub, const struct session *s, const struct note *note,
                          const struct credential *credential)
{
  struct hub_cosigned *c = current(hub);
  struct note_key key;
  struct note_verdict verdict = {0};
  enum tg_err err = credential_witness_key(credential, &key);
  if (!err)
    err = note_verify(note, &key, 1, &verdict, NULL);
  if (err == TG_NO_MEMORY)
    return err;
  if (err || verdict.time > hub->now.wall + hub->config.clock_skew)
    return ignored(hub);
  if (has_cosigned(c, s->code) || c->n == MEMBERS_MAX)
    return TG_OK;
  err = logbook_cosigned(hub->log, line_of(note, &key));
  if (err)
    return err == TG_TOO_BIG ? ignored(hub) : err;
  memcpy(c->member[c->n++], s->code, 2);
  hub->counts.cosignatures++;
  const bool settled = quorum_is_reached(hub);
  if (settled) {
    c->settled = true;
    hub->settled = c->size;
    logbook_settled(hub->log);
  }
  err = keep(hub);
  return err || !settled ? err : hand_out(hub);
}

enum tg_err cosign_take(struct hub *hub, struct session *s, struct slice bytes)
{
  const struct node *node = directory_node(hub->rules.directory, &s->party->identity);
  struct note note;
  enum reason reason;
  uint64_t size;
  if (bytes.n == 0)
    return TG_OK;
  enum tg_err err = session_compare(hub, s->party, bytes, &size, &reason);
  if (err)
    return err;
  if (reason == REASON_CONFLICT)
    return session_close(hub, s, reason, END_SAY | END_CUT);
  if (reason != REASON_NONE || note_parse(bytes, NULL, &note, NULL))
    return ignored(hub);
  if (!node || !node->credential.has_witness || !cosign_is_open(hub))
    return TG_OK; /* it says what it has seen, and nothing was asked */
  return size == logbook_signed_size(hub->log) ? gather(hub, s, &note, &node->credential) : ignored(hub);
}
