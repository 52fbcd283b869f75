#include "os/landlock.h"

#include "os/fault.h"
#include "os/log.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Debian 12's headers know ABI 2; the numbers below are the kernel's (include/uapi/linux/landlock.h). */
#define NR_CREATE_RULESET 444
#define NR_ADD_RULE 445
#define NR_RESTRICT_SELF 446
#define CREATE_RULESET_VERSION 1u
#define RULE_PATH_BENEATH 1
#define RULE_NET_PORT 2

#define FS(bit) (UINT64_C(1) << (bit))
enum {
  EXECUTE,
  WRITE_FILE,
  READ_FILE,
  READ_DIR,
  REMOVE_DIR,
  REMOVE_FILE,
  MAKE_CHAR,
  MAKE_DIR,
  MAKE_REG,
  MAKE_SOCK,
  MAKE_FIFO,
  MAKE_BLOCK,
  MAKE_SYM,
  REFER,    /* ABI 2 */
  TRUNCATE, /* ABI 3 */
  IOCTL_DEV /* ABI 5 */
};
#define BIND_TCP UINT64_C(1) /* ABI 4 */
#define CONNECT_TCP UINT64_C(2)
#define SCOPE_ABSTRACT_UNIX UINT64_C(1) /* ABI 6 */
#define SCOPE_SIGNAL UINT64_C(2)

#define FS_ABI1 (FS(MAKE_SYM + 1) - 1)
#define FS_OF_FILES (FS(EXECUTE) | FS(WRITE_FILE) | FS(READ_FILE) | FS(TRUNCATE) | FS(IOCTL_DEV))
#define FS_READ (FS(READ_FILE) | FS(READ_DIR))
/* No devices: nobody here makes one. */
#define FS_WRITE                                                                                             \
  (FS_READ | FS(WRITE_FILE) | FS(REMOVE_DIR) | FS(REMOVE_FILE) | FS(MAKE_DIR) | FS(MAKE_REG) |               \
   FS(MAKE_SOCK) | FS(MAKE_FIFO) | FS(MAKE_SYM) | FS(REFER) | FS(TRUNCATE))

struct ruleset_attr {
  uint64_t fs, net, scoped;
};
struct path_beneath_attr {
  uint64_t allowed;
  int32_t parent;
} __attribute__((packed));
struct net_port_attr {
  uint64_t allowed, port;
};

struct landlock {
  int ruleset;
};

int sandbox_landlock_abi(void)
{
  long abi = syscall(NR_CREATE_RULESET, NULL, (size_t)0, CREATE_RULESET_VERSION);
  return abi > 0 ? (int)abi : 0;
}

static uint64_t fs_handled(int abi)
{
  uint64_t fs = FS_ABI1;
  fs |= abi >= 2 ? FS(REFER) : 0;
  fs |= abi >= 3 ? FS(TRUNCATE) : 0;
  fs |= abi >= 5 ? FS(IOCTL_DEV) : 0;
  return fs;
}

static uint64_t fs_allowed(const struct sandbox_path *p)
{
  switch (p->access) {
  case SANDBOX_READ:
    return FS_READ;
  case SANDBOX_WRITE:
    return FS_WRITE;
  case SANDBOX_EXECUTE:
    return FS_READ | FS(EXECUTE);
  }
  return 0; /* cannot happen: the enum is closed */
}

static enum tg_err add_path(int ruleset, uint64_t handled, const struct sandbox_path *p, struct tg_why *why)
{
  int fd = open(p->path, O_PATH | O_CLOEXEC);
  struct stat st;
  if (fd < 0 || fstat(fd, &st) != 0) {
    enum tg_err err = fault_why(why, TG_NOT_FOUND, p->path, N_("cannot open: %1$s"), NULL);
    if (fd >= 0)
      close(fd);
    return err;
  }
  uint64_t allowed = fs_allowed(p) & handled;
  if (!S_ISDIR(st.st_mode))
    allowed &= FS_OF_FILES;
  struct path_beneath_attr rule = {.allowed = allowed, .parent = fd};
  long rc = syscall(NR_ADD_RULE, ruleset, RULE_PATH_BENEATH, &rule, 0u);
  enum tg_err err =
      rc == 0 ? TG_OK : fault_why(why, TG_INTERNAL, p->path, N_("Landlock refused a rule: %1$s"), NULL);
  close(fd);
  return err;
}

