#include "os/options.h"

#include "os/speak.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct reading {
  const struct option_key *keys;
  size_t n_keys;
  char **argv;
  int argc, next; /* argv[next] has not been looked at */
  void *dest;
  bool *seen;
  struct operands operands;
  struct tg_why *why;
};

static void *at(const struct reading *r, const struct option_key *k)
{
  return (char *)r->dest + k->offset;
}

static const char *next_name(const void *arg, size_t i)
{
  const struct reading *r = arg;
  return i < r->n_keys ? r->keys[i].name : NULL;
}

static enum tg_err unknown(const struct reading *r, const char *option, struct slice name)
{
  const char *near = value_nearest(name, next_name, r);
  return why_set(r->why, TG_USAGE, option, N_("unknown option"),
                 near ? N_("Did you mean --%1$s?") : N_("See --help"), near, NULL, NULL);
}

static enum tg_err add_to_list(const struct reading *r, struct options_list *list, const char *value,
                               const char *option)
{
  char **grown = realloc(list->v, (list->n + 1) * sizeof *grown);
  if (grown)
    list->v = grown;
  char *copy = grown ? strdup(value) : NULL;
  if (!copy)
    return why_set(r->why, TG_NO_MEMORY, option, N_("out of memory"), NULL, NULL, NULL, NULL);
  if (!text_valid(slice_str(copy), "\n\t")) {
    free(copy);
    return why_set(r->why, TG_USAGE, option, N_("this text has control characters or is not UTF-8"), NULL,
                   NULL, NULL, NULL);
  }
  list->v[list->n++] = copy;
  return TG_OK;
}

static enum tg_err set(struct reading *r, const struct option_key *k, const char *value, const char *option)
{
  bool *seen = &r->seen[k - r->keys];
  if (*seen && k->shape == OPTION_ONE)
    return why_set(r->why, TG_USAGE, option, N_("this option is given twice"), NULL, NULL, NULL, NULL);
  *seen = true;
  if (k->shape == OPTION_FLAG) {
    *(bool *)at(r, k) = true;
    return TG_OK;
  }
  if (!value)
    return why_set(r->why, TG_USAGE, option, N_("this option needs a value: %1$s"), NULL,
                   k->placeholder ? k->placeholder : "…", NULL, NULL);
  if (k->shape == OPTION_MANY)
    return add_to_list(r, at(r, k), value, option);
  enum tg_err err = value_set(k->kind, &k->limits, slice_str(value), NULL, at(r, k), option, r->why);
  if (err != TG_BAD_INPUT)
    return err;
  if (r->why)
    r->why->err = TG_USAGE;
  return TG_USAGE;
}

/* --name, --name=value, --name value */
static enum tg_err read_long(struct reading *r, const char *word)
{
  char option[80];
  size_t n = strcspn(word + 2, "=");
  snprintf(option, sizeof option, "--%.*s", (int)(n < 70 ? n : 70), word + 2);
  struct slice name = slice_of(word + 2, n);
  const char *value = word[2 + n] ? word + 2 + n + 1 : NULL;
  for (size_t i = 0; i < r->n_keys; i++) {
    const struct option_key *k = &r->keys[i];
    if (!slice_is(name, k->name))
      continue;
    if (k->shape == OPTION_FLAG && value)
      return why_set(r->why, TG_USAGE, option, N_("this option takes no value"), NULL, NULL, NULL, NULL);
    if (k->shape != OPTION_FLAG && !value && r->next < r->argc)
      value = r->argv[r->next++];
    return set(r, k, value, option);
  }
  return unknown(r, option, name);
}

/* -n, -n value, -nvalue, -abc */
static enum tg_err read_short(struct reading *r, const char *word)
{
  for (const char *c = word + 1; *c; c++) {
    char option[3] = {'-', *c, 0};
    const struct option_key *k = NULL;
    for (size_t i = 0; i < r->n_keys; i++)
      if (r->keys[i].letter == *c)
        k = &r->keys[i];
    if (!k)
      return unknown(r, (unsigned char)*c < 0x80 ? option : word, slice_of(NULL, 0));
    if (k->shape == OPTION_FLAG) {
      (void)set(r, k, NULL, option); /* a flag cannot fail */
      continue;
    }
    const char *value = c[1] ? c + 1 : r->next < r->argc ? r->argv[r->next++] : NULL;
    return set(r, k, value, option);
  }
  return TG_OK;
}

