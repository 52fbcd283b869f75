/* node.conf: what it gives, what it refuses with which sentence, and that every process gets the same. */
#include "tests/os/kit.h"

#include "client/node/shell/brief.h"
#include "keys/secret.h"

#include <sodium.h>

#define EXCHANGE "exchange 5d0b0a4f9a0c0f5e2a4c8d7be0a1f3c29e8d7c6b5a493827160f5e4d3c2b1a09\n"

static struct settings *parse(const char *text)
{
  struct settings *s = NULL;
  struct tg_why why = {0};
  char said[512];
  if (settings_parse("/etc/toguna/node.conf", slice_str(text), &s, &why) != TG_OK) {
    why_render(&why, NULL, said, sizeof said);
    fail_msg("%s", said);
  }
  return s;
}

static void refuses(const char *text, const char *sentence)
{
  struct settings *s = NULL;
  struct tg_why why = {0};
  char said[512];
  assert_int_equal(settings_parse("/etc/toguna/node.conf", slice_str(text), &s, &why), TG_BAD_INPUT);
  assert_null(s);
  why_render(&why, NULL, said, sizeof said);
  if (!strstr(said, sentence))
    fail_msg("not \"%s\" but: %s", sentence, said);
}

static void one_line_is_enough(void **state)
{
  (void)state;
  struct settings *s = parse(EXCHANGE);
  struct node_config c = settings_node_config(s);
  assert_string_equal(s->folder, "/etc/toguna/data");
  assert_string_equal(c.database, "/etc/toguna/data/node.db");
  assert_string_equal(s->documents, "/etc/toguna/documents");
  assert_string_equal(s->witness_key, "/etc/toguna/witness.key");
  assert_string_equal(s->socket, "/run/toguna/node.sock");
  assert_int_equal(c.exchange.b[0], 0x5d);
  assert_int_equal(c.n_users, 0);
  assert_int_equal(c.owner, getuid());
  assert_null(c.hubs);
  assert_null(c.hooks[0]);
  assert_int_equal(c.on_recall, NODE_RECALL_PURGE);
  assert_int_equal(c.lifetime, 30 * TG_DAY);
  assert_int_equal(c.tick, 15 * TG_SECOND);
  settings_free(s);
}

static void every_line_is_heard(void **state)
{
  (void)state;
  struct settings *s = parse(EXCHANGE "folder /srv/node\n"
                                      "user root reader publisher\nuser 4711 auditor\n"
                                      "hub bamako tcp://10.0.0.5:7700\nhub dakar resume://10.0.0.6:7701\n"
                                      "hook file /bin/true --strict \"two words\"\nhook-folder /tmp\nhook-time 5s\n"
                                      "alarm-hook bell /bin/true\n"
                                      "on-recall retain\npolicy-name ml.policy\nlifetime 2d\nkeep-sent 7d\ncredit-count 10\n"
                                      "call-window 02:00-04:00\ncall-window 23:30-00:15\ncall-for flash\n"
                                      "credit-bytes 2MiB\ndisk-reserve 1GiB\ntick 3s\nlog debug\n");
  struct node_config c = settings_node_config(s);
  assert_int_equal(c.n_calls, 2);
  assert_int_equal(c.calls[0].from, 120);
  assert_int_equal(c.calls[1].until, 15);
  assert_int_equal(c.call_for, 4); /* FLASH */
  assert_int_equal(c.n_users, 2);
  assert_int_equal(c.users[0].uid, 0);
  assert_int_equal(c.users[0].roles, NODE_READER | NODE_PUBLISHER);
  assert_int_equal(c.users[1].uid, 4711);
  assert_string_equal(c.hubs[1], "dakar");
  assert_string_equal(c.endpoints[0], "tcp://10.0.0.5:7700");
  assert_string_equal(c.endpoints[1], "resume://10.0.0.6:7701");
  assert_null(c.hubs[2]);
  assert_string_equal(c.hooks[0], "file");
  assert_string_equal(s->hook[0].argv[0], "/bin/true");
  assert_string_equal(s->hook[0].argv[2], "two words");
  assert_null(s->hook[0].argv[3]);
  assert_string_equal(c.hooks[1], "bell");
  assert_null(c.hooks[2]);
  assert_true(!c.hook_alarms[0] && c.hook_alarms[1]);
  assert_int_equal(s->hook_time, 5 * TG_SECOND);
  assert_int_equal(c.on_recall, NODE_RECALL_RETAIN);
  assert_string_equal(c.policy_file, "ml.policy");
  assert_int_equal(c.keep_sent, 7 * TG_DAY);
  assert_int_equal(c.credit_bytes, 2 << 20);
  assert_int_equal(c.disk_reserve, 1 << 30);
  settings_free(s);
}

