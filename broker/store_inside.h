/* What the files of the store share; for broker/store*.c alone. */
#ifndef TOGUNA_BROKER_STORE_INSIDE_H
#define TOGUNA_BROKER_STORE_INSIDE_H

#include "broker/store.h"
#include "os/db.h"

enum { FILES_OPEN = 8 };

/* A body file kept open between chunks. Invariant: dirty implies fd >= 0; chunks counts what was appended, synced or not. */
struct store_file {
  int fd; /* -1: free */
  struct hash id;
  unsigned portion;
  uint64_t chunks;
  uint64_t used; /* by store->clock: the least recently used gives way */
  bool dirty;
};

struct store {
  struct db *db;
  char *bodies; /* NULL: no large bodies */
  int folder;   /* descriptor of bodies, -1 */
  bool folder_dirty; /* a file was made since the last sync */
  uint64_t clock;
  struct store_file file[FILES_OPEN];
  bool trash; /* rows in table trash may be waiting */
};

/* Copies a blob or text column into the arena. TG_NO_MEMORY. */
enum tg_err store_copy(struct db_stmt *s, int column, struct arena *arena, struct slice *ret);
/* The single row of s: TG_NOT_FOUND when there is none. The statement must be reset after reading it. */
enum tg_err store_one(struct db_stmt *s);
/* A fixed-size column; TG_DISK when it has another length: the file is damaged. */
enum tg_err store_bytes(struct db_stmt *s, int column, void *out, size_t n);
void store_bind_hash(struct db_stmt *s, int at, const struct hash *h);
/* Adds to a member's occupied bytes (never below 0). */
enum tg_err store_usage_add(struct store *store, const char member[2], int64_t bytes);

/* Body files: what store_open, store_commit and store_close need. */
enum tg_err store_files_open(struct store *store, const char *folder, struct tg_why *why);
enum tg_err store_files_sync(struct store *store); /* before the commit */
enum tg_err store_files_sweep(struct store *store); /* removes what is in trash; inside a transaction */
void store_files_close(struct store *store);

#endif
