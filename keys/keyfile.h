/* Secret keys at rest: a text file with a readable head and an encrypted body. Bytes in, bytes out; the files are
   written by os/ (atomically, mode 0600).

     toguna/keyfile v1
     kind member-root
     name sahel.example/ML
     public GnHpsBv0...=                      32 bytes, base64
     kdf argon2id 3 268435456 <salt>          passes, bytes of memory, 16 bytes base64
     cipher xchacha20-poly1305 <nonce>        24 bytes base64
     (empty line)
     base64 of the sealed secret, one line

   The key is argon2id(passphrase, salt); everything before the body is its additional data, so a changed head fails
   like a wrong passphrase. */
#ifndef TOGUNA_KEYS_KEYFILE_H
#define TOGUNA_KEYS_KEYFILE_H

#include "keys/secret.h"

enum { KEYFILE_BYTES_MAX = 4096, PASSPHRASE_MAX = 1024 };

/* How long a guess takes. */
struct keyfile_cost {
  uint64_t passes; /* 1..16 */
  uint64_t memory; /* bytes, 8 MiB..1 GiB */
};
extern const struct keyfile_cost KEYFILE_COST_DEFAULT; /* 3 passes over 256 MiB: about half a second */
extern const struct keyfile_cost KEYFILE_COST_LIGHT;   /* 2 passes over 64 MiB: small machines */
extern const struct keyfile_cost KEYFILE_COST_TEST;    /* 1 pass over 8 MiB: tests and demonstrations only */

/* Appends the file's bytes to out. TG_USAGE: empty or over-long passphrase, cost out of bounds; TG_NO_MEMORY. */
enum tg_err keyfile_seal(const struct secret_key *key, struct slice passphrase, struct keyfile_cost cost,
                         struct buf *out, struct tg_why *why);

/* What can be read without the passphrase. */
struct keyfile_head {
  enum key_kind kind;
  char name[NOTE_NAME_MAX + 1];
  uint8_t public_key[32];
  struct keyfile_cost cost;
};
enum tg_err keyfile_peek(struct slice bytes, const char *file, struct keyfile_head *ret, struct tg_why *why);

/* Decrypts. TG_BAD_INPUT: not a key file, or cost out of bounds (checked before any memory is taken);
   TG_BAD_PASSPHRASE: wrong passphrase or damaged file, which cannot be told apart; TG_NO_MEMORY. */
enum tg_err keyfile_open(struct slice bytes, const char *file, struct slice passphrase, struct secret_key **ret,
                         struct tg_why *why);

#endif
