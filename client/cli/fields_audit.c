#include "client/cli/fields_audit.h"

#include "proto/base.h"

#define ONE N_("One object:")
#define EACH N_("One object a line, for each of the files named:")

#define LIST N_("a list:")
#define OBJECT N_("an object:")
#define FILE_READ N_("the file, as it was named")
#define HOLDER N_("whom it is about, as ML/dgse/n1 or ML/policy-1")
#define MEMBER N_("a country code, as ML")
#define CODES N_("a list of country codes")
#define WHEN N_("a time in UTC")
#define ID N_("its id, 64 hex digits")
#define HASH N_("SHA-256 of the signed text, 64 hex digits")
#define INDEX N_("place of the entry, from 0")
#define PORTION N_("from 0")
#define LOG N_("its name, as in the charter")
#define SIZE N_("entries that the checkpoint covers")
#define ROOT N_("the root of the log's tree that was signed, 64 hex digits")
#define SENTENCE N_("the sentence that people see")
#define SIGNED N_("is the originator's signature good?")
#define REASON N_("a stable name of why it was refused, or null")
#define SUBJECT N_("the bulletin, document or batch, 64 hex digits, or null")
#define NUMBER N_("of the bulletin or document, or how many")
#define STAGE N_("permitted, or the check that failed: charter, marking, export, obligation, transit, import, sources")
#define COUNT N_("how often")
#define VERSION N_("number of the charter, from 1")

/* An entry, as all lists show it. */
#define ENTRY(p)                                                                                                                    \
  {p "index", INDEX}, {p "type", N_("a stable name of what was logged")}, {p "sentence", SENTENCE}, {p "time", WHEN},               \
      {p "time_ms", N_("the same in milliseconds since 1970")}, {p "state", MEMBER},                                                \
      {p "actor", N_("name of the node, or the beginning of its key, or null")}, {p "subject", SUBJECT}, {p "number", NUMBER},      \
      {p "decision", N_("accepted, refused or null")}, {p "reason", REASON}, {p "reason_sentence", SENTENCE},                       \
      {p "detail", N_("more about the reason, or null")}, {p "precedence", N_("of a bulletin, or null")},                           \
      {p "kind", N_("of a bulletin: report, reply, recall, ...; or null")}, {p "topics", N_("a list of topics")},                   \
      {p "given", N_("states that were given it")}, {p "denied", N_("states that were denied it")}

/* Where a rule stands that said so. */
#define RULE(p)                                                                                                                     \
  {p "stage", STAGE}, {p "sentence", SENTENCE}, {p "policy", N_("hash of the policy, or null")},                                    \
      {p "line", N_("its line, from 1; null when no rule says so")}, {p "policy_of", N_("whose policy it is, or null")},            \
      {p "serial", N_("of that policy, or null")}, {p "file", N_("where the rule stands; null when no rule says so")},              \
      {p "rule", N_("the rule itself, or null")}

#define RULING(p, what)                                                                                                             \
  {p, what}, {p ".portions", LIST}, {p ".portions.index", PORTION}, {p ".portions.permitted", CODES},                               \
      {p ".portions.denied", LIST}, {p ".portions.denied.state", MEMBER}, RULE(p ".portions.denied.")

#define UNUSUAL(p)                                                                                                                  \
  {p "kind", N_("burst, new-pair, denials-rising, clock or alarm")}, {p "time", WHEN}, {p "state", MEMBER},                         \
      {p "other", N_("the other state, or null")}, {p "value", N_("the figure")}, {p "usual", N_("what it usually is")},            \
      {p "entries", N_("a list of places in the log")}, {p "sentence", N_("a sentence with places for its arguments")},             \
      {p "args", N_("a list of three texts for %1$s, %2$s, %3$s")}

