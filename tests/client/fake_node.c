#include "tests/client/fake_node.h"

#include "os/clock.h"
#include "os/unix.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>

enum { PROGRAMS_MAX = 4, PATIENCE_MS = 20000 };

struct fake {
  char folder[64], path[96];
  int listener, program[PROGRAMS_MAX], programs, current; /* current: 1.. */
  pthread_t thread;
  fake_script *script;
  void *context;
  jmp_buf end;
  char complaint[256];
  struct arena *arena;
  uint64_t request;
};

void *fake_context(struct fake *f)
{
  return f->context;
}
const char *fake_path(const struct fake *f)
{
  return f->path;
}
void fake_answer_to(struct fake *f, uint64_t request)
{
  f->request = request;
}

uint64_t fake_request(const struct fake *f)
{
  return f->request;
}

static void give_up(struct fake *f) __attribute__((noreturn));
static void give_up(struct fake *f)
{
  longjmp(f->end, 1);
}

void fake_complain(struct fake *f, const char *what, int line)
{
  snprintf(f->complaint, sizeof f->complaint, "the fake node, line %d: %s", line, what);
  give_up(f);
}

static void *run(void *arg)
{
  struct fake *f = arg;
  if (setjmp(f->end) == 0)
    f->script(f);
  for (int i = 0; i < f->programs; i++)
    if (f->program[i] >= 0)
      close(f->program[i]);
  return NULL;
}

struct fake *fake_start(fake_script *script, void *context)
{
  struct fake *f = calloc(1, sizeof *f);
  assert_non_null(f);
  snprintf(f->folder, sizeof f->folder, "/tmp/toguna-fake-XXXXXX");
  assert_non_null(mkdtemp(f->folder));
  snprintf(f->path, sizeof f->path, "%s/node.sock", f->folder);
  struct tg_why why;
  assert_int_equal(unix_listen(f->path, 0600, &f->listener, &why), TG_OK);
  f->script = script;
  f->context = context;
  f->arena = arena_new(LOCAL_ARENA);
  assert_int_equal(pthread_create(&f->thread, NULL, run, f), 0);
  return f;
}

void fake_finish(struct fake *f)
{
  char complaint[256];
  pthread_join(f->thread, NULL);
  memcpy(complaint, f->complaint, sizeof complaint);
  close(f->listener);
  unlink(f->path);
  rmdir(f->folder);
  arena_free(f->arena);
  free(f);
  if (*complaint)
    fail_msg("%s", complaint);
}

/* ---- bytes ---- */

static int program_of(struct fake *f)
{
  fake_check(f, f->current > 0 && f->program[f->current - 1] >= 0);
  return f->program[f->current - 1];
}

static void wait_for(struct fake *f, int fd, short events)
{
  struct pollfd ready = {.fd = fd, .events = events};
  if (poll(&ready, 1, PATIENCE_MS) <= 0)
    fake_complain(f, "the program does nothing", __LINE__);
}

/* Exactly n bytes, or false when the program has gone. */
static bool read_exactly(struct fake *f, uint8_t *out, size_t n)
{
  int fd = program_of(f);
  for (size_t at = 0; at < n;) {
    wait_for(f, fd, POLLIN);
    ssize_t got = recv(fd, out + at, n - at, MSG_DONTWAIT);
    if (got == 0 || (got < 0 && errno != EAGAIN))
      return false;
    at += got > 0 ? (size_t)got : 0;
  }
  return true;
}

void fake_bytes(struct fake *f, const void *bytes, size_t n)
{
  int fd = program_of(f);
  for (size_t at = 0; at < n;) {
    ssize_t sent = send(fd, (const uint8_t *)bytes + at, n - at, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent < 0 && errno != EAGAIN)
      return; /* the program has gone: what it did before is what the test looks at */
    at += sent > 0 ? (size_t)sent : 0;
    if (sent < 0)
      wait_for(f, fd, POLLOUT);
  }
}

void fake_hang_up(struct fake *f)
{
  close(program_of(f));
  f->program[f->current - 1] = -1;
}

void fake_until_closed(struct fake *f)
{
  uint8_t byte;
  while (read_exactly(f, &byte, 1))
    ;
}

void fake_expect_nothing(struct fake *f)
{
  uint8_t byte;
  if (read_exactly(f, &byte, 1))
    fake_complain(f, "the program says more than it should", __LINE__);
}

