#include "tests/client/node/look.h"

#include "client/node/item.h"
#include "client/node/reading.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

size_t look_inbox(struct pair *p, size_t member)
{
  struct node_core *core = pair_core(p, member);
  struct inbox_row row;
  size_t n = 0;
  arena_reset(core->arena);
  for (uint64_t after = 0; inbox_after(core, after, core->arena, &row) == TG_OK; n++)
    after = row.place;
  return n;
}

size_t look_said(struct pair *p, size_t member, const char *log)
{
  struct db_stmt *s = db_stmt(depot_db(pair_core(p, member)->depot), "SELECT count(*) FROM said WHERE log = ?");
  db_bind_text(s, 1, slice_str(log));
  assert_int_equal(db_one(s), TG_OK);
  const uint64_t n = db_u64(s, 0);
  db_reset(s);
  return n;
}

const struct inbox_row *look_row(struct pair *p, size_t member, const struct hash *id)
{
  static struct inbox_row row;
  struct node_core *core = pair_core(p, member);
  arena_reset(core->arena);
  assert_int_equal(inbox_row(core, id, core->arena, &row), TG_OK);
  return &row;
}

enum sent_state look_sent(struct pair *p, size_t member, const struct hash *id)
{
  struct node_core *core = pair_core(p, member);
  struct sent_row row;
  arena_reset(core->arena);
  assert_int_equal(outbox_row(core, id, core->arena, &row), TG_OK);
  return row.state;
}

/* Reads all; the first 255 bytes into out. -1 when it cannot be read. */
static long read_all(struct pair *p, size_t member, const struct hash *id, char out[256])
{
  struct node_core *core = pair_core(p, member);
  struct reading *reading;
  struct tg_why why;
  enum tg_err verdict;
  long n = 0;
  out[0] = 0;
  arena_reset(core->arena);
  assert_int_equal(reading_new(core, id, 0, 0, 0, &reading, &verdict, &why), TG_OK);
  if (verdict != TG_OK)
    return -1;
  for (bool end = false; !end;) {
    struct slice piece;
    assert_int_equal(reading_next(core, reading, &piece, &end, &verdict, &why), TG_OK);
    if (verdict != TG_OK) {
      n = -1;
      break;
    }
    if (n == 0)
      snprintf(out, 256, "%.*s", (int)(piece.n < 255 ? piece.n : 255), piece.n ? (const char *)piece.p : "");
    n += (long)piece.n;
  }
  reading_free(reading);
  return n;
}

bool look_text(struct pair *p, size_t member, const struct hash *id, char out[256])
{
  return read_all(p, member, id, out) >= 0;
}

long look_size(struct pair *p, size_t member, const struct hash *id)
{
  char text[256];
  return read_all(p, member, id, text);
}

bool look_track(struct pair *p, size_t member, const struct hash *id, enum receipt_event event)
{
  struct track_row row;
  for (const struct track_row *after = NULL; item_track(pair_core(p, member), id, after, &row) == TG_OK; after = &row)
    if (row.event == event)
      return true;
  return false;
}

bool look_file(struct pair *p, size_t member, const void *bytes, size_t n)
{
  static const char *const ends[] = {"", "-wal", "-journal"};
  bool found = false;
  for (size_t i = 0; i < 3; i++) {
    char path[256];
    snprintf(path, sizeof path, "%s%s", pair_database(p, member), ends[i]);
    FILE *f = fopen(path, "rb");
    if (!f)
      continue;
    assert_int_equal(fseek(f, 0, SEEK_END), 0);
    size_t size = (size_t)ftell(f);
    char *all = malloc(size + 1);
    assert_non_null(all);
    rewind(f);
    assert_int_equal(fread(all, 1, size, f), size);
    found |= memmem(all, size, bytes, n) != NULL;
    free(all);
    fclose(f);
  }
  return found;
}
