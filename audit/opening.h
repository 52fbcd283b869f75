/* An opening: an entry with the salt and path that prove it to be the leaf at its index in a log. What a hub
   answers with, and what a party keeps to prove it later. */
#ifndef TOGUNA_AUDIT_OPENING_H
#define TOGUNA_AUDIT_OPENING_H

#include "audit/checkpoint.h"
#include "audit/entry.h"
#include "proto/proven.h"

/* As it travels: fields entry, salt, leaf and path of Outcome, Delivery, ReceiptNote, DocumentOutcome.
 * Everything borrowed. */
struct opening {
  struct slice entry; /* Entry bytes */
  struct slice salt;  /* ENTRY_SALT bytes */
  uint64_t index;
  struct slice path; /* 32 bytes per step */
};

/* Is the entry in the tree of this checkpoint, and well formed? The checkpoint must have been verified
   (checkpoint_open). TG_OK and *ret (may be NULL; points into o->entry); TG_BAD_INPUT, TG_UNKNOWN: the entry;
   TG_BAD_PROOF: it is not there. */
enum tg_err opening_verify(const struct opening *o, const struct checkpoint *checkpoint, struct entry *ret,
                           struct tg_why *why);

/* The same for whoever verifies many under one checkpoint: what the ones before have proven is not hashed again. proven may be NULL. */
enum tg_err opening_verify_with(const struct opening *o, const struct checkpoint *checkpoint, struct proven *proven,
                                struct entry *ret, struct tg_why *why);

/* The 32-byte leaf of an opening whose salt has the right length; TG_BAD_INPUT otherwise. */
enum tg_err opening_leaf(const struct opening *o, struct hash *ret);

#endif
