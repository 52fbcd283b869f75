/* A dossier: one entry of the log with its salt and all that belongs to it, as a hub keeps it for its own auditors
   and as copies of a log carry it. What it holds beside the entry proves itself against the entry: nothing here
   needs to be believed. Dossiers stand in bundles of TILE_WIDTH entries, one file each, beside the public tiles and
   never among them. */
#ifndef TOGUNA_AUDIT_DOSSIER_H
#define TOGUNA_AUDIT_DOSSIER_H

#include "audit/entry.h"
#include "audit/ruling.h"
#include "proto/batch.h"
#include "proto/header.h"
#include "proto/portion.h"
#include "proto/receipt.h"
#include "proto/session.pb-c.h"
#include "proto/strict.h"

/* Numbers are for ever. */
enum dossier_paper {
  DOSSIER_ENTRY = 1,  /* Entry bytes; in every dossier */
  DOSSIER_BULLETIN,   /* accepted: what was said of it, see dossier_bulletin */
  DOSSIER_DECISION,   /* accepted, refused: Decision bytes */
  DOSSIER_RECIPIENTS, /* accepted: 36 bytes per wrap: identity key ‖ u32 mask of portions */
  DOSSIER_RECEIPTS,   /* receipts: signature(64) ‖ (u16 length ‖ Receipt)... */
  DOSSIER_DOCUMENT,   /* document: u8 kind ‖ its bytes */
  DOSSIER_PROOF,      /* document, when it is sealing keys: BatchProof */
  /* What a party of the entry has instead, which was shown no more than its share; never at a hub: */
  DOSSIER_DELIVERY, /* accepted: u32 length ‖ Header ‖ u8 portions ‖ for each u32 length ‖ OpenPortion, then the BatchProof */
  DOSSIER_OWN,      /* the same: identity key of the node ‖ u32 mask ‖ u64 when it had it, by its own word */
  DOSSIER_SHARES,   /* receipts, those about bulletins of this party: (u16 length ‖ Receipt ‖ u16 length ‖ BatchProof)... */
  DOSSIER_PAPERS,
};

enum {
  DOSSIER_MAX = 1024 * 1024,  /* bytes of one */
  DOSSIER_BUNDLE_MAX = 1 << 28, /* bytes of a file */
  DOSSIER_PATH_MAX = 40,
  DOSSIER_RECIPIENT = 36,
  DOSSIER_OWN_BYTES = 44,
  DOSSIER_BEFORE_ENTRY = 4 + 8 + ENTRY_SALT + 5, /* bytes of a dossier before those of its entry */
};

/* paper[k] is empty when there is none. Slices are borrowed. */
struct dossier {
  uint64_t index;
  uint8_t salt[ENTRY_SALT];
  struct slice paper[DOSSIER_PAPERS];
};

/* "openings/000000/000", the file of entries bundle * TILE_WIDTH and on. */
void dossier_path(uint64_t bundle, char out[DOSSIER_PATH_MAX]);

/* Appends: u32 length of the rest ‖ u64 index ‖ salt ‖ for each paper, ascending: u8 number ‖ u32 length ‖ bytes. */
void dossier_put(struct buf *out, const struct dossier *d);
/* Takes the next. TG_BAD_INPUT: it is none, also when its paper is of a number that we do not know, or out of order. */
enum tg_err dossier_take(struct slice *rest, struct dossier *ret);

/* A bulletin without wraps and bodies: u32 length ‖ Header ‖ u8 portions ‖ for each u16 length ‖ Portion ‖ u32 length ‖ Release,
   then the BatchProof of its originator. */
void dossier_bulletin_put(struct buf *out, const Tg__Submission *s);
/* Opened and checked: the header by its id, portions and release lists by the header. Who signed it is for dossier_signed().
   portions[].index tells which they are. */
struct dossier_bulletin {
  struct header header;
  bool whole;           /* all portions and release lists are here */
  size_t portion_count; /* that are here */
  struct portion portions[LIMIT_PORTIONS];
  struct release releases[LIMIT_PORTIONS]; /* to_count 0: of a blind audience */
  const Tg__BatchProof *proof;
};

/* Is the dossier that of this leaf, and all its papers those of its entry? *ret points into the dossier. TG_BAD_PROOF and a
   sentence that says what does not match. scratch is used up to some of its budget: reset it. */
enum tg_err dossier_check(const struct dossier *d, const struct hash *leaf, struct arena *scratch, struct entry *ret,
                          struct tg_why *why);

/* Reads papers of a dossier that was checked; everything in the arena. TG_NOT_FOUND: it has none such. */
enum tg_err dossier_bulletin(const struct dossier *d, struct arena *arena, struct dossier_bulletin **ret, struct tg_why *why);
enum tg_err dossier_ruling(const struct dossier *d, struct arena *arena, struct ruling *ret, struct tg_why *why);
/* Did its originator sign the bulletin? TG_BAD_SIGNATURE, TG_BAD_PROOF. */
enum tg_err dossier_signed(const struct dossier_bulletin *b, const struct hash *exchange, struct batch_verifier *v,
                           struct tg_why *why);

/* Who was given a wrap, and the portions in it (a mask); i below the count, which is 0 for what has no recipients. */
size_t dossier_recipient_count(const struct dossier *d);
void dossier_recipient(const struct dossier *d, size_t i, struct sign_pk *ret_node, uint32_t *ret_portions);

/* Does it hold what only a party has? Where a hub must have shown all, that would hide the rest. */
bool dossier_is_share(const struct dossier *d);
/* A party's dossier: the node whose it is, the portions it was given, and when it had them by its own word. False: it is none. */
bool dossier_own(const struct dossier *d, struct sign_pk *ret_node, uint32_t *ret_portions, tg_time *ret_stored);
/* Keeps of a delivery what DOSSIER_DELIVERY holds. */
enum tg_err dossier_delivery_put(struct buf *out, const Tg__Delivery *d);
/* One more receipt of ours; TG_TOO_BIG. */
enum tg_err dossier_share_put(struct buf *out, struct slice receipt, const Tg__BatchProof *proof);
/* Appends to `out` the shares of `mine` and those of `more` that are not among them. */
void dossier_shares_join(struct buf *out, struct slice mine, struct slice more);

/* Receipts, one after the other; *rest is what dossier_receipts() said at first. TG_NOT_FOUND at the end. */
struct slice dossier_receipts(const struct dossier *d);
enum tg_err dossier_receipt_next(const struct dossier *d, struct slice *rest, struct arena *arena, struct receipt *ret);
/* Did this node sign all of them, as one batch, or each as one of the batch that was logged? */
enum tg_err dossier_receipts_signed(const struct dossier *d, const struct hash *exchange, const struct sign_pk *node,
                                    struct batch_verifier *v, struct tg_why *why);

#endif
