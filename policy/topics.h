/* Many patterns as one machine: a walk over the labels of a topic ends in a state that tells which patterns match,
   in time independent of their number. States know the labels that make a difference; all others go one way. */
#ifndef TOGUNA_POLICY_TOPICS_H
#define TOGUNA_POLICY_TOPICS_H

#include "policy/bag.h"

enum {
  TOPICS_STATES_MAX = 1 << 18,
  TOPICS_EDGES_MAX = 1 << 18,
  TOPICS_WORK_MAX = 1 << 23, /* elements of all sets of positions looked at while building */
  TOPIC_LABEL_BYTES = 32,
};

struct topic_edge {
  uint32_t state, next;
  uint8_t n; /* 0: a free place in the table */
  char label[TOPIC_LABEL_BYTES];
};

/* Invariants: state 0 is the start; edges of state s are edge[edge_from[s]..edge_from[s + 1]), ascending by label;
   table holds the same edges, hashed, at most half full. */
struct topics {
  size_t n_states;
  uint32_t *other;     /* by state: where any label without an edge leads */
  uint32_t *edge_from;
  struct topic_edge *edge;
  size_t slots;
  struct topic_edge *table;
  uint64_t seed;
};

/* Builds the machine of some valid patterns. *ret_sets (by state): numbers in *accepted, sequences of the indexes of the
   patterns that match there, ascending. TG_TOO_BIG: too many cases; TG_NO_MEMORY. On TG_OK all is the caller's. */
enum tg_err topics_build(const struct slice *patterns, size_t n, struct topics *ret, uint32_t **ret_sets,
                         struct bag *accepted);
/* One machine that walks n machines at once; state s of it stands for the states ret_parts[s * n ..] of theirs.
   TG_TOO_BIG beyond states_max; TG_NO_MEMORY. */
enum tg_err topics_join(const struct topics *const *parts, size_t n, size_t states_max, struct topics *ret,
                        uint32_t **ret_parts);
void topics_free(struct topics *t);

/* The state after a valid topic. */
uint32_t topics_walk(const struct topics *t, struct slice topic);

/* One topic for each state, the shortest, as text; "" for a state that no valid topic reaches. ret: n_states entries, to be
   freed. TG_NO_MEMORY. */
typedef char topic_text[72];
enum tg_err topics_examples(const struct topics *t, topic_text **ret);

#endif
