/* The process that strangers reach. It knows the transport key, which keys may connect, and nothing of what
   it carries. libzmq may fall over hostile bytes; then the parent starts another one. It keeps no queue for a peer: what
   cannot be sent now is reported. What comes waits here for its turn, a little of it (turns.h). */
#include "broker/front/burden.h"
#include "broker/front/resumed.h"
#include "broker/turns.h"
#include "broker/memory.h"
#include "broker/message.h"
#include "broker/role.h"
#include "os/log.h"
#include "os/sandbox.h"
#include "os/zauth.h"
#include "os/zsock.h"
#include "proto/endpoint.h"
#include "proto/frame.h"

#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#define STRANGERS_MS 60000 /* what strangers did is logged at most this often */
/* Bytes on their way to the core: whoever comes next waits behind them. */
#define CORE_HIGH (128u << 10)
#define CORE_LOW (64u << 10)
/* Of one member the core has so much to deal with, or one frame: enough to be at work until it hears of the next. Others' frames pass by. */
#define MEMBER_WINDOW (128u << 10)
/* Messages that wait for a node that reads slowly. What a session begins with must fit, or it would end as soon as it is open, again and again: a Want for each of 128 bodies
   that wait for it, outcomes, receipts; and four bodies' windows of chunks behind them. Bytes are the burden's to watch. */
enum { NODE_QUEUE = 256 };
/* An honest node has no more before us: 4 MiB of submissions, if they are urgent, and one more, 32 chunks, and little else (client/node/outbox_send.c). */
#define AWAITS_ANSWERS (15u << 19)
/* As togunad.service has it. */
enum { DESCRIPTORS = 16384 };

/* A node, and whose it is. */
struct peer {
  struct seal_pk key;
  uint32_t member;
};

struct front {
  struct role_start *start;
  struct loop *loop;
  struct zauth *auth;
  struct zsock *door[SETTINGS_ENDPOINTS];
  size_t n; /* doors that are open */
  struct resumed *resumed[SETTINGS_ENDPOINTS];
  size_t n_resumed;
  struct pipe *core;
  struct peer *peer; /* who may connect, by key */
  size_t n_peers;
  struct turns *turns;
  uint64_t most; /* bytes that should wait there at most */
  bool paused;
  bool over; /* the core is gone: nobody is heard any more */
  struct burden *burden;
  struct loop_timer *strangers;
  uint64_t told; /* of strangers, when last logged */
};

static void end(struct front *f, const char *event, enum tg_err err, const struct tg_why *why)
{
  loop_stop(f->loop, role_fails(event, err, why));
}

/* ---- to the core */

static void pause_doors(struct front *f, bool paused)
{
  paused |= f->over;
  f->paused = paused;
  burden_hurry(f->burden, paused);
  for (size_t i = 0; i < f->n; i++)
    zsock_pause(f->door[i], paused);
}

/* The channel has room for this beyond CORE_HIGH. */
static void tell_core(struct front *f, enum message type, const struct seal_pk *key, struct slice rest)
{
  if (f->core)
    (void)message_send(f->core, type, key, rest);
}

/* As if the line had lost it. */
static void frame_lost(enum tg_err err)
{
  log_event(LOG_ERROR, "frame-lost", log_err("error", err));
}

/* The next that may go. Of what did not get out the core will not say that it is done with. */
static void hand_over(struct front *f, const struct seal_pk *from, struct slice frame)
{
  const struct seal_pk key = *from;
  const enum tg_err err = message_send(f->core, MESSAGE_FRAME, &key, frame);
  const uint64_t cost = turns_done(f->turns);
  if (err == TG_OK)
    return;
  if (err != TG_UNREACHABLE) /* the core has ended, and so do we */
    frame_lost(err);
  turns_back(f->turns, &key, cost);
}

/* As much as the core should have before it. What waits beyond that waits here, each sender for itself; and when much of many does, nobody is heard:
   ZeroMQ's queues fill, then TCP's, and the senders wait. */
