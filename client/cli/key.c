/* toguna key: key files. */
#include "client/cli/box.h"
#include "client/cli/command.h"
#include "client/cli/show.h"
#include "keys/codec.h"

#include <stdio.h>
#include <string.h>

struct key_options {
  struct common common;
  char *passphrase_file, *new_passphrase_file, *output;
  unsigned kdf;
};

/* --- toguna key new */

static enum tg_err run_new(struct call *call, struct tg_why *why)
{
  const struct key_options *o = call->options;
  enum key_kind kind;
  struct secret *passphrase = NULL;
  struct secret_key *key = NULL;
  if (key_kind_parse(slice_str(call->arg[0]), &kind))
    return why_set(why, TG_USAGE, call->arg[0], N_("there is no such kind of key"),
                   N_("Kinds are member-root, officer, node, transport, hub-log, witness, storage"), NULL,
                   NULL, NULL);
  enum tg_err err = box_passphrase_new(o->passphrase_file, call->arg[1], &passphrase, why);
  if (err == TG_OK)
    err = box_key_make(call->arg[2], kind, call->arg[1], passphrase, o->kdf, &key, why);
  secret_free(&passphrase);
  if (err != TG_OK)
    return err;
  if (call->json)
    show_json(json_pack("{s:s,s:s,s:s,s:o}", "file", call->arg[2], "kind", key_kind_name(kind), "name",
                        call->arg[1], "public", json_base64(slice_of(secret_key_public(key), 32))));
  else
    printf(_("%s: a new key of kind %s for %s\n"), call->arg[2], key_kind_name(kind), call->arg[1]);
  secret_key_free(key);
  return TG_OK;
}

static const struct option_key new_options[] = {
    BOX_OPTION_PASSPHRASE(struct key_options),
    BOX_OPTION_KDF(struct key_options),
};

const struct command command_key_new = {
    .noun = "key",
    .verb = "new",
    .section = SECTION_BEGIN,
    .summary = N_("Make a key of any kind in an encrypted file"),
    .operands = N_("KIND NAME FILE"),
    .min = 3,
    .max = 3,
    .about = N_("toguna init makes all keys that a member, a hub or a node begins with. This one is for what "
                "comes later, such "
                "as the key of one more officer. The name is the full name of its holder, with that of the "
                "exchange."),
    .examples = "toguna key new officer sahel.example/ML/policy-3 policy-3.key\n",
    .options = new_options,
    .n_options = sizeof new_options / sizeof *new_options,
    .size = sizeof(struct key_options),
    .run = run_new,
};

/* --- toguna key show */

static void show_head(const char *file, const struct keyfile_head *head, const char *vkey)
{
  char key[KEY_TEXT], size[SHOW_SIZE], cost[64];
  key_print(head->public_key, key);
  snprintf(cost, sizeof cost, "argon2id, %u × %s", (unsigned)head->cost.passes,
           show_size(head->cost.memory, size));
  struct grid *g = grid_new(2, NULL);
  grid_row(g, (const char *const[]){_("file"), file});
  grid_row(g, (const char *const[]){_("kind"), key_kind_name(head->kind)});
  grid_row(g, (const char *const[]){_("name"), head->name});
  if (head->kind != KEY_STORAGE)
    grid_row(g, (const char *const[]){_("public"), key});
  if (*vkey)
    grid_row(g, (const char *const[]){_("verifies"), vkey});
  grid_row(g, (const char *const[]){_("guessing"), cost});
  grid_print(g);
}

/* The vkey of those kinds that sign notes, else "". */
static void print_vkey(const struct keyfile_head *head, char out[NOTE_VKEY_MAX])
{
  struct note_key key;
  struct sign_pk pk;
  enum note_type type = head->kind == KEY_WITNESS ? NOTE_COSIGNATURE : NOTE_ED25519;
  bool signs = head->kind == KEY_MEMBER_ROOT || head->kind == KEY_OFFICER || head->kind == KEY_HUB_LOG ||
               head->kind == KEY_WITNESS;
  memcpy(pk.b, head->public_key, sizeof pk.b);
  out[0] = 0;
  if (signs && note_key_make(slice_str(head->name), type, &pk, &key) == TG_OK)
    note_key_print(&key, out);
}

