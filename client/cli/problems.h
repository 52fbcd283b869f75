/* Everything that is wrong with a text that an officer wrote, shown where it stands. */
#ifndef TOGUNA_CLI_PROBLEMS_H
#define TOGUNA_CLI_PROBLEMS_H

#include "client/cli/command.h"
#include "policy/problem.h"

/* An array of objects with line, column, warning and message. Never NULL. */
struct json_t;
struct json_t *problems_json(const struct problems *list);
/* Shows them, unless the call prints JSON. When err says that the text is no good, returns it with one sentence that counts
   the errors: `what`, with the number as %1$s. */
enum tg_err problems_tell(const struct call *call, const char *path, const struct problems *list, struct slice text,
                          enum tg_err err, const char *what, struct tg_why *why);

#endif