static void feed(struct front *f)
{
  const struct seal_pk *key;
  struct slice frame;
  while (f->core && pipe_queued(f->core) < CORE_HIGH && turns_next(f->turns, &key, &frame, NULL))
    hand_over(f, key, frame);
  if (f->core && pipe_queued(f->core) >= CORE_HIGH)
    pipe_tell_drained(f->core, CORE_LOW);
  if (f->paused && turns_bytes(f->turns) < f->most)
    pause_doors(f, false);
}

/* While memory is short ZeroMQ's queues are emptied, for they count messages and not bytes, and a member may have an eighth of what is free up to twice as
   much as should wait. Whose member has little waiting loses nothing by it. */
static bool is_too_much(const struct front *f, const struct seal_pk *from, size_t bytes)
{
  const uint64_t all = turns_bytes(f->turns), room = all < 2 * f->most ? 2 * f->most - all : 0;
  return burden_is_short(f->burden) && turns_bytes_of(f->turns, from) + bytes > room / 8;
}

/* More waits than should, or of one member more than half of that: whoever has most of it goes, whoever speaks; but nobody who has no more than what waits
   for answers. Once nobody would be heard, a member that has more than all others together loses a node all the same. */
static bool has_too_much(const struct front *f, struct turns_heap *ret)
{
  const uint64_t all = turns_bytes(f->turns);
  if (all <= f->most / 2)
    return false;
  if (turns_most(f->turns, AWAITS_ANSWERS, ret) && (all > f->most || ret->of_member > f->most / 2))
    return true;
  return all > f->most / 2 * 3 && turns_most(f->turns, 1, ret) && ret->of_member > all / 2;
}

/* What it said before is of a session that ends now. */
static void gone(struct front *f, const struct seal_pk *key)
{
  (void)turns_forget(f->turns, key);
  tell_core(f, MESSAGE_GONE, key, slice_of(NULL, 0));
}

static void cut_sender(struct front *f, struct seal_pk key)
{
  const uint64_t waited = turns_bytes_of(f->turns, &key);
  size_t n = 0;
  for (size_t i = 0; i < f->n; i++)
    n += zsock_cut(f->door[i], &key);
  gone(f, &key);
  if (burden_is_short(f->burden))
    burden_cut(f->burden, n);
  else if (n > 0)
    log_event(LOG_NOTICE, "cut", log_hex("key", slice_of(key.b, sizeof key.b)), log_number("connections", n),
              log_number("waited", waited));
}

static void on_message(void *arg, const struct seal_pk *from, struct slice body)
{
  struct front *f = arg;
  struct turns_heap most;
  if (is_too_much(f, from, body.n)) {
    cut_sender(f, *from);
    burden_moved(f->burden, body.n);
    return;
  }
  if (turns_put(f->turns, from, body) != TG_OK)
    frame_lost(TG_NO_MEMORY);
  feed(f);
  while (has_too_much(f, &most))
    cut_sender(f, most.key);
  if (!f->paused && turns_bytes(f->turns) > f->most / 2 * 3 && !burden_is_short(f->burden))
    pause_doors(f, true);
  burden_moved(f->burden, body.n);
}

static int by_key(const void *a, const void *b)
{
  return memcmp(((const struct peer *)a)->key.b, ((const struct peer *)b)->key.b, sizeof(struct seal_pk));
}

static uint32_t member_of(void *arg, const struct seal_pk *key)
{
  const struct front *f = arg;
  const struct peer wanted = {.key = *key}, *found = f->n_peers ? bsearch(&wanted, f->peer, f->n_peers, sizeof *f->peer, by_key) : NULL;
  return found ? found->member : 0; /* it was let in, and is not any more */
}

static void on_met(void *arg, const struct seal_pk *from, int fd)
{
  struct front *f = arg;
  for (size_t i = 0; i < f->n_resumed; i++)
    resumed_met(f->resumed[i], from, member_of(f, from), fd);
}

