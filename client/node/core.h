/* What the files of this folder share: the node's state and its small verbs. Only they include it. */
#ifndef TOGUNA_CLIENT_NODE_CORE_H
#define TOGUNA_CLIENT_NODE_CORE_H

#include "client/node/depot.h"
#include "client/node/node.h"
#include "client/node/orders.h"
#include "client/node/steady.h"
#include "keys/directory.h"
#include "keys/keyring.h"
#include "policy/decide.h"
#include "proto/batch.h"
#include "proto/frame.h"
#include "proto/wrap.h"

enum {
  CORE_ARENA = 4 * FRAME_ARENA,
  CORE_CREDIT_BYTES = 16 << 20, /* node_config.credit_bytes when it says nothing */
};

/* known: it was read; dirty: put it before the commit. */
struct journal_end {
  bool known, dirty;
  uint64_t place;
  struct hash chain;
};

struct talk;     /* the session with a hub */
struct watch;    /* the checkpoints of its log */
struct gossip;   /* and what other nodes saw of it */
struct papers;   /* signed documents, and what follows from them */
struct errands;  /* those that we bring to the hub */
struct rotation; /* our own sealing keys */
struct waiting;  /* bulletins of ours that lack approvals */
struct outbox;   /* bulletins of ours on their way */
struct says;     /* receipts we state */
struct stated;   /* and what the log has of them, when somebody asks */
struct arrivals; /* bodies that are coming */
struct judge;    /* may a delivery come in? */
struct inbox;    /* what came */
struct desk;     /* local programs and their requests */
struct hooks;
struct bundle_in; /* the bundle that is being read */
struct backup;    /* the copy that is being made */

/* Invariants: 1 depot, directory, ring and policies agree with the last committed transaction plus this turn's changes.
   2 batch holds the statements of this turn that are not signed yet; each has a row or an errand in the open transaction.
   3 once `failed` is set nothing is done any more. 4 me, my_name and member are fixed by the secrets and the exchange; `named` tells
   whether our credential is known yet. */
struct node_core {
  const struct node_config *config;
  const struct node_secrets *secrets;
  struct node_effects effects;
  struct node_now now;
  int64_t wake;  /* the earliest time that was asked for in this turn */
  int64_t woken; /* what wake_at was last told */
  bool due;        /* somebody waits for what this transaction changes */
  bool urgent;     /* a FLASH came or was published in it */
  int64_t put_off; /* until when the transaction may stay open; 0: nothing was put off */
  enum tg_err failed;

  struct sign_pk me;
  bool named;
  struct country member;
  char my_name[HOLDER_MAX + 1];
  char my_agency[LABEL_MAX + 1];

  struct depot *depot;
  struct orders *orders;
  struct arena *arena;  /* of the event at hand: reset after each */
  struct arena *scrap;  /* for a row within a loop: reset by who uses it */
  struct buf frame;     /* scratch for encoding a frame */
  struct directory *directory;
  struct policy_set *policies; /* NULL before a charter is known */
  struct batch_verifier *verifier;
  struct wrap_sender *sender;
  struct wrap_opener *opener;

  struct watch *watch;
  struct gossip *gossip;
  struct papers *papers;
  struct errands *errands;
  struct rotation *rotation;
  struct talk *talk;
  struct waiting *waiting;
  struct outbox *outbox;
  struct says *says;
  struct stated *stated;
  struct arrivals *arrivals;
  struct judge *judge;
  struct inbox *inbox;
  struct desk *desk;
  struct hooks *hooks;
  struct bundle_in *importing; /* one at a time; NULL: none */
  struct backup *backup;       /* the same */

  struct journal_end journal; /* where the chain ends, with the rows of this turn */
  uint64_t free_bytes;   /* of the disk, as last told; UINT64_MAX at first */
  tg_time hub_ahead;     /* the hub's clock minus ours at the last Welcome or Tick */
  bool clock_told;
  uint64_t met_under;    /* the highest version of a charter that was in force when a session opened (relog.h) */
  struct steady steady;  /* and how far ours may be believed */
  uint64_t carried;      /* bulletins that bundles brought, carried.h */
  bool sweeping;         /* dropped bodies wait to be removed */
  bool settle;           /* secrets were erased: empty the database's journal after the commit */
  bool stopping;
  int64_t next_upkeep;   /* monotonic */
};

/* Opens the turn's transaction before the first change. */
enum tg_err core_begin(struct node_core *core);
/* The charter in force now, or NULL. */
const struct charter *core_charter(const struct node_core *core);
/* A time after which the present turn must be followed by another: wakes at the earliest asked for. */
void core_wake_at(struct node_core *core, int64_t mono);
void core_wake_now(struct node_core *core); /* work is left over for the next turn */
/* Is there room on the disk for more from outside? */
bool core_has_room(const struct node_core *core);
/* And for so many bytes of ours, without touching the reserve? */
bool core_has_room_for(const struct node_core *core, uint64_t bytes);
/* Erasing cannot be undone, so a clock that runs ahead of the hub's, or has leapt, must not decide it alone: the earlier of them. */
tg_time core_careful_now(const struct node_core *core);
/* The hubs that this node may use, as the charter knows them: their number, at most `max`. */
size_t core_hubs(const struct node_core *core, const struct charter_hub **ret, size_t max);
/* Does the charter in force name it? */
bool core_names_log(const struct node_core *core, const struct note_key *log);
/* The n-th of all that a charter names, be it in force no more, or not yet by our clock: their logs prove what they did. The newest first; a log again only if
   it was away between. NULL past the end. */
const struct charter_hub *core_hub_ever(const struct node_core *core, size_t n);
/* The same of the charter in force, and of those after it under which we met a hub: which one is in force goes by the clock, and one that is set back does not undo
   that. NULL past the end, and while none is in force. */
const struct charter_hub *core_hub_still(const struct node_core *core, size_t n);
/* The name of this log, if it is that of one of these; else NULL. */
const char *core_log_still(const struct node_core *core, const char *log);
/* Our index in membersets; -1 before our credential is known. */
int core_member_index(const struct node_core *core);
/* Is it an error of ours or of the machine, after which nothing is done any more? */
static inline bool core_is_fatal(enum tg_err err) { return tg_exit_code(err) == 5; }
/* The name of a node for people: "ML/dgse/n1", or the beginning of its key when it is not known. */
void core_name_of(const struct node_core *core, const struct sign_pk *identity, char out[HOLDER_MAX + 1]);

/* Tells what the person who runs the node should know. who and why may be NULL. */
enum tg_err core_tell(struct node_core *core, enum node_level level, const char *name, const struct hash *subject,
                      const char *who, uint64_t number, const struct tg_why *why);

/* An Ed25519 signature with the node's identity key: a batch_signer whose context is the core. */
enum tg_err core_sign(void *core, struct slice message, struct sign_sig *ret);

static inline struct slice data_slice(ProtobufCBinaryData d) { return (struct slice){d.data, d.len}; }
static inline ProtobufCBinaryData slice_data(struct slice s)
{
  return (ProtobufCBinaryData){s.n, s.n ? (uint8_t *)(uintptr_t)s.p : NULL};
}
static inline struct slice hash_slice(const struct hash *h) { return (struct slice){h->b, 32}; }
static inline struct slice key_slice(const struct sign_pk *k) { return (struct slice){k->b, 32}; }
static inline ProtobufCBinaryData text_data(const char *s) { return slice_data(slice_str(s)); }

#endif
