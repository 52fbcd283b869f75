/* What the files of the inbox share. */
#ifndef TOGUNA_CLIENT_NODE_INBOX_INSIDE_H
#define TOGUNA_CLIENT_NODE_INBOX_INSIDE_H

#include "client/node/inbox.h"

extern const char inbox_label[]; /* for record_lock() */

#endif
