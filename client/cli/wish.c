#include "client/cli/wish.h"

#include "client/cli/marks.h"
#include "client/cli/show.h"
#include "keys/name.h"
#include "os/clock.h"
#include "proto/body.h"
#include "proto/marking.h"
#include "proto/subject.h"

#include <string.h>

const char *const wish_waits[] = {"spooled", "accepted", "delivered", "settled", NULL};

/* ---- values ---- */

enum tg_err wish_time(const char *option, const char *text, bool past, int64_t *ret, struct tg_why *why)
{
  tg_time t;
  if (duration_parse(slice_str(text), &t) == TG_OK)
    *ret = past ? clock_wall() - t : clock_wall() + t;
  else if (time_parse(slice_str(text), &t) == TG_OK)
    *ret = t;
  else
    return why_set(why, TG_USAGE, option, N_("%1$s is neither a duration nor a time"),
                   N_("Write it like 30m, 24h, 90d or 2026-12-01T00:00:00Z"), text, NULL, NULL);
  return TG_OK;
}

/* All names of an option that may be repeated and whose values may be lists: "ML,AES". */
static const char *const *split(struct arena *arena, const struct options_list *list)
{
  size_t n = 0, most = 1;
  for (size_t i = 0; i < list->n; i++)
    most += strlen(list->v[i]) / 2 + 1;
  const char **words = reach_room(arena, most, sizeof *words);
  for (size_t i = 0; i < list->n; i++)
    for (const char *s = list->v[i]; *s;) {
      size_t length = strcspn(s, ", ");
      if (length) {
        char *word = reach_room(arena, length + 1, 1);
        memcpy(word, s, length);
        words[n++] = word;
      }
      s += length + strspn(s + length, ", ");
    }
  return words;
}

static enum tg_err check_name(const char *option, const char *name, struct tg_why *why)
{
  struct holder holder;
  struct slice s = slice_str(name);
  if (bloc_name_valid(s) || (holder_parse(s, &holder) == TG_OK && !holder.node[0]))
    return TG_OK;
  const char *near = country_nearest(s);
  return why_set(why, TG_BAD_INPUT, option, N_("%1$s is no country, bloc or agency"),
                 near ? N_("Did you mean %2$s?")
                      : N_("Write countries as ML, blocs as AES, agencies as SN/drn"),
                 name, near, NULL);
}

static enum tg_err check_names(const char *option, const char *const *names, struct tg_why *why)
{
  for (size_t i = 0; names[i]; i++) {
    enum tg_err err = check_name(option, names[i], why);
    if (err != TG_OK)
      return err;
  }
  return TG_OK;
}

/* ---- one portion ---- */

struct reading {
  struct wish *w;
  const struct wish_like *like;
  const struct marks *head;
  struct tg_why *why;
};

static enum tg_err read_level(const struct reading *r, const char *word,
                              const struct toguna_portion_info *like, enum toguna_level *ret)
{
  uint8_t level = like ? (uint8_t)like->level : 0;
  if (!word && !level)
    return why_set(r->why, TG_USAGE, "--class", N_("the classification is not stated"),
                   N_("State it, also when it is UNCLASSIFIED: nothing is assumed"), NULL, NULL, NULL);
  if (word && level_parse(slice_str(word), &level) != TG_OK)
    return why_set(r->why, TG_USAGE, "--class", N_("%1$s is no classification"),
                   N_("Use UNCLASSIFIED, RESTRICTED, CONFIDENTIAL, SECRET or TOP-SECRET"), word, NULL, NULL);
  *ret = (enum toguna_level)level;
  return TG_OK;
}

