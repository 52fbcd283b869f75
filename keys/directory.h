/* What every party of an exchange keeps: who is who, by signed documents only. It starts from nothing but the pinned hash
   of charter version 1, takes in documents that verify, and never goes backwards. Pure: no clock, no files; the caller
   stores accepted documents in order and replays them.

   Times. `now` is the caller's clock; `at` any time of interest. A charter is in force at t when it has the highest version
   among those with effective <= t. A credential is good at t when it is not revoked, t is within its dates, the charter in
   force at t names the root that signed it, and the member stands (standing_may_connect).

   Threads: look-ups change nothing; any number may run while nobody adds. */
#ifndef TOGUNA_KEYS_DIRECTORY_H
#define TOGUNA_KEYS_DIRECTORY_H

#include "keys/charter.h"
#include "keys/credential.h"
#include "keys/grant.h"
#include "keys/memberset.h"
#include "keys/revocation.h"
#include "keys/sealing.h"
#include "keys/withdrawal.h"

enum {
  DIRECTORY_CHARTERS_MAX = 1024,
  DIRECTORY_REVOCATIONS_MAX = 4096, /* per member */
  DIRECTORY_GRANTS_MAX = 4096,      /* unexpired, per member */
  DIRECTORY_POLICIES_MAX = 16,      /* newest kept, per member */
  DIRECTORY_SIGNERS_MAX = 16,       /* officers reported per document */
};

struct directory;

/* An empty directory of the exchange with this id (hash of charter version 1). NULL without memory. */
struct directory *directory_new(const struct hash *exchange);
void directory_free(struct directory *d);
const struct hash *directory_exchange(const struct directory *d);

/* --- Taking documents in --- */

/* How a document came.
   FRESH: from its author, now (a hub taking a submission, a command line): officers must be good now and still when the
   document takes effect, credentials not expired, and a new charter may not claim to have been in force for longer than
   an hour.
   RELAYED: accepted earlier elsewhere (a node syncing from a hub, a replay from disk): an officer may have expired since
   the document took effect. What was accepted FRESH is accepted RELAYED later, in the same order, unless a root
   key changed in between. */
enum directory_how { DIRECTORY_FRESH, DIRECTORY_RELAYED };

/* What was learnt from a document that verified. Slices point into the bytes given. */
struct directory_news {
  enum document_kind kind;
  struct hash hash;        /* document_hash(); for sealing keys the statement id */
  struct country member;   /* whose; empty for charters */
  uint64_t serial;         /* or version */
  tg_time effective;       /* policy, charter, withdrawal; grants: issued; 0 otherwise */
  struct slice text;       /* the signed text; for sealing keys the bytes */
  size_t n_signers;        /* policies and grants: officers whose signatures verified */
  const struct officer *signer[DIRECTORY_SIGNERS_MAX];
  struct hash superseded;  /* a document that this one makes useless to newcomers (zeros: none); may be dropped from
                              storage */
};

/* Verifies a document against what is known, changing nothing. proof: encoded BatchProof for sealing keys, else empty.
   Policies and grants need at least one good signature of an officer of that role; whether a policy widens, and then had
   enough signers and delay, is the caller's question, as are pins: check, ask, then add.
   TG_OK          it may be added
   TG_DUPLICATE   exactly this is known already (harmless; *ret is filled in without signers)
   TG_STALE       a newer one is known
   TG_CONFLICT    same number, other content, well signed: evidence of a cheat; keep both notes
   TG_NOT_FOUND   it refers to a member, node or earlier charter not known (yet)
   TG_BAD_SIGNATURE, TG_REVOKED, TG_EXPIRED, TG_REFUSED (quorum), TG_QUOTA, TG_BAD_INPUT, TG_BAD_PROOF, TG_UNKNOWN */
enum tg_err directory_check(const struct directory *d, enum document_kind kind, struct slice bytes,
                            struct slice proof, enum directory_how how, tg_time now, struct directory_news *ret,
                            struct tg_why *why);
