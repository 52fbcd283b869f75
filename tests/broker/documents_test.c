/* The folder of documents: in what order a hub takes what lies there. */
#include "broker/core/documents.h"
#include "os/file.h"
#include "tests/broker/stage.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

enum { ML };

static int four(void **state)
{
  *state = stage_new(4, NULL);
  return 0;
}

struct folder {
  char path[96];
  unsigned n;
};

static void put(struct folder *f, const char *name, struct slice note)
{
  char path[192];
  struct tg_why why;
  snprintf(path, sizeof path, "%s/%s", f->path, name);
  assert_int_equal(file_write(path, note, 0600, &why), TG_OK);
}

static void put_founding(void *context, struct slice note)
{
  struct folder *f = context;
  char name[32];
  snprintf(name, sizeof name, "m%03u.note", f->n++);
  put(f, name, note);
}

static void put_policy(struct stage *s, struct folder *f, const char *name, uint64_t serial, const char *rules, size_t officers)
{
  struct buf note = kit_policy_note(s->kit, ML, serial, rules, s->now.wall - 30 * TG_MINUTE, officers);
  put(f, name, buf_slice(&note));
  buf_free(&note);
}

/* The hub that is to follow another finds all documents in its folder, and by name the charter that names it comes before some policies: what
   was decided before that is taken in as it was, and what comes later is not. */
static void what_is_older_comes_before_the_charter_that_names_the_hub(void **state)
{
  struct stage *s = *state;
  struct folder f = {.n = 0};
  struct secret_key *transport, *log;
  struct tg_why why;
  snprintf(f.path, sizeof f.path, "%s/documents", s->folder);
  assert_int_equal(mkdir(f.path, 0700), 0);
  kit_hub_keys("hub2", &transport, &log);
  struct buf charter = kit_charter_naming(s->kit, s->now.wall, "hub2", transport, log);
  put(&f, "n.note", buf_slice(&charter));
  kit_each_document(s->kit, put_founding, &f);
  put_policy(s, &f, "z2.note", 2, "export allow ** to NE up-to SECRET\nimport allow ** from * up-to SECRET\n", 1);
  put_policy(s, &f, "z3.note", 3, "export allow ** to * up-to SECRET\nimport allow ** from * up-to SECRET\n", 2);
  strcpy(s->config.name, "hub2");
  strcat(s->database, ".2");
  buf_clear(&s->signed_note);
  assert_int_equal(stage_restart(s), TG_OK);
  assert_int_equal(hub_time(s->hub, s->now), TG_OK);
  assert_int_equal(documents_take(f.path, s->hub, &why), TG_OK);
  assert_int_equal(stage_count(s, "documents"), f.n + 3);
  assert_int_equal(stage_document(s, &charter), TG_OK); /* it is known */
  put_policy(s, &f, "z4.note", 4, "import allow ** from * up-to SECRET\n", 1);
  put_policy(s, &f, "z5.note", 5, "export allow ** to * up-to SECRET\nimport allow ** from * up-to SECRET\n", 2);
  assert_int_equal(documents_take(f.path, s->hub, &why), TG_OK);
  assert_int_equal(stage_count(s, "documents"), f.n + 4); /* the last one widens now, and gives nobody time */
  buf_free(&charter);
  secret_key_free(transport);
  secret_key_free(log);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(what_is_older_comes_before_the_charter_that_names_the_hub, four, stage_gone),
  };
  return cmocka_run_group_tests_name("broker_documents", tests, NULL, NULL);
}
