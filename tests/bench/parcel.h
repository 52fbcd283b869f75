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
  /* Over all sessions: serial of its last frame of receipts, sequence of the last receipt it got. */
  uint64_t serial, cursor;
};

/* By which a body is known again. */
struct body_digest {
  uint8_t b[16];
};
struct body_digest body_digest_of(struct slice sealed);

struct parcels {
  struct charter *charter;
  struct hash exchange;
  const struct charter_hub *hub; /* of the charter */
  struct identity who[STAND_NODES]; /* 0 publishes, the others read */
  bool halved;
  size_t batch_most;        /* bulletins of a frame, and */
  uint64_t window;          /* under way to the hub, at most */
  size_t n, readers;        /* nodes that connect; the first is the publisher, `readers` follow, the others only listen */
  struct hash policy;       /* of the publisher's state */
  struct wrap_sender *sender;
  struct hash last;         /* the bulletin before the next */
  /* The bulletins at hand: number first + i + 1 of the publisher is record i. Frames are there for those from `fresh` on. */
  uint64_t first, count, fresh;
  struct hash *id;
  struct body_digest *body;
  size_t *index;            /* by the beginning of the id: 1 + record, 0: free */
  size_t index_size;        /* a power of two */
  size_t batch;             /* bulletins of a frame */
  struct buf *frame;        /* Submit frames, in order */
  size_t frames;
  double seal_us;           /* what sealing took, per bulletin */
};

/* Who they are: all nodes of the stand, and what its hub is. False, and something was said, when not. */
bool parcels_open(const struct stand *s, size_t readers, struct parcels *ret);
/* The next `count` bulletins of `size` bytes, to all readers, in place of those at hand. */
bool parcels_make(struct parcels *p, uint64_t count, uint64_t size);
/* The same, every second without its body: whoever takes it would have to ask for that. */
bool parcels_make_halved(struct parcels *p, uint64_t count, uint64_t size);
/* The same as parcels_make() beside those at hand: of these only what they are known by stays. */
bool parcels_more(struct parcels *p, uint64_t count, uint64_t size);
void parcels_free(struct parcels *p);
/* Bytes of all frames. */
double parcels_bytes(const struct parcels *p);
/* The record of an id; p->count when there is none. */
uint64_t parcels_find(const struct parcels *p, const struct hash *id);

#endif
