/* The checkpoints of a hub's log that this node saw, one row each: what other nodes saw is compared with them, and an
   entry that was opened to us under one of them can be proved under a later one that is settled. The oldest are let go. */
#ifndef TOGUNA_CLIENT_NODE_HISTORY_H
#define TOGUNA_CLIENT_NODE_HISTORY_H

#include "audit/opening.h"
#include "audit/witness.h"
#include "client/node/core.h"

/* In an arena. `growth` is the consistency path from the row before; empty in the first one. */
struct history_row {
  uint64_t size;
  struct hash root;
  struct slice note; /* as the log signed it; with cosignatures when settled */
  bool settled;
  struct slice growth;
};

/* The state is the log's newest checkpoint; note as above. Belongs to the turn's transaction. */
enum tg_err history_put(struct node_core *core, const struct witness_state *state, struct slice growth, struct slice note,
                        bool settled);
/* The checkpoint of this size is settled by the cosignatures in this note. */
enum tg_err history_settle(struct node_core *core, const char *log, uint64_t size, struct slice note);
/* TG_NOT_FOUND: none of this size. */
enum tg_err history_at(struct node_core *core, const char *log, uint64_t size, struct arena *arena, struct history_row *ret);
/* The first with a larger size. TG_NOT_FOUND. */
enum tg_err history_after(struct node_core *core, const char *log, uint64_t size, struct arena *arena, struct history_row *ret);

/* An opening that was verified when it came, under a checkpoint of which only its path still tells; *ret_path (in the arena)
   leads to *ret, which is settled if any that can be reached is. TG_NOT_FOUND: the checkpoints of that time were let go. */
enum tg_err history_prove(struct node_core *core, const char *log, const struct opening *opening, struct arena *arena,
                          struct history_row *ret, struct slice *ret_path);

#endif
