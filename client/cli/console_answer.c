#include "client/cli/console.h"

#include "audit/entry.h"
#include "audit/proof.h"
#include "client/cli/box.h"
#include "client/cli/show.h"
#include "client/cli/tiles.h"
#include "client/cli/traffic.h"
#include "keys/codec.h"
#include "os/clock.h"
#include "os/file.h"
#include "proto/marking.h"

#include <stdio.h>

enum { PAGE = 100, FRESH_MS = 2000, WORD = 160 };

static enum tg_err no_memory(struct tg_why *why)
{
  return why_set(why, TG_NO_MEMORY, NULL, N_("out of memory"), NULL, NULL, NULL, NULL);
}

/* ---- arguments of a question */

/* NULL when it is not there or empty. */
static const char *word(const struct http_request *r, const char *name, char out[WORD])
{
  struct buf value = buf_new(WORD - 1);
  bool there = http_argument(r, name, &value) == TG_OK && value.n > 0;
  snprintf(out, WORD, "%.*s", (int)value.n, (const char *)value.p);
  buf_free(&value);
  return there ? out : NULL;
}

static bool number(const struct http_request *r, const char *name, uint64_t *ret)
{
  char text[WORD];
  return word(r, name, text) && number_parse(slice_str(text), INT64_MAX, ret) == TG_OK;
}

static enum tg_err asked_oddly(const char *what, struct tg_why *why)
{
  return why_set(why, TG_BAD_INPUT, what, N_("this is not what the console can be asked"), NULL, NULL, NULL, NULL);
}

struct filter_words {
  char text[8][WORD];
};

static struct review_filter read_filter(const struct http_request *r, struct filter_words *w)
{
  struct review_filter f = {0};
  uint64_t from, to;
  const struct {
    const char *name;
    const char **at;
  } words[] = {{"state", &f.state}, {"topic", &f.topic}, {"precedence", &f.precedence}, {"type", &f.type},
               {"subject", &f.subject}, {"who", &f.who}, {"rule", &f.rule}, {"decision", &f.decision}};
  for (size_t i = 0; i < sizeof words / sizeof *words; i++)
    *words[i].at = word(r, words[i].name, w->text[i]);
  f.from = number(r, "from", &from) ? (tg_time)from : 0;
  f.to = number(r, "to", &to) ? (tg_time)to : 0;
  return f;
}

/* ---- the checkpoint that everything is proven under, and the keys */

struct ground {
  struct buf note_bytes;
  struct note note;
  struct checkpoint checkpoint;
  struct whose whose;
  bool keyed; /* somebody named the key; else nothing here was verified */
  bool borrowed;      /* whose.folio is `lent`: the review's own directory, of what a node knows */
  struct folio lent;
};

static void ground_free(struct ground *g)
{
  if (g->borrowed)
    g->whose.folio = NULL; /* g->lent */
  whose_free(&g->whose);
  buf_free(&g->note_bytes);
}

static enum tg_err newest_note(struct console *c, struct buf *out, struct tg_why *why)
{
  char path[BOX_PATH];
  enum tg_err err = box_path(path, c->files, "checkpoint", why);
  return err ? err : file_read(path, CHECKPOINT_BYTES_MAX, out, why);
}

/* A view was verified with the key that its documents name, and these say who the witnesses are. */
static enum tg_err view_ground(struct console *c, struct ground *g, struct tg_why *why)
{
  buf_put_slice(&g->note_bytes, review_note(c->review));
  g->keyed = true;
  g->whose.log = *review_key(c->review);
  g->borrowed = review_directory(c->review) != NULL;
  g->lent.directory = (struct directory *)(uintptr_t)review_directory(c->review);
  g->whose.folio = g->borrowed ? &g->lent : NULL;
  enum tg_err err = buf_status(&g->note_bytes);
  return err ? err : checkpoint_open(buf_slice(&g->note_bytes), &g->whose.log, &g->checkpoint, &g->note, why);
}

