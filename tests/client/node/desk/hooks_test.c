/* Hooks over an inbox that the test makes up, and a real store: each bulletin once, in order, whatever dies
 * in between. */
#include "client/node/alarms.h"
#include "client/node/hooks.h"
#include "client/node/inbox.h"
#include "client/node/item.h"
#include "client/node/reading.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sodium.h>
#include <unistd.h>
#include <cmocka.h>
#include <jansson.h>

/* ---- the rest of the node, made up */

enum { ROWS_MAX = 64 };
static enum inbox_state rows[ROWS_MAX + 1]; /* by place, from 1 */
static uint64_t n_rows;
static char told[64];
static const char *text = "a convoy is blocked";

enum tg_err core_begin(struct node_core *core)
{
  return depot_begin(core->depot, NULL);
}
void core_wake_now(struct node_core *core)
{
  core->woken++;
}

enum tg_err core_tell(struct node_core *core, enum node_level level, const char *name,
                      const struct hash *subject, const char *who, uint64_t number, const struct tg_why *why)
{
  (void)core;
  (void)level;
  (void)subject;
  (void)who;
  (void)number;
  (void)why;
  snprintf(told, sizeof told, "%s", name);
  return TG_OK;
}

enum tg_err inbox_last_place(struct node_core *core, uint64_t *ret)
{
  (void)core;
  *ret = n_rows;
  return TG_OK;
}

enum tg_err inbox_after(struct node_core *core, uint64_t after, struct arena *arena, struct inbox_row *ret)
{
  (void)core;
  (void)arena;
  if (after >= n_rows)
    return TG_NOT_FOUND;
  *ret = (struct inbox_row){.place = after + 1, .state = rows[after + 1]};
  ret->id.b[0] = (uint8_t)(after + 1);
  return TG_OK;
}

enum tg_err item_received(struct node_core *core, const struct inbox_row *row, struct arena *arena,
                          Tg__LItem **ret)
{
  Tg__LItem *item = arena_alloc(arena, sizeof *item);
  Tg__LPortionInfo *portion = arena_alloc(arena, sizeof *portion),
                   **portions = arena_alloc(arena, sizeof *portions);
  (void)core;
  tg__litem__init(item);
  tg__lportion_info__init(portion);
  item->bulletin = strict_data(arena_copy(arena, slice_of(row->id.b, 32)));
  item->originator = strict_data(slice_str("BF/anr/n1"));
  item->precedence = PRECEDENCE_FLASH;
  item->kind = KIND_REPORT;
  item->received = 1790000000000;
  item->n_portions = 1;
  item->portions = portions;
  portions[0] = portion;
  portion->content_type = strict_data(slice_str("text/plain"));
  portion->title = strict_data(slice_str("A \"title\""));
  portion->size = strlen(text);
  portion->complete = true;
  *ret = item;
  return TG_OK;
}

/* One bulletin of ours is known, with two recipients: the first has answered. */
enum tg_err outbox_row(struct node_core *core, const struct hash *id, struct arena *arena, struct sent_row *ret)
{
  (void)core;
  (void)arena;
  if (id->b[0] != 0x5e)
    return TG_NOT_FOUND;
  *ret = (struct sent_row){.id = *id, .precedence = PRECEDENCE_FLASH, .state = SENT_ACCEPTED, .header = {.subject = {.created = 1790000000000}}};
  return TG_OK;
}

enum tg_err item_track(struct node_core *core, const struct hash *id, const struct track_row *after, struct track_row *ret)
{
  const uint8_t next = after ? (uint8_t)(after->node.b[0] + 1) : 1;
  (void)core;
  (void)id;
  if (next > 2)
    return TG_NOT_FOUND;
  struct track_row row = {.event = next == 1 ? 1 : 0, .member = {{'N', 'E'}}};
  row.node.b[0] = next;
  snprintf(row.name, sizeof row.name, "NE/dgdse/n%u", next);
  *ret = row;
  return TG_OK;
}

enum tg_err reading_new(struct node_core *core, const struct hash *id, uint32_t portion, uint64_t offset,
                        uint64_t count, struct reading **ret, enum tg_err *ret_verdict,
                        struct tg_why *ret_why)
{
  (void)core;
  (void)id;
  (void)portion;
  (void)offset;
  (void)count;
  (void)ret_why;
  *ret = NULL;
  *ret_verdict = TG_OK;
  return TG_OK;
}

