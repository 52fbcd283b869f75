/* What the files of the store's lowest layer share; for os/db*.c alone. */
#ifndef TOGUNA_OS_DB_INSIDE_H
#define TOGUNA_OS_DB_INSIDE_H

#include "os/db.h"
#include "os/extent.h"
#include "os/gather.h"

#include <sqlite3.h>

enum { DB_BUCKETS = 256 };

/* Invariant: bad is what a bind found wrong; it is told, once, by the next step. */
struct db_stmt {
  struct db *db;
  const char *sql;    /* the literal: its address is the key */
  sqlite3_stmt *stmt; /* NULL when it could not be prepared; then bad says so */
  enum tg_err prepared, bad;
  struct db_stmt *next;
};

/* Invariants: once failed is set it stays; statements live until db_close(). */
struct db {
  sqlite3 *sqlite;
  struct gather *gather; /* between SQLite and its VFS; NULL for a store in memory */
  struct extent *extent; /* how far the log is certain; NULL as above, and for a store without sums */
  char *path;
  bool failed;
  bool open;       /* between db_begin() and its end, whatever SQLite thinks */
  char words[200]; /* SQLite's words for the last error */
  int began_at;    /* rows written before the transaction at hand, ever */
  int wal_pages;   /* as of the last commit */
  struct db_counts counts;
  uint64_t checkpoint_bytes;
  int page_size;
  struct db_stmt *bucket[DB_BUCKETS];
  struct db_stmt broken; /* given out when there is no memory for a statement */
};

/* Remembers what SQLite said, and whether the store failed with it; the error in our terms. */
enum tg_err db_note(struct db *db, int rc);
enum tg_err db_exec(struct db *db, const char *sql);
/* SQLite's call after each commit: what the log holds is certain now. */
int db_committed(void *arg, sqlite3 *sqlite, const char *name, int pages);

#endif
