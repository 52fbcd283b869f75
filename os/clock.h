/* The two clocks of the machine. Shells read them; cores are told. */
#ifndef TOGUNA_OS_CLOCK_H
#define TOGUNA_OS_CLOCK_H

#include "proto/base.h"

/* Wall time: may jump, may be wrong; for what people read and what documents state. */
tg_time clock_wall(void);

/* Milliseconds since some fixed moment of this boot, suspended time included (CLOCK_BOOTTIME): never goes
   back; for every timeout. */
int64_t clock_mono(void);

#endif
