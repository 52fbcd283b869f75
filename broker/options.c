#include "broker/options.h"

#include "os/options.h"

#include <stdlib.h>
#include <string.h>

#define CONFIG "/etc/toguna/hub.conf"
#define AT(member) offsetof(struct options, member)

static const struct option_key KEYS[] = {
    {.name = "config",
     .letter = 'c',
     .shape = OPTION_ONE,
     .kind = VALUE_PATH,
     .offset = AT(config),
     .limits = {.min = 1, .max = 1000},
     .placeholder = N_("FILE"),
     .help = N_("the configuration (default: /etc/toguna/hub.conf)")},
    {.name = "check", .offset = AT(check), .help = N_("read the configuration and open the keys, then stop")},
    {.name = "print-config",
     .offset = AT(print_config),
     .help = N_("print an annotated default configuration")},
    {.name = "debug", .letter = 'd', .offset = AT(debug), .help = N_("log more")},
    {.name = "help", .letter = 'h', .offset = AT(help), .help = N_("print this")},
    {.name = "version", .letter = 'V', .offset = AT(version), .help = N_("print the version")},
};
enum { N_KEYS = sizeof KEYS / sizeof *KEYS };

enum tg_err options_read(int argc, char **argv, struct options *ret, struct tg_why *why)
{
  struct options o = {.config = strdup(CONFIG)};
  struct operands operands = {0};
  if (!o.config)
    return why_set(why, TG_NO_MEMORY, NULL, N_("out of memory"), NULL, NULL, NULL, NULL);
  enum tg_err err = options_parse(argc, argv, KEYS, N_KEYS, &o, &operands, why);
  if (err != TG_OK)
    return err;
  if (operands.n > 0)
    err = why_set(why, TG_USAGE, operands.v[0], N_("togunad takes options only"), N_("See togunad --help"),
                  NULL, NULL, NULL);
  free(operands.v);
  if (err == TG_OK)
    *ret = o;
  else
    options_drop(&o);
  return err;
}

void options_drop(struct options *options)
{
  options_free(KEYS, N_KEYS, options);
}

void options_explain(const char *(*translate)(const char *), struct buf *ret)
{
  const char *what =
      N_("Usage: togunad [--config FILE]\nThe hub of a Toguna exchange: passes on what it cannot read, "
         "and proves that it did.\n\n");
  const char *more =
      N_("\nExamples:\n  togunad --config /etc/toguna/hub.conf --check\n  togunad --print-config\n");
  buf_put_str(ret, translate ? translate(what) : what);
  options_help(KEYS, N_KEYS, translate, 0, ret);
  buf_put_str(ret, translate ? translate(more) : more);
}
