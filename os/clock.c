#include "os/clock.h"

#include <time.h>

static int64_t read_ms(clockid_t id)
{
  struct timespec now;
  /* Cannot fail: both clocks exist on every Linux and the pointer is good. */
  (void)clock_gettime(id, &now);
  return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

tg_time clock_wall(void)
{
  return read_ms(CLOCK_REALTIME);
}
int64_t clock_mono(void)
{
  return read_ms(CLOCK_BOOTTIME);
}
