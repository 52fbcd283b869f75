/* The station that delivers: rows of a node's queue, by precedence, within its credit, decided once more. */
#ifndef TOGUNA_BROKER_DISPATCH_H
#define TOGUNA_BROKER_DISPATCH_H

#include "broker/session.h"

/* One frame of what waits for this session, at most; *ret_more: there may be more to send now. */
enum tg_err dispatch(struct hub *hub, struct session *s, bool *ret_more);
/* Deliveries that the node says it has, but for their bodies: they are on their way, and do not go again. */
enum tg_err dispatch_arriving(struct hub *hub, struct session *s, const Tg__Hello *hello);
/* Policies or rights changed: rows held back are looked at again, some of them; *ret_more: there are others.
 */
enum tg_err dispatch_reconsider(struct hub *hub, struct session *s, bool *ret_more);
/* Bulletins whose time is over leave every queue. */
enum tg_err dispatch_expire(struct hub *hub, bool *ret_more);

/* The node asks for chunks of a body that it was told of. */
enum tg_err dispatch_want(struct hub *hub, struct session *s, const Tg__Want *want);
/* Sends some of the chunks that were asked for, the most urgent first. */
enum tg_err dispatch_chunks(struct hub *hub, struct session *s, bool *ret_more);

#endif
