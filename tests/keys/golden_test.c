/* Every type of document, well formed and in every way that people get it wrong. golden/NAME.good must print back to what
   it says; golden/NAME.bad must be refused with the sentence in golden/NAME.err. With REGOLD=1 in the environment the
   sentences are written anew, to be read by whoever changed them. */
#include "keys/charter.h"
#include "keys/credential.h"
#include "keys/grant.h"
#include "keys/revocation.h"
#include "keys/withdrawal.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <sodium.h>

static struct buf file_read(const char *name)
{
  char path[512];
  struct buf b = buf_new(NOTE_BYTES_MAX);
  snprintf(path, sizeof path, "%s/%s", GOLDEN, name);
  FILE *f = fopen(path, "rb");
  assert_non_null(f);
  for (int c; (c = getc(f)) != EOF;)
    buf_put_u8(&b, (uint8_t)c);
  fclose(f);
  return b;
}

static void file_write(const char *name, const char *text)
{
  char path[512];
  snprintf(path, sizeof path, "%s/%s", GOLDEN, name);
  FILE *f = fopen(path, "wb");
  assert_non_null(f);
  fprintf(f, "%s\n", text);
  fclose(f);
}

/* Parses by kind and prints into out. */
static enum tg_err charter_round(struct slice text, const char *file, struct buf *out, struct tg_why *why)
{
  struct charter *c;
  enum tg_err err = charter_parse(text, file, &c, why);
  if (!err) {
    charter_print(c, out);
    charter_free(c);
  }
  return err;
}

static enum tg_err credential_round(struct slice text, const char *file, struct buf *out, struct tg_why *why)
{
  struct credential c;
  enum tg_err err = credential_parse(text, file, &c, why);
  if (!err)
    credential_print(&c, out);
  return err;
}

static enum tg_err revocation_round(struct slice text, const char *file, struct buf *out, struct tg_why *why)
{
  struct revocation r;
  enum tg_err err = revocation_parse(text, file, &r, why);
  if (!err)
    revocation_print(&r, out);
  return err;
}

static enum tg_err withdrawal_round(struct slice text, const char *file, struct buf *out, struct tg_why *why)
{
  struct withdrawal w;
  enum tg_err err = withdrawal_parse(text, file, &w, why);
  if (!err)
    withdrawal_print(&w, out);
  return err;
}

static enum tg_err grant_round(struct slice text, const char *file, struct buf *out, struct tg_why *why)
{
  struct grant g;
  enum tg_err err = grant_parse(text, file, &g, why);
  if (!err)
    grant_print(&g, out);
  return err;
}

/* By the file's name: what a text says of itself is what is tested. */
static enum tg_err document_round(struct slice text, const char *file, struct buf *out, struct tg_why *why)
{
  static const struct {
    const char *prefix;
    enum tg_err (*round)(struct slice text, const char *file, struct buf *out, struct tg_why *why);
  } kinds[] = {{"charter", charter_round},
               {"credential", credential_round},
               {"revocation", revocation_round},
               {"withdrawal", withdrawal_round},
               {"grant", grant_round}};
  for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
    if (!strncmp(file, kinds[i].prefix, strlen(kinds[i].prefix)))
      return kinds[i].round(text, file, out, why);
  fail_msg("%s is of no kind", file);
  return TG_INTERNAL;
}

static void good_one(const char *name)
{
  struct buf text = file_read(name), once = buf_new(NOTE_BYTES_MAX), twice = buf_new(NOTE_BYTES_MAX);
  enum document_kind kind;
  struct tg_why why;
  char message[600] = "";
  enum tg_err err = document_round(buf_slice(&text), name, &once, &why);
  if (err)
    why_render(&why, NULL, message, sizeof message);
  assert_string_equal(message, "");
  assert_int_equal(document_kind_of(buf_slice(&text), name, &kind, NULL), TG_OK);
  assert_int_equal(document_round(buf_slice(&once), name, &twice, &why), TG_OK);
  assert_true(slice_eq(buf_slice(&once), buf_slice(&twice)));
  /* A charter's print has its own order and comments; the smaller ones come back to the letter, but for the order of lines. */
  struct slice rest = buf_slice(&text), line;
  while (strncmp(name, "charter", 7) && take_line(&rest, &line))
    assert_non_null(memmem(once.p, once.n, line.p, line.n));
  buf_free(&text);
  buf_free(&once);
  buf_free(&twice);
}

