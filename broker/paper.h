/* May this document be taken in? Everything the hub asks before it adds one to its directory. */
#ifndef TOGUNA_BROKER_PAPER_H
#define TOGUNA_BROKER_PAPER_H

#include "broker/hub_inside.h"

/* A document on its way in. */
struct paper {
  enum document_kind kind;
  struct slice content, proof; /* proof: encoded, of sealing keys */
  struct hash hash;
  const struct foresight *past; /* NULL, or it is older than we are and comes in as it was */
  enum directory_how how;     /* found out: RELAYED as long as we have not begun, and in a load of the past */
  bool known;                 /* accepted before */
  enum reason reason;         /* REASON_NONE: it may be added */
  struct tg_why why;          /* of a refusal */
  struct directory_news news; /* when known or to be added */
  struct policy_set
      *set;    /* of a policy: all policies with it, to be put in force; NULL: none are in force yet */
  bool hidden; /* of a policy: for the hub and its own member only */
};

/* What identifies a document, well formed or not. */
struct hash paper_hash(enum document_kind kind, struct slice content);
/* Fills in what follows hash. Changes nothing. paper_done() frees. */
enum tg_err paper_examine(struct hub *hub, struct paper *p);
void paper_done(struct paper *p);

#endif
