/* Rolling sealing keys: always one to write to, and gone for good when their time is over. */
#include "keys/keyring.h"
#include "proto/hpke.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <sodium.h>

#define NOW INT64_C(1796083200000)

static const struct hash EXCHANGE = {{1}};
static const struct sign_pk NODE = {{2}};

static struct keyring *ring_filled(tg_time now, tg_time period, uint64_t ahead, size_t expected)
{
  struct keyring *r = keyring_new();
  size_t made;
  assert_non_null(r);
  assert_int_equal(keyring_fill(r, now, period, ahead, &made), TG_OK);
  assert_int_equal(made, expected);
  return r;
}

static struct sealing_keys announced_above(struct keyring *r, uint64_t above, tg_time now)
{
  struct sealing_keys k;
  struct buf bytes = buf_new(1 << 16);
  assert_int_equal(keyring_announce(r, &EXCHANGE, &NODE, above, now, &bytes), TG_OK);
  assert_int_equal(sealing_keys_parse(buf_slice(&bytes), &k, NULL), TG_OK);
  buf_free(&bytes);
  return k;
}

static struct sealing_keys announced(struct keyring *r, tg_time now)
{
  return announced_above(r, 0, now);
}

static void there_is_a_key_for_every_moment_ahead(void **state)
{
  (void)state;
  struct keyring *r = ring_filled(NOW + 5 * TG_HOUR, TG_DAY, 30, 31);
  struct sealing_keys k = announced(r, NOW + 5 * TG_HOUR);
  assert_int_equal(k.n, 31);
  assert_true(k.key[0].from == NOW);
  for (tg_time t = NOW; t < NOW + 31 * TG_DAY; t += 7 * TG_HOUR) {
    struct sealing_choice c;
    const uint8_t *secret;
    struct seal_pk pk;
    assert_int_equal(sealing_choose(&k, 1, t, 0, &c), TG_OK);
    assert_false(c.fallback);
    assert_true(c.key.from <= t && t < c.key.until);
    assert_int_equal(keyring_find(r, &c.key.id, &secret, &pk), TG_OK);
    assert_true(seal_pk_eq(&pk, &c.key.key));
  }
  for (size_t i = 0; i < k.n; i++)
    for (size_t j = 0; j < i; j++)
      assert_false(seal_pk_eq(&k.key[i].key, &k.key[j].key));
  keyring_free(r);
}

static void what_is_sealed_to_a_key_opens_with_it(void **state)
{
  (void)state;
  struct keyring *r = ring_filled(NOW, TG_DAY, 2, 3);
  struct sealing_keys k = announced(r, NOW);
  const uint8_t *secret;
  struct seal_pk pk;
  struct hpke sender, receiver;
  uint8_t enc[HPKE_ENC], sealed[5 + HPKE_TAG], opened[5];
  assert_int_equal(hpke_send(&k.key[1].key, slice_str("info"), NULL, &sender, enc), TG_OK);
  assert_int_equal(hpke_seal(&sender, slice_str("aad"), slice_str("hello"), sealed), TG_OK);
  assert_int_equal(keyring_find(r, &k.key[1].id, &secret, &pk), TG_OK);
  assert_int_equal(hpke_receive(enc, secret, &pk, slice_str("info"), NULL, &receiver), TG_OK);
  assert_int_equal(hpke_open(&receiver, 0, slice_str("aad"), slice_of(sealed, sizeof sealed), opened), TG_OK);
  assert_memory_equal(opened, "hello", 5);
  keyring_free(r);
}

