#include "os/secret.h"

#include "os/fault.h"
#include "os/file.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <termios.h>
#include <unistd.h>

struct secret {
  size_t n;
  uint8_t bytes[SECRET_MAX + 2]; /* room for a newline, and for one byte more, which is too many */
};

static struct secret *secret_new(void)
{
  return sodium_init() < 0 ? NULL : sodium_malloc(sizeof(struct secret));
}

void secret_free(struct secret **s)
{
  if (!s || !*s)
    return;
  sodium_free(*s); /* wipes */
  *s = NULL;
}

struct slice secret_slice(const struct secret *s)
{
  return slice_of(s->bytes, s->n);
}

static enum tg_err no_memory(struct tg_why *why)
{
  return why_set(why, TG_NO_MEMORY, NULL, N_("out of memory for a secret"),
                 N_("Raise the limit on locked memory"), NULL, NULL, NULL);
}

/* Drops the newline, checks, and hands over or frees. */
static enum tg_err finish(struct secret *s, const char *where, struct secret **ret, struct tg_why *why)
{
  enum tg_err err = TG_OK;
  if (s->n > 0 && s->bytes[s->n - 1] == '\n')
    s->n--;
  if (s->n == 0)
    err = why_set(why, TG_BAD_INPUT, where, N_("the passphrase is empty"), NULL, NULL, NULL, NULL);
  else if (s->n > SECRET_MAX)
    err = why_set(why, TG_TOO_BIG, where, N_("the passphrase is longer than 1024 bytes"), NULL, NULL, NULL,
                  NULL);
  else if (memchr(s->bytes, 0, s->n))
    err = why_set(why, TG_BAD_INPUT, where, N_("the passphrase holds a zero byte"), NULL, NULL, NULL, NULL);
  if (err != TG_OK)
    secret_free(&s);
  else
    *ret = s;
  return err;
}

enum tg_err secret_from_file(const char *path, struct secret **ret, struct tg_why *why)
{
  struct buf bytes = buf_new(SECRET_MAX + 2);
  enum tg_err err = file_read_private(path, SECRET_MAX + 2, &bytes, why);
  if (err == TG_TOO_BIG)
    (void)why_set(why, err, path, N_("the passphrase is longer than 1024 bytes"), NULL, NULL, NULL, NULL);
  struct secret *s = err == TG_OK ? secret_new() : NULL;
  if (err == TG_OK && !s)
    err = no_memory(why);
  if (err == TG_OK) {
    s->n = bytes.n;
    if (bytes.n)
      memcpy(s->bytes, bytes.p, bytes.n);
    err = finish(s, path, ret, why);
  }
  buf_free(&bytes); /* wipes */
  return err;
}

/* --- the terminal */

/* While the terminal is silent these are held back and answered only after it speaks again. */
static void silent_signals(sigset_t *ret)
{
  static const int signals[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP, SIGTTIN, SIGTTOU};
  sigemptyset(ret);
  for (size_t i = 0; i < sizeof signals / sizeof *signals; i++)
    sigaddset(ret, signals[i]);
}

/* Reads a line, or until a signal that would end us waits. TG_USAGE then. */
static enum tg_err read_line(int tty, int signals, struct secret *s, struct tg_why *why)
{
  s->n = 0;
  for (;;) {
    struct pollfd ready[2] = {{.fd = tty, .events = POLLIN}, {.fd = signals, .events = POLLIN}};
    if (poll(ready, 2, -1) < 0 && errno == EINTR)
      continue;
    if (ready[1].revents)
      return why_set(why, TG_USAGE, NULL, N_("interrupted"), NULL, NULL, NULL, NULL);
    /* What does not fit is read away, so that it does not end up in the shell. */
    size_t at = s->n < sizeof s->bytes ? s->n : sizeof s->bytes - 1;
    ssize_t n = read(tty, s->bytes + at, sizeof s->bytes - at);
    if (n < 0 && errno == EINTR)
      continue;
    if (n < 0)
      return why_set(why, TG_USAGE, NULL, N_("there is no terminal to ask for the passphrase on"),
                     N_("Put it into a file that only its owner may read, and name that file as passphrase-file"), NULL,
                     NULL, NULL);
    s->n = at + (size_t)n;
    if (n == 0 || s->bytes[s->n - 1] == '\n')
      return TG_OK;
  }
}

static enum tg_err ask_once(int tty, const char *question, struct secret **ret, struct tg_why *why)
{
  struct termios before, silent;
  sigset_t set, old;
  if (tcgetattr(tty, &before) != 0)
    return fault_why(why, TG_USAGE, NULL, N_("cannot silence the terminal: %1$s"), NULL);
  struct secret *s = secret_new();
  if (!s)
    return no_memory(why);
  silent_signals(&set);
  sigprocmask(SIG_BLOCK, &set, &old);
  int signals = signalfd(-1, &set, SFD_CLOEXEC);
  silent = before;
  silent.c_lflag &= ~(tcflag_t)(ECHO | ECHOE | ECHOK | ECHONL);
  silent.c_lflag |= ICANON | ISIG;
  enum tg_err err;
  if (signals < 0 || tcsetattr(tty, TCSAFLUSH, &silent) != 0) {
    err = fault_why(why, TG_USAGE, NULL, N_("cannot silence the terminal: %1$s"), NULL);
  } else {
    err = file_put_fd(tty, slice_str(question), why);
    if (err == TG_OK)
      err = read_line(tty, signals, s, why);
    (void)file_put_fd(tty, slice_str("\n"), NULL);
    (void)tcsetattr(tty, TCSAFLUSH, &before);
  }
  if (signals >= 0)
    close(signals);
  sigprocmask(SIG_SETMASK, &old, NULL); /* a waiting SIGINT strikes here, with the terminal as it was */
  if (err == TG_OK)
    return finish(s, NULL, ret, why);
  secret_free(&s);
  return err;
}

static bool same(const struct secret *a, const struct secret *b)
{
  return a->n == b->n && sodium_memcmp(a->bytes, b->bytes, a->n) == 0;
}

enum tg_err secret_ask(const char *question, const char *again, struct secret **ret, struct tg_why *why)
{
  int tty = open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC);
  if (tty < 0)
    return why_set(why, TG_USAGE, NULL, N_("there is no terminal to ask for the passphrase on"),
                   N_("Put it into a file that only its owner may read, and name that file as passphrase-file"), NULL, NULL, NULL);
  struct secret *first = NULL, *second = NULL;
  enum tg_err err = ask_once(tty, question, &first, why);
  if (err == TG_OK && again)
    err = ask_once(tty, again, &second, why);
  if (err == TG_OK && again && !same(first, second))
    err =
        why_set(why, TG_BAD_INPUT, NULL, N_("the two passphrases differ"), N_("Try again"), NULL, NULL, NULL);
  close(tty);
  secret_free(&second);
  if (err == TG_OK)
    *ret = first;
  else
    secret_free(&first);
  return err;
}

enum tg_err secret_find(const char *file, const char *question, struct secret **ret, struct tg_why *why)
{
  const char *folder = getenv("CREDENTIALS_DIRECTORY"); /* the name of a folder, no secret */
  char path[1024];
  if (file)
    return secret_from_file(file, ret, why);
  if (folder && (size_t)snprintf(path, sizeof path, "%s/passphrase", folder) < sizeof path &&
      access(path, F_OK) == 0)
    return secret_from_file(path, ret, why);
  return secret_ask(question, NULL, ret, why);
}
