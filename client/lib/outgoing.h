/* A draft and its content on their way to the node. */
#ifndef TOGUNA_CLIENT_LIB_OUTGOING_H
#define TOGUNA_CLIENT_LIB_OUTGOING_H

#include "client/lib/draft.h"
#include "client/lib/node.h"

/* Called between the pieces of a content that goes on for long. Anything but TG_OK ends the sending. */
typedef enum tg_err outgoing_pause(void *context, struct tg_why *why);

/* Queues an LPublish (channel_queue()): with all content in it if that is short, else with LData after it. pause may be NULL.
   After a failure the request is called off. */
enum tg_err outgoing_queue(struct toguna *node, uint64_t request, enum toguna_wait wait, struct draft *d,
                           outgoing_pause *pause, void *context, struct tg_why *why);

/* ---- publish.c */
/* A state as the node told it; its detail is in node->detail until the next. TG_NO_MEMORY. */
enum tg_err progress_take(struct toguna *node, const Tg__LProgress *m, struct toguna_progress *ret, struct tg_why *why);
/* What the last state means for the caller; NULL: none was told. *why borrows from it. */
enum tg_err progress_outcome(const struct toguna_progress *progress, struct tg_why *why);

#endif
