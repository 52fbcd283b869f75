/* toguna completion: the completion of bash, written from the table. toguna version. */
#include "client/cli/command.h"
#include "client/cli/show.h"

#include <stdio.h>
#include <string.h>

static void print_words(const char *noun)
{
  const char *last = "";
  for (size_t i = 0; i < commands_count(); i++) {
    const struct command *c = command_at(i);
    if (noun && (!c->noun || strcmp(c->noun, noun)))
      continue;
    const char *word = noun || !c->noun ? c->verb : c->noun;
    if (strcmp(word, last))
      printf("%s ", word);
    last = word;
  }
}

static void print_options(const struct command *c)
{
  for (size_t i = 0; i < c->n_options; i++)
    printf("--%s ", c->options[i].name);
  fputs("--json --help", stdout);
}

static void print_cases(void)
{
  const char *last = "";
  for (size_t i = 0; i < commands_count(); i++) {
    const struct command *c = command_at(i);
    char name[64];
    if (c->noun && strcmp(c->noun, last)) {
      last = c->noun;
      printf("    \"%s \") words=\"", last);
      print_words(last);
      puts("\" ;;");
    }
    printf("    \"%s%s\"*) words=\"", command_name(c, name), c->noun ? "" : " ");
    print_options(c);
    puts("\" ;;");
  }
}

static enum tg_err run_completion(struct call *call, struct tg_why *why)
{
  if (strcmp(call->arg[0], "bash"))
    return why_set(why, TG_USAGE, call->arg[0], N_("there is no completion for this shell"),
                   N_("bash is known"), NULL, NULL, NULL);
  puts("# bash completion for toguna; written by: toguna completion bash\n"
       "_toguna() {\n"
       "  local current=${COMP_WORDS[COMP_CWORD]} words=\n"
       "  local before=\"${COMP_WORDS[*]:1:COMP_CWORD-1} \"");
  puts("  case \"$before\" in");
  fputs("    \" \") words=\"", stdout);
  print_words(NULL);
  puts("help\" ;;");
  print_cases();
  puts("  esac\n"
       "  if [[ $current == -* || ( -n $words && $words != --* ) ]]; then\n"
       "    COMPREPLY=($(compgen -W \"$words\" -- \"$current\"))\n"
       "  else\n"
       "    COMPREPLY=($(compgen -f -- \"$current\"))\n"
       "  fi\n"
       "}\n"
       "complete -o filenames -F _toguna toguna");
  return TG_OK;
}

const struct command command_completion = {
    .verb = "completion",
    .section = SECTION_LOOK,
    .summary = N_("Print the completion of a shell"),
    .operands = "bash",
    .min = 1,
    .max = 1,
    .examples = "toguna completion bash > ~/.local/share/bash-completion/completions/toguna\n",
    .run = run_completion,
};

static enum tg_err run_version(struct call *call, struct tg_why *why)
{
  (void)why;
  if (call->json)
    show_json(json_pack("{s:s}", "version", TOGUNA_VERSION));
  else
    puts("toguna " TOGUNA_VERSION);
  return TG_OK;
}

const struct command command_version = {
    .verb = "version",
    .section = SECTION_LOOK,
    .summary = N_("Print the version"),
    .operands = "",
    .run = run_version,
};
