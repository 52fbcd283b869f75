/* toguna init exchange: a whole exchange on one machine, for trying out: what its members would do one after
 * the other. */
#include "client/cli/charter.h"
#include "client/cli/command.h"
#include "client/cli/init.h"
#include "client/cli/show.h"
#include "os/clock.h"
#include "os/file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct exchange_options {
  struct common common;
  char *folder, *hub, *host, *passphrase_file, *policies;
  struct options_list endpoints;
  struct charter_terms terms;
  bool open;
  unsigned kdf;
};

enum { EXCHANGE_NODES_MAX = 1024 };

/* What is being made, and with what. */
struct founding {
  const struct exchange_options *o;
  struct making making;
  const char *name, *place; /* of the exchange; its folder in the making */
  size_t n_members, n_nodes;
  struct country member[MEMBERS_MAX];
  struct holder node[EXCHANGE_NODES_MAX];
  const char *hub;
};

/* place/A/B */
static enum tg_err path_in(const struct founding *f, char out[BOX_PATH], const char *a, const char *b,
                           struct tg_why *why)
{
  char tail[256];
  snprintf(tail, sizeof tail, "%.120s%s%.120s", a, b ? "/" : "", b ? b : "");
  return box_path(out, f->place, tail, why);
}

static enum tg_err make_folder(const struct founding *f, char out[BOX_PATH], const char *a, const char *b,
                               struct tg_why *why)
{
  enum tg_err err = path_in(f, out, a, b, why);
  return err ? err : file_mkdir(out, 0700, why);
}

/* --- who takes part --- */

static bool knows(const struct founding *f, struct country code)
{
  for (size_t i = 0; i < f->n_members; i++)
    if (country_eq(f->member[i], code))
      return true;
  return false;
}

/* "ML": a member; "ML/dgse/n1": a member with a node. */
static enum tg_err read_operand(struct founding *f, const char *text, struct tg_why *why)
{
  struct holder h = {0};
  enum tg_err err = strchr(text, '/') ? init_holder(text, &h, why) : init_country(text, &h.member, why);
  if (err != TG_OK)
    return err;
  if (f->n_members == MEMBERS_MAX || f->n_nodes == EXCHANGE_NODES_MAX)
    return why_set(why, TG_TOO_BIG, text, N_("these are too many members or nodes"), NULL, NULL, NULL, NULL);
  if (!knows(f, h.member))
    f->member[f->n_members++] = h.member;
  if (h.agency[0])
    f->node[f->n_nodes++] = h;
  return TG_OK;
}

/* --- policies --- */

static const char open_rules[] =
    "\n# Everything between all, up to RESTRICTED: to try an exchange out, not to live with.\n"
    "export allow ** to * up-to RESTRICTED\n"
    "import allow ** from * up-to RESTRICTED\n";

static enum tg_err policy_text(const struct founding *f, struct country code, struct buf *out, bool *ret_has,
                               struct tg_why *why)
{
  char path[BOX_PATH], file[16], time[25];
  if (f->o->policies) {
    snprintf(file, sizeof file, "%s.policy", code.code);
    enum tg_err err = box_path(path, f->o->policies, file, why);
    if (err == TG_OK)
      err = box_read(path, out, why);
    *ret_has = err == TG_OK;
    return err == TG_NOT_FOUND ? TG_OK : err;
  }
  time_print(f->making.now - f->making.now % TG_SECOND, time);
  buf_printf(out, "toguna/policy v1\nmember %s\nserial 1\neffective %s\n%s", code.code, time, open_rules);
  *ret_has = f->o->open;
  return TG_OK;
}

/* CC/CC.policy, and signed by policy-1 as documents/CC-policy.note. */
static enum tg_err make_policy(const struct founding *f, const char *folder, struct country code,
                               struct tg_why *why)
{
  char path[BOX_PATH], file[64];
  struct buf text = buf_new(NOTE_BYTES_MAX), note = buf_new(NOTE_BYTES_MAX);
  struct secret_key *key = NULL;
  bool has;
  enum tg_err err = policy_text(f, code, &text, &has, why);
  if (err == TG_OK && has) {
    snprintf(file, sizeof file, "%s.policy", code.code);
    err = box_path(path, folder, file, why);
    if (err == TG_OK)
      err = box_write(path, buf_slice(&text), false, why);
    if (err == TG_OK)
      err = box_path(path, folder, "officers/policy-1.key", why);
    if (err == TG_OK)
      err = box_key_open_with(path, KEY_OFFICER, f->making.passphrase, &key, why);
    if (err == TG_OK)
      err = box_sign(buf_slice(&text), file, key, &note, why);
    snprintf(file, sizeof file, "documents/%s-policy.note", code.code);
    if (err == TG_OK)
      err = box_path(path, folder, file, why);
    if (err == TG_OK)
      err = box_write(path, buf_slice(&note), false, why);
  }
  secret_key_free(key);
  buf_free(&text);
  buf_free(&note);
  return err;
}

