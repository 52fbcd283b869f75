/* A port that somebody listens at is known before the daemon begins; whatever cannot be judged is left to it. */
#include "kit.h"
#include "os/port.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

/* Listens at a free port of this machine; the descriptor, and the port. */
static int occupy(const char *address, unsigned *port)
{
  struct sockaddr_in a = {.sin_family = AF_INET};
  socklen_t n = sizeof a;
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  assert_int_equal(inet_pton(AF_INET, address, &a.sin_addr), 1);
  assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof a), 0);
  assert_int_equal(listen(fd, 1), 0);
  assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &n), 0);
  *port = ntohs(a.sin_port);
  return fd;
}

static void a_port_in_use_is_named(void **state)
{
  (void)state;
  char endpoint[64], text[256];
  unsigned port;
  struct tg_why why;
  int fd = occupy("127.0.0.1", &port);
  snprintf(endpoint, sizeof endpoint, "tcp://127.0.0.1:%u", port);
  assert_int_equal(port_check(endpoint, &why), TG_BUSY);
  why_render(&why, NULL, text, sizeof text);
  assert_non_null(strstr(text, endpoint));
  assert_non_null(strstr(text, "another program listens at this address. Stop it first"));
  snprintf(endpoint, sizeof endpoint, "tcp://0.0.0.0:%u", port); /* the wildcard covers that address too */
  assert_int_equal(port_check(endpoint, NULL), TG_BUSY);
  close(fd);
  assert_int_equal(port_check(endpoint, NULL), TG_OK);
}

static void a_check_leaves_the_port_free(void **state)
{
  (void)state;
  char endpoint[64];
  unsigned port;
  close(occupy("127.0.0.1", &port));
  snprintf(endpoint, sizeof endpoint, "tcp://127.0.0.1:%u", port);
  for (int i = 0; i < 3; i++)
    assert_int_equal(port_check(endpoint, NULL), TG_OK);
}

static void what_is_no_address_is_left_to_who_listens(void **state)
{
  (void)state;
  static const char *const endpoints[] = {"",         "tcp://",         "tcp://eth0:7700", "ipc:///tmp/x",
                                          "tcp://[::1", "tcp://127.0.0.1", "resume://eth0:7700", "tcp://127.0.0.1:http:x"};
  for (size_t i = 0; i < sizeof endpoints / sizeof *endpoints; i++)
    assert_int_equal(port_check(endpoints[i], NULL), TG_OK);
}

int main(void)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(a_port_in_use_is_named),
                                     cmocka_unit_test(a_check_leaves_the_port_free),
                                     cmocka_unit_test(what_is_no_address_is_left_to_who_listens)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
