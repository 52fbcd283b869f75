/* Keys and notes in files, as commands use them. Whatever is written is whole or absent, and never in the
   place of a file that was there, unless `replace` says so. */
#ifndef TOGUNA_CLI_BOX_H
#define TOGUNA_CLI_BOX_H

#include "keys/keyfile.h"
#include "keys/note.h"
#include "os/options.h"
#include "os/secret.h"

#include <sys/types.h>

enum { BOX_PATH = 4096 };
/* folder/name; TG_BAD_INPUT when too long. */
enum tg_err box_path(char out[BOX_PATH], const char *folder, const char *name, struct tg_why *why);

/* Options of commands that open keys, for a structure with a `char *passphrase_file`; and of those that make
   keys, with `unsigned kdf` too. */
#define BOX_OPTION_PASSPHRASE(type)                                                                          \
  {                                                                                                          \
    "passphrase-file", 0, OPTION_ONE, VALUE_PATH, offsetof(type, passphrase_file), {0}, N_("FILE"),          \
        N_("Take the passphrase from a file that only you can read, instead of asking for it.")              \
  }
#define BOX_OPTION_KDF(type)                                                                                 \
  {                                                                                                          \
    "kdf", 0, OPTION_ONE, VALUE_CHOICE, offsetof(type, kdf), {.choices = box_kdf_names}, N_("COST"),         \
        N_("How much work guessing the passphrase takes: default (256 MiB), light (64 MiB, for small "       \
           "machines) or "                                                                                   \
           "test (8 MiB: for tests and demonstrations only).")                                               \
  }
extern const char *const box_kdf_names[]; /* "default", "light", "test" */

/* The passphrase for new keys, asked twice; about: what it opens, for the question. file: --passphrase-file or NULL. */
enum tg_err box_passphrase_new(const char *file, const char *about, struct secret **ret, struct tg_why *why);

/* The head of a key file: what it is, without its passphrase. TG_BAD_INPUT when it is of another kind than
 * `kind` (0: any). */
enum tg_err box_key_peek(const char *path, enum key_kind kind, struct keyfile_head *ret, struct tg_why *why);
/* Opens a key file, asking for its passphrase. kind as above. */
enum tg_err box_key_open(const char *path, enum key_kind kind, const char *passphrase_file,
                         struct secret_key **ret, struct tg_why *why);
/* The same with a passphrase at hand. */
enum tg_err box_key_open_with(const char *path, enum key_kind kind, const struct secret *passphrase,
                              struct secret_key **ret, struct tg_why *why);
/* Writes a key file, mode 0600. kdf: index into box_kdf_names. */
enum tg_err box_key_save(const char *path, const struct secret_key *key, const struct secret *passphrase,
                         unsigned kdf, bool replace, struct tg_why *why);
/* A fresh key of this name, written at once; ret_key may be NULL. */
enum tg_err box_key_make(const char *path, enum key_kind kind, const char *name,
                         const struct secret *passphrase, unsigned kdf, struct secret_key **ret_key,
                         struct tg_why *why);

/* A whole file; TG_DUPLICATE: there is one, and it is not to be replaced. */
enum tg_err box_put(const char *path, struct slice content, mode_t mode, bool replace, struct tg_why *why);
/* The same of text, mode 0644. */
enum tg_err box_write(const char *path, struct slice content, bool replace, struct tg_why *why);
/* A file that may be a note, up to NOTE_BYTES_MAX; "-" is standard input. bytes must be fresh; the note
 * points into them. */
enum tg_err box_read(const char *path, struct buf *bytes, struct tg_why *why);
enum tg_err box_note_read(const char *path, struct buf *bytes, struct note *ret, struct tg_why *why);
/* The text of a note, or all the bytes of what has no signatures, as they are: for readers that find every mistake
   themselves, and say where it stands. */
enum tg_err box_split(struct slice bytes, const char *file, struct slice *ret_text, bool *ret_signed,
                      struct tg_why *why);
/* The text to be signed in such bytes: the text of a note, or all of a file that has no signatures yet. */
enum tg_err box_text(struct slice bytes, const char *file, struct slice *ret_text, bool *ret_signed,
                     struct tg_why *why);
/* Signs what stands in a file: starts a note over a text, or adds a line to a note. Appends the note to out.
   TG_DUPLICATE when this key has signed it already. */
enum tg_err box_sign(struct slice bytes, const char *file, const struct secret_key *key, struct buf *out,
                     struct tg_why *why);

/* A folder that is made whole: everything is written into a folder beside it, which takes its place at the
   end. The place may be empty or absent; TG_DUPLICATE when something is there. */
struct new_folder;
/* Is the place empty or absent? To be asked before a person is asked for a passphrase. */
enum tg_err new_folder_check(const char *path, struct tg_why *why);
enum tg_err new_folder_begin(const char *path, struct new_folder **ret, struct tg_why *why);
/* Where to write meanwhile: borrowed. */
const char *new_folder_path(const struct new_folder *f);
/* Ends it: on TG_OK the folder stands at its place and TG_OK is returned; else everything written is removed
   and err returned. Takes f; NULL is fine. */
enum tg_err new_folder_end(struct new_folder **f, enum tg_err err, struct tg_why *why);

#endif
