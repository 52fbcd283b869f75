/* What was logged when and by whom, in few bytes an entry: for counting by time and state, in the console and in
   reports. Filled from a review, page by page; taken up again where it ended. */
#ifndef TOGUNA_CLI_TRAFFIC_H
#define TOGUNA_CLI_TRAFFIC_H

#include "client/review/review.h"

enum traffic_kind { TRAFFIC_ACCEPTED, TRAFFIC_REFUSED, TRAFFIC_RECEIPTS, TRAFFIC_OTHER, TRAFFIC_KINDS };
/* "accepted", "refused", "receipts", "other" */
extern const char *const traffic_names[TRAFFIC_KINDS];

struct traffic_entry {
  tg_time time;
  char state[3]; /* "" when no state acted */
  uint8_t kind;
};

struct traffic {
  tg_time from, to; /* only what lies between; 0: open */
  size_t n, room;
  struct traffic_entry *entry; /* by index in the log */
  uint64_t next;               /* the first index not taken yet */
};

/* Takes in what is new. On failure *t is as before, or has a part of it. */
enum tg_err traffic_take(struct traffic *t, struct review *r, struct tg_why *why);
void traffic_free(struct traffic *t);

/* {"step":word,"step_ms","steps":[words],"times":[ms],"accepted":[counts],...}. step: "minute", "hour", "day", "week"; NULL or
   another word: one that gives a readable number of steps. NULL without memory. */
json_t *traffic_timeline(const struct traffic *t, const char *step);
/* [{"day","accepted":{state:n},"refused":{...},"receipts":{...}}], days of UTC on which something was. NULL without memory. */
json_t *traffic_days(const struct traffic *t);

#endif
