/* Prints what arrives and takes note of it; with operands, publishes first. Everything a program of an agency needs:

     cc -o forward forward.c $(pkg-config --cflags --libs toguna)
     ./forward                           every bulletin that is here or comes, until interrupted
     ./forward 1                         one bulletin, then end
     ./forward 0 SN alert.test "Text"    publish to Senegal, and end when the hub has logged it */
#include <toguna.h>

#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int failed(const struct toguna_error *error)
{
  fprintf(stderr, "forward: %s\n", error->text);
  return toguna_exit_code(error->err);
}

static int publish(struct toguna *node, const char *to, const char *topic, const char *text)
{
  struct toguna_error error;
  struct toguna_progress progress;
  struct toguna_portion portion = {
      .level = TOGUNA_RESTRICTED,
      .tlp = TOGUNA_TLP_AMBER,
      .to = (const char *const[]){to, NULL},
      .content = {.memory = text, .size = strlen(text)},
  };
  struct toguna_draft draft = {
      .precedence = TOGUNA_IMMEDIATE,
      .topics = (const char *const[]){topic, NULL},
      .portions = &portion,
      .portion_count = 1,
  };
  if (toguna_publish(node, &draft, TOGUNA_ACCEPTED, 30000, NULL, NULL, &progress, &error) != TOGUNA_OK)
    return failed(&error);
  char id[65];
  toguna_id_print(&progress.id, id);
  printf("published %s, entry %llu of the log\n", id, (unsigned long long)progress.leaf);
  return 0;
}

/* A bulletin is acknowledged only after it was dealt with: what fails in between comes again at the next start. */
static int deal_with(struct toguna *node, const struct toguna_item *item)
{
  struct toguna_error error;
  char *text;
  size_t n;
  if (item->acknowledged || !item->portions[0])
    return 0;
  if (toguna_read_all(node, &item->id, item->portions[0]->index, true, 1 << 20, &text, &n, &error) != TOGUNA_OK)
    return failed(&error);
  printf("%s: ", item->originator);
  fwrite(text, 1, n, stdout);
  putchar('\n');
  free(text);
  return toguna_ack(node, &item->id, &error) == TOGUNA_OK ? 0 : failed(&error);
}

static int follow(struct toguna *node, long count)
{
  struct toguna_error error;
  struct toguna_subscription *subscription;
  const struct toguna_item *item;
  int bad = 0;
  if (toguna_subscribe(node, NULL, &subscription, &error) != TOGUNA_OK)
    return failed(&error);
  for (long n = 0; !bad && (count == 0 || n < count); n++)
    bad = toguna_next(subscription, -1, &item, &error) == TOGUNA_OK ? deal_with(node, item) : failed(&error);
  toguna_subscription_free(subscription);
  return bad;
}

int main(int argc, char **argv)
{
  struct toguna_error error;
  struct toguna *node;
  setlocale(LC_ALL, "");
  if (toguna_open(NULL, "forward", &node, &error) != TOGUNA_OK) /* the node behind $TOGUNA_SOCKET */
    return failed(&error);
  int code = argc == 5 ? publish(node, argv[2], argv[3], argv[4]) : follow(node, argc > 1 ? atol(argv[1]) : 0);
  toguna_close(node);
  return code;
}
