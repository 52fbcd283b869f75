#include "client/node/shell/process.h"

#include "client/node/shell/brief.h"
#include "client/node/shell/clients.h"
#include "client/node/shell/intake.h"
#include "client/node/shell/wire.h"
#include "os/clock.h"
#include "os/file.h"
#include "os/log.h"
#include "os/pipe.h"
#include "os/sandbox.h"
#include "os/unix.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { MINUTE_MS = 60 * 1000, LAST_WORDS_MS = 500 };

/* Invariants: target is what the core last asked the link for: a new link process is told again; orders[hook]
   is under way at the hook runner, 0 for none; dropped and lost_orders wait for the end of the effects, which
   must not re-enter the core. dropping: some type in `dropped` is set. */
struct process {
  struct role_start *start;
  struct loop *loop;
  struct settings *settings;
  struct node_keys keys;
  struct node_config config;
  struct node_secrets secrets;
  struct node_core *core;
  struct clients *clients;
  struct pipe *link, *hooks;
  struct loop_after *turn;
  struct loop_timer *wake, *minute;
  struct buf target;
  uint32_t session;
  bool dropping, dropped[UINT8_MAX + 1]; /* frames of these types */
  uint64_t orders[SETTINGS_HOOKS_MAX], lost_orders[SETTINGS_HOOKS_MAX];
  size_t n_lost_orders;
  bool over;
};

static struct node_now now(void)
{
  return (struct node_now){.wall = clock_wall(), .mono = clock_mono()};
}

/* ---- events ---- */

static void fail(struct process *p, enum tg_err err, const struct tg_why *why)
{
  if (p->over)
    return;
  p->over = true;
  log_event(LOG_ERROR, "node-failed", log_err("error", err), log_why(why),
            log_text("lost", "nothing that was acknowledged"));
  loop_stop(p->loop, tg_exit_code(err));
}

/* Before every event: the core knows the time. False when it is over. */
static bool begin(struct process *p)
{
  struct tg_why why = {0};
  enum tg_err err = p->over ? TG_OK : node_time(p->core, now());
  if (err != TG_OK)
    fail(p, err, &why);
  return !p->over;
}

static void turn(struct process *p);

/* A FLASH does not wait until nothing else comes. */
static void end(struct process *p, enum tg_err err)
{
  struct tg_why why = {0};
  if (err != TG_OK)
    fail(p, err, &why);
  else if (node_is_urgent(p->core))
    turn(p);
  else
    loop_after_ask(p->turn);
}

/* What effects could not do comes back as events. */
static void give_back(struct process *p)
{
  enum tg_err err = TG_OK;
  const bool any = p->dropping || p->n_lost_orders;
  bool dropped[UINT8_MAX + 1];
  memcpy(dropped, p->dropped, sizeof dropped);
  memset(p->dropped, 0, sizeof p->dropped);
  p->dropping = false;
  for (unsigned type = 0; err == TG_OK && type <= UINT8_MAX; type++)
    if (dropped[type])
      err = node_dropped(p->core, (uint8_t)type);
  for (size_t i = 0; err == TG_OK && i < p->n_lost_orders; i++)
    err = node_hook_done(p->core, p->lost_orders[i], -1);
  p->n_lost_orders = 0;
  if (any)
    end(p, err);
}

static void turn(struct process *p)
{
  struct tg_why why = {0};
  if (!begin(p))
    return;
  enum tg_err err = node_turn(p->core, &why);
  if (err != TG_OK)
    fail(p, err, &why);
  else
    give_back(p);
}

/* Nothing else is ready. Between two steps it is looked whether something is. */
static void on_idle(void *arg)
{
  struct process *p = arg;
  struct tg_why why = {0};
  bool more;
  if (!begin(p))
    return;
  enum tg_err err = node_step(p->core, &more);
  if (err != TG_OK)
    fail(p, err, &why);
  else if (more)
    loop_after_ask(p->turn);
  else
    turn(p);
}

