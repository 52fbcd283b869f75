/* What every room shares: results, explanations for people, and quantities that have a type. */
#ifndef TOGUNA_PROTO_BASE_H
#define TOGUNA_PROTO_BASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Marks a sentence for translation without translating it: pure rooms name sentences, programs speak them. */
#define N_(s) s

/* The result of whatever can fail. The high byte is the class, which is the exit code of a command. */
enum tg_err {
  TG_OK = 0,

  TG_REFUSED = 0x0100, /* a policy, or the lack of one, says no */
  TG_REVOKED,          /* the key or the member has lost its standing */
  TG_QUOTA,            /* a documented limit on how much has been reached */

  TG_USAGE = 0x0200, /* the command or call is not one we know */

  TG_BAD_INPUT = 0x0300, /* malformed, non-canonical or out of range */
  TG_BAD_SIGNATURE,      /* a signature that should verify does not */
  TG_BAD_PROOF,          /* a Merkle proof does not lead to its root */
  TG_BAD_SEAL,           /* authenticated decryption failed */
  TG_BAD_PASSPHRASE,     /* wrong passphrase or damaged key file: the two cannot be told apart */
  TG_TOO_BIG,            /* beyond a limit, nothing was allocated for it */
  TG_NOT_FOUND,          /* no such thing, or none that the asker may know of */
  TG_STALE,              /* older than what was already accepted: it would go backwards */
  TG_DUPLICATE,          /* exactly this was accepted before; harmless */
  TG_CONFLICT,           /* contradicts what was accepted before: evidence of a cheat */
  TG_EXPIRED,            /* not valid at this time, or no longer */
  TG_UNKNOWN,            /* a version, suite or type this program does not know */

  TG_UNREACHABLE = 0x0400, /* the other side cannot be reached now */
  TG_BUSY,                 /* the other side asks to come back later */

  TG_INTERNAL = 0x0500, /* our own fault, or the machine's */
  TG_NO_MEMORY,
  TG_DISK, /* the store refused a read, write or sync */
};

/* The exit code of a command that ended with err: 0 ok, 1 refused, 2 usage, 3 bad input, 4 unreachable,
   5 internal. */
int tg_exit_code(enum tg_err err);

/* A stable lower-case name of err, such as "bad-signature", for logs and --json. Never NULL. */
const char *tg_err_name(enum tg_err err);

/* What a person must understand when something failed: where, what is wrong, what to do.
   `what` and `todo` are N_() sentences with %1$s, %2$s, %3$s standing for arg[0..2]; they are translated
   and filled in once, at the top, by why_render(). A why owns copies of where and of the arguments. */
struct tg_why {
  enum tg_err err;
  char where[160]; /* file:line:column, field, or bulletin id; may be empty */
  const char *what;
  const char *todo; /* may be NULL */
  char arg[3][128];
};

/* Fills *why (which may be NULL) and returns err, so that a failing branch is one statement:
   return why_set(why, TG_BAD_INPUT, "charter.note:7", N_("unknown country %1$s"), N_("use ..."), "XX",
   NULL, NULL). `what` and `todo` must be string literals. Long places and arguments are cut on a UTF-8
   boundary; control characters in them become '?'. where, todo, a, b, c may be NULL. */
enum tg_err why_set(struct tg_why *why, enum tg_err err, const char *where, const char *what,
                    const char *todo, const char *a, const char *b, const char *c);

/* Formats text into out (always terminated, cut if needed): "where: what. todo" with the sentences passed
   through translate (NULL: left in English) and the arguments filled in. Returns the length written.
   The sentences are substituted, never given to printf: a why may come from another process. */
size_t why_render(const struct tg_why *why, const char *(*translate)(const char *), char *out, size_t size);

/* The sentence alone: `text` with %1$s..%3$s replaced, cut on a UTF-8 boundary. Building block of why_render(). */
size_t why_fill(const char *text, const char *const arg[3], char *out, size_t size);

/* A borrowed run of bytes. p may be NULL when n is 0. */
struct slice {
  const uint8_t *p;
  size_t n;
};

/* All borrow. */
struct slice slice_of(const void *p, size_t n);
struct slice slice_str(const char *s); /* without the terminating NUL */
bool slice_eq(struct slice a, struct slice b);      /* not constant-time: for public data */
bool slice_is(struct slice a, const char *literal); /* a equals the C string */
char *slice_dup(struct slice s);                    /* malloc'd, NUL-terminated; NULL without memory */

/* Fixed-size values, so that the compiler catches a swap. All are plain bytes, compared with the _eq
   functions below (public values; secrets use sodium_memcmp). */
struct hash { uint8_t b[32]; };     /* SHA-256 */
struct sign_pk { uint8_t b[32]; };  /* Ed25519 public key */
struct sign_sig { uint8_t b[64]; }; /* Ed25519 signature */
struct seal_pk { uint8_t b[32]; };  /* X25519 public key (HPKE or CURVE) */

bool hash_eq(const struct hash *a, const struct hash *b);
bool sign_pk_eq(const struct sign_pk *a, const struct sign_pk *b);
bool seal_pk_eq(const struct seal_pk *a, const struct seal_pk *b);
bool hash_is_zero(const struct hash *h);
/* Reads exactly 32 bytes into *ret; TG_BAD_INPUT for any other length. */
enum tg_err hash_read(struct slice s, struct hash *ret);

/* For a large array of which only what was filled is ever read: the compiler, which clears every variable first, leaves it as it is. */
#define UNFILLED __attribute__((uninitialized))

/* A point in time: milliseconds since 1970-01-01T00:00:00Z, leap seconds ignored. 0 means "not stated". */
typedef int64_t tg_time;
#define TG_SECOND ((tg_time)1000)
#define TG_MINUTE (60 * TG_SECOND)
#define TG_HOUR (60 * TG_MINUTE)
#define TG_DAY (24 * TG_HOUR)

/* "2026-12-01T00:00:00Z" (RFC 3339, Z only, optional .mmm) <-> tg_time. Years 1970..9999.
   time_parse: TG_BAD_INPUT unless s is exactly one such time. time_print: out needs 25 bytes; the
   fraction is printed only when not zero. */
enum tg_err time_parse(struct slice s, tg_time *ret);
void time_print(tg_time t, char out[25]);

/* "90d", "24h", "15m", "30s": a positive whole number and one unit. */
enum tg_err duration_parse(struct slice s, tg_time *ret);

/* Decimal without sign, leading zero or space, at most max. TG_BAD_INPUT otherwise. */
enum tg_err number_parse(struct slice s, uint64_t max, uint64_t *ret);

/* "16MiB", "64KiB", "1GiB", or plain bytes. */
enum tg_err size_parse(struct slice s, uint64_t *ret);

/* Is s well-formed UTF-8 (no overlong forms, surrogates, or code points above U+10FFFF) without NUL? */
bool utf8_valid(struct slice s);
/* As utf8_valid, and free of control characters (C0 except those in `allow`, DEL, C1) and of the
   bidirectional overrides and isolates that make text look other than it is. */
bool text_valid(struct slice s, const char *allow);

#endif
