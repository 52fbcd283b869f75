/* A portable receipt (c2sp.org/tlog-proof@v1): one file that proves to anybody, offline, that a leaf is in a
   log. It carries the checkpoint with its signatures; and, as extra data, the opening, so that it also says
   what the leaf means. */
#ifndef TOGUNA_AUDIT_PROOF_H
#define TOGUNA_AUDIT_PROOF_H

#include "audit/opening.h"

enum {
  PROOF_EXTRA_MAX = ENTRY_SALT + LIMIT_ENTRY, /* decoded */
  PROOF_BYTES_MAX = 64 + PROOF_EXTRA_MAX * 2 + MERKLE_PATH_MAX * 45 + CHECKPOINT_BYTES_MAX,
};

/* A parsed file. `checkpoint` points into the bytes given. */
struct proof {
  uint64_t index;
  struct merkle_path path;
  size_t extra_size; /* 0: none */
  uint8_t extra[PROOF_EXTRA_MAX];
  struct slice checkpoint; /* the note, verbatim */
};

/* Appends the file of an opening under a checkpoint note that was verified. extra is salt ‖ entry. */
enum tg_err proof_print(const struct opening *o, struct slice checkpoint_note, struct buf *out);
/* The general form: any extra data of at most PROOF_EXTRA_MAX bytes (may be empty), any leaf. TG_BAD_INPUT
 * beyond the limits. */
enum tg_err proof_print_raw(uint64_t index, struct slice path, struct slice extra,
                            struct slice checkpoint_note, struct buf *out);
/* Reads a file strictly. TG_TOO_BIG, TG_BAD_INPUT with file:line. Verifies nothing. */
enum tg_err proof_parse(struct slice bytes, const char *file, struct proof *ret, struct tg_why *why);

/* The opening in the extra data: slices point into p. TG_NOT_FOUND when there is none (another program's
 * proof). */
enum tg_err proof_opening(const struct proof *p, struct opening *ret);

/* Did `log` sign a tree that has the 32-byte `leaf` at p's index? *ret_checkpoint (may be NULL) points into
   the file. Whether enough witnesses cosigned is checkpoint_settled()'s question, with *ret_note (may be
   NULL). Errors of checkpoint_open(); TG_BAD_PROOF. */
enum tg_err proof_verify(const struct proof *p, const struct hash *leaf, const struct note_key *log,
                         struct checkpoint *ret_checkpoint, struct note *ret_note, struct tg_why *why);
/* The same for the opening that the file carries. *ret (may be NULL) is the entry, pointing into p. */
enum tg_err proof_verify_opening(const struct proof *p, const struct note_key *log, struct entry *ret,
                                 struct checkpoint *ret_checkpoint, struct note *ret_note,
                                 struct tg_why *why);

#endif
