/* The node's own journal: what local programs did here, each row chained to the one before, so that a row taken out or
   changed shows. Kept encrypted like everything that tells of bulletins. */
#ifndef TOGUNA_CLIENT_NODE_JOURNAL_H
#define TOGUNA_CLIENT_NODE_JOURNAL_H

#include "client/node/core.h"

struct journal_row {
  uint64_t place;
  tg_time time;
  uint32_t uid;
  struct slice action;  /* stable, such as "published", "read", "document-offered" */
  struct slice program; /* as it named itself; may be empty */
  struct hash subject;  /* bulletin or document; zeros: none */
  struct slice detail;  /* may be empty */
};

/* Adds a row to this turn's transaction; place and time are set here. */
/* Before the commit of a turn in which rows were added. */
enum tg_err journal_turn(struct node_core *core);
enum tg_err journal_add(struct node_core *core, const struct journal_row *row);
/* The first row with place > after, in the arena; TG_NOT_FOUND at the end. */
enum tg_err journal_after(struct node_core *core, uint64_t after, struct arena *arena, struct journal_row *ret);
/* Does the whole chain hold, and end where it should? *ret_rows: how many were checked. TG_OK; TG_BAD_PROOF. */
enum tg_err journal_check(struct node_core *core, uint64_t *ret_rows);

#endif