static void on_turned(void *arg, const struct seal_pk *key, bool busy)
{
  const uint8_t b = busy;
  tell_core(arg, MESSAGE_LINE, key, slice_of(&b, 1));
}

/* Connections that are not ZeroMQ's. */
static bool is_ours(void *arg, int fd)
{
  const struct front *f = arg;
  bool ours = false;
  for (size_t i = 0; !ours && i < f->n_resumed; i++)
    ours = resumed_owns(f->resumed[i], fd);
  return ours;
}

static void on_drained(void *arg)
{
  feed(arg);
}

static void on_burden(void *arg)
{
  struct front *f = arg;
  if (burden_is_short(f->burden) && f->paused)
    pause_doors(f, false);
}

/* ---- from the core */

/* The core will close the session; but the next frame may be here already, and there may be room for it. A node that saw it behind
   the gap would have to take us for a cheat. */
static void drop(struct front *f, const struct seal_pk *key, struct slice frame)
{
  const struct frame_kind *kind = frame.n > 1 ? frame_kind(frame.p[1]) : NULL;
  for (size_t i = 0; kind && kind->chained && i < f->n; i++)
    zsock_cut(f->door[i], key);
  tell_core(f, MESSAGE_DROPPED, key, slice_of(frame.n > 1 ? frame.p + 1 : NULL, frame.n > 1));
}

static void send_to(struct front *f, const struct seal_pk *key, struct slice frame)
{
  enum tg_err err = TG_UNREACHABLE;
  for (size_t i = 0; err == TG_UNREACHABLE && i < f->n; i++)
    err = zsock_send(f->door[i], key, frame);
  if (err == TG_UNREACHABLE)
    gone(f, key);
  else if (err != TG_OK)
    drop(f, key, frame);
  burden_moved(f->burden, frame.n);
}

static enum tg_err open_door(struct front *f, const uint8_t *secret_key, const char *endpoint,
                             struct tg_why *why)
{
  static const struct zsock_events events = {.message = on_message, .met = on_met};
  const struct zsock_server_options o = {
      .endpoint = endpoint, .secret_key = secret_key, .max_body = LIMIT_FRAME, .queue = NODE_QUEUE};
  enum tg_err err = zsock_server(f->auth, &o, &f->door[f->n], why);
  if (err != TG_OK)
    return err;
  log_event(LOG_NOTICE, "listening", log_text("endpoint", endpoint));
  burden_add(f->burden, f->door[f->n]);
  zsock_spare(f->door[f->n], is_ours, f);
  return zsock_watch(f->door[f->n++], f->loop, &events, f);
}

/* For those on bad lines, in front of the first door. */
static enum tg_err open_resumed(struct front *f, const char *endpoint, size_t most, struct tg_why *why)
{
  char door[256];
  zsock_own_address(f->door[0], door);
  enum tg_err err = resumed_new(f->loop, endpoint, door, most, on_turned, f, &f->resumed[f->n_resumed], why);
  if (err != TG_OK)
    return err;
  f->n_resumed++;
  log_event(LOG_NOTICE, "listening", log_text("endpoint", endpoint));
  return TG_OK;
}

/* Not before the core has said who may enter, and with their keys in place: a node that came too early would
   be turned away, and libzmq would not let it try again. The self-test knocks with a key that is in no list.
 */
static enum tg_err open_doors(struct front *f, const struct seal_pk *keys, size_t n, struct tg_why *why)
{
  const struct front_brief *brief = brief_take(f->start, sizeof *brief);
  enum tg_err err = brief ? zauth_new(&f->auth, why) : TG_INTERNAL;
  if (err == TG_OK)
    err = zauth_allow(f->auth, keys, n);
  for (size_t i = 0; err == TG_OK && i < brief->n; i++)
    if (!endpoint_resumes(brief->endpoint[i]))
      err = open_door(f, brief->transport_key, brief->endpoint[i], why);
  for (size_t i = 0; err == TG_OK && i < brief->n && f->n; i++)
    if (endpoint_resumes(brief->endpoint[i]))
      err = open_resumed(f, brief->endpoint[i], memory_resumed(brief->memory) / (brief->n - f->n), why);
  role_brief_forget(f->start);
  if (err == TG_OK)
    role_ready(f->start);
  return err;
}

