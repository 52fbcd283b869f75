/* toguna publish: a bulletin for exactly those who may have it. */
#include "client/cli/send.h"

static enum tg_err run(struct call *call, struct tg_why *why)
{
  const struct wish_options *o = call->options;
  const struct wish_like like = {.kind = TOGUNA_REPORT, .precedence = TOGUNA_ROUTINE};
  struct toguna *node = NULL;
  struct wish w;
  enum tg_err err = wish_read(call, &like, call->arg, call->n, NULL, &w, why);
  if (err == TG_OK)
    err = reach_open(call, o->socket, &node);
  if (err == TG_OK)
    err = send_wish(call, node, &w, why);
  wish_free(&w);
  toguna_close(node);
  return err;
}

static const struct option_key options[] = {WISH_BULLETIN_OPTIONS, WISH_PORTION_OPTIONS,
                                            WISH_SENDING_OPTIONS};

const struct command command_publish = {
    .verb = "publish",
    .section = SECTION_BULLETINS,
    .summary = N_("Send a bulletin to those who may have it, and to nobody else"),
    .operands = N_("[FILE]..."),
    .max = OPERANDS_ANY,
    .about = N_("Shows first exactly who will be able to read it, and who not and by which rule. Each FILE "
                "is one portion; "
                "without a FILE the content is read from standard input. Classification, TLP, topic and "
                "release list must be "
                "stated: nothing is assumed.\n"
                "A bulletin may have several portions, each with its own marking and release list: a summary "
                "for many, details "
                "for few. Options before the first --portion hold for all portions; those behind a --portion "
                "hold for that one."),
    .examples =
        "toguna publish alert.txt --topic alert.attack --to AES,SN --class RESTRICTED --tlp amber "
        "--precedence FLASH\n"
        "toguna publish report.pdf --topic report.border --to ECOWAS --except NE --class SECRET --tlp red "
        "--dry-run\n"
        "toguna publish --topic patrol --portion summary.txt --class RESTRICTED --tlp amber --to ECOWAS "
        "--portion details.txt --class SECRET --tlp red --to AES\n"
        "echo Flood at Mopti | toguna publish --topic alert.flood --to ML,NE --class UNCLASSIFIED --tlp "
        "green --wait "
        "delivered --timeout 2m\n",
    .options = options,
    .n_options = sizeof options / sizeof *options,
    .size = sizeof(struct wish_options),
    .run = run,
};
