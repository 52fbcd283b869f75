/* Reading the content of a bulletin, of the inbox, of our own, or of what waits for approvals: piece by piece, at the reader's pace, in bounded memory. */
#ifndef TOGUNA_CLIENT_NODE_READING_H
#define TOGUNA_CLIENT_NODE_READING_H

#include "client/node/core.h"

enum { READING_PIECE = 64 * 1024 };

struct reading;

/* Begins at `offset` bytes of the content of a portion, for `count` bytes; 0: to the end. Verdicts as in draft.h: TG_NOT_FOUND: no
   such bulletin or portion here, or taken back and erased (ret_why tells which); TG_BAD_INPUT: beyond its end. */
enum tg_err reading_new(struct node_core *core, const struct hash *id, uint32_t portion, uint64_t offset, uint64_t count,
                        struct reading **ret, enum tg_err *ret_verdict, struct tg_why *ret_why);
/* The sealed chunks of a draft's portion, from the first on, with K: for who approves, and must see for himself what is in the very bytes that
   he signs. TG_NOT_FOUND: nothing waits there. */
enum tg_err reading_sealed(struct node_core *core, const struct hash *draft, uint32_t portion, struct reading **ret,
                           enum tg_err *ret_verdict, struct tg_why *ret_why);
/* K with the first piece of what is sealed; NULL before and after. Borrowed until the next call. */
const struct body_key *reading_key(const struct reading *r);
/* The next piece, at most READING_PIECE bytes, valid until the next call; *ret_end with the last one. TG_BAD_SEAL, TG_BAD_PROOF: the
   originator sealed what cannot be opened; TG_NOT_FOUND: it was taken back meanwhile. */
enum tg_err reading_next(struct node_core *core, struct reading *r, struct slice *ret_piece, bool *ret_end,
                         enum tg_err *ret_verdict, struct tg_why *ret_why);
/* All of a content that is short enough for one piece, in the arena. Verdicts as above. */
enum tg_err reading_whole(struct node_core *core, const struct hash *id, uint32_t portion, const struct body_seal *seal,
                          struct arena *arena, struct slice *ret, enum tg_err *ret_verdict, struct tg_why *ret_why);
void reading_free(struct reading *r); /* wipes; NULL is fine */

#endif
