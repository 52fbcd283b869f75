/* What the node's processes say to each other (docs/design.md): the first byte of each message. */
#ifndef TOGUNA_CLIENT_NODE_SHELL_WIRE_H
#define TOGUNA_CLIENT_NODE_SHELL_WIRE_H

#include "proto/limits.h"

enum wire {
  /* link → core. `session` counts the connections of this link process: what is sent carries the number of
     the one it was made for, and is dropped when that one is gone. */
  WIRE_UP = 'U',      /* session(4): connected, and the hub has the key we expect */
  WIRE_LOST = 'L',    /* the connection is gone */
  WIRE_REFUSED = 'R', /* the hub does not admit our transport key */
  WIRE_ANOTHER = 'A', /* who answers there is not the hub */
  WIRE_FRAME = 'F',   /* frame */
  WIRE_DROPPED = 'D', /* type(1) of a frame that was not sent */
  WIRE_LINE = 'B',    /* busy(1): the line takes no more for now, or takes more again */
  /* core → link */
  WIRE_SEND = 'S',    /* session(4) frame */
  WIRE_CONNECT = 'E', /* key(32) endpoint: there and nowhere else */
  WIRE_CLOSE = 'X',   /* to nobody */
  /* core → hooks */
  WIRE_RUN = 'H', /* order(8) hook(4) JSON */
  /* hooks → core */
  WIRE_ENDED = 'E', /* order(8) exit code + 1 (4): 0 for one that was not run or was stopped */
};

enum {
  WIRE_LINK_MAX = 1 + 4 + LIMIT_FRAME,
  WIRE_LINK_QUEUE = 8 << 20, /* NODE_FULL keeps content far below; beyond it frames are dropped, and told */
  WIRE_HOOK_JSON = 1 << 20,
  WIRE_HOOK_MAX = 1 + 8 + 4 + WIRE_HOOK_JSON,
};

#endif
