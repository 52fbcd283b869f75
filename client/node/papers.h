/* Signed documents: what the directory and the policies are made of. Those that were accepted stand in the store in their order and
   are replayed at every start; those that we bring to the hub are errands (errands.h). */
#ifndef TOGUNA_CLIENT_NODE_PAPERS_H
#define TOGUNA_CLIENT_NODE_PAPERS_H

#include "client/node/core.h"
#include "proto/session.pb-c.h"

struct papers *papers_new(void);
void papers_free(struct papers *p);

/* Replays what the store holds into the directory and the policies. */
enum tg_err papers_load(struct node_core *core, struct tg_why *why);
/* A charter that the store holds is taken no more, and no other of its version was: what is to be said of it. The charters here are old then, and no hub
   is to be met by them. NULL: none. */
const struct tg_why *papers_lack_charter(const struct node_core *core);
/* Takes a document in for good. *ret_verdict: TG_OK; TG_DUPLICATE; or why not, as directory_check() says, in ret_why. */
enum tg_err papers_take(struct node_core *core, enum document_kind kind, struct slice content, struct slice proof,
                        enum directory_how how, enum tg_err *ret_verdict, struct tg_why *ret_why);
/* Time passes: charters and policies become effective. */
enum tg_err papers_time(struct node_core *core);
int64_t papers_due(const struct node_core *core); /* monotonic */

/* The last document that we have of the present hub; for Hello, when its log is watched. */
enum tg_err papers_cursor(struct node_core *core, uint64_t *ret);
/* What the hub sends. */
enum tg_err papers_from_hub(struct node_core *core, const Tg__Documents *frame);
/* A session opened: what it lacks is asked for again, and errands are run again. */
enum tg_err papers_welcome(struct node_core *core);

#endif
