/* A command of toguna: one row of the table in commands.c, one file with its options and the function that
 * runs it. */
#ifndef TOGUNA_CLI_COMMAND_H
#define TOGUNA_CLI_COMMAND_H

#include "client/lib/toguna.h"
#include "os/options.h"

/* The options that every command has. A command's own structure of options begins with this. */
struct common {
  bool json, help;
};

struct command;

/* One run of a command. */
struct call {
  const struct command *command;
  const void *options; /* the command's structure, filled in */
  size_t n;            /* operands, as many as the command allows */
  char **arg;
  bool json; /* --json: nothing but JSON on standard output */
  int argc;  /* the words as typed, the verb first: for commands in which the order of options matters */
  char **argv;
  struct toguna_error said; /* set with call_said(): printed instead of the why */
};

/* Where the list of all commands shows it. */
enum section { SECTION_BEGIN, SECTION_BULLETINS, SECTION_PAPERS, SECTION_LOOK };

struct command {
  const char *noun; /* "charter"; NULL for commands of one word */
  const char *verb; /* "sign", or the one word */
  enum section section;
  const char *summary;  /* N_(): what it does, begins with a verb, without full stop */
  const char *operands; /* N_("FILE..."); "" when there are none */
  size_t min, max;      /* how many operands */
  const char *about;    /* N_(): a paragraph or two for --help; may be NULL */
  const char *examples; /* lines of commands, each ended by a newline, as they can be typed */
  const struct option_key *options;
  size_t n_options;
  size_t size; /* of the structure of options; 0 when it has none of its own */
  /* What it prints goes to standard output through show.h. On failure *why says what a person must know, or
   * call->said. */
  enum tg_err (*run)(struct call *call, struct tg_why *why);
};

enum { OPERANDS_ANY = 1000 };

/* The table. */
size_t commands_count(void);
const struct command *command_at(size_t i);
/* A command by its words; NULL. noun NULL: one of one word. */
const struct command *command_find(const char *noun, const char *verb);
bool command_is_noun(const char *word);
/* "charter sign" */
const char *command_name(const struct command *c, char out[64]);

/* A failure that libtoguna has put into words already. Returns its err. */
enum tg_err call_said(struct call *call, const struct toguna_error *error);

/* --- help.c */
void help_command(const struct command *c);
void help_noun(const char *noun);
void help_all(void);

#endif
