/* When the node calls its hub: always, or in windows of the day only, unless something urgent waits. Pure. */
#ifndef TOGUNA_CLIENT_NODE_CALLS_H
#define TOGUNA_CLIENT_NODE_CALLS_H

#include "client/node/node.h"
#include "proto/base.h"

/* "02:00-04:00", UTC; over midnight when the end is not after the beginning ("22:00-02:00"). TG_BAD_INPUT: it is none, or is empty. */
enum tg_err call_window_parse(struct slice text, struct call_window *ret);
/* Is one of these windows open at that time? Without any the whole day is. The minute of the end is outside. */
bool calls_open(const struct call_window *windows, size_t n, tg_time wall);
/* Milliseconds until one opens; 0: one is open. At most a day. */
int64_t calls_opens_in(const struct call_window *windows, size_t n, tg_time wall);

#endif