const struct fields_page fields_audit[FIELDS_AUDIT] = {
    {"audit report", N_("One object; with --check one with note, verified and signed_by:"),
     {{"log", LOG}, {"size", SIZE}, {"root", ROOT},
      {"settled", N_("did as many witnesses cosign the checkpoint as the charter demands? null: not known without the charter")},
      {"vouched", N_("was a charter or key given?")}, {"kind", N_("hub, copy, node or node-copy: where it was read")},
      {"made", WHEN}, {"from", N_("a time in UTC, or null: from the beginning")}, {"to", N_("a time in UTC, or null: to the end")},
      {"states", CODES}, {"names", N_("of each state, in the language of the command")}, {"days", LIST},
      {"days.day", N_("as 2026-12-01")}, {"days.accepted", N_("of each state that sent: how many bulletins")},
      {"days.refused", N_("the same of those refused")}, {"days.receipts", N_("of each state: how often it sent receipts")},
      {"refusals", LIST}, {"refusals.reason", REASON}, {"refusals.sentence", SENTENCE}, {"refusals.count", COUNT}, {"denials", LIST},
      {"denials.stage", STAGE}, {"denials.sentence", SENTENCE}, {"denials.count", COUNT}, {"latency", LIST},
      {"latency.precedence", N_("FLASH, IMMEDIATE, PRIORITY or ROUTINE")}, {"latency.count", N_("receipts that came")},
      {"latency.open", N_("recipients without one yet")}, {"latency.p50_ms", N_("half came within this time")},
      {"latency.p90_ms", N_("nine of ten came within this time")}, {"latency.p99_ms", N_("all but one in a hundred came within this time")},
      {"latency.max_ms", N_("all came within this time")}, {"pairs", LIST}, {"pairs.from", MEMBER}, {"pairs.to", MEMBER},
      {"pairs.given", N_("bulletins that went")}, {"pairs.stored", N_("those whose receipt says that they are stored")},
      {"pairs.read", N_("those whose receipt says that they were read")},
      {"pairs.acknowledged", N_("those whose receipt says that they were acknowledged")}, {"pairs.denied", N_("bulletins that were denied")}}},
    {"audit verify", ONE,
     {{"log", LOG}, {"size", SIZE}, {"root", ROOT},
      {"settled", N_("did as many witnesses cosign as the charter demands? null: not known without charter and credentials")},
      {"verified", N_("is everything as it was signed?")}, {"reached", N_("do the entries give the signed root?")},
      {"entries", N_("entries that were read")}, {"tiles", N_("tiles that were compared; a node has none")},
      {"wrong", N_("places that are wrong")}, {"findings", LIST}, {"findings.file", N_("the file, under the log's folder")},
      {"findings.wrong", N_("a stable name of what is wrong")}, {"findings.at", N_("the entry or hash it begins at")}}},
    {"audit log", ONE, {{"entries", LIST}, ENTRY("entries."), {"next", N_("--cursor of the next page, or null")}}},
    {"audit show", ONE,
     {ENTRY(""), {"leaf", N_("what is public of it, 64 hex digits")}, {"salt", N_("base64")}, {"entry", N_("its exact bytes, base64")},
      {"charter_version", N_("number of the charter it was decided under, or null")},
      {"policy_set", N_("hash of the policies it was decided under, or null")}, {"decision_hash", N_("hash of the decision, or null")},
      RULING("ruling", N_("the decision, or null:")), {"receipts", LIST}, {"receipts.bulletin", ID}, {"receipts.node", HOLDER},
      {"receipts.state", MEMBER}, {"receipts.event", N_("stored, read, acknowledged, or what else became of it")}, {"receipts.time", WHEN},
      {"document", N_("the signed document, or null:")}, {"document.kind", N_("charter, credential, revocation, policy, ...")},
      {"document.text", N_("the signed note; null of sealing keys")}}},
    {"audit why", ONE,
     {{"bulletin", ID}, {"index", INDEX}, {"state", MEMBER}, {"permitted", N_("may it have any portion?")}, {"portions", LIST},
      {"portions.index", PORTION}, {"portions.permitted", N_("may it have this one?")}, {"portions.named", N_("is it on the release list?")},
      RULE("portions."), {"portions.explanation", N_("the reason in words, or null")}, {"portions.where", N_("file and line, or null")},
      {"portions.what", N_("the same reason without its names, to be translated, or null")},
      {"portions.args", N_("the names, in the order of their places in it, or null")},
      {"portions.logged", N_("what the hub logged: permitted, the check that failed, unnamed, or null")}, {"charter_version", VERSION},
      {"same_policies", N_("are they those that the entry names?")}}},
    {"audit who-got", ONE,
     {{"bulletin", ID}, {"audience", OBJECT}, {"audience.signed", N_("for how many nodes its originator signed it, or null")},
      {"audience.known", N_("how many are named here")}, {"audience.complete", N_("are these the same?")}, {"signed", SIGNED},
      {"recipients", LIST}, {"recipients.node", HOLDER}, {"recipients.state", MEMBER}, {"recipients.portions", N_("a list, from 0")},
      {"recipients.stored", N_("a time in UTC, or null")}, {"recipients.read", N_("a time in UTC, or null")},
      {"recipients.acknowledged", N_("a time in UTC, or null")},
      {"recipients.other", N_("what else became of it: unreadable, import-refused, purged, ...; or null")},
      {"recipients.other_time", N_("a time in UTC, or null")},
      {"recipients.proven", N_("false when only the node whose view it is says so of itself")}, {"denied", LIST}, {"denied.portion", PORTION},
      {"denied.state", MEMBER}, RULE("denied."), {"receipts_verified", N_("entries with receipts whose signature is good")},
      {"receipts_false", N_("a list of places of those whose signature is not")}, {"proof", OBJECT}, {"proof.index", INDEX},
      {"proof.leaf", N_("what is public of it, 64 hex digits")}, {"proof.size", SIZE}, {"proof.root", ROOT}}},
    {"audit replay", ONE,
     {{"bulletin", ID}, {"index", INDEX}, {"time", WHEN}, RULING("logged", N_("the decision that the hub logged, or null:")),
      RULING("recomputed", N_("the decision made again:")), {"agrees", N_("did the hub decide as charter and policies say?")},
      {"signed", SIGNED}, {"differences", LIST}, {"differences.portion", PORTION}, {"differences.state", MEMBER},
      {"differences.logged", N_("what the hub logged: permitted, or the check that failed")}, {"differences.recomputed", N_("what it is")},
      {"given_wrongly", N_("a list of those that were given what their state may not have:")}, {"given_wrongly.node", HOLDER},
      {"given_wrongly.portion", PORTION}, {"charter_version", VERSION}, {"policy_set", N_("hash of the policies that are here")},
      {"policies", N_("a list of those in force then:")}, {"policies.state", MEMBER}, {"policies.serial", N_("its serial number")},
      {"policies.hash", HASH}, {"missing", N_("sentences: what it could not be made from")}}},
    {"audit overdue", ONE,
     {{"at", N_("a time in UTC: overdue as of then")}, {"overdue", LIST}, {"overdue.bulletin", ID}, {"overdue.index", INDEX},
      {"overdue.from", N_("the state that sent it")}, {"overdue.node", HOLDER}, {"overdue.state", N_("the state of the recipient")},
      {"overdue.precedence", N_("FLASH, IMMEDIATE, PRIORITY or ROUTINE")}, {"overdue.accepted", WHEN}, {"overdue.due", WHEN},
      {"overdue.late_ms", N_("by how many milliseconds")}}},
    {"audit anomalies", ONE, {{"anomalies", LIST}, UNUSUAL("anomalies.")}},
    {"audit diff", ONE,
     {{"from", WHEN}, {"to", WHEN}, {"documents", LIST}, {"documents.index", N_("place of the entry, from 0; null at a node")},
      {"documents.time", WHEN}, {"documents.kind", N_("charter, credential, revocation, policy, ...")}, {"documents.state", MEMBER},
      {"documents.serial", N_("its serial number; at a node null but for policies")}, {"documents.holder", N_("whose credential it is, such as ML/dgse/n1; empty for others")}, {"documents.hash", HASH}, {"counts", LIST},
      {"counts.type", N_("a stable name of what was logged")}, {"counts.sentence", N_("the same in words")},
      {"counts.before", N_("how many in as long a time before")},
      {"counts.between", N_("how many between the two times")}, {"new_pairs", N_("a list, as of anomalies:")}, UNUSUAL("new_pairs.")}},
    {"audit export", ONE,
     {{"folder", N_("the folder that was made")}, {"entries", N_("entries that are open")}, {"log", LOG}, {"size", SIZE}, {"root", ROOT}}},
    {"audit prove", ONE,
     {{"file", N_("the file that was written")}, {"log", LOG}, {"index", INDEX}, {"size", SIZE},
      {"opened", N_("does the file say what was logged?")},
      {"settled", N_("did as many witnesses cosign the checkpoint as the charter demands? null: not looked at")},
      {"charter", N_("version of the charter that this rests on; null: only the log's key was named")},
      {"charter_hash", N_("hash of its text, or null")}, {"pinned", N_("was the charter, or the key, named with the command? false: it is the node's")}}},
    {"audit check", EACH,
     {{"file", FILE_READ}, {"kind", N_("proof or evidence")}, {"verified", N_("true; what is not ends the command with code 3")},
      {"log", LOG}, {"index", N_("of a proof: place of the entry, from 0")}, {"size", SIZE}, {"root", ROOT},
      {"type", N_("a stable name of what was logged; null when the file does not say")}, {"time", WHEN}, {"subject", SUBJECT},
      {"member", MEMBER}, {"actor", N_("name of the node, when a credential among the documents names it")}, {"number", NUMBER},
      {"reason", REASON}, {"detail", N_("more about the reason")},
      {"settled", N_("did as many witnesses cosign as the charter demands? null: not known without the charter")}, {"cosigned", LIST},
      {"cosigned.witness", HOLDER}, {"cosigned.time", WHEN}, {"foreign_cosignatures", N_("signatures by keys that no document here vouches for")},
      {"lie", N_("of evidence: same-size or other-beginning")}, {"checkpoints", N_("of evidence, the two:")}, {"checkpoints.size", SIZE},
      {"checkpoints.root", ROOT}}},
};
