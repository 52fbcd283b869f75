/* What the verbs that review a log share: the source, and time as people say it. */
#ifndef TOGUNA_CLI_SIGHT_H
#define TOGUNA_CLI_SIGHT_H

#include "client/cli/command.h"
#include "client/cli/reach.h"
#include "client/cli/show.h"
#include "client/review/review.h"

/* Where it is read: members of a command's options. */
#define SIGHT_MEMBERS                                                                                                   \
  char *log, *charter, *key, *index, *socket;                                                                           \
  bool node, receipts
#define SIGHT_OF(o) (&(struct sight){(o)->log, (o)->charter, (o)->key, (o)->index, (o)->socket, (o)->node, (o)->receipts})

/* The options, for a structure with SIGHT_MEMBERS. */
#define SIGHT_OPTIONS(type)                                                                                            \
  {"log", 0, OPTION_ONE, VALUE_PATH, offsetof(type, log), {0}, N_("FOLDER"),                                           \
   N_("The hub's folder, or a copy that `toguna audit export` made; the current folder unless stated.")},              \
      {"node", 0, OPTION_FLAG, VALUE_BOOL, offsetof(type, node), {0}, NULL,                                             \
       N_("Instead of a folder, what this machine's node can prove: what it sent and received, and the checkpoints "   \
          "that it saw.")},                                                                                            \
      {"receipts", 0, OPTION_FLAG, VALUE_BOOL, offsetof(type, receipts), {0}, NULL,                                     \
       N_("With --node: let it ask the hub first for its own receipts as they were logged. They prove what it says itself, and are not " \
          "sent unasked.")},                                                                                           \
      REACH_OPTION(type),                                                                                              \
      SIGHT_OPTIONS_TRUST(type)
/* Without the source itself. */
#define SIGHT_OPTIONS_TRUST(type)                                                                                      \
  {"charter", 'c', OPTION_ONE, VALUE_PATH, offsetof(type, charter), {0}, N_("NOTE|FOLDER"),                        \
       N_("The charter that names the hub and its log's key; else the one that the log itself holds is taken, which "  \
          "nobody vouches for.")},                                                                                     \
      {"key", 'k', OPTION_ONE, VALUE_TEXT, offsetof(type, key), {.max = NOTE_VKEY_MAX}, N_("VKEY"),                    \
       N_("The log's key itself, as name+id+key.")},                                                                   \
  {                                                                                                                    \
    "index", 0, OPTION_ONE, VALUE_PATH, offsetof(type, index), {0}, N_("FILE"),                                        \
        N_("Where the index of checked entries is kept; in your cache unless stated. It may be removed at any time.")  \
  }

struct sight {
  const char *log, *charter, *key, *index, *socket;
  bool node, receipts;
};

/* What people call the source. */
const char *sight_place(const struct sight *sight);
/* Opens, checks what is new, and shows how far that is on a terminal. Says on standard error what nobody vouched for, and how many
   entries are not open. */
enum tg_err sight_open(struct call *call, const struct sight *sight, struct review **ret, struct tg_why *why);

/* "2026-12-01T00:00:00Z", "2026-12-01", or "24h", "7d": so long before now. NULL: 0. */
enum tg_err sight_time(const char *text, const char *option, tg_time *ret, struct tg_why *why);

/* Members of an answer, for tables; "" when null. */
const char *sight_text(const json_t *j, const char *name);
/* A time of an answer in the local zone; "-" when null. */
const char *sight_when(const json_t *j, const char *name, char out[SHOW_TIME]);
/* A list of words, "ML BF". */
const char *sight_words(const json_t *list, char *out, size_t size);
/* The first 12 digits. */
const char *sight_id(const json_t *j, const char *name, char out[16]);

#endif
