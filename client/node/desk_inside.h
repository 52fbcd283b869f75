/* What the files of the desk share: desk.c, desk_news.c, request.c. */
#ifndef TOGUNA_CLIENT_NODE_DESK_INSIDE_H
#define TOGUNA_CLIENT_NODE_DESK_INSIDE_H

#include "client/node/request.h"

/* Life: joined → greeted (LHello) → gone. Invariants: a free slot of `request` has no kind, and 0 in `number`; slots from n_slots on were
   never used. */
struct desk_client {
  uint64_t id;
  uint32_t uid;
  unsigned roles;
  bool greeted;
  bool full;   /* it reads more slowly than we produce */
  bool closed; /* the last word is said; freed at the end of the event */
  size_t budget;
  char program[65];
  size_t n_slots;
  uint64_t number[DESK_REQUESTS_MAX];
  struct request *request[DESK_REQUESTS_MAX]; /* made when first used, freed with the client */
};

/* n_waiting: requests with `waiting` set. stirred: a folder has a new bulletin that followers have not looked for. */
struct desk {
  size_t n, n_waiting;
  bool stirred;
  struct desk_client *client[DESK_CLIENTS_MAX];
};

/* NULL: it has gone. */
struct desk_client *desk_find(const struct node_core *core, uint64_t id);
/* Its request of this number that is under way; NULL: none. */
struct request *desk_find_request(struct desk_client *c, uint64_t number);
/* Frees a request whose last answer was given. */
enum tg_err desk_settle(struct node_core *core, struct request *r);
/* One frame to the program; what is beyond a frame's limits becomes an LError. */
enum tg_err desk_send(struct node_core *core, struct desk_client *c, enum local_type type, const ProtobufCMessage *message);
enum tg_err desk_send_error(struct node_core *core, struct desk_client *c, uint64_t request, const struct tg_why *why);

#endif
