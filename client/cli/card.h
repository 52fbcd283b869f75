/* Cards: the public face of somebody who holds keys, as a small text that anybody may see. A member's or
   hub's card goes to whoever drafts the charter; a node's or officer's card goes to its root, to be vouched
   for. A card is not signed and proves nothing: whoever uses one compares its fingerprint with its owner,
   over the telephone or face to face.

     toguna/card v1
     exchange sahel.example
     member ML sahel.example/ML+0a1b2c3d+AY...          (the line as it will stand in the charter)
     hub dakar host SN transport ... log ... endpoint ...                             (likewise)
     holder ML/dgse/n1, role, identity, transport, witness, receives                  (as in a credential) */
#ifndef TOGUNA_CLI_CARD_H
#define TOGUNA_CLI_CARD_H

#include "keys/credential.h"

enum card_kind { CARD_MEMBER = 1, CARD_HUB, CARD_HOLDER };

struct card {
  enum card_kind kind;
  char exchange[EXCHANGE_NAME_MAX + 1];
  char name[HOLDER_MAX + 1]; /* "ML", "dakar", "ML/dgse/n1" */
  char *line;                /* member and hub: the charter's line, with its newline */
  struct credential holder;  /* CARD_HOLDER: without serial and times */
};

/* Strict: one card and nothing else; file names it in sentences. ret is to be freed after TG_OK. TG_BAD_INPUT. */
enum tg_err card_parse(struct slice text, const char *file, struct card *ret, struct tg_why *why);
/* From a file; "-" is standard input. */
enum tg_err card_read(const char *path, struct card *ret, struct tg_why *why);
void card_free(struct card *c);
/* Appends its text, which parses back to the same. */
void card_print(const struct card *c, struct buf *out);

/* What people compare: "3f2a 91bc 07de 5512", of everything the card says. */
enum { CARD_FINGERPRINT = 20 };
void card_fingerprint(const struct card *c, char out[CARD_FINGERPRINT]);

/* "ML.card", "ML-dgse-n1.card": the name of a file for this card, or, with another ending, for what is made
 * of it. */
enum tg_err card_file(char out[128], const char *name, const char *ending);

#endif
