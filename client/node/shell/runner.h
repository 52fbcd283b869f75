/* The process that runs hooks: the commands of the configuration and no others, one process per order,
   without a shell, with an empty environment, the bulletin on standard input, and an end after hook-time. It
   knows no key. */
#ifndef TOGUNA_CLIENT_NODE_SHELL_RUNNER_H
#define TOGUNA_CLIENT_NODE_SHELL_RUNNER_H

#include "os/supervisor.h"

int runner_main(struct role_start *start);

#endif
