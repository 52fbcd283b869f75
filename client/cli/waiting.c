#include "client/cli/waiting.h"

#include "keys/codec.h"
#include "proto/portion.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ANSWER_BYTES = 64 << 10 };

/* ---- from bytes that are signed to what people see ---- */

static enum tg_err unreadable(struct tg_why *why)
{
  return why_set(why, TG_BAD_INPUT, "waiting", N_("the node's answer cannot be read"),
                 N_("Check that toguna and toguna-node are of the same release"), NULL, NULL, NULL);
}

static enum tg_err other_bytes(const char *draft, struct tg_why *why)
{
  return why_set(why, TG_BAD_PROOF, draft, N_("the node shows something else than what would be signed"),
                 N_("Approve nothing there, and have the node looked at"), NULL, NULL, NULL);
}

static enum tg_err decode(const json_t *text, struct arena *arena, struct slice *ret)
{
  const char *base64 = json_string_value(text);
  size_t n;
  if (!base64 || strlen(base64) > ANSWER_BYTES)
    return TG_BAD_INPUT;
  uint8_t *room = reach_room(arena, strlen(base64) + 1, 1);
  if (base64_read_upto(slice_str(base64), room, strlen(base64), &n) != TG_OK)
    return TG_BAD_INPUT;
  *ret = slice_of(room, n);
  return TG_OK;
}

static const char *text_of(struct arena *arena, struct slice s)
{
  char *copy = reach_room(arena, s.n + 1, 1);
  if (s.n)
    memcpy(copy, s.p, s.n);
  return copy;
}

static const char *const *list_of(struct arena *arena, const struct slice *s, size_t n)
{
  const char **list = reach_room(arena, n + 1, sizeof *list);
  for (size_t i = 0; i < n; i++)
    list[i] = text_of(arena, s[i]);
  return list;
}

static const struct toguna_id *id_of(struct arena *arena, const struct hash *h)
{
  struct toguna_id *id = reach_room(arena, 1, sizeof *id);
  memcpy(id->b, h->b, sizeof id->b);
  return hash_is_zero(h) ? NULL : id;
}

/* A text of the draft's that is sealed; NULL when it states none. */
static const char *stated(const json_t *content, const char *name)
{
  const char *text = json_string_value(json_object_get(content, name));
  return text && *text ? text : NULL;
}

static enum tg_err read_portion(const json_t *json, size_t i, struct slice bytes, struct arena *arena, struct waiting_portion *ret)
{
  struct slice list;
  struct portion p;
  struct release r;
  if (portion_parse(bytes, arena, &p, NULL) != TG_OK || p.index != i ||
      decode(json_array_get(json_object_get(json, "releases"), i), arena, &list) != TG_OK ||
      release_parse(list, arena, &r, NULL) != TG_OK)
    return TG_BAD_INPUT;
  const struct hash committed = release_hash(list);
  if (!hash_eq(&committed, &p.release_hash))
    return TG_BAD_PROOF;
  const json_t *content = json_array_get(json_object_get(json, "contents"), i);
  struct toguna_portion_info *info = reach_room(arena, 1, sizeof *info);
  *info = (struct toguna_portion_info){.index = (uint32_t)i,
                                       .level = (enum toguna_level)p.level,
                                       .tlp = (enum toguna_tlp)p.tlp,
                                       .caveats = p.caveats,
                                       .label = p.label.n ? text_of(arena, p.label) : NULL,
                                       .to = list_of(arena, r.to, r.to_count),
                                       .except = list_of(arena, r.except, r.except_count),
                                       .content_type = stated(content, "content_type"),
                                       .title = stated(content, "title"),
                                       .filename = stated(content, "filename"),
                                       .language = stated(content, "language"),
                                       .size = (uint64_t)json_integer_value(json_object_get(content, "size")),
                                       .complete = true};
  *ret = (struct waiting_portion){.seal = p.seal, .info = info};
  return TG_OK;
}

/* All portions, under the root that is signed. */
static enum tg_err read_portions(const json_t *json, struct waiting_draft *d, struct arena *arena,
                                 const struct toguna_portion_info *const **ret)
{
  const struct subject *s = &d->subject;
  const json_t *list = json_object_get(json, "portions");
  const size_t n = json_array_size(list);
  const struct toguna_portion_info **infos = reach_room(arena, n + 1, sizeof *infos);
  struct slice bytes[LIMIT_PORTIONS];
  d->portion = reach_room(arena, n + 1, sizeof *d->portion);
  d->portions = n;
  enum tg_err err = n == 0 || n == s->portion_count ? TG_OK : TG_BAD_PROOF;
  for (size_t i = 0; err == TG_OK && i < n; i++) {
    err = decode(json_array_get(list, i), arena, &bytes[i]);
    if (err == TG_OK)
      err = read_portion(json, i, bytes[i], arena, &d->portion[i]);
    infos[i] = err == TG_OK ? d->portion[i].info : NULL;
  }
  if (err != TG_OK)
    return err;
  *ret = infos;
  if (n == 0)
    return TG_OK;
  const struct hash root = portion_root(bytes, n);
  return hash_eq(&root, &s->portion_root) ? TG_OK : TG_BAD_PROOF;
}