enum tg_err reading_next(struct node_core *core, struct reading *r, struct slice *ret_piece, bool *ret_end,
                         enum tg_err *ret_verdict, struct tg_why *ret_why)
{
  (void)core;
  (void)r;
  (void)ret_why;
  *ret_piece = slice_str(text);
  *ret_end = true;
  *ret_verdict = TG_OK;
  return TG_OK;
}

void reading_free(struct reading *r)
{
  (void)r;
}

/* ---- the story's node */

static const char *const two[] = {"file", "mail", NULL};
static const uint8_t storage_key[32] = {1};
static struct node_config config = {.hooks = two};
static struct node_core core;
static struct {
  uint64_t order;
  char json[2048];
} out[2]; /* what is under way, by hook; order 0: nothing */
static char path[64];

static void on_hook(void *context, const struct node_hook *order)
{
  (void)context;
  assert_int_equal(out[order->hook].order, 0); /* one at a time per hook */
  out[order->hook].order = order->order;
  snprintf(out[order->hook].json, sizeof out->json, "%.*s", (int)order->json.n, (const char *)order->json.p);
}

static void turn(void)
{
  const struct node_effects effects = {.hook = on_hook};
  assert_int_equal(hooks_turn(&core), TG_OK);
  assert_int_equal(depot_commit(core.depot, NULL), TG_OK);
  orders_carry_out(core.orders, &effects, NULL);
}

static void open_node(void)
{
  const struct depot_options options = {.path = path, .storage_key = storage_key};
  core = (struct node_core){
      .config = &config, .hooks = hooks_new(), .orders = orders_new(), .now = {1790000000000, 1000}};
  memset(out, 0, sizeof out);
  assert_int_equal(depot_open(&options, &core.depot, NULL), TG_OK);
  assert_int_equal(depot_begin(core.depot, NULL), TG_OK);
  assert_int_equal(hooks_load(&core), TG_OK);
  turn();
}

static void close_node(void)
{
  depot_close(&core.depot);
  hooks_free(core.hooks);
  orders_free(core.orders);
}

static int begin(void **state)
{
  (void)state;
  snprintf(path, sizeof path, "/tmp/toguna-hooks-%d.db", (int)getpid());
  unlink(path);
  memset(rows, 0, sizeof rows);
  n_rows = 0;
  open_node();
  return 0;
}

static int end(void **state)
{
  (void)state;
  close_node();
  unlink(path);
  return 0;
}

static void arrive(enum inbox_state state)
{
  rows[++n_rows] = state;
  hooks_offer(&core);
  turn();
}

/* The bulletin that a hook has in hand: the first byte of its id. */
static unsigned in_hand(size_t hook)
{
  unsigned id = 0;
  json_t *json = json_loads(out[hook].json, 0, NULL);
  assert_non_null(json);
  assert_int_equal(sscanf(json_string_value(json_object_get(json, "bulletin")), "%2x", &id), 1);
  json_decref(json);
  return id;
}

static void answer(size_t hook, int code)
{
  uint64_t order = out[hook].order;
  assert_true(order != 0);
  out[hook].order = 0;
  assert_int_equal(hooks_done(&core, order, code), TG_OK);
  turn();
}

static void later(int64_t ms)
{
  core.now.mono += ms;
  turn();
}

/* ---- stories */

static void every_hook_gets_every_bulletin_once_and_in_order(void **state)
{
  (void)state;
  assert_int_equal(out[0].order, 0);
  for (int i = 0; i < 3; i++)
    arrive(INBOX_CURRENT);
  for (unsigned i = 1; i <= 3; i++) {
    assert_int_equal(in_hand(0), i);
    answer(0, 0);
  }
  assert_int_equal(out[0].order, 0);
  assert_int_equal(in_hand(1), 1); /* the other is as slow as it likes */
  answer(1, 0);
  assert_int_equal(in_hand(1), 2);
}

static void a_hook_reads_json_with_the_text(void **state)
{
  (void)state;
  arrive(INBOX_CURRENT);
  json_t *json = json_loads(out[0].json, 0, NULL),
         *portion = json_array_get(json_object_get(json, "portions"), 0);
  assert_string_equal(json_string_value(json_object_get(json, "from")), "BF/anr/n1");
  assert_string_equal(json_string_value(json_object_get(json, "precedence")), "FLASH");
  assert_true(json_is_null(json_object_get(json, "supersedes")));
  assert_string_equal(json_string_value(json_object_get(portion, "title")), "A \"title\"");
  assert_string_equal(json_string_value(json_object_get(portion, "content")), text);
  json_decref(json);
}

