#include "proto/receipt.h"

#include "proto/bulletin.pb-c.h"
#include "proto/limits.h"
#include "proto/word.h"

#include <string.h>

const char *receipt_event_name(enum receipt_event event)
{
  static const char *const words[] = {"stored",   "read",           "acknowledged", "purged",
                                      "retained", "recall-refused", "unreadable",   "import-refused"};
  return word_name(words, sizeof words / sizeof *words, event);
}

static enum tg_err check(const Tg__Receipt *m, struct tg_why *why)
{
  if ((m->event == RECEIPT_STORED) != (m->number > 0))
    return why_set(why, TG_BAD_INPUT, "Receipt.number", N_("the running number goes with the event stored, and only there"),
                   NULL, NULL, NULL, NULL);
  if ((m->checkpoint_root.len > 0) != (m->checkpoint_size > 0))
    return why_set(why, TG_BAD_INPUT, "Receipt.checkpoint_root", N_("a checkpoint has both a root and a size"), NULL, NULL,
                   NULL, NULL);
  return TG_OK;
}

enum tg_err receipt_build(const struct receipt *d, struct buf *out, struct tg_why *why)
{
  Tg__Receipt m = TG__RECEIPT__INIT;
  m.bulletin = strict_data_of(d->bulletin.b, sizeof d->bulletin.b);
  m.node = strict_data_of(d->node.b, sizeof d->node.b);
  m.event = d->event;
  m.time = (uint64_t)d->time;
  m.number = d->number;
  m.checkpoint_root = strict_data_of(d->checkpoint_root.b, d->checkpoint_size ? sizeof d->checkpoint_root.b : 0);
  m.checkpoint_size = d->checkpoint_size;
  enum tg_err err = check(&m, why);
  return err ? err : strict_pack(&limits_receipt, &m.base, out, why);
}

enum tg_err receipt_parse(struct slice bytes, struct arena *arena, struct receipt *ret, struct tg_why *why)
{
  ProtobufCMessage *message;
  enum tg_err err = strict_unpack(&limits_receipt, bytes, arena, &message, why);
  if (err)
    return err;
  const Tg__Receipt *m = (const Tg__Receipt *)message;
  err = check(m, why);
  if (err)
    return err;
  struct receipt r = {.bytes = bytes,
                      .event = (enum receipt_event)m->event,
                      .time = (tg_time)m->time,
                      .number = m->number,
                      .checkpoint_size = m->checkpoint_size};
  memcpy(r.bulletin.b, m->bulletin.data, sizeof r.bulletin.b);
  memcpy(r.node.b, m->node.data, sizeof r.node.b);
  if (m->checkpoint_root.len)
    memcpy(r.checkpoint_root.b, m->checkpoint_root.data, sizeof r.checkpoint_root.b);
  *ret = r;
  return TG_OK;
}
