#include "client/node/relog.h"

#include "client/node/errands.h"
#include "client/node/history.h"
#include "client/node/outbox.h"
#include "client/node/talk.h"

#include <sodium.h>
#include <stdio.h>

enum { ROWS_ARENA = 8 * LIMIT_FRAME };

static const char fact[] = "logs", met_under[] = "met-under";

/* One line for each log that a charter still names: whoever gets another key is another log. */
static void print_logs(const struct node_core *core, struct buf *out)
{
  const struct charter_hub *hub;
  for (size_t i = 0; (hub = core_hub_still(core, i)); i++)
    buf_printf(out, "%s+%08x\n", hub->log.name, (unsigned)hub->log.id);
}

/* Was one named then that is not now? */
static bool is_lost(struct slice then, struct slice now)
{
  struct slice line, other;
  while (take_line(&then, &line)) {
    bool found = false;
    for (struct slice rest = now; !found && take_line(&rest, &other);)
      found = slice_eq(line, other);
    if (!found)
      return true;
  }
  return false;
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

/* A log that we have something to say to and that is named no more. TG_NOT_FOUND. */
static enum tg_err find_forgotten(struct node_core *core, char out[NOTE_NAME_MAX + 1])
{
  struct db_stmt *s = db_stmt(depot_db(core->depot), "SELECT DISTINCT log FROM said WHERE log <> ''");
  bool row = false;
  enum tg_err err;
  while ((err = db_step(s, &row)) == TG_OK && row) {
    const struct slice log = db_text(s, 0);
    snprintf(out, NOTE_NAME_MAX + 1, "%.*s", (int)log.n, (const char *)log.p);
    if (!core_log_still(core, out)) {
      db_reset(s);
      return TG_OK;
    }
  }
  return err == TG_OK ? TG_NOT_FOUND : err;
}

/* What was for its hub is for nobody: to another, which has not delivered it, it would be forged. It is stated anew when that one does. */
static enum tg_err forget_said(struct node_core *core)
{
  char log[NOTE_NAME_MAX + 1];
  enum tg_err err;
  while ((err = find_forgotten(core, log)) == TG_OK && (err = core_begin(core)) == TG_OK) {
    struct db_stmt *s = db_stmt(depot_db(core->depot), "DELETE FROM said WHERE log = ?");
    db_bind_text(s, 1, slice_str(log));
    if ((err = db_run(s)) != TG_OK)
      return err;
  }
  return err == TG_NOT_FOUND ? TG_OK : err;
}

static enum tg_err begin_anew(struct node_core *core)
{
  struct tg_why why;
  uint64_t n = 0;
  struct arena *rows = arena_new(ROWS_ARENA); /* the event's own holds the frame at hand */
  enum tg_err err = rows ? core_begin(core) : TG_NO_MEMORY;
  if (err == TG_OK)
    err = bring_again(core, rows, &n);
  arena_free(rows);
  if (err == TG_OK)
    err = errands_bring_own(core);
  why_set(&why, TG_STALE, NULL, N_("a log that the charter named before is given up: what it had of ours goes to the hubs that there are now"), NULL,
          NULL, NULL, NULL);
  return err == TG_OK ? core_tell(core, NODE_NOTICE, "log-given-up", NULL, NULL, n, &why) : err;
}

enum tg_err relog_load(struct node_core *core) { return depot_number(core->depot, met_under, &core->met_under); }

static enum tg_err meet(struct node_core *core, uint64_t version)
{
  if (version <= core->met_under)
    return TG_OK;
  enum tg_err err = core_begin(core);
  if (err == TG_OK)
    err = depot_number_put(core->depot, met_under, version);
  if (err == TG_OK)
    core->met_under = version;
  return err;
}

/* Prints the logs that are named, and compares them with those that were when a session opened last; none ever did: neither the same nor lost. */
static enum tg_err compare(struct node_core *core, struct buf *now, bool *ret_same, bool *ret_lost)
{
  struct slice then;
  print_logs(core, now);
  enum tg_err err = buf_status(now) == TG_OK ? depot_fact(core->depot, fact, core->arena, &then) : TG_NO_MEMORY;
  *ret_same = err == TG_OK && slice_eq(then, buf_slice(now));
  *ret_lost = err == TG_OK && is_lost(then, buf_slice(now));
  return err == TG_NOT_FOUND ? TG_OK : err;
}

enum tg_err relog_welcome(struct node_core *core)
{
  const struct charter *charter = core_charter(core);
  bool same, lost;
  if (!charter)
    return TG_OK;
  struct buf now = buf_new(64 * 1024);
  enum tg_err err = meet(core, charter->version);
  if (err == TG_OK)
    err = compare(core, &now, &same, &lost);
  if (err == TG_OK)
    err = forget_said(core);
  if (err == TG_OK && lost)
    err = begin_anew(core);
  if (err == TG_OK && !same)
    err = core_begin(core);
  if (err == TG_OK && !same)
    err = depot_fact_put(core->depot, fact, buf_slice(&now));
  buf_free(&now);
  return err;
}

enum tg_err relog_charter(struct node_core *core)
{
  bool same, lost = false;
  if (!core_charter(core) || !talk_is_open(core))
    return TG_OK;
  struct buf now = buf_new(64 * 1024);
  enum tg_err err = compare(core, &now, &same, &lost);
  buf_free(&now);
  return err == TG_OK && lost ? talk_again(core) : err;
}
