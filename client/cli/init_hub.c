/* toguna init hub: in two steps, since the charter names the hub's keys and the hub's configuration names the
 * charter. */
#include "client/cli/command.h"
#include "client/cli/init.h"
#include "client/cli/show.h"
#include "keys/codec.h"
#include "os/clock.h"
#include "proto/endpoint.h"

#include <stdio.h>
#include <string.h>

/* --- keys and card --- */

static enum tg_err write_card(const char *folder, const struct hub_plan *plan,
                              const struct secret_key *transport, const struct secret_key *log,
                              struct tg_why *why)
{
  char key[KEY_TEXT], vkey[NOTE_VKEY_MAX];
  struct note_key log_key;
  struct buf line = buf_new(NOTE_BYTES_MAX);
  struct card card = {.kind = CARD_HUB};
  key_print(secret_key_public(transport), key);
  secret_key_note_key(log, &log_key);
  note_key_print(&log_key, vkey);
  buf_printf(&line, "hub %s host %s transport %s log %s endpoint", plan->name, plan->host.code, key, vkey);
  for (size_t i = 0; i < plan->n_endpoints; i++)
    buf_printf(&line, " %s", plan->endpoints[i]);
  buf_put_str(&line, "\n");
  snprintf(card.exchange, sizeof card.exchange, "%s", plan->exchange);
  snprintf(card.name, sizeof card.name, "%s", plan->name);
  card.line = slice_dup(buf_slice(&line));
  buf_free(&line);
  enum tg_err err = card.line ? init_card_write(folder, &card, why)
                              : why_set(why, TG_NO_MEMORY, NULL, N_("out of memory"), NULL, NULL, NULL, NULL);
  card_free(&card);
  return err;
}

static enum tg_err check_plan(const struct hub_plan *plan, struct tg_why *why)
{
  if (!exchange_name_valid(slice_str(plan->exchange)))
    return why_set(why, TG_BAD_INPUT, plan->exchange, N_("this cannot be the name of an exchange"),
                   N_("Use small letters, digits, '-' and '.', such as sahel.example"), NULL, NULL, NULL);
  if (!label_valid(slice_str(plan->name)))
    return why_set(why, TG_BAD_INPUT, plan->name, N_("this cannot be the name of a hub"),
                   N_("use small letters, digits and '-'"), NULL, NULL, NULL);
  for (size_t i = 0; i < plan->n_endpoints; i++)
    if (!charter_endpoint_valid(slice_str(plan->endpoints[i])))
      return why_set(why, TG_BAD_INPUT, plan->endpoints[i], N_("this is not the address of a hub"),
                     N_("write it as tcp://host:port or resume://host:port"), NULL, NULL, NULL);
  return TG_OK;
}

enum tg_err init_hub(const struct making *m, const char *folder, const struct hub_plan *plan,
                     struct tg_why *why)
{
  char path[BOX_PATH], name[NOTE_NAME_MAX + 1];
  struct secret_key *transport = NULL, *log = NULL;
  enum tg_err err = check_plan(plan, why);
  snprintf(name, sizeof name, "%s/%s", plan->exchange, plan->name);
  if (err == TG_OK)
    err = box_path(path, folder, "transport.key", why);
  if (err == TG_OK)
    err = box_key_make(path, KEY_TRANSPORT, name, m->passphrase, m->kdf, &transport, why);
  if (err == TG_OK)
    err = box_path(path, folder, "log.key", why);
  if (err == TG_OK)
    err = box_key_make(path, KEY_HUB_LOG, name, m->passphrase, m->kdf, &log, why);
  if (err == TG_OK)
    err = write_card(folder, plan, transport, log, why);
  secret_key_free(transport);
  secret_key_free(log);
  return err;
}

/* --- configuration --- */

