/* Key files on the disk. */
#ifndef TOGUNA_BROKER_KEYS_H
#define TOGUNA_BROKER_KEYS_H

#include "keys/keyfile.h"

/* Opens a key file that must hold a key of this kind. Errors of file_read_private() and keyfile_open();
   TG_BAD_INPUT: another kind. */
enum tg_err keys_open(const char *path, enum key_kind kind, struct slice passphrase, struct secret_key **ret,
                      struct tg_why *why);

#endif
