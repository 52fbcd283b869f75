/* toguna release: asking the originator for a bulletin, or for leave to pass it on; and its answer. */
#include "client/cli/answer.h"
#include "client/cli/box.h"
#include "client/cli/bulletin.h"
#include "keys/grant.h"
#include "os/clock.h"
#include "proto/limits.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct release_options {
  struct wish_options wish; /* first: what sends a bulletin takes this for its options */
  char *reason, *key, *passphrase_file, *until;
  struct options_list grant_to;
  uint64_t serial;
};

#define ROW(option, shape, kind, field, placeholder, help)                                                   \
  {                                                                                                          \
    option, 0, shape, kind, offsetof(struct release_options, field), {0}, placeholder, help                  \
  }

/* --- request, deny: a bulletin with a reason */

static enum tg_err need_reason(const struct release_options *o, struct tg_why *why)
{
  return o->reason && *o->reason
             ? TG_OK
             : why_set(why, TG_USAGE, "--reason", N_("the reason is not stated"),
                       N_("Say in a sentence why; it is sealed like every content"), NULL, NULL, NULL);
}

/* A single portion for the originator's state, whatever the other bulletin had. */
static void to_originator(struct wish_like *like, const struct toguna_item *item, struct arena *arena)
{
  answer_to_originator(like, item, arena);
  for (size_t i = 1; i < WISH_PORTIONS; i++)
    like->portion[i] = NULL;
}

static enum tg_err run_request(struct call *call, struct tg_why *why)
{
  const struct release_options *o = call->options;
  struct arena *arena = reach_arena();
  const struct toguna_item *item;
  struct toguna *node = NULL;
  enum tg_err err = need_reason(o, why);
  if (err == TG_OK)
    err = answer_find(call, arena, &node, &item);
  if (err == TG_OK) {
    struct wish_like like = answer_like(TOGUNA_RELEASE_REQUEST, item);
    like.replies_to = &item->id;
    to_originator(&like, item, arena);
    err = answer_send(call, node, &like, o->reason, why);
  }
  toguna_close(node);
  arena_free(arena);
  return err;
}

/* The request that a grant or denial answers. */
static enum tg_err find_request(struct call *call, struct arena *arena, struct toguna **ret_node,
                                const struct toguna_item **ret, struct tg_why *why)
{
  char id[BULLETIN_SHORT];
  enum tg_err err = answer_find(call, arena, ret_node, ret);
  if (err != TG_OK || ((*ret)->kind == TOGUNA_RELEASE_REQUEST && (*ret)->replies_to))
    return err;
  return why_set(why, TG_BAD_INPUT, bulletin_short(&(*ret)->id, id),
                 N_("this bulletin is no release request"), N_("toguna release list shows them"), NULL, NULL,
                 NULL);
}

static enum tg_err run_deny(struct call *call, struct tg_why *why)
{
  const struct release_options *o = call->options;
  struct arena *arena = reach_arena();
  const struct toguna_item *request;
  struct toguna *node = NULL;
  enum tg_err err = need_reason(o, why);
  if (err == TG_OK)
    err = find_request(call, arena, &node, &request, why);
  if (err == TG_OK) {
    struct wish_like like = answer_like(TOGUNA_RELEASE_DENIAL, request);
    like.replies_to = &request->id;
    to_originator(&like, request, arena);
    err = answer_send(call, node, &like, o->reason, why);
  }
  toguna_close(node);
  arena_free(arena);
  return err;
}

static const struct option_key reason_options[] = {
    ROW("reason", OPTION_ONE, VALUE_TEXT, reason, N_("TEXT"), N_("Why, in a sentence: for the other side.")),
    WISH_SENDING_OPTIONS,
};

const struct command command_release_request = {
    .noun = "release",
    .verb = "request",
    .section = SECTION_BULLETINS,
    .summary = N_("Ask the originator to let us pass a bulletin on"),
    .operands = N_("ID"),
    .min = 1,
    .max = 1,
    .about = N_("Goes to the originator's state under the bulletin's own marking."),
    .examples = "toguna release request 3f2a --reason 'Chad guards the same road'\n",
    .options = reason_options,
    .n_options = sizeof reason_options / sizeof *reason_options,
    .size = sizeof(struct release_options),
    .run = run_request,
};

const struct command command_release_deny = {
    .noun = "release",
    .verb = "deny",
    .section = SECTION_BULLETINS,
    .summary = N_("Refuse a release request"),
    .operands = N_("REQUEST"),
    .min = 1,
    .max = 1,
    .examples = "toguna release deny 77c0 --reason 'The source would be known'\n",
    .options = reason_options,
    .n_options = sizeof reason_options / sizeof *reason_options,
    .size = sizeof(struct release_options),
    .run = run_deny,
};

/* --- grant: a signed document, and a bulletin that carries it */

