/* The content keys of a bulletin, sealed to one recipient node (docs/protocol.md §6). */
#ifndef TOGUNA_PROTO_WRAP_H
#define TOGUNA_PROTO_WRAP_H

#include "proto/arena.h"
#include "proto/body.h"
#include "proto/buf.h"
#include "proto/limits.h"
#include "proto/merkle.h"

enum {
  WRAP_KEY_ID = 8,
  WRAP_USES = 4096, /* wraps per HPKE context */
};
#define WRAP_AGE (10 * TG_MINUTE) /* of an HPKE context */

/* A Wrap as received, valid on its own. Slices point into the bytes and the arena. */
struct wrap {
  struct slice bytes; /* exactly as they came: the leaf of the audience tree */
  struct slice salt;
  struct sign_pk recipient;
  uint8_t key_id[WRAP_KEY_ID];
  uint32_t portions; /* mask, not 0 */
  uint8_t enc[32];
  uint64_t seq; /* below WRAP_USES */
  struct slice sealed;
  bool fallback; /* sealed to an expired key because none was current */
};

/* Between whom: bound into the key derivation. */
struct wrap_parties {
  uint16_t suite;
  struct hash exchange;
  struct sign_pk originator, recipient;
  char originator_member[2], recipient_member[2];
  struct seal_pk recipient_key;
};

/* To what: bound into every single wrap. */
struct wrap_binding {
  struct hash subject_hash;
  uint64_t bulletin_number; /* Header.number */
};

/* What is sealed: secret, wipe after use. */
struct wrap_content {
  uint64_t number;      /* running number originator node -> recipient node, from 1 */
  struct hash previous; /* id of the bulletin that carried the number used before; zeros: none that its originator knows of */
  uint32_t portions;    /* mask: which keys[] are set */
  struct body_key keys[LIMIT_PORTIONS];
};

/* H("toguna/key-id/v1" ‖ u16 suite ‖ key)[0..8]. */
void wrap_key_id(uint16_t suite, const struct seal_pk *key, uint8_t ret[WRAP_KEY_ID]);

/* Errors of strict_unpack(); TG_BAD_INPUT when `sealed` has not the length that the mask demands. */
enum tg_err wrap_parse(struct slice bytes, struct arena *arena, struct wrap *ret, struct tg_why *why);

/* Sealing: remembers one HPKE context per parties, so that the public-key work of a burst is done once. Never
   written anywhere: a new process has new contexts. Not for several threads at once. */
struct wrap_sender;
struct wrap_sender *wrap_sender_new(size_t contexts); /* at most so many; the oldest gives way. NULL without memory */
void wrap_sender_free(struct wrap_sender *s);         /* wipes */
/* Appends the Wrap bytes to out; out is as before on failure. now must not go backwards by more than a context's age:
   a context is dropped when now is before its birth. content->number and ->portions not 0 (TG_BAD_INPUT). */
enum tg_err wrap_seal(struct wrap_sender *s, const struct wrap_parties *parties, const struct wrap_binding *binding,
                      const struct wrap_content *content, bool fallback, tg_time now, struct buf *out,
                      struct tg_why *why);

/* Opening: remembers the contexts of the enc seen last. Not for several threads at once. */
struct wrap_opener;
struct wrap_opener *wrap_opener_new(size_t contexts); /* NULL without memory */
void wrap_opener_free(struct wrap_opener *o);         /* wipes */
/* Forgets every context, for when a sealing key is erased: a remembered context would outlive it. */
void wrap_opener_forget(struct wrap_opener *o);
/* Opens with the secret key of parties->recipient_key. TG_BAD_SEAL when it does not open, or is for another recipient
   or key; TG_BAD_INPUT when what it holds breaks §6. */
enum tg_err wrap_open(struct wrap_opener *o, const struct wrap *wrap, const struct wrap_parties *parties,
                      const uint8_t secret_key[32], const struct wrap_binding *binding, struct wrap_content *ret,
                      struct tg_why *why);

/* The audience tree over the Wrap bytes in order, 1..LIMIT_WRAPS of them, for its root and paths (merkle_tree_root,
   merkle_tree_path); NULL without memory. */
struct merkle_tree *audience_tree(const struct slice *wraps, size_t count);
/* Does path place these Wrap bytes at index of count under root? TG_OK or TG_BAD_PROOF. */
enum tg_err audience_verify(struct slice wrap, uint64_t index, uint64_t count, struct slice path,
                            const struct hash *root, struct tg_why *why);

#endif
