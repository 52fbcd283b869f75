/* toguna audit why, who-got, replay: one bulletin, and whether the hub decided rightly about it. */
#include "client/cli/sight.h"

#include "keys/note.h"

#include <stdio.h>
#include <string.h>

struct story_options {
  struct common common;
  SIGHT_MEMBERS;
};

static const struct option_key options[] = {SIGHT_OPTIONS(struct story_options)};

static enum tg_err look(struct call *call, struct review **ret, struct tg_why *why)
{
  const struct story_options *o = call->options;
  return sight_open(call, SIGHT_OF(o), ret, why);
}

/* Prints an answer, which may be there although err says what is wrong with it. */
static enum tg_err finish(struct call *call, struct review *r, enum tg_err err, json_t *answer, void (*print)(const json_t *))
{
  review_free(r);
  if (answer && call->json)
    show_json(json_incref(answer));
  else if (answer)
    print(answer);
  json_decref(answer);
  return err;
}

static void print_rule(const json_t *d)
{
  const char *rule = sight_text(d, "rule");
  char explanation[512];
  printf("%s", *sight_text(d, "what") ? show_sentence(d, "what", explanation, sizeof explanation) : _(sight_text(d, "sentence")));
  if (*rule)
    printf("\n    %s:%lld: %s", sight_text(d, "file"), (long long)json_integer_value(json_object_get(d, "line")), rule);
  putchar('\n');
}

/* ---- why ---- */

static void print_why(const json_t *j)
{
  size_t i;
  const json_t *p;
  char id[16];
  printf(json_is_true(json_object_get(j, "permitted")) ? _("%s was permitted to receive %s.\n") : _("%s was not permitted to receive %s.\n"),
         sight_text(j, "state"), sight_id(j, "bulletin", id));
  json_array_foreach(json_object_get(j, "portions"), i, p) {
    const char *logged = sight_text(p, "logged"), *stage = sight_text(p, "stage");
    printf(_("portion %zu: "), i);
    if (!json_is_true(json_object_get(p, "named")) && !json_is_true(json_object_get(p, "permitted")))
      printf("%s\n", _("the release list does not name it"));
    else
      print_rule(p);
    if (*logged && strcmp(logged, "unnamed") != 0 && strcmp(logged, stage) != 0)
      printf(_("    BUT the hub logged: %s\n"), logged);
  }
  if (!json_is_true(json_object_get(j, "same_policies")))
    puts(_("The policies that are here are not those that the entry names: this is what they say, not what was decided."));
}

static enum tg_err run_why(struct call *call, struct tg_why *why)
{
  struct review *r = NULL;
  json_t *answer = NULL;
  enum tg_err err = look(call, &r, why);
  if (!err)
    err = review_why(r, call->arg[0], call->arg[1], &answer, why);
  return finish(call, r, err, answer, print_why);
}

const struct command command_audit_why = {
    .noun = "audit",
    .verb = "why",
    .section = SECTION_LOOK,
    .summary = N_("Say why a state did or did not get a bulletin: which rule, file and line"),
    .operands = N_("ID COUNTRY"),
    .min = 2,
    .max = 2,
    .about = N_("The decision is made again from the charter and the policies in force when the hub decided, which are in the log; what "
                "the hub logged is compared with it."),
    .examples = "toguna audit why 3f2a TD --log copy --charter charter.note\n",
    .options = options,
    .n_options = sizeof options / sizeof *options,
    .size = sizeof(struct story_options),
    .run = run_why,
};

/* ---- who-got ---- */

static void print_recipients(const json_t *list)
{
  size_t i;
  const json_t *one;
  struct grid *g = grid_new(5, (const char *const[]){_("RECIPIENT"), _("STORED"), _("READ"), _("ACKNOWLEDGED"), _("ELSE")});
  json_array_foreach(list, i, one) {
    char stored[SHOW_TIME], read[SHOW_TIME], acknowledged[SHOW_TIME];
    grid_row(g, (const char *const[]){sight_text(one, "node"), sight_when(one, "stored", stored), sight_when(one, "read", read),
                                      sight_when(one, "acknowledged", acknowledged), *sight_text(one, "other") ? _(sight_text(one, "other")) : ""});
  }
  grid_print(g);
}

static void print_denied(const json_t *list)
{
  size_t i;
  const json_t *d;
  json_array_foreach(list, i, d) {
    printf(_("%s was refused portion %lld: "), sight_text(d, "state"), (long long)json_integer_value(json_object_get(d, "portion")));
    print_rule(d);
  }
}

/* Only the node whose view it is is named, and its originator signed for how many it is. */
static bool is_recipients_view(const json_t *j)
{
  const json_t *audience = json_object_get(j, "audience");
  return json_array_size(json_object_get(j, "recipients")) == 1 && json_integer_value(json_object_get(audience, "known")) == 0 &&
         json_integer_value(json_object_get(audience, "signed")) > 0;
}

static bool is_own_word(const json_t *j)
{
  return json_is_false(json_object_get(json_array_get(json_object_get(j, "recipients"), 0), "proven"));
}

