/* Reviewing a hub's log: questions about what happened, answered from entries that were checked.

   A *source* is where openings come from: the folder of a hub, running or not; a node, through its socket; or
   a copy that `toguna audit export` made. Whatever a source says goes into an index of our own only after it
   was held against the signed log: entry and salt against their leaf, the leaf against the signed root, what
   belongs to an entry against the hashes in it. All questions are answered from that index; it can be removed
   at any time and is made again.

   Answers are JSON values, of the shape that the verbs of `toguna audit` print with --json; the caller lets
   go of them. Times in them are milliseconds since 1970 under names that end in "_ms", and as text in UTC
   otherwise; hashes and keys are 64 hex digits. A word that nobody knows is null, never left out. */
#ifndef TOGUNA_CLIENT_REVIEW_H
#define TOGUNA_CLIENT_REVIEW_H

#include "proto/base.h"

#include <jansson.h>

struct review;

struct review_place {
  const char *folder; /* of a hub, or a copy; NULL: the node behind `socket` */
  const char *socket; /* of a node; NULL: the usual one */
  const char *charter; /* a note, or a folder of notes: whose log it must be; NULL: the charter that the source
                          has itself, whose founders nobody vouched for */
  const char *key;    /* the log's key as a verifier key, in place of a charter; NULL */
  const char *index;  /* file of the index; NULL: beside the copy, or in the user's cache */
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

/* {"kind":"hub"|"node"|"copy","log":name,"size":leaves signed,"opened":entries that we can read,"root":hex,
    "first":time,"last":time,"settled":true|false|null,"vouched":was a charter or key given?,
    "states":[codes that appear],"topics":[names]} */
enum tg_err review_about(struct review *r, json_t **ret, struct tg_why *why);

/* What is looked for. Zeros and NULL: anything. */
struct review_filter {
  tg_time from, to;       /* from <= time < to; 0: open */
  const char *state;      /* of the actor or of one concerned: "ML" */
  const char *topic;      /* this one or below it: "alerte" finds "alerte/crue" */
  const char *decision;   /* accepted, refused, permitted-none */
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
   ENTRY: {"index","type","sentence","time","time_ms","state","actor":name or key,"subject","number","decision",
   "reason","detail","precedence","topics":[],"title":null,"denied":members that were denied,"given":members} */
enum tg_err review_entries(struct review *r, const struct review_filter *f, uint64_t cursor, unsigned limit,
                           json_t **ret, struct tg_why *why);
/* One entry with all that belongs to it: ENTRY and "salt","leaf","entry" (base64, its exact bytes),"charter_version","policy_set",
   "ruling":{"portions":[{"index","permitted":[],"denied":[{"state","stage","sentence","policy","line","rule"}]}]},
   "receipts":[RECEIPT],"document":{"kind","text"},"bulletin":{header}. TG_NOT_FOUND. */
enum tg_err review_entry(struct review *r, uint64_t index, json_t **ret, struct tg_why *why);

/* The whole story of the bulletin whose id begins so (at least 4 digits): {"bulletin":hex,"decision","originator","state",...,
   "audience":{"signed":wraps that the originator signed,"known":recipients named,"complete":bool},
   "recipients":[{"node","state","portions":[],"stored","read","acknowledged",... times or null}],
   "denied":[as in a ruling],"entries":[ENTRY...oldest first]}. TG_NOT_FOUND; TG_CONFLICT: several begin so. */
enum tg_err review_story(struct review *r, const char *id, json_t **ret, struct tg_why *why);
/* Why a state did or did not get it: {"bulletin","state","permitted":bool,"portions":[{"index","permitted",
   "stage","sentence","policy","file","line","rule"}],"recomputed":bool,"agrees":bool or null} */
enum tg_err review_why(struct review *r, const char *id, const char *state, json_t **ret, struct tg_why *why);
/* Who got it: {"bulletin","audience":{...},"recipients":[...],"proof":{"index","leaf","size","root"}} */
enum tg_err review_who_got(struct review *r, const char *id, json_t **ret, struct tg_why *why);
/* The decision, made again from charter and policies: {"bulletin","index","logged":ruling,"recomputed":ruling,
   "agrees":bool,"differences":[{"portion","state","logged","recomputed"}],"charter_version","policy_set",
   "policies":[{"state","serial","hash"}],"missing":[what it could not be recomputed from]}. TG_BAD_PROOF besides *ret when the
   hub decided otherwise. */
enum tg_err review_replay(struct review *r, const char *id, json_t **ret, struct tg_why *why);

/* From originator state to recipient state: {"states":[codes],"pairs":[{"from","to","given":bulletins forwarded or receipted,
   "stored":receipts,"read","acknowledged","denied"}]}. */
enum tg_err review_matrix(struct review *r, tg_time from, tg_time to, json_t **ret, struct tg_why *why);
/* {"checkpoints":[{"size","root","time","note","settled","cosigned":[{"witness","state","time"}]}]}, newest first: those that were
   seen when the index was brought up to date. */
enum tg_err review_checkpoints(struct review *r, json_t **ret, struct tg_why *why);
/* {"refusals":[{"index","time","state","actor","subject","reason","sentence","detail"}],"denials":[{"index","time","from","state","subject",
   "portion","stage","sentence","policy","file","line","rule"}],"next"} by page, as review_entries(). */
enum tg_err review_refusals(struct review *r, const struct review_filter *f, uint64_t cursor, unsigned limit,
                            json_t **ret, struct tg_why *why);
/* {"overdue":[{"bulletin","node","state","precedence","accepted","due","late_ms"}]}: recipients that owe a receipt
   by their precedence's clock, at `now`. */
enum tg_err review_overdue(struct review *r, tg_time now, json_t **ret, struct tg_why *why);
/* {"anomalies":[{"kind":"burst"|"new-pair"|"denials-rising"|"clock","time","state","other":state or null,"sentence","value","usual","entries":[indices]}]} */
enum tg_err review_anomalies(struct review *r, tg_time from, tg_time to, json_t **ret, struct tg_why *why);
/* What is different between two times: members, policies, charter, who may send to whom, traffic:
   {"documents":[{"index","time","kind","state","serial","sentence"}],"counts":[{"type","before","after"}],"new_pairs":[{"from","to"}]} */
enum tg_err review_diff(struct review *r, tg_time before, tg_time after, json_t **ret, struct tg_why *why);

/* Copies all that the source has into a folder that must not exist: tiles, checkpoint, openings, signed documents. */
enum tg_err review_export(struct review *r, const char *folder, uint64_t *ret_entries, struct tg_why *why);

#endif
