/* toguna audit prove: one entry of a log as a portable proof file. */
#include "audit/proof.h"

#include "client/cli/box.h"
#include "client/cli/reach.h"
#include "client/cli/show.h"
#include "client/cli/sight.h"
#include "client/cli/tiles.h"
#include "client/cli/whose.h"
#include "keys/codec.h"
#include "os/clock.h"
#include "os/file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { INDEX_DIGITS = 11 }; /* what is shown of an id has 12 digits: shorter, and decimal, is a place */

struct prove_options {
  struct common common;
  char *socket, *log, *charter, *key, *output;
};

/* What the proof is put together of. */
struct prove {
  const struct prove_options *options;
  bool opened; /* the node told what the entry says */
  uint64_t index, size;
  bool settled, settled_known;
  uint64_t charter; /* version of the charter that says whose log it is and who cosigns; 0: only the key was stated */
  struct hash charter_hash;
  char exchange[EXCHANGE_NAME_MAX + 1];
  char log[NOTE_NAME_MAX + 1], name[BOX_PATH];
  uint8_t entry[LIMIT_ENTRY], salt[ENTRY_SALT];
  size_t entry_n;
  struct buf file;
};

static bool is_index(const char *word, uint64_t *ret)
{
  return strlen(word) <= INDEX_DIGITS && number_parse(slice_str(word), MERKLE_SIZE_MAX - 1, ret) == TG_OK;
}

/* ---- from the node ---- */

static enum tg_err odd_answer(struct tg_why *why)
{
  return why_set(why, TG_BAD_INPUT, "prove", N_("the node's answer is not what this release expects"),
                 N_("Check that toguna and toguna-node are of the same release"), NULL, NULL, NULL);
}

static enum tg_err take_answer(struct prove *p, const json_t *j, struct tg_why *why)
{
  struct hash subject; /* its name becomes that of a file */
  const char *entry = json_string_value(json_object_get(j, "entry"));
  const char *salt = json_string_value(json_object_get(j, "salt"));
  const char *proof = json_string_value(json_object_get(j, "proof"));
  const char *bulletin_id = json_string_value(json_object_get(j, "bulletin"));
  const char *document_id = json_string_value(json_object_get(j, "document"));
  const char *id = bulletin_id ? bulletin_id : document_id ? document_id : json_string_value(json_object_get(j, "receipts"));
  if (!entry || !salt || !id || hash_parse(slice_str(id), &subject) != TG_OK || base64_read(slice_str(salt), p->salt, ENTRY_SALT) ||
      base64_read_upto(slice_str(entry), p->entry, sizeof p->entry, &p->entry_n))
    return odd_answer(why);
  p->opened = true;
  p->index = (uint64_t)json_integer_value(json_object_get(j, "index"));
  snprintf(p->name, sizeof p->name, "%.12s.tlog-proof", id);
  if (proof)
    buf_put_str(&p->file, proof);
  return buf_status(&p->file);
}

/* The whole id of a bulletin that begins so. */
static enum tg_err whole_id(struct call *call, const char *prefix, char out[65])
{
  const struct prove_options *o = call->options;
  struct arena *arena = reach_arena();
  struct toguna *node;
  const struct toguna_item *item;
  enum tg_err err = reach_open(call, o->socket, &node);
  if (err == TG_OK) {
    err = reach_find(call, node, prefix, arena, &item);
    if (err == TG_OK)
      toguna_id_print(&item->id, out);
    toguna_close(node);
  }
  arena_free(arena);
  return err;
}

/* The whole hash of the one document that begins so. Unchanged and TG_NOT_FOUND: none, or several. */
static enum tg_err whole_hash(struct call *call, const char *prefix, char out[65], struct tg_why *why)
{
  const struct prove_options *o = call->options;
  const char *found = NULL;
  json_t *list, *one;
  size_t i, n = 0;
  enum tg_err err = reach_ask(call, o->socket, "documents", (const char *const[]){NULL}, &list, why);
  if (err != TG_OK)
    return err;
  json_array_foreach(list, i, one) {
    const char *hash = json_string_value(json_object_get(one, "hash"));
    if (!hash || strlen(hash) != 64 || strncmp(hash, prefix, strlen(prefix)) != 0)
      continue;
    found = hash;
    n++;
  }
  if (n == 1)
    memcpy(out, found, 65);
  json_decref(list);
  return n == 1 ? TG_OK : TG_NOT_FOUND;
}