static enum tg_err find_hub(const char *folder, const struct folio *folio, const struct charter_hub **ret,
                            struct tg_why *why)
{
  char path[BOX_PATH];
  struct keyfile_head transport, log;
  const struct charter *c = directory_newest_charter(folio->directory);
  enum tg_err err = box_path(path, folder, "log.key", why);
  if (err == TG_OK)
    err = box_key_peek(path, KEY_HUB_LOG, &log, why);
  if (err == TG_OK)
    err = box_path(path, folder, "transport.key", why);
  if (err == TG_OK)
    err = box_key_peek(path, KEY_TRANSPORT, &transport, why);
  for (size_t i = 0; err == TG_OK && i < c->n_hubs; i++)
    if (!memcmp(c->hub[i].transport.b, transport.public_key, 32) &&
        !memcmp(c->hub[i].log.pk.b, log.public_key, 32)) {
      *ret = &c->hub[i];
      return TG_OK;
    }
  return err ? err
             : why_set(why, TG_NOT_FOUND, path, N_("no hub of the charter has the keys of this folder"),
                       N_("Give this hub's card to who drafts the charter, and use the charter made with it"),
                       NULL, NULL, NULL);
}

/* Where to listen for an endpoint: an address that only this machine reaches stays one, so that nothing else can
   knock there; any other is reached through some interface of the machine. */
static const char *listen_host(const struct endpoint *e)
{
  if (!strcmp(e->host, "localhost") || !strcmp(e->host, "127.0.0.1"))
    return "127.0.0.1";
  return strcmp(e->host, "::1") ? "0.0.0.0" : "[::1]";
}

/* The first endpoint of this kind; false: there is none. */
static bool first_of_kind(const struct charter_hub *hub, enum endpoint_kind kind, struct endpoint *ret)
{
  for (size_t i = 0; i < hub->n_endpoints; i++)
    if (endpoint_read(slice_str(hub->endpoint[i]), ret) == TG_OK && ret->kind == kind)
      return true;
  return false;
}

static void print_listen(struct buf *out, const struct charter_hub *hub, char *const *listen, size_t n)
{
  char address[ENDPOINT_MAX + 16];
  struct endpoint e;
  for (size_t i = 0; i < n; i++)
    init_conf_value(out, "listen", listen[i]);
  if (n)
    return;
  if (!first_of_kind(hub, ENDPOINT_TCP, &e)) /* what is resumed is carried there */
    e = (struct endpoint){.host = "127.0.0.1", .port = 7700};
  snprintf(address, sizeof address, "tcp://%s:%u", listen_host(&e), e.port);
  init_conf_value(out, "listen", address);
  if (!first_of_kind(hub, ENDPOINT_RESUME, &e))
    return;
  snprintf(address, sizeof address, "resume://%s:%u", listen_host(&e), e.port);
  init_conf_value(out, "listen", address);
}

static void print_conf(struct buf *out, const struct folio *folio, const struct charter_hub *hub,
                       char *const *listen, size_t n_listen, const char *passphrase_file)
{
  char id[HASH_TEXT];
  init_exchange_id(folio, id);
  buf_printf(out, "# %s\n",
             _("Written by toguna init hub; man hub.conf explains each line, and those that may be added."));
  buf_printf(
      out, "\n# %s\n",
      _("The exchange: the hash of the text of charter version 1. This hub takes in no other charter."));
  init_conf_value(out, "exchange", id);
  buf_printf(out, "\n# %s\n", _("The name of this hub in the charter."));
  init_conf_value(out, "name", hub->name);
  buf_printf(out, "\n# %s\n",
             _("What the hub keeps, and signed notes for it to take in at start. Paths begin at this file's "
               "folder."));
  buf_put_str(out, "folder data\ndocuments documents\n");
  buf_printf(out, "\n# %s\n",
             _("Its keys, and the file with their passphrase; without such a line it asks on its terminal."));
  buf_put_str(out, "transport-key transport.key\nlog-key log.key\n");
  if (passphrase_file)
    init_conf_value(out, "passphrase-file", passphrase_file);
  else
    buf_put_str(out, "#passphrase-file passphrase\n");
  buf_printf(out, "\n# %s\n", _("Where it listens."));
  print_listen(out, hub, listen, n_listen);
}

