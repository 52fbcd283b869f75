/* What we state about bulletins we were given: receipts, gathered through a turn, signed at its end as one batch, and sent
   again with every session until the hub has said that it has them. With several hubs each hears of the bulletins in its own log: about
   others it would take them for forged. */
#ifndef TOGUNA_CLIENT_NODE_SAYS_H
#define TOGUNA_CLIENT_NODE_SAYS_H

#include "client/node/core.h"
#include "proto/receipt.h"
#include "proto/session.pb-c.h"

struct says *says_new(void);
void says_free(struct says *s);
enum tg_err says_load(struct node_core *core);

/* States `event` about a bulletin, to the hub of this log, in which it stands; NULL: of one that was given up, and nobody is told. number only when stored. */
enum tg_err says_receipt(struct node_core *core, const char *log, const struct hash *bulletin, enum receipt_event event, uint64_t number);
/* A delivery of that hub that is done with: its place in the hub's queue, and the bytes of credit it had taken. */
enum tg_err says_done(struct node_core *core, const char *log, uint64_t queue, uint64_t bytes);
/* End of the turn: signs and stores what was gathered, and sends what is for the hub that it is in session with. */
enum tg_err says_turn(struct node_core *core);
/* The hub has committed its receipts up to this serial. */
enum tg_err says_seen(struct node_core *core, const Tg__ReceiptsSeen *frame);
/* A frame of receipts was not sent, and one behind it may have been: the hub would take that one's serial for both. What is not confirmed is stated
   anew under higher serials, in another session, which counts the credit anew too; what the hub had taken already it takes twice, which counts once. */
enum tg_err says_dropped(struct node_core *core);
/* A session opened: credit starts anew, and what is not confirmed is said again; above `serial`, the highest that the hub has of this node,
   when this store never gave that one. */
enum tg_err says_welcome(struct node_core *core, uint64_t serial);

#endif
