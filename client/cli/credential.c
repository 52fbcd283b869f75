/* toguna credential: who is vouched for by whom. */
#include "client/cli/command.h"
#include "client/cli/init.h"
#include "client/cli/show.h"
#include "keys/revocation.h"
#include "os/clock.h"

#include <stdio.h>
#include <string.h>

/* --- request --- */

struct request_options {
  struct common common;
  char *key, *transport, *witness, *output, *role;
  bool silent;
};

static enum tg_err read_public(const char *path, enum key_kind kind, uint8_t ret[32],
                               char name[NOTE_NAME_MAX + 1], struct tg_why *why)
{
  struct keyfile_head head;
  enum tg_err err = box_key_peek(path, kind, &head, why);
  if (err != TG_OK)
    return err;
  memcpy(ret, head.public_key, 32);
  snprintf(name, NOTE_NAME_MAX + 1, "%s", head.name);
  return TG_OK;
}

static enum tg_err read_node_keys(const struct request_options *o, struct credential *c, struct tg_why *why)
{
  char name[NOTE_NAME_MAX + 1];
  if (!o->transport)
    return why_set(why, TG_USAGE, "--transport", N_("a node's card needs its transport key too"),
                   N_("Name its file: --transport transport.key"), NULL, NULL, NULL);
  enum tg_err err = read_public(o->transport, KEY_TRANSPORT, c->transport.b, name, why);
  if (err == TG_OK && o->witness)
    err = read_public(o->witness, KEY_WITNESS, c->witness.b, name, why);
  c->has_witness = o->witness != NULL;
  c->receives = !o->silent;
  return err;
}

/* The exchange and the holder are those of the key's name: "sahel.example/ML/policy-3". */
static enum tg_err read_name(const char *path, const char *name, struct card *card, struct tg_why *why)
{
  const char *slash = strchr(name, '/');
  size_t n = slash ? (size_t)(slash - name) : 0;
  if (!slash || !exchange_name_valid(slice_of(name, n)))
    return why_set(why, TG_BAD_INPUT, path,
                   N_("the name of this key, %1$s, is not that of a holder in an exchange"),
                   N_("Make a key named like sahel.example/ML/policy-1"), name, NULL, NULL);
  snprintf(card->exchange, sizeof card->exchange, "%.*s", (int)n, name);
  snprintf(card->holder.exchange, sizeof card->holder.exchange, "%s", card->exchange);
  snprintf(card->name, sizeof card->name, "%s", slash + 1);
  return init_holder(slash + 1, &card->holder.holder, why);
}

static enum tg_err run_request(struct call *call, struct tg_why *why)
{
  const struct request_options *o = call->options;
  const char *path = call->arg[0];
  char name[NOTE_NAME_MAX + 1], file[128], fingerprint[CARD_FINGERPRINT];
  struct card card = {.kind = CARD_HOLDER, .holder.role = ROLE_POLICY};
  struct card checked;
  struct buf text = buf_new(NOTE_BYTES_MAX);
  if (o->role && role_parse(slice_str(o->role), &card.holder.role))
    return why_set(why, TG_USAGE, "--role", N_("this is not a role"),
                   N_("the roles are node, policy, release, auditor and security"), NULL, NULL, NULL);
  bool node = card.holder.role == ROLE_NODE;
  enum tg_err err = read_public(path, node ? KEY_NODE : KEY_OFFICER, card.holder.identity.b, name, why);
  if (err == TG_OK)
    err = read_name(path, name, &card, why);
  if (err == TG_OK && node)
    err = read_node_keys(o, &card.holder, why);
  if (err == TG_OK) {
    card_print(&card, &text);
    card_file(file, card.name, ".card");
    err = card_parse(buf_slice(&text), card.name, &checked, why);
  }
  if (err == TG_OK)
    err = box_write(o->output ? o->output : file, buf_slice(&text), false, why);
  if (err == TG_OK) {
    card_fingerprint(&card, fingerprint);
    if (call->json)
      show_json(json_pack("{s:s,s:s,s:s}", "card", o->output ? o->output : file, "holder", card.name,
                          "fingerprint", fingerprint));
    else
      printf(_("%s: send it to whoever holds the root key; its fingerprint is %s\n"),
             o->output ? o->output : file, fingerprint);
  }
  buf_free(&text);
  return err;
}

#define FILE_OPTION(type, name, letter, member, help)                                                        \
  {                                                                                                          \
    name, letter, OPTION_ONE, VALUE_PATH, offsetof(type, member), {0}, N_("FILE"), help                      \
  }

static const struct option_key request_options[] = {
    {"role",
     0,
     OPTION_ONE,
     VALUE_TEXT,
     offsetof(struct request_options, role),
     {0},
     N_("ROLE"),
     N_("node, policy, release, auditor or security; policy unless stated.")},
    FILE_OPTION(struct request_options, "transport", 0, transport, N_("A node's transport key.")),
    FILE_OPTION(struct request_options, "witness", 0, witness, N_("A node's witness key.")),
    {"silent",
     0,
     OPTION_FLAG,
     VALUE_BOOL,
     offsetof(struct request_options, silent),
     {0},
     NULL,
     N_("What is addressed to the state as a whole does not go to this node: only what names its agency.")},
    FILE_OPTION(struct request_options, "output", 'o', output,
                N_("Where to write the card; named after the holder unless stated.")),
};

