/* toguna approve: what waits for approvals; one of them in full; an officer's approval of it, or a denial. */
#include "client/cli/audience.h"
#include "client/cli/box.h"
#include "client/cli/content.h"
#include "client/cli/safe.h"
#include "client/cli/waiting.h"
#include "os/clock.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct approve_options {
  struct common common;
  char *socket, *key, *passphrase_file, *reason;
  bool deny, yes;
};

/* ---- the list ---- */

static enum tg_err list(struct call *call, struct toguna *node, struct arena *arena, struct tg_why *why)
{
  const struct waiting_draft *drafts;
  json_t *held;
  size_t n;
  enum tg_err err = waiting_ask(call, node, NULL, arena, &drafts, &n, &held, why);
  if (err != TG_OK)
    return err;
  if (call->json) {
    json_t *all = json_array();
    for (size_t i = 0; i < n; i++)
      json_array_append_new(all, waiting_json(&drafts[i]));
    show_json(all);
  } else if (n) {
    waiting_table(drafts, n);
  } else {
    puts(_("Nothing waits for approvals."));
  }
  json_decref(held);
  return TG_OK;
}

/* ---- one, in full ---- */

/* Its hash too: who has the file itself compares. */
static enum tg_err show_content(struct call *call, struct toguna *node, const struct waiting_draft *d, size_t portion,
                                struct arena *arena, struct tg_why *why)
{
  const struct waiting_portion *p = &d->portion[portion];
  struct safe safe = {0};
  char hex[65];
  printf(_("SHA-256 of its content, as it is sealed: %s\n"), sodium_bin2hex(hex, sizeof hex, p->digest, sizeof p->digest));
  if (p->info->size && !content_is_text(p->info->content_type)) {
    puts(_("This is not text; it is not shown here."));
    return TG_OK;
  }
  putchar('\n');
  enum tg_err err = waiting_open(call, node, d, portion, arena, safe_piece, &safe, why);
  safe_end(&safe);
  return err;
}

/* Before anything of it is shown: a head, and a size, that are those of the bytes to be signed. */
static enum tg_err open_all(struct call *call, struct toguna *node, const struct waiting_draft *d, struct arena *arena,
                            struct tg_why *why)
{
  enum tg_err err = TG_OK;
  for (size_t i = 0; err == TG_OK && i < d->portions; i++)
    err = waiting_open(call, node, d, i, arena, NULL, NULL, why);
  return err;
}

/* Exactly what will be sent, and to whom. */
static enum tg_err show(struct call *call, struct toguna *node, const struct waiting_draft *d,
                        const struct toguna_audience *audience, struct arena *arena, struct tg_why *why)
{
  enum tg_err err = TG_OK;
  size_t n = 0;
  bulletin_card(d->item, true);
  for (; err == TG_OK && d->item->portions[n]; n++) {
    bulletin_portion(d->item, d->item->portions[n]);
    err = show_content(call, node, d, n, arena, why);
  }
  if (err != TG_OK)
    return err;
  putchar('\n');
  if (audience)
    audience_print(audience, n);
  waiting_missing(d);
  return err;
}

static void show_as_json(const struct waiting_draft *d, const struct toguna_audience *audience)
{
  json_t *j = waiting_json(d);
  json_object_set_new(j, "audience", audience ? audience_json(audience) : json_null());
  show_json(j);
}

/* ---- the approval ---- */

static bool agreed(const struct approve_options *o)
{
  char answer[16] = "";
  if (o->yes || !isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO))
    return true;
  printf("%s ", _("Approve exactly this? [y/N]"));
  fflush(stdout);
  if (!fgets(answer, sizeof answer, stdin))
    return false;
  /* TRANSLATORS: the letters that mean yes. */
  return answer[0] && answer[0] != '\n' && strchr(_("yY"), answer[0]);
}

static enum tg_err sign(const struct approve_options *o, const struct waiting_draft *d, struct approval *ret, char name[256],
                        struct tg_why *why)
{
  struct secret_key *key;
  uint8_t message[APPROVAL_MESSAGE];
  enum tg_err err = box_key_open(o->key, KEY_OFFICER, o->passphrase_file, &key, why);
  if (err != TG_OK)
    return err;
  struct approval a = {.officer = secret_key_sign_pk(key), .time = clock_wall()};
  approval_message(&d->subject, a.time, message);
  err = secret_key_sign(key, slice_of(message, sizeof message), &a.signature);
  snprintf(name, 256, "%s", secret_key_name(key));
  secret_key_free(key);
  *ret = a;
  return err == TG_OK ? TG_OK : why_set(why, err, o->key, N_("the key did not sign"), NULL, NULL, NULL, NULL);
}

/* What became of it, as the node knows it now. */
static enum tg_err tell(struct call *call, struct toguna *node, const struct waiting_draft *d, const char *officer,
                        struct arena *arena, struct tg_why *why)
{
  const struct waiting_draft *now;
  json_t *json;
  char id[65];
  toguna_id_print(&d->item->id, id);
  enum tg_err err = waiting_find(call, node, id, arena, &now, &json, why);
  if (err != TG_OK)
    return err;
  if (call->json) {
    json_t *j = waiting_json(now);
    json_object_set_new(j, "officer", officer ? json_string(officer) : json_null());
    show_json(j);
  } else {
    waiting_missing(now);
  }
  json_decref(json);
  return TG_OK;
}

