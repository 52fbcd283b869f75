/* What a node says of itself and its hub: `status` and `doctor`. */
#include "audit/reason.h"
#include "client/node/core.h"
#include "keys/codec.h"
#include "tests/client/node/look_paper.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

static json_t *hub_of(struct world *w, size_t member)
{
  json_t *status = look_paper_asked(w, member, "status", NULL, NULL), *hub = json_incref(json_object_get(status, "hub"));
  json_decref(status);
  assert_non_null(hub);
  return hub;
}

static bool hub_is(struct world *w, size_t member, const char *key, json_t *value)
{
  json_t *hub = hub_of(w, member);
  const bool is = json_equal(json_object_get(hub, key), value);
  json_decref(hub);
  json_decref(value);
  return is;
}

static json_int_t hub_number(struct world *w, size_t member, const char *key)
{
  json_t *hub = hub_of(w, member);
  const json_int_t n = json_integer_value(json_object_get(hub, key));
  json_decref(hub);
  return n;
}

/* Does the doctor's finding of this name hold these words? */
static bool doctor_says(struct world *w, size_t member, const char *name, const char *words)
{
  json_t *doctor = look_paper_asked(w, member, "doctor", NULL, NULL), *finding;
  bool said = false;
  size_t i;
  json_array_foreach(json_object_get(doctor, "findings"), i, finding)
    if (!strcmp(json_string_value(json_object_get(finding, "name")), name))
      said |= strstr(json_string_value(json_object_get(finding, "what")), words) != NULL;
  json_decref(doctor);
  return said;
}

static void a_hub_that_refuses_the_key_is_named(void **state)
{
  struct world *w = *state;
  struct pair *p = w->pair;
  assert_true(hub_is(w, ML, "refused_by", json_null()));
  pair_plug(p, ML, false);
  assert_int_equal(node_link(pair_core(p, ML), NODE_LINK_REFUSED), TG_OK);
  pair_pass(p, TG_SECOND);
  assert_int_equal(pair_told(p, ML, "hub-refuses-us"), 1);
  assert_true(hub_is(w, ML, "refused_by", json_string("hub1")));
  assert_true(hub_is(w, ML, "name", json_string("hub1"))); /* though it rests */
  assert_true(doctor_says(w, ML, "hub", "refuses this node's key"));
  pair_plug(p, ML, true);
  pair_pass(p, 2 * TG_MINUTE);
  assert_true(hub_is(w, ML, "refused_by", json_null()));
  assert_false(doctor_says(w, ML, "hub", ""));
}

/* A hub may say so in words before it cuts the line. */
static void who_is_turned_out_for_its_key_says_so(void **state)
{
  struct world *w = *state;
  Tg__Goodbye goodbye = TG__GOODBYE__INIT;
  struct buf frame = buf_new(LIMIT_FRAME);
  goodbye.reason = REASON_REVOKED;
  assert_int_equal(frame_encode(FRAME_GOODBYE, &goodbye.base, &frame, NULL), TG_OK);
  pair_inject(w->pair, ML, buf_slice(&frame));
  assert_true(hub_is(w, ML, "refused_by", json_string("hub1")));
  assert_true(doctor_says(w, ML, "hub", "refuses this node's key"));
  buf_free(&frame);
}

static void a_hub_that_is_full_is_said_to_be_and_when_it_is_asked_again(void **state)
{
  struct world *w = *state;
  struct pair *p = w->pair;
  struct hash id;
  assert_true(hub_is(w, ML, "full", json_false()));
  pair_hub_disk(p, 1 << 20);
  assert_int_equal(pair_publish(p, ML, &(struct pair_bulletin){.to = "BF", .text = "later"}, &id), TG_OK);
  pair_pass(p, TG_MINUTE);
  json_t *hub = hub_of(w, ML);
  tg_time again = 0;
  assert_true(json_is_true(json_object_get(hub, "full")));
  assert_int_equal(time_parse(slice_str(json_string_value(json_object_get(hub, "asked_again"))), &again), TG_OK);
  json_decref(hub);
  assert_true(again > pair_now(p) && again <= pair_now(p) + 5 * TG_MINUTE);
  pair_hub_disk(p, UINT64_C(1) << 30);
  pair_pass(p, again - pair_now(p) + TG_SECOND);
  assert_true(look_sent(p, ML, &id) >= SENT_ACCEPTED); /* as was said */
  assert_true(hub_is(w, ML, "full", json_false()));
  assert_true(hub_is(w, ML, "asked_again", json_null()));
}

static bool says_settled(struct world *w, size_t member, const struct hash *id)
{
  Tg__LResolve m = TG__LRESOLVE__INIT;
  enum local_type type;
  char hex[HASH_TEXT];
  hash_print(id, hex);
  m.prefix = text_data(hex);
  const ProtobufCMessage *answer = pair_ask(w->pair, member, LOCAL_RESOLVE, &m.base, &type);
  assert_int_equal(type, LOCAL_ITEM);
  return ((const Tg__LItem *)answer)->settled;
}

/* Started anew while its hub is away, a node says what it knew. */
static void what_was_settled_is_so_after_a_restart_without_a_hub(void **state)
{
  struct world *w = *state;
  struct pair *p = world_start(w);
  const struct hash id = world_publish(p, "BF", "to be settled");
  pair_pass(p, TG_MINUTE);
  const json_int_t size = hub_number(w, ML, "log_size"), settled = hub_number(w, ML, "log_settled");
  assert_true(size > 0 && settled > 0);
  assert_int_equal(look_sent(p, ML, &id), SENT_SETTLED);
  assert_true(says_settled(w, ML, &id) && says_settled(w, BF, &id));
  for (size_t i = ML; i <= BF; i++) {
    pair_plug(p, i, false);
    pair_kill(p, i);
    pair_start(p, i);
    pair_settle(p);
    assert_true(says_settled(w, i, &id));
  }
  assert_int_equal(hub_number(w, ML, "log_size"), size);
  assert_int_equal(hub_number(w, ML, "log_settled"), settled);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(a_hub_that_refuses_the_key_is_named, world_started, world_free),
      cmocka_unit_test_setup_teardown(who_is_turned_out_for_its_key_says_so, world_started, world_free),
      cmocka_unit_test_setup_teardown(a_hub_that_is_full_is_said_to_be_and_when_it_is_asked_again, world_started, world_free),
      cmocka_unit_test_setup_teardown(what_was_settled_is_so_after_a_restart_without_a_hub, world_witnessed, world_free),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
