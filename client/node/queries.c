#include "client/node/query.h"
#include "client/node/request.h"

#include "client/node/arrivals.h"
#include "client/node/hooks.h"
#include "client/node/inbox.h"
#include "client/node/journal.h"
#include "client/node/rotation.h"
#include "client/node/talk.h"
#include "client/node/waiting.h"
#include "client/node/watch.h"
#include "keys/codec.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

enum { JSON_MAX = 32 << 20, JOURNAL_ROWS = 2000 };

/* ---- status ---- */

/* Names of hubs that were caught with two histories. */
static enum tg_err distrusted(struct node_core *core, json_t *ret)
{
  const struct charter *c = core_charter(core);
  for (size_t i = 0; c && i < c->n_hubs; i++) {
    bool forked;
    enum tg_err err = watch_is_forked(core, &c->hub[i], &forked);
    if (err == TG_OK && forked && json_array_append_new(ret, json_string(c->hub[i].name)) != 0)
      err = TG_NO_MEMORY;
    if (err != TG_OK)
      return err;
  }
  return TG_OK;
}

static json_t *hub_json(const struct node_core *core, uint64_t size, uint64_t settled, json_t *forked)
{
  const char *refused_by = talk_refused_by(core);
  return json_pack("{s:s, s:s, s:s, s:s?, s:b, s:o, s:I, s:I, s:o}", "state", talk_state_name(talk_state(core)), "name", talk_next_hub(core),
                   "endpoint", talk_endpoint(core), "refused_by", *refused_by ? refused_by : NULL, "full", outbox_rests(core), "asked_again",
                   query_time(outbox_rests_until(core)), "log_size", (json_int_t)size, "log_settled", (json_int_t)settled, "distrusted",
                   forked);
}

static json_t *charter_json(const struct node_core *core)
{
  const struct charter *c = core_charter(core);
  return c ? json_pack("{s:s, s:I, s:o}", "exchange", c->exchange, "version", (json_int_t)c->version,
                       "effective", query_time(c->effective))
           : json_null();
}

static json_t *machine_json(const struct node_core *core)
{
  json_t *disk = core->free_bytes == UINT64_MAX ? json_null() : json_integer((json_int_t)core->free_bytes);
  return json_pack("{s:o, s:b, s:I, s:o}", "disk_free", disk, "accepts", core_has_room(core),
                   "hub_clock_ahead_ms", (json_int_t)core->hub_ahead, "time", query_time(core->now.wall));
}

enum tg_err query_status(struct node_core *core, struct query *q)
{
  struct outbox_counts out;
  struct inbox_counts in;
  struct hooks_counts hooks;
  const struct db_counts db = db_counts(depot_db(core->depot)); /* since the start */
  uint64_t waiting = 0, size = 0, settled = 0;
  enum tg_err err = outbox_counts(core, &out);
  if (err == TG_OK)
    err = waiting_count(core, &waiting);
  if (err == TG_OK)
    err = inbox_counts(core, &in);
  if (err == TG_OK)
    err = hooks_counts(core, &hooks);
  if (err == TG_OK)
    err = watch_look(core, &size, &settled);
  json_t *forked = json_array();
  if (err == TG_OK)
    err = forked ? distrusted(core, forked) : TG_NO_MEMORY;
  if (err != TG_OK) {
    json_decref(forked);
    return err;
  }
  q->json = json_pack(
      "{s:s, s:s, s:o, s:s, s:o, s:o, s:{s:I, s:I, s:I, s:I, s:I}, s:{s:I, s:I, s:I}, s:I, s:I, s:{s:I, s:I}, s:{s:I, s:I, s:I}, s:o}", //
      "node", core->my_name, "member", core->member.code, "exchange", query_hex(&core->config->exchange),
      "version", TOGUNA_VERSION, "charter", charter_json(core), "hub", hub_json(core, size, settled, forked), //
      "sent", "spooled", (json_int_t)out.spooled, "accepted", (json_int_t)out.accepted, "refused",
      (json_int_t)out.refused, "overdue", (json_int_t)out.overdue, "waiting", (json_int_t)waiting, //
      "inbox", "current", (json_int_t)in.current, "unread", (json_int_t)in.unread, "unacknowledged_flash",
      (json_int_t)in.unacknowledged_flash,                                                            //
      "arriving", (json_int_t)arrivals_count(core), "sealing_keys", (json_int_t)rotation_count(core), //
      "hooks", "retrying", (json_int_t)hooks.retrying, "set_aside", (json_int_t)hooks.set_aside, "store",
      "commits", (json_int_t)db.commits, "checkpoints", (json_int_t)db.checkpoints, "syncs", (json_int_t)db.syncs, "machine", machine_json(core));
  return TG_OK;
}