static enum tg_err read_item(const struct toguna *node, const json_t *json, struct waiting_draft *d, struct arena *arena)
{
  const struct subject *s = &d->subject;
  struct toguna_item *item = reach_room(arena, 1, sizeof *item);
  struct toguna_id *sources = reach_room(arena, s->source_count, sizeof *sources);
  for (size_t i = 0; i < s->source_count; i++)
    memcpy(sources[i].b, s->sources[i].b, sizeof sources[i].b);
  *item = (struct toguna_item){.originator = toguna_self(node)->node,
                               .member = toguna_self(node)->member,
                               .kind = (enum toguna_kind)s->kind,
                               .precedence = (enum toguna_precedence)s->precedence,
                               .flags = s->flags,
                               .created = s->created,
                               .expires = s->expires,
                               .topics = list_of(arena, s->topics, s->topic_count),
                               .supersedes = id_of(arena, &s->supersedes),
                               .replies_to = id_of(arena, &s->replies_to),
                               .sources = sources,
                               .source_count = s->source_count,
                               .state = TOGUNA_IS_WAITING};
  const struct hash id = subject_hash(s->bytes);
  memcpy(item->id.b, id.b, sizeof item->id.b);
  d->item = item;
  return read_portions(json, d, arena, &item->portions);
}

static enum tg_err read_draft(const struct toguna *node, const json_t *json, struct arena *arena, struct waiting_draft *ret,
                              struct tg_why *why)
{
  struct slice bytes;
  struct hash id, exchange, shown;
  const char *text = json_string_value(json_object_get(json, "draft")), *state = json_string_value(json_object_get(json, "state"));
  struct waiting_draft d = {.state = state,
                            .demanded = (unsigned)json_integer_value(json_object_get(json, "demanded")),
                            .lacking = (unsigned)json_integer_value(json_object_get(json, "lacking")),
                            .json = json};
  if (!text || !state || hash_parse(slice_str(text), &id) != TG_OK ||
      decode(json_object_get(json, "subject"), arena, &bytes) != TG_OK || subject_parse(bytes, arena, &d.subject, NULL) != TG_OK)
    return unreadable(why);
  memcpy(exchange.b, toguna_self(node)->exchange, sizeof exchange.b);
  shown = subject_hash(bytes);
  enum tg_err err = hash_eq(&id, &shown) && hash_eq(&exchange, &d.subject.exchange) ? TG_OK : TG_BAD_PROOF;
  if (err == TG_OK)
    err = read_item(node, json, &d, arena);
  if (err == TG_BAD_PROOF)
    return other_bytes(text, why);
  if (err != TG_OK)
    return unreadable(why);
  *ret = d;
  return TG_OK;
}

enum tg_err waiting_ask(struct call *call, struct toguna *node, const char *prefix, struct arena *arena,
                        const struct waiting_draft **ret, size_t *ret_n, json_t **ret_json, struct tg_why *why)
{
  const char *arguments[] = {prefix, NULL};
  struct toguna_error error;
  char *text;
  if (toguna_query(node, "waiting", arguments, &text, &error) != TOGUNA_OK)
    return call_said(call, &error);
  json_t *json = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
  free(text);
  if (!json_is_array(json)) {
    json_decref(json);
    return unreadable(why);
  }
  const size_t n = json_array_size(json);
  struct waiting_draft *list = reach_room(arena, n, sizeof *list);
  for (size_t i = 0; i < n; i++) {
    enum tg_err err = read_draft(node, json_array_get(json, i), arena, &list[i], why);
    if (err != TG_OK) {
      json_decref(json);
      return err;
    }
  }
  *ret = list;
  *ret_n = n;
  *ret_json = json;
  return TG_OK;
}

enum tg_err waiting_find(struct call *call, struct toguna *node, const char *prefix, struct arena *arena,
                         const struct waiting_draft **ret, json_t **ret_json, struct tg_why *why)
{
  size_t n;
  enum tg_err err = waiting_ask(call, node, prefix, arena, ret, &n, ret_json, why);
  if (err != TG_OK || n == 1)
    return err;
  json_decref(*ret_json);
  *ret_json = NULL;
  return n ? why_set(why, TG_CONFLICT, prefix, N_("several drafts begin so"), N_("Give more digits of the one that is meant"), NULL,
                     NULL, NULL)
           : why_set(why, TG_NOT_FOUND, prefix, N_("no such bulletin waits for approvals here"),
                     N_("See what waits: toguna approve"), NULL, NULL, NULL);
}

