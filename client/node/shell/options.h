/* The command line of toguna-node(8). */
#ifndef TOGUNA_CLIENT_NODE_SHELL_OPTIONS_H
#define TOGUNA_CLIENT_NODE_SHELL_OPTIONS_H

#include "proto/base.h"

struct options {
  char *config; /* path of node.conf */
  bool check;   /* read the configuration, and that is all */
  bool help, version, print_config;
  bool answered; /* one of these: it was printed, nothing is left to do */
};

/* TG_USAGE with the option; TG_NO_MEMORY. */
enum tg_err options_take(int argc, char **argv, struct options *ret, struct tg_why *why);
void options_drop(struct options *o);

#endif