enum tg_err options_parse(int argc, char **argv, const struct option_key *keys, size_t n, void *dest,
                          struct operands *ret_operands, struct tg_why *why)
{
  struct reading r = {
      .keys = keys, .n_keys = n, .argv = argv, .argc = argc, .next = 1, .dest = dest, .why = why};
  r.seen = calloc(n + 1, sizeof *r.seen);
  r.operands.v = calloc((size_t)argc + 1, sizeof(char *));
  enum tg_err err = r.seen && r.operands.v
                        ? TG_OK
                        : why_set(why, TG_NO_MEMORY, NULL, N_("out of memory"), NULL, NULL, NULL, NULL);
  bool options = true;
  while (err == TG_OK && r.next < argc) {
    char *word = argv[r.next++];
    if (options && !strcmp(word, "--"))
      options = false;
    else if (options && word[0] == '-' && word[1] == '-')
      err = read_long(&r, word);
    else if (options && word[0] == '-' && word[1])
      err = read_short(&r, word);
    else
      r.operands.v[r.operands.n++] = word;
  }
  free(r.seen);
  if (err != TG_OK) {
    free(r.operands.v);
    options_free(keys, n, dest);
    return err;
  }
  *ret_operands = r.operands;
  return TG_OK;
}

void options_free(const struct option_key *keys, size_t n, void *dest)
{
  for (size_t i = 0; i < n; i++) {
    void *value = (char *)dest + keys[i].offset;
    switch (keys[i].shape) {
    case OPTION_FLAG:
      *(bool *)value = false;
      break;
    case OPTION_ONE:
      value_free(keys[i].kind, value);
      break;
    case OPTION_MANY: {
      struct options_list *list = value;
      for (size_t j = 0; j < list->n; j++)
        free(list->v[j]);
      free(list->v);
      *list = (struct options_list){0};
      break;
    }
    }
  }
}

/* --- help */

/* Columns a text takes on a terminal, for the scripts we speak: one per code point. */
static size_t columns(const char *text, size_t n)
{
  size_t c = 0;
  for (size_t i = 0; i < n; i++)
    c += ((unsigned char)text[i] & 0xc0) != 0x80;
  return c;
}

static void print_name(const struct option_key *k, const char *(*translate)(const char *), struct buf *ret)
{
  if (k->letter)
    buf_printf(ret, "  -%c, --%s", k->letter, k->name);
  else
    buf_printf(ret, "      --%s", k->name);
  if (k->shape != OPTION_FLAG && k->placeholder)
    buf_printf(ret, " %s", translate ? translate(k->placeholder) : k->placeholder);
}

static void print_wrapped(const char *text, size_t indent, size_t width, struct buf *ret)
{
  size_t column = indent;
  bool first = true;
  while (*text) {
    size_t n = speak_word(text);
    size_t c = columns(text, n);
    if (!first && column + 1 + c > width) {
      buf_printf(ret, "\n%*s", (int)indent, "");
      column = indent;
      first = true;
    }
    if (!first)
      buf_put_u8(ret, ' ');
    column += c + !first;
    buf_put(ret, text, n);
    first = false;
    text += n + (text[n] != 0);
  }
  buf_put_u8(ret, '\n');
}

void options_help(const struct option_key *keys, size_t n, const char *(*translate)(const char *),
                  size_t width, struct buf *ret)
{
  enum { INDENT = 28 };
  if (width < 50)
    width = width ? 50 : 80;
  for (size_t i = 0; i < n; i++) {
    struct buf name = buf_new(512);
    print_name(&keys[i], translate, &name);
    size_t c = columns((const char *)name.p, name.n);
    buf_put_slice(ret, buf_slice(&name));
    buf_free(&name);
    if (c + 2 > INDENT)
      buf_printf(ret, "\n%*s", INDENT, "");
    else
      buf_printf(ret, "%*s", (int)(INDENT - c), "");
    const char *help = keys[i].help ? keys[i].help : "";
    print_wrapped(translate && *help ? translate(help) : help, INDENT, width, ret);
  }
}
