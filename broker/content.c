#include "broker/content.h"

enum tg_err content_write(const Tg__Submission *message, struct buf *out)
{
  Tg__Submission m = *message;
  m.n_wraps = m.n_bodies = 0;
  size_t n = tg__submission__get_packed_size(&m);
  uint8_t *p = buf_grow(out, n);
  if (!p)
    return TG_NO_MEMORY;
  tg__submission__pack(&m, p);
  return TG_OK;
}

enum tg_err content_stored(enum tg_err err)
{
  return err && err != TG_NO_MEMORY ? TG_DISK : err;
}

static enum tg_err read_portion(const Tg__Submission *m, size_t i, struct arena *arena, struct content *c)
{
  enum tg_err err = portion_parse(strict_slice(m->portions[i]), arena, &c->portions[i], NULL);
  return content_stored(err ? err : release_parse(strict_slice(m->releases[i]), arena, &c->releases[i], NULL));
}

enum tg_err content_message(struct slice bytes, struct arena *arena, const Tg__Submission **ret)
{
  const Tg__Submission *m = tg__submission__unpack(arena_allocator(arena), bytes.n, bytes.p);
  if (!m && arena_is_starved(arena))
    return TG_NO_MEMORY;
  if (!m || m->n_portions > LIMIT_PORTIONS || m->n_releases != m->n_portions)
    return TG_DISK;
  *ret = m;
  return TG_OK;
}

enum tg_err content_read(struct slice bytes, const struct hash *id, struct arena *arena, struct content **ret)
{
  const Tg__Submission *m;
  struct content *c = arena_alloc(arena, sizeof *c);
  enum tg_err err = c ? content_message(bytes, arena, &m) : TG_NO_MEMORY;
  if (!err)
    err = content_stored(header_parse_known(strict_slice(m->header), id, arena, &c->header, NULL));
  if (err)
    return err;
  for (size_t i = 0; !err && i < m->n_portions; i++)
    err = read_portion(m, i, arena, c);
  if (err)
    return err;
  c->message = m;
  c->portion_count = m->n_portions;
  *ret = c;
  return TG_OK;
}