static void mistakes_get_their_line_and_a_way_out(void **state)
{
  (void)state;
  refuses("folder /srv\n", "exchange");
  refuses("exchange ABCD\n", "node.conf");
  refuses(EXCHANGE "scoket /x\n", "socket");
  refuses(EXCHANGE "user nobody-of-this-name reader\n", "node.conf:2");
  refuses(EXCHANGE "user root poet\n", "unknown role poet");
  refuses(EXCHANGE "hub bamako http://x\n", "no endpoint");
  refuses(EXCHANGE "hub bamako resume://x\n", "no endpoint");
  refuses(EXCHANGE "hook a true\n", "absolute path");
  refuses(EXCHANGE "hook a /no/such/program\n", "cannot be run");
  refuses(EXCHANGE "call-window 02:00-04:00\ncall-window 2-4\n", "2-4 is no time of the day");
  refuses(EXCHANGE "call-for soon\n", "soon");
  refuses(EXCHANGE "hook a /bin/true\nhook a /bin/true\n", "two hooks named a");
  refuses(EXCHANGE "hook a /bin/true\nalarm-hook a /bin/true\n", "two hooks named a");
  refuses(EXCHANGE "alarm-hook a true\n", "absolute path");
  refuses(EXCHANGE "hook-folder here\n", "absolute path");
  refuses(EXCHANGE "on-recall perhaps\n", "purge, retain, refuse");
  refuses(EXCHANGE "tick 0s\n", "node.conf:2");
  refuses(EXCHANGE "tick 1s\ntick 2s\n", "node.conf:3");
}

static void the_printed_file_reads_back(void **state)
{
  (void)state;
  struct buf text = buf_new(1 << 20);
  settings_print(NULL, &text);
  assert_int_equal(buf_status(&text), TG_OK);
  buf_put_u8(&text, 0);
  assert_non_null(strstr((const char *)text.p, "disk-reserve"));
  struct settings *s = NULL;
  struct tg_why why = {0};
  assert_int_equal(settings_parse("/etc/toguna/node.conf", slice_of(text.p, text.n - 1), &s, &why), TG_OK);
  settings_free(s);
  buf_free(&text);
}

static void a_brief_carries_the_settings_and_the_right_keys_only(void **state)
{
  (void)state;
  struct settings *s = parse(EXCHANGE "tick 7s\n"), *got = NULL;
  struct node_keys keys = {0}, back = {0};
  struct buf brief = buf_new(1 << 18);
  struct tg_why why = {0};
  assert_int_equal(secret_key_new(KEY_NODE, "sahel.example/ML/ops/n1", &keys.node), TG_OK);
  assert_int_equal(secret_key_new(KEY_WITNESS, "sahel.example/ML/ops/n1", &keys.witness), TG_OK);
  assert_int_equal(brief_put(s, &keys, &brief), TG_OK);
  assert_int_equal(brief_take(buf_slice(&brief), &got, &back, &why), TG_OK);
  assert_int_equal(got->tick, 7 * TG_SECOND);
  assert_string_equal(got->path, s->path);
  assert_memory_equal(secret_key_public(back.node), secret_key_public(keys.node), 32);
  assert_memory_equal(secret_key_storage(back.node), secret_key_storage(keys.node), 32);
  assert_string_equal(secret_key_name(back.witness), "sahel.example/ML/ops/n1");
  assert_null(back.transport);
  settings_free(got);
  node_keys_free(&back);
  got = NULL;
  for (size_t n = 0; n < brief.n; n++) /* cut anywhere: refused, or whole without the keys that were cut off */
    if (brief_take(slice_of(brief.p, n), &got, &back, &why) == TG_OK) {
      assert_true(!back.node || !back.witness);
      settings_free(got);
      node_keys_free(&back);
    }
  settings_free(s);
  node_keys_free(&keys);
  buf_free(&brief);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(one_line_is_enough),
      cmocka_unit_test(every_line_is_heard),
      cmocka_unit_test(mistakes_get_their_line_and_a_way_out),
      cmocka_unit_test(the_printed_file_reads_back),
      cmocka_unit_test(a_brief_carries_the_settings_and_the_right_keys_only),
  };
  return sodium_init() < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
