/* The node's end of a resumed connection (docs/protocol.md §12): keeps a line to the hub, connects anew when it breaks, and gives ZeroMQ of this process a
   socket that never sees it. */
#ifndef TOGUNA_CLIENT_NODE_SHELL_RELAY_H
#define TOGUNA_CLIENT_NODE_SHELL_RELAY_H

#include "os/loop.h"

struct relay;

struct relay_events {
  /* There is a line: connect to relay_local(), now and once. */
  void (*ready)(void *arg);
  /* The session is over: whoever is connected there has lost the hub. The relay goes on by itself and will be ready again. */
  void (*over)(void *arg, struct relay *r);
  /* The line takes no more for now, or takes more again. */
  void (*turned)(void *arg, bool busy);
};

/* endpoint: "resume://host:port". rate: bytes a second of the line, 0 when unknown. Begins at once; nothing is called before the loop runs. TG_BAD_INPUT,
   TG_NO_MEMORY. events is kept, not copied. */
enum tg_err relay_new(struct loop *l, const char *endpoint, uint32_t rate, const struct relay_events *events, void *arg, struct relay **ret);
void relay_free(struct relay **r); /* NULL is fine */
/* "ipc://@toguna-…": nobody but this process is let in. */
const char *relay_local(const struct relay *r);
/* ZeroMQ has met the hub over this session: when its line breaks, the line is to blame, and the next is tried at once. */
void relay_up(struct relay *r);
/* The local side was closed: what it said, a goodbye perhaps, is handed to the line if there is one. `over` comes once more, then or after some seconds,
   and nothing else: free it there. */
void relay_leave(struct relay *r);

#endif
