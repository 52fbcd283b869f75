#include "client/cli/lines.h"

#include <stdlib.h>
#include <string.h>

struct lines {
  size_t n, room;
  struct {
    char *key, *text;
  } * line;
};

struct lines *lines_new(void)
{
  return calloc(1, sizeof(struct lines));
}

void lines_free(struct lines *l)
{
  if (!l)
    return;
  for (size_t i = 0; i < l->n; i++) {
    free(l->line[i].key);
    free(l->line[i].text);
  }
  free(l->line);
  free(l);
}

static size_t find(const struct lines *l, const char *key)
{
  size_t i = 0;
  while (i < l->n && strcmp(l->line[i].key, key))
    i++;
  return i;
}

static void drop(struct lines *l, size_t i)
{
  free(l->line[i].key);
  free(l->line[i].text);
  memmove(&l->line[i], &l->line[i + 1], (--l->n - i) * sizeof *l->line);
}

static bool make_room(struct lines *l)
{
  if (l->n < l->room)
    return true;
  size_t room = l->room ? 2 * l->room : 64;
  void *grown = reallocarray(l->line, room, sizeof *l->line);
  if (!grown)
    return false;
  l->line = grown;
  l->room = room;
  return true;
}

enum tg_err lines_set(struct lines *l, const char *key, const char *text)
{
  size_t i = find(l, key);
  if (!text) {
    if (i < l->n)
      drop(l, i);
    return TG_OK;
  }
  char *copy = strdup(text), *name = i < l->n ? NULL : strdup(key);
  if (!copy || (i == l->n && (!name || !make_room(l)))) {
    free(copy);
    free(name);
    return TG_NO_MEMORY;
  }
  if (i == l->n) {
    l->line[l->n++].key = name;
  } else {
    free(l->line[i].text);
  }
  l->line[i].text = copy;
  return TG_OK;
}

const char *lines_get(const struct lines *l, const char *key)
{
  size_t i = find(l, key);
  return i < l->n ? l->line[i].text : NULL;
}

/* The first n words of text, single spaces between them as charter_print() writes them. */
static size_t words_end(const char *text, size_t n)
{
  size_t end = strcspn(text, " ");
  while (--n > 0 && text[end])
    end += 1 + strcspn(text + end + 1, " ");
  return end;
}

static enum tg_err add(struct lines *l, const char *text, size_t (*words)(const char *keyword))
{
  char *keyword = strndup(text, strcspn(text, " "));
  char *key = keyword ? strndup(text, words_end(text, words(keyword))) : NULL;
  enum tg_err err = key ? lines_set(l, key, text) : TG_NO_MEMORY;
  free(keyword);
  free(key);
  return err;
}

enum tg_err lines_read(struct lines *l, struct slice text, size_t (*words)(const char *keyword))
{
  struct slice line;
  enum tg_err err = TG_OK;
  for (bool first = true; err == TG_OK && take_line(&text, &line); first = false) {
    if (first || line.n == 0 || line.p[0] == '#')
      continue;
    char *copy = slice_dup(line);
    err = copy ? add(l, copy, words) : TG_NO_MEMORY;
    free(copy);
  }
  return err;
}

const char *lines_at(const struct lines *l, size_t n, const char **ret_key)
{
  if (n >= l->n)
    return NULL;
  if (ret_key)
    *ret_key = l->line[n].key;
  return l->line[n].text;
}

void lines_print(const struct lines *l, struct buf *out)
{
  for (size_t i = 0; i < l->n; i++) {
    buf_put_str(out, l->line[i].text);
    buf_put_u8(out, '\n');
  }
}
