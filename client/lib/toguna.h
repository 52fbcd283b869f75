/* libtoguna: how a program talks to its node.
 *
 * A node (toguna-node) exchanges bulletins for an agency; programs of that agency reach it through its Unix
 * socket. This library previews and publishes bulletins, subscribes to what arrives, reads, acknowledges and
 * tracks. It holds no key and decides nothing: the node does both.
 *
 *   struct toguna_error error;
 *   struct toguna *node;
 *   if (toguna_open(NULL, "my-program", &node, &error) != TOGUNA_OK) {
 *     fprintf(stderr, "%s\n", error.text);
 *     return toguna_exit_code(error.err);
 *   }
 *
 * Conventions. Every function that can fail returns enum toguna_err, TOGUNA_OK being 0, and tells why in
 * `error`, which may be NULL. What a call hands back through ret_ parameters is untouched when it fails.
 * Strings are UTF-8, lists of strings end with NULL, times are milliseconds since 1970-01-01T00:00:00Z with 0
 * for "not stated". The library never exits, prints, forks, starts a thread or installs a signal handler; it
 * writes to sockets without raising SIGPIPE. Sentences in errors are translated according to LC_MESSAGES (call
 * setlocale() for that). A connection is used by one thread at a time; different connections are independent.
 * The structures below are only ever extended at their end, and those a caller fills have reserved room that
 * must be zero, so use designated initialisers. */
#ifndef TOGUNA_H
#define TOGUNA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define TOGUNA_API __attribute__((visibility("default")))
#else
#define TOGUNA_API
#endif

/* ---- results ---------------------------------------------------------------------------------------- */

/* The high byte is the class: 1 refused, 2 usage, 3 bad input, 4 unreachable, 5 internal. */
enum toguna_err {
  TOGUNA_OK = 0,
  TOGUNA_REFUSED = 0x0100, /* a policy, or the lack of one, says no */
  TOGUNA_REVOKED,          /* the key or the member has lost its standing */
  TOGUNA_QUOTA,            /* a documented limit on how much has been reached */
  TOGUNA_USAGE = 0x0200,   /* the call makes no sense */
  TOGUNA_BAD_INPUT = 0x0300,
  TOGUNA_BAD_SIGNATURE,
  TOGUNA_BAD_PROOF,
  TOGUNA_BAD_SEAL,
  TOGUNA_BAD_PASSPHRASE,
  TOGUNA_TOO_BIG,
  TOGUNA_NOT_FOUND, /* no such thing, or none that the caller may know of */
  TOGUNA_STALE,
  TOGUNA_DUPLICATE,
  TOGUNA_CONFLICT,
  TOGUNA_EXPIRED,
  TOGUNA_UNKNOWN,              /* a version or type this library does not know */
  TOGUNA_UNREACHABLE = 0x0400, /* the node cannot be reached now, or went away */
  TOGUNA_BUSY,                 /* not now: nothing came before the timeout, or the node asks to come back */
  TOGUNA_INTERNAL = 0x0500,
  TOGUNA_NO_MEMORY,
  TOGUNA_DISK
};

/* What a person must understand: `text` is the whole of it in one line; the parts are there for programs that
   lay it out themselves. All are terminated, translated and filled in; where and todo may be empty. */
struct toguna_error {
  enum toguna_err err;
  char text[1024]; /* "where: what. todo" */
  char where[160]; /* file:line:column, field or bulletin id */
  char what[512];
  char todo[512];
};

/* The exit code that suits a program that ends with err: 0..5. */
TOGUNA_API int toguna_exit_code(enum toguna_err err);
/* A stable name, such as "not-found". Never NULL. */
TOGUNA_API const char *toguna_err_name(enum toguna_err err);
/* The version of the library, such as "0.1.0". */
TOGUNA_API const char *toguna_version(void);

/* ---- the connection --------------------------------------------------------------------------------- */

struct toguna;

/* Who answers at the other end, and what the caller may do there. Belongs to the connection. */
struct toguna_self {
  const char *node;         /* its name, such as "ML/dgse/n1" */
  const char *member;       /* two letters */
  uint8_t exchange[32];     /* hash of the text of charter version 1 */
  const char *const *roles; /* of: reader publisher approver officer auditor admin */
};

