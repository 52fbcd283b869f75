#include "client/cli/fields.h"

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

enum { FIELDS_MAX = 36 };

static const struct page {
  const char *command, *shape;
  struct field field[FIELDS_MAX];
} pages[] = {
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
     {{"file", FILE_READ}, {"valid", N_("is it without errors?")}, {"problems", N_("a list:")},
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
      {"unclear", N_("how many of them say too little to be decided again")},
      {"opened", N_("deliveries that the drafts would have added")},
      {"closed", N_("deliveries that the drafts would have held back")}, {"differences", N_("a list:")},
      {"differences.id", N_("the bulletin, 64 hex digits")}, {"differences.portion", N_("from 0")},
      {"differences.from", N_("the node that sent it")}, {"differences.member", MEMBER},
      {"differences.topics", N_("separated by spaces")}, {"differences.marking", N_("level, TLP and caveats")},
      {"differences.opens", N_("true: added, false: held back")}, {"differences.stage", STAGE},
      {"differences.file", RULE_FILE}, {"differences.line", RULE_LINE}, {"differences.rule", RULE},
      {"differences.reason", SENTENCE}}},
    {"policy diff", ONE,
     {{"member", MEMBER}, {"at", N_("a time in UTC: compared as of then")},
      {"holds_until", N_("a time in UTC at which dates in the policies change something again, or null")},
      {"widens", N_("does it open anything? Then it takes two signatures and the charter's delay")},
      {"effects", N_("a list; each has those of the fields below that its effect needs:")},
      {"effects.effect",
       N_("receives, receives-without-orcon, receives-with-approvals, onward, ask, transit, retention or label")},
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
      {"flows.up_to_freely", N_("the same without approvals and without ORCON; - when nothing does")},
      {"flows.export_rule", N_("the sender's rule, with file and line; empty when it may not be seen")},
      {"flows.import_rule", N_("the recipient's rule, with file and line; empty when it may not be seen")}}},
    {"policy sign", ONE,
     {{"file", FILE_WRITTEN}, {"signer", KEY_NAME}, {"member", MEMBER}, {"serial", SERIAL}, {"hash", HASH}}},
    {"document send", EACH,
     {{"file", FILE_READ},
      {"kind", N_("charter, credential, revocation, policy, grant or another kind of document")}, {"hash", HASH},
      {"result", N_("what became of it: accepted by the hub, known before, or stored for the next start")}}},
    {"audit report", N_("One object; with --check one with note, verified and signed_by:"),
     {{"log", N_("its name, as in the charter")}, {"size", N_("entries that the checkpoint covers")},
      {"root", N_("the root of the log's tree that was signed, 64 hex digits")},
      {"settled", N_("did as many witnesses cosign the checkpoint as the charter demands? null: not looked at")},
      {"vouched", N_("was a charter or key given?")}, {"kind", N_("hub, node or copy: where it was read")},
      {"made", N_("a time in UTC")}, {"from", SINCE}, {"to", UNTIL}, {"states", N_("a list of country codes")},
      {"names", N_("of each state, in the language of the command")}, {"days", N_("a list:")}, {"days.day", N_("as 2026-12-01")},
      {"days.accepted", N_("of each state that sent: how many bulletins")}, {"days.refused", N_("the same of those refused")},
      {"days.receipts", N_("of each state: how often it sent receipts")}, {"refusals", N_("a list:")},
      {"refusals.reason", N_("a stable name of why it was refused, or null")}, {"refusals.sentence", N_("the sentence that people see")},
      {"refusals.count", N_("how often")}, {"denials", N_("a list:")}, {"denials.stage", N_("the stage that denied it")},
      {"denials.sentence", N_("the sentence that people see")}, {"denials.count", N_("how often")}, {"latency", N_("a list:")},
      {"latency.precedence", N_("FLASH, IMMEDIATE, PRIORITY or ROUTINE")}, {"latency.count", N_("receipts that came")},
      {"latency.open", N_("recipients without one yet")}, {"latency.p50_ms", N_("half came within this time; p90_ms, p99_ms, max_ms likewise")},
      {"pairs", N_("a list:")}, {"pairs.from", MEMBER}, {"pairs.to", MEMBER}, {"pairs.given", N_("bulletins that went")},
      {"pairs.stored", N_("those whose receipt says that they are stored; read, acknowledged likewise")}}},
    {"audit verify", ONE,
     {{"log", N_("its name, as in the charter")}, {"size", N_("entries that the checkpoint covers")},
      {"root", N_("the root of the log's tree that was signed, 64 hex digits")},
      {"verified", N_("is everything as it was signed?")}, {"reached", N_("do the entries give the signed root?")},
      {"entries", N_("entries that were read")}, {"tiles", N_("tiles that were compared")},
      {"wrong", N_("places that are wrong")}, {"findings", N_("a list:")},
      {"findings.file", N_("the file, under the log's folder")},
      {"findings.wrong", N_("a stable name of what is wrong")},
      {"findings.at", N_("the entry or hash it begins at")}}},
    {"audit log", ONE,
     {{"entries", N_("a list:")}, {"entries.index", N_("place of the entry, from 0")},
      {"entries.type", N_("a stable name of what was logged")}, {"entries.sentence", N_("the sentence that people see")},
      {"entries.time", N_("a time in UTC")}, {"entries.time_ms", N_("the same in milliseconds since 1970")},
      {"entries.state", MEMBER}, {"entries.actor", N_("name of the node, or the beginning of its key")},
      {"entries.subject", N_("the bulletin, document or batch, 64 hex digits, or null")},
      {"entries.number", N_("of the bulletin or document, or how many")}, {"entries.decision", N_("accepted, refused or null")},
      {"entries.reason", N_("a stable name of why it was refused, or null")},
      {"entries.reason_sentence", N_("the sentence that people see")}, {"entries.detail", N_("more about the reason")},
      {"entries.precedence", N_("of a bulletin")}, {"entries.kind", N_("of a bulletin: report, reply, recall, ...")},
      {"entries.topics", N_("a list of topics")}, {"entries.given", N_("states that were given it")},
      {"entries.denied", N_("states that were denied it")}, {"next", N_("--cursor of the next page, or null")}}},
    {"audit who-got", ONE,
     {{"bulletin", N_("its id, 64 hex digits")}, {"audience", N_("an object:")},
      {"audience.signed", N_("for how many nodes its originator signed it")},
      {"audience.known", N_("how many are named here")}, {"audience.complete", N_("are these the same?")},
      {"signed", N_("is the originator's signature good?")}, {"recipients", N_("a list:")},
      {"recipients.node", HOLDER}, {"recipients.state", MEMBER}, {"recipients.stored", N_("a time in UTC")},
      {"recipients.read", N_("a time in UTC")}, {"recipients.acknowledged", N_("a time in UTC")},
      {"denied", N_("a list:")}, {"denied.state", MEMBER}, {"denied.stage", N_("the check that failed")},
      {"denied.file", N_("where the rule stands; null when no rule says so")}, {"denied.line", N_("from 1")},
      {"denied.rule", N_("the rule itself")}, {"receipts_verified", N_("entries with receipts whose signature is good")},
      {"proof", N_("place and leaf of its entry, size and root of the log")}}},
    {"audit replay", ONE,
     {{"bulletin", N_("its id, 64 hex digits")}, {"index", N_("place of the entry, from 0")},
      {"agrees", N_("did the hub decide as charter and policies say?")},
      {"signed", N_("is the originator's signature good?")}, {"differences", N_("a list:")},
      {"differences.portion", N_("from 0")}, {"differences.state", MEMBER},
      {"differences.logged", N_("what the hub logged: permitted, or the check that failed")},
      {"differences.recomputed", N_("what it is")}, {"given_wrongly", N_("nodes that were given what their state may not have")},
      {"charter_version", N_("number of the charter, from 1")}, {"policies", N_("those in force then")},
      {"missing", N_("sentences: what it could not be made from")}}},
    {"audit export", ONE,
     {{"folder", FOLDER}, {"entries", N_("entries that are open")}, {"log", N_("its name, as in the charter")},
      {"size", N_("entries that the checkpoint covers")},
      {"root", N_("the root of the log's tree that was signed, 64 hex digits")}}},
    {"audit prove", ONE,
     {{"file", FILE_WRITTEN}, {"log", N_("its name, as in the charter")}, {"index", N_("place of the entry, from 0")},
      {"size", N_("entries that the checkpoint covers")}, {"opened", N_("does the file say what was logged?")},
      {"settled", N_("did as many witnesses cosign the checkpoint as the charter demands? null: not looked at")}}},
    {"audit check", EACH,
     {{"file", FILE_READ}, {"kind", N_("proof or evidence")},
      {"verified", N_("true; what is not ends the command with code 3")}, {"log", N_("its name, as in the charter")},
      {"index", N_("of a proof: place of the entry, from 0")}, {"size", N_("entries that the checkpoint covers")},
      {"root", N_("the root of the log's tree that was signed, 64 hex digits")},
      {"type", N_("a stable name of what was logged; null when the file does not say")}, {"time", N_("a time in UTC")},
      {"subject", N_("the bulletin, document or batch, 64 hex digits, or null")}, {"member", MEMBER},
      {"actor", N_("name of the node, when a credential among the documents names it")},
      {"number", N_("of the bulletin or document, or how many")}, {"reason", N_("a stable name of why it was refused, or null")},
      {"detail", N_("more about the reason")},
      {"settled", N_("did as many witnesses cosign as the charter demands? null: not known without the charter")},
      {"cosigned", N_("a list of objects with witness and time")},
      {"foreign_cosignatures", N_("signatures by keys that no document here vouches for")},
      {"lie", N_("of evidence: same-size or other-beginning")},
      {"checkpoints", N_("of evidence: the two, each with size and root")}}},
};

const struct field *field_at(const char *command, size_t n, const char **ret_shape)
{
  for (size_t i = 0; i < sizeof pages / sizeof *pages; i++) {
    if (strcmp(pages[i].command, command) != 0)
      continue;
    if (ret_shape)
      *ret_shape = pages[i].shape;
    return n < FIELDS_MAX && pages[i].field[n].name ? &pages[i].field[n] : NULL;
  }
  return NULL;
}
