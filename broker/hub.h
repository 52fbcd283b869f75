/* The hub as a state machine: frames, times, documents and signatures in; frames, orders and signature requests out.
   It never opens, waits or asks the time, and has no global state: any number of hubs run in one process. Randomness comes from
   libsodium. docs/design.md has the way of a bulletin; each station of it is a file of this room.

   One turn of its shell is
     hub_time            first, always
     hub_frame (or hub_hear and hub_go_on), hub_gone, hub_dropped, hub_signed, hub_document, in any number and order
     hub_commit          when nothing else is ready
   What a turn changes is one transaction of the store; every effect of the turn is called from hub_commit(), after that transaction
   is on the disk, in the order in which the effects arose. Frames that say only what earlier transactions put there (a delivery, an outcome: proved
   under the signed checkpoint) go before it. While a signature is awaited hub_commit() may leave the transaction open for the next turn: the group gathers,
   and its effects with it. It also stays open, up to HUB_PUT_OFF_MS, when nobody waits for what it changed: that deliveries went out, that receipts arrived.

   Fail-stop: once any function here has returned an error the store or the log cannot be trusted to be what memory
   says. The caller ends the process and starts again from the disk; nothing was acknowledged that is not there. */
#ifndef TOGUNA_BROKER_HUB_H
#define TOGUNA_BROKER_HUB_H

#include "audit/tile.h"
#include "broker/store.h"
#include "proto/base.h"
#include "proto/buf.h"

struct foresight;
struct hub;

/* The moment of an event: wall time for what documents and people state, monotonic milliseconds for every timeout. */
struct hub_now {
  tg_time wall;
  int64_t mono;
};

/* What the operator decides. The charter's limits bind as well; the stricter holds. 0 means the default in parentheses. */
struct hub_config {
  struct hash exchange;      /* pin: hash of the text of charter version 1; zeros: not allowed */
  char name[64];             /* of this hub in the charter */
  tg_time clock_skew;        /* how far ahead of us an originator's clock may be (5 min) */
  uint64_t flash_per_hour;   /* FLASH bulletins accepted from one member within an hour (120) */
  uint64_t per_hour;         /* bulletins accepted from one member within an hour (100,000) */
  uint64_t queue_count;      /* bulletins waiting for one recipient node (1,000,000) */
  uint64_t queue_bytes;      /* sealed bytes waiting for one recipient node (16 GiB) */
  uint64_t member_bytes;     /* sealed bytes one member's bulletins may occupy (16 GiB) */
  uint64_t parked_count;     /* submissions of one node that wait for bodies or documents (256) */
  uint64_t in_flight_count;  /* deliveries to one node that are not done with, whatever credit it grants (4,096) */
  uint64_t in_flight_bytes;  /* (4 MiB: what a FLASH may have to wait behind) */
  uint64_t part;             /* of a long Submit about so many bytes are taken in before others may come (HUB_PART); no matter of the log's */
  uint64_t memory;           /* bytes that the hub's processes may use, for what grows with traffic (256 MiB): memory.h */
  uint64_t disk_reserve;     /* bytes that stay free on the disk: with less nothing new is accepted (256 MiB) */
  unsigned strikes;          /* malformed or forged items until a session is cut (16) */
  tg_time refusal_window;    /* within which strikes count (1 min) */
  tg_time receipts_due[4];   /* by rank, FLASH first: from its acceptance until all recipients have it (1 min, 10 min, 1 h, 12 h) */
  tg_time tick;              /* idle time until a Tick is sent; a session silent for three is closed (15 s) */
};

/* An extension of the log that the signer must sign: docs/design.md, message R. */
struct hub_sign {
  uint64_t old_size, new_size;
  struct hash new_root;
  struct slice path; /* consistency proof old -> new, 32 bytes per step */
};

/* A node that may connect, and a number that all nodes of its member have, never 0. */
struct hub_peer {
  struct seal_pk key;
  uint32_t member;
};

enum hub_level { HUB_ALARM, HUB_ERROR, HUB_NOTICE, HUB_DEBUG };

/* Something the operator may want to read. Borrowed for the call; absent parts are NULL or 0. */
struct hub_event {
  enum hub_level level;
  const char *name;           /* "session-opened", "bulletin-refused" */
  const char *node;           /* name of the node concerned */
  const struct hash *subject; /* bulletin or document */
  uint64_t number;            /* leaf, size or count, as the event's name suggests */
  const struct tg_why *why;
};

