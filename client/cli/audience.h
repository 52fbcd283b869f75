/* Who will be able to read a draft, and who not and why. */
#ifndef TOGUNA_CLI_AUDIENCE_H
#define TOGUNA_CLI_AUDIENCE_H

#include "client/cli/show.h"
#include "client/lib/toguna.h"

/* Who will be able to read each of so many portions, by name, and who will not and why. */
void audience_print(const struct toguna_audience *audience, size_t portions);
json_t *audience_json(const struct toguna_audience *audience);
/* Can anything leave: somebody may read each portion, and no obligation is open? */
enum tg_err audience_check(const struct toguna_audience *audience, size_t portions, struct tg_why *why);

#endif