static enum tg_err ground_read(struct console *c, struct ground *g, struct tg_why *why)
{
  *g = (struct ground){.note_bytes = buf_new(CHECKPOINT_BYTES_MAX)};
  if (!c->files)
    return view_ground(c, g, why);
  g->keyed = c->key || c->charter;
  enum tg_err err = newest_note(c, &g->note_bytes, why);
  if (err == TG_OK && g->keyed)
    err = whose_read((char *)(uintptr_t)c->charter, c->key, whose_origin(buf_slice(&g->note_bytes)), &g->whose, why);
  if (err == TG_OK && g->keyed)
    return checkpoint_open(buf_slice(&g->note_bytes), &g->whose.log, &g->checkpoint, &g->note, why);
  if (err == TG_OK)
    err = note_parse(buf_slice(&g->note_bytes), "checkpoint", &g->note, why);
  return err ? err : checkpoint_parse(g->note.text, &g->checkpoint, why);
}

static json_t *vkey_of(const struct note_key *key)
{
  char text[NOTE_VKEY_MAX];
  (void)note_key_print(key, text);
  return json_string(text);
}

static json_t *witnesses_of(const struct ground *g)
{
  const struct directory *d = g->whose.folio ? g->whose.folio->directory : NULL;
  const struct node *node;
  json_t *list = json_array();
  for (size_t i = 0; d && (node = directory_node_at(d, i)); i++) {
    struct note_key key;
    if (node->credential.has_witness && credential_witness_key(&node->credential, &key) == TG_OK)
      json_array_append_new(list, json_pack("{s:s,s:s,s:o}", "name", key.name, "state", node->credential.holder.member.code, "vkey",
                                            vkey_of(&key)));
  }
  return list;
}

static enum tg_err tell_checkpoint(struct console *c, json_t **ret, struct tg_why *why)
{
  struct ground g;
  struct whose_settled settled = {0};
  enum tg_err err = ground_read(c, &g, why);
  if (err == TG_OK && g.keyed && whose_settles(&g.whose, &g.note, clock_wall(), &settled, NULL) != TG_OK)
    settled.settled = false; /* the page shows which signature is false */
  if (err == TG_OK) {
    const struct checkpoint *p = &g.checkpoint;
    *ret = json_pack("{s:s%,s:I,s:o,s:o,s:o,s:o,s:s%}", "origin", (const char *)p->origin.p, p->origin.n, "size", (json_int_t)p->size, "root",
                     json_base64(slice_of(p->root.b, sizeof p->root.b)), "vkey", g.keyed ? vkey_of(&g.whose.log) : json_null(), "settled",
                     settled.known ? json_boolean(settled.settled) : json_null(), "witnesses", witnesses_of(&g),
                     "note", (const char *)g.note_bytes.p, g.note_bytes.n);
    err = *ret ? TG_OK : no_memory(why);
  }
  ground_free(&g);
  return err;
}

/* ---- proofs */

static enum tg_err opening_of(struct console *c, uint64_t index, struct opening *o, uint8_t salt[ENTRY_SALT], uint8_t bytes[LIMIT_ENTRY],
                              struct tg_why *why)
{
  json_t *e = NULL;
  size_t n = 0;
  enum tg_err err = review_entry(c->review, index, &e, why);
  const char *entry = json_string_value(json_object_get(e, "entry")), *grain = json_string_value(json_object_get(e, "salt"));
  if (err == TG_OK && (!entry || !grain || base64_read_upto(slice_str(entry), bytes, LIMIT_ENTRY, &n) != TG_OK ||
                       base64_read(slice_str(grain), salt, ENTRY_SALT) != TG_OK))
    err = why_set(why, TG_NOT_FOUND, NULL, N_("this entry is not open to this place"), NULL, NULL, NULL, NULL);
  json_decref(e);
  *o = (struct opening){.entry = slice_of(bytes, n), .salt = slice_of(salt, ENTRY_SALT), .index = index};
  return err;
}

