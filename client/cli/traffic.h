/* What was logged when and by whom: counts by time and state, in the console and in reports. Every question counts anew, from the
   marks of the review's index. */
#ifndef TOGUNA_CLI_TRAFFIC_H
#define TOGUNA_CLI_TRAFFIC_H

#include "client/review/review.h"

enum traffic_kind { TRAFFIC_ACCEPTED, TRAFFIC_REFUSED, TRAFFIC_RECEIPTS, TRAFFIC_OTHER, TRAFFIC_KINDS };
/* "accepted", "refused", "receipts", "other" */
extern const char *const traffic_names[TRAFFIC_KINDS];

/* {"step":word,"step_ms","steps":[words],"times":[ms],"accepted":[counts],...}. step: "minute", "hour", "day", "week"; NULL or
   another word: one that gives a readable number of steps. TG_NO_MEMORY, TG_DISK. */
enum tg_err traffic_timeline(struct review *r, const char *step, json_t **ret);
/* [{"day","accepted":{state:n},"refused":{...},"receipts":{...}}], days of UTC on which something was, from <= time < to (0: open).
   TG_NO_MEMORY, TG_DISK. */
enum tg_err traffic_days(struct review *r, tg_time from, tg_time to, json_t **ret);

#endif
