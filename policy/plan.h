/* A policy compiled for a stretch of time: for each class of topics, agency, size and marking, who is allowed and what is
   owed, as sets of members. A decision looks up, and never sees a rule. */
#ifndef TOGUNA_POLICY_PLAN_H
#define TOGUNA_POLICY_PLAN_H

#include "policy/reading.h"

enum { APPROVALS_LEVELS = 8, MARKINGS = 25 };

/* What an originator's policy says of a class besides who is allowed. Plain bytes without gaps, so that equal outcomes are kept
   once. */
struct outcome {
  struct memberset more_than[APPROVALS_LEVELS]; /* [n]: members for whom more than n approvals are required */
  struct memberset orcon;                       /* for whom ORCON is required */
  struct memberset onward_allow, onward_any;    /* may be given it without asking; or at least be asked about */
  struct placeset denied;                       /* countries in which no hub on the path may stand */
  tg_time retain;                               /* 0: not stated */
};

struct plan {
  atomic_uint references;
  struct reading *reading;
  tg_time from, until;     /* holds while from <= t < until */
  size_t variants, sizes;  /* agencies of the policy, sizes of the policy, each plus one for all others */
  size_t classes;          /* of topics */
  uint32_t *export_cell, *import_cell; /* [variant][size class][topic class][marking] -> row */
  uint32_t *outcome_cell;              /* [variant][topic class][marking] -> outcome */
  struct memberset *row;
  struct outcome *outcome;
};

/* The policy in `reading` as it stands at `at`, which lies before its expiry. NULL without memory. */
struct plan *plan_new(struct reading *reading, tg_time at);
struct plan *plan_share(struct plan *p);
void plan_free(struct plan *p);

/* Place of a marking among MARKINGS. */
static inline size_t plan_marking(uint8_t level, uint8_t tlp)
{
  return (level - 1u) * 5u + (tlp - 1u);
}

/* Which agencies and sizes count as which. */
static inline size_t plan_variant(const struct plan *p, struct country member, struct slice agency)
{
  return p->variants == 1 ? 0 : (size_t)(policy_agency(p->reading->policy, member, agency) + 1);
}

static inline size_t plan_size(const struct plan *p, uint64_t size)
{
  size_t i = 0;
  while (i + 1 < p->sizes && p->reading->policy->size[i] < size)
    i++;
  return i;
}

static inline size_t plan_cell(const struct plan *p, size_t variant, size_t size, size_t class, size_t marking)
{
  return ((variant * p->sizes + size) * p->classes + class) * MARKINGS + marking;
}

/* Whom the policy's owner tells, or from whom it accepts. */
static inline const struct memberset *plan_export(const struct plan *p, size_t cell) { return &p->row[p->export_cell[cell]]; }
static inline const struct memberset *plan_import(const struct plan *p, size_t cell) { return &p->row[p->import_cell[cell]]; }
static inline const struct outcome *plan_outcome(const struct plan *p, size_t variant, size_t class, size_t marking)
{
  return &p->outcome[p->outcome_cell[(variant * p->classes + class) * MARKINGS + marking]];
}

#endif
