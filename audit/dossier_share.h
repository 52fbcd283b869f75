/* What a party of an entry has of it, in place of all that the hub has: for dossier.c. */
#ifndef TOGUNA_AUDIT_DOSSIER_SHARE_H
#define TOGUNA_AUDIT_DOSSIER_SHARE_H

#include "audit/dossier.h"

/* u32 length ‖ bytes; take: false, with nothing taken that counts, if it is longer than max or than what is there. */
void dossier_part_put(struct buf *out, struct slice part);
bool dossier_part_take(struct slice *rest, size_t max, struct slice *ret);

/* TG_BAD_PROOF and the sentence. */
enum tg_err dossier_mismatch(struct tg_why *why, const char *where, const char *what);

/* dossier_bulletin() of a delivery: header, and the portions that came with their places in the portion tree. */
enum tg_err share_bulletin(const struct dossier *d, struct arena *arena, struct dossier_bulletin **ret, struct tg_why *why);
/* Is its word of itself in order, and about portions that are there? */
enum tg_err share_own(const struct dossier *d, const struct dossier_bulletin *b, struct tg_why *why);

/* The next of DOSSIER_SHARES, moving rest on. False: there are no more, or what is left is none. */
bool share_take(struct slice *rest, struct slice *ret_receipt, struct slice *ret_proof);
/* Are the shares, if there are any, receipts of the batch that was logged? */
enum tg_err share_receipts(const struct dossier *d, const struct entry *e, struct arena *arena, struct tg_why *why);
/* Did this node sign each? */
enum tg_err share_signed(const struct dossier *d, const struct hash *exchange, const struct sign_pk *node, struct batch_verifier *v,
                         struct tg_why *why);

#endif