static void bad_one(const char *name)
{
  struct buf text = file_read(name), out = buf_new(NOTE_BYTES_MAX);
  struct tg_why why = {0};
  char message[600], err_name[256];
  enum tg_err err = document_round(buf_slice(&text), name, &out, &why);
  if (!err)
    fail_msg("%s was accepted", name);
  assert_int_equal(err, why.err);
  assert_int_equal(out.n, 0);
  why_render(&why, NULL, message, sizeof message);
  snprintf(err_name, sizeof err_name, "%.*s.err", (int)(strlen(name) - 4), name);
  if (getenv("REGOLD"))
    file_write(err_name, message);
  struct buf expected = file_read(err_name);
  buf_put_u8(&expected, 0);
  expected.p[expected.n - 2] = 0; /* the newline */
  assert_string_equal(message, (const char *)expected.p);
  buf_free(&expected);
  buf_free(&out);
  buf_free(&text);
}

static size_t each_file(const char *suffix, void (*one)(const char *name))
{
  DIR *dir = opendir(GOLDEN);
  size_t n = 0;
  assert_non_null(dir);
  for (struct dirent *e; (e = readdir(dir));) {
    const char *dot = strrchr(e->d_name, '.');
    if (!dot || strcmp(dot, suffix))
      continue;
    one(e->d_name);
    n++;
  }
  closedir(dir);
  return n;
}

static void good_documents_print_as_they_parse(void **state)
{
  (void)state;
  assert_true(each_file(".good", good_one) >= 7);
}

static void bad_documents_are_refused_with_place_reason_and_advice(void **state)
{
  (void)state;
  assert_true(each_file(".bad", bad_one) >= 60);
}

static void a_golden_charter_says_what_it_says(void **state)
{
  (void)state;
  struct buf text = file_read("charter.good");
  struct charter *c;
  struct country ng = {"NG"}, td = {"TD"};
  assert_int_equal(charter_parse(buf_slice(&text), NULL, &c, NULL), TG_OK);
  assert_string_equal(c->exchange, "sahel.example");
  assert_int_equal(c->n_members, 5);
  assert_string_equal(c->member[0].code.code, "BF"); /* sorted */
  assert_int_equal(charter_member(c, ng)->ceiling, LEVEL_CONFIDENTIAL);
  assert_null(charter_member(c, td));
  assert_int_equal(charter_bloc(c, slice_str("AES"))->n, 3);
  assert_int_equal(c->member[charter_bloc(c, slice_str("ECOWAS"))->member[1]].standing,
                   STANDING_NO_NEW_TRAFFIC);
  assert_string_equal(charter_hub(c, slice_str("dakar"))->endpoint[1], "tcp://192.0.2.7:7400");
  assert_true(charter_has_suite(c, 2) && !charter_has_suite(c, 3));
  assert_int_equal(c->limits.lifetime, 14 * TG_DAY);
  assert_int_equal(c->limits.portions, 16);
  assert_int_equal(c->witness_quorum.term[1].count, 0);
  charter_free(c);
  buf_free(&text);
}

/* Whatever byte is changed: an answer, never a crash; and never the same document. */
static void changed_bytes_never_hurt(void **state)
{
  (void)state;
  static const char *const files[] = {"charter.good", "credential-node.good", "grant.good"};
  for (size_t f = 0; f < sizeof files / sizeof *files; f++) {
    struct buf text = file_read(files[f]);
    struct hash before = document_hash(buf_slice(&text));
    for (size_t i = 0; i < text.n; i++) {
      static const char with[] = " \n#/0zZ\x80\x00";
      uint8_t kept = text.p[i];
      for (size_t k = 0; k < sizeof with - 1; k++) {
        struct buf out = buf_new(NOTE_BYTES_MAX);
        text.p[i] = (uint8_t)with[k];
        document_round(buf_slice(&text), files[f], &out, NULL);
        struct hash after = document_hash(buf_slice(&text));
        assert_true(text.p[i] == kept || !hash_eq(&before, &after));
        buf_free(&out);
      }
      text.p[i] = kept;
    }
    buf_free(&text);
  }
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(good_documents_print_as_they_parse),
      cmocka_unit_test(bad_documents_are_refused_with_place_reason_and_advice),
      cmocka_unit_test(a_golden_charter_says_what_it_says),
      cmocka_unit_test(changed_bytes_never_hurt),
  };
  if (sodium_init() < 0)
    return 1;
  return cmocka_run_group_tests(tests, NULL, NULL);
}
