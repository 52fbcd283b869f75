/* A copy of the hub's store while it is in use (os/db_copy.h): "hub.db" and "bodies/" in a folder, all of one moment. Large bodies are linked, not
   copied: a body that is whole never changes, and of one that is still coming the database knows how much counts. */
#ifndef TOGUNA_BROKER_STORE_BACKUP_H
#define TOGUNA_BROKER_STORE_BACKUP_H

#include "broker/store.h"

struct store_backup;

/* Begins one in the folder, which must exist, be empty and lie on the file system of the bodies. TG_DUPLICATE, TG_DISK, TG_NO_MEMORY. */
enum tg_err store_backup_new(struct store *store, const char *folder, struct store_backup **ret, struct tg_why *why);
/* Up to `pages` pages further; between two transactions. *ret_whole: all of it is on the disk. Any error ends the copy and harms nothing else. */
enum tg_err store_backup_step(struct store_backup *backup, unsigned pages, bool *ret_whole, struct tg_why *why);
/* Bytes of its database, and how many bodies were linked. */
uint64_t store_backup_bytes(const struct store_backup *backup);
uint64_t store_backup_bodies(const struct store_backup *backup);
/* Before the store is closed. The folder stays as it is. NULL, or a pointer to NULL, is fine. */
void store_backup_free(struct store_backup **backup);
/* Bytes that a copy of the database takes. */
uint64_t store_bytes_used(struct store *store);

#endif
