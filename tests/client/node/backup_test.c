/* A copy of a node that works: who may have it, one at a time, and nothing of it stays. Simulated time, real stores. */
#include "client/node/depot.h"
#include "tests/client/node/world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/stat.h>

#include <cmocka.h>

enum { READER = 2000, ADMIN = 2001 };

static int set_up(void **state)
{
  static const struct node_user users[] = {{0, NODE_ADMIN}, {READER, NODE_READER | NODE_PUBLISHER | NODE_APPROVER | NODE_OFFICER | NODE_AUDITOR}, {ADMIN, NODE_ADMIN}};
  world_new(state);
  for (size_t i = 0; i < WORLD_MEMBERS; i++) {
    pair_config(world_pair(state), i)->users = users;
    pair_config(world_pair(state), i)->n_users = 3;
  }
  world_start(*state);
  return 0;
}

static bool left(struct pair *p, size_t member)
{
  char path[512];
  struct stat st;
  snprintf(path, sizeof path, "%s-copy", pair_database(p, member));
  return stat(path, &st) == 0;
}

static void put_back(struct pair *p, size_t member, struct slice copy)
{
  char path[512];
  for (size_t i = 0; i < 2; i++) {
    snprintf(path, sizeof path, "%s%s", pair_database(p, member), i ? "-end" : "-wal");
    (void)remove(path);
  }
  FILE *f = fopen(pair_database(p, member), "wb");
  assert_non_null(f);
  assert_int_equal(fwrite(copy.p, 1, copy.n, f), copy.n);
  assert_int_equal(fclose(f), 0);
}

/* The error that the program was told. */
static uint32_t asked(struct pair *p, uint32_t uid, struct buf *out)
{
  Tg__LBackup m = TG__LBACKUP__INIT;
  return pair_backup(p, ML, uid, &m, out);
}

static void a_copy_is_gone_on_from(void **state)
{
  struct pair *p = world_pair(state);
  struct buf copy = buf_new(64 << 20);
  struct hash first, lost, id;
  /* Large enough for many turns. */
  assert_int_equal(pair_publish(p, ML, &(struct pair_bulletin){.to = "BF", .size = 5000000}, &first), TG_OK);
  pair_pass(p, TG_MINUTE);
  assert_int_equal(asked(p, ADMIN, &copy), TG_OK);
  assert_true(copy.n > 5000000);
  assert_false(left(p, ML));
  for (unsigned i = 0; i < 2; i++)
    assert_int_equal(pair_publish(p, ML, &(struct pair_bulletin){.to = "BF", .text = "lost"}, &lost), TG_OK);
  pair_settle(p);
  pair_kill(p, ML);
  put_back(p, ML, buf_slice(&copy));
  pair_start(p, ML);
  pair_settle(p);
  assert_int_equal(pair_told(p, ML, "store-is-old"), 1);
  assert_int_equal(look_size(p, ML, &first), 5000000);
  assert_int_equal(pair_publish(p, ML, &(struct pair_bulletin){.to = "BF", .text = "new"}, &id), TG_OK);
  assert_int_equal(pair_publish(p, BF, &(struct pair_bulletin){.to = "ML", .text = "answer"}, NULL), TG_OK);
  pair_settle(p);
  assert_true(look_sent(p, ML, &id) >= SENT_DELIVERED);
  assert_int_equal(look_inbox(p, BF), 4);
  assert_int_equal(look_inbox(p, ML), 1);
  assert_int_equal(pair_told(p, BF, "number-twice"), 0);
  buf_free(&copy);
}

static void only_an_administrator_has_one(void **state)
{
  struct pair *p = world_pair(state);
  struct buf copy = buf_new(1 << 20);
  assert_int_equal(asked(p, READER, &copy), TG_REFUSED);
  assert_false(left(p, ML));
  buf_free(&copy);
}

static void without_room_none_is_begun(void **state)
{
  struct pair *p = world_pair(state);
  struct buf copy = buf_new(64 << 20);
  node_disk(pair_core(p, ML), (64 << 20) + 4096); /* the reserve, and a page */
  assert_int_equal(asked(p, ADMIN, &copy), TG_DISK);
  assert_false(left(p, ML));
  node_disk(pair_core(p, ML), (64 << 20) + (8 << 20));
  assert_int_equal(asked(p, ADMIN, &copy), TG_OK);
  buf_free(&copy);
}

static void begin(struct pair *p, uint64_t client)
{
  struct buf frame = buf_new(4096);
  Tg__LHello hello = TG__LHELLO__INIT;
  Tg__LBackup m = TG__LBACKUP__INIT;
  hello.request = 1;
  hello.protocol = LOCAL_PROTOCOL;
  m.request = 2;
  assert_int_equal(node_client_joined(pair_core(p, ML), client, ADMIN), TG_OK);
  assert_int_equal(local_encode(LOCAL_HELLO, &hello.base, &frame, NULL), TG_OK);
  assert_int_equal(node_client_frame(pair_core(p, ML), client, buf_slice(&frame)), TG_OK);
  buf_clear(&frame);
  assert_int_equal(local_encode(LOCAL_BACKUP, &m.base, &frame, NULL), TG_OK);
  assert_int_equal(node_client_frame(pair_core(p, ML), client, buf_slice(&frame)), TG_OK);
  buf_free(&frame);
}

static void one_at_a_time_and_nothing_stays(void **state)
{
  struct pair *p = world_pair(state);
  struct buf copy = buf_new(64 << 20);
  assert_int_equal(pair_publish(p, ML, &(struct pair_bulletin){.to = "BF", .size = 5000000}, NULL), TG_OK);
  pair_pass(p, TG_MINUTE);
  begin(p, 7);
  assert_true(left(p, ML));
  assert_int_equal(asked(p, ADMIN, &copy), TG_BUSY);
  assert_true(left(p, ML));
  /* Who asked goes away. */
  assert_int_equal(node_client_gone(pair_core(p, ML), 7), TG_OK);
  assert_false(left(p, ML));
  /* The node is killed in the middle: the next start tidies up. */
  begin(p, 8);
  pair_settle(p);
  assert_true(left(p, ML));
  char path[512], aside[520];
  snprintf(path, sizeof path, "%s-copy", pair_database(p, ML));
  snprintf(aside, sizeof aside, "%s.aside", path);
  assert_int_equal(rename(path, aside), 0);
  pair_kill(p, ML);
  assert_int_equal(rename(aside, path), 0);
  pair_start(p, ML);
  assert_false(left(p, ML));
  assert_int_equal(asked(p, ADMIN, &copy), TG_OK);
  buf_free(&copy);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, set_up, world_free)
  const struct CMUnitTest tests[] = {T(a_copy_is_gone_on_from), T(only_an_administrator_has_one), T(without_room_none_is_begun),
                                     T(one_at_a_time_and_nothing_stays)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