enum tg_err init_hub_configure(const char *folder, const struct folio *folio, char *const *listen,
                               size_t n_listen, const char *passphrase_file, struct tg_why *why)
{
  char path[BOX_PATH], secret[BOX_PATH];
  const struct charter_hub *hub = NULL;
  struct buf conf = buf_new(64 * 1024);
  enum tg_err err = find_hub(folder, folio, &hub, why);
  if (err == TG_OK) {
    print_conf(&conf, folio, hub, listen, n_listen,
               passphrase_file ? init_absolute(passphrase_file, secret) : NULL);
    err = box_path(path, folder, "hub.conf", why);
  }
  if (err == TG_OK)
    err = init_documents(folder, folio, why);
  if (err == TG_OK)
    err = box_write(path, buf_slice(&conf), false, why);
  buf_free(&conf);
  return err;
}

/* --- the command --- */

struct hub_options {
  struct common common;
  char *exchange, *folder, *host, *passphrase_file;
  struct options_list endpoints, listen;
  unsigned kdf;
};

static enum tg_err need(const char *value, const char *option, const char *todo, struct tg_why *why)
{
  return value ? TG_OK
               : why_set(why, TG_USAGE, option, N_("this option is needed to make a hub"), todo, NULL, NULL,
                         NULL);
}

static void tell_made(const struct call *call, const char *folder, const struct hub_plan *plan)
{
  char card_path[BOX_PATH], fingerprint[CARD_FINGERPRINT] = "";
  struct card card;
  snprintf(card_path, sizeof card_path, "%s/%s.card", folder, plan->name);
  if (card_read(card_path, &card, NULL) == TG_OK) {
    card_fingerprint(&card, fingerprint);
    card_free(&card);
  }
  if (call->json) {
    show_json(json_pack("{s:s,s:s,s:s,s:s}", "hub", plan->name, "folder", folder, "card", card_path,
                        "fingerprint", fingerprint));
    return;
  }
  printf(_("The hub %s has its keys in %s\n"), plan->name, folder);
  printf(_("Send %s to whoever drafts the charter; its fingerprint is %s\n"), card_path, fingerprint);
  printf(_("With the signed charter, run: toguna init hub %s CHARTER.note --folder %s\n"), plan->name,
         folder);
}

static enum tg_err make(struct call *call, const struct hub_options *o, const char *folder,
                        struct tg_why *why)
{
  struct secret *passphrase = NULL;
  struct new_folder *f = NULL;
  char answers[3][256];
  const char *host = NULL, *endpoint = o->endpoints.n ? "" : NULL;
  struct hub_plan plan = {.name = call->arg[0], .endpoints = o->endpoints.v, .n_endpoints = o->endpoints.n};
  plan.exchange = init_ask(o->exchange, _("Name of the exchange, the same for all members: "), answers[0]);
  enum tg_err err =
      need(plan.exchange, "--exchange", N_("All members use the same name, such as sahel.example"), why);
  if (err == TG_OK) {
    host = init_ask(o->host, _("Country the hub stands in (two letters): "), answers[1]);
    err = need(host, "--host",
               N_("State the country it stands in, such as SN: policies may refuse a way through it"), why);
  }
  if (err == TG_OK) {
    endpoint = init_ask(endpoint, _("Where nodes reach it, such as tcp://hub.example:7700: "), answers[2]);
    err = need(endpoint, "--endpoint", N_("State where nodes reach it, such as tcp://hub.example:7700"), why);
  }
  char *asked[] = {answers[2]};
  if (!plan.n_endpoints) {
    plan.endpoints = asked;
    plan.n_endpoints = 1;
  }
  if (err == TG_OK)
    err = init_country(host, &plan.host, why);
  if (err == TG_OK)
    err = new_folder_check(folder, why);
  if (err == TG_OK)
    err = box_passphrase_new(o->passphrase_file, call->arg[0], &passphrase, why);
  if (err == TG_OK)
    err = new_folder_begin(folder, &f, why);
  if (err == TG_OK) {
    struct making m = {.passphrase = passphrase, .kdf = o->kdf, .now = clock_wall()};
    err = new_folder_end(&f, init_hub(&m, new_folder_path(f), &plan, why), why);
  }
  if (err == TG_OK)
    tell_made(call, folder, &plan);
  secret_free(&passphrase);
  return err;
}

