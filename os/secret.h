/* Passphrases: from a person or a file; never from arguments or the environment. */
#ifndef TOGUNA_OS_SECRET_H
#define TOGUNA_OS_SECRET_H

#include "proto/base.h"

#define SECRET_MAX 1024

/* Bytes in sodium_malloc memory. */
struct secret;
void secret_free(struct secret **s); /* wipes; NULL is fine */
struct slice secret_slice(const struct secret *s);

/* The sources below drop one trailing newline and refuse an empty secret (TG_BAD_INPUT), one over SECRET_MAX
   bytes (TG_TOO_BIG) and one with a NUL byte. */

/* Asks on the terminal (/dev/tty), without echo; `question` is already translated. With `again` not NULL asks
   a second time with that question and compares: TG_BAD_INPUT when they differ. TG_USAGE without a terminal.
   The terminal is restored also when a signal ends the program. */
enum tg_err secret_ask(const char *question, const char *again, struct secret **ret, struct tg_why *why);
/* Errors as file_read_private(): group and others must have no access. */
enum tg_err secret_from_file(const char *path, struct secret **ret, struct tg_why *why);
/* Where a daemon finds its passphrase: `file` when it is not NULL; else the credential `passphrase` that systemd passes
   (LoadCredential=); else a person at the terminal. Errors of the three. */
enum tg_err secret_find(const char *file, const char *question, struct secret **ret, struct tg_why *why);

#endif
