/* Deliveries on their way to one node: what was sent and is not yet done with. At most as many as its credit.
 */
#ifndef TOGUNA_BROKER_FLIGHT_H
#define TOGUNA_BROKER_FLIGHT_H

#include "broker/session.h"

/* Is this bulletin on its way to the node of this session? */
bool flight_has(const struct session *s, uint64_t leaf);
/* sent: monotonic, 0 when it is not known. TG_NO_MEMORY. */
enum tg_err flight_add(struct session *s, uint64_t leaf, unsigned rank, uint64_t bytes, int64_t sent);
/* Marks one as done with; *ret_rank (may be NULL) is its rank. False: it was not on its way. */
bool flight_done(struct session *s, uint64_t leaf, unsigned *ret_rank);
/* Forgets those marked: once, after any number of marks. Learns from them how much may be under way. */
void flight_sweep(struct session *s, int64_t now);

/* What is under way when a FLASH comes stands before it, in the line and in the node. So no more is under way than keeps both busy: as much as makes
   a trip FLIGHT_QUEUE_MS (and a quarter) longer than one before which nothing stands. Trips are measured anyway, from sending until the node is done
   with it; nothing need be told about lines or nodes. Every now and then only a little goes out, so that a trip with nothing before it shows again
   (as BBR does). A node that was done with all of it while more waited gets more, however long that took: it must not stand idle. */
enum {
  FLIGHT_EACH = 1024,             /* a bulletin weighs as much, and its bodies */
  FLIGHT_LEAST = 48 * 1024,       /* may always be under way: fewer at once cost both sides more for each */
  FLIGHT_PROBE = 8 * 1024,        /* while a trip with nothing before it is looked for */
  FLIGHT_FIRST = 128 * 1024,      /* before anything was measured; twice as much each trip as long as the node is done with all of it at once */
  FLIGHT_MOST = 64 * 1024 * 1024, /* in_flight_bytes and in_flight_count bind long before */
  FLIGHT_FRAME = 32 * 1024,       /* as much may be in one frame, or a quarter of what may be under way */
  FLIGHT_QUEUE_MS = 4,
  FLIGHT_PROBE_MS = 5000, /* between two looks, and */
  FLIGHT_PROBE_TRIPS = 32,
  FLIGHT_HOLD = 8, /* trips: it does not shrink so soon after the node stood idle */
};
/* Would another one of these bytes be too much? Something may always be under way. */
bool flight_is_full(struct session *s, uint64_t bytes, int64_t now);
/* A frame's share of it: the node is done with one while the next is on its way. */
uint64_t flight_share(const struct session *s);
static inline uint64_t flight_weight(uint64_t bytes) { return bytes + FLIGHT_EACH; }

#endif
