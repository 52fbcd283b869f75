/* toguna charter show, sign, merge, check. */
#include "client/cli/charter.h"

#include "client/cli/box.h"
#include "client/cli/show.h"
#include "keys/codec.h"
#include "keys/document.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- the file --- */

void charter_file_free(struct charter_file *f)
{
  charter_free(f->charter);
  free(f->note);
  buf_free(&f->bytes);
  *f = (struct charter_file){0};
}

enum tg_err charter_file_read(const char *path, struct charter_file *ret, struct tg_why *why)
{
  struct charter_file f = {0};
  bool has;
  enum tg_err err = box_read(path, &f.bytes, why);
  if (err == TG_OK)
    err = box_text(buf_slice(&f.bytes), path, &f.text, &has, why);
  if (err == TG_OK && has) {
    f.note = malloc(sizeof *f.note);
    err = f.note ? note_parse(buf_slice(&f.bytes), path, f.note, why)
                 : why_set(why, TG_NO_MEMORY, path, N_("out of memory"), NULL, NULL, NULL, NULL);
  }
  if (err == TG_OK)
    err = charter_parse(f.text, path, &f.charter, why);
  if (err != TG_OK) {
    charter_file_free(&f);
    return err;
  }
  f.hash = document_hash(f.text);
  *ret = f;
  return TG_OK;
}

/* A signature that does not verify is told apart from none at all by the names in the note. */
static bool anybody_named(const struct charter_file *f)
{
  for (size_t i = 0; i < f->note->n; i++)
    for (size_t k = 0; k < f->charter->n_members; k++) {
      const struct note_key *root = &f->charter->member[k].root;
      if (f->note->sig[i].id == root->id && slice_is(f->note->sig[i].name, root->name))
        return true;
    }
  return false;
}

/* Which members' roots have signed, parallel to the charter's; TG_BAD_SIGNATURE when a signature of theirs is bad. Nobody having signed is no
   error. */
static enum tg_err signers(const struct charter_file *f, bool ret_signed[MEMBERS_MAX], struct tg_why *why)
{
  memset(ret_signed, 0, MEMBERS_MAX * sizeof *ret_signed);
  return f->note && anybody_named(f) ? charter_signers(f->charter, f->note, ret_signed, why) : TG_OK;
}

static size_t count_signed(const struct charter_file *f, const bool *signed_by)
{
  size_t n = 0;
  for (size_t i = 0; i < f->charter->n_members; i++)
    n += signed_by[i];
  return n;
}

/* "BF ML NE": members that have signed, or that have not. */
static const char *list_members(const struct charter_file *f, const bool *signed_by, bool wanted,
                                char out[1100])
{
  size_t n = 0;
  out[0] = 0;
  for (size_t i = 0; i < f->charter->n_members; i++)
    if (signed_by[i] == wanted)
      n += (size_t)snprintf(out + n, 1100 - n, "%s%s", n ? " " : "", f->charter->member[i].code.code);
  return out;
}

/* --- show --- */

static void show_members(const struct charter_file *f, const bool *signed_by)
{
  struct grid *g =
      grid_new(5, (const char *const[]){_("member"), "", _("ceiling"), _("standing"), _("signature")});
  for (size_t i = 0; i < f->charter->n_members; i++) {
    const struct charter_member *m = &f->charter->member[i];
    grid_row(g, (const char *const[]){m->code.code, country_name(&m->code, speak_language()),
                                      level_name(m->ceiling), _(standing_name(m->standing)),
                                      signed_by[i] ? _("signed") : _("not yet")});
    grid_tint(g, 4, signed_by[i] ? TINT_GOOD : TINT_DIM);
    if (m->standing != STANDING_GOOD)
      grid_tint(g, 3, TINT_WARN);
  }
  grid_print(g);
}

static void show_rest(const struct charter *c)
{
  char quorum[QUORUM_TEXT];
  for (size_t i = 0; i < c->n_blocs; i++) {
    printf(_("\nbloc %s:"), c->bloc[i].name);
    for (size_t k = 0; k < c->bloc[i].n; k++)
      printf(" %s", c->member[c->bloc[i].member[k]].code.code);
  }
  for (size_t i = 0; i < c->n_hubs; i++) {
    printf(_("\nhub %s in %s:"), c->hub[i].name, c->hub[i].host.code);
    for (size_t k = 0; k < c->hub[i].n_endpoints; k++)
      printf(" %s", c->hub[i].endpoint[k]);
  }
  quorum_print(&c->quorum, quorum);
  printf(_("\nchanged by: %s\n"), quorum);
  if (c->witness_quorum.n) {
    quorum_print(&c->witness_quorum, quorum);
    printf(_("log witnessed by: %s\n"), quorum);
  }
}

