/* Memory that runs out once, in each of a node's allocations in turn. That is nobody's fault: the node ends, and its next life decides. Nobody is
   accused, nothing true is refused or given up for it, no evidence is written, and all arrives. The linker leads the kit's calls of the node through
   here (--wrap, CMakeLists.txt). */
#include "tests/kit/pair.h"
#include "tests/sim/scarce.h"

#include <setjmp.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum { ML, BF, MEMBERS, PATIENCE_S = 120 };
enum { FEWEST = 20 }; /* allocations: were there no more, they would not be seen here, and none would have failed */
#define START ((tg_time)1796083200000) /* 2026-12-01T00:00:00Z */

static uint64_t stride = 5; /* between the allocations that fail */
static struct {
  uint64_t scarce; /* allocations until the one that fails; 0: all are granted */
} memory;
static struct {
  const struct node_config *config; /* the one whose memory it is */
  struct node_core *core;
  bool ended;
} node;

/* ---- between the kit and the nodes */

/* Once it has ended nothing reaches it, and the kit sees a node that is silent. */
static bool ends_it(enum tg_err err)
{
  return err == TG_NO_MEMORY || (err == TG_DISK && memory.scarce == 0); /* a write for which there was no memory */
}

static enum tg_err passed(enum tg_err err)
{
  node.ended = node.ended || ends_it(err);
  if (err && !ends_it(err))
    fail_msg("for lack of memory a node answers %s", tg_err_name(err));
  return TG_OK;
}
#define PASS(core, call) ((core) != node.core ? (call) : node.ended ? TG_OK : passed(SCARCE(&memory, (call))))

static struct node_effects kit;

static size_t to_hub(void *context, struct slice frame)
{
  scarce_rest();
  return kit.to_hub(context, frame);
}

static void to_nowhere(void *context, const char *endpoint, const struct seal_pk *hub)
{
  scarce_rest();
  kit.connect(context, endpoint, hub);
}

static size_t to_client(void *context, uint64_t client, struct slice frame)
{
  scarce_rest();
  return kit.to_client(context, client, frame);
}

static void evidence(void *context, const char *name, struct slice text)
{
  (void)context;
  scarce_rest();
  fail_msg("a node has evidence, %s: %.*s", name, (int)text.n, (const char *)text.p);
}

/* What a person is told aloud, or is to do something about. */
static void tell(void *context, const struct node_event *e)
{
  scarce_rest();
  if (e->level == NODE_ALARM || e->level == NODE_ERROR)
    fail_msg("a node says %s of %s: %s", e->name, e->who ? e->who : "nobody", e->why && e->why->what ? e->why->what : "");
  kit.tell(context, e);
}

__typeof__(node_new) __real_node_new, __wrap_node_new;
__typeof__(node_document) __real_node_document, __wrap_node_document;
__typeof__(node_time) __real_node_time, __wrap_node_time;
__typeof__(node_link) __real_node_link, __wrap_node_link;
__typeof__(node_frame) __real_node_frame, __wrap_node_frame;
__typeof__(node_client_joined) __real_node_client_joined, __wrap_node_client_joined;
__typeof__(node_client_frame) __real_node_client_frame, __wrap_node_client_frame;
__typeof__(node_turn) __real_node_turn, __wrap_node_turn;

/* One that cannot start is started once more. */
enum tg_err __wrap_node_new(const struct node_config *config, const struct node_secrets *secrets, const struct node_effects *effects,
                            struct node_now now, struct node_core **ret, struct tg_why *why)
{
  kit = *effects;
  struct node_effects watched = *effects;
  watched.to_hub = to_hub;
  watched.connect = to_nowhere;
  watched.to_client = to_client;
  watched.evidence = evidence;
  watched.tell = tell;
  if (config != node.config)
    return __real_node_new(config, secrets, &watched, now, ret, why);
  enum tg_err err = SCARCE(&memory, __real_node_new(config, secrets, &watched, now, ret, why));
  if (ends_it(err))
    err = __real_node_new(config, secrets, &watched, now, ret, why);
  node.core = *ret;
  node.ended = false;
  return err;
}

enum tg_err __wrap_node_document(struct node_core *core, struct slice content, struct tg_why *ret_refusal)
{
  return PASS(core, __real_node_document(core, content, ret_refusal));
}

enum tg_err __wrap_node_time(struct node_core *core, struct node_now now)
{
  return PASS(core, __real_node_time(core, now));
}

enum tg_err __wrap_node_link(struct node_core *core, enum node_link_state state)
{
  return PASS(core, __real_node_link(core, state));
}

enum tg_err __wrap_node_frame(struct node_core *core, struct slice frame)
{
  return PASS(core, __real_node_frame(core, frame));
}

