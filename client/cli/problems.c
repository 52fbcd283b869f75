#include "client/cli/problems.h"

#include "client/cli/show.h"

#include <stdio.h>

json_t *problems_json(const struct problems *list)
{
  json_t *array = json_array();
  for (size_t i = 0; i < list->n; i++) {
    const struct problem *p = &list->list[i];
    char text[1024];
    why_render(&p->why, tr, text, sizeof text);
    json_array_append_new(array, json_pack("{s:i,s:i,s:b,s:s}", "line", (int)p->line, "column", (int)p->column,
                                           "warning", p->warning, "message", text));
  }
  return array;
}

static void show_problems(const struct problems *list, struct slice text)
{
  struct buf out = buf_new(1 << 20);
  for (size_t i = 0; i < list->n; i++)
    problem_show(&list->list[i], text, tr, &out);
  fwrite(out.p, 1, out.n, stdout);
  buf_free(&out);
}

enum tg_err problems_tell(const struct call *call, const char *path, const struct problems *list, struct slice text,
                          enum tg_err err, const char *what, struct tg_why *why)
{
  char count[24];
  size_t errors = 0;
  if (list->n == 0)
    return err;
  if (!call->json)
    show_problems(list, text);
  for (size_t i = 0; i < list->n; i++)
    errors += !list->list[i].warning;
  snprintf(count, sizeof count, "%zu", errors);
  return err ? why_set(why, err, path, what, N_("Mend the places shown, and check again"), count, NULL, NULL) : TG_OK;
}
