#include "client/node/gossip.h"

#include "client/node/talk.h"
#include "client/node/watch.h"

#include <stdlib.h>
#include <string.h>

enum {
  HEARD_FIRST = 16, /* room at first */
  ASK_EVERY_MS = 10 * 1000,
  ANSWER_MS = 30 * 1000,      /* a hub that has not proven it by then, and speaks, does not prove it, */
  LOOK_MS = 5 * 1000,         /* (has it spoken meanwhile?) */
  REFUSED_MAX = 3,            /* nor one that says goodbye so often instead; */
  PATIENCE_MS = 3600 * 1000,  /* a line that is cut again and again excuses it for so long */
};

/* A checkpoint that somebody saw and we did not. */
struct heard {
  struct sign_pk node;
  unsigned member;         /* whose node it is; MEMBERS_MAX: nobody's that we know */
  unsigned asked, refused; /* questions; goodbyes in place of an answer */
  int64_t first;           /* monotonic: of the first question */
  uint64_t size;           /* of the log, as the note says */
  size_t n;
  uint8_t note[LIMIT_BARE_CHECKPOINT];
};

/* Invariants: n is above 0 while asked; heard[0] is then the one that was asked about. Of each node one waits for each log, and beside it the one
   that is asked about. */
struct gossip {
  size_t n, room;
  struct heard *heard;
  uint64_t questions, turn[MEMBERS_MAX + 1]; /* put so far; the number of the last about each member */
  bool asked;
  int64_t put;   /* monotonic: when it was asked */
  int64_t due;   /* of the answer while asked, else of the next question, */
  int64_t again; /* which is no sooner than this, whatever ends the session */
};

struct gossip *gossip_new(void) { return calloc(1, sizeof(struct gossip)); }

void gossip_free(struct gossip *g)
{
  if (g)
    free(g->heard);
  free(g);
}

/* Whoever named it: in a quiet exchange all nodes name the same. */
static void forget_proven(struct gossip *g, struct slice note)
{
  size_t n = 0;
  for (size_t i = 0; i < g->n; i++)
    if (!slice_eq(note, slice_of(g->heard[i].note, g->heard[i].n)))
      g->heard[n++] = g->heard[i];
  g->n = n;
}

/* A hub can prove its own log only: what was seen of another's waits until the node is at that one again. */
static bool is_of(const struct heard *h, const char *log)
{
  struct slice rest = slice_of(h->note, h->n), origin;
  return take_line(&rest, &origin) && slice_is(origin, log);
}

/* Is there one that the present hub can be asked about? */
static bool waits(const struct node_core *core)
{
  const struct gossip *g = core->gossip;
  for (size_t i = 0; i < g->n; i++)
    if (is_of(&g->heard[i], watch_log(core)))
      return true;
  return false;
}

/* The one that an answer is owed about; else members take turns, so that one with many nodes, who may be a friend of the hub's, keeps no other
   waiting. n: none. */
static size_t waiting(const struct node_core *core)
{
  const struct gossip *g = core->gossip;
  size_t best = g->n;
  for (size_t i = 0; i < g->n; i++) {
    if (!is_of(&g->heard[i], watch_log(core)))
      continue;
    if (g->heard[i].asked)
      return i;
    if (best == g->n || g->turn[g->heard[i].member] < g->turn[g->heard[best].member])
      best = i;
  }
  return best;
}

static void put_first(struct gossip *g, size_t i)
{
  const struct heard h = g->heard[i];
  memmove(&g->heard[1], &g->heard[0], i * sizeof h);
  g->heard[0] = h;
}

static bool grow(struct gossip *g)
{
  const size_t room = g->room ? 2 * g->room : HEARD_FIRST;
  struct heard *heard = realloc(g->heard, room * sizeof *heard);
  if (!heard)
    return false;
  g->heard = heard;
  g->room = room;
  return true;
}

/* The newest of a node replaces what waits of it; the one that was asked about stays until the answer. Newest is what has seen most: bulletins
   come in any order, and an old checkpoint that the hub can prove must not take the place of one that it cannot. Nor is there a number of places
   for all: the hub chooses what comes when, and would bring the bulletin that gives it away whenever they are taken. Nodes are as many as members
   may vouch for. */
