#include "os/syscalls.h"

#include "os/fault.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#define N(table) (sizeof(table) / sizeof *(table))

/* What every program of ours, its C library, libsodium and SQLite need. */
static const int basic[] = {
    SCMP_SYS(read), SCMP_SYS(write), SCMP_SYS(readv), SCMP_SYS(writev), SCMP_SYS(pread64), SCMP_SYS(pwrite64),
    SCMP_SYS(preadv), SCMP_SYS(pwritev), SCMP_SYS(close), SCMP_SYS(close_range), SCMP_SYS(lseek),
    SCMP_SYS(fstat), SCMP_SYS(stat), SCMP_SYS(lstat), SCMP_SYS(newfstatat), SCMP_SYS(statx), SCMP_SYS(statfs),
    SCMP_SYS(fstatfs), SCMP_SYS(access), SCMP_SYS(faccessat), SCMP_SYS(faccessat2), SCMP_SYS(readlink),
    SCMP_SYS(readlinkat), SCMP_SYS(getcwd), SCMP_SYS(open), SCMP_SYS(openat), SCMP_SYS(unlink),
    SCMP_SYS(unlinkat), SCMP_SYS(rename), SCMP_SYS(renameat), SCMP_SYS(renameat2), SCMP_SYS(mkdir),
    SCMP_SYS(mkdirat), SCMP_SYS(rmdir), SCMP_SYS(link), SCMP_SYS(linkat), SCMP_SYS(ftruncate),
    SCMP_SYS(fallocate), SCMP_SYS(fsync), SCMP_SYS(fdatasync), SCMP_SYS(sync_file_range), SCMP_SYS(syncfs),
    SCMP_SYS(fchmod), SCMP_SYS(chmod), SCMP_SYS(fchmodat), SCMP_SYS(fchown), SCMP_SYS(flock),
    SCMP_SYS(dup), SCMP_SYS(dup2), SCMP_SYS(dup3), SCMP_SYS(pipe2), SCMP_SYS(getdents64), SCMP_SYS(utimensat),
    SCMP_SYS(umask), SCMP_SYS(fadvise64), SCMP_SYS(copy_file_range), SCMP_SYS(sendfile),
    SCMP_SYS(memfd_create),
    /* memory */
    SCMP_SYS(munmap), SCMP_SYS(mremap), SCMP_SYS(madvise), SCMP_SYS(brk), SCMP_SYS(mlock), SCMP_SYS(mlock2),
    SCMP_SYS(munlock), SCMP_SYS(membarrier),
    /* threads that exist, time, chance */
    SCMP_SYS(futex), SCMP_SYS(get_robust_list), SCMP_SYS(set_robust_list), SCMP_SYS(rseq),
    SCMP_SYS(sched_yield), SCMP_SYS(sched_getaffinity), SCMP_SYS(getcpu), SCMP_SYS(nanosleep),
    SCMP_SYS(clock_nanosleep), SCMP_SYS(clock_gettime), SCMP_SYS(clock_getres), SCMP_SYS(gettimeofday),
    SCMP_SYS(time), SCMP_SYS(getrandom),
    /* waiting */
    SCMP_SYS(epoll_create1), SCMP_SYS(epoll_ctl), SCMP_SYS(epoll_wait), SCMP_SYS(epoll_pwait),
    SCMP_SYS(epoll_pwait2), SCMP_SYS(poll), SCMP_SYS(ppoll), SCMP_SYS(select), SCMP_SYS(pselect6),
    SCMP_SYS(eventfd2), SCMP_SYS(timerfd_create), SCMP_SYS(timerfd_settime), SCMP_SYS(timerfd_gettime),
    SCMP_SYS(signalfd4),
    /* signals to oneself */
    SCMP_SYS(rt_sigaction), SCMP_SYS(rt_sigprocmask), SCMP_SYS(rt_sigreturn), SCMP_SYS(rt_sigtimedwait),
    SCMP_SYS(rt_sigpending), SCMP_SYS(sigaltstack), SCMP_SYS(restart_syscall),
    /* who am I */
    SCMP_SYS(getpid), SCMP_SYS(gettid), SCMP_SYS(getppid), SCMP_SYS(getuid), SCMP_SYS(geteuid),
    SCMP_SYS(getgid), SCMP_SYS(getegid), SCMP_SYS(uname), SCMP_SYS(sysinfo), SCMP_SYS(getrlimit),
    SCMP_SYS(getrusage), SCMP_SYS(times), SCMP_SYS(exit), SCMP_SYS(exit_group),
    /* sockets that exist */
    SCMP_SYS(sendmsg), SCMP_SYS(recvmsg), SCMP_SYS(sendto), SCMP_SYS(recvfrom), SCMP_SYS(shutdown),
    SCMP_SYS(getsockopt), SCMP_SYS(setsockopt), SCMP_SYS(getsockname), SCMP_SYS(getpeername)};

