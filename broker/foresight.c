#include "broker/foresight.h"

#include "broker/hub_inside.h"

#include <stdlib.h>

struct foresight {
  const struct hub *hub;
  struct directory *directory; /* of charters and withdrawals, without which no quorum can be told */
};

static enum tg_err add(struct foresight *f, enum document_kind kind, struct slice note, tg_time accepted)
{
  return directory_add(f->directory, kind, note, slice_of(NULL, 0), DIRECTORY_RELAYED, accepted, NULL, NULL);
}

enum tg_err foresight_new(const struct hub *hub, struct foresight **ret)
{
  struct directory_item item;
  struct foresight *f = calloc(1, sizeof *f);
  enum tg_err err = f && (f->directory = directory_new(&hub->config.exchange)) ? TG_OK : TG_NO_MEMORY;
  if (f)
    f->hub = hub;
  for (uint64_t after = 0; !err && !directory_next(hub->rules.directory, after, &item); after = item.order)
    if (item.kind == DOCUMENT_CHARTER || item.kind == DOCUMENT_WITHDRAWAL)
      err = add(f, item.kind, item.bytes, item.accepted);
  if (err)
    foresight_free(f);
  else
    *ret = f;
  return err;
}

void foresight_free(struct foresight *f)
{
  if (f)
    directory_free(f->directory);
  free(f);
}

enum tg_err foresight_add(struct foresight *f, enum document_kind kind, struct slice note, bool *ret_taken)
{
  const enum tg_err err = add(f, kind, note, f->hub->now.wall);
  *ret_taken = !err;
  return err == TG_NO_MEMORY ? err : TG_OK;
}

bool foresight_names_hub(const struct foresight *f)
{
  const struct charter *c = directory_newest_charter(f->directory);
  return c && charter_hub(c, slice_str(f->hub->config.name));
}

/* At the earliest moment at which the hub could decide by a charter that takes effect then. */
static uint64_t in_force(const struct foresight *f, tg_time effective)
{
  const tg_time now = f->hub->now.wall;
  const struct charter *c = directory_charter(f->directory, effective > now ? effective : now);
  return c ? c->version : 0;
}

bool foresight_replaces(const struct foresight *f, uint64_t version, tg_time effective)
{
  return in_force(f, effective) > version;
}

uint64_t foresight_needed(const struct foresight *f)
{
  const struct charter *c;
  uint64_t needed = in_force(f, f->hub->now.wall);
  for (uint64_t v = needed + 1; (c = directory_charter_version(f->directory, v, NULL)); v++)
    if (foresight_replaces(f, v, c->effective))
      needed = in_force(f, c->effective);
  return needed;
}

enum tg_err foresight_check(const struct foresight *f, struct slice credential, struct tg_why *why)
{
  const enum tg_err err = directory_check(f->directory, DOCUMENT_CREDENTIAL, credential, slice_of(NULL, 0), DIRECTORY_RELAYED,
                                          f->hub->now.wall, NULL, why);
  return err == TG_REVOKED || err == TG_NO_MEMORY ? err : TG_OK;
}