/* Remembers whose nodes they are; their keys, in keys[]. False: the core's message is none. */
static void take_peers(struct front *f, struct slice bytes, struct peer *peers, struct seal_pk *keys, size_t n)
{
  for (size_t i = 0; i < n && message_take_key(&bytes, &peers[i].key) && take_u32(&bytes, &peers[i].member); i++)
    keys[i] = peers[i].key;
  qsort(peers, n, sizeof *peers, by_key);
  free(f->peer);
  f->peer = peers;
  f->n_peers = n;
}

static enum tg_err let_in(struct front *f, const struct seal_pk *keys, size_t n, struct tg_why *why)
{
  enum tg_err err = f->auth ? TG_OK : open_doors(f, keys, n, why);
  for (size_t i = 0; err == TG_OK && i < f->n; i++)
    err = zsock_allow(f->door[i], keys, n);
  return err;
}

static void allow(struct front *f, struct slice bytes)
{
  struct tg_why why = {.err = TG_OK};
  const size_t n = bytes.n / (sizeof(struct seal_pk) + sizeof(uint32_t));
  struct peer *peers = calloc(n + 1, sizeof *peers);
  struct seal_pk *keys = calloc(n + 1, sizeof *keys);
  enum tg_err err = peers && keys ? TG_OK : TG_NO_MEMORY;
  if (err == TG_OK && bytes.n != n * (sizeof(struct seal_pk) + sizeof(uint32_t)))
    err = TG_INTERNAL; /* who may enter must not be guessed */
  if (err == TG_OK) {
    take_peers(f, bytes, peers, keys, n);
    peers = NULL;
    err = let_in(f, keys, n, &why);
  }
  free(peers);
  free(keys);
  if (err != TG_OK)
    end(f, "front-failed", err, &why);
}

static void cut(struct front *f, const struct seal_pk *key)
{
  size_t n = 0;
  for (size_t i = 0; i < f->n; i++)
    n += zsock_cut(f->door[i], key);
  (void)turns_forget(f->turns, key);
  log_event(LOG_NOTICE, "cut", log_hex("key", slice_of(key->b, sizeof key->b)), log_number("connections", n));
}

static void taken(struct front *f, const struct seal_pk *key, struct slice rest)
{
  uint32_t cost;
  if (!take_u32(&rest, &cost))
    return;
  turns_back(f->turns, key, cost);
  feed(f);
}

static void on_frame(void *arg, struct slice frame)
{
  struct front *f = arg;
  enum message type;
  struct seal_pk key;
  if (!message_take(&frame, &type))
    return;
  if (type == MESSAGE_ALLOW)
    allow(f, frame);
  else if (type == MESSAGE_SEND && message_take_key(&frame, &key))
    send_to(f, &key, frame);
  else if (type == MESSAGE_CUT && message_take_key(&frame, &key))
    cut(f, &key);
  else if (type == MESSAGE_TAKEN && message_take_key(&frame, &key))
    taken(f, &key, frame);
}

/* The core has ended, or wants nothing to do with a front that does not listen. Either way the parent knows
 * what comes next. */
static void on_closed(void *arg, enum tg_err why)
{
  struct front *f = arg;
  (void)why;
  f->over = true;
  pause_doors(f, true);
  role_orphaned(f->start, f->loop, tg_exit_code(TG_INTERNAL));
}

/* ---- what strangers do */

