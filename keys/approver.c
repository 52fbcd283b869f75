#include "keys/approver.h"

static const char where[] = "Header.approvals";

enum tg_err approver_may(const struct directory *d, unsigned member, const struct sign_pk *key, tg_time now, struct tg_why *why)
{
  const struct officer *officer = directory_officer(d, key);
  if (!officer || officer->member != member) /* of another state, and of nobody, look alike */
    return why_set(why, TG_NOT_FOUND, where, N_("an approval is by nobody who may approve for this member"),
                   N_("ask an officer with the role release"), NULL, NULL, NULL);
  return directory_officer_may(d, key, ROLE_RELEASE, now, why);
}

/* Can it have been given when it says it was? */
static enum tg_err check_time(const struct directory *d, const struct subject *subject, tg_time time, tg_time now,
                              struct tg_why *why)
{
  const struct charter *charter = directory_charter(d, now);
  const tg_time skew = charter ? charter->limits.clock_skew : 0;
  if (time > now + skew || time < subject->created - skew)
    return why_set(why, TG_REFUSED, where, N_("an approval states a time at which it cannot have been given"),
                   N_("set the clock of the officer's machine, then approve again"), NULL, NULL, NULL);
  return TG_OK;
}

enum tg_err approver_check(const struct directory *d, unsigned member, const struct subject *subject,
                           const struct approval *approval, tg_time now, struct tg_why *why)
{
  enum tg_err err = approver_may(d, member, &approval->officer, approval->time, why);
  if (err == TG_OK)
    err = check_time(d, subject, approval->time, now, why);
  return err == TG_OK ? approval_verify(subject, approval, why) : err;
}
