/* What is allowed to write and hardly meant: warnings about a policy without errors. */
#ifndef TOGUNA_POLICY_LINT_H
#define TOGUNA_POLICY_LINT_H

#include "policy/parse.h"

void lint(struct parser *x);

#endif
