#include "client/cli/policies.h"

#include "client/cli/box.h"

#include <stdio.h>
#include <string.h>

enum tg_err policies_file(const char *path, const struct policy_world *world, struct policy **ret, struct tg_why *why)
{
  struct buf bytes;
  struct slice text;
  bool is_note;
  enum tg_err err = box_read(path, &bytes, why);
  if (err == TG_OK)
    err = box_text(buf_slice(&bytes), path, &text, &is_note, why);
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
    if (directory_policy(x->folio->directory, *code, now, &known))
      continue;
    snprintf(file, sizeof file, "%s.policy", code->code);
    err = policy_parse(known.text, file, x->world, &p, NULL, why);
    if (err == TG_OK)
      err = policy_set_put(x->set, &p, 0, now, why);
    policy_free(p);
  }
  return err;
}

enum tg_err policies_read(const struct options_list *documents, char *const *files, size_t n_files, tg_time now,
                          struct policies *ret, struct tg_why *why)
{
  struct memberset given = {0};
  *ret = (struct policies){0};
  if (!documents->n)
    return why_set(why, TG_USAGE, "--documents", N_("this option is needed to ask the question"),
                   N_("Name the charter, and a folder of documents"), NULL, NULL, NULL);
  enum tg_err err = folio_read(documents->v, documents->n, false, now, &ret->folio, why);
  if (err == TG_OK && policy_world_build(ret->folio->directory, now, &ret->world))
    err = why_set(why, TG_NOT_FOUND, documents->v[0], N_("no charter in force is among these documents"),
                  N_("Add the charter's file"), NULL, NULL, NULL);
  if (err == TG_OK && policy_set_new(ret->world, now, &ret->set))
    err = why_set(why, TG_NO_MEMORY, NULL, N_("out of memory"), NULL, NULL, NULL, NULL);
  for (size_t i = 0; err == TG_OK && i < n_files; i++)
    err = put_file(ret, files[i], now, &given, why);
  return err ? err : put_documents(ret, now, given, why);
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
