/* The exchange of world.h with up to three hubs, each with a log of its own, and what stories of it share. */
#ifndef TOGUNA_TESTS_CLIENT_NODE_HUBS_H
#define TOGUNA_TESTS_CLIENT_NODE_HUBS_H

#include "tests/client/node/world.h"

enum { FIRST, SECOND, THIRD };
#define HUBS_FIRST "tcp://127.0.0.1:7400"
#define HUBS_SECOND "tcp://127.0.0.1:7500"

/* Set-ups: the charter names the first; two; three. All are there, and every node runs. */
int hubs_one(void **state);
int hubs_two(void **state);
int hubs_two_cosigned(void **state); /* and a checkpoint is settled when the nodes of two members have cosigned it */
int hubs_three(void **state);
int hubs_free(void **state);
/* For kit_next_charter(): the second in place of the first. */
void hubs_second_alone(struct charter *c);
void hubs_both(struct charter *c); /* the second beside the first */
void hubs_second_of_two(struct charter *c); /* of a charter that named both */

/* Everybody is with this hub, and the other of the two cannot be reached. */
void hubs_move_to(struct pair *p, size_t hub);
/* Until it tries to connect there, for half an hour at most. */
void hubs_until_it_tries(struct pair *p, size_t member, const char *endpoint);
/* Neither of the two hubs was told anything that it took for forged. */
void hubs_no_strikes(struct pair *p);

enum frame_type hubs_type(const struct buf *frame, enum frame_direction direction);

/* For pair_set_uplink() and pair_set_filter(). */
bool hubs_no_receipts(void *context, struct buf *frame);
/* The last chunk of a body is kept from it. */
struct hubs_last_chunk {
  unsigned seen, withheld; /* withheld: which; 0: none */
  struct buf frame;
};
bool hubs_but_the_last_chunk(void *context, struct buf *frame);
/* Chunks are kept from it, and with `deliveries` what is delivered: here it is. */
struct hubs_held {
  bool deliveries;
  struct buf frame;
};
bool hubs_no_chunks(void *context, struct buf *frame);

#endif
