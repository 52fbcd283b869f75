#include "client/cli/bulletin.h"

#include "proto/marking.h"
#include "proto/subject.h"
#include "proto/word.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

/* ---- words ---- */

const char *bulletin_short(const struct toguna_id *id, char out[BULLETIN_SHORT])
{
  char hex[65];
  toguna_id_print(id, hex);
  snprintf(out, BULLETIN_SHORT, "%.12s", hex);
  return out;
}

const char *bulletin_mark(enum toguna_level level, enum toguna_tlp tlp, unsigned caveats,
                          char out[BULLETIN_MARK])
{
  snprintf(out, BULLETIN_MARK, "%s TLP:%s%s%s", level_name((uint8_t)level), tlp_name((uint8_t)tlp),
           caveats & TOGUNA_ORCON ? " ORCON" : "", caveats & TOGUNA_BLIND ? " BLIND" : "");
  for (char *c = out; *c; c++)
    *c = (char)toupper((unsigned char)*c);
  return out;
}

const char *bulletin_highest(const struct toguna_item *item, char out[BULLETIN_MARK])
{
  enum toguna_level level = 0;
  enum toguna_tlp tlp = 0;
  unsigned caveats = 0;
  for (size_t i = 0; item->portions[i]; i++) {
    level = item->portions[i]->level > level ? item->portions[i]->level : level;
    tlp = item->portions[i]->tlp > tlp ? item->portions[i]->tlp : tlp;
    caveats |= item->portions[i]->caveats;
  }
  return bulletin_mark(level, tlp, caveats, out);
}

static const char *const progress_words[] = {N_("spooled"), N_("accepted"), N_("delivered"),
                                             N_("settled"), N_("refused"),  N_("expired"),
                                             N_("waiting")};
static const char *const state_words[] = {N_("current"), N_("superseded"), N_("recalled-purged"),
                                          N_("recalled-retained"), N_("expired")};
static const char *const event_words[] = {N_("nothing-yet"),    N_("stored"),     N_("read"),
                                          N_("acknowledged"),   N_("purged"),     N_("retained"),
                                          N_("recall-refused"), N_("unreadable"), N_("import-refused")};
static const char *const kind_words[] = {N_("report"),        N_("reply"),         N_("correction"),
                                         N_("recall"),        N_("question"),      N_("release-request"),
                                         N_("release-grant"), N_("release-denial")};
#define WORD(words, number) word_name(words, sizeof(words) / sizeof *(words), number)

const char *bulletin_progress(enum toguna_state state)
{
  return WORD(progress_words, (unsigned)state + 1);
}
const char *bulletin_event(enum toguna_event event)
{
  return WORD(event_words, (unsigned)event + 1);
}
const char *bulletin_precedence(enum toguna_precedence precedence)
{
  return precedence_name((enum precedence)precedence);
}
const char *bulletin_kind(enum toguna_kind kind)
{
  return WORD(kind_words, (unsigned)kind);
}

/* "current", "recalled-purged": a stable word, for JSON; for people through _(). */
static const char *state_of(const struct toguna_item *item, bool sent)
{
  unsigned number = (unsigned)item->state + 1;
  return sent ? WORD(progress_words, number) : WORD(state_words, number);
}

enum tint bulletin_tint(enum toguna_precedence precedence)
{
  static const enum tint tints[] = {TINT_PLAIN, TINT_PLAIN, TINT_BOLD, TINT_WARN, TINT_BAD};
  return precedence >= TOGUNA_ROUTINE && precedence <= TOGUNA_FLASH ? tints[precedence] : TINT_PLAIN;
}

/* ---- a table ---- */

struct grid *bulletin_table(bool sent)
{
  return grid_new(8, (const char *const[]){_("ID"), _("PRECEDENCE"), _("MARKING"), sent ? _("TO") : _("FROM"),
                                           _("TOPIC"), sent ? _("SENT") : _("RECEIVED"), _("STATE"),
                                           _("TITLE")});
}

/* Does the hub's log say that it was accepted? */
static bool is_logged(const struct toguna_item *item, bool sent)
{
  if (!sent)
    return !item->carried;
  return item->state == TOGUNA_IS_ACCEPTED || item->state == TOGUNA_IS_DELIVERED || item->state == TOGUNA_IS_SETTLED ||
         (item->state == TOGUNA_IS_EXPIRED && item->settled);
}

/* What a reader should notice: the state when it is not the usual one, and what is to be done. */
static const char *state_cell(const struct toguna_item *item, bool sent, char *out, size_t size)
{
  const char *state = state_of(item, sent);
  bool usual = !sent && item->state == TOGUNA_CURRENT;
  if (usual)
    state = item->acknowledged ? N_("acknowledged") : item->read ? N_("read") : N_("unread");
  snprintf(out, size, "%s%s%s%s%s%s", _(state), is_logged(item, sent) && !item->settled ? _(", unsettled") : "",
           item->carried ? _(", by bundle") : "", item->flags & TOGUNA_EXERCISE ? _(", exercise") : "",
           item->missing_before ? _(", one missing before") : "", item->overdue ? _(", receipts OVERDUE") : "");
  return out;
}

