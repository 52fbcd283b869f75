/* Which entries have a word such as "type:accepted" or "state:ML": sets of entries by word, in pieces of 32,768, each
   a bit map or, when few are in it, a list. Any combination of words over millions of entries is a walk over some dozens
   of pieces. */
#ifndef TOGUNA_REVIEW_WORDS_H
#define TOGUNA_REVIEW_WORDS_H

#include "os/db.h"

enum { WORDS_PIECE = 32768, WORDS_BYTES = WORDS_PIECE / 8, WORD_MAX = 160 };

struct words;
struct words *words_new(struct db *db); /* NULL without memory */
void words_free(struct words *w);

/* The entry has the word. Entries come in ascending order. Kept in memory until words_flush(), and written when a piece is full. */
enum tg_err words_add(struct words *w, const char *word, uint64_t leaf);
/* Writes what is in memory, inside the caller's transaction. */
enum tg_err words_flush(struct words *w);
/* Forgets what is in memory. */
void words_reset(struct words *w);

/* The piece of a word, or-ed into bits. Unknown words have nothing. */
enum tg_err words_piece(struct words *w, const char *word, uint64_t piece, uint8_t bits[WORDS_BYTES]);
/* All words that begin so, ascending; `each` returns TG_OK to go on. */
enum tg_err words_like(struct words *w, const char *prefix, enum tg_err (*each)(void *arg, const char *word), void *arg);

#endif
