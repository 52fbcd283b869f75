/* A node's secret keys: opened by the parent with one passphrase, handed to the process that needs each. */
#ifndef TOGUNA_CLIENT_NODE_SHELL_KEYS_H
#define TOGUNA_CLIENT_NODE_SHELL_KEYS_H

#include "client/node/shell/settings.h"
#include "keys/secret.h"

struct node_keys {
  struct secret_key *node, *transport;
  struct secret_key *witness; /* NULL: the node has none */
};

/* Opens the key files. The passphrase comes from the configured file; else from systemd's credential
   "passphrase"; else from the terminal. TG_BAD_PASSPHRASE, TG_BAD_INPUT (no key file, or another kind of
   key), TG_NOT_FOUND, TG_USAGE (no terminal). */
enum tg_err node_keys_open(const struct settings *s, struct node_keys *ret, struct tg_why *why);
void node_keys_free(struct node_keys *k);

#endif