static enum tg_err remember(struct node_core *core, const struct sign_pk *node, struct slice note, uint64_t size)
{
  struct gossip *g = core->gossip;
  size_t i = g->asked;
  while (i < g->n && !(sign_pk_eq(&g->heard[i].node, node) && is_of(&g->heard[i], watch_log(core))))
    i++;
  if (i < g->n && size <= g->heard[i].size)
    return TG_OK;
  if (i == g->room && !grow(g))
    return TG_NO_MEMORY;
  /* A newer one is as good a question: a hub does not begin anew with its excuses. */
  if (i == g->n) {
    const struct node *known = directory_node(core->directory, node);
    g->heard[g->n++] = (struct heard){.node = *node, .member = known ? known->member : MEMBERS_MAX};
  }
  g->heard[i].size = size;
  g->heard[i].n = note.n;
  memcpy(g->heard[i].note, note.p, note.n);
  return TG_OK;
}

enum tg_err gossip_hear(struct node_core *core, const struct header *header, const struct opening *opening,
                        const struct witness_state *under, bool *ret_believe)
{
  enum watch_heard heard;
  char name[HOLDER_MAX + 1];
  uint64_t size;
  *ret_believe = true;
  enum tg_err err = watch_hear(core, header, opening, under, &heard, &size);
  if (err != TG_OK)
    return err;
  switch (heard) {
  case HEARD_SAME:
  case HEARD_OTHER:
    return TG_OK;
  case HEARD_NEW:
    err = remember(core, &header->subject.originator, header->checkpoint, size);
    core_wake_at(core, gossip_due(core));
    return err;
  case HEARD_FORGED:
    core_name_of(core, &header->subject.originator, name);
    return core_tell(core, NODE_ALARM, "checkpoint-forged", &header->id, name, opening->index, NULL);
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
    forget_proven(g, other);
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

void gossip_goodbye(struct node_core *core)
{
  struct gossip *g = core->gossip;
  if (g->asked)
    g->heard[0].refused++;
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
  return talk_is_open(core) && waits(core) ? g->due : INT64_MAX;
}

static enum tg_err not_answered(struct node_core *core)
{
  struct tg_why why;
  core->gossip->asked = false;
  core->gossip->heard[0].asked = core->gossip->heard[0].refused = 0;
  why_set(&why, TG_BAD_PROOF, "checkpoint", N_("the hub does not prove that its log begins with what another node saw of it"),
          N_("Compare checkpoints with the other members: it may keep two histories"), NULL, NULL, NULL);
  enum tg_err err = core_tell(core, NODE_ALARM, "checkpoint-not-proven", NULL, talk_hub(core), watch_size(core), &why);
  return err == TG_OK ? talk_distrust(core) : err;
}

/* Sessions that a bad line ended say nothing of the hub; but no line is an excuse for ever. */
static bool evades(const struct node_core *core, const struct heard *h)
{
  return h->refused >= REFUSED_MAX || (h->asked >= REFUSED_MAX && core->now.mono - h->first >= PATIENCE_MS);
}

enum tg_err gossip_time(struct node_core *core)
{
  struct gossip *g = core->gossip;
  if (core->now.mono < gossip_due(core))
    return TG_OK;
  if (!g->asked)
    put_first(g, waiting(core));
  struct heard *h = &g->heard[0];
  if (g->asked && talk_heard(core) - g->put < ANSWER_MS) {
    g->due = core->now.mono + LOOK_MS; /* it has said nothing since: silence ends the session by itself */
    return TG_OK;
  }
  if (g->asked || evades(core, h))
    return not_answered(core);
  if (h->asked++ == 0)
    h->first = core->now.mono;
  g->asked = true;
  g->turn[h->member] = ++g->questions;
  g->put = core->now.mono;
  g->due = core->now.mono + ANSWER_MS;
  g->again = core->now.mono + ASK_EVERY_MS;
  return talk_ask(core, slice_of(h->note, h->n));
}