static void show_text(const struct charter_file *f, const bool *signed_by)
{
  char hash[HASH_TEXT], previous[HASH_TEXT], time[SHOW_TIME], title[160];
  const struct charter *c = f->charter;
  hash_print(&f->hash, hash);
  hash_print(&c->previous, previous);
  snprintf(title, sizeof title, _("Charter %llu of %s"), (unsigned long long)c->version, c->exchange);
  show_tinted(TINT_BOLD, title);
  printf(_("\nin force from %s\n"), show_time(c->effective, time));
  if (c->version == 1)
    printf(_("the exchange is %s\n\n"), hash);
  else
    printf(_("its hash is    %s\nit follows     %s\n\n"), hash, previous);
  show_members(f, signed_by);
  show_rest(c);
}

static json_t *json_member(const struct charter_member *m, bool has_signed)
{
  char vkey[NOTE_VKEY_MAX];
  note_key_print(&m->root, vkey);
  return json_pack("{s:s,s:s,s:s,s:s,s:b}", "member", m->code.code, "root", vkey, "ceiling",
                   level_name(m->ceiling), "standing", standing_name(m->standing), "signed", has_signed);
}

static json_t *json_bloc(const struct charter *c, const struct charter_bloc *b)
{
  json_t *members = json_array();
  for (size_t i = 0; i < b->n; i++)
    json_array_append_new(members, json_string(c->member[b->member[i]].code.code));
  return json_pack("{s:s,s:o}", "bloc", b->name, "members", members);
}

static json_t *json_hub(const struct charter_hub *h)
{
  char log[NOTE_VKEY_MAX];
  json_t *endpoints = json_array();
  for (size_t i = 0; i < h->n_endpoints; i++)
    json_array_append_new(endpoints, json_string(h->endpoint[i]));
  note_key_print(&h->log, log);
  return json_pack("{s:s,s:s,s:o,s:s,s:o}", "hub", h->name, "host", h->host.code, "transport",
                   json_base64(slice_of(h->transport.b, 32)), "log", log, "endpoints", endpoints);
}

static void show_as_json(const struct charter_file *f, const bool *signed_by)
{
  const struct charter *c = f->charter;
  json_t *members = json_array(), *blocs = json_array(), *hubs = json_array();
  char quorum[QUORUM_TEXT], witnesses[QUORUM_TEXT];
  for (size_t i = 0; i < c->n_members; i++)
    json_array_append_new(members, json_member(&c->member[i], signed_by[i]));
  for (size_t i = 0; i < c->n_blocs; i++)
    json_array_append_new(blocs, json_bloc(c, &c->bloc[i]));
  for (size_t i = 0; i < c->n_hubs; i++)
    json_array_append_new(hubs, json_hub(&c->hub[i]));
  quorum_print(&c->quorum, quorum);
  quorum_print(&c->witness_quorum, witnesses);
  show_json(json_pack("{s:s,s:I,s:o,s:o,s:o,s:o,s:o,s:s,s:s}", "exchange", c->exchange, "version",
                      (json_int_t)c->version, "hash", json_hex(slice_of(f->hash.b, 32)), "effective",
                      json_time(c->effective), "members", members, "blocs", blocs, "hubs", hubs, "quorum",
                      quorum, "witness_quorum", witnesses));
}

enum tg_err charter_show(const struct call *call, const char *path, struct tg_why *why)
{
  struct charter_file f;
  bool signed_by[MEMBERS_MAX];
  enum tg_err err = charter_file_read(path, &f, why);
  if (err != TG_OK)
    return err;
  err = signers(&f, signed_by, why);
  if (err == TG_OK && call->json)
    show_as_json(&f, signed_by);
  else if (err == TG_OK)
    show_text(&f, signed_by);
  charter_file_free(&f);
  return err;
}

static enum tg_err run_show(struct call *call, struct tg_why *why)
{
  return charter_show(call, call->arg[0], why);
}

const struct command command_charter_show = {
    .noun = "charter",
    .verb = "show",
    .section = SECTION_PAPERS,
    .summary = N_("Show a charter, and who has signed it"),
    .operands = N_("NOTE"),
    .min = 1,
    .max = 1,
    .examples = "toguna charter show charter.note\n",
    .run = run_show,
};

/* --- sign --- */

struct sign_options {
  struct common common;
  char *key, *passphrase_file, *output;
};

