/* When an approval counts: the one function that the originator's node, the hub and the recipient's node ask. */
#ifndef TOGUNA_KEYS_APPROVER_H
#define TOGUNA_KEYS_APPROVER_H

#include "keys/directory.h"
#include "proto/subject.h"

/* Is it one under exactly this Subject, by an officer with the role release of `member` (the originator's, by index), whose key is
   not revoked and was good when it was given, and given neither before the Subject was made nor later than `now`? Both ends are
   read with the charter's clock skew: without the first, whose time is over could date back. TG_OK, TG_BAD_SIGNATURE; TG_NOT_FOUND
   and TG_REFUSED (nobody who may approve for this member, or not at that time), TG_REVOKED, TG_EXPIRED. */
enum tg_err approver_check(const struct directory *d, unsigned member, const struct subject *subject,
                           const struct approval *approval, tg_time now, struct tg_why *why);

/* May this officer approve for `member` at `now`? As approver_check(), before there is a signature. */
enum tg_err approver_may(const struct directory *d, unsigned member, const struct sign_pk *key, tg_time now, struct tg_why *why);

#endif