/* ---- for people ---- */

/* "ML/release-1, ML/release-2" */
static const char *names_of(const json_t *list, char *out, size_t size)
{
  size_t n = 0, i;
  json_t *name;
  out[0] = 0;
  json_array_foreach(list, i, name)
  {
    const char *text = json_string_value(json_is_string(name) ? name : json_object_get(name, "officer"));
    if (n < size)
      n += (size_t)snprintf(out + n, size - n, "%s%s", n ? ", " : "", text ? text : "");
  }
  return out;
}

static int64_t time_at(const json_t *j, const char *name)
{
  const char *text = json_string_value(json_object_get(j, name));
  tg_time t = 0;
  return text && time_parse(slice_str(text), &t) == TG_OK ? t : 0;
}

void waiting_table(const struct waiting_draft *list, size_t n)
{
  struct grid *g = grid_new(7, (const char *const[]){_("DRAFT"), _("PRECEDENCE"), _("MARKING"), _("TOPIC"), _("UNTIL"), _("APPROVALS"),
                                                     _("MAY STILL APPROVE")});
  for (size_t i = 0; i < n; i++) {
    const struct waiting_draft *d = &list[i];
    char id[BULLETIN_SHORT], mark[BULLETIN_MARK], until[SHOW_TIME], count[48], who[256];
    snprintf(count, sizeof count, _("%u of %u"), d->demanded - d->lacking, d->demanded);
    grid_row(g, (const char *const[]){bulletin_short(&d->item->id, id), bulletin_precedence(d->item->precedence),
                                      bulletin_highest(d->item, mark), d->item->topics[0], show_time(time_at(d->json, "until"), until),
                                      count, names_of(json_object_get(d->json, "candidates"), who, sizeof who)});
    grid_tint(g, 1, bulletin_tint(d->item->precedence));
  }
  grid_print(g);
}

static void print_approvals(const struct waiting_draft *d)
{
  size_t i;
  json_t *a;
  json_array_foreach(json_object_get(d->json, "approvals"), i, a)
  {
    char time[SHOW_TIME];
    const char *officer = json_string_value(json_object_get(a, "officer"));
    printf(json_is_true(json_object_get(a, "counts")) ? _("Approved by %s on %s.\n")
                                                      : _("Approved by %s on %s, who may not approve any more: it does not count.\n"),
           officer ? officer : "", show_time(time_at(a, "time"), time));
  }
}

static void print_lacking(const struct waiting_draft *d)
{
  const json_t *candidates = json_object_get(d->json, "candidates");
  char who[1024];
  names_of(candidates, who, sizeof who);
  printf(_("Approvals still missing, by officers with the role release: %u.\n"), d->lacking);
  if (*who)
    printf(_("Who may still approve: %s.\n"), who);
  if (json_array_size(candidates) < d->lacking)
    puts(_("The state has too few officers with the role release: its security officer must issue credentials."));
}

void waiting_missing(const struct waiting_draft *d)
{
  char text[1024], until[SHOW_TIME];
  const json_t *held = json_object_get(d->json, "held");
  const char *reason = json_string_value(json_object_get(d->json, "reason")),
             *bulletin = json_string_value(json_object_get(d->json, "bulletin"));
  print_approvals(d);
  if (!strcmp(d->state, "sent"))
    printf(_("It is approved, and sent as %s.\n"), bulletin ? bulletin : "");
  else if (!strcmp(d->state, "denied"))
    printf(_("It was denied on %s: %s\n"), show_time(time_at(d->json, "ended"), until), reason ? reason : "");
  else if (!strcmp(d->state, "expired"))
    printf(_("Too few officers approved it before %s: it was not sent.\n"), show_time(time_at(d->json, "ended"), until));
  else if (json_is_object(held))
    printf(_("Policy does not let it go now, approved or not: %s.\n"), show_sentence(held, "what", text, sizeof text));
  else
    print_lacking(d);
  if (!strcmp(d->state, "waiting"))
    printf(_("It waits until %s.\n"), show_time(time_at(d->json, "until"), until));
}

/* ---- for programs ---- */

json_t *waiting_json(const struct waiting_draft *d)
{
  static const char *const names[] = {"state",      "bulletin", "until", "uid",   "program", "demanded", "lacking", "approvals",
                                      "candidates", "held",     "ended", "reason"};
  json_t *all = bulletin_json(d->item, true);
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    json_object_set(all, names[i], json_object_get(d->json, names[i]));
  json_t *portions = json_object_get(all, "portions");
  for (size_t i = 0; i < d->portions; i++) {
    char hex[65];
    sodium_bin2hex(hex, sizeof hex, d->portion[i].digest, sizeof d->portion[i].digest);
    json_object_set_new(json_array_get(portions, i), "sha256", d->portion[i].opened ? json_string(hex) : json_null());
  }
  return all;
}
