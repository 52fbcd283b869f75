/* Giving up what a process does not need, for good: after opening what it needs, before any foreign byte
   and before any thread. */
#ifndef TOGUNA_OS_SANDBOX_H
#define TOGUNA_OS_SANDBOX_H

#include "proto/base.h"

/* Which system calls remain. Everything else fails with EPERM; what only an intruder would want (exec,
   ptrace, mount, bpf, module, keyring …) kills the process.

                 files   threads   AF_UNIX   AF_INET/6   fork+exec
     CORE        yes     yes       yes       no          no
     NETWORK     yes     yes       yes       yes         no
     SIGNER      yes     no        no new    no          no
     RUNNER      yes     yes       yes       yes         yes
     SERVER      yes     no        no new    no new      no

   RUNNER runs hooks; what it runs inherits the limits. SERVER accepts on the sockets it has and makes none. */
enum sandbox_profile { SANDBOX_CORE, SANDBOX_NETWORK, SANDBOX_SIGNER, SANDBOX_RUNNER, SANDBOX_SERVER };

enum sandbox_access {
  SANDBOX_READ,
  SANDBOX_WRITE,  /* also read, make, rename, remove */
  SANDBOX_EXECUTE /* also read */
};

struct sandbox_path {
  const char *path; /* file or folder with all below; missing ones are TG_NOT_FOUND */
  enum sandbox_access access;
};

struct sandbox {
  enum sandbox_profile profile;
  const char *user;                 /* become this user when root; NULL: stay, with a notice when root */
  const struct sandbox_path *paths; /* all that remains of the file system; none: nothing */
  size_t n_paths;
  const uint16_t *bind_ports; /* TCP, Landlock ABI 4 and later; none: no TCP at all in that direction */
  size_t n_bind_ports;
  const uint16_t *connect_ports;
  size_t n_connect_ports;
  bool connect_anywhere; /* a node whose hubs' ports are not known beforehand */
};

/* Enters it, for the calling process, for ever. What the kernel lacks (Landlock, or a newer ABI of it) is
   left out with a notice in the log; anything else that fails is an error and the caller must not go on.
   Under sanitizers seccomp and Landlock are left out, with a notice. */
enum tg_err sandbox_enter(const struct sandbox *s, struct tg_why *why);

/* The part that suits every program, the CLI too, and costs nothing: no core dump, not traceable, no new
   privileges, as much locked memory as allowed. Called first in main(). */
void sandbox_harden(void);

/* Becomes the user (groups included) when root; TG_OK and nothing done when not root. TG_NOT_FOUND,
   TG_INTERNAL. */
enum tg_err sandbox_become(const char *user, struct tg_why *why);

/* The Landlock ABI of this kernel, 0 when there is none. */
int sandbox_landlock_abi(void);

#endif
