#include "tests/client/cli/run.h"

#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

enum { WORDS_MAX = 64, PATIENCE_MS = 30000 };

static void child(const struct fake *f, int in, int out, int err, char *const *words)
{
  dup2(in, STDIN_FILENO);
  dup2(out, STDOUT_FILENO);
  dup2(err, STDERR_FILENO);
  setenv("TOGUNA_SOCKET", f ? fake_path(f) : "/nowhere/node.sock", 1);
  setenv("LC_ALL", "C.UTF-8", 1);
  setenv("LANGUAGE", "en", 1);
  setenv("TZ", "UTC", 1);
  execv(TOGUNA_PROGRAM, words);
  _exit(127);
}

/* Takes in what comes through a pipe until its end; the text is cut when it is too long. */
static void gather(const int fd[2], char *text[2], const size_t room[2])
{
  struct pollfd ready[2] = {{.fd = fd[0], .events = POLLIN}, {.fd = fd[1], .events = POLLIN}};
  size_t n[2] = {0};
  while (ready[0].fd >= 0 || ready[1].fd >= 0) {
    if (poll(ready, 2, PATIENCE_MS) <= 0)
      fail_msg("toguna does not end");
    for (int i = 0; i < 2; i++) {
      char piece[4096];
      if (ready[i].fd < 0 || !ready[i].revents)
        continue;
      ssize_t got = read(fd[i], piece, sizeof piece);
      if (got <= 0) {
        ready[i].fd = -1;
        continue;
      }
      size_t keep = (size_t)got < room[i] - 1 - n[i] ? (size_t)got : room[i] - 1 - n[i];
      memcpy(text[i] + n[i], piece, keep);
      n[i] += keep;
    }
  }
  text[0][n[0]] = text[1][n[1]] = 0;
}

static int input_of(const char *input)
{
  int ends[2];
  if (!input)
    return open("/dev/null", O_RDONLY | O_CLOEXEC);
  assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
  assert_int_equal(write(ends[1], input, strlen(input)), strlen(input)); /* fits a pipe */
  close(ends[1]);
  return ends[0];
}

const struct outcome *run(const struct fake *f, const char *input, ...)
{
  static struct outcome o;
  char *words[WORDS_MAX] = {(char *)(uintptr_t) "toguna"};
  int out[2], err[2], in = input_of(input), status;
  va_list list;
  va_start(list, input);
  for (size_t n = 1; n + 1 < WORDS_MAX && (words[n] = va_arg(list, char *)); n++)
    ;
  va_end(list);
  assert_int_equal(pipe2(out, O_CLOEXEC), 0);
  assert_int_equal(pipe2(err, O_CLOEXEC), 0);
  pid_t pid = fork();
  if (pid == 0)
    child(f, in, out[1], err[1], words);
  close(in);
  close(out[1]);
  close(err[1]);
  gather((const int[]){out[0], err[0]}, (char *[]){o.out, o.err},
         (const size_t[]){sizeof o.out, sizeof o.err});
  close(out[0]);
  close(err[0]);
  assert_int_equal(waitpid(pid, &status, 0), pid);
  o.code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  return &o;
}

void expect_refusal(const struct outcome *o, int code, ...)
{
  const char *word;
  va_list list;
  if (o->code != code)
    fail_msg("exit code %d instead of %d\n%s%s", o->code, code, o->out, o->err);
  size_t n = strlen(o->err);
  if (n == 0 || strchr(o->err, '\n') != o->err + n - 1)
    fail_msg("not one sentence: %s", o->err);
  va_start(list, code);
  while ((word = va_arg(list, const char *)))
    if (!strstr(o->err, word))
      fail_msg("no word of '%s' in: %s", word, o->err);
  va_end(list);
}

void expect_text(const char *got, const char *wanted)
{
  if (strcmp(got, wanted) != 0)
    fail_msg("got:\n%s\nwanted:\n%s", got, wanted);
}

/* ---- files ---- */

static char folder[64];

static void remove_folder(void)
{
  char command[128];
  snprintf(command, sizeof command, "rm -rf %s", folder);
  if (system(command) != 0)
    fprintf(stderr, "%s was not removed\n", folder);
}

const char *in_folder(const char *name)
{
  static char path[8][256];
  static size_t next;
  if (!folder[0]) {
    snprintf(folder, sizeof folder, "/tmp/toguna-verbs-XXXXXX");
    assert_non_null(mkdtemp(folder));
    atexit(remove_folder);
  }
  char *out = path[next++ % 8];
  snprintf(out, sizeof path[0], "%s/%s", folder, name);
  return out;
}

const char *put_file(const char *name, const char *content)
{
  const char *path = in_folder(name);
  FILE *file = fopen(path, "w");
  assert_non_null(file);
  fputs(content, file);
  fclose(file);
  return path;
}

char *get_file(const char *name)
{
  FILE *file = fopen(in_folder(name), "r");
  char *text = file ? calloc(1, 65536) : NULL;
  if (!file)
    return NULL;
  assert_non_null(text);
  (void)!fread(text, 1, 65535, file);
  fclose(file);
  return text;
}
