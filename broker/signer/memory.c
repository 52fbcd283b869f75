#include "broker/signer/memory.h"

#include "os/fault.h"
#include "os/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A slot is one sector; the two are so far apart that no page or block holds both. */
enum { SLOTS = 2, SLOT = 512, APART = MEMORY_BYTES / SLOTS };
_Static_assert((int)SIGNING_STATE_MAX <= (int)SLOT, "a state is one sector");

/* Invariants: the newest state stands in slot `newest`; after `failed` nothing is written. */
struct memory {
  int fd;
  char *path;
  unsigned newest;
  bool failed;
};

static enum tg_err damaged(const char *path, struct tg_why *why)
{
  return why_set(why, TG_BAD_INPUT, path, N_("this is not the whole state of a signer"),
                 N_("Put back the newest copy of this file"), NULL, NULL, NULL);
}

/* A slot's text ends where its padding begins; and all that follows is padding. */
static enum tg_err slot_read(struct slice file, unsigned i, const char *path, struct signing_state *ret,
                             struct tg_why *why)
{
  const uint8_t *p = file.p + (size_t)i * APART;
  const size_t n = strnlen((const char *)p, SLOT);
  for (size_t at = n; at < APART; at++)
    if (p[at])
      return damaged(path, why);
  return signing_parse(slice_of(p, n), path, ret, why);
}

static enum tg_err slots_read(struct slice file, const char *path, unsigned *ret_newest, struct signing_state *ret,
                              struct tg_why *why)
{
  struct signing_state state[SLOTS];
  if (file.n != MEMORY_BYTES)
    return damaged(path, why);
  for (unsigned i = 0; i < SLOTS; i++) {
    enum tg_err err = slot_read(file, i, path, &state[i], why);
    if (err != TG_OK)
      return err;
  }
  if (strcmp(state[0].origin, state[1].origin) != 0 ||
      (state[0].size == state[1].size && !hash_eq(&state[0].root, &state[1].root)))
    return why_set(why, TG_CONFLICT, path, N_("this file holds states of two logs"),
                   N_("Put back the newest copy of this file"), NULL, NULL, NULL);
  *ret_newest = state[1].size > state[0].size;
  *ret = state[*ret_newest];
  return TG_OK;
}

static enum tg_err memory_new(const char *path, unsigned newest, struct memory **ret, struct tg_why *why)
{
  struct memory *m = calloc(1, sizeof *m);
  if (!m || !(m->path = strdup(path))) {
    free(m);
    return why_set(why, TG_NO_MEMORY, path, N_("out of memory"), NULL, NULL, NULL, NULL);
  }
  m->newest = newest;
  m->fd = open(path, O_RDWR | O_NOFOLLOW | O_CLOEXEC);
  if (m->fd < 0) {
    enum tg_err err = fault_why(why, TG_DISK, path, N_("cannot open the signer's state: %1$s"), NULL);
    memory_free(m);
    return err;
  }
  *ret = m;
  return TG_OK;
}

enum tg_err memory_open(const char *path, struct memory **ret, struct signing_state *ret_newest, struct tg_why *why)
{
  struct buf file = buf_new(MEMORY_BYTES);
  struct signing_state state;
  unsigned newest = 0;
  enum tg_err err = file_read_private(path, MEMORY_BYTES, &file, why);
  if (err == TG_OK)
    err = slots_read(buf_slice(&file), path, &newest, &state, why);
  if (err == TG_OK)
    err = memory_new(path, newest, ret, why);
  if (err == TG_OK)
    *ret_newest = state;
  buf_free(&file);
  return err;
}

static enum tg_err slot_print(const struct signing_state *state, uint8_t out[SLOT])
{
  struct buf text = buf_new(SIGNING_STATE_MAX);
  enum tg_err err = signing_print(state, &text);
  memset(out, 0, SLOT);
  if (err == TG_OK)
    memcpy(out, text.p, text.n);
  buf_free(&text);
  return err;
}

enum tg_err memory_make(const char *path, const struct signing_state *first, struct memory **ret, struct tg_why *why)
{
  uint8_t file[MEMORY_BYTES] = {0};
  enum tg_err err = slot_print(first, file); /* into both: a slot is never empty */
  if (err == TG_OK)
    err = slot_print(first, file + APART);
  if (err == TG_OK)
    err = file_write(path, slice_of(file, sizeof file), 0600, why);
  return err == TG_OK ? memory_new(path, 0, ret, why) : err;
}

/* What is written to a file that was replaced is written to nothing. */
static bool in_place(const struct memory *m)
{
  struct stat ours, there;
  return fstat(m->fd, &ours) == 0 && stat(m->path, &there) == 0 && ours.st_dev == there.st_dev &&
         ours.st_ino == there.st_ino && ours.st_size == MEMORY_BYTES;
}

/* A signal may come before the first byte was written; a sync that a signal broke off is never tried again. */
static ssize_t write_slot(int fd, const uint8_t slot[SLOT], off_t at)
{
  ssize_t n;
  do
    n = pwrite(fd, slot, SLOT, at);
  while (n < 0 && errno == EINTR);
  if (n >= 0 && n < SLOT)
    errno = ENOSPC; /* half a sector: nothing else does that */
  return n;
}

enum tg_err memory_keep(struct memory *m, const struct signing_state *state, struct tg_why *why)
{
  uint8_t slot[SLOT];
  const unsigned next = !m->newest;
  enum tg_err err = slot_print(state, slot);
  if (err != TG_OK)
    return err;
  if (!m->failed && !in_place(m))
    return why_set(why, TG_STALE, m->path, N_("the signer's state was moved away or replaced while it runs"),
                   N_("Put back the newest copy of this file, then start the hub again"), NULL, NULL, NULL);
  if (m->failed || write_slot(m->fd, slot, (off_t)next * APART) != SLOT ||
      fdatasync(m->fd) != 0) {
    m->failed = true;
    return fault_why(why, TG_DISK, m->path, N_("the signer's state cannot be kept: %1$s"), NULL);
  }
  m->newest = next;
  return TG_OK;
}

void memory_free(struct memory *m)
{
  if (!m)
    return;
  if (m->fd >= 0)
    close(m->fd);
  free(m->path);
  free(m);
}
