#include "policy/topics.h"

#include "policy/pattern.h"
#include "proto/limits.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

void topics_free(struct topics *t)
{
  free(t->other);
  free(t->edge_from);
  free(t->edge);
  free(t->table);
  *t = (struct topics){0};
}

/* --- the table of edges --- */

static inline uint64_t hash_start(uint64_t seed, uint32_t state)
{
  return seed ^ (state + UINT64_C(1)) * UINT64_C(0x9e3779b97f4a7c15);
}

static inline uint64_t hash_byte(uint64_t h, uint8_t c)
{
  return (h ^ c) * UINT64_C(0x100000001b3);
}

static inline size_t hash_end_slot(const struct topics *t, uint64_t h)
{
  return (size_t)(h ^ h >> 32 ^ h >> 17) & (t->slots - 1);
}

static size_t edge_slot(const struct topics *t, const struct topic_edge *e)
{
  uint64_t h = hash_start(t->seed, e->state);
  for (size_t i = 0; i < e->n; i++)
    h = hash_byte(h, (uint8_t)e->label[i]);
  return hash_end_slot(t, h);
}

/* The table, seeded by chance: who writes patterns must not be able to choose what collides. */
static enum tg_err seal(struct topics *t)
{
  size_t n = t->edge_from[t->n_states];
  for (t->slots = 16; t->slots < 2 * n + 1;)
    t->slots *= 2;
  t->table = calloc(t->slots, sizeof *t->table);
  if (!t->table)
    return TG_NO_MEMORY;
  randombytes_buf(&t->seed, sizeof t->seed);
  for (size_t i = 0; i < n; i++) {
    size_t slot = edge_slot(t, &t->edge[i]);
    while (t->table[slot].n)
      slot = (slot + 1) & (t->slots - 1);
    t->table[slot] = t->edge[i];
  }
  return TG_OK;
}

static inline uint32_t step(const struct topics *t, uint32_t state, const uint8_t *label, size_t n,
                            uint64_t h)
{
  for (size_t slot = hash_end_slot(t, h); t->table[slot].n; slot = (slot + 1) & (t->slots - 1)) {
    const struct topic_edge *e = &t->table[slot];
    if (e->state == state && e->n == n && !memcmp(e->label, label, n))
      return e->next;
  }
  return t->other[state];
}

uint32_t topics_walk(const struct topics *t, struct slice topic)
{
  uint32_t state = 0;
  size_t begin = 0;
  uint64_t h = hash_start(t->seed, state);
  for (size_t i = 0; i <= topic.n; i++) {
    if (i < topic.n && topic.p[i] != '.') {
      h = hash_byte(h, topic.p[i]);
      continue;
    }
    state = step(t, state, topic.p + begin, i - begin, h);
    h = hash_start(t->seed, state);
    begin = i + 1;
  }
  return state;
}

/* --- building --- */

/* States whose edges are being found, one after the other. */
struct growth {
  struct topics *t;
  struct bag states; /* what each state stands for */
  size_t cap_other, cap_from, cap_edge, n_edges, work;
};

static enum tg_err add_edge(struct growth *g, uint32_t state, struct slice label, uint32_t next)
{
  if (g->n_edges == TOPICS_EDGES_MAX)
    return TG_TOO_BIG;
  if (!room_for(&g->t->edge, &g->cap_edge, g->n_edges, sizeof *g->t->edge))
    return TG_NO_MEMORY;
  struct topic_edge *e = &g->t->edge[g->n_edges++];
  *e = (struct topic_edge){.state = state, .next = next, .n = (uint8_t)label.n};
  memcpy(e->label, label.p, label.n);
  return TG_OK;
}

/* Begins the edges of a state: edge_from and a place in other. */
static enum tg_err add_state(struct growth *g, uint32_t state)
{
  if (!room_for(&g->t->other, &g->cap_other, state, sizeof *g->t->other) ||
      !room_for(&g->t->edge_from, &g->cap_from, state + 1, sizeof *g->t->edge_from))
    return TG_NO_MEMORY;
  g->t->edge_from[state] = (uint32_t)g->n_edges;
  g->t->n_states = state + 1;
  return TG_OK;
}

