/* The node as a state machine: frames from the hub, requests of local programs and times in; frames, answers and orders
   out. It never opens, waits or asks the time and has no global state: any number of nodes run in one process. Randomness
   comes from libsodium. docs/design.md has the way of a bulletin; each file of this folder is one part of it.

   One turn of its shell is
     node_time           first, always
     node_link, node_frame, node_dropped, node_client_*, node_hook_done, ...   in any number and order
     node_step           when nothing else is ready, until nothing more is to be done in this turn; may be left out
     node_turn           then
   What a turn changes is one transaction of the store, everything that was said in it is under one signature, and every
   effect of the turn is called from node_turn(), after that transaction is on the disk, in the order in which the effects
   arose; evidence alone before it, for it is true in any case and must not be lost once the node acts on it. So nothing is answered, sent or shown that a power cut could take back. A transaction for which nobody waits (the hub's outcome,
   when no program asked for it; that the hub has our receipts) stays open for up to NODE_PUT_OFF_MS, to be committed with the next.

   Fail-stop: once a function here returns an error, memory and disk may differ. The caller ends the process and starts
   again from the disk; nothing was acknowledged that is not there. Bad input from the hub or a program is never such
   an error. */
#ifndef TOGUNA_CLIENT_NODE_NODE_H
#define TOGUNA_CLIENT_NODE_NODE_H

#include "keys/secret.h"
#include "proto/base.h"
#include "proto/buf.h"

struct node_core;

/* The moment of an event: wall time for what people and documents state, monotonic milliseconds for every timeout. */
struct node_now {
  tg_time wall;
  int64_t mono;
};

/* What a local program may do here. */
enum node_role {
  NODE_READER = 1,    /* list, follow, read, acknowledge */
  NODE_PUBLISHER = 2, /* preview, publish, track */
  NODE_APPROVER = 4,  /* see what waits for approvals, bring them, deny */
  NODE_OFFICER = 8,   /* hand in documents */
  NODE_AUDITOR = 16,  /* the journal, documents, status */
  NODE_ADMIN = 32,    /* all of this */
  NODE_ROLES_ALL = 63,
};
/* "reader" .. "admin"; one bit. */
const char *node_role_name(enum node_role role);
/* TG_BAD_INPUT for any other word. */
enum tg_err node_role_parse(struct slice s, enum node_role *ret);

/* Whose programs may do what. A user may stand in several lines; roles add up. */
struct node_user {
  uint32_t uid;
  unsigned roles; /* enum node_role */
};

/* What becomes of a bulletin whose originator takes it back. */
enum node_recall { NODE_RECALL_PURGE, NODE_RECALL_RETAIN, NODE_RECALL_REFUSE };

/* Minutes of the day, UTC: from included, until not; over midnight when until is less. */
struct call_window {
  uint16_t from, until;
};

struct node_config {
  struct hash exchange;         /* pin: hash of the text of charter version 1 */
  const char *database;         /* path of the store's file; ":memory:" for tests */
  const char *vfs;              /* SQLite VFS by name; NULL: the system's */
  const char *policy_file;      /* name by which explanations call the member's own policy, as "ml.policy"; NULL: "policy" */
  const struct node_user *users;
  size_t n_users;
  uint32_t owner;               /* uid that is admin when there are no users */
  enum node_recall on_recall;
  const char *const *hubs;      /* NULL-terminated names, in order of preference; NULL: all of the charter, in its order */
  const char *const *endpoints; /* parallel to hubs: replaces the charter's endpoints; entries may be NULL */
  const char *const *hooks;     /* NULL-terminated names of hooks */
  const bool *hook_alarms;      /* parallel to hooks: is it run for alarms instead of bulletins? NULL: none is */
  tg_time lifetime;             /* of drafts that state no expiry; 0: 30 days. Never beyond the charter's */
  tg_time approval_time;        /* how long a bulletin waits for approvals; 0: 7 days. Never beyond its expiry */
  bool own_approval;            /* may the user who published it bring an officer's approval too? */
  tg_time receipts_due[5];      /* by precedence: from publishing until every recipient must have said that it has it; 0: FLASH
                                   1 min, IMMEDIATE 10 min, PRIORITY 1 h, ROUTINE 12 h */
  tg_time keep_sent;            /* how long a settled bulletin of ours stays readable in `sent`; 0: until it expires */
  uint64_t credit_count;        /* deliveries the hub may have under way to us; 0: 256 */
  uint64_t credit_bytes;        /* 0: 16 MiB */
  uint64_t line_rate;           /* bytes a second that our line carries, each way: neither we nor the hub say more; 0: no limit is known */
  const struct call_window *calls; /* when the node calls its hub; */
  size_t n_calls;                  /* 0: always */
  unsigned call_for;            /* enum precedence: what waits and is as urgent is called for at any time; 0: IMMEDIATE; above FLASH: nothing */
  uint64_t disk_reserve;        /* bytes that stay free: below it nothing is accepted; 0: 64 MiB */
  tg_time tick;                 /* idle time until a Tick is sent; a hub silent for three is dropped; 0: 15 s */
};

/* Borrowed until node_free(). */
struct node_secrets {
  const struct secret_key *node;    /* KEY_NODE: identity and storage key */
  const struct secret_key *witness; /* KEY_WITNESS, or NULL: checkpoints are checked but not cosigned */
};

enum node_level { NODE_ALARM, NODE_ERROR, NODE_NOTICE, NODE_DEBUG };

