#include "client/node/shell/link.h"

#include "client/node/shell/brief.h"
#include "client/node/shell/relay.h"
#include "client/node/shell/wire.h"
#include "os/log.h"
#include "os/pipe.h"
#include "os/sandbox.h"
#include "os/zsock.h"
#include "proto/endpoint.h"
#include "proto/frame.h"

#include <stdio.h>
#include <string.h>
#include <zmq.h>

enum { SLOW_RETRY_MS = 200 }; /* on a slow line it tries again sooner: to meet takes long enough */

/* Invariants: socket exists exactly between WIRE_CONNECT and WIRE_CLOSE, except that a refused one is closed at once, and one over a relay exists from its
   `ready` to its `over`; leaving is the relay of the one before, which may have a goodbye to say; held is a frame that the socket had no room for, and then
   the core is not read. */
struct link {
  struct role_start *start;
  struct loop *loop;
  struct node_keys keys;
  void *zmq;
  struct zsock *socket;
  struct loop_after *close;
  struct pipe *core;
  uint32_t session, rate;
  bool up, stopping;
  struct relay *relay, *leaving;
  struct seal_pk hub;
  struct buf held;
};

/* ---- to the core */

static void tell_core(struct link *k, const struct slice *parts, size_t n)
{
  if (pipe_send_parts(k->core, parts, n) == TG_TOO_BIG)
    log_event(LOG_NOTICE, "frame-too-big", log_number("bytes", parts[n - 1].n));
}

static void tell_core_that(struct link *k, enum wire what)
{
  uint8_t letter = (uint8_t)what;
  struct slice part = {&letter, 1};
  tell_core(k, &part, 1);
}

static void report_dropped(struct link *k, struct slice frame)
{
  uint8_t message[2] = {WIRE_DROPPED, frame.n > 1 ? frame.p[1] : 0};
  struct slice part = {message, sizeof message};
  tell_core(k, &part, 1);
}

/* ---- frames to the hub */

/* What cannot be sent must not be missing before what follows it: nothing more is read, this process ends, and the next one's session
   begins with what is not confirmed. */
static void give_up(struct link *k, enum tg_err err, size_t bytes)
{
  log_event(LOG_ERROR, "cannot-send", log_err("error", err), log_number("bytes", bytes));
  pipe_pause(k->core, true);
  loop_stop(k->loop, tg_exit_code(err));
}

static void send_or_hold(struct link *k, struct slice frame)
{
  enum tg_err err = zsock_send(k->socket, NULL, frame);
  if (err == TG_BUSY) {
    buf_clear(&k->held);
    buf_put_slice(&k->held, frame);
    pipe_pause(k->core, true);
    err = buf_status(&k->held);
  }
  if (err != TG_OK)
    give_up(k, err, frame.n);
}

static void on_send(struct link *k, struct slice message)
{
  uint32_t session;
  if (!take_u32(&message, &session))
    return;
  if (k->up && session == k->session)
    send_or_hold(k, message);
  else
    report_dropped(k, message);
}

static void let_go(struct link *k)
{
  if (!k->held.n)
    return;
  report_dropped(k, buf_slice(&k->held));
  buf_free(&k->held);
  pipe_pause(k->core, false);
}

/* ---- the socket */

static void on_message(void *arg, const struct seal_pk *from, struct slice body)
{
  struct link *k = arg;
  (void)from;
  uint8_t letter = WIRE_FRAME;
  struct slice parts[2] = {{&letter, 1}, body};
  tell_core(k, parts, 2);
  if (pipe_queued(k->core) > WIRE_LINK_QUEUE / 2) {
    zsock_pause(k->socket, true);
    pipe_tell_drained(k->core, WIRE_LINK_QUEUE / 4);
  }
}

static void on_up(void *arg)
{
  struct link *k = arg;
  struct buf message = buf_new(5);
  k->up = true;
  k->session++;
  if (k->relay)
    relay_up(k->relay);
  buf_put_u8(&message, WIRE_UP);
  buf_put_u32(&message, k->session);
  struct slice part = buf_slice(&message);
  tell_core(k, &part, 1);
  buf_free(&message);
}

