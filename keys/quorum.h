/* How many must agree, per camp: "2 of AES and 4 of ECOWAS", "3 of members", "all of members". */
#ifndef TOGUNA_KEYS_QUORUM_H
#define TOGUNA_KEYS_QUORUM_H

#include "keys/document.h"

enum { QUORUM_TERMS_MAX = 8, QUORUM_TEXT = QUORUM_TERMS_MAX * 56 };

/* All terms must hold. n == 0 never holds: a quorum that says nothing agrees to nothing. */
struct quorum {
  size_t n;
  struct quorum_term {
    uint32_t count;          /* 0 stands for "all" */
    char group[BLOC_MAX + 1]; /* a bloc's name, or "members" */
  } term[QUORUM_TERMS_MAX];
};

/* Reads all words of a line as a quorum. TG_BAD_INPUT with its place. Whether the groups exist is the charter's question. */
enum tg_err quorum_parse(const struct document *d, const struct line *l, struct quorum *ret, struct tg_why *why);
/* "2 of AES and 4 of ECOWAS" into out, for people; returns the length. */
size_t quorum_print(const struct quorum *q, char out[QUORUM_TEXT]);

#endif
