/* A hub in memory with scripted nodes around it, for stories: every turn is the test's, every frame is looked
   at as a careful node would. What breaks the protocol (a proof, a chain, a seal) fails the test where it
   happens. */
#ifndef TOGUNA_TESTS_BROKER_STAGE_H
#define TOGUNA_TESTS_BROKER_STAGE_H

#include "audit/checkpoint.h"
#include "audit/entry.h"
#include "audit/signing.h"
#include "broker/hub.h"
#include "proto/bulletin.h"
#include "proto/frame.h"
#include "proto/receipt.h"
#include "tests/kit/exchange.h"
#include "tests/proto/bodies.h"

enum { STAGE_NODES = 8, STAGE_KEPT = 512 };

/* An outcome as a node got it, proven. */
struct got_outcome {
  struct hash id;
  bool accepted;
  enum reason reason;
  char detail[ENTRY_DETAIL_MAX + 1];
  uint64_t leaf;
};
struct got_delivery {
  struct hash id;
  uint64_t queue, number; /* number: of the wrap */
  enum precedence precedence;
  enum kind kind;
  size_t inline_bodies;
  size_t named, approvals; /* names in the release list of the lowest portion, as it was shown: 0, its audience is blind */
  struct body_key key; /* of the lowest portion */
  struct body_seal seal;
};
struct got_note {
  uint64_t sequence;
  enum receipt_event event;
  struct hash bulletin;
};

struct stage;

/* A node that does as told. Counters are of everything it got since actor_forget(). */
struct actor {
  struct stage *stage;
  const struct kit_node *kit;
  size_t member;
  bool open;
  uint8_t session[16];
  struct checkpoint_seen {
    uint64_t size;
    struct hash root;
    uint8_t note[1024];
    size_t note_n;
  } seen;
  bool lied_to;            /* what it saw is no part of the log: the hub's next proof must show that */
  size_t answers;          /* Ticks that answered a question about what another node saw: */
  struct merkle_path other_path;
  uint64_t document_cursor, note_cursor, number, serial, max_inline, last_number;
  uint64_t credit_count, credit_bytes; /* granted with Hello */
  struct seal_pk sealing;
  uint8_t sealing_secret[32];
  uint64_t sent_to[STAGE_NODES]; /* running numbers */
  struct hash last_to[STAGE_NODES];
  const struct actor *summary; /* who is given the first portion only of what it publishes; or NULL */
  struct wrap_sender *sender;
  struct batch_verifier *verifier;
  struct wrap_opener *opener;
  size_t outcomes, deliveries, notes, documents, document_outcomes, wants, wanted, chunks, ticks, seen_serials,
      frames;
  size_t logged; /* answers about its own receipts; and how far the last one reaches */
  uint64_t logged_upto;
  struct got_outcome outcome[STAGE_KEPT];
  struct got_delivery delivery[STAGE_KEPT];
  struct got_note note[STAGE_KEPT];
  enum reason document_outcome[STAGE_KEPT];
  uint64_t want_chunk,
      want_end; /* the window that the hub asked for: the next chunk to send, and where it ends */
  struct hash want_id;
  uint32_t want_handle;
  uint64_t chunk_number;
  struct buf body;     /* chunks that came, in order */
  enum reason goodbye; /* REASON_NONE: none */
};

struct stage {
  struct kit *kit;
  struct hub_config config;
  struct hub *hub;
  struct hub_now now;
  struct arena *arena; /* of the frame at hand */
  struct arena *said;  /* of all that nodes said */
  char folder[64], database[96], bodies[96];
  const char *vfs; /* of the store, from the next restart on; NULL: the system's */
  struct signing_state signer;
  struct buf signed_note;
  bool ask_pending, slow_signer; /* slow: it has not answered yet */
  struct buf ask;
  size_t actors, allowed, cuts, alarms;
  struct tg_why why; /* of the last start, should it have failed */
  char error[64]; /* the last one that the operator was told; empty: none */
  struct actor actor[STAGE_NODES];
};

/* n members with one node each, a hub that has all their documents, every node connected and with sealing
 * keys. */
