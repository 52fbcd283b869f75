/* The command line of togunad. */
#ifndef TOGUNA_BROKER_OPTIONS_H
#define TOGUNA_BROKER_OPTIONS_H

#include "proto/buf.h"

struct options {
  char *config; /* hub.conf */
  bool check, print_config, debug, help, version;
};

/* TG_USAGE with the option that is wrong. On failure *ret holds nothing. */
enum tg_err options_read(int argc, char **argv, struct options *ret, struct tg_why *why);
void options_drop(struct options *options);
/* What --help says. `translate` as in why_render(). */
void options_explain(const char *(*translate)(const char *), struct buf *ret);

#endif