/* The exchange's name, which the node knows. */
static enum tg_err exchange_name(struct call *call, struct toguna *node, char ret[EXCHANGE_NAME_MAX + 1],
                                 struct tg_why *why)
{
  struct toguna_error error;
  char *text;
  if (toguna_query(node, "status", NULL, &text, &error) != TOGUNA_OK)
    return call_said(call, &error);
  json_t *j = json_loads(text, 0, NULL);
  const char *name = json_string_value(json_object_get(json_object_get(j, "charter"), "exchange"));
  bool ok = name && exchange_name_valid(slice_str(name));
  if (ok)
    snprintf(ret, EXCHANGE_NAME_MAX + 1, "%s", name);
  json_decref(j);
  free(text);
  return ok ? TG_OK
            : why_set(why, TG_NOT_FOUND, NULL,
                      N_("the node knows no charter yet, and so no exchange to grant in"),
                      N_("See toguna doctor"), NULL, NULL, NULL);
}

static enum tg_err fill_names(const struct release_options *o, const struct toguna_item *request,
                              struct grant *g, struct tg_why *why)
{
  char *const requester[] = {(char *)(uintptr_t)request->member};
  char *const *names = o->grant_to.n ? o->grant_to.v : requester;
  g->n_to = o->grant_to.n ? o->grant_to.n : 1;
  if (g->n_to > GRANT_TO_MAX)
    return why_set(why, TG_TOO_BIG, "--to", N_("a grant names 64 members and blocs at most"), NULL, NULL,
                   NULL, NULL);
  for (size_t i = 0; i < g->n_to; i++) {
    struct country country;
    struct slice s = slice_str(names[i]);
    if (country_parse(s, &country) != TG_OK && !bloc_name_valid(s))
      return why_set(why, TG_BAD_INPUT, "--to", N_("%1$s is no country or bloc"),
                     N_("Write countries as ML, blocs as AES"), names[i], NULL, NULL);
    snprintf(g->to[i], sizeof g->to[i], "%s", names[i]);
  }
  return TG_OK;
}

static enum tg_err fill_grant(struct call *call, struct toguna *node, const struct toguna_item *request,
                              struct grant *g, struct tg_why *why)
{
  const struct release_options *o = call->options;
  *g = (struct grant){.issued = clock_wall() / TG_SECOND * TG_SECOND};
  /* Never used twice: two officers would have to grant within the same millisecond. */
  g->serial = o->serial ? o->serial : (uint64_t)clock_wall();
  memcpy(g->bulletin.b, request->replies_to->b, sizeof g->bulletin.b);
  enum tg_err err = wish_time("--until", o->until, false, &g->until, why);
  if (err == TG_OK)
    err = country_parse(slice_str(toguna_self(node)->member), &g->member);
  if (err == TG_OK)
    err = fill_names(o, request, g, why);
  return err == TG_OK ? exchange_name(call, node, g->exchange, why) : err;
}

static enum tg_err sign_grant(const struct release_options *o, const struct grant *g, struct buf *note,
                              struct tg_why *why)
{
  struct secret_key *key = NULL;
  struct buf text = buf_new(LIMIT_DOCUMENT);
  grant_print(g, &text);
  enum tg_err err = box_key_open(o->key, KEY_OFFICER, o->passphrase_file, &key, why);
  if (err == TG_OK)
    err = box_sign(buf_slice(&text), "grant", key, note, why);
  secret_key_free(key);
  buf_free(&text);
  return err;
}

/* Hands the grant in, then tells the requester. */
static enum tg_err give(struct call *call, struct toguna *node, const struct toguna_item *request,
                        struct arena *arena, const struct buf *note, struct tg_why *why)
{
  const struct release_options *o = call->options;
  struct toguna_error error;
  struct wish_like like = answer_like(TOGUNA_RELEASE_GRANT, request);
  char *text = slice_dup(buf_slice(note));
  enum tg_err err =
      text ? TG_OK : why_set(why, TG_NO_MEMORY, NULL, N_("out of memory"), NULL, NULL, NULL, NULL);
  like.replies_to = &request->id;
  to_originator(&like, request, arena);
  if (err == TG_OK && !o->wish.dry_run && toguna_document(node, note->p, note->n, &error) != TOGUNA_OK)
    err = call_said(call, &error);
  if (err == TG_OK)
    err = answer_send(call, node, &like, text, why);
  free(text);
  return err;
}

