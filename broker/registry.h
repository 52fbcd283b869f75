/* Signed documents: taken in when the directory, the policies in force and everybody's pins allow it, logged
   either way, and passed on to every node. */
#ifndef TOGUNA_BROKER_REGISTRY_H
#define TOGUNA_BROKER_REGISTRY_H

#include "broker/session.h"

/* A document that a node brings; answered through answer_document(). */
enum tg_err registry_take(struct hub *hub, struct session *s, const Tg__Document *document);
/* One from the operator, good now (past NULL) or taken in as it was. *ret_refused and *why (may be NULL): it was not taken, and nothing was logged. */
enum tg_err registry_file(struct hub *hub, struct slice note, const struct foresight *past, bool *ret_refused, struct tg_why *why);
/* One frame of the documents that a session does not have; *ret_more: there may be more to send now. */
enum tg_err registry_send(struct hub *hub, struct session *s, bool *ret_more);

#endif
