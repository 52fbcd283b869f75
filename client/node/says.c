#include "client/node/says.h"

#include "client/node/carried.h"
#include "client/node/inbox.h"
#include "client/node/talk.h"
#include "client/node/watch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PER_FRAME = 2000 };
#define SERIAL_MAX (UINT64_C(1) << 61) /* a hub that names a higher one would leave us none */

struct statement_due {
  struct hash bulletin;
  enum receipt_event event;
  uint64_t number;
  tg_time time;
};

/* What this turn gathered for one hub. */
struct gathered {
  char log[NOTE_NAME_MAX + 1];
  struct statement_due *due;
  size_t n_due, cap_due;
  uint64_t *queues;
  size_t n_queues, cap_queues;
};

/* Invariant: serial is that of the last frame in the table `said`, whosever, or ever. */
struct says {
  struct gathered *of; /* one for each hub that there was anything for since the start */
  size_t n_of, cap_of;
  uint64_t credit_count, credit_bytes; /* to be granted with the next frame */
  uint64_t serial;
};

struct says *says_new(void) { return calloc(1, sizeof(struct says)); }

void says_free(struct says *s)
{
  if (!s)
    return;
  for (size_t i = 0; i < s->n_of; i++) {
    free(s->of[i].due);
    free(s->of[i].queues);
  }
  free(s->of);
  free(s);
}

enum tg_err says_load(struct node_core *core) { return depot_number(core->depot, "receipts-serial", &core->says->serial); }

static bool grow(void **at, size_t *cap, size_t n, size_t each)
{
  if (n < *cap)
    return true;
  size_t more = *cap ? *cap * 2 : 64;
  void *p = reallocarray(*at, more, each);
  if (!p)
    return false;
  *at = p;
  *cap = more;
  return true;
}

static struct gathered *gathered_for(struct says *s, const char *log)
{
  for (size_t i = 0; i < s->n_of; i++)
    if (!strcmp(s->of[i].log, log))
      return &s->of[i];
  if (!grow((void **)&s->of, &s->cap_of, s->n_of, sizeof *s->of))
    return NULL;
  struct gathered *g = &s->of[s->n_of++];
  *g = (struct gathered){.n_due = 0};
  snprintf(g->log, sizeof g->log, "%s", log);
  return g;
}

static enum tg_err add(struct node_core *core, const char *log, const struct statement_due *due)
{
  struct gathered *g = gathered_for(core->says, log);
  if (!g || !grow((void **)&g->due, &g->cap_due, g->n_due, sizeof *g->due))
    return TG_NO_MEMORY;
  g->due[g->n_due++] = *due;
  return core_begin(core);
}

enum tg_err says_receipt(struct node_core *core, const char *log, const struct hash *bulletin, enum receipt_event event, uint64_t number)
{
  const struct statement_due due = {*bulletin, event, event == RECEIPT_STORED ? number : 0, core->now.wall};
  bool carried;
  enum tg_err err = carried_is(core, bulletin, &carried);
  return err != TG_OK || carried || !log ? err : add(core, log, &due);
}

enum tg_err says_done(struct node_core *core, const char *log, uint64_t queue, uint64_t bytes)
{
  struct says *s = core->says;
  if (!log)
    return TG_OK;
  struct gathered *g = gathered_for(s, log);
  if (!g || !grow((void **)&g->queues, &g->cap_queues, g->n_queues, sizeof *g->queues))
    return TG_NO_MEMORY;
  g->queues[g->n_queues++] = queue;
  if (!strcmp(log, watch_log(core))) {
    s->credit_count++;
    s->credit_bytes += bytes;
  }
  return TG_OK;
}

/* ---- a frame ---- */

static enum tg_err send(struct node_core *core, const char *log, Tg__Receipts *frame)
{
  struct says *s = core->says;
  if (!talk_is_open(core) || strcmp(log, watch_log(core)))
    return TG_OK;
  frame->checkpoint = slice_data(talk_note(core));
  frame->credit_count = s->credit_count;
  frame->credit_bytes = s->credit_bytes;
  s->credit_count = s->credit_bytes = 0;
  return talk_send(core, FRAME_RECEIPTS, &frame->base);
}

/* Kept without credit and checkpoint: those are of the moment. */
static enum tg_err keep(struct node_core *core, const char *log, const Tg__Receipts *frame)
{
  struct buf bytes = buf_new(LIMIT_FRAME);
  enum tg_err err = strict_pack(&limits_receipts, &frame->base, &bytes, NULL);
  if (err == TG_OK) {
    struct db_stmt *s = db_stmt(depot_db(core->depot), "INSERT INTO said VALUES(?, ?, ?)");
    db_bind_u64(s, 1, frame->serial);
    db_bind_buf(s, 2, &bytes);
    db_bind_text(s, 3, slice_str(log));
    err = db_run(s);
  }
  buf_free(&bytes);
  return err == TG_OK ? depot_number_put(core->depot, "receipts-serial", frame->serial) : err;
}

