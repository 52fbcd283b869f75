/* Filling a list of problems, for the parser. */
#ifndef TOGUNA_POLICY_PROBLEM_LIST_H
#define TOGUNA_POLICY_PROBLEM_LIST_H

#include "policy/problem.h"

/* Puts a copy of p at its place; without memory it is only counted. */
void problems_add(struct problems *list, const struct problem *p);
/* How many characters (not bytes) s holds. */
size_t characters(struct slice s);

#endif
