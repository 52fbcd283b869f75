/* What the files of the pair share. */
#ifndef TOGUNA_TESTS_KIT_PAIR_INSIDE_H
#define TOGUNA_TESTS_KIT_PAIR_INSIDE_H

#include "tests/kit/pair.h"

#include "audit/signing.h"
#include "broker/hub.h"

/* Programs at a node: the one that is always there, and one that comes, asks and goes. */
enum { PAIR_CLIENT = 1, PAIR_VISITOR = 2 };
enum { PAIR_TOLD = 64 };

/* Frames on their way: u32 length, bytes. */
struct queue {
  struct buf bytes;
};

/* What was told, and how often. */
struct told {
  char name[40];
  unsigned times;
};

struct place {
  struct pair *pair;
  struct kit_node *kit;
  struct node_config config;
  struct node_secrets secrets;
  struct node_core *core; /* NULL: not running */
  char path[160];
  bool plugged, wanted, up;
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
  struct hub *hub;
  struct signing_state signer;
  struct hub_config config;
  struct buf to_sign;
  bool sign;
  tg_time wall, ahead; /* ahead: the hub's clock */
  int64_t mono, hub_wake;
  struct seal_pk allowed[64];
  size_t n_allowed;
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

void pair_start_hub(struct pair *p);
/* The end of the hub's turn, with what it wants signed. */
void pair_hub_turn(struct pair *p);
/* The node hears what time it is; and the end of its turn. */
void pair_tell_time(struct place *at);
void pair_turn(struct place *at);

#endif