void fake_pause(struct fake *f, int ms)
{
  struct pollfd none = {.fd = -1};
  (void)f;
  poll(&none, 1, ms);
}

/* ---- frames ---- */

void fake_turn_to(struct fake *f, int program)
{
  f->current = program;
  (void)program_of(f);
}

void fake_accept_silently(struct fake *f)
{
  struct unix_peer peer;
  fake_check(f, f->programs < PROGRAMS_MAX);
  wait_for(f, f->listener, POLLIN);
  fake_check(f, unix_accept(f->listener, &peer, &f->program[f->programs]) == TG_OK);
  f->current = ++f->programs;
}

void fake_accept(struct fake *f)
{
  static const uint8_t exchange[32] = {0xe1};
  fake_accept_silently(f);
  const Tg__LHello *hello = fake_expect(f, LOCAL_HELLO);
  fake_check(f, hello->protocol == LOCAL_PROTOCOL);
  Tg__LWelcome m = TG__LWELCOME__INIT;
  ProtobufCBinaryData roles[] = {fake_text("reader"), fake_text("publisher"), fake_text("officer")};
  m.protocol = LOCAL_PROTOCOL;
  m.node = fake_text("ML/dgse/n1");
  m.member = fake_text("ML");
  m.exchange = strict_data_of(exchange, sizeof exchange);
  m.roles = roles;
  m.n_roles = 3;
  fake_send(f, LOCAL_WELCOME, &m.base);
}

const void *fake_expect(struct fake *f, enum local_type type)
{
  for (;;) {
    uint8_t head[4];
    if (!read_exactly(f, head, sizeof head))
      fake_complain(f, "the program went before it said what was expected", __LINE__);
    struct slice s = {head, sizeof head};
    uint32_t size;
    fake_check(f, take_u32(&s, &size) && size <= LOCAL_FRAME);
    arena_reset(f->arena);
    uint8_t *frame = malloc(size ? size : 1);
    bool whole = frame && read_exactly(f, frame, size);
    const struct local_kind *kind = NULL;
    ProtobufCMessage *message = NULL;
    struct tg_why why = {.what = ""};
    enum tg_err err =
        whole ? local_decode(slice_of(frame, size), LOCAL_TO_NODE, f->arena, &kind, &message, &why) : TG_BUSY;
    free(frame);
    if (err != TG_OK)
      fake_complain(f, why.what, __LINE__);
    if (kind->type == LOCAL_CANCEL && type != LOCAL_CANCEL)
      continue;
    if (kind->type != type)
      fake_complain(f, kind->name, __LINE__);
    f->request = local_request(message);
    return message;
  }
}

void fake_send(struct fake *f, enum local_type type, ProtobufCMessage *message)
{
  struct buf out = buf_new(LOCAL_FRAME + 4);
  struct tg_why why = {.what = ""};
  *(uint64_t *)(void *)((uint8_t *)message + message->descriptor->fields[0].offset) = f->request;
  buf_put_u32(&out, 0);
  if (local_encode(type, message, &out, &why) != TG_OK) {
    buf_free(&out);
    fake_complain(f, why.where, __LINE__);
  }
  uint32_t size = (uint32_t)(out.n - 4);
  for (int i = 0; i < 4; i++)
    out.p[i] = (uint8_t)(size >> 8 * (3 - i));
  fake_bytes(f, out.p, out.n);
  buf_free(&out);
}

/* ---- answers ---- */

ProtobufCBinaryData fake_text(const char *s)
{
  return strict_data(slice_str(s));
}

void fake_done(struct fake *f, uint64_t count)
{
  Tg__LDone m = TG__LDONE__INIT;
  m.count = count;
  fake_send(f, LOCAL_DONE, &m.base);
}

void fake_error(struct fake *f, enum tg_err err, const char *where, const char *what, const char *todo,
                const char *arg)
{
  struct tg_why why;
  ProtobufCBinaryData args[3];
  why_set(&why, err, where, what, todo, arg, NULL, NULL);
  Tg__LError m = local_error(0, &why, args);
  fake_send(f, LOCAL_ERROR, &m.base);
}

void fake_item(struct fake *f, const Tg__LItem *item)
{
  Tg__LItem m = *item;
  fake_send(f, LOCAL_ITEM, &m.base);
}

