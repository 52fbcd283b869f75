/* What is wrong with a text: all of it at once, each with its place, for an officer to mend. */
#ifndef TOGUNA_POLICY_PROBLEM_H
#define TOGUNA_POLICY_PROBLEM_H

#include "proto/buf.h"

enum { PROBLEMS_MAX = 64 };

/* why.where is "file:line:column". Columns count characters from 1, not bytes. */
struct problem {
  uint32_t line, column, width; /* width: characters that the caret underlines, at least 1 */
  bool warning;                 /* the text is accepted all the same */
  struct tg_why why;
};

/* The first PROBLEMS_MAX problems in order of lines; total counts all of them. {0} is the empty list. */
struct problems {
  size_t n, total;
  bool errors; /* is one of all of them more than a warning? */
  struct problem *list;
};

/* Frees the list; it is empty and usable again. */
void problems_free(struct problems *p);

/* Appends for people: the sentence, the line of `text` it is about, and carets under the place:
     ml.policy:12:24: unknown country XX. Did you mean ML?
       export allow alert.** to XX up-to SECRET
                                ^^
   translate may be NULL. Each line ends in a newline. */
void problem_show(const struct problem *p, struct slice text, const char *(*translate)(const char *), struct buf *out);

#endif
