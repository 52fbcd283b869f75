/* The log as static files (c2sp.org/tlog-tiles), for whoever serves them: FOLDER/checkpoint and FOLDER/tile/…
   Files are whole or absent, and the checkpoint follows when all that it covers is written. All of it can be made again from the hub's
   store, so nothing waits for the disk: a mark says up to where it is certain, and what a crash may have cost behind it is written again. */
#ifndef TOGUNA_BROKER_CORE_PUBLISH_H
#define TOGUNA_BROKER_CORE_PUBLISH_H

#include "broker/hub.h"

struct publish;

/* May a log begin whose files go into this folder? TG_STALE: a checkpoint lies there, and a second history would follow it. */
enum tg_err publish_is_empty(const char *folder, struct tg_why *why);

/* Continues where the folder, which must exist, is certain. In the folder `private`, unless that is NULL,
   dossiers of the same entries are kept for the hub's own auditors, with access for nobody else. TG_NO_MEMORY; TG_DISK.
   Both names are borrowed. */
enum tg_err publish_new(const char *folder, const char *private, struct publish **ret, struct tg_why *why);
void publish_free(struct publish **publish);

/* Writes what is new, or a part of it: *ret_more says that more is left. A file that cannot be written is
   logged, and tried again at the next call; it costs the hub nothing. Errors are those of the hub's store:
   fail-stop. */
enum tg_err publish_step(struct publish *publish, struct hub *hub, bool *ret_more);
/* Brings to the disk what was written, and moves the mark. For a clean stop; under load publish_step() does it now and then. What cannot be
   synced is logged. */
void publish_make_certain(struct publish *publish);

#endif
