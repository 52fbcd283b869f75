/* C2SP signed notes (c2sp.org/signed-note): a text that people read, an empty line, signature lines. A note is kept
   and checked as the exact bytes that came; everything here points into them.
   Used for all documents of an exchange and for the log's checkpoints with their cosignatures. */
#ifndef TOGUNA_KEYS_NOTE_H
#define TOGUNA_KEYS_NOTE_H

#include "proto/buf.h"

enum {
  NOTE_BYTES_MAX = 256 * 1024, /* the whole note, as LIMIT_DOCUMENT of proto/limits.h */
  NOTE_SIGNATURES_MAX = 256,
  NOTE_SIGNATURE_MAX = 8 * 1024, /* bytes of one decoded signature, of whatever algorithm */
  NOTE_NAME_MAX = 191,           /* bytes of a key name; longer ones are refused */
  NOTE_VKEY_MAX = NOTE_NAME_MAX + 1 + 8 + 1 + 44 + 1,
};

/* Signature algorithms that we can verify; lines of other types are unknown keys to us and ignored. */
enum note_type {
  NOTE_ED25519 = 0x01,     /* signs exactly the text: the key must sign nothing but notes */
  NOTE_COSIGNATURE = 0x04, /* c2sp.org/tlog-cosignature: signs the text of a checkpoint and a time */
};

/* A public key that can have signed a note: what a vkey line says.
   Invariant: id is computed from name, type and pk. */
struct note_key {
  char name[NOTE_NAME_MAX + 1];
  enum note_type type;
  uint32_t id;
  struct sign_pk pk;
};

/* Builds a key and computes its id. TG_BAD_INPUT: name empty, too long, with a space or '+', or not UTF-8. */
enum tg_err note_key_make(struct slice name, enum note_type type, const struct sign_pk *pk, struct note_key *ret);
/* Reads "name+hexid+base64". TG_BAD_INPUT: malformed, or the id is not that of the key; TG_UNKNOWN: another type. */
enum tg_err note_key_parse(struct slice vkey, struct note_key *ret, struct tg_why *why);
/* Writes the vkey, NUL-terminated; returns its length. */
size_t note_key_print(const struct note_key *key, char out[NOTE_VKEY_MAX]);
bool note_key_eq(const struct note_key *a, const struct note_key *b);

/* One signature line, as it stands in the note. */
struct note_signature {
  struct slice line;    /* without the final newline */
  struct slice name;
  uint32_t id;
  struct slice encoded; /* base64 of id and signature */
};

/* A parsed note. All slices point into the bytes given to note_parse(), which must stay. */
struct note {
  struct slice bytes; /* everything */
  struct slice text;  /* signed part, with its final newline */
  size_t n;           /* 1..NOTE_SIGNATURES_MAX */
  struct note_signature sig[NOTE_SIGNATURES_MAX];
};

/* Splits a note. `file` names it in explanations (NULL: "note"). TG_TOO_BIG beyond the limits above; TG_BAD_INPUT
   when malformed. Verifies nothing. */
enum tg_err note_parse(struct slice bytes, const char *file, struct note *ret, struct tg_why *why);

/* What note_verify() found about one known key. */
struct note_verdict {
  bool good;    /* at least one signature of this key, and all of them verified */
  tg_time time; /* cosignatures: the latest time stated; 0 otherwise */
};

/* Checks the signatures of all known keys; ret_verdicts[i] belongs to known[i], n of them. Signatures of unknown keys
   are ignored. Rules of the standard:
   TG_OK when at least one known key signed and no known key's signature is bad;
   TG_BAD_SIGNATURE when none did, or a known one is bad (verdicts untouched);
   TG_CONFLICT when two known keys have the same name and id but differ (a mistake of who configured them). */
enum tg_err note_verify(const struct note *note, const struct note_key *known, size_t n,
                        struct note_verdict *ret_verdicts, struct tg_why *why);

/* Is text fit to be signed: valid UTF-8, no control character but newline, not empty, ends in a newline, within
   NOTE_BYTES_MAX? */
bool note_text_valid(struct slice text);

struct secret_key; /* keys/secret.h */

/* Starts a note: the text and the empty line. TG_BAD_INPUT unless note_text_valid(). */
enum tg_err note_begin(struct buf *out, struct slice text);
/* Appends key's signature line over text to a note begun over the same text. key must be of a kind that signs notes
   (TG_USAGE otherwise). */
enum tg_err note_sign(struct buf *out, struct slice text, const struct secret_key *key, struct tg_why *why);
/* As note_sign, a cosignature/v1 stating `now` (whole seconds); key of kind KEY_WITNESS. */
enum tg_err note_cosign(struct buf *out, struct slice text, const struct secret_key *key, tg_time now,
                        struct tg_why *why);
/* Appends a signature made elsewhere (a token, another process): 64 bytes for type 01. */
void note_append(struct buf *out, const struct note_key *key, const void *signature, size_t n);

/* Writes to out one note with the text of a and b and the signature lines of both, each line once, a's first.
   TG_CONFLICT when the texts differ, at `why` the first line that does; TG_TOO_BIG. Verifies nothing. */
enum tg_err note_merge(struct buf *out, const struct note *a, const struct note *b, struct tg_why *why);

#endif