/* The number of a set of positions (or tuple of states), new or known. */
static enum tg_err state_of(struct growth *g, const uint32_t *set, size_t n, size_t states_max, uint32_t *ret)
{
  g->work += n + 1;
  *ret = bag_put(&g->states, set, n);
  if (*ret == BAG_NONE)
    return TG_NO_MEMORY;
  return g->states.count > states_max || g->work > TOPICS_WORK_MAX ? TG_TOO_BIG : TG_OK;
}

static enum tg_err finish(struct growth *g)
{
  g->t->edge_from[g->t->n_states] = (uint32_t)g->n_edges;
  if (!room_for(&g->t->edge, &g->cap_edge, g->n_edges,
                sizeof *g->t->edge)) /* never NULL, even without edges */
    return TG_NO_MEMORY;
  return seal(g->t);
}

/* --- patterns to positions ---
   A position is a place in a pattern: that many of its parts have been matched. All positions of all patterns
   are numbered through; a state is the set of positions where a topic so far can be, ascending. */

enum part_kind { PART_LABEL, PART_ONE, PART_ANY, PART_END };

struct part {
  enum part_kind kind;
  struct slice label;
  uint32_t pattern;
};

struct move {
  struct slice label;
  uint32_t to;
};

struct builder {
  struct growth g;
  struct part *part; /* by position */
  size_t n_parts;
  uint32_t *start, *base, *set; /* room for every position each */
  struct move *moves;
};

static size_t part_count(const struct slice *patterns, size_t n)
{
  size_t count = 0;
  for (size_t i = 0; i < n; i++) {
    struct slice rest = patterns[i], part;
    while (pattern_part(&rest, &part))
      count++;
    count++;
  }
  return count;
}

static void number_parts(struct builder *b, const struct slice *patterns, size_t n, size_t *ret_starts)
{
  size_t k = 0;
  for (size_t i = 0; i < n; i++) {
    struct slice rest = patterns[i], part;
    b->start[(*ret_starts)++] = (uint32_t)k;
    while (pattern_part(&rest, &part)) {
      enum part_kind kind = slice_is(part, "**") ? PART_ANY : slice_is(part, "*") ? PART_ONE : PART_LABEL;
      b->part[k++] = (struct part){kind, part, (uint32_t)i};
    }
    b->part[k++] = (struct part){PART_END, slice_of(NULL, 0), (uint32_t)i};
  }
}

static int by_number(const void *a, const void *b)
{
  uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
  return (x > y) - (x < y);
}

static int by_label(const void *a, const void *b)
{
  return text_order(((const struct move *)a)->label, ((const struct move *)b)->label);
}

/* Adds a position and what it reaches without a label: `**` may stand for nothing. */
static size_t add_closed(const struct builder *b, uint32_t *set, size_t n, uint32_t position)
{
  set[n++] = position;
  while (b->part[position].kind == PART_ANY)
    set[n++] = ++position;
  return n;
}

/* Sorts, and drops what is there twice. Sets come nearly sorted and short; the sum is bounded by
 * TOPICS_WORK_MAX. */
static size_t tidy(uint32_t *set, size_t n)
{
  size_t kept = 0;
  qsort(set, n, sizeof *set, by_number);
  for (size_t i = 0; i < n; i++)
    if (!kept || set[kept - 1] != set[i])
      set[kept++] = set[i];
  return kept;
}

/* Joins two tidy sets into b->set. */
static size_t join_sets(struct builder *b, const uint32_t *x, size_t n_x, const uint32_t *y, size_t n_y)
{
  size_t n = 0, i = 0, k = 0;
  while (i < n_x || k < n_y) {
    uint32_t next = k == n_y || (i < n_x && x[i] <= y[k]) ? x[i] : y[k];
    i += i < n_x && x[i] == next;
    k += k < n_y && y[k] == next;
    b->set[n++] = next;
  }
  return n;
}

