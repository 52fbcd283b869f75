/* Notes in files and folders, verified: a directory as a node would have it, made of what lies there. */
#ifndef TOGUNA_CLI_FOLIO_H
#define TOGUNA_CLI_FOLIO_H

#include "keys/directory.h"

enum { FOLIO_MAX = 4096 };

/* One file. */
struct sheet {
  char *path;
  struct buf bytes;
  enum document_kind kind;
  struct hash hash;  /* of the text */
  bool taken;        /* the directory has it, or a newer one */
  struct tg_why why; /* when not */
};

struct folio {
  struct directory *directory;
  size_t n;
  struct sheet *sheet; /* in the order of the paths; folders by name */
};

/* Reads each path: a note, or all *.note of a folder. The founding charter must be among them; whether it is
   the right one is for people to compare (its hash is the exchange). Documents that do not verify stay in the
   list, not taken; with `strict` they are the failure. TG_NOT_FOUND: no founding charter. */
enum tg_err folio_read(char *const *paths, size_t n, bool strict, tg_time now, struct folio **ret,
                       struct tg_why *why);
/* The same of what a node knows: all notes that it verified. socket NULL: as every command finds its node. */
struct call;
enum tg_err folio_fetch(struct call *call, const char *socket, tg_time now, struct folio **ret, struct tg_why *why);
void folio_free(struct folio *f);

#endif