/* Connects to the node whose socket is at `path`; NULL means $TOGUNA_SOCKET or else /run/toguna/node.sock.
   `program` is the caller's name for the node's journal. Waits up to ten seconds for the node to answer.
   TOGUNA_UNREACHABLE when nobody listens there or the caller may not connect. */
TOGUNA_API enum toguna_err toguna_open(const char *path, const char *program, struct toguna **ret_node,
                                       struct toguna_error *error);
/* Closes and frees. NULL is fine. What was published stays published. */
TOGUNA_API void toguna_close(struct toguna *node);
TOGUNA_API const struct toguna_self *toguna_self(const struct toguna *node);
/* The longest silence, in milliseconds, that calls accept from the node before they fail with TOGUNA_BUSY;
   -1 for no limit. The default is 60,000. Waiting for delivery or settling has its own limit. After such a
   failure the connection is only good for toguna_close(). */
TOGUNA_API void toguna_set_timeout(struct toguna *node, int milliseconds);

/* ---- bulletins: words -------------------------------------------------------------------------------- */

/* A bulletin is named by 32 bytes; people see the first 12 of its 64 hex digits. */
struct toguna_id {
  uint8_t b[32];
};

enum toguna_level {
  TOGUNA_UNCLASSIFIED = 1,
  TOGUNA_RESTRICTED,
  TOGUNA_CONFIDENTIAL,
  TOGUNA_SECRET,
  TOGUNA_TOP_SECRET
};
enum toguna_tlp {
  TOGUNA_TLP_CLEAR = 1,
  TOGUNA_TLP_GREEN,
  TOGUNA_TLP_AMBER,
  TOGUNA_TLP_AMBER_STRICT,
  TOGUNA_TLP_RED
};
enum toguna_precedence { TOGUNA_ROUTINE = 1, TOGUNA_PRIORITY, TOGUNA_IMMEDIATE, TOGUNA_FLASH };
enum toguna_kind {
  TOGUNA_REPORT = 1,
  TOGUNA_REPLY,
  TOGUNA_CORRECTION,
  TOGUNA_RECALL,
  TOGUNA_QUESTION,
  TOGUNA_RELEASE_REQUEST,
  TOGUNA_RELEASE_GRANT,
  TOGUNA_RELEASE_DENIAL
};
#define TOGUNA_EXERCISE 0x1u /* flag of a bulletin: not real */
#define TOGUNA_ORCON 0x1u    /* caveat: not to be passed on without the originator's grant */
#define TOGUNA_BLIND 0x2u    /* caveat: recipients do not learn of each other */

/* 64 hex digits and a NUL. */
TOGUNA_API void toguna_id_print(const struct toguna_id *id, char out[65]);
/* Exactly 64 hex digits. TOGUNA_BAD_INPUT otherwise. For a prefix see toguna_find(). */
TOGUNA_API enum toguna_err toguna_id_parse(const char *text, struct toguna_id *ret);

/* ---- drafts ------------------------------------------------------------------------------------------ */

/* Where the bytes of a portion come from: the first of these that is set. All are borrowed for the call.
     memory   size bytes at memory
     read     called until `size` bytes have come; returns how many bytes it put into buffer (up to n), 0 when
              there are no more, -1 on failure, which aborts the publication
     fd       from its present position. A regular file's size is asked; a pipe or terminal is read to its end
              first, at most 64 MiB of it.
   A source with none of the first two and fd 0 is standard input. */
struct toguna_source {
  const void *memory;
  ssize_t (*read)(void *context, void *buffer, size_t n);
  void *context;
  int fd;
  uint64_t size;
  uint64_t reserved[2];
};

struct toguna_portion {
  enum toguna_level level; /* must be stated */
  enum toguna_tlp tlp;     /* must be stated: nothing is assumed */
  unsigned caveats;        /* TOGUNA_ORCON | TOGUNA_BLIND */
  const char *label;       /* national label, or NULL */
  const char *const *to;   /* release list: "ML", "AES", "ML/dgse"; at least one */
  const char *const *except;
  const char *content_type; /* media type; NULL: "text/plain; charset=utf-8" */
  const char *title;        /* may be NULL, as all below */
  const char *filename;     /* a name, never a path */
  const char *language;     /* BCP 47 */
  bool compress;            /* with zstd, before sealing */
  struct toguna_source content;
  uint64_t reserved[4];
};

