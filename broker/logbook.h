/* The hub's log: entries in the store, their tree in a ledger, and the checkpoint that the signer made of it.
   What is appended can be proved to others only once it is under a signed checkpoint. */
#ifndef TOGUNA_BROKER_LOGBOOK_H
#define TOGUNA_BROKER_LOGBOOK_H

#include "audit/checkpoint.h"
#include "audit/entry.h"
#include "audit/opening.h"
#include "broker/hub.h"

struct logbook;

/* The log that the store holds; nothing is signed yet. The store must outlive it. Errors of ledger_open(). */
enum tg_err logbook_open(struct store *store, struct logbook **ret, struct tg_why *why);
void logbook_free(struct logbook *l);

uint64_t logbook_size(const struct logbook *l);
uint64_t logbook_signed_size(const struct logbook *l); /* 0: nothing was signed */
struct slice logbook_note(const struct logbook *l);    /* the signed checkpoint; empty: none */

/* Salts the entry, puts both into the store and the leaf into the tree; *ret_leaf is its place. Errors of ledger_append(). */
enum tg_err logbook_append(struct logbook *l, const struct entry *entry, uint64_t *ret_leaf);
/* Before the store's commit. */
enum tg_err logbook_flush(struct logbook *l);

/* May the signer, which remembers nothing, begin the log of this store? TG_STALE: a log has begun in it. A signer that begins keeps its first
   state before hub_new(): whoever is killed between that and the first signature finds a state, of size 0, and needs no leave. */
enum tg_err logbook_may_begin(struct store *store, const char *where, struct tg_why *why);
/* The signer's last note, at the start, in a transaction; empty when it signed none. key NULL: it cannot be verified, only compared. TG_STALE: the log
   does not contain it, or was signed and the signer does not know; TG_CONFLICT, TG_BAD_SIGNATURE, TG_BAD_INPUT: it is no checkpoint of this log. */
enum tg_err logbook_resume(struct logbook *l, const struct note_key *key, struct slice note,
                           struct tg_why *why);
/* Is there something to be signed, and no request under way? Then *ret is the request, its path in l. */
bool logbook_wants_signature(const struct logbook *l);
enum tg_err logbook_ask(struct logbook *l, struct hub_sign *ret);
bool logbook_awaits_signature(const struct logbook *l);
/* The answer, in a transaction. TG_BAD_INPUT and others of checkpoint_open(), TG_CONFLICT when it is not what was asked. */
enum tg_err logbook_signed(struct logbook *l, const struct note_key *key, struct slice note,
                           struct tg_why *why);

/* A witness's signature line, verified by the caller, over the signed checkpoint: it is part of the note from
   now on. TG_TOO_BIG: no room is left. */
enum tg_err logbook_cosigned(struct logbook *l, struct slice line);
/* The note has all that it needs: it is published once more. */
void logbook_settled(struct logbook *l);

/* An entry and its proof under the signed checkpoint, in the arena. leaf < logbook_signed_size() (asserted).
 */
enum tg_err logbook_opening(struct logbook *l, uint64_t leaf, struct arena *arena, struct opening *ret);
/* The proof that the signed checkpoint extends the tree of size `from` (at most signed). */
enum tg_err logbook_chain(struct logbook *l, uint64_t from, struct arena *arena, struct slice *ret);
/* The root of the log's first `size` leaves. */
enum tg_err logbook_root(struct logbook *l, uint64_t size, struct hash *ret);
/* Is this the root of the log's first `size` leaves? */
enum tg_err logbook_contains(struct logbook *l, uint64_t size, const struct hash *root, bool *ret);

enum tg_err logbook_publish(struct logbook *l, uint64_t *published, const struct hub_files *files,
                            bool *ret_more);

#endif
