/* Evidence that a log lied: a text that convinces anybody who knows the log's public key, without trusting
   who made it.

     toguna/evidence v1
     log <vkey>
     kind same-size | other-beginning | out-of-order
     hash <base64>                 other-beginning: consistency path in full, first hash included; out-of-order: the path
     ...                           of the entry, its sibling first
     index <n>                     out-of-order only, like the three that follow: the entry's place in the second log,
     entry <base64>                its bytes,
     salt <base64>                 the salt of its leaf,
     header <base64>               and the header of the bulletin that it is about
     note <bytes>
     <checkpoint note, that many bytes>
     note <bytes>
     <checkpoint note>

   same-size: two checkpoints of one size with different roots.
   other-beginning: in the tree of the larger checkpoint the first leaves, as many as the smaller one has,
   hash to another root than the smaller one states.
   out-of-order: the first checkpoint stands in the header of a bulletin, and counts more entries than there are before
   that bulletin's own entry in the second. The entry names the bulletin by a hash that binds the header, and so the
   first root: a tree that had it below that root would be one that hashes to a part of itself. */
#ifndef TOGUNA_AUDIT_EVIDENCE_H
#define TOGUNA_AUDIT_EVIDENCE_H

#include "audit/opening.h"
#include "proto/header.h"

enum { EVIDENCE_BYTES_MAX = 1024 + MERKLE_PATH_MAX * 64 + 2 * CHECKPOINT_BYTES_MAX + 2 * LIMIT_HEADER };

enum evidence_kind { EVIDENCE_SAME_SIZE = 1, EVIDENCE_OTHER_BEGINNING, EVIDENCE_OUT_OF_ORDER };
const char *evidence_kind_name(enum evidence_kind kind);     /* "same-size", "other-beginning", "out-of-order" */
const char *evidence_kind_sentence(enum evidence_kind kind); /* N_() sentence for people */

/* A parsed file; slices point into it. */
struct evidence {
  enum evidence_kind kind;
  struct note_key log;
  struct merkle_path path;    /* empty for EVIDENCE_SAME_SIZE */
  struct slice first, second; /* notes; first is the smaller, came first, or stands in the header */
  /* EVIDENCE_OUT_OF_ORDER only */
  uint64_t index;
  size_t entry_n, header_n;
  uint8_t salt[ENTRY_SALT], entry[LIMIT_ENTRY], header[LIMIT_HEADER];
};

/* Evidence of this kind, ready to be printed: what was opened to us under the checkpoint in `note`, about the bulletin with this header.
   Borrows note and header. TG_BAD_INPUT: lengths that no opening has. */
enum tg_err evidence_out_of_order(const struct note_key *log, const struct header *header, const struct opening *opening, struct slice note,
                                  struct evidence *ret);

/* Appends the file. Only what evidence_verify() accepts: its errors, and out as before, otherwise. */
enum tg_err evidence_print(const struct evidence *e, struct buf *out, struct tg_why *why);
/* Reads strictly. TG_TOO_BIG, TG_UNKNOWN (version), TG_BAD_INPUT with file:line. Verifies nothing. */
enum tg_err evidence_parse(struct slice bytes, const char *file, struct evidence *ret, struct tg_why *why);

/* Does it prove that the holder of e->log signed two histories? The caller must know whose key that is (the
   charter names it). TG_OK: yes. TG_BAD_SIGNATURE, TG_CONFLICT (origins), TG_BAD_INPUT: the notes are not two
   checkpoints of that log; TG_BAD_PROOF: they are, but do not contradict each other; TG_NO_MEMORY. *ret_first, *ret_second
   (may be NULL) point into the file. */
enum tg_err evidence_verify(const struct evidence *e, struct checkpoint *ret_first,
                            struct checkpoint *ret_second, struct tg_why *why);

#endif
