/* `toguna policy replay` over its two sources: what a node has (policy_replay.c), and the log of a hub (policy_replay_log.c). */
#ifndef TOGUNA_CLI_POLICY_REPLAY_H
#define TOGUNA_CLI_POLICY_REPLAY_H

#include "client/cli/sight.h"

struct replay_options {
  struct common common;
  struct options_list documents;
  char *since, *hub;
  uint64_t limit;
  SIGHT_MEMBERS; /* neither log nor node: today's policies of the node, over its folders */
};

/* Over options->log, or what the node can prove: the drafts are call->arg. Prints; TG_USAGE for an option that means nothing there. */
enum tg_err policy_replay_log(struct call *call, struct tg_why *why);

#endif
