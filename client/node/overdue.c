#include "client/node/overdue.h"

#include "client/node/journal.h"
#include "client/node/outbox_inside.h"
#include "client/node/schema.h"
#include "proto/subject.h"

#include <stdio.h>
#include <string.h>

enum { AT_ONCE = 64, NAMES = 96 };

static const tg_time otherwise[] = {[PRECEDENCE_ROUTINE] = 12 * TG_HOUR,
                                    [PRECEDENCE_PRIORITY] = TG_HOUR,
                                    [PRECEDENCE_IMMEDIATE] = 10 * TG_MINUTE,
                                    [PRECEDENCE_FLASH] = TG_MINUTE};

tg_time overdue_from(struct node_core *core, unsigned precedence)
{
  const tg_time stated = core->config->receipts_due[precedence];
  const tg_time due = core->now.wall + (stated ? stated : otherwise[precedence]);
  if (due < core->outbox->receipts_due)
    core->outbox->receipts_due = due;
  return due;
}

enum tg_err overdue_load(struct node_core *core)
{
  struct db_stmt *s = db_stmt(depot_db(core->depot), "SELECT min(due) FROM sent WHERE due <> 0 AND due > 0");
  bool row;
  enum tg_err err = db_step(s, &row);
  if (err != TG_OK)
    return err;
  core->outbox->receipts_due = row && !db_is_null(s, 0) ? db_i64(s, 0) : INT64_MAX;
  db_reset(s);
  return TG_OK;
}

/* "BF/anr/n1, NE/dgdse/n1 ...": those that have said nothing, as many as fit. */
static enum tg_err silent(struct node_core *core, const struct hash *id, char out[NAMES])
{
  struct db_stmt *s = db_stmt(depot_db(core->depot),
                              "SELECT node FROM track WHERE number = " SCHEMA_NUMBER("?1") " AND event = 0 AND NOT EXISTS(SELECT 1 FROM track AS t WHERE"
                              " t.number = track.number AND t.node = track.node AND t.event > 0) LIMIT 8");
  size_t n = 0;
  bool row;
  enum tg_err err;
  db_bind_blob(s, 1, hash_slice(id));
  out[0] = 0;
  while ((err = db_step(s, &row)) == TG_OK && row) {
    struct sign_pk node;
    char name[HOLDER_MAX + 1];
    if (!db_bytes(s, 0, node.b, sizeof node.b)) {
      db_reset(s);
      return TG_DISK;
    }
    core_name_of(core, &node, name);
    if (n + strlen(name) + 3 > NAMES) {
      db_reset(s);
      return TG_OK;
    }
    n += (size_t)snprintf(out + n, NAMES - n, "%s%s", n ? ", " : "", name);
  }
  return err;
}

static enum tg_err tell(struct node_core *core, const struct hash *id, uint64_t open, uint64_t state)
{
  char names[NAMES], number[24];
  struct tg_why why;
  enum tg_err err = silent(core, id, names);
  if (err != TG_OK)
    return err;
  snprintf(number, sizeof number, "%llu", (unsigned long long)open);
  if (state == SENT_SPOOLED)
    why_set(&why, TG_UNREACHABLE, NULL, N_("the bulletin has not left this node; nobody has it (recipients: %1$s)"),
            N_("look at `toguna doctor`; tell them by another way"), number, NULL, NULL);
  else
    why_set(&why, TG_UNREACHABLE, NULL, N_("recipients that have not said in time that they have it: %1$s (%2$s)"),
            N_("tell them by another way; if several of them are silent, the hub may be withholding"), number, names, NULL);
  err = core_tell(core, NODE_ALARM, "receipts-overdue", id, NULL, open, &why);
  const struct journal_row row = {.action = slice_str("receipts-overdue"), .subject = *id, .detail = slice_str(names)};
  return err == TG_OK ? journal_add(core, &row) : err;
}

enum tg_err overdue_time(struct node_core *core)
{
  if (core->now.wall < core->outbox->receipts_due)
    return TG_OK;
  enum tg_err err = core_begin(core);
  for (unsigned i = 0; err == TG_OK && i < AT_ONCE; i++) {
    struct db_stmt *s = db_stmt(depot_db(core->depot),
                                "SELECT id, open, state, place FROM sent WHERE due <> 0 AND due > 0 AND due <= ? ORDER BY due LIMIT 1");
    bool row;
    struct hash id;
    db_bind_i64(s, 1, core->now.wall);
    err = db_step(s, &row);
    if (err != TG_OK || !row)
      return err == TG_OK ? overdue_load(core) : err;
    const bool read = db_bytes(s, 0, id.b, sizeof id.b);
    const uint64_t open = db_u64(s, 1), state = db_u64(s, 2), place = db_u64(s, 3);
    db_reset(s);
    s = db_stmt(depot_db(core->depot), "UPDATE sent SET due = -due WHERE place = ?");
    db_bind_u64(s, 1, place);
    err = read ? db_run(s) : TG_DISK;
    if (err == TG_OK)
      err = tell(core, &id, open, state);
  }
  return err;
}

int64_t overdue_due(const struct node_core *core)
{
  const tg_time due = core->outbox->receipts_due;
  if (due == INT64_MAX)
    return INT64_MAX;
  return due <= core->now.wall ? core->now.mono : core->now.mono + (due - core->now.wall);
}
