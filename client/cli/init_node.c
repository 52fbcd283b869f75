/* toguna init node: a node's keys, its configuration, and the card by which its root vouches for it. */
#include "client/cli/command.h"
#include "client/cli/init.h"
#include "client/cli/show.h"
#include "keys/codec.h"
#include "os/clock.h"

#include <stdio.h>
#include <string.h>

/* --- making --- */

static enum tg_err make_key(const struct making *m, const char *folder, const char *file, enum key_kind kind,
                            const char *name, uint8_t ret_public[32], struct tg_why *why)
{
  char path[BOX_PATH];
  struct secret_key *key = NULL;
  enum tg_err err = box_path(path, folder, file, why);
  if (err == TG_OK)
    err = box_key_make(path, kind, name, m->passphrase, m->kdf, &key, why);
  if (err == TG_OK)
    memcpy(ret_public, secret_key_public(key), 32);
  secret_key_free(key);
  return err;
}

static enum tg_err make_keys(const struct making *m, const char *folder, struct card *card,
                             struct tg_why *why)
{
  char name[NOTE_NAME_MAX + 1];
  struct credential *c = &card->holder;
  snprintf(name, sizeof name, "%s/%s", card->exchange, card->name);
  enum tg_err err = make_key(m, folder, "node.key", KEY_NODE, name, c->identity.b, why);
  if (err == TG_OK)
    err = make_key(m, folder, "transport.key", KEY_TRANSPORT, name, c->transport.b, why);
  if (err == TG_OK)
    err = make_key(m, folder, "witness.key", KEY_WITNESS, name, c->witness.b, why);
  c->has_witness = true;
  return err;
}

/* "NAME" or "NAME ENDPOINT" */
static enum tg_err print_hub(struct buf *out, const struct charter *charter, const char *text,
                             struct tg_why *why)
{
  size_t n = strcspn(text, " ");
  if (!charter_hub(charter, slice_of(text, n))) {
    char known[128] = "";
    for (size_t i = 0, at = 0; i < charter->n_hubs && at < sizeof known; i++)
      at += (size_t)snprintf(known + at, sizeof known - at, "%s%s", i ? ", " : "", charter->hub[i].name);
    return why_set(why, TG_NOT_FOUND, text, N_("the charter has no such hub"), N_("It has: %1$s"), known,
                   NULL, NULL);
  }
  buf_printf(out, "hub %s\n", text);
  return TG_OK;
}

static enum tg_err print_hubs(struct buf *out, const struct charter *charter, const struct node_plan *plan,
                              struct tg_why *why)
{
  enum tg_err err = TG_OK;
  buf_printf(out, "\n# %s\n",
             _("Hubs to use, in order of preference; without a line: all of the charter. An address may "
               "follow the name."));
  for (size_t i = 0; err == TG_OK && i < plan->n_hubs; i++)
    err = print_hub(out, charter, plan->hubs[i], why);
  if (!plan->n_hubs)
    buf_printf(out, "#hub %s\n", charter->hub[0].name);
  return err;
}

static enum tg_err print_conf(struct buf *out, const struct folio *folio, const struct node_plan *plan,
                              struct tg_why *why)
{
  char id[HASH_TEXT], path[BOX_PATH];
  init_exchange_id(folio, id);
  buf_printf(
      out, "# %s\n",
      _("Written by toguna init node; man node.conf explains each line, and those that may be added."));
  buf_printf(
      out, "\n# %s\n",
      _("The exchange: the hash of the text of charter version 1. This node takes in no other charter."));
  init_conf_value(out, "exchange", id);
  buf_printf(
      out, "\n# %s\n",
      _("What the node keeps, and signed notes for it to begin with. Paths begin at this file's folder."));
  buf_put_str(out, "folder data\ndocuments documents\n");
  buf_printf(out, "\n# %s\n",
             _("Its keys, and the file with their passphrase; without such a line it asks on its terminal."));
  buf_put_str(out, "node-key node.key\ntransport-key transport.key\nwitness-key witness.key\n");
  if (plan->passphrase_file)
    init_conf_value(out, "passphrase-file", init_absolute(plan->passphrase_file, path));
  else
    buf_put_str(out, "#passphrase-file passphrase\n");
  buf_printf(out, "\n# %s\n", _("Where local programs connect: toguna --socket, or TOGUNA_SOCKET."));
  init_conf_value(out, "socket", plan->socket ? plan->socket : "node.sock");
  buf_printf(out, "\n# %s\n",
             _("Who may connect, and for what: user NAME ROLE... Without such a line, only the user who runs the node, "
               "as admin; with one, nobody who has no line."));
  buf_put_str(out, "#user awa reader publisher\n");
  return print_hubs(out, directory_newest_charter(folio->directory), plan, why);
}

