/* Bulletins that are being delivered, read back from the store, and what policies say of them now. A few
   hundred are kept: one bulletin goes to many nodes within moments. */
#ifndef TOGUNA_BROKER_DOCKET_H
#define TOGUNA_BROKER_DOCKET_H

#include "broker/content.h"
#include "broker/hub_inside.h"
#include "broker/store_bulletin.h"

struct docket {
  struct store_bulletin bulletin;
  const struct content *content;
  struct slice body[LIMIT_PORTIONS]; /* small ones, once they were asked for; private */
  struct memberset permitted[LIMIT_PORTIONS]; /* now; of a recall: everybody */
  enum reason reason;                         /* why nobody is permitted; REASON_NONE */
  uint64_t generation;                        /* of the rules that permitted was decided by; private */
};

struct dockets *dockets_new(void); /* NULL without memory */
void dockets_free(struct dockets *d);

struct passage;
/* A bulletin that was just accepted: what its passage learnt of it is kept. content: as it was stored. Takes what is in hub->item: it stays where
   it is until the slot is used again, and hub->item is a fresh arena. */
enum tg_err docket_keep(struct hub *hub, const struct store_bulletin *b, const struct passage *p, struct slice content);
/* The docket of an accepted bulletin, decided by the rules in force. Valid until the next call. TG_NOT_FOUND:
   its content was forgotten. */
enum tg_err docket_of(struct hub *hub, uint64_t leaf, const struct docket **ret);
/* A body that came inline, copied into the arena. TG_NOT_FOUND: it is in a file, or gone. */
enum tg_err docket_body(struct hub *hub, uint64_t leaf, unsigned portion, struct arena *arena, struct slice *ret);
/* May this member be given these portions now? */
bool docket_permits(const struct docket *d, unsigned member, uint32_t portions);

#endif