/* Of what the opening says, whether or not it is what stands in the tree: the browser finds out. */
static enum tg_err print_proof(struct console *c, uint64_t index, struct buf *out, struct tg_why *why)
{
  struct ground g;
  struct opening o;
  struct merkle_path path;
  struct hash leaf;
  uint8_t salt[ENTRY_SALT], bytes[LIMIT_ENTRY];
  if (!c->files) {
    uint64_t size;
    bool settled;
    return review_proof(c->review, index, out, &size, &settled, why);
  }
  enum tg_err err = ground_read(c, &g, why);
  if (err == TG_OK)
    err = opening_of(c, index, &o, salt, bytes, why);
  if (err == TG_OK)
    err = tiles_prove(c->files, &g.checkpoint, index, &leaf, &path, why);
  if (err == TG_OK) {
    o.path = merkle_path_slice(&path);
    err = proof_print(&o, buf_slice(&g.note_bytes), out);
  }
  ground_free(&g);
  return err;
}

static enum tg_err tell_proof(struct console *c, const struct http_request *r, struct buf *out, struct tg_why *why)
{
  uint64_t index;
  return number(r, "index", &index) ? print_proof(c, index, out, why) : asked_oddly("proof", why);
}

static enum tg_err tell_leaves(struct console *c, const struct http_request *r, struct buf *out, struct tg_why *why)
{
  struct hash leaf[TILE_WIDTH];
  uint64_t index, width;
  if (!number(r, "index", &index) || !number(r, "width", &width) || width == 0 || width > TILE_WIDTH)
    return asked_oddly("leaves", why);
  if (!c->files)
    return why_set(why, TG_NOT_FOUND, "leaves", N_("a node keeps its own entries, not those of the whole log"), NULL, NULL, NULL, NULL);
  enum tg_err err = tiles_leaves(c->files, index, (unsigned)width, leaf, why);
  if (err == TG_OK)
    buf_put(out, leaf, width * sizeof *leaf);
  return err ? err : buf_status(out);
}

/* ---- what a review says, with the names that people read */

static json_t *types(void)
{
  json_t *list = json_array();
  for (unsigned t = 1; t <= ENTRY_TYPES; t++)
    json_array_append_new(list, json_pack("{s:s,s:s}", "name", entry_type_name(t), "sentence", entry_type_sentence(t)));
  return list;
}

/* What came since is taken in before somebody looks, at most every other second. */
static enum tg_err be_fresh(struct console *c, struct tg_why *why)
{
  uint64_t fresh;
  if (c->fresh && clock_mono() - c->fresh < FRESH_MS)
    return TG_OK;
  enum tg_err err = review_refresh(c->review, &fresh, why);
  c->fresh = clock_mono();
  return err;
}

static enum tg_err tell_about(struct console *c, json_t **ret, struct tg_why *why)
{
  enum tg_err err = be_fresh(c, why);
  if (err == TG_OK)
    err = review_about(c->review, ret, why);
  if (err == TG_OK) {
    json_object_set_new(*ret, "place", json_string(c->place));
    json_object_set_new(*ret, "types", types());
  }
  return err;
}

static enum tg_err tell_timeline(struct console *c, const struct http_request *r, json_t **ret, struct tg_why *why)
{
  char step[WORD];
  enum tg_err err = be_fresh(c, why);
  if (err != TG_OK)
    return err;
  err = traffic_timeline(c->review, word(r, "step", step), ret);
  if (err == TG_DISK)
    return why_set(why, err, NULL, N_("the index cannot be read"), N_("Remove it: it is made again"), NULL, NULL, NULL);
  if (err == TG_NO_MEMORY)
    return no_memory(why);
  return err;
}

static enum tg_err tell_matrix(struct console *c, const struct http_request *r, json_t **ret, struct tg_why *why)
{
  struct filter_words w;
  const struct review_filter f = read_filter(r, &w);
  enum tg_err err = review_matrix(c->review, f.from, f.to, ret, why);
  if (err == TG_OK)
    json_object_set_new(*ret, "names", show_states(json_object_get(*ret, "states")));
  return err;
}