const struct command command_credential_request = {
    .noun = "credential",
    .verb = "request",
    .section = SECTION_PAPERS,
    .summary = N_("Make the card by which a root can vouch for a key"),
    .operands = N_("KEY"),
    .min = 1,
    .max = 1,
    .about = N_("toguna init makes the cards of nodes and first officers; this is for those that come later, "
                "or for new keys."),
    .examples =
        "toguna credential request policy-3.key --role policy\n"
        "toguna credential request node.key --role node --transport transport.key --witness witness.key\n",
    .options = request_options,
    .n_options = sizeof request_options / sizeof *request_options,
    .size = sizeof(struct request_options),
    .run = run_request,
};

/* --- issue --- */

struct issue_options {
  struct common common;
  char *root, *passphrase_file, *output, *folder;
  uint64_t serial;
  tg_time validity;
};

static enum tg_err issue_one(const struct call *call, const char *path, const struct secret_key *root,
                             struct tg_why *why)
{
  const struct issue_options *o = call->options;
  char file[128], out[BOX_PATH], fingerprint[CARD_FINGERPRINT], until_text[SHOW_TIME];
  tg_time now = clock_wall(), until = now + (o->validity ? o->validity : INIT_YEAR * TG_DAY);
  struct card card;
  struct buf note = buf_new(NOTE_BYTES_MAX);
  enum tg_err err = card_read(path, &card, why);
  if (err != TG_OK)
    return err;
  err = init_vouch(root, &card, o->serial ? o->serial : init_serial(now), now, until, &note, why);
  card_file(file, card.name, ".note");
  if (err == TG_OK && !o->output)
    err = box_path(out, o->folder ? o->folder : ".", file, why);
  if (err == TG_OK && o->output)
    snprintf(out, sizeof out, "%s", o->output);
  const char *place = !o->output && !o->folder ? file : out;
  if (err == TG_OK)
    err = box_write(place, buf_slice(&note), false, why);
  if (err == TG_OK) {
    card_fingerprint(&card, fingerprint);
    if (call->json)
      show_json(json_pack("{s:s,s:s,s:s,s:s,s:o}", "file", place, "holder", card.name, "role",
                          role_name(card.holder.role), "fingerprint", fingerprint, "not_after",
                          json_time(until)));
    else
      printf(_("%s: %s vouches for %s as %s until %s; the card's fingerprint was %s\n"), place,
             secret_key_name(root), card.name, role_name(card.holder.role), show_time(until, until_text),
             fingerprint);
  }
  buf_free(&note);
  card_free(&card);
  return err;
}

static enum tg_err no_root(struct tg_why *why)
{
  return why_set(why, TG_USAGE, "--root", N_("the root key that signs is missing"),
                 N_("Name its file: --root root.key"), NULL, NULL, NULL);
}

static enum tg_err run_issue(struct call *call, struct tg_why *why)
{
  const struct issue_options *o = call->options;
  struct secret_key *root = NULL;
  if (!o->root)
    return no_root(why);
  if (o->output && call->n > 1)
    return why_set(why, TG_USAGE, "--output", N_("several credentials do not go into one file"),
                   N_("Use --folder, or issue them one by one"), NULL, NULL, NULL);
  enum tg_err err = box_key_open(o->root, KEY_MEMBER_ROOT, o->passphrase_file, &root, why);
  for (size_t i = 0; err == TG_OK && i < call->n; i++)
    err = issue_one(call, call->arg[i], root, why);
  secret_key_free(root);
  return err;
}

static const struct option_key issue_options[] = {
    FILE_OPTION(struct issue_options, "root", 0, root, N_("The root key of the holder's state.")),
    {"for",
     0,
     OPTION_ONE,
     VALUE_DURATION,
     offsetof(struct issue_options, validity),
     {.min = 60000},
     N_("TIME"),
     N_("How long the credential is good: 365d unless stated.")},
    {"serial",
     0,
     OPTION_ONE,
     VALUE_NUMBER,
     offsetof(struct issue_options, serial),
     {.min = 1, .max = INT64_MAX},
     N_("N"),
     N_("The serial; a higher one replaces the holder's earlier credential. Unless stated: the seconds since "
        "1970.")},
    FILE_OPTION(struct issue_options, "output", 'o', output,
                N_("Where to write it; named after the holder unless stated.")),
    {"folder",
     'f',
     OPTION_ONE,
     VALUE_PATH,
     offsetof(struct issue_options, folder),
     {0},
     N_("FOLDER"),
     N_("Write it into this folder, such as the documents of a node.")},
    BOX_OPTION_PASSPHRASE(struct issue_options),
};

