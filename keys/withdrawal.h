/* toguna/withdrawal v1: a member leaves by its own root's signature alone. It stays out until a charter version above the
   one named carries its own root's signature again. */
#ifndef TOGUNA_KEYS_WITHDRAWAL_H
#define TOGUNA_KEYS_WITHDRAWAL_H

#include "keys/document.h"

struct withdrawal {
  char exchange[EXCHANGE_NAME_MAX + 1];
  struct country member;
  uint64_t charter; /* the charter version it leaves, and every later one that it does not sign itself */
  tg_time effective;
};

/* As grant_parse() and grant_print(). */
enum tg_err withdrawal_parse(struct slice text, const char *file, struct withdrawal *ret, struct tg_why *why);
void withdrawal_print(const struct withdrawal *w, struct buf *out);

#endif