struct stage *stage_new(size_t n, void (*tune)(struct charter *));
void stage_free(struct stage *s);
/* cmocka's set-up and tear-down of a test whose state is a stage of three. */
int stage_three(void **state);
int stage_gone(void **state);
/* Turns until nothing happens any more. */
void stage_settle(struct stage *s);
/* Lets time pass, one second at a turn. */
void stage_pass(struct stage *s, int64_t ms);
/* One turn. */
void stage_turn(struct stage *s);
/* Its end alone. */
enum tg_err stage_commit(struct stage *s);
/* Starts the hub from what is on the disk, without a commit before: as a crash does. Nodes must connect
 * again. */
enum tg_err stage_restart(struct stage *s);
/* To an empty store through this SQLite VFS (NULL: the system's): the exchange is founded once more, all connected. */
void stage_move(struct stage *s, const char *vfs);
/* A further node of a member, not connected and without sealing keys. */
struct actor *stage_actor(struct stage *s, size_t member, size_t node);
/* Hands the hub a document as the operator does. */
enum tg_err stage_document(struct stage *s, const struct buf *note);
/* A number of the hub's figures, by its name there; the test fails if there is none. */
uint64_t stage_count(struct stage *s, const char *name);

void actor_hello(struct actor *a);
void actor_frame(struct actor *a, enum frame_type type, const ProtobufCMessage *message);
void actor_raw(struct actor *a, const void *p, size_t n);
void actor_forget(struct actor *a);
/* Outcome i came, and says this; REASON_NONE: accepted. */
void actor_expect(const struct actor *a, size_t i, enum reason reason);
/* Announces its sealing key. */
void actor_sealing_keys(struct actor *a);
void actor_bring(struct actor *a, const struct buf *note);
/* Says, in a Tick, what it saw last, cosigned with this key. */
void actor_cosign(struct actor *a, const struct secret_key *key);

/* What is published; zero means the default in parentheses. */
struct story {
  const char *to;             /* release list ("*": every member but the originator's; or one agency, "BF/ops") */
  const char *wraps;          /* members to seal to, if not those of `to` */
  const char *topic;          /* (alert.test) */
  enum precedence precedence; /* (ROUTINE) */
  enum kind kind;             /* (report) */
  uint8_t level;              /* (RESTRICTED) */
  uint32_t caveats;
  struct hash supersedes, source;
  struct slice content; /* (a sentence) */
  tg_time lifetime;     /* (7 days) */
  uint64_t number;      /* (the next) */
  bool apart;           /* the body does not come inline */
  const struct secret_key *const *officers; /* who approve it now; ended by NULL */
  const struct approval *approvals;         /* and approvals as they are */
  size_t approval_count;
};
/* A bulletin that was sealed and signed, ready to be submitted any number of times. */
struct sealed {
  struct hash id;
  Tg__Submission *message; /* lives as long as the stage */
  struct sealed_body body;
};
struct sealed actor_seal(struct actor *a, struct story story);
/* The same with n portions, each to all of `to`, with bodies of so many bytes inside, the last of `last`. Its body is not kept. */
struct sealed actor_seal_portions(struct actor *a, const char *to, size_t n, size_t bytes, size_t last);
void actor_submit(struct actor *a, const struct sealed *b);
/* Signs the header once more, after it was changed. */
void actor_sign(struct actor *a, Tg__Submission *m);
/* Seals and submits; the id. */
struct hash actor_publish(struct actor *a, struct story story);
void actor_chunk(struct actor *a, const struct sealed *b, uint64_t chunk);
/* By the handle of a Want; named: by its id as well, which is wrong. */
void actor_chunk_by(struct actor *a, const struct sealed *b, uint64_t chunk, uint32_t handle, bool named);
void actor_want(struct actor *a, const struct hash *id, uint64_t chunk, uint64_t count);
/* A receipt for delivery i, which is done with, and its credit back. */
void actor_receive(struct actor *a, size_t i, enum receipt_event event);
/* The same for deliveries from … to - 1, in one frame under one signature. */
void actor_receive_all(struct actor *a, size_t from, size_t to, enum receipt_event event);

#endif