/* The key's name must be that of a member; another key of that name may be the one that is being replaced. */
static enum tg_err check_signer(const struct charter_file *f, const char *path, const char *key_file,
                                const char *passphrase_file, struct secret_key **ret, struct tg_why *why)
{
  struct keyfile_head head;
  enum tg_err err = box_key_peek(key_file, KEY_MEMBER_ROOT, &head, why);
  if (err != TG_OK)
    return err;
  for (size_t i = 0; i < f->charter->n_members; i++)
    if (!strcmp(f->charter->member[i].root.name, head.name))
      return box_key_open(key_file, KEY_MEMBER_ROOT, passphrase_file, ret, why);
  return why_set(why, TG_BAD_INPUT, path, N_("%1$s is not a member in this charter"),
                 N_("Use the root key of a member, or have the member's card added to the draft"), head.name,
                 NULL, NULL);
}

static enum tg_err tell_signed(const struct call *call, const char *path, const char *name,
                               struct tg_why *why)
{
  struct charter_file f;
  bool signed_by[MEMBERS_MAX];
  char missing[1100];
  enum tg_err err = charter_file_read(path, &f, why);
  if (err != TG_OK)
    return err;
  err = signers(&f, signed_by, why);
  if (err == TG_OK && call->json)
    show_as_json(&f, signed_by);
  else if (err == TG_OK) {
    size_t n = count_signed(&f, signed_by);
    printf(_("%s: signed by %s; members that have signed: %zu of %zu\n"), path, name, n, f.charter->n_members);
    if (n < f.charter->n_members)
      printf(_("not yet: %s\n"), list_members(&f, signed_by, false, missing));
  }
  charter_file_free(&f);
  return err;
}

static enum tg_err run_sign(struct call *call, struct tg_why *why)
{
  const struct sign_options *o = call->options;
  const char *path = call->arg[0], *output = o->output ? o->output : path;
  struct charter_file f;
  struct secret_key *key = NULL;
  struct buf out = buf_new(NOTE_BYTES_MAX);
  if (!o->key)
    return why_set(why, TG_USAGE, "--key", N_("the root key that signs is missing"),
                   N_("Name its file: --key ROOT.key"), NULL, NULL, NULL);
  enum tg_err err = charter_file_read(path, &f, why);
  if (err != TG_OK)
    return err;
  err = check_signer(&f, path, o->key, o->passphrase_file, &key, why);
  if (err == TG_OK)
    err = box_sign(buf_slice(&f.bytes), path, key, &out, why);
  if (err == TG_OK)
    err = box_write(output, buf_slice(&out), !strcmp(output, path), why);
  if (err == TG_OK)
    err = tell_signed(call, output, secret_key_name(key), why);
  secret_key_free(key);
  charter_file_free(&f);
  buf_free(&out);
  return err;
}

static const struct option_key sign_options[] = {
    {"key",
     'k',
     OPTION_ONE,
     VALUE_PATH,
     offsetof(struct sign_options, key),
     {0},
     N_("FILE"),
     N_("The root key that signs.")},
    {"output",
     'o',
     OPTION_ONE,
     VALUE_PATH,
     offsetof(struct sign_options, output),
     {0},
     N_("FILE"),
     N_("Where to write the signed charter; into the same file unless stated.")},
    BOX_OPTION_PASSPHRASE(struct sign_options),
};

const struct command command_charter_sign = {
    .noun = "charter",
    .verb = "sign",
    .section = SECTION_PAPERS,
    .summary = N_("Sign a charter with a member's root key"),
    .operands = N_("FILE"),
    .min = 1,
    .max = 1,
    .about = N_("Read it first with toguna charter show. The file can go from one founder to the next, or "
                "each signs a copy and "
                "toguna charter merge puts the signatures together."),
    .examples = "toguna charter sign charter.note --key ml/root.key\n",
    .options = sign_options,
    .n_options = sizeof sign_options / sizeof *sign_options,
    .size = sizeof(struct sign_options),
    .run = run_sign,
};

/* --- merge --- */

static enum tg_err merge_one(struct buf *all, const char *path, struct tg_why *why)
{
  struct buf bytes, merged = buf_new(NOTE_BYTES_MAX);
  struct note *one = malloc(sizeof *one), *sum = malloc(sizeof *sum);
  enum tg_err err = box_read(path, &bytes, why);
  if (err == TG_OK && (!one || !sum))
    err = why_set(why, TG_NO_MEMORY, path, N_("out of memory"), NULL, NULL, NULL, NULL);
  if (err == TG_OK)
    err = note_parse(buf_slice(&bytes), path, one, why);
  if (err == TG_OK && all->n == 0) {
    buf_put_slice(all, buf_slice(&bytes));
  } else if (err == TG_OK) {
    err = note_parse(buf_slice(all), path, sum, why);
    if (err == TG_OK)
      err = note_merge(&merged, sum, one, why);
    if (err == TG_OK) {
      buf_clear(all);
      buf_put_slice(all, buf_slice(&merged));
    }
  }
  free(one);
  free(sum);
  buf_free(&bytes);
  buf_free(&merged);
  return err;
}

