/* toguna init member: a state's root key, its officers, and the card it sends to the others. */
#include "client/cli/command.h"
#include "client/cli/init.h"
#include "client/cli/show.h"
#include "os/clock.h"
#include "os/file.h"

#include <stdio.h>
#include <string.h>

char *const INIT_OFFICERS[] = {"policy-1:policy", "policy-2:policy", "release-1:release",
                               "security-1:security"};

/* --- making --- */

static enum tg_err make_root(const struct making *m, const char *folder, const char *exchange,
                             struct country code, struct secret_key **ret, struct tg_why *why)
{
  char path[BOX_PATH], name[NOTE_NAME_MAX + 1], vkey[NOTE_VKEY_MAX], line[NOTE_VKEY_MAX + 16];
  struct note_key key;
  struct card card = {.kind = CARD_MEMBER, .line = line};
  if (!exchange_name_valid(slice_str(exchange)))
    return why_set(why, TG_BAD_INPUT, exchange, N_("this cannot be the name of an exchange"),
                   N_("Use small letters, digits, '-' and '.', such as sahel.example"), NULL, NULL, NULL);
  snprintf(name, sizeof name, "%s/%s", exchange, code.code);
  enum tg_err err = box_path(path, folder, "root.key", why);
  if (err == TG_OK)
    err = box_key_make(path, KEY_MEMBER_ROOT, name, m->passphrase, m->kdf, ret, why);
  if (err != TG_OK)
    return err;
  secret_key_note_key(*ret, &key);
  note_key_print(&key, vkey);
  snprintf(line, sizeof line, "member %s %s\n", code.code, vkey);
  snprintf(card.exchange, sizeof card.exchange, "%s", exchange);
  snprintf(card.name, sizeof card.name, "%s", code.code);
  return init_card_write(folder, &card, why);
}

/* "policy-1:policy" */
static enum tg_err read_officer(const char *text, struct country code, struct card *ret, struct tg_why *why)
{
  const char *colon = strchr(text, ':');
  enum role role;
  size_t n = colon ? (size_t)(colon - text) : 0;
  if (!colon || role_parse(slice_str(colon + 1), &role) || role == ROLE_NODE ||
      snprintf(ret->name, sizeof ret->name, "%s/%.*s", code.code, (int)n, text) >= (int)sizeof ret->name)
    return why_set(
        why, TG_BAD_INPUT, text, N_("this is not an officer and a role"),
        N_("Write NAME:ROLE, such as policy-1:policy; roles are policy, release, auditor and security"), NULL,
        NULL, NULL);
  ret->kind = CARD_HOLDER;
  ret->holder.role = role;
  return init_holder(ret->name, &ret->holder.holder, why);
}

static enum tg_err write_note(const char *folder, const char *name, const struct buf *note,
                              struct tg_why *why)
{
  char file[128], path[BOX_PATH];
  card_file(file, name, ".note");
  enum tg_err err = box_path(path, folder, file, why);
  return err ? err : box_write(path, buf_slice(note), false, why);
}

static enum tg_err make_officer(const struct making *m, const char *folder, const char *exchange,
                                struct card *card, const struct secret_key *root, struct tg_why *why)
{
  char key_file[128], file[160], path[BOX_PATH], documents[BOX_PATH], name[NOTE_NAME_MAX + 1];
  struct secret_key *key = NULL;
  struct buf note = buf_new(NOTE_BYTES_MAX);
  snprintf(name, sizeof name, "%s/%s", exchange, card->name);
  card_file(key_file, strchr(card->name, '/') + 1, ".key");
  snprintf(file, sizeof file, "officers/%s", key_file);
  enum tg_err err = box_path(path, folder, file, why);
  if (err == TG_OK)
    err = box_key_make(path, KEY_OFFICER, name, m->passphrase, m->kdf, &key, why);
  if (err == TG_OK) {
    snprintf(card->exchange, sizeof card->exchange, "%s", exchange);
    snprintf(card->holder.exchange, sizeof card->holder.exchange, "%s", exchange);
    card->holder.identity = secret_key_sign_pk(key);
    err = init_vouch(root, card, 1, m->now, m->until, &note, why);
  }
  if (err == TG_OK)
    err = box_path(documents, folder, "documents", why);
  if (err == TG_OK)
    err = write_note(documents, card->name, &note, why);
  buf_free(&note);
  secret_key_free(key);
  return err;
}

static enum tg_err make_folders(const char *folder, struct tg_why *why)
{
  char path[BOX_PATH];
  enum tg_err err = box_path(path, folder, "officers", why);
  if (err == TG_OK)
    err = file_mkdir(path, 0700, why);
  if (err == TG_OK)
    err = box_path(path, folder, "documents", why);
  return err ? err : file_mkdir(path, 0755, why);
}

enum tg_err init_member(const struct making *m, const char *folder, const char *exchange, struct country code,
                        char *const *officers, size_t n_officers, struct tg_why *why)
{
  struct secret_key *root = NULL;
  enum tg_err err = make_folders(folder, why);
  if (err == TG_OK)
    err = make_root(m, folder, exchange, code, &root, why);
  for (size_t i = 0; err == TG_OK && i < n_officers; i++) {
    struct card card = {0};
    err = read_officer(officers[i], code, &card, why);
    if (err == TG_OK)
      err = make_officer(m, folder, exchange, &card, root, why);
  }
  secret_key_free(root);
  return err;
}

