#include "tests/bench/meter.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <linux/tcp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

/* ---- processes */

/* The first line of a small file of /proc; false when it is not there. */
static bool slurp(const char *path, char *out, size_t size)
{
  FILE *f = fopen(path, "r");
  size_t n = f ? fread(out, 1, size - 1, f) : 0;
  if (f)
    fclose(f);
  out[n] = 0;
  return n > 0;
}

double meter_cpu(pid_t pid)
{
  char path[64], text[256];
  double ns = 0, one;
  snprintf(path, sizeof path, "/proc/%d/task", (int)pid);
  DIR *tasks = opendir(path);
  for (struct dirent *e; tasks && (e = readdir(tasks));) {
    char task[384];
    snprintf(task, sizeof task, "%s/%s/schedstat", path, e->d_name);
    if (e->d_name[0] != '.' && slurp(task, text, sizeof text) && sscanf(text, "%lf", &one) == 1)
      ns += one;
  }
  if (tasks)
    closedir(tasks);
  return ns * 1e-9;
}

static double cpu_of_self(void)
{
  struct rusage u;
  getrusage(RUSAGE_SELF, &u);
  return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) + 1e-6 * (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec);
}

/* "VmHWM" or "VmRSS", in KiB; 0: the process is gone. */
static uint64_t memory_of(pid_t pid, const char *which)
{
  char path[64], text[4096];
  unsigned long long kib = 0;
  snprintf(path, sizeof path, "/proc/%d/status", (int)pid);
  const char *line = slurp(path, text, sizeof text) ? strstr(text, which) : NULL;
  if (line && sscanf(line + strlen(which), ": %llu", &kib) != 1)
    kib = 0;
  return kib;
}

static pid_t parent_of(pid_t pid)
{
  char path[64], text[512];
  int parent = 0;
  snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
  const char *end = slurp(path, text, sizeof text) ? strrchr(text, ')') : NULL;
  if (end && sscanf(end + 1, " %*c %d", &parent) != 1)
    parent = 0;
  return parent;
}

/* "togunad: core" -> "core" */
static void role_of(pid_t pid, char *out, size_t size)
{
  char path[64], text[256];
  snprintf(path, sizeof path, "/proc/%d/cmdline", (int)pid);
  const char *role = slurp(path, text, sizeof text) ? strrchr(text, ':') : NULL;
  snprintf(out, size, "%s", role ? role + 1 + (role[1] == ' ') : "child");
}

static void add(struct meter *m, const char *name, const char *role, pid_t pid)
{
  if (m->n == METER_MAX)
    return;
  struct metered *p = &m->process[m->n++];
  *p = (struct metered){.pid = pid};
  snprintf(p->name, sizeof p->name, "%.16s.%.12s", name, role);
}

void meter_clear(struct meter *m, uint16_t port)
{
  *m = (struct meter){.port = port};
}

void meter_add(struct meter *m, const char *name, pid_t daemon)
{
  DIR *all = opendir("/proc");
  add(m, name, "parent", daemon);
  for (struct dirent *e; all && (e = readdir(all));) {
    pid_t pid = (pid_t)strtol(e->d_name, NULL, 10);
    char role[32];
    if (pid <= 0 || parent_of(pid) != daemon)
      continue;
    role_of(pid, role, sizeof role);
    add(m, name, role, pid);
  }
  if (all)
    closedir(all);
}

/* ---- connections: the kernel counts the bytes of each */

struct diag_request {
  struct nlmsghdr head;
  struct inet_diag_req_v2 body;
};

static uint64_t bytes_of(const struct nlmsghdr *h, uint16_t port)
{
  const struct inet_diag_msg *m = NLMSG_DATA(h);
  size_t left = h->nlmsg_len - NLMSG_LENGTH(sizeof *m);
  if (ntohs(m->id.idiag_sport) != port)
    return 0;
  for (const struct rtattr *a = (const struct rtattr *)(m + 1); RTA_OK(a, left); a = RTA_NEXT(a, left))
    if (a->rta_type == INET_DIAG_INFO && RTA_PAYLOAD(a) >= offsetof(struct tcp_info, tcpi_bytes_received) + 8) {
      const struct tcp_info *info = RTA_DATA(a);
      return info->tcpi_bytes_acked + info->tcpi_bytes_received;
    }
  return 0;
}

static uint64_t wire_of(uint16_t port, uint8_t family)
{
  static _Alignas(struct nlmsghdr) char answer[65536];
  struct diag_request q = {.head = {.nlmsg_len = sizeof q, .nlmsg_type = SOCK_DIAG_BY_FAMILY, .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP},
                           .body = {.sdiag_family = family, .sdiag_protocol = IPPROTO_TCP, .idiag_ext = 1 << (INET_DIAG_INFO - 1), .idiag_states = ~0U}};
  uint64_t sum = 0;
  int fd = port ? socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG) : -1;
  bool more = fd >= 0 && send(fd, &q, sizeof q, 0) == (ssize_t)sizeof q;
  while (more) {
    ssize_t got = recv(fd, answer, sizeof answer, 0);
    size_t left = got > 0 ? (size_t)got : 0;
    more = left > 0;
    for (const struct nlmsghdr *h = (const void *)answer; NLMSG_OK(h, left); h = NLMSG_NEXT(h, left)) {
      if (h->nlmsg_type == SOCK_DIAG_BY_FAMILY)
        sum += bytes_of(h, port);
      else
        more = false;
    }
  }
  if (fd >= 0)
    close(fd);
  return sum;
}

/* Bytes in and out of all connections that a local port has now. */
static uint64_t wire(uint16_t port)
{
  return wire_of(port, AF_INET) + wire_of(port, AF_INET6);
}

/* ---- the meter */

void meter_set(struct meter *m)
{
  for (size_t i = 0; i < m->n; i++)
    m->process[i].cpu = meter_cpu(m->process[i].pid);
  m->wire = wire(m->port);
  m->self = cpu_of_self();
}

static json_t *rounded(double v)
{
  char text[32];
  snprintf(text, sizeof text, v < 10 ? "%.2f" : "%.1f", v);
  return json_real(strtod(text, NULL));
}

void meter_read(const struct meter *m, double items, json_t *into)
{
  json_t *cpu = json_object(), *peak = json_object();
  for (size_t i = 0; i < m->n; i++) {
    double us = 1e6 * (meter_cpu(m->process[i].pid) - m->process[i].cpu) / items;
    uint64_t kib = memory_of(m->process[i].pid, "VmHWM");
    if (us >= 0.05)
      json_object_set_new(cpu, m->process[i].name, rounded(us));
    if (kib)
      json_object_set_new(peak, m->process[i].name, json_integer((json_int_t)kib));
  }
  json_object_set_new(into, "cpu_us", cpu);
  json_object_set_new(into, "self_us", rounded(1e6 * (cpu_of_self() - m->self) / items));
  if (m->port)
    json_object_set_new(into, "wire_bytes", rounded((double)(wire(m->port) - m->wire) / items));
  json_object_set_new(into, "peak_kib", peak);
}

uint64_t meter_resident(const struct meter *m, size_t process)
{
  return memory_of(m->process[process].pid, "VmRSS");
}

uint64_t meter_peak(const struct meter *m, const char *process)
{
  for (size_t i = 0; i < m->n; i++)
    if (!strcmp(m->process[i].name, process))
      return memory_of(m->process[i].pid, "VmHWM");
  return 0;
}