static void on_wake(void *arg)
{
  loop_after_ask(((struct process *)arg)->turn);
}

static void on_minute(void *arg)
{
  struct process *p = arg;
  struct tg_why why = {0};
  uint64_t free_bytes;
  if (file_free_space(p->settings->folder, &free_bytes, &why) == TG_OK)
    node_disk(p->core, free_bytes);
  else
    log_event(LOG_ERROR, "disk-unknown", log_why(&why));
  loop_timer_in(p->minute, MINUTE_MS);
  loop_after_ask(p->turn);
}

/* ---- effects: the hub ---- */

static uint8_t type_of(struct slice frame)
{
  return frame.n > 1 ? frame.p[1] : 0;
}

static void put_u32(uint8_t out[4], uint32_t v)
{
  for (int i = 0; i < 4; i++)
    out[i] = (uint8_t)(v >> 8 * (3 - i));
}

/* Nothing overtakes a frame that found no room: the hub confirms receipts up to a serial, and the core, which would say what is
   missing anew, may end before it is told. */
static size_t to_hub(void *context, struct slice frame)
{
  struct process *p = context;
  uint8_t head[5] = {WIRE_SEND};
  put_u32(head + 1, p->session);
  struct slice parts[2] = {{head, sizeof head}, frame};
  if (!p->link || p->dropping || pipe_send_parts(p->link, parts, 2) != TG_OK) {
    p->dropping = p->dropped[type_of(frame)] = true;
    return p->link ? pipe_queued(p->link) : 0;
  }
  size_t queued = pipe_queued(p->link);
  if (queued >= NODE_FULL)
    pipe_tell_drained(p->link, NODE_FULL / 4);
  return queued;
}

/* Nothing is lost when the link has no room or is not there: a new one is told the target again. */
static void tell_target(struct process *p)
{
  if (p->link && p->target.n)
    (void)pipe_send(p->link, buf_slice(&p->target));
}

static void connect_to(void *context, const char *endpoint, const struct seal_pk *hub)
{
  struct process *p = context;
  buf_clear(&p->target);
  buf_put_u8(&p->target, endpoint ? WIRE_CONNECT : WIRE_CLOSE);
  if (endpoint) {
    buf_put(&p->target, hub->b, sizeof hub->b);
    buf_put_str(&p->target, endpoint);
  }
  tell_target(p);
}

/* ---- effects: programs, hooks, people ---- */

static size_t to_client(void *context, uint64_t client, struct slice frame)
{
  return clients_send(((struct process *)context)->clients, client, frame);
}

static void close_client(void *context, uint64_t client)
{
  clients_close(((struct process *)context)->clients, client);
}

static void run_hook(void *context, const struct node_hook *order)
{
  struct process *p = context;
  struct buf head = buf_new(16);
  buf_put_u8(&head, WIRE_RUN);
  buf_put_u64(&head, order->order);
  buf_put_u32(&head, (uint32_t)order->hook);
  struct slice parts[2] = {buf_slice(&head), order->json};
  if (p->hooks && pipe_send_parts(p->hooks, parts, 2) == TG_OK)
    p->orders[order->hook] = order->order;
  else if (p->n_lost_orders < SETTINGS_HOOKS_MAX)
    p->lost_orders[p->n_lost_orders++] = order->order;
  buf_free(&head);
}

static void wake_at(void *context, int64_t mono)
{
  struct process *p = context;
  if (mono == INT64_MAX)
    loop_timer_stop(p->wake);
  else
    loop_timer_at(p->wake, mono);
}

static void keep_evidence(void *context, const char *name, struct slice text)
{
  struct process *p = context;
  struct tg_why why = {0};
  char path[4096];
  snprintf(path, sizeof path, "%s/%s", p->settings->evidence, name);
  if (strchr(name, '/') || file_write(path, text, 0600, &why) != TG_OK)
    log_event(LOG_ALARM, "evidence-not-kept", log_text("name", name), log_why(&why));
  else
    log_event(LOG_ALARM, "evidence", log_text("file", path));
}

