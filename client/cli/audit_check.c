/* toguna audit check: proofs and evidence in files, verified on any machine, without a network. */
#include "audit/evidence.h"
#include "audit/proof.h"

#include "client/cli/box.h"
#include "client/cli/command.h"
#include "client/cli/show.h"
#include "client/cli/whose.h"
#include "keys/codec.h"
#include "os/clock.h"
#include "os/file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FILE_MAX = 64 * 1024 };
_Static_assert(FILE_MAX >= (int)EVIDENCE_BYTES_MAX && FILE_MAX >= (int)PROOF_BYTES_MAX, "either fits");

struct check_options {
  struct common common;
  char *charter, *key;
  bool settled;
};

/* One file under examination; slices of what is parsed point into bytes. */
struct check {
  const struct call *call;
  const struct check_options *options;
  const char *file;
  struct buf bytes;
  struct whose whose;
};

static void number_row(struct grid *g, const char *name, uint64_t n)
{
  char text[24];
  snprintf(text, sizeof text, "%llu", (unsigned long long)n);
  grid_row(g, (const char *const[]){name, text});
}

static void hash_row(struct grid *g, const char *name, const struct hash *h)
{
  char hex[HASH_TEXT];
  hash_print(h, hex);
  if (!hash_is_zero(h))
    grid_row(g, (const char *const[]){name, hex});
}

static json_t *hash_json(const struct hash *h)
{
  return hash_is_zero(h) ? json_null() : json_hex(slice_of(h->b, sizeof h->b));
}

/* ---- a proof ---- */

struct checked {
  struct proof proof;
  struct checkpoint checkpoint;
  struct note note;
  bool opened; /* it says what was logged: */
  struct entry entry;
  struct whose_settled settled;
  char actor[HOLDER_MAX + 1];
};

static void name_actor(const struct check *c, struct checked *p)
{
  const struct node *node = c->whose.folio ? directory_node(c->whose.folio->directory, &p->entry.actor) : NULL;
  if (node)
    holder_print(&node->credential.holder, p->actor);
}

/* ret is the reason in words, or "". */
static const char *reason_words(const struct entry *e)
{
  return e->reason ? tr(reason_sentence(e->reason)) : "";
}

static json_t *settled_json(const struct whose_settled *s)
{
  json_t *by = json_array();
  for (size_t i = 0; i < s->n; i++)
    json_array_append_new(by, json_pack("{s:s,s:o}", "witness", s->by[i].name, "time", json_time(s->by[i].time)));
  return by;
}

static void proof_json(const struct check *c, const struct checked *p)
{
  const struct entry *e = &p->entry;
  char member[3] = {e->member[0], e->member[1], 0}, detail[ENTRY_DETAIL_MAX + 1];
  snprintf(detail, sizeof detail, "%.*s", (int)e->detail.n, e->detail.n ? (const char *)e->detail.p : "");
  show_json(json_pack(
      "{s:s,s:s,s:b,s:s,s:I,s:I,s:o,s:s?,s:o,s:o,s:s,s:s,s:I,s:s?,s:s,s:o,s:o,s:I}", "file", c->file, "kind", "proof",
      "verified", true, "log", c->whose.log.name, "index", (json_int_t)p->proof.index, "size",
      (json_int_t)p->checkpoint.size, "root", hash_json(&p->checkpoint.root), "type", p->opened ? entry_type_name(e->type) : NULL, "time",
      json_time(e->time), "subject", hash_json(&e->subject), "member", member, "actor", p->actor, "number",
      (json_int_t)e->number, "reason", e->reason ? reason_name(e->reason) : NULL, "detail", detail, "settled",
      p->settled.known ? json_boolean(p->settled.settled) : json_null(), "cosigned", settled_json(&p->settled),
      "foreign_cosignatures", (json_int_t)p->settled.foreign));
}

static void show_settled(const struct whose_settled *s)
{
  char text[1024];
  if (!s->known) {
    show_wrapped(_("Whether the exchange's witnesses saw the log so is not known: only the key was given. "
                   "With --charter and the exchange's documents their cosignatures are checked too."),
                 0);
    return;
  }
  if (s->settled)
    show_tinted(TINT_GOOD, _("settled: as many witnesses cosigned as the charter demands"));
  else
    show_tinted(TINT_WARN, _("not settled: the hub alone vouches for it"));
  putchar('\n');
  if (!s->settled && s->lacks.what) {
    why_fill(tr(s->lacks.what), (const char *const[3]){s->lacks.arg[0], s->lacks.arg[1], s->lacks.arg[2]}, text,
             sizeof text);
    show_wrapped(text, 2);
  }
}

