/* Reviewing a hub's log: questions about what happened, answered from entries that were checked.

   A *source* is where openings come from: the folder of a hub, running or not; a node; or a copy of either that
   `toguna audit export` made. A node can prove what it is a party of: bulletins that it sent, with their decisions and
   receipts, those that came, and the checkpoints it saw; of other entries it has nothing. Whatever a source says goes into an index of our own only after it
   was held against the signed log: entry and salt against their leaf, the leaf against the signed root, what
   belongs to an entry against the hashes in it. All questions are answered from that index; it can be removed
   at any time and is made again.

   Answers are JSON values, of the shape that the verbs of `toguna audit` print with --json; the caller lets
   go of them. Times in them are milliseconds since 1970 under names that end in "_ms", and as text in UTC
   otherwise; hashes and keys are 64 hex digits. A word that nobody knows is null, never left out. */
#ifndef TOGUNA_CLIENT_REVIEW_H
#define TOGUNA_CLIENT_REVIEW_H

#include "keys/note.h"
#include "proto/base.h"
#include "proto/buf.h"
#include "proto/subject.h"

#include <jansson.h>

struct directory;
struct review;

/* Asks a node one of its questions (docs/local-protocol.md); arguments end in NULL. */
typedef enum tg_err review_ask(void *arg, const char *what, const char *const *arguments, json_t **ret, struct tg_why *why);

struct review_place {
  const char *folder;  /* of a hub, or a copy; of a node, what it is called in sentences */
  review_ask *ask;     /* a node in place of a folder; NULL */
  void *ask_arg;
  const char *charter; /* a note, or a folder of notes: whose log it must be; NULL: the charter that the source
                          has itself, whose founders nobody vouched for */
  const char *key;    /* the log's key as a verifier key, in place of a charter; NULL */
  const char *index;  /* file of the index; NULL: in the user's cache. One program at a time */
};

/* While entries are checked: `done` of `of`. */
typedef void review_progress(void *arg, uint64_t done, uint64_t of);

/* Opens a source and takes in what is new in it. TG_BAD_PROOF, TG_BAD_SIGNATURE, TG_CONFLICT: something there
   is not as it was signed: why->where names the file and the sentence the entry; nothing of it is in the
   index. TG_STALE: its checkpoint is older than one that the index has seen. TG_BUSY: another program has the
   index open. progress may be NULL. */
enum tg_err review_open(const struct review_place *place, review_progress *progress, void *arg,
                        struct review **ret, struct tg_why *why);
void review_free(struct review *r); /* NULL is fine */
/* Takes in what came since, for those that stay open. *ret_new: how many entries. Errors as review_open();
   what was known before stays known. */
enum tg_err review_refresh(struct review *r, uint64_t *ret_new, struct tg_why *why);

/* {"kind":"hub"|"copy"|"node"|"node-copy","node":whose view it is or null,"gaps":checkpoints of a view that are not proven to extend
    the one before,"unproven":entries of a node that are under none of the checkpoints it has of this log,"log":name,"exchange":hash,"size":leaves signed,"opened":entries that we can read,"root":hex,
    "first":time,"last":time,"settled":true|false|null,"settled_size":entries that are settled or null,"vouched":was a charter or key given?,
    "states":[codes that appear],"topics":[names]} */
enum tg_err review_about(struct review *r, json_t **ret, struct tg_why *why);

/* What is looked for. Zeros and NULL: anything. */
struct review_filter {
  tg_time from, to;       /* from <= time < to; 0: open */
  const char *state;      /* of the actor or of one concerned: "ML" */
  const char *topic;      /* this one or below it: "alert" finds "alert.flood" */
  const char *decision;   /* accepted, refused, denied (to some), not-all (either of the two) */
  const char *precedence; /* flash, immediate, priority, routine */
  const char *who;        /* beginning of a holder's name: "ML/dgse/n1", "ML/policy-1", or of a key in hex */
  const char *role;       /* node, policy, release, auditor, security */
  const char *type;       /* entry_type_name() */
  const char *rule;       /* refusals: reason_name() or a stage as policy_stage_name() */
  const char *subject;    /* beginning of a bulletin's or document's hash */
  bool oldest_first;
};
/* TG_USAGE and a sentence when a word in it is none of those. */
enum tg_err review_filter_check(const struct review_filter *f, struct tg_why *why);

