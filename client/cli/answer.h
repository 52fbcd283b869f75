/* Bulletins that refer to another: what they take over from it. */
#ifndef TOGUNA_CLI_ANSWER_H
#define TOGUNA_CLI_ANSWER_H

#include "client/cli/send.h"

/* Connects and finds the bulletin that call->arg[0] names, in the arena. *ret_node is to be closed in any
 * case. */
enum tg_err answer_find(struct call *call, struct arena *arena, struct toguna **ret_node,
                        const struct toguna_item **ret);
/* Topics, precedence, flags: those of the other bulletin. */
struct wish_like answer_like(enum toguna_kind kind, const struct toguna_item *item);
/* To its originator's state, under its highest marking. In the arena. */
void answer_to_originator(struct wish_like *like, const struct toguna_item *item, struct arena *arena);
/* To those who got it: portion by portion, each with its own marking and release list. */
void answer_to_readers(struct wish_like *like, const struct toguna_item *item, bool texts);
/* TG_USAGE unless this node sent it: only the originator may do that. */
enum tg_err answer_must_be_ours(const struct toguna *node, const struct toguna_item *item,
                                struct tg_why *why);

/* Reads the wish and sends it: operands from the second on are files; text as in wish_read(). */
enum tg_err answer_send(struct call *call, struct toguna *node, const struct wish_like *like,
                        const char *text, struct tg_why *why);

#endif
