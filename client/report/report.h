/* The report of an auditor: figures of a time, as one page that needs nothing else, and as a table for other
   programs. Figures are one JSON value, which is also what `toguna audit report --json` prints:

   {"log":name,"size":n,"root":hex,"settled":bool,"place":text,"made":time,"from":time|null,"to":time|null,
    "states":[code…],"names":{code:name},
    "days":[{"day":"2026-11-28","accepted":{code:n},"refused":{code:n},"receipts":{code:n}}],
    "refusals":[{"reason","sentence","count"}],"denials":[{"stage","sentence","count"}],
    "latency":[{"precedence":"FLASH"…,"count","open","p50_ms","p90_ms","p99_ms","max_ms"}],   from accepted to stored; open: no receipt yet
    "pairs":[{"from","to","given","stored","read","denied"}]}                        stored, read: from receipts only */
#ifndef TOGUNA_REPORT_H
#define TOGUNA_REPORT_H

#include "proto/buf.h"

#include <jansson.h>

enum { REPORT_BYTES_MAX = 16 << 20 };

/* The page, in the language of the program. TG_TOO_BIG; TG_BAD_INPUT: the figures are not of this shape. */
enum tg_err report_page(const json_t *figures, struct buf *out);
/* The same as rows: table,day,state,other,measure,value. */
enum tg_err report_csv(const json_t *figures, struct buf *out);

#endif
