/* Errands: documents that we bring to the hub, our sealing keys and what local programs hand in. They stand in the store until the hub has answered. */
#ifndef TOGUNA_CLIENT_NODE_ERRANDS_H
#define TOGUNA_CLIENT_NODE_ERRANDS_H

#include "client/node/core.h"
#include "proto/session.pb-c.h"

struct errands *errands_new(void);
void errands_free(struct errands *e);

/* Sends a document of ours to the hub, now and after every reconnect until it is answered. */
enum tg_err errands_put(struct node_core *core, enum document_kind kind, const struct hash *hash, struct slice content,
                        struct slice proof);
/* All documents of our own state, and our sealing keys, go to the hub: it may know none of them. */
enum tg_err errands_bring_own(struct node_core *core);
/* A session opened: whatever was not answered is sent again. */
enum tg_err errands_welcome(struct node_core *core);
/* A frame of this type did not go out. */
void errands_dropped(struct node_core *core, enum frame_type type);
/* In each turn: what did not go out is sent again after a while. */
enum tg_err errands_pump(struct node_core *core);
/* The hub turned us out for our key: a program that handed in, in the session before, what ends that very key will get no other answer. The note is taken in here. */
enum tg_err errands_turned_out(struct node_core *core);
/* The hub's answers. */
enum tg_err errands_outcomes(struct node_core *core, const Tg__DocumentOutcomes *frame);

/* A local program hands in a note: verified now; answered through desk_document_done() once the hub has answered. Errors other
   than fail-stop ones come back in *ret_verdict and nothing is kept. */
enum tg_err errands_offer(struct node_core *core, uint64_t client, uint64_t request, struct slice note,
                          enum tg_err *ret_verdict, struct tg_why *ret_why);
void errands_client_gone(struct node_core *core, uint64_t client);

#endif