struct toguna_draft {
  enum toguna_kind kind;             /* 0: TOGUNA_REPORT */
  enum toguna_precedence precedence; /* 0: TOGUNA_ROUTINE */
  int64_t expires;                   /* 0: as the node's configuration says */
  unsigned flags;                    /* TOGUNA_EXERCISE */
  const char *const *topics;         /* 1..4 dotted labels, no wildcard */
  const struct toguna_id *sources;   /* what this derives from */
  size_t source_count;
  const struct toguna_id *supersedes; /* for a correction or recall; else NULL */
  const struct toguna_id *replies_to; /* or NULL */
  const struct toguna_portion *portions;
  size_t portion_count; /* 1..16 */
  uint64_t reserved[4];
};

/* ---- the audience ------------------------------------------------------------------------------------ */

/* At which check a state fell out of the audience. */
enum toguna_stage {
  TOGUNA_STAGE_NONE = 0,
  TOGUNA_STAGE_CHARTER,
  TOGUNA_STAGE_MARKING,
  TOGUNA_STAGE_EXPORT,
  TOGUNA_STAGE_OBLIGATION,
  TOGUNA_STAGE_TRANSIT,
  TOGUNA_STAGE_IMPORT,
  TOGUNA_STAGE_SOURCES,
  TOGUNA_STAGE_NO_NODE,
  TOGUNA_STAGE_NO_KEY
};

/* One state of the release list, and whether it will be able to read. */
struct toguna_audience_line {
  const char *member;       /* two letters */
  const char *const *nodes; /* names of the nodes it is sealed to */
  uint32_t portions;        /* bit i: portion i is for this state; 0: none */
  enum toguna_stage stage;  /* why not, when portions is 0 */
  const char *rule_file;    /* the rule that decided, when it is the caller's own state's; else "" */
  uint32_t rule_line;
  const char *rule_text;
  const char *reason; /* a translated sentence, or "" */
  bool new_for_topic; /* this state was not in the audience that this topic had before */
  bool fallback_key;  /* no current sealing key: an expired one was used */
};

struct toguna_audience {
  const struct toguna_audience_line *const *lines; /* ends with NULL; permitted first, each group by code */
  const char *const *missing; /* obligations not yet met, as translated sentences; nothing can leave until then */
  unsigned approvals;         /* so many officers must approve it: it waits for them at the node */
};

/* Exactly who would be able to read the draft, and who not and why. Nothing leaves; no content is read.
   *ret_audience belongs to the caller: toguna_audience_free(). TOGUNA_REFUSED and the rest as for
   toguna_publish(), except that an audience of nobody is an answer here, not an error. */
TOGUNA_API enum toguna_err toguna_preview(struct toguna *node, const struct toguna_draft *draft,
                                          struct toguna_audience **ret_audience, struct toguna_error *error);
/* The same of one that waits for approvals: to whom it would go now. */
TOGUNA_API enum toguna_err toguna_preview_waiting(struct toguna *node, const struct toguna_id *draft,
                                                  struct toguna_audience **ret_audience, struct toguna_error *error);
TOGUNA_API void toguna_audience_free(struct toguna_audience *audience);

/* ---- publishing -------------------------------------------------------------------------------------- */

/* What toguna_publish() waits for. Spooled: the node has it on disk and will not lose it. Accepted: the hub has
   logged it. Delivered: every recipient node has stated that it stored it. Settled: the log's checkpoint
   carries the cosignatures that the charter demands. */
enum toguna_wait { TOGUNA_SPOOLED = 0, TOGUNA_ACCEPTED, TOGUNA_DELIVERED, TOGUNA_SETTLED };

enum toguna_state {
  TOGUNA_IS_SPOOLED = 0,
  TOGUNA_IS_ACCEPTED,
  TOGUNA_IS_DELIVERED,
  TOGUNA_IS_SETTLED,
  TOGUNA_IS_REFUSED, /* by the hub; detail says why */
  TOGUNA_IS_EXPIRED,
  TOGUNA_IS_WAITING /* at the node, as safe as one that is spooled, until enough officers have approved it */
};