/* directory_check(), and on TG_OK takes it in (copies the bytes). ret may be NULL. Also TG_NO_MEMORY, then unchanged. */
enum tg_err directory_add(struct directory *d, enum document_kind kind, struct slice bytes, struct slice proof,
                          enum directory_how how, tg_time now, struct directory_news *ret, struct tg_why *why);

/* Of a charter in a store that directory_add() refused: does it give a log another key? Earlier programs took such a charter in. TG_CONFLICT, and *why has the
   sentence for its operator; TG_OK: it is another matter; TG_BAD_INPUT: no charter; TG_NO_MEMORY. *ret_version: its version, 0 with TG_BAD_INPUT. */
enum tg_err directory_explain_charter(const struct directory *d, struct slice bytes, uint64_t *ret_version, struct tg_why *why);

/* Every document a newcomer needs, in the order of acceptance. */
struct directory_item {
  enum document_kind kind;
  struct hash hash;
  struct slice bytes, proof; /* borrowed until the next add */
  tg_time accepted;          /* `now` when it was added */
  uint64_t order;            /* ascending, of this object only */
};
/* The first item with order > after (0 for the first). TG_NOT_FOUND at the end. */
enum tg_err directory_next(const struct directory *d, uint64_t after, struct directory_item *ret);
/* One document by its hash. */
enum tg_err directory_document(const struct directory *d, const struct hash *hash, struct directory_item *ret);

/* --- Charter and members --- */

/* The charter in force at `at`; NULL before version 1 is known or effective. */
const struct charter *directory_charter(const struct directory *d, tg_time at);
const struct charter *directory_newest_charter(const struct directory *d);
/* By version; NULL when not known. ret_hash may be NULL. */
const struct charter *directory_charter_version(const struct directory *d, uint64_t version, struct hash *ret_hash);

/* Index of a member in membersets: given out by first appearance in charters and stable while d lives. -1: never named. */
int directory_member_index(const struct directory *d, struct country code);
/* The other way; NULL for an index not given out. */
const struct country *directory_member_code(const struct directory *d, unsigned index);
unsigned directory_member_count(const struct directory *d);
enum standing directory_standing(const struct directory *d, struct country code, tg_time at);
/* Members named by the charter in force at `at`, of any standing but withdrawn. */
struct memberset directory_members(const struct directory *d, tg_time at);
/* Those that may originate, or receive, new bulletins at `at`. */
struct memberset directory_originators(const struct directory *d, tg_time at);
struct memberset directory_receivers(const struct directory *d, tg_time at);
/* Highest level for a member by the charter in force; 0 when not a member. */
uint8_t directory_ceiling(const struct directory *d, struct country code, tg_time at);

/* Members of a bloc as the charter in force at `at` lists them (whatever their standing). TG_NOT_FOUND: no such bloc. */
enum tg_err directory_bloc(const struct directory *d, struct slice name, tg_time at, struct memberset *ret);
/* "ML" or "AES" -> members at `at`. TG_NOT_FOUND with the nearest name we know. where (may be NULL) goes into why. */
enum tg_err directory_group(const struct directory *d, struct slice name, tg_time at, const char *where,
                            struct memberset *ret, struct tg_why *why);

/* --- Nodes and officers --- */

/* A node by its newest credential. Valid while d lives; contents change only in directory_add(). */
struct node {
  struct credential credential;
  struct hash hash; /* of the credential's text */
  unsigned member;  /* index */
  bool revoked;
  tg_time revoked_at; /* when the revocation was added */
};
struct officer {
  struct credential credential;
  struct hash hash;
  unsigned member;
  bool revoked;
  tg_time revoked_at;
};

/* Found whether good or not: ask directory_may_act(). NULL when unknown. O(1). */
const struct node *directory_node(const struct directory *d, const struct sign_pk *identity);
const struct node *directory_node_by_transport(const struct directory *d, const struct seal_pk *transport);
const struct officer *directory_officer(const struct directory *d, const struct sign_pk *key);
/* The n-th node or officer, good or not, in order of first credential; NULL past the end. */
const struct node *directory_node_at(const struct directory *d, size_t n);
const struct officer *directory_officer_at(const struct directory *d, size_t n);

