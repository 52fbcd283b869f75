/* A stick whose writer cheats: everything in it is signed by a node of the exchange, and something is not as it must be. */
#include "client/node/bundle_in.h"
#include "client/node/bundle_out.h"
#include "client/node/inbox.h"
#include "proto/bundle.h"
#include "tests/client/node/world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { RECORDS = 64, ROOM = 16 << 20 };

/* What an honest node wrote, record by record; the end is left out. */
struct stick {
  struct arena *arena;
  struct bundle_record record[RECORDS];
  size_t n;
};

/* All that `from` has for `to`; bare: without documents and proofs. */
static struct stick written(struct pair *p, size_t from, const char *to, bool bare)
{
  struct stick s = {.arena = arena_new(ROOM)};
  struct node_core *core = pair_core(p, from);
  struct bundle_out *out = NULL;
  struct bundle_reader *r = bundle_reader_new();
  struct buf all = buf_new(ROOM);
  struct tg_why why = {0};
  enum tg_err verdict = TG_OK;
  assert_int_equal(bundle_out_new(core, slice_str(to), NULL, 0, bare, &out, &verdict, &why), TG_OK);
  assert_int_equal(verdict, TG_OK);
  for (bool end = false; !end;) {
    struct slice piece;
    assert_int_equal(bundle_out_next(core, out, &piece, &end, &verdict, &why), TG_OK);
    assert_int_equal(verdict, TG_OK);
    buf_put_slice(&all, piece);
  }
  bundle_out_free(out);
  struct slice rest = slice_of(arena_copy(s.arena, buf_slice(&all)).p, all.n);
  while (bundle_read(r, &rest, s.arena, s.arena, &s.record[s.n], NULL) == TG_OK)
    s.n += s.record[s.n].type != BUNDLE_END && s.n < RECORDS - 2;
  bundle_reader_free(r);
  buf_free(&all);
  return s;
}

static void sign_end(struct world *w, const struct bundle_hash *hash, struct arena *arena, struct buf *out)
{
  Tg__BundleEnd end = TG__BUNDLE_END__INIT;
  struct bundle_hash h = *hash;
  const struct hash statement = bundle_statement(hash);
  struct batch *b = batch_new();
  assert_int_equal(batch_add(b, &statement, NULL), TG_OK);
  assert_int_equal(batch_sign(b, &w->kit->exchange, batch_sign_with_key,
                              (void *)(uintptr_t)secret_key_ed25519(w->kit->member[ML].node[0].identity)), TG_OK);
  end.proof = batch_proof(b, 0, arena);
  assert_int_equal(bundle_put(&h, BUNDLE_END, &end.base, out, NULL), TG_OK);
  batch_free(b);
}

/* BF reads it; the verdict, and, if it is good, what became of the first bulletin in it. */
static enum tg_err read_by_bf_with(struct world *w, const struct stick *s, struct bundle_result *ret)
{
  struct node_core *core = pair_core(w->pair, BF);
  struct bundle_hash hash;
  struct bundle_in *in = NULL;
  struct buf all = buf_new(ROOM);
  struct tg_why why = {0};
  enum tg_err verdict = TG_OK;
  bundle_begin(&hash, &all);
  for (size_t i = 0; i < s->n; i++)
    assert_int_equal(bundle_put(&hash, s->record[i].type, s->record[i].message, &all, NULL), TG_OK);
  sign_end(w, &hash, s->arena, &all);
  assert_int_equal(bundle_in_new(core, all.n, &in, &verdict, &why), TG_OK);
  assert_int_equal(verdict, TG_OK);
  assert_int_equal(bundle_in_put(core, in, buf_slice(&all), &verdict, &why), TG_OK);
  for (unsigned i = 0; verdict == TG_OK && i < 20 && !bundle_in_is_done(core, in); i++)
    assert_int_equal(node_turn(core, NULL), TG_OK);
  bool any = true;
  if (verdict == TG_OK && ret)
    assert_int_equal(bundle_in_result(core, in, 0, ret, &any), TG_OK);
  assert_true(any);
  assert_int_equal(bundle_in_abort(core, &in), TG_OK);
  assert_int_equal(node_turn(core, NULL), TG_OK);
  buf_free(&all);
  return verdict;
}

static enum tg_err read_by_bf(struct world *w, const struct stick *s) { return read_by_bf_with(w, s, NULL); }

static void *first(const struct stick *s, enum bundle_type type)
{
  for (size_t i = 0; i < s->n; i++)
    if (s->record[i].type == type)
      return s->record[i].message;
  fail_msg("no record of type %u", (unsigned)type);
  return NULL;
}

static void drop(struct stick *s, enum bundle_type type)
{
  for (size_t i = 0; i < s->n; i++)
    if (s->record[i].type == type) {
      memmove(&s->record[i], &s->record[i + 1], (--s->n - i) * sizeof s->record[0]);
      return;
    }
}