void fake_progress(struct fake *f, uint8_t id, uint32_t state, const char *detail)
{
  uint8_t bytes[32];
  Tg__LProgress m = TG__LPROGRESS__INIT;
  memset(bytes, id, sizeof bytes);
  m.bulletin = strict_data_of(bytes, sizeof bytes);
  m.state = state;
  m.number = 7;
  m.leaf = state ? 41 : 0;
  m.detail = fake_text(detail);
  fake_send(f, LOCAL_PROGRESS, &m.base);
}

void fake_content(struct fake *f, const char *text, bool end)
{
  Tg__LContent m = TG__LCONTENT__INIT;
  m.data = fake_text(text);
  m.end = end;
  fake_send(f, LOCAL_CONTENT, &m.base);
}

void fake_json(struct fake *f, const char *json, bool end)
{
  Tg__LJson m = TG__LJSON__INIT;
  m.json = fake_text(json);
  m.end = end;
  fake_send(f, LOCAL_JSON, &m.base);
}

void fake_track(struct fake *f, const char *node, uint32_t event, tg_time time)
{
  Tg__LTrackItem m = TG__LTRACK_ITEM__INIT;
  m.node = fake_text(node);
  m.member = strict_data_of(node, 2);
  m.event = event;
  m.time = (uint64_t)time;
  fake_send(f, LOCAL_TRACK_ITEM, &m.base);
}

/* ---- samples ---- */

static void sample_begin(struct sample *s, uint8_t id, uint64_t place)
{
  memset(s, 0, sizeof *s);
  s->item = (Tg__LItem)TG__LITEM__INIT;
  memset(s->id, id, sizeof s->id);
  s->item.bulletin = strict_data_of(s->id, sizeof s->id);
  s->item.place = place;
  s->item.topics = s->topics;
  s->item.n_topics = 1;
  s->item.portions = s->portions;
  for (size_t i = 0; i < 2; i++) {
    s->portion[i] = (Tg__LPortionInfo)TG__LPORTION_INFO__INIT;
    s->portions[i] = &s->portion[i];
    s->portion[i].index = (uint32_t)i;
    s->portion[i].to = s->to;
    s->portion[i].complete = 1;
    s->portion[i].content_type = fake_text("text/plain; charset=utf-8");
  }
}

struct sample *sample_flash(void)
{
  static _Thread_local struct sample s;
  sample_begin(&s, 0xaa, 1);
  s.item.originator = fake_text("ML/dgse/n1");
  s.item.member = fake_text("ML");
  s.item.kind = 1;
  s.item.precedence = 4;
  s.item.created = UINT64_C(1796040000000);
  s.item.received = UINT64_C(1796040001500);
  s.item.expires = UINT64_C(1798632000000);
  s.item.number = 12;
  s.item.leaf = 340;
  s.topics[0] = fake_text("alert.attack");
  s.to[0] = fake_text("AES");
  s.to[1] = fake_text("SN");
  s.item.n_portions = 1;
  s.portion[0].level = 2;
  s.portion[0].tlp = 3;
  s.portion[0].n_to = 2;
  s.portion[0].title = fake_text("Convoi de carburant bloqué");
  s.portion[0].language = fake_text("fr");
  s.portion[0].size = 42;
  return &s;
}

struct sample *sample_two(void)
{
  static _Thread_local struct sample s;
  sample_begin(&s, 0xbb, 2);
  s.item.originator = fake_text("BF/anr/n1");
  s.item.member = fake_text("BF");
  s.item.kind = 1;
  s.item.precedence = 2;
  s.item.created = UINT64_C(1796043600000);
  s.item.received = UINT64_C(1796043602000);
  s.item.expires = UINT64_C(1798635600000);
  s.item.number = 3;
  s.topics[0] = fake_text("patrol");
  s.to[0] = fake_text("ECOWAS");
  s.to[1] = fake_text("AES");
  s.except[0] = fake_text("NE");
  s.item.n_portions = 2;
  s.portion[0].level = 1;
  s.portion[0].tlp = 2;
  s.portion[0].n_to = 2;
  s.portion[0].title = fake_text("Patrol, summary");
  s.portion[0].size = 10;
  s.portion[1].level = 4;
  s.portion[1].tlp = 5;
  s.portion[1].caveats = 1;
  s.portion[1].label = fake_text("BF-SECRET-DEFENSE");
  s.portion[1].to = s.to + 1;
  s.portion[1].n_to = 1;
  s.portion[1].except = s.except;
  s.portion[1].n_except = 1;
  s.portion[1].title = fake_text("Patrol, details");
  s.portion[1].size = 20;
  return &s;
}
