/* The file system and TCP, as far as Landlock can close them. Private to sandbox.c. */
#ifndef TOGUNA_OS_LANDLOCK_H
#define TOGUNA_OS_LANDLOCK_H

#include "os/sandbox.h"

struct landlock;

/* Opens the paths of s while the process may still reach them. *ret is NULL when the kernel has
   none. */
enum tg_err landlock_prepare(const struct sandbox *s, struct landlock **ret, struct tg_why *why);
/* Closes the door, for this thread and those it makes. Takes l, which may be NULL. */
enum tg_err landlock_enter(struct landlock **l, struct tg_why *why);
void landlock_free(struct landlock **l);

#endif
