#include "tests/bench/table.h"

#include "proto/base.h"
#include "os/clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <sys/vfs.h>
#include <unistd.h>

static void line_of(const char *path, const char *key, char *out, size_t size)
{
  char line[512];
  FILE *f = fopen(path, "r");
  snprintf(out, size, "unknown");
  while (f && fgets(line, sizeof line, f)) {
    char *value = strchr(line, ':');
    if (strncmp(line, key, strlen(key)) != 0 || !value)
      continue;
    value += 1 + strspn(value + 1, " \t");
    value[strcspn(value, "\n")] = 0;
    snprintf(out, size, "%s", value);
    break;
  }
  if (f)
    fclose(f);
}

json_t *table_machine(const char *folder)
{
  char cpu[128], memory[64], time[25];
  double load[1] = {0};
  struct utsname u = {0};
  struct statfs fs = {0};
  line_of("/proc/cpuinfo", "model name", cpu, sizeof cpu);
  line_of("/proc/meminfo", "MemTotal", memory, sizeof memory);
  uname(&u);
  statfs(folder, &fs);
  if (getloadavg(load, 1) != 1)
    load[0] = 0;
  time_print(clock_wall() / 1000 * 1000, time);
  const char *disk = fs.f_type == 0xef53 ? "ext4" : fs.f_type == 0x01021994 ? "tmpfs" : fs.f_type == 0x794c7630 ? "overlay" : fs.f_type == 0x58465342 ? "xfs" : fs.f_type == 0x9123683e ? "btrfs" : "another";
  return json_pack("{s:s,s:I,s:s,s:I,s:s,s:f,s:s}", "cpu", cpu, "cores", (json_int_t)sysconf(_SC_NPROCESSORS_ONLN), "kernel", u.release, "memory_mib",
                   (json_int_t)(strtoll(memory, NULL, 10) / 1024), "disk", disk, "load", load[0], "time", time);
}

/* ---- one row */

static double number(const json_t *row, const char *key)
{
  return json_number_value(json_object_get(row, key));
}

static void print_if(const json_t *row, const char *key, const char *format)
{
  const json_t *v = json_object_get(row, key);
  if (v)
    printf(format, json_number_value(v));
}

static void print_latency(const json_t *row, const char *key)
{
  const json_t *l = json_object_get(row, key);
  if (l)
    printf("  p50 %.2f  p99 %.2f  p99.9 %.2f  max %.2f ms", number(l, "p50_ms"), number(l, "p99_ms"), number(l, "p999_ms"), number(l, "max_ms"));
}

static void print_object(const json_t *row, const char *key, const char *title)
{
  const char *name;
  json_t *object = json_object_get(row, key), *v;
  if (!json_object_size(object))
    return;
  printf("        %s:", title);
  json_object_foreach(object, name, v)
    printf("  %s %.*f", name, json_number_value(v) < 100 && json_is_real(v) ? 1 : 0, json_number_value(v));
  putchar('\n');
}

static void print_stores(const json_t *row)
{
  const char *name;
  json_t *stores = json_object_get(row, "store"), *v;
  if (!json_object_size(stores))
    return;
  printf("        bulletins per commit:");
  json_object_foreach(stores, name, v)
    printf("  %s %.1f (%.0f syncs)", name, number(v, "items_per_commit"), number(v, "syncs"));
  putchar('\n');
}

static void print_failed(const json_t *row)
{
  const char *why = json_string_value(json_object_get(row, "failed"));
  if (why)
    printf("        FAILED: %s\n", why);
}

static void print_herd(const json_t *row)
{
  if (!json_object_get(row, "sessions"))
    return;
  printf("        %.0f sessions, away %.0f s: half back after %.2f s, all after %.2f s, at most %.0f in one second\n", number(row, "sessions"), number(row, "away_s"),
         number(row, "half_back_s"), number(row, "back_s"), number(row, "most_in_a_second"));
  print_object(row, "session_kib", "memory of an idle session, KiB");
}

static void print_row(const json_t *row)
{
  static const char *const rates[][2] = {{"readers", "  to %.0f reading:"}, {"per_s", "  %.0f/s"},          {"spooled_per_s", " (spooled at %.0f/s)"}, {"deliveries_per_s", "  %.0f deliveries/s"},
                                         {"rate", "  asked %.0f/s"},       {"flood_per_s", "  beside a flood of %.0f/s"},         {"backlog", "  backlog %.0f"},             {"fill_per_s", "  filled at %.0f/s"},
                                         {"hub_ready_s", "  hub ready %.2f s"}, {"first_s", "  first after %.2f s"}, {"drain_per_s", "  drained at %.0f/s"},
                                         {"floor_ratio", "  %.1f x its floors"}, {"bulletins", "  %.0f bulletins"}, {"entries", "  %.0f entries in the log"}, {"core_us", "  core %.1f us"}, {"front_us", "  front %.1f us"},
                                         {"core_kib", "  core %.0f KiB"}, {"restart_s", "  restart %.2f s"}, {"disk_mib", "  disk %.1f MiB"}, {"sum_kib", "  %.0f KiB together"}, {"cap_kib", " of %.0f allowed"}, {"cuts", "  %.0f cuts"}, {"outcomes", "  %.0f outcomes"}};
  printf("%-6s %s", json_string_value(json_object_get(row, "work")), json_string_value(json_object_get(row, "what")));
  print_if(row, "size", ", %.0f B");
  print_if(row, "count", " x %.0f");
  printf("\n       ");
  for (size_t i = 0; i < sizeof rates / sizeof *rates; i++)
    print_if(row, rates[i][0], rates[i][1]);
  print_latency(row, "latency");
  if (json_object_get(row, "alone")) {
    printf("\n        without it:");
    print_latency(row, "alone");
    print_if(row, "p99_ratio", "; p99 is %.1f times that");
  }
  putchar('\n');
  print_failed(row);
  print_herd(row);
  print_object(row, "cpu_us", "CPU us per bulletin");
  print_if(row, "self_us", "        this program %.1f us per bulletin");
  print_if(row, "wire_bytes", ", %.0f bytes on the wire per bulletin");
  if (json_object_get(row, "self_us"))
    putchar('\n');
  print_stores(row);
  print_object(row, "peak_kib", "peak memory, KiB");
  print_object(row, "floor_us", "floors, us per bulletin");
  print_object(row, "figures", "each, us");
}

void table_print(const json_t *all)
{
  size_t i;
  json_t *row, *m = json_object_get(all, "machine");
  printf("%s, %.0f cores, Linux %s, %s; load before %.1f; %s\n\n", json_string_value(json_object_get(m, "cpu")), number(m, "cores"), json_string_value(json_object_get(m, "kernel")),
         json_string_value(json_object_get(m, "disk")), number(m, "load"), json_string_value(json_object_get(m, "time")));
  json_array_foreach(json_object_get(all, "rows"), i, row)
    print_row(row);
  printf("\n%.0f s in all. Each line is explained by toguna-bench(1); docs/performance.md has the goals, and what stands before them.\n", number(all, "seconds"));
}
