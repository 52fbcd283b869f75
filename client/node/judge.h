/* May a delivery come in? Everything is checked again here, whatever the hub has checked: who said it, that it is in the log, that
   it is for us, what our own state's import rules say, and that its wrap opens. */
#ifndef TOGUNA_CLIENT_NODE_JUDGE_H
#define TOGUNA_CLIENT_NODE_JUDGE_H

#include "audit/witness.h"
#include "client/node/core.h"
#include "proto/bulletin.h"

enum judge_verdict {
  JUDGE_TAKE,
  JUDGE_FORGED,     /* no honest hub sends this: it is not answered */
  JUDGE_REFUSED,    /* our rules, or the directory, say no: RECEIPT_IMPORT_REFUSED */
  JUDGE_UNREADABLE, /* its originator sealed what cannot be opened, or to a key that is erased: RECEIPT_UNREADABLE */
};

/* What is known of a delivery once it was judged; in the arena. */
struct judged {
  struct delivery delivery;
  const struct node *originator;
  bool opened;                 /* content holds something: also of what is refused, so that no number seems to be missing */
  struct wrap_content content; /* secret: wipe it */
  tg_time keep_until;
};

struct judge *judge_new(void);
void judge_free(struct judge *j);

/* id: header_id() of its header. under: it comes from the hub, under this checkpoint of its log, where its entry must be. NULL: it was kept since then
   and the directory and our rules are asked again; or it came in a bundle: without an entry it is judged as a hub would now, with one
   its proof was checked before. ret_why says why not. */
enum tg_err judge_delivery(struct node_core *core, const Tg__Delivery *message, const struct hash *id, const struct witness_state *under,
                           struct arena *arena, struct judged *ret, enum judge_verdict *ret_verdict, struct tg_why *ret_why);

#endif
