/* The process around the hub's core: its store, its clock, and its channels to front and signer. It has no
   network and no key. A turn of the loop is a turn of the hub; what came in one turn is one commit. */
#include "audit/signing.h"
#include "broker/core/backup.h"
#include "broker/core/documents.h"
#include "broker/core/ingress.h"
#include "broker/core/publish.h"
#include "broker/logbook.h"
#include "broker/memory.h"
#include "broker/message.h"
#include "broker/role.h"
#include "os/clock.h"
#include "os/file.h"
#include "os/log.h"
#include "os/sandbox.h"
#include "proto/frame.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
  FLUSH_MS = 1000,      /* for a last goodbye */
  PUBLISH_MS = 1000,    /* from a change of the log to its static files */
  PUBLISH_MORE_MS = 5,  /* between parts of a long way */
  DISK_MS = 1000,       /* between looks at the room that is left */
  FRONT_HIGH = 1 << 20, /* bytes on their way to the front: what is urgent waits behind them */
  FRONT_LOW = FRONT_HIGH / 2,
  WORK_BYTES = 2 * HUB_PART, /* taken in between two looks for what comes */
};

/* What could not be sent; told to the hub when the channel has room again. */
struct drop {
  struct seal_pk peer;
  uint8_t type;
};

/* Life: waiting for the signer's greeting (hub NULL) -> at work -> stopping (the hub finishes) -> ended. */
struct core {
  struct role_start *start;
  struct loop *loop;
  const struct core_brief *brief;
  struct store *store; /* until the hub takes it */
  struct hub *hub;
  struct pipe *front, *signer;
  struct loop_timer *wake, *publishing, *copying;
  struct loop_after *commit, *retell, *work;
  struct turns *turns; /* frames that were not taken in yet */
  struct publish *publish;
  struct backup *backup;
  struct drop *drops;
  size_t n_drops, room;
  uint64_t gathered; /* bytes of frames since the transaction at hand began */
  int64_t disk_seen;
  bool held;    /* nothing is taken in: enough is gathered */
  bool in_turn; /* the hub knows the time of this turn */
  bool ordered; /* the front knows who may connect */
  bool copy_due; /* the next part of a backup is wanted at the end of this turn */
  bool ready, stopping, ended;
  bool orphaned; /* ended, and the parent is about to say stop */
};

/* ---- the end */

static void end(struct core *c, int code)
{
  c->ended = true;
  loop_stop(c->loop, code);
}

/* Fail-stop: nothing is acknowledged that is not on the disk; the next start reads it from there. */
static void fail(struct core *c, enum tg_err err, struct tg_why *why)
{
  if (c->ended)
    return;
  if (!why->what && c->hub)
    hub_explain(c->hub, why);
  if (!why->what)
    (void)why_set(why, err, NULL, N_("the hub cannot go on"),
                  N_("Nothing acknowledged is lost; start it again"), NULL, NULL, NULL);
  end(c, role_fails("hub-failed", err, why));
}

static void check(struct core *c, enum tg_err err)
{
  struct tg_why why = {.err = err};
  if (err != TG_OK)
    fail(c, err, &why);
}

/* ---- turns of the hub */

static struct hub_now now(void)
{
  return (struct hub_now){.wall = clock_wall(), .mono = clock_mono()};
}

static void look_at_disk(struct core *c, int64_t mono)
{
  struct tg_why why = {0};
  uint64_t free_bytes;
  if (c->disk_seen && mono - c->disk_seen < DISK_MS)
    return;
  c->disk_seen = mono;
  if (file_free_space(c->brief->folder, &free_bytes, &why) == TG_OK)
    check(c, hub_disk(c->hub, free_bytes));
  else
    log_event(LOG_ERROR, "disk-unknown", log_why(&why));
}

/* Begins a turn unless one has begun. False when there is no hub to speak to. */
static bool turn(struct core *c)
{
  if (!c->hub || c->ended)
    return false;
  loop_after_ask(c->commit);
  if (c->in_turn)
    return true;
  const struct hub_now moment = now();
  c->in_turn = true;
  check(c, hub_time(c->hub, moment));
  if (!c->ended)
    look_at_disk(c, moment.mono);
  return !c->ended;
}

