/* What the stations of the hub share; for the pure files of broker/ alone.

   Inside the hub TG_OK means "dealt with", refusals included; every other error is fail-stop and goes
   straight up to the caller of hub_…(). What a stranger sent wrong is therefore never an error here, but an
   `enum reason`. */
#ifndef TOGUNA_BROKER_HUB_INSIDE_H
#define TOGUNA_BROKER_HUB_INSIDE_H

#include "audit/reason.h"
#include "broker/effect.h"
#include "broker/hub.h"
#include "broker/logbook.h"
#include "broker/party.h"
#include "broker/rules.h"
#include "proto/batch.h"
#include "proto/frame.h"

struct dockets;
struct notes;
struct session;
struct uploads;

/* What hub_stats() counts, since the start. */
struct hub_counts {
  uint64_t frames, malformed, accepted, refused, forwarded, receipts, documents, held, expired, recalled, cut, overdue, cosignatures,
      cosignatures_ignored;
};

/* Whose witnesses have cosigned the checkpoint of this size. cosign.c alone changes it. */
struct hub_cosigned {
  uint64_t size;
  bool settled;
  size_t n;
  char member[MEMBERS_MAX][2];
};

struct hub {
  struct hub_config config; /* with its defaults filled in */
  struct hub_effects effects;
  struct hub_now now;
  int64_t chores; /* when timers are looked at again, monotonic */
  int64_t stirred; /* when something else than a Tick came last */
  int64_t paced;  /* when the first line on which something waits is free again */
  bool due;       /* somebody waits for what this transaction changes */
  bool heard;     /* a frame came in this transaction */
  bool urgent;    /* a FLASH was accepted in it */
  int64_t put_off; /* until when the transaction may stay open; 0: nothing was put off */
  struct store *store;
  struct effects *out;
  struct logbook *log;
  struct rules rules;
  struct parties parties;
  struct session *sessions;
  size_t n_sessions;
  struct dockets *dockets;
  struct notes *notes;
  struct uploads *uploads;
  struct batch_verifier *verifier;
  struct arena *frame; /* the frame at hand and what is learnt from it; reset with the next */
  struct arena *item;  /* one bulletin or document; reset with the next */
  struct arena *reply; /* one frame being built; reset with the next */
  struct hub_counts counts;
  uint64_t disk_free;  /* as last told */
  bool full;           /* of the disk: only the reserve is left */
  struct hub_cosigned cosigned;
  uint64_t overdue_from[4]; /* by rank: bulletins below this leaf were looked at by overdue.c */
  int64_t told_damage; /* monotonic; 0: never */
  tg_time began;       /* of the log: when its first entry was made; 0: not looked up yet */
  uint64_t settled;    /* size of the newest checkpoint that was seen settled since the start */
  struct note_key key; /* of the log, as the newest charter that names this hub has it */
  bool has_key;
  struct hash allowed;               /* of the keys that were allowed last */
  bool hold;           /* nothing is made for nodes just now */
  size_t looked;       /* rows that were looked at for stated.c in this turn */
  uint64_t round;      /* of pump(): sessions that it served have its number */
  bool round_more;     /* and one of them has more */
  uint64_t awaited;    /* the version that hub_await_charter() said, known or not */
  bool papers_came, stopping, hurry; /* hurry: a turn is wanted at once */
};

/* The hub's own entry in the newest charter; NULL: it names no hub of this name. */
const struct charter_hub *hub_self(const struct hub *hub);
/* The charter in force; NULL: none yet. */
const struct charter *hub_charter(const struct hub *hub);
/* The limits in force: those of the charter, or the defaults. */
const struct charter_limits *hub_limits(const struct hub *hub);

/* Something to tell the operator. node may be NULL, as may subject and why. */
enum tg_err hub_tell(struct hub *hub, enum hub_level level, const char *name, const struct party *node,
                     const struct hash *subject, uint64_t number, const struct tg_why *why);
/* Appends an entry, its time filled in. */
enum tg_err hub_log(struct hub *hub, struct entry *entry, uint64_t *ret_leaf);
/* An alarm: into the log, with the evidence (may be empty), and to the operator. Of one node only so much evidence is kept in an hour: it
   proves no more by more of it. */
enum tg_err hub_alarm(struct hub *hub, enum reason reason, struct party *node,
                      const struct hash *subject, struct slice evidence);

/* For one frame and what is learnt from it; NULL without memory. */
struct arena *hub_frame_arena(void);

/* Every key that may connect now, ordered when it changed. */
enum tg_err hub_allow(struct hub *hub);

#endif