/* ---- what a cheat does */

static void of_another_exchange(struct stick *s) { ((Tg__BundleHead *)first(s, BUNDLE_HEAD))->exchange.data[0] ^= 1; }
static void from_the_future(struct stick *s) { ((Tg__BundleHead *)first(s, BUNDLE_HEAD))->time += (uint64_t)TG_DAY; }
static void content_of_nothing(struct stick *s) { ((Tg__Chunk *)first(s, BUNDLE_CHUNK))->bulletin.data[0] ^= 1; }
static void content_out_of_order(struct stick *s) { ((Tg__Chunk *)first(s, BUNDLE_CHUNK))->chunk++; }
static void other_content(struct stick *s) { ((Tg__Chunk *)first(s, BUNDLE_CHUNK))->sealed.data[30] ^= 1; }
static void without_content(struct stick *s) { drop(s, BUNDLE_CHUNK); }
static void another_header(struct stick *s)
{
  Tg__Parcel *m = first(s, BUNDLE_PARCEL);
  m->header.data[m->header.len - 1] ^= 1;
}
static void another_wrap(struct stick *s)
{
  Tg__Parcel *m = first(s, BUNDLE_PARCEL);
  m->wrap.data[m->wrap.len - 1] ^= 1;
}
static void a_bulletin_twice(struct stick *s)
{
  s->record[s->n] = (struct bundle_record){.type = BUNDLE_PARCEL, .message = first(s, BUNDLE_PARCEL)};
  s->n++;
}

static const struct {
  void (*cheat)(struct stick *s);
  enum tg_err verdict;
} cheats[] = {
    {of_another_exchange, TG_CONFLICT}, {from_the_future, TG_EXPIRED},  {content_of_nothing, TG_BAD_INPUT},
    {content_out_of_order, TG_BAD_INPUT}, {other_content, TG_BAD_PROOF}, {without_content, TG_BAD_PROOF},
    {another_header, TG_BAD_INPUT},     {another_wrap, TG_BAD_PROOF},   {a_bulletin_twice, TG_BAD_INPUT},
};

static void nothing_of_a_false_stick_is_taken(void **state)
{
  struct world *w = *state;
  struct pair *p = w->pair;
  pair_plug(p, BF, false);
  pair_plug(p, ML, false);
  pair_settle(p);
  world_publish(p, "BF", "carried by hand");
  pair_settle(p);
  for (size_t i = 0; i < sizeof cheats / sizeof *cheats; i++) {
    struct stick s = written(p, ML, "BF", true);
    cheats[i].cheat(&s);
    assert_int_equal(read_by_bf(w, &s), cheats[i].verdict);
    assert_int_equal(look_inbox(p, BF), 0);
    arena_free(s.arena);
  }
  struct stick s = written(p, ML, "BF", true);
  assert_int_equal(read_by_bf(w, &s), TG_OK);
  assert_int_equal(look_inbox(p, BF), 1);
  arena_free(s.arena);
}

/* What NE wrote goes under NE's name only. */
static void nobody_carries_the_words_of_another_as_its_own(void **state)
{
  struct world *w = *state;
  struct pair *p = w->pair;
  for (size_t i = ML; i <= NE; i++)
    pair_plug(p, i, false);
  pair_settle(p);
  world_publish(p, "BF", "mine");
  assert_int_equal(pair_publish(p, NE, &(struct pair_bulletin){.to = "BF", .text = "theirs"}, NULL), TG_OK);
  pair_settle(p);
  struct stick mine = written(p, ML, "BF", true), theirs = written(p, NE, "BF", true);
  for (size_t i = 0; i < theirs.n; i++)
    if (theirs.record[i].type == BUNDLE_PARCEL || theirs.record[i].type == BUNDLE_CHUNK)
      mine.record[mine.n++] = theirs.record[i];
  assert_int_equal(read_by_bf(w, &mine), TG_BAD_INPUT);
  assert_int_equal(look_inbox(p, BF), 0);
  arena_free(theirs.arena);
  arena_free(mine.arena);
}

/* It came by the hub, and our rules said no to it. They may have changed, but its originator was told. */
static void what_was_refused_is_not_here(void **state)
{
  struct world *w = *state;
  struct pair *p = w->pair;
  struct bundle_result result = {.outcome = 0};
  pair_plug(p, BF, false);
  const struct hash id = world_publish(p, "BF", "no");
  pair_settle(p);
  assert_int_equal(inbox_decline(pair_core(p, BF), core_charter(pair_core(p, BF))->hub[0].log.name, &id, RECEIPT_IMPORT_REFUSED), TG_OK);
  struct stick s = written(p, ML, "BF", false);
  assert_int_equal(read_by_bf_with(w, &s, &result), TG_OK);
  assert_int_equal(result.outcome, BUNDLE_DECLINED);
  assert_int_equal(result.event, RECEIPT_IMPORT_REFUSED);
  assert_non_null(result.why.what);
  assert_int_equal(look_inbox(p, BF), 0);
  assert_int_equal(node_turn(pair_core(p, BF), NULL), TG_OK);
  arena_free(s.arena);
}

