/* Names of exchanges and of those who hold keys in them. */
#ifndef TOGUNA_KEYS_NAME_H
#define TOGUNA_KEYS_NAME_H

#include "keys/country.h"

enum {
  EXCHANGE_NAME_MAX = 63,
  LABEL_MAX = 31,  /* one part of a holder's name */
  HOLDER_MAX = 67, /* CC/label/label */
  BLOC_MAX = 31,
};

/* exchange: lower-case letters, digits, '-' and '.', as a host name: "sahel.example". */
bool exchange_name_valid(struct slice s);
/* label: lower-case letters, digits and '-', beginning with a letter or digit: "dgse". */
bool label_valid(struct slice s);
/* bloc: 3 to 31 capital letters, digits or '-', beginning with a letter, so that it is never a country code: "AES". */
bool bloc_name_valid(struct slice s);

/* A holder of a key: member "ML", agency "ML/dgse" (or an officer "ML/policy-1"), node "ML/dgse/n1". */
struct holder {
  struct country member;
  char agency[LABEL_MAX + 1]; /* second part, or empty */
  char node[LABEL_MAX + 1];   /* third part, or empty */
};

/* TG_BAD_INPUT for anything else, also for an unassigned country code. */
enum tg_err holder_parse(struct slice s, struct holder *ret);
/* "ML/dgse/n1" into out; always terminated. */
void holder_print(const struct holder *h, char out[HOLDER_MAX + 1]);

#endif