static void a_restart_repeats_no_success_and_loses_nothing(void **state)
{
  (void)state;
  arrive(INBOX_CURRENT);
  arrive(INBOX_CURRENT);
  answer(0, 0); /* committed; the second is under way when the node dies */
  assert_int_equal(in_hand(0), 2);
  close_node();
  open_node();
  assert_int_equal(in_hand(0), 2);
  assert_int_equal(in_hand(1), 1);
}

static void a_failing_hook_is_tried_again_with_growing_pauses(void **state)
{
  (void)state;
  arrive(INBOX_CURRENT);
  for (int64_t pause = 1000; pause <= 8000; pause *= 2) {
    answer(0, 1);
    assert_int_equal(out[0].order, 0);
    later(pause - 1);
    assert_int_equal(out[0].order, 0);
    assert_true(hooks_due(&core) <= core.now.mono + 1);
    later(1);
    assert_int_equal(in_hand(0), 1);
  }
  answer(0, 0);
  struct hooks_counts counts;
  assert_int_equal(hooks_counts(&core, &counts), TG_OK);
  assert_int_equal(counts.retrying + counts.set_aside, 0);
}

static void what_fails_again_and_again_is_set_aside_and_the_next_goes_on(void **state)
{
  (void)state;
  arrive(INBOX_CURRENT);
  arrive(INBOX_CURRENT);
  for (int i = 0; i < HOOK_TRIES; i++) {
    assert_int_equal(in_hand(0), 1);
    answer(0, -1);
    if (i == 3) { /* the count survives */
      close_node();
      open_node();
    }
    later(20 * 60 * 1000);
  }
  assert_string_equal(told, "hook-gave-up");
  assert_int_equal(in_hand(0), 2);
  struct hooks_counts counts;
  assert_int_equal(hooks_counts(&core, &counts), TG_OK);
  assert_int_equal(counts.set_aside, 1);
  answer(0, 0);
  close_node();
  open_node();
  assert_int_equal(out[0].order, 0);
}

static void a_new_hook_begins_with_what_comes_from_then_on(void **state)
{
  static const char *const three[] = {"file", "mail", "new", NULL};
  (void)state;
  arrive(INBOX_CURRENT);
  close_node();
  config.hooks = three + 2;
  open_node();
  assert_int_equal(out[0].order, 0);
  arrive(INBOX_CURRENT);
  assert_int_equal(in_hand(0), 2);
  config.hooks = two;
}

static void what_was_taken_back_before_its_turn_is_passed_over(void **state)
{
  (void)state;
  arrive(INBOX_PURGED);
  arrive(INBOX_EXPIRED);
  arrive(INBOX_SUPERSEDED);
  later(0);
  later(0);
  assert_int_equal(in_hand(0), 3);
}

static void an_answer_to_no_order_changes_nothing(void **state)
{
  (void)state;
  arrive(INBOX_CURRENT);
  assert_int_equal(hooks_done(&core, 0, 0), TG_OK);
  assert_int_equal(hooks_done(&core, 4711, 0), TG_OK);
  turn();
  assert_int_equal(in_hand(0), 1);
}

/* ---- alarms */

static void alarm_rings(const char *name, uint8_t subject)
{
  struct tg_why why;
  struct hash id = {{subject}};
  why_set(&why, TG_UNREACHABLE, NULL, "silent: %1$s", "look", "NE", NULL, NULL);
  const struct node_event event = {.level = NODE_ALARM, .name = name, .subject = subject ? &id : NULL, .who = "hub-1", .number = 1, .why = &why};
  assert_int_equal(alarms_keep(&core, &event), TG_OK);
  turn();
}

static json_t *alarm_in_hand(const char *name)
{
  json_t *json = json_loads(out[1].json, 0, NULL);
  assert_non_null(json);
  assert_string_equal(json_string_value(json_object_get(json, "alarm")), name);
  return json;
}

static const bool second[] = {false, true, false};

static void with_alarms(void)
{
  close_node();
  config.hook_alarms = second;
  open_node();
}