static enum tg_err read_tlp(const struct reading *r, const char *word, const struct toguna_portion_info *like,
                            enum toguna_tlp *ret)
{
  uint8_t tlp = like ? (uint8_t)like->tlp : 0;
  if (!word && !tlp)
    return why_set(r->why, TG_USAGE, "--tlp", N_("the TLP marking is not stated"),
                   N_("State it, also when it is clear: nothing is assumed"), NULL, NULL, NULL);
  if (word && tlp_parse(slice_str(word), &tlp) != TG_OK)
    return why_set(r->why, TG_USAGE, "--tlp", N_("%1$s is no TLP marking"),
                   N_("Use clear, green, amber, amber+strict or red"), word, NULL, NULL);
  *ret = (enum toguna_tlp)tlp;
  return TG_OK;
}

static enum tg_err read_audience(const struct reading *r, const struct marks *m,
                                 const struct toguna_portion_info *like, struct toguna_portion *p)
{
  static const char *const nobody[] = {NULL};
  struct arena *arena = r->w->arena;
  bool stated = m->to.n || r->head->to.n;
  const struct options_list *except = m->except.n ? &m->except : &r->head->except;
  p->to = stated ? split(arena, m->to.n ? &m->to : &r->head->to) : like ? like->to : nobody;
  /* Who states a release list states its exceptions too. */
  p->except = except->n ? split(arena, except) : !stated && like ? like->except : nobody;
  enum tg_err err = check_names("--to", p->to, r->why);
  if (err == TG_OK)
    err = check_names("--except", p->except, r->why);
  if (err == TG_OK && !p->to[0])
    err = why_set(r->why, stated ? TG_BAD_INPUT : TG_USAGE, "--to",
                  N_("the release list is empty: nobody could read this"),
                  N_("Name at least one country or bloc, as --to ML,AES"), NULL, NULL, NULL);
  return err;
}

static const char *first(const char *a, const char *b, const char *c)
{
  return a ? a : b ? b : c;
}

static enum tg_err check_type(const char *type, struct tg_why *why)
{
  return !type || media_type_valid(slice_str(type))
             ? TG_OK
             : why_set(why, TG_USAGE, "--content-type", N_("%1$s is not a media type"),
                       N_("Write it as text/plain or application/pdf"), type, NULL, NULL);
}

static enum tg_err read_portion(struct reading *r, const struct marks *m, const char *file, const char *text)
{
  struct wish *w = r->w;
  size_t i = w->draft.portion_count;
  if (i == WISH_PORTIONS)
    return why_set(r->why, TG_USAGE, file, N_("a bulletin has 1 to 16 portions"), NULL, NULL, NULL, NULL);
  const struct toguna_portion_info *like = r->like->portion[i], *texts = r->like->texts ? like : NULL;
  struct toguna_portion *p = &w->portion[i];
  enum tg_err err = read_level(r, first(m->level, r->head->level, NULL), like, &p->level);
  if (err == TG_OK)
    err = read_tlp(r, first(m->tlp, r->head->tlp, NULL), like, &p->tlp);
  if (err == TG_OK)
    err = read_audience(r, m, like, p);
  if (err != TG_OK)
    return err;
  w->draft.portion_count++;
  if (text)
    body_text(text, &w->body[i]);
  else if ((err = body_open(file, &w->body[i], r->why)) != TG_OK)
    return err;
  p->caveats = (m->orcon || r->head->orcon ? TOGUNA_ORCON : 0) |
               (m->blind || r->head->blind ? TOGUNA_BLIND : 0) | (like ? like->caveats : 0);
  p->label = reach_text(w->arena, first(m->label, r->head->label, texts ? texts->label : NULL));
  p->title = reach_text(w->arena, first(m->title, r->head->title, texts ? texts->title : NULL));
  p->language = reach_text(w->arena, first(m->language, r->head->language, texts ? texts->language : NULL));
  p->content_type = reach_text(w->arena, first(m->type, r->head->type, w->body[i].type));
  p->filename = reach_text(w->arena, w->body[i].filename);
  p->compress = m->compress || r->head->compress;
  if ((err = check_type(p->content_type, r->why)) != TG_OK)
    return err;
  p->content = w->body[i].source;
  return TG_OK;
}