static enum tg_err approve(struct call *call, struct toguna *node, const struct waiting_draft *d, struct arena *arena,
                           struct tg_why *why)
{
  struct toguna_error error;
  struct approval a;
  char officer[256];
  enum tg_err err = sign(call->options, d, &a, officer, why);
  if (err == TG_OK &&
      toguna_approve(node, &d->item->id, a.officer.b, a.time, a.signature.b, NULL, &error) != TOGUNA_OK)
    err = call_said(call, &error);
  return err == TG_OK ? tell(call, node, d, officer, arena, why) : err;
}

static enum tg_err deny(struct call *call, struct toguna *node, const struct waiting_draft *d, struct arena *arena,
                        struct tg_why *why)
{
  const struct approve_options *o = call->options;
  struct toguna_error error;
  if (toguna_deny(node, &d->item->id, o->reason, &error) != TOGUNA_OK)
    return call_said(call, &error);
  return tell(call, node, d, NULL, arena, why);
}

static enum tg_err decide(struct call *call, struct toguna *node, const struct waiting_draft *d, struct arena *arena,
                          struct tg_why *why)
{
  const struct approve_options *o = call->options;
  struct toguna_audience *audience = NULL;
  struct toguna_error error;
  const bool open = !strcmp(d->state, "waiting") && !json_is_object(json_object_get(d->json, "held"));
  if (o->deny)
    return deny(call, node, d, arena, why);
  enum tg_err err = open_all(call, node, d, arena, why);
  if (err != TG_OK)
    return err;
  if (open && toguna_preview_waiting(node, &d->item->id, &audience, &error) != TOGUNA_OK)
    return call_said(call, &error);
  err = call->json ? TG_OK : show(call, node, d, audience, arena, why);
  if (err == TG_OK && call->json && !o->key)
    show_as_json(d, audience);
  toguna_audience_free(audience);
  if (err != TG_OK || !o->key)
    return err;
  if (!call->json && !agreed(o)) {
    puts(_("Nothing was approved."));
    return TG_OK;
  }
  return approve(call, node, d, arena, why);
}

static enum tg_err check(const struct call *call, struct tg_why *why)
{
  const struct approve_options *o = call->options;
  if ((o->key || o->deny) && !call->n)
    return why_set(why, TG_USAGE, NULL, N_("which bulletin is meant is not stated"),
                   N_("Name it by the beginning of its id, as toguna approve shows it"), NULL, NULL, NULL);
  if (o->key && o->deny)
    return why_set(why, TG_USAGE, NULL, N_("a bulletin is either approved or denied"), N_("Give --key FILE, or --deny"), NULL, NULL,
                   NULL);
  if (o->deny && (!o->reason || !*o->reason))
    return why_set(why, TG_USAGE, "--reason", N_("the reason is not stated"),
                   N_("Say in a sentence why it is not to be sent; its author will read it"), NULL, NULL, NULL);
  if (o->reason && !o->deny)
    return why_set(why, TG_USAGE, "--reason", N_("an approval states no reason"), N_("Give --deny with it, or leave it away"), NULL,
                   NULL, NULL);
  return TG_OK;
}

static enum tg_err run(struct call *call, struct tg_why *why)
{
  const struct approve_options *o = call->options;
  struct arena *arena = reach_arena();
  const struct waiting_draft *d;
  struct toguna *node = NULL;
  json_t *json = NULL;
  enum tg_err err = check(call, why);
  if (err == TG_OK)
    err = reach_open(call, o->socket, &node);
  if (err == TG_OK && !call->n)
    err = list(call, node, arena, why);
  else if (err == TG_OK)
    err = waiting_find(call, node, call->arg[0], arena, &d, &json, why);
  if (err == TG_OK && call->n)
    err = decide(call, node, d, arena, why);
  json_decref(json);
  toguna_close(node);
  arena_free(arena);
  return err;
}

#define ROW(option, letter, shape, kind, field, placeholder, help)                                           \
  {                                                                                                          \
    option, letter, shape, kind, offsetof(struct approve_options, field), {0}, placeholder, help             \
  }
static const struct option_key options[] = {
    ROW("key", 'k', OPTION_ONE, VALUE_PATH, key, N_("FILE"), N_("Approve it, with the key of an officer with the role release.")),
    BOX_OPTION_PASSPHRASE(struct approve_options),
    ROW("deny", 0, OPTION_FLAG, VALUE_BOOL, deny, NULL, N_("It shall not be sent: its content is erased.")),
    ROW("reason", 0, OPTION_ONE, VALUE_TEXT, reason, N_("TEXT"), N_("With --deny: why, in a sentence.")),
    ROW("yes", 0, OPTION_FLAG, VALUE_BOOL, yes, NULL, N_("Do not ask before signing (it asks on a terminal only).")),
    REACH_OPTION(struct approve_options),
};

const struct command command_approve = {
    .verb = "approve",
    .section = SECTION_BULLETINS,
    .summary = N_("Show what waits for approvals, and approve or deny it"),
    .operands = N_("[ID]"),
    .max = 1,
    .about = N_("Without an ID: what waits, and who may still approve it. With one: exactly what will be sent and to whom, and "
                "who is missing. With --key the officer signs that; with the last approval it is sent. An approval holds for "
                "this bulletin alone, to the last byte.\n"
                "How many approvals a bulletin takes is said by the policy: export require approvals."),
    .examples = "toguna approve\n"
                "toguna approve 3f2a\n"
                "toguna approve 3f2a --key officers/release-1.key\n"
                "toguna approve 3f2a --deny --reason 'It names our source'\n",
    .options = options,
    .n_options = sizeof options / sizeof *options,
    .size = sizeof(struct approve_options),
    .run = run,
};
