/* The checkpoints of a hub's log that this node saw, one row each: what other nodes saw is compared with them, and an
   entry that was opened to us under one of them can be proved under a later one that is settled. Of the oldest only those stay that such entries
   need, so there are never more of these than entries; each is proven to extend the one that stands before it now. */
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

/* The state is the log's newest checkpoint; note as above. Belongs to the turn's transaction. *pruned: 0 when a log is begun, and kept by the caller. */
enum tg_err history_put(struct node_core *core, const struct witness_state *state, struct slice growth, struct slice note,
                        bool settled, uint64_t *pruned);
/* An entry was opened to us under the checkpoint of this size. */
enum tg_err history_need(struct node_core *core, const char *log, uint64_t size);
/* The checkpoint of this size is settled by the cosignatures in this note. */
enum tg_err history_settle(struct node_core *core, const char *log, uint64_t size, struct slice note);
/* TG_NOT_FOUND: none of this size. */
enum tg_err history_at(struct node_core *core, const char *log, uint64_t size, struct arena *arena, struct history_row *ret);
/* The first with a larger size. TG_NOT_FOUND. */
enum tg_err history_after(struct node_core *core, const char *log, uint64_t size, struct arena *arena, struct history_row *ret);

/* Is such an opening one of this log, as far as the checkpoints kept tell? TG_OK or TG_NOT_FOUND. */
enum tg_err history_holds(struct node_core *core, const char *log, const struct opening *opening);
/* The hub in whose log it stands, as far as they tell, of those that core_hub_still() lists; the log watched now is asked first. TG_NOT_FOUND: none; it
   is in one that was given up, or the checkpoints of its time were let go. */
enum tg_err history_hub(struct node_core *core, const struct opening *opening, const struct charter_hub **ret);
/* Where to say what becomes of it: history_hub()'s. TG_NOT_FOUND. */
enum tg_err history_log(struct node_core *core, const struct opening *opening, const char **ret);
/* The charter's hub, when there is but one, and no other log than its own was ever watched: everything stands there. TG_NOT_FOUND. */
enum tg_err history_only_hub(struct node_core *core, const struct charter_hub **ret);
/* Did this node ever watch another log than this one? */
enum tg_err history_has_others(struct node_core *core, const char *log, bool *ret);

/* An opening that was verified when it came, under a checkpoint of which only its path still tells; *ret_path (in the arena)
   leads to *ret, which is settled if any that can be reached is. from: that checkpoint had so many entries at least; 0: it came soon after the entry.
   TG_NOT_FOUND: the checkpoints of that time were let go. */
enum tg_err history_prove(struct node_core *core, const char *log, const struct opening *opening, uint64_t from, struct arena *arena,
                          struct history_row *ret, struct slice *ret_path);

#endif
