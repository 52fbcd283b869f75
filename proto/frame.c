#include "proto/frame.h"

#include <assert.h>

enum { LEADING = 2 }; /* version and type */

static const struct frame_kind kinds[] = {
    {FRAME_HELLO, "hello", FRAME_TO_HUB, &limits_hello, false},
    {FRAME_WELCOME, "welcome", FRAME_TO_NODE, &limits_welcome, true},
    {FRAME_GOODBYE, "goodbye", FRAME_BOTH_WAYS, &limits_goodbye, false},
    {FRAME_SUBMIT, "submit", FRAME_TO_HUB, &limits_submit, false},
    {FRAME_WANT, "want", FRAME_BOTH_WAYS, &limits_want, false},
    {FRAME_CHUNK, "chunk", FRAME_BOTH_WAYS, &limits_chunk, false},
    {FRAME_OUTCOMES, "outcomes", FRAME_TO_NODE, &limits_outcomes, true},
    {FRAME_DELIVER, "deliver", FRAME_TO_NODE, &limits_deliver, true},
    {FRAME_RECEIPTS, "receipts", FRAME_TO_HUB, &limits_receipts, false},
    {FRAME_RECEIPT_NOTES, "receipt-notes", FRAME_TO_NODE, &limits_receipt_notes, true},
    {FRAME_RECEIPTS_SEEN, "receipts-seen", FRAME_BOTH_WAYS, &limits_receipts_seen, false},
    {FRAME_DOCUMENTS, "documents", FRAME_BOTH_WAYS, &limits_documents, true},
    {FRAME_DOCUMENT_OUTCOMES, "document-outcomes", FRAME_TO_NODE, &limits_document_outcomes, true},
    {FRAME_TICK, "tick", FRAME_BOTH_WAYS, &limits_tick, true},
    {FRAME_RECEIPTS_WANTED, "receipts-wanted", FRAME_TO_HUB, &limits_receipts_wanted, false},
    {FRAME_RECEIPTS_LOGGED, "receipts-logged", FRAME_TO_NODE, &limits_receipts_logged, true},
};

const struct frame_kind *frame_kind(uint8_t type)
{
  size_t i = (size_t)type - 1; /* the table is in order and without gaps */
  return i < sizeof kinds / sizeof *kinds ? &kinds[i] : NULL;
}

enum tg_err frame_peek(struct slice bytes, enum frame_direction direction, const struct frame_kind **ret,
                       struct tg_why *why)
{
  uint8_t version, type;
  struct slice rest = bytes;
  if (!take_u8(&rest, &version) || !take_u8(&rest, &type))
    return why_set(why, TG_BAD_INPUT, "frame", N_("a frame has two bytes at least"), NULL, NULL, NULL, NULL);
  const struct frame_kind *kind = frame_kind(type);
  if (version != FRAME_VERSION || !kind)
    return why_set(why, TG_UNKNOWN, "frame", N_("this version or type of frame is not known"),
                   N_("look for a newer release of this program"), NULL, NULL, NULL);
  if (!(kind->direction & direction))
    return why_set(why, TG_BAD_INPUT, "frame", N_("a frame of type %1$s does not travel this way"), NULL, kind->name,
                   NULL, NULL);
  if (bytes.n - LEADING > kind->limits->max)
    return why_set(why, TG_TOO_BIG, "frame", N_("this is too long for a frame of type %1$s"), NULL, kind->name, NULL,
                   NULL);
  *ret = kind;
  return TG_OK;
}

enum tg_err frame_encode(enum frame_type type, const ProtobufCMessage *message, struct buf *out, struct tg_why *why)
{
  const struct frame_kind *kind = frame_kind((uint8_t)type);
  size_t before = out->n;
  const enum tg_err failed = out->failed;
  assert(kind && message->descriptor == kind->limits->descriptor);
  buf_put_u8(out, FRAME_VERSION);
  buf_put_u8(out, (uint8_t)type);
  enum tg_err err = strict_pack(kind->limits, message, out, why);
  if (err) {
    out->n = before;
    out->failed = failed;
  }
  return err;
}

enum tg_err frame_decode(struct slice bytes, enum frame_direction direction, struct arena *arena,
                         const struct frame_kind **ret_kind, ProtobufCMessage **ret_message, struct tg_why *why)
{
  const struct frame_kind *kind;
  enum tg_err err = frame_peek(bytes, direction, &kind, why);
  if (err)
    return err;
  err = strict_unpack(kind->limits, slice_of(bytes.p + LEADING, bytes.n - LEADING), arena, ret_message, why);
  if (!err)
    *ret_kind = kind;
  return err;
}