enum tg_err __wrap_node_client_joined(struct node_core *core, uint64_t client, uint32_t uid)
{
  return PASS(core, __real_node_client_joined(core, client, uid));
}

enum tg_err __wrap_node_client_frame(struct node_core *core, uint64_t client, struct slice frame)
{
  return PASS(core, __real_node_client_frame(core, client, frame));
}

enum tg_err __wrap_node_turn(struct node_core *core, struct tg_why *why)
{
  return PASS(core, __real_node_turn(core, why));
}

/* ---- the story */

static void begin_again(struct pair *p, size_t member)
{
  pair_kill(p, member);
  pair_start(p, member);
  pair_settle(p);
}

/* Did the node end? Then its next life began. */
static bool came_again(struct pair *p, size_t member)
{
  const bool again = node.ended;
  while (node.ended)
    begin_again(p, member);
  return again;
}

/* Until this was told so often; meanwhile the node may end. */
static void until_told(struct pair *p, size_t subject, size_t member, const char *name, unsigned times)
{
  for (int s = 0; pair_told(p, member, name) < times; s++) {
    if (s == PATIENCE_S)
      fail_msg("%s was not told %u times", name, times);
    pair_pass(p, TG_SECOND);
    (void)came_again(p, subject);
  }
}

static void a_bulletin_arrives(struct pair *p, size_t subject, const char *text)
{
  const unsigned received = pair_told(p, BF, "received"), stored = pair_told(p, ML, "stored");
  const struct pair_bulletin b = {.to = "BF/ops", .text = text};
  struct hash id;
  enum tg_err err;
  unsigned tries = 0;
  do {
    err = pair_publish(p, ML, &b, &id);
    pair_settle(p);
    assert_true(++tries < 4);
  } while (came_again(p, subject) || err == TG_NO_MEMORY);
  assert_int_equal(err, TG_OK);
  until_told(p, subject, BF, "received", received + 1);
  until_told(p, subject, ML, "stored", stored + 1);
}

static void a_document_arrives(struct pair *p, struct kit *k, size_t subject)
{
  const unsigned taken = pair_told(p, subject, "document-taken");
  struct sign_pk lost;
  randombytes_buf(lost.b, sizeof lost.b);
  struct buf note = kit_revoke_key(k, ML, &lost, pair_now(p));
  pair_document(p, buf_slice(&note));
  pair_settle(p);
  (void)came_again(p, subject);
  until_told(p, subject, subject, "document-taken", taken + 1);
  buf_free(&note);
}

/* What happens while an allocation fails, and then all that is to arrive nevertheless. */
enum chapter { STARTS, SPEAKS, LEARNS };

static void play(struct pair *p, struct kit *k, size_t subject, enum chapter chapter, const char *text)
{
  if (chapter == STARTS)
    begin_again(p, subject);
  else if (chapter == SPEAKS)
    a_bulletin_arrives(p, subject, text);
  else
    a_document_arrives(p, k, subject);
  pair_pass(p, 4 * TG_SECOND); /* a node may say hello so often in an hour */
  (void)came_again(p, subject);
}

static void nobody_is_blamed_for_a_node_without_memory(size_t subject)
{
  static char text[24 * 1024]; /* the node takes more than it has at the start to take it apart */
  struct kit *k = kit_new(MEMBERS, START, kit_two_cosign);
  struct pair *p = pair_new(k);
  memset(text, 'x', sizeof text - 1);
  for (size_t i = 0; i < MEMBERS; i++)
    pair_start(p, i);
  pair_settle(p);
  node.config = pair_config(p, subject);
  for (enum chapter c = STARTS; c <= LEARNS; c++)
    for (uint64_t n = 1;; n += stride) {
      begin_again(p, subject); /* with nothing in its memory */
      memory.scarce = n;
      play(p, k, subject, c, text);
      const bool over = memory.scarce > 0; /* so many are not asked for */
      memory.scarce = 0;
      if (over) {
        printf("chapter %u: %llu allocations\n", c, (unsigned long long)n - 1);
        assert_true(n > FEWEST);
        break;
      }
    }
  a_bulletin_arrives(p, subject, text);
  node.config = NULL;
  node.core = NULL;
  pair_free(p);
  kit_free(k);
}

static void of_an_originator(void **state)
{
  (void)state;
  nobody_is_blamed_for_a_node_without_memory(ML);
}

static void of_a_recipient(void **state)
{
  (void)state;
  nobody_is_blamed_for_a_node_without_memory(BF);
}

int main(int argc, char **argv)
{
  (void)argv;
  if (argc > 1) /* --every */
    stride = 1;
  const struct CMUnitTest tests[] = {cmocka_unit_test(of_an_originator), cmocka_unit_test(of_a_recipient)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
