#include "client/node/shell/clients.h"

#include "client/local.h"
#include "client/node/node.h"
#include "os/log.h"
#include "os/pipe.h"
#include "os/unix.h"

#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

/* Life: joined → (closing, once the node has said its last word) → freed. `lost`: it does not read, or it
   went while the node spoke; told at the end of the turn. */
struct client {
  struct clients *in;
  uint64_t id;
  uint32_t uid;
  struct pipe *pipe;
  bool closing, lost;
};

/* Invariants: client[0..n) are all that live; `listening` exactly while n < CLIENTS_MAX; ids are never used
 * again. */
struct clients {
  struct loop *loop;
  int fd;
  struct loop_watch *watch;
  struct loop_after *sweep;
  const struct clients_events *events;
  void *arg;
  uint64_t last_id;
  size_t n;
  struct client *client[CLIENTS_MAX];
};

static struct client *find(const struct clients *c, uint64_t id)
{
  for (size_t i = 0; i < c->n; i++)
    if (c->client[i]->id == id)
      return c->client[i];
  return NULL;
}

static void drop(struct client *client)
{
  struct clients *c = client->in;
  for (size_t i = 0; i < c->n; i++)
    if (c->client[i] == client) {
      c->client[i] = c->client[--c->n];
      break;
    }
  pipe_free(&client->pipe);
  free(client);
  loop_watch_set(c->watch, POLLIN);
}

/* ---- what a pipe says ---- */

static void on_frame(void *arg, struct slice frame)
{
  struct client *client = arg;
  if (!client->closing)
    client->in->events->frame(client->in->arg, client->id, frame);
}

static void on_closed(void *arg, enum tg_err why)
{
  struct client *client = arg;
  struct clients *c = client->in;
  uint64_t id = client->id;
  bool tell = !client->closing;
  if (why == TG_BAD_INPUT || why == TG_TOO_BIG)
    log_event(LOG_NOTICE, "program-broke-framing", log_number("uid", client->uid), log_err("error", why));
  drop(client);
  if (tell)
    c->events->gone(c->arg, id);
}

static void on_drained(void *arg)
{
  struct client *client = arg;
  if (client->closing && pipe_queued(client->pipe) == 0)
    drop(client);
  else if (client->closing)
    pipe_tell_drained(client->pipe, 0);
  else
    client->in->events->drained(client->in->arg, client->id);
}

static void sweep(void *arg)
{
  struct clients *c = arg;
  for (size_t i = 0; i < c->n;) {
    struct client *client = c->client[i];
    uint64_t id = client->id;
    bool tell = !client->closing;
    if (!client->lost) {
      i++;
      continue;
    }
    drop(client);
    if (tell)
      c->events->gone(c->arg, id);
  }
}

/* ---- joining ---- */

static size_t connections_of(const struct clients *c, uint32_t uid)
{
  size_t n = 0;
  for (size_t i = 0; i < c->n; i++)
    n += c->client[i]->uid == uid;
  return n;
}

static void join(struct clients *c, int fd, uint32_t uid)
{
  static const struct pipe_events events = {.frame = on_frame, .closed = on_closed, .drained = on_drained};
  static const struct pipe_limits limits = {.max_frame = LOCAL_FRAME, .max_queue = CLIENTS_QUEUE};
  struct client *client = calloc(1, sizeof *client);
  if (!client) {
    close(fd);
    return;
  }
  *client = (struct client){.in = c, .id = ++c->last_id, .uid = uid};
  if (pipe_new(c->loop, fd, &limits, &events, client, &client->pipe) != TG_OK) {
    free(client);
    return;
  }
  c->client[c->n++] = client;
  c->events->joined(c->arg, client->id, uid);
}

/* Programs that were said goodbye to and do not read give way. */
static bool make_room(struct clients *c)
{
  for (size_t i = 0; c->n == CLIENTS_MAX && i < c->n; i++)
    if (c->client[i]->closing)
      drop(c->client[i]);
  if (c->n < CLIENTS_MAX)
    return true;
  loop_watch_set(c->watch, 0);
  return false;
}

static void on_listen(void *arg, short ready)
{
  struct clients *c = arg;
  struct unix_peer peer;
  int fd;
  (void)ready;
  while (make_room(c) && unix_accept(c->fd, &peer, &fd) == TG_OK) {
    if (connections_of(c, peer.uid) < CLIENTS_PER_USER) {
      join(c, fd, peer.uid);
      continue;
    }
    log_event(LOG_NOTICE, "too-many-connections", log_number("uid", peer.uid));
    close(fd);
  }
}

/* ---- the node's side ---- */

enum tg_err clients_new(struct loop *l, int listen_fd, const struct clients_events *events, void *arg,
                        struct clients **ret)
{
  struct clients *c = calloc(1, sizeof *c);
  if (!c) {
    close(listen_fd);
    return TG_NO_MEMORY;
  }
  *c = (struct clients){.loop = l, .fd = listen_fd, .events = events, .arg = arg};
  c->watch = loop_watch(l, listen_fd, POLLIN, on_listen, c);
  c->sweep = loop_after(l, LOOP_SOON, sweep, c);
  if (!c->watch || !c->sweep) {
    clients_free(&c);
    return TG_NO_MEMORY;
  }
  *ret = c;
  return TG_OK;
}

void clients_free(struct clients **taken)
{
  struct clients *c = taken ? *taken : NULL;
  if (!c)
    return;
  *taken = NULL;
  while (c->n)
    drop(c->client[0]);
  loop_after_free(&c->sweep);
  loop_watch_free(&c->watch);
  close(c->fd);
  free(c);
}

size_t clients_send(struct clients *c, uint64_t id, struct slice frame)
{
  struct client *client = find(c, id);
  if (!client || client->lost || client->closing)
    return 0;
  if (pipe_send(client->pipe, frame) != TG_OK) {
    client->lost = true;
    loop_after_ask(c->sweep);
    return 0;
  }
  size_t queued = pipe_queued(client->pipe);
  if (queued >= NODE_FULL)
    pipe_tell_drained(client->pipe, NODE_FULL / 4);
  return queued;
}

void clients_close(struct clients *c, uint64_t id)
{
  struct client *client = find(c, id);
  if (!client)
    return;
  client->closing = true;
  pipe_pause(client->pipe, true);
  pipe_tell_drained(client->pipe, 0);
}

void clients_flush(struct clients *c, int wait_ms)
{
  for (size_t i = 0; i < c->n; i++)
    (void)pipe_flush(c->client[i]->pipe, wait_ms);
}