struct toguna_progress {
  struct toguna_id id; /* while it waits for approvals: of the draft; it becomes a bulletin of another id */
  enum toguna_state state;
  uint64_t number;    /* running number of this node */
  uint64_t leaf;      /* place in the hub's log, once accepted */
  const char *detail; /* may be "" */
};

/* Is told of each state as it is reached. A result other than 0 ends the waiting (the bulletin goes its way). */
typedef int toguna_on_progress(void *context, const struct toguna_progress *progress);

/* Publishes: the node decides by its state's policy, seals, signs and spools. Returns when `wait` is reached.
     timeout_ms   how long to wait for more than "spooled"; -1 for ever. When it passes: TOGUNA_BUSY, with
                  *ret_progress filled; the bulletin is not withdrawn by that.
     on_progress  may be NULL
     ret_progress may be NULL; its detail belongs to the connection until the next call
   Where the policy demands approvals the state TOGUNA_IS_WAITING comes first; who waits for no more than
   TOGUNA_SPOOLED gets TOGUNA_OK with it. TOGUNA_REFUSED after it: an officer denied the approval.
   TOGUNA_REFUSED: a policy or an empty audience; nothing left. TOGUNA_REFUSED with *ret_progress filled and
   state TOGUNA_IS_REFUSED: the hub refused. TOGUNA_BAD_INPUT: the draft. */
TOGUNA_API enum toguna_err toguna_publish(struct toguna *node, const struct toguna_draft *draft,
                                          enum toguna_wait wait, int timeout_ms, toguna_on_progress *on_progress,
                                          void *context, struct toguna_progress *ret_progress,
                                          struct toguna_error *error);

/* ---- publishing many ---------------------------------------------------------------------------------- */

/* toguna_publish() waits for the disk each time. A program with much to say submits without waiting and collects the
   outcomes as they come: the node then takes many bulletins with one system call, one signature and one commit.

     for (;;) {
       while (more && toguna_outstanding(node) < TOGUNA_OUTSTANDING_MAX)
         toguna_submit(node, &draft, TOGUNA_SPOOLED, on_published, context, &error);
       if (toguna_outstanding(node) == 0)
         break;
       if (toguna_collect(node, -1, &error) != TOGUNA_OK)
         … the connection is gone: what was not told is unknown, see toguna_list() of TOGUNA_SENT
     }

   While anything is outstanding only these functions may be used on the connection; others say TOGUNA_USAGE. */

enum { TOGUNA_OUTSTANDING_MAX = 256 };

/* What became of one: called once for each toguna_submit() that returned TOGUNA_OK, from toguna_collect(). err, progress and
   error are as toguna_publish() would have told them; error is NULL when err is TOGUNA_OK, progress is NULL when nothing
   was spooled. Valid during the call. It may call toguna_submit(), nothing else on this connection. */
typedef void toguna_on_published(void *context, enum toguna_err err, const struct toguna_progress *progress,
                                 const struct toguna_error *error);

/* Sends a draft on its way. The content is read before this returns; the draft is not needed after it. What is short waits to go
   out together with others until toguna_collect() is called or enough has gathered. TOGUNA_BUSY: TOGUNA_OUTSTANDING_MAX are
   under way. After any result but TOGUNA_OK nothing is published and nothing is told. */
TOGUNA_API enum toguna_err toguna_submit(struct toguna *node, const struct toguna_draft *draft, enum toguna_wait wait,
                                         toguna_on_published *on_published, void *context,
                                         struct toguna_error *error);
/* Sends what waits and tells the outcomes that are there; when there are none, waits up to timeout_ms (0: not at all; -1: for
   ever) for the first. TOGUNA_OK: some were told, or nothing is outstanding. TOGUNA_BUSY: none came in that time. Any other
   result ends the connection; on_published is not called for what was outstanding. */
TOGUNA_API enum toguna_err toguna_collect(struct toguna *node, int timeout_ms, struct toguna_error *error);
TOGUNA_API size_t toguna_outstanding(const struct toguna *node);
/* For poll loops: after toguna_collect(node, 0, …), when this descriptor is readable, collect again. */
TOGUNA_API int toguna_fd(const struct toguna *node);

/* ---- approvals --------------------------------------------------------------------------------------- */