static void print_who_got(const json_t *j)
{
  const json_t *audience = json_object_get(j, "audience"), *proof = json_object_get(j, "proof");
  const long long nodes = json_integer_value(json_object_get(audience, "signed")), size = json_integer_value(json_object_get(proof, "size"));
  print_recipients(json_object_get(j, "recipients"));
  print_denied(json_object_get(j, "denied"));
  if (json_is_true(json_object_get(audience, "complete")))
    printf(trn("Complete: its originator signed that it is sealed for %lld node, which is named here.\n",
               "Complete: its originator signed that it is sealed for %lld nodes, which are all named here.\n", (uint64_t)nodes), nodes);
  else if (is_recipients_view(j))
    printf(trn("Its originator signed that it is sealed for %lld node: the one that received it here.\n",
               "Its originator signed that it is sealed for %lld nodes; this node received it, and does not know which are the others.\n",
               (uint64_t)nodes), nodes);
  else
    puts(_("Not known to be complete: what its originator signed is not open here."));
  if (is_own_word(j))
    puts(_("The times are this node's own word; with --node --receipts it shows the receipts that it signed about it."));
  printf(trn("Entry %lld of a log of %lld entry. ", "Entry %lld of a log of %lld entries. ", (uint64_t)size),
         (long long)json_integer_value(json_object_get(proof, "index")), size);
  const long long receipts = json_integer_value(json_object_get(j, "receipts_verified"));
  if (receipts)
    printf(trn("%lld entry holds receipts about it, verified.\n", "%lld entries hold receipts about it, each verified.\n", (uint64_t)receipts), receipts);
  else
    puts(_("None that is open here holds a receipt about it."));
}

static enum tg_err run_who_got(struct call *call, struct tg_why *why)
{
  struct review *r = NULL;
  json_t *answer = NULL;
  enum tg_err err = look(call, &r, why);
  if (!err)
    err = review_who_got(r, call->arg[0], &answer, why);
  return finish(call, r, err, answer, print_who_got);
}

const struct command command_audit_who_got = {
    .noun = "audit",
    .verb = "who-got",
    .section = SECTION_LOOK,
    .summary = N_("List who was given a bulletin, and prove that nobody is missing"),
    .operands = N_("ID"),
    .min = 1,
    .max = 1,
    .about = N_("Every time is stated and signed by that recipient's node. Nobody is missing when as many recipients are named as the "
                "originator signed the bulletin for."),
    .examples = "toguna audit who-got 3f2a --log copy --charter charter.note\n",
    .options = options,
    .n_options = sizeof options / sizeof *options,
    .size = sizeof(struct story_options),
    .run = run_who_got,
};

/* ---- replay ---- */

static void print_replay(const json_t *j)
{
  size_t i;
  const json_t *d, *policies = json_object_get(j, "policies");
  char id[16];
  printf(_("%s: entry %lld, decided under charter version %lld and these policies:\n"), sight_id(j, "bulletin", id),
         (long long)json_integer_value(json_object_get(j, "index")), (long long)json_integer_value(json_object_get(j, "charter_version")));
  json_array_foreach(policies, i, d)
    printf("%s%s %lld", i ? ", " : "  ", sight_text(d, "state"), (long long)json_integer_value(json_object_get(d, "serial")));
  putchar('\n');
  json_array_foreach(json_object_get(j, "differences"), i, d)
    printf(_("portion %lld, %s: the hub logged %s, but it is %s\n"), (long long)json_integer_value(json_object_get(d, "portion")),
           sight_text(d, "state"), sight_text(d, "logged"), sight_text(d, "recomputed"));
  json_array_foreach(json_object_get(j, "given_wrongly"), i, d)
    printf(_("portion %lld was given to %s, whose state may not have it\n"), (long long)json_integer_value(json_object_get(d, "portion")),
           sight_text(d, "node"));
  json_array_foreach(json_object_get(j, "missing"), i, d)
    puts(_(json_string_value(d)));
  if (!json_is_true(json_object_get(j, "signed")))
    puts(_("The originator's signature is false."));
  if (json_is_true(json_object_get(j, "agrees")))
    puts(_("The hub decided rightly: charter and policies give the same answer for every state."));
}

static enum tg_err run_replay(struct call *call, struct tg_why *why)
{
  struct review *r = NULL;
  json_t *answer = NULL;
  enum tg_err err = look(call, &r, why);
  if (!err)
    err = review_replay(r, call->arg[0], &answer, why);
  return finish(call, r, err, answer, print_replay);
}

const struct command command_audit_replay = {
    .noun = "audit",
    .verb = "replay",
    .section = SECTION_LOOK,
    .summary = N_("Make the hub's decision about a bulletin again, and say whether it decided rightly"),
    .operands = N_("ID"),
    .min = 1,
    .max = 1,
    .about = N_("From the signed bulletin, charter and policies in the log alone. The hub cannot have decided by others: their hashes stand "
                "in the entry. Ends with 3 when the hub decided otherwise."),
    .examples = "toguna audit replay 3f2a --log copy --charter charter.note\n",
    .options = options,
    .n_options = sizeof options / sizeof *options,
    .size = sizeof(struct story_options),
    .run = run_replay,
};