/* All are called from inside hub_commit() and hub_new() only, never re-enter the hub, and cannot fail: what could not be sent
   comes back as hub_dropped(). Arguments are borrowed for the call. */
struct hub_effects {
  void *context;
  void (*send)(void *context, const struct seal_pk *peer, struct slice frame);
  void (*push)(void *context); /* what was sent should leave at once: the store is about to be written. May be NULL */
  void (*allow)(void *context, const struct hub_peer *peers, size_t count); /* exactly these may connect; others are cut */
  void (*cut)(void *context, const struct seal_pk *peer);                 /* close its connections; it may come back */
  void (*sign)(void *context, const struct hub_sign *request);            /* answered by hub_signed(); one at a time */
  void (*wake_at)(void *context, int64_t mono); /* a turn is wanted at this time; replaces the former wish; INT64_MAX: none */
  void (*tell)(void *context, const struct hub_event *event);             /* may be NULL */
};

/* Starts from what the store holds. Takes the store (*store becomes NULL, also on failure). `signed_note` is the signer's last checkpoint
   note, empty when it never signed: a log that does not contain it was rolled back, and one that was signed is not begun again, TG_STALE. An empty store is a hub without a charter: it lets
   nobody in until hub_document() brings one that is pinned. TG_CONFLICT: the store is of another exchange or hub, or has a charter that is taken no more; TG_DISK, TG_NO_MEMORY. */
enum tg_err hub_new(const struct hub_config *config, struct store **store, const struct hub_effects *effects,
                    struct hub_now now, struct slice signed_note, struct hub **ret, struct tg_why *why);
/* Frees without committing what is open: as a crash would. NULL is fine. */
void hub_free(struct hub *hub);

/* The time of all that follows until the next call; timers that are due run. Wall time may go back, mono must not. */
enum tg_err hub_time(struct hub *hub, struct hub_now now);

/* Bytes that are free on the store's disk; about once in a second, between hub_time() and hub_commit(). Before the first the disk is
   taken to have room. While there is less than the reserve new bulletins are answered "full" and bodies are not asked for; what was accepted
   is delivered, and recalls, receipts and documents are taken as ever: the reserve is theirs. */
enum tg_err hub_disk(struct hub *hub, uint64_t free_bytes);

/* A frame from an authenticated connection of `peer`. Whatever the bytes are, the answer is TG_OK or fail-stop. */
enum tg_err hub_frame(struct hub *hub, const struct seal_pk *peer, struct slice frame);
/* The same, but of a Submit that is longer than hub_config.part only the first bulletins are taken in, about so many bytes of them or one. *ret_left: about so many bytes of
   it, 0: none. They are kept in memory, and hub_go_on() takes in so much more of it, before or after anything else, turns ended and begun as well. It is forgotten with the session. Another frame of this peer takes in all of it first. */
enum { HUB_PART = 16 * 1024 };
enum tg_err hub_hear(struct hub *hub, const struct seal_pk *peer, struct slice frame, size_t *ret_left);
enum tg_err hub_go_on(struct hub *hub, const struct seal_pk *peer, size_t *ret_left);
/* As hub_peer.member; 0: nobody's node. */
uint32_t hub_member(const struct hub *hub, const struct seal_pk *peer);
/* The peer's connection is known gone. */
enum tg_err hub_gone(struct hub *hub, const struct seal_pk *peer);
/* The line to it takes no more for now, or takes more again. Of a new session it takes. */
enum tg_err hub_line(struct hub *hub, const struct seal_pk *peer, bool busy);
/* The last frame of this type for this peer was not sent: no connection, or its queue is full. */
enum tg_err hub_dropped(struct hub *hub, const struct seal_pk *peer, uint8_t type);
/* All connections are gone: the front was restarted. Every session closes; the set of allowed keys is ordered again. */
enum tg_err hub_disconnected(struct hub *hub);
/* The signer's answer: a checkpoint note for exactly what was asked. Anything else is fail-stop. */
enum tg_err hub_signed(struct hub *hub, struct slice note);

/* A document from the operator's folder. TG_OK: accepted, or known already. TG_REFUSED and *ret_refusal (may be NULL) says why: nothing changed, the
   hub goes on. Any other error is fail-stop. */
