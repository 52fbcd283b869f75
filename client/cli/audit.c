/* toguna audit verify: a whole log, from its files. */
#include "audit/recount.h"

#include "client/cli/box.h"
#include "client/cli/command.h"
#include "client/cli/show.h"
#include "client/cli/sight.h"
#include "client/cli/whose.h"
#include "keys/codec.h"
#include "os/clock.h"
#include "os/file.h"

#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

struct verify_options {
  struct common common;
  char *checkpoint, *charter, *key, *socket;
  bool node;
};

/* One run: where the files are, and what was found in them. */
struct verify {
  const struct call *call;
  const char *folder;
  struct buf note_bytes;
  struct whose whose;
  struct checkpoint checkpoint; /* points into note_bytes */
  struct note note;
  struct whose_settled settled;
  json_t *found;                /* NULL: told to people at once */
  int64_t began, shown;         /* the last time progress was shown; 0: nothing stands on the line */
  struct tg_why why;            /* of a file that could not be read */
};

/* The checkpoint, signed by the log that was asked for. */
static enum tg_err open_checkpoint(const struct verify_options *o, struct verify *v, struct tg_why *why)
{
  char place[BOX_PATH];
  const char *path = o->checkpoint;
  enum tg_err err = path ? TG_OK : box_path(place, v->folder, "checkpoint", why);
  if (err == TG_OK)
    err = file_read(path ? path : place, CHECKPOINT_BYTES_MAX, &v->note_bytes, why);
  if (err == TG_OK)
    err = whose_read(o->charter, o->key, whose_origin(buf_slice(&v->note_bytes)), &v->whose, why);
  if (err == TG_OK)
    err = checkpoint_open(buf_slice(&v->note_bytes), &v->whose.log, &v->checkpoint, &v->note, why);
  if (err && why && !why->where[0])
    snprintf(why->where, sizeof why->where, "%s", path ? path : "checkpoint");
  return err ? err : whose_settles(&v->whose, &v->note, clock_wall(), &v->settled, why);
}

/* ---- what recount() asks of us ---- */

static enum tg_err read_file(void *context, const struct tile_name *name, struct buf *out)
{
  struct verify *v = context;
  char file[TILE_PATH_MAX], path[BOX_PATH];
  tile_name_print(name, file);
  enum tg_err err = box_path(path, v->folder, file, &v->why);
  return err ? err : file_read(path, RECOUNT_FILE_MAX, out, &v->why);
}

static void clear_progress(struct verify *v)
{
  if (v->shown)
    fputs("\r\033[K", stderr);
  v->shown = 0;
}

static void found(void *context, const struct recount_finding *f)
{
  struct verify *v = context;
  char file[TILE_PATH_MAX], at[24], text[512];
  tile_name_print(&f->file, file);
  snprintf(at, sizeof at, "%" PRIu64, f->at);
  if (v->found) {
    json_array_append_new(v->found, json_pack("{s:s,s:s,s:I}", "file", file, "wrong",
                                              recount_wrong_name(f->wrong), "at", (json_int_t)f->at));
    return;
  }
  clear_progress(v);
  why_fill(tr(recount_wrong_sentence(f->wrong)), (const char *const[3]){file, at, ""}, text, sizeof text);
  puts(text);
}

enum { BAR = 40 };

/* Once a second, where a person looks on: how far, how fast. */
static void progress(void *context, uint64_t entries)
{
  struct verify *v = context;
  const int64_t now = clock_mono();
  char bar[BAR + 1];
  if (now - (v->shown ? v->shown : v->began) < TG_SECOND)
    return;
  v->shown = now;
  const double part = (double)entries / (double)v->checkpoint.size;
  for (int i = 0; i < BAR; i++)
    bar[i] = i < (int)(part * BAR) ? '#' : '.';
  bar[BAR] = 0;
  fprintf(stderr, "\r[%s] %3u %%  ", bar, (unsigned)(part * 100));
  fprintf(stderr, _("%llu entries/s"), (unsigned long long)((double)entries * TG_SECOND / (double)(now - v->began)));
  fputs("\033[K", stderr);
  fflush(stderr);
}