/* An officer's approval of what waits: an Ed25519 signature under the message that docs/protocol.md section 5 says, over the
   draft's id, which is its subject hash. What waits, and the Subject itself, tells toguna_query() "waiting".
   *ret_lacking (may be NULL): approvals that are missing still; 0: it is sent. TOGUNA_REFUSED, TOGUNA_REVOKED, TOGUNA_EXPIRED,
   TOGUNA_NOT_FOUND: this officer may not approve it, or nothing waits under this id; TOGUNA_DUPLICATE: has done so already;
   TOGUNA_BAD_SIGNATURE. */
TOGUNA_API enum toguna_err toguna_approve(struct toguna *node, const struct toguna_id *draft, const uint8_t officer[32],
                                          int64_t time, const uint8_t signature[64], unsigned *ret_lacking,
                                          struct toguna_error *error);
/* It shall not be sent; its content is erased. reason: 1 to 128 bytes. */
TOGUNA_API enum toguna_err toguna_deny(struct toguna *node, const struct toguna_id *draft, const char *reason,
                                       struct toguna_error *error);

/* ---- what has come ----------------------------------------------------------------------------------- */

/* Texts that the originator did not state are NULL. */
struct toguna_portion_info {
  uint32_t index;
  enum toguna_level level;
  enum toguna_tlp tlp;
  unsigned caveats;
  const char *label;
  const char *const *to; /* empty when the audience is blind */
  const char *const *except;
  const char *content_type, *title, *filename, *language;
  uint64_t size; /* of the content, in bytes */
  bool complete; /* all of it is here */
  const void *content; /* with a filter that asked for it: `size` bytes and a NUL; else NULL */
};

enum toguna_item_state {
  TOGUNA_CURRENT = 0,
  TOGUNA_SUPERSEDED,
  TOGUNA_RECALLED_PURGED,
  TOGUNA_RECALLED_RETAINED,
  TOGUNA_ITEM_EXPIRED
};

/* A bulletin in a folder. Belongs to the library; valid as long as the function that hands it out says. */
struct toguna_item {
  struct toguna_id id;
  uint64_t place;         /* in the folder, growing; a later call may go on after it */
  const char *originator; /* name of the node */
  const char *member;
  enum toguna_kind kind;
  enum toguna_precedence precedence;
  unsigned flags;
  int64_t created, received, expires;
  const char *const *topics;
  const struct toguna_id *supersedes, *replies_to, *superseded_by; /* NULL when none */
  const struct toguna_id *sources;
  size_t source_count;
  const struct toguna_portion_info *const *portions; /* those this node may read; ends with NULL */
  bool read, acknowledged;
  int state;           /* inbox: enum toguna_item_state; sent: enum toguna_state */
  uint64_t number;     /* the originator's running number */
  uint64_t leaf;       /* place in the hub's log */
  bool missing_before; /* a bulletin of this originator to this node, sent before this one, has not come */
  bool overdue; /* sent: a recipient has not said in time that it has it, and still has not */
  bool settled; /* as many witnesses as the charter demands have seen the log with it */
  bool carried; /* inbox: a bundle brought it, and no hub has delivered it yet */
  bool ahead;   /* toguna_filter.ahead: it came before its place */
};

enum toguna_folder { TOGUNA_INBOX = 1, TOGUNA_SENT };

/* Which bulletins; a field left 0 or NULL does not restrict. */
struct toguna_filter {
  enum toguna_folder folder; /* 0: inbox */
  bool unread;
  const char *from;  /* "ML" or "ML/dgse" */
  const char *topic; /* may hold wildcards: "alert.**" */
  int64_t since;     /* received then or later */
  uint64_t after;    /* place: only what came later */
  uint64_t limit;    /* newest so many */
  /* For toguna_subscribe() of the inbox: a bulletin comes with its content if that is not more than so many bytes, all portions
     together (at most 65,536); many then come with one system call and cost the node one commit. With more than that, or
     0, read it with toguna_read(). */
  uint64_t content;
  bool mark; /* the originators are told that what came with its content was read */
  /* For toguna_subscribe() of the inbox: a FLASH comes at once, before bulletins that have not been handed out yet and stand before it; it says
     `ahead` then. What to give as `after` another time is the place of the last that did not: a FLASH may come again then, nothing is left out. */
  bool ahead;
  uint64_t reserved[2];
};