enum tg_err hub_document(struct hub *hub, struct slice content, struct tg_why *ret_refusal);
/* The same, as it was taken in elsewhere, though a charter names us by now: no pin holds back a charter that is never in force here by this foresight. */
enum tg_err hub_past_document(struct hub *hub, const struct foresight *foresight, struct slice content, struct tg_why *ret_refusal);
/* It does not begin before it knows this version of the charter: kept over a restart, until another is said in its place. 0: any will do. */
enum tg_err hub_await_charter(struct hub *hub, uint64_t version);
/* The one said last, as long as it is not known; 0: none. */
uint64_t hub_awaited_charter(const struct hub *hub);
/* Does it know the charter that it awaits, and does the newest name it? Until then it lets nobody in, and what it is handed is taken in as it was. */
bool hub_has_begun(const struct hub *hub);

/* Sends what has become provable by hub_signed(), without ending the turn: under load its end may be milliseconds away. */
enum tg_err hub_advance(struct hub *hub);
/* A FLASH was accepted in this turn: it should end now, and not when there is nothing else to do. */
bool hub_is_urgent(const struct hub *hub);

/* Does the next hub_commit() leave the transaction open, since a signature is awaited? What a shell hears meanwhile stays in memory: it should not hear without end. */
bool hub_gathers(const struct hub *hub);
/* While held nothing is made for nodes but what tells them that the hub lives: for a shell whose way out is full. */
void hub_hold(struct hub *hub, bool hold);

/* For so long a transaction for which nobody waits stays open, to be committed together with the next one. */
enum { HUB_PUT_OFF_MS = 250 };
/* Ends the turn: see above. */
enum tg_err hub_commit(struct hub *hub, struct tg_why *why);
/* The store, for a copy of it between two turns (broker/store_backup.h); nothing else may be done with it. */
struct store *hub_store(struct hub *hub);
/* What befell the store, for a person, once a function here has failed; *why is left alone when it is not the store that failed. */
void hub_explain(struct hub *hub, struct tg_why *why);
/* True while something accepted is neither signed nor answered: a clean stop waits for false (a few milliseconds). What is put off counts only after
   hub_stop(). */
bool hub_is_busy(const struct hub *hub);
/* Tells every session that the hub stops (Goodbye) and takes no more. hub_commit() sends it. */
enum tg_err hub_stop(struct hub *hub);

/* Where the log's static files (c2sp.org/tlog-tiles) go. Arguments are borrowed for the call; anything but TG_OK ends the publishing and is
   handed through (it says nothing about the hub, which goes on). */
struct hub_files {
  void *context;
  /* A tile, or an entry bundle, in place of its shorter selves, which may be removed once the checkpoint has followed. */
  enum tg_err (*tile)(void *context, const struct tile_name *name, struct slice bytes);
  /* The signed checkpoint of all that was handed out: to be put in place last; and once more when enough witnesses have cosigned it. */
  enum tg_err (*checkpoint)(void *context, uint64_t size, struct slice note);
};
/* Entry bundles handed out in one call, with the tiles that go with them; one alone unless the way is long. Each is a millisecond or two of reading and
   writing, in which the hub hears nobody. */
enum { HUB_PUBLISH_BUNDLES = 4 };

/* Hands out every tile and entry bundle that is new or grew since *published (at the start, and when *published has gone back: all that grow), up to the last checkpoint that was signed, then that checkpoint;
   nothing when there is nothing new. *published: leaves whose files are safely written, 0 at first; moved forward as far as this call came, and
   equal to the checkpoint's size once it was handed out (a shell keeps it as the size of the checkpoint it wrote last). *ret_more: some of the way is left,
   call again, after others had their turn. Reads the store; changes nothing; may be called between any two other calls. The store's errors are fail-stop. */
enum tg_err hub_log_publish(struct hub *hub, uint64_t *published, const struct hub_files *files, bool *ret_more);

/* The dossiers (audit/dossier.h) of the entries from .. below - 1, which must be under the signed checkpoint, appended to out: for the
   hub's own auditors. What was forgotten is left out. Reads the store; changes nothing. TG_TOO_BIG: out is full; else as above. */
enum tg_err hub_dossiers(struct hub *hub, uint64_t from, uint64_t below, struct buf *out);

/* One JSON object, one line: counters and states, no names of bulletins, topics or audiences. */
enum tg_err hub_stats(struct hub *hub, struct buf *ret);
/* For monitors, in Prometheus' text format: how the hub is, and nothing that its log conceals. What was accepted and what refused look alike there,
   so they are not told apart here; nothing is told by member, node, topic, precedence or size. */
enum tg_err hub_metrics(struct hub *hub, struct buf *ret);

#endif
