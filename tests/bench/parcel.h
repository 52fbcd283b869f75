/* What the load generator of W7 says: the identities of an exchange's nodes, read from the key files they were given, and frames of bulletins that were
   sealed and signed before anything is measured. */
#ifndef TOGUNA_BENCH_PARCEL_H
#define TOGUNA_BENCH_PARCEL_H

#include "keys/charter.h"
#include "keys/secret.h"
#include "proto/bulletin.h"
#include "tests/bench/stand.h"

/* One node of the stand, as far as the hub can tell. */
struct identity {
  char member[3];
  struct secret_key *node, *transport;
  struct seal_pk sealing; /* nobody ever opens what is sealed to it */
};

struct parcels {
  struct charter *charter;
  struct hash exchange;
  const struct charter_hub *hub; /* of the charter */
  struct identity who[STAND_NODES]; /* 0 publishes, the others read */
  size_t n;
  struct hash policy;       /* of the publisher's state */
  /* The bulletins: number i + 1 of the publisher is record i. */
  uint64_t count;
  struct hash *id;
  struct buf *body;         /* sealed */
  size_t *index;            /* by the beginning of the id: 1 + record, 0: free */
  size_t index_size;        /* a power of two */
  size_t batch;             /* bulletins of a frame */
  struct buf *frame;        /* Submit frames, in order */
  size_t frames;
  double seal_us;           /* what sealing took, per bulletin */
};

/* Everything for `count` bulletins of `size` bytes to all but the first node of the stand. False, and something was said, when not. */
bool parcels_make(const struct stand *s, uint64_t count, uint64_t size, struct parcels *ret);
void parcels_free(struct parcels *p);
/* Bytes of all frames. */
double parcels_bytes(const struct parcels *p);
/* The record of an id; p->count when there is none. */
uint64_t parcels_find(const struct parcels *p, const struct hash *id);

#endif
