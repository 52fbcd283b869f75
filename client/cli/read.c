/* toguna read: a bulletin on the screen, or its content in a file. */
#include "client/cli/bulletin.h"
#include "client/cli/content.h"
#include "client/cli/reach.h"
#include "client/cli/safe.h"
#include "client/cli/saving.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { JSON_CONTENT_MAX = 16 << 20 };

struct read_options {
  struct common common;
  char *socket, *output;
  uint64_t portion;
  bool unmarked, replace;
};

struct reading {
  struct call *call;
  const struct read_options *options;
  struct toguna *node;
  const struct toguna_item *item;
  bool ours;
  struct tg_why *why;
};

static const struct toguna_portion_info *portion_of(const struct toguna_item *item, uint64_t number)
{
  for (size_t i = 0; item->portions[i]; i++)
    if (item->portions[i]->index + 1 == number)
      return item->portions[i];
  return NULL;
}

static bool wanted(const struct reading *r, const struct toguna_portion_info *p)
{
  return !r->options->portion || p->index + 1 == r->options->portion;
}

/* ---- on the screen ---- */

static enum tg_err show_content(const struct reading *r, const struct toguna_portion_info *p)
{
  struct toguna_error error;
  struct safe safe = {0};
  if (!p->complete) {
    puts(r->item->state == TOGUNA_RECALLED_PURGED ? _("The content is erased: its originator took it back.")
                                                  : _("The content is not here."));
    return TG_OK;
  }
  if (p->size && !content_is_text(p->content_type)) {
    puts(_("This is not text. Save it with --output FILE."));
    return TG_OK;
  }
  putchar('\n');
  enum toguna_err err =
      toguna_read(r->node, &r->item->id, p->index, 0, !r->options->unmarked, safe_piece, &safe, &error);
  safe_end(&safe);
  return err == TOGUNA_OK ? TG_OK : call_said(r->call, &error);
}

static enum tg_err show(const struct reading *r)
{
  enum tg_err err = TG_OK;
  bulletin_card(r->item, r->ours);
  for (size_t i = 0; err == TG_OK && r->item->portions[i]; i++) {
    if (!wanted(r, r->item->portions[i]))
      continue;
    bulletin_portion(r->item, r->item->portions[i]);
    err = show_content(r, r->item->portions[i]);
  }
  return err;
}

/* ---- as JSON ---- */

/* "text" or "base64", or neither when the content is too long for one object or not here. */
static enum tg_err add_content(const struct reading *r, const struct toguna_portion_info *p, json_t *portion)
{
  struct toguna_error error;
  char *data;
  size_t n;
  if (!wanted(r, p) || !p->complete || p->size > JSON_CONTENT_MAX)
    return TG_OK;
  if (toguna_read_all(r->node, &r->item->id, p->index, !r->options->unmarked, JSON_CONTENT_MAX, &data, &n,
                      &error) != TOGUNA_OK)
    return call_said(r->call, &error);
  bool text = content_is_text(p->content_type) && utf8_valid(slice_of(data, n));
  json_object_set_new(portion, text ? "text" : "base64",
                      text ? json_stringn(data, n) : json_base64(slice_of(data, n)));
  explicit_bzero(data, n);
  free(data);
  return TG_OK;
}

static enum tg_err show_as_json(const struct reading *r)
{
  json_t *j = bulletin_json(r->item, r->ours), *portions = json_object_get(j, "portions");
  enum tg_err err = TG_OK;
  for (size_t i = 0; err == TG_OK && r->item->portions[i]; i++)
    err = add_content(r, r->item->portions[i], json_array_get(portions, i));
  if (err == TG_OK)
    show_json(j);
  else
    json_decref(j);
  return err;
}

/* ---- into a file ---- */

static enum tg_err save(const struct reading *r, const struct toguna_portion_info *p)
{
  const char *path = r->options->output;
  struct toguna_error error;
  struct saving s;
  enum tg_err err = saving_look(path, &r->options->replace, r->why);
  if (err == TG_OK)
    err = saving_begin(&s, path, r->why);
  if (err != TG_OK)
    return err;
  const enum toguna_err told = toguna_read(r->node, &r->item->id, p->index, 0, !r->options->unmarked, saving_piece, &s, &error);
  err = saving_end(&s, r->call, told, &error, r->options->replace);
  if (err != TG_OK || strcmp(path, "-") == 0)
    return err;
  char size[SHOW_SIZE], mark[BULLETIN_MARK];
  if (r->call->json)
    show_json(json_pack("{s:o, s:i, s:s, s:I}", "bulletin", bulletin_id_json(&r->item->id), "portion",
                        (int)p->index + 1, "file", path, "size", (json_int_t)p->size));
  else
    printf(_("%s: %s, %s\n"), path, show_size(p->size, size),
           bulletin_mark(p->level, p->tlp, p->caveats, mark));
  return TG_OK;
}

