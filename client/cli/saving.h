/* What the node hands over piece by piece, into a file that appears when all of it is there. */
#ifndef TOGUNA_CLI_SAVING_H
#define TOGUNA_CLI_SAVING_H

#include "client/cli/command.h"
#include "os/file.h"

struct saving {
  struct file_draft *draft; /* NULL: standard output */
  uint64_t bytes;           /* so far */
  enum tg_err err;          /* why the file could not take more */
  struct tg_why *why;       /* borrowed */
};

/* Before anything is asked of the node: may this file be written? replace: NULL where the command has no --replace. "-" always. */
enum tg_err saving_look(const char *path, const bool *replace, struct tg_why *why);
bool saving_is_output(const char *path); /* "-" */
/* path "-" is standard output. To be ended with saving_end(), which also takes one that never began. */
enum tg_err saving_begin(struct saving *s, const char *path, struct tg_why *why);
/* A toguna_on_data whose context is a struct saving. */
int saving_piece(void *saving, const void *data, size_t n);
/* told, error: what libtoguna says of the whole. Only if both are well the file appears, and replaces another only with `replace`. */
enum tg_err saving_end(struct saving *s, struct call *call, enum toguna_err told, const struct toguna_error *error, bool replace);

#endif