/* --- step by step --- */

static enum tg_err make_members(const struct founding *f, struct tg_why *why)
{
  char folder[BOX_PATH];
  enum tg_err err = TG_OK;
  for (size_t i = 0; err == TG_OK && i < f->n_members; i++) {
    err = make_folder(f, folder, "members", f->member[i].code, why);
    if (err == TG_OK)
      err = init_member(&f->making, folder, f->name, f->member[i], INIT_OFFICERS, INIT_N_OFFICERS, why);
    if (err == TG_OK)
      err = make_policy(f, folder, f->member[i], why);
  }
  return err;
}

static char here[] = "tcp://127.0.0.1:7700";

static enum tg_err make_hub(const struct founding *f, struct tg_why *why)
{
  char folder[BOX_PATH];
  static char *only_here[] = {here};
  struct hub_plan plan = {f->name, f->hub, f->member[0], f->o->endpoints.n ? f->o->endpoints.v : only_here,
                          f->o->endpoints.n ? f->o->endpoints.n : 1};
  enum tg_err err = f->o->host ? init_country(f->o->host, &plan.host, why) : TG_OK;
  if (err == TG_OK)
    err = make_folder(f, folder, "hub", NULL, why);
  return err ? err : init_hub(&f->making, folder, &plan, why);
}

static enum tg_err draft_charter(const struct founding *f, struct buf *out, struct tg_why *why)
{
  char *cards[MEMBERS_MAX + 1] = {NULL}, path[BOX_PATH], file[80];
  enum tg_err err = TG_OK;
  for (size_t i = 0; err == TG_OK && i <= f->n_members; i++) {
    if (i < f->n_members)
      snprintf(file, sizeof file, "members/%s/%s.card", f->member[i].code, f->member[i].code);
    else
      snprintf(file, sizeof file, "hub/%s.card", f->hub);
    err = path_in(f, path, file, NULL, why);
    if (err == TG_OK && !(cards[i] = strdup(path)))
      err = why_set(why, TG_NO_MEMORY, NULL, N_("out of memory"), NULL, NULL, NULL, NULL);
  }
  if (err == TG_OK)
    err = charter_draft(cards, f->n_members + 1, &f->o->terms, out, why);
  for (size_t i = 0; i <= f->n_members; i++)
    free(cards[i]);
  return err;
}

static enum tg_err sign_charter(const struct founding *f, struct country code, struct buf *note,
                                struct tg_why *why)
{
  char path[BOX_PATH], file[80];
  struct secret_key *root = NULL;
  struct buf more = buf_new(NOTE_BYTES_MAX);
  snprintf(file, sizeof file, "members/%s/root.key", code.code);
  enum tg_err err = path_in(f, path, file, NULL, why);
  if (err == TG_OK)
    err = box_key_open_with(path, KEY_MEMBER_ROOT, f->making.passphrase, &root, why);
  if (err == TG_OK)
    err = box_sign(buf_slice(note), "charter.note", root, &more, why);
  if (err == TG_OK) {
    buf_clear(note);
    buf_put_slice(note, buf_slice(&more));
  }
  secret_key_free(root);
  buf_free(&more);
  return err;
}

static enum tg_err make_charter(const struct founding *f, struct tg_why *why)
{
  char path[BOX_PATH];
  struct buf note = buf_new(NOTE_BYTES_MAX);
  enum tg_err err = draft_charter(f, &note, why);
  for (size_t i = 0; err == TG_OK && i < f->n_members; i++)
    err = sign_charter(f, f->member[i], &note, why);
  if (err == TG_OK)
    err = path_in(f, path, "charter.note", NULL, why);
  if (err == TG_OK)
    err = box_write(path, buf_slice(&note), false, why);
  buf_free(&note);
  return err;
}

static enum tg_err make_node(const struct founding *f, const struct folio *folio, const struct holder *holder,
                             struct tg_why *why)
{
  char folder[BOX_PATH], root_path[BOX_PATH], name[HOLDER_MAX + 1], file[128];
  struct secret_key *root = NULL;
  struct node_plan plan = {.holder = *holder, .passphrase_file = f->o->passphrase_file};
  holder_print(holder, name);
  card_file(file, name, "");
  enum tg_err err = make_folder(f, folder, "nodes", file, why);
  snprintf(file, sizeof file, "members/%s/root.key", holder->member.code);
  if (err == TG_OK)
    err = path_in(f, root_path, file, NULL, why);
  if (err == TG_OK)
    err = box_key_open_with(root_path, KEY_MEMBER_ROOT, f->making.passphrase, &root, why);
  plan.root = root;
  if (err == TG_OK)
    err = init_node(&f->making, folder, folio, &plan, why);
  secret_key_free(root);
  return err;
}

