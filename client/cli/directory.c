/* toguna directory: who is in the exchange, as this node knows it. */
#include "client/cli/reach.h"
#include "client/cli/show.h"

#include <stdio.h>

struct directory_options {
  struct common common;
  char *socket, *document;
  bool documents;
};

static const char *text_of(const json_t *j, const char *key)
{
  const char *text = json_string_value(json_object_get(j, key));
  return text ? text : "-";
}

static const char *time_of(const json_t *j, const char *key, char out[SHOW_TIME])
{
  const char *text = json_string_value(json_object_get(j, key));
  tg_time t = 0;
  if (text && time_parse(slice_str(text), &t) != TG_OK)
    t = 0;
  return show_time(t, out);
}

/* ---- members ---- */

static const char *node_state(const json_t *node)
{
  if (json_is_true(json_object_get(node, "revoked")))
    return _("revoked");
  if (!json_is_true(json_object_get(node, "valid")))
    return _("not valid now");
  if (!json_is_true(json_object_get(node, "sealing_key")))
    return _("no sealing key");
  return json_is_true(json_object_get(node, "fallback_key")) ? _("old sealing key") : _("ready");
}

static void add_nodes(struct grid *g, const json_t *member)
{
  const json_t *node;
  char expires[SHOW_TIME];
  size_t i;
  json_array_foreach(json_object_get(member, "nodes"), i, node)
  {
    const char *state = node_state(node);
    grid_row(g, (const char *const[]){"", text_of(node, "name"), state, "", "",
                                      time_of(node, "expires", expires)});
    grid_tint(g, 2, json_is_true(json_object_get(node, "valid")) ? TINT_PLAIN : TINT_BAD);
  }
}

static void print_members(const json_t *j)
{
  const json_t *member;
  size_t i;
  struct grid *g = grid_new(6, (const char *const[]){_("STATE"), _("NAME"), _("STANDING"), _("UP TO"),
                                                     _("POLICY"), _("VALID UNTIL")});
  json_array_foreach(json_object_get(j, "members"), i, member)
  {
    const json_t *policy = json_object_get(member, "policy");
    const char *code = text_of(member, "member");
    char serial[24] = "-";
    if (json_is_object(policy))
      snprintf(serial, sizeof serial, "%lld",
               (long long)json_integer_value(json_object_get(policy, "serial")));
    grid_row(g, (const char *const[]){code, show_country(code), _(text_of(member, "standing")),
                                      text_of(member, "ceiling"), serial, ""});
    grid_tint(g, 0, TINT_BOLD);
    add_nodes(g, member);
  }
  grid_print(g);
}

static void print_blocs(const json_t *j)
{
  const json_t *bloc, *member;
  char members[1024];
  size_t i, k;
  if (!json_array_size(json_object_get(j, "blocs")))
    return;
  struct grid *g = grid_new(2, (const char *const[]){_("BLOC"), _("MEMBERS")});
  json_array_foreach(json_object_get(j, "blocs"), i, bloc)
  {
    size_t n = 0;
    members[0] = 0;
    json_array_foreach(json_object_get(bloc, "members"), k,
                       member) if (n < sizeof members && json_is_string(member)) n +=
        (size_t)snprintf(members + n, sizeof members - n, "%s%s", n ? " " : "", json_string_value(member));
    grid_row(g, (const char *const[]){text_of(bloc, "name"), members});
  }
  putchar('\n');
  grid_print(g);
}

static void print_hubs(const json_t *j)
{
  const json_t *hub;
  size_t i;
  struct grid *g = grid_new(3, (const char *const[]){_("HUB"), _("STANDS IN"), _("ENDPOINT")});
  json_array_foreach(json_object_get(j, "hubs"), i, hub)
  {
    const json_t *endpoint;
    size_t k;
    json_array_foreach(json_object_get(hub, "endpoints"), k, endpoint)
      grid_row(g, (const char *const[]){k ? "" : text_of(hub, "name"), k ? "" : text_of(hub, "host"), json_string_value(endpoint)});
  }
  putchar('\n');
  grid_print(g);
}

/* ---- documents ---- */

static void print_documents(const json_t *list)
{
  const json_t *document;
  char time[SHOW_TIME];
  size_t i;
  struct grid *g = grid_new(3, (const char *const[]){_("KIND"), _("ACCEPTED"), _("HASH")});
  json_array_foreach(list, i, document)
      grid_row(g, (const char *const[]){text_of(document, "kind"), time_of(document, "accepted", time),
                                        text_of(document, "hash")});
  grid_print(g);
}

static void print_note(const json_t *document)
{
  const char *note = json_string_value(json_object_get(document, "note"));
  if (note)
    fputs(note, stdout); /* notes are text without control characters: keys/ lets no others in */
  else
    puts(_("This document is not text."));
}

static enum tg_err run(struct call *call, struct tg_why *why)
{
  const struct directory_options *o = call->options;
  const char *const arguments[] = {o->document, NULL};
  const char *what = o->document ? "document" : o->documents ? "documents" : "directory";
  json_t *j;
  enum tg_err err = reach_ask(call, o->socket, what, o->document ? arguments : NULL, &j, why);
  if (err != TG_OK)
    return err;
  if (call->json) {
    show_json(j);
    return TG_OK;
  }
  if (o->document) {
    print_note(j);
  } else if (o->documents) {
    print_documents(j);
  } else {
    print_members(j);
    print_blocs(j);
    print_hubs(j);
  }
  json_decref(j);
  return TG_OK;
}

static const struct option_key options[] = {
    {"documents",
     0,
     OPTION_FLAG,
     VALUE_BOOL,
     offsetof(struct directory_options, documents),
     {0},
     NULL,
     N_("List the signed documents that all this rests on.")},
    {"document",
     0,
     OPTION_ONE,
     VALUE_TEXT,
     offsetof(struct directory_options, document),
     {0},
     N_("HASH"),
     N_("Print one of them.")},
    REACH_OPTION(struct directory_options),
};

const struct command command_directory = {
    .verb = "directory",
    .section = SECTION_LOOK,
    .summary = N_("Show the members, nodes, blocs and hubs of the exchange"),
    .operands = "",
    .about = N_("As this node knows them, from documents that it verified itself."),
    .examples = "toguna directory\n"
                "toguna directory --documents\n"
                "toguna directory --document HASH > charter.note\n",
    .options = options,
    .n_options = sizeof options / sizeof *options,
    .size = sizeof(struct directory_options),
    .run = run,
};