typedef enum tg_err paged(struct review *r, const struct review_filter *f, uint64_t cursor, unsigned limit, json_t **ret,
                          struct tg_why *why);

static enum tg_err tell_page(struct console *c, paged *ask, const struct http_request *r, json_t **ret, struct tg_why *why)
{
  struct filter_words w;
  uint64_t cursor = 0;
  const struct review_filter f = read_filter(r, &w);
  (void)number(r, "cursor", &cursor);
  enum tg_err err = review_filter_check(&f, why);
  return err ? err : ask(c->review, &f, cursor, PAGE, ret, why);
}

static enum tg_err tell_entry(struct console *c, const struct http_request *r, json_t **ret, struct tg_why *why)
{
  uint64_t index;
  return number(r, "index", &index) ? review_entry(c->review, index, ret, why) : asked_oddly("entry", why);
}

/* Markings by their names, as people write them. */
static void name_markings(json_t *story)
{
  json_t *portion;
  size_t i;
  json_array_foreach(json_object_get(json_object_get(story, "header"), "portions"), i, portion) {
    const json_int_t level = json_integer_value(json_object_get(portion, "level")), tlp = json_integer_value(json_object_get(portion, "tlp"));
    json_object_set_new(portion, "level", json_string(level_name((uint8_t)level)));
    json_object_set_new(portion, "tlp", json_string(tlp_name((uint8_t)tlp)));
  }
}

static enum tg_err tell_story(struct console *c, const struct http_request *r, json_t **ret, struct tg_why *why)
{
  char id[WORD];
  enum tg_err err = word(r, "id", id) ? review_story(c->review, id, ret, why) : asked_oddly("story", why);
  if (err == TG_OK)
    name_markings(*ret);
  return err;
}

/* Sentences in answers of a review are those of our sources. */
static void translate(json_t *value)
{
  static const char *const names[] = {"sentence", "reason_sentence"};
  json_t *inner;
  const char *key;
  size_t i;
  json_array_foreach(value, i, inner)
    translate(inner);
  for (i = 0; i < sizeof names / sizeof *names; i++) {
    const char *text = json_string_value(json_object_get(value, names[i]));
    if (text)
      json_object_set_new(value, names[i], json_string(tr(text)));
  }
  json_object_foreach(value, key, inner)
    if (!json_is_string(inner))
      translate(inner);
}

static enum tg_err answer(struct console *c, struct slice question, const struct http_request *r, json_t **ret, struct buf *bytes,
                          struct tg_why *why)
{
  if (slice_is(question, "about"))
    return tell_about(c, ret, why);
  if (slice_is(question, "timeline"))
    return tell_timeline(c, r, ret, why);
  if (slice_is(question, "matrix"))
    return tell_matrix(c, r, ret, why);
  if (slice_is(question, "entries"))
    return tell_page(c, review_entries, r, ret, why);
  if (slice_is(question, "refusals"))
    return tell_page(c, review_refusals, r, ret, why);
  if (slice_is(question, "entry"))
    return tell_entry(c, r, ret, why);
  if (slice_is(question, "story"))
    return tell_story(c, r, ret, why);
  if (slice_is(question, "checkpoint"))
    return tell_checkpoint(c, ret, why);
  if (slice_is(question, "checkpoints"))
    return review_checkpoints(c->review, ret, why);
  if (slice_is(question, "proof"))
    return tell_proof(c, r, bytes, why);
  if (slice_is(question, "leaves"))
    return tell_leaves(c, r, bytes, why);
  return TG_NOT_FOUND;
}

enum tg_err console_answer(void *arg, struct slice question, const struct http_request *r, json_t **ret, struct buf *bytes,
                           struct tg_why *why)
{
  enum tg_err err = answer(arg, question, r, ret, bytes, why);
  if (err == TG_OK && *ret)
    translate(*ret);
  return err;
}
