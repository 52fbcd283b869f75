/* For broker/store*.c alone: bulletins of late, in memory. */
#ifndef TOGUNA_BROKER_STORE_RECENT_H
#define TOGUNA_BROKER_STORE_RECENT_H

#include "broker/store_bulletin.h"
#include "broker/store_inside.h"

enum tg_err store_recent_open(struct store *store);
enum tg_err store_recent_write(struct store *store); /* before the commit */
void store_recent_close(struct store *store);

/* NULL: look into the tables. */
const struct store_bulletin *store_recent(const struct store *store, uint64_t leaf);
const struct store_bulletin *store_recent_by_id(const struct store *store, const struct hash *id);
/* False: look into the tables. */
bool store_recent_recipients(const struct store *store, uint64_t leaf, struct slice *ret_packed);
/* Was read, or added. packed: its recipients as in the table, rows: how many wait; each NULL when not known. */
enum tg_err store_recent_put(struct store *store, const struct store_bulletin *b, const struct slice *packed,
                             const uint64_t *rows);
void store_recent_recalled(struct store *store, uint64_t leaf);
/* One row less waits for it. *ret_last: that was the last. TG_NOT_FOUND: nobody waits. */
enum tg_err store_recent_row_done(struct store *store, uint64_t leaf, bool *ret_last);
/* Nobody waits for it any more, and its row in `awaited` is gone. */
void store_recent_dropped(struct store *store, uint64_t leaf);

#endif
