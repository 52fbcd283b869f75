/* Signed documents: what the directory and the policies are made of. Accepted ones stand in the store in their order and
   are replayed at every start; those that we bring stand there until the hub has answered. */
#ifndef TOGUNA_CLIENT_NODE_PAPERS_H
#define TOGUNA_CLIENT_NODE_PAPERS_H

#include "client/node/core.h"
#include "proto/session.pb-c.h"

struct papers *papers_new(void);
void papers_free(struct papers *p);

/* Replays what the store holds into the directory and the policies. */
enum tg_err papers_load(struct node_core *core, struct tg_why *why);
/* Takes a document in for good. *ret_verdict: TG_OK; TG_DUPLICATE; or why not, as directory_check() says, in ret_why. */
enum tg_err papers_take(struct node_core *core, enum document_kind kind, struct slice content, struct slice proof,
                        enum directory_how how, enum tg_err *ret_verdict, struct tg_why *ret_why);
/* Time passes: charters and policies become effective. */
enum tg_err papers_time(struct node_core *core);
int64_t papers_due(const struct node_core *core); /* monotonic */

/* The last document of this hub that we have; for Hello. */
enum tg_err papers_cursor(struct node_core *core, const char *hub, uint64_t *ret);
/* Frames of the session. */
enum tg_err papers_from_hub(struct node_core *core, const Tg__Documents *frame);
enum tg_err papers_outcomes(struct node_core *core, const Tg__DocumentOutcomes *frame);
/* A session opened: errands are run again. */
enum tg_err papers_welcome(struct node_core *core);

/* Sends a document of ours to the hub, now and after every reconnect until it is answered. */
enum tg_err papers_errand(struct node_core *core, enum document_kind kind, const struct hash *hash, struct slice content,
                          struct slice proof);
/* A local program hands in a note: verified now; answered through desk_document_done() once the hub has answered. Errors other
   than fail-stop ones come back in *ret_verdict and nothing is kept. */
enum tg_err papers_offer(struct node_core *core, uint64_t client, uint64_t request, struct slice note,
                         enum tg_err *ret_verdict, struct tg_why *ret_why);
void papers_client_gone(struct node_core *core, uint64_t client);

#endif