/* The hub is lost, and who wrote the stick has not heard of the one in its place: it still proves what it wrote by the lost one's log. */
static void a_proof_from_the_log_of_a_lost_hub_will_do(void **state)
{
  struct world *w = *state;
  struct pair *p = w->pair;
  struct secret_key *transport, *log;
  struct tg_why why;
  kit_hub_keys("hub2", &transport, &log);
  pair_plug(p, BF, false);
  const struct hash id = world_publish(p, "BF", "before the loss");
  pair_settle(p);
  assert_int_equal(look_sent(p, ML, &id), SENT_ACCEPTED);
  struct buf charter = kit_charter_naming(w->kit, pair_now(p), "hub2", transport, log);
  assert_int_equal(node_document(pair_core(p, BF), buf_slice(&charter), &why), TG_OK);
  pair_settle(p);
  struct stick s = written(p, ML, "BF", false);
  const ProtobufCBinaryData note = ((Tg__Parcel *)first(&s, BUNDLE_PARCEL))->checkpoint;
  assert_true(note.len > 0);
  note.data[0] ^= 1; /* of the log's name */
  assert_int_equal(read_by_bf(w, &s), TG_UNKNOWN);
  note.data[0] ^= 1;
  note.data[note.len - 20] ^= 1; /* of its signature */
  assert_int_not_equal(read_by_bf(w, &s), TG_OK);
  assert_int_equal(look_inbox(p, BF), 0);
  note.data[note.len - 20] ^= 1;
  assert_int_equal(read_by_bf(w, &s), TG_OK);
  assert_int_equal(look_inbox(p, BF), 1);
  arena_free(s.arena);
  buf_free(&charter);
  secret_key_free(transport);
  secret_key_free(log);
}

/* The states agreed meanwhile on shorter lives. Before that a hub had let a bulletin pass that lives longer. */
static void shorter_lives(struct charter *c) { c->limits.lifetime = TG_DAY; }

static struct secret_key *transport, *log_key;

static void shorter_lives_at_another_hub(struct charter *c)
{
  shorter_lives(c);
  snprintf(c->hub[0].name, sizeof c->hub[0].name, "hub2");
  c->hub[0].transport = secret_key_seal_pk(transport);
  assert_int_equal(secret_key_note_key(log_key, &c->hub[0].log), TG_OK);
}

static void seen_to_cheat(struct pair *p, size_t member)
{
  world_alter(p, member, "UPDATE watched SET forked = 1");
}

/* What a hub let pass before counts on, as long as that hub does. */
static void carry_by_the_proof_of(void **state, void (*tune)(struct charter *), bool cheat, size_t taken)
{
  struct world *w = *state;
  struct pair *p = w->pair;
  struct tg_why why;
  pair_plug(p, BF, false);
  (void)world_publish(p, "BF", "a long life");
  pair_settle(p);
  if (cheat)
    seen_to_cheat(p, BF);
  struct buf charter = kit_next_charter(w->kit, pair_now(p), tune);
  assert_int_equal(node_document(pair_core(p, BF), buf_slice(&charter), &why), TG_OK);
  pair_settle(p);
  struct stick s = written(p, ML, "BF", false);
  assert_true(((Tg__Parcel *)first(&s, BUNDLE_PARCEL))->entry.len > 0);
  assert_int_equal(read_by_bf(w, &s), TG_OK);
  assert_int_equal(look_inbox(p, BF), taken);
  arena_free(s.arena);
  buf_free(&charter);
}

static void what_a_hub_let_pass_counts_while_it_does(void **state) { carry_by_the_proof_of(state, shorter_lives, false, 1); }
static void what_a_hub_that_cheats_let_pass_does_not_count(void **state) { carry_by_the_proof_of(state, shorter_lives, true, 0); }

static void what_a_former_hub_let_pass_does_not_count(void **state)
{
  kit_hub_keys("hub2", &transport, &log_key);
  carry_by_the_proof_of(state, shorter_lives_at_another_hub, false, 0);
  secret_key_free(transport);
  secret_key_free(log_key);
}

int main(void)
{
#define STORY(f) cmocka_unit_test_setup_teardown(f, world_started, world_free)
  const struct CMUnitTest tests[] = {
      STORY(nothing_of_a_false_stick_is_taken),
      STORY(nobody_carries_the_words_of_another_as_its_own),
      STORY(what_was_refused_is_not_here),
      STORY(a_proof_from_the_log_of_a_lost_hub_will_do),
      STORY(what_a_hub_let_pass_counts_while_it_does),
      STORY(what_a_hub_that_cheats_let_pass_does_not_count),
      STORY(what_a_former_hub_let_pass_does_not_count),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