/* Serving and reaching sockets; which kinds can be made is said by rules on socket(2). */
static const int sockets[] = {SCMP_SYS(bind),    SCMP_SYS(listen),   SCMP_SYS(accept),  SCMP_SYS(accept4),
                              SCMP_SYS(connect), SCMP_SYS(sendmmsg), SCMP_SYS(recvmmsg)};

/* What of it a server needs, whose socket listens before it enters the sandbox. */
static const int serving[] = {SCMP_SYS(accept), SCMP_SYS(accept4)};

/* Nobody here ever calls these; an intruder would. */
static const int never[] = {SCMP_SYS(execve),
                            SCMP_SYS(execveat),
                            SCMP_SYS(ptrace),
                            SCMP_SYS(process_vm_readv),
                            SCMP_SYS(process_vm_writev),
                            SCMP_SYS(mount),
                            SCMP_SYS(umount2),
                            SCMP_SYS(pivot_root),
                            SCMP_SYS(chroot),
                            SCMP_SYS(move_mount),
                            SCMP_SYS(open_tree),
                            SCMP_SYS(fsopen),
                            SCMP_SYS(bpf),
                            SCMP_SYS(perf_event_open),
                            SCMP_SYS(kexec_load),
                            SCMP_SYS(kexec_file_load),
                            SCMP_SYS(init_module),
                            SCMP_SYS(finit_module),
                            SCMP_SYS(delete_module),
                            SCMP_SYS(add_key),
                            SCMP_SYS(request_key),
                            SCMP_SYS(keyctl),
                            SCMP_SYS(userfaultfd),
                            SCMP_SYS(unshare),
                            SCMP_SYS(setns),
                            SCMP_SYS(open_by_handle_at),
                            SCMP_SYS(iopl),
                            SCMP_SYS(ioperm),
                            SCMP_SYS(reboot),
                            SCMP_SYS(swapon),
                            SCMP_SYS(swapoff),
                            SCMP_SYS(acct),
                            SCMP_SYS(settimeofday),
                            SCMP_SYS(clock_settime),
                            SCMP_SYS(adjtimex),
                            SCMP_SYS(clock_adjtime),
                            SCMP_SYS(io_uring_setup),
                            SCMP_SYS(modify_ldt),
                            SCMP_SYS(pidfd_getfd),
                            SCMP_SYS(process_madvise),
                            SCMP_SYS(personality),
                            SCMP_SYS(mknodat)};

/* prctl(2) by its first argument. */
static const int prctls[] = {PR_SET_NAME,      PR_GET_NAME,         PR_GET_DUMPABLE, PR_SET_PDEATHSIG,
                             PR_GET_PDEATHSIG, PR_SET_NO_NEW_PRIVS, PR_GET_SECCOMP,  PR_SET_VMA};
static const unsigned long ioctls[] = {FIONREAD, FIONBIO, TCGETS /* asked by isatty(3) */, TIOCGWINSZ};

/* fcntl(2) by its command: not those that have a descriptor send signals, of any kind, to any process of our user. */
static const int fcntls[] = {F_DUPFD,   F_DUPFD_CLOEXEC, F_GETFD,      F_SETFD,       F_GETFL,      F_SETFL,     F_GETLK,
                             F_SETLK,   F_SETLKW,        F_OFD_GETLK,  F_OFD_SETLK,   F_OFD_SETLKW, F_ADD_SEALS, F_GET_SEALS,
                             F_GETPIPE_SZ, F_SETPIPE_SZ};

static int allow_all(scmp_filter_ctx ctx, const int *calls, size_t n)
{
  int rc = 0;
  for (size_t i = 0; rc == 0 && i < n; i++)
    rc = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, calls[i], 0);
  return rc;
}

/* The kernel looks at the low half of an int argument only. */
static int allow_if(scmp_filter_ctx ctx, int call, unsigned arg, uint64_t mask, uint64_t value)
{
  struct scmp_arg_cmp cmp = {.arg = arg, .op = SCMP_CMP_MASKED_EQ, .datum_a = mask, .datum_b = value};
  return seccomp_rule_add_array(ctx, SCMP_ACT_ALLOW, call, 1, &cmp);
}

static int allow_domain(scmp_filter_ctx ctx, int domain)
{
  int rc = allow_if(ctx, SCMP_SYS(socket), 0, UINT32_MAX, (uint64_t)domain);
  return rc == 0 && domain == AF_UNIX ? allow_if(ctx, SCMP_SYS(socketpair), 0, UINT32_MAX, AF_UNIX) : rc;
}

/* Calls that are harmless with the right arguments. A thread may signal its own process only; nobody changes
   another's limits. */
