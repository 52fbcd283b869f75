/* Passphrases, also from a real pseudo-terminal. */
#include "kit.h"
#include "os/file.h"
#include "os/secret.h"

#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <sys/wait.h>
#include <termios.h>

static char *folder;

static int setup(void **state)
{
  (void)state;
  folder = kit_folder();
  return 0;
}

static int teardown(void **state)
{
  (void)state;
  kit_remove(folder);
  return 0;
}

static void a_file_gives_its_line(void **state)
{
  (void)state;
  const char *path = kit_path(folder, "pass");
  static const struct {
    const char *content;
    size_t n;
    enum tg_err err;
    const char *secret;
  } cases[] = {{"open sesame\n", 12, TG_OK, "open sesame"},
               {"été", 5, TG_OK, "été"},
               {"two\n\n", 5, TG_OK, "two\n"},
               {"", 0, TG_BAD_INPUT, NULL},
               {"\n", 1, TG_BAD_INPUT, NULL},
               {"a\0b", 3, TG_BAD_INPUT, NULL}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    struct secret *s = NULL;
    struct tg_why why;
    assert_int_equal(file_write(path, slice_of(cases[i].content, cases[i].n), 0600, NULL), TG_OK);
    assert_int_equal(secret_from_file(path, &s, &why), cases[i].err);
    if (cases[i].err == TG_OK)
      assert_true(slice_is(secret_slice(s), cases[i].secret));
    else
      assert_null(s);
    secret_free(&s);
  }
}

static void a_long_or_open_file_is_refused(void **state)
{
  (void)state;
  const char *path = kit_path(folder, "pass");
  char big[SECRET_MAX + 2];
  struct secret *s = NULL;
  struct tg_why why;
  memset(big, 'x', sizeof big);
  big[SECRET_MAX] = '\n';
  assert_int_equal(file_write(path, slice_of(big, SECRET_MAX + 1), 0600, NULL), TG_OK);
  assert_int_equal(secret_from_file(path, &s, &why), TG_OK);
  assert_int_equal(secret_slice(s).n, SECRET_MAX);
  secret_free(&s);
  big[SECRET_MAX] = 'x';
  assert_int_equal(file_write(path, slice_of(big, SECRET_MAX + 1), 0600, NULL), TG_OK);
  assert_int_equal(secret_from_file(path, &s, &why), TG_TOO_BIG);
  assert_int_equal(file_write(path, slice_str("x"), 0644, NULL), TG_OK);
  assert_int_equal(secret_from_file(path, &s, &why), TG_BAD_INPUT);
  assert_non_null(why.todo);
  assert_int_equal(secret_from_file(kit_path(folder, "none"), &s, &why), TG_NOT_FOUND);
  assert_null(s);
}

/* The program asks on its terminal; the test sits at the other end of it. */
struct terminal {
  int master;
  pid_t child;
  char screen[4096];
  size_t n;
};

static struct terminal ask(const char *again)
{
  struct terminal t = {0};
  t.child = forkpty(&t.master, NULL, NULL, NULL);
  if (t.child == 0) {
    struct secret *s = NULL;
    struct termios before, after;
    tcgetattr(0, &before);
    enum tg_err err = secret_ask("Passphrase: ", again, &s, NULL);
    tcgetattr(0, &after);
    if (before.c_lflag != after.c_lflag)
      _exit(99);
    if (err != TG_OK)
      _exit(tg_exit_code(err));
    _exit(slice_is(secret_slice(s), "sesame") ? 0 : 98);
  }
  assert_true(t.child > 0);
  return t;
}

static void look(struct terminal *t, int wait_ms)
{
  struct pollfd p = {.fd = t->master, .events = POLLIN};
  if (poll(&p, 1, wait_ms) != 1)
    return;
  ssize_t n = read(t->master, t->screen + t->n, sizeof t->screen - 1 - t->n);
  t->n += n > 0 ? (size_t)n : 0;
}

static void see(struct terminal *t, const char *text)
{
  int64_t end = clock_mono() + DEADLINE_MS;
  while (!strstr(t->screen, text)) {
    look(t, 100);
    if (clock_mono() > end)
      fail_msg("the terminal never showed %s, but %s", text, t->screen);
  }
}

static int outcome(struct terminal *t)
{
  int status;
  assert_int_equal(waitpid(t->child, &status, 0), t->child);
  look(t, 0);
  close(t->master);
  return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

static void type(struct terminal *t, const char *keys)
{
  assert_int_equal(write(t->master, keys, strlen(keys)), strlen(keys));
}

static void nothing_typed_is_shown(void **state)
{
  (void)state;
  struct terminal t = ask(NULL);
  see(&t, "Passphrase: ");
  type(&t, "sesame\n");
  assert_int_equal(outcome(&t), 0);
  assert_null(strstr(t.screen, "sesame"));
}

static void the_second_time_must_be_the_same(void **state)
{
  (void)state;
  struct terminal t = ask("Again: ");
  see(&t, "Passphrase: ");
  type(&t, "sesame\n");
  see(&t, "Again: ");
  type(&t, "sesame\n");
  assert_int_equal(outcome(&t), 0);
  t = ask("Again: ");
  see(&t, "Passphrase: ");
  type(&t, "sesame\n");
  see(&t, "Again: ");
  type(&t, "sesami\n");
  assert_int_equal(outcome(&t), 3);
  assert_null(strstr(t.screen, "sesam"));
}

static void an_interrupt_leaves_the_terminal_as_it_was(void **state)
{
  (void)state;
  struct terminal t = ask(NULL);
  see(&t, "Passphrase: ");
  type(&t, "ses\x03");
  assert_int_equal(outcome(&t), -SIGINT);
  assert_null(strstr(t.screen, "ses"));
}

static void without_a_terminal_it_says_so(void **state)
{
  (void)state;
  pid_t child = fork();
  if (child == 0) {
    struct secret *s = NULL;
    setsid(); /* no controlling terminal */
    _exit(secret_ask("?", NULL, &s, NULL) == TG_USAGE ? 0 : 1);
  }
  int status;
  assert_int_equal(waitpid(child, &status, 0), child);
  assert_int_equal(status, 0);
}

static void a_daemon_looks_into_its_file_then_at_systemd(void **state)
{
  (void)state;
  char credential[600];
  struct secret *s = NULL;
  snprintf(credential, sizeof credential, "%s/passphrase", folder);
  assert_int_equal(file_write(credential, slice_str("from systemd\n"), 0400, NULL), TG_OK);
  assert_int_equal(file_write(kit_path(folder, "mine"), slice_str("from a file\n"), 0400, NULL), TG_OK);
  setenv("CREDENTIALS_DIRECTORY", folder, 1);
  assert_int_equal(secret_find(NULL, "?", &s, NULL), TG_OK);
  assert_true(slice_is(secret_slice(s), "from systemd"));
  secret_free(&s);
  assert_int_equal(secret_find(kit_path(folder, "mine"), "?", &s, NULL), TG_OK);
  assert_true(slice_is(secret_slice(s), "from a file"));
  secret_free(&s);
  assert_int_equal(secret_find(kit_path(folder, "none"), "?", &s, NULL), TG_NOT_FOUND);
  unsetenv("CREDENTIALS_DIRECTORY");
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
  const struct CMUnitTest tests[] = {
      T(a_file_gives_its_line),
      T(a_long_or_open_file_is_refused),
      T(nothing_typed_is_shown),
      T(the_second_time_must_be_the_same),
      T(an_interrupt_leaves_the_terminal_as_it_was),
      T(without_a_terminal_it_says_so),
      T(a_daemon_looks_into_its_file_then_at_systemd),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