static void filling_again_adds_only_what_lacks(void **state)
{
  (void)state;
  struct keyring *r = ring_filled(NOW, TG_DAY, 30, 31);
  size_t made;
  assert_int_equal(keyring_fill(r, NOW + TG_HOUR, TG_DAY, 30, &made), TG_OK);
  assert_int_equal(made, 0);
  assert_int_equal(keyring_fill(r, NOW + 3 * TG_DAY, TG_DAY, 30, &made), TG_OK);
  assert_int_equal(made, 3);
  /* The charter shortens the period: what was announced stays, the rest is cut finer. */
  assert_int_equal(keyring_fill(r, NOW + 33 * TG_DAY, 12 * TG_HOUR, 10, &made), TG_OK);
  struct sealing_keys k = announced(r, NOW + 33 * TG_DAY);
  for (size_t i = 1; i < k.n; i++)
    assert_true(k.key[i].from == k.key[i - 1].until);
  /* A clock that was far ahead and came back: the gap is filled. */
  struct keyring *back = ring_filled(NOW + 400 * TG_DAY, TG_DAY, 2, 3);
  assert_int_equal(keyring_fill(back, NOW, TG_DAY, 2, &made), TG_OK);
  assert_int_equal(made, 3);
  struct sealing_choice c;
  k = announced(back, NOW);
  assert_int_equal(sealing_choose(&k, 1, NOW, 0, &c), TG_OK);
  assert_int_equal(keyring_fill(back, NOW, TG_SECOND, 2, &made), TG_BAD_INPUT);
  assert_int_equal(keyring_fill(back, NOW, TG_DAY, 127, &made), TG_BAD_INPUT);
  keyring_free(back);
  keyring_free(r);
}

/* Whose clock is behind finds a key for what is today for him; a day, and no more than there is room for beside what is to come. */
static void keys_of_the_day_before_stay_announced(void **state)
{
  (void)state;
  struct keyring *r = ring_filled(NOW, TG_HOUR, 100, 101);
  struct sealing_choice c;
  struct sealing_keys k = announced(r, NOW + 30 * TG_HOUR);
  assert_true(k.key[0].from == NOW + 6 * TG_HOUR);
  assert_int_equal(sealing_choose(&k, 1, NOW + 6 * TG_HOUR, 0, &c), TG_OK);
  assert_int_equal(sealing_choose(&k, 1, NOW + 6 * TG_HOUR - 1, 0, &c), TG_NOT_FOUND);
  size_t made;
  assert_int_equal(keyring_fill(r, NOW + 50 * TG_HOUR, TG_HOUR, 100, &made), TG_OK);
  k = announced(r, NOW + 50 * TG_HOUR); /* 24 of the past, the present one, 100 to come */
  assert_int_equal(k.n, 125);
  keyring_free(r);
  r = ring_filled(NOW, TG_MINUTE, 100, 101);
  assert_int_equal(keyring_fill(r, NOW + TG_HOUR, TG_MINUTE, 100, &made), TG_OK);
  k = announced(r, NOW + TG_HOUR);
  assert_int_equal(k.n, SEALING_KEYS_MAX);
  assert_true(k.key[k.n - 1].from == NOW + TG_HOUR + 100 * TG_MINUTE);
  struct buf bytes = buf_new(1 << 16);
  assert_int_equal(keyring_announce(r, &EXCHANGE, &NODE, 0, NOW + 10 * TG_HOUR, &bytes), TG_NOT_FOUND); /* none is to come */
  buf_free(&bytes);
  keyring_free(r);
}

/* Forward secrecy: past window and longest life, neither memory nor a file of the ring holds the key. */
static void erased_keys_are_gone(void **state)
{
  (void)state;
  struct keyring *r = ring_filled(NOW, TG_DAY, 10, 11), *again;
  struct sealing_keys k = announced(r, NOW);
  const uint8_t *secret;
  struct seal_pk pk;
  uint8_t storage[32] = {7};
  tg_time keep = 4 * TG_DAY;
  assert_int_equal(keyring_erase(r, NOW + 5 * TG_DAY, keep), 0); /* the first ended at NOW + 1 day: not yet */
  assert_int_equal(keyring_erase(r, NOW + 5 * TG_DAY + 1, keep), 1);
  assert_int_equal(keyring_erase(r, NOW + 7 * TG_DAY, keep), 1);
  assert_int_equal(keyring_count(r), 9);
  assert_int_equal(keyring_find(r, &k.key[0].id, &secret, &pk), TG_NOT_FOUND);
  assert_int_equal(keyring_find(r, &k.key[2].id, &secret, &pk), TG_OK);
  struct buf file = buf_new(1 << 16);
  assert_int_equal(keyring_seal(r, storage, &file), TG_OK);
  assert_int_equal(keyring_open(buf_slice(&file), storage, &again), TG_OK);
  assert_int_equal(keyring_find(again, &k.key[1].id, &secret, &pk), TG_NOT_FOUND);
  assert_int_equal(keyring_find(again, &k.key[2].id, &secret, &pk), TG_OK);
  keyring_free(again);
  keyring_free(r);
  buf_free(&file);
}

