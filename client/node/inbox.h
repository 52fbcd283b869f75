/* Bulletins that others told us: verified, complete, each exactly once, with what has become of it since. */
#ifndef TOGUNA_CLIENT_NODE_INBOX_H
#define TOGUNA_CLIENT_NODE_INBOX_H

#include "audit/opening.h"
#include "client/node/core.h"
#include "proto/header.h"
#include "proto/portion.h"
#include "proto/session.pb-c.h"
#include "proto/wrap.h"

/* LItem.state */
enum inbox_state { INBOX_CURRENT, INBOX_SUPERSEDED, INBOX_PURGED, INBOX_RETAINED, INBOX_EXPIRED };

/* A row as it stands; everything in the arena. */
struct inbox_row {
  uint64_t place;
  struct hash id;
  struct sign_pk node; /* originator */
  uint64_t number;     /* running number, originator -> us */
  bool missing_before; /* the number before it has not come */
  enum inbox_state state;
  tg_time received, expires; /* expires: ours, the earliest of the bulletin's and what its originator's policy says */
  bool seen, acknowledged;
  uint64_t leaf;              /* of the accepted entry, in the hub's log */
  bool settled;               /* in its log, which is the one that is watched now */
  bool carried;               /* a bundle brought it, and no hub has delivered it yet */
  struct hash superseded_by;  /* zeros: nothing */
  struct header header;
  size_t portion_count;
  const struct portion *portions; /* of those we were given */
  const struct release *releases; /* to_count 0: blind audience */
};

struct inbox *inbox_new(void);
void inbox_free(struct inbox *i);
/* Reads what must be known to go on. */
enum tg_err inbox_load(struct node_core *core);
/* Expiry: content is erased, the row stays. */
enum tg_err inbox_time(struct node_core *core);
int64_t inbox_due(const struct node_core *core); /* monotonic */

/* ---- looking; TG_NOT_FOUND at the end */

/* The row of this bulletin. */
enum tg_err inbox_row(struct node_core *core, const struct hash *id, struct arena *arena, struct inbox_row *ret);
/* The first row with place > after; the last with place < below. */
enum tg_err inbox_after(struct node_core *core, uint64_t after, struct arena *arena, struct inbox_row *ret);
enum tg_err inbox_below(struct node_core *core, uint64_t below, struct arena *arena, struct inbox_row *ret);
/* The first FLASH with place > after. */
enum tg_err inbox_flash_after(struct node_core *core, uint64_t after, struct arena *arena, struct inbox_row *ret);
/* The opening of its accepted entry, verified when it came. In the arena. TG_NOT_FOUND. */
enum tg_err inbox_opening(struct node_core *core, const struct hash *id, struct arena *arena, struct opening *ret);
/* All of what was kept of its delivery: no wrap, no bodies. In the arena. TG_NOT_FOUND. */
enum tg_err inbox_delivery(struct node_core *core, const struct hash *id, struct arena *arena, const Tg__Delivery **ret);
enum tg_err inbox_last_place(struct node_core *core, uint64_t *ret); /* 0: never one */

struct inbox_counts {
  uint64_t current, unread, unacknowledged_flash;
};
enum tg_err inbox_counts(struct node_core *core, struct inbox_counts *ret);

/* ---- what readers do; TG_NOT_FOUND */

/* Says "read" to the originator, once. */
enum tg_err inbox_mark_read(struct node_core *core, const struct hash *id);
/* Says "acknowledged", once; includes having read it. */
enum tg_err inbox_acknowledge(struct node_core *core, const struct hash *id);

/* ---- what arrivals.c hands in */

/* A delivery that was checked and whose bodies are in the store. */
struct inbox_arrival {
  const Tg__Delivery *message; /* as it came; wrap and bodies are not kept */
  const struct header *header;
  struct country member;       /* of its originator */
  tg_time keep_until;
  const struct wrap_content *wrapped;
  size_t portion_count;
  const unsigned *portion;     /* indexes, ascending */
  const struct depot_content *content; /* parallel to portion */
  const char *log;             /* of the hub that delivered it, which is told what becomes of it; NULL: nobody is */
  bool carried;                /* by a bundle: the hub may not know it */
};
/* Takes it in, once (asserted: it was not met before): content, stored receipt, running number; a correction or recall does to its
   target what it says, and what was corrected or recalled before it came is shown as that. */
enum tg_err inbox_take(struct node_core *core, const struct inbox_arrival *arrival);
/* The hub delivered what a bundle had brought: its row gets its place in the log, and what has been done with it is said to the hub. */
enum tg_err inbox_logged(struct node_core *core, const Tg__Delivery *message, const struct header *header);
/* Its place in the log, as last delivered. TG_NOT_FOUND. */
enum tg_err inbox_leaf(struct node_core *core, const struct hash *id, uint64_t *ret);
/* What there is to say of a bulletin that was taken in: events, RECEIPT_STORED first; *ret_number is its running number. TG_NOT_FOUND. */
enum { INBOX_EVENTS = 4 };
enum tg_err inbox_events(struct node_core *core, const struct hash *id, unsigned ret[INBOX_EVENTS], size_t *ret_n,
                         uint64_t *ret_number);
/* Was this bulletin ever answered? *ret_event: the receipt event. TG_NOT_FOUND. */
enum tg_err inbox_met(struct node_core *core, const struct hash *id, unsigned *ret_event);
/* The log that it stands in, whose hub is to hear what is done with it later. NULL: none that still grows, as far as can be told; whoever delivers it again
   hears all of it then. */
enum tg_err inbox_log(struct node_core *core, const struct hash *id, struct arena *arena, const char **ret);
/* States again, to the hub whose log is watched, what was stated about a bulletin that was met. */
enum tg_err inbox_repeat(struct node_core *core, const struct hash *id);
/* Remembers that a bulletin was not taken: unreadable, import-refused, purged; and states it to the hub of this log. */
enum tg_err inbox_decline(struct node_core *core, const char *log, const struct hash *id, unsigned event);
/* Was it taken back by its member, before it came, and do we purge what is taken back? */
enum tg_err inbox_is_purged(struct node_core *core, const struct hash *id, struct country member, bool *ret);
/* Remembers a running number; one that came with another bulletin, or breaks the chain, is told as an alarm. */
enum tg_err inbox_number(struct node_core *core, const struct header *header, const struct wrap_content *wrapped);

#endif
