#include "client/cli/whose.h"

#include "os/clock.h"

#include <stdio.h>
#include <stdlib.h>

/* ---- the log ---- */

struct slice whose_origin(struct slice note)
{
  struct slice line;
  return take_line(&note, &line) ? line : note;
}

static enum tg_err log_of_charter(const struct charter *c, const char *file, struct slice origin,
                                  struct note_key *ret, struct tg_why *why)
{
  char name[NOTE_NAME_MAX + 1];
  for (size_t i = 0; i < c->n_hubs; i++)
    if (slice_is(origin, c->hub[i].log.name))
      return *ret = c->hub[i].log, TG_OK;
  snprintf(name, sizeof name, "%.*s", (int)(origin.n < NOTE_NAME_MAX ? origin.n : NOTE_NAME_MAX),
           (const char *)origin.p);
  return why_set(why, TG_NOT_FOUND, file, N_("no hub of this charter keeps a log named %1$s"),
                 N_("Take the charter of the exchange that this log is of"), name, NULL, NULL);
}

enum tg_err whose_read(char *charter, const char *key, struct slice name, struct whose *ret,
                       struct tg_why *why)
{
  struct whose w = {0};
  if (!key == !charter)
    return why_set(why, TG_USAGE, "--charter", N_("say once whose log this must be"),
                   N_("Name the charter (--charter) or the log's key (--key)"), NULL, NULL, NULL);
  enum tg_err err = key ? note_key_parse(slice_str(key), &w.log, why)
                        : folio_read(&charter, 1, false, clock_wall(), &w.folio, why);
  if (err == TG_OK && charter)
    err = log_of_charter(directory_newest_charter(w.folio->directory), charter, name, &w.log, why);
  if (err == TG_OK)
    *ret = w;
  else
    whose_free(&w);
  return err;
}

enum tg_err whose_fetch(struct call *call, const char *socket, struct slice name, struct whose *ret, struct tg_why *why)
{
  struct whose w = {0};
  enum tg_err err = folio_fetch(call, socket, clock_wall(), &w.folio, why);
  if (err == TG_OK)
    err = log_of_charter(directory_newest_charter(w.folio->directory), "charter", name, &w.log, why);
  if (err == TG_OK)
    *ret = w;
  else
    whose_free(&w);
  return err;
}

void whose_free(struct whose *w)
{
  if (w->folio)
    folio_free(w->folio);
  w->folio = NULL;
}

/* ---- its witnesses ---- */

static bool stands_in(const struct note *note, const struct note_key *key)
{
  for (size_t i = 0; i < note->n; i++)
    if (note->sig[i].id == key->id && slice_is(note->sig[i].name, key->name))
      return true;
  return false;
}

/* Checks the cosignatures of one node, if it made any; `witness` is one more that counts. */
static enum tg_err take_node(const struct whose *w, const struct note *note, const struct node *node,
                             struct whose_settled *ret, struct checkpoint_witness *witness, size_t *count,
                             struct tg_why *why)
{
  struct note_verdict verdict;
  struct checkpoint_witness x = {.member = node->credential.holder.member};
  if (!node->credential.has_witness || credential_witness_key(&node->credential, &x.key) != TG_OK ||
      !stands_in(note, &x.key) || ret->n == WHOSE_WITNESSES)
    return TG_OK;
  if (note_verify(note, &x.key, 1, &verdict, NULL) != TG_OK)
    return why_set(why, TG_BAD_SIGNATURE, "checkpoint", N_("the cosignature in the name of %1$s is false"),
                   N_("Somebody changed this file, or made it up: fetch it again from where it comes"), x.key.name,
                   NULL, NULL);
  holder_print(&node->credential.holder, ret->by[ret->n].name);
  ret->by[ret->n++].time = verdict.time;
  if (directory_may_act(w->folio->directory, &node->credential.identity, verdict.time, NULL) == TG_OK)
    witness[(*count)++] = x;
  return TG_OK;
}

enum tg_err whose_settles(const struct whose *w, const struct note *note, tg_time now, struct whose_settled *ret,
                          struct tg_why *why)
{
  struct checkpoint_witness *witness = calloc(WHOSE_WITNESSES, sizeof *witness);
  const struct directory *d = w->folio ? w->folio->directory : NULL;
  const struct charter *charter = d ? directory_newest_charter(d) : NULL;
  const struct node *node;
  size_t n = 0;
  bool left[MEMBERS_MAX] = {false};
  enum tg_err err = witness ? TG_OK : TG_NO_MEMORY;
  ret->known = charter != NULL;
  for (size_t i = 0; charter && err == TG_OK && (node = directory_node_at(d, i)); i++)
    err = take_node(w, note, node, ret, witness, &n, why);
  ret->foreign = note->n - 1 - ret->n;
  for (size_t i = 0; charter && i < charter->n_members; i++)
    left[i] = directory_standing(d, charter->member[i].code, now) == STANDING_WITHDRAWN;
  if (err == TG_OK && charter) {
    struct settled_by by = {.charter = charter, .left = left, .witnesses = witness, .n = n};
    err = checkpoint_settled(note, &w->log, &by, now, charter->limits.clock_skew, &ret->time, &ret->lacks);
    ret->settled = err == TG_OK;
    if (err == TG_REFUSED)
      err = TG_OK;
  }
  free(witness);
  return err;
}
