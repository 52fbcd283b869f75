#include "broker/front/burden.h"

#include "broker/settings.h"
#include "os/clock.h"
#include "os/log.h"
#include "os/resident.h"

#include <malloc.h>
#include <stdlib.h>
#include <unistd.h>

enum {
  LOOK_MS = 200,        /* between looks when little moves; what comes of frames that are not whole yet stirs nobody */
  LOOK_SOON_MS = 10,
  LOOK_BYTES = 1 << 20, /* so much moved: a look */
  TRIM_MS = 100,        /* between two givings back to the system of what is free */
  TELL_MS = 10000,
};

struct burden {
  struct loop *loop;
  struct loop_timer *timer;
  void (*changed)(void *arg);
  void *arg;
  struct zsock *door[SETTINGS_ENDPOINTS];
  size_t n;
  int fd;
  uint64_t share, moved, cut;
  int64_t trimmed, told;
  bool is_short, hurry;
};

/* ---- measures */

/* What was freed goes back to the system, unless that was done just now. */
static uint64_t trimmed(struct burden *b, uint64_t resident)
{
  const int64_t now = clock_mono(); /* not the turn's: one that hears much is long */
  if (now - b->trimmed < TRIM_MS)
    return resident;
  b->trimmed = now;
  malloc_trim(0);
  return resident_now(b->fd);
}

static void tell(struct burden *b, uint64_t resident)
{
  if (b->cut == 0 || (b->told && loop_now(b->loop) - b->told < TELL_MS))
    return;
  b->told = loop_now(b->loop);
  log_event(LOG_ALARM, "memory-short", log_number("bytes", resident), log_number("share", b->share), log_number("cut", b->cut),
            log_text("lost", "nothing; whoever was cut comes again"));
  b->cut = 0;
}

static void set_short(struct burden *b, bool is_short)
{
  if (b->is_short == is_short)
    return;
  b->is_short = is_short;
  b->changed(b->arg);
}

static void look(void *arg)
{
  struct burden *b = arg;
  uint64_t resident = resident_now(b->fd);
  b->moved = 0;
  if (resident > b->share / 2)
    resident = trimmed(b, resident);
  if (resident > b->share / 2)
    set_short(b, true);
  else if (resident < b->share / 8 * 3)
    set_short(b, false);
  if (resident > b->share / 8 * 5 && b->n > 0)
    b->cut += zsock_relieve(b->door[0], b->share / 8); /* the connections of all doors are looked at by each */
  tell(b, resident);
  loop_timer_in(b->timer, b->is_short || b->hurry ? LOOK_SOON_MS : LOOK_MS);
}

/* ---- */

struct burden *burden_new(struct loop *loop, uint64_t share, void (*changed)(void *arg), void *arg)
{
  struct burden *b = calloc(1, sizeof *b);
  if (!b)
    return NULL;
  *b = (struct burden){.loop = loop, .share = share, .changed = changed, .arg = arg, .fd = resident_open(), .timer = loop_timer(loop, look, b)};
  if (!b->timer) {
    burden_free(b);
    return NULL;
  }
  if (b->fd < 0 && resident_is_expected())
    log_event(LOG_ERROR, "memory-not-measured", log_text("file", RESIDENT_FILE), log_text("lost", "nothing holds this process below its share of `memory`"));
  loop_timer_in(b->timer, LOOK_MS);
  return b;
}

void burden_free(struct burden *b)
{
  if (!b)
    return;
  loop_timer_free(&b->timer);
  if (b->fd >= 0)
    close(b->fd);
  free(b);
}

void burden_add(struct burden *b, struct zsock *door)
{
  if (b->n < SETTINGS_ENDPOINTS)
    b->door[b->n++] = door;
}

void burden_moved(struct burden *b, size_t bytes)
{
  b->moved += bytes;
  if (b->moved > LOOK_BYTES)
    look(b);
}

void burden_hurry(struct burden *b, bool hurry)
{
  b->hurry = hurry;
  if (hurry)
    loop_timer_in(b->timer, LOOK_SOON_MS);
}

bool burden_is_short(const struct burden *b)
{
  return b->is_short;
}

void burden_cut(struct burden *b, size_t connections)
{
  b->cut += connections;
}
