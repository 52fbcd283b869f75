#include "tests/bench/lane.h"

#include "os/pipe.h"
#include "os/unix.h"

#include <stdio.h>
#include <stdlib.h>

enum { QUEUE = 64 << 20 };

/* Invariant: the request of a slot is numbered turn × LANE_SLOTS + slot + 2; number 1 is the greeting's. */
struct lane {
  struct pipe *pipe;
  const struct lane_events *events;
  void *arg;
  struct arena *arena;
  struct buf frame;
  uint64_t turn[LANE_SLOTS];
  bool taken[LANE_SLOTS];
  size_t busy;
};

static void on_frame(void *arg, struct slice frame)
{
  struct lane *lane = arg;
  const struct local_kind *kind;
  ProtobufCMessage *message;
  struct tg_why why = {0};
  char text[512];
  arena_reset(lane->arena);
  if (local_decode(frame, LOCAL_TO_PROGRAM, lane->arena, &kind, &message, &why) != TG_OK) {
    why_render(&why, NULL, text, sizeof text);
    lane->events->lost(lane->arg, text);
    return;
  }
  uint64_t number = local_request(message);
  if (kind->type == LOCAL_WELCOME) {
    lane->events->open(lane->arg, lane);
  } else if (number < 2) {
    lane->events->lost(lane->arg, "the node ended the connection");
  } else {
    size_t slot = (number - 2) % LANE_SLOTS;
    if (lane->taken[slot] && lane->turn[slot] == (number - 2) / LANE_SLOTS)
      lane->events->answer(lane->arg, lane, slot, kind->type, message);
  }
}

static void on_closed(void *arg, enum tg_err why)
{
  struct lane *lane = arg;
  lane->events->lost(lane->arg, tg_err_name(why));
}

struct lane *lane_new(struct loop *loop, const char *socket, const struct lane_events *events, void *arg)
{
  static const struct pipe_events listen = {.frame = on_frame, .closed = on_closed};
  static const struct pipe_limits limits = {.max_frame = LOCAL_FRAME, .max_queue = QUEUE};
  Tg__LHello hello = TG__LHELLO__INIT;
  struct lane *lane = calloc(1, sizeof *lane);
  int fd;
  if (!lane)
    return NULL;
  *lane = (struct lane){.events = events, .arg = arg, .arena = arena_new(LOCAL_ARENA), .frame = buf_new(LOCAL_FRAME)};
  if (!lane->arena || unix_connect(socket, &fd, NULL) != TG_OK || pipe_new(loop, fd, &limits, &listen, lane, &lane->pipe) != TG_OK) {
    lane_free(lane);
    return NULL;
  }
  hello.request = 1;
  hello.protocol = LOCAL_PROTOCOL;
  hello.program = strict_data(slice_str("toguna-bench"));
  lane_send(lane, LOCAL_HELLO, &hello.base);
  return lane;
}

void lane_free(struct lane *lane)
{
  if (!lane)
    return;
  pipe_free(&lane->pipe);
  arena_free(lane->arena);
  buf_free(&lane->frame);
  free(lane);
}

bool lane_slot(struct lane *lane, size_t most, size_t *ret)
{
  for (size_t i = 0; lane->busy < most && i < LANE_SLOTS; i++)
    if (!lane->taken[i]) {
      lane->taken[i] = true;
      lane->busy++;
      *ret = i;
      return true;
    }
  return false;
}

void lane_done(struct lane *lane, size_t slot)
{
  lane->taken[slot] = false;
  lane->busy--;
}

bool lane_is_idle(const struct lane *lane)
{
  return lane->busy == 0;
}

uint64_t lane_request(struct lane *lane, size_t slot)
{
  return ++lane->turn[slot] * LANE_SLOTS + slot + 2;
}

void lane_send(struct lane *lane, enum local_type type, const ProtobufCMessage *message)
{
  struct tg_why why = {0};
  buf_clear(&lane->frame);
  enum tg_err err = local_encode(type, message, &lane->frame, &why);
  if (err == TG_OK)
    err = pipe_send(lane->pipe, buf_slice(&lane->frame));
  if (err != TG_OK)
    lane->events->lost(lane->arg, why.what ? why.what : tg_err_name(err));
}

void lane_pause(struct lane *lane, bool paused)
{
  pipe_pause(lane->pipe, paused);
}
