#include "tests/kit/daemon.h"

#include "os/file.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>

const char *daemon_log(const struct daemon *d)
{
  static char text[1 << 16];
  struct buf b = buf_new(sizeof text - 1 + d->mark);
  size_t n = 0;
  if (file_read(kit_path(d->folder, "log.txt"), sizeof text - 1 + d->mark, &b, NULL) == TG_OK && b.n > d->mark) {
    n = b.n - d->mark;
    memcpy(text, b.p + d->mark, n);
  }
  text[n] = 0;
  buf_free(&b);
  return text;
}

bool daemon_says(const struct daemon *d, const char *what)
{
  return strstr(daemon_log(d), what) != NULL;
}

void daemon_put(const struct daemon *d, const char *name, struct slice bytes)
{
  assert_int_equal(file_write(kit_path(d->folder, name), bytes, 0600, NULL), TG_OK);
}

void daemon_run(struct daemon *d, const char *option)
{
  struct stat st;
  const char *log = kit_path(d->folder, "log.txt");
  d->mark = stat(log, &st) == 0 ? (size_t)st.st_size : 0;
  d->pid = fork();
  if (d->pid == 0) {
    int fd = open(log, O_WRONLY | O_CREAT | O_APPEND, 0600), null = open("/dev/null", O_RDONLY);
    setsid(); /* no terminal to ask on */
    dup2(null, 0);
    dup2(fd, 1);
    dup2(fd, 2);
    execl(d->program, d->program, "--config", kit_path(d->folder, d->config), option, (char *)NULL);
    _exit(99);
  }
}

void daemon_start(struct daemon *d)
{
  daemon_run(d, NULL);
  DAEMON_UNTIL(daemon_says(d, " ready "), d);
}

int daemon_end(const struct daemon *d)
{
  int status;
  DAEMON_UNTIL(waitpid(d->pid, &status, WNOHANG) == d->pid, d);
  return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

void daemon_stop(const struct daemon *d)
{
  assert_int_equal(kill(d->pid, SIGTERM), 0);
  int code = daemon_end(d);
  if (code != 0)
    fail_msg("stopped with %d:\n%s", code, daemon_log(d));
}

void daemon_expect_refusal(struct daemon *d, int code, const char *sentence)
{
  daemon_run(d, NULL);
  int got = daemon_end(d);
  if (got != code || !daemon_says(d, sentence))
    fail_msg("ended with %d instead of %d, or did not say \"%s\":\n%s", got, code, sentence, daemon_log(d));
}
