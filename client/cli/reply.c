/* toguna reply: an answer to a bulletin's originator. */
#include "client/cli/answer.h"

static enum tg_err run(struct call *call, struct tg_why *why)
{
  struct arena *arena = reach_arena();
  const struct toguna_item *item;
  struct toguna *node;
  enum tg_err err = answer_find(call, arena, &node, &item);
  if (err == TG_OK) {
    struct wish_like like = answer_like(TOGUNA_REPLY, item);
    like.replies_to = &item->id;
    answer_to_originator(&like, item, arena);
    err = answer_send(call, node, &like, NULL, why);
  }
  toguna_close(node);
  arena_free(arena);
  return err;
}

static const struct option_key options[] = {WISH_BULLETIN_OPTIONS, WISH_PORTION_OPTIONS,
                                            WISH_SENDING_OPTIONS};

const struct command command_reply = {
    .verb = "reply",
    .section = SECTION_BULLETINS,
    .summary = N_("Answer a bulletin"),
    .operands = N_("ID [FILE]..."),
    .min = 1,
    .max = OPERANDS_ANY,
    .about =
        N_("What the options do not say is taken from the bulletin: its topics, its precedence, its highest "
           "marking; and "
           "it goes to the state of its originator. Without a FILE the content is read from standard input."),
    .examples = "echo We see the same at Kidal | toguna reply 3f2a\n"
                "toguna reply 3f2a map.pdf --to ML,NE --class SECRET\n",
    .options = options,
    .n_options = sizeof options / sizeof *options,
    .size = sizeof(struct wish_options),
    .run = run,
};
