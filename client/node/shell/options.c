#include "client/node/shell/options.h"

#include "client/node/shell/settings.h"
#include "os/options.h"
#include "os/speak.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define AT(field) offsetof(struct options, field)
#define CONFIG "/etc/toguna/node.conf"

static const struct option_key keys[] = {
    {"config",
     'c',
     OPTION_ONE,
     VALUE_PATH,
     AT(config),
     {1, 4095, NULL},
     N_("FILE"),
     N_("The configuration; /etc/toguna/node.conf unless named.")},
    {"check", 0, OPTION_FLAG, VALUE_BOOL, AT(check), {0}, NULL, N_("Read the configuration and open the keys, then end.")},
    {"print-config",
     0,
     OPTION_FLAG,
     VALUE_BOOL,
     AT(print_config),
     {0},
     NULL,
     N_("Print every setting with its default.")},
    {"help", 'h', OPTION_FLAG, VALUE_BOOL, AT(help), {0}, NULL, N_("Print this.")},
    {"version", 0, OPTION_FLAG, VALUE_BOOL, AT(version), {0}, NULL, N_("Print the version.")},
};
enum { N_KEYS = sizeof keys / sizeof *keys };

void options_drop(struct options *o)
{
  options_free(keys, N_KEYS, o);
}

static void answer(struct options *o)
{
  struct buf text = buf_new(1 << 20);
  if (o->version)
    buf_printf(&text, "toguna-node %s\n", TOGUNA_VERSION);
  if (o->help) {
    buf_put_str(&text, tr(N_("Usage: toguna-node [--config FILE]\nThe daemon of an agency: seals, signs and sends "
                             "its bulletins, and keeps those that come.\n\n")));
    options_help(keys, N_KEYS, tr, 0, &text);
    buf_put_str(&text, tr(N_("\nExamples:\n  toguna-node --config ML-dgse-n1/node.conf --check\n"
                             "  toguna-node --config ML-dgse-n1/node.conf\n")));
  }
  if (o->print_config)
    settings_print(tr, &text);
  o->answered = text.n > 0;
  if (o->answered)
    fwrite(text.p, 1, text.n, stdout);
  buf_free(&text);
}

enum tg_err options_take(int argc, char **argv, struct options *ret, struct tg_why *why)
{
  struct operands operands = {0};
  struct options o = {.config = strdup(CONFIG)};
  enum tg_err err = o.config ? options_parse(argc, argv, keys, N_KEYS, &o, &operands, why) : TG_NO_MEMORY;
  if (err == TG_OK && operands.n)
    err = why_set(why, TG_USAGE, operands.v[0], N_("toguna-node takes no operands"),
                  N_("see toguna-node --help"), NULL, NULL, NULL);
  free(operands.v);
  if (err != TG_OK) {
    options_drop(&o);
    return err;
  }
  answer(&o);
  *ret = o;
  return TG_OK;
}
