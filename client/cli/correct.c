/* toguna correct: a bulletin of ours, replaced by a better one. */
#include "client/cli/answer.h"
#include "client/cli/bulletin.h"

#include <stdio.h>

/* Whoever got a portion that is not replaced would be left with one that is called superseded. */
static enum tg_err check_count(const struct call *call, const struct toguna_item *item, struct tg_why *why)
{
  const struct wish_options *o = call->options;
  size_t given = call->n - 1 + o->portion.n, had = 0;
  char id[BULLETIN_SHORT], number[24];
  while (item->portions[had])
    had++;
  snprintf(number, sizeof number, "%zu", had);
  if ((given ? given : 1) >= had)
    return TG_OK;
  return why_set(why, TG_USAGE, bulletin_short(&item->id, id),
                 N_("the bulletin has %1$s portions, and all must be replaced"),
                 N_("Give a file for each, in the same order"), number, NULL, NULL);
}

static enum tg_err run(struct call *call, struct tg_why *why)
{
  struct arena *arena = reach_arena();
  const struct toguna_item *item;
  struct toguna *node;
  enum tg_err err = answer_find(call, arena, &node, &item);
  if (err == TG_OK)
    err = answer_must_be_ours(node, item, why);
  if (err == TG_OK)
    err = check_count(call, item, why);
  if (err == TG_OK) {
    struct wish_like like = answer_like(TOGUNA_CORRECTION, item);
    like.supersedes = &item->id;
    answer_to_readers(&like, item, true);
    err = answer_send(call, node, &like, NULL, why);
  }
  toguna_close(node);
  arena_free(arena);
  return err;
}

static const struct option_key options[] = {WISH_BULLETIN_OPTIONS, WISH_PORTION_OPTIONS,
                                            WISH_SENDING_OPTIONS};

const struct command command_correct = {
    .verb = "correct",
    .section = SECTION_BULLETINS,
    .summary = N_("Replace a bulletin of ours by a corrected one"),
    .operands = N_("ID [FILE]..."),
    .min = 1,
    .max = OPERANDS_ANY,
    .about = N_("Each FILE takes the place of a portion, in order, with its marking, release list and title "
                "unless the options "
                "say otherwise. Those who have the old one see that it is superseded, and by what."),
    .examples = "toguna correct 3f2a alert-2.txt --wait delivered\n",
    .options = options,
    .n_options = sizeof options / sizeof *options,
    .size = sizeof(struct wish_options),
    .run = run,
};
