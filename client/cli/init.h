/* What toguna init makes: folders of a member, a hub, a node, each whole or not at all. */
#ifndef TOGUNA_CLI_INIT_H
#define TOGUNA_CLI_INIT_H

#include "client/cli/box.h"
#include "client/cli/card.h"
#include "client/cli/folio.h"

/* How keys are made and for how long they are vouched for. */
struct making {
  const struct secret *passphrase;
  unsigned kdf; /* index into box_kdf_names */
  tg_time now, until;
};
enum { INIT_YEAR = 365 };

/* root.key, CC.card, officers/NAME.key, documents/CC-NAME.note: officers given as "NAME:ROLE", already
   vouched for. folder exists and is empty. */
enum tg_err init_member(const struct making *m, const char *folder, const char *exchange, struct country code,
                        char *const *officers, size_t n_officers, struct tg_why *why);
extern char *const INIT_OFFICERS[]; /* two for policies, one for releases, one for security */
enum { INIT_N_OFFICERS = 4 };

/* transport.key, log.key, NAME.card. */
struct hub_plan {
  const char *exchange, *name;
  struct country host;
  char *const *endpoints;
  size_t n_endpoints;
};
enum tg_err init_hub(const struct making *m, const char *folder, const struct hub_plan *plan,
                     struct tg_why *why);
/* hub.conf and documents/ beside the keys, once the charter is signed. The hub is the one of the charter that
   has these keys. listen: NULL for every address with the port of the first endpoint. passphrase_file: NULL:
   asked at start. */
enum tg_err init_hub_configure(const char *folder, const struct folio *folio, char *const *listen,
                               size_t n_listen, const char *passphrase_file, struct tg_why *why);

/* node.key, transport.key, witness.key, node.conf, documents/ and CC-AGENCY-NODE.card. */
struct node_plan {
  struct holder holder;
  bool silent;        /* what is addressed to the member as a whole does not go here */
  const char *socket; /* NULL: node.sock in the folder */
  char *const *hubs;  /* "NAME" or "NAME ENDPOINT"; none: all of the charter */
  size_t n_hubs;
  const char *passphrase_file;
  const struct secret_key *root; /* NULL: the card has to be sent to who has it */
};
enum tg_err init_node(const struct making *m, const char *folder, const struct folio *folio,
                      const struct node_plan *plan, struct tg_why *why);

/* A root vouches for the holder of a card: the signed note, appended. Good from five minutes before `from`.
 */
enum tg_err init_vouch(const struct secret_key *root, const struct card *card, uint64_t serial, tg_time from,
                       tg_time until, struct buf *out, struct tg_why *why);
/* A serial that nobody has to remember: the seconds since 1970, so that later documents have higher ones. */
uint64_t init_serial(tg_time now);

/* A credential's note and the hash of its text; who signed it is not checked. */
enum tg_err init_credential_read(const char *path, struct credential *ret, struct hash *ret_hash,
                                 struct tg_why *why);

/* The card, written to folder/NAME.card. */
enum tg_err init_card_write(const char *folder, const struct card *card, struct tg_why *why);
/* "1-charter-9f2c01ab.note": by what a document is, so that putting it into a folder a second time changes
   nothing; charters stand first. */
enum { INIT_DOCUMENT_NAME = 64 };
void init_document_name(enum document_kind kind, const struct hash *hash, char out[INIT_DOCUMENT_NAME]);
/* Copies of the folio's notes in folder/documents. */
enum tg_err init_documents(const char *folder, const struct folio *folio, struct tg_why *why);
/* "9f2c…": the exchange's id, for configuration files. */
void init_exchange_id(const struct folio *folio, char out[65]);
/* A value as configuration files have it: in quotes where needed. */
void init_conf_value(struct buf *out, const char *keyword, const char *value);
/* An absolute path: configuration files outlive the folder somebody stood in. Returns out. */
const char *init_absolute(const char *path, char out[BOX_PATH]);
/* What an option says; where it says nothing and there is a person at a terminal, the answer to the question
   (translated), in `answer`. NULL when there is neither. */
const char *init_ask(const char *given, const char *question, char answer[256]);
/* TG_BAD_INPUT with a sentence when it names no country, with the nearest. */
enum tg_err init_country(const char *text, struct country *ret, struct tg_why *why);
enum tg_err init_holder(const char *text, struct holder *ret, struct tg_why *why);

#endif