static void on_wake(void *arg)
{
  (void)turn(arg);
}

/* For the operator, and worth no sync: the counters of a hub that died tell nothing. A file that cannot be written is none. */
static void write_figures(const char *folder, const char *name, struct slice text)
{
  char path[BRIEF_PATH_MAX + 32], beside[BRIEF_PATH_MAX + 32];
  snprintf(path, sizeof path, "%s/%s", folder, name);
  snprintf(beside, sizeof beside, "%s/%s.new", folder, name);
  int fd = open(beside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (fd < 0)
    return;
  if (file_put_fd(fd, text, NULL) == TG_OK)
    (void)rename(beside, path);
  close(fd);
}

static void write_stats(struct core *c)
{
  struct buf text = buf_new(1 << 20);
  check(c, hub_stats(c->hub, &text));
  write_figures(c->brief->folder, "stats.json", buf_slice(&text));
  buf_clear(&text);
  if (c->brief->figures[0]) {
    check(c, hub_metrics(c->hub, &text));
    write_figures(c->brief->figures, ROLE_FIGURES, buf_slice(&text));
  }
  buf_free(&text);
}

static void on_publish(void *arg)
{
  struct core *c = arg;
  bool more = false;
  if (c->ended)
    return;
  check(c, publish_step(c->publish, c->hub, &more));
  if (more)
    loop_timer_in(c->publishing, PUBLISH_MORE_MS);
  else
    write_stats(c);
}

/* ---- a copy of the store, some of it at the end of a turn */

static void on_copying(void *arg)
{
  struct core *c = arg;
  c->copy_due = true;
  (void)turn(c); /* behind its commit the store is of one moment */
}

static void copy_more(struct core *c)
{
  if (!c->copy_due || store_is_open(hub_store(c->hub)))
    return; /* while the signer works the hub's transaction stays open: the commit after it */
  c->copy_due = false;
  const int64_t more = backup_step(c->backup);
  if (more >= 0)
    loop_timer_in(c->copying, more);
}

static void finish(struct core *c)
{
  bool more = true;
  while (more && !c->ended)
    check(c, publish_step(c->publish, c->hub, &more));
  write_stats(c);
  if (!c->ended)
    publish_make_certain(c->publish);
  if (c->front)
    (void)pipe_flush(c->front, FLUSH_MS); /* a goodbye that is not heard costs nothing */
  end(c, 0);
}

/* Enough on its way out: nothing more is made for nodes until half of it is gone. */
static void look_at_front(struct core *c)
{
  const bool full = c->front && pipe_queued(c->front) > FRONT_HIGH;
  hub_hold(c->hub, full);
  if (full)
    pipe_tell_drained(c->front, FRONT_LOW);
}

static void take_in_again(struct core *c)
{
  c->gathered = 0;
  c->held = false;
  if (turns_bytes(c->turns) > 0)
    loop_after_ask(c->work);
}

static void on_commit(void *arg)
{
  struct core *c = arg;
  struct tg_why why = {.err = TG_OK};
  if (c->ended || !c->in_turn)
    return;
  look_at_front(c);
  if (!hub_gathers(c->hub))
    take_in_again(c);
  enum tg_err err = hub_commit(c->hub, &why);
  c->in_turn = false;
  if (err != TG_OK) {
    fail(c, err, &why);
    return;
  }
  copy_more(c);
  if (!loop_timer_is_set(c->publishing))
    loop_timer_in(c->publishing, PUBLISH_MS);
  if (!c->ready) {
    c->ready = true;
    role_ready(c->start);
  }
  if (c->stopping && !hub_is_busy(c->hub))
    finish(c);
}

/* ---- the hub's effects. They cannot fail: what does not get out comes back as a drop, and what must not be
 * lost ends us. */

static void remember_drop(struct core *c, const struct seal_pk *peer, uint8_t type)
{
  if (c->n_drops == c->room) {
    size_t room = c->room ? 2 * c->room : 64;
    struct drop *grown = realloc(c->drops, room * sizeof *grown);
    if (!grown) {
      check(c, TG_NO_MEMORY);
      return;
    }
    c->drops = grown;
    c->room = room;
  }
  c->drops[c->n_drops++] = (struct drop){.peer = *peer, .type = type};
}

/* Was something lost on the way to this peer that no later frame makes good? */
static bool has_gap(const struct core *c, const struct seal_pk *peer)
{
  for (size_t i = 0; i < c->n_drops; i++) {
    const struct frame_kind *kind = frame_kind(c->drops[i].type);
    if (kind && kind->chained && seal_pk_eq(&c->drops[i].peer, peer))
      return true;
  }
  return false;
}

/* While the front is being restarted nobody is connected, and the hub is told so when it is back. */
static void effect_send(void *context, const struct seal_pk *peer, struct slice frame)
{
  struct core *c = context;
  if (has_gap(c, peer))
    return; /* a node that saw what comes behind the gap would have to take us for a cheat */
  if (c->front && message_send(c->front, MESSAGE_SEND, peer, frame) == TG_BUSY)
    remember_drop(c, peer, frame.n > 1 ? frame.p[1] : 0);
}

static void effect_push(void *context)
{
  struct core *c = context;
  if (c->front)
    (void)pipe_flush(c->front, 0);
}

static enum tg_err say_allowed(struct pipe *front, const struct hub_peer *peers, size_t count)
{
  struct buf message = buf_new(MESSAGE_CORE_LIMITS.max_frame);
  buf_put_u8(&message, MESSAGE_ALLOW);
  for (size_t i = 0; i < count; i++) {
    buf_put(&message, peers[i].key.b, sizeof peers[i].key.b);
    buf_put_u32(&message, peers[i].member);
  }
  enum tg_err err = buf_status(&message);
  if (err == TG_OK)
    err = pipe_send(front, buf_slice(&message));
  buf_free(&message);
  return err;
}

static void effect_allow(void *context, const struct hub_peer *peers, size_t count)
{
  struct core *c = context;
  enum tg_err err = c->front ? say_allowed(c->front, peers, count) : TG_OK;
  c->ordered = true;
  if (err == TG_TOO_BIG || err == TG_NO_MEMORY)
    check(c, err);
  else if (err == TG_BUSY)
    pipe_free(
        &c->front); /* a front that does not take who may enter is of no use: it ends, and a new one comes */
}

static void effect_cut(void *context, const struct seal_pk *peer)
{
  struct core *c = context;
  if (c->front && message_send(c->front, MESSAGE_CUT, peer, slice_of(NULL, 0)) == TG_BUSY)
    pipe_free(&c->front);
}

static void effect_sign(void *context, const struct hub_sign *request)
{
  struct core *c = context;
  struct buf message = buf_new(MESSAGE_SIGNER_LIMITS.max_frame);
  const struct signing_request r = {.old_size = request->old_size,
                                    .new_size = request->new_size,
                                    .new_root = request->new_root,
                                    .path = request->path};
  buf_put_u8(&message, MESSAGE_SIGN);
  signing_request_print(&r, &message);
  enum tg_err err = buf_status(&message);
  if (err == TG_OK)
    err = pipe_send(c->signer, buf_slice(&message));
  buf_free(&message);
  if (err != TG_UNREACHABLE) /* on_signer_closed() */
    check(c, err);
}

static void effect_wake_at(void *context, int64_t mono)
{
  struct core *c = context;
  if (mono == INT64_MAX)
    loop_timer_stop(c->wake);
  else
    loop_timer_at(c->wake, mono);
}

static void effect_tell(void *context, const struct hub_event *e)
{
  static const enum log_level level[] = {
      [HUB_ALARM] = LOG_ALARM, [HUB_ERROR] = LOG_ERROR, [HUB_NOTICE] = LOG_NOTICE, [HUB_DEBUG] = LOG_DEBUG};
  struct log_pair pair[5] = {{.key = e->name}};
  size_t n = 1;
  (void)context;
  if (e->node)
    pair[n++] = log_text("node", e->node);
  if (e->subject)
    pair[n++] = log_hex("subject", slice_of(e->subject->b, sizeof e->subject->b));
  if (e->number)
    pair[n++] = log_number("number", e->number);
  if (e->why)
    pair[n++] = log_why(e->why);
  log_write(level[e->level], pair, n);
}

/* ---- the front's voice */

static void on_retell(void *arg)
{
  struct core *c = arg;
  if (!turn(c))
    return;
  for (size_t i = 0; i < c->n_drops && !c->ended; i++)
    check(c, hub_dropped(c->hub, &c->drops[i].peer, c->drops[i].type));
  c->n_drops = 0;
}

/* Says to the front how much of what it handed over is dealt with: as much of this sender's may come. */
static void give_back(struct core *c, const struct seal_pk *key, uint64_t cost)
{
  const uint8_t bytes[] = {(uint8_t)(cost >> 24), (uint8_t)(cost >> 16), (uint8_t)(cost >> 8), (uint8_t)cost};
  if (cost == 0 || !c->front)
    return;
  if (message_send(c->front, MESSAGE_TAKEN, key, slice_of(bytes, sizeof bytes)) != TG_OK)
    pipe_free(&c->front); /* it would never hear this sender again: it ends, and a new one comes */
}

/* A FLASH does not wait until nothing else comes; while the signer works it goes with the next group. */
static uint64_t take_part(struct core *c)
{
  struct seal_pk key;
  uint64_t cost = 0;
  check(c, ingress_step(c->turns, c->hub, &key, &cost));
  c->gathered += cost;
  c->held = c->gathered > memory_group(c->brief->config.memory) && hub_gathers(c->hub); /* until the signer has answered; the senders wait */
  give_back(c, &key, cost);
  if (!c->ended && hub_is_urgent(c->hub))
    on_commit(c);
  return cost;
}

static void hear_front(struct core *c)
{
  if (c->front)
    pipe_pause(c->front, turns_bytes(c->turns) > memory_ingress(c->brief->config.memory));
}

static void on_work(void *arg)
{
  struct core *c = arg;
  /* A FLASH ends the turn: what comes behind it begins one, with a time of its own. */
  for (uint64_t done = 0; done < WORK_BYTES && turns_bytes(c->turns) > 0 && turn(c) && !c->held;)
    done += take_part(c);
  hear_front(c);
  if (!c->ended && !c->held && turns_bytes(c->turns) > 0)
    loop_after_ask(c->work);
}

static void heard(struct core *c, const struct seal_pk *key, struct slice frame)
{
  check(c, turns_put(c->turns, key, frame));
  hear_front(c);
  loop_after_ask(c->work);
}

static void gone(struct core *c, const struct seal_pk *key)
{
  give_back(c, key, turns_forget(c->turns, key));
  check(c, hub_gone(c->hub, key));
}

static void on_front_frame(void *arg, struct slice frame)
{
  struct core *c = arg;
  enum message type;
  struct seal_pk key;
  if (!message_take(&frame, &type) || !message_take_key(&frame, &key) || !turn(c))
    return;
  if (type == MESSAGE_FRAME)
    heard(c, &key, frame);
  else if (type == MESSAGE_GONE)
    gone(c, &key);
  else if (type == MESSAGE_DROPPED && frame.n == 1)
    check(c, hub_dropped(c->hub, &key, frame.p[0]));
  else if (type == MESSAGE_LINE && frame.n == 1)
    check(c, hub_line(c->hub, &key, frame.p[0]));
}

static void on_front_drained(void *arg)
{
  struct core *c = arg;
  if (c->n_drops > 0)
    loop_after_ask(c->retell);
  (void)turn(c); /* what was not made may be made now */
}

static void on_front_closed(void *arg, enum tg_err why)
{
  struct core *c = arg;
  if (!c->stopping)
    log_event(LOG_ERROR, "front-lost", log_err("error", why),
              log_text("lost", "nothing; it is started again"));
  pipe_free(&c->front);
}

static uint32_t member_of(void *arg, const struct seal_pk *key)
{
  const struct core *c = arg;
  return c->hub ? hub_member(c->hub, key) : 0;
}

static enum tg_err join_front(struct core *c, int fd)
{
  static const struct pipe_events events = {
      .frame = on_front_frame, .closed = on_front_closed, .drained = on_front_drained};
  pipe_free(&c->front);
  turns_free(c->turns);
  c->turns = ingress_new(member_of, c);
  c->n_drops = 0; /* of connections that are gone */
  if (!c->turns)
    return TG_NO_MEMORY;
  return pipe_new(c->loop, fd, &MESSAGE_FRONT_LIMITS(memory_channel(c->brief->config.memory)), &events, c, &c->front);
}

static void on_channel(void *arg, const char *peer, int fd)
{
  struct core *c = arg;
  (void)peer; /* only the front is ever restarted */
  check(c, join_front(c, fd));
  if (turn(c))
    check(c, hub_disconnected(c->hub));
}

/* ---- the signer's voice; its first word starts the hub */

static void take_documents(struct core *c)
{
  struct tg_why why = {.err = TG_OK};
  if (!turn(c))
    return;
  enum tg_err err = documents_take(c->brief->documents, c->hub, &why);
  if (err != TG_OK)
    fail(c, err, &why);
}

static void begin(struct core *c, struct slice signed_note)
{
  const struct hub_effects effects = {.context = c,
                                      .send = effect_send,
                                      .push = effect_push,
                                      .allow = effect_allow,
                                      .cut = effect_cut,
                                      .sign = effect_sign,
                                      .wake_at = effect_wake_at,
                                      .tell = effect_tell};
  struct tg_why why = {.err = TG_OK};
  enum tg_err err = hub_new(&c->brief->config, &c->store, &effects, now(), signed_note, &c->hub, &why);
  if (err == TG_OK)
    err = publish_new(c->brief->log, c->brief->folder, &c->publish, &why);
  if (err != TG_OK) {
    fail(c, err, &why);
    return;
  }
  take_documents(c);
  if (!c->ordered)
    effect_allow(c, NULL, 0); /* a hub without a charter: the front opens, and lets nobody in */
}

/* A signer that remembers nothing begins a log only where nobody else knows of one. It keeps its first state before the store gets its first
   leaf: a store with leaves and a signer without a state were never left so by a crash. */
static void let_begin(struct core *c)
{
  static const uint8_t message = MESSAGE_BEGIN;
  struct tg_why why = {.err = TG_OK};
  enum tg_err err = logbook_may_begin(c->store, c->brief->folder, &why);
  if (err == TG_OK)
    err = publish_is_empty(c->brief->log, &why);
  if (err == TG_OK)
    err = pipe_send(c->signer, slice_of(&message, 1));
  if (err != TG_OK && err != TG_UNREACHABLE) /* on_signer_closed() */
    fail(c, err, &why);
}

static void on_signer_frame(void *arg, struct slice frame)
{
  struct core *c = arg;
  enum message type;
  struct tg_why why = {.err = TG_OK};
  if (c->ended || !message_take(&frame, &type))
    return;
  if (type == MESSAGE_EMPTY && !c->hub) {
    let_begin(c);
  } else if (type == MESSAGE_NOTE && !c->hub) {
    begin(c, frame);
  } else if (type == MESSAGE_NOTE && turn(c)) {
    check(c, hub_signed(c->hub, frame));
    if (!c->ended)
      check(c, hub_advance(c->hub));
    if (!c->ended && hub_is_urgent(c->hub))
      on_commit(c);
  } else if (type == MESSAGE_REFUSED) {
    char text[128];
    snprintf(text, sizeof text, "%.*s", (int)(frame.n < 127 ? frame.n : 127), (const char *)frame.p);
    fail(c, TG_STALE,
         (why_set(&why, TG_STALE, NULL, N_("the signer refuses to sign the log: %1$s"), NULL, text, NULL,
                  NULL),
          &why));
  }
}

/* What waits for its signature is never committed: as if this process had ended with it. */
static void on_signer_closed(void *arg, enum tg_err reason)
{
  struct core *c = arg;
  if (c->ended)
    return;
  log_event(LOG_NOTICE, "signer-lost", log_err("error", reason), log_text("lost", "nothing that was acknowledged"));
  if (c->stopping) { /* the parent has told us already */
    end(c, tg_exit_code(TG_INTERNAL));
    return;
  }
  c->ended = c->orphaned = true;
  role_orphaned(c->start, c->loop, tg_exit_code(TG_INTERNAL));
}

/* ---- the parent's voice */

static void on_stop(void *arg)
{
  struct core *c = arg;
  c->stopping = true;
  if (turn(c))
    check(c, hub_stop(c->hub));
  else if (!c->ended || c->orphaned)
    end(c, 0); /* it had not begun, or has no signer */
}

static void on_reload(void *arg)
{
  take_documents(arg);
}

static void on_backup(void *arg)
{
  struct core *c = arg;
  if (!c->hub || c->ended || c->stopping) {
    log_event(LOG_ERROR, "backup-failed", log_text("reason", "the hub is not at work"));
    return;
  }
  const bool had = backup_is_under_way(c->backup);
  backup_begin(c->backup, hub_store(c->hub));
  if (!had && backup_is_under_way(c->backup))
    loop_timer_in(c->copying, 0);
}

/* ---- the life of the process */

static enum tg_err open_store(struct core *c, struct tg_why *why)
{
  char database[BRIEF_PATH_MAX + 16], bodies[BRIEF_PATH_MAX + 16];
  snprintf(database, sizeof database, "%s/hub.db", c->brief->folder);
  snprintf(bodies, sizeof bodies, "%s/bodies", c->brief->folder);
  return store_open(&(struct store_options){.database = database, .bodies = bodies, .cache_bytes = memory_cache(c->brief->config.memory)}, &c->store, why);
}

static enum tg_err jail(const struct core_brief *brief, struct tg_why *why)
{
  const struct sandbox_path paths[] = {{.path = brief->folder, .access = SANDBOX_WRITE},
                                       {.path = brief->log, .access = SANDBOX_WRITE},
                                       {.path = brief->documents, .access = SANDBOX_READ},
                                       {.path = brief->figures, .access = SANDBOX_WRITE}};
  const size_t n = sizeof paths / sizeof *paths - !brief->figures[0];
  return sandbox_enter(&(struct sandbox){.profile = SANDBOX_CORE, .paths = paths, .n_paths = n}, why);
}

static enum tg_err join_signer(struct core *c)
{
  static const struct pipe_events events = {.frame = on_signer_frame, .closed = on_signer_closed};
  int fd = role_channel(c->start, "signer");
  return fd < 0 ? TG_INTERNAL : pipe_new(c->loop, fd, &MESSAGE_SIGNER_LIMITS, &events, c, &c->signer);
}

static enum tg_err prepare(struct core *c, struct tg_why *why)
{
  static const struct role_events events = {.channel = on_channel, .stop = on_stop, .reload = on_reload, .backup = on_backup};
  c->brief = brief_take(c->start, sizeof *c->brief);
  c->loop = c->brief ? loop_new() : NULL;
  c->wake = c->loop ? loop_timer(c->loop, on_wake, c) : NULL;
  c->publishing = c->wake ? loop_timer(c->loop, on_publish, c) : NULL;
  c->copying = c->publishing ? loop_timer(c->loop, on_copying, c) : NULL;
  c->commit = c->copying ? loop_after(c->loop, LOOP_IDLE, on_commit, c) : NULL;
  c->retell = c->commit ? loop_after(c->loop, LOOP_SOON, on_retell, c) : NULL;
  c->work = c->retell ? loop_after(c->loop, LOOP_SOON, on_work, c) : NULL;
  enum tg_err err = c->work ? role_watch(c->start, c->loop, &events, c) : TG_INTERNAL;
  if (err == TG_OK)
    err = jail(c->brief, why);
  if (err == TG_OK)
    err = open_store(c, why);
  if (err == TG_OK && !(c->backup = backup_new(c->brief->folder, c->brief->config.disk_reserve)))
    err = TG_NO_MEMORY;
  int front = err == TG_OK ? role_channel(c->start, "front") : -1;
  if (err == TG_OK)
    err = front < 0 ? TG_INTERNAL : join_front(c, front);
  return err == TG_OK ? join_signer(c) : err;
}

int core_main(struct role_start *start)
{
  struct core c = {.start = start};
  struct tg_why why = {.err = TG_OK};
  enum tg_err err = prepare(&c, &why);
  int code = err == TG_OK ? loop_run(c.loop) : role_fails("hub-failed", err, &why);
  publish_free(&c.publish);
  backup_free(&c.backup);
  turns_free(c.turns);
  hub_free(c.hub);
  store_close(&c.store);
  pipe_free(&c.front);
  pipe_free(&c.signer);
  loop_free(c.loop);
  free(c.drops);
  return code;
}