/* "AES SN +2": the names of the release lists, each once, as many as fit. */
static const char *to_cell(const struct toguna_item *item, char *out, size_t size)
{
  size_t n = 0, left_out = 0;
  char padded[80];
  out[0] = 0;
  for (size_t i = 0; item->portions[i]; i++)
    for (const char *const *to = item->portions[i]->to; *to; to++) {
      char have[256];
      snprintf(have, sizeof have, " %s ", out);
      snprintf(padded, sizeof padded, " %s ", *to);
      if (strstr(have, padded))
        continue;
      if (n + strlen(*to) + 1 < 24)
        n += (size_t)snprintf(out + n, size - n, "%s%s", n ? " " : "", *to);
      else
        left_out++;
    }
  if (left_out)
    snprintf(out + n, size - n, " +%zu", left_out);
  return out;
}

static const char *title_of(const struct toguna_item *item)
{
  for (size_t i = 0; item->portions[i]; i++)
    if (item->portions[i]->title)
      return item->portions[i]->title;
  return item->kind == TOGUNA_REPORT ? "" : _(bulletin_kind(item->kind));
}

/* The cells of a bulletin, and room for them. */
struct row {
  const char *cell[8];
  char id[BULLETIN_SHORT], mark[BULLETIN_MARK], time[SHOW_TIME], state[96], to[64];
};

static void fill_row(struct row *r, const struct toguna_item *item, bool sent)
{
  r->cell[0] = bulletin_short(&item->id, r->id);
  r->cell[1] = bulletin_precedence(item->precedence);
  r->cell[2] = bulletin_highest(item, r->mark);
  r->cell[3] = sent ? to_cell(item, r->to, sizeof r->to) : item->originator;
  r->cell[4] = item->topics[0] ? item->topics[0] : "";
  r->cell[5] = show_time(sent ? item->created : item->received, r->time);
  r->cell[6] = state_cell(item, sent, r->state, sizeof r->state);
  r->cell[7] = title_of(item);
}

void bulletin_row(struct grid *g, const struct toguna_item *item, bool sent)
{
  struct row r;
  fill_row(&r, item, sent);
  grid_row(g, r.cell);
  grid_tint(g, 1, bulletin_tint(item->precedence));
  if (!sent && item->state == TOGUNA_CURRENT && !item->read)
    grid_tint(g, 0, TINT_BOLD);
}

void bulletin_line(const struct toguna_item *item, bool sent)
{
  static const size_t width[] = {12, 9, 22, 12, 14, 23, 6, 0};
  struct row r;
  fill_row(&r, item, sent);
  for (size_t i = 0; i < 8; i++) {
    size_t w = show_width(r.cell[i]);
    show_tinted(i == 1 ? bulletin_tint(item->precedence) : TINT_PLAIN, r.cell[i]);
    if (i < 7)
      printf("%*s", (int)(w < width[i] ? width[i] - w + 2 : 2), "");
  }
  putchar('\n');
}

/* ---- one bulletin ---- */

static const char *joined(const char *const *words, char *out, size_t size)
{
  size_t n = 0;
  out[0] = 0;
  for (; *words && n < size; words++)
    n += (size_t)snprintf(out + n, size - n, "%s%s", n ? " " : "", *words);
  return out;
}

static void id_line(struct grid *g, const char *name, const struct toguna_id *id)
{
  char hex[65];
  if (!id)
    return;
  toguna_id_print(id, hex);
  grid_row(g, (const char *const[]){name, hex});
}

static void time_line(struct grid *g, const char *name, int64_t time)
{
  char text[SHOW_TIME];
  if (time)
    grid_row(g, (const char *const[]){name, show_time(time, text)});
}

void bulletin_card(const struct toguna_item *item, bool sent)
{
  char mark[BULLETIN_MARK], text[512];
  show_tinted(bulletin_tint(item->precedence), bulletin_precedence(item->precedence));
  printf("  %s%s\n", bulletin_highest(item, mark),
         item->flags & TOGUNA_EXERCISE ? _("  EXERCISE: not real") : "");
  struct grid *g = grid_new(2, NULL);
  id_line(g, _("id"), &item->id);
  grid_row(g, (const char *const[]){_("from"), item->originator});
  grid_row(g, (const char *const[]){_("kind"), _(bulletin_kind(item->kind))});
  grid_row(g, (const char *const[]){_("topics"), joined(item->topics, text, sizeof text)});
  time_line(g, _("created"), item->created);
  if (!sent)
    time_line(g, _("received"), item->received);
  time_line(g, _("expires"), item->expires);
  id_line(g, _("replaces"), item->supersedes);
  id_line(g, _("answers"), item->replies_to);
  for (size_t i = 0; i < item->source_count; i++)
    id_line(g, _("derives from"), &item->sources[i]);
  id_line(g, _("replaced by"), item->superseded_by);
  grid_row(g, (const char *const[]){_("state"), state_cell(item, sent, text, sizeof text)});
  if (is_logged(item, sent)) {
    snprintf(text, sizeof text, item->settled ? _("entry %llu, settled: as many witnesses have seen it as the charter demands")
                                              : _("entry %llu, not settled: the hub alone vouches for it"),
             (unsigned long long)item->leaf);
    grid_row(g, (const char *const[]){_("log"), text});
  }
  grid_print(g);
}

