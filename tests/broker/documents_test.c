/* The folder of documents: in what order a hub takes what lies there. */
#include "broker/core/documents.h"
#include "broker/store_document.h"
#include "os/file.h"
#include "tests/broker/stage.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

enum { ML, BF };

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

/* With what founds the exchange. */
static struct folder folder_new(struct stage *s)
{
  struct folder f = {.n = 0};
  snprintf(f.path, sizeof f.path, "%s/documents", s->folder);
  assert_int_equal(mkdir(f.path, 0700), 0);
  kit_each_document(s->kit, put_founding, &f);
  return f;
}

/* It knows nothing yet. */
static void begin_empty(struct stage *s, const char *name)
{
  strcpy(s->config.name, name);
  strcat(s->database, ".2");
  buf_clear(&s->signed_note);
  assert_int_equal(signing_begin(slice_str(secret_key_name(s->kit->hub_log)), &s->signer), TG_OK);
  assert_int_equal(stage_restart(s), TG_OK);
  assert_int_equal(hub_time(s->hub, s->now), TG_OK);
}

/* The note in this file: taken, or known by now. */
static bool is_taken(struct stage *s, const struct folder *f, const char *name)
{
  char path[192];
  struct tg_why why;
  struct buf note = buf_new(LIMIT_DOCUMENT);
  snprintf(path, sizeof path, "%s/%s", f->path, name);
  assert_int_equal(file_read(path, LIMIT_DOCUMENT, &note, &why), TG_OK);
  const enum tg_err err = hub_document(s->hub, buf_slice(&note), &why);
  assert_true(err == TG_OK || err == TG_REFUSED);
  buf_free(&note);
  return err == TG_OK;
}

/* The hub that is to follow another finds all documents in its folder, and by name the charter that names it comes before some policies: what
   was decided before that is taken in as it was, and what comes later is not. */
