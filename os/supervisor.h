/* One program as several processes, each with one power. The parent runs the program's own file again for
   every role (argv "togunad: core", nothing else), wires them, briefs them, restarts those that may die and
   stops all when one dies that may not. The parent reads no foreign byte.

     int main(int argc, char **argv)
     {
       if (role_is_child(argc, argv))
         return role_main(argv, roles, n);      // runs the role's function
       ... options, configuration, secrets ...
       return supervisor_run(&options);
     } */
#ifndef TOGUNA_OS_SUPERVISOR_H
#define TOGUNA_OS_SUPERVISOR_H

#include "os/loop.h"
#include "proto/buf.h"

#define ROLE_PEERS_MAX 4
#define ROLE_MAX 8
#define ROLE_BRIEF_MAX (1u << 18)

struct role_start; /* what a role is given at its start */

struct role {
  const char *name;                      /* lower case, at most 15 bytes; also the process's name */
  int (*main)(struct role_start *start); /* returns the process's exit code */
  bool disposable;                       /* restarted when it dies; otherwise its death ends the program */
  const char *peers[ROLE_PEERS_MAX];     /* roles it has a channel to; naming it on one side is enough */
};

struct supervisor_options {
  const char *program;      /* "togunad" */
  const struct role *roles; /* stopped in this order: network first, keys last */
  size_t n_roles;
  /* Appends what the role must know (settings, secrets) to *ret; called before each start of the role,
     restarts included. *ret is wiped after use. Any error ends the program. */
  enum tg_err (*brief)(void *arg, const char *role, struct buf *ret, struct tg_why *why);
  /* All roles have said role_ready() for the first time: secrets of roles that are never restarted may be
     forgotten now. May be NULL. */
  void (*ready)(void *arg);
  void *arg;
  int64_t grace_ms; /* from SIGTERM to SIGKILL, per role; 0: 10 s */
};

/* Runs until told to stop (SIGTERM, SIGINT: roles are stopped in the order of the table, each when the one
   before has gone) or until a role that is not disposable dies (the others are stopped the same way). SIGHUP
   and SIGUSR1 are passed on to every role. Returns the exit code: 0 after SIGTERM; else that of the role that died, or 5
   when a signal killed it. A disposable role that dies before it was ever ready ends the program too:
   something is wrong with its settings. Disposable roles restart after 100 ms, doubling up to 30 s, back to
   100 ms once one has lived a minute. SIGTERM, SIGHUP and SIGUSR1 are blocked in a role from its birth, so none is
   lost before role_watch(); a role that runs other programs must unblock them there. Tells systemd READY=1
   and STOPPING=1 when NOTIFY_SOCKET is set. No child outlives the parent (PDEATHSIG). */
int supervisor_run(const struct supervisor_options *o);

/* --- in a child */
bool role_is_child(int argc, char **argv);
/* Finds the role by argv[0], takes its brief and channels, calls its function. Exit code; 2 when started by
   hand. */
int role_main(char **argv, const struct role *roles, size_t n);

const char *role_start_name(const struct role_start *s);
/* The bytes from supervisor_options.brief, in locked memory until role_brief_forget(). */
struct slice role_brief(const struct role_start *s);
void role_brief_forget(struct role_start *s);
/* The channel to a peer: a stream socket for pipe_new(), which belongs to the caller from then on.
   -1 when there is no such peer or it was taken before. */
int role_channel(struct role_start *s, const char *peer);
/* Joins the supervisor's own channel to the role's loop. A disposable peer that was restarted comes back with
   a fresh channel: `channel` is called with it (close the old one; its unread frames are still there to be
   read). `stop` is called on SIGTERM: finish and loop_stop(). `reload` on SIGHUP and `backup` on SIGUSR1, both may be NULL. When the
   parent is gone the process ends at once. SIGINT is ignored: the parent speaks for the terminal. */
struct role_events {
  void (*channel)(void *arg, const char *peer, int fd);
  void (*stop)(void *arg);
  void (*reload)(void *arg);
  void (*backup)(void *arg);
};
enum tg_err role_watch(struct role_start *s, struct loop *l, const struct role_events *events, void *arg);
/* A peer is gone without which this role is nothing. The parent hears of that too, and stops all: until then the role, which does nothing more, stays, so that
   who ended first is told as the reason, which a parent that is slow knows all the same: it is told that the role ends for want of another. Not told to stop within a second, the loop ends with `code`. Behind role_watch(). */
void role_orphaned(struct role_start *s, struct loop *l, int code);
/* Says that this role is at work. */
void role_ready(struct role_start *s);

#endif
