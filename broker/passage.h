/* One bulletin on its way through the hub. Each station adds one thing: frames the bytes, verify the view and
   an opinion, sequence its place in the log. */
#ifndef TOGUNA_BROKER_PASSAGE_H
#define TOGUNA_BROKER_PASSAGE_H

#include "broker/question.h"
#include "broker/session.h"
#include "broker/store_body.h"
#include "proto/bulletin.h"

/* What becomes of it. */
enum passage_state {
  PASSAGE_OPEN,    /* nothing yet */
  PASSAGE_DECIDED, /* accepted, or refused with a reason: to be sequenced */
  PASSAGE_WAITS,   /* for bodies or documents: parked */
  PASSAGE_KNOWN,   /* decided before: the same answer again */
  PASSAGE_FORGED,  /* not what it claims to be: refused, but its id and number stay free */
  PASSAGE_LATER,   /* nothing is wrong with it, but there is no room now, or its bodies did not come: refused, and its id and number stay free */
};

/* One recipient that was found permitted. */
struct passage_recipient {
  struct party *party;
  size_t wrap; /* index */
};

struct passage {
  /* frames: who says it, and what */
  struct party *party;
  const struct node *node; /* the originator's credential; valid until the next document */
  const Tg__Submission *message;
  bool parked; /* it waits in the store */

  /* verify */
  struct hash id;         /* of the header, whether it is in order or not */
  struct submission view; /* meaningful once it is in order in itself */
  enum passage_state state;
  enum reason reason; /* REASON_NONE: accepted */
  struct tg_why why;  /* of a refusal */
  enum parked_for waits_for;
  bool decided; /* decision is meaningful */
  struct policy_request request; /* meaningful when decided, and for a recall in order */
  struct policy_decision decision;
  struct passage_recipient *recipients; /* one per wrap */
  uint64_t bytes;                       /* sealed bytes of all bodies */
  struct store_bulletin other;          /* what it corrects or recalls, known before, or has its number */

  /* sequence */
  uint64_t leaf;
  bool ruled;
  struct slice ruling; /* Decision bytes, in hub->item; meaningful when ruled, empty when nothing was decided */
};

#endif
