/* Runs toguna as a person would, against a scripted node. */
#ifndef TOGUNA_TESTS_CLIENT_CLI_RUN_H
#define TOGUNA_TESTS_CLIENT_CLI_RUN_H

#include "tests/client/fake_node.h"

struct outcome {
  int code; /* exit code; -1: ended by a signal */
  char out[32 * 1024], err[8 * 1024];
};

/* f may be NULL: then there is no node. input: standard input, may be NULL for none. Ends with NULL. In UTC,
   in English. The outcome is one object, filled anew by each run. */
const struct outcome *run(const struct fake *f, const char *input, ...) __attribute__((sentinel));

/* Fails the test unless the code is this and standard error is one sentence that holds these words (NULL at
 * the end). */
void expect_refusal(const struct outcome *o, int code, ...) __attribute__((sentinel));
/* Fails the test, showing both, unless they are equal. */
void expect_text(const char *got, const char *wanted);

/* A folder of this test program, removed at its end; files in it. */
const char *in_folder(const char *name);
const char *put_file(const char *name, const char *content); /* returns its path */
char *get_file(const char *name);                            /* free() it; NULL when there is none */

#endif
