#include "client/node/bundle_out.h"

#include "client/local.h"
#include "client/node/explain.h"
#include "client/node/history.h"
#include "client/node/outbox.h"
#include "keys/codec.h"
#include "policy/policy.h"
#include "proto/portion.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

enum { WHOM_MAX = 64, ROW_ARENA = 8 * LIMIT_FRAME };

/* What is written next. */
enum stage { STAGE_DOCUMENTS, STAGE_PARCELS, STAGE_CHUNKS, STAGE_END, STAGE_OVER };

/* One that is written: the nodes that get it, and all the portions they may read. */
struct outgoing {
  struct hash id;
  size_t n;
  struct sign_pk whom[WHOM_MAX];
  uint32_t portions;
};

/* Invariants: item[0..at) are written; out[sent..n) is written and not handed out; row holds the bulletin at hand. */
struct bundle_out {
  struct country member;
  bool bare;
  enum stage stage;
  uint64_t document; /* order of the last one written */
  size_t n, at, parcel, parcels; /* parcels: of all items */
  struct outgoing *item;
  unsigned portion;
  uint64_t chunk;
  struct bundle_hash hash;
  struct buf out;
  size_t sent;
  struct arena *row;
};

void bundle_out_free(struct bundle_out *b)
{
  if (!b)
    return;
  buf_free(&b->out);
  arena_free(b->row);
  free(b->item);
  free(b);
}

size_t bundle_out_count(const struct bundle_out *b) { return b->n; }
const struct hash *bundle_out_id(const struct bundle_out *b, size_t i) { return &b->item[i].id; }

/* ---- for whom ---- */

/* "BF" is "BF/anr/n1" and not "BFX". */
static bool is_within(struct slice to, const char *name)
{
  return strlen(name) >= to.n && memcmp(name, to.p, to.n) == 0 && (name[to.n] == 0 || name[to.n] == '/');
}

static bool is_for(const struct node_core *core, struct slice to, const struct sign_pk *key)
{
  const struct node *node = directory_node(core->directory, key);
  char name[HOLDER_MAX + 1];
  if (!node)
    return false;
  holder_print(&node->credential.holder, name);
  return is_within(to, name);
}

static bool is_anybody(const struct node_core *core, struct slice to)
{
  const struct node *node;
  for (size_t i = 0; (node = directory_node_at(core->directory, i)); i++)
    if (is_for(core, to, &node->credential.identity))
      return true;
  return false;
}

/* ---- what ---- */

static enum tg_err refuse(struct tg_why *why, enum tg_err *ret, enum tg_err err, const struct hash *id, const char *what,
                          const char *todo)
{
  char hex[HASH_TEXT] = "";
  if (id)
    sodium_bin2hex(hex, sizeof hex, id->b, 8);
  *ret = why_set(why, err, hex, what, todo, NULL, NULL, NULL);
  return TG_OK;
}

/* Its nodes within `to`; those that may not have it now are left out, and the last reason for that is in *why. */
static enum tg_err choose(struct node_core *core, struct bundle_out *b, struct slice to, const struct sent_row *row,
                          struct outgoing *o, enum tg_err *ret, struct tg_why *why)
{
  bool any = false;
  for (size_t i = 0; i < row->message->n_wraps; i++) {
    struct wrap w;
    bool held = false;
    if (wrap_parse(data_slice(row->message->wraps[i]), b->row, &w, NULL) != TG_OK)
      return TG_DISK; /* we built it */
    if (!is_for(core, to, &w.recipient))
      continue;
    any = true;
    enum tg_err may = directory_may_act(core->directory, &w.recipient, core->now.wall, why);
    enum tg_err err = may == TG_OK ? explain_held(core, row, &w.recipient, b->row, &held, why) : TG_OK;
    if (err != TG_OK)
      return err;
    if (may != TG_OK || held) {
      *ret = may != TG_OK ? may : TG_REFUSED;
      continue;
    }
    if (o->n == WHOM_MAX)
      return refuse(why, ret, TG_QUOTA, &row->id, N_("too many nodes would get it"), N_("Name one of them"));
    o->whom[o->n++] = w.recipient;
    o->portions |= w.portions;
  }
  if (o->n)
    *ret = TG_OK;
  else if (!any)
    return refuse(why, ret, TG_NOT_FOUND, &row->id, N_("the bulletin was not sealed to any node of that name"),
                  N_("A bulletin opens for those alone to whom it was sent: `toguna track` lists them"));
  return TG_OK;
}

