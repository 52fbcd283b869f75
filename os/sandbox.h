/* Giving up what a process does not need, for good: after opening what it needs, before any foreign byte
   and before any thread. */
#ifndef TOGUNA_OS_SANDBOX_H
#define TOGUNA_OS_SANDBOX_H

#include "proto/base.h"

/* Which system calls remain. Everything else fails with EPERM; what only an intruder would want (exec, ptrace,
   mount, bpf, module, keyring …) kills the process.
                        files   threads   AF_UNIX   AF_INET/6   fork+exec   */
enum sandbox_profile {
  SANDBOX_CORE,    /* yes     yes       yes       no          no          */
  SANDBOX_NETWORK, /* yes     yes       yes       yes         no          */
  SANDBOX_SIGNER,  /* yes     no        no new    no          no          */
  SANDBOX_RUNNER   /* yes     yes       yes       yes         yes         : runs hooks; what it runs inherits the limits */
};

struct sandbox_path {
  const char *path; /* file or folder with all below; missing ones are TG_NOT_FOUND */
  enum { SANDBOX_READ, SANDBOX_WRITE, SANDBOX_EXECUTE } access; /* write includes read, make, rename, remove; execute includes read */
};

struct sandbox {
  enum sandbox_profile profile;
  const char *user;                 /* become this user when root; NULL: stay, with a notice when root */
  const struct sandbox_path *paths; /* all that remains of the file system; none: nothing */
  size_t n_paths;
  const uint16_t *bind_ports;       /* TCP, Landlock ABI 4 and later; none: no TCP at all in that direction */
  size_t n_bind_ports;
  const uint16_t *connect_ports;
  size_t n_connect_ports;
  bool connect_anywhere;            /* a node whose hubs' ports are not known beforehand */
};

/* Enters it, for the calling process, for ever. What the kernel lacks (Landlock, or a newer ABI of it) is left
   out with a notice in the log; anything else that fails is an error and the caller must not go on.
   Under sanitizers seccomp and Landlock are left out, with a notice. */
enum tg_err sandbox_enter(const struct sandbox *s, struct tg_why *why);

/* The part that suits every program, the CLI too, and costs nothing: no core dump, not traceable, no new
   privileges, as much locked memory as allowed. Called first in main(). */
void sandbox_harden(void);

/* Becomes the user (groups included) when root; TG_OK and nothing done when not root. TG_NOT_FOUND, TG_INTERNAL. */
enum tg_err sandbox_become(const char *user, struct tg_why *why);

/* The Landlock ABI of this kernel, 0 when there is none. */
int sandbox_landlock_abi(void);

#endif