/* ---- the verdict ---- */

static void show_verdict(const struct verify *v, const struct recount_result *r, bool verified)
{
  char root[HASH_TEXT];
  hash_print(&v->checkpoint.root, root);
  if (v->found)
    show_json(json_pack("{s:s,s:I,s:s,s:o,s:b,s:b,s:I,s:I,s:I,s:O}", "log", v->whose.log.name, "size",
                        (json_int_t)v->checkpoint.size, "root", root, "settled",
                        v->settled.known && v->whose.folio->n > 1 ? json_boolean(v->settled.settled) : json_null(), "verified", verified, "reached",
                        r->reached, "entries", (json_int_t)r->entries, "tiles", (json_int_t)r->tiles, "wrong",
                        (json_int_t)r->wrong, "findings", v->found));
  else if (verified)
    printf(trn("%s: %llu entry, as signed; tiles: %llu, root %s\n", "%s: %llu entries, all as signed; tiles: %llu, root %s\n", r->entries), v->whose.log.name,
           (unsigned long long)r->entries, (unsigned long long)r->tiles, root);
  if (!v->found && verified && v->settled.settled && !v->settled.n)
    puts(_("settled: the charter demands no witness"));
  else if (!v->found && verified && v->settled.settled)
    printf(trn("settled: %zu witness cosigned it, as the charter demands\n", "settled: %zu witnesses cosigned it, as many as the charter demands\n", v->settled.n),
           v->settled.n);
  else if (!v->found && verified && v->settled.known && v->whose.folio->n > 1)
    puts(_("not settled: the hub alone vouches for it"));
  if (!v->found && v->settled.foreign)
    printf(_("cosignatures by keys unknown here, which count for nothing: %zu\n"), v->settled.foreign);
}

static enum tg_err refuse(const struct verify *v, const struct recount_result *r, struct tg_why *why)
{
  char wrong[24];
  snprintf(wrong, sizeof wrong, "%" PRIu64, r->wrong);
  if (!r->reached)
    return why_set(why, TG_BAD_PROOF, v->folder,
                   N_("these files do not lead to what %1$s signed; places found wrong: %2$s"),
                   N_("Fetch them again; if they stay so, show them and the checkpoint to the other members"),
                   v->whose.log.name, wrong, NULL);
  return why_set(why, TG_BAD_PROOF, v->folder,
                 N_("places that are wrong: %1$s; all else is as %2$s signed it"),
                 N_("Fetch these files again"), wrong, v->whose.log.name, NULL);
}

static enum tg_err verify_files(struct verify *v, struct tg_why *why)
{
  struct recount_source source = {.context = v, .read = read_file, .found = found};
  struct recount_result r;
  if (!v->call->json && isatty(STDERR_FILENO))
    source.progress = progress;
  enum tg_err err = recount(&v->checkpoint, &source, &r);
  clear_progress(v);
  if (err == TG_OK || err == TG_BAD_PROOF)
    show_verdict(v, &r, err == TG_OK);
  else
    *why = v->why;
  return err == TG_BAD_PROOF ? refuse(v, &r, why) : err;
}

/* ---- what a node can prove: all of it is checked anew, as the other verbs check what is new to them ---- */

static bool is_view_copy(const char *folder)
{
  char path[BOX_PATH];
  return box_path(path, folder, "view/state.json", NULL) == TG_OK && access(path, R_OK) == 0;
}

