/* What the witnesses have cosigned, as it left them, and whether a node may say of a bulletin that it is settled: then witnesses of both camps have cosigned one and the same
   checkpoint, behind its entry, of a log in which it stands. */
#include "tests/sim/sim.h"

#include "broker/store_bulletin.h"
#include "proto/frame.h"
#include "proto/session.pb-c.h"

#include <stdlib.h>
#include <string.h>

enum { AES = 7, ECOWAS = 24 }; /* masks over nodes: main.c has the quorum */

static unsigned signers(const struct sim *s, const struct note *note)
{
  unsigned mask = 0;
  for (int i = 0; i < SIM_NODES; i++) {
    struct note_key key;
    if (secret_key_note_key(s->node[i].holder->witness, &key) != TG_OK)
      abort();
    for (size_t n = 0; n < note->n; n++)
      if (note->sig[n].id == key.id && slice_is(note->sig[n].name, key.name))
        mask |= 1u << i;
  }
  return mask;
}

/* Of both camps? A node that was replaced may have said so under its former key. */
static bool is_enough(const struct sim *s, unsigned mask)
{
  const unsigned all = mask | (s->replaced.begun ? 1u << s->replaced.node : 0);
  return (all & AES) && (all & ECOWAS);
}

static void remember(struct sim *s, struct hub_site *h, uint64_t size, unsigned mask)
{
  if (size >= h->n_cosigned) {
    const uint64_t n = 2 * size + 64;
    h->cosigned = realloc(h->cosigned, n);
    if (!h->cosigned)
      abort();
    memset(h->cosigned + h->n_cosigned, 0, n - h->n_cosigned);
    h->n_cosigned = n;
  }
  h->cosigned[size] |= (uint8_t)mask;
  if (is_enough(s, h->cosigned[size]) && size > h->settled)
    h->settled = size;
}

/* The checkpoint of a Tick, and who has cosigned it. False: it has none. */
static bool read_tick(struct sim *s, int hub, struct slice frame, enum frame_direction direction, uint64_t *ret_size, unsigned *ret_mask)
{
  const struct frame_kind *kind;
  ProtobufCMessage *message;
  struct note_key log;
  struct checkpoint c;
  struct note note;
  if (frame.n < 2 || frame.p[1] != FRAME_TICK || s->forked)
    return false;
  arena_reset(s->arena);
  if (secret_key_note_key(s->hub[hub].log, &log) != TG_OK || frame_decode(frame, direction, s->arena, &kind, &message, NULL) != TG_OK)
    return false;
  const Tg__Tick *tick = (const Tg__Tick *)message;
  if (tick->checkpoint.len == 0 || checkpoint_open(slice_of(tick->checkpoint.data, tick->checkpoint.len), &log, &c, &note, NULL) != TG_OK)
    return false;
  *ret_size = c.size;
  *ret_mask = signers(s, &note);
  return true;
}

void oracle_cosigns(struct sim *s, int hub, struct slice frame)
{
  uint64_t size;
  unsigned mask;
  if (read_tick(s, hub, frame, FRAME_TO_HUB, &size, &mask))
    remember(s, &s->hub[hub], size, mask);
}

void oracle_is_shown(struct sim *s, int hub, int node, struct slice frame)
{
  struct hub_site *h = &s->hub[hub];
  uint64_t size;
  unsigned mask;
  if (s->both && s->quiet && read_tick(s, hub, frame, FRAME_TO_NODE, &size, &mask) && is_enough(s, mask) && size > h->shown[node])
    h->shown[node] = size;
}

size_t oracle_unsettled(const struct sim *s, int node)
{
  size_t n = 0;
  for (size_t i = 0; s->both && i < s->n_publications; i++) {
    const struct publication *p = &s->publication[i];
    bool unsettled = false; /* it may stand in both, and its node goes by the one that told it first */
    struct store_bulletin found;
    for (int hub = 0; hub < SIM_HUBS; hub++)
      unsettled |= site_alive(&s->hub[hub].site) && store_bulletin_by_id(hub_store(s->hub[hub].hub), &p->id, &found) == TG_OK &&
                   found.leaf >= s->hub[hub].shown[node];
    n += p->node == node && p->accepted && unsettled;
  }
  return n;
}

/* Where a hub has no process its store cannot be asked, and a hub that is lost took what it had with it. */
void oracle_settles(struct sim *s, int node, const struct publication *p)
{
  for (int hub = 0; hub < SIM_HUBS && s->hub[hub].site.disk; hub++) {
    const struct hub_site *h = &s->hub[hub];
    struct store_bulletin found;
    if (h->lost || (h->site.life > 0 && !site_alive(&h->site)))
      return;
    if (site_alive(&h->site) && store_bulletin_by_id(hub_store(h->hub), &p->id, &found) == TG_OK && found.leaf < h->settled)
      return;
  }
  if (!s->forked)
    sim_fail(s, s->node[node].site.name, "it says that no. %zu is settled, and witnesses of both camps have not cosigned that", (size_t)(p - s->publication));
}