/* Those that stay move together; where the last of them stood nothing stays behind. */
static void an_erased_key_leaves_no_copy_in_memory(void **state)
{
  (void)state;
  static const uint8_t zero[32] = {0};
  struct keyring *r = ring_filled(NOW, TG_DAY, 4, 5);
  struct sealing_keys k = announced(r, NOW);
  const uint8_t *secret[5];
  struct seal_pk pk;
  for (size_t i = 0; i < 5; i++)
    assert_int_equal(keyring_find(r, &k.key[i].id, &secret[i], &pk), TG_OK);
  assert_int_equal(keyring_erase(r, NOW + 3 * TG_DAY, 0), 2);
  assert_memory_equal(secret[3], zero, sizeof zero);
  assert_memory_equal(secret[4], zero, sizeof zero);
  assert_memory_not_equal(secret[2], zero, sizeof zero);
  keyring_free(r);
}

static void a_stored_ring_opens_with_its_key_alone(void **state)
{
  (void)state;
  struct keyring *r = ring_filled(NOW, TG_DAY, 3, 4), *again;
  struct sealing_keys before = announced(r, NOW);
  uint8_t storage[32] = {7}, other[32] = {8};
  struct buf file = buf_new(1 << 16);
  assert_int_equal(keyring_seal(r, storage, &file), TG_OK);
  assert_int_equal(keyring_open(buf_slice(&file), other, &again), TG_BAD_SEAL);
  for (size_t i = 0; i < file.n; i++) {
    file.p[i] ^= 1;
    assert_int_not_equal(keyring_open(buf_slice(&file), storage, &again), TG_OK);
    file.p[i] ^= 1;
    assert_int_not_equal(keyring_open(slice_of(file.p, i), storage, &again), TG_OK);
  }
  assert_int_equal(keyring_open(buf_slice(&file), storage, &again), TG_OK);
  struct sealing_keys after = announced(again, NOW);
  assert_true(after.serial > before.serial); /* never used twice */
  assert_int_equal(after.n, before.n);
  for (size_t i = 0; i < after.n; i++)
    assert_true(seal_pk_eq(&after.key[i].key, &before.key[i].key) &&
                key_id_eq(&after.key[i].id, &before.key[i].id));
  keyring_free(again);
  keyring_free(r);
  buf_free(&file);
}

/* Nobody is told of keys that nobody may seal to any more, whatever his clock says. */
static void what_is_past_for_a_day_is_not_announced(void **state)
{
  (void)state;
  struct keyring *r = ring_filled(NOW, TG_DAY, 4, 5);
  const struct sealing_keys k = announced(r, NOW + 2 * TG_DAY);
  assert_int_equal(k.n, 4);
  assert_int_equal(k.key[0].from, NOW + TG_DAY);
  keyring_free(r);
}

/* It does not know what was announced after it was made. */
static void an_old_copy_announces_behind_what_it_has_forgotten(void **state)
{
  (void)state;
  struct keyring *r = ring_filled(NOW, TG_DAY, 3, 4), *old;
  const uint8_t storage[32] = {7};
  struct buf file = buf_new(1 << 16);
  assert_int_equal(keyring_seal(r, storage, &file), TG_OK);
  const struct sealing_keys first = announced(r, NOW), second = announced(r, NOW); /* within a millisecond */
  assert_true(second.serial > first.serial);
  assert_int_equal(keyring_open(buf_slice(&file), storage, &old), TG_OK);
  assert_true(announced(old, NOW + TG_MINUTE).serial > second.serial);
  keyring_free(old);
  assert_int_equal(keyring_open(buf_slice(&file), storage, &old), TG_OK);
  assert_true(announced_above(old, second.serial, NOW - TG_HOUR).serial > second.serial); /* its clock went behind, and somebody told it */
  keyring_free(old);
  keyring_free(r);
  buf_free(&file);
}

