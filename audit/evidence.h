/* Evidence that a log lied: a text that convinces anybody who knows the log's public key, without trusting
   who made it.

     toguna/evidence v1
     log <vkey>
     kind same-size | other-beginning
     hash <base64>                 other-beginning only: consistency path in full, first hash included
     ...
     note <bytes>
     <checkpoint note, that many bytes>
     note <bytes>
     <checkpoint note>

   same-size: two checkpoints of one size with different roots.
   other-beginning: in the tree of the larger checkpoint the first leaves, as many as the smaller one has,
   hash to another root than the smaller one states. */
#ifndef TOGUNA_AUDIT_EVIDENCE_H
#define TOGUNA_AUDIT_EVIDENCE_H

#include "audit/checkpoint.h"

enum { EVIDENCE_BYTES_MAX = 1024 + MERKLE_PATH_MAX * 64 + 2 * CHECKPOINT_BYTES_MAX };

enum evidence_kind { EVIDENCE_SAME_SIZE = 1, EVIDENCE_OTHER_BEGINNING };
const char *evidence_kind_name(enum evidence_kind kind);     /* "same-size", "other-beginning" */
const char *evidence_kind_sentence(enum evidence_kind kind); /* N_() sentence for people */

/* A parsed file; slices point into it. */
struct evidence {
  enum evidence_kind kind;
  struct note_key log;
  struct merkle_path path;    /* empty for EVIDENCE_SAME_SIZE */
  struct slice first, second; /* notes; first is the smaller, or came first */
};

/* Appends the file. Only what evidence_verify() accepts: its errors, and out as before, otherwise. */
enum tg_err evidence_print(const struct evidence *e, struct buf *out, struct tg_why *why);
/* Reads strictly. TG_TOO_BIG, TG_UNKNOWN (version), TG_BAD_INPUT with file:line. Verifies nothing. */
enum tg_err evidence_parse(struct slice bytes, const char *file, struct evidence *ret, struct tg_why *why);

/* Does it prove that the holder of e->log signed two histories? The caller must know whose key that is (the
   charter names it). TG_OK: yes. TG_BAD_SIGNATURE, TG_CONFLICT (origins), TG_BAD_INPUT: the notes are not two
   checkpoints of that log; TG_BAD_PROOF: they are, but do not contradict each other. *ret_first, *ret_second
   (may be NULL) point into the file. */
enum tg_err evidence_verify(const struct evidence *e, struct checkpoint *ret_first,
                            struct checkpoint *ret_second, struct tg_why *why);

#endif
