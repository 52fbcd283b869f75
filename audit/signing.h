/* The conscience of a log's signer: it signs a tree only if that tree extends the last one it signed. A pure
   state machine; the process around it persists the new state BEFORE it makes the signature, so that no crash
   or restored image lets it sign two histories. */
#ifndef TOGUNA_AUDIT_SIGNING_H
#define TOGUNA_AUDIT_SIGNING_H

#include "audit/checkpoint.h"

enum { SIGNING_STATE_MAX = 512 }; /* bytes of a printed state */

/* What was signed last. Size 0 and the empty tree's root: nothing yet. */
struct signing_state {
  char origin[NOTE_NAME_MAX + 1];
  uint64_t size;
  struct hash root;
  tg_time time; /* when it was signed, by the signer's clock: for people; decides nothing */
};

/* The state of a new log. TG_BAD_INPUT: origin is no key name. */
enum tg_err signing_begin(struct slice origin, struct signing_state *ret);

/* The text of the state file. It ends in a checksum: a torn or damaged file is refused, never guessed at. */
enum tg_err signing_print(const struct signing_state *state, struct buf *out);
enum tg_err signing_parse(struct slice bytes, const char *file, struct signing_state *ret,
                          struct tg_why *why);

/* What the core asks for: message R without its type byte (docs/design.md). */
struct signing_request {
  uint64_t old_size; /* the size the core believes was signed last */
  uint64_t new_size;
  struct hash new_root;
  struct slice path; /* consistency proof, 32 bytes per step */
};
/* u64 old ‖ u64 new ‖ root ‖ path. */
enum tg_err signing_request_parse(struct slice bytes, struct signing_request *ret);
void signing_request_print(const struct signing_request *request, struct buf *out);

/* May this be signed? On TG_OK *ret is the state to persist; the note to sign then is checkpoint_sign() of
   signing_checkpoint(). Asking again for exactly the size and root signed last is fine and changes nothing,
   whatever the rest of the request says: the core may have stopped before it read the answer. TG_STALE:
   old_size is not the size signed last, or new_size is smaller: a rollback. TG_CONFLICT: same size, another
   root: a fork. TG_BAD_PROOF: the path does not show that the tree extends the last. TG_BAD_INPUT: size out
   of range. */
enum tg_err signing_advance(const struct signing_state *last, const struct signing_request *request,
                            tg_time now, struct signing_state *ret, struct tg_why *why);

/* The checkpoint of a state, whose signed note is checkpoint_sign() of it. Borrows state. */
struct checkpoint signing_checkpoint(const struct signing_state *state);

#endif