/* Where each label leads from `state`: to what wildcards reach with any label, and what the label itself
 * reaches. */
static enum tg_err expand(struct builder *b, uint32_t state)
{
  size_t n, n_base = 0, n_moves = 0;
  const uint32_t *set = bag_get(&b->g.states, state, &n);
  for (size_t i = 0; i < n; i++) {
    const struct part *p = &b->part[set[i]];
    if (p->kind == PART_LABEL)
      b->moves[n_moves++] = (struct move){p->label, set[i] + 1};
    else if (p->kind != PART_END)
      n_base = add_closed(b, b->base, n_base, p->kind == PART_ONE ? set[i] + 1 : set[i]);
  }
  n_base = tidy(b->base, n_base);
  enum tg_err err = add_state(&b->g, state);
  err = err ? err : state_of(&b->g, b->base, n_base, TOPICS_STATES_MAX, &b->g.t->other[state]);
  qsort(b->moves, n_moves, sizeof *b->moves, by_label);
  for (size_t i = 0, from = 0; !err && i < n_moves; from = i) {
    uint32_t next;
    size_t n_own = 0;
    for (; i < n_moves && slice_eq(b->moves[i].label, b->moves[from].label); i++)
      n_own = add_closed(b, b->start, n_own, b->moves[i].to);
    n_own = tidy(b->start, n_own);
    size_t n_set = join_sets(b, b->base, n_base, b->start, n_own);
    err = state_of(&b->g, b->set, n_set, TOPICS_STATES_MAX, &next);
    err = err ? err : add_edge(&b->g, state, b->moves[from].label, next);
  }
  return err;
}

/* Which patterns match at the end of each state. */
static enum tg_err accept(struct builder *b, uint32_t *sets, struct bag *accepted)
{
  for (uint32_t state = 0; state < b->g.t->n_states; state++) {
    size_t n, found = 0;
    const uint32_t *set = bag_get(&b->g.states, state, &n);
    for (size_t i = 0; i < n; i++)
      if (b->part[set[i]].kind == PART_END)
        b->set[found++] = b->part[set[i]].pattern;
    sets[state] = bag_put(accepted, b->set, found);
    if (sets[state] == BAG_NONE)
      return TG_NO_MEMORY;
  }
  return TG_OK;
}

static enum tg_err build(struct builder *b, const struct slice *patterns, size_t n)
{
  uint32_t state;
  size_t n_start = 0, n_set = 0;
  number_parts(b, patterns, n, &n_start);
  for (size_t i = 0; i < n_start; i++)
    n_set = add_closed(b, b->set, n_set, b->start[i]);
  enum tg_err err = state_of(&b->g, b->set, tidy(b->set, n_set), TOPICS_STATES_MAX, &state);
  for (uint32_t s = 0; !err && s < b->g.states.count; s++)
    err = expand(b, s);
  return err ? err : finish(&b->g);
}

enum tg_err topics_build(const struct slice *patterns, size_t n, struct topics *ret, uint32_t **ret_sets,
                         struct bag *accepted)
{
  struct topics t = {0};
  struct bag bag = {0};
  size_t parts = part_count(patterns, n);
  /* A `**` closes over one more position: twice the room is enough for every list. */
  struct builder b = {.g.t = &t,
                      .n_parts = parts,
                      .part = calloc(parts + 1, sizeof *b.part),
                      .start = calloc(2 * parts + 1, sizeof *b.start),
                      .base = calloc(2 * parts + 1, sizeof *b.base),
                      .set = calloc(4 * parts + 1, sizeof *b.set),
                      .moves = calloc(parts + 1, sizeof *b.moves)};
  uint32_t *sets = NULL;
  enum tg_err err = b.part && b.start && b.base && b.set && b.moves ? TG_OK : TG_NO_MEMORY;
  err = err ? err : build(&b, patterns, n);
  if (!err && !(sets = calloc(t.n_states, sizeof *sets)))
    err = TG_NO_MEMORY;
  err = err ? err : accept(&b, sets, &bag);
  free(b.part);
  free(b.start);
  free(b.base);
  free(b.set);
  free(b.moves);
  bag_free(&b.g.states);
  if (err) {
    topics_free(&t);
    bag_free(&bag);
    free(sets);
    return err;
  }
  *ret = t;
  *ret_sets = sets;
  *accepted = bag;
  return TG_OK;
}

