#include "tests/client/node/world.h"

#include "client/node/schema.h"
#include "os/db.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

static int found(void **state, void (*tune)(struct charter *))
{
  static struct world w;
  w.kit = kit_new(WORLD_MEMBERS, WORLD_FOUNDED, tune);
  w.pair = pair_new(w.kit);
  *state = &w;
  return 0;
}

int world_new(void **state) { return found(state, NULL); }
int world_witnessed(void **state) { return found(state, kit_two_cosign); }

int world_started(void **state)
{
  world_new(state);
  world_start(*state);
  return 0;
}

int world_free(void **state)
{
  struct world *w = *state;
  pair_free(w->pair);
  kit_free(w->kit);
  return 0;
}

struct pair *world_start(struct world *w)
{
  for (size_t i = 0; i < WORLD_MEMBERS; i++)
    pair_start(w->pair, i);
  pair_settle(w->pair);
  return w->pair;
}

struct pair *world_pair(void **state)
{
  return ((struct world *)*state)->pair;
}

void world_restart(struct pair *p, size_t member)
{
  pair_kill(p, member);
  pair_start(p, member);
  pair_settle(p);
}

struct hash world_publish(struct pair *p, const char *to, const char *text)
{
  struct hash id;
  assert_int_equal(pair_publish(p, ML, &(struct pair_bulletin){.to = to, .text = text}, &id), TG_OK);
  return id;
}

void world_reconnect(struct pair *p, size_t member)
{
  pair_plug(p, member, false);
  pair_plug(p, member, true);
  pair_pass(p, TG_MINUTE);
}

void world_acknowledge(struct pair *p, const struct hash *id)
{
  Tg__LAck m = TG__LACK__INIT;
  enum local_type type;
  m.bulletin = slice_data(hash_slice(id));
  assert_non_null(pair_ask(p, BF, LOCAL_ACK, &m.base, &type));
  assert_int_equal(type, LOCAL_DONE);
}

void world_alter(struct pair *p, size_t member, const char *statement)
{
  struct db *db;
  pair_kill(p, member);
  assert_int_equal(db_open(&(struct db_options){.path = pair_database(p, member), .application_id = SCHEMA_APPLICATION, .migrations = schema_migrations,
                                                .n_migrations = SCHEMA_MIGRATIONS}, &db, NULL), TG_OK);
  assert_int_equal(db_run(db_stmt(db, statement)), TG_OK);
  assert_true(db_changes(db) > 0);
  db_close(&db);
  pair_start(p, member);
}
