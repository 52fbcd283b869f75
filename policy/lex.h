/* A policy's text as lines of words, for the parser; and the list of what is wrong with it. */
#ifndef TOGUNA_POLICY_LEX_H
#define TOGUNA_POLICY_LEX_H

#include "policy/problem.h"

enum { LEX_WORDS_MAX = 1024 }; /* of one line: as many as POLICY_LINE_MAX bytes can hold */

struct lexed_word {
  struct slice text; /* quotes included */
  bool quoted;
};

/* Where problems go, and which line they are about. */
struct reader {
  const char *file;
  struct problems *problems; /* never NULL */
  struct tg_why first;       /* the first error, whatever became of the list */
  enum tg_err code;          /* of the next error, if not TG_BAD_INPUT */
  uint32_t number;
  struct slice line;
  size_t n, at; /* words of the line, and the next to be read */
  struct lexed_word word[LEX_WORDS_MAX];
};

/* Reports a problem at `place`, a part of the line (place.p == NULL: the end of the line). Returns false, so that a failing
   branch is one statement. */
bool reader_error(struct reader *r, struct slice place, const char *what, const char *todo, const char *a,
                  const char *b);
/* The same as reader_error(), for what is accepted all the same. Returns true. */
bool reader_warn(struct reader *r, struct slice place, const char *what, const char *todo, const char *a,
                 const char *b);

/* Splits a line at spaces into r->word; what stands in quotes is one word; a comment has none. False when a character hides or a quote is not
   closed (reported). */
bool reader_split(struct reader *r, uint32_t number, struct slice line);
/* The next word without taking it; empty at the end of the line. */
struct slice reader_peek(const struct reader *r);
/* Takes the next word; empty at the end. */
struct slice reader_take(struct reader *r);
/* Takes the next word when it is this one. */
bool reader_takes(struct reader *r, const char *word);
/* Does this character of n bytes take no room on a screen, or begin a line where none begins? */
bool lex_unseen(const uint8_t *p, size_t n);
/* A NUL-terminated copy for a message, cut where a message would cut it. */
const char *shown(struct slice s, char out[128]);

#endif