/* Something the person who runs the node may want to read. Borrowed for the call; absent parts are NULL or 0. */
struct node_event {
  enum node_level level;
  const char *name;           /* "spooled", "accepted", "fork-seen" */
  const struct hash *subject; /* bulletin or document */
  const char *who;            /* a node's or program's name */
  uint64_t number;
  const struct tg_why *why;
};

/* An order to run a hook once. */
struct node_hook {
  uint64_t order; /* echoed in node_hook_done() */
  size_t hook;    /* index into node_config.hooks */
  struct slice json; /* for its standard input */
};

/* All are called from inside node_new() and node_turn() only, never re-enter the core, and cannot fail. Arguments are
   borrowed for the call. */
struct node_effects {
  void *context;
  /* Returns the bytes now waiting for the hub; when they are many (NODE_FULL), node_drained() must follow once they are
     few. What could not be handed on comes back as node_dropped(). */
  size_t (*to_hub)(void *context, struct slice frame);
  /* Connect there and nowhere else; an earlier connection ends. endpoint NULL: to nobody. node_link() tells how it goes. */
  void (*connect)(void *context, const char *endpoint, const struct seal_pk *hub);
  /* The same for a program: node_client_drained(). One that is gone meanwhile: 0. */
  size_t (*to_client)(void *context, uint64_t client, struct slice frame);
  void (*close_client)(void *context, uint64_t client); /* after what was sent; node_client_gone() is not called for it */
  void (*hook)(void *context, const struct node_hook *order);
  void (*wake_at)(void *context, int64_t mono); /* a turn is wanted at this time; replaces the former wish; INT64_MAX: none */
  void (*evidence)(void *context, const char *name, struct slice text); /* a proof of cheating, to be kept as a file */
  void (*tell)(void *context, const struct node_event *event);          /* may be NULL */
};

/* Bytes waiting for the hub or a program from which on no more content is produced for it until it has drained. */
enum { NODE_FULL = 512 * 1024 };

/* Starts from what the store holds; an empty one is a node that knows nothing but the pin until node_document() brings the
   charter. Configuration and secrets are borrowed until node_free(). TG_BUSY: another process has the store; TG_CONFLICT: the
   store is another exchange's or node's; TG_BAD_SEAL: it was written under another storage key; TG_BAD_INPUT, TG_UNKNOWN,
   TG_DISK, TG_NO_MEMORY. */
enum tg_err node_new(const struct node_config *config, const struct node_secrets *secrets,
                     const struct node_effects *effects, struct node_now now, struct node_core **ret,
                     struct tg_why *why);
/* Frees without committing what is open: as a crash would. NULL is fine. */
void node_free(struct node_core *core);

/* The time of all that follows until the next call; what is due is done. Wall time may go back, mono must not. */
enum tg_err node_time(struct node_core *core, struct node_now now);
/* Bytes that may still be written to the disk. Asked for about once in a minute. */
void node_disk(struct node_core *core, uint64_t free_bytes);

/* ---- the hub */

enum node_link_state {
  NODE_LINK_UP,      /* connected and authenticated: the hub has the key we expect */
  NODE_LINK_DOWN,    /* lost, or the link process was restarted */
  NODE_LINK_REFUSED, /* the hub does not admit our transport key */
  NODE_LINK_FAILED,  /* the handshake failed: who answers there is not the hub, or the line broke */
};
enum tg_err node_link(struct node_core *core, enum node_link_state state);
/* The line takes no more for now, or takes more again: what need not go waits here, where it can be overtaken. Of a new session it takes. */
enum tg_err node_line(struct node_core *core, bool busy);
/* Whatever the bytes are, the answer is TG_OK or fail-stop. */
enum tg_err node_frame(struct node_core *core, struct slice frame);
/* A frame of this type was not sent: the connection is gone or clogged. */
enum tg_err node_dropped(struct node_core *core, uint8_t type);
enum tg_err node_drained(struct node_core *core);

/* ---- local programs: `client` is any number above 0 that is not in use */

enum tg_err node_client_joined(struct node_core *core, uint64_t client, uint32_t uid);
enum tg_err node_client_frame(struct node_core *core, uint64_t client, struct slice frame);
enum tg_err node_client_drained(struct node_core *core, uint64_t client);
enum tg_err node_client_gone(struct node_core *core, uint64_t client);

/* ---- the rest */

/* A document from the node's own folder, such as the charter it begins with. TG_OK: taken in, or known already. TG_REFUSED: it
   was not, *ret_refusal (may be NULL) says why, and the node goes on; one that refers to documents not known yet may be
   tried again after others. Any other error is fail-stop. */
enum tg_err node_document(struct node_core *core, struct slice content, struct tg_why *ret_refusal);

/* How a hook ended: exit code 0 is success; -1: it could not be run or was stopped after its time. */
enum tg_err node_hook_done(struct node_core *core, uint64_t order, int code);

enum { NODE_PUT_OFF_MS = 250 };
/* A FLASH came or was published in this turn: it should end now, and not when there is nothing else to do. */
bool node_is_urgent(const struct node_core *core);
/* Takes in a few of the deliveries that came, the most urgent first. Many may have come; what comes between two steps and is more urgent goes before
   them. *ret_more: there are others that may be taken in before the turn ends, unless node_is_urgent(). */
enum tg_err node_step(struct node_core *core, bool *ret_more);
/* Ends the turn: finishes what is ready, signs, commits, then calls the effects. */
enum tg_err node_turn(struct node_core *core, struct tg_why *why);

/* Says goodbye to hub and programs; node_turn() sends it. Nothing new is begun after it. */
enum tg_err node_stop(struct node_core *core);

#endif