static enum tg_err make_nodes(const struct founding *f, struct tg_why *why)
{
  char path[BOX_PATH], *charter = path;
  struct folio *folio = NULL;
  enum tg_err err = path_in(f, path, "charter.note", NULL, why);
  if (err == TG_OK)
    err = folio_read(&charter, 1, true, clock_wall(), &folio, why);
  for (size_t i = 0; err == TG_OK && i < f->n_nodes; i++)
    err = make_node(f, folio, &f->node[i], why);
  folio_free(folio);
  return err;
}

/* The hub begins with everything: all may connect at once. */
static enum tg_err configure_hub(const struct founding *f, struct tg_why *why)
{
  enum { MOST = 1 + MEMBERS_MAX + EXCHANGE_NODES_MAX };
  char *paths[MOST] = {NULL}, path[BOX_PATH], hub[BOX_PATH], file[128], name[HOLDER_MAX + 1],
       *listen[] = {here};
  struct folio *folio = NULL;
  size_t n = 1 + f->n_members + f->n_nodes;
  enum tg_err err = path_in(f, hub, "hub", NULL, why);
  for (size_t i = 0; err == TG_OK && i < n; i++) {
    snprintf(file, sizeof file, "charter.note");
    if (i > f->n_members) {
      holder_print(&f->node[i - f->n_members - 1], name);
      card_file(file, name, "");
    }
    if (i == 0)
      err = path_in(f, path, file, NULL, why);
    else if (i <= f->n_members)
      snprintf(path, sizeof path, "%.3000s/members/%s/documents", f->place, f->member[i - 1].code);
    else
      snprintf(path, sizeof path, "%.3000s/nodes/%s/documents", f->place, file);
    if (err == TG_OK && !(paths[i] = strdup(path)))
      err = why_set(why, TG_NO_MEMORY, NULL, N_("out of memory"), NULL, NULL, NULL, NULL);
  }
  if (err == TG_OK)
    err = folio_read(paths, n, true, clock_wall(), &folio, why);
  if (err == TG_OK)
    err = init_hub_configure(hub, folio, listen, f->o->endpoints.n ? 0 : 1, f->o->passphrase_file, why);
  folio_free(folio);
  for (size_t i = 0; i < n; i++)
    free(paths[i]);
  return err;
}

static enum tg_err found(const struct founding *f, struct tg_why *why)
{
  static enum tg_err (*const steps[])(const struct founding *, struct tg_why *) = {
      make_members, make_hub, make_charter, make_nodes, configure_hub};
  enum tg_err err = TG_OK;
  for (size_t i = 0; err == TG_OK && i < sizeof steps / sizeof *steps; i++)
    err = steps[i](f, why);
  return err;
}

/* --- the command --- */

static void tell(const struct call *call, const struct founding *f, const char *folder)
{
  char name[HOLDER_MAX + 1], file[128];
  json_t *nodes = json_array();
  if (!call->json)
    printf(_("The exchange %s stands in %s. Start its hub, then its nodes:\n  togunad --config "
             "%s/hub/hub.conf\n"),
           f->name, folder, folder);
  for (size_t i = 0; i < f->n_nodes; i++) {
    holder_print(&f->node[i], name);
    card_file(file, name, "");
    if (call->json)
      json_array_append_new(nodes, json_pack("{s:s,s:s++}", "node", name, "folder", folder, "/nodes/", file));
    else
      printf("  toguna-node --config %s/nodes/%s/node.conf\n", folder, file);
  }
  if (call->json)
    show_json(json_pack("{s:s,s:s,s:s+,s:s+,s:O}", "exchange", f->name, "folder", folder, "charter", folder,
                        "/charter.note", "hub", folder, "/hub", "nodes", nodes));
  json_decref(nodes);
}

