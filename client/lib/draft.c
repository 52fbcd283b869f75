#include "client/lib/draft.h"

#include "client/lib/node.h"
#include "proto/subject.h"

#include <stdio.h>
#include <string.h>

enum { DRAFT_ARENA = 1 << 20 };

void draft_where(size_t portion, char out[DRAFT_WHERE])
{
  snprintf(out, DRAFT_WHERE, "portion %zu", portion + 1);
}

static size_t count(const char *const *list)
{
  size_t n = 0;
  while (list && list[n])
    n++;
  return n;
}

/* ---- what can be seen here ---- */

static enum tg_err check_topics(const char *const *topics, struct tg_why *why)
{
  size_t n = count(topics);
  if (n < 1 || n > LIMIT_TOPICS)
    return why_set(why, TG_BAD_INPUT, NULL, N_("a bulletin has 1 to 4 topics"), NULL, NULL, NULL, NULL);
  for (size_t i = 0; i < n; i++) {
    if (strchr(topics[i], '*'))
      return why_set(why, TG_BAD_INPUT, topics[i], N_("a bulletin's topic has no wildcard"),
                     N_("Name the topic in full, as \"alert.attack\""), NULL, NULL, NULL);
    if (!topic_valid(slice_str(topics[i])))
      return why_set(why, TG_BAD_INPUT, topics[i], N_("this is not a topic"),
                     N_("Use labels of a-z, 0-9 and inner hyphens joined by dots, as \"alert.attack\""), NULL,
                     NULL, NULL);
  }
  return TG_OK;
}

static enum tg_err check_portion(const struct toguna_portion *p, const char *where, struct tg_why *why)
{
  if (p->level < TOGUNA_UNCLASSIFIED || p->level > TOGUNA_TOP_SECRET)
    return why_set(why, TG_BAD_INPUT, where, N_("the classification is not stated"),
                   N_("State it: nothing is assumed"), NULL, NULL, NULL);
  if (p->tlp < TOGUNA_TLP_CLEAR || p->tlp > TOGUNA_TLP_RED)
    return why_set(why, TG_BAD_INPUT, where, N_("the TLP marking is not stated"),
                   N_("State it: nothing is assumed"), NULL, NULL, NULL);
  if (count(p->to) == 0)
    return why_set(why, TG_BAD_INPUT, where, N_("the release list is empty: nobody could read this"),
                   N_("Name at least one country or bloc"), NULL, NULL, NULL);
  if (p->filename && strchr(p->filename, '/'))
    return why_set(why, TG_BAD_INPUT, where, N_("the file name has a slash: it must be a name, not a path"),
                   NULL, NULL, NULL, NULL);
  return TG_OK;
}

static enum tg_err check(const struct toguna_draft *from, struct tg_why *why)
{
  if (!from || (from->portion_count > 0 && !from->portions) || (from->source_count > 0 && !from->sources))
    return why_set(why, TG_USAGE, NULL, N_("there is no draft"), NULL, NULL, NULL, NULL);
  if (from->portion_count < 1 || from->portion_count > LIMIT_PORTIONS)
    return why_set(why, TG_BAD_INPUT, NULL, N_("a bulletin has 1 to 16 portions"), NULL, NULL, NULL, NULL);
  if (from->source_count > LIMIT_SOURCES)
    return why_set(why, TG_BAD_INPUT, NULL, N_("a bulletin derives from 16 others at most"), NULL, NULL, NULL,
                   NULL);
  enum tg_err err = check_topics(from->topics, why);
  for (size_t i = 0; err == TG_OK && i < from->portion_count; i++) {
    char where[DRAFT_WHERE];
    draft_where(i, where);
    err = check_portion(&from->portions[i], where, why);
  }
  return err;
}

/* ---- as a message ---- */

static ProtobufCBinaryData *list_data(struct copier *c, const char *const *list, size_t *ret_n)
{
  size_t n = count(list);
  ProtobufCBinaryData *data = copier_room(c, n, sizeof *data);
  for (size_t i = 0; data && i < n; i++)
    data[i] = text_data(list[i]);
  *ret_n = data ? n : 0;
  return data;
}

static void fill_portion(struct copier *c, const struct toguna_portion *p, uint64_t size,
                         Tg__LPortionDraft *m)
{
  m->level = (uint32_t)p->level;
  m->tlp = (uint32_t)p->tlp;
  m->caveats = p->caveats;
  m->label = text_data(p->label);
  m->to = list_data(c, p->to, &m->n_to);
  m->except = list_data(c, p->except, &m->n_except);
  m->content_type = text_data(p->content_type ? p->content_type : "text/plain; charset=utf-8");
  m->title = text_data(p->title);
  m->filename = text_data(p->filename);
  m->language = text_data(p->language);
  m->size = size;
  m->compression = p->compress;
}

static void fill_header(struct copier *c, const struct toguna_draft *from, Tg__LDraft *m)
{
  m->kind = (uint32_t)(from->kind ? from->kind : TOGUNA_REPORT);
  m->precedence = (uint32_t)(from->precedence ? from->precedence : TOGUNA_ROUTINE);
  m->expires = from->expires > 0 ? (uint64_t)from->expires : 0;
  m->flags = from->flags;
  m->topics = list_data(c, from->topics, &m->n_topics);
  m->sources = copier_room(c, from->source_count, sizeof *m->sources);
  for (size_t i = 0; m->sources && i < from->source_count; i++)
    m->sources[m->n_sources++] = id_data(&from->sources[i]);
  if (from->supersedes)
    m->supersedes = id_data(from->supersedes);
  if (from->replies_to)
    m->replies_to = id_data(from->replies_to);
}

enum tg_err draft_open(const struct toguna_draft *from, bool only_size, struct draft *d, struct tg_why *why)
{
  *d = (struct draft){.message = TG__LDRAFT__INIT};
  enum tg_err err = check(from, why);
  if (err != TG_OK)
    return err;
  d->arena = arena_new(DRAFT_ARENA);
  if (!d->arena)
    return no_memory(why);
  struct copier c = {.arena = d->arena};
  fill_header(&c, from, &d->message);
  Tg__LPortionDraft *portions = copier_room(&c, from->portion_count, sizeof *portions);
  d->message.portions = copier_room(&c, from->portion_count, sizeof *d->message.portions);
  if (c.failed)
    return no_memory(why);
  for (size_t i = 0; i < from->portion_count; i++) {
    char where[DRAFT_WHERE];
    draft_where(i, where);
    err = source_open(&from->portions[i].content, only_size, where, &d->sources[i], why);
    if (err != TG_OK)
      return err;
    d->n_sources = i + 1;
    portions[i] = (Tg__LPortionDraft)TG__LPORTION_DRAFT__INIT;
    fill_portion(&c, &from->portions[i], d->sources[i].size, &portions[i]);
    d->message.portions[i] = &portions[i];
  }
  d->message.n_portions = from->portion_count;
  return c.failed ? no_memory(why) : TG_OK;
}

void draft_close(struct draft *d)
{
  for (size_t i = 0; i < d->n_sources; i++)
    source_close(&d->sources[i]);
  arena_free(d->arena);
  d->arena = NULL;
  d->n_sources = 0;
}