static enum tg_err add(struct node_core *core, struct bundle_out *b, struct slice to, const struct hash *id, enum tg_err *ret,
                       struct tg_why *why)
{
  struct sent_row row;
  struct outgoing *o = &b->item[b->n];
  bool recalled = false;
  arena_reset(b->row);
  *o = (struct outgoing){.id = *id};
  enum tg_err err = outbox_row(core, id, b->row, &row);
  if (err == TG_NOT_FOUND)
    return refuse(why, ret, err, id, N_("there is no such bulletin among those this node sent"), N_("Only its originator's node can export it"));
  if (err == TG_OK)
    err = outbox_is_recalled(core, id, &recalled);
  if (err != TG_OK)
    return err;
  if (recalled)
    return refuse(why, ret, TG_REVOKED, id, N_("the bulletin was taken back"), N_("Export its recall instead, which `toguna sent` lists, for those whom it has reached already"));
  if (row.state == SENT_REFUSED)
    return refuse(why, ret, TG_REFUSED, id, N_("the hub refused the bulletin, and so it is passed on by no other way"), NULL);
  if (row.state == SENT_EXPIRED || row.header.subject.expires <= core->now.wall)
    return refuse(why, ret, TG_EXPIRED, id, N_("the bulletin has expired"), NULL);
  err = choose(core, b, to, &row, o, ret, why);
  if (err != TG_OK || *ret != TG_OK)
    return err;
  if (b->parcels + o->n > BUNDLE_PARCELS)
    return refuse(why, ret, TG_QUOTA, id, N_("these are more bulletins, for more nodes, than one bundle holds"),
                  N_("Export them in several"));
  b->parcels += o->n;
  b->n++;
  return TG_OK;
}

/* All that somebody of these nodes has said nothing of; what may not go is left out. */
static enum tg_err add_open(struct node_core *core, struct bundle_out *b, struct slice to, enum tg_err *ret, struct tg_why *why)
{
  struct db_stmt *s = db_stmt(depot_db(core->depot),
                              "SELECT sent.id, track.node FROM sent CROSS JOIN track ON track.number = sent.number WHERE sent.state < 2 AND"
                              " track.event = 0 AND NOT EXISTS(SELECT 1 FROM track AS t WHERE t.number = sent.number AND t.node ="
                              " track.node AND t.event > 0) ORDER BY sent.precedence DESC, sent.number");
  struct hash *ids = calloc(BUNDLE_PARCELS, sizeof *ids);
  size_t n = 0;
  bool row;
  enum tg_err err = ids ? TG_OK : TG_NO_MEMORY;
  while (err == TG_OK && (err = db_step(s, &row)) == TG_OK && row) {
    struct hash id;
    struct sign_pk node;
    if (!db_bytes(s, 0, id.b, sizeof id.b) || !db_bytes(s, 1, node.b, sizeof node.b))
      err = TG_DISK;
    else if (n < LOCAL_EXPORTS && is_for(core, to, &node) && (n == 0 || !hash_eq(&ids[n - 1], &id)))
      ids[n++] = id;
  }
  if (err != TG_OK)
    db_reset(s);
  for (size_t i = 0; err == TG_OK && i < n; i++)
    err = add(core, b, to, &ids[i], ret, why);
  free(ids);
  if (err == TG_OK && b->n)
    *ret = TG_OK;
  else if (err == TG_OK && n == 0)
    return refuse(why, ret, TG_NOT_FOUND, NULL, N_("nothing waits for their answer: they have answered all, or this node sent them nothing"),
                  N_("Name a bulletin by its id to export it all the same"));
  return err;
}