static void proof_print_out(const struct check *c, const struct checked *p)
{
  const struct entry *e = &p->entry;
  char text[SHOW_TIME], member[HOLDER_MAX + 8];
  struct grid *g = grid_new(2, NULL);
  printf(trn("%s: entry %llu of %s, which has %llu entry there: proven\n", "%s: entry %llu of %s, which has %llu entries there: proven\n",
             p->checkpoint.size), c->file, (unsigned long long)p->proof.index,
         c->whose.log.name, (unsigned long long)p->checkpoint.size);
  grid_row(g, (const char *const[]){_("what"), p->opened ? tr(entry_type_sentence(e->type)) : _("this file does not say")});
  if (p->opened)
    grid_row(g, (const char *const[]){_("when"), show_time(e->time, text)});
  hash_row(g, _("of"), &e->subject);
  snprintf(member, sizeof member, "%.2s%s%s", e->member, p->actor[0] ? ", " : "", p->actor);
  if (e->member[0])
    grid_row(g, (const char *const[]){_("by"), member});
  if (e->number)
    number_row(g, _("number"), e->number);
  if (e->reason)
    grid_row(g, (const char *const[]){_("reason"), reason_words(e)});
  hash_row(g, _("root"), &p->checkpoint.root);
  for (size_t i = 0; i < p->settled.n; i++) {
    char line[HOLDER_MAX + SHOW_TIME + 4];
    snprintf(line, sizeof line, "%s, %s", p->settled.by[i].name, show_time(p->settled.by[i].time, text));
    grid_row(g, (const char *const[]){_("cosigned"), line});
  }
  if (p->settled.foreign)
    number_row(g, _("by keys unknown here"), p->settled.foreign);
  grid_print(g);
  show_settled(&p->settled);
}

static enum tg_err settle(const struct check *c, struct checked *p, struct tg_why *why)
{
  enum tg_err err = whose_settles(&c->whose, &p->note, clock_wall(), &p->settled, why);
  if (err != TG_OK || !c->options->settled || p->settled.settled)
    return err;
  if (!p->settled.known)
    return why_set(why, TG_USAGE, "--settled", N_("whose cosignatures count is known from the charter alone"),
                   N_("Name the charter and the credentials with --charter FOLDER"), NULL, NULL, NULL);
  *why = p->settled.lacks;
  return why->err = TG_BAD_PROOF;
}

/* A proof made of the log's files alone has the leaf itself in place of an opening. */
static enum tg_err verify_proof(const struct check *c, struct checked *p, struct tg_why *why)
{
  struct hash leaf;
  p->opened = p->proof.extra_size != sizeof leaf.b;
  if (p->opened)
    return proof_verify_opening(&p->proof, &c->whose.log, &p->entry, &p->checkpoint, &p->note, why);
  memcpy(leaf.b, p->proof.extra, sizeof leaf.b);
  return proof_verify(&p->proof, &leaf, &c->whose.log, &p->checkpoint, &p->note, why);
}

static enum tg_err check_proof(struct check *c, struct tg_why *why)
{
  struct checked *p = calloc(1, sizeof *p);
  enum tg_err err = p ? proof_parse(buf_slice(&c->bytes), c->file, &p->proof, why) : TG_NO_MEMORY;
  if (err == TG_OK)
    err = whose_read(c->options->charter, c->options->key, whose_origin(p->proof.checkpoint), &c->whose, why);
  if (err == TG_OK)
    err = verify_proof(c, p, why);
  if (err == TG_OK)
    err = settle(c, p, why);
  if (err == TG_OK) {
    name_actor(c, p);
    if (c->call->json)
      proof_json(c, p);
    else
      proof_print_out(c, p);
  }
  free(p);
  return err;
}

/* ---- evidence ---- */

static json_t *checkpoint_json(const struct checkpoint *c)
{
  return json_pack("{s:I,s:o}", "size", (json_int_t)c->size, "root", hash_json(&c->root));
}

