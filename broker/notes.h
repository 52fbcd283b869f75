/* Receipts on their way to the originators, as notes. What the receipts of one entry say of bulletins of one originator is one row of the
   store (store_document.h); the bytes and the batch's tree are made from what was kept of the entry for auditors, and are in memory while the entry is of late. */
#ifndef TOGUNA_BROKER_NOTES_H
#define TOGUNA_BROKER_NOTES_H

#include "broker/session.h"
#include "proto/buf.h"

struct notes;
struct notes *notes_new(void); /* NULL without memory */
void notes_free(struct notes *notes); /* NULL is fine */

/* The entry at this leaf states n receipts; receipt i is for originator[i]. `said` are their bytes as store_said_put() has them, *tree is that of their batch;
   both are taken, said is empty then and *tree NULL. Wakes originators that are here. Uses hub->item. */
enum tg_err notes_put(struct hub *hub, uint64_t leaf, const nodeno *originator, size_t n, struct buf *said, struct merkle_tree **tree);
/* The originator has all notes up to this one. */
enum tg_err notes_seen(struct hub *hub, struct session *s, const Tg__ReceiptsSeen *m);
/* One frame of the notes that wait for this session; *ret_more: there may be more to send now. */
enum tg_err notes_send(struct hub *hub, struct session *s, bool *ret_more);

#endif