enum tg_err bundle_out_new(struct node_core *core, struct slice to, const struct hash *ids, size_t n, bool bare,
                           struct bundle_out **ret, enum tg_err *ret_verdict, struct tg_why *why)
{
  *ret_verdict = TG_OK;
  if (!is_anybody(core, to))
    return refuse(why, ret_verdict, TG_NOT_FOUND, NULL, N_("no node of that name is known"), N_("`toguna directory` lists them; a state goes by its code, as SN"));
  struct bundle_out *b = calloc(1, sizeof *b);
  if (!b || !(b->item = calloc(n ? n : LOCAL_EXPORTS, sizeof *b->item)) || !(b->row = arena_new(ROW_ARENA))) {
    bundle_out_free(b);
    return TG_NO_MEMORY;
  }
  b->out = buf_new(2 * LIMIT_FRAME);
  b->bare = bare;
  memcpy(b->member.code, to.p, 2);
  enum tg_err err = n ? TG_OK : add_open(core, b, to, ret_verdict, why);
  for (size_t i = 0; err == TG_OK && *ret_verdict == TG_OK && i < n; i++)
    err = add(core, b, to, &ids[i], ret_verdict, why);
  if (err == TG_OK && *ret_verdict == TG_OK)
    err = bundle_out_head(core, &b->hash, b->member, &b->out);
  if (err == TG_OK && *ret_verdict == TG_OK) {
    b->stage = bare ? STAGE_PARCELS : STAGE_DOCUMENTS;
    *ret = b;
  } else {
    bundle_out_free(b);
  }
  return err;
}

/* ---- records ---- */

enum tg_err bundle_out_head(struct node_core *core, struct bundle_hash *hash, struct country to, struct buf *out)
{
  Tg__BundleHead head = TG__BUNDLE_HEAD__INIT;
  head.exchange = slice_data(hash_slice(&core->config->exchange));
  head.from = slice_data(key_slice(&core->me));
  head.to = slice_data(slice_of(to.code, 2));
  head.time = (uint64_t)core->now.wall;
  bundle_begin(hash, out);
  return bundle_put(hash, BUNDLE_HEAD, &head.base, out, NULL);
}

enum tg_err bundle_out_end(struct node_core *core, struct bundle_hash *hash, struct buf *out)
{
  Tg__BundleEnd end = TG__BUNDLE_END__INIT;
  const struct hash statement = bundle_statement(hash);
  struct batch *batch = batch_new();
  enum tg_err err = batch ? batch_add(batch, &statement, NULL) : TG_NO_MEMORY;
  if (err == TG_OK)
    err = batch_sign(batch, &core->config->exchange, core_sign, core);
  if (err == TG_OK)
    err = (end.proof = batch_proof(batch, 0, core->arena)) ? bundle_put(hash, BUNDLE_END, &end.base, out, NULL) : TG_NO_MEMORY;
  batch_free(batch);
  return err;
}

/* Policies that only their own state and hubs may read do not travel to others. */
static bool may_have(const struct bundle_out *b, const struct directory_item *item)
{
  struct note note;
  struct policy *policy = NULL;
  if (item->kind != DOCUMENT_POLICY)
    return true;
  if (note_parse(item->bytes, NULL, &note, NULL) != TG_OK || policy_parse(note.text, "", NULL, &policy, NULL, NULL) != TG_OK)
    return false;
  const bool may = policy_visibility(policy) == POLICY_FOR_MEMBERS || country_eq(policy_member(policy), b->member);
  policy_free(policy);
  return may;
}

static enum tg_err write_document(struct node_core *core, struct bundle_out *b)
{
  struct directory_item item;
  Tg__Document m = TG__DOCUMENT__INIT;
  ProtobufCMessage *proof = NULL;
  if (directory_next(core->directory, b->document, &item) != TG_OK) {
    b->stage = STAGE_PARCELS;
    return TG_OK;
  }
  b->document = item.order;
  if (!may_have(b, &item))
    return TG_OK;
  arena_reset(core->scrap);
  if (item.proof.n && strict_unpack(&limits_batch_proof, item.proof, core->scrap, &proof, NULL) != TG_OK)
    return TG_DISK; /* it was taken in so */
  m.kind = item.kind;
  m.content = slice_data(item.bytes);
  m.proof = (Tg__BatchProof *)proof;
  return bundle_put(&b->hash, BUNDLE_DOCUMENT, &m.base, &b->out, NULL);
}

/* ---- a bulletin for one node ---- */

