/* Why a system call failed, in words for people. */
#ifndef TOGUNA_OS_FAULT_H
#define TOGUNA_OS_FAULT_H

#include "proto/base.h"

/* Fills *why with `what` (an N_() literal; %1$s becomes the system's sentence for errno, %2$s becomes
   `detail`, may be NULL) and with what to do where errno tells. Returns the error that errno means:
   TG_NOT_FOUND, TG_BUSY, TG_NO_MEMORY, TG_DISK; else `err`. errno is kept. */
enum tg_err fault_why(struct tg_why *why, enum tg_err err, const char *where, const char *what,
                      const char *detail);

#endif
