#include "broker/role.h"

#include "os/log.h"

const void *brief_take(const struct role_start *start, size_t size)
{
  struct slice brief = role_brief(start);
  if (brief.n != size)
    return NULL;
  if (*(const bool *)brief.p)
    log_set_level(LOG_DEBUG);
  return brief.p;
}

int role_fails(const char *event, enum tg_err err, const struct tg_why *why)
{
  log_event(LOG_ERROR, event, log_err("error", err), log_why(why));
  return tg_exit_code(err);
}
