/* The way of every bulletin that a command sends: show its audience, ask, publish, tell how it goes. */
#ifndef TOGUNA_CLI_SEND_H
#define TOGUNA_CLI_SEND_H

#include "client/cli/wish.h"

/* The call's options begin with a struct wish_options. TG_REFUSED when nothing may leave; TG_BUSY when
 * --timeout has passed. */
enum tg_err send_wish(struct call *call, struct toguna *node, struct wish *w, struct tg_why *why);

#endif
