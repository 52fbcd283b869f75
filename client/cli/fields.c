#include "client/cli/fields_audit.h"

#include "proto/base.h"

#include <string.h>

#define ONE N_("One object:")
#define EACH N_("One object a line, for each of the files named:")
#define LIST N_("One array, of an object for each member that might receive it:")

#define FILE_WRITTEN N_("the file that was written")
#define FILE_READ N_("the file, as it was named")
#define FOLDER N_("the folder that was made")
#define CARD N_("path of the card")
#define FINGERPRINT N_("what its taker compares with its owner: 16 hex digits in groups of 4")
#define HASH N_("SHA-256 of the signed text, 64 hex digits")
#define HOLDER N_("whom it is about, as ML/dgse/n1 or ML/policy-1")
#define MEMBER N_("a country code, as ML")
#define EXCHANGE N_("the name of the exchange")
#define ROLE N_("node, witness, or an officer's role: policy, release, security")
#define KIND N_("the kind of the key, as officer or member-root")
#define SERIAL N_("its serial number")
#define KEY_NAME N_("whose key it is, with the exchange's name before it")
#define PUBLIC N_("the public key, base64")
#define SINCE N_("a time in UTC: valid from")
#define STAGE N_("permitted, or the check that failed: charter, marking, export, obligation, transit, import, sources")
#define RULE_FILE N_("where the rule stands; empty when no rule says so")
#define RULE_LINE N_("its line; 0 when there is none")
#define RULE N_("the rule itself")
#define SENTENCE N_("the sentence that people see")
#define TOPICS N_("topics, in patterns of the policies: alert.** except alert.attack.**")
#define UNTIL N_("a time in UTC: valid until")

#define CHARTER                                                                                              \
  {"exchange", EXCHANGE}, {"version", N_("number of the charter, from 1")}, {"hash", HASH},                  \
      {"effective", N_("a time in UTC: in force from")}, {"members", N_("a list:")},                         \
      {"members.member", MEMBER}, {"members.root", N_("its root key, as a note's verifier key")},            \
      {"members.ceiling", N_("the highest classification that may go to it")},                               \
      {"members.standing", N_("good, no-sending, no-new-traffic or withdrawn")},                             \
      {"members.signed", N_("has it signed this copy?")}, {"blocs", N_("a list:")},                          \
      {"blocs.bloc", N_("its name")}, {"blocs.members", N_("a list of country codes")},                      \
      {"hubs", N_("a list:")}, {"hubs.hub", N_("its name")},                                                 \
      {"hubs.host", N_("the country it stands in")}, {"hubs.transport", PUBLIC},                             \
      {"hubs.log", N_("the key its log is signed with, as a note's verifier key")},                          \
      {"hubs.endpoints", N_("a list of addresses, as tcp://hub.example:7700")},                              \
      {"quorum", N_("who can change the charter, as the charter says it")},                                  \
  {                                                                                                          \
    "witness_quorum", N_("who must cosign the hub's log; empty when nobody must")                            \
  }

