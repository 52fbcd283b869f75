/* Signed notes that the operator puts into a folder. */
#ifndef TOGUNA_BROKER_CORE_DOCUMENTS_H
#define TOGUNA_BROKER_CORE_DOCUMENTS_H

#include "broker/hub.h"

/* Gives the hub every *.note of the folder, whatever they are called: what roots signed before what officers did, a member's policies by
   their serials, all that can be taken under one charter before the next; none that can undo what an earlier one, which still waits, will forbid. Where this load
   begins, or comes, under a charter that does not name the hub, all that follows in it is taken in as it was. A file that cannot be read or is refused is logged, and costs nothing but
   itself. Errors are those of the hub: fail-stop. Call within a turn of the hub. */
enum tg_err documents_take(const char *folder, struct hub *hub, struct tg_why *why);

#endif
