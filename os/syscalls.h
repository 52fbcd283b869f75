/* Which system calls a process keeps: tables per profile, applied through libseccomp. Private to
   sandbox.c. */
#ifndef TOGUNA_OS_SYSCALLS_H
#define TOGUNA_OS_SYSCALLS_H

#include "os/sandbox.h"

/* For all threads of the process, for ever. no_new_privs must be set. TG_INTERNAL. */
enum tg_err syscalls_enter(enum sandbox_profile profile, struct tg_why *why);

#endif
