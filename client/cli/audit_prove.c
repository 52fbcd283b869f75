/* toguna audit prove: one entry of a log as a portable proof file. */
#include "audit/proof.h"

#include "client/cli/box.h"
#include "client/cli/reach.h"
#include "client/cli/show.h"
#include "client/cli/tiles.h"
#include "client/cli/whose.h"
#include "keys/codec.h"
#include "os/file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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
  const char *entry = json_string_value(json_object_get(j, "entry"));
  const char *salt = json_string_value(json_object_get(j, "salt"));
  const char *proof = json_string_value(json_object_get(j, "proof"));
  const char *log = json_string_value(json_object_get(j, "log"));
  const char *id = json_string_value(json_object_get(j, "bulletin"));
  if (!entry || !salt || !id || strlen(id) != 64 || base64_read(slice_str(salt), p->salt, ENTRY_SALT) ||
      base64_read_upto(slice_str(entry), p->entry, sizeof p->entry, &p->entry_n))
    return odd_answer(why);
  p->opened = true;
  p->index = (uint64_t)json_integer_value(json_object_get(j, "index"));
  p->size = (uint64_t)json_integer_value(json_object_get(j, "size"));
  p->settled = json_is_true(json_object_get(j, "settled"));
  p->settled_known = true;
  snprintf(p->log, sizeof p->log, "%s", log ? log : "");
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

static enum tg_err ask_node(struct call *call, struct prove *p, struct tg_why *why)
{
  char id[65];
  uint64_t index;
  const char *what = call->arg[0];
  json_t *j;
  enum tg_err err = TG_OK;
  if (!is_index(what, &index)) {
    err = whole_id(call, what, id);
    what = id;
  }
  if (err == TG_OK)
    err = reach_ask(call, p->options->socket, "prove", (const char *const[]){what, NULL}, &j, why);
  if (err != TG_OK)
    return err;
  err = take_answer(p, j, why);
  json_decref(j);
  return err;
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
    p->settled_known = false; /* `toguna audit check` says it */
    snprintf(p->log, sizeof p->log, "%s", whose.log.name);
  }
  whose_free(&whose);
  buf_free(&note);
  return err;
}

/* ---- the file ---- */

static enum tg_err write_out(const struct call *call, struct prove *p, struct tg_why *why)
{
  const char *path = p->options->output ? p->options->output : p->name;
  enum tg_err err = box_write(path, buf_slice(&p->file), false, why);
  if (err != TG_OK)
    return err;
  if (call->json)
    show_json(json_pack("{s:s,s:s,s:I,s:I,s:b,s:o}", "file", path, "log", p->log, "index", (json_int_t)p->index, "size",
                        (json_int_t)p->size, "opened", p->opened, "settled",
                        p->settled_known ? json_boolean(p->settled) : json_null()));
  else
    printf(_("%s: entry %llu of %s, under a checkpoint of %llu entries\n"), path, (unsigned long long)p->index, p->log,
           (unsigned long long)p->size);
  if (!call->json && p->settled_known && !p->settled)
    show_wrapped(_("No checkpoint that this node can prove it under was cosigned by enough witnesses yet. Make the proof "
                   "again later, or from the log's files (--log)."),
                 2);
  return TG_OK;
}

static enum tg_err run_prove(struct call *call, struct tg_why *why)
{
  const struct prove_options *o = call->options;
  struct prove p = {.options = o, .file = buf_new(PROOF_BYTES_MAX)};
  enum tg_err err = TG_OK;
  if (o->log && is_index(call->arg[0], &p.index))
    snprintf(p.name, sizeof p.name, "%llu.tlog-proof", (unsigned long long)p.index);
  else
    err = ask_node(call, &p, why);
  if (err == TG_OK && o->log)
    err = from_files(&p, why);
  if (err == TG_OK && p.file.n == 0)
    err = why_set(why, TG_NOT_FOUND, call->arg[0], N_("the node has let go of the checkpoints of that time"),
                  N_("Make the proof from the log's files: --log FOLDER --charter NOTE"), NULL, NULL, NULL);
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
     N_("Where to write it; BULLETIN.tlog-proof or INDEX.tlog-proof unless stated.")},
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
                "node, received or sent; INDEX is a place in the log. With --log and an INDEX no node is asked, and the proof "
                "does not say what was logged there."),
    .examples = "toguna audit prove 77e1c0ffee12\n"
                "toguna audit prove 77e1c0ffee12 --log log/ --charter documents/ -o proof.tlog-proof\n"
                "toguna audit prove 4711 --log log/ --charter charter.note\n",
    .options = prove_options,
    .n_options = sizeof prove_options / sizeof *prove_options,
    .size = sizeof(struct prove_options),
    .run = run_prove,
};
