/* Frames on their way in: each decoded, and handed to who deals with its type. */
#ifndef TOGUNA_BROKER_STATION_H
#define TOGUNA_BROKER_STATION_H

#include "broker/session.h"

/* Deals with a frame of a peer whose key may connect; of a long Submit with a part. *ret_left: about so many bytes of it are left, which the session keeps for station_go_on(); 0: none. */
enum tg_err station_frame(struct hub *hub, const struct seal_pk *peer, struct party *party,
                          struct slice frame, size_t *ret_left);
/* The next part, if there is one. The session may be gone afterwards. */
enum tg_err station_go_on(struct hub *hub, struct session *s, size_t *ret_left);
/* What it keeps of a Submit is let go. */
void station_forget(struct session *s);

#endif
