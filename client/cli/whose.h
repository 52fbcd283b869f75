/* Whose log something must be of: the key that signs it, named by a charter or stated itself; and by whose
   cosignatures it counts as settled. */
#ifndef TOGUNA_CLI_WHOSE_H
#define TOGUNA_CLI_WHOSE_H

#include "audit/checkpoint.h"
#include "client/cli/folio.h"
#include "os/options.h"

/* The options, for a structure with `char *charter, *key`. */
#define WHOSE_OPTIONS(type)                                                                                  \
  {"charter",                                                                                                \
   'c',                                                                                                      \
   OPTION_ONE,                                                                                               \
   VALUE_PATH,                                                                                               \
   offsetof(type, charter),                                                                                  \
   {0},                                                                                                      \
   N_("NOTE|FOLDER"),                                                                                        \
   N_("The charter that names the hub and its log's key, alone or in a folder of documents.")},              \
  {                                                                                                          \
    "key", 'k', OPTION_ONE, VALUE_TEXT, offsetof(type, key), {.max = NOTE_VKEY_MAX}, N_("VKEY"),             \
        N_("The log's key itself, as name+id+key.")                                                          \
  }

struct whose {
  struct note_key log;
  struct folio *folio; /* NULL: only the key was stated */
};

/* The key of the log with this name, by one of charter and key (TG_USAGE otherwise). name: bytes from a foreign
   file, for finding the key and not to be believed. TG_NOT_FOUND: no hub of the charter has it. */
enum tg_err whose_read(char *charter, const char *key, struct slice name, struct whose *ret,
                       struct tg_why *why);
/* The same by the documents that a node holds: nobody else vouches for the charter, which is to be said. socket NULL: as every command finds its node. */
struct call;
enum tg_err whose_fetch(struct call *call, const char *socket, struct slice name, struct whose *ret, struct tg_why *why);
void whose_free(struct whose *w);

/* The first line of a checkpoint. */
struct slice whose_origin(struct slice note);

enum { WHOSE_WITNESSES = 512 };
/* What cosignatures say of a checkpoint. */
struct whose_settled {
  bool known; /* the charter and its quorum are known; else nothing below counts */
  bool settled;
  tg_time time;       /* latest among those that count */
  size_t n, foreign;  /* cosignatures by witnesses of the exchange; by keys that no document vouches for */
  struct {
    char name[HOLDER_MAX + 1];
    tg_time time;
  } by[WHOSE_WITNESSES];
  struct tg_why lacks; /* when not settled */
};

/* Who cosigned this note, whose log's signature was verified, and is that enough? A witness counts if its credential was
   good at the time that it states. TG_BAD_SIGNATURE: a cosignature is false, and `why` names whose. */
enum tg_err whose_settles(const struct whose *w, const struct note *note, tg_time now, struct whose_settled *ret,
                          struct tg_why *why);

#endif
