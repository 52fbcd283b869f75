#include "client/cli/marks.h"

#include <stdlib.h>
#include <string.h>

#define MARK(option, field, form, read_as)                                                                   \
  {                                                                                                          \
    .name = option, .shape = form, .kind = read_as, .offset = offsetof(struct marks, field),                 \
    .placeholder = "…"                                                                                     \
  }

static const struct option_key keys[] = {
    MARK("portion", file, OPTION_ONE, VALUE_PATH),      MARK("class", level, OPTION_ONE, VALUE_TEXT),
    MARK("tlp", tlp, OPTION_ONE, VALUE_TEXT),           MARK("to", to, OPTION_MANY, VALUE_TEXT),
    MARK("except", except, OPTION_MANY, VALUE_TEXT),    MARK("title", title, OPTION_ONE, VALUE_TEXT),
    MARK("label", label, OPTION_ONE, VALUE_TEXT),       MARK("language", language, OPTION_ONE, VALUE_TEXT),
    MARK("content-type", type, OPTION_ONE, VALUE_TEXT), MARK("orcon", orcon, OPTION_FLAG, VALUE_BOOL),
    MARK("blind", blind, OPTION_FLAG, VALUE_BOOL),      MARK("compress", compress, OPTION_FLAG, VALUE_BOOL),
};
enum { N_KEYS = sizeof keys / sizeof *keys };

static const struct option_key *find(const struct option_key *in, size_t n, const char *word)
{
  struct slice name = slice_of(word + 2, strcspn(word + 2, "="));
  for (size_t i = 0; i < n; i++)
    if (slice_is(name, in[i].name))
      return &in[i];
  return NULL;
}

/* The words of one group, in the order typed; argv[0] stands for the command. */
struct words {
  int argc;
  char **argv;
};

static enum tg_err parse(const struct words *w, struct marks *ret, struct tg_why *why)
{
  struct operands none;
  enum tg_err err = options_parse(w->argc, w->argv, keys, N_KEYS, ret, &none, why);
  if (err == TG_OK)
    free(none.v);
  return err;
}

/* Sorts the words: each option about a portion to the group it stands in, everything else away. Returns the
   number of groups, the head counted. */
static size_t sort(const struct call *call, struct words *group)
{
  const struct command *c = call->command;
  size_t n = 1;
  group[0].argv[group[0].argc++] = call->argv[0];
  for (int i = 1; i < call->argc && strcmp(call->argv[i], "--"); i++) {
    char *word = call->argv[i];
    if (word[0] != '-' || word[1] != '-')
      continue;
    const struct option_key *mark = find(keys, N_KEYS, word);
    const struct option_key *key = mark ? mark : find(c->options, c->n_options, word);
    bool value = key && key->shape != OPTION_FLAG && !strchr(word, '=');
    if (mark == &keys[0]) {
      group[n].argv = group[n - 1].argv + group[n - 1].argc;
      group[n].argv[group[n].argc++] = call->argv[0];
      n++;
    }
    if (mark)
      group[n - 1].argv[group[n - 1].argc++] = word;
    if (value && i + 1 < call->argc)
      i++;
    if (mark && value)
      group[n - 1].argv[group[n - 1].argc++] = call->argv[i];
  }
  return n;
}

enum tg_err marks_read(const struct call *call, struct marks *head, struct marks **ret_group, size_t *ret_n,
                       struct tg_why *why)
{
  size_t most = (size_t)call->argc + 1;
  struct words *words = calloc(most, sizeof *words);
  char **room =
      calloc(2 * most, sizeof *room); /* every word once, and the command's name before each group */
  struct marks *group = calloc(most, sizeof *group);
  enum tg_err err = words && room && group
                        ? TG_OK
                        : why_set(why, TG_NO_MEMORY, NULL, N_("out of memory"), NULL, NULL, NULL, NULL);
  size_t n = 0, done = 0;
  *head = (struct marks){0};
  if (err == TG_OK) {
    words[0].argv = room;
    n = sort(call, words);
    err = parse(&words[0], head, why);
  }
  for (; err == TG_OK && done + 1 < n; done++)
    err = parse(&words[done + 1], &group[done], why);
  free(words);
  free(room);
  if (err != TG_OK) {
    marks_free(head, group, done);
    return err;
  }
  *ret_group = group;
  *ret_n = done;
  return TG_OK;
}

void marks_free(struct marks *head, struct marks *group, size_t n)
{
  options_free(keys, N_KEYS, head);
  for (size_t i = 0; i < n; i++)
    options_free(keys, N_KEYS, &group[i]);
  free(group);
}