/* A bulletin, or else a document. What is said when it is neither is what is said of bulletins. */
static enum tg_err whole_name(struct call *call, const char *prefix, char out[65], struct tg_why *why)
{
  enum tg_err err = whole_id(call, prefix, out);
  const struct toguna_error said = call->said;
  if (err != TG_NOT_FOUND || whole_hash(call, prefix, out, why) != TG_OK) {
    call->said = said;
    return err;
  }
  call->said = (struct toguna_error){0};
  return TG_OK;
}

static enum tg_err made_up(const char *what, struct tg_why *why)
{
  return why_set(why, TG_BAD_PROOF, "prove", what, N_("Nothing is written. Ask again; if it stays so, keep the node as it is and find out who changed it"), NULL,
                 NULL, NULL);
}

/* Is it the entry that was asked for? A node is believed as little as a hub. */
static enum tg_err is_asked_for(const struct prove *p, const char *id, uint64_t index, struct tg_why *why)
{
  struct entry entry;
  struct hash bulletin;
  enum tg_err err = entry_parse(slice_of(p->entry, p->entry_n), &entry, why);
  if (err != TG_OK)
    return err;
  if (id ? hash_parse(slice_str(id), &bulletin) != TG_OK || !hash_eq(&bulletin, &entry.subject) : p->index != index)
    return made_up(N_("the node answers with the entry of something else"), why);
  return TG_OK;
}

static enum tg_err check_settled(struct prove *p, const struct whose *whose, const struct note *note, struct tg_why *why)
{
  struct whose_settled *s = calloc(1, sizeof *s);
  enum tg_err err = s ? whose_settles(whose, note, clock_wall(), s, why) : TG_NO_MEMORY;
  if (err == TG_OK) {
    p->settled = s->settled;
    p->settled_known = s->known;
  }
  free(s);
  return err;
}

/* As the checkpoint says, not the node. */
static void name_log(struct prove *p, const struct checkpoint *c)
{
  p->size = c->size;
  snprintf(p->log, sizeof p->log, "%.*s", (int)c->origin.n, (const char *)c->origin.p);
}

/* What the answer rests on. */
static void name_charter(struct prove *p, const struct whose *whose)
{
  const struct charter *c = whose->folio ? directory_newest_charter(whose->folio->directory) : NULL;
  if (!c)
    return;
  p->charter = c->version;
  (void)directory_charter_version(whose->folio->directory, c->version, &p->charter_hash);
  snprintf(p->exchange, sizeof p->exchange, "%s", c->exchange);
}

static bool is_pinned(const struct prove *p)
{
  return p->options->charter || p->options->key;
}

/* All of it is checked as `toguna audit check` would; by the node's own charter when nobody named one. */
static enum tg_err check_note(struct call *call, struct prove *p, const struct proof *proof, struct tg_why *why)
{
  const struct prove_options *o = p->options;
  struct whose whose = {0};
  struct checkpoint c;
  struct note note;
  enum tg_err err = is_pinned(p) ? whose_read(o->charter, o->key, whose_origin(proof->checkpoint), &whose, why)
                                 : whose_fetch(call, o->socket, whose_origin(proof->checkpoint), &whose, why);
  if (err == TG_OK)
    err = proof_verify_opening(proof, &whose.log, NULL, &c, &note, why);
  if (err == TG_OK)
    err = check_settled(p, &whose, &note, why);
  if (err == TG_OK) {
    name_log(p, &c);
    name_charter(p, &whose);
  }
  whose_free(&whose);
  return err;
}

static enum tg_err believe(struct call *call, struct prove *p, struct tg_why *why)
{
  struct proof *proof = calloc(1, sizeof *proof);
  struct opening o;
  enum tg_err err = proof ? proof_parse(buf_slice(&p->file), "prove", proof, why) : TG_NO_MEMORY;
  if (err == TG_OK && (proof_opening(proof, &o) != TG_OK || o.index != p->index || !slice_eq(o.entry, slice_of(p->entry, p->entry_n)) ||
                       !slice_eq(o.salt, slice_of(p->salt, sizeof p->salt))))
    err = made_up(N_("the node's proof is about another entry than the one that it shows"), why);
  if (err == TG_OK)
    err = check_note(call, p, proof, why);
  free(proof);
  return err;
}

static enum tg_err ask_node(struct call *call, struct prove *p, struct tg_why *why)
{
  char id[65] = "";
  uint64_t index = 0;
  const char *what = call->arg[0];
  json_t *j;
  enum tg_err err = TG_OK;
  if (!is_index(what, &index)) {
    err = whole_name(call, what, id, why);
    what = id;
  }
  if (err == TG_OK)
    err = reach_ask(call, p->options->socket, "prove", (const char *const[]){what, NULL}, &j, why);
  if (err != TG_OK)
    return err;
  err = take_answer(p, j, why);
  json_decref(j);
  return err == TG_OK ? is_asked_for(p, id[0] ? id : NULL, index, why) : err;
}

