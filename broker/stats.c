/* Counters and states for the operator: how much, never what. */
#include "broker/session.h"

static void put_numbers(struct buf *out, const char *name, const uint64_t *numbers, size_t n)
{
  buf_printf(out, ",\"%s\":[", name);
  for (size_t i = 0; i < n; i++)
    buf_printf(out, i ? ",%llu" : "%llu", (unsigned long long)numbers[i]);
  buf_put_str(out, "]");
}

static void put_session(struct buf *out, const struct hub *hub, const struct session *s, bool first)
{
  buf_printf(out, "%s{\"node\":\"%s\",\"in_flight\":%zu,\"in_flight_bytes\":%llu,\"window\":%llu,\"silent_ms\":%lld}",
             first ? "" : ",", s->party->name, s->flight_count, (unsigned long long)s->flight_bytes, (unsigned long long)s->window.size,
             (long long)(hub->now.mono - s->heard));
}

enum tg_err hub_stats(struct hub *hub, struct buf *ret)
{
  struct store_tally tally;
  const struct hub_counts *c = &hub->counts;
  const struct charter *charter = hub_charter(hub);
  const struct db_counts db = store_counts(hub->store);
  enum tg_err err = store_tally_all(hub->store, &tally);
  if (err)
    return err;
  const struct {
    const char *name;
    uint64_t value;
  } numbers[] = {
      {"log_size", logbook_size(hub->log)},
      {"log_signed", logbook_signed_size(hub->log)},
      {"log_settled", hub->settled},
      {"charter", charter ? charter->version : 0},
      {"frames", c->frames},
      {"malformed", c->malformed},
      {"accepted", c->accepted},
      {"refused", c->refused},
      {"forwarded", c->forwarded},
      {"receipts", c->receipts},
      {"documents", c->documents},
      {"held", c->held},
      {"expired", c->expired},
      {"recalled", c->recalled},
      {"receipts_overdue", c->overdue},
      {"disk_full", hub->full},
      {"sessions_ended", c->cut},
      {"commits", db.commits},
      {"checkpoints", db.checkpoints},
      {"syncs", db.syncs},
      {"cosignatures", c->cosignatures},
      {"cosignatures_ignored", c->cosignatures_ignored},
  };
  buf_printf(ret, "{\"hub\":\"%s\"", hub->config.name);
  for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
    buf_printf(ret, ",\"%s\":%llu", numbers[i].name, (unsigned long long)numbers[i].value);
  put_numbers(ret, "queued", tally.count, STORE_RANKS);
  put_numbers(ret, "queued_bytes", tally.bytes, STORE_RANKS);
  put_numbers(ret, "queued_held", tally.held, STORE_RANKS);
  buf_put_str(ret, ",\"sessions\":[");
  for (const struct session *s = session_first(hub); s; s = s->next)
    put_session(ret, hub, s, s == session_first(hub));
  buf_put_str(ret, "]}\n");
  return buf_status(ret) ? TG_NO_MEMORY : TG_OK;
}
