/* toguna credential list, show: what files say, and whether it holds. */
#include "client/cli/command.h"
#include "client/cli/init.h"
#include "client/cli/show.h"
#include "keys/codec.h"
#include "os/clock.h"

#include <stdio.h>

static const char *state_of(const struct folio *f, const struct node *n, tg_time now, enum tint *ret_tint)
{
  *ret_tint = TINT_BAD;
  if (n->revoked)
    return _("revoked");
  if (n->credential.not_after < now)
    return _("expired");
  *ret_tint = TINT_WARN;
  if (n->credential.not_before > now)
    return _("not yet");
  if (!standing_may_connect(directory_standing(f->directory, n->credential.holder.member, now)))
    return _("not a member");
  *ret_tint = TINT_GOOD;
  return _("good");
}

static void list_one(const struct call *call, const struct folio *f, const struct node *n, tg_time now,
                     struct grid *g)
{
  char holder[HOLDER_MAX + 1], from[SHOW_TIME], until[SHOW_TIME];
  const struct credential *c = &n->credential;
  enum tint tint;
  const char *state = state_of(f, n, now, &tint);
  holder_print(&c->holder, holder);
  if (!call->json) {
    grid_row(g, (const char *const[]){holder, role_name(c->role), state, show_time(c->not_before, from),
                                      show_time(c->not_after, until)});
    grid_tint(g, 2, tint);
    return;
  }
  show_json(json_pack("{s:s,s:s,s:I,s:o,s:o,s:o,s:b,s:b,s:o}", "holder", holder, "role", role_name(c->role),
                      "serial", (json_int_t)c->serial, "identity", json_base64(slice_of(c->identity.b, 32)),
                      "not_before", json_time(c->not_before), "not_after", json_time(c->not_after), "revoked",
                      n->revoked, "receives", c->receives, "hash", json_hex(slice_of(n->hash.b, 32))));
}

static enum tg_err run_list(struct call *call, struct tg_why *why)
{
  struct folio *f;
  tg_time now = clock_wall();
  enum tg_err err = folio_read(call->arg, call->n, false, now, &f, why);
  if (err != TG_OK)
    return err;
  struct grid *g =
      grid_new(5, (const char *const[]){_("holder"), _("role"), _("state"), _("from"), _("until")});
  const struct node *n;
  const struct officer *officer;
  for (size_t i = 0; (officer = directory_officer_at(f->directory, i)); i++) {
    struct node same = {officer->credential, officer->hash, officer->member, officer->revoked,
                        officer->revoked_at};
    list_one(call, f, &same, now, g);
  }
  for (size_t i = 0; (n = directory_node_at(f->directory, i)); i++)
    list_one(call, f, n, now, g);
  if (call->json)
    grid_free(g);
  else
    grid_print(g);
  for (size_t i = 0; err == TG_OK && i < f->n; i++)
    if (!f->sheet[i].taken) {
      err = f->sheet[i].why.err;
      *why = f->sheet[i].why;
    }
  folio_free(f);
  return err;
}

const struct command command_credential_list = {
    .noun = "credential",
    .verb = "list",
    .section = SECTION_PAPERS,
    .summary = N_("List the credentials in notes and folders, after checking them"),
    .operands = N_("NOTE|FOLDER..."),
    .min = 1,
    .max = OPERANDS_ANY,
    .about = N_("The charter must be among them. What does not verify is told at the end, and is the exit "
                "code. What a running "
                "node knows: toguna directory."),
    .examples = "toguna credential list charter.note ml/documents\n",
    .run = run_list,
};

static enum tg_err show_credential(const struct call *call, const char *path, struct tg_why *why)
{
  struct credential c;
  struct hash hash;
  char holder[HOLDER_MAX + 1], key[KEY_TEXT], id[HASH_TEXT], from[SHOW_TIME], until[SHOW_TIME], serial[24];
  enum tg_err err = init_credential_read(path, &c, &hash, why);
  if (err != TG_OK)
    return err;
  holder_print(&c.holder, holder);
  key_print(c.identity.b, key);
  hash_print(&hash, id);
  snprintf(serial, sizeof serial, "%llu", (unsigned long long)c.serial);
  if (call->json) {
    show_json(json_pack("{s:s,s:s,s:s,s:I,s:s,s:o,s:o,s:s}", "exchange", c.exchange, "holder", holder, "role",
                        role_name(c.role), "serial", (json_int_t)c.serial, "identity", key, "not_before",
                        json_time(c.not_before), "not_after", json_time(c.not_after), "hash", id));
    return TG_OK;
  }
  struct grid *g = grid_new(2, NULL);
  grid_row(g, (const char *const[]){_("exchange"), c.exchange});
  grid_row(g, (const char *const[]){_("holder"), holder});
  grid_row(g, (const char *const[]){_("role"), role_name(c.role)});
  grid_row(g, (const char *const[]){_("serial"), serial});
  grid_row(g, (const char *const[]){_("identity"), key});
  grid_row(g, (const char *const[]){_("from"), show_time(c.not_before, from)});
  grid_row(g, (const char *const[]){_("until"), show_time(c.not_after, until)});
  grid_row(g, (const char *const[]){_("hash"), id});
  grid_print(g);
  return TG_OK;
}

static enum tg_err run_show(struct call *call, struct tg_why *why)
{
  enum tg_err err = TG_OK;
  for (size_t i = 0; err == TG_OK && i < call->n; i++)
    err = show_credential(call, call->arg[i], why);
  return err;
}

const struct command command_credential_show = {
    .noun = "credential",
    .verb = "show",
    .section = SECTION_PAPERS,
    .summary = N_("Show what a credential says, without checking who signed it"),
    .operands = N_("CREDENTIAL..."),
    .min = 1,
    .max = OPERANDS_ANY,
    .examples = "toguna credential show ML-dgse-n1.note\n",
    .run = run_show,
};
