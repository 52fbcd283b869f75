/* The question `prove`: the portable proof of a bulletin's entry in the hub's log, of all that this node kept. */
#include "client/node/query.h"

#include "audit/proof.h"
#include "client/node/history.h"
#include "client/node/inbox.h"
#include "client/node/outbox.h"
#include "keys/codec.h"

#include <sodium.h>

static enum tg_err refuse(struct query *q, enum tg_err err, const char *what, const char *todo)
{
  q->verdict = why_set(&q->why, err, NULL, what, todo, NULL, NULL, NULL);
  return TG_OK;
}

/* The bulletin whose accepted or refused entry stands there. TG_NOT_FOUND. */
static enum tg_err at_leaf(struct node_core *core, uint64_t leaf, struct hash *ret)
{
  struct db_stmt *s = db_stmt(depot_db(core->depot), "SELECT id FROM inbox WHERE leaf = ?1"
                                                     " UNION ALL SELECT id FROM sent WHERE leaf = ?1 AND outcome IS NOT NULL LIMIT 1");
  bool row;
  db_bind_u64(s, 1, leaf);
  enum tg_err err = db_step(s, &row);
  if (err != TG_OK || !row)
    return err != TG_OK ? err : TG_NOT_FOUND;
  err = db_bytes(s, 0, ret->b, sizeof ret->b) ? TG_OK : TG_DISK;
  db_reset(s);
  return err;
}

static enum tg_err find(struct node_core *core, struct query *q, struct hash *ret_id, struct opening *ret)
{
  uint64_t leaf;
  enum tg_err err;
  if (q->n != 1)
    return TG_USAGE;
  if (hash_parse(q->args[0], ret_id) == TG_OK)
    err = TG_OK;
  else if (number_parse(q->args[0], INT64_MAX, &leaf) == TG_OK)
    err = at_leaf(core, leaf, ret_id);
  else
    return TG_USAGE;
  if (err == TG_OK)
    err = outbox_opening(core, ret_id, core->arena, ret);
  return err == TG_NOT_FOUND ? inbox_opening(core, ret_id, core->arena, ret) : err;
}

/* The log is that of a hub which we may use; its name does not stand with the bulletin. */
static enum tg_err prove(struct node_core *core, const struct opening *opening, const struct charter_hub **ret_hub,
                         struct history_row *ret, struct slice *ret_path)
{
  const struct charter *charter = core_charter(core);
  for (size_t i = 0; charter && i < charter->n_hubs; i++) {
    enum tg_err err = history_prove(core, charter->hub[i].log.name, opening, core->arena, ret, ret_path);
    if (err == TG_NOT_FOUND)
      continue;
    *ret_hub = &charter->hub[i];
    return err;
  }
  return TG_NOT_FOUND;
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
  struct hash id;
  struct opening opening;
  const struct charter_hub *hub = NULL;
  struct history_row row = {0};
  struct slice path = {0};
  enum tg_err err = find(core, q, &id, &opening);
  if (err == TG_USAGE)
    return refuse(q, TG_USAGE, N_("this question takes a bulletin's id, or the place of its entry in the log"), NULL);
  if (err == TG_NOT_FOUND)
    return refuse(q, TG_NOT_FOUND, N_("this node has no entry of the log that says this"),
                  N_("The hub's answer may not have come yet; `toguna sent` and `toguna inbox` list what there is"));
  if (err != TG_OK)
    return err;
  struct buf text = buf_new(PROOF_BYTES_MAX);
  err = prove(core, &opening, &hub, &row, &path);
  if (err == TG_OK) {
    struct opening proven = opening;
    proven.path = path;
    err = proof_print(&proven, row.note, &text);
  }
  if (err == TG_OK || err == TG_NOT_FOUND) { /* without a proof the opening still tells what to look for in the log's files */
    q->json = json_pack("{s:o, s:I, s:o, s:o, s:s?, s:I, s:b, s:o}", "bulletin", query_hex(&id), "index",
                        (json_int_t)opening.index, "entry", base64_json(opening.entry), "salt", base64_json(opening.salt), "log",
                        hub ? hub->log.name : NULL, "size", (json_int_t)row.size, "settled", row.settled, "proof",
                        text.n ? query_text(buf_slice(&text)) : json_null());
    err = q->json ? TG_OK : TG_NO_MEMORY;
  }
  buf_free(&text);
  return err;
}