static enum log_level level_of(enum node_level level)
{
  switch (level) {
  case NODE_ALARM:
    return LOG_ALARM;
  case NODE_ERROR:
    return LOG_ERROR;
  case NODE_NOTICE:
    return LOG_NOTICE;
  case NODE_DEBUG:
    break;
  }
  return LOG_DEBUG;
}

static void tell(void *context, const struct node_event *e)
{
  (void)context;
  struct log_pair pairs[5] = {{.key = e->name}};
  size_t n = 1;
  if (e->subject)
    pairs[n++] = log_hex("id", slice_of(e->subject->b, sizeof e->subject->b));
  if (e->who)
    pairs[n++] = log_text("who", e->who);
  if (e->number)
    pairs[n++] = log_number("number", e->number);
  if (e->why && e->why->what)
    pairs[n++] = log_why(e->why);
  log_write(level_of(e->level), pairs, n);
}

/* ---- the link ---- */

static void on_link_up(struct process *p, struct slice message)
{
  uint32_t session;
  if (!take_u32(&message, &session))
    return;
  turn(p); /* what was said to the session before carries its number */
  p->session = session;
  if (begin(p))
    end(p, node_link(p->core, NODE_LINK_UP));
}

static void on_link_message(struct process *p, uint8_t what, struct slice message)
{
  switch ((enum wire)what) {
  case WIRE_LOST:
    end(p, node_link(p->core, NODE_LINK_DOWN));
    break;
  case WIRE_REFUSED:
    end(p, node_link(p->core, NODE_LINK_REFUSED));
    break;
  case WIRE_ANOTHER:
    end(p, node_link(p->core, NODE_LINK_FAILED));
    break;
  case WIRE_FRAME:
    end(p, node_frame(p->core, message));
    break;
  case WIRE_DROPPED:
    if (message.n == 1)
      end(p, node_dropped(p->core, message.p[0]));
    break;
  case WIRE_LINE:
    if (message.n == 1)
      end(p, node_line(p->core, message.p[0]));
    break;
  case WIRE_UP:
  case WIRE_SEND:
  case WIRE_CONNECT:
  case WIRE_CLOSE:
  case WIRE_RUN:
    break;
  }
}

static void on_link(void *arg, struct slice message)
{
  struct process *p = arg;
  uint8_t what;
  if (!take_u8(&message, &what) || !begin(p))
    return;
  if (what == WIRE_UP)
    on_link_up(p, message);
  else
    on_link_message(p, what, message);
}

static void on_link_drained(void *arg)
{
  struct process *p = arg;
  if (begin(p))
    end(p, node_drained(p->core));
}

/* A new one comes with role_events.channel. */
static void on_link_gone(void *arg, enum tg_err why)
{
  struct process *p = arg;
  (void)why;
  pipe_free(&p->link);
  if (!begin(p))
    return;
  log_event(LOG_NOTICE, "link-gone", log_text("lost", "nothing"));
  end(p, node_link(p->core, NODE_LINK_DOWN));
}

static enum tg_err join_link(struct process *p, int fd)
{
  static const struct pipe_events events = {
      .frame = on_link, .closed = on_link_gone, .drained = on_link_drained};
  static const struct pipe_limits limits = {.max_frame = WIRE_LINK_MAX, .max_queue = WIRE_LINK_QUEUE};
  bool had_one = p->link != NULL;
  pipe_free(&p->link);
  enum tg_err err = pipe_new(p->loop, fd, &limits, &events, p, &p->link);
  if (err == TG_OK && had_one && begin(p))
    end(p, node_link(p->core, NODE_LINK_DOWN));
  tell_target(p);
  return err;
}

/* ---- the hook runner ---- */

