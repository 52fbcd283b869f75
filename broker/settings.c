#include "broker/settings.h"

#include "broker/memory.h"
#include "os/http.h"
#include "proto/endpoint.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>

#define AT(member) offsetof(struct settings, member)
#define TEXT(key, member, most, ...)                                                                         \
  {                                                                                                          \
    .keyword = key, .kind = VALUE_TEXT, .offset = AT(member), .limits = {.min = 1, .max = most}, __VA_ARGS__ \
  }
#define PATH(key, member, ...)                                                                               \
  {                                                                                                          \
    .keyword = key, .kind = VALUE_PATH, .offset = AT(member), .limits = {.min = 1, .max = 1000}, __VA_ARGS__ \
  }
#define LIMIT(key, unit, member, least, most, value, text)                                                   \
  {                                                                                                          \
    .keyword = key, .kind = unit, .offset = AT(member), .limits = {.min = least, .max = most},               \
    .fallback = value, .help = text                                                                          \
  }

#define DUE(key, member, value)                                                                              \
  LIMIT(key, VALUE_DURATION, member, 1000, 365 * TG_DAY, value,                                              \
        N_("How soon every recipient must have said that it has a bulletin of this precedence; after that it is an alarm."))

static const struct conf_key KEYS[] = {
    TEXT("exchange", exchange, 64, .required = true, .example = "HASH-OF-CHARTER-VERSION-1",
         .help = N_("The exchange: the hash of charter version 1, as `toguna charter show` prints it. The "
                    "hub takes in no "
                    "other charter.")),
    TEXT("name", name, 63, .required = true, .example = "hub-1",
         .help = N_("The name of this hub in the charter.")),
    PATH("folder", folder, .fallback = "data", .help = N_("What the hub keeps: its store and its log.")),
    PATH("documents", documents, .fallback = "documents",
         .help = N_("Signed notes put there by the operator; taken in at start and on SIGHUP.")),
    PATH("transport-key", transport_key, .fallback = "transport.key",
         .help = N_("The key of its connections.")),
    PATH("log-key", log_key, .fallback = "log.key", .help = N_("The key that signs its log.")),
    PATH("passphrase-file", passphrase_file, .example = "passphrase",
         .help = N_("Opens both key files. Without it togunad takes the credential `passphrase` of systemd, "
                    "or asks on its "
                    "terminal.")),
    TEXT("user", user, 32, .example = "toguna",
         .help = N_("Become this user once the key files are read, when started as root.")),
    {.keyword = "listen",
     .shape = CONF_LINES,
     .kind = VALUE_TEXT,
     .offset = AT(listen),
     .limits = {.min = 1, .max = 255},
     .min_words = 1,
     .max_words = 1,
     .required = true,
     .example = "tcp://0.0.0.0:7700",
     .help = N_("Where to listen. May stand several times. resume://0.0.0.0:7701 beside it is for nodes on lines that are cut again and again.")},
    TEXT("serve-log", serve_log, HTTP_ADDRESS_MAX - 1, .example = "127.0.0.1:7780",
         .help = N_("Serve the log (checkpoint and tiles) there, read-only, over HTTP. On the loopback interface only: "
                    "a web server that speaks TLS passes it on to others. Without it nothing is served.")),
    LIMIT("clock-skew", VALUE_DURATION, clock_skew, 1000, TG_DAY, "5m",
          N_("How far ahead of ours the clock of an originator may be.")),
    LIMIT("flash-per-hour", VALUE_NUMBER, flash_per_hour, 1, 1000000, "120",
          N_("FLASH bulletins accepted from one member within an hour.")),
    LIMIT("bulletins-per-hour", VALUE_NUMBER, per_hour, 1, 1000000000, "100000",
          N_("Bulletins accepted from one member within an hour.")),
    LIMIT("queue-count", VALUE_NUMBER, queue_count, 1, 1000000000, "1000000",
          N_("Bulletins that may wait for one node.")),
    LIMIT("queue-bytes", VALUE_SIZE, queue_bytes, 1u << 20, UINT64_C(1) << 50, "16GiB",
          N_("Sealed bytes that may wait for one node.")),
    LIMIT("member-bytes", VALUE_SIZE, member_bytes, 1u << 20, UINT64_C(1) << 50, "16GiB",
          N_("Sealed bytes that the bulletins of one member may occupy here.")),
    LIMIT("parked-count", VALUE_NUMBER, parked_count, 1, 100000, "256",
          N_("Bulletins of one node that may wait for their bodies or for documents.")),
    LIMIT("memory", VALUE_SIZE, memory, MEMORY_LEAST, UINT64_C(1) << 40, "256MiB",
          N_("What the processes of the hub may use together. When much comes at once, senders wait; who fills memory all the same is cut.")),
    LIMIT("disk-reserve", VALUE_SIZE, disk_reserve, 1u << 20, UINT64_C(1) << 50, "256MiB",
          N_("With less than this free on the disk nothing new is accepted; what was accepted is delivered.")),
    LIMIT("in-flight-count", VALUE_NUMBER, in_flight_count, 1, 1000000, "4096",
          N_("Deliveries to one node that are not answered yet.")),
    LIMIT("in-flight-bytes", VALUE_SIZE, in_flight_bytes, 1u << 20, UINT64_C(1) << 30, "4MiB",
          N_("Their bytes: what a FLASH may have to wait behind on a slow line.")),
    LIMIT("strikes", VALUE_NUMBER, strikes, 1, 100000, "16",
          N_("Malformed or forged items until a session is cut, within strike-window.")),
    LIMIT("strike-window", VALUE_DURATION, refusal_window, 1000, TG_DAY, "1m", N_("See strikes.")),
    DUE("due-flash", due_flash, "1m"),
    DUE("due-immediate", due_immediate, "10m"),
    DUE("due-priority", due_priority, "1h"),
    DUE("due-routine", due_routine, "12h"),
    LIMIT("tick", VALUE_DURATION, tick, 1000, TG_HOUR, "15s",
          N_("A sign of life goes to an idle node after this time; a node that is silent three times as long "
             "is gone.")),
};
enum { N_KEYS = sizeof KEYS / sizeof *KEYS };