const struct command command_credential_issue = {
    .noun = "credential",
    .verb = "issue",
    .section = SECTION_PAPERS,
    .summary = N_("Vouch for a node or an officer with the root key"),
    .operands = N_("CARD..."),
    .min = 1,
    .max = OPERANDS_ANY,
    .about =
        N_("Compare the card's fingerprint with its holder first: a card alone proves nothing. The "
           "credential goes to the "
           "holder, and, for a node, into the documents of the hub, which lets in nobody it does not know."),
    .examples = "toguna credential issue ML-dgse-n1.card --root ml/root.key\n"
                "toguna credential issue *.card --root ml/root.key --for 90d --folder ml/documents\n",
    .options = issue_options,
    .n_options = sizeof issue_options / sizeof *issue_options,
    .size = sizeof(struct issue_options),
    .run = run_issue,
};

/* --- revoke --- */

struct revoke_options {
  struct common common;
  char *root, *passphrase_file, *output, *reason;
  bool key;
};

static enum tg_err check_reason(const char *reason, struct tg_why *why)
{
  struct revocation r;
  if (!reason || (strlen(reason) < sizeof r.reason && text_valid(slice_str(reason), NULL)))
    return TG_OK;
  return why_set(why, TG_BAD_INPUT, "--reason",
                 N_("this reason is too long, or has characters that cannot be seen"),
                 N_("At most 127 bytes on one line"), NULL, NULL, NULL);
}

static enum tg_err sign_revocation(const struct credential *c, const struct hash *hash,
                                   const struct revoke_options *o, const char *file,
                                   const struct secret_key *root, struct tg_why *why)
{
  struct revocation r = {.member = c->holder.member,
                         .serial = init_serial(clock_wall()),
                         .by_key = o->key,
                         .credential = *hash,
                         .key = c->identity};
  struct buf text = buf_new(NOTE_BYTES_MAX), note = buf_new(NOTE_BYTES_MAX);
  snprintf(r.exchange, sizeof r.exchange, "%s", c->exchange);
  snprintf(r.reason, sizeof r.reason, "%s", o->reason ? o->reason : "");
  revocation_print(&r, &text);
  enum tg_err err = box_sign(buf_slice(&text), file, root, &note, why);
  if (err == TG_OK)
    err = box_write(file, buf_slice(&note), false, why);
  buf_free(&text);
  buf_free(&note);
  return err;
}

static enum tg_err run_revoke(struct call *call, struct tg_why *why)
{
  const struct revoke_options *o = call->options;
  struct credential c;
  struct hash hash;
  struct secret_key *root = NULL;
  char holder[HOLDER_MAX + 1], file[128];
  if (!o->root)
    return no_root(why);
  enum tg_err err = check_reason(o->reason, why);
  if (err == TG_OK)
    err = init_credential_read(call->arg[0], &c, &hash, why);
  if (err == TG_OK)
    err = box_key_open(o->root, KEY_MEMBER_ROOT, o->passphrase_file, &root, why);
  if (err != TG_OK)
    return err;
  holder_print(&c.holder, holder);
  card_file(file, holder, "-revoked.note");
  const char *place = o->output ? o->output : file;
  err = sign_revocation(&c, &hash, o, place, root, why);
  if (err == TG_OK && call->json)
    show_json(json_pack("{s:s,s:s,s:b}", "file", place, "holder", holder, "key", o->key));
  else if (err == TG_OK)
    printf(_("%s: takes effect when the hub has it; hand it in now: toguna document send %s\n"), place,
           place);
  secret_key_free(root);
  return err;
}

static const struct option_key revoke_options[] = {
    FILE_OPTION(struct revoke_options, "root", 0, root, N_("The root key of the holder's state.")),
    {"reason",
     0,
     OPTION_ONE,
     VALUE_TEXT,
     offsetof(struct revoke_options, reason),
     {0},
     N_("TEXT"),
     N_("Why; all members will read it.")},
    {"key",
     0,
     OPTION_FLAG,
     VALUE_BOOL,
     offsetof(struct revoke_options, key),
     {0},
     NULL,
     N_("Revoke the key itself: it can never be vouched for again. For keys that were lost or stolen.")},
    FILE_OPTION(struct revoke_options, "output", 'o', output,
                N_("Where to write it; named after the holder unless stated.")),
    BOX_OPTION_PASSPHRASE(struct revoke_options),
};

const struct command command_credential_revoke = {
    .noun = "credential",
    .verb = "revoke",
    .section = SECTION_PAPERS,
    .summary = N_("Take back a credential, at once and for ever"),
    .operands = N_("CREDENTIAL"),
    .min = 1,
    .max = 1,
    .about = N_("Within a second of its arrival at the hub the holder's sessions are cut and what it signs "
                "is refused."),
    .examples =
        "toguna credential revoke ML-dgse-n1.note --key --reason 'the post was taken' --root ml/root.key\n",
    .options = revoke_options,
    .n_options = sizeof revoke_options / sizeof *revoke_options,
    .size = sizeof(struct revoke_options),
    .run = run_revoke,
};
