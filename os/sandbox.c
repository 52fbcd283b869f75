#include "os/sandbox.h"

#include "os/fault.h"
#include "os/landlock.h"
#include "os/log.h"
#include "os/syscalls.h"

#include <grp.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#ifdef TOGUNA_SANITIZED
#define SANITIZED true /* their run-time needs calls and files that we deny */
#else
#define SANITIZED false
#endif

#define LOCKED_LEAST (1u << 20) /* less than this locked memory deserves a word */

void sandbox_harden(void)
{
  /* Each of these can only fail on a kernel that lacks it, and then there is nothing to give up. */
  (void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
  (void)prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  struct rlimit none = {0, 0}, locked;
  (void)setrlimit(RLIMIT_CORE, &none);
  if (getrlimit(RLIMIT_MEMLOCK, &locked) == 0 && locked.rlim_cur < locked.rlim_max) {
    locked.rlim_cur = locked.rlim_max;
    (void)setrlimit(RLIMIT_MEMLOCK, &locked);
  }
}

static enum tg_err cannot_become(const char *user, struct tg_why *why)
{
  return fault_why(why, TG_INTERNAL, user, N_("cannot become this user: %1$s"), NULL);
}

enum tg_err sandbox_become(const char *user, struct tg_why *why)
{
  if (geteuid() != 0)
    return TG_OK;
  const struct passwd *pw = getpwnam(user);
  if (!pw)
    return why_set(why, TG_NOT_FOUND, user, N_("there is no such user"),
                   N_("Create it, or change the configuration"), NULL, NULL, NULL);
  uid_t uid = pw->pw_uid;
  gid_t gid = pw->pw_gid;
  int parent_death = 0;
  (void)prctl(PR_GET_PDEATHSIG, &parent_death);
  if (initgroups(user, gid) != 0 || setresgid(gid, gid, gid) != 0 || setresuid(uid, uid, uid) != 0)
    return cannot_become(user, why);
  if (uid != 0 && setuid(0) == 0)
    return why_set(why, TG_INTERNAL, user, N_("root's rights could not be given up"), NULL, NULL, NULL, NULL);
  /* The kernel forgets both when the user changes. */
  if (parent_death)
    (void)prctl(PR_SET_PDEATHSIG, parent_death);
  (void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
  return TG_OK;
}

static void say_what_is_missing(const struct sandbox *s)
{
  struct rlimit locked;
  if (!s->user && geteuid() == 0)
    log_event(LOG_NOTICE, "running-as-root", log_text("todo", "name a user in the configuration"));
  if (geteuid() != 0 && getrlimit(RLIMIT_MEMLOCK, &locked) == 0 && locked.rlim_cur < LOCKED_LEAST)
    log_event(LOG_NOTICE, "little-locked-memory", log_number("bytes", locked.rlim_cur),
              log_text("todo", "raise LimitMEMLOCK: keys may be swapped"));
  if (SANITIZED)
    log_event(LOG_NOTICE, "sandbox-reduced",
              log_text("missing", "Landlock and seccomp: built with sanitizers"));
}

enum tg_err sandbox_enter(const struct sandbox *s, struct tg_why *why)
{
  struct landlock *landlock = NULL;
  sandbox_harden();
  enum tg_err err = SANITIZED ? TG_OK : landlock_prepare(s, &landlock, why);
  if (err == TG_OK && s->user)
    err = sandbox_become(s->user, why);
  if (err != TG_OK) {
    landlock_free(&landlock);
    return err;
  }
  say_what_is_missing(s);
  if (SANITIZED)
    return TG_OK;
  if (prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1)
    return why_set(why, TG_INTERNAL, NULL, N_("this kernel cannot forbid new privileges"), NULL, NULL, NULL,
                   NULL);
  err = landlock_enter(&landlock, why);
  return err == TG_OK ? syscalls_enter(s->profile, why) : err;
}
