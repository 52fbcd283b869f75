/* How many must agree, per camp: "2 of AES and 4 of ECOWAS", "3 of members", "all of members". */
#ifndef TOGUNA_KEYS_QUORUM_H
#define TOGUNA_KEYS_QUORUM_H

#include "keys/name.h"

enum { QUORUM_TERMS_MAX = 8 };

/* All terms must hold. n == 0 never holds: a quorum that says nothing agrees to nothing. */
struct quorum {
  size_t n;
  struct quorum_term {
    uint32_t count;          /* 0 stands for "all" */
    char group[BLOC_MAX + 1]; /* a bloc's name, or "members" */
  } term[QUORUM_TERMS_MAX];
};

/* "2 of AES and 4 of ECOWAS" into out, for people; returns the length. */
size_t quorum_print(const struct quorum *q, char out[QUORUM_TERMS_MAX * 52]);

#endif
