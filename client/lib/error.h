/* What a failure says to the caller of the library. */
#ifndef TOGUNA_CLIENT_LIB_ERROR_H
#define TOGUNA_CLIENT_LIB_ERROR_H

#include "client/lib/toguna.h"
#include "proto/base.h"

/* Fills *error (which may be NULL) when err is a failure, and returns err as the public enum. A why without a
   sentence, or NULL, gets the general one of its error. */
enum toguna_err error_put(struct toguna_error *error, enum tg_err err, const struct tg_why *why);

/* A sentence of the node in the caller's language; never NULL. Sentences the catalogue lacks come back as
 * they are. */
const char *error_translate(const char *msgid);

/* The err of an LError. A number that this library does not know becomes the general error of its class. */
enum tg_err error_known(uint32_t err);

#endif