static void show_view(const struct call *call, const json_t *about)
{
  const json_int_t entries = json_integer_value(json_object_get(about, "opened"));
  if (call->json)
    show_json(json_pack("{s:O,s:O,s:O,s:O,s:b,s:b,s:I,s:i,s:i,s:[]}", "log", json_object_get(about, "log"), "size", json_object_get(about, "size"),
                        "root", json_object_get(about, "root"), "settled", json_object_get(about, "settled"), "verified", 1, "reached", 1, "entries", entries, "tiles", 0, "wrong", 0,
                        "findings"));
  else
    printf(trn("%s: %llu entry of %s, proven under a checkpoint that was signed, up to root %s\n",
               "%s: %llu entries of %s, each proven under a checkpoint that was signed, up to root %s\n", (uint64_t)entries), sight_text(about, "log"),
           (unsigned long long)entries, sight_text(about, "node"), sight_text(about, "root"));
}

static enum tg_err verify_view(struct call *call, const struct verify_options *o, const char *folder, struct tg_why *why)
{
  struct review *r = NULL;
  json_t *about = NULL;
  const struct sight sight = {
      .log = folder, .charter = o->charter, .key = o->key, .index = ":memory:", .socket = o->socket, .node = !folder};
  if (o->checkpoint)
    return why_set(why, TG_USAGE, "--checkpoint", N_("a node's view is verified against its own checkpoints"),
                   N_("Verify the log's files against it, from the hub"), NULL, NULL, NULL);
  enum tg_err err = sight_open(call, &sight, &r, why);
  if (err == TG_OK)
    err = review_about(r, &about, why);
  if (err == TG_OK)
    show_view(call, about);
  json_decref(about);
  review_free(r);
  return err;
}

static enum tg_err run_verify(struct call *call, struct tg_why *why)
{
  const struct verify_options *o = call->options;
  if ((call->n > 0) == o->node)
    return why_set(why, TG_USAGE, "--node", N_("say once where to look"), N_("Name a folder, or a node (--node)"), NULL, NULL, NULL);
  if (call->n == 0 || is_view_copy(call->arg[0]))
    return verify_view(call, o, call->n ? call->arg[0] : NULL, why);
  struct verify v = {.call = call,
                     .folder = call->arg[0],
                     .note_bytes = buf_new(CHECKPOINT_BYTES_MAX),
                     .began = clock_mono()};
  if (call->json)
    v.found = json_array();
  enum tg_err err = open_checkpoint(o, &v, why);
  if (err == TG_OK)
    err = verify_files(&v, why);
  json_decref(v.found);
  whose_free(&v.whose);
  buf_free(&v.note_bytes);
  return err;
}

static const struct option_key verify_options[] = {
    WHOSE_OPTIONS(struct verify_options),
    {"node", 0, OPTION_FLAG, VALUE_BOOL, offsetof(struct verify_options, node), {0}, NULL,
     N_("Instead of a folder, what this machine's node can prove.")},
    REACH_OPTION(struct verify_options),
    {"checkpoint",
     0,
     OPTION_ONE,
     VALUE_PATH,
     offsetof(struct verify_options, checkpoint),
     {0},
     N_("FILE"),
     N_("A checkpoint to verify against, such as one that you kept; FOLDER/checkpoint unless stated.")},
};

const struct command command_audit_verify = {
    .noun = "audit",
    .verb = "verify",
    .section = SECTION_LOOK,
    .summary = N_("Verify a hub's whole log from its files"),
    .operands = N_("[FOLDER]"),
    .min = 0,
    .max = 1,
    .about =
        N_("Hashes every entry again, compares every tile with what its entries make it, and the root with "
           "the one that the hub's log key signed. What is wrong is named, file by file. "
           "FOLDER has the files of c2sp.org/tlog-tiles: checkpoint, tile/..., tile/entries/... With --node, or of a copy that was "
           "exported from a node: every entry that the node knows, its path, and that each checkpoint extends the one before."),
    .examples = "toguna audit verify log/ --charter charter.note\n"
                "toguna audit verify log/ --checkpoint kept.checkpoint --charter documents/ --json\n",
    .options = verify_options,
    .n_options = sizeof verify_options / sizeof *verify_options,
    .size = sizeof(struct verify_options),
    .run = run_verify,
};