static enum tg_err save_one(const struct reading *r)
{
  const struct toguna_portion_info *p = r->item->portions[0];
  char id[BULLETIN_SHORT];
  bulletin_short(&r->item->id, id);
  if (!p)
    return why_set(r->why, TG_NOT_FOUND, id, N_("this bulletin has no content that this node may read"), NULL,
                   NULL, NULL, NULL);
  if (r->item->portions[1] && !r->options->portion)
    return why_set(r->why, TG_USAGE, id, N_("this bulletin has several portions, and a file holds one"),
                   N_("Say which with --portion N"), NULL, NULL, NULL);
  if (r->options->portion)
    p = portion_of(r->item, r->options->portion);
  if (!strcmp(r->options->output, "-") && isatty(STDOUT_FILENO))
    return why_set(r->why, TG_USAGE, id, N_("content is not sent to a terminal as it is"),
                   N_("Leave --output away to see it safely, or name a file"), NULL, NULL, NULL);
  return save(r, p);
}

/* ---- */

static enum tg_err read_item(struct reading *r)
{
  const struct read_options *o = r->options;
  char id[BULLETIN_SHORT], number[24];
  snprintf(number, sizeof number, "%llu", (unsigned long long)o->portion);
  if (o->portion && !portion_of(r->item, o->portion))
    return why_set(r->why, TG_NOT_FOUND, bulletin_short(&r->item->id, id),
                   N_("this bulletin has no portion %1$s that this node may read"), NULL, number, NULL, NULL);
  return o->output ? save_one(r) : r->call->json ? show_as_json(r) : show(r);
}

static enum tg_err run(struct call *call, struct tg_why *why)
{
  struct reading r = {.call = call, .options = call->options, .why = why};
  struct arena *arena = reach_arena();
  enum tg_err err = reach_open(call, r.options->socket, &r.node);
  if (err == TG_OK)
    err = reach_find(call, r.node, call->arg[0], arena, &r.item);
  if (err == TG_OK) {
    r.ours = reach_is_ours(r.node, r.item);
    err = read_item(&r);
  }
  toguna_close(r.node);
  arena_free(arena);
  return err;
}

#define ROW(option, shape, kind, field, placeholder, help)                                                   \
  {                                                                                                          \
    option, 0, shape, kind, offsetof(struct read_options, field), {0}, placeholder, help                     \
  }
static const struct option_key options[] = {
    ROW("portion", OPTION_ONE, VALUE_NUMBER, portion, N_("N"), N_("Only this portion.")),
    ROW("output", OPTION_ONE, VALUE_PATH, output, N_("FILE"),
        N_("Save the content as it is. It is written beside FILE and renamed when it is whole and verified; "
           "- is standard "
           "output.")),
    ROW("replace", OPTION_FLAG, VALUE_BOOL, replace, NULL,
        N_("With --output: replace a FILE that is there.")),
    ROW("unmarked", OPTION_FLAG, VALUE_BOOL, unmarked, NULL,
        N_("Do not tell the originator that it was read.")),
    REACH_OPTION(struct read_options),
};

const struct command command_read = {
    .verb = "read",
    .section = SECTION_BULLETINS,
    .summary = N_("Show a bulletin, or save its content"),
    .operands = N_("ID"),
    .min = 1,
    .max = 1,
    .about = N_("ID is the beginning of a bulletin's id, 4 digits or more. Characters in the content that "
                "could change the "
                "terminal are shown as escapes. The originator is told, once and signed, that it was read."),
    .examples = "toguna read 3f2a\n"
                "toguna read 3f2a --portion 2 --output details.pdf\n"
                "toguna read 3f2a --json\n",
    .options = options,
    .n_options = sizeof options / sizeof *options,
    .size = sizeof(struct read_options),
    .run = run,
};