static void a_hook_for_alarms_gets_alarms_and_no_bulletins(void **state)
{
  (void)state;
  with_alarms();
  arrive(INBOX_CURRENT);
  assert_int_equal(in_hand(0), 1);
  assert_int_equal(out[1].order, 0);
  alarm_rings("log-forked", 0);
  alarm_rings("chain-broken", 9);
  answer(0, 0);
  assert_int_equal(out[0].order, 0); /* and the other no alarms */
  json_t *json = alarm_in_hand("log-forked");
  assert_true(json_is_null(json_object_get(json, "subject")));
  assert_null(json_object_get(json, "silent"));
  assert_string_equal(json_string_value(json_object_get(json, "who")), "hub-1");
  assert_string_equal(json_string_value(json_object_get(json_object_get(json, "sentence"), "what")), "silent: %1$s");
  assert_int_equal(json_integer_value(json_object_get(json, "place")), 1);
  json_decref(json);
  answer(1, 0);
  json_decref(alarm_in_hand("chain-broken"));
  config.hook_alarms = NULL;
}

static void an_overdue_receipt_names_who_is_silent_now(void **state)
{
  (void)state;
  with_alarms();
  alarm_rings("receipts-overdue", 0x5e);
  json_t *json = alarm_in_hand("receipts-overdue"), *silent = json_object_get(json, "silent");
  assert_int_equal(json_array_size(silent), 1);
  assert_string_equal(json_string_value(json_object_get(json_array_get(silent, 0), "node")), "NE/dgdse/n2");
  assert_string_equal(json_string_value(json_object_get(json, "precedence")), "FLASH");
  assert_true(json_is_true(json_object_get(json, "accepted")));
  json_decref(json);
  answer(1, 0);
  alarm_rings("receipts-overdue", 7); /* of one that is not kept any more */
  json = alarm_in_hand("receipts-overdue");
  assert_null(json_object_get(json, "silent"));
  json_decref(json);
  config.hook_alarms = NULL;
}

static void an_alarm_survives_a_restart_and_a_failing_hook(void **state)
{
  (void)state;
  with_alarms();
  alarm_rings("log-forked", 0);
  answer(1, 1);
  close_node();
  open_node();
  json_decref(alarm_in_hand("log-forked"));
  for (int i = 1; i < HOOK_TRIES; i++) {
    answer(1, -1);
    later(20 * 60 * 1000);
  }
  assert_string_equal(told, "hook-gave-up");
  assert_int_equal(out[1].order, 0);
  config.hook_alarms = NULL;
}

/* Somebody makes alarms by the thousand, and no hook answers. */
static void alarms_are_kept_to_a_number(void **state)
{
  uint64_t last;
  (void)state;
  with_alarms();
  for (unsigned i = 0; i < ALARMS_KEPT + 10; i++) {
    const struct node_event event = {.level = NODE_ALARM, .name = "document-refused", .number = i};
    assert_int_equal(alarms_keep(&core, &event), TG_OK);
  }
  turn();
  json_t *json = alarm_in_hand("document-refused");
  assert_int_equal(json_integer_value(json_object_get(json, "place")), 11);
  json_decref(json);
  assert_int_equal(alarms_last_place(&core, &last), TG_OK);
  assert_int_equal(last, ALARMS_KEPT + 10);
  config.hook_alarms = NULL;
}

#define STORY(f) cmocka_unit_test_setup_teardown(f, begin, end)

int main(void)
{
  const struct CMUnitTest tests[] = {
      STORY(every_hook_gets_every_bulletin_once_and_in_order),
      STORY(a_hook_reads_json_with_the_text),
      STORY(a_restart_repeats_no_success_and_loses_nothing),
      STORY(a_failing_hook_is_tried_again_with_growing_pauses),
      STORY(what_fails_again_and_again_is_set_aside_and_the_next_goes_on),
      STORY(a_new_hook_begins_with_what_comes_from_then_on),
      STORY(what_was_taken_back_before_its_turn_is_passed_over),
      STORY(an_answer_to_no_order_changes_nothing),
      STORY(a_hook_for_alarms_gets_alarms_and_no_bulletins),
      STORY(an_overdue_receipt_names_who_is_silent_now),
      STORY(an_alarm_survives_a_restart_and_a_failing_hook),
      STORY(alarms_are_kept_to_a_number),
  };
  return sodium_init() < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
