/* What a node says of itself, page by page, or the files of a copy of that. */
#include "client/review/view_inside.h"

#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

enum {
  PAGE_MAX = 48 << 20,
  IDLE_PAGES = 1 << 18, /* in a row that bring nothing new: more than any node has, and fewer than one that goes on for ever */
};

enum tg_err view_wrong(struct view *v, enum tg_err err, const char *what)
{
  return why_set(v->why, err, v->where, what, N_("Nothing of it is taken in. Fetch it again; if it stays so, keep it as evidence"), NULL, NULL,
                 NULL);
}

enum tg_err view_odd(struct view *v)
{
  return view_wrong(v, TG_BAD_INPUT, N_("this is not what a node says, or a copy of that: cut off or damaged"));
}

enum tg_err view_read_json(struct view *v, const char *name, json_t **ret)
{
  struct buf bytes = buf_new(PAGE_MAX);
  snprintf(v->where, sizeof v->where, "%s", name);
  enum tg_err err = place_read(v->r->place.log, name, PAGE_MAX, &bytes, v->why);
  json_t *j = err ? NULL : json_loadb((const char *)bytes.p, bytes.n, JSON_REJECT_DUPLICATES, NULL);
  buf_free(&bytes);
  if (err == TG_NOT_FOUND)
    return view_wrong(v, TG_BAD_PROOF, N_("this file of the copy is missing"));
  if (err)
    return err;
  if (!json_is_object(j)) {
    json_decref(j);
    return view_odd(v);
  }
  *ret = j;
  return TG_OK;
}

static enum tg_err page(struct view *v, const char *what, uint64_t after, json_t **ret)
{
  char number[24], name[48];
  snprintf(number, sizeof number, "%" PRIu64, after);
  snprintf(name, sizeof name, "view/%s-%s.json", what, number);
  if (v->r->place.kind == REVIEW_NODE_COPY)
    return view_read_json(v, name, ret);
  snprintf(v->where, sizeof v->where, "%s %s", what, number);
  return v->r->place.ask(v->r->place.ask_arg, "review", (const char *const[]){what, number, NULL}, ret, v->why);
}

enum tg_err view_each_page(struct view *v, const char *what, const char *list, uint64_t after,
                             enum tg_err (*each)(struct view *v, const json_t *one))
{
  for (unsigned idle = 0; idle < IDLE_PAGES; idle++) {
    const uint64_t had = v->fresh + v->n_roots;
    json_t *j = NULL;
    const json_t *one, *next;
    size_t i;
    enum tg_err err = page(v, what, after, &j);
    char at[96];
    memcpy(at, v->where, sizeof at);
    if (!err && !json_is_array(json_object_get(j, list)))
      err = view_odd(v);
    json_array_foreach(json_object_get(j, list), i, one) {
      memcpy(v->where, at, sizeof at);
      if (!err)
        err = each(v, one);
    }
    v->unproven += (uint64_t)json_integer_value(json_object_get(j, "elsewhere")); /* in the log of another hub, as it says itself */
    next = json_object_get(j, "next");
    const uint64_t to = (uint64_t)json_integer_value(next);
    const bool more = !err && json_is_integer(next) && to > after;
    json_decref(j);
    if (err || !more)
      return err;
    after = to;
    idle = v->fresh + v->n_roots == had ? idle : 0;
  }
  return why_set(v->why, TG_BAD_INPUT, v->where, N_("this goes on and on, and brings nothing new"),
                 N_("No honest node answers so. Nothing of it is taken in: ask its operators, or another node"), NULL, NULL, NULL);
}

bool view_text_bytes(const json_t *j, const char *name, size_t max, struct buf *out)
{
  const json_t *text = json_object_get(j, name);
  const size_t n = json_string_length(text);
  size_t got = 0;
  buf_clear(out);
  if (!json_is_string(text) || n > max / 3 * 4 + 8)
    return false;
  uint8_t *room = buf_grow(out, n / 4 * 3 + 3);
  if (!room || sodium_base642bin(room, n / 4 * 3 + 3, json_string_value(text), n, NULL, &got, NULL, sodium_base64_VARIANT_ORIGINAL) != 0)
    return false;
  out->n = got;
  return true;
}