static enum tg_err run_grant(struct call *call, struct tg_why *why)
{
  const struct release_options *o = call->options;
  struct arena *arena = reach_arena();
  const struct toguna_item *request;
  struct toguna *node = NULL;
  struct grant grant;
  struct buf note = buf_new(LIMIT_DOCUMENT);
  enum tg_err err = TG_OK;
  if (!o->key || !o->until)
    err = why_set(why, TG_USAGE, o->key ? "--until" : "--key", N_("a grant needs a key and an end"),
                  N_("Name the officer's key file with --key, and say --until when it is good"), NULL, NULL,
                  NULL);
  if (err == TG_OK)
    err = find_request(call, arena, &node, &request, why);
  if (err == TG_OK)
    err = fill_grant(call, node, request, &grant, why);
  if (err == TG_OK)
    err = sign_grant(o, &grant, &note, why);
  if (err == TG_OK)
    err = give(call, node, request, arena, &note, why);
  buf_free(&note);
  toguna_close(node);
  arena_free(arena);
  return err;
}

static const struct option_key grant_options[] = {
    ROW("key", OPTION_ONE, VALUE_PATH, key, N_("FILE"), N_("Key file of an officer with role release.")),
    BOX_OPTION_PASSPHRASE(struct release_options),
    ROW("grant-to", OPTION_MANY, VALUE_TEXT, grant_to, N_("NAME"),
        N_("A country or bloc that may have it. May be repeated. Default: the state that asked.")),
    ROW("until", OPTION_ONE, VALUE_TEXT, until, N_("WHEN"),
        N_("How long it is good: 30d, or 2026-12-31T00:00:00Z.")),
    ROW("serial", OPTION_ONE, VALUE_NUMBER, serial, N_("N"),
        N_("A number that no other grant of the state has. Default: from the clock.")),
    WISH_SENDING_OPTIONS,
};

const struct command command_release_grant = {
    .noun = "release",
    .verb = "grant",
    .section = SECTION_BULLETINS,
    .summary = N_("Grant a release request, signed"),
    .operands = N_("REQUEST"),
    .min = 1,
    .max = 1,
    .about = N_("Makes a signed grant, hands it to the node, which publishes it, and sends it to the state "
                "that asked. Those who hold "
                "the bulletin may then pass it on to whom the grant names, until it ends."),
    .examples = "toguna release grant 77c0 --key release-1.key --until 30d --grant-to TD\n",
    .options = grant_options,
    .n_options = sizeof grant_options / sizeof *grant_options,
    .size = sizeof(struct release_options),
    .run = run_grant,
};

/* --- list */

struct listing {
  struct grid *grid; /* NULL before the first */
  json_t *list;      /* for programs; else NULL */
  bool sent;
};

static int add_release(void *context, const struct toguna_item *item)
{
  struct listing *l = context;
  if (item->kind < TOGUNA_RELEASE_REQUEST || item->kind > TOGUNA_RELEASE_DENIAL)
    return 0;
  if (l->list) {
    json_array_append_new(l->list, bulletin_json(item, l->sent));
    return 0;
  }
  char id[BULLETIN_SHORT], about[BULLETIN_SHORT] = "-", mark[BULLETIN_MARK], time[SHOW_TIME];
  if (!l->grid)
    l->grid = grid_new(7, (const char *const[]){_("ID"), _("KIND"), _("PRECEDENCE"), _("MARKING"), _("FROM"),
                                                _("CREATED"), _("ANSWERS")});
  if (item->replies_to)
    bulletin_short(item->replies_to, about);
  grid_row(l->grid, (const char *const[]){bulletin_short(&item->id, id), _(bulletin_kind(item->kind)),
                                          bulletin_precedence(item->precedence), bulletin_highest(item, mark),
                                          item->originator, show_time(item->created, time), about});
  return 0;
}

static enum tg_err run_list(struct call *call, struct tg_why *why)
{
  const struct release_options *o = call->options;
  struct listing l = {.list = call->json ? json_array() : NULL};
  struct toguna *node = NULL;
  struct toguna_error error;
  (void)why;
  enum tg_err err = reach_open(call, o->wish.socket, &node);
  for (int folder = TOGUNA_INBOX; err == TG_OK && folder <= TOGUNA_SENT; folder++) {
    const struct toguna_filter filter = {.folder = (enum toguna_folder)folder};
    l.sent = folder == TOGUNA_SENT;
    if (toguna_list(node, &filter, add_release, &l, &error) != TOGUNA_OK)
      err = call_said(call, &error);
  }
  if (l.grid)
    grid_print(l.grid);
  else if (err == TG_OK && !call->json)
    puts(_("There are no release requests."));
  if (l.list && err == TG_OK)
    show_json(l.list);
  else
    json_decref(l.list);
  toguna_close(node);
  return err;
}

static const struct option_key list_options[] = {REACH_OPTION(struct wish_options)};

const struct command command_release_list = {
    .noun = "release",
    .verb = "list",
    .section = SECTION_BULLETINS,
    .summary = N_("Show release requests and the answers to them"),
    .operands = "",
    .examples = "toguna release list\n",
    .options = list_options,
    .n_options = sizeof list_options / sizeof *list_options,
    .size = sizeof(struct release_options),
    .run = run_list,
};