static enum tg_err open_portions(const struct bundle_out *b, const struct sent_row *row, uint32_t mask, Tg__Parcel *m)
{
  const Tg__Submission *from = row->message;
  struct slice bytes[LIMIT_PORTIONS];
  m->portions = arena_alloc(b->row, LIMIT_PORTIONS * sizeof *m->portions);
  for (size_t i = 0; i < from->n_portions; i++)
    bytes[i] = data_slice(from->portions[i]);
  struct merkle_tree *tree = m->portions ? portion_tree(bytes, from->n_portions) : NULL;
  enum tg_err err = tree ? TG_OK : TG_NO_MEMORY;
  for (unsigned i = 0; err == TG_OK && i < from->n_portions; i++) {
    struct portion portion;
    struct merkle_path path;
    Tg__OpenPortion *open = mask >> i & 1 ? arena_alloc(b->row, sizeof *open) : NULL;
    if (!(mask >> i & 1))
      continue;
    if (!open || portion_parse(bytes[i], b->row, &portion, NULL) != TG_OK) {
      err = open ? TG_DISK : TG_NO_MEMORY;
      break;
    }
    merkle_tree_path(tree, i, &path);
    tg__open_portion__init(open);
    open->portion = from->portions[i];
    open->path = slice_data(arena_copy(b->row, merkle_path_slice(&path)));
    if (!(portion.caveats & CAVEAT_BLIND))
      open->release = from->releases[i];
    m->portions[m->n_portions++] = open;
  }
  merkle_tree_free(tree);
  return err;
}

/* The wrap of this node, its place in the audience tree and the portions it opens. */
static enum tg_err put_wrap(const struct bundle_out *b, const struct sent_row *row, const struct sign_pk *whom, Tg__Parcel *m,
                            uint32_t *ret_mask)
{
  const size_t n = row->message->n_wraps;
  struct hash *leaves = arena_alloc(b->row, n * sizeof *leaves);
  struct merkle_path path;
  struct wrap w;
  if (!leaves)
    return TG_NO_MEMORY;
  for (size_t i = 0; i < n; i++) {
    struct slice bytes = data_slice(row->message->wraps[i]);
    leaves[i] = merkle_leaf(bytes);
    if (wrap_parse(bytes, b->row, &w, NULL) != TG_OK)
      return TG_DISK;
    if (!sign_pk_eq(&w.recipient, whom))
      continue;
    m->wrap = slice_data(bytes);
    m->wrap_index = i;
    *ret_mask = w.portions;
  }
  struct merkle_tree *tree = m->wrap.len ? merkle_tree_new(leaves, n) : NULL;
  if (!tree)
    return m->wrap.len ? TG_NO_MEMORY : TG_DISK;
  merkle_tree_path(tree, (size_t)m->wrap_index, &path);
  merkle_tree_free(tree);
  m->wrap_path = slice_data(arena_copy(b->row, merkle_path_slice(&path)));
  return TG_OK;
}

/* Where a hub has logged it and the checkpoints of that time are still here, the proof goes along. */
static enum tg_err put_proof(struct node_core *core, const struct bundle_out *b, const struct sent_row *row, Tg__Parcel *m)
{
  struct opening opening;
  struct history_row at;
  struct slice path;
  const struct charter *charter = core_charter(core);
  if (b->bare || row->state == SENT_SPOOLED)
    return TG_OK;
  enum tg_err err = outbox_opening(core, &row->id, b->row, &opening);
  if (err != TG_OK)
    return err == TG_NOT_FOUND ? TG_OK : err;
  for (size_t i = 0; charter && i < charter->n_hubs; i++) {
    err = history_prove(core, charter->hub[i].log.name, &opening, 0, b->row, &at, &path);
    if (err == TG_NOT_FOUND)
      continue;
    if (err != TG_OK)
      return err;
    m->entry = slice_data(opening.entry);
    m->salt = slice_data(opening.salt);
    m->leaf = opening.index;
    m->path = slice_data(path);
    m->checkpoint = slice_data(at.note);
    return TG_OK;
  }
  return TG_OK;
}

static enum tg_err write_parcel(struct node_core *core, struct bundle_out *b, enum tg_err *ret, struct tg_why *why)
{
  const struct outgoing *o = &b->item[b->at];
  Tg__Parcel m = TG__PARCEL__INIT;
  struct sent_row row;
  uint32_t mask = 0;
  arena_reset(b->row);
  enum tg_err err = outbox_row(core, &o->id, b->row, &row);
  if (err == TG_OK && row.message->n_portions > LIMIT_PORTIONS)
    err = TG_DISK;
  if (err != TG_OK)
    return err == TG_NOT_FOUND ? TG_DISK : err;
  m.header = row.message->header;
  m.proof = row.message->proof;
  err = put_wrap(b, &row, &o->whom[b->parcel], &m, &mask);
  if (err == TG_OK)
    err = open_portions(b, &row, mask, &m);
  if (err == TG_OK)
    err = put_proof(core, b, &row, &m);
  if (err == TG_OK)
    err = bundle_put(&b->hash, BUNDLE_PARCEL, &m.base, &b->out, why);
  if (err == TG_TOO_BIG) {
    *ret = err;
    return TG_OK;
  }
  if (++b->parcel == o->n) {
    b->stage = STAGE_CHUNKS;
    b->portion = 0;
    b->chunk = 0;
  }
  return err;
}