static enum tg_err write_conf(const char *folder, const struct folio *folio, const struct node_plan *plan,
                              struct tg_why *why)
{
  char path[BOX_PATH];
  struct buf conf = buf_new(64 * 1024);
  enum tg_err err = print_conf(&conf, folio, plan, why);
  if (err == TG_OK)
    err = box_path(path, folder, "node.conf", why);
  if (err == TG_OK)
    err = box_write(path, buf_slice(&conf), false, why);
  buf_free(&conf);
  return err;
}

static enum tg_err write_credential(const struct making *m, const char *folder, const struct card *card,
                                    const struct secret_key *root, struct tg_why *why)
{
  char file[128], name[160], path[BOX_PATH];
  struct buf note = buf_new(NOTE_BYTES_MAX);
  card_file(file, card->name, ".note");
  snprintf(name, sizeof name, "documents/%s", file);
  enum tg_err err = init_vouch(root, card, init_serial(m->now), m->now, m->until, &note, why);
  if (err == TG_OK)
    err = box_path(path, folder, name, why);
  if (err == TG_OK)
    err = box_write(path, buf_slice(&note), false, why);
  buf_free(&note);
  return err;
}

enum tg_err init_node(const struct making *m, const char *folder, const struct folio *folio,
                      const struct node_plan *plan, struct tg_why *why)
{
  const struct charter *charter = directory_newest_charter(folio->directory);
  struct card card = {.kind = CARD_HOLDER,
                      .holder = {.holder = plan->holder, .role = ROLE_NODE, .receives = !plan->silent}};
  holder_print(&plan->holder, card.name);
  snprintf(card.exchange, sizeof card.exchange, "%s", charter->exchange);
  snprintf(card.holder.exchange, sizeof card.holder.exchange, "%s", charter->exchange);
  if (!plan->holder.node[0])
    return why_set(why, TG_BAD_INPUT, card.name, N_("this name is too short for its role"),
                   N_("a node is named as ML/dgse/n1, an officer as ML/policy-1"), NULL, NULL, NULL);
  if (!charter_member(charter, plan->holder.member))
    return why_set(why, TG_NOT_FOUND, card.name, N_("%1$s is not a member of the exchange %2$s"),
                   N_("Use the charter that names it"), plan->holder.member.code, charter->exchange, NULL);
  enum tg_err err = make_keys(m, folder, &card, why);
  if (err == TG_OK)
    err = init_card_write(folder, &card, why);
  if (err == TG_OK)
    err = init_documents(folder, folio, why);
  if (err == TG_OK)
    err = write_conf(folder, folio, plan, why);
  if (err == TG_OK && plan->root)
    err = write_credential(m, folder, &card, plan->root, why);
  return err;
}

/* --- the command --- */

struct node_options {
  struct common common;
  char *folder, *socket, *root, *passphrase_file;
  struct options_list hubs;
  bool silent;
  tg_time validity;
  unsigned kdf;
};

static void tell(const struct call *call, const struct node_options *o, const char *folder)
{
  char card_file_name[128], path[BOX_PATH], fingerprint[CARD_FINGERPRINT] = "";
  struct card card;
  card_file(card_file_name, call->arg[0], ".card");
  snprintf(path, sizeof path, "%s/%s", folder, card_file_name);
  if (card_read(path, &card, NULL) == TG_OK) {
    card_fingerprint(&card, fingerprint);
    card_free(&card);
  }
  if (call->json) {
    show_json(json_pack("{s:s,s:s,s:s,s:s,s:b}", "node", call->arg[0], "folder", folder, "card", path,
                        "fingerprint", fingerprint, "vouched", o->root != NULL));
    return;
  }
  printf(_("The node %s has its keys and its configuration in %s\n"), call->arg[0], folder);
  if (!o->root) {
    printf(_("Send %s to whoever holds the root key; its fingerprint is %s\n"), path, fingerprint);
    printf(_("Put the credential that comes back into %s/documents, and have it put into those of the hub\n"),
           folder);
  } else {
    printf(_("Its credential is in %s/documents; have it put into those of the hub\n"), folder);
  }
  printf(_("Then start it: toguna-node --config %s/node.conf\n"), folder);
}

