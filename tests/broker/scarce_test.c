/* Memory that runs out once, in each of a hub's allocations in turn. That is nobody's fault: the hub ends, and its next life decides. No node is
   struck, refused or accused for it, no entry says so, and all that was handed in arrives. The linker leads the stage's calls of the hub through
   here (--wrap, CMakeLists.txt). */
#include "tests/broker/stage.h"
#include "tests/sim/scarce.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum { ML, BF, LARGE = 24 * 1024 }; /* the hub takes more than it has at the start to take it apart */
enum { FEWEST = 20 }; /* allocations: were there no more, they would not be seen here, and none would have failed */

static struct {
  uint64_t scarce; /* allocations until the one that fails; 0: all are granted */
} memory;
static bool ended; /* the hub's process */

/* ---- between the stage and the hub */

/* Once it has ended nothing reaches it, and the stage sees a hub that is silent. */
static enum tg_err passed(enum tg_err err)
{
  ended = ended || err == TG_NO_MEMORY;
  return err == TG_NO_MEMORY ? TG_OK : err;
}
#define PASS(call) (ended ? TG_OK : passed(SCARCE(&memory, (call))))

static struct hub_effects stage_effects;

static void send(void *context, const struct seal_pk *peer, struct slice frame)
{
  scarce_rest();
  stage_effects.send(context, peer, frame);
}

static void allow(void *context, const struct hub_peer *peers, size_t count)
{
  scarce_rest();
  stage_effects.allow(context, peers, count);
}

static void sign(void *context, const struct hub_sign *request)
{
  scarce_rest();
  stage_effects.sign(context, request);
}

/* Everything that a hub can hold against a node. */
static void tell(void *context, const struct hub_event *e)
{
  static const char *const blames[] = {"malformed", "bulletin-refused", "document-refused", "session-refused"};
  (void)context;
  scarce_rest();
  bool blame = e->level == HUB_ALARM;
  for (size_t i = 0; i < sizeof blames / sizeof *blames; i++)
    blame |= strcmp(e->name, blames[i]) == 0;
  if (blame)
    fail_msg("the hub says %s of %s: %s", e->name, e->node ? e->node : "nobody", e->why && e->why->what ? e->why->what : "");
}

__typeof__(hub_new) __real_hub_new, __wrap_hub_new;
__typeof__(hub_frame) __real_hub_frame, __wrap_hub_frame;
__typeof__(hub_time) __real_hub_time, __wrap_hub_time;
__typeof__(hub_signed) __real_hub_signed, __wrap_hub_signed;
__typeof__(hub_commit) __real_hub_commit, __wrap_hub_commit;
__typeof__(hub_is_busy) __real_hub_is_busy, __wrap_hub_is_busy;

enum tg_err __wrap_hub_new(const struct hub_config *config, struct store **store, const struct hub_effects *effects, struct hub_now now,
                           struct slice signed_note, struct hub **ret, struct tg_why *why)
{
  stage_effects = *effects;
  struct hub_effects watched = *effects;
  watched.send = send;
  watched.allow = allow;
  watched.sign = sign;
  watched.tell = tell;
  return SCARCE(&memory, __real_hub_new(config, store, &watched, now, signed_note, ret, why));
}

enum tg_err __wrap_hub_frame(struct hub *hub, const struct seal_pk *peer, struct slice frame)
{
  return PASS(__real_hub_frame(hub, peer, frame));
}

enum tg_err __wrap_hub_time(struct hub *hub, struct hub_now now)
{
  return PASS(__real_hub_time(hub, now));
}

enum tg_err __wrap_hub_signed(struct hub *hub, struct slice note)
{
  return PASS(__real_hub_signed(hub, note));
}

enum tg_err __wrap_hub_commit(struct hub *hub, struct tg_why *why)
{
  return PASS(__real_hub_commit(hub, why));
}

bool __wrap_hub_is_busy(const struct hub *hub)
{
  return !ended && __real_hub_is_busy(hub);
}

/* ---- the story */

/* With nothing in its memory. */
static void begin_again(struct stage *s)
{
  ended = false;
  assert_int_equal(stage_restart(s), TG_OK);
  for (size_t i = 0; i < s->actors; i++)
    actor_hello(&s->actor[i]);
  stage_settle(s);
}

/* Did the hub end? Then its next life began, and its nodes are back. */
static bool came_again(struct stage *s)
{
  const bool again = ended;
  if (again)
    begin_again(s);
  return again;
}

static bool was_given(const struct actor *a, const struct hash *id)
{
  for (size_t i = 0; i < a->deliveries; i++)
    if (hash_eq(&a->delivery[i].id, id))
      return true;
  return false;
}

