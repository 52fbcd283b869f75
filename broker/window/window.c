/* The window at which everybody may read the log (c2sp.org/tlog-tiles), and how the hub is. This process reads two folders and
   answers on a socket that was opened before it gave up all else: whatever is done to it, the hub goes on. */
#include "audit/recount.h"
#include "broker/role.h"
#include "os/log.h"
#include "os/sandbox.h"
#include "proto/limits.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
  CONNECTIONS = 128,
  IDLE_MS = 15000,
  REQUEST_MS = 10000,
  BYTES_MAX = 1 << 16, /* of the largest file */
};
_Static_assert((int)BYTES_MAX >= (int)RECOUNT_FILE_MAX && (int)BYTES_MAX >= (int)LIMIT_CHECKPOINT, "every file of the log fits");

struct window {
  struct role_start *start;
  struct loop *loop;
  struct http *http;
  const struct window_brief *brief;
  int folder, figures;
  struct buf bytes; /* of the answer */
};

/* ---- what there is to see */

/* Files are whole or absent, and replaced under their name: one read sees one file. */
static enum tg_err read_file(struct window *w, int folder, const char *path)
{
  struct stat st;
  uint8_t *room = NULL;
  enum tg_err err = TG_NOT_FOUND;
  int fd = openat(folder, path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
  buf_clear(&w->bytes);
  if (fd < 0)
    return err;
  if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size <= BYTES_MAX)
    room = buf_grow(&w->bytes, (size_t)st.st_size);
  if (room && pread(fd, room, (size_t)st.st_size, 0) == st.st_size)
    err = TG_OK;
  close(fd);
  return err;
}

static void show_checkpoint(struct window *w, struct http_answer *ret)
{
  if (read_file(w, w->folder, "checkpoint") == TG_OK)
    *ret = (struct http_answer){
        .status = 200, .type = "text/plain; charset=utf-8", .caching = "no-cache", .body = buf_slice(&w->bytes)};
}

/* The parser takes exactly the names that the hub writes: no other path leads into the file system. */
static void show_tile(struct window *w, struct slice path, struct http_answer *ret)
{
  struct tile_name name;
  char text[TILE_PATH_MAX];
  if (tile_name_parse(path, &name) != TG_OK)
    return;
  (void)tile_name_print(&name, text);
  if (read_file(w, w->folder, text) == TG_OK)
    *ret = (struct http_answer){.status = 200,
                                .type = "application/octet-stream",
                                .caching = "public, max-age=31536000, immutable",
                                .body = buf_slice(&w->bytes)};
}

/* Alive, and is there a log? Its size and age stand in the checkpoint. */
static void show_health(struct window *w, struct http_answer *ret)
{
  bool there = faccessat(w->folder, "checkpoint", R_OK, 0) == 0;
  *ret = (struct http_answer){.status = there ? 200 : 503,
                              .type = "text/plain; charset=utf-8",
                              .body = slice_str(there ? "ok\n" : "nothing published yet\n")};
}

/* As the core wrote them a moment ago; toguna_written_seconds says when. */
static void show_metrics(struct window *w, struct http_answer *ret)
{
  if (read_file(w, w->figures, ROLE_FIGURES) == TG_OK)
    *ret = (struct http_answer){
        .status = 200, .type = "text/plain; version=0.0.4; charset=utf-8", .caching = "no-cache", .body = buf_slice(&w->bytes)};
}

static void on_request(void *arg, const struct http_request *r, struct http_answer *ret)
{
  struct window *w = arg;
  if (slice_is(r->path, "/checkpoint"))
    show_checkpoint(w, ret);
  else if (slice_is(r->path, "/health"))
    show_health(w, ret);
  else if (slice_is(r->path, "/metrics"))
    show_metrics(w, ret);
  else if (r->path.n > 1)
    show_tile(w, slice_of(r->path.p + 1, r->path.n - 1), ret);
}

/* ---- the life of the process */

static void on_stop(void *arg)
{
  struct window *w = arg;
  loop_stop(w->loop, 0);
}

static enum tg_err open_folder(const char *path, int *ret, struct tg_why *why)
{
  *ret = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  return *ret >= 0 ? TG_OK : why_set(why, TG_DISK, path, N_("cannot open the folder of the log"), NULL, NULL, NULL, NULL);
}

static enum tg_err serve(struct window *w, int fd, struct tg_why *why)
{
  static const struct http_header headers[] = {{"X-Content-Type-Options", "nosniff"},
                                               {"Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'"}};
  const struct http_options o = {.fd = fd,
                                 .connections = CONNECTIONS,
                                 .idle_ms = IDLE_MS,
                                 .request_ms = REQUEST_MS,
                                 .headers = headers,
                                 .n_headers = sizeof headers / sizeof *headers,
                                 .handler = on_request,
                                 .arg = w};
  return http_new(w->loop, &o, &w->http, why);
}

static enum tg_err jail(const struct window *w, struct tg_why *why)
{
  const struct sandbox_path paths[] = {{.path = w->brief->log, .access = SANDBOX_READ}, {.path = w->brief->figures, .access = SANDBOX_READ}};
  return sandbox_enter(&(struct sandbox){.profile = SANDBOX_SERVER, .paths = paths, .n_paths = sizeof paths / sizeof *paths}, why);
}

static enum tg_err prepare(struct window *w, struct tg_why *why)
{
  static const struct role_events events = {.stop = on_stop};
  int fd = -1;
  w->brief = brief_take(w->start, sizeof *w->brief);
  w->loop = w->brief ? loop_new() : NULL;
  enum tg_err err = w->loop ? role_watch(w->start, w->loop, &events, w) : TG_INTERNAL;
  if (err == TG_OK)
    err = open_folder(w->brief->log, &w->folder, why);
  if (err == TG_OK)
    err = open_folder(w->brief->figures, &w->figures, why);
  if (err == TG_OK)
    err = http_listen(w->brief->address, &fd, why);
  if (err == TG_OK)
    err = jail(w, why);
  if (err == TG_OK)
    err = serve(w, fd, why);
  if (err == TG_OK) {
    log_event(LOG_NOTICE, "serving-log", log_text("address", w->brief->address));
    role_ready(w->start);
  }
  return err;
}

int window_main(struct role_start *start)
{
  struct window w = {.start = start, .folder = -1, .figures = -1, .bytes = buf_new(BYTES_MAX)};
  struct tg_why why = {.err = TG_OK};
  enum tg_err err = prepare(&w, &why);
  int code = err == TG_OK ? loop_run(w.loop) : role_fails("window-failed", err, &why);
  http_free(&w.http);
  if (w.folder >= 0)
    close(w.folder);
  if (w.figures >= 0)
    close(w.figures);
  loop_free(w.loop);
  buf_free(&w.bytes);
  return code;
}
