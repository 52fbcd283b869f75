#include "broker/chores.h"

#include "broker/dispatch.h"
#include "broker/overdue.h"
#include "broker/sequence.h"
#include "broker/session.h"
#include "broker/store_bulletin.h"
#include "broker/upload.h"

static enum tg_err rules(struct hub *hub)
{
  const uint64_t before = hub->rules.generation;
  enum tg_err err = rules_advance(&hub->rules, hub->now.wall);
  if (!err && hub->rules.generation != before)
    sessions_reconsider(hub);
  return err ? err : sessions_review(hub); /* credentials begin and end by the clock too */
}

static enum tg_err expiry(struct hub *hub)
{
  bool more;
  enum tg_err err = dispatch_expire(hub, &more);
  if (!err && more)
    hub->chores = hub->now.mono; /* the next turn goes on */
  if (!err)
    err = store_bulletins_forget(hub->store, hub->now.wall, &more);
  if (!err && more)
    hub->chores = hub->now.mono;
  return err;
}

enum tg_err chores(struct hub *hub)
{
  static enum tg_err (*const all[])(struct hub *) = {rules, expiry, overdue, sequence_overdue, uploads_tick,
                                                     sessions_tick};
  enum tg_err err = TG_OK;
  for (size_t i = 0; !err && i < sizeof all / sizeof *all; i++)
    err = all[i](hub);
  return err;
}