enum { REVIEW_PAGE_MAX = 1000 };
/* One page: {"entries":[ENTRY...],"next":cursor or null}. cursor: 0, or "next" of the page before; limit 1..REVIEW_PAGE_MAX.
   ENTRY: {"index","type","sentence","time","time_ms","state","actor":name or beginning of a key,"subject","number",
   "decision":"accepted"|"refused"|null,"reason","reason_sentence","detail","precedence","kind","topics":[],
   "given":[states],"denied":[states]} */
enum tg_err review_entries(struct review *r, const struct review_filter *f, uint64_t cursor, unsigned limit,
                           json_t **ret, struct tg_why *why);
/* One entry with all that belongs to it: ENTRY and "leaf","salt","entry" (the last two base64: its exact bytes),"charter_version",
   "policy_set","decision_hash","ruling":{"portions":[{"index","permitted":[states],"denied":[DENIAL]}]},"receipts":[{"bulletin","node",
   "state","event","time"}],"document":{"kind","text"}. TG_NOT_FOUND: none, or it is not open here.
   DENIAL: {"state","stage","sentence","policy":hash,"line","policy_of":state,"serial","file","rule"}; in lists of one bulletin
   also "portion". */
enum tg_err review_entry(struct review *r, uint64_t index, json_t **ret, struct tg_why *why);

/* The whole story of the accepted bulletin whose id begins so (four digits or more): {"bulletin","index","decision","originator","state",
   "time","header":{"precedence","kind","created","expires","topics","number","approvals","supersedes","replies_to","portions":
   [{"index","level","tlp","orcon","label","size","to":[],"except":[]}],"signed":bool} or null,"audience":{"signed":wraps that the
   originator signed for,"known":recipients named,"complete":bool},"recipients":[RECIPIENT],"denied":[DENIAL],"entries":[ENTRY, oldest
   first]}. RECIPIENT: {"node","state","portions":[],"stored","read","acknowledged","other":event or null,"other_time",
   "proven":false when a node only says so of itself}. TG_NOT_FOUND;
   TG_CONFLICT: several begin so. */
enum tg_err review_story(struct review *r, const char *id, json_t **ret, struct tg_why *why);
/* Why a state did or did not get it, made again from the policies: {"bulletin","index","state","permitted":bool,"portions":[{"index",
   "permitted","named":on the release list?,DENIAL's members,"explanation","where","logged":"permitted"|stage|"unnamed"|null}],
   "charter_version","same_policies":are they those that the entry names?} */
enum tg_err review_why(struct review *r, const char *id, const char *state, json_t **ret, struct tg_why *why);
/* Who got it: {"bulletin","audience","signed","recipients","denied","receipts_verified":entries,"receipts_false":[indices],
   "proof":{"index","leaf","size","root"}}. TG_BAD_SIGNATURE besides *ret when a signature is false. */
enum tg_err review_who_got(struct review *r, const char *id, json_t **ret, struct tg_why *why);
/* The decision, made again from charter and policies: {"bulletin","index","time","logged":ruling,"recomputed":ruling,"agrees":bool,
   "signed":bool,"differences":[{"portion","state","logged","recomputed"}],"given_wrongly":[{"node","portion"}],"charter_version",
   "policy_set","policies":[{"state","serial","hash"}],"missing":[sentences]}. TG_BAD_PROOF besides *ret when the hub decided
   otherwise; TG_NOT_FOUND when a node lacks what it would take. */
enum tg_err review_replay(struct review *r, const char *id, json_t **ret, struct tg_why *why);

/* A policy that is not signed yet. */
struct review_draft {
  const char *file; /* names it in errors and answers: "ML-2.policy" */
  struct slice text;
};
/* One thing that drafts would have changed: {"index","time","time_ms","id","portion","from":holder,"member":state,"topics":"two words",
   "marking":"SECRET TLP:AMBER","opens":bool,"stage","file","line","rule","sentence","args":[3 texts for its %1$s..%3$s]}. Borrowed. */
typedef void review_difference(void *arg, const json_t *difference);
/* Decides every accepted bulletin again whose entry has since <= time < before (0: open), under the charter and policies of its time and with
   the drafts in place of those of their states, as if these had always been in force. What the hub logged counts as what was; a
   bulletin about which it cannot be made again exactly is counted, not guessed. *ret: {"bulletins":decided again,"opened","closed",
   "not_open":accepted entries that are not open here,"unclear":{"count","first":id or null}: those whose charter or policies are not all
   here or where the hub decided otherwise,"refused":entries of refused bulletins, whose content nobody keeps,"closed_entries":entries
   of which not even the type is open,"entries":how many the log had when it was read}. Drafts are read against the members and blocs of `now`. TG_BAD_INPUT, TG_NOT_FOUND: a draft that is no policy, or of no member. */
