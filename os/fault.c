#include "os/fault.h"

#include <errno.h>
#include <string.h>

static const struct {
  int error;
  enum tg_err err; /* TG_OK: what the caller said */
  const char *todo;
} known[] = {
    {ENOSPC, TG_DISK, N_("Free some space on that file system")},
    {EDQUOT, TG_DISK, N_("Free some space, or ask for a larger quota")},
    {EROFS, TG_DISK, N_("The file system is mounted read-only: look into the system's log for disk errors")},
    {EIO, TG_DISK, N_("The disk may be failing: look into the system's log and keep a copy of this folder")},
    {EACCES, TG_OK, N_("Check who owns it and its permissions")},
    {EPERM, TG_OK, N_("Check who owns it and its permissions")},
    {ENOENT, TG_NOT_FOUND, N_("Check the name")},
    {ENOTDIR, TG_NOT_FOUND, N_("Check the name: a part of it is not a folder")},
    {EMFILE, TG_OK, N_("Raise the limit on open files (LimitNOFILE= in a systemd unit, ulimit -n)")},
    {ENFILE, TG_OK, N_("The whole system has too many open files")},
    {ENOMEM, TG_NO_MEMORY, NULL},
};

enum tg_err fault_why(struct tg_why *why, enum tg_err err, const char *where, const char *what,
                      const char *detail)
{
  int error = errno;
  const char *todo = NULL;
  for (size_t i = 0; i < sizeof known / sizeof *known; i++)
    if (known[i].error == error) {
      err = known[i].err != TG_OK ? known[i].err : err;
      todo = known[i].todo;
    }
  why_set(why, err, where, what, todo, strerror(error), detail, NULL);
  errno = error;
  return err;
}
