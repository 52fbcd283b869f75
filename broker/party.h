/* The nodes that the hub has dealt with since its start, and what is remembered of each in memory: its number
   in the store, its session, its conduct. As many as there are credentials, never as many as there are
   bulletins. */
#ifndef TOGUNA_BROKER_PARTY_H
#define TOGUNA_BROKER_PARTY_H

#include "broker/allowance.h"
#include "broker/store.h"
#include "keys/directory.h"
#include "keys/table.h"
#include "proto/header.h"

struct session;

struct party {
  struct table_entry entry;
  struct sign_pk identity;
  nodeno no;
  uint64_t brought; /* bulletins that are older than this log, taken since the start (verify.c) */
  char name[HOLDER_MAX + 1]; /* for the operator; as last known */
  struct session *session;   /* NULL: none */
  unsigned strikes;
  int64_t struck; /* when the first of them fell, monotonic */
  int64_t called; /* when its session was last sent a checkpoint for the checkpoint's sake, monotonic; 0: not yet */
  struct allowance bulletins, refusals, receipts, documents, hellos, evidence;
  struct party *next;
};

/* What one member has used up, by its index in the directory. */
struct member_use {
  struct allowance bulletins, flash, immediate, stated;
  uint64_t brought[PRECEDENCE_FLASH + 1]; /* of those that are older than this log, of each precedence */
  unsigned sessions;
};

struct parties {
  struct table table;
  struct party *first;
  struct party **numbered; /* by number in the store; NULL: not dealt with yet */
  size_t room;
  struct member_use member[MEMBERS_MAX];
};

/* An empty one, in place. TG_NO_MEMORY. */
enum tg_err parties_init(struct parties *all);
/* Sessions must be gone. */
void parties_done(struct parties *all);
/* The party of a node, made when it is new. TG_NO_MEMORY, or the store's errors. */
enum tg_err party_of(struct parties *all, struct store *store, const struct sign_pk *identity,
                     struct party **ret);
/* NULL: not dealt with yet. */
struct party *party_find(const struct parties *all, const struct sign_pk *identity);
/* By its number in the store. TG_NOT_FOUND. */
enum tg_err party_numbered(struct parties *all, struct store *store, nodeno no, struct party **ret);

/* One more malformed or forged item; true: that was one too many within `window` ms. */
bool party_strike(struct party *p, unsigned limit, int64_t window, int64_t mono);
/* Is it over the limit still? */
bool party_is_struck(const struct party *p, unsigned limit, int64_t window, int64_t mono);

#endif
