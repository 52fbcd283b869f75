/* What a monitor may know: see hub.h. A figure that lets an outsider tell entries of the log apart, by watching both, has no place here. */
#include "broker/session.h"

struct figure {
  const char *name, *type, *help;
  uint64_t value;
};

static uint64_t sum(const uint64_t *numbers)
{
  uint64_t all = 0;
  for (unsigned rank = 0; rank < STORE_RANKS; rank++)
    all += numbers[rank];
  return all;
}

static uint64_t sessions(const struct hub *hub)
{
  uint64_t n = 0;
  for (const struct session *s = session_first(hub); s; s = s->next)
    n++;
  return n;
}

static void put(struct buf *out, const struct figure *f)
{
  buf_printf(out, "# HELP toguna_%s %s\n# TYPE toguna_%s %s\ntoguna_%s %llu\n", f->name, f->help, f->name, f->type, f->name,
             (unsigned long long)f->value);
}

enum tg_err hub_metrics(struct hub *hub, struct buf *ret)
{
  struct store_tally tally;
  const struct hub_counts *c = &hub->counts;
  const struct charter *charter = hub_charter(hub);
  enum tg_err err = store_tally_all(hub->store, &tally);
  if (err)
    return err;
  const struct db_counts db = store_counts(hub->store);
  const struct figure figures[] = {
      {"written_seconds", "gauge", "When these figures were written, in Unix time. They are old when the hub is stuck or gone.",
       (uint64_t)(hub->now.wall / TG_SECOND)},
      {"charter_version", "gauge", "Version of the charter in force; 0: none.", charter ? charter->version : 0},
      {"sessions", "gauge", "Nodes that are connected now.", sessions(hub)},
      {"log_entries", "gauge", "Entries of the log.", logbook_size(hub->log)},
      {"log_signed_entries", "gauge", "Entries under the newest signed checkpoint.", logbook_signed_size(hub->log)},
      {"log_settled_entries", "gauge", "Entries under the newest checkpoint that enough witnesses cosigned.", hub->settled},
      {"queued_bulletins", "gauge", "Deliveries that wait for all nodes together.", sum(tally.count)},
      {"overdue_total", "counter", "Bulletins whose receipts did not come in time, since the start.", c->overdue},
      {"frames_total", "counter", "Frames that came from nodes, since the start.", c->frames},
      {"malformed_total", "counter", "Frames or parts of them that were malformed or forged, since the start.", c->malformed},
      {"cosignatures_total", "counter", "Cosignatures of witnesses that were taken, since the start.", c->cosignatures},
      {"cosignatures_ignored_total", "counter", "Cosignatures that were not valid, or came too late, since the start.",
       c->cosignatures_ignored},
      {"store_commits_total", "counter", "Commits of the store, since the start.", db.commits},
  };
  for (size_t i = 0; i < sizeof figures / sizeof *figures; i++)
    put(ret, &figures[i]);
  return buf_status(ret) ? TG_NO_MEMORY : TG_OK;
}
