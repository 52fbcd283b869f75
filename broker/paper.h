/* May this document be taken in? Everything the hub asks before it adds one to its directory. */
#ifndef TOGUNA_BROKER_PAPER_H
#define TOGUNA_BROKER_PAPER_H

#include "broker/hub_inside.h"

/* A document on its way in. */
struct paper {
  enum document_kind kind;
  struct slice content, proof; /* proof: encoded, of sealing keys */
  struct hash hash;
  enum directory_how how; /* RELAYED when given: what is older than we are; else by who is named */
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
