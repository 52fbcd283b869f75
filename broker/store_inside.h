/* What the files of the store share; for broker/store*.c alone. */
#ifndef TOGUNA_BROKER_STORE_INSIDE_H
#define TOGUNA_BROKER_STORE_INSIDE_H

#include "broker/store.h"
#include "os/late.h"

enum {
  FILES_OPEN = 8,
  STORE_IDS_LATE = 32768, /* ids of bulletins that os/late.h has in memory, at most, between two commits */
};

/* A body file kept open between chunks. Invariant: dirty implies fd >= 0; chunks counts what was appended, synced or not. */
struct store_file {
  int fd; /* -1: free */
  struct hash id;
  unsigned portion;
  uint64_t chunks;
  uint64_t used; /* by store->clock: the least recently used gives way */
  bool dirty;
};

/* Bulletins of one block of the log that expire, or are forgotten, in one stretch of time (store_term.c). Numbers are for ever. */
enum store_term_kind { TERM_EXPIRES, TERM_FORGOTTEN, STORE_TERMS };
struct store_term {
  bool there;
  uint64_t stretch;
  int64_t block;
  uint64_t first, below; /* leaves of the block */
  bool over;             /* the stretch, at the time that was asked for: all of its have reached their term */
};
enum { TERMS_KNOWN = 32 };

/* Where the search for what has expired is: at this block, since it began at the first. */
struct store_expiry {
  tg_time begun;
  struct store_term at;
};

struct numbers;
struct recent;
struct share_node;

struct store {
  struct db *db;
  struct numbers *numbers;
  struct recent *recent;
  struct late *ids; /* leaves of bulletins by id */
  struct share_node *shares; /* of nodes whose queues were counted by member; store_share.c */
  char *bodies; /* NULL: no large bodies */
  int folder;   /* descriptor of bodies, -1 */
  bool folder_dirty; /* a file was made since the last sync */
  uint64_t clock;
  struct store_file file[FILES_OPEN];
  struct store_term terms[STORE_TERMS][TERMS_KNOWN]; /* rows of table term that are there for certain, by stretch */
  struct store_expiry expiry;
  bool no_old_notes; /* table note is empty, and stays so */
  bool trash; /* rows in table trash may be waiting */
  /* Rows in the tables parked and file: mostly there are none, and nobody need look. */
  struct store_count {
    bool known;
    uint64_t rows;
  } parked, files;
};

/* Copies a blob or text column into the arena. TG_NO_MEMORY. */
enum tg_err store_copy(struct db_stmt *s, int column, struct arena *arena, struct slice *ret);
/* A fixed-size column; TG_DISK when it has another length: the file is damaged. */
enum tg_err store_bytes(struct db_stmt *s, int column, void *out, size_t n);
/* How many rows a table has: asked once with this statement, counted by us from then on. */
enum tg_err store_count_rows(struct store_count *count, struct db_stmt *s, uint64_t *ret);
void store_bind_hash(struct db_stmt *s, int at, const struct hash *h);
/* Adds to a member's occupied bytes (never below 0). */
enum tg_err store_usage_add(struct store *store, const char member[2], int64_t bytes);
/* Adds to what waits for a node. */
enum tg_err store_tally_add(struct store *store, nodeno node, bool held, unsigned rank, int64_t rows, int64_t bytes);
/* Adds to what waits for a node of the member that said this bulletin, if that is being counted. */
enum tg_err store_share_add(struct store *store, nodeno node, uint64_t leaf, int64_t rows, int64_t bytes);
/* The bulletin at this leaf has its term then. */
enum tg_err store_term_put(struct store *store, enum store_term_kind kind, tg_time when, uint64_t leaf);
/* The one after `at` (zeros: the first) of a stretch that has begun at `until`. TG_NOT_FOUND. */
enum tg_err store_term_next(struct store *store, enum store_term_kind kind, tg_time until, struct store_term *at);
enum tg_err store_term_drop(struct store *store, enum store_term_kind kind, const struct store_term *t);
void store_shares_close(struct store *store);
/* The first of the next `count` sequences of receipt notes for this node. TG_NOT_FOUND: no such node. */
enum tg_err store_node_note(struct store *store, nodeno node, uint64_t count, uint64_t *ret_first);

/* Numbers: what store_open, store_commit and store_close need. */
enum tg_err store_numbers_open(struct store *store);
enum tg_err store_numbers_write(struct store *store); /* before the commit */
void store_numbers_close(struct store *store);

/* Body files: what store_open, store_commit and store_close need. */
enum tg_err store_files_open(struct store *store, const char *folder, struct tg_why *why);
enum tg_err store_files_sync(struct store *store); /* before the commit */
enum tg_err store_files_sweep(struct store *store); /* removes what is in trash; inside a transaction */
void store_files_close(struct store *store);

#endif
