/* What is asked of the policies about a bulletin that was sealed: assembled alike by the hub when it takes and hands out, and by
   whoever checks the hub, or tries a draft, from the log. */
#ifndef TOGUNA_POLICY_REQUEST_H
#define TOGUNA_POLICY_REQUEST_H

#include "keys/directory.h"
#include "policy/decide.h"
#include "proto/header.h"
#include "proto/portion.h"

/* A bulletin as far as policies look at it; everything borrowed. */
struct policy_matter {
  const struct header *header;
  size_t count; /* of portions and release lists, 1..POLICY_PORTIONS_MAX */
  const struct portion *portions;
  const struct release *releases;
};

/* Finds what a source names, for a bulletin of `author` (member index). *ret with header NULL: it is not known, no longer known, or its
   author was no party of it; which of these looks alike. Any error ends the assembling. */
typedef enum tg_err policy_source_find(void *arg, const struct hash *id, unsigned author, struct arena *arena,
                                       struct policy_matter *ret);

/* What a bulletin is asked under. */
struct policy_ground {
  const struct directory *directory;
  const struct policy_set *set;
  const struct country *host; /* of the hub it passes; NULL: of none that the charter knows */
  tg_time now;
  policy_source_find *find;
  void *arg;
};

/* Why nothing can be asked. */
enum policy_lack {
  POLICY_LACKS_NOTHING = 0,
  POLICY_LACKS_ORIGINATOR, /* no node of this directory */
  POLICY_LACKS_AUDIENCE,   /* a name on a release list is unknown, or the list reaches nobody */
  POLICY_LACKS_APPROVAL,   /* one of its approvals does not count: approver_check() */
};

/* All of it. The request's arrays lie in the arena (names and labels in what matter and directory borrow); whom a release list names
   stands in its portion. TG_OK with *ret_lack, and the reason in *why (may be NULL), when nothing can be asked; TG_NO_MEMORY; errors of find(). */
enum tg_err policy_request_build(const struct policy_ground *ground, const struct policy_matter *matter, struct arena *arena,
                                 struct policy_request *ret, enum policy_lack *ret_lack, struct tg_why *why);

#endif