static void on_hook_ended(void *arg, struct slice message)
{
  struct process *p = arg;
  uint8_t what;
  uint64_t order;
  uint32_t code;
  if (!take_u8(&message, &what) || what != WIRE_ENDED || !take_u64(&message, &order) ||
      !take_u32(&message, &code) || code > 256)
    return;
  for (size_t i = 0; i < SETTINGS_HOOKS_MAX; i++)
    if (p->orders[i] == order)
      p->orders[i] = 0;
  if (begin(p))
    end(p, node_hook_done(p->core, order, (int)code - 1));
}

static void forget_orders(struct process *p)
{
  for (size_t i = 0; i < SETTINGS_HOOKS_MAX; i++)
    if (p->orders[i] && begin(p)) {
      uint64_t order = p->orders[i];
      p->orders[i] = 0;
      end(p, node_hook_done(p->core, order, -1));
    }
}

static void on_hooks_gone(void *arg, enum tg_err why)
{
  struct process *p = arg;
  (void)why;
  pipe_free(&p->hooks);
  forget_orders(p);
}

static enum tg_err join_hooks(struct process *p, int fd)
{
  static const struct pipe_events events = {.frame = on_hook_ended, .closed = on_hooks_gone};
  static const struct pipe_limits limits = {.max_frame = WIRE_HOOK_MAX, .max_queue = 4 * WIRE_HOOK_MAX};
  pipe_free(&p->hooks);
  enum tg_err err = pipe_new(p->loop, fd, &limits, &events, p, &p->hooks);
  forget_orders(p);
  return err;
}

/* ---- local programs ---- */

static void on_joined(void *arg, uint64_t client, uint32_t uid)
{
  struct process *p = arg;
  if (begin(p))
    end(p, node_client_joined(p->core, client, uid));
}

static void on_client_frame(void *arg, uint64_t client, struct slice frame)
{
  struct process *p = arg;
  if (begin(p))
    end(p, node_client_frame(p->core, client, frame));
}

static void on_client_drained(void *arg, uint64_t client)
{
  struct process *p = arg;
  if (begin(p))
    end(p, node_client_drained(p->core, client));
}

static void on_client_gone(void *arg, uint64_t client)
{
  struct process *p = arg;
  if (begin(p))
    end(p, node_client_gone(p->core, client));
}

/* ---- the supervisor's voice ---- */

static void on_reload(void *arg)
{
  struct process *p = arg;
  struct tg_why why = {0};
  if (begin(p))
    end(p, intake_documents(p->core, p->settings->documents, &why));
}

static void on_stop(void *arg)
{
  struct process *p = arg;
  struct tg_why why = {0};
  if (!begin(p))
    return;
  enum tg_err err = node_stop(p->core);
  if (err == TG_OK)
    err = node_turn(p->core, &why);
  if (err != TG_OK) {
    fail(p, err, &why);
    return;
  }
  p->over = true;
  clients_flush(p->clients, LAST_WORDS_MS);
  if (p->link)
    (void)pipe_flush(p->link, LAST_WORDS_MS);
  log_event(LOG_NOTICE, "stopped", log_text("lost", "nothing"));
  loop_stop(p->loop, 0);
}

static void on_channel(void *arg, const char *peer, int fd)
{
  struct process *p = arg;
  struct tg_why why = {0};
  enum tg_err err = strcmp(peer, "link") == 0 ? join_link(p, fd) : join_hooks(p, fd);
  if (err != TG_OK)
    fail(p, err, &why);
}

/* ---- the process ---- */

static enum tg_err read_brief(struct process *p, struct tg_why *why)
{
  enum tg_err err = brief_take(role_brief(p->start), &p->settings, &p->keys, why);
  role_brief_forget(p->start);
  if (err != TG_OK)
    return err;
  if (!p->keys.node)
    return TG_BAD_INPUT;
  log_set_level((enum log_level)p->settings->log);
  p->config = settings_node_config(p->settings);
  p->secrets = (struct node_secrets){.node = p->keys.node, .witness = p->keys.witness};
  p->target = buf_new(512);
  return file_mkdir(p->settings->evidence, 0700, why);
}

