/* The figures of a report: client/report/report.h has their shape. */
#ifndef TOGUNA_CLI_FIGURES_H
#define TOGUNA_CLI_FIGURES_H

#include "client/review/review.h"

/* Of the time from <= t < to (0: open), as of now. Errors of the review; TG_NO_MEMORY. */
enum tg_err figures_count(struct review *r, tg_time from, tg_time to, tg_time now, json_t **ret, struct tg_why *why);

#endif
