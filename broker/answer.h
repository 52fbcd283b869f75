/* What a node waits for after it handed something in: outcomes of bulletins and of documents. Kept with its
   session until the log entry that proves them is signed; a node whose session ended asks again. */
#ifndef TOGUNA_BROKER_ANSWER_H
#define TOGUNA_BROKER_ANSWER_H

#include "broker/session.h"

struct answer;

/* The outcome of a bulletin, as the entry at `leaf` has it. decision: its bytes, copied; NULL: they are looked up. */
enum tg_err answer_outcome(const struct party *party, const struct hash *id, uint64_t leaf,
                           const struct slice *decision);
/* The outcome of a document. leaf UINT64_MAX: nothing was logged. why (may be NULL) goes along in words. */
enum tg_err answer_document(const struct party *party, const struct hash *hash, uint64_t leaf,
                            enum reason reason, const struct tg_why *why);
/* Sends a session whatever can be proved by now. */
enum tg_err answers_send(struct hub *hub, struct session *s);
void answers_free(struct session *s);

#endif
