/* The body of one portion: sealing and opening in 64 KiB chunks (docs/protocol.md §4), in constant memory
   whatever the size: less than 300 KiB, and less than 2 MiB more with compression. */
#ifndef TOGUNA_PROTO_BODY_H
#define TOGUNA_PROTO_BODY_H

#include "proto/base.h"

enum {
  BODY_CHUNK = 65536,                       /* plaintext bytes of every chunk but the last */
  BODY_OVERHEAD = 17,                       /* bytes that sealing adds to each chunk */
  BODY_SEALED = BODY_CHUNK + BODY_OVERHEAD, /* sealed bytes of every chunk but the last */
  BODY_STREAM_HEADER = 24,
  BODY_MIN = 256, /* least padded plaintext */
  BODY_WINDOW_LOG = 17, /* a zstd frame's window is at most 128 KiB */
};
/* No body is longer than this, whatever a charter allows: padded plaintext and content (1 TiB), sealed chunks. */
#define BODY_MAX (UINT64_C(1) << 40)
#define BODY_SEALED_MAX (BODY_MAX / BODY_CHUNK * BODY_SEALED)

/* K, the secret of one portion. Wipe it after use. */
struct body_key {
  uint8_t b[32];
};

enum body_compression { BODY_PLAIN = 0, BODY_ZSTD = 1 };

/* The first bytes of the plaintext. Text is UTF-8 without control characters. */
struct body_head {
  struct slice content_type; /* a media type such as "text/plain; charset=utf-8": printable ASCII, 3..127 bytes */
  struct slice title;        /* up to 512 bytes, may be empty */
  struct slice filename;     /* up to 255 bytes, may be empty; never a path: no '/' or '\', not "." or ".." */
  struct slice language;     /* BCP 47, up to 35 bytes, may be empty: not stated */
  uint64_t size;             /* bytes of content, uncompressed */
  enum body_compression compression;
};

/* Is s what a content_type may be? */
bool media_type_valid(struct slice s);

/* What the Portion says of a sealed body. */
struct body_seal {
  struct hash root, key_commitment;
  uint8_t stream_header[BODY_STREAM_HEADER];
  uint64_t size;   /* bytes of all sealed chunks */
  uint64_t chunks; /* how many: body_chunks(size) */
};

/* Takes a run of bytes (a sealed chunk, or a piece of content), borrowed for the call. Anything but TG_OK ends the
   sealing or opening, which returns it. */
typedef enum tg_err (*body_sink)(void *context, struct slice bytes);

/* ---- sizes ---- */

/* The padded length of n plaintext bytes: Padmé (at most 12 % more), and never less than BODY_MIN. n is at most
   BODY_MAX (asserted). */
uint64_t body_padded(uint64_t n);
/* How many chunks a body of so many sealed bytes has; 0 when no body has this size. */
uint64_t body_chunks(uint64_t sealed_size);
/* Sealed bytes of chunk `chunk` of such a body; 0 when it has no such chunk. */
size_t body_chunk_size(uint64_t sealed_size, uint64_t chunk);

/* ---- the head as the bytes that stand in the body ---- */

struct arena;
struct buf;
/* Appends it. TG_BAD_INPUT or TG_TOO_BIG outside its limits, TG_NO_MEMORY. */
enum tg_err body_head_pack(const struct body_head *head, struct buf *out, struct tg_why *why);
/* Its slices point into the arena. Errors as strict_unpack(). */
enum tg_err body_head_unpack(struct slice bytes, struct arena *arena, struct body_head *ret, struct tg_why *why);

/* ---- sealing ---- */

struct body_sealer;

/* Begins the body of portion `index`; key NULL: a random K. Sealed chunks go to sink as they are ready, in order.
   head->size is a promise: exactly so many bytes must be put. Compression takes a size above 0.
   TG_BAD_INPUT or TG_TOO_BIG for a head outside its limits, TG_NO_MEMORY. */
enum tg_err body_sealer_new(uint32_t index, const struct body_head *head, const struct body_key *key, body_sink sink,
                            void *context, struct body_sealer **ret, struct tg_why *why);
/* Content, in pieces of any size. TG_BAD_INPUT when more comes than was promised; errors of the sink. After any
   error the sealer is good for nothing but body_sealer_free(). */
enum tg_err body_sealer_put(struct body_sealer *s, struct slice content, struct tg_why *why);
/* Pads and seals the last chunk. TG_BAD_INPUT when less came than was promised. */
enum tg_err body_sealer_finish(struct body_sealer *s, struct body_seal *ret, struct body_key *ret_key,
                               struct tg_why *why);
void body_sealer_free(struct body_sealer *s); /* wipes */

/* ---- opening ---- */

/* Where an opened body goes. head comes once, before any content; both are borrowed for the call.
   NOTHING that comes here is to be trusted, shown or kept as received before body_opener_finish() says TG_OK: until
   then it may be cut short or not be what the originator signed. Write it to a temporary file and publish that
   (rename) after finish, or destroy it. */
struct body_reader {
  enum tg_err (*head)(void *context, const struct body_head *head);
  body_sink content;
  void *context;
};

struct body_opener;

/* Begins to open the body of portion `index` with K. seal is what the signed Portion says (portion_parse()). max: the
   most content bytes the caller takes (TG_TOO_BIG above). TG_BAD_SEAL when K is not the one the Portion commits
   to; TG_BAD_INPUT when seal->size is no size of a body. */
enum tg_err body_opener_new(uint32_t index, const struct body_seal *seal, const struct body_key *key, uint64_t max,
                            const struct body_reader *reader, struct body_opener **ret, struct tg_why *why);
/* Before the first chunk: all that come were proven to be those of the root (body_check()), and are not hashed again. */
void body_opener_proven(struct body_opener *o);
/* The next sealed chunk, whole. TG_BAD_SEAL when it is not the one sealed at this place; TG_BAD_INPUT when what it
   holds breaks §4 (length, head, compression, padding); errors of the reader. After any error the opener is
   good for nothing but body_opener_free(). */
enum tg_err body_opener_put(struct body_opener *o, struct slice sealed_chunk, struct tg_why *why);
/* Is this the whole body that the originator sealed? TG_OK exactly if. TG_BAD_PROOF when the chunks do not lead to
   the root, TG_BAD_INPUT when chunks are missing. */
enum tg_err body_opener_finish(struct body_opener *o, struct tg_why *why);
void body_opener_free(struct body_opener *o); /* wipes */

/* ---- for who sees ciphertext only (hub, spool) ---- */

struct body_tally;

/* Measures the chunks of one body as they come, against its root and size. NULL without memory, or when no body has
   this size. */
struct body_tally *body_tally_new(const struct hash *root, uint64_t sealed_size);
/* The number of the chunk that must come next; body_chunks() when all have come. */
uint64_t body_tally_next(const struct body_tally *t);
/* The next sealed chunk. TG_BAD_INPUT for a wrong length or one too many; the tally is then as before. */
enum tg_err body_tally_put(struct body_tally *t, struct slice sealed_chunk, struct tg_why *why);
/* TG_OK when all chunks came and lead to the root; TG_BAD_INPUT when some are missing; TG_BAD_PROOF. */
enum tg_err body_tally_finish(const struct body_tally *t, struct tg_why *why);
void body_tally_free(struct body_tally *t);
/* The same for a body whose sealed chunks stand one after the other in memory. */
enum tg_err body_check(struct slice sealed, const struct hash *root, uint64_t sealed_size, struct tg_why *why);

#endif