static void what_is_older_comes_before_the_charter_that_names_the_hub(void **state)
{
  struct stage *s = *state;
  struct folder f = folder_new(s);
  struct secret_key *transport, *log;
  struct tg_why why;
  kit_hub_keys("hub2", &transport, &log);
  struct buf charter = kit_charter_naming(s->kit, s->now.wall, "hub2", transport, log);
  put(&f, "n.note", buf_slice(&charter));
  put_policy(s, &f, "z2.note", 2, "export allow ** to NE up-to SECRET\nimport allow ** from * up-to SECRET\n", 1);
  put_policy(s, &f, "z3.note", 3, "export allow ** to * up-to SECRET\nimport allow ** from * up-to SECRET\n", 2);
  begin_empty(s, "hub2");
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

#define ACCEPT "import allow ** from * up-to SECRET\n"
#define ALL "export allow ** to * up-to SECRET\n" ACCEPT

/* The old hub took the second and refused the tenth, which one officer alone signed. */
static void policies_come_by_their_serials(void **state)
{
  struct stage *s = *state;
  struct folder f = folder_new(s);
  struct tg_why why;
  put_policy(s, &f, "ML-2.note", 2, "export allow ** to NE up-to SECRET\n" ACCEPT, 1);
  put_policy(s, &f, "ML-10.note", 10, ALL, 1);
  begin_empty(s, "hub1");
  assert_int_equal(documents_take(f.path, s->hub, &why), TG_OK);
  assert_int_equal(stage_count(s, "documents"), f.n + 1);
  assert_true(is_taken(s, &f, "ML-2.note"));
  assert_false(is_taken(s, &f, "ML-10.note"));
}

static void another_bloc(struct charter *c)
{
  strcpy(c->bloc[0].name, "AEX");
}

/* What it names only a later charter knows. All charters name the hub. */
static void the_second_comes_under_the_next_charter(struct stage *s, bool empty)
{
  struct folder f = folder_new(s);
  struct tg_why why;
  struct buf charter = kit_next_charter(s->kit, s->now.wall, another_bloc);
  put(&f, "z.note", buf_slice(&charter));
  put_policy(s, &f, "ML-2.note", 2, "export allow ** to AEX up-to SECRET\n" ACCEPT, 1);
  put_policy(s, &f, "ML-10.note", 10, ALL, 1);
  put_policy(s, &f, "ML-11.note", 11, "export allow ** to nobody up-to SECRET\n" ACCEPT, 1);
  put_policy(s, &f, "ML-12.note", 12, "export allow ** to AEX up-to RESTRICTED\n" ACCEPT, 1);
  if (empty)
    begin_empty(s, "hub1");
  assert_int_equal(documents_take(f.path, s->hub, &why), TG_OK);
  assert_true(is_taken(s, &f, "z.note"));
  assert_true(is_taken(s, &f, "ML-2.note"));
  assert_false(is_taken(s, &f, "ML-10.note"));
  assert_false(is_taken(s, &f, "ML-11.note"));
  assert_true(is_taken(s, &f, "ML-12.note")); /* no charter is left that the one before it could wait for */
  buf_free(&charter);
}

static void a_hub_that_lost_its_store_lets_none_jump_over_what_waits(void **state)
{
  the_second_comes_under_the_next_charter(*state, true);
}

static void a_hub_that_knows_the_first_charter_lets_none_jump_over_what_waits(void **state)
{
  the_second_comes_under_the_next_charter(*state, false);
}

static void another_hub_and_bloc(struct charter *c)
{
  another_bloc(c);
  strcpy(c->hub->name, "hub2");
}

/* A narrowing that names what only the next charter knows, and what one officer made of it. */
static void put_two(struct stage *s, struct folder *f)
{
  put_policy(s, f, "ML-2.note", 2, "export allow ** to AEX up-to SECRET\n" ACCEPT, 1);
  put_policy(s, f, "ML-10.note", 10, ALL, 1);
}

/* What the narrowing names came with the hub: the charter before knows neither. */
static struct folder folder_around_the_charter(struct stage *s)
{
  struct folder f = folder_new(s);
  struct buf charter = kit_next_charter(s->kit, s->now.wall, another_hub_and_bloc);
  put(&f, "z.note", buf_slice(&charter));
  put_two(s, &f);
  buf_free(&charter);
  return f;
}

static void none_jumps_over_what_waits_for_the_charter_that_names_the_hub(void **state)
{
  struct stage *s = *state;
  struct tg_why why;
  struct folder f = folder_around_the_charter(s);
  put_policy(s, &f, "ML-11.note", 11, ALL, 2);
  begin_empty(s, "hub2");
  assert_int_equal(documents_take(f.path, s->hub, &why), TG_OK);
  assert_int_equal(stage_count(s, "documents"), f.n + 3); /* but the tenth: one officer undid the second */
  assert_true(is_taken(s, &f, "z.note"));
  assert_true(is_taken(s, &f, "ML-11.note")); /* two did, and it is long since */
}

static void one_officer_undoes_no_narrowing_that_waits_for_the_charter_that_names_the_hub(void **state)
{
  struct stage *s = *state;
  struct tg_why why;
  struct folder f = folder_around_the_charter(s);
  begin_empty(s, "hub2");
  assert_int_equal(documents_take(f.path, s->hub, &why), TG_OK);
  assert_true(is_taken(s, &f, "ML-2.note"));
  assert_false(is_taken(s, &f, "ML-10.note"));
}

static void a_smaller_bloc_and_another_hub(struct charter *c)
{
  c->bloc[0].n--; /* AES: without NE */
  strcpy(c->hub->name, "hub2");
}

/* Good only where the next charter's bloc is smaller. */
static void none_jumps_over(struct stage *s, const char *wide, const char *narrow)
{
  struct folder f = folder_new(s);
  struct tg_why why;
  struct buf charter = kit_next_charter(s->kit, s->now.wall, a_smaller_bloc_and_another_hub);
  put(&f, "z.note", buf_slice(&charter));
  put_policy(s, &f, "ML-2.note", 2, wide, 1);
  put_policy(s, &f, "ML-3.note", 3, narrow, 1);
  put_policy(s, &f, "ML-10.note", 10, wide, 1);
  begin_empty(s, "hub2");
  assert_int_equal(documents_take(f.path, s->hub, &why), TG_OK);
  assert_true(is_taken(s, &f, "ML-3.note"));
  assert_false(is_taken(s, &f, "ML-10.note"));
  buf_free(&charter);
}

static void none_jumps_over_what_broke_its_pin_before(void **state)
{
  none_jumps_over(*state, "export allow ** to AES except ML up-to SECRET\n" ACCEPT,
                  "export allow ** to AES except ML up-to RESTRICTED\npin never ** to NE\n" ACCEPT);
}

static void none_jumps_over_what_would_have_opened_more_before(void **state)
{
  none_jumps_over(*state, "export allow ** to AES except ML NE up-to SECRET\n" ACCEPT,
                  "export allow ** to AES except ML up-to RESTRICTED\n" ACCEPT);
}

/* The operator adds the charter when the hub has begun without it. */
static void none_jumps_as_long_as_no_charter_names_the_hub(void **state)
{
  struct stage *s = *state;
  struct folder f = folder_new(s);
  struct tg_why why;
  struct buf charter = kit_next_charter(s->kit, s->now.wall, another_hub_and_bloc);
  put_two(s, &f);
  begin_empty(s, "hub2");
  assert_int_equal(documents_take(f.path, s->hub, &why), TG_OK);
  assert_int_equal(stage_count(s, "documents"), 1); /* the charter */
  put(&f, "z.note", buf_slice(&charter));
  assert_int_equal(documents_take(f.path, s->hub, &why), TG_OK);
  assert_true(is_taken(s, &f, "ML-2.note"));
  assert_false(is_taken(s, &f, "ML-10.note"));
  buf_free(&charter);
}

static void another_bloc_and_one_of_others(struct charter *c)
{
  another_bloc(c);
  c->bloc[1].member[0] = 2; /* ECOWAS: NE in place of SN */
}

/* It may come when the pin is given up; who had jumped over what waits for it would stay. */
static void none_jumps_as_long_as_a_charter_waits_for_a_pin(void **state)
{
  struct stage *s = *state;
  struct folder f = folder_new(s);
  struct tg_why why;
  struct buf charter = kit_next_charter(s->kit, s->now.wall, another_bloc_and_one_of_others);
  struct buf pinned = kit_policy_note(s->kit, BF, 2, "export allow ** to ECOWAS up-to SECRET\npin never ** to NE\n" ACCEPT, s->now.wall - 30 * TG_MINUTE, 1);
  put(&f, "z.note", buf_slice(&charter));
  put(&f, "BF-2.note", buf_slice(&pinned));
  put_two(s, &f);
  begin_empty(s, "hub1");
  assert_int_equal(documents_take(f.path, s->hub, &why), TG_OK);
  assert_int_equal(stage_count(s, "documents"), f.n + 1);
  buf_free(&pinned);
  buf_free(&charter);
}

/* It is older than this hub takes charters in: its operator will find another way. */
static void put_charter_of_two_hours_ago(struct stage *s, struct folder *f)
{
  struct buf charter = kit_next_charter(s->kit, s->now.wall - 2 * TG_HOUR, another_bloc);
  put(f, "z.note", buf_slice(&charter));
  buf_free(&charter);
}

/* The one before it is missing. */
static void none_jumps_as_long_as_a_charter_is_not_taken(void **state)
{
  struct stage *s = *state;
  struct folder f = folder_new(s);
  struct tg_why why;
  struct buf second = kit_next_charter(s->kit, s->now.wall, another_bloc);
  struct buf third = kit_charter_after(s->kit, buf_slice(&second), s->now.wall, another_bloc);
  put(&f, "z.note", buf_slice(&third));
  put_two(s, &f);
  begin_empty(s, "hub1");
  assert_int_equal(documents_take(f.path, s->hub, &why), TG_OK);
  assert_int_equal(stage_count(s, "documents"), f.n);
  buf_free(&second);
  buf_free(&third);
}

/* At a hub at work what may not open holds nothing back. */
static void what_one_officer_may_not_open_keeps_out_no_narrowing(void **state)
{
  struct stage *s = *state;
  struct folder f = folder_new(s);
  struct tg_why why;
  put_charter_of_two_hours_ago(s, &f);
  const uint64_t before = stage_count(s, "documents");
  put_policy(s, &f, "ML-2.note", 2, "export allow ** to ECOWAS up-to SECRET\n" ACCEPT, 1);
  put_policy(s, &f, "ML-3.note", 3, ALL, 1);
  put_policy(s, &f, "ML-4.note", 4, "export allow ** to ECOWAS up-to RESTRICTED\n" ACCEPT, 1);
  assert_int_equal(documents_take(f.path, s->hub, &why), TG_OK);
  assert_int_equal(stage_count(s, "documents"), before + 2);
  assert_true(is_taken(s, &f, "ML-4.note"));
}

/* Its key may be in other hands since. */
static void whose_officer_is_revoked_comes_too_late(void **state)
{
  struct stage *s = *state;
  struct folder f = folder_new(s);
  struct tg_why why;
  const struct sign_pk stolen = secret_key_sign_pk(s->kit->member[ML].officer[0]);
  struct buf revocation = kit_revoke_key(s->kit, ML, &stolen, s->now.wall);
  put(&f, "z.note", buf_slice(&revocation));
  put_policy(s, &f, "s2.note", 2, "export allow ** to NE up-to SECRET\n" ACCEPT, 1);
  begin_empty(s, "hub1");
  assert_int_equal(documents_take(f.path, s->hub, &why), TG_OK);
  assert_true(is_taken(s, &f, "z.note"));
  assert_false(is_taken(s, &f, "s2.note"));
  buf_free(&revocation);
}

#define FOUNDING_POLICY "m004.note" /* ML's: behind the charter, two officers and a node */

/* Named from the start, it is begun when others have gone on for long, or anew. What it takes once it has begun must be of now. */
static void a_hub_that_begins_late_takes_charters_as_they_were(void **state)
{
  struct stage *s = *state;
  struct folder f = folder_new(s);
  struct tg_why why;
  s->now.wall += TG_DAY;
  struct buf second = kit_next_charter(s->kit, s->now.wall - 2 * TG_HOUR, another_bloc);
  struct buf third = kit_charter_after(s->kit, buf_slice(&second), s->now.wall - 2 * TG_HOUR, another_bloc);
  put(&f, "y.note", buf_slice(&second));
  put_policy(s, &f, "ML-2.note", 2, "export allow ** to AEX up-to SECRET\n" ACCEPT, 1);
  put_policy(s, &f, "ML-3.note", 3, ALL, 2);
  put_policy(s, &f, "ML-4.note", 4, "export allow ** to AEX up-to SECRET\n" ACCEPT, 1);
  begin_empty(s, "hub1");
  assert_int_equal(documents_take(f.path, s->hub, &why), TG_OK);
  assert_int_equal(stage_count(s, "documents"), f.n + 4);
  put(&f, "z.note", buf_slice(&third));
  put_policy(s, &f, "ML-5.note", 5, ALL, 2);
  assert_int_equal(documents_take(f.path, s->hub, &why), TG_OK);
  assert_int_equal(stage_count(s, "documents"), f.n + 4);
  buf_free(&second);
  buf_free(&third);
}

/* ---- a root that was stolen, and replaced by charter */

static void nothing_else(struct charter *c) { (void)c; }
static void the_hub_is_hub2(struct charter *c) { strcpy(c->hub->name, "hub2"); }

/* The second charter gives ML another root, and the third names the hub. */
static void put_charters_of_a_replaced_root(struct stage *s, struct folder *f, tg_time effective)
{
  kit_replace_root(s->kit, ML);
  struct buf second = kit_next_charter(s->kit, effective, nothing_else);
  struct buf third = kit_charter_after(s->kit, buf_slice(&second), effective, the_hub_is_hub2);
  put(f, "y.note", buf_slice(&second));
  put(f, "z.note", buf_slice(&third));
  buf_free(&second);
  buf_free(&third);
}

/* Both officers go on with their keys. */
static void put_officers_again(struct stage *s, struct folder *f)
{
  for (size_t i = 0; i < 2; i++) {
    struct buf note = kit_vouch_again(s->kit, ML, i);
    put(f, i ? "o2.note" : "o1.note", buf_slice(&note));
    buf_free(&note);
  }
}

/* By whoever has ML's root of now: two officers of his own, and what they let out. */
static void put_thief(struct stage *s, struct folder *f)
{
  struct kit_member *ml = &s->kit->member[ML];
  struct secret_key *const honest[2] = {ml->officer[0], ml->officer[1]};
  for (size_t i = 0; i < 2; i++) {
    struct buf note;
    ml->officer[i] = kit_officer(s->kit, ML, i ? "ML/thief-2" : "ML/thief-1", ROLE_POLICY, &note);
    put(f, i ? "t2.note" : "t1.note", buf_slice(&note));
    buf_free(&note);
  }
  put_policy(s, f, "t1000.note", 1000, ALL, 2);
  for (size_t i = 0; i < 2; i++) {
    secret_key_free(ml->officer[i]);
    ml->officer[i] = honest[i];
  }
}

static void assert_the_thief_has_nothing(struct stage *s, const struct folder *f)
{
  assert_false(is_taken(s, f, "t1.note"));
  assert_false(is_taken(s, f, "t2.note"));
  assert_false(is_taken(s, f, "t1000.note"));
}

static void who_stole_a_root_that_was_replaced_makes_no_policy(void **state)
{
  struct stage *s = *state;
  struct folder f = folder_new(s);
  struct tg_why why;
  put_policy(s, &f, "ML-2.note", 2, "export allow ** to NE up-to SECRET\n" ACCEPT, 1);
  put_thief(s, &f);
  put_charters_of_a_replaced_root(s, &f, s->now.wall - TG_MINUTE);
  put_officers_again(s, &f);
  begin_empty(s, "hub2");
  assert_int_equal(documents_take(f.path, s->hub, &why), TG_OK);
  assert_true(is_taken(s, &f, "z.note"));
  assert_the_thief_has_nothing(s, &f);
  /* What the member's own officers signed in the time of the root that was stolen. */
  assert_true(is_taken(s, &f, "o1.note"));
  assert_true(is_taken(s, &f, FOUNDING_POLICY));
  assert_true(is_taken(s, &f, "ML-2.note"));
}

/* The operator begins with what there was at first, and adds the later charters. */
static void who_stole_a_root_gains_nothing_by_charters_that_come_later(void **state)
{
  struct stage *s = *state;
  struct folder f = folder_new(s);
  struct tg_why why;
  put_thief(s, &f);
  begin_empty(s, "hub2");
  assert_int_equal(documents_take(f.path, s->hub, &why), TG_OK);
  assert_int_equal(stage_count(s, "documents"), 1);
  put_charters_of_a_replaced_root(s, &f, s->now.wall - TG_MINUTE);
  put_officers_again(s, &f);
  assert_int_equal(documents_take(f.path, s->hub, &why), TG_OK);
  assert_the_thief_has_nothing(s, &f);
  assert_true(is_taken(s, &f, FOUNDING_POLICY));
}

/* Until it is replaced a root is its member's: nobody could act for ML meanwhile. */
static void a_root_that_will_be_replaced_is_good_until_then(void **state)
{
  struct stage *s = *state;
  struct folder f = folder_new(s);
  struct tg_why why;
  put_charters_of_a_replaced_root(s, &f, s->now.wall + TG_DAY);
  begin_empty(s, "hub2");
  assert_int_equal(documents_take(f.path, s->hub, &why), TG_OK);
  assert_int_equal(stage_count(s, "documents"), f.n + 2);
}

/* It opens nothing, and the key that it took back may have been vouched for by both roots. */
static void what_a_replaced_root_took_back_stays_taken_back(void **state)
{
  struct stage *s = *state;
  struct folder f = folder_new(s);
  struct tg_why why;
  const struct sign_pk stolen = secret_key_sign_pk(s->kit->member[ML].officer[0]);
  struct buf revocation = kit_revoke_key(s->kit, ML, &stolen, s->now.wall);
  put(&f, "r.note", buf_slice(&revocation));
  put_policy(s, &f, "ML-2.note", 2, "export allow ** to NE up-to SECRET\n" ACCEPT, 1);
  put_charters_of_a_replaced_root(s, &f, s->now.wall - TG_MINUTE);
  put_officers_again(s, &f);
  begin_empty(s, "hub2");
  assert_int_equal(documents_take(f.path, s->hub, &why), TG_OK);
  assert_true(is_taken(s, &f, "r.note"));
  assert_false(is_taken(s, &f, "o1.note"));
  assert_true(is_taken(s, &f, "o2.note"));
  assert_false(is_taken(s, &f, "ML-2.note"));
  buf_free(&revocation);
}

/* ---- charters that a later one has replaced, and pins */

static void ne_joins_ecowas(struct charter *c) { c->bloc[1].member[0] = 2; } /* in place of SN */

#define PINNED "export allow ** to ECOWAS up-to SECRET\npin never ** to NE\n" ACCEPT

static struct buf pinned_policy(struct stage *s)
{
  return kit_policy_note(s->kit, BF, 2, PINNED, s->now.wall - 30 * TG_MINUTE, 1);
}

/* The second charter breaks BF's pin, the third does not: what a hub takes that has them all, and the policy. */
static void put_charters_around_a_pin(struct stage *s, struct folder *f, tg_time second, tg_time third)
{
  struct buf y = kit_next_charter(s->kit, second, ne_joins_ecowas);
  struct buf z = kit_charter_after(s->kit, buf_slice(&y), third, nothing_else);
  struct buf pinned = pinned_policy(s);
  put(f, "y.note", buf_slice(&y));
  put(f, "z.note", buf_slice(&z));
  put(f, "BF-2.note", buf_slice(&pinned));
  buf_free(&y);
  buf_free(&z);
  buf_free(&pinned);
}

/* A hub at work has taken both charters when the policy comes: so does one that begins. */
static void begins_where_the_hub_at_work_is(struct stage *s, tg_time from_now)
{
  struct folder f = folder_new(s);
  struct tg_why why;
  s->now.wall += TG_HOUR;
  put_charters_around_a_pin(s, &f, s->now.wall + from_now, s->now.wall + from_now);
  assert_int_equal(hub_time(s->hub, s->now), TG_OK);
  assert_true(is_taken(s, &f, "y.note"));
  assert_true(is_taken(s, &f, "z.note"));
  assert_true(is_taken(s, &f, "BF-2.note"));
  begin_empty(s, "hub1");
  assert_int_equal(documents_take(f.path, s->hub, &why), TG_OK);
  assert_int_equal(stage_count(s, "documents"), f.n + 3);
  assert_true(hub_has_begun(s->hub));
  assert_int_equal(stage_commit(s), TG_OK);
  assert_int_equal(stage_restart(s), TG_OK);
  assert_true(hub_has_begun(s->hub));
  assert_true(is_taken(s, &f, "z.note"));
}

/* One officer could keep every hub that begins from all charters behind the second. */
static void a_pin_holds_back_no_charter_that_is_replaced(void **state) { begins_where_the_hub_at_work_is(*state, -TG_MINUTE); }
static void a_pin_holds_back_no_charter_that_will_never_be(void **state) { begins_where_the_hub_at_work_is(*state, TG_DAY); }

static void another_bloc_and_ne_joins_ecowas(struct charter *c)
{
  another_bloc(c);
  ne_joins_ecowas(c);
}

/* ML's policy came under the second charter, which alone has what it names. */
static void what_came_under_a_charter_that_is_replaced_answers_for_its_own_pins(void **state)
{
  struct stage *s = *state;
  struct folder f = folder_new(s);
  struct tg_why why;
  struct buf y = kit_next_charter(s->kit, s->now.wall, another_bloc_and_ne_joins_ecowas);
  struct buf z = kit_charter_after(s->kit, buf_slice(&y), s->now.wall + TG_MINUTE, nothing_else);
  struct buf pinned = pinned_policy(s);
  put(&f, "y.note", buf_slice(&y));
  put(&f, "z.note", buf_slice(&z));
  put(&f, "BF-2.note", buf_slice(&pinned));
  put_policy(s, &f, "ML-2.note", 2, "export allow ** to AEX up-to SECRET\n" ACCEPT, 1);
  assert_true(is_taken(s, &f, "y.note")); /* the hub at work */
  assert_true(is_taken(s, &f, "ML-2.note"));
  s->now.wall += TG_HOUR;
  assert_int_equal(hub_time(s->hub, s->now), TG_OK);
  assert_true(is_taken(s, &f, "z.note"));
  assert_true(is_taken(s, &f, "BF-2.note"));
  begin_empty(s, "hub1");
  assert_int_equal(documents_take(f.path, s->hub, &why), TG_OK);
  assert_int_equal(stage_count(s, "documents"), f.n + 4);
  buf_free(&y);
  buf_free(&z);
  buf_free(&pinned);
}

static void what_breaks_its_own_pin_is_refused_in_the_past_too(void **state)
{
  struct stage *s = *state;
  struct folder f = folder_new(s);
  struct tg_why why;
  put_policy(s, &f, "ML-2.note", 2, "export allow ** to ECOWAS up-to SECRET\npin never ** to SN\n" ACCEPT, 1);
  begin_empty(s, "hub1");
  assert_int_equal(documents_take(f.path, s->hub, &why), TG_OK);
  assert_int_equal(stage_count(s, "documents"), f.n);
}

/* The charter in force breaks a pin, whichever of the two was there first: BF-2.note and y.note. */
static struct folder folder_of_a_pin_and_a_charter(struct stage *s)
{
  struct folder f = folder_new(s);
  struct buf y = kit_next_charter(s->kit, s->now.wall, ne_joins_ecowas);
  struct buf pinned = pinned_policy(s);
  put(&f, "y.note", buf_slice(&y));
  put(&f, "BF-2.note", buf_slice(&pinned));
  buf_free(&y);
  buf_free(&pinned);
  return f;
}

static bool lets_in_after(struct stage *s, const struct folder *f)
{
  struct tg_why why;
  if (f)
    assert_int_equal(documents_take(f->path, s->hub, &why), TG_OK);
  else
    assert_int_equal(stage_restart(s), TG_OK);
  stage_settle(s);
  assert_true((s->allowed > 0) == hub_has_begun(s->hub));
  assert_true((s->signer.size > 0) == hub_has_begun(s->hub)); /* or it could not begin once more */
  return s->allowed > 0;
}

static void without(const struct folder *f, const char *name)
{
  char path[192];
  snprintf(path, sizeof path, "%s/%s", f->path, name);
  assert_int_equal(remove(path), 0);
}

/* What the first charter says of who is suspended, and of limits, holds no more. The member makes it good; that it does now is as of the past, too. */
static void a_hub_that_is_not_at_the_charter_in_force_lets_nobody_in(void **state)
{
  struct stage *s = *state;
  struct folder f = folder_of_a_pin_and_a_charter(s);
  begin_empty(s, "hub1");
  assert_false(lets_in_after(s, &f));
  assert_false(lets_in_after(s, NULL));
  s->now.wall += TG_DAY;
  assert_int_equal(hub_time(s->hub, s->now), TG_OK);
  assert_false(lets_in_after(s, &f));
  struct buf narrow = kit_policy_note(s->kit, BF, 3, "export allow ** to SN up-to SECRET\npin never ** to NE\n" ACCEPT, s->now.wall, 1);
  put(&f, "BF-3.note", buf_slice(&narrow));
  assert_true(lets_in_after(s, &f));
  assert_true(is_taken(s, &f, "y.note"));
  assert_true(lets_in_after(s, NULL));
  buf_free(&narrow);
}

/* It was refused by the old hub as well: then it was never in force. A file that cannot be read says nothing of the kind. */
static void who_takes_that_charter_away_has_decided(void **state)
{
  struct stage *s = *state;
  struct folder f = folder_of_a_pin_and_a_charter(s);
  uint8_t *large = calloc(1, LIMIT_DOCUMENT + 1);
  assert_non_null(large);
  begin_empty(s, "hub1");
  assert_false(lets_in_after(s, &f));
  put(&f, "y.note", slice_of(large, LIMIT_DOCUMENT + 1));
  assert_false(lets_in_after(s, &f));
  without(&f, "y.note");
  assert_true(lets_in_after(s, &f));
  assert_true(lets_in_after(s, NULL));
  free(large);
}

/* ---- a member that says that it left a charter */

static void all_must_sign(struct charter *c) { c->quorum = (struct quorum){.n = 1, .term = {{.count = 4, .group = "members"}}}; }

static int four_who_all_sign(void **state)
{
  *state = stage_new(4, all_must_sign);
  return 0;
}

/* Where it was said after the next charter, which its own signature has made, it means nothing: nor may it for who begins with both. */
static void who_leaves_a_charter_afterwards_keeps_out_none_that_it_signed(void **state)
{
  struct stage *s = *state;
  struct folder f = folder_new(s);
  struct tg_why why;
  struct buf second = kit_next_charter(s->kit, s->now.wall, another_bloc);
  struct buf leaves = kit_withdrawal(s->kit, ML, 1, s->now.wall - TG_HOUR);
  assert_int_equal(hub_document(s->hub, buf_slice(&second), &why), TG_OK); /* the hub at work */
  assert_int_equal(hub_document(s->hub, buf_slice(&leaves), &why), TG_OK);
  put(&f, "y.note", buf_slice(&leaves));
  put(&f, "z.note", buf_slice(&second));
  begin_empty(s, "hub1");
  assert_int_equal(documents_take(f.path, s->hub, &why), TG_OK);
  assert_true(is_taken(s, &f, "z.note"));
  assert_true(is_taken(s, &f, "y.note"));
  assert_int_equal(stage_count(s, "documents"), f.n + 2);
  buf_free(&second);
  buf_free(&leaves);
}

/* A member's tenth policy, of this many officers, and those before it are not there. What the operator is told. */
static const char *told_of_the_tenth(struct stage *s, size_t officers)
{
  struct folder f = folder_new(s);
  struct tg_why why;
  put_policy(s, &f, "ML-10.note", 10, ALL, officers);
  without(&f, FOUNDING_POLICY);
  begin_empty(s, "hub1");
  s->error[0] = '\0';
  assert_int_equal(documents_take(f.path, s->hub, &why), TG_OK);
  assert_int_equal(stage_commit(s), TG_OK);
  assert_true(is_taken(s, &f, "ML-10.note"));
  return s->error;
}

/* One officer may have seen to it. */
static void that_earlier_policies_are_missing_is_told(void **state) { assert_string_equal(told_of_the_tenth(*state, 1), "policy-without-earlier"); }
static void two_officers_may_begin_anew(void **state) { assert_string_equal(told_of_the_tenth(*state, 2), ""); }

/* ---- what an earlier program took in */

static void another_key_for_the_log(struct charter *c)
{
  struct secret_key *log;
  assert_int_equal(secret_key_new(KEY_HUB_LOG, c->hub->log.name, &log), TG_OK);
  assert_int_equal(secret_key_note_key(log, &c->hub->log), TG_OK);
  secret_key_free(log);
}

static void a_hub_whose_store_gives_a_log_another_key_says_so(void **state)
{
  struct stage *s = *state;
  char said[1024];
  uint64_t sequence;
  struct buf charter = kit_next_charter(s->kit, s->now.wall, another_key_for_the_log);
  const struct store_document row = {.kind = DOCUMENT_CHARTER, .hash = {{1}}, .content = buf_slice(&charter), .accepted = s->now.wall};
  assert_int_equal(hub_time(s->hub, s->now), TG_OK);
  assert_int_equal(stage_document(s, &charter), TG_REFUSED);
  assert_int_equal(store_document_put(hub_store(s->hub), &row, &sequence), TG_OK);
  assert_int_equal(stage_commit(s), TG_OK);
  assert_int_equal(stage_restart(s), TG_CONFLICT);
  why_render(&s->why, NULL, said, sizeof said);
  assert_non_null(strstr(said, "charter 2: this charter gives the log"));
  assert_non_null(strstr(said, "have the members sign another of this version"));
  buf_free(&charter);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(what_is_older_comes_before_the_charter_that_names_the_hub, four, stage_gone),
      cmocka_unit_test_setup_teardown(policies_come_by_their_serials, four, stage_gone),
      cmocka_unit_test_setup_teardown(a_hub_that_lost_its_store_lets_none_jump_over_what_waits, four, stage_gone),
      cmocka_unit_test_setup_teardown(a_hub_that_knows_the_first_charter_lets_none_jump_over_what_waits, four, stage_gone),
      cmocka_unit_test_setup_teardown(none_jumps_over_what_waits_for_the_charter_that_names_the_hub, four, stage_gone),
      cmocka_unit_test_setup_teardown(one_officer_undoes_no_narrowing_that_waits_for_the_charter_that_names_the_hub, four, stage_gone),
      cmocka_unit_test_setup_teardown(none_jumps_as_long_as_no_charter_names_the_hub, four, stage_gone),
      cmocka_unit_test_setup_teardown(none_jumps_over_what_broke_its_pin_before, four, stage_gone),
      cmocka_unit_test_setup_teardown(none_jumps_over_what_would_have_opened_more_before, four, stage_gone),
      cmocka_unit_test_setup_teardown(none_jumps_as_long_as_a_charter_waits_for_a_pin, four, stage_gone),
      cmocka_unit_test_setup_teardown(none_jumps_as_long_as_a_charter_is_not_taken, four, stage_gone),
      cmocka_unit_test_setup_teardown(what_one_officer_may_not_open_keeps_out_no_narrowing, four, stage_gone),
      cmocka_unit_test_setup_teardown(that_earlier_policies_are_missing_is_told, four, stage_gone),
      cmocka_unit_test_setup_teardown(two_officers_may_begin_anew, four, stage_gone),
      cmocka_unit_test_setup_teardown(whose_officer_is_revoked_comes_too_late, four, stage_gone),
      cmocka_unit_test_setup_teardown(who_stole_a_root_that_was_replaced_makes_no_policy, four, stage_gone),
      cmocka_unit_test_setup_teardown(who_stole_a_root_gains_nothing_by_charters_that_come_later, four, stage_gone),
      cmocka_unit_test_setup_teardown(a_root_that_will_be_replaced_is_good_until_then, four, stage_gone),
      cmocka_unit_test_setup_teardown(what_a_replaced_root_took_back_stays_taken_back, four, stage_gone),
      cmocka_unit_test_setup_teardown(a_pin_holds_back_no_charter_that_is_replaced, four, stage_gone),
      cmocka_unit_test_setup_teardown(a_pin_holds_back_no_charter_that_will_never_be, four, stage_gone),
      cmocka_unit_test_setup_teardown(what_came_under_a_charter_that_is_replaced_answers_for_its_own_pins, four, stage_gone),
      cmocka_unit_test_setup_teardown(what_breaks_its_own_pin_is_refused_in_the_past_too, four, stage_gone),
      cmocka_unit_test_setup_teardown(a_hub_that_is_not_at_the_charter_in_force_lets_nobody_in, four, stage_gone),
      cmocka_unit_test_setup_teardown(who_takes_that_charter_away_has_decided, four, stage_gone),
      cmocka_unit_test_setup_teardown(who_leaves_a_charter_afterwards_keeps_out_none_that_it_signed, four_who_all_sign, stage_gone),
      cmocka_unit_test_setup_teardown(a_hub_whose_store_gives_a_log_another_key_says_so, four, stage_gone),
      cmocka_unit_test_setup_teardown(a_hub_that_begins_late_takes_charters_as_they_were, four, stage_gone),
  };
  return cmocka_run_group_tests_name("broker_documents", tests, NULL, NULL);
}