/* ---- from the log's files ---- */

static enum tg_err print_file(struct prove *p, const struct hash *leaf, const struct merkle_path *path, struct slice note,
                              struct tg_why *why)
{
  struct opening o = {.entry = slice_of(p->entry, p->entry_n),
                      .salt = slice_of(p->salt, sizeof p->salt),
                      .index = p->index,
                      .path = merkle_path_slice(path)};
  struct hash ours;
  buf_clear(&p->file);
  if (!p->opened) /* `toguna audit check` knows a leaf by its length */
    return proof_print_raw(p->index, o.path, slice_of(leaf->b, sizeof leaf->b), note, &p->file);
  if (opening_leaf(&o, &ours) != TG_OK || !hash_eq(&ours, leaf))
    return why_set(why, TG_BAD_PROOF, p->options->log, N_("the entry there is another than the one that the node was shown"),
                   N_("If this is the log of the same hub, it keeps two histories: show both to the other members"), NULL,
                   NULL, NULL);
  return proof_print(&o, note, &p->file);
}

static enum tg_err from_files(struct prove *p, struct tg_why *why)
{
  const struct prove_options *o = p->options;
  char path[BOX_PATH];
  struct buf note = buf_new(CHECKPOINT_BYTES_MAX);
  struct whose whose = {0};
  struct checkpoint c;
  struct hash leaf;
  struct merkle_path steps;
  enum tg_err err = box_path(path, o->log, "checkpoint", why);
  if (err == TG_OK)
    err = file_read(path, CHECKPOINT_BYTES_MAX, &note, why);
  if (err == TG_OK)
    err = whose_read(o->charter, o->key, whose_origin(buf_slice(&note)), &whose, why);
  if (err == TG_OK)
    err = checkpoint_open(buf_slice(&note), &whose.log, &c, NULL, why);
  if (err == TG_OK)
    err = tiles_prove(o->log, &c, p->index, &leaf, &steps, why);
  if (err == TG_OK)
    err = print_file(p, &leaf, &steps, buf_slice(&note), why);
  if (err == TG_OK) {
    p->size = c.size;
    snprintf(p->log, sizeof p->log, "%s", whose.log.name); /* whether it is settled says `toguna audit check` */
    name_charter(p, &whose);
  }
  whose_free(&whose);
  buf_free(&note);
  return err;
}

/* ---- from a copy of what a node can prove ---- */

static bool is_view_copy(const char *log)
{
  char path[BOX_PATH];
  return log && box_path(path, log, "view/state.json", NULL) == TG_OK && access(path, R_OK) == 0;
}

static enum tg_err index_of(struct review *r, const char *id, uint64_t *ret, struct tg_why *why)
{
  json_t *story = NULL;
  if (is_index(id, ret))
    return TG_OK;
  enum tg_err err = review_story(r, id, &story, why);
  if (err == TG_OK)
    *ret = (uint64_t)json_integer_value(json_object_get(story, "index"));
  json_decref(story);
  return err;
}

static enum tg_err from_view(struct call *call, struct prove *p, struct tg_why *why)
{
  const struct prove_options *o = call->options;
  struct review *r = NULL;
  enum tg_err err = sight_open(call, &(struct sight){.log = o->log, .charter = o->charter, .key = o->key, .index = ":memory:"}, &r, why);
  if (err == TG_OK)
    err = index_of(r, call->arg[0], &p->index, why);
  if (err == TG_OK)
    err = review_proof(r, p->index, &p->file, &p->size, &p->settled, why);
  if (err == TG_OK) {
    p->opened = true;
    snprintf(p->log, sizeof p->log, "%s", review_key(r)->name);
    snprintf(p->name, sizeof p->name, "%llu.tlog-proof", (unsigned long long)p->index);
  }
  review_free(r);
  return err;
}

/* ---- the file ---- */

static void tell_json(const struct prove *p, const char *path)
{
  char hash[HASH_TEXT] = "";
  if (p->charter)
    hash_print(&p->charter_hash, hash);
  show_json(json_pack("{s:s,s:s,s:I,s:I,s:b,s:o,s:o,s:s?,s:b}", "file", path, "log", p->log, "index", (json_int_t)p->index, "size",
                      (json_int_t)p->size, "opened", p->opened, "settled", p->settled_known ? json_boolean(p->settled) : json_null(),
                      "charter", p->charter ? json_integer((json_int_t)p->charter) : json_null(), "charter_hash", p->charter ? hash : NULL,
                      "pinned", is_pinned(p)));
}

