/* toguna ack: a person has taken note. */
#include "client/cli/bulletin.h"
#include "client/cli/reach.h"

#include <stdio.h>

struct ack_options {
  struct common common;
  char *socket;
};

static enum tg_err acknowledge(struct call *call, struct toguna *node, const char *prefix, json_t *done)
{
  struct arena *arena = reach_arena();
  const struct toguna_item *item;
  struct toguna_error error;
  char id[BULLETIN_SHORT];
  enum tg_err err = reach_find(call, node, prefix, arena, &item);
  if (err == TG_OK && toguna_ack(node, &item->id, &error) != TOGUNA_OK)
    err = call_said(call, &error);
  if (err == TG_OK && call->json)
    json_array_append_new(done, bulletin_id_json(&item->id));
  else if (err == TG_OK)
    printf(_("%s: acknowledged to %s\n"), bulletin_short(&item->id, id), item->originator);
  arena_free(arena);
  return err;
}

static enum tg_err run(struct call *call, struct tg_why *why)
{
  const struct ack_options *o = call->options;
  struct toguna *node = NULL;
  json_t *done = json_array();
  enum tg_err err = reach_open(call, o->socket, &node);
  (void)why;
  for (size_t i = 0; err == TG_OK && i < call->n; i++)
    err = acknowledge(call, node, call->arg[i], done);
  if (call->json && node)
    show_json(json_pack("{s:O}", "acknowledged", done));
  json_decref(done);
  toguna_close(node);
  return err;
}

static const struct option_key options[] = {REACH_OPTION(struct ack_options)};

const struct command command_ack = {
    .verb = "ack",
    .section = SECTION_BULLETINS,
    .summary = N_("Acknowledge bulletins to their originators"),
    .operands = N_("ID..."),
    .min = 1,
    .max = OPERANDS_ANY,
    .about =
        N_("The originator learns, signed, that a person here has taken note. It includes having read it."),
    .examples = "toguna ack 3f2a\n",
    .options = options,
    .n_options = sizeof options / sizeof *options,
    .size = sizeof(struct ack_options),
    .run = run,
};
