/* toguna recall: a bulletin of ours, taken back. */
#include "client/cli/answer.h"

struct recall_options {
  struct wish_options wish; /* first: what sends a bulletin takes this for its options */
  char *reason;
};

static enum tg_err run(struct call *call, struct tg_why *why)
{
  const struct recall_options *o = call->options;
  struct arena *arena = reach_arena();
  const struct toguna_item *item;
  struct toguna *node = NULL;
  enum tg_err err = TG_OK;
  if (!o->reason || !*o->reason)
    err = why_set(why, TG_USAGE, "--reason", N_("the reason is not stated"),
                  N_("Say in a sentence why it is taken back; it is sealed to the same readers"), NULL, NULL,
                  NULL);
  if (err == TG_OK)
    err = answer_find(call, arena, &node, &item);
  if (err == TG_OK)
    err = answer_must_be_ours(node, item, why);
  if (err == TG_OK) {
    struct wish_like like = answer_like(TOGUNA_RECALL, item);
    like.supersedes = &item->id;
    answer_to_readers(&like, item, false);
    err = answer_send(call, node, &like, o->reason, why);
  }
  toguna_close(node);
  arena_free(arena);
  return err;
}

static const struct option_key options[] = {
    {"reason",
     0,
     OPTION_ONE,
     VALUE_TEXT,
     offsetof(struct recall_options, reason),
     {0},
     N_("TEXT"),
     N_("Why, in a sentence: for those who have it.")},
    WISH_SENDING_OPTIONS,
};

const struct command command_recall = {
    .verb = "recall",
    .section = SECTION_BULLETINS,
    .summary = N_("Take a bulletin of ours back"),
    .operands = N_("ID"),
    .min = 1,
    .max = 1,
    .about = N_("Goes to everybody who was given the bulletin, whatever policies have become. Each "
                "recipient's node answers, "
                "signed, what it did: purged, retained or refused; toguna track shows it. What a person has "
                "read cannot be "
                "taken back."),
    .examples = "toguna recall 3f2a --reason 'The convoy was not where we said'\n",
    .options = options,
    .n_options = sizeof options / sizeof *options,
    .size = sizeof(struct recall_options),
    .run = run,
};
