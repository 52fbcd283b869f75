/* The exchange that most tests of whole nodes begin with: one hub, three members, a node each. Each function with `state` fits cmocka's
   set-up or takes what it was given. */
#ifndef TOGUNA_TESTS_CLIENT_NODE_WORLD_H
#define TOGUNA_TESTS_CLIENT_NODE_WORLD_H

#include "tests/client/node/look.h"

enum { WORLD_MEMBERS = 3 };
#define WORLD_FOUNDED ((tg_time)1796083200000) /* 2026-12-01T00:00:00Z */

struct world {
  struct kit *kit;
  struct pair *pair;
};

/* Set-ups: no node runs yet; the same, and two must cosign what is settled; every node runs. */
int world_new(void **state);
int world_witnessed(void **state);
int world_started(void **state);
int world_free(void **state);

/* Starts every node; documents and sealing keys go round. Its pair. */
struct pair *world_start(struct world *w);
struct pair *world_pair(void **state);
/* A power cut, and the node comes back; everything settles. */
void world_restart(struct pair *p, size_t member);
/* The line breaks, and comes again; a minute passes. */
void world_reconnect(struct pair *p, size_t member);
/* ML says this to these members ("BF,NE"); must be taken. The id. */
struct hash world_publish(struct pair *p, const char *to, const char *text);
/* BF's program acknowledges it. */
void world_acknowledge(struct pair *p, const struct hash *id);
/* The node dies, its store is altered behind its back by this statement, which must hit something, and it comes back. */
void world_alter(struct pair *p, size_t member, const char *statement);

#endif
