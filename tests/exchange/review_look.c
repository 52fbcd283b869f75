/* What the library says that no verb of the command line prints yet: review_look FOLDER CHARTER INDEX about|matrix|checkpoints|refusals|story:ID */
#include "client/review/review.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static enum tg_err ask(struct review *r, const char *what, json_t **ret, struct tg_why *why)
{
  static const struct review_filter all;
  uint64_t fresh;
  enum tg_err err = review_refresh(r, &fresh, why);
  if (err)
    return err;
  if (!strcmp(what, "about"))
    return review_about(r, ret, why);
  if (!strcmp(what, "matrix"))
    return review_matrix(r, 0, 0, ret, why);
  if (!strcmp(what, "checkpoints"))
    return review_checkpoints(r, ret, why);
  if (!strcmp(what, "refusals"))
    return review_refusals(r, &all, 0, 100, ret, why);
  return review_story(r, what + strlen("story:"), ret, why);
}

int main(int argc, char **argv)
{
  struct review *r = NULL;
  struct tg_why why = {.err = TG_OK};
  json_t *answer = NULL;
  char text[512];
  if (argc != 5)
    return 2;
  const struct review_place place = {.folder = argv[1], .charter = argv[2], .index = argv[3]};
  enum tg_err err = review_open(&place, NULL, NULL, &r, &why);
  if (!err)
    err = ask(r, argv[4], &answer, &why);
  if (err) {
    why_render(&why, NULL, text, sizeof text);
    fprintf(stderr, "%s\n", text);
  } else {
    char *json = json_dumps(answer, JSON_COMPACT);
    puts(json);
    free(json);
  }
  json_decref(answer);
  review_free(r);
  return tg_exit_code(err);
}
