#include "client/cli/saving.h"

#include <stdio.h>
#include <string.h>

enum tg_err saving_begin(struct saving *s, const char *path, struct tg_why *why)
{
  *s = (struct saving){.why = why};
  return strcmp(path, "-") == 0 ? TG_OK : file_draft_new(path, FILE_ANYWHERE, &s->draft, why);
}

int saving_piece(void *saving, const void *data, size_t n)
{
  struct saving *s = saving;
  if (s->draft)
    s->err = file_draft_put(s->draft, slice_of(data, n), s->why);
  else
    fwrite(data, 1, n, stdout); /* main looks whether it arrived */
  s->bytes += n;
  return s->err != TG_OK;
}

enum tg_err saving_end(struct saving *s, struct call *call, enum toguna_err told, const struct toguna_error *error, bool replace)
{
  enum tg_err err = s->err; /* first: the node was told no more than that we stopped */
  if (err == TG_OK && told != TOGUNA_OK)
    err = call_said(call, error);
  if (err == TG_OK && s->draft)
    err = file_draft_commit(&s->draft, replace, s->why);
  file_draft_free(&s->draft);
  return err;
}