static enum tg_err configure(struct call *call, const struct hub_options *o, const char *folder,
                             struct tg_why *why)
{
  struct folio *folio = NULL;
  char conf[BOX_PATH], id[HASH_TEXT];
  enum tg_err err = folio_read(call->arg + 1, call->n - 1, true, clock_wall(), &folio, why);
  if (err == TG_OK)
    err = init_hub_configure(folder, folio, o->listen.v, o->listen.n, o->passphrase_file, why);
  if (err == TG_OK)
    err = box_path(conf, folder, "hub.conf", why);
  if (err == TG_OK) {
    init_exchange_id(folio, id);
    if (call->json)
      show_json(json_pack("{s:s,s:s,s:s,s:s}", "hub", call->arg[0], "folder", folder, "exchange", id,
                          "config", conf));
    else {
      printf(_("The hub %s is ready for the exchange %s\n"), call->arg[0], id);
      printf(_("Put the credentials of nodes into %s/documents, then start it: togunad --config %s\n"),
             folder, conf);
    }
  }
  folio_free(folio);
  return err;
}

static enum tg_err run(struct call *call, struct tg_why *why)
{
  const struct hub_options *o = call->options;
  const char *folder = o->folder ? o->folder : call->arg[0];
  return call->n == 1 ? make(call, o, folder, why) : configure(call, o, folder, why);
}

static const struct option_key options[] = {
    {"exchange",
     0,
     OPTION_ONE,
     VALUE_TEXT,
     offsetof(struct hub_options, exchange),
     {0},
     N_("NAME"),
     N_("The name of the exchange, the same for all its members, such as sahel.example.")},
    {"host",
     0,
     OPTION_ONE,
     VALUE_TEXT,
     offsetof(struct hub_options, host),
     {0},
     N_("COUNTRY"),
     N_("The country the hub stands in.")},
    {"endpoint",
     0,
     OPTION_MANY,
     VALUE_TEXT,
     offsetof(struct hub_options, endpoints),
     {0},
     N_("ADDRESS"),
     N_("Where nodes reach it, such as tcp://hub.example:7700. May be repeated; resume://hub.example:7701 beside it is for nodes on bad lines.")},
    {"listen",
     0,
     OPTION_MANY,
     VALUE_TEXT,
     offsetof(struct hub_options, listen),
     {0},
     N_("ADDRESS"),
     N_("Where it listens; unless stated, on all addresses of the machine, at the port that nodes are "
        "told; an endpoint on the loopback interface listens there only.")},
    {"folder",
     'f',
     OPTION_ONE,
     VALUE_PATH,
     offsetof(struct hub_options, folder),
     {0},
     N_("FOLDER"),
     N_("The hub's folder; one of its name unless stated.")},
    BOX_OPTION_PASSPHRASE(struct hub_options),
    BOX_OPTION_KDF(struct hub_options),
};

const struct command command_init_hub = {
    .noun = "init",
    .verb = "hub",
    .section = SECTION_BEGIN,
    .summary = N_("Make a hub: first its keys, then, with the signed charter, its configuration"),
    .operands = N_("NAME [NOTE...]"),
    .min = 1,
    .max = OPERANDS_ANY,
    .about = N_("With a name alone: makes the hub's keys and a card for whoever drafts the charter. With the "
                "signed charter too: "
                "writes hub.conf and puts the charter and any further notes where the hub takes them in. The "
                "passphrase file, "
                "if one is named then, goes into hub.conf, so that the hub starts without asking."),
    .examples = "toguna init hub dakar --exchange sahel.example --host SN --endpoint tcp://hub.example:7700\n"
                "toguna init hub dakar charter.note --passphrase-file /etc/toguna/passphrase\n",
    .options = options,
    .n_options = sizeof options / sizeof *options,
    .size = sizeof(struct hub_options),
    .run = run,
};