static enum tg_err read_portions(struct call *call, struct reading *r, char *const *files, size_t n_files,
                                 const char *text)
{
  static const struct marks none;
  struct marks head, *group;
  size_t n;
  enum tg_err err = marks_read(call, &head, &group, &n, r->why);
  if (err != TG_OK)
    return err;
  r->head = &head;
  for (size_t i = 0; err == TG_OK && i < n_files; i++)
    err = read_portion(r, &none, files[i], NULL);
  for (size_t i = 0; err == TG_OK && i < n; i++)
    err = read_portion(r, &group[i], group[i].file, NULL);
  if (err == TG_OK && text)
    for (size_t i = 0; err == TG_OK && (i == 0 || r->like->portion[i]) && i < WISH_PORTIONS; i++)
      err = read_portion(r, &none, NULL, text);
  else if (err == TG_OK && n + n_files == 0)
    err = read_portion(r, &none, "-", NULL);
  marks_free(&head, group, n);
  return err;
}

/* ---- the whole ---- */

static enum tg_err read_head(const struct call *call, const struct wish_like *like, struct wish *w,
                             struct tg_why *why)
{
  const struct wish_options *o = call->options;
  struct toguna_draft *d = &w->draft;
  enum precedence precedence = (enum precedence)like->precedence;
  if (o->precedence && precedence_parse(slice_str(o->precedence), &precedence) != TG_OK)
    return why_set(why, TG_USAGE, "--precedence", N_("%1$s is no precedence"),
                   N_("Use ROUTINE, PRIORITY, IMMEDIATE or FLASH"), o->precedence, NULL, NULL);
  if (o->expires) {
    enum tg_err err = wish_time("--expires", o->expires, false, &d->expires, why);
    if (err != TG_OK)
      return err;
  }
  d->topics = o->topic.n ? split(w->arena, &o->topic) : like->topics;
  if (!d->topics || !d->topics[0])
    return why_set(why, TG_USAGE, "--topic", N_("the topic is not stated"),
                   N_("Name what it is about, as alert.attack"), NULL, NULL, NULL);
  d->kind = like->kind;
  d->precedence = (enum toguna_precedence)precedence;
  d->flags = like->flags | (o->exercise ? TOGUNA_EXERCISE : 0);
  d->supersedes = like->supersedes;
  d->replies_to = like->replies_to;
  d->portions = w->portion;
  return TG_OK;
}

enum tg_err wish_read(struct call *call, const struct wish_like *like, char *const *files, size_t n_files,
                      const char *text, struct wish *w, struct tg_why *why)
{
  *w = (struct wish){.arena = reach_arena()};
  struct reading r = {.w = w, .like = like, .why = why};
  enum tg_err err = read_head(call, like, w, why);
  return err == TG_OK ? read_portions(call, &r, files, n_files, text) : err;
}

/* A --source is a whole id, or the beginning of one that the node knows. */
enum tg_err wish_sources(struct call *call, struct toguna *node, struct wish *w)
{
  const struct wish_options *o = call->options;
  struct toguna_id *sources = reach_room(w->arena, o->source.n, sizeof *sources);
  for (size_t i = 0; i < o->source.n; i++) {
    const struct toguna_item *item;
    if (toguna_id_parse(o->source.v[i], &sources[i]) == TOGUNA_OK)
      continue;
    enum tg_err err = reach_find(call, node, o->source.v[i], w->arena, &item);
    if (err != TG_OK)
      return err;
    sources[i] = item->id;
  }
  w->draft.sources = sources;
  w->draft.source_count = o->source.n;
  return TG_OK;
}

void wish_free(struct wish *w)
{
  for (size_t i = 0; i < w->draft.portion_count; i++)
    body_close(&w->body[i]);
  arena_free(w->arena);
  *w = (struct wish){0};
}
