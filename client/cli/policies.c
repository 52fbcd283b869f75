#include "client/cli/policies.h"

#include "client/cli/box.h"
#include "client/cli/show.h"

#include <stdio.h>
#include <string.h>

enum tg_err policies_file(const char *path, const struct policy_world *world, struct policy **ret, struct tg_why *why)
{
  struct buf bytes;
  struct slice text;
  bool is_note;
  enum tg_err err = box_read(path, &bytes, why);
  if (err == TG_OK)
    err = box_split(buf_slice(&bytes), path, &text, &is_note, why);
  if (err == TG_OK)
    err = policy_parse(text, strrchr(path, '/') ? strrchr(path, '/') + 1 : path, world, ret, NULL, why);
  buf_free(&bytes);
  return err;
}

static enum tg_err put_file(struct policies *x, const char *path, tg_time now, struct memberset *given, struct tg_why *why)
{
  struct policy *p = NULL;
  enum tg_err err = policies_file(path, x->world, &p, why);
  int member = err ? -1 : policy_world_member(x->world, policy_member(p));
  if (member >= 0)
    memberset_add(given, (unsigned)member);
  if (err == TG_OK && policy_effective(p) > x->at)
    x->at = policy_effective(p);
  if (err == TG_OK)
    err = policy_set_put(x->set, &p, 0, now, why);
  policy_free(p);
  return err;
}

/* Of all but those whose files were given. */
static enum tg_err put_documents(struct policies *x, tg_time now, struct memberset given, struct tg_why *why)
{
  struct memberset members = memberset_minus(directory_members(x->folio->directory, now), given);
  enum tg_err err = TG_OK;
  for (unsigned i = memberset_next(&members, 0); err == TG_OK && i < MEMBERS_MAX;
       i = memberset_next(&members, i + 1)) {
    const struct country *code = directory_member_code(x->folio->directory, i);
    struct directory_policy known;
    struct policy *p = NULL;
    char file[16];
    if (directory_policy(x->folio->directory, *code, x->at, &known))
      continue;
    snprintf(file, sizeof file, "%s.policy", code->code);
    err = policy_parse(known.text, file, x->world, &p, NULL, why);
    if (err == TG_OK)
      err = policy_set_put(x->set, &p, 0, now, why);
    policy_free(p);
  }
  return err;
}

/* The folio is there: everything else. */
static enum tg_err build(struct policies *x, char *const *files, size_t n_files, tg_time now, struct tg_why *why)
{
  struct memberset given = {0};
  enum tg_err err = TG_OK;
  x->at = now;
  if (policy_world_build(x->folio->directory, now, &x->world))
    return why_set(why, TG_NOT_FOUND, x->folio->n ? x->folio->sheet[0].path : NULL,
                   N_("no charter in force is among these documents"), N_("Add the charter's file"), NULL, NULL, NULL);
  if (policy_set_new(x->world, now, &x->set))
    return why_set(why, TG_NO_MEMORY, NULL, N_("out of memory"), NULL, NULL, NULL, NULL);
  for (size_t i = 0; err == TG_OK && i < n_files; i++)
    err = put_file(x, files[i], now, &given, why);
  err = err ? err : put_documents(x, now, given, why);
  if (err == TG_OK && policy_set_advance(x->set, x->at))
    err = why_set(why, TG_NO_MEMORY, NULL, N_("out of memory"), NULL, NULL, NULL, NULL);
  return err;
}

enum tg_err policies_read(const struct options_list *documents, char *const *files, size_t n_files, tg_time now,
                          struct policies *ret, struct tg_why *why)
{
  *ret = (struct policies){0};
  if (!documents->n)
    return why_set(why, TG_USAGE, "--documents", N_("this option is needed to ask the question"),
                   N_("Name the charter, and a folder of documents"), NULL, NULL, NULL);
  enum tg_err err = folio_read(documents->v, documents->n, false, now, &ret->folio, why);
  return err ? err : build(ret, files, n_files, now, why);
}

enum tg_err policies_ask(struct call *call, const struct options_list *documents, const char *socket, tg_time now,
                         struct policies *ret, struct tg_why *why)
{
  *ret = (struct policies){0};
  enum tg_err err = documents->n ? folio_read(documents->v, documents->n, false, now, &ret->folio, why)
                                 : folio_fetch(call, socket, now, &ret->folio, why);
  return err ? err : build(ret, NULL, 0, now, why);
}

enum tg_err policies_with(const struct policies *p, char *const *files, size_t n_files, tg_time now,
                          struct policy_set **ret, tg_time *ret_at, struct tg_why *why)
{
  struct policy_set *set = NULL;
  struct memberset given = {0};
  tg_time at = now;
  enum tg_err err = TG_OK;
  if (policy_set_copy(p->set, &set))
    return why_set(why, TG_NO_MEMORY, NULL, N_("out of memory"), NULL, NULL, NULL, NULL);
  for (size_t i = 0; err == TG_OK && i < n_files; i++) {
    struct policy *policy = NULL;
    err = policies_file(files[i], p->world, &policy, why);
    int member = err ? -1 : policy_world_member(p->world, policy_member(policy));
    if (err == TG_OK && policy_effective(policy) > at)
      at = policy_effective(policy);
    if (member >= 0 && !memberset_has(&given, (unsigned)member) && policy_set_remove(set, (unsigned)member, now))
      err = why_set(why, TG_NO_MEMORY, NULL, N_("out of memory"), NULL, NULL, NULL, NULL);
    if (member >= 0)
      memberset_add(&given, (unsigned)member);
    if (err == TG_OK)
      err = policy_set_put(set, &policy, 0, now, why);
    policy_free(policy);
  }
  if (err == TG_OK && policy_set_advance(set, at))
    err = why_set(why, TG_NO_MEMORY, NULL, N_("out of memory"), NULL, NULL, NULL, NULL);
  if (err != TG_OK) {
    policy_set_free(set);
    return err;
  }
  *ret = set;
  *ret_at = at;
  return TG_OK;
}

void policies_tell_at(const struct policies *p, tg_time now)
{
  char time[SHOW_TIME];
  if (p->at > now)
    printf(_("As of %s, when all of these policies have begun.\n"), show_time(p->at, time));
}

void policies_free(struct policies *p)
{
  policy_set_free(p->set);
  policy_world_free(p->world);
  folio_free(p->folio);
}

enum tg_err policies_hub(const struct policies *p, const char *name, tg_time now, struct country *ret, struct tg_why *why)
{
  const struct charter *c = directory_charter(p->folio->directory, now);
  const struct charter_hub *hub = name ? charter_hub(c, slice_str(name)) : &c->hub[0];
  if (!hub)
    return why_set(why, TG_NOT_FOUND, "--hub", N_("the charter has no hub %1$s"), N_("See toguna charter show"), name,
                   NULL, NULL);
  *ret = hub->host;
  return TG_OK;
}