static enum tg_err make(const struct call *call, const struct node_options *o, const char *folder,
                        const struct folio *folio, struct node_plan *plan, struct tg_why *why)
{
  struct secret *passphrase = NULL;
  struct secret_key *root = NULL;
  struct new_folder *f = NULL;
  enum tg_err err = new_folder_check(folder, why);
  if (err == TG_OK)
    err = box_passphrase_new(o->passphrase_file, call->arg[0], &passphrase, why);
  if (err == TG_OK && o->root)
    err = box_key_open(o->root, KEY_MEMBER_ROOT, o->passphrase_file, &root, why);
  if (err == TG_OK)
    err = new_folder_begin(folder, &f, why);
  if (err == TG_OK) {
    struct making m = {.passphrase = passphrase, .kdf = o->kdf, .now = clock_wall()};
    m.until = m.now + (o->validity ? o->validity : INIT_YEAR * TG_DAY);
    plan->root = root;
    err = new_folder_end(&f, init_node(&m, new_folder_path(f), folio, plan, why), why);
  }
  secret_key_free(root);
  secret_free(&passphrase);
  return err;
}

static enum tg_err run(struct call *call, struct tg_why *why)
{
  const struct node_options *o = call->options;
  char name[128], socket[BOX_PATH];
  struct node_plan plan = {
      .silent = o->silent, .hubs = o->hubs.v, .n_hubs = o->hubs.n, .passphrase_file = o->passphrase_file};
  struct folio *folio = NULL;
  enum tg_err err = init_holder(call->arg[0], &plan.holder, why);
  if (err != TG_OK)
    return err;
  card_file(name, call->arg[0], "");
  const char *folder = o->folder ? o->folder : name;
  plan.socket = o->socket ? init_absolute(o->socket, socket) : NULL;
  err = folio_read(call->arg + 1, call->n - 1, true, clock_wall(), &folio, why);
  if (err == TG_OK)
    err = make(call, o, folder, folio, &plan, why);
  if (err == TG_OK)
    tell(call, o, folder);
  folio_free(folio);
  return err;
}

static const struct option_key options[] = {
    {"folder",
     'f',
     OPTION_ONE,
     VALUE_PATH,
     offsetof(struct node_options, folder),
     {0},
     N_("FOLDER"),
     N_("The node's folder; one of its name unless stated.")},
    {"root",
     0,
     OPTION_ONE,
     VALUE_PATH,
     offsetof(struct node_options, root),
     {0},
     N_("FILE"),
     N_("The member's root key, where it is at hand: the node is vouched for at once.")},
    {"for",
     0,
     OPTION_ONE,
     VALUE_DURATION,
     offsetof(struct node_options, validity),
     {.min = 60000},
     N_("TIME"),
     N_("How long that credential is good: 365d unless stated.")},
    {"hub",
     0,
     OPTION_MANY,
     VALUE_TEXT,
     offsetof(struct node_options, hubs),
     {0},
     N_("NAME"),
     N_("A hub to use, and after a space where to reach it if not where the charter says. May be repeated, "
        "in order of "
        "preference.")},
    {"socket",
     0,
     OPTION_ONE,
     VALUE_PATH,
     offsetof(struct node_options, socket),
     {0},
     N_("PATH"),
     N_("Where local programs connect; node.sock in the folder unless stated.")},
    {"silent",
     0,
     OPTION_FLAG,
     VALUE_BOOL,
     offsetof(struct node_options, silent),
     {0},
     NULL,
     N_("What is addressed to the state as a whole does not go to this node: only what names its agency.")},
    BOX_OPTION_PASSPHRASE(struct node_options),
    BOX_OPTION_KDF(struct node_options),
};

const struct command command_init_node = {
    .noun = "init",
    .verb = "node",
    .section = SECTION_BEGIN,
    .summary = N_("Make the keys and the configuration of a node"),
    .operands = N_("COUNTRY/AGENCY/NODE NOTE..."),
    .min = 2,
    .max = OPERANDS_ANY,
    .about = N_("The notes are the signed charter, and others the node shall begin with. Makes the node's "
                "keys, a complete "
                "node.conf, and a card for whoever holds the root key of the state, who vouches for the node "
                "with toguna "
                "credential issue. The passphrase file, if one is named, goes into node.conf, so that the "
                "node starts without "
                "asking."),
    .examples =
        "toguna init node ML/dgse/n1 charter.note\n"
        "toguna init node ML/dgse/n1 charter.note --root ml/root.key --socket /run/toguna/node.sock\n",
    .options = options,
    .n_options = sizeof options / sizeof *options,
    .size = sizeof(struct node_options),
    .run = run,
};