static void next_bulletin(struct bundle_out *b)
{
  b->at++;
  b->parcel = 0;
  b->stage = STAGE_PARCELS;
}

static enum tg_err write_chunk(struct node_core *core, struct bundle_out *b, enum tg_err *ret, struct tg_why *why)
{
  const struct outgoing *o = &b->item[b->at];
  struct depot_content content;
  struct slice sealed;
  uint64_t chunks = 0;
  Tg__Chunk m = TG__CHUNK__INIT;
  while (b->portion < LIMIT_PORTIONS && !(o->portions >> b->portion & 1))
    b->portion++;
  if (b->portion == LIMIT_PORTIONS) {
    next_bulletin(b);
    return TG_OK;
  }
  arena_reset(b->row);
  enum tg_err err = depot_content(core->depot, &o->id, b->portion, b->row, &content);
  if (err == TG_NOT_FOUND)
    return refuse(why, ret, err, &o->id, N_("the content of the bulletin is not kept any more"), NULL);
  if (err == TG_OK)
    sodium_memzero((uint8_t *)(uintptr_t)content.secret.p, content.secret.n);
  if (err == TG_OK)
    err = depot_body_chunks(core->depot, content.body, &chunks);
  if (err == TG_OK)
    err = depot_chunk(core->depot, content.body, b->chunk, b->row, &sealed);
  if (err != TG_OK)
    return err == TG_NOT_FOUND ? TG_DISK : err;
  m.bulletin = slice_data(hash_slice(&o->id));
  m.portion = b->portion;
  m.chunk = b->chunk;
  m.sealed = slice_data(sealed);
  if (++b->chunk == chunks) {
    b->portion++;
    b->chunk = 0;
  }
  return bundle_put(&b->hash, BUNDLE_CHUNK, &m.base, &b->out, NULL);
}

/* ---- pieces ---- */

static enum tg_err write_more(struct node_core *core, struct bundle_out *b, enum tg_err *ret, struct tg_why *why)
{
  enum tg_err err = TG_OK;
  switch (b->stage) {
  case STAGE_DOCUMENTS:
    return write_document(core, b);
  case STAGE_PARCELS:
    if (b->at < b->n)
      return write_parcel(core, b, ret, why);
    b->stage = STAGE_END;
    return TG_OK;
  case STAGE_CHUNKS:
    return write_chunk(core, b, ret, why);
  case STAGE_END:
    err = bundle_out_end(core, &b->hash, &b->out);
    b->stage = STAGE_OVER;
    return err;
  case STAGE_OVER:
    break;
  }
  return TG_INTERNAL;
}

enum tg_err bundle_out_next(struct node_core *core, struct bundle_out *b, struct slice *ret, bool *ret_end,
                            enum tg_err *ret_verdict, struct tg_why *why)
{
  *ret_verdict = TG_OK;
  if (b->sent == b->out.n) {
    buf_clear(&b->out);
    b->sent = 0;
  }
  while (b->out.n - b->sent < LOCAL_DATA && b->stage != STAGE_OVER) {
    if (b->sent && b->out.n > LIMIT_FRAME / 2) { /* the rest moves to the front, to make room */
      memmove(b->out.p, b->out.p + b->sent, b->out.n - b->sent);
      b->out.n -= b->sent;
      b->sent = 0;
    }
    enum tg_err err = write_more(core, b, ret_verdict, why);
    if (err != TG_OK || *ret_verdict != TG_OK)
      return err;
  }
  const size_t left = b->out.n - b->sent, n = left < LOCAL_DATA ? left : LOCAL_DATA;
  *ret = slice_of(b->out.p + b->sent, n);
  b->sent += n;
  *ret_end = b->stage == STAGE_OVER && b->sent == b->out.n;
  return TG_OK;
}
