/* What the charters say that a hub is about to be offered. A hub that begins takes the past under each charter in its turn; but whose root signed
   something the newest of them has to say: who stole a root that was replaced since could otherwise sign for its member as of the time before. */
#ifndef TOGUNA_BROKER_FORESIGHT_H
#define TOGUNA_BROKER_FORESIGHT_H

#include "broker/hub.h"
#include "keys/document.h"

struct foresight;

/* Begins with what the hub knows. TG_NO_MEMORY. */
enum tg_err foresight_new(const struct hub *hub, struct foresight **ret);
void foresight_free(struct foresight *f); /* NULL is fine */
/* A charter or a withdrawal, in any order: those that follow from what is there are taken, and *ret_taken says whether this one was. Only
   TG_NO_MEMORY is an error. */
enum tg_err foresight_add(struct foresight *f, enum document_kind kind, struct slice note, bool *ret_taken);
/* Does the newest charter name the hub? */
bool foresight_names_hub(const struct foresight *f);
/* Is this charter, once it is known, never in force at this hub, since a later one is by then? */
bool foresight_replaces(const struct foresight *f, uint64_t version, tg_time effective);
/* The version that must be known before anybody is let in: the one in force, and any that takes the place of one that never will be. 0: none. */
uint64_t foresight_needed(const struct foresight *f);
/* A credential that nobody vouches for who may by all these charters: TG_REVOKED and *why. TG_OK says nothing but that. TG_NO_MEMORY. */
enum tg_err foresight_check(const struct foresight *f, struct slice credential, struct tg_why *why);

#endif
