/* A node's session: from Hello to Goodbye, or to whatever ends it. One per node.

   Everything that goes to a node goes through its session, which keeps the chain: each checkpoint is proven
   to extend the one before. A frame of the chain that was lost on the way therefore ends the session, and
   Hello begins it anew. */
#ifndef TOGUNA_BROKER_SESSION_H
#define TOGUNA_BROKER_SESSION_H

#include "broker/hub_inside.h"
#include "broker/store_bulletin.h"
#include "proto/pace.h"
#include "proto/session.pb-c.h"

enum { SESSION_WANTS = 32 }; /* a node asks for four bodies at a time, and for four more of each precedence above */

/* What may be waiting for a session, so that nobody looks in vain. */
enum session_work { WORK_ROWS = 1, WORK_NOTES = 2, WORK_DOCUMENTS = 4, WORK_WANTS = 8, WORK_HELD = 16, WORK_STATED = 32 };

/* A delivery that the node has not said to be done with. */
struct flight {
  uint64_t leaf, bytes;
  int64_t sent; /* monotonic; 0: not known */
  unsigned rank;
  bool done;
};

/* How much may be under way to a node, by how long it takes until it is done with: flight.h. All zero: nothing is known yet. */
struct flight_window {
  uint64_t size;    /* what may be under way, in the weight of flight_weight() */
  uint64_t used;    /* what is */
  int64_t least;    /* a trip of late with nothing before it: what the line and the node take for themselves */
  int64_t least_at; /* when one was seen last */
  int64_t changed;  /* when size was looked at last */
  int64_t probe;    /* since when only a little may be under way, to see the shortest trip again; 0: no */
  unsigned hold;    /* so many trips more it does not shrink */
  bool known, met;  /* met: more would have gone */
  bool busy;        /* the node was once not done with all of it: the beginning is over */
};

/* Chunks that the node asked for and was not yet sent. */
struct wanted {
  struct hash id;
  uint64_t leaf, size; /* of the bulletin; sealed bytes of the portion's body */
  unsigned rank, portion;
  uint64_t chunk, left;
  size_t offset;   /* in the next one */
  uint32_t handle; /* 0: they name the bulletin */
};

struct answer;
struct rest;

struct session {
  struct party *party;
  struct seal_pk peer;
  unsigned member;         /* index */
  char code[2];            /* of the member */
  uint64_t shown;          /* size of the checkpoint that was sent last */
  uint64_t document, note; /* sequences sent last */
  uint64_t note_seen;      /* confirmed last */
  uint64_t stated;         /* of which place on it asked for its own receipts */
  uint64_t stated_at;      /* and below which there are none */
  uint64_t credit_count, credit_bytes;
  struct pace pace; /* of its line */
  struct flight *flights; /* ascending by leaf */
  size_t flight_count, flight_cap;
  uint64_t flight_bytes;
  struct flight_window window;
  uint64_t cursor[STORE_RANKS];      /* rows below are in flight, held or done with */
  uint64_t held_cursor[STORE_RANKS]; /* held rows below were looked at since the rules changed */
  uint64_t rows_end;                 /* no row of it has this leaf or a higher one */
  struct wanted want[SESSION_WANTS];
  size_t want_count;
  uint64_t echoed;     /* size of the newest checkpoint that it showed us as seen, and is part of our log */
  struct hash echoed_root;
  uint64_t called;     /* size of the checkpoint whose cosignature it was asked for */
  int64_t heard, sent; /* monotonic */
  unsigned work;       /* enum session_work */
  uint64_t round;      /* of pump.c, in which it was served last */
  struct answer *answers, **answers_end;
  struct rest *rest; /* of its Submit that is being taken in; NULL: none */
  struct session *next, **link;
};

/* The session on this connection; NULL: none. */
struct session *session_of(const struct hub *hub, const struct seal_pk *peer);
struct session *session_first(const struct hub *hub);

/* A node greets: its session begins, in place of one it had, and Welcome is sent; or it is turned away. */
enum tg_err session_hello(struct hub *hub, const struct seal_pk *peer, struct party *party,
                          const Tg__Hello *hello);
/* Ends it, logged with the reason. say: Goodbye goes out. cut: its connections are closed too. */
enum session_end { END_QUIETLY = 0, END_SAY = 1, END_CUT = 2 };
enum tg_err session_close(struct hub *hub, struct session *s, enum reason reason, unsigned how);
/* Goodbye to a peer without a session. */
enum tg_err session_turn_away(struct hub *hub, const struct seal_pk *peer, enum reason reason,
                              const char *detail);
/* Ends sessions whose right has gone, and tells the front who may connect. */
enum tg_err sessions_review(struct hub *hub);
/* Is the log's checkpoint that a node shows a part of our log? Then the reason is REASON_NONE. REASON_SIGNATURE: it
   is no checkpoint of ours; REASON_CONFLICT: a fork, and the alarm is given. *ret_size is its size, 0 when it is none of ours. */
enum tg_err session_compare(struct hub *hub, struct party *party, struct slice note, uint64_t *ret_size,
                            enum reason *ret_reason);
/* Do bodies fill its slow line, and was it sent a checkpoint for its own sake not long ago? */
bool session_is_occupied(const struct hub *hub, const struct session *s);
/* The newest checkpoint, and that we live. */
enum tg_err session_tick(struct hub *hub, struct session *s);
/* Ticks, and ends the silent. */
enum tg_err sessions_tick(struct hub *hub);
/* Frees them all, as a crash would. */
void sessions_forget(struct hub *hub);
enum tg_err sessions_close_all(struct hub *hub, enum reason reason, unsigned how);
/* Marks work for every session. */
void sessions_wake(struct hub *hub, unsigned work);
/* The rules changed: everything held is to be looked at again. */
void sessions_reconsider(struct hub *hub);

/* Orders a frame. It goes when the turn is on the disk. */
enum tg_err session_send(struct hub *hub, struct session *s, enum frame_type type,
                         const ProtobufCMessage *message);
/* May content go out on its line now? If not, the hub wakes when it may. */
bool session_may_send(struct hub *hub, const struct session *s);
/* The signed checkpoint and the proof from the one shown before, for a frame that is sent next; in
   hub->reply. Both empty while nothing is signed. */
enum tg_err session_chain(struct hub *hub, struct session *s, ProtobufCBinaryData *ret_note,
                          ProtobufCBinaryData *ret_proof);

/* One more malformed or forged item: tells, and ends the session when it is one too many. */
enum tg_err session_strike(struct hub *hub, struct party *party, const struct seal_pk *peer,
                           const struct tg_why *why);

#endif
