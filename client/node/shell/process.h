/* The process in which the node core runs: identity and storage keys, the store, the socket of local
   programs; no network. It hands events to the core, carries out its orders, and ends when the core fails:
   the disk decides then. */
#ifndef TOGUNA_CLIENT_NODE_SHELL_PROCESS_H
#define TOGUNA_CLIENT_NODE_SHELL_PROCESS_H

#include "os/supervisor.h"

int process_main(struct role_start *start);

#endif
