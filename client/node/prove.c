/* The question `prove`: the portable proof of the entry of a bulletin, or of a document, in the hub's log, of all that this node kept. */
#include "client/node/query.h"

#include "audit/proof.h"
#include "client/node/history.h"
#include "client/node/inbox.h"
#include "client/node/logged.h"
#include "client/node/outbox.h"
#include "client/node/request.h"
#include "client/node/stated.h"
#include "keys/codec.h"

#include <sodium.h>

static enum tg_err refuse(struct query *q, enum tg_err err, const char *what, const char *todo)
{
  q->verdict = why_set(&q->why, err, NULL, what, todo, NULL, NULL, NULL);
  return TG_OK;
}

/* May the program know what came? Who may only publish gets the same answer for what came as for what does not exist. */
static bool sees_inbox(const struct query *q)
{
  return (request_roles(q->request) & (NODE_READER | NODE_AUDITOR)) != 0;
}

/* What is to be proven, and in which log: of bulletins that is not known beforehand. */
struct wish {
  struct hash id;
  bool document, stated; /* stated: receipts of ours; id is their batch's */
  struct opening opening;
  const struct charter_hub *hub; /* whose log it is in; NULL: none of those that a charter named, as far as can be proven */
  struct history_row row;
  struct slice path;
};

/* The bulletin whose accepted or refused entry stands there. TG_NOT_FOUND. */
static enum tg_err at_leaf(struct node_core *core, uint64_t leaf, bool inbox, struct hash *ret)
{
  struct db_stmt *s = db_stmt(depot_db(core->depot), "SELECT id FROM inbox WHERE leaf = ?1 AND ?2"
                                                     " UNION ALL SELECT id FROM sent JOIN answer USING(place) WHERE leaf = ?1 LIMIT 1");
  db_bind_u64(s, 1, leaf);
  db_bind_u64(s, 2, inbox);
  return db_hash(s, ret);
}

static enum tg_err find_bulletin(struct node_core *core, struct query *q, struct wish *w)
{
  enum tg_err err = outbox_opening(core, &w->id, core->arena, &w->opening);
  return err == TG_NOT_FOUND && sees_inbox(q) ? inbox_opening(core, &w->id, core->arena, &w->opening) : err;
}

/* The log's name does not stand with the bulletin. */
static enum tg_err prove_bulletin(struct node_core *core, struct wish *w)
{
  const struct charter_hub *hub;
  for (size_t i = 0; (hub = core_hub_ever(core, i)); i++) {
    enum tg_err err = history_prove(core, hub->log.name, &w->opening, 0, core->arena, &w->row, &w->path);
    if (err == TG_NOT_FOUND)
      continue;
    w->hub = hub;
    return err;
  }
  return TG_OK;
}

/* A document stands in the log of each hub; any of them will do. TG_NOT_FOUND: it was opened to us by none that a charter named. */
static enum tg_err prove_document(struct node_core *core, struct wish *w)
{
  const struct charter_hub *hub;
  bool found = false;
  for (size_t i = 0; (hub = core_hub_ever(core, i)); i++) {
    struct logged_row row;
    enum tg_err err = logged_of(core, hub->log.name, &w->id, core->arena, &row);
    if (err == TG_NOT_FOUND)
      continue;
    w->opening = row.opening;
    found = true;
    if (err == TG_OK)
      err = history_prove(core, hub->log.name, &row.opening, row.size, core->arena, &w->row, &w->path);
    if (err == TG_NOT_FOUND)
      continue;
    w->hub = hub;
    return err;
  }
  return found ? TG_OK : TG_NOT_FOUND;
}

/* Receipts of ours whose entry stands there, as far as the hub was asked for them (stated.h). TG_NOT_FOUND. */
static enum tg_err prove_stated(struct node_core *core, struct wish *w, uint64_t leaf)
{
  const struct charter_hub *hub;
  for (size_t i = 0; (hub = core_hub_ever(core, i)); i++) {
    struct stated_row row;
    struct entry entry;
    enum tg_err err = stated_at(core, hub->log.name, leaf, core->arena, &row);
    if (err == TG_NOT_FOUND)
      continue;
    if (err == TG_OK) {
      w->opening = stated_opening(row.message);
      err = entry_parse(w->opening.entry, &entry, NULL) == TG_OK ? TG_OK : TG_DISK;
    }
    if (err == TG_OK) {
      w->id = entry.subject;
      w->stated = true;
      err = history_prove(core, hub->log.name, &w->opening, row.size, core->arena, &w->row, &w->path);
    }
    w->hub = err == TG_OK ? hub : NULL;
    return err == TG_NOT_FOUND ? TG_OK : err;
  }
  return TG_NOT_FOUND;
}

static enum tg_err find(struct node_core *core, struct query *q, struct wish *w)
{
  uint64_t leaf;
  enum tg_err err = TG_OK;
  if (q->n != 1)
    return TG_USAGE;
  if (hash_parse(q->args[0], &w->id) != TG_OK) {
    if (number_parse(q->args[0], INT64_MAX, &leaf) != TG_OK)
      return TG_USAGE;
    err = at_leaf(core, leaf, sees_inbox(q), &w->id);
    if (err == TG_NOT_FOUND)
      err = logged_at(core, leaf, &w->id);
    if (err == TG_NOT_FOUND && sees_inbox(q))
      return prove_stated(core, w, leaf);
  }
  if (err == TG_OK)
    err = find_bulletin(core, q, w);
  if (err == TG_OK)
    return prove_bulletin(core, w);
  w->document = true;
  return err == TG_NOT_FOUND ? prove_document(core, w) : err;
}

static json_t *base64_json(struct slice bytes)
{
  char text[1024];
  if (sodium_base64_ENCODED_LEN(bytes.n, sodium_base64_VARIANT_ORIGINAL) > sizeof text)
    return NULL;
  return json_string(sodium_bin2base64(text, sizeof text, bytes.p, bytes.n, sodium_base64_VARIANT_ORIGINAL));
}

enum tg_err query_prove(struct node_core *core, struct query *q)
{
  struct wish w = {.document = false};
  enum tg_err err = find(core, q, &w);
  if (err == TG_USAGE)
    return refuse(q, TG_USAGE, N_("this question takes the id of a bulletin or the hash of a document, or the place of its entry in the log"), NULL);
  if (err == TG_NOT_FOUND)
    return refuse(q, TG_NOT_FOUND, N_("this node has no entry of the log that says this"),
                  N_("The hub's answer may not have come yet; `toguna sent`, `toguna inbox` and `toguna directory --documents` list what there is"));
  if (err != TG_OK)
    return err;
  struct buf text = buf_new(PROOF_BYTES_MAX);
  if (w.hub) {
    struct opening proven = w.opening;
    proven.path = w.path;
    err = proof_print(&proven, w.row.note, &text);
  }
  if (err == TG_OK) { /* without a proof the opening still tells what to look for in the log's files */
    q->json = json_pack("{s:o, s:I, s:o, s:o, s:s?, s:I, s:b, s:o}", w.stated ? "receipts" : w.document ? "document" : "bulletin", query_hex(&w.id), "index",
                        (json_int_t)w.opening.index, "entry", base64_json(w.opening.entry), "salt", base64_json(w.opening.salt), "log",
                        w.hub ? w.hub->log.name : NULL, "size", (json_int_t)w.row.size, "settled", w.row.settled, "proof",
                        text.n ? query_text(buf_slice(&text)) : json_null());
    err = q->json ? TG_OK : TG_NO_MEMORY;
  }
  buf_free(&text);
  return err;
}