static void tell_of_strangers(void *arg)
{
  struct front *f = arg;
  uint64_t refused = 0, failed = 0, malformed = 0;
  for (size_t i = 0; i < f->n; i++) {
    struct zsock_counts c = zsock_counts(f->door[i]);
    refused += c.refused_keys;
    failed += c.handshakes_failed;
    malformed += c.bad_parts + c.unknown_sender;
  }
  for (size_t i = 0; i < f->n_resumed; i++) {
    const struct resumed_counts c = resumed_counts(f->resumed[i]);
    failed += c.unopened;
    malformed += c.malformed;
  }
  if (refused + failed + malformed != f->told)
    log_event(LOG_NOTICE, "strangers", log_number("unknown-keys", refused),
              log_number("no-handshake", failed), log_number("malformed", malformed));
  f->told = refused + failed + malformed;
  loop_timer_in(f->strangers, STRANGERS_MS);
}

/* ---- the life of the process */

static void on_stop(void *arg)
{
  struct front *f = arg;
  loop_stop(f->loop, 0);
}

/* Soft limits of 1,024 are for programs that call select(2), and a few hundred sessions of bad lines want more. */
static void raise_descriptors(void)
{
  struct rlimit limit;
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= DESCRIPTORS)
    return;
  limit.rlim_cur = limit.rlim_max < DESCRIPTORS ? limit.rlim_max : DESCRIPTORS;
  (void)setrlimit(RLIMIT_NOFILE, &limit);
}

/* It must be able to reach its own ZeroMQ ports: the self-test knocks there, and sessions of bad lines end there. */
static enum tg_err jail(const struct front_brief *brief, struct tg_why *why)
{
  uint16_t port[SETTINGS_ENDPOINTS], own[SETTINGS_ENDPOINTS];
  size_t n_own = 0;
  for (size_t i = 0; i < brief->n; i++) {
    port[i] = settings_port(brief->endpoint[i]);
    if (!endpoint_resumes(brief->endpoint[i]))
      own[n_own++] = port[i];
  }
  return sandbox_enter(&(struct sandbox){.profile = SANDBOX_NETWORK,
                                         .bind_ports = port,
                                         .n_bind_ports = brief->n,
                                         .connect_ports = own,
                                         .n_connect_ports = n_own},
                       why);
}

static enum tg_err prepare(struct front *f, struct tg_why *why)
{
  static const struct role_events events = {.stop = on_stop};
  static const struct pipe_events from_core = {.frame = on_frame, .closed = on_closed, .drained = on_drained};
  const struct front_brief *brief = brief_take(f->start, sizeof *brief);
  if (!brief)
    return TG_INTERNAL;
  raise_descriptors();
  f->loop = loop_new();
  f->strangers = f->loop ? loop_timer(f->loop, tell_of_strangers, f) : NULL;
  f->most = memory_turns(brief->memory);
  f->turns = f->strangers ? turns_new((struct turns_options){.window = MEMBER_WINDOW, .member = member_of, .arg = f}) : NULL;
  f->burden = f->turns ? burden_new(f->loop, memory_front(brief->memory), on_burden, f) : NULL;
  enum tg_err err = f->burden ? role_watch(f->start, f->loop, &events, f) : TG_NO_MEMORY;
  if (err == TG_OK)
    err = jail(brief, why);
  int fd = err == TG_OK ? role_channel(f->start, "core") : -1;
  if (err == TG_OK)
    err = fd < 0 ? TG_INTERNAL : pipe_new(f->loop, fd, &MESSAGE_CORE_LIMITS, &from_core, f, &f->core);
  if (err == TG_OK)
    loop_timer_in(f->strangers, STRANGERS_MS);
  return err;
}

int front_main(struct role_start *start)
{
  struct front f = {.start = start};
  struct tg_why why = {.err = TG_OK};
  enum tg_err err = prepare(&f, &why);
  int code = err == TG_OK ? loop_run(f.loop) : role_fails("front-failed", err, &why);
  pipe_free(&f.core);
  burden_free(f.burden);
  turns_free(f.turns);
  free(f.peer);
  for (size_t i = 0; i < f.n_resumed; i++)
    resumed_free(&f.resumed[i]);
  for (size_t i = 0; i < f.n; i++)
    zsock_free(&f.door[i]);
  zauth_free(&f.auth);
  loop_free(f.loop);
  return code;
}
