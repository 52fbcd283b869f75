/* How commands reach their node, and what they ask it for by an id's beginning. */
#ifndef TOGUNA_CLI_REACH_H
#define TOGUNA_CLI_REACH_H

#include "client/cli/command.h"
#include "proto/arena.h"

/* The option of every command that talks to a node, for a structure with a `char *socket`. */
#define REACH_OPTION(type)                                                                                   \
  {                                                                                                          \
    "socket", 0, OPTION_ONE, VALUE_PATH, offsetof(type, socket), {0}, N_("PATH"),                            \
        N_("The node's socket. Default: $TOGUNA_SOCKET, or else /run/toguna/node.sock.")                     \
  }

/* Connects to the node; socket NULL: the default. What goes wrong is said with call_said(). */
enum tg_err reach_open(struct call *call, const char *socket, struct toguna **ret);

/* The one bulletin that begins with these hex digits, in the arena. */
enum tg_err reach_find(struct call *call, struct toguna *node, const char *prefix, struct arena *arena,
                       const struct toguna_item **ret);

/* Is it one that this node sent? Then its state is an enum toguna_state. */
bool reach_is_ours(const struct toguna *node, const struct toguna_item *item);

/* Asks a question (toguna_query()) and reads the answer. */
struct json_t;
enum tg_err reach_ask(struct call *call, const char *socket, const char *what, const char *const *arguments,
                      struct json_t **ret, struct tg_why *why);

/* An arena for a command's run; ends the program when there is no memory. */
struct arena *reach_arena(void);
/* Room in it, zeroed; ends the program likewise. */
void *reach_room(struct arena *arena, size_t count, size_t size);
const char *reach_text(struct arena *arena, const char *text); /* a copy; NULL stays NULL */

#endif
