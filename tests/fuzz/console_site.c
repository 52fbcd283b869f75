/* Any bytes at the console's port, and any question behind its token: answered or turned away, never more. An input whose first byte is
   'a' is a question (`entries?state=ML`, and after a newline more lines of the request); anything else is sent as it stands. */
#include "client/console/site.h"
#include "client/review/review.h"
#include "keys/codec.h"

#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { TURNS = 200, WORD = 160 };

static struct loop *loop;
static struct site *site;
static uint16_t port;

/* Asks for every argument that the console knows, and reads them as it does. */
static enum tg_err answer(void *arg, struct slice question, const struct http_request *r, json_t **ret, struct buf *bytes, struct tg_why *why)
{
  static const char *const names[] = {"state", "topic", "precedence", "type", "subject", "who", "rule", "decision"};
  static const char *const numbers[] = {"from", "to", "index", "width", "cursor"};
  char text[8][WORD] = {{0}};
  struct review_filter f = {0};
  const char **const at[] = {&f.state, &f.topic, &f.precedence, &f.type, &f.subject, &f.who, &f.rule, &f.decision};
  uint64_t n;
  (void)arg;
  for (size_t i = 0; i < 8; i++) {
    struct buf value = buf_new(WORD - 1);
    if (http_argument(r, names[i], &value) == TG_OK && value.n) {
      snprintf(text[i], WORD, "%.*s", (int)value.n, (const char *)value.p);
      *at[i] = text[i];
    }
    buf_free(&value);
  }
  for (size_t i = 0; i < 5; i++) {
    struct buf value = buf_new(24);
    if (http_argument(r, numbers[i], &value) == TG_OK)
      (void)number_parse(buf_slice(&value), INT64_MAX, &n);
    buf_free(&value);
  }
  if (slice_is(question, "bytes"))
    return buf_put(bytes, "these", 5), TG_OK;
  enum tg_err err = review_filter_check(&f, why);
  if (err == TG_OK)
    *ret = json_pack("{s:s%}", "question", question.n ? (const char *)question.p : "", question.n);
  return err || *ret ? err : TG_NOT_FOUND; /* a question that is no UTF-8 */
}

static void begin(void)
{
  int fd = -1;
  if (http_listen("127.0.0.1:0", &fd, NULL) != TG_OK)
    abort();
  port = http_port(fd);
  loop = loop_new();
  if (!loop || site_new(loop, &(struct site_options){.fd = fd, .answer = answer}, &site, NULL) != TG_OK)
    abort();
}

/* What is sent: the whole, or a question behind the token. */
static void write_request(struct buf *out, const uint8_t *data, size_t n)
{
  if (n == 0 || data[0] != 'a') {
    buf_put(out, data, n);
    return;
  }
  const uint8_t *line = memchr(data, '\n', n);
  const size_t end = line ? (size_t)(line - data) : n;
  buf_printf(out, "GET %sapi/", strchr(site_address(site) + 8, '/'));
  buf_put(out, data + 1, end - 1);
  buf_printf(out, " HTTP/1.1\r\nHost: 127.0.0.1:%u\r\n", port);
  if (line)
    buf_put(out, line + 1, n - end - 1);
  buf_put_str(out, "\r\n\r\n");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
  char answered[4096];
  struct sockaddr_in to = {.sin_family = AF_INET};
  struct buf request = buf_new(64 * 1024);
  const struct linger now = {1, 0};
  if (!site)
    begin();
  write_request(&request, data, n);
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  to.sin_port = htons(port);
  int fd = socket(AF_INET, SOCK_STREAM, 0);
  (void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now); /* ports are not to run out */
  if (fd >= 0 && connect(fd, (const struct sockaddr *)&to, sizeof to) == 0 && !buf_status(&request) &&
      send(fd, request.p, request.n, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0) {
    (void)shutdown(fd, SHUT_WR);
    for (unsigned i = 0; i < TURNS; i++) { /* until it has hung up */
      (void)loop_turn(loop, 0);
      if (recv(fd, answered, sizeof answered, MSG_DONTWAIT) == 0)
        break;
    }
  }
  if (fd >= 0)
    close(fd);
  (void)loop_turn(loop, 0);
  buf_free(&request);
  return 0;
}