static enum tg_err run(struct call *call, struct tg_why *why)
{
  const struct exchange_options *o = call->options;
  const char *folder = o->folder ? o->folder : call->arg[0];
  struct secret *passphrase = NULL;
  struct new_folder *place = NULL;
  struct founding *f = calloc(1, sizeof *f);
  if (!f)
    return why_set(why, TG_NO_MEMORY, NULL, N_("out of memory"), NULL, NULL, NULL, NULL);
  *f = (struct founding){.o = o, .name = call->arg[0], .hub = o->hub ? o->hub : "hub"};
  enum tg_err err = new_folder_check(folder, why);
  for (size_t i = 1; err == TG_OK && i < call->n; i++)
    err = read_operand(f, call->arg[i], why);
  if (err == TG_OK)
    err = box_passphrase_new(o->passphrase_file, call->arg[0], &passphrase, why);
  if (err == TG_OK)
    err = new_folder_begin(folder, &place, why);
  if (err == TG_OK) {
    f->place = new_folder_path(place);
    f->making = (struct making){.passphrase = passphrase, .kdf = o->kdf, .now = clock_wall()};
    f->making.until = f->making.now + INIT_YEAR * TG_DAY;
    err = new_folder_end(&place, found(f, why), why);
  }
  if (err == TG_OK)
    tell(call, f, folder);
  secret_free(&passphrase);
  free(f);
  return err;
}

static const struct option_key options[] = {
    {"folder",
     'f',
     OPTION_ONE,
     VALUE_PATH,
     offsetof(struct exchange_options, folder),
     {0},
     N_("FOLDER"),
     N_("Where to put it all; a folder of the exchange's name unless stated.")},
    {"hub",
     0,
     OPTION_ONE,
     VALUE_TEXT,
     offsetof(struct exchange_options, hub),
     {0},
     N_("NAME"),
     N_("The name of the hub; hub unless stated.")},
    {"host",
     0,
     OPTION_ONE,
     VALUE_TEXT,
     offsetof(struct exchange_options, host),
     {0},
     N_("COUNTRY"),
     N_("The country the hub stands in; the first one named unless stated.")},
    {"endpoint",
     0,
     OPTION_MANY,
     VALUE_TEXT,
     offsetof(struct exchange_options, endpoints),
     {0},
     N_("ADDRESS"),
     N_("Where nodes reach the hub; tcp://127.0.0.1:7700 unless stated, so that only this machine can.")},
    {"bloc",
     0,
     OPTION_MANY,
     VALUE_TEXT,
     offsetof(struct exchange_options, terms.blocs),
     {0},
     N_("NAME=CC,CC"),
     N_("A bloc and its members, such as AES=BF,ML,NE. May be repeated.")},
    {"quorum",
     0,
     OPTION_ONE,
     VALUE_TEXT,
     offsetof(struct exchange_options, terms.quorum),
     {0},
     N_("TEXT"),
     N_("Who can change the charter and revoke, such as '2 of AES and 4 of ECOWAS'. Unless stated: all of "
        "members.")},
    {"witness-quorum",
     0,
     OPTION_ONE,
     VALUE_TEXT,
     offsetof(struct exchange_options, terms.witness_quorum),
     {0},
     N_("TEXT"),
     N_("Whose nodes must cosign the hub's log, such as '1 of AES and 1 of ECOWAS'. Unless stated: nobody.")},
    {"limit",
     0,
     OPTION_MANY,
     VALUE_TEXT,
     offsetof(struct exchange_options, terms.limits),
     {0},
     N_("NAME=VALUE"),
     N_("A limit, such as lifetime=14d; keys/GRAMMAR.md has all. May be repeated.")},
    {"policies",
     0,
     OPTION_ONE,
     VALUE_PATH,
     offsetof(struct exchange_options, policies),
     {0},
     N_("FOLDER"),
     N_("Sign the policies found there as CC.policy; a state without one tells and accepts nothing.")},
    {"open",
     0,
     OPTION_FLAG,
     VALUE_BOOL,
     offsetof(struct exchange_options, open),
     {0},
     NULL,
     N_("Sign a policy for each that lets everything pass up to RESTRICTED: to try the exchange out.")},
    BOX_OPTION_PASSPHRASE(struct exchange_options),
    BOX_OPTION_KDF(struct exchange_options),
};

const struct command command_init_exchange = {
    .noun = "init",
    .verb = "exchange",
    .section = SECTION_BEGIN,
    .summary = N_("Make a whole exchange on this machine, to try it out"),
    .operands = N_("NAME COUNTRY[/AGENCY/NODE]..."),
    .min = 2,
    .max = OPERANDS_ANY,
    .about = N_("Does what the members of an exchange would do one after the other: keys of members and hub, "
                "a charter signed by "
                "all, nodes with their credentials, and the hub ready to start. All keys have one passphrase "
                "and lie on one "
                "machine, so nobody should entrust a secret to it."),
    .examples = "toguna init exchange trial.example ML/dgse/n1 SN/cigs/n1 --open\n"
                "toguna init exchange sahel.example ML/dgse/n1 BF/anr/n1 NE MR --bloc AES=BF,ML,NE "
                "--policies policies\n",
    .options = options,
    .n_options = sizeof options / sizeof *options,
    .size = sizeof(struct exchange_options),
    .run = run,
};
