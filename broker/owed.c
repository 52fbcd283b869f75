#include "broker/owed.h"

#include "broker/store_bulletin.h"

enum tg_err owed_was_given(struct hub *hub, uint64_t leaf, const struct party *party, bool *ret)
{
  struct store_recipient *list;
  size_t n = 0;
  *ret = false;
  enum tg_err err = store_bulletin_recipients(hub->store, leaf, hub->item, &list, &n);
  for (size_t i = 0; !err && !*ret && i < n; i++)
    *ret = list[i].node == party->no;
  return err;
}

enum tg_err owed_permits(struct hub *hub, const struct subject *subject, unsigned originator, unsigned recipient,
                         const struct party *party, bool *ret)
{
  struct store_bulletin corrected;
  *ret = true;
  if (subject->kind != KIND_CORRECTION)
    return TG_OK;
  const struct memberset senders = directory_originators(hub->rules.directory, hub->now.wall),
                         receivers = directory_receivers(hub->rules.directory, hub->now.wall);
  if (memberset_has(&senders, originator) && memberset_has(&receivers, recipient))
    return TG_OK;
  enum tg_err err = store_bulletin_by_id(hub->store, &subject->supersedes, &corrected);
  if (!err)
    return owed_was_given(hub, corrected.leaf, party, ret);
  *ret = false; /* what is forgotten was given to nobody */
  return err == TG_NOT_FOUND ? TG_OK : err;
}
