/* hub.conf: what the operator decides (docs/man/hub.conf.5.scd). */
#ifndef TOGUNA_BROKER_SETTINGS_H
#define TOGUNA_BROKER_SETTINGS_H

#include "broker/hub.h"
#include "os/conf.h"

enum { SETTINGS_ENDPOINTS = 8 };

struct settings {
  char *exchange, *name;
  char *folder, *documents;
  char *transport_key, *log_key, *passphrase_file;
  char *user;
  struct conf_lines listen;
  char *serve_log; /* where the log is served, as http_listen() has it; NULL: not by us */
  tg_time clock_skew, refusal_window, tick;
  tg_time due_flash, due_immediate, due_priority, due_routine;
  uint64_t flash_per_hour, per_hour;
  uint64_t queue_count, queue_bytes, member_bytes, parked_count, memory, disk_reserve;
  uint64_t in_flight_count, in_flight_bytes;
  uint64_t strikes;
};

/* Reads and checks the file. *ret is zeroed before; on failure it holds nothing. Errors of conf_read(). */
enum tg_err settings_read(const char *path, struct settings *ret, struct tg_why *why);
void settings_free(struct settings *settings);
/* The annotated default file. `translate` as in why_render(). */
void settings_print(const char *(*translate)(const char *), struct buf *ret);

/* The port of "tcp://host:7700" or "resume://host:7701"; 0 when this is no address to listen at. */
uint16_t settings_port(const char *endpoint);
/* What the hub's core is configured with. */
void settings_hub(const struct settings *settings, struct hub_config *ret);

#endif
