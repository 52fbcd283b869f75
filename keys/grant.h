/* toguna/grant v1: the originator lets others have a bulletin (release on request, ORCON). Signed by an officer with role
   release of the originating member. */
#ifndef TOGUNA_KEYS_GRANT_H
#define TOGUNA_KEYS_GRANT_H

#include "keys/document.h"

enum { GRANT_TO_MAX = 64 };

struct grant {
  char exchange[EXCHANGE_NAME_MAX + 1];
  struct country member; /* who grants: must be the bulletin's originator, which the user of a grant checks */
  uint64_t serial;       /* per member, never used twice */
  struct hash bulletin;  /* bulletin id */
  tg_time issued;        /* blocs in `to` are read as they stood then */
  tg_time until;
  size_t n_to;
  char to[GRANT_TO_MAX][BLOC_MAX + 1]; /* country codes and bloc names */
};

/* The signed text of a note; file names it in sentences. TG_BAD_INPUT, TG_UNKNOWN (another version). grant_print appends a text that parses back to the same. */
enum tg_err grant_parse(struct slice text, const char *file, struct grant *ret, struct tg_why *why);
void grant_print(const struct grant *g, struct buf *out);

#endif
