/* The log as static files (c2sp.org/tlog-tiles), for whoever serves them: FOLDER/checkpoint and FOLDER/tile/…
   Files are whole or absent, and the checkpoint follows when all that it covers is on the disk. */
#ifndef TOGUNA_BROKER_CORE_PUBLISH_H
#define TOGUNA_BROKER_CORE_PUBLISH_H

#include "broker/hub.h"

struct publish;

/* Continues behind the checkpoint that lies in the folder, which must exist. In the folder `private`, unless that is NULL,
   dossiers of the same entries are kept for the hub's own auditors, with access for nobody else. TG_NO_MEMORY; TG_DISK.
   Both names are borrowed. */
enum tg_err publish_new(const char *folder, const char *private, struct publish **ret, struct tg_why *why);
void publish_free(struct publish **publish);

/* Writes what is new, or a part of it: *ret_more says that more is left. A file that cannot be written is
   logged, and tried again at the next call; it costs the hub nothing. Errors are those of the hub's store:
   fail-stop. */
enum tg_err publish_step(struct publish *publish, struct hub *hub, bool *ret_more);

#endif