/* --- the command --- */

struct member_options {
  struct common common;
  char *exchange, *folder, *passphrase_file;
  struct options_list officers;
  tg_time validity;
  unsigned kdf;
};

static void tell(const struct call *call, const char *exchange, const char *folder, struct country code,
                 char *const *officers, size_t n)
{
  char file[BOX_PATH], fingerprint[CARD_FINGERPRINT] = "";
  struct card card;
  snprintf(file, sizeof file, "%s/%s.card", folder, code.code);
  if (card_read(file, &card, NULL) == TG_OK) {
    card_fingerprint(&card, fingerprint);
    card_free(&card);
  }
  if (call->json) {
    json_t *list = json_array();
    for (size_t i = 0; i < n; i++)
      json_array_append_new(list, json_string(officers[i]));
    show_json(json_pack("{s:s,s:s,s:s,s:s,s:s,s:o}", "member", code.code, "exchange", exchange, "folder",
                        folder, "card", file, "fingerprint", fingerprint, "officers", list));
    return;
  }
  printf(_("%s (%s) has its keys in %s\n"), country_name(&code, speak_language()), code.code, folder);
  printf(_("  root.key      signs charters and vouches for nodes and officers: keep it off line\n"));
  printf(trn("  officers/     %zu officer; hand over the key, and have a passphrase of its own set\n",
             "  officers/     %zu officers; give each its key, and have each set a passphrase of its own\n", n),
         n);
  printf(_("  documents/    their credentials, signed; anybody may see them\n"));
  printf(_("  %s.card       send this to whoever drafts the charter; its fingerprint is %s\n"), code.code,
         fingerprint);
}

static enum tg_err run(struct call *call, struct tg_why *why)
{
  const struct member_options *o = call->options;
  struct country code;
  char answer[256];
  struct secret *passphrase = NULL;
  struct new_folder *f = NULL;
  const char *folder = o->folder ? o->folder : call->arg[0];
  char *const *officers = o->officers.n ? o->officers.v : INIT_OFFICERS;
  size_t n = o->officers.n ? o->officers.n : (size_t)INIT_N_OFFICERS;
  const char *exchange = init_ask(o->exchange, _("Name of the exchange, the same for all members: "), answer);
  if (!exchange)
    return why_set(why, TG_USAGE, "--exchange", N_("the name of the exchange is missing"),
                   N_("All members use the same, such as --exchange sahel.example"), NULL, NULL, NULL);
  enum tg_err err = init_country(call->arg[0], &code, why);
  if (err == TG_OK)
    err = new_folder_check(folder, why);
  if (err == TG_OK)
    err = box_passphrase_new(o->passphrase_file, call->arg[0], &passphrase, why);
  if (err == TG_OK)
    err = new_folder_begin(folder, &f, why);
  if (err == TG_OK) {
    struct making m = {.passphrase = passphrase, .kdf = o->kdf, .now = clock_wall()};
    m.until = m.now + (o->validity ? o->validity : INIT_YEAR * TG_DAY);
    err = init_member(&m, new_folder_path(f), exchange, code, officers, n, why);
    err = new_folder_end(&f, err, why);
  }
  if (err == TG_OK)
    tell(call, exchange, folder, code, officers, n);
  secret_free(&passphrase);
  return err;
}

static const struct option_key options[] = {
    {"exchange",
     0,
     OPTION_ONE,
     VALUE_TEXT,
     offsetof(struct member_options, exchange),
     {0},
     N_("NAME"),
     N_("The name of the exchange, the same for all its members, such as sahel.example.")},
    {"folder",
     'f',
     OPTION_ONE,
     VALUE_PATH,
     offsetof(struct member_options, folder),
     {0},
     N_("FOLDER"),
     N_("Where to put it all; a folder named after the country unless stated.")},
    {"officer",
     0,
     OPTION_MANY,
     VALUE_TEXT,
     offsetof(struct member_options, officers),
     {0},
     N_("NAME:ROLE"),
     N_("An officer and its role: policy, release, auditor or security. May be repeated. Unless stated: "
        "policy-1:policy, "
        "policy-2:policy, release-1:release, security-1:security.")},
    {"for",
     0,
     OPTION_ONE,
     VALUE_DURATION,
     offsetof(struct member_options, validity),
     {.min = 60000},
     N_("TIME"),
     N_("How long the officers' credentials are good: 365d unless stated.")},
    BOX_OPTION_PASSPHRASE(struct member_options),
    BOX_OPTION_KDF(struct member_options),
};

const struct command command_init_member = {
    .noun = "init",
    .verb = "member",
    .section = SECTION_BEGIN,
    .summary = N_("Make the keys of a state and its officers"),
    .operands = N_("COUNTRY"),
    .min = 1,
    .max = 1,
    .about = N_("Makes the root key by which all others know this state, a key for each officer with its "
                "credential, and a card "
                "to send to whoever drafts the charter. Do this on a machine that is never connected: the "
                "root key is "
                "needed only to sign charters and to vouch for nodes and officers."),
    .examples =
        "toguna init member ML --exchange sahel.example\n"
        "toguna init member SN --exchange sahel.example --folder /media/usb/sn --officer keita:policy\n",
    .options = options,
    .n_options = sizeof options / sizeof *options,
    .size = sizeof(struct member_options),
    .run = run,
};