/* --- joining --- */

struct joiner {
  struct growth g;
  const struct topics *const *part;
  size_t n;
  uint32_t *from, *to; /* one state of each part */
  struct slice *labels;
  size_t cap_labels, states_max;
};

static int by_text(const void *a, const void *b)
{
  return text_order(*(const struct slice *)a, *(const struct slice *)b);
}

/* All labels that make a difference to some part in its state. */
static enum tg_err gather_labels(struct joiner *j, size_t *ret_n)
{
  size_t n = 0, kept = 0;
  for (size_t k = 0; k < j->n; k++) {
    const struct topics *t = j->part[k];
    for (uint32_t e = t->edge_from[j->from[k]]; e < t->edge_from[j->from[k] + 1]; e++) {
      if (!room_for(&j->labels, &j->cap_labels, n, sizeof *j->labels))
        return TG_NO_MEMORY;
      j->labels[n++] = slice_of(t->edge[e].label, t->edge[e].n);
    }
  }
  if (n)
    qsort(j->labels, n, sizeof *j->labels, by_text);
  for (size_t i = 0; i < n; i++)
    if (!kept || !slice_eq(j->labels[kept - 1], j->labels[i]))
      j->labels[kept++] = j->labels[i];
  *ret_n = kept;
  return TG_OK;
}

static uint32_t part_step(const struct topics *t, uint32_t state, struct slice label)
{
  uint64_t h = hash_start(t->seed, state);
  for (size_t i = 0; i < label.n; i++)
    h = hash_byte(h, label.p[i]);
  return step(t, state, label.p, label.n, h);
}

static enum tg_err expand_joint(struct joiner *j, uint32_t state)
{
  size_t n;
  memcpy(j->from, bag_get(&j->g.states, state, NULL), j->n * sizeof *j->from);
  enum tg_err err = add_state(&j->g, state);
  err = err ? err : gather_labels(j, &n);
  if (err)
    return err;
  for (size_t k = 0; k < j->n; k++)
    j->to[k] = j->part[k]->other[j->from[k]];
  err = state_of(&j->g, j->to, j->n, j->states_max, &j->g.t->other[state]);
  for (size_t i = 0; !err && i < n; i++) {
    uint32_t next;
    for (size_t k = 0; k < j->n; k++)
      j->to[k] = part_step(j->part[k], j->from[k], j->labels[i]);
    err = state_of(&j->g, j->to, j->n, j->states_max, &next);
    err = err ? err : add_edge(&j->g, state, j->labels[i], next);
  }
  return err;
}

enum tg_err topics_join(const struct topics *const *parts, size_t n, size_t states_max, struct topics *ret,
                        uint32_t **ret_parts)
{
  struct topics t = {0};
  uint32_t start;
  struct joiner j = {.g.t = &t,
                     .part = parts,
                     .n = n,
                     .states_max = states_max < TOPICS_STATES_MAX ? states_max : TOPICS_STATES_MAX,
                     .from = calloc(n + 1, sizeof *j.from),
                     .to = calloc(n + 1, sizeof *j.to)};
  enum tg_err err = j.from && j.to ? state_of(&j.g, j.to, n, j.states_max, &start) : TG_NO_MEMORY;
  for (uint32_t s = 0; !err && s < j.g.states.count; s++)
    err = expand_joint(&j, s);
  err = err ? err : finish(&j.g);
  free(j.from);
  free(j.to);
  free(j.labels);
  if (err) {
    topics_free(&t);
    bag_free(&j.g.states);
    return err;
  }
  /* Every tuple has n numbers, so the pool is the table of them. */
  *ret_parts = j.g.states.pool;
  j.g.states.pool = NULL;
  bag_free(&j.g.states);
  *ret = t;
  return TG_OK;
}

