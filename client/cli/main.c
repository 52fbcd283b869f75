#include "client/cli/command.h"
#include "client/cli/show.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct option_key COMMON[] = {
    {"json",
     0,
     OPTION_FLAG,
     VALUE_BOOL,
     offsetof(struct common, json),
     {0},
     NULL,
     N_("Print JSON, for programs.")},
    {"help",
     'h',
     OPTION_FLAG,
     VALUE_BOOL,
     offsetof(struct common, help),
     {0},
     NULL,
     N_("Explain this command, with examples.")},
};
enum { N_COMMON = sizeof COMMON / sizeof *COMMON };

enum tg_err call_said(struct call *call, const struct toguna_error *error)
{
  call->said = *error;
  return (enum tg_err)error->err;
}

/* The one place that tells a person what went wrong. */
static int report(const struct call *call, enum tg_err err, struct tg_why *why)
{
  char text[1024];
  if (err == TG_OK)
    return 0;
  why->err = err;
  if (why->what)
    why_render(why, tr, text, sizeof text);
  else
    snprintf(text, sizeof text, "%s", tg_err_name(err));
  const struct toguna_error *said = call->said.err ? &call->said : NULL;
  fflush(stdout);
  if (!call->json) {
    fprintf(stderr, "toguna: %s\n", said ? said->text : text);
    return tg_exit_code(err);
  }
  json_t *j = said ? json_failure(err, said->where, said->what, said->todo, said->text) : json_why(why, text);
  json_dumpf(j, stderr, JSON_COMPACT);
  fputc('\n', stderr);
  json_decref(j);
  return tg_exit_code(err);
}

static enum tg_err check_operands(const struct call *call, struct tg_why *why)
{
  const struct command *c = call->command;
  char name[64], operands[128];
  command_name(c, name);
  snprintf(operands, sizeof operands, "toguna %s %s", name, *c->operands ? _(c->operands) : "");
  if (call->n < c->min)
    return why_set(why, TG_USAGE, name, N_("something is missing: %1$s"), N_("See toguna %2$s --help"),
                   operands, name, NULL);
  if (call->n > c->max)
    return why_set(why, TG_USAGE, name, N_("%2$s is too much: %1$s"), N_("See toguna %3$s --help"), operands,
                   call->arg[c->max], name);
  return TG_OK;
}

/* JSON is UTF-8: a name that is not cannot be said in it. */
static enum tg_err check_utf8(int argc, char **argv, struct tg_why *why)
{
  char place[16];
  for (int i = 1; i < argc; i++)
    if (!utf8_valid(slice_str(argv[i]))) {
      snprintf(place, sizeof place, "%d", i);
      return why_set(why, TG_USAGE, NULL, N_("word %1$s after the command is not UTF-8, and JSON cannot hold it"),
                     N_("Rename the file, or leave --json away"), place, NULL, NULL);
    }
  return TG_OK;
}

/* argv[0] is the verb. */
static int run(const struct command *c, int argc, char **argv)
{
  struct call call = {.command = c, .argc = argc, .argv = argv};
  struct tg_why why = {0};
  struct operands operands;
  size_t n = c->n_options + N_COMMON, size = c->size ? c->size : sizeof(struct common);
  struct option_key *keys = calloc(n, sizeof *keys);
  struct common *options = calloc(1, size);
  if (!keys || !options)
    abort();
  if (c->n_options)
    memcpy(keys, c->options, c->n_options * sizeof *keys);
  memcpy(keys + c->n_options, COMMON, sizeof COMMON);
  for (int i = 1; i < argc; i++) /* also for what is wrong with the options themselves */
    call.json |= !strcmp(argv[i], "--json");
  enum tg_err err = call.json ? check_utf8(argc, argv, &why) : TG_OK;
  if (err == TG_OK)
    err = options_parse(argc, argv, keys, n, options, &operands, &why);
  if (err == TG_OK) {
    call.options = options;
    call.n = operands.n;
    call.arg = operands.v;
    call.json = options->json;
    if (options->help)
      help_command(c);
    else if ((err = check_operands(&call, &why)) == TG_OK)
      err = c->run(&call, &why);
    options_free(keys, n, options);
    free(operands.v);
  }
  if (err == TG_OK)
    err = show_flush(&why);
  free(options);
  free(keys);
  return report(&call, err, &why);
}

/* Nouns and words that can stand first. */
static const char *next_word(const void *noun, size_t i)
{
  for (size_t k = 0, seen = 0; k < commands_count(); k++) {
    const struct command *c = command_at(k);
    if (noun ? !c->noun || strcmp(c->noun, noun) : false)
      continue;
    if (seen++ == i)
      return noun || !c->noun ? c->verb : c->noun;
  }
  return NULL;
}

static int unknown(const char *noun, const char *word)
{
  struct call call = {0};
  struct tg_why why = {0};
  const char *near = value_nearest(slice_str(word), next_word, noun);
  char place[80] = "", all[80];
  if (noun)
    snprintf(place, sizeof place, "%s", noun);
  snprintf(all, sizeof all, "%s%s%s", noun ? noun : "", noun ? " " : "", near ? near : "");
  enum tg_err err =
      why_set(&why, TG_USAGE, place, N_("there is no command %1$s"),
              near ? N_("Did you mean: toguna %2$s?") : N_("See toguna --help"), word, all, NULL);
  return report(&call, err, &why);
}

static bool is_help(const char *word)
{
  return !strcmp(word, "--help") || !strcmp(word, "-h") || !strcmp(word, "help");
}

/* "toguna help charter sign" */
static int help(int argc, char **argv)
{
  const struct command *c = NULL;
  if (argc < 3)
    help_all();
  else if ((c = argc > 3 ? command_find(argv[2], argv[3]) : command_find(NULL, argv[2])))
    help_command(c);
  else if (argc == 3 && command_is_noun(argv[2]))
    help_noun(argv[2]);
  else
    return unknown(argc > 3 ? argv[2] : NULL, argc > 3 ? argv[3] : argv[2]);
  return 0;
}

int main(int argc, char **argv)
{
  const struct command *c;
  speak_init();
  show_init();
  if (sodium_init() < 0)
    abort();
  if (argc < 2) {
    help_all();
    return tg_exit_code(TG_USAGE);
  }
  if (is_help(argv[1]))
    return help(argc, argv);
  if ((c = command_find(NULL, !strcmp(argv[1], "--version") ? "version" : argv[1])))
    return run(c, argc - 1, argv + 1);
  if (!command_is_noun(argv[1]))
    return unknown(NULL, argv[1]);
  if (argc < 3 || is_help(argv[2])) {
    help_noun(argv[1]);
    return argc < 3 ? tg_exit_code(TG_USAGE) : 0;
  }
  c = command_find(argv[1], argv[2]);
  return c ? run(c, argc - 2, argv + 2) : unknown(argv[1], argv[2]);
}
