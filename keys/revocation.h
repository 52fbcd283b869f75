/* toguna/revocation v1: a credential, or every credential of a key, ends now and for ever. Signed by the member's root or
   by the charter's quorum. */
#ifndef TOGUNA_KEYS_REVOCATION_H
#define TOGUNA_KEYS_REVOCATION_H

#include "keys/document.h"

struct revocation {
  char exchange[EXCHANGE_NAME_MAX + 1];
  struct country member; /* whose credential */
  uint64_t serial;       /* a number for people; revocations are never refused for their order */
  bool by_key;           /* what is revoked: `key`, else `credential` */
  struct hash credential;
  struct sign_pk key;
  char reason[128]; /* may be empty; one line of visible text */
};

/* As grant_parse() and grant_print(). */
enum tg_err revocation_parse(struct slice text, const char *file, struct revocation *ret, struct tg_why *why);
void revocation_print(const struct revocation *r, struct buf *out);

#endif
