/* The key that must have signed the log. */
#include "client/review/inside.h"

#include <stdlib.h>

struct search {
  struct slice origin;
  uint64_t version; /* of the charter that named the key; 0: none */
  struct note_key key;
  struct hash founding;
};

static enum tg_err look_at_charter(void *arg, struct slice bytes)
{
  struct search *s = arg;
  struct charter *c = NULL;
  struct note *note = malloc(sizeof *note);
  if (!note)
    return TG_NO_MEMORY;
  if (note_parse(bytes, NULL, note, NULL) == TG_OK && charter_parse(note->text, NULL, &c, NULL) == TG_OK) {
    if (c->version == 1 && charter_check_founding(c, note, NULL) == TG_OK)
      s->founding = document_hash(note->text);
    for (size_t i = 0; i < c->n_hubs && c->version >= s->version; i++)
      if (slice_is(s->origin, c->hub[i].log.name)) {
        s->key = c->hub[i].log;
        s->version = c->version;
      }
  }
  charter_free(c);
  free(note);
  return TG_OK;
}

enum tg_err key_find(struct review *r, struct slice origin, enum tg_err (*inside)(struct review *r, key_each *each, void *arg),
                     struct tg_why *why)
{
  struct search s = {.origin = origin};
  enum tg_err err = r->place.charter[0] ? place_notes(r->place.charter, look_at_charter, &s, why) : inside(r, look_at_charter, &s);
  if (err)
    return err;
  if (!s.version)
    return why_set(why, TG_NOT_FOUND, r->place.charter[0] ? r->place.charter : r->place.log,
                   N_("no charter here names a hub that keeps this log"),
                   N_("Give the charter of its exchange: --charter NOTE or the folder of documents"), NULL, NULL, NULL);
  if (!hash_is_zero(&s.founding) && hash_is_zero(&r->exchange))
    r->exchange = s.founding;
  r->place.key = s.key;
  r->place.has_key = true;
  return TG_OK;
}