void bulletin_portion(const struct toguna_item *item, const struct toguna_portion_info *p)
{
  char mark[BULLETIN_MARK], size[SHOW_SIZE], to[512], except[512];
  bool one = item->portions[0] && !item->portions[1];
  putchar('\n');
  if (!one)
    printf(_("Portion %u: "), (unsigned)p->index + 1);
  show_tinted(TINT_BOLD, bulletin_mark(p->level, p->tlp, p->caveats, mark));
  printf("%s%s\n", p->label ? "  " : "", p->label ? p->label : "");
  if (p->title)
    printf("%s\n", p->title);
  if (p->to[0] && p->except[0])
    printf(_("For %s, except %s\n"), joined(p->to, to, sizeof to), joined(p->except, except, sizeof except));
  else if (p->to[0])
    printf(_("For %s\n"), joined(p->to, to, sizeof to));
  if (p->complete)
    printf("%s, %s%s%s\n", p->content_type ? p->content_type : "application/octet-stream",
           show_size(p->size, size), p->filename ? ", " : "", p->filename ? p->filename : "");
}

/* ---- JSON ---- */

json_t *bulletin_id_json(const struct toguna_id *id)
{
  char hex[65];
  if (!id)
    return json_null();
  toguna_id_print(id, hex);
  return json_string(hex);
}

static json_t *text_json(const char *text)
{
  return text ? json_string(text) : json_null();
}

static json_t *portion_json(const struct toguna_portion_info *p)
{
  return json_pack("{s:i, s:s, s:s, s:b, s:b, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:I, s:b}", "portion",
                   (int)p->index + 1, "class", level_name((uint8_t)p->level), "tlp",
                   tlp_name((uint8_t)p->tlp), "orcon", (p->caveats & TOGUNA_ORCON) != 0, "blind",
                   (p->caveats & TOGUNA_BLIND) != 0, "label", text_json(p->label), "to", json_words(p->to),
                   "except", json_words(p->except), "content_type", text_json(p->content_type), "title",
                   text_json(p->title), "filename", text_json(p->filename), "language",
                   text_json(p->language), "size", (json_int_t)p->size, "complete", p->complete);
}

static json_t *lists_json(const struct toguna_item *item)
{
  json_t *sources = json_array(), *portions = json_array();
  for (size_t i = 0; i < item->source_count; i++)
    json_array_append_new(sources, bulletin_id_json(&item->sources[i]));
  for (size_t i = 0; item->portions[i]; i++)
    json_array_append_new(portions, portion_json(item->portions[i]));
  return json_pack("{s:o, s:o, s:o}", "topics", json_words(item->topics), "sources", sources, "portions",
                   portions);
}

json_t *bulletin_json(const struct toguna_item *item, bool sent)
{
  json_t *j = json_pack(
      "{s:o, s:I, s:s, s:s, s:s, s:s, s:b, s:o, s:o, s:o, s:o, s:o, s:o, s:b, s:b, s:s, s:I, s:I, s:b, s:b, s:b, s:b}", "id",
      bulletin_id_json(&item->id), "place", (json_int_t)item->place, "from", item->originator, "member",
      item->member, "kind", bulletin_kind(item->kind), "precedence", bulletin_precedence(item->precedence),
      "exercise", (item->flags & TOGUNA_EXERCISE) != 0, "created", json_time(item->created), "received",
      json_time(item->received), "expires", json_time(item->expires), "supersedes",
      bulletin_id_json(item->supersedes), "replies_to", bulletin_id_json(item->replies_to), "superseded_by",
      bulletin_id_json(item->superseded_by), "read", item->read, "acknowledged", item->acknowledged, "state",
      state_of(item, sent), "number", (json_int_t)item->number, "leaf", (json_int_t)item->leaf,
      "missing_before", item->missing_before, "overdue", item->overdue, "settled", item->settled, "carried", item->carried);
  json_t *lists = lists_json(item);
  if (j && lists)
    json_object_update(j, lists);
  json_decref(lists);
  return j;
}
