/* Much to say and much to read, without waiting for the disk each time:

     cc -o stream stream.c $(pkg-config --cflags --libs toguna)
     ./stream SN alert.test < lines      publishes each line as a bulletin, many at once; ends when all are spooled
     ./stream 500                        prints the next 500 bulletins, content and all */
#include <toguna.h>

#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int failed(const struct toguna_error *error)
{
  fprintf(stderr, "stream: %s\n", error->text);
  return toguna_exit_code(error->err);
}

/* ---- saying */

struct said {
  unsigned long spooled;
  enum toguna_err worst;
};

/* A program that must not lose a line keeps it until it is told here. */
static void on_published(void *context, enum toguna_err err, const struct toguna_progress *progress,
                         const struct toguna_error *error)
{
  struct said *said = context;
  (void)progress;
  if (err == TOGUNA_OK)
    said->spooled++;
  else
    fprintf(stderr, "stream: %s\n", error->text);
  if (err != TOGUNA_OK)
    said->worst = err;
}

static enum toguna_err submit(struct toguna *node, const char *to, const char *topic, const char *line, struct said *said,
                              struct toguna_error *error)
{
  struct toguna_portion portion = {
      .level = TOGUNA_RESTRICTED,
      .tlp = TOGUNA_TLP_GREEN,
      .to = (const char *const[]){to, NULL},
      .content = {.memory = line, .size = strlen(line)},
  };
  struct toguna_draft draft = {
      .topics = (const char *const[]){topic, NULL},
      .portions = &portion,
      .portion_count = 1,
  };
  return toguna_submit(node, &draft, TOGUNA_SPOOLED, on_published, said, error);
}

static int say(struct toguna *node, const char *to, const char *topic)
{
  struct toguna_error error;
  struct said said = {0, TOGUNA_OK};
  char *line = NULL;
  size_t room = 0;
  enum toguna_err err = TOGUNA_OK;
  while (err == TOGUNA_OK && getline(&line, &room, stdin) > 0) {
    line[strcspn(line, "\n")] = 0;
    if (toguna_outstanding(node) == TOGUNA_OUTSTANDING_MAX)
      err = toguna_collect(node, -1, &error); /* at least one is over then */
    if (err == TOGUNA_OK)
      err = submit(node, to, topic, line, &said, &error);
  }
  while (err == TOGUNA_OK && toguna_outstanding(node))
    err = toguna_collect(node, -1, &error);
  free(line);
  printf("%lu spooled\n", said.spooled);
  return err == TOGUNA_OK ? toguna_exit_code(said.worst) : failed(&error);
}

/* ---- reading */

static int read_on(struct toguna *node, unsigned long count)
{
  struct toguna_error error;
  struct toguna_subscription *subscription;
  const struct toguna_item *item;
  /* What is longer than 64 KiB comes without: toguna_read() has it. */
  struct toguna_filter filter = {.folder = TOGUNA_INBOX, .content = 65536, .mark = true};
  if (toguna_subscribe(node, &filter, &subscription, &error) != TOGUNA_OK)
    return failed(&error);
  enum toguna_err err = TOGUNA_OK;
  for (; err == TOGUNA_OK && count; count--)
    if ((err = toguna_next(subscription, -1, &item, &error)) == TOGUNA_OK)
      printf("%s %s\n", item->originator, item->portions[0]->content ? (const char *)item->portions[0]->content : "…");
  toguna_subscription_free(subscription);
  return err == TOGUNA_OK ? 0 : failed(&error);
}

int main(int argc, char **argv)
{
  struct toguna *node;
  struct toguna_error error;
  setlocale(LC_ALL, "");
  if (argc != 2 && argc != 3) {
    fprintf(stderr, "usage: stream MEMBER TOPIC < lines, or: stream COUNT\n");
    return 2;
  }
  if (toguna_open(NULL, "stream", &node, &error) != TOGUNA_OK)
    return failed(&error);
  int code = argc == 3 ? say(node, argv[1], argv[2]) : read_on(node, strtoul(argv[1], NULL, 10));
  toguna_close(node);
  return code;
}
