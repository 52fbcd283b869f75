/* What --help prints, all of it from the table. */
#include "client/cli/command.h"
#include "client/cli/show.h"

#include <stdio.h>
#include <string.h>

static void heading(const char *text)
{
  putchar('\n');
  show_tinted(TINT_BOLD, text);
  putchar('\n');
}

static void list(bool (*wanted)(const struct command *, const void *), const void *arg)
{
  struct grid *g = grid_new(2, NULL);
  for (size_t i = 0; i < commands_count(); i++) {
    const struct command *c = command_at(i);
    char name[64], line[80];
    if (!wanted(c, arg))
      continue;
    snprintf(line, sizeof line, "  toguna %s", command_name(c, name));
    grid_row(g, (const char *const[]){line, _(c->summary)});
  }
  grid_print(g);
}

static bool in_section(const struct command *c, const void *section)
{
  return c->section == *(const enum section *)section;
}

static bool of_noun(const struct command *c, const void *noun)
{
  return c->noun && !strcmp(c->noun, noun);
}

void help_all(void)
{
  static const struct {
    enum section section;
    const char *heading;
  } sections[] = {
      {SECTION_BEGIN, N_("Begin: keys, nodes, hubs")},
      {SECTION_BULLETINS, N_("Bulletins")},
      {SECTION_PAPERS, N_("Signed documents")},
      {SECTION_LOOK, N_("Look, and check")},
  };
  puts(_("toguna passes warnings between states that need not trust each other, nor the exchange's host."));
  for (size_t i = 0; i < sizeof sections / sizeof *sections; i++) {
    heading(_(sections[i].heading));
    list(in_section, &sections[i].section);
  }
  putchar('\n');
  show_wrapped(
      _("Each command explains itself, with examples: toguna publish --help. The manual: man toguna. "
        "Exit codes: 0 done, 1 refused by policy, 2 not a command we know, 3 bad input or failed "
        "verification, 4 cannot reach, 5 our own fault or the machine's."),
      0);
}

void help_noun(const char *noun)
{
  list(of_noun, noun);
}

void help_command(const struct command *c)
{
  char name[64];
  struct buf options = buf_new(64 * 1024);
  printf(_("Usage: toguna %s [OPTION]... %s\n"), command_name(c, name), *c->operands ? _(c->operands) : "");
  printf("%s.\n", _(c->summary));
  if (c->about) {
    putchar('\n');
    show_wrapped(_(c->about), 0);
  }
  heading(_("Options"));
  options_help(c->options, c->n_options, tr, 0, &options);
  buf_printf(&options, "      --json                %s\n", _("Print JSON, for programs."));
  fwrite(options.p, 1, options.n, stdout);
  buf_free(&options);
  if (!c->examples)
    return;
  heading(_("Examples"));
  for (const char *line = c->examples; *line; line = strchr(line, '\n') + 1)
    printf("  %.*s\n", (int)strcspn(line, "\n"), line);
}
