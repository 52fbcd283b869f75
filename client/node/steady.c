#include "client/node/steady.h"

#include "client/node/rotation.h"

#include <stdio.h>

static const char FACT[] = "clock";
static const tg_time LEAP = TG_DAY;
enum { LOOK_EVERY = 60 * 1000, KEEP_EVERY = 60 * 60 * 1000, LASTS = 24 * 60 * 60 * 1000 }; /* ms */

static tg_time believed(const struct node_core *core) { return core->steady.wall + (core->now.mono - core->steady.mono); }

static bool is_far_ahead(const struct node_core *core) { return core->now.wall - believed(core) > LEAP; }

/* As where nothing keeps the time while the power is off. */
static bool is_far_behind(const struct node_core *core) { return believed(core) - core->now.wall > LEAP; }

static void believe(struct node_core *core, tg_time wall)
{
  core->steady.wall = wall;
  core->steady.mono = core->now.mono;
}

tg_time steady_now(const struct node_core *core) { return is_far_ahead(core) ? believed(core) : core->now.wall; }

/* By what stands in the store a start knows how far the clock has leapt since. */
static enum tg_err keep(struct node_core *core)
{
  struct steady *s = &core->steady;
  struct buf bytes = buf_new(16);
  const tg_time wall = believed(core);
  enum tg_err err = core_begin(core);
  s->stored = wall < 0 ? 0 : wall > (tg_time)LIMIT_TIME ? (tg_time)LIMIT_TIME : wall;
  s->kept = core->now.mono;
  buf_put_u64(&bytes, (uint64_t)s->stored);
  buf_put_u64(&bytes, (uint64_t)s->leapt);
  if (err == TG_OK)
    err = buf_status(&bytes);
  if (err == TG_OK)
    err = depot_fact_put(core->depot, FACT, buf_slice(&bytes));
  buf_free(&bytes);
  return err;
}

enum tg_err steady_agreed(struct node_core *core)
{
  struct steady *s = &core->steady;
  if (s->leapt || is_far_ahead(core))
    rotation_look(core);
  believe(core, core->now.wall);
  s->leapt = s->behind = 0;
  const tg_time since = core->now.wall - s->stored;
  return since >= KEEP_EVERY || since < -KEEP_EVERY ? keep(core) : TG_OK;
}

enum tg_err steady_stop(struct node_core *core) { return keep(core); }

/* A fact that cannot be is none: it must not keep the store from being opened. */
enum tg_err steady_load(struct node_core *core)
{
  struct steady *s = &core->steady;
  struct slice bytes;
  uint64_t wall, leapt;
  believe(core, core->now.wall);
  s->looked = s->kept = core->now.mono;
  enum tg_err err = depot_fact(core->depot, FACT, core->arena, &bytes);
  if (err != TG_OK)
    return err == TG_NOT_FOUND ? TG_OK : err;
  if (!take_u64(&bytes, &wall) || !take_u64(&bytes, &leapt) || bytes.n || wall > LIMIT_TIME || leapt > LASTS)
    return TG_OK;
  s->stored = (tg_time)wall;
  s->leapt = (int64_t)leapt;
  believe(core, s->stored);
  return TG_OK;
}

static enum tg_err tell(struct node_core *core)
{
  struct tg_why why;
  char days[32];
  snprintf(days, sizeof days, "%lld", (long long)((core->now.wall - believed(core)) / TG_DAY));
  why_set(&why, TG_EXPIRED, NULL, N_("this machine's clock is %1$s days further than it should be: nothing is erased by it before a hub's clock agrees, or a day has passed"),
          N_("set the clock, unless it is right and the machine was off for so long"), days, NULL, NULL);
  return core_tell(core, NODE_ERROR, "clock-leapt", NULL, NULL, 0, &why);
}

enum tg_err steady_time(struct node_core *core)
{
  struct steady *s = &core->steady;
  const int64_t since = core->now.mono - s->looked;
  const bool had_leapt = s->leapt > 0;
  if (since < LOOK_EVERY)
    return TG_OK;
  s->looked = core->now.mono;
  s->behind = is_far_behind(core) ? s->behind + since : 0;
  if (core->now.wall < believed(core) && (!s->behind || s->behind > LASTS))
    believe(core, core->now.wall); /* whoever set it back has put off what is due, and no more */
  if (!is_far_behind(core))
    s->leapt = is_far_ahead(core) ? s->leapt + since : 0;
  if (s->leapt > LASTS && core->now.wall > (tg_time)LIMIT_TIME)
    s->leapt = LASTS; /* no node can live then */
  enum tg_err err = s->leapt > LASTS ? steady_agreed(core) : TG_OK;
  if (err == TG_OK && core->now.mono - s->kept >= KEEP_EVERY)
    err = keep(core);
  return err == TG_OK && s->leapt && !had_leapt ? tell(core) : err;
}