/* Never below an earlier one, even after an old image of the store was restored: time helps. */
static uint64_t next_serial(struct node_core *core)
{
  struct says *s = core->says;
  s->serial = s->serial + 1 > (uint64_t)core->now.wall ? s->serial + 1 : (uint64_t)core->now.wall;
  return s->serial;
}

static enum tg_err build(struct node_core *core, const struct statement_due *due, struct buf *out)
{
  struct receipt receipt = {.bulletin = due->bulletin,
                            .node = core->me,
                            .event = due->event,
                            .time = due->time,
                            .number = due->number,
                            .checkpoint_root = watch_root(core),
                            .checkpoint_size = watch_size(core)};
  return receipt_build(&receipt, out, NULL);
}

/* The receipts of `due`, built, signed as one batch, kept and sent. */
static enum tg_err state(struct node_core *core, const char *log, const struct statement_due *due, size_t n, const uint64_t *queues,
                         size_t n_queues)
{
  struct batch *batch = batch_new();
  Tg__Receipts frame = TG__RECEIPTS__INIT;
  struct hash root;
  struct sign_sig signature;
  enum tg_err err = TG_OK;
  struct buf bytes = buf_new(LIMIT_FRAME);
  ProtobufCBinaryData *items = arena_alloc(core->arena, n * sizeof *items);
  size_t *ends = arena_alloc(core->arena, n * sizeof *ends);
  if (!batch || !items || !ends)
    err = TG_NO_MEMORY;
  for (size_t i = 0; err == TG_OK && i < n; i++) {
    size_t start = bytes.n;
    err = build(core, &due[i], &bytes);
    ends[i] = bytes.n;
    if (err == TG_OK) {
      struct hash id = statement_id(STATEMENT_RECEIPT, slice_of(bytes.p + start, bytes.n - start));
      err = batch_add(batch, &id, NULL);
    }
  }
  if (err == TG_OK)
    err = batch_sign(batch, &core->config->exchange, core_sign, core);
  if (err == TG_OK) {
    batch_result(batch, &root, &signature);
    for (size_t i = 0, start = 0; i < n; start = ends[i++])
      items[i] = slice_data(slice_of(bytes.p + start, ends[i] - start));
    frame.signature = slice_data(slice_of(signature.b, sizeof signature.b));
    frame.items = items;
    frame.n_items = n;
    frame.queues = (uint64_t *)(uintptr_t)queues;
    frame.n_queues = n_queues;
    frame.serial = next_serial(core);
    err = keep(core, log, &frame);
  }
  if (err == TG_OK)
    err = send(core, log, &frame);
  buf_free(&bytes);
  batch_free(batch);
  return err;
}

static enum tg_err state_all(struct node_core *core, struct gathered *g)
{
  enum tg_err err = TG_OK;
  size_t queue = 0;
  for (size_t i = 0; err == TG_OK && i < g->n_due;) {
    size_t n = g->n_due - i < PER_FRAME ? g->n_due - i : PER_FRAME;
    size_t q = g->n_queues - queue < PER_FRAME ? g->n_queues - queue : PER_FRAME;
    err = state(core, g->log, g->due + i, n, q ? g->queues + queue : NULL, q);
    i += n;
    queue += q;
  }
  g->n_due = g->n_queues = 0;
  return err;
}

enum tg_err says_turn(struct node_core *core)
{
  enum tg_err err = TG_OK;
  for (size_t i = 0; err == TG_OK && i < core->says->n_of; i++)
    err = state_all(core, &core->says->of[i]);
  return err;
}

/* ---- the session ---- */

enum tg_err says_seen(struct node_core *core, const Tg__ReceiptsSeen *frame)
{
  enum tg_err err = core_begin(core);
  if (err != TG_OK)
    return err;
  struct db_stmt *s = db_stmt(depot_db(core->depot), "DELETE FROM said WHERE log = ? AND serial <= ?");
  db_bind_text(s, 1, slice_str(watch_log(core)));
  db_bind_u64(s, 2, frame->sequence < INT64_MAX ? frame->sequence : INT64_MAX);
  return db_run(s);
}

/* The frame for this hub with the least serial that is not above `last` gets a new one. *ret_any: there was one. */
static enum tg_err renumber_one(struct node_core *core, uint64_t last, bool *ret_any)
{
  struct db_stmt *s = db_stmt(depot_db(core->depot), "SELECT serial, frame FROM said WHERE log = ? AND serial <= ? ORDER BY serial LIMIT 1");
  ProtobufCMessage *message;
  db_bind_text(s, 1, slice_str(watch_log(core)));
  db_bind_u64(s, 2, last);
  enum tg_err err = db_step(s, ret_any);
  if (err != TG_OK || !*ret_any)
    return err;
  const uint64_t old = db_u64(s, 0);
  arena_reset(core->scrap);
  err = strict_unpack(&limits_receipts, db_blob(s, 1), core->scrap, &message, NULL) == TG_OK ? TG_OK : TG_DISK;
  db_reset(s);
  if (err != TG_OK)
    return err;
  s = db_stmt(depot_db(core->depot), "DELETE FROM said WHERE serial = ?");
  db_bind_u64(s, 1, old);
  err = db_run(s);
  Tg__Receipts *frame = (Tg__Receipts *)message;
  frame->serial = next_serial(core);
  return err == TG_OK ? keep(core, watch_log(core), frame) : err;
}