static void show_evidence(const struct check *c, const struct evidence *e, const struct checkpoint *a,
                          const struct checkpoint *b)
{
  if (c->call->json) {
    show_json(json_pack("{s:s,s:s,s:b,s:s,s:s,s:[o,o]}", "file", c->file, "kind", "evidence", "verified", true, "log",
                        e->log.name, "lie", evidence_kind_name(e->kind), "checkpoints", checkpoint_json(a),
                        checkpoint_json(b)));
    return;
  }
  struct grid *g = grid_new(2, NULL);
  printf(_("%s: proven: whoever holds the key of %s keeps two histories\n"), c->file, e->log.name);
  show_wrapped(tr(evidence_kind_sentence(e->kind)), 2);
  number_row(g, _("entries, first"), a->size);
  hash_row(g, _("root, first"), &a->root);
  number_row(g, _("entries, second"), b->size);
  hash_row(g, _("root, second"), &b->root);
  grid_print(g);
}

static enum tg_err check_evidence(struct check *c, struct tg_why *why)
{
  struct evidence e;
  struct checkpoint first, second;
  enum tg_err err = evidence_parse(buf_slice(&c->bytes), c->file, &e, why);
  if (err == TG_OK)
    err = whose_read(c->options->charter, c->options->key, slice_str(e.log.name), &c->whose, why);
  if (err == TG_OK && !note_key_eq(&e.log, &c->whose.log))
    err = why_set(why, TG_BAD_SIGNATURE, c->file, N_("the key that it accuses is not that of the log %1$s"),
                  N_("Whoever made this file signed both checkpoints; it proves nothing about the hub"), e.log.name, NULL,
                  NULL);
  if (err == TG_OK)
    err = evidence_verify(&e, &first, &second, why);
  if (err == TG_OK)
    show_evidence(c, &e, &first, &second);
  return err;
}

/* ---- either ---- */

static bool begins(const struct buf *b, const char *line)
{
  const size_t n = strlen(line);
  return b->n > n && memcmp(b->p, line, n) == 0 && b->p[n] == '\n';
}

static enum tg_err run_check(struct call *call, struct tg_why *why)
{
  enum tg_err err = TG_OK;
  for (size_t i = 0; i < call->n && err == TG_OK; i++) {
    struct check c = {.call = call, .options = call->options, .file = call->arg[i], .bytes = buf_new(FILE_MAX)};
    err = file_read(c.file, FILE_MAX, &c.bytes, why);
    if (err == TG_OK && begins(&c.bytes, "c2sp.org/tlog-proof@v1"))
      err = check_proof(&c, why);
    else if (err == TG_OK && begins(&c.bytes, "toguna/evidence v1"))
      err = check_evidence(&c, why);
    else if (err == TG_OK)
      err = why_set(why, TG_BAD_INPUT, NULL, N_("neither a proof nor evidence: its first line says something else"),
                    N_("`toguna audit prove` makes proofs; a node's folder `evidence` has evidence"), NULL, NULL, NULL);
    if (err != TG_OK && err != TG_USAGE && strncmp(why->where, c.file, strlen(c.file)) != 0) {
      char where[sizeof why->where]; /* the file, then what in it */
      snprintf(where, sizeof where, "%.*s%s%.*s", 100, c.file, why->where[0] ? ": " : "", 50, why->where);
      memcpy(why->where, where, sizeof where);
    }
    whose_free(&c.whose);
    buf_free(&c.bytes);
  }
  return err;
}

static const struct option_key check_options[] = {
    WHOSE_OPTIONS(struct check_options),
    {"settled",
     0,
     OPTION_FLAG,
     VALUE_TEXT,
     offsetof(struct check_options, settled),
     {0},
     NULL,
     N_("Refuse a proof that was not cosigned by as many witnesses as the charter demands.")},
};

const struct command command_audit_check = {
    .noun = "audit",
    .verb = "check",
    .section = SECTION_LOOK,
    .summary = N_("Verify proofs from a log, and evidence against a hub"),
    .operands = N_("FILE..."),
    .min = 1,
    .max = OPERANDS_ANY,
    .about =
        N_("Needs no network and no node: the files and the charter are enough. A proof says what entry a hub's log has, "
           "where, and whether as many witnesses as the charter demands have seen the log so; that needs their "
           "credentials too, in the folder named by --charter. Evidence says that a hub signed two histories. What is "
           "forged, changed or about another log is named and ends the command with code 3."),
    .examples = "toguna audit check 77e1c0ffee12.tlog-proof --charter documents/\n"
                "toguna audit check log-fork-0011223344556677.evidence --charter charter.note\n",
    .options = check_options,
    .n_options = sizeof check_options / sizeof *check_options,
    .size = sizeof(struct check_options),
    .run = run_check,
};
