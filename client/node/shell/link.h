/* The process that talks to the hub: the transport key, TCP, no files. It knows no frame and may die at any
 * time. */
#ifndef TOGUNA_CLIENT_NODE_SHELL_LINK_H
#define TOGUNA_CLIENT_NODE_SHELL_LINK_H

#include "os/supervisor.h"

int link_main(struct role_start *start);

#endif