static void the_fallback_is_the_last_to_expire_and_is_flagged(void **state)
{
  (void)state;
  struct keyring *r = ring_filled(NOW, TG_DAY, 2, 3);
  struct sealing_keys k = announced(r, NOW);
  struct sealing_choice c;
  tg_time end = NOW + 3 * TG_DAY;
  assert_int_equal(sealing_choose(&k, 1, end - 1, TG_DAY, &c), TG_OK);
  assert_false(c.fallback);
  assert_int_equal(sealing_choose(&k, 1, end, TG_DAY, &c), TG_OK);
  assert_true(c.fallback && key_id_eq(&c.key.id, &k.key[2].id));
  assert_int_equal(sealing_choose(&k, 1, end + TG_DAY, TG_DAY, &c), TG_OK);
  assert_int_equal(sealing_choose(&k, 1, end + TG_DAY + 1, TG_DAY, &c), TG_NOT_FOUND);
  assert_int_equal(sealing_choose(&k, 1, NOW - 1, TG_DAY, &c),
                   TG_NOT_FOUND); /* never one whose time has not come */
  assert_int_equal(sealing_choose(&k, 2, NOW, TG_DAY, &c), TG_NOT_FOUND); /* never one of another suite */
  keyring_free(r);
}

static enum tg_err reparse(const struct sealing_keys *k)
{
  struct sealing_keys out;
  struct buf bytes = buf_new(1 << 16);
  enum tg_err err = sealing_keys_print(k, &bytes);
  if (!err)
    err = sealing_keys_parse(buf_slice(&bytes), &out, NULL);
  buf_free(&bytes);
  return err;
}

static void announcements_that_make_no_sense_are_refused(void **state)
{
  (void)state;
  struct keyring *r = ring_filled(NOW, TG_DAY, 2, 3);
  const struct sealing_keys good = announced(r, NOW);
  struct sealing_keys k = good;
  assert_int_equal(reparse(&k), TG_OK);
  k.key[1].from -= 1; /* overlap */
  assert_int_not_equal(reparse(&k), TG_OK);
  k = good;
  k.key[1].key = k.key[0].key; /* repeated */
  assert_int_not_equal(reparse(&k), TG_OK);
  k = good;
  k.key[0].until = k.key[0].from;
  assert_int_not_equal(reparse(&k), TG_OK);
  k = good;
  memset(&k.key[2].key, 0, 32); /* small order */
  assert_int_not_equal(reparse(&k), TG_OK);
  k = good;
  k.n = 0;
  assert_int_not_equal(reparse(&k), TG_OK);
  k = good;
  k.serial = 0;
  assert_int_not_equal(reparse(&k), TG_OK);
  k = good;
  struct sealing_key swap = k.key[0];
  k.key[0] = k.key[1];
  k.key[1] = swap;
  assert_int_not_equal(reparse(&k), TG_OK);
  keyring_free(r);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(there_is_a_key_for_every_moment_ahead),
      cmocka_unit_test(what_is_sealed_to_a_key_opens_with_it),
      cmocka_unit_test(filling_again_adds_only_what_lacks),
      cmocka_unit_test(keys_of_the_day_before_stay_announced),
      cmocka_unit_test(erased_keys_are_gone),
      cmocka_unit_test(what_is_past_for_a_day_is_not_announced),
      cmocka_unit_test(an_erased_key_leaves_no_copy_in_memory),
      cmocka_unit_test(a_stored_ring_opens_with_its_key_alone),
      cmocka_unit_test(an_old_copy_announces_behind_what_it_has_forgotten),
      cmocka_unit_test(the_fallback_is_the_last_to_expire_and_is_flagged),
      cmocka_unit_test(announcements_that_make_no_sense_are_refused),
  };
  if (sodium_init() < 0)
    return 1;
  return cmocka_run_group_tests(tests, NULL, NULL);
}
