#include "client/node/backup.h"

#include "os/db_copy.h"

#include <stdio.h>
#include <stdlib.h>

enum {
  STEP_PAGES = 256, /* a MiB, and one sync: what everybody else waits for */
  PAUSE_MS = 5,     /* between two steps, for everybody else */
};

/* Invariants: core->backup is this one until it is freed; the request idles until the copy is whole or `failed`. */
struct backup {
  struct node_core *core;
  struct request *request;
  struct db_copy *copy;
  bool whole;
  struct tg_why failed; /* err TG_OK: not */
  uint64_t at;          /* bytes handed out */
  int64_t next;         /* monotonic: when the next step is due */
  uint8_t piece[LOCAL_DATA];
};

static char *copy_path(const struct node_core *core)
{
  char *path = NULL;
  return asprintf(&path, "%s-copy", core->config->database) < 0 ? NULL : path;
}

enum tg_err backup_clear(struct node_core *core, struct tg_why *why)
{
  char *path = copy_path(core);
  enum tg_err err = path ? db_copy_clear(core->config->vfs, path, why) : TG_NO_MEMORY;
  free(path);
  return err;
}

void backup_free(struct backup *b)
{
  if (!b)
    return;
  db_copy_free(&b->copy, false);
  b->core->backup = NULL;
  free(b);
}

/* Why none can be begun now; TG_OK otherwise. */
static enum tg_err may_begin(const struct node_core *core, struct tg_why *why)
{
  const uint64_t bytes = db_bytes_used(depot_db(core->depot));
  if (core->backup)
    return why_set(why, TG_BUSY, NULL, N_("a copy of this node is being made already"), N_("Wait until it is done"), NULL, NULL, NULL);
  if (core_has_room_for(core, bytes))
    return TG_OK;
  return why_set(why, TG_DISK, core->config->database, N_("there is no room for a copy: the disk must keep its reserve"),
                 N_("Make room for the whole store once more (disk-reserve says what must stay free)"), NULL, NULL, NULL);
}

enum tg_err backup_begin(struct node_core *core, struct request *r, const ProtobufCMessage *message)
{
  struct tg_why why = {0};
  (void)message;
  if (may_begin(core, &why) != TG_OK)
    return request_refuse(core, r, &why);
  char *path = copy_path(core);
  struct backup *b = calloc(1, sizeof *b);
  if (!path || !b) {
    free(path);
    free(b);
    return TG_NO_MEMORY;
  }
  *b = (struct backup){.core = core, .request = r, .next = core->now.mono};
  const enum tg_err begun = db_copy_new(depot_db(core->depot), path, &b->copy, &why);
  free(path);
  if (begun != TG_OK) {
    free(b);
    return begun == TG_NO_MEMORY ? begun : request_refuse(core, r, &why);
  }
  core->backup = r->backup = b;
  r->idle = true;
  core_wake_now(core);
  return request_journal(core, r, "copied", NULL, NULL);
}

/* The disk may have become full for other reasons meanwhile: what must stay free is not ours to take. */
static enum tg_err step(struct backup *b)
{
  if (!core_has_room(b->core))
    return why_set(&b->failed, TG_DISK, b->core->config->database, N_("there is no room for a copy: the disk must keep its reserve"),
                   N_("Make room for the whole store once more (disk-reserve says what must stay free)"), NULL, NULL, NULL);
  return db_copy_step(b->copy, STEP_PAGES, &b->whole, &b->failed);
}

void backup_turn(struct node_core *core)
{
  struct backup *b = core->backup;
  if (!b || b->whole || b->failed.err != TG_OK)
    return;
  if (b->next > core->now.mono) {
    core_wake_at(core, b->next);
    return;
  }
  const enum tg_err err = step(b);
  if (err != TG_OK && b->failed.err == TG_OK)
    (void)why_set(&b->failed, err, NULL, N_("out of memory"), NULL, NULL, NULL, NULL);
  b->next = core->now.mono + PAUSE_MS;
  b->request->idle = err == TG_OK && !b->whole;
  core_wake_at(core, b->request->idle ? b->next : core->now.mono);
}

enum tg_err backup_produce(struct node_core *core, struct request *r)
{
  struct backup *b = r->backup;
  Tg__LContent content = TG__LCONTENT__INIT;
  if (b->failed.err != TG_OK)
    return request_refuse(core, r, &b->failed);
  const uint64_t left = db_copy_bytes(b->copy) - b->at;
  const size_t n = left < sizeof b->piece ? (size_t)left : sizeof b->piece;
  if (db_copy_read(b->copy, b->at, n, b->piece, &b->failed) != TG_OK)
    return request_refuse(core, r, &b->failed);
  b->at += n;
  content.request = r->number;
  content.data = slice_data(slice_of(b->piece, n));
  content.end = r->over = n == left;
  return request_answer(core, r, LOCAL_CONTENT, &content.base);
}
