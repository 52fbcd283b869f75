/* What the files of the session share: talk.c, talk_where.c, talk_hear.c, talk_round.c. */
#ifndef TOGUNA_CLIENT_NODE_TALK_INSIDE_H
#define TOGUNA_CLIENT_NODE_TALK_INSIDE_H

#include "audit/reason.h"
#include "client/node/talk.h"

enum {
  TALK_CANDIDATES_MAX = 32,
  TALK_SWITCH_MS = 20 * 1000, /* without a connection, until the next hub is tried */
  TALK_BETTER_MS = 5 * 60 * 1000, /* so long an address that could not be had is not preferred */
  TALK_REST_FIRST_MS = 500,
  TALK_REST_MAX_MS = 60 * 1000,
  TALK_CALL_CHECK_MS = 60 * 1000, /* a wall clock may be set */
};

/* A hub under one of its addresses. */
struct candidate {
  struct seal_pk transport; /* whoever has other keys is another hub, whatever its name and wherever it stands */
  struct note_key log;
  char hub[LABEL_MAX + 1];
  char endpoint[ENDPOINT_MAX + 1];
  unsigned broken_handshakes; /* in a row */
  int64_t failed;             /* monotonic: when it could not be had last; 0: never */
};

/* Invariants: current < n unless n is 0, and then state is TALK_ALONE; hub names whose session it is, "" outside CONNECTING, GREETING
   and OPEN. */
struct talk {
  enum talk_state state;
  size_t n, current;
  struct candidate candidates[TALK_CANDIDATES_MAX];
  char hub[LABEL_MAX + 1];
  uint8_t session[16];
  int64_t rest_ms, deadline; /* of RESTING, GREETING, and of CONNECTING when there is another hub */
  int64_t heard, said;       /* the last frame each way */
  int64_t wanted;            /* when a call was due last, by window or urgency */
  uint64_t vouched;          /* size of the checkpoint that we cosigned in a Tick of this session last */
  uint64_t noted;            /* and of the one that the hub heard in it last, in whatever frame */
  unsigned strikes;
  uint64_t inline_body;
  size_t max_frame;
  char refused_by[LABEL_MAX + 1]; /* the hub that did not admit our key, since a session opened last; "": none */
  bool full, stopped;
  bool shows;                /* a hub did not know the checkpoint that we named: it is shown the note */
  struct pace pace; /* of the line */
  bool away;                 /* it left a hub to look at others, and is not back */
  char left[LABEL_MAX + 1];  /* that hub */
  unsigned misses;           /* how often in a row nobody else was there */
  int64_t opened, given;     /* this session; its last frame that was no Tick */
  int64_t look;              /* when it looks next; 0: that is for the next Welcome to say */
  char stayed[LABEL_MAX + 1]; /* the hub at which that was said; "": none */
  size_t seen;               /* and there it goes on after this candidate, at which the last look ended early; 0: from the first */
};

/* ---- talk.c */
/* The session ends by our will; the next hub, or the same after a rest, is tried. */
enum tg_err talk_end(struct node_core *core, enum reason reason, const char *detail);
/* The present hub does not admit our key, by the handshake or in words. */
void talk_refused(struct node_core *core);
/* vouch: the hub asks for our cosignature, which it has not had. */
enum tg_err talk_tick(struct node_core *core, struct slice other, bool vouch);

/* ---- talk_where.c */
/* Waits, longer each time, and `at_least` so many ms. */
enum tg_err talk_rest(struct node_core *core, int64_t at_least);
/* The same, and then the next hub is tried. */
enum tg_err talk_next(struct node_core *core, int64_t at_least);
/* The session was lost. Has its hub an address that suits our line better, and may be had again? It is connected to. */
enum tg_err talk_better(struct node_core *core);
/* After a rest: connects, or stays away outside all call windows. */
enum tg_err talk_call_if_due(struct node_core *core);
/* Outside all windows the line is given up when nothing urgent was waiting for a while. *ret_over: it was, or is. */
enum tg_err talk_end_of_call(struct node_core *core, bool *ret_over);

/* ---- talk_round.c */
/* A session opened. Is it one of those that are only looked in at, or is that over now? */
bool talk_round_welcome(struct node_core *core);
/* The present candidate cannot be reached, or ended it. */
void talk_round_failed(struct talk *t);
/* In a session: goes on to another hub, perhaps. */
enum tg_err talk_round_time(struct node_core *core, bool *ret_left);
int64_t talk_round_due(const struct node_core *core);
/* On the way to a hub that is not the one that was left: something urgent of ours calls it back there. *ret: it did, and that one is connected to. */
enum tg_err talk_round_called_back(struct node_core *core, bool *ret);
/* The candidate that is tried when the present one cannot be had: of a hub that is only looked in at, one address is enough. */
size_t talk_round_after(const struct talk *t);
/* So many ms it is tried. */
int64_t talk_round_patience(const struct node_core *core);

#endif
