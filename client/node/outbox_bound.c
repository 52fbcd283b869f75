/* With several hubs: a correction or recall goes to the one in whose log what it amends stands. Any other would refuse it for good. Which those are is found out when their turn to go
   comes, and kept in memory: after a start it is found out again. */
#include "client/node/outbox_inside.h"

#include "client/node/history.h"
#include "client/node/talk.h"
#include "client/node/watch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct bound {
  uint64_t place;
  enum precedence precedence;
  char log[NOTE_NAME_MAX + 1];
};

void outbox_bound_free(struct outbox *o) { free(o->bound); }

static struct bound *find(const struct outbox *o, uint64_t place)
{
  for (size_t i = 0; i < o->n_bound; i++)
    if (o->bound[i].place == place)
      return &o->bound[i];
  return NULL;
}

static enum tg_err bind(struct outbox *o, const struct sent_row *row, const char *log)
{
  if (find(o, row->place))
    return TG_OK;
  struct bound *more = reallocarray(o->bound, o->n_bound + 1, sizeof *more);
  if (!more)
    return TG_NO_MEMORY;
  o->bound = more;
  struct bound *b = &o->bound[o->n_bound++];
  *b = (struct bound){.place = row->place, .precedence = row->precedence};
  snprintf(b->log, sizeof b->log, "%s", log);
  return TG_OK;
}

void outbox_unbind(struct outbox *o, uint64_t place)
{
  struct bound *b = find(o, place);
  if (b)
    *b = o->bound[--o->n_bound];
}

void outbox_unbind_all(struct node_core *core)
{
  core->outbox->n_bound = 0;
  core->outbox->waiting = true;
}

bool outbox_may_go(const struct outbox *o, uint64_t place, const char *log)
{
  const struct bound *b = find(o, place);
  return !b || strcmp(b->log, log) == 0;
}

bool outbox_is_bound(const struct node_core *core, const char *log)
{
  const struct outbox *o = core->outbox;
  for (size_t i = 0; i < o->n_bound; i++)
    if (strcmp(o->bound[i].log, log) == 0)
      return true;
  return false;
}

size_t outbox_bound_rows(const struct outbox *o, const char *log, enum precedence least, uint64_t *ret_places, size_t n)
{
  size_t found = 0;
  for (size_t i = 0; i < o->n_bound && found < n; i++)
    if (strcmp(o->bound[i].log, log) == 0 && o->bound[i].precedence >= least)
      ret_places[found++] = o->bound[i].place;
  return found;
}

void outbox_bound_hurry(struct node_core *core)
{
  const struct outbox *o = core->outbox;
  for (size_t i = 0; i < o->n_bound; i++)
    if (strcmp(o->bound[i].log, watch_log(core)) != 0)
      talk_round_hurry(core, o->bound[i].precedence);
}

/* Where no hub has it any more, or none that we go to, the one at hand says so. */
enum tg_err outbox_bind(struct node_core *core, const struct sent_row *row, bool *ret_goes)
{
  const struct subject *subject = &row->header.subject;
  const char *here = watch_log(core);
  const struct charter_hub *hub;
  struct opening opening;
  bool others = false;
  *ret_goes = true;
  enum tg_err err = subject->kind == KIND_CORRECTION || subject->kind == KIND_RECALL ? history_has_others(core, here, &others) : TG_OK;
  if (err != TG_OK || !others)
    return err;
  struct arena *arena = arena_new(FRAME_ARENA); /* the event's own may hold the row, and the scrap is history's */
  err = arena ? outbox_opening(core, &subject->supersedes, arena, &opening) : TG_NO_MEMORY;
  if (err == TG_OK)
    err = history_hub(core, &opening, &hub);
  arena_free(arena);
  if (err == TG_OK && talk_goes_to(core, hub->log.name)) {
    *ret_goes = strcmp(hub->log.name, here) == 0;
    if (!*ret_goes)
      talk_round_hurry(core, row->precedence);
    return bind(core->outbox, row, hub->log.name);
  }
  return err == TG_NOT_FOUND ? TG_OK : err;
}