static void tell(const struct prove *p, const char *path)
{
  char hash[HASH_TEXT], text[1024];
  printf(trn("%s: entry %llu of %s, under a checkpoint of %llu entry\n", "%s: entry %llu of %s, under a checkpoint of %llu entries\n", p->size), path,
         (unsigned long long)p->index, p->log, (unsigned long long)p->size);
  if (p->settled_known && p->settled) {
    show_tinted(TINT_GOOD, _("settled: as many witnesses cosigned as the charter demands"));
    putchar('\n');
  } else if (p->settled_known)
    show_wrapped(_("No checkpoint that this node can prove it under was cosigned by enough witnesses yet. Make the proof "
                   "again later, or from the log's files (--log)."),
                 2);
  if (is_pinned(p) || !p->charter)
    return;
  hash_print(&p->charter_hash, hash);
  snprintf(text, sizeof text,
           _("Whose log it is, and who its witnesses are, says version %llu of the charter of %s, hash %s: the one that this node holds. You did not name "
             "it: compare the hash, or name the charter that you trust with --charter."),
           (unsigned long long)p->charter, p->exchange, hash);
  show_wrapped(text, 2);
}

static enum tg_err write_out(const struct call *call, struct prove *p, struct tg_why *why)
{
  const char *path = p->options->output ? p->options->output : p->name;
  enum tg_err err = box_write(path, buf_slice(&p->file), false, why);
  if (err == TG_OK && call->json)
    tell_json(p, path);
  else if (err == TG_OK)
    tell(p, path);
  return err;
}

static enum tg_err run_prove(struct call *call, struct tg_why *why)
{
  const struct prove_options *o = call->options;
  struct prove p = {.options = o, .file = buf_new(PROOF_BYTES_MAX)};
  enum tg_err err = TG_OK;
  if (is_view_copy(o->log)) {
    err = from_view(call, &p, why);
    if (err == TG_OK)
      err = write_out(call, &p, why);
    buf_free(&p.file);
    return err;
  }
  if (o->log && is_index(call->arg[0], &p.index))
    snprintf(p.name, sizeof p.name, "%llu.tlog-proof", (unsigned long long)p.index);
  else
    err = ask_node(call, &p, why);
  if (err == TG_OK && o->log)
    err = from_files(&p, why);
  if (err == TG_OK && p.file.n == 0)
    err = why_set(why, TG_NOT_FOUND, call->arg[0], N_("the node has let go of the checkpoints of that time"),
                  N_("Make the proof from the log's files: --log FOLDER --charter NOTE"), NULL, NULL, NULL);
  if (err == TG_OK && !o->log)
    err = believe(call, &p, why);
  if (err == TG_OK)
    err = write_out(call, &p, why);
  buf_free(&p.file);
  return err;
}

static const struct option_key prove_options[] = {
    {"log",
     0,
     OPTION_ONE,
     VALUE_PATH,
     offsetof(struct prove_options, log),
     {0},
     N_("FOLDER"),
     N_("Make the proof from the files of the log, under their checkpoint, instead of from what the node kept.")},
    WHOSE_OPTIONS(struct prove_options),
    {"output",
     'o',
     OPTION_ONE,
     VALUE_PATH,
     offsetof(struct prove_options, output),
     {0},
     N_("FILE"),
     N_("Where to write it; ID.tlog-proof or INDEX.tlog-proof unless stated.")},
    REACH_OPTION(struct prove_options),
};

const struct command command_audit_prove = {
    .noun = "audit",
    .verb = "prove",
    .section = SECTION_LOOK,
    .summary = N_("Write a proof of one entry of the hub's log, for others to check"),
    .operands = N_("ID|INDEX"),
    .min = 1,
    .max = 1,
    .about = N_("The proof (c2sp.org/tlog-proof) is one file: the entry, what it says, its path in the tree, and a checkpoint "
                "with the log's signature and the witnesses'. `toguna audit check` verifies it on any machine, and so do "
                "other programs for such logs. It tells whoever reads it what the entry says. ID names a bulletin of this "
                "node, received or sent, or a signed document; INDEX is a place in the log. With --log and an INDEX no node is asked, and the proof "
                "does not say what was logged there. What the node answers is verified before it is written: with --charter by the charter "
                "that you trust, else by the one that the node holds, which is then named."),
    .examples = "toguna audit prove 77e1c0ffee12\n"
                "toguna audit prove 77e1c0ffee12 --log log/ --charter documents/ -o proof.tlog-proof\n"
                "toguna audit prove 4711 --log log/ --charter charter.note\n",
    .options = prove_options,
    .n_options = sizeof prove_options / sizeof *prove_options,
    .size = sizeof(struct prove_options),
    .run = run_prove,
};
