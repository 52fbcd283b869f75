/* Is a TCP port free to listen at? Asked before anything begins, so that a person is told in one sentence. */
#ifndef TOGUNA_OS_PORT_H
#define TOGUNA_OS_PORT_H

#include "proto/base.h"

/* endpoint: "tcp://ADDRESS:PORT" or "resume://ADDRESS:PORT" with a numeric address. TG_BUSY when another program listens there, TG_INTERNAL when
   the system does not let us. TG_OK for what is no such endpoint, or fails in another way: whoever listens says why.
   It may be taken the moment after: this replaces no later check. */
enum tg_err port_check(const char *endpoint, struct tg_why *why);

#endif