/* ---- documents ---- */

static json_t *document_json(const struct directory_item *item)
{
  return json_pack("{s:s, s:o, s:o, s:I}", "kind", document_kind_name(item->kind), "hash",
                   query_hex(&item->hash), "accepted", query_time(item->accepted), "bytes",
                   (json_int_t)item->bytes.n);
}

enum tg_err query_documents(struct node_core *core, struct query *q)
{
  struct directory_item item = {0};
  q->json = json_array();
  while (q->json && directory_next(core->directory, item.order, &item) == TG_OK)
    if (json_array_append_new(q->json, document_json(&item)) != 0)
      return TG_NO_MEMORY;
  return TG_OK;
}

enum tg_err query_document(struct node_core *core, struct query *q)
{
  struct hash hash;
  struct directory_item item;
  if (q->n != 1 || hash_parse(q->args[0], &hash) != TG_OK) {
    q->verdict = why_set(&q->why, TG_USAGE, NULL, N_("this question takes the hash of a document"),
                         N_("`toguna directory --documents` lists them"), NULL, NULL, NULL);
    return TG_OK;
  }
  if (directory_document(core->directory, &hash, &item) != TG_OK) {
    q->verdict =
        why_set(&q->why, TG_NOT_FOUND, NULL, N_("no document has this hash"), NULL, NULL, NULL, NULL);
    return TG_OK;
  }
  bool is_text = item.kind != DOCUMENT_SEALING_KEYS; /* those are protobuf */
  q->json = document_json(&item);
  if (!q->json || json_object_set_new(q->json, "note", is_text ? query_text(item.bytes) : json_null()) != 0)
    return TG_NO_MEMORY;
  return TG_OK;
}

/* ---- journal ---- */

static json_t *journal_json(const struct journal_row *row)
{
  return json_pack("{s:I, s:o, s:I, s:o, s:o, s:o, s:o}", "place", (json_int_t)row->place, "time",
                   query_time(row->time), "uid", (json_int_t)row->uid, "program", query_text(row->program),
                   "action", query_text(row->action), "subject", query_hex(&row->subject), "detail",
                   query_text(row->detail));
}

static enum tg_err journal_rows(struct node_core *core, uint64_t after, json_t *rows)
{
  for (int i = 0; i < JOURNAL_ROWS; i++) {
    struct journal_row row;
    arena_reset(core->scrap);
    enum tg_err err = journal_after(core, after, core->scrap, &row);
    if (err == TG_NOT_FOUND)
      return TG_OK;
    if (err != TG_OK)
      return err;
    after = row.place;
    if (json_array_append_new(rows, journal_json(&row)) != 0)
      return TG_NO_MEMORY;
  }
  return TG_OK;
}

enum tg_err query_journal(struct node_core *core, struct query *q)
{
  uint64_t after = 0, checked = 0;
  if (q->n > 1 || (q->n == 1 && number_parse(q->args[0], INT64_MAX, &after) != TG_OK)) {
    q->verdict =
        why_set(&q->why, TG_USAGE, NULL, N_("this question takes the place to begin after, a number"), NULL,
                NULL, NULL, NULL);
    return TG_OK;
  }
  enum tg_err chain = journal_check(core, &checked);
  if (chain != TG_OK && chain != TG_BAD_PROOF)
    return chain;
  json_t *rows = json_array();
  enum tg_err err = rows ? journal_rows(core, after, rows) : TG_NO_MEMORY;
  q->json =
      json_pack("{s:b, s:I, s:o}", "whole", chain == TG_OK, "checked", (json_int_t)checked, "rows", rows);
  return err;
}