/* Called for each bulletin, oldest first; item is valid during the call only. A result other than 0 ends the
   calls; the function that calls then returns TOGUNA_OK. It must not use the same connection. */
typedef int toguna_on_item(void *context, const struct toguna_item *item);

/* What is in a folder now. filter may be NULL. */
TOGUNA_API enum toguna_err toguna_list(struct toguna *node, const struct toguna_filter *filter,
                                       toguna_on_item *on_item, void *context, struct toguna_error *error);
/* The one bulletin whose id begins with these hex digits (4..64). TOGUNA_NOT_FOUND for none,
   TOGUNA_CONFLICT for several. */
TOGUNA_API enum toguna_err toguna_find(struct toguna *node, const char *prefix, toguna_on_item *on_item,
                                       void *context, struct toguna_error *error);

/* ---- subscribing ------------------------------------------------------------------------------------- */

struct toguna_subscription;

/* From now on: everything in the folder that the filter lets through (use filter->after to go on where the
   last run stopped), then whatever comes, each once and only after the node has committed it. Uses a connection
   of its own, so that `node` stays free for reading and acknowledging. A reader that is slow costs the node disk,
   not memory. */
TOGUNA_API enum toguna_err toguna_subscribe(struct toguna *node, const struct toguna_filter *filter,
                                            struct toguna_subscription **ret_subscription,
                                            struct toguna_error *error);
TOGUNA_API void toguna_subscription_free(struct toguna_subscription *subscription);
/* The next bulletin, waiting up to timeout_ms (0: not at all; -1: for ever). *ret_item is valid until the next
   call. TOGUNA_BUSY: none came in that time. */
TOGUNA_API enum toguna_err toguna_next(struct toguna_subscription *subscription, int timeout_ms,
                                       const struct toguna_item **ret_item, struct toguna_error *error);
/* For poll loops: when this descriptor is readable, call toguna_next(s, 0, …) until it says TOGUNA_BUSY. */
TOGUNA_API int toguna_subscription_fd(const struct toguna_subscription *subscription);
/* Calls on_item for each bulletin until it returns something other than 0 or the node goes away. on_item may use
   `node` here, since the subscription has its own connection. */
TOGUNA_API enum toguna_err toguna_run(struct toguna_subscription *subscription, toguna_on_item *on_item,
                                      void *context, struct toguna_error *error);

/* ---- reading, acknowledging, tracking ----------------------------------------------------------------- */

/* Called with the content piece by piece, in order. A result other than 0 ends the reading: TOGUNA_OK. */
typedef int toguna_on_data(void *context, const void *data, size_t n);

/* The content of one portion from `offset` on. `mark`: the originator is told that it was read (once). */
TOGUNA_API enum toguna_err toguna_read(struct toguna *node, const struct toguna_id *id, uint32_t portion,
                                       uint64_t offset, bool mark, toguna_on_data *on_data, void *context,
                                       struct toguna_error *error);
/* The sealed bytes of one portion of what waits for approvals, chunk after chunk, with the key K that opens them (docs/protocol.md §4), which
   stands in ret_key before on_data is called: wipe it. For who approves, and does not believe the node about what he signs. */
TOGUNA_API enum toguna_err toguna_read_sealed(struct toguna *node, const struct toguna_id *draft, uint32_t portion,
                                              uint8_t ret_key[32], toguna_on_data *on_data, void *context,
                                              struct toguna_error *error);
/* The same as toguna_read() into memory of at most `max` bytes, which the caller frees; a NUL follows the content.
   TOGUNA_TOO_BIG when there is more. */
TOGUNA_API enum toguna_err toguna_read_all(struct toguna *node, const struct toguna_id *id, uint32_t portion,
                                           bool mark, size_t max, char **ret_data, size_t *ret_size,
                                           struct toguna_error *error);
/* Tells the originator, signed, that this bulletin was taken note of by a person. */
TOGUNA_API enum toguna_err toguna_ack(struct toguna *node, const struct toguna_id *id,
                                      struct toguna_error *error);

enum toguna_event {
  TOGUNA_NOTHING_YET = 0,
  TOGUNA_STORED,
  TOGUNA_READ,
  TOGUNA_ACKNOWLEDGED,
  TOGUNA_PURGED,
  TOGUNA_RETAINED,
  TOGUNA_RECALL_REFUSED,
  TOGUNA_UNREADABLE,
  TOGUNA_IMPORT_REFUSED
};