static enum tg_err run_show(struct call *call, struct tg_why *why)
{
  for (size_t i = 0; i < call->n; i++) {
    struct keyfile_head head;
    char vkey[NOTE_VKEY_MAX];
    enum tg_err err = box_key_peek(call->arg[i], 0, &head, why);
    if (err != TG_OK)
      return err;
    print_vkey(&head, vkey);
    if (call->json) {
      show_json(json_pack("{s:s,s:s,s:s,s:o,s:o,s:{s:I,s:I}}", "file", call->arg[i], "kind",
                          key_kind_name(head.kind), "name", head.name, "public",
                          json_base64(slice_of(head.public_key, 32)), "vkey",
                          *vkey ? json_string(vkey) : json_null(), "argon2id", "passes",
                          (json_int_t)head.cost.passes, "memory", (json_int_t)head.cost.memory));
      continue;
    }
    if (i)
      putchar('\n');
    show_head(call->arg[i], &head, vkey);
  }
  return TG_OK;
}

const struct command command_key_show = {
    .noun = "key",
    .verb = "show",
    .section = SECTION_BEGIN,
    .summary = N_("Show what a key file holds, without opening it"),
    .operands = N_("FILE..."),
    .min = 1,
    .max = OPERANDS_ANY,
    .examples = "toguna key show ml/root.key\ntoguna key show --json ml/officers/*.key\n",
    .run = run_show,
};

/* --- toguna key check */

static const struct option_key check_options[] = {
    BOX_OPTION_PASSPHRASE(struct key_options),
};

static enum tg_err run_check(struct call *call, struct tg_why *why)
{
  const struct key_options *o = call->options;
  for (size_t i = 0; i < call->n; i++) {
    struct secret_key *key;
    enum tg_err err = box_key_open(call->arg[i], 0, o->passphrase_file, &key, why);
    if (err != TG_OK)
      return err;
    if (call->json)
      show_json(json_pack("{s:s,s:s,s:s,s:b}", "file", call->arg[i], "name", secret_key_name(key), "kind",
                          key_kind_name(secret_key_kind(key)), "opens", 1));
    else
      printf(_("%s: opens; the key of %s is sound\n"), call->arg[i], secret_key_name(key));
    secret_key_free(key);
  }
  return TG_OK;
}

const struct command command_key_check = {
    .noun = "key",
    .verb = "check",
    .section = SECTION_BEGIN,
    .summary = N_("Try a passphrase on key files: do they open, and are they sound"),
    .operands = N_("FILE..."),
    .min = 1,
    .max = OPERANDS_ANY,
    .examples = "toguna key check ml/root.key\n",
    .options = check_options,
    .n_options = sizeof check_options / sizeof *check_options,
    .size = sizeof(struct key_options),
    .run = run_check,
};

/* --- toguna key passphrase */

static const struct option_key passphrase_options[] = {
    BOX_OPTION_PASSPHRASE(struct key_options),
    {"new-passphrase-file",
     0,
     OPTION_ONE,
     VALUE_PATH,
     offsetof(struct key_options, new_passphrase_file),
     {0},
     N_("FILE"),
     N_("Take the new passphrase from a file that only you can read.")},
    BOX_OPTION_KDF(struct key_options),
};

static enum tg_err change_passphrase(const char *file, const struct key_options *o, struct tg_why *why)
{
  struct secret_key *key = NULL;
  struct secret *passphrase = NULL;
  enum tg_err err = box_key_open(file, 0, o->passphrase_file, &key, why);
  if (err == TG_OK)
    err = box_passphrase_new(o->new_passphrase_file, secret_key_name(key), &passphrase, why);
  if (err == TG_OK)
    err = box_key_save(file, key, passphrase, o->kdf, true, why);
  secret_free(&passphrase);
  secret_key_free(key);
  return err;
}

static enum tg_err run_passphrase(struct call *call, struct tg_why *why)
{
  enum tg_err err = TG_OK;
  for (size_t i = 0; err == TG_OK && i < call->n; i++) {
    err = change_passphrase(call->arg[i], call->options, why);
    if (err == TG_OK && !call->json)
      printf(_("%s: has its new passphrase\n"), call->arg[i]);
    else if (err == TG_OK)
      show_json(json_pack("{s:s,s:b}", "file", call->arg[i], "changed", 1));
  }
  return err;
}

const struct command command_key_passphrase = {
    .noun = "key",
    .verb = "passphrase",
    .section = SECTION_BEGIN,
    .summary = N_("Change the passphrase of key files"),
    .operands = N_("FILE..."),
    .min = 1,
    .max = OPERANDS_ANY,
    .about = N_("The key stays the same; copies of the old file still open with the old passphrase. A daemon "
                "that takes its "
                "passphrase from a file must find the new one there before it starts again."),
    .examples = "toguna key passphrase ml/officers/policy-1.key\n",
    .options = passphrase_options,
    .n_options = sizeof passphrase_options / sizeof *passphrase_options,
    .size = sizeof(struct key_options),
    .run = run_passphrase,
};
