/* toguna manual: manual pages in scdoc's form, written from the table, so that they say what --help says. */
#include "client/cli/command.h"
#include "client/cli/fields.h"
#include "client/cli/show.h"

#include <stdio.h>
#include <string.h>

/* Text of ours between scdoc's marks. */
static void put(const char *text)
{
  for (; *text; text++) {
    if (strchr("*_\\#`~", *text))
      putchar('\\');
    putchar(*text);
  }
}

static void print_options(const struct command *c)
{
  for (size_t i = 0; i < c->n_options; i++) {
    const struct option_key *k = &c->options[i];
    if (k->letter)
      printf("*-%c*, ", k->letter);
    printf("*--%s*", k->name);
    if (k->shape != OPTION_FLAG && k->placeholder) {
      fputs(" _", stdout);
      put(_(k->placeholder));
      putchar('_');
    }
    fputs("\n\t", stdout);
    put(k->help ? _(k->help) : "");
    fputs("\n\n", stdout);
  }
}

/* "members.ceiling" stands one level deeper than "members". */
static const char *print_level(const char *name)
{
  putchar('\t');
  for (const char *dot; (dot = strchr(name, '.')) != NULL; name = dot + 1)
    putchar('\t');
  return name;
}

static void print_fields(const char *command)
{
  const char *shape = NULL;
  const struct field *f;
  for (size_t i = 0; (f = field_at(command, i, &shape)) != NULL; i++) {
    if (i == 0)
      printf("*--json*\n\t%s\n\n", _(shape));
    const char *name = print_level(f->name);
    fputs("- _", stdout);
    put(name);
    fputs("_: ", stdout);
    put(_(f->meaning));
    putchar('\n');
  }
  if (shape)
    putchar('\n');
}

static void print_command(const struct command *c)
{
  char name[64];
  printf("## toguna %s ", command_name(c, name));
  put(*c->operands ? _(c->operands) : "");
  fputs("\n\n", stdout);
  put(_(c->summary));
  fputs(".\n\n", stdout);
  if (c->about) {
    put(_(c->about));
    fputs("\n\n", stdout);
  }
  print_options(c);
  print_fields(name);
  if (c->examples)
    printf("```\n%s```\n\n", c->examples);
}

static bool wanted(const struct command *c, const char *word)
{
  return c->noun ? !strcmp(c->noun, word) : !strcmp(c->verb, word);
}

static void print_name(const char *word)
{
  bool first = true;
  printf("toguna-%s(1)\n\n# %s\n\ntoguna-%s - ", word, _("NAME"), word);
  for (size_t i = 0; i < commands_count(); i++) {
    const struct command *c = command_at(i);
    if (!wanted(c, word))
      continue;
    fputs(first ? "" : ", ", stdout);
    put(c->noun ? c->verb : _(c->summary));
    first = false;
  }
  fputs("\n\n", stdout);
}

static enum tg_err run(struct call *call, struct tg_why *why)
{
  const char *word = call->arg[0];
  bool found = false;
  for (size_t i = 0; i < commands_count(); i++)
    found |= wanted(command_at(i), word);
  if (!found)
    return why_set(why, TG_USAGE, word, N_("there is no command %1$s"), N_("See toguna --help"), word, NULL,
                   NULL);
  print_name(word);
  printf("# %s\n\n", _("COMMANDS"));
  for (size_t i = 0; i < commands_count(); i++)
    if (wanted(command_at(i), word))
      print_command(command_at(i));
  printf("# %s\n\n", _("SEE ALSO"));
  puts(_("*toguna*(1), which has what all commands share: options, exit codes, environment"));
  return TG_OK;
}

const struct command command_manual = {
    .verb = "manual",
    .section = SECTION_LOOK,
    .summary = N_("Print the manual page of a command, in the form of scdoc"),
    .operands = N_("COMMAND"),
    .min = 1,
    .max = 1,
    .examples = "toguna manual charter | scdoc | man -l -\n",
    .run = run,
};