struct toguna_track {
  const char *node, *member;
  enum toguna_event event;
  int64_t time; /* when that node says it happened; 0 with TOGUNA_NOTHING_YET */
  const char *detail;
  bool held; /* the hub has it and holds it back from this node: by the policies in force now, as detail says */
};

typedef int toguna_on_track(void *context, const struct toguna_track *track);

/* Who has a bulletin that this node sent, and what became of it there: one call per recipient node and event. */
TOGUNA_API enum toguna_err toguna_track(struct toguna *node, const struct toguna_id *id, toguna_on_track *on_track,
                                        void *context, struct toguna_error *error);

/* ---- for who runs the node ------------------------------------------------------------------------------ */

/* A copy of the node's store, of one moment, made while the node works; needs the role admin. on_data gets it piece by piece, the first when the node
   has made the copy, which may take minutes; an answer other than 0 ends it. It is whole when TOGUNA_OK is returned: until then write it beside its name. TOGUNA_BUSY: another
   is being made; TOGUNA_DISK: there is no room for it at the node. */
TOGUNA_API enum toguna_err toguna_backup(struct toguna *node, toguna_on_data *on_data, void *context, struct toguna_error *error);

/* ---- without a hub ------------------------------------------------------------------------------------- */

/* Writes bulletins of this node, as they are sealed, into a bundle (docs/protocol.md section 11) for the nodes named `to` or below: "BF",
   "BF/anr", "BF/anr/n1". count 0: all that one of them has not answered. bare: without documents and proofs, short, for who knows this
   exchange's documents. on_data gets the bundle piece by piece; it is whole when TOGUNA_OK is returned. TOGUNA_NOT_FOUND,
   TOGUNA_REFUSED, TOGUNA_REVOKED, TOGUNA_EXPIRED: a bulletin may not go to them, or not any more. */
TOGUNA_API enum toguna_err toguna_export(struct toguna *node, const char *to, const struct toguna_id *ids, size_t count,
                                         bool bare, toguna_on_data *on_data, void *context, struct toguna_error *error);

enum toguna_import_outcome { TOGUNA_TAKEN = 1, TOGUNA_WAS_HERE, TOGUNA_DECLINED, TOGUNA_RECEIPT };

struct toguna_imported {
  struct toguna_id id;
  enum toguna_import_outcome outcome;
  const char *node;        /* of a receipt: whose */
  enum toguna_event event; /* of a receipt */
  const char *why;         /* of one that was declined */
};

struct toguna_import {
  uint64_t size; /* bytes of the bundle */
  int (*read)(void *context, void *data, size_t n);                            /* exactly the next n bytes; not 0: it cannot */
  void (*on_imported)(void *context, const struct toguna_imported *imported);  /* may be NULL */
  toguna_on_data *on_receipts; /* a bundle of receipts, to be imported where this one was written; may be NULL */
  void *context;
};

/* Reads a bundle. One fault in it, and nothing is taken in: TOGUNA_BAD_INPUT, TOGUNA_BAD_SIGNATURE, TOGUNA_BAD_PROOF, TOGUNA_REVOKED,
   TOGUNA_EXPIRED (a clock is wrong) and others say which. */
TOGUNA_API enum toguna_err toguna_import(struct toguna *node, const struct toguna_import *with, struct toguna_error *error);

/* ---- everything else ----------------------------------------------------------------------------------- */

/* Asks the node a question by name and gets one JSON text back, which the caller frees. Names: "status",
   "directory", "documents", "document" (argument: hash), "doctor", "explain". arguments may be NULL. */
TOGUNA_API enum toguna_err toguna_query(struct toguna *node, const char *what, const char *const *arguments,
                                        char **ret_json, struct toguna_error *error);
/* Hands a signed note (credential, policy, charter …) to the node, which verifies it, keeps it and passes it to
   the hub. Returns once the hub has logged it. TOGUNA_DUPLICATE: it was there already. */
TOGUNA_API enum toguna_err toguna_document(struct toguna *node, const void *note, size_t size,
                                           struct toguna_error *error);

#ifdef __cplusplus
}
#endif
#endif