struct merge_options {
  struct common common;
  char *output;
};

static enum tg_err run_merge(struct call *call, struct tg_why *why)
{
  const struct merge_options *o = call->options;
  const char *output = o->output ? o->output : "charter.note";
  struct buf all = buf_new(NOTE_BYTES_MAX);
  enum tg_err err = TG_OK;
  for (size_t i = 0; err == TG_OK && i < call->n; i++)
    err = merge_one(&all, call->arg[i], why);
  if (err == TG_OK)
    err = box_write(output, buf_slice(&all), false, why);
  if (err == TG_OK)
    err = charter_show(call, output, why);
  buf_free(&all);
  return err;
}

static const struct option_key merge_options[] = {
    {"output",
     'o',
     OPTION_ONE,
     VALUE_PATH,
     offsetof(struct merge_options, output),
     {0},
     N_("FILE"),
     N_("Where to write it: charter.note unless stated.")},
};

const struct command command_charter_merge = {
    .noun = "charter",
    .verb = "merge",
    .section = SECTION_PAPERS,
    .summary = N_("Put the signatures of several copies of one charter together"),
    .operands = N_("NOTE NOTE..."),
    .min = 2,
    .max = OPERANDS_ANY,
    .examples = "toguna charter merge from-ml.note from-sn.note -o charter.note\n",
    .options = merge_options,
    .n_options = sizeof merge_options / sizeof *merge_options,
    .size = sizeof(struct merge_options),
    .run = run_merge,
};

/* --- check --- */

struct check_options {
  struct common common;
  char *after;
};

static enum tg_err check(const struct charter_file *f, const char *path, const char *after,
                         struct tg_why *why)
{
  struct charter_file before;
  if (!f->note)
    return why_set(why, TG_BAD_SIGNATURE, path, N_("nobody has signed this charter"),
                   N_("Have it signed: toguna charter sign"), NULL, NULL, NULL);
  if (f->charter->version == 1)
    return charter_check_founding(f->charter, f->note, why);
  if (!after)
    return why_set(why, TG_USAGE, "--after", N_("whether this charter counts depends on the one before it"),
                   N_("Name that one: --after NOTE"), NULL, NULL, NULL);
  enum tg_err err = charter_file_read(after, &before, why);
  if (err != TG_OK)
    return err;
  err = charter_check_succession(before.charter, &before.hash, NULL, f->charter, f->note, why);
  charter_file_free(&before);
  return err;
}

static enum tg_err run_check(struct call *call, struct tg_why *why)
{
  const struct check_options *o = call->options;
  struct charter_file f;
  char hash[HASH_TEXT];
  enum tg_err err = charter_file_read(call->arg[0], &f, why);
  if (err != TG_OK)
    return err;
  err = check(&f, call->arg[0], o->after, why);
  hash_print(&f.hash, hash);
  if (err == TG_OK && call->json)
    show_json(json_pack("{s:s,s:I,s:s,s:b}", "exchange", f.charter->exchange, "version",
                        (json_int_t)f.charter->version, "hash", hash, "valid", 1));
  else if (err == TG_OK)
    printf(_("%s: charter %llu of %s is signed as it must be; its hash is %s\n"), call->arg[0],
           (unsigned long long)f.charter->version, f.charter->exchange, hash);
  else if (why && !why->where[0])
    snprintf(why->where, sizeof why->where, "%s", call->arg[0]);
  charter_file_free(&f);
  return err;
}

static const struct option_key check_options[] = {
    {"after",
     0,
     OPTION_ONE,
     VALUE_PATH,
     offsetof(struct check_options, after),
     {0},
     N_("NOTE"),
     N_("The charter before this one, whose quorum had to sign.")},
};

const struct command command_charter_check = {
    .noun = "charter",
    .verb = "check",
    .section = SECTION_PAPERS,
    .summary = N_("Check that everybody has signed whose signature a charter needs"),
    .operands = N_("NOTE"),
    .min = 1,
    .max = 1,
    .examples =
        "toguna charter check charter.note\ntoguna charter check charter-2.note --after charter.note\n",
    .options = check_options,
    .n_options = sizeof check_options / sizeof *check_options,
    .size = sizeof(struct check_options),
    .run = run_check,
};
