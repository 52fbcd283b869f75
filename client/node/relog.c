#include "client/node/relog.h"

#include "client/node/errands.h"
#include "client/node/history.h"
#include "client/node/outbox.h"

#include <sodium.h>

enum { ROWS_ARENA = 8 * LIMIT_FRAME };

static const char fact[] = "logs";

/* One line for each log that a charter still names: whoever gets another key is another log. */
static void print_logs(const struct node_core *core, struct buf *out)
{
  const struct charter_hub *hub;
  for (size_t i = 0; (hub = core_hub_still(core, i)); i++)
    buf_printf(out, "%s+%08x\n", hub->log.name, (unsigned)hub->log.id);
}

/* The next log that was named then and is not now, without its key. */
static bool next_lost(struct slice *then, struct slice now, struct slice *ret)
{
  struct slice line, other;
  while (take_line(then, &line)) {
    bool found = false;
    for (struct slice rest = now; !found && take_line(&rest, &other);)
      found = slice_eq(line, other);
    if (found)
      continue;
    while (line.n && line.p[line.n - 1] != '+')
      line.n--;
    *ret = slice_of(line.p, line.n ? line.n - 1 : 0);
    return true;
  }
  return false;
}

static bool is_lost(struct slice then, struct slice now)
{
  struct slice log;
  return next_lost(&then, now, &log);
}

/* ---- bulletins ---- */

/* Is it in a log that still grows? Where the checkpoints of its time were let go nobody knows, and a hub that has it says so again. */
static enum tg_err is_logged(struct node_core *core, const struct hash *id, struct arena *arena, bool *ret)
{
  const struct charter_hub *hub;
  struct opening opening;
  enum tg_err err = outbox_opening(core, id, arena, &opening);
  if (err == TG_OK)
    err = history_hub(core, &opening, &hub);
  *ret = err == TG_OK;
  return err == TG_NOT_FOUND ? TG_OK : err;
}

/* What was erased, when everybody had it or it expired, cannot be brought any more. */
static enum tg_err is_whole(struct node_core *core, const struct sent_row *row, struct arena *arena, bool *ret)
{
  enum tg_err err = TG_OK;
  for (unsigned i = 0; err == TG_OK && i < row->message->n_portions; i++) {
    struct depot_content content;
    err = depot_content(core->depot, &row->id, i, arena, &content);
    if (err == TG_OK)
      sodium_memzero((uint8_t *)(uintptr_t)content.secret.p, content.secret.n);
  }
  *ret = err == TG_OK && row->header.subject.expires > core->now.wall;
  return err == TG_NOT_FOUND ? TG_OK : err;
}

static enum tg_err bring_again(struct node_core *core, struct arena *arena, uint64_t *ret_n)
{
  struct sent_row row;
  enum tg_err err;
  for (uint64_t after = 0; arena_reset(arena), (err = outbox_after(core, after, arena, &row)) == TG_OK; after = row.place) {
    bool logged = false, whole = false;
    if (row.state < SENT_ACCEPTED || row.state > SENT_SETTLED)
      continue;
    err = is_logged(core, &row.id, arena, &logged);
    if (err == TG_OK && !logged)
      err = is_whole(core, &row, arena, &whole);
    if (err == TG_OK && !logged && whole)
      err = outbox_spool_again(core, &row.id);
    if (err != TG_OK)
      return err;
    *ret_n += !logged && whole;
  }
  return err == TG_NOT_FOUND ? TG_OK : err;
}

/* What was for its hub is for nobody: to another, which has not delivered it, it would be forged. It is stated anew when that one does. */
static enum tg_err forget_said(struct node_core *core, struct slice then, struct slice now)
{
  struct slice log;
  enum tg_err err = TG_OK;
  while (err == TG_OK && next_lost(&then, now, &log)) {
    struct db_stmt *s = db_stmt(depot_db(core->depot), "DELETE FROM said WHERE log = ?");
    db_bind_text(s, 1, log);
    err = db_run(s);
  }
  return err;
}

static enum tg_err begin_anew(struct node_core *core, struct slice then, struct slice now)
{
  struct tg_why why;
  uint64_t n = 0;
  struct arena *rows = arena_new(ROWS_ARENA); /* the event's own holds the frame at hand */
  enum tg_err err = rows ? core_begin(core) : TG_NO_MEMORY;
  if (err == TG_OK)
    err = forget_said(core, then, now);
  if (err == TG_OK)
    err = bring_again(core, rows, &n);
  arena_free(rows);
  if (err == TG_OK)
    err = errands_bring_own(core);
  why_set(&why, TG_STALE, NULL, N_("a log that the charter named before is given up: what it had of ours goes to the hubs that there are now"), NULL,
          NULL, NULL, NULL);
  return err == TG_OK ? core_tell(core, NODE_NOTICE, "log-given-up", NULL, NULL, n, &why) : err;
}

enum tg_err relog_welcome(struct node_core *core)
{
  struct buf now = buf_new(64 * 1024);
  struct slice then;
  if (!core_charter(core))
    return TG_OK;
  print_logs(core, &now);
  enum tg_err err = buf_status(&now) == TG_OK ? depot_fact(core->depot, fact, core->arena, &then) : TG_NO_MEMORY;
  const bool first = err == TG_NOT_FOUND, lost = err == TG_OK && is_lost(then, buf_slice(&now));
  const bool same = err == TG_OK && slice_eq(then, buf_slice(&now));
  if (first)
    err = TG_OK;
  if (err == TG_OK && lost)
    err = begin_anew(core, then, buf_slice(&now));
  if (err == TG_OK && !same)
    err = core_begin(core);
  if (err == TG_OK && !same)
    err = depot_fact_put(core->depot, fact, buf_slice(&now));
  buf_free(&now);
  return err;
}