static const struct fields_page pages[] = {
    {"init member", ONE,
     {{"member", MEMBER}, {"exchange", EXCHANGE}, {"folder", FOLDER}, {"card", CARD}, {"fingerprint", FINGERPRINT},
      {"officers", N_("a list of NAME:ROLE")}}},
    {"init hub", ONE,
     {{"hub", N_("its name")}, {"folder", FOLDER},
      {"card", N_("path of the card; only when keys were made")},
      {"fingerprint", N_("what the card's taker compares; only when keys were made")},
      {"exchange", N_("hash of charter version 1; only with a charter")},
      {"config", N_("path of hub.conf; only with a charter")}}},
    {"init node", ONE,
     {{"node", HOLDER}, {"folder", FOLDER}, {"card", CARD}, {"fingerprint", FINGERPRINT},
      {"vouched", N_("was its credential made too, with --root?")}}},
    {"init exchange", ONE,
     {{"exchange", EXCHANGE}, {"folder", FOLDER}, {"charter", N_("path of the signed charter")},
      {"hub", N_("the hub's folder")}, {"nodes", N_("a list:")}, {"nodes.node", HOLDER},
      {"nodes.folder", N_("its folder, with its node.conf")}}},
    {"key new", ONE, {{"file", FILE_WRITTEN}, {"kind", KIND}, {"name", KEY_NAME}, {"public", PUBLIC}}},
    {"key show", EACH,
     {{"file", FILE_READ}, {"kind", KIND}, {"name", KEY_NAME}, {"public", PUBLIC},
      {"vkey", N_("the same as a note's verifier key; null for keys that sign no notes")},
      {"argon2id", N_("what one guess of the passphrase costs:")},
      {"argon2id.passes", N_("how often memory is filled")},
      {"argon2id.memory", N_("bytes")}}},
    {"key check", EACH,
     {{"file", FILE_READ}, {"name", KEY_NAME}, {"kind", KIND},
      {"opens", N_("true; what does not open ends the command with code 3")}}},
    {"key passphrase", EACH, {{"file", FILE_READ}, {"changed", N_("true")}}},
    {"charter draft", ONE, {CHARTER}},
    {"charter sign", ONE, {CHARTER}},
    {"charter merge", ONE, {CHARTER}},
    {"charter show", ONE, {CHARTER}},
    {"charter check", ONE,
     {{"exchange", EXCHANGE}, {"version", N_("number of the charter, from 1")}, {"hash", HASH},
      {"valid", N_("true; a charter that is not ends the command with another code")}}},
    {"credential request", ONE, {{"card", CARD}, {"holder", HOLDER}, {"fingerprint", FINGERPRINT}}},
    {"credential issue", EACH,
     {{"file", FILE_WRITTEN}, {"holder", HOLDER}, {"role", ROLE}, {"fingerprint", FINGERPRINT},
      {"not_after", UNTIL}}},
    {"credential revoke", ONE,
     {{"file", FILE_WRITTEN}, {"holder", HOLDER},
      {"key", N_("is the key itself revoked, or only this credential?")}}},
    {"credential list", N_("One object a line, for each credential:"),
     {{"holder", HOLDER}, {"role", ROLE}, {"serial", SERIAL}, {"identity", PUBLIC}, {"not_before", SINCE},
      {"not_after", UNTIL},
      {"revoked", N_("is it revoked by a note among these?")},
      {"receives", N_("does the node take what is addressed to the state as a whole?")},
      {"hash", HASH}}},
    {"credential show", ONE,
     {{"exchange", EXCHANGE}, {"holder", HOLDER}, {"role", ROLE}, {"serial", SERIAL}, {"identity", PUBLIC},
      {"not_before", SINCE},
      {"not_after", UNTIL}, {"hash", HASH}}},
    {"policy draft", ONE, {{"file", FILE_WRITTEN}, {"member", MEMBER}}},
    {"policy check", EACH,
     {{"file", FILE_READ}, {"valid", N_("is it without errors?")},
      {"over", N_("did it end, by what it says itself?")},
      {"pin", N_("with --documents: how it breaks a pin of its own, in a sentence; or null")}, {"problems", N_("a list:")},
      {"problems.line", N_("from 1")},
      {"problems.column", N_("from 1, in characters")}, {"problems.warning", N_("true: not an error")},
      {"problems.message", N_("the sentence that people see")}}},
    {"policy fmt", ONE, {{"file", FILE_READ}, {"text", N_("the policy in its canonical form")}}},
    {"policy explain", LIST,
     {{"member", MEMBER}, {"permitted", N_("would it receive it?")},
      {"stage", STAGE}, {"file", RULE_FILE}, {"line", RULE_LINE}, {"rule", RULE}, {"reason", SENTENCE}}},
    {"policy test", ONE,
     {{"file", FILE_READ}, {"asked", N_("how many expectations, each state of a line counted")},
      {"failed", N_("how many of them do not hold")}, {"failures", N_("a list:")},
      {"failures.line", N_("of the table, from 1")}, {"failures.member", MEMBER},
      {"failures.expected", N_("should it receive it?")}, {"failures.permitted", N_("would it receive it?")},
      {"failures.stage", STAGE}, {"failures.file", RULE_FILE}, {"failures.rule_line", RULE_LINE}, {"failures.rule", RULE},
      {"failures.reason", SENTENCE},
      {"problems", N_("instead of all this, when the table has errors: a list as of policy check")}}},
    {"policy preview", ONE,
     {{"at", N_("a time in UTC: decided as of then")}, {"more", N_("how many would receive it that do not today")},
      {"fewer", N_("how many would not receive it that do today")}, {"members", N_("a list:")}, {"members.member", MEMBER},
      {"members.today", N_("does it receive it today?")}, {"members.permitted", N_("would it receive it?")},
      {"members.stage", STAGE}, {"members.file", RULE_FILE}, {"members.line", RULE_LINE}, {"members.rule", RULE},
      {"members.reason", SENTENCE}}},
    {"policy replay", ONE,
     {{"at", N_("a time in UTC: decided as of then")}, {"bulletins", N_("how many were decided again")},
      {"unclear", N_("how many of them say too little to be decided again; with --log an object:")},
      {"unclear.count", N_("how many bulletins cannot be decided again exactly")}, {"unclear.first", N_("the first of them, or null")},
      {"not_open", N_("with --log: accepted bulletins whose content is not open there")},
      {"refused", N_("with --log: bulletins that the hub refused, of which nothing is said")},
      {"closed_entries", N_("with --log: entries of which not even the type is open")},
      {"entries", N_("with --log: how many entries the log had when it was read")},
      {"opened", N_("deliveries that the drafts would have added")},
      {"closed", N_("deliveries that the drafts would have held back")}, {"differences", N_("a list:")},
      {"differences.id", N_("the bulletin, 64 hex digits")}, {"differences.portion", N_("from 0")},
      {"differences.from", N_("the node that sent it")}, {"differences.member", MEMBER},
      {"differences.topics", N_("separated by spaces")}, {"differences.marking", N_("level, TLP and caveats")},
      {"differences.opens", N_("true: added, false: held back")}, {"differences.stage", STAGE},
      {"differences.file", RULE_FILE}, {"differences.line", RULE_LINE}, {"differences.rule", RULE},
      {"differences.reason", SENTENCE}, {"differences.index", N_("with --log: the entry")},
      {"differences.time", N_("with --log: when it was accepted")}, {"differences.time_ms", N_("the same, in milliseconds since 1970")},
      {"differences.sentence", N_("with --log: the reason in English, with %1$s to %3$s for its")},
      {"differences.args", N_("a list of three texts")}}},
    {"policy diff", ONE,
     {{"member", MEMBER}, {"at", N_("a time in UTC: compared as of then")},
      {"holds_until", N_("a time in UTC at which dates in the policies change something again, or null")},
      {"pin", N_("how the new one breaks a pin of its own, in a sentence; or null")},
      {"widens", N_("does it open anything? Then it takes two signatures and the charter's delay")},
      {"effects", N_("a list; each has those of the fields below that its effect needs:")},
      {"effects.effect",
       N_("receives, receives-without-orcon, receives-with-approvals, onward, ask, transit, retention, label or pin")},
      {"effects.detail", N_("the number of approvals, or the hub's country; else empty")},
      {"effects.opens", N_("true: something passes that did not; false: less passes than before")},
      {"effects.from", N_("who sends, as ML or ML/dgse")}, {"effects.to", N_("who receives")}, {"effects.topics", TOPICS},
      {"effects.larger_than", N_("only bulletins of more bytes than this; 0: all")},
      {"effects.label", N_("the national label")}, {"effects.old", N_("up to now: markings, a duration or a level")},
      {"effects.new", N_("from then on: markings, a duration or a level")}, {"effects.sentence", SENTENCE}}},
    {"policy matrix", ONE,
     {{"at", N_("a time in UTC: decided as of then")}, {"flows", N_("a list:")}, {"flows.from", MEMBER}, {"flows.to", MEMBER},
      {"flows.topics", TOPICS}, {"flows.level", N_("the highest level that passes")},
      {"flows.rank", N_("its rank, 1 UNCLASSIFIED to 5 TOP-SECRET")},
      {"flows.up_to", N_("the markings up to which it passes")},
      {"flows.up_to_freely", N_("the same from every agency, without approvals and ORCON; - when nothing does")},
      {"flows.export_rule", N_("the sender's rule, with file and line; empty when it may not be seen")},
      {"flows.import_rule", N_("the recipient's rule, with file and line; empty when it may not be seen")}}},
    {"policy sign", ONE,
     {{"file", FILE_WRITTEN}, {"signer", KEY_NAME}, {"member", MEMBER}, {"serial", SERIAL}, {"hash", HASH}}},
    {"document send", EACH,
     {{"file", FILE_READ},
      {"kind", N_("charter, credential, revocation, policy, grant or another kind of document")}, {"hash", HASH},
      {"result", N_("what became of it: accepted by the hub, known before, or stored for the next start")}}},
};

static const struct fields_page *page_in(const struct fields_page *list, size_t n, const char *command)
{
  for (size_t i = 0; i < n; i++)
    if (strcmp(list[i].command, command) == 0)
      return &list[i];
  return NULL;
}

const struct field *field_at(const char *command, size_t n, const char **ret_shape)
{
  const struct fields_page *p = page_in(pages, sizeof pages / sizeof *pages, command);
  if (!p)
    p = page_in(fields_audit, FIELDS_AUDIT, command);
  if (!p)
    return NULL;
  if (ret_shape)
    *ret_shape = p->shape;
  return n < FIELDS_MAX && p->field[n].name ? &p->field[n] : NULL;
}
