#include "client/review/words.h"

#include "proto/buf.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SLOTS = 4096, LIST_MAX = 1024 };

/* A word and its current piece. */
struct slot {
  char text[WORD_MAX];
  uint64_t id, piece;
  bool loaded; /* bits are those of `piece` */
  uint8_t *bits;
  struct slot *next;
};

struct words {
  struct db *db;
  struct slot *slot[SLOTS];
};

struct words *words_new(struct db *db)
{
  struct words *w = calloc(1, sizeof *w);
  if (w)
    w->db = db;
  return w;
}

void words_reset(struct words *w)
{
  for (size_t i = 0; i < SLOTS; i++) {
    for (struct slot *s = w->slot[i], *next; s; s = next) {
      next = s->next;
      free(s->bits);
      free(s);
    }
    w->slot[i] = NULL;
  }
}

void words_free(struct words *w)
{
  if (!w)
    return;
  words_reset(w);
  free(w);
}

/* ---- pieces in the database ---- */

static enum tg_err read_piece(struct words *w, uint64_t id, uint64_t piece, uint8_t bits[WORDS_BYTES])
{
  struct db_stmt *s = db_stmt(w->db, "SELECT bits FROM bits WHERE word = ?1 AND piece = ?2");
  bool row;
  db_bind_u64(s, 1, id);
  db_bind_u64(s, 2, piece);
  enum tg_err err = db_step(s, &row);
  if (err || !row)
    return err;
  struct slice found = db_blob(s, 0);
  if (found.n == WORDS_BYTES)
    for (size_t i = 0; i < WORDS_BYTES; i++)
      bits[i] |= found.p[i];
  for (uint16_t at; found.n < WORDS_BYTES && take_u16(&found, &at);)
    bits[at / 8 % WORDS_BYTES] |= (uint8_t)(1 << at % 8);
  db_reset(s);
  return TG_OK;
}

static size_t count_bits(const uint8_t *bits)
{
  size_t n = 0;
  for (size_t i = 0; i < WORDS_BYTES; i++)
    n += (size_t)__builtin_popcount(bits[i]);
  return n;
}

static enum tg_err write_piece(struct words *w, const struct slot *slot)
{
  struct buf list = buf_new(2 * LIST_MAX);
  struct slice bytes = slice_of(slot->bits, WORDS_BYTES);
  if (count_bits(slot->bits) <= LIST_MAX) {
    for (unsigned i = 0; i < WORDS_PIECE; i++)
      if (slot->bits[i / 8] >> i % 8 & 1)
        buf_put_u16(&list, (uint16_t)i);
    bytes = buf_slice(&list);
  }
  struct db_stmt *s = db_stmt(w->db, "INSERT OR REPLACE INTO bits(word, piece, bits) VALUES(?1, ?2, ?3)");
  db_bind_u64(s, 1, slot->id);
  db_bind_u64(s, 2, slot->piece);
  db_bind_blob(s, 3, bytes);
  enum tg_err err = db_run(s);
  buf_free(&list);
  return err;
}

/* ---- words ---- */

static enum tg_err find_id(struct words *w, const char *word, uint64_t *ret)
{
  struct db_stmt *s = db_stmt(w->db, "SELECT id FROM word WHERE text = ?1");
  db_bind_text(s, 1, slice_str(word));
  return db_number(s, ret);
}

static enum tg_err make_id(struct words *w, const char *word, uint64_t *ret)
{
  enum tg_err err = find_id(w, word, ret);
  if (err != TG_NOT_FOUND)
    return err;
  struct db_stmt *s = db_stmt(w->db, "INSERT INTO word(text) VALUES(?1)");
  db_bind_text(s, 1, slice_str(word));
  err = db_run(s);
  return err ? err : find_id(w, word, ret);
}

static size_t slot_of(const char *word)
{
  uint32_t h = 2166136261u;
  for (; *word; word++)
    h = (h ^ (uint8_t)*word) * 16777619u;
  return h % SLOTS;
}

static struct slot *find_slot(const struct words *w, const char *word)
{
  struct slot *s = w->slot[slot_of(word)];
  while (s && strcmp(s->text, word) != 0)
    s = s->next;
  return s;
}

static enum tg_err make_slot(struct words *w, const char *word, struct slot **ret)
{
  struct slot *s = find_slot(w, word);
  if (s)
    return *ret = s, TG_OK;
  s = calloc(1, sizeof *s);
  if (!s || !(s->bits = calloc(1, WORDS_BYTES))) {
    free(s);
    return TG_NO_MEMORY;
  }
  snprintf(s->text, sizeof s->text, "%s", word);
  enum tg_err err = make_id(w, s->text, &s->id);
  if (err) {
    free(s->bits);
    free(s);
    return err;
  }
  struct slot **head = &w->slot[slot_of(s->text)];
  s->next = *head;
  *head = s;
  *ret = s;
  return TG_OK;
}

enum tg_err words_add(struct words *w, const char *word, uint64_t leaf)
{
  struct slot *s;
  const uint64_t piece = leaf / WORDS_PIECE;
  enum tg_err err = make_slot(w, word, &s);
  if (!err && s->loaded && s->piece != piece)
    err = write_piece(w, s);
  if (!err && (!s->loaded || s->piece != piece)) {
    memset(s->bits, 0, WORDS_BYTES);
    s->piece = piece;
    s->loaded = true;
    err = read_piece(w, s->id, piece, s->bits);
  }
  if (err)
    return err;
  s->bits[leaf % WORDS_PIECE / 8] |= (uint8_t)(1 << leaf % 8);
  return TG_OK;
}

enum tg_err words_flush(struct words *w)
{
  enum tg_err err = TG_OK;
  for (size_t i = 0; i < SLOTS; i++)
    for (struct slot *s = w->slot[i]; !err && s; s = s->next)
      if (s->loaded)
        err = write_piece(w, s);
  if (!err)
    words_reset(w);
  return err;
}

enum tg_err words_piece(struct words *w, const char *word, uint64_t piece, uint8_t bits[WORDS_BYTES])
{
  uint64_t id;
  enum tg_err err = find_id(w, word, &id);
  if (err)
    return err == TG_NOT_FOUND ? TG_OK : err;
  return read_piece(w, id, piece, bits);
}

enum tg_err words_like(struct words *w, const char *prefix, enum tg_err (*each)(void *arg, const char *word), void *arg)
{
  const size_t n = strlen(prefix);
  char word[WORD_MAX];
  enum tg_err err = TG_OK;
  snprintf(word, sizeof word, "%s", prefix);
  for (bool first = true; !err; first = false) {
    struct db_stmt *s = first ? db_stmt(w->db, "SELECT text FROM word WHERE text >= ?1 ORDER BY text LIMIT 1")
                              : db_stmt(w->db, "SELECT text FROM word WHERE text > ?1 ORDER BY text LIMIT 1");
    bool row;
    db_bind_text(s, 1, slice_str(word));
    err = db_step(s, &row);
    if (err || !row)
      break;
    struct slice text = db_text(s, 0);
    snprintf(word, sizeof word, "%.*s", (int)text.n, (const char *)text.p);
    db_reset(s);
    if (strncmp(word, prefix, n) != 0)
      break;
    err = each(arg, word);
  }
  return err;
}