/* Anybody may knock when users are named: the core looks at who it is. */
static enum tg_err open_socket(struct process *p, struct tg_why *why)
{
  static const struct clients_events events = {
      .joined = on_joined, .frame = on_client_frame, .drained = on_client_drained, .gone = on_client_gone};
  int fd;
  enum tg_err err = unix_listen(p->settings->socket, p->settings->n_users ? 0666 : 0600, &fd, why);
  return err == TG_OK ? clients_new(p->loop, fd, &events, p, &p->clients) : err;
}

static enum tg_err open_core(struct process *p, struct tg_why *why)
{
  const struct node_effects effects = {.context = p,
                                       .to_hub = to_hub,
                                       .connect = connect_to,
                                       .to_client = to_client,
                                       .close_client = close_client,
                                       .hook = run_hook,
                                       .wake_at = wake_at,
                                       .evidence = keep_evidence,
                                       .tell = tell};
  p->loop = loop_new();
  p->turn = p->loop ? loop_after(p->loop, LOOP_IDLE, on_idle, p) : NULL;
  p->wake = p->loop ? loop_timer(p->loop, on_wake, p) : NULL;
  p->minute = p->loop ? loop_timer(p->loop, on_minute, p) : NULL;
  if (!p->turn || !p->wake || !p->minute)
    return TG_NO_MEMORY;
  enum tg_err err = open_socket(p, why);
  return err == TG_OK ? node_new(&p->config, &p->secrets, &effects, now(), &p->core, why) : err;
}

static enum tg_err confine(const struct process *p, struct tg_why *why)
{
  const struct sandbox_path paths[] = {{p->settings->folder, SANDBOX_WRITE},
                                       {p->settings->documents, SANDBOX_READ}};
  bool documents = access(p->settings->documents, R_OK) == 0;
  const struct sandbox sandbox = {.profile = SANDBOX_CORE, .paths = paths, .n_paths = documents ? 2 : 1};
  return sandbox_enter(&sandbox, why);
}

static enum tg_err join(struct process *p)
{
  static const struct role_events events = {.channel = on_channel, .stop = on_stop, .reload = on_reload};
  int hooks = role_channel(p->start, "hooks");
  enum tg_err err = join_link(p, role_channel(p->start, "link"));
  if (err == TG_OK && hooks >= 0)
    err = join_hooks(p, hooks);
  return err == TG_OK ? role_watch(p->start, p->loop, &events, p) : err;
}

static enum tg_err prepare(struct process *p, struct tg_why *why)
{
  enum tg_err err = read_brief(p, why);
  if (err == TG_OK)
    err = open_core(p, why);
  if (err == TG_OK)
    err = confine(p, why);
  if (err == TG_OK)
    err = join(p);
  if (err == TG_OK)
    err = intake_documents(p->core, p->settings->documents, why);
  return err;
}

static void finish(struct process *p)
{
  clients_free(&p->clients);
  pipe_free(&p->link);
  pipe_free(&p->hooks);
  node_free(p->core);
  loop_timer_free(&p->wake);
  loop_timer_free(&p->minute);
  loop_after_free(&p->turn);
  loop_free(p->loop);
  buf_free(&p->target);
  node_keys_free(&p->keys);
  settings_free(p->settings);
}

int process_main(struct role_start *start)
{
  struct process p = {.start = start};
  struct tg_why why = {0};
  enum tg_err err = prepare(&p, &why);
  int code = tg_exit_code(err);
  if (err == TG_OK) {
    on_minute(&p);
    role_ready(start);
    code = loop_run(p.loop);
  } else {
    log_event(LOG_ERROR, "cannot-start", log_err("error", err), log_why(&why));
  }
  finish(&p);
  return code;
}
