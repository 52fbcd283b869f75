/* Small closed lists of words that stand for 1, 2, 3 …: scales, kinds, events. */
#ifndef TOGUNA_PROTO_WORD_H
#define TOGUNA_PROTO_WORD_H

#include "proto/base.h"

/* The word for `number`, or "?" when the list has none. */
const char *word_name(const char *const *words, size_t count, unsigned number);
/* The number of the word s, in upper or lower case (ASCII); 0 when the list has no such word. */
unsigned word_find(const char *const *words, size_t count, struct slice s);

#endif
