/* Where in a table does the row of this id stand? An id is a hash, so an index of all of them has no place where things of late stand together: kept up with
   every row, it dirties a page for each. So the ids of late are in memory, and go into a table of places by slices of what an id may begin with, one slice at
   a time when there are many: what goes in together stands together.

   Nothing of it is needed to survive a crash but how far each slice has come: the ids beyond stand in their own rows and are read from there when the store is
   opened, at most about twice `most` of them. Several rows of one id are told apart by a number. */
#ifndef TOGUNA_OS_LATE_H
#define TOGUNA_OS_LATE_H

#include "os/db.h"

/* The statements; head is the beginning of an id, as long as `put` and `find` have it. */
struct late_table {
  const char *slices; /* the column `below` of 256 rows, by the first byte of an id: rows with a place below it are in the table of places */
  const char *slice;  /* sets that of byte ?1 to ?2 */
  const char *put;    /* into the table of places: ?1 id, ?2 place */
  const char *since;  /* place, id, number of the rows with a place of at least ?1, ascending */
  const char *find;   /* place, by the table of places, of the row with id ?1 and number ?2; NULL: late_find() is not called */
  const char *at;     /* place of the row with id ?1 and number ?2, if it stands at ?3; as `find`, or NULL */
  size_t most;        /* ids in memory, at most, between two commits */
};

struct late;

/* Reads what is not in the table of places yet. db and table are borrowed. TG_DISK, TG_NO_MEMORY. */
enum tg_err late_open(struct db *db, const struct late_table *table, struct late **ret);
void late_close(struct late *l); /* NULL is fine */
/* A place for the next row, above all that were ever known here; from 1. */
uint64_t late_next(const struct late *l);
/* The row was added. TG_NO_MEMORY. */
enum tg_err late_put(struct late *l, const struct hash *id, uint64_t number, uint64_t place);
/* Among those in memory; false: look into the table of places. */
bool late_held(const struct late *l, const struct hash *id, uint64_t number, uint64_t *ret_place);
/* The same, and then by the table of places; what was found stays at hand for a while, and rows that are
   looked for in the order of their places cost no search. TG_NOT_FOUND, TG_DISK. */
enum tg_err late_find(struct late *l, const struct hash *id, uint64_t number, uint64_t *ret_place);
/* The caller has come upon this row otherwise, and late_find() will be asked for it soon. */
void late_seen(struct late *l, const struct hash *id, uint64_t number, uint64_t place);
/* Forgets one of the rows of this id that are in memory, whatever its number; false: there is none. What the table of places says is for the caller to
   delete, who calls this first: late_find() then knows no row of this id but by the table. */
bool late_take(struct late *l, const struct hash *id, uint64_t *ret_place);
/* Ids in memory between low and high, both included: how many, up to `max` of them in ret. */
size_t late_between(const struct late *l, const struct hash *low, const struct hash *high, struct hash *ret, size_t max);
/* Before the commit: slices go into the table until no more than `most` are in memory. */
enum tg_err late_write(struct late *l);

#endif
