/* The small web server: what a visitor gets, what is unescaped, and that slow visitors make room for others. */
#include "tests/os/kit.h"

#include "os/http.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>

enum { CONNECTIONS = 2, REQUEST_MS = 300 };

struct story {
  struct loop *loop;
  struct http *http;
  uint16_t port;
  char argument[256]; /* as http_argument() gave it, or the error's name */
  char path[256];
};

static void on_request(void *arg, const struct http_request *r, struct http_answer *ret)
{
  struct story *s = arg;
  struct buf value = buf_new(sizeof s->argument - 1);
  enum tg_err err = http_argument(r, "q", &value);
  snprintf(s->argument, sizeof s->argument, "%.*s", (int)value.n, (const char *)value.p);
  if (err != TG_OK)
    snprintf(s->argument, sizeof s->argument, "%s", tg_err_name(err));
  snprintf(s->path, sizeof s->path, "%.*s", (int)r->path.n, (const char *)r->path.p);
  buf_free(&value);
  if (slice_is(r->path, "/there"))
    *ret = (struct http_answer){.status = 200, .type = "text/plain", .body = slice_str("here")};
}

static struct story *tell(void)
{
  static struct story s;
  static const struct http_header header = {"X-Of-All", "yes"};
  int fd;
  s = (struct story){.loop = loop_new()};
  assert_int_equal(http_listen("127.0.0.1:0", &fd, NULL), TG_OK);
  s.port = http_port(fd);
  const struct http_options o = {.fd = fd,
                                 .connections = CONNECTIONS,
                                 .idle_ms = 20000,
                                 .request_ms = REQUEST_MS,
                                 .headers = &header,
                                 .n_headers = 1,
                                 .handler = on_request,
                                 .arg = &s};
  assert_int_equal(http_new(s.loop, &o, &s.http, NULL), TG_OK);
  return &s;
}

static void end(struct story *s)
{
  http_free(&s->http);
  loop_free(s->loop);
}

static int visit(const struct story *s, const char *request)
{
  struct sockaddr_in at = {
      .sin_family = AF_INET, .sin_port = htons(s->port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  assert_int_equal(connect(fd, (struct sockaddr *)&at, sizeof at), 0);
  assert_int_equal(send(fd, request, strlen(request), MSG_NOSIGNAL), strlen(request));
  assert_int_equal(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
  return fd;
}

/* What has come so far, added to text; false at the end. */
static bool hear(int fd, char text[1024])
{
  size_t had = strlen(text);
  ssize_t n = recv(fd, text + had, 1023 - had, 0);
  if (n > 0)
    text[had + (size_t)n] = 0;
  return n != 0;
}

static void a_visitor_gets_what_is_there(void **unused)
{
  (void)unused;
  struct story *s = tell();
  char text[1024] = "";
  int fd = visit(s, "GET /there?q=a%20b%2Fc+d%c3%a9 HTTP/1.1\r\nHost: x\r\n\r\n");
  KIT_UNTIL(s->loop, (hear(fd, text), strstr(text, "here")));
  assert_string_equal(s->argument, "a b/c d\xc3\xa9");
  assert_non_null(strstr(text, "HTTP/1.1 200"));
  assert_non_null(strstr(text, "X-Of-All: yes"));
  assert_non_null(strstr(text, "Cache-Control: no-store"));
  /* The connection lives on; a path is what was sent. */
  text[0] = 0;
  const char *more = "GET /th%65re?q=%zz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
  assert_int_equal(send(fd, more, strlen(more), 0), strlen(more));
  KIT_UNTIL(s->loop, !hear(fd, text));
  assert_non_null(strstr(text, "HTTP/1.1 404"));
  assert_string_equal(s->path, "/th%65re");
  assert_string_equal(s->argument, "bad-input");
  close(fd);
  end(s);
}

static void arguments_that_are_none(void **unused)
{
  (void)unused;
  static const char *const cases[][2] = {{"", "not-found"},     {"?p=1", "not-found"}, {"?q=%00", "bad-input"},
                                         {"?q=%4", "bad-input"}, {"?q=%", "bad-input"}, {"?q=", ""}};
  struct story *s = tell();
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    char text[1024] = "", request[128];
    snprintf(request, sizeof request, "GET /there%s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", cases[i][0]);
    int fd = visit(s, request);
    KIT_UNTIL(s->loop, !hear(fd, text));
    assert_string_equal(s->argument, cases[i][1]);
    close(fd);
  }
  end(s);
}

/* When all connections were taken and all were cut at one moment, the server once listened no more. */
static void who_is_slow_makes_room(void **unused)
{
  (void)unused;
  struct story *s = tell();
  int slow[CONNECTIONS];
  char text[1024] = "";
  for (size_t i = 0; i < CONNECTIONS; i++)
    slow[i] = visit(s, "GET /there HTTP/1.1\r\nX-Slow: ");
  int fd = visit(s, "GET /there HTTP/1.1\r\nHost: x\r\n\r\n");
  KIT_UNTIL(s->loop, (hear(fd, text), strstr(text, "here")));
  for (size_t i = 0; i < CONNECTIONS; i++)
    close(slow[i]);
  close(fd);
  end(s);
}

static void only_loopback(void **unused)
{
  (void)unused;
  static const char *const cases[] = {"0.0.0.0:0", "[::]:0", "192.0.2.1:80", "localhost:80", "127.0.0.1", ":80", "", "[]:1", "127.0.0.1:+1"};
  int fd = -1;
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
    assert_int_equal(http_listen(cases[i], &fd, NULL), TG_BAD_INPUT);
  assert_int_equal(fd, -1);
  struct story *s = tell();
  char taken[HTTP_ADDRESS_MAX];
  snprintf(taken, sizeof taken, "127.0.0.1:%u", s->port);
  assert_int_equal(http_listen(taken, &fd, NULL), TG_BUSY);
  end(s);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_visitor_gets_what_is_there),
      cmocka_unit_test(arguments_that_are_none),
      cmocka_unit_test(who_is_slow_makes_room),
      cmocka_unit_test(only_loopback),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
