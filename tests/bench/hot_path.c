/* The way of a bulletin in one process, for instruction counts: a program publishes, the hub accepts and hands out, a node receives. Run under
   callgrind by tests/bench/hot_path.py; does the same thing every time, to the byte.

     hot_path COUNT     so many bulletins of 1 KiB, in groups as under load */
#include "tests/kit/pair.h"
#include "tests/proto/chance.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ML, BF = 1, CLIENT = 1, SIZE = 1024, START = 1796083200, GROUP = 64 };

static uint64_t requests = 1000;

/* Where the measurer cuts. */
__attribute__((noinline)) void hot_mark(void);
void hot_mark(void)
{
  __asm__ volatile("");
}

static void say(struct node_core *core, enum local_type type, const ProtobufCMessage *message)
{
  struct buf frame = buf_new(LOCAL_FRAME);
  if (local_encode(type, message, &frame, NULL) != TG_OK || node_client_frame(core, CLIENT, buf_slice(&frame)) != TG_OK)
    abort();
  buf_free(&frame);
}

static void publish_one(struct node_core *core, const char *to)
{
  uint8_t content[SIZE];
  Tg__LPortionDraft portion = TG__LPORTION_DRAFT__INIT, *portions[] = {&portion};
  Tg__LDraft draft = TG__LDRAFT__INIT;
  Tg__LPublish m = TG__LPUBLISH__INIT;
  Tg__LData data = TG__LDATA__INIT;
  ProtobufCBinaryData names[] = {strict_data(slice_str(to))}, topics[] = {strict_data(slice_str("alert.attack"))};
  chance_fill(content, sizeof content);
  portion.level = 2;
  portion.tlp = 2;
  portion.to = names;
  portion.n_to = 1;
  portion.content_type = strict_data(slice_str("application/octet-stream"));
  portion.size = sizeof content;
  draft.kind = draft.precedence = 1;
  draft.topics = topics;
  draft.n_topics = 1;
  draft.portions = portions;
  draft.n_portions = 1;
  m.request = data.request = ++requests;
  m.draft = &draft;
  data.data = strict_data_of(content, sizeof content);
  say(core, LOCAL_PUBLISH, &m.base);
  say(core, LOCAL_PUBLISH_DATA, &data.base);
}

/* In groups: what comes in one turn shares one signature and one commit. */
static void publish(struct pair *p, size_t count)
{
  struct node_core *core = pair_core(p, ML);
  for (size_t i = 0; i < count; i++) {
    publish_one(core, "BF");
    if ((i + 1) % GROUP == 0 || i + 1 == count)
      if (node_turn(core, NULL) != TG_OK)
        abort();
  }
}

/* Publish, accept, receive; each between two marks. */
static void journey(struct pair *p, size_t count)
{
  pair_plug(p, ML, false);
  pair_plug(p, BF, false);
  pair_settle(p);
  hot_mark();
  publish(p, count);
  hot_mark();
  pair_plug(p, ML, true);
  pair_pass(p, 2 * TG_MINUTE); /* its patience before it calls again */
  hot_mark();
  pair_plug(p, BF, true);
  pair_pass(p, 2 * TG_MINUTE);
  hot_mark();
}

/* Did all of them come? */
static bool all_there(struct pair *p, size_t count)
{
  Tg__LQuery query = TG__LQUERY__INIT;
  enum local_type type;
  char wanted[40], text[4096];
  query.what = strict_data(slice_str("status"));
  const ProtobufCMessage *answer = pair_ask(p, BF, LOCAL_QUERY, &query.base, &type);
  if (!answer || type != LOCAL_JSON)
    return false;
  snprintf(text, sizeof text, "%.*s", (int)((const Tg__LJson *)answer)->json.len, (const char *)((const Tg__LJson *)answer)->json.data);
  snprintf(wanted, sizeof wanted, "\"current\":%zu,", count);
  if (!strstr(text, wanted))
    fprintf(stderr, "hot_path: not all bulletins came: %s\n", text);
  return strstr(text, wanted) != NULL;
}

int main(int argc, char **argv)
{
  size_t count = argc > 1 ? (size_t)strtoul(argv[1], NULL, 10) : GROUP;
  if (sodium_init() < 0 || count < 1)
    return 2;
  chance_seed(1);
  struct kit *kit = kit_new(2, (tg_time)START * 1000, NULL);
  struct pair *p = pair_new(kit);
  pair_start(p, ML);
  pair_start(p, BF);
  pair_pass(p, 2 * TG_MINUTE);
  journey(p, GROUP / 2); /* so that caches and statements are as on any day */
  journey(p, count);
  bool whole = all_there(p, GROUP / 2 + count);
  pair_free(p);
  kit_free(kit);
  return whole ? 0 : 5;
}