enum tg_err review_suppose(struct review *r, const struct review_draft *drafts, size_t n, tg_time now, tg_time since, tg_time before,
                           review_difference *each, void *arg, json_t **ret, struct tg_why *why);

/* ---- counting many entries, from the index alone ---- */

/* What an entry is counted by. */
struct review_mark {
  uint64_t index;
  tg_time time;
  unsigned type; /* enum entry_type */
  char state[3]; /* "" when no state acted */
  unsigned reason; /* enum reason, or a number that is newer than this program; 0: none */
};
typedef void review_each_mark(void *arg, const struct review_mark *m);
/* Each entry that is open here with from <= time < to (0: open), in the order of the log. */
enum tg_err review_marks(struct review *r, tg_time from, tg_time to, review_each_mark *each, void *arg);
/* The first and last moment of all entries that are open here; 0 and 0 when none is. */
enum tg_err review_span(struct review *r, tg_time *ret_first, tg_time *ret_last);
/* Recipients of accepted bulletins, from <= time of acceptance < to (0: open): stored is when the recipient's receipt says that it
   has it, 0 without one. Bulletins whose header is not open here are left out. */
typedef enum tg_err review_each_given(void *arg, enum precedence precedence, tg_time accepted, tg_time stored);
enum tg_err review_given(struct review *r, tg_time from, tg_time to, review_each_given *each, void *arg);
/* [{"stage","sentence","count": states kept out of portions}] of entries with from <= time < to (0: open), most often first. */
enum tg_err review_denials(struct review *r, tg_time from, tg_time to, json_t **ret);

/* From originator state to recipient state, from <= time < to (0: open): {"states":[codes],"pairs":[{"from","to","given":wraps,"stored",
   "read","acknowledged": by receipts,"denied":bulletins}]}. */
enum tg_err review_matrix(struct review *r, tg_time from, tg_time to, json_t **ret, struct tg_why *why);
/* {"log","checkpoints":[{"size","root","seen":time,"settled":bool or null,"cosigned":[{"witness","state","time"}],"note":text}]}, newest
   first, 200 at most: those that were seen when the index was brought up to date. */
enum tg_err review_checkpoints(struct review *r, json_t **ret, struct tg_why *why);
/* {"refusals":[ENTRY],"denials":[DENIAL with "index","time","from":originator's state,"subject"],"next"} by page of entries, as
   review_entries(). */
enum tg_err review_refusals(struct review *r, const struct review_filter *f, uint64_t cursor, unsigned limit,
                            json_t **ret, struct tg_why *why);
/* {"at","overdue":[{"bulletin","index","from","node","state","precedence","accepted","due","late_ms"}]}: recipients that owed a receipt
   by their precedence's clock at `now`, the highest precedence first, 10,000 at most. */
enum tg_err review_overdue(struct review *r, tg_time now, json_t **ret, struct tg_why *why);
/* {"anomalies":[{"kind":"burst"|"new-pair"|"denials-rising"|"clock"|"alarm","time","state","other":state or null,"value","usual",
   "entries":[indices],"sentence","args":[3 texts for its %1$s..%3$s]}]} */
enum tg_err review_anomalies(struct review *r, tg_time from, tg_time to, json_t **ret, struct tg_why *why);
/* What changed from one time to another: {"from","to","documents":[{"index","time","kind","state","serial","holder":of a credential, else "","hash"}],"counts":[{"type",
   "sentence","before":in as long a time before,"between"}],"new_pairs":[as in anomalies]} */
enum tg_err review_diff(struct review *r, tg_time before, tg_time after, json_t **ret, struct tg_why *why);

/* Is it what one node can prove, and no more? */
bool review_is_view(const struct review *r);
/* The entry as a portable proof (c2sp.org/tlog-proof), of a view: under a settled checkpoint if one can be reached. TG_NOT_FOUND. */
enum tg_err review_proof(struct review *r, uint64_t index, struct buf *out, uint64_t *ret_size, bool *ret_settled, struct tg_why *why);
/* The newest checkpoint that was verified, the key that signed it, and all that is known of who is who (NULL: no charter). Valid until
   the next refresh. */
struct slice review_note(const struct review *r);
const struct note_key *review_key(const struct review *r);
const struct directory *review_directory(const struct review *r);

/* Copies all that the source has into a folder that must not exist: tiles, checkpoint, openings/, and documents/ with the signed notes.
   *ret_entries: how many of its entries are open. TG_DUPLICATE. */
enum tg_err review_export(struct review *r, const char *folder, uint64_t *ret_entries, struct tg_why *why);

#endif
