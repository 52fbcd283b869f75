/* Bulletins of ours that wait until enough officers have approved them: sealed, with their content on the disk, but without number,
   wraps and recipients. A draft is named by the hash of its Subject: exactly what officers sign. At every approval, and
   whenever documents change, it is decided again by the policy then in force; with nothing lacking it becomes a bulletin.

   Verdicts as in draft.h. */
#ifndef TOGUNA_CLIENT_NODE_WAITING_H
#define TOGUNA_CLIENT_NODE_WAITING_H

#include "client/node/draft.h"
#include "client/node/seal.h"

enum {
  WAITING_MAX = 64,        /* that wait */
  WAITING_ENDED_MAX = 256, /* of which is remembered how they ended */
};

enum waiting_state { WAITING_OPEN, WAITING_SENT, WAITING_DENIED, WAITING_EXPIRED };
const char *waiting_state_name(enum waiting_state state); /* "waiting", "sent", "denied", "expired" */

struct waiting;
struct waiting *waiting_new(void);
void waiting_free(struct waiting *w);

/* Is there room for one more? TG_QUOTA. */
enum tg_err waiting_room(struct node_core *core, struct tg_why *why);
/* Takes it in, under the hash of parts->subject; its content is the caller's to put under that id. TG_QUOTA. */
enum tg_err waiting_add(struct node_core *core, const struct plan *plan, const struct seal_parts *parts,
                        const struct draft_author *author, struct tg_why *why);

/* An officer's approval, brought by a program of this user. Refused: TG_NOT_FOUND (nothing waits under this id, any more),
   TG_DUPLICATE (this officer has approved it), TG_REFUSED (who published it approves it), and what approver_check() says.
   *ret_lack: how many are lacking still; 0: it is on its way, or policy does not let it go (*ret_why, though the verdict is TG_OK). */
enum tg_err waiting_approve(struct node_core *core, const struct hash *id, const struct approval *approval, uint32_t uid,
                            unsigned *ret_lack, enum tg_err *ret_verdict, struct tg_why *ret_why);
/* It will not be sent; its content is erased. */
enum tg_err waiting_deny(struct node_core *core, const struct hash *id, struct slice reason, uint32_t uid,
                         enum tg_err *ret_verdict, struct tg_why *ret_why);

/* Documents have changed: everything is looked at again. */
void waiting_stir(struct node_core *core);
/* Expiry, and what was stirred. */
enum tg_err waiting_time(struct node_core *core);
int64_t waiting_due(const struct node_core *core); /* monotonic */

/* ---- looking */

struct waiting_row {
  uint64_t place;
  struct hash id;
  enum waiting_state state;
  tg_time until;
  struct subject subject;
  const Tg__LWaiting *record;
  size_t approval_count;
  struct approval approvals[LIMIT_APPROVALS]; /* as they were given: some may count no more */
};
/* Everything in the arena. TG_NOT_FOUND. */
enum tg_err waiting_row(struct node_core *core, const struct hash *id, struct arena *arena, struct waiting_row *ret);
/* The first with place > after. TG_NOT_FOUND at the end. */
enum tg_err waiting_after(struct node_core *core, uint64_t after, struct arena *arena, struct waiting_row *ret);
/* What would be decided about it now: of one that is open. */
enum tg_err waiting_plan(struct node_core *core, const struct waiting_row *row, struct arena *arena, struct plan *ret,
                         enum tg_err *ret_verdict, struct tg_why *ret_why);
/* How many of its approvals count now; which: bit i for approvals[i]. */
unsigned waiting_counting(struct node_core *core, const struct waiting_row *row, uint32_t *ret_mask);
enum tg_err waiting_count(struct node_core *core, uint64_t *ret); /* that wait */

#endif
