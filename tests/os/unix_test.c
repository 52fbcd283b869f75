#include "kit.h"
#include "os/file.h"
#include "os/unix.h"

#include <fcntl.h>
#include <grp.h>
#include <sys/stat.h>

static char *folder;

static int setup(void **state)
{
  (void)state;
  folder = kit_folder();
  return 0;
}

static int teardown(void **state)
{
  (void)state;
  kit_remove(folder);
  return 0;
}

static void who_connects_is_known(void **state)
{
  (void)state;
  int listening, client, server;
  struct unix_peer peer;
  const char *path = kit_path(folder, "sock");
  mode_t old = umask(0777);
  assert_int_equal(unix_listen(path, 0660, &listening, NULL), TG_OK);
  umask(old);
  struct stat st;
  assert_int_equal(stat(path, &st), 0);
  assert_int_equal(st.st_mode & 0777, 0660);
  assert_int_equal(unix_accept(listening, &peer, &server), TG_BUSY);
  assert_int_equal(unix_connect(path, &client, NULL), TG_OK);
  assert_int_equal(unix_accept(listening, &peer, &server), TG_OK);
  assert_int_equal(peer.pid, getpid());
  assert_int_equal(peer.uid, getuid());
  assert_true(fcntl(server, F_GETFL) & O_NONBLOCK);
  assert_true(fcntl(server, F_GETFD) & FD_CLOEXEC);
  close(client), close(server), close(listening);
}

static void a_name_in_no_folder_is_taken_once(void **state)
{
  (void)state;
  int first, second;
  char name[120];
  snprintf(name, sizeof name, "toguna-test-%d", (int)getpid());
  assert_int_equal(unix_listen_abstract(name, &first), TG_OK);
  assert_int_equal(unix_listen_abstract(name, &second), TG_BUSY);
  close(first);
  assert_int_equal(unix_listen_abstract(name, &second), TG_OK);
  close(second);
  memset(name, 'x', sizeof name);
  name[108] = 0;
  assert_int_equal(unix_listen_abstract(name, &second), TG_INTERNAL);
}

static void a_dead_socket_is_replaced_a_living_one_is_not(void **state)
{
  (void)state;
  int first, second;
  struct tg_why why;
  const char *path = kit_path(folder, "sock");
  assert_int_equal(unix_listen(path, 0600, &first, NULL), TG_OK);
  assert_int_equal(unix_listen(path, 0600, &second, &why), TG_BUSY);
  close(first); /* the file stays, as after a kill */
  assert_int_equal(unix_connect(path, &second, &why), TG_UNREACHABLE);
  assert_int_equal(unix_listen(path, 0600, &second, &why), TG_OK);
  close(second);
}

static void nothing_else_is_ever_removed(void **state)
{
  (void)state;
  int fd;
  struct tg_why why;
  const char *path = kit_path(folder, "precious");
  assert_int_equal(file_write(path, slice_str("x"), 0600, NULL), TG_OK);
  assert_int_equal(unix_listen(path, 0600, &fd, &why), TG_DUPLICATE);
  assert_int_equal(access(path, F_OK), 0);
  char longer[200];
  memset(longer, 'x', sizeof longer);
  longer[199] = 0;
  assert_int_equal(unix_listen(longer, 0600, &fd, &why), TG_BAD_INPUT);
  assert_int_equal(unix_connect(longer, &fd, &why), TG_BAD_INPUT);
  assert_int_equal(unix_connect(kit_path(folder, "none"), &fd, &why), TG_UNREACHABLE);
  assert_string_equal(why.what, "there is no such socket");
  assert_int_equal(unix_listen(kit_path(folder, "no/where"), 0600, &fd, &why), TG_NOT_FOUND);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
  const struct CMUnitTest tests[] = {
      T(who_connects_is_known),
      T(a_name_in_no_folder_is_taken_once),
      T(a_dead_socket_is_replaced_a_living_one_is_not),
      T(nothing_else_is_ever_removed),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
