/* W5 with more than real nodes would fill in reasonable time: the hub alone, killed with everything queued for a node that was away. */
#include "tests/bench/works.h"

#include "tests/bench/hub_alone.h"

enum { PIECE = 20000 /* sealed at once, and then forgotten but for what they are known by */ };

/* Queues `count` for the reader, who is away. *ret_seconds: of the hub's work, without the sealing. */
static bool fill(struct stand *s, struct parcels *p, uint64_t count, uint64_t size, double *ret_seconds)
{
  double seconds = 0;
  for (uint64_t done = 0; done < count; done = p->count) {
    bench_says("w5: %llu of %llu queued", (unsigned long long)done, (unsigned long long)count);
    if (!parcels_more(p, count - done < PIECE ? count - done : PIECE, size))
      return false;
    json_t *row = hub_alone_part(s, p, size, ALONE_FILL, NULL);
    if (!row)
      return false;
    seconds += (double)(p->count - done) / json_number_value(json_object_get(row, "per_s"));
    json_decref(row);
  }
  *ret_seconds = seconds;
  return true;
}

static json_t *drain(struct stand *s, struct parcels *p, uint64_t size)
{
  struct alone_times at = {0};
  struct meter meter;
  stand_meter(s, &meter);
  const uint64_t before = meter_peak(&meter, "hub.core");
  const double disk = (double)stand_hub_bytes(s) / (1 << 20);
  stand_kill_hub(s);
  const double began = bench_now();
  if (!stand_start_hub(s, 60))
    return NULL;
  const double ready = bench_now() - began;
  bench_says("w5: %llu queued, the hub is back after %.2f s", (unsigned long long)p->count, ready);
  json_t *row = hub_alone_part(s, p, size, ALONE_DRAIN, &at);
  if (!row)
    return NULL;
  json_object_set_new(row, "work", json_string("W5"));
  json_object_set_new(row, "what", json_string("catching up after an outage, the hub alone"));
  json_object_del(row, "per_s");
  json_object_del(row, "deliveries_per_s");
  json_object_del(row, "submit_bytes");
  json_object_set_new(row, "hub_ready_s", json_real(ready));
  json_object_set_new(row, "first_s", json_real(at.first - began));
  json_object_set_new(row, "drain_per_s", json_real((double)(p->count - 1) / (at.last - at.first)));
  json_object_set_new(row, "hub_peak_kib_while_filling", json_integer((json_int_t)before));
  json_object_set_new(row, "disk_mib", json_real(disk));
  return row;
}

json_t *backlog_alone(struct bench *b, uint64_t count, uint64_t size)
{
  struct stand s = {0};
  struct parcels p = {0};
  double filled = 0;
  json_t *row = NULL;
  if (stand_open_hub(b, 2, &s) && parcels_open(&s, 1, &p) && fill(&s, &p, count, size, &filled))
    row = drain(&s, &p, size);
  if (row)
    json_object_set_new(row, "fill_per_s", json_real((double)count / filled));
  parcels_free(&p);
  stand_close(&s);
  return row;
}
