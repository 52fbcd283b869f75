/* What witnessing costs a node: for each checkpoint that it is called to cosign, the bytes of the frames and the time of the CPU (signature and
   consistency verified, state printed for the store, cosigned). Called at most once a second, so an hour of a hub that never rests
   is 3,600 of them, and an idle hour none. The commit that keeps the state is not in the time of the CPU: it is a sync of the node's disk each. One JSON object. */
#include "proto/frame.h"
#include "proto/session.pb-c.h"
#include "proto/strict.h"
#include "tests/audit/kit.h"

#include <time.h>

enum { SIZE = 100000, STEP = 7, CALLS = 2000, CALLS_PER_HOUR = 3600, COSIGNED_BY = 3 };

static double cpu_seconds(void)
{
  struct timespec t;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void must(bool good)
{
  if (!good)
    abort();
}

static size_t tick_bytes(struct slice note, struct slice path)
{
  struct buf frame = buf_new(LIMIT_FRAME);
  Tg__Tick m = TG__TICK__INIT;
  m.time = (uint64_t)KIT_NOW;
  m.checkpoint = strict_data(note);
  m.consistency = strict_data(path);
  must(frame_encode(FRAME_TICK, &m.base, &frame, NULL) == TG_OK);
  const size_t n = frame.n;
  buf_free(&frame);
  return n;
}

int main(void)
{
  must(sodium_init() >= 0);
  static struct buf notes[CALLS + 1];
  static struct merkle_path paths[CALLS + 1];
  struct kit_log *log = kit_log_new("sahel.example/hub-1-log", SIZE + CALLS * STEP);
  struct secret_key *key = kit_key(KEY_WITNESS, "sahel.example/ML/dgse/n1", 7);
  struct witness_state state, next;
  struct buf cosigned = buf_new(LIMIT_CHECKPOINT), text = buf_new(WITNESS_STATE_MAX), settled = buf_new(LIMIT_CHECKPOINT);
  size_t called = 0, answered = 0;
  for (size_t i = 0; i <= CALLS; i++) {
    notes[i] = kit_note(log, SIZE + i * STEP);
    if (i)
      paths[i] = kit_consistency(log, SIZE + (i - 1) * STEP, SIZE + i * STEP);
  }
  must(witness_update(NULL, &log->vkey, buf_slice(&notes[0]), slice_of(NULL, 0), &state, NULL, NULL) == TG_OK);
  const double from = cpu_seconds();
  for (size_t i = 1; i <= CALLS; i++) {
    must(witness_update(&state, &log->vkey, buf_slice(&notes[i]), merkle_path_slice(&paths[i]), &next, NULL, NULL) == TG_OK);
    state = next;
    buf_clear(&text);
    buf_clear(&cosigned);
    must(witness_print(&state, &text) == TG_OK && witness_cosign(&state, key, KIT_NOW, &cosigned, NULL) == TG_OK);
  }
  const double cpu = (cpu_seconds() - from) / CALLS;
  for (size_t i = 1; i <= CALLS; i++)
    called += tick_bytes(buf_slice(&notes[i]), merkle_path_slice(&paths[i]));
  answered = tick_bytes(buf_slice(&cosigned), slice_of(NULL, 0));
  /* When enough have spoken everybody gets the note with all cosignatures. */
  buf_put_slice(&settled, buf_slice(&cosigned));
  for (int i = 1; i < COSIGNED_BY; i++)
    buf_put(&settled, cosigned.p + notes[CALLS].n, cosigned.n - notes[CALLS].n);
  const size_t told = tick_bytes(buf_slice(&settled), slice_of(NULL, 0));
  const double down = (double)called / CALLS + (double)told, up = (double)answered;
  printf("{\"log_entries\":%d,\"cpu_us_per_cosignature\":%.1f,\"bytes_down\":%.0f,\"bytes_up\":%.0f,"
         "\"busiest_hour\":{\"cosignatures\":%d,\"cpu_seconds\":%.2f,\"kilobytes_down\":%.0f,\"kilobytes_up\":%.0f,\"commits\":%d}}\n",
         SIZE, cpu * 1e6, down, up, CALLS_PER_HOUR, cpu * CALLS_PER_HOUR, down * CALLS_PER_HOUR / 1000, up * CALLS_PER_HOUR / 1000,
         2 * CALLS_PER_HOUR);
  for (size_t i = 0; i <= CALLS; i++)
    buf_free(&notes[i]);
  buf_free(&cosigned);
  buf_free(&text);
  buf_free(&settled);
  secret_key_free(key);
  kit_log_free(log);
  return 0;
}