static void a_bulletin_arrives(struct stage *s)
{
  struct actor *from = &s->actor[ML], *to = &s->actor[BF];
  static uint8_t content[LARGE];
  struct sealed b = actor_seal(from, (struct story){.to = "BF/ops", .wraps = "BF", .content = slice_of(content, sizeof content)});
  do {
    actor_submit(from, &b);
    stage_settle(s);
  } while (came_again(s));
  buf_free(&b.body.bytes);
  assert_true(from->outcomes > 0 && was_given(to, &b.id));
  for (size_t i = 0; i < from->outcomes; i++)
    assert_true(from->outcome[i].accepted);
  do {
    actor_receive(to, to->deliveries - 1, RECEIPT_STORED);
    stage_settle(s);
  } while (came_again(s));
  assert_true(from->notes > 0 && to->seen_serials > 0);
}

/* In one frame, of which the hub keeps what it has not taken in yet. */
static void several_arrive_at_once(struct stage *s)
{
  enum { SEVERAL = 3 };
  struct actor *from = &s->actor[ML], *to = &s->actor[BF];
  static uint8_t content[HUB_PART];
  Tg__Submission *item[SEVERAL];
  Tg__Submit m = TG__SUBMIT__INIT;
  struct hash id[SEVERAL];
  for (size_t i = 0; i < SEVERAL; i++) {
    struct sealed b = actor_seal(from, (struct story){.to = "BF/ops", .wraps = "BF", .content = slice_of(content, sizeof content)});
    body_drop(&b.body);
    item[i] = b.message;
    id[i] = b.id;
  }
  m.n_items = SEVERAL;
  m.items = item;
  do {
    actor_frame(from, FRAME_SUBMIT, &m.base);
    stage_settle(s);
  } while (came_again(s));
  for (size_t i = 0; i < SEVERAL; i++)
    assert_true(was_given(to, &id[i]));
  for (size_t i = 0; i < from->outcomes; i++)
    assert_true(from->outcome[i].accepted);
  do {
    actor_receive_all(to, 0, to->deliveries, RECEIPT_STORED);
    stage_settle(s);
  } while (came_again(s));
}

static void keys_are_announced(struct stage *s)
{
  struct actor *a = &s->actor[BF];
  do {
    actor_sealing_keys(a);
    stage_settle(s);
  } while (came_again(s));
  assert_true(a->document_outcomes > 0);
  for (size_t i = 0; i < a->document_outcomes; i++)
    assert_int_equal(a->document_outcome[i], REASON_NONE);
}

/* By both, whom the quorum demands. */
static void the_log_is_settled(struct stage *s)
{
  do {
    stage_pass(s, 2000); /* until they are called */
    for (size_t i = 0; i < s->actors; i++)
      actor_cosign(&s->actor[i], s->actor[i].kit->witness);
    stage_settle(s);
  } while (came_again(s));
  assert_int_equal(stage_count(s, "cosignatures_ignored"), 0);
  assert_int_equal(stage_count(s, "log_settled"), s->actor[ML].seen.size);
}

static void nobody_is_blamed_for_a_hub_without_memory(void **state)
{
  (void)state;
  struct stage *s = stage_new(2, kit_two_cosign);
  for (uint64_t n = 1;; n++) {
    begin_again(s);
    memory.scarce = n;
    a_bulletin_arrives(s);
    several_arrive_at_once(s);
    keys_are_announced(s);
    the_log_is_settled(s);
    for (size_t i = 0; i < s->actors; i++) {
      assert_int_equal(s->actor[i].goodbye, REASON_NONE);
      actor_forget(&s->actor[i]);
    }
    if (memory.scarce > 0) { /* so many are not asked for */
      printf("%llu allocations, each of which failed once\n", (unsigned long long)n - 1);
      assert_true(n > FEWEST);
      break;
    }
  }
  memory.scarce = 0;
  assert_int_equal(s->cuts, 0);
  stage_free(s);
}

static void a_hub_that_cannot_start_says_so(void **state)
{
  (void)state;
  struct stage *s = stage_new(2, kit_two_cosign);
  a_bulletin_arrives(s);
  for (uint64_t n = 1;; n++) {
    memory.scarce = n;
    const enum tg_err err = stage_restart(s);
    if (memory.scarce > 0) {
      printf("%llu allocations at the start\n", (unsigned long long)n - 1);
      assert_true(n > FEWEST);
      assert_int_equal(err, TG_OK);
      break;
    }
    if (err)
      assert_int_equal(err, TG_NO_MEMORY);
  }
  memory.scarce = 0;
  for (size_t i = 0; i < s->actors; i++)
    actor_hello(&s->actor[i]);
  a_bulletin_arrives(s);
  stage_free(s);
}

int main(void)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(nobody_is_blamed_for_a_hub_without_memory),
                                     cmocka_unit_test(a_hub_that_cannot_start_says_so)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
