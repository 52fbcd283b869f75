/* A copy of the node's store for whoever runs it, made while the node works (os/db_copy.h): LBackup. It is made beside the store, under its name
   with "-copy" behind it, some hundred pages after each turn's commit; whole, it is handed out piece by piece and removed. So the node needs
   no right to write elsewhere, and whoever asked writes it where they may. */
#ifndef TOGUNA_CLIENT_NODE_BACKUP_H
#define TOGUNA_CLIENT_NODE_BACKUP_H

#include "client/node/request.h"

struct backup;

/* ---- for the desk */
enum tg_err backup_begin(struct node_core *core, struct request *r, const ProtobufCMessage *message);
enum tg_err backup_produce(struct node_core *core, struct request *r);
void backup_free(struct backup *b); /* nothing of the copy stays. NULL is fine */

/* ---- for node.c */
/* At the start: removes what a node that was killed left of a copy. */
enum tg_err backup_clear(struct node_core *core, struct tg_why *why);
/* After a commit: the next part of a copy that is under way. Asks for another turn. */
void backup_turn(struct node_core *core);

#endif