static int add_arguments(scmp_filter_ctx ctx)
{
  int rc = allow_if(ctx, SCMP_SYS(tgkill), 0, UINT32_MAX, (uint64_t)getpid());
  if (rc == 0)
    rc = allow_if(ctx, SCMP_SYS(prlimit64), 0, UINT32_MAX, 0);
  for (size_t i = 0; rc == 0 && i < N(prctls); i++)
    rc = allow_if(ctx, SCMP_SYS(prctl), 0, UINT32_MAX, (uint64_t)prctls[i]);
  for (size_t i = 0; rc == 0 && i < N(fcntls); i++)
    rc = allow_if(ctx, SCMP_SYS(fcntl), 1, UINT32_MAX, (uint64_t)fcntls[i]);
  for (size_t i = 0; rc == 0 && i < N(ioctls); i++)
    rc = allow_if(ctx, SCMP_SYS(ioctl), 1, UINT32_MAX, ioctls[i]);
  return rc;
}

/* clone3's arguments cannot be looked at: told that it does not exist, the C library falls back to clone. */
static int add_threads(scmp_filter_ctx ctx)
{
  int rc = allow_if(ctx, SCMP_SYS(clone), 0, CLONE_THREAD, CLONE_THREAD);
  if (rc == 0)
    rc = seccomp_rule_add(ctx, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);
  if (rc == 0)
    rc = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(sched_setscheduler), 0);
  if (rc == 0)
    rc = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(sched_getparam), 0);
  return rc == 0 ? seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(sched_getscheduler), 0) : rc;
}

/* New code may come only where the resolver loads its modules. */
static int add_memory(scmp_filter_ctx ctx, bool code)
{
  uint64_t mask = code ? 0 : PROT_EXEC;
  int rc = allow_if(ctx, SCMP_SYS(mmap), 2, mask, 0);
  return rc == 0 ? allow_if(ctx, SCMP_SYS(mprotect), 2, mask, 0) : rc;
}

static int add_network(scmp_filter_ctx ctx)
{
  static const int domains[] = {AF_INET, AF_INET6, AF_NETLINK};
  int rc = 0;
  for (size_t i = 0; rc == 0 && i < N(domains); i++)
    rc = allow_domain(ctx, domains[i]);
  return rc;
}

static int add_allowed(scmp_filter_ctx ctx, enum sandbox_profile profile)
{
  int rc = allow_all(ctx, basic, N(basic));
  if (rc == 0)
    rc = add_arguments(ctx);
  if (rc == 0)
    rc = add_memory(ctx, profile == SANDBOX_NETWORK);
  if (rc == 0 && profile == SANDBOX_SERVER)
    rc = allow_all(ctx, serving, N(serving));
  if (profile == SANDBOX_SIGNER || profile == SANDBOX_SERVER)
    return rc;
  if (rc == 0)
    rc = add_threads(ctx);
  if (rc == 0)
    rc = allow_all(ctx, sockets, N(sockets));
  if (rc == 0)
    rc = allow_domain(ctx, AF_UNIX);
  if (rc == 0 && profile == SANDBOX_NETWORK)
    rc = add_network(ctx);
  return rc;
}

static int add_forbidden(scmp_filter_ctx ctx, enum sandbox_profile profile)
{
  /* What a hook runs may probe for calls it can do without: it is told no, not killed. */
  uint32_t action = profile == SANDBOX_RUNNER ? SCMP_ACT_ERRNO(EPERM) : SCMP_ACT_KILL_PROCESS;
  size_t first = profile == SANDBOX_RUNNER ? 2 : 0; /* execve and execveat stand first */
  int rc = 0;
  for (size_t i = first; rc == 0 && i < N(never); i++)
    rc = seccomp_rule_add(ctx, action, never[i], 0);
  return rc;
}

enum tg_err syscalls_enter(enum sandbox_profile profile, struct tg_why *why)
{
  uint32_t otherwise = profile == SANDBOX_RUNNER ? SCMP_ACT_ALLOW : SCMP_ACT_ERRNO(EPERM);
  scmp_filter_ctx ctx = seccomp_init(otherwise);
  int rc = ctx ? 0 : -ENOMEM;
  if (rc == 0)
    rc = seccomp_attr_set(ctx, SCMP_FLTATR_CTL_TSYNC, 1);
  if (rc == 0)
    rc = add_forbidden(ctx, profile);
  if (rc == 0 && profile != SANDBOX_RUNNER)
    rc = add_allowed(ctx, profile);
  if (rc == 0)
    rc = seccomp_attr_set(ctx, SCMP_FLTATR_CTL_OPTIMIZE, 2);
  if (rc == 0)
    rc = seccomp_load(ctx);
  if (ctx)
    seccomp_release(ctx);
  if (rc == 0)
    return TG_OK;
  errno = -rc;
  return fault_why(why, TG_INTERNAL, NULL, N_("cannot limit system calls: %1$s"), NULL);
}
