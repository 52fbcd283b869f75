/* Frames on their way in: each decoded, and handed to who deals with its type. */
#ifndef TOGUNA_BROKER_STATION_H
#define TOGUNA_BROKER_STATION_H

#include "broker/session.h"

/* Deals with a frame of a peer whose key may connect. */
enum tg_err station_frame(struct hub *hub, const struct seal_pk *peer, struct party *party,
                          struct slice frame);

#endif
