#include "client/node/gossip.h"

#include "client/node/talk.h"
#include "client/node/watch.h"

#include <stdlib.h>
#include <string.h>

enum {
  HEARD_MAX = 64,
  ASK_EVERY_MS = 10 * 1000,
  ANSWER_MS = 30 * 1000, /* a hub that has not proven it by then does not prove it, */
  ASKED_MAX = 3,         /* nor one that ends so many sessions instead */
};

/* A checkpoint that somebody saw and we did not. */
struct heard {
  struct sign_pk node;
  unsigned asked;
  size_t n;
  uint8_t note[LIMIT_BARE_CHECKPOINT];
};

/* Invariant: n is above 0 while asked; heard[0] is then the one that was asked about. */
struct gossip {
  size_t n;
  struct heard heard[HEARD_MAX];
  bool asked;
  int64_t due;   /* monotonic: of the answer while asked, else of the next question, */
  int64_t again; /* which is no sooner than this, whatever ends the session */
};

struct gossip *gossip_new(void) { return calloc(1, sizeof(struct gossip)); }
void gossip_free(struct gossip *g) { free(g); }

static void forget_first(struct gossip *g)
{
  memmove(&g->heard[0], &g->heard[1], --g->n * sizeof g->heard[0]);
}

/* The newest of a node replaces what waits of it; the one that was asked about stays until the answer. */
static void remember(struct gossip *g, const struct sign_pk *node, struct slice note)
{
  size_t i = g->asked;
  while (i < g->n && !sign_pk_eq(&g->heard[i].node, node))
    i++;
  if (i == HEARD_MAX)
    return; /* one of each of 64 nodes waits already: the next bulletin of this one comes again */
  if (i == g->n)
    g->heard[g->n++].asked = 0;
  g->heard[i].node = *node;
  g->heard[i].n = note.n;
  memcpy(g->heard[i].note, note.p, note.n);
}

enum tg_err gossip_hear(struct node_core *core, const struct header *header, uint64_t leaf, bool *ret_believe)
{
  enum watch_heard heard;
  char name[HOLDER_MAX + 1];
  *ret_believe = true;
  enum tg_err err = watch_hear(core, header->checkpoint, leaf, &heard);
  if (err != TG_OK)
    return err;
  switch (heard) {
  case HEARD_SAME:
  case HEARD_OTHER:
    return TG_OK;
  case HEARD_NEW:
    remember(core->gossip, &header->subject.originator, header->checkpoint);
    core_wake_at(core, gossip_due(core));
    return TG_OK;
  case HEARD_FORGED:
    core_name_of(core, &header->subject.originator, name);
    return core_tell(core, NODE_ALARM, "checkpoint-forged", &header->id, name, leaf, NULL);
  case HEARD_FORKED:
    *ret_believe = false;
    return talk_distrust(core);
  }
  return TG_INTERNAL;
}

enum tg_err gossip_answer(struct node_core *core, struct slice other, struct slice path)
{
  struct gossip *g = core->gossip;
  enum watch_verdict verdict;
  struct tg_why why = {0};
  if (other.n == 0 || !g->asked || !slice_eq(other, slice_of(g->heard[0].note, g->heard[0].n)))
    return TG_OK;
  enum tg_err err = watch_proven(core, other, path, &verdict, &why);
  if (err != TG_OK)
    return err;
  g->asked = false;
  g->due = g->again;
  if (verdict == WATCH_CHAINED) {
    forget_first(g);
    return TG_OK;
  }
  if (verdict == WATCH_BROKEN)
    err = core_tell(core, NODE_ALARM, "checkpoint-not-proven", NULL, talk_hub(core), watch_size(core), &why);
  return err == TG_OK ? talk_distrust(core) : err;
}

void gossip_welcome(struct node_core *core)
{
  core->gossip->asked = false;
  core->gossip->due = core->gossip->again;
}

void gossip_dropped(struct node_core *core, enum frame_type type)
{
  struct gossip *g = core->gossip;
  if (type != FRAME_TICK || !g->asked)
    return;
  g->asked = false; /* the question may never have left us: an honest hub must not be accused for it */
  g->heard[0].asked--;
  g->due = g->again;
}

int64_t gossip_due(const struct node_core *core)
{
  const struct gossip *g = core->gossip;
  return g->n && talk_is_open(core) ? g->due : INT64_MAX;
}

static enum tg_err not_answered(struct node_core *core)
{
  struct tg_why why;
  core->gossip->asked = false;
  core->gossip->heard[0].asked = 0;
  why_set(&why, TG_BAD_PROOF, "checkpoint", N_("the hub does not prove that its log begins with what another node saw of it"),
          N_("Compare checkpoints with the other members: it may keep two histories"), NULL, NULL, NULL);
  enum tg_err err = core_tell(core, NODE_ALARM, "checkpoint-not-proven", NULL, talk_hub(core), watch_size(core), &why);
  return err == TG_OK ? talk_distrust(core) : err;
}

enum tg_err gossip_time(struct node_core *core)
{
  struct gossip *g = core->gossip;
  if (core->now.mono < gossip_due(core))
    return TG_OK;
  if (g->asked || g->heard[0].asked == ASKED_MAX)
    return not_answered(core);
  g->asked = true;
  g->heard[0].asked++;
  g->due = core->now.mono + ANSWER_MS;
  g->again = core->now.mono + ASK_EVERY_MS;
  return talk_ask(core, slice_of(g->heard[0].note, g->heard[0].n));
}