static void went_down(struct link *k, enum wire how)
{
  k->up = false;
  let_go(k);
  tell_core_that(k, how);
}

static void on_down(void *arg)
{
  went_down(arg, WIRE_LOST);
}

/* libzmq does not try again after a refusal: the core decides when. */
static void on_refused(void *arg)
{
  went_down(arg, WIRE_REFUSED);
  loop_after_ask(((struct link *)arg)->close);
}

static void on_failed(void *arg)
{
  went_down(arg, WIRE_ANOTHER);
  loop_after_ask(((struct link *)arg)->close);
}

static void on_writable(void *arg)
{
  struct link *k = arg;
  const enum tg_err err = k->held.n ? zsock_send(k->socket, NULL, buf_slice(&k->held)) : TG_BUSY;
  if (err == TG_BUSY)
    return;
  if (err != TG_OK) {
    give_up(k, err, k->held.n);
    return;
  }
  buf_free(&k->held);
  pipe_pause(k->core, false);
}

static void close_socket(struct link *k)
{
  let_go(k);
  zsock_free(&k->socket);
  k->up = false;
}

static void disconnect(void *arg)
{
  struct link *k = arg;
  close_socket(k);
  if (!k->relay)
    return;
  relay_free(&k->leaving);
  k->leaving = k->relay;
  k->relay = NULL;
  relay_leave(k->leaving);
}

static void open_socket(struct link *k, const char *endpoint)
{
  static const struct zsock_events events = {.message = on_message,
                                             .up = on_up,
                                             .down = on_down,
                                             .refused = on_refused,
                                             .failed = on_failed,
                                             .writable = on_writable};
  struct seal_pk me = secret_key_seal_pk(k->keys.transport);
  struct tg_why why = {0};
  struct zsock_client_options options = {.endpoint = endpoint,
                                         .server_key = &k->hub,
                                         .public_key = &me,
                                         .secret_key = secret_key_x25519(k->keys.transport),
                                         .max_body = LIMIT_FRAME,
                                         .reconnect_ms = k->rate ? SLOW_RETRY_MS : 0};
  enum tg_err err = zsock_client(k->zmq, &options, &k->socket, &why);
  if (err == TG_OK)
    err = zsock_watch(k->socket, k->loop, &events, k);
  if (err == TG_OK)
    return;
  log_event(LOG_ERROR, "cannot-connect", log_why(&why));
  zsock_free(&k->socket);
}

/* ---- over a relay */

static void on_ready(void *arg)
{
  struct link *k = arg;
  close_socket(k);
  open_socket(k, relay_local(k->relay));
}

static void on_over(void *arg, struct relay *r)
{
  struct link *k = arg;
  if (r == k->leaving) {
    relay_free(&k->leaving);
    if (k->stopping)
      loop_stop(k->loop, 0);
    return;
  }
  const bool was_up = k->up;
  close_socket(k);
  if (was_up)
    tell_core_that(k, WIRE_LOST);
}

static void on_turned(void *arg, bool busy)
{
  const uint8_t message[2] = {WIRE_LINE, busy};
  const struct slice part = {message, sizeof message};
  tell_core(arg, &part, 1);
}

static void on_connect(struct link *k, struct slice message)
{
  static const struct relay_events events = {.ready = on_ready, .over = on_over, .turned = on_turned};
  struct slice key;
  char endpoint[256];
  disconnect(k);
  if (!take(&message, sizeof k->hub.b, &key))
    return;
  memcpy(k->hub.b, key.p, sizeof k->hub.b);
  snprintf(endpoint, sizeof endpoint, "%.*s", (int)message.n, (const char *)message.p);
  if (!endpoint_resumes(endpoint)) {
    open_socket(k, endpoint);
    return;
  }
  enum tg_err err = relay_new(k->loop, endpoint, k->rate, &events, k, &k->relay);
  if (err != TG_OK)
    log_event(LOG_ERROR, "cannot-connect", log_err("error", err), log_text("endpoint", endpoint));
}