static enum tg_err add_ports(int ruleset, uint64_t allowed, const uint16_t *ports, size_t n,
                             struct tg_why *why)
{
  for (size_t i = 0; i < n; i++) {
    struct net_port_attr rule = {.allowed = allowed, .port = ports[i]};
    if (syscall(NR_ADD_RULE, ruleset, RULE_NET_PORT, &rule, 0u) != 0)
      return fault_why(why, TG_INTERNAL, NULL, N_("Landlock refused a rule: %1$s"), NULL);
  }
  return TG_OK;
}

static size_t attr_size(int abi)
{
  return abi >= 6 ? sizeof(struct ruleset_attr) : abi >= 4 ? 2 * sizeof(uint64_t) : sizeof(uint64_t);
}

enum tg_err landlock_prepare(const struct sandbox *s, struct landlock **ret, struct tg_why *why)
{
  int abi = sandbox_landlock_abi();
  if (abi < 6)
    log_event(LOG_NOTICE, "sandbox-reduced", log_signed("landlock-abi", abi),
              log_text("missing", abi == 0  ? "file system and TCP rules"
                                  : abi < 4 ? "TCP rules"
                                            : "signal scope"));
  if (abi == 0) {
    *ret = NULL;
    return TG_OK;
  }
  bool net = abi >= 4 && s->profile != SANDBOX_RUNNER;
  struct ruleset_attr attr = {.fs = fs_handled(abi),
                              .net = net ? BIND_TCP | (s->connect_anywhere ? 0 : CONNECT_TCP) : 0,
                              .scoped = abi >= 6 ? SCOPE_SIGNAL | SCOPE_ABSTRACT_UNIX : 0};
  struct landlock *l = calloc(1, sizeof *l);
  if (!l)
    return why_set(why, TG_NO_MEMORY, NULL, N_("out of memory"), NULL, NULL, NULL, NULL);
  l->ruleset = (int)syscall(NR_CREATE_RULESET, &attr, attr_size(abi), 0u);
  enum tg_err err = TG_OK;
  if (l->ruleset < 0)
    err = fault_why(why, TG_INTERNAL, NULL, N_("Landlock cannot be used: %1$s"), NULL);
  for (size_t i = 0; err == TG_OK && i < s->n_paths; i++)
    err = add_path(l->ruleset, attr.fs, &s->paths[i], why);
  if (err == TG_OK && net)
    err = add_ports(l->ruleset, BIND_TCP, s->bind_ports, s->n_bind_ports, why);
  if (err == TG_OK && net && !s->connect_anywhere)
    err = add_ports(l->ruleset, CONNECT_TCP, s->connect_ports, s->n_connect_ports, why);
  if (err == TG_OK)
    *ret = l;
  else
    landlock_free(&l);
  return err;
}

void landlock_free(struct landlock **taken)
{
  if (!*taken)
    return;
  if ((*taken)->ruleset >= 0)
    close((*taken)->ruleset);
  free(*taken);
  *taken = NULL;
}

enum tg_err landlock_enter(struct landlock **taken, struct tg_why *why)
{
  enum tg_err err = TG_OK;
  if (*taken && syscall(NR_RESTRICT_SELF, (*taken)->ruleset, 0u) != 0)
    err = fault_why(why, TG_INTERNAL, NULL, N_("Landlock cannot be used: %1$s"), NULL);
  landlock_free(taken);
  return err;
}
