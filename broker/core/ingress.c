#include "broker/core/ingress.h"

struct turns *ingress_new(uint32_t (*member)(void *arg, const struct seal_pk *sender), void *arg)
{
  return turns_new((struct turns_options){.part = HUB_PART, .member = member, .arg = arg});
}

enum tg_err ingress_step(struct turns *waiting, struct hub *hub, struct seal_pk *ret_from, uint64_t *ret_cost)
{
  const struct seal_pk *from;
  struct slice frame;
  bool begun;
  size_t left = 0;
  if (!turns_next(waiting, &from, &frame, &begun))
    return TG_INTERNAL; /* cannot be */
  *ret_from = *from;
  enum tg_err err = begun ? hub_go_on(hub, from, &left) : hub_hear(hub, from, frame, &left);
  *ret_cost = left ? turns_part(waiting, left) : turns_done(waiting);
  return err;
}
