#include "broker/overdue.h"

#include "audit/entry.h"
#include "broker/store_bulletin.h"

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

/* Leaves ascend with time, so the first of this rank that is not due ends the search. */
static enum tg_err of_rank(struct hub *hub, unsigned rank)
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
    hub->counts.overdue++;
    err = hub_tell(hub, HUB_ALARM, "receipts-overdue", NULL, &a.id, a.rows, NULL);
    if (err)
      return err;
  }
  return TG_OK;
}

enum tg_err overdue(struct hub *hub)
{
  enum tg_err err = TG_OK;
  for (unsigned rank = 0; !err && rank < STORE_RANKS; rank++)
    err = of_rank(hub, rank);
  return err;
}
