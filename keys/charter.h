/* toguna/charter v1: what an exchange is: its members and their root keys, blocs, hubs, quorums and limits. */
#ifndef TOGUNA_KEYS_CHARTER_H
#define TOGUNA_KEYS_CHARTER_H

#include "keys/document.h"
#include "keys/memberset.h"
#include "keys/quorum.h"
#include "proto/marking.h"

enum {
  CHARTER_BLOCS_MAX = 64,
  CHARTER_HUBS_MAX = 64,
  CHARTER_ENDPOINTS_MAX = 8,
  CHARTER_SUITES_MAX = 8,
  ENDPOINT_MAX = 127,
  LEVEL_MIN = LEVEL_UNCLASSIFIED,
  LEVEL_MAX = LEVEL_TOP_SECRET,
};

/* How far a member is in. Graded, so that a suspended state still owes receipts and recalls. */
enum standing {
  STANDING_NONE = 0,       /* not a member at this time: nothing */
  STANDING_GOOD,
  STANDING_NO_SENDING,     /* receives as before, originates nothing but receipts, recalls and corrections */
  STANDING_NO_NEW_TRAFFIC, /* neither originates nor receives new bulletins; receipts and recalls flow */
  STANDING_WITHDRAWN,      /* left by its own signature: nothing */
};
/* "none", "good", "no-sending", "no-new-traffic", "withdrawn". */
const char *standing_name(enum standing s);
bool standing_may_connect(enum standing s);   /* GOOD, NO_SENDING, NO_NEW_TRAFFIC */
bool standing_may_originate(enum standing s); /* GOOD: a new bulletin */
bool standing_may_receive(enum standing s);   /* GOOD, NO_SENDING: a new bulletin */

struct charter_member {
  struct country code;
  struct note_key root;   /* named exchange/CC */
  uint8_t ceiling;        /* highest level this member may originate or receive; LEVEL_MAX unless stated */
  enum standing standing; /* GOOD unless a `suspended` line says otherwise */
};

struct charter_bloc {
  char name[BLOC_MAX + 1];
  size_t n;
  uint16_t *member; /* indexes into charter.member, ascending */
};

struct charter_hub {
  char name[LABEL_MAX + 1];
  struct country host;
  struct seal_pk transport; /* CURVE */
  struct note_key log;
  size_t n_endpoints;
  char endpoint[CHARTER_ENDPOINTS_MAX][ENDPOINT_MAX + 1]; /* "tcp://host:port", "resume://host:port" */
};

/* Everything that a member can make grow, and how far. `limit NAME VALUE` lines; GRAMMAR.md has each name, unit, default
   and bounds. Sizes in bytes, times in ms. */
struct charter_limits {
  uint64_t body_size;            /* sealed bytes of all portions of a bulletin together */
  tg_time lifetime;              /* longest expires - created */
  uint64_t frame;                /* bytes of one frame */
  uint64_t inline_body;          /* largest body that travels inside Submit and Deliver */
  uint64_t portions;             /* per bulletin */
  uint64_t recipients;           /* wraps per bulletin */
  uint64_t bulletins_per_hour;   /* per node, all precedences */
  uint64_t flash_per_hour;       /* per member */
  uint64_t immediate_per_hour;   /* per member */
  uint64_t queue;                /* bulletins waiting per recipient node */
  uint64_t queue_bytes;          /* their bytes */
  uint64_t documents_per_hour;   /* per node: credentials, policies, grants, ... */
  uint64_t credentials;          /* living credentials per member */
  uint64_t sessions;             /* simultaneous sessions per member */
  tg_time clock_skew;            /* how far a stated time may be ahead of the hub's */
  tg_time widening_delay;        /* between publication and effect of a widening policy */
  tg_time sealing_period;        /* one sealing key's time as the current one */
  uint64_t sealing_ahead;        /* periods published ahead */
  tg_time sealing_window;        /* how long after its period a key is still accepted as fallback */
};
extern const struct charter_limits CHARTER_LIMITS_DEFAULT; /* what holds where a charter says nothing */

/* An open structure: a charter is a declared format, and those who draft one fill it in. Everything reached by pointer
   is owned by the charter. Members are ascending by code. */
struct charter {
  char exchange[EXCHANGE_NAME_MAX + 1];
  uint64_t version;     /* from 1 */
  struct hash previous; /* hash of version - 1; zeros in version 1 */
  tg_time effective;
  size_t n_suites;
  uint16_t suite[CHARTER_SUITES_MAX];
  size_t n_members;
  struct charter_member *member;
  size_t n_blocs;
  struct charter_bloc *bloc;
  size_t n_hubs;
  struct charter_hub *hub;
  struct quorum quorum;         /* changes the charter, revokes */
  struct quorum witness_quorum; /* settles a checkpoint; n == 0 when not stated: none needed */
  struct charter_limits limits;
};

/* Reads and checks a charter's text by itself: blocs name members, quorums can be met, keys are named
   exchange/CC, no key twice, version 1 has no `previous`, others have. TG_BAD_INPUT with file:line:column,
   TG_TOO_BIG, TG_UNKNOWN (another version of the type), TG_NO_MEMORY. */
enum tg_err charter_parse(struct slice text, const char *file, struct charter **ret, struct tg_why *why);
/* Frees what charter_parse() made. NULL is fine. */
void charter_free(struct charter *c);
/* Appends the text of a charter; it parses back to the same. The draft that members then sign with note_sign(). Limits
   equal to the default are left out. */
void charter_print(const struct charter *c, struct buf *out);

/* Look-ups; NULL (or -1) when there is no such thing. */
const struct charter_member *charter_member(const struct charter *c, struct country code);
const struct charter_bloc *charter_bloc(const struct charter *c, struct slice name);
const struct charter_hub *charter_hub(const struct charter *c, struct slice name);
/* Is s the address of a hub, "tcp://host:port" or "resume://host:port"? */
bool charter_endpoint_valid(struct slice s);
bool charter_has_suite(const struct charter *c, uint16_t suite);

/* Is q met by the members marked in signed_by (parallel to c->member)? Suspended members do not count, nor those marked
   in `left` (withdrawn; may be NULL). TG_OK, or TG_REFUSED with the camp that lacks and how many. */
enum tg_err charter_quorum(const struct charter *c, const struct quorum *q, const bool *signed_by, const bool *left,
                           struct tg_why *why);

/* Which members' roots signed the note? ret_signed is parallel to c->member. TG_BAD_SIGNATURE when a root's signature is
   bad, or none of them signed. */
enum tg_err charter_signers(const struct charter *c, const struct note *note, bool *ret_signed, struct tg_why *why);

/* May this note found the exchange: version 1, signed by the roots of all members? */
enum tg_err charter_check_founding(const struct charter *c, const struct note *note, struct tg_why *why);
/* Does each log that both name have the same key in both? What is kept of a log goes by its name, so one that begins anew takes
   another. Ask it of every version there was: a name that is free again is still that log's. TG_BAD_INPUT. */
enum tg_err charter_check_logs(const struct charter *before, const struct charter *next, struct tg_why *why);
/* May `next` follow `now`: same exchange, version + 1, carries the hash of now's text, not effective earlier, logs as in
   charter_check_logs(), signed by the quorum of now and by every root key that now did not name? TG_STALE, TG_BAD_INPUT, TG_REFUSED (quorum lacks),
   TG_BAD_SIGNATURE. left: as in charter_quorum(), parallel to now->member. */
enum tg_err charter_check_succession(const struct charter *now, const struct hash *now_hash, const bool *left,
                                     const struct charter *next, const struct note *note, struct tg_why *why);

#endif
