/* Frames on their way in: each decoded, and handed to who deals with its type. */
#ifndef TOGUNA_BROKER_STATION_H
#define TOGUNA_BROKER_STATION_H

#include "broker/session.h"

/* Deals with a frame of a peer whose key may connect; of a long Submit with a part. *ret_more: the session keeps the rest, for station_go_on(). */
enum tg_err station_frame(struct hub *hub, const struct seal_pk *peer, struct party *party,
                          struct slice frame, bool *ret_more);
/* The next part, if there is one. The session may be gone afterwards. */
enum tg_err station_go_on(struct hub *hub, struct session *s, bool *ret_more);
/* What it keeps of a Submit is let go. */
void station_forget(struct session *s);

#endif
