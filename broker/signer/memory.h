/* What the signer remembers, on the disk: one file with two slots, written in turn and in place. Keeping a state is one
   write of one sector and one sync. A disk writes a sector whole or not at all, so that after a power cut each slot holds
   what it held before or what was written: a slot that holds no whole state is damage, and refused, never guessed at. */
#ifndef TOGUNA_BROKER_SIGNER_MEMORY_H
#define TOGUNA_BROKER_SIGNER_MEMORY_H

#include "audit/signing.h"

/* Bytes of the file: a slot at the begin of each half. */
enum { MEMORY_BYTES = 8192 };

struct memory;

/* The newest state in the file. TG_NOT_FOUND: there is no file. TG_BAD_INPUT and whatever signing_parse() says: damaged;
   TG_CONFLICT: two histories in it; TG_DISK. */
enum tg_err memory_open(const char *path, struct memory **ret, struct signing_state *ret_newest, struct tg_why *why);
/* Makes the file with this first state. TG_DISK. */
enum tg_err memory_make(const char *path, const struct signing_state *first, struct memory **ret, struct tg_why *why);
/* TG_OK: it survives a power cut. Not when somebody has put another file in its place meanwhile: TG_STALE, and as soon as it
   is back one may try again. After a write or a sync failed nobody knows what is on the disk, and nothing is kept any more:
   TG_DISK for ever. */
enum tg_err memory_keep(struct memory *m, const struct signing_state *state, struct tg_why *why);
void memory_free(struct memory *m); /* NULL is fine */

#endif
