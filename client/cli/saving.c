#include "client/cli/saving.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

bool saving_is_output(const char *path) { return strcmp(path, "-") == 0; }

enum tg_err saving_look(const char *path, const bool *replace, struct tg_why *why)
{
  struct stat st;
  if (saving_is_output(path) || (lstat(path, &st) != 0 && errno == ENOENT))
    return TG_OK;
  if (stat(path, &st) == 0 && S_ISDIR(st.st_mode))
    return why_set(why, TG_BAD_INPUT, path, N_("this is a folder"), N_("Name a file in it"), NULL, NULL, NULL);
  if (replace && *replace)
    return TG_OK;
  return why_set(why, TG_DUPLICATE, path, N_("there is such a file already"),
                 replace ? N_("Move it away, choose another name, or add --replace") : N_("Move it away, or choose another name"), NULL, NULL, NULL);
}

enum tg_err saving_begin(struct saving *s, const char *path, struct tg_why *why)
{
  *s = (struct saving){.why = why};
  return saving_is_output(path) ? TG_OK : file_draft_new(path, FILE_ANYWHERE, &s->draft, why);
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
