/* What the files of the pair share. */
#ifndef TOGUNA_TESTS_KIT_PAIR_INSIDE_H
#define TOGUNA_TESTS_KIT_PAIR_INSIDE_H

#include "tests/kit/pair.h"

#include "audit/signing.h"
#include "broker/hub.h"

/* Programs at a node: the one that is always there, and one that comes, asks and goes. */
enum { PAIR_CLIENT = 1, PAIR_VISITOR = 2 };
enum { PAIR_TOLD = 64, PAIR_HUBS = 3 };

/* Frames on their way: u32 length, bytes. */
struct queue {
  struct buf bytes;
};

/* What was told, and how often. */
struct told {
  char name[40];
  unsigned times;
};

/* A hub and its signer. */
struct site {
  struct pair *pair;
  const struct secret_key *log;
  struct seal_pk transport;
  struct hub *hub;
  struct signing_state signer;
  struct hub_config config;
  struct buf to_sign;
  bool sign;
  int64_t wake;
  struct seal_pk allowed[64];
  size_t n_allowed;
};

struct place {
  struct pair *pair;
  struct kit_node *kit;
  struct node_config config;
  struct node_secrets secrets;
  struct node_core *core; /* NULL: not running */
  char path[160];
  bool plugged, up;
  struct site *wanted, *with;                 /* the hub that it wants; that it is connected to, while up */
  bool cut_off[PAIR_HUBS];                    /* from this hub alone */
  char endpoint[ENDPOINT_MAX + 1]; /* where it wants to connect, or did last */
  int64_t wake;
  tg_time ahead; /* its clock */
  struct queue to_hub, from_hub, to_program, to_visitor; /* visitor: a program that comes, asks and goes */
  struct badline *line; /* between it and the hub, borrowed; NULL: none, everything arrives at once */
  struct buf hooked;
  pair_filter *filter, *uplink;
  void *context, *uplink_context;
  struct told told[PAIR_TOLD];
  size_t n_told;
  unsigned evidence, alarms;
  struct buf proof; /* the last of it */
  uint64_t request;
};

struct pair {
  struct kit *kit;
  struct site hub[PAIR_HUBS];
  size_t n_hubs;
  tg_time wall, ahead; /* ahead: the hubs' clock */
  int64_t mono;
  struct place place[KIT_MEMBERS];
  char folder[64];
  struct arena *arena;
};

/* Ends the process, saying what failed, unless ok. */
void pair_need(bool ok, const char *what, const struct tg_why *why);

void pair_push(struct queue *q, struct slice frame);
/* Everything that waits, out of the queue; the caller frees it. */
struct buf pair_pull(struct queue *q);
/* The next frame out of what pair_pull() gave. */
bool pair_next(struct slice *all, struct slice *ret);

/* The end of a hub's turn, with what it wants signed. */
void pair_hub_turn(struct site *s);
/* The node hears what time it is; and the end of its turn. */
void pair_tell_time(struct place *at);
void pair_turn(struct place *at);

#endif