/* --- one topic for each state --- */

/* How the shortest topic with a given number of labels reaches a state. */
struct way {
  uint8_t bytes;       /* 0: no way */
  uint32_t from, edge; /* edge: BAG_NONE stands for a label without an edge */
};

/* A label that no edge of the state has, the shortest in the order a..z, 0..9, then two letters. */
static struct slice unlisted(const struct topics *t, uint32_t state, char out[3])
{
  static const char letters[] = "xyzabcdefghijklmnopqrstuvw0123456789";
  for (size_t i = 0; i < 36 * 37; i++) {
    size_t n = 0;
    bool listed = false;
    out[n++] = letters[i % 36];
    if (i >= 36)
      out[n++] = letters[i / 36 - 1];
    for (uint32_t e = t->edge_from[state]; e < t->edge_from[state + 1] && !listed; e++)
      listed = slice_eq(slice_of(out, n), slice_of(t->edge[e].label, t->edge[e].n));
    if (!listed)
      return slice_of(out, n);
  }
  return slice_of(out, 0);
}

static void offer(struct way *w, size_t bytes, uint32_t from, uint32_t edge)
{
  if (bytes <= LIMIT_TOPIC && (!w->bytes || bytes < w->bytes))
    *w = (struct way){(uint8_t)bytes, from, edge};
}

/* One more label: from the ways with d labels to those with d + 1. */
static void lengthen(const struct topics *t, const struct way *now, struct way *next, bool first)
{
  for (uint32_t s = 0; s < t->n_states; s++) {
    if (!first && !now[s].bytes)
      continue;
    if (first && s)
      break;
    size_t bytes = first ? 0 : now[s].bytes + 1u; /* the dot */
    char text[3];
    struct slice label = unlisted(t, s, text);
    if (label.n)
      offer(&next[t->other[s]], bytes + label.n, s, BAG_NONE);
    for (uint32_t e = t->edge_from[s]; e < t->edge_from[s + 1]; e++)
      offer(&next[t->edge[e].next], bytes + t->edge[e].n, s, e);
  }
}

/* Writes the topic that leads to state with d labels, from its end to its beginning. */
static void tell(const struct topics *t, const struct way *ways, size_t d, uint32_t state, topic_text out)
{
  size_t end = ways[d * t->n_states + state].bytes;
  out[end] = 0;
  for (; d > 0; d--) {
    const struct way *w = &ways[d * t->n_states + state];
    char text[3];
    struct slice label = w->edge == BAG_NONE ? unlisted(t, w->from, text)
                                             : slice_of(t->edge[w->edge].label, t->edge[w->edge].n);
    end -= label.n;
    memcpy(out + end, label.p, label.n);
    if (end)
      out[--end] = '.';
    state = w->from;
  }
}

enum tg_err topics_examples(const struct topics *t, topic_text **ret)
{
  topic_text *text = calloc(t->n_states, sizeof *text);
  struct way *ways = calloc(t->n_states * (LIMIT_TOPIC_LABELS + 1), sizeof *ways);
  if (!text || !ways) {
    free(text);
    free(ways);
    return TG_NO_MEMORY;
  }
  for (size_t d = 0; d < LIMIT_TOPIC_LABELS; d++)
    lengthen(t, ways + d * t->n_states, ways + (d + 1) * t->n_states, d == 0);
  for (size_t d = LIMIT_TOPIC_LABELS; d > 0; d--)
    for (uint32_t s = 0; s < t->n_states; s++)
      if (ways[d * t->n_states + s].bytes)
        tell(t, ways, d, s, text[s]);
  free(ways);
  *ret = text;
  return TG_OK;
}
