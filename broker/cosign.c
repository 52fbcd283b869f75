#include "broker/cosign.h"

#include <string.h>

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
  if (credential_witness_key(credential, &key) || note_verify(note, &key, 1, &verdict, NULL) ||
      verdict.time > hub->now.wall + hub->config.clock_skew)
    return ignored(hub);
  if (has_cosigned(c, s->code) || c->n == MEMBERS_MAX)
    return TG_OK;
  enum tg_err err = logbook_cosigned(hub->log, line_of(note, &key));
  if (err)
    return err == TG_TOO_BIG ? ignored(hub) : err;
  memcpy(c->member[c->n++], s->code, 2);
  hub->counts.cosignatures++;
  if (!quorum_is_reached(hub))
    return TG_OK;
  c->settled = true;
  hub->settled = c->size;
  logbook_settled(hub->log);
  return hand_out(hub);
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