uint16_t settings_port(const char *endpoint)
{
  struct endpoint e;
  return endpoint_read(slice_str(endpoint), &e) == TG_OK && e.host[0] != '*' ? e.port : 0;
}

static bool exchange_read(const char *text, struct hash *ret)
{
  size_t n;
  return strlen(text) == 64 && sodium_hex2bin(ret->b, sizeof ret->b, text, 64, NULL, &n, NULL) == 0 &&
         n == sizeof ret->b && !hash_is_zero(ret);
}

/* Is the address of this line, as tcp:// or resume://, that of a line before it? All are valid. */
static bool stands_before(const struct settings *s, size_t line)
{
  struct endpoint e, other;
  (void)endpoint_read(slice_str(s->listen.line[line].word[0]), &e);
  for (size_t i = 0; i < line; i++)
    if (endpoint_read(slice_str(s->listen.line[i].word[0]), &other) == TG_OK && other.port == e.port && strcmp(other.host, e.host) == 0)
      return true;
  return false;
}

static enum tg_err check(const char *path, const struct settings *s, struct tg_why *why)
{
  struct hash exchange;
  char where[160];
  if (!exchange_read(s->exchange, &exchange))
    return why_set(why, TG_BAD_INPUT, path, N_("the exchange is not given as 64 hex digits"),
                   N_("Write the hash of charter version 1, as `toguna charter show` prints it"), NULL, NULL,
                   NULL);
  if (s->listen.n > SETTINGS_ENDPOINTS)
    return why_set(why, TG_BAD_INPUT, path, N_("more than 8 addresses to listen at"), NULL, NULL, NULL, NULL);
  bool resumed_alone = s->listen.n > 0;
  for (size_t i = 0; i < s->listen.n; i++)
    resumed_alone &= endpoint_resumes(s->listen.line[i].word[0]);
  if (resumed_alone)
    return why_set(why, TG_BAD_INPUT, path, N_("this hub would listen at resume:// only, which is carried to a tcp:// address of its own"),
                   N_("Add a line: listen tcp://127.0.0.1:7700"), NULL, NULL, NULL);
  for (size_t i = 0; i < s->listen.n; i++)
    if (!settings_port(s->listen.line[i].word[0]))
      return why_set(why, TG_BAD_INPUT, conf_where(path, &s->listen.line[i], where),
                     N_("%1$s is no address to listen at"),
                     N_("Write it like tcp://0.0.0.0:7700 or tcp://[::]:7700; for nodes on bad lines, like resume://0.0.0.0:7701"), s->listen.line[i].word[0],
                     NULL, NULL);
  for (size_t i = 1; i < s->listen.n; i++)
    if (stands_before(s, i))
      return why_set(why, TG_BAD_INPUT, conf_where(path, &s->listen.line[i], where), N_("%1$s is taken by another line of this file"),
                     N_("Choose another port"), s->listen.line[i].word[0], NULL, NULL);
  return s->serve_log ? http_check_address(s->serve_log, path, why) : TG_OK;
}

enum tg_err settings_read(const char *path, struct settings *ret, struct tg_why *why)
{
  struct settings s = {0};
  enum tg_err err = conf_read(path, KEYS, N_KEYS, &s, why);
  if (err == TG_OK)
    err = check(path, &s, why);
  if (err == TG_OK)
    *ret = s;
  else
    settings_free(&s);
  return err;
}

void settings_free(struct settings *settings)
{
  conf_free(KEYS, N_KEYS, settings);
}

void settings_print(const char *(*translate)(const char *), struct buf *ret)
{
  conf_print(KEYS, N_KEYS, translate, ret);
}

void settings_hub(const struct settings *s, struct hub_config *ret)
{
  *ret = (struct hub_config){.clock_skew = s->clock_skew,
                             .receipts_due = {s->due_flash, s->due_immediate, s->due_priority, s->due_routine},
                             .flash_per_hour = s->flash_per_hour,
                             .per_hour = s->per_hour,
                             .queue_count = s->queue_count,
                             .queue_bytes = s->queue_bytes,
                             .member_bytes = s->member_bytes,
                             .parked_count = s->parked_count,
                             .memory = s->memory,
                             .disk_reserve = s->disk_reserve,
                             .in_flight_count = s->in_flight_count,
                             .in_flight_bytes = s->in_flight_bytes,
                             .strikes = (unsigned)s->strikes,
                             .refusal_window = s->refusal_window,
                             .tick = s->tick};
  (void)exchange_read(s->exchange, &ret->exchange); /* settings_read() has checked it */
  snprintf(ret->name, sizeof ret->name, "%s", s->name);
}
