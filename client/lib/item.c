#include "client/lib/item.h"

static void take_portion(struct copier *c, const Tg__LPortionInfo *m, struct toguna_portion_info *p)
{
  *p = (struct toguna_portion_info){
      .index = m->index,
      .level = (enum toguna_level)m->level,
      .tlp = (enum toguna_tlp)m->tlp,
      .caveats = m->caveats,
      .label = copier_optional(c, m->label),
      .to = copier_list(c, m->n_to, m->to),
      .except = copier_list(c, m->n_except, m->except),
      .content_type = copier_optional(c, m->content_type),
      .title = copier_optional(c, m->title),
      .filename = copier_optional(c, m->filename),
      .language = copier_optional(c, m->language),
      .size = m->size,
      .complete = m->complete,
  };
}

/* Content is text more often than not: a NUL follows it. */
static void take_content(struct copier *c, const Tg__LItem *m, struct toguna_portion_info *portions)
{
  if (m->n_contents != m->n_portions)
    return;
  for (size_t i = 0; i < m->n_contents; i++)
    if (m->contents[i].len == portions[i].size)
      portions[i].content = copier_text(c, m->contents[i]);
}

static const struct toguna_portion_info *const *take_portions(struct copier *c, const Tg__LItem *m)
{
  const struct toguna_portion_info **list = copier_room(c, m->n_portions + 1, sizeof(void *));
  struct toguna_portion_info *portions = copier_room(c, m->n_portions, sizeof *portions);
  for (size_t i = 0; !c->failed && i < m->n_portions; i++) {
    take_portion(c, m->portions[i], &portions[i]);
    list[i] = &portions[i];
  }
  if (!c->failed)
    take_content(c, m, portions);
  return list;
}

static const struct toguna_id *take_sources(struct copier *c, const Tg__LItem *m)
{
  struct toguna_id *ids = copier_room(c, m->n_sources, sizeof *ids);
  for (size_t i = 0; ids && i < m->n_sources; i++)
    ids[i] = id_of(m->sources[i]);
  return ids;
}

enum tg_err item_take(const Tg__LItem *m, struct arena *arena, const struct toguna_item **ret,
                      struct tg_why *why)
{
  struct copier c = {.arena = arena};
  struct toguna_item *item = copier_room(&c, 1, sizeof *item);
  if (!item)
    return no_memory(why);
  *item = (struct toguna_item){
      .id = id_of(m->bulletin),
      .place = m->place,
      .originator = copier_text(&c, m->originator),
      .member = copier_text(&c, m->member),
      .kind = (enum toguna_kind)m->kind,
      .precedence = (enum toguna_precedence)m->precedence,
      .flags = m->flags,
      .created = (int64_t)m->created,
      .received = (int64_t)m->received,
      .expires = (int64_t)m->expires,
      .topics = copier_list(&c, m->n_topics, m->topics),
      .supersedes = copier_id(&c, m->supersedes),
      .replies_to = copier_id(&c, m->replies_to),
      .superseded_by = copier_id(&c, m->superseded_by),
      .sources = take_sources(&c, m),
      .source_count = m->n_sources,
      .portions = take_portions(&c, m),
      .read = m->read,
      .acknowledged = m->acknowledged,
      .state = (int)m->state,
      .number = m->number,
      .leaf = m->leaf,
      .missing_before = m->missing_before,
      .overdue = m->overdue,
      .settled = m->settled,
      .carried = m->carried,
      .ahead = m->ahead,
  };
  if (c.failed)
    return no_memory(why);
  *ret = item;
  return TG_OK;
}

Tg__LFilter filter_message(const struct toguna_filter *filter)
{
  Tg__LFilter m = TG__LFILTER__INIT;
  m.folder = TOGUNA_INBOX;
  if (!filter)
    return m;
  if (filter->folder)
    m.folder = (uint32_t)filter->folder;
  m.unread = filter->unread;
  m.from = text_data(filter->from);
  m.topic = text_data(filter->topic);
  m.since = filter->since > 0 ? (uint64_t)filter->since : 0;
  m.after = filter->after;
  m.limit = filter->limit;
  return m;
}