/* ---- the core */

static void on_core(void *arg, struct slice message)
{
  struct link *k = arg;
  uint8_t what;
  if (!take_u8(&message, &what))
    return;
  if (what == WIRE_SEND)
    on_send(k, message);
  else if (what == WIRE_CONNECT)
    on_connect(k, message);
  else if (what == WIRE_CLOSE)
    disconnect(k);
}

static void on_core_gone(void *arg, enum tg_err why)
{
  struct link *k = arg;
  (void)why;
  loop_after_ask(k->close);
  role_orphaned(k->start, k->loop, 0);
}

static void on_core_drained(void *arg)
{
  struct link *k = arg;
  if (k->socket)
    zsock_pause(k->socket, false);
}

/* A goodbye that has gone to a relay goes on to the line. */
static void on_stop(void *arg)
{
  struct link *k = arg;
  disconnect(k);
  k->stopping = true;
  if (!k->leaving)
    loop_stop(k->loop, 0);
}

/* ---- the process */

static enum tg_err prepare(struct link *k, struct tg_why *why)
{
  struct settings *settings = NULL;
  enum tg_err err = brief_take(role_brief(k->start), &settings, &k->keys, why);
  if (err == TG_OK)
    log_set_level((enum log_level)settings->log);
  if (err == TG_OK)
    k->rate = settings->line_rate < UINT32_MAX ? (uint32_t)settings->line_rate : UINT32_MAX;
  settings_free(settings);
  role_brief_forget(k->start);
  if (err != TG_OK)
    return err;
  k->held = buf_new(LIMIT_FRAME);
  k->loop = loop_new();
  k->zmq = zmq_ctx_new();
  k->close = k->loop ? loop_after(k->loop, LOOP_SOON, disconnect, k) : NULL;
  return k->zmq && k->close ? TG_OK : TG_NO_MEMORY;
}

static enum tg_err join(struct link *k)
{
  static const struct pipe_events core_events = {
      .frame = on_core, .closed = on_core_gone, .drained = on_core_drained};
  static const struct pipe_limits limits = {.max_frame = WIRE_LINK_MAX, .max_queue = WIRE_LINK_QUEUE};
  static const struct role_events role_events = {.stop = on_stop};
  enum tg_err err = pipe_new(k->loop, role_channel(k->start, "core"), &limits, &core_events, k, &k->core);
  return err == TG_OK ? role_watch(k->start, k->loop, &role_events, k) : err;
}

/* Names of hubs are looked up with files of /etc. */
static enum tg_err confine(struct tg_why *why)
{
  static const struct sandbox_path paths[] = {{"/etc", SANDBOX_READ}};
  static const struct sandbox sandbox = {
      .profile = SANDBOX_NETWORK, .paths = paths, .n_paths = 1, .connect_anywhere = true};
  return sandbox_enter(&sandbox, why);
}

static void finish(struct link *k)
{
  if (k->loop) {
    close_socket(k);
    relay_free(&k->relay);
    relay_free(&k->leaving);
    pipe_free(&k->core);
    loop_after_free(&k->close);
    loop_free(k->loop);
  }
  if (k->zmq)
    zmq_ctx_term(k->zmq); /* waits a moment for a last goodbye */
  buf_free(&k->held);
  node_keys_free(&k->keys);
}

int link_main(struct role_start *start)
{
  struct link k = {.start = start};
  struct tg_why why = {0};
  enum tg_err err = prepare(&k, &why);
  if (err == TG_OK)
    err = join(&k);
  if (err == TG_OK)
    err = confine(&why);
  int code = tg_exit_code(err);
  if (err == TG_OK) {
    role_ready(start);
    code = loop_run(k.loop);
  } else {
    log_event(LOG_ERROR, "cannot-start", log_err("error", err), log_why(&why));
  }
  finish(&k);
  return code;
}
