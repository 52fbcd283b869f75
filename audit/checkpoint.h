/* Checkpoints (c2sp.org/tlog-checkpoint): the signed size and root of a log, and who must have cosigned one
   (c2sp.org/tlog-cosignature) before it counts as settled. */
#ifndef TOGUNA_AUDIT_CHECKPOINT_H
#define TOGUNA_AUDIT_CHECKPOINT_H

#include "keys/charter.h"
#include "keys/note.h"
#include "keys/secret.h"
#include "proto/merkle.h"

enum {
  CHECKPOINT_BYTES_MAX = 16 * 1024,                          /* the whole note, as LIMIT_CHECKPOINT */
  CHECKPOINT_TEXT_MAX = NOTE_NAME_MAX + 1 + 20 + 1 + 44 + 1, /* of one without extension lines */
};

/* What a checkpoint's text says. Slices point into the text. */
struct checkpoint {
  struct slice origin;
  uint64_t size; /* leaves, at most MERKLE_SIZE_MAX */
  struct hash root;
  struct slice extensions; /* whole lines after the third; we write none and give them no meaning */
};

/* Appends the text of a checkpoint (no signature). TG_BAD_INPUT: origin is no key name, size too large,
   size 0 with another root than the empty tree's, or an empty extension line. */
enum tg_err checkpoint_print(const struct checkpoint *checkpoint, struct buf *out);
/* Reads a text that was signed. TG_BAD_INPUT: malformed, or size 0 with another root than the empty tree's.
 */
enum tg_err checkpoint_parse(struct slice text, struct checkpoint *ret, struct tg_why *why);

/* Parses a note, checks that `log` signed it and that its origin is the key's name, and reads it. Slices of
   *ret and *ret_note (may be NULL) point into bytes. TG_TOO_BIG, TG_BAD_INPUT, TG_BAD_SIGNATURE (also when
   `log` is a witness's key); TG_CONFLICT: another origin. */
enum tg_err checkpoint_open(struct slice bytes, const struct note_key *log, struct checkpoint *ret,
                            struct note *ret_note, struct tg_why *why);

/* Does `next` extend `last`, by this consistency path? Knows the empty log: everything extends it, with an
   empty path. TG_OK: yes, also when both are the same. TG_STALE: next is smaller. TG_CONFLICT: same size,
   other root: a fork. TG_BAD_PROOF: the path does not show it. Origins are not compared. */
enum tg_err checkpoint_extends(const struct checkpoint *last, const struct checkpoint *next,
                               struct slice path, struct tg_why *why);

/* Appends the whole note: text and the signature of a KEY_HUB_LOG key whose name is the origin (TG_USAGE
   otherwise). Ask signing_advance() first; nothing else decides what a log may sign. */
enum tg_err checkpoint_sign(const struct checkpoint *checkpoint, const struct secret_key *log,
                            struct buf *out, struct tg_why *why);

/* A witness: its cosignature key (type 04) and the member that answers for it. */
struct checkpoint_witness {
  struct note_key key;
  struct country member;
};

/* By whom a checkpoint becomes settled. Everything borrowed. */
struct settled_by {
  const struct charter *charter; /* its witness quorum, members and camps */
  const bool *left;              /* members that have withdrawn, parallel to charter->member; may be NULL */
  const struct checkpoint_witness *witnesses; /* those whose credentials are good now */
  size_t n;
};

/* Is the checkpoint of this note, signed by `log`, settled: did witnesses of enough members of each camp
   cosign, by the charter's witness quorum? One member counts once however many of its witnesses signed; only
   members in good standing count, and no cosignature stated to be later than now + ahead. TG_OK: settled;
   *ret_settled (may be NULL) is the latest time among the counted cosignatures, 0 when the charter demands
   none. TG_REFUSED: not (yet), with the camp that lacks and how many. TG_BAD_SIGNATURE: the log has not
   signed, or a signature of the log or of a known witness is false. TG_CONFLICT: two witnesses under one name
   and id. TG_NO_MEMORY. */
enum tg_err checkpoint_settled(const struct note *note, const struct note_key *log,
                               const struct settled_by *by, tg_time now, tg_time ahead, tg_time *ret_settled,
                               struct tg_why *why);

#endif
