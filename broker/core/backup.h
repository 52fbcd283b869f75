/* A copy of the hub's store, made at a signal while the hub works: FOLDER/backup, with "hub.db" and "bodies/". Until it is whole it is called
   FOLDER/backup.part; what an interrupted one left is removed at the next start and before the next copy. A copy that lies there is never touched:
   whoever asked for it takes it away. The signer's state is not part of it, and cannot be: the core has no access. */
#ifndef TOGUNA_BROKER_CORE_BACKUP_H
#define TOGUNA_BROKER_CORE_BACKUP_H

#include "broker/store.h"

struct backup;

/* folder is the core's own; reserve: bytes of its disk that a copy must leave free. */
struct backup *backup_new(const char *folder, uint64_t reserve); /* NULL without memory */
void backup_free(struct backup **backup); /* before the store is closed; what is not whole is removed */

/* Begins a copy, or says in the log why not. */
void backup_begin(struct backup *backup, struct store *store);
bool backup_is_under_way(const struct backup *backup);
/* The next part of it, between two transactions of the store. Milliseconds until more is to be done, so that the copy takes no more than half of the
   core's time; -1: it has ended, and the log says how. */
int64_t backup_step(struct backup *backup);

#endif
