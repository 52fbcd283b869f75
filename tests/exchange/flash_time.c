/* How long a FLASH takes from one program to another, both running already:
     flash_time FROM-SOCKET TO-SOCKET MEMBER SIZE COUNT
   publishes COUNT bulletins of SIZE bytes that nothing makes shorter, one after the other, and prints for each the milliseconds
   from the call of toguna_publish() until the recipient's subscription has it, content and all. */
#include "client/lib/toguna.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

enum { CONTENT_MAX = 60000, PATIENCE_MS = 600 * 1000 };

static double now_ms(void)
{
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static int failed(const struct toguna_error *error)
{
  fprintf(stderr, "flash_time: %s\n", error->text);
  return 1;
}

static enum toguna_err publish(struct toguna *node, const char *member, const void *content, size_t size, struct toguna_id *ret,
                               struct toguna_error *error)
{
  const struct toguna_portion portion = {.level = TOGUNA_RESTRICTED,
                                         .tlp = TOGUNA_TLP_AMBER,
                                         .to = (const char *const[]){member, NULL},
                                         .content = {.memory = content, .size = size}};
  const struct toguna_draft draft = {.precedence = TOGUNA_FLASH,
                                     .topics = (const char *const[]){"alert.test", NULL},
                                     .portions = &portion,
                                     .portion_count = 1};
  struct toguna_progress progress = {0};
  enum toguna_err err = toguna_publish(node, &draft, TOGUNA_SPOOLED, -1, NULL, NULL, &progress, error);
  *ret = progress.id;
  return err;
}

static enum toguna_err arrives(struct toguna_subscription *inbox, const struct toguna_id *id, struct toguna_error *error)
{
  const struct toguna_item *item;
  enum toguna_err err;
  while ((err = toguna_next(inbox, PATIENCE_MS, &item, error)) == TOGUNA_OK)
    if (memcmp(&item->id, id, sizeof *id) == 0 && item->portions[0]->content)
      return TOGUNA_OK;
  return err;
}

int main(int argc, char **argv)
{
  static char content[CONTENT_MAX];
  struct toguna *from, *to;
  struct toguna_subscription *inbox;
  struct toguna_error error;
  if (argc != 6) {
    fprintf(stderr, "usage: flash_time FROM-SOCKET TO-SOCKET MEMBER SIZE COUNT\n");
    return 2;
  }
  const size_t size = strtoul(argv[4], NULL, 10);
  const struct toguna_filter filter = {.folder = TOGUNA_INBOX, .content = 65536};
  if (size == 0 || size > sizeof content)
    return 2;
  if (toguna_open(argv[1], "flash_time", &from, &error) != TOGUNA_OK || toguna_open(argv[2], "flash_time", &to, &error) != TOGUNA_OK ||
      toguna_subscribe(to, &filter, &inbox, &error) != TOGUNA_OK)
    return failed(&error);
  for (unsigned long n = strtoul(argv[5], NULL, 10); n > 0; n--) {
    struct toguna_id id;
    for (size_t at = 0; at < size; at += 256)
      if (getrandom(content + at, size - at < 256 ? size - at : 256, 0) < 0)
        return 5;
    const double begun = now_ms();
    if (publish(from, argv[3], content, size, &id, &error) != TOGUNA_OK || arrives(inbox, &id, &error) != TOGUNA_OK)
      return failed(&error);
    printf("%.0f\n", now_ms() - begun);
    fflush(stdout);
  }
  toguna_subscription_free(inbox);
  toguna_close(to);
  toguna_close(from);
  return 0;
}