enum tg_err says_dropped(struct node_core *core)
{
  const uint64_t last = core->says->serial;
  bool any = true;
  if (!talk_is_open(core))
    return TG_OK; /* nothing went out behind it: the next session says all of it in order */
  enum tg_err err = core_begin(core);
  while (err == TG_OK && any)
    err = renumber_one(core, last, &any);
  return err == TG_OK ? talk_again(core) : err;
}

/* The hub has a serial that this store never gave: it is an older image of the one that did. What it stated since then under
   serials that are not above that one would be taken for what came before. */
static enum tg_err go_above(struct node_core *core, uint64_t serial)
{
  struct says *s = core->says;
  bool any = true;
  if (serial <= s->serial)
    return TG_OK;
  if (serial > SERIAL_MAX) {
    struct tg_why why;
    why_set(&why, TG_BAD_INPUT, talk_hub(core), N_("the hub names a serial of our receipts that cannot be"), NULL, NULL, NULL, NULL);
    return talk_strike(core, "serial-impossible", NULL, &why);
  }
  enum tg_err err = core_begin(core);
  s->serial = serial;
  while (err == TG_OK && any)
    err = renumber_one(core, serial, &any);
  return err == TG_OK ? depot_number_put(core->depot, "receipts-serial", s->serial) : err;
}

/* ---- what an earlier version kept, which did not say for whom ---- */

/* What such a frame says of bulletins that stand here is stated anew, to their hubs. Of others whoever delivered them hears when it does so again. */
static enum tg_err restate(struct node_core *core, const Tg__Receipts *frame, struct arena *rows)
{
  enum tg_err err = TG_OK;
  for (size_t i = 0; err == TG_OK && i < frame->n_items; i++) {
    struct receipt r;
    const char *log = NULL;
    arena_reset(rows);
    err = receipt_parse(data_slice(frame->items[i]), rows, &r, NULL) == TG_OK ? inbox_log(core, &r.bulletin, rows, &log) : TG_DISK;
    const struct statement_due due = {r.bulletin, r.event, r.number, r.time};
    if (err == TG_OK && log)
      err = add(core, log, &due);
  }
  return err;
}

static enum tg_err restate_each(struct node_core *core, struct arena *frames, struct arena *rows)
{
  struct db_stmt *s = db_stmt(depot_db(core->depot), "SELECT frame FROM said WHERE log = '' ORDER BY serial");
  ProtobufCMessage *frame;
  bool row;
  enum tg_err err;
  while (arena_reset(frames), (err = db_step(s, &row)) == TG_OK && row) {
    err = strict_unpack(&limits_receipts, db_blob(s, 0), frames, &frame, NULL) == TG_OK ? restate(core, (Tg__Receipts *)frame, rows) : TG_DISK;
    if (err != TG_OK)
      break;
  }
  if (err != TG_OK) {
    db_reset(s);
    return err;
  }
  return db_run(db_stmt(depot_db(core->depot), "DELETE FROM said WHERE log = ''"));
}

static enum tg_err restate_all(struct node_core *core)
{
  struct db_stmt *s = db_stmt(depot_db(core->depot), "SELECT 1 FROM said WHERE log = '' LIMIT 1");
  bool any;
  enum tg_err err = db_any(s, &any);
  if (err != TG_OK || !any)
    return err;
  struct arena *frames = arena_new(FRAME_ARENA), *rows = arena_new(FRAME_ARENA);
  err = frames && rows ? core_begin(core) : TG_NO_MEMORY;
  if (err == TG_OK)
    err = restate_each(core, frames, rows);
  arena_free(frames);
  arena_free(rows);
  return err;
}

enum tg_err says_welcome(struct node_core *core, uint64_t serial)
{
  core->says->credit_count = core->says->credit_bytes = 0;
  enum tg_err err = restate_all(core);
  if (err == TG_OK)
    err = go_above(core, serial);
  if (err != TG_OK)
    return err;
  struct db_stmt *s = db_stmt(depot_db(core->depot), "SELECT frame FROM said WHERE log = ? ORDER BY serial");
  bool row;
  db_bind_text(s, 1, slice_str(watch_log(core)));
  while ((err = db_step(s, &row)) == TG_OK && row) {
    ProtobufCMessage *frame;
    arena_reset(core->scrap);
    err = strict_unpack(&limits_receipts, db_blob(s, 0), core->scrap, &frame, NULL) == TG_OK ? TG_OK : TG_DISK;
    if (err == TG_OK)
      err = send(core, watch_log(core), (Tg__Receipts *)frame);
    if (err != TG_OK) {
      db_reset(s);
      return err;
    }
  }
  return err;
}