/* ---- the request ---- */

static const struct {
  const char *name;
  unsigned roles; /* one of these; 0: any */
  enum tg_err (*answer)(struct node_core *core, struct query *q);
} questions[] = {
    {"status", 0, query_status},
    {"doctor", 0, query_doctor},
    {"directory", 0, query_directory},
    {"documents", 0, query_documents},
    {"document", 0, query_document},
    {"explain", NODE_PUBLISHER, query_explain},
    {"journal", NODE_AUDITOR, query_journal},
    {"prove", NODE_READER | NODE_PUBLISHER | NODE_AUDITOR, query_prove},
    {"review", NODE_AUDITOR, query_review},
    {"waiting", NODE_PUBLISHER | NODE_APPROVER, query_waiting},
};
enum { N_QUESTIONS = sizeof questions / sizeof *questions };

const char *query_name(size_t i)
{
  return i < N_QUESTIONS ? questions[i].name : NULL;
}

static enum tg_err keep_text(struct request *r, struct query *q)
{
  char *text = q->json ? json_dumps(q->json, JSON_COMPACT) : NULL;
  if (!text)
    return TG_NO_MEMORY;
  r->json = buf_new(JSON_MAX);
  buf_put_str(&r->json, text);
  sodium_memzero(text, strlen(text));
  free(text);
  if (buf_status(&r->json) != TG_OK)
    q->verdict = why_set(&q->why, TG_TOO_BIG, NULL, N_("the answer is too long"), NULL, NULL, NULL, NULL);
  return TG_OK;
}

static enum tg_err ask(struct node_core *core, struct request *r, const Tg__LQuery *message, struct query *q)
{
  for (size_t i = 0; i < N_QUESTIONS; i++) {
    if (!slice_is(data_slice(message->what), questions[i].name))
      continue;
    if (questions[i].roles && !(request_roles(r) & questions[i].roles)) {
      q->verdict = why_set(&q->why, TG_REFUSED, NULL, N_("this user may not do this here: %1$s"),
                           N_("who runs the node gives roles with `user` lines in its configuration"),
                           questions[i].name, NULL, NULL);
      return TG_OK;
    }
    enum tg_err err = questions[i].answer(core, q);
    return err == TG_OK && q->verdict == TG_OK ? keep_text(r, q) : err;
  }
  q->verdict =
      why_set(&q->why, TG_USAGE, NULL, N_("the node does not know this question"), NULL, NULL, NULL, NULL);
  return TG_OK;
}

enum tg_err queries_begin(struct node_core *core, struct request *r, const ProtobufCMessage *message)
{
  const Tg__LQuery *query = (const Tg__LQuery *)message;
  struct slice args[16]; /* the limit of LQuery.args */
  struct query q = {.n = query->n_args, .args = args, .request = r};
  for (size_t i = 0; i < q.n; i++)
    args[i] = data_slice(query->args[i]);
  enum tg_err err = ask(core, r, query, &q);
  json_decref(q.json);
  if (err != TG_OK)
    return err;
  return q.verdict == TG_OK ? TG_OK : request_refuse(core, r, &q.why);
}

enum tg_err queries_produce(struct node_core *core, struct request *r)
{
  Tg__LJson piece = TG__LJSON__INIT;
  size_t left = r->json.n - r->json_at, n = left < LOCAL_DATA ? left : LOCAL_DATA;
  piece.request = r->number;
  piece.json = slice_data(slice_of(r->json.p + r->json_at, n));
  r->json_at += n;
  piece.end = r->json_at == r->json.n;
  r->over = piece.end;
  return request_answer(core, r, LOCAL_JSON, &piece.base);
}
