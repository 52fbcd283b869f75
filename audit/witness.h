/* A witness remembers the newest checkpoint of each log it watches, accepts only what provably extends it,
   and says so with its cosignature. A pure state machine: persist *ret_next BEFORE cosigning or believing it.
   Nodes check their hub with it, whether or not they have a witness key. */
#ifndef TOGUNA_AUDIT_WITNESS_H
#define TOGUNA_AUDIT_WITNESS_H

#include "audit/checkpoint.h"

enum {
  WITNESS_NOTE_MAX = 1024, /* bytes of a kept note: text and the log's signature */
  WITNESS_STATE_MAX = WITNESS_NOTE_MAX + 256,
};

/* What a witness knows about one log: its newest checkpoint, as the log signed it, without cosignatures. A
   plain value. Invariant: origin, size and root are what note says. */
struct witness_state {
  char origin[NOTE_NAME_MAX + 1];
  uint64_t size;
  struct hash root;
  size_t note_size;
  uint8_t note[WITNESS_NOTE_MAX];
};

/* The state as text with a checksum, for a file or a row; it parses back to the same. TG_BAD_INPUT when
 * damaged. */
enum tg_err witness_print(const struct witness_state *state, struct buf *out);
enum tg_err witness_parse(struct slice bytes, const char *file, struct witness_state *ret,
                          struct tg_why *why);

/* Takes in a checkpoint note of `log` with the consistency path from last (NULL: the first one ever seen,
   taken on trust, path empty).
   - TG_OK: it extends last; *ret_next is the state to persist.
   - TG_DUPLICATE: the same size and root as last, nothing to persist; *ret_next is last.
   - TG_STALE: smaller than last, so the path can show nothing: an old frame, or a log rolled back.
   - TG_CONFLICT: a fork; evidence that both were signed was appended to evidence (may be NULL). An origin that
     is not last's is TG_CONFLICT without evidence: a mistake of the caller's.
   - TG_BAD_PROOF: the path does not show that it extends last, and nothing in hand proves the contrary to
     others.
   - TG_BAD_INPUT, TG_TOO_BIG, TG_BAD_SIGNATURE as checkpoint_open(). */
enum tg_err witness_update(const struct witness_state *last, const struct note_key *log, struct slice note,
                           struct slice path, struct witness_state *ret_next, struct buf *evidence,
                           struct tg_why *why);

/* The other direction: a checkpoint that somebody else has seen, not newer than ours, with a path from it to
   the state; that path in full, with its first hash also where the older tree is complete, so that it can always be
   evidence. TG_OK: it is a beginning of what we know. TG_CONFLICT with evidence: it is not. TG_BAD_PROOF:
   not shown. TG_STALE: it is newer than the state, which is witness_update()'s matter. Others as
   checkpoint_open(). */
enum tg_err witness_compare(const struct witness_state *state, const struct note_key *log,
                            struct slice older_note, struct slice path, struct buf *evidence,
                            struct tg_why *why);

/* What the state says, borrowed. */
struct checkpoint witness_checkpoint(const struct witness_state *state);
struct slice witness_note(const struct witness_state *state);

/* Appends the note of a state that is persisted, with our cosignature stating `now`. key: KEY_WITNESS (TG_USAGE
   otherwise). out is as before on failure. */
enum tg_err witness_cosign(const struct witness_state *persisted, const struct secret_key *key, tg_time now,
                           struct buf *out, struct tg_why *why);

#endif
