/* An exchange on the test stand: founded by `toguna init exchange` in a folder of its own, its hub and nodes real daemons on
   loopback. */
#ifndef TOGUNA_BENCH_STAND_H
#define TOGUNA_BENCH_STAND_H

#include "tests/bench/bench.h"
#include "tests/bench/meter.h"

enum { STAND_NODES = 512 };

struct stand_node {
  char member[3], name[32], folder[384], socket[400], config[400], log[400];
  pid_t pid; /* 0: not running */
};

struct stand {
  char folder[320], hub_config[400], hub_log[400], passphrase[400];
  uint16_t port;
  pid_t hub; /* 0: not running */
  size_t n, each; /* nodes; of one member */
  struct stand_node node[STAND_NODES];
};

/* Founds an exchange of n members, one node each, that let everything through, and starts the hub and all nodes but those from `resting` on.
   Returns when all of them are connected and know each other's sealing keys. False, and something was said, when not. */
bool stand_open(struct bench *b, size_t n, size_t resting, struct stand *ret);
/* The same with the hub alone running. */
bool stand_open_hub(struct bench *b, size_t n, struct stand *ret);
/* The same with `each` nodes of one member. */
bool stand_open_hub_of(struct bench *b, size_t n, size_t each, struct stand *ret);
/* Starts the first n nodes, until all of them are connected and know each other's sealing keys. */
bool stand_start_nodes(struct stand *s, size_t n);
/* Bytes on the disk of what the hub keeps: store, log and signer. */
uint64_t stand_hub_bytes(const struct stand *s);
/* Kills what still runs. Its files go with the run. */
void stand_close(struct stand *s);

bool stand_start_hub(struct stand *s, double limit); /* until it is ready */
bool stand_start_node(struct stand *s, size_t node);
bool stand_await_node(struct stand *s, size_t node, double limit); /* until it is connected */
void stand_stop_node(struct stand *s, size_t node);
void stand_stop_hub(struct stand *s);
void stand_kill_hub(struct stand *s); /* as a power cut of its programs */

/* Watches all that runs. */
void stand_meter(const struct stand *s, struct meter *m);
/* Stops everything cleanly and adds what the stores counted: {"store": {"hub": {"commits": …, "checkpoints": …}, "ML": …}}. */
void stand_stores(struct stand *s, double items, json_t *into);

/* A question to a running node: the JSON answer, or NULL. */
json_t *stand_ask(const struct stand *s, size_t node, const char *what);

/* The path of one of our programs. False, and something was said, when it is not there. */
bool stand_program(const char *name, char *out, size_t size);

#endif
