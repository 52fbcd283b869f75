/* The workloads. Each returns an array of rows: {"work", "what", figures…}. */
#ifndef TOGUNA_BENCH_WORKS_H
#define TOGUNA_BENCH_WORKS_H

#include "tests/bench/bench.h"

bench_work work_pipeline, work_fan, work_paced, work_flash, work_outage, work_many, work_hub, work_floors, work_growth, work_herd, work_flood, work_cap;

/* A row of W5: the hub alone, killed with `count` queued. NULL: it failed. */
json_t *backlog_alone(struct bench *b, uint64_t count, uint64_t size);

/* Adds to a row of W7 what its parts would cost by themselves: {"floor_us": {part: µs, "sum"}, "hub_us", "floor_ratio"}. Measures the floors unless that
   was done. */
void floors_compare(struct bench *b, json_t *row);

#endif