/* May this node hold a session and speak at `now`? O(1), for every message. TG_OK; TG_NOT_FOUND, TG_REVOKED (key or
   member), TG_EXPIRED (or not yet). */
enum tg_err directory_may_act(const struct directory *d, const struct sign_pk *identity, tg_time now,
                              struct tg_why *why);
/* The same for an officer in a role. TG_REFUSED: another role. */
enum tg_err directory_officer_may(const struct directory *d, const struct sign_pk *key, enum role role, tg_time at,
                                  struct tg_why *why);

/* --- Audiences --- */

/* A release list as people write it: `to` of "ML", "AES", "ML/dgse"; `except` of "ML", "AES". */
struct release_list {
  const struct slice *to;
  size_t n_to;
  const struct slice *except;
  size_t n_except;
};

/* The members a list names with blocs as of `at`, exceptions taken out; an agency counts as its member. Only members of
   the charter in force at `at`. TG_BAD_INPUT: empty list or nobody left; TG_NOT_FOUND: an unknown country, bloc or agency,
   with the nearest one we know. */
enum tg_err directory_resolve(const struct directory *d, const struct release_list *list, tg_time at,
                              struct memberset *ret, struct tg_why *why);

/* The nodes that a list reaches: of each member in `permitted` that the list names as a whole, its receiving nodes; of each
   agency it names, that agency's nodes. Only nodes that may act at `now`. Ascending by identity key, each once, at most max
   (TG_TOO_BIG beyond). *ret_n may be 0: a member without nodes is not an error here. */
enum tg_err directory_resolve_nodes(const struct directory *d, const struct release_list *list,
                                    const struct memberset *permitted, tg_time at, tg_time now,
                                    const struct node **ret_nodes, size_t max, size_t *ret_n, struct tg_why *why);
/* Is `node` reached by list? Same rules; TG_OK or TG_REFUSED. */
enum tg_err directory_reaches(const struct directory *d, const struct release_list *list, tg_time at,
                              const struct node *node, struct tg_why *why);

/* --- Sealing keys, policies, grants --- */

/* The key to seal with for a node at `at` (sealing_choose() with the charter's window). TG_NOT_FOUND: none, or none fit. */
enum tg_err directory_sealing_key(const struct directory *d, const struct sign_pk *node, uint16_t suite, tg_time at,
                                  struct sealing_choice *ret);
/* The newest announcement; NULL when none. */
const struct sealing_keys *directory_sealing_keys(const struct directory *d, const struct sign_pk *node);

struct directory_policy {
  struct country member;
  uint64_t serial;
  tg_time effective;
  struct hash hash;
  struct slice text; /* borrowed until the next add */
};
/* The policy in force at `at`: highest serial among those with effective <= at. TG_NOT_FOUND: none, which permits nothing. */
enum tg_err directory_policy(const struct directory *d, struct country member, tg_time at,
                             struct directory_policy *ret);
/* By serial, among the newest DIRECTORY_POLICIES_MAX; serial 0: the newest, in force or pending. */
enum tg_err directory_policy_serial(const struct directory *d, struct country member, uint64_t serial,
                                    struct directory_policy *ret);
/* The one kept with the lowest serial above `serial`: serials may leap, so whoever wants them all begins at 0 and asks on.
   TG_NOT_FOUND: none. */
enum tg_err directory_policy_after(const struct directory *d, struct country member, uint64_t serial,
                                   struct directory_policy *ret);

/* Members to whom `originator` has granted a bulletin by grants valid at `at` (blocs as of each grant's issue). Empty when
   none. */
struct memberset directory_granted(const struct directory *d, const struct hash *bulletin, struct country originator,
                                   tg_time at);

#endif
