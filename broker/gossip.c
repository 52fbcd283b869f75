#include "broker/gossip.h"

#include "audit/checkpoint.h"

#include <string.h>

/* Not cut: what was said last is the proof that it is owed. */
static enum tg_err end(struct hub *hub, struct session *s, bool *ret_ended)
{
  *ret_ended = true;
  return session_close(hub, s, REASON_CONFLICT, END_SAY);
}

/* Only what is not ours is worth checking its signature: a node repeats what we signed, frame by frame. */
static enum tg_err is_ours(struct hub *hub, struct session *s, struct slice bytes, bool *ret)
{
  struct note note;
  struct checkpoint c;
  *ret = false;
  if (note_parse(bytes, NULL, &note, NULL) || checkpoint_parse(note.text, &c, NULL) || c.size > logbook_signed_size(hub->log))
    return TG_OK;
  if (c.size == s->echoed && hash_eq(&c.root, &s->echoed_root)) {
    *ret = true;
    return TG_OK;
  }
  enum tg_err err = logbook_contains(hub->log, c.size, &c.root, ret);
  if (!err && *ret) {
    s->echoed = c.size;
    s->echoed_root = c.root;
  }
  return err;
}

enum tg_err gossip_heard(struct hub *hub, struct session *s, struct slice note, bool *ret_ended)
{
  bool ours = true;
  uint64_t size;
  enum reason reason;
  *ret_ended = false;
  enum tg_err err = note.n ? is_ours(hub, s, note, &ours) : TG_OK;
  if (err || ours)
    return err;
  err = session_compare(hub, s->party, note, &size, &reason);
  return err || reason != REASON_CONFLICT ? err : end(hub, s, ret_ended);
}

/* From a tree of `size`, whose root is repeated where a plain path leaves it out; in hub->reply. */
static enum tg_err full_path(struct hub *hub, uint64_t size, struct slice *ret)
{
  struct hash root;
  struct slice plain;
  *ret = slice_of(NULL, 0);
  if (size == 0 || size >= logbook_signed_size(hub->log))
    return TG_OK;
  enum tg_err err = logbook_chain(hub->log, size, hub->reply, &plain);
  if (err || !merkle_old_is_complete(size)) {
    *ret = plain;
    return err;
  }
  err = logbook_root(hub->log, size, &root);
  if (err)
    return err;
  uint8_t *p = arena_alloc(hub->reply, sizeof root.b + plain.n);
  if (!p)
    return TG_NO_MEMORY;
  memcpy(p, root.b, sizeof root.b);
  memcpy(p + sizeof root.b, plain.p, plain.n);
  *ret = slice_of(p, sizeof root.b + plain.n);
  return TG_OK;
}

enum tg_err gossip_prove(struct hub *hub, struct session *s, struct slice other, bool *ret_ended)
{
  Tg__Tick m = TG__TICK__INIT;
  struct slice path;
  uint64_t size;
  enum reason reason;
  *ret_ended = false;
  if (other.n == 0)
    return TG_OK;
  enum tg_err err = session_compare(hub, s->party, other, &size, &reason);
  if (err || reason == REASON_SIGNATURE)
    return err; /* none of ours: whoever told the node that it is has lied */
  arena_reset(hub->reply);
  err = session_chain(hub, s, &m.checkpoint, &m.consistency);
  if (!err)
    err = full_path(hub, size, &path);
  if (err)
    return err;
  m.time = (uint64_t)hub->now.wall;
  m.other = strict_data(other);
  m.other_path = strict_data(path);
  err = session_send(hub, s, FRAME_TICK, &m.base);
  return err || reason != REASON_CONFLICT ? err : end(hub, s, ret_ended);
}

enum tg_err gossip_confess(struct hub *hub, const struct seal_pk *peer, const Tg__Hello *hello, uint64_t size)
{
  Tg__Welcome m = TG__WELCOME__INIT;
  struct slice path;
  if (size == 0 || size > logbook_signed_size(hub->log))
    return TG_OK;
  enum tg_err err = full_path(hub, size, &path); /* it is to convict us, not to chain */
  if (err)
    return err;
  m.protocol = 1;
  m.session = hello->session;
  m.time = (uint64_t)hub->now.wall;
  m.max_frame = hub_limits(hub)->frame;
  m.max_inline_body = hub_limits(hub)->inline_body;
  m.checkpoint = strict_data(logbook_note(hub->log));
  m.consistency = strict_data(path);
  return effects_send(hub->out, peer, FRAME_WELCOME, &m.base, NULL);
}
