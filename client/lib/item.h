/* A bulletin in a folder, as the caller sees it. */
#ifndef TOGUNA_CLIENT_LIB_ITEM_H
#define TOGUNA_CLIENT_LIB_ITEM_H

#include "client/lib/node.h"

/* In the arena. TG_NO_MEMORY. */
enum tg_err item_take(const Tg__LItem *m, struct arena *arena, const struct toguna_item **ret,
                      struct tg_why *why);
/* What the caller asks for; borrows from it. filter may be NULL. */
Tg__LFilter filter_message(const struct toguna_filter *filter);

#endif
