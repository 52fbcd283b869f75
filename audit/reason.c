#include "audit/reason.h"

static const struct row {
  enum reason reason;
  const char *name, *sentence;
} rows[] = {
    {REASON_NONE, "none", N_("no reason is given")},
    {REASON_MALFORMED, "malformed", N_("it is malformed, or its parts do not belong together")},
    {REASON_TOO_BIG, "too-big", N_("it is larger than the charter or the hub allows")},
    {REASON_SUITE, "suite", N_("it uses a cryptographic suite that the charter does not list")},
    {REASON_EXCHANGE, "exchange", N_("it was made for another exchange")},
    {REASON_SIGNATURE, "signature", N_("a signature does not verify")},
    {REASON_SEAL, "seal", N_("what is sealed is not what the header commits to")},
    {REASON_BODY_MISSING, "body-missing", N_("the announced body did not come in time; it is sent again later")},
    {REASON_PROTOCOL, "protocol", N_("the frame may not come now, or is of another protocol version")},
    {REASON_STANDING, "standing", N_("the member's standing does not allow it")},
    {REASON_REVOKED, "revoked", N_("the key was revoked")},
    {REASON_CREDENTIAL, "credential", N_("there is no credential that is valid now")},
    {REASON_NOT_ENTITLED, "not-entitled", N_("only another party may do this")},
    {REASON_EXPIRED, "expired", N_("its time is over, or longer than the charter allows")},
    {REASON_CLOCK, "clock", N_("a time in it is too far from the hub's clock")},
    {REASON_NUMBER, "number", N_("its running number was used before, or goes backwards")},
    {REASON_STALE, "stale", N_("a newer version is in force")},
    {REASON_CONFLICT, "conflict", N_("it contradicts what the same author signed before")},
    {REASON_UNKNOWN_REFERENCE, "unknown-reference", N_("it refers to something that is not known here")},
    {REASON_POLICY, "policy", N_("it is sealed to somebody who may not receive it")},
    {REASON_AUDIENCE, "audience", N_("nobody on the release list may receive it")},
    {REASON_APPROVALS, "approvals", N_("approvals that the originator's policy demands are missing")},
    {REASON_SOURCES, "sources", N_("it derives from a bulletin that may not be passed on")},
    {REASON_CEILING, "ceiling", N_("its classification is above the member's ceiling")},
    {REASON_PIN, "pin", N_("it would break a guarantee that a member has pinned")},
    {REASON_QUORUM, "quorum", N_("not enough of those who must agree have signed")},
    {REASON_QUOTA, "quota", N_("it exceeds a quota")},
    {REASON_ABUSE, "abuse", N_("too much of what was sent was malformed or forged")},
    {REASON_FULL, "full", N_("the hub's disk is nearly full; it is sent again later")},
    {REASON_CLOSED, "closed", N_("the other side ended the session")},
    {REASON_SILENT, "silent", N_("nothing was heard for too long")},
    {REASON_REPLACED, "replaced", N_("the node opened another session")},
    {REASON_STOPPING, "stopping", N_("the hub is being stopped")},
    {REASON_RESTARTED, "restarted", N_("the hub was restarted")},
};

static const struct row *row_of(unsigned reason)
{
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
    if (rows[i].reason == reason)
      return &rows[i];
  return NULL;
}

const char *reason_name(unsigned reason)
{
  const struct row *row = row_of(reason);
  return row ? row->name : "unknown";
}

const char *reason_sentence(unsigned reason)
{
  const struct row *row = row_of(reason);
  return row ? row->sentence : N_("for a reason that this version does not know");
}

bool reason_known(unsigned reason)
{
  return row_of(reason) != NULL;
}

bool reason_is_not_now(unsigned reason)
{
  return reason == REASON_FULL || reason == REASON_BODY_MISSING;
}

enum tg_err reason_parse(struct slice name, enum reason *ret)
{
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
    if (slice_is(name, rows[i].name))
      return *ret = rows[i].reason, TG_OK;
  return TG_BAD_INPUT;
}
