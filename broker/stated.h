/* What a node stated itself, as the log has it: the openings of its own receipts, which nobody sends it unasked. Page by page, each of them small work. */
#ifndef TOGUNA_BROKER_STATED_H
#define TOGUNA_BROKER_STATED_H

#include "broker/session.h"

/* It asks for those from a place on. One question of a node is answered at a time; a later one takes its place. So many of a member's nodes in an hour: others are passed over. */
enum tg_err stated_want(struct hub *hub, struct session *s, const Tg__ReceiptsWanted *m);
/* The answer, in one frame, when the line is free and it was looked for, which may take a few turns; *ret_more is left alone. */
enum tg_err stated_send(struct hub *hub, struct session *s, bool *ret_more);

#endif
