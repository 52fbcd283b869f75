#include "broker/overdue.h"

#include "audit/entry.h"
#include "broker/store_bulletin.h"
#include "proto/buf.h"

#include <string.h>

enum { AT_ONCE = 256 };

static enum tg_err accepted_at(struct hub *hub, uint64_t leaf, tg_time *ret)
{
  struct store_entry e;
  struct entry entry;
  arena_reset(hub->item);
  enum tg_err err = store_entry(hub->store, leaf, hub->item, &e);
  if (!err && entry_parse(e.bytes, &entry, NULL))
    err = TG_DISK;
  if (!err)
    *ret = entry.time;
  return err == TG_NOT_FOUND ? TG_DISK : err;
}

/* How far each rank was looked at outlives us: nothing is logged twice. */
static const char FACT[] = "overdue";

static enum tg_err keep(struct hub *hub)
{
  struct buf out = buf_new(8 * STORE_RANKS);
  for (unsigned rank = 0; rank < STORE_RANKS; rank++)
    buf_put_u64(&out, hub->overdue_from[rank]);
  enum tg_err err = buf_status(&out) ? TG_NO_MEMORY : store_fact_put(hub->store, FACT, buf_slice(&out));
  buf_free(&out);
  return err;
}

enum tg_err overdue_resume(struct hub *hub)
{
  struct slice bytes;
  arena_reset(hub->item);
  enum tg_err err = store_fact(hub->store, FACT, hub->item, &bytes);
  for (unsigned rank = 0; !err && rank < STORE_RANKS; rank++)
    if (!take_u64(&bytes, &hub->overdue_from[rank]))
      return TG_DISK;
  return err == TG_NOT_FOUND ? TG_OK : err;
}

static enum tg_err log_overdue(struct hub *hub, const struct store_awaited *a)
{
  struct store_bulletin b;
  struct entry e = {.type = ENTRY_OVERDUE, .subject = a->id, .number = a->rows};
  enum tg_err err = store_bulletin(hub->store, a->leaf, &b);
  if (!err)
    err = store_node_key(hub->store, b.originator, &e.actor);
  if (err)
    return err == TG_NOT_FOUND ? TG_DISK : err;
  memcpy(e.member, b.member, sizeof e.member);
  hub->counts.overdue++;
  err = hub_log(hub, &e, NULL);
  return err ? err : hub_tell(hub, HUB_ALARM, "receipts-overdue", NULL, &a->id, a->rows, NULL);
}

/* Leaves ascend with time, so the first of this rank that is not due ends the search. */
static enum tg_err of_rank(struct hub *hub, unsigned rank, bool *ret_moved)
{
  struct store_awaited a;
  tg_time at;
  for (unsigned i = 0; i < AT_ONCE; i++, hub->overdue_from[rank] = a.leaf + 1) {
    enum tg_err err = store_awaited_next(hub->store, hub->overdue_from[rank], &a);
    if (err)
      return err == TG_NOT_FOUND ? TG_OK : err;
    if (a.rank != rank)
      continue;
    err = accepted_at(hub, a.leaf, &at);
    if (err || at + hub->config.receipts_due[rank] > hub->now.wall)
      return err;
    err = log_overdue(hub, &a);
    if (err)
      return err;
    *ret_moved = true;
  }
  return TG_OK;
}

enum tg_err overdue(struct hub *hub)
{
  enum tg_err err = TG_OK;
  bool moved = false;
  for (unsigned rank = 0; !err && rank < STORE_RANKS; rank++)
    err = of_rank(hub, rank, &moved);
  return err || !moved ? err : keep(hub);
}
