/* Why something was refused, held or cut: the numbers in Entry.reason, Goodbye.reason and
   DocumentOutcome.reason. One list, so that a number means the same in every answer, every entry and every
   report. */
#ifndef TOGUNA_AUDIT_REASON_H
#define TOGUNA_AUDIT_REASON_H

#include "proto/base.h"

/* Numbers are for ever: new ones are added at the end of their group, none is used again. */
enum reason {
  REASON_NONE = 0,

  /* the bytes */
  REASON_MALFORMED = 1,    /* not canonical, a field out of its limits, parts that do not belong together */
  REASON_TOO_BIG = 2,      /* beyond a limit of the charter or of the hub */
  REASON_SUITE = 3,        /* a cryptographic suite the charter does not list */
  REASON_EXCHANGE = 4,     /* made for another exchange */
  REASON_SIGNATURE = 5,    /* a signature that should verify does not */
  REASON_SEAL = 6,         /* wraps or bodies do not match what the header commits to */
  REASON_BODY_MISSING = 7, /* the announced body did not come in time: not now, as with REASON_FULL */
  REASON_PROTOCOL = 8,     /* a frame that may not come now, or another protocol version */

  /* who */
  REASON_STANDING = 16,     /* the member's standing does not allow it */
  REASON_REVOKED = 17,      /* the key was revoked */
  REASON_CREDENTIAL = 18,   /* no credential, or one that is not valid now */
  REASON_NOT_ENTITLED = 19, /* not the one who may correct, recall, grant or hand this in */

  /* when and which */
  REASON_EXPIRED = 32,           /* past its time, or living longer than the charter allows */
  REASON_CLOCK = 33,             /* a stated time too far from the hub's */
  REASON_NUMBER = 34,            /* its running number was used for something else, or goes backwards */
  REASON_STALE = 35,             /* an older version than what is in force, or decided by one */
  REASON_CONFLICT = 36,          /* contradicts what the same author signed before */
  REASON_UNKNOWN_REFERENCE = 37, /* refers to a bulletin or document that is not known here */

  /* rules */
  REASON_POLICY = 48,    /* wrapped to somebody whom the decision does not permit */
  REASON_AUDIENCE = 49,  /* nobody of the release list may receive it */
  REASON_APPROVALS = 50, /* approvals that the originator's policy demands are missing */
  REASON_SOURCES = 51,   /* derives from a bulletin whose originator has not granted release */
  REASON_CEILING = 52,   /* above the level a member may originate or receive */
  REASON_PIN = 53,       /* a policy or charter that would break a pinned guarantee */
  REASON_QUORUM = 54,    /* not signed by enough, or a widening without delay and second signature */

  /* how much */
  REASON_QUOTA = 64, /* more than the charter or the hub allows within the time */
  REASON_ABUSE = 65, /* too many malformed or forged items */
  REASON_FULL = 66,  /* the hub's disk is nearly full: not now. Id and number stay free, and the originator sends it again later */

  /* sessions */
  REASON_CLOSED = 80,    /* the other side said goodbye */
  REASON_SILENT = 81,    /* nothing came for too long */
  REASON_REPLACED = 82,  /* the same node opened another session */
  REASON_STOPPING = 83,  /* the hub is being stopped */
  REASON_RESTARTED = 84, /* the hub or its front was restarted */
};

/* "body-missing", for --json and logs; "unknown" for a number that is no reason of this version. Never NULL.
 */
const char *reason_name(unsigned reason);
/* An N_() sentence for people: "the announced body did not come in time; it is sent again later". Never NULL. */
const char *reason_sentence(unsigned reason);
/* Is it one of the reasons above, REASON_NONE included? */
bool reason_known(unsigned reason);
/* Is a refusal for it not the last word? Nothing is decided then, id and number stay free, and the originator offers the bulletin again. */
bool reason_is_not_now(unsigned reason);
/* The other way; TG_BAD_INPUT for another name. */
enum tg_err reason_parse(struct slice name, enum reason *ret);

#endif
