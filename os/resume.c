#include "os/resume.h"

#include "os/zhead.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

enum {
  ANSWER = 1 + 8,
  BUSY_SECONDS = 5, /* of the line: two under way, one until it is confirmed, and a piece or two */
  BUSY_LEAST = 4 << 10,
  CONFIRM_LEAST = 1 << 10,
  CONFIRM_MOST = 8 << 10,
  GATHER = 16 << 10, /* bytes made ready for the line at once */
  IN_MAX = 2 * RESUME_FRAME, /* 18 bytes, of the shortest message whose beginning is left out, are 35 */
  VARINT_BYTES = 3,
};
enum { ANSWER_BEGAN, ANSWER_RESUMED, ANSWER_NONE };
static const uint8_t MAGIC[4] = {'T', 'G', 'R', 1};

/* What is read of the line next. */
enum part { PART_ANSWER, PART_HEAD, PART_CONFIRMED, PART_BYTES };

/* Invariants: held is what was put from byte `confirmed` on; confirmed <= sent <= confirmed + held.n; at_confirmed and at_sent are where the stream stands
   at these two places, at_received at the end of what came; told <= received. A connection that may carry our bytes is `open`; out is of the present
   connection only, and without a hole: when memory lacked for what comes next, the connection is `starved` and brings nothing more. The first `passed` bytes
   of held are confirmed already: none, but for the time of one call. */
struct resume {
  uint8_t token[RESUME_TOKEN];
  bool is_client, has_token, answered, connected, open, end, said_end, heard_end, confirm, starved;
  uint32_t rate;
  size_t window, busy_at, confirm_at;
  struct buf held, out, in;
  size_t wrote, gave, passed; /* of out, in and held */
  uint64_t moved;
  uint64_t confirmed, sent, received, told;
  struct zhead at_confirmed, at_sent, at_received;
  enum part part;
  uint8_t some[ANSWER]; /* of an answer or a number that is not whole */
  size_t n_some, left;
};

static size_t bounded(uint64_t n, size_t lower, size_t upper) { return n < lower ? lower : n > upper ? upper : (size_t)n; }

static void set_rate(struct resume *r, uint32_t rate)
{
  r->rate = rate;
  r->busy_at = rate ? bounded((uint64_t)rate * BUSY_SECONDS, BUSY_LEAST, RESUME_WINDOW / 2) : RESUME_WINDOW / 2;
  r->confirm_at = rate ? bounded(rate, CONFIRM_LEAST, CONFIRM_MOST) : CONFIRM_MOST;
}

struct resume *resume_new(uint32_t rate)
{
  struct resume *r = calloc(1, sizeof *r);
  if (!r)
    return NULL;
  r->held = buf_new(RESUME_WINDOW);
  r->out = buf_new(2 * GATHER);
  r->in = buf_new(IN_MAX);
  r->window = RESUME_WINDOW;
  set_rate(r, rate);
  return r;
}

void resume_free(struct resume **taken)
{
  struct resume *r = taken ? *taken : NULL;
  if (!r)
    return;
  *taken = NULL;
  buf_free(&r->held);
  buf_free(&r->out);
  buf_free(&r->in);
  sodium_memzero(r, sizeof *r);
  free(r);
}

/* ---- numbers */

static void put_varint(struct buf *b, size_t v)
{
  for (; v > 127; v >>= 7)
    buf_put_u8(b, (uint8_t)(v | 128));
  buf_put_u8(b, (uint8_t)v);
}

/* One more byte of a number; *ret_whole: it was the last. False: longer than it may be, or than it need be. */
static bool take_varint(struct resume *r, uint8_t byte, bool *ret_whole, size_t *ret)
{
  r->some[r->n_some++] = byte;
  *ret_whole = !(byte & 128);
  if (!*ret_whole)
    return r->n_some < VARINT_BYTES;
  if (byte == 0 && r->n_some > 1)
    return false;
  *ret = 0;
  while (r->n_some)
    *ret = *ret << 7 | (r->some[--r->n_some] & 127);
  return true;
}

static struct slice rest_of(const struct buf *b, size_t done) { return done < b->n ? slice_of(b->p + done, b->n - done) : slice_of(NULL, 0); }

/* ---- what the other side has */

/* TG_BAD_INPUT: it never got so much. */
static enum tg_err confirmed_until(struct resume *r, uint64_t place)
{
  if (place < r->confirmed || place > r->sent)
    return TG_BAD_INPUT;
  const size_t n = (size_t)(place - r->confirmed);
  zhead_pass(&r->at_confirmed, slice_of(rest_of(&r->held, r->passed).p, n));
  r->passed += n;
  r->confirmed = place;
  return TG_OK;
}

/* Once for all that was confirmed: byte by byte it would move the window two thousand times for each piece that is read. */
static void drop_confirmed(struct resume *r)
{
  if (!r->passed)
    return;
  memmove(r->held.p, r->held.p + r->passed, r->held.n - r->passed);
  r->held.n -= r->passed;
  r->passed = 0;
  if (r->held.n == 0)
    buf_free(&r->held); /* hundreds of sessions rest */
}

/* From its place on everything is said again, or for the first time. */
static void open_from_confirmed(struct resume *r)
{
  r->sent = r->confirmed;
  r->at_sent = r->at_confirmed;
  r->said_end = false;
  r->open = true;
}

static void connected(struct resume *r, enum part first)
{
  buf_clear(&r->out);
  r->wrote = r->n_some = r->left = 0;
  r->part = first;
  r->connected = true;
  r->told = r->received; /* the opening or the answer says it */
  r->confirm = r->starved = false;
  r->heard_end = false; /* it is said again */
}

void resume_lost(struct resume *r)
{
  r->connected = r->open = r->starved = false;
  buf_free(&r->out);
  r->wrote = 0;
}

void resume_connect(struct resume *r, const uint8_t token[RESUME_TOKEN])
{
  r->is_client = true;
  connected(r, PART_ANSWER);
  if (!r->answered) /* the server may have heard something of the last one: nothing that was answered */
    memcpy(r->token, token, RESUME_TOKEN);
  r->has_token = true;
  buf_put(&r->out, MAGIC, sizeof MAGIC);
  buf_put_u8(&r->out, r->answered);
  buf_put(&r->out, r->token, RESUME_TOKEN);
  buf_put_u32(&r->out, r->rate);
  buf_put_u64(&r->out, r->received);
  r->starved = buf_status(&r->out) != TG_OK;
  if (!r->answered)
    open_from_confirmed(r); /* a new session has nothing to wait for */
}

enum tg_err resume_opening_read(struct slice s, struct resume_opening *ret)
{
  struct resume_opening o = {0};
  struct slice magic, token;
  uint8_t resumes;
  if (s.n != RESUME_OPENING || !take(&s, sizeof MAGIC, &magic) || memcmp(magic.p, MAGIC, sizeof MAGIC) != 0 || !take_u8(&s, &resumes) || resumes > 1 ||
      !take(&s, RESUME_TOKEN, &token) || !take_u32(&s, &o.rate) || !take_u64(&s, &o.received) || (!resumes && o.received))
    return TG_BAD_INPUT;
  o.begins = !resumes;
  memcpy(o.token, token.p, RESUME_TOKEN);
  *ret = o;
  return TG_OK;
}

bool resume_is_token(const struct resume *r, const uint8_t token[RESUME_TOKEN])
{
  return sodium_memcmp(r->token, token, RESUME_TOKEN) == 0 && r->has_token;
}

enum tg_err resume_accept(struct resume *r, const struct resume_opening *o)
{
  if (o->received < r->confirmed || o->received > r->sent || o->begins == r->has_token)
    return TG_BAD_INPUT;
  memcpy(r->token, o->token, RESUME_TOKEN);
  r->has_token = true;
  set_rate(r, o->rate);
  (void)confirmed_until(r, o->received); /* it is between the two */
  drop_confirmed(r);
  connected(r, PART_HEAD);
  buf_put_u8(&r->out, o->begins ? ANSWER_BEGAN : ANSWER_RESUMED);
  buf_put_u64(&r->out, r->received);
  open_from_confirmed(r);
  return buf_status(&r->out);
}

struct slice resume_refusal(void)
{
  static const uint8_t refusal[ANSWER] = {ANSWER_NONE};
  return slice_of(refusal, sizeof refusal);
}

/* ---- to the line. What finds no memory leaves everything as it was */

static bool is_put(struct resume *r, size_t before)
{
  if (buf_status(&r->out) == TG_OK)
    return true;
  r->out.n = before;
  r->starved = true;
  return false;
}

static void say_confirmed(struct resume *r)
{
  if (r->said_end || (r->received - r->told < r->confirm_at && !(r->confirm && r->received > r->told)))
    return;
  const size_t before = r->out.n;
  buf_put_u8(&r->out, 0);
  put_varint(&r->out, (size_t)(r->received - r->told));
  if (!is_put(r, before))
    return;
  r->told = r->received;
  r->confirm = false;
}

/* One frame: the rest of what has begun, or a whole message of which the beginning need not be said. False: there is nothing, or no memory. */
static bool say_bytes(struct resume *r)
{
  const size_t done = (size_t)(r->sent - r->confirmed);
  const struct slice rest = rest_of(&r->held, done);
  if (!rest.n)
    return false;
  const uint64_t size = zhead_foretold(&r->at_sent, rest);
  uint8_t head[ZHEAD_MAX];
  const size_t skip = size && size <= RESUME_FRAME ? zhead_foretell(&r->at_sent, size, head) : 0;
  size_t n = zhead_until_next(&r->at_sent, rest);
  if (n > RESUME_FRAME && !skip)
    n = RESUME_FRAME;
  const size_t before = r->out.n;
  put_varint(&r->out, skip ? (size_t)size << 1 | 1 : n << 1);
  buf_put(&r->out, rest.p + skip, n - skip);
  if (!is_put(r, before))
    return false;
  zhead_pass(&r->at_sent, slice_of(rest.p, n));
  r->sent += n;
  return true;
}

static void say_end(struct resume *r)
{
  const size_t before = r->out.n;
  if (!r->end || r->said_end || r->starved)
    return;
  put_varint(&r->out, 1);
  r->said_end = is_put(r, before);
}

struct slice resume_out(struct resume *r)
{
  if (r->connected && r->wrote == r->out.n) {
    r->wrote = 0;
    buf_clear(&r->out);
  }
  while (r->open && !r->starved && r->out.n < GATHER && r->wrote == 0) {
    say_confirmed(r);
    if (say_bytes(r))
      continue;
    say_end(r);
    break;
  }
  if (!r->out.n)
    buf_free(&r->out);
  return rest_of(&r->out, r->wrote);
}

void resume_wrote(struct resume *r, size_t n)
{
  r->wrote += n;
  r->moved += n;
}

/* ---- from the line */

static void came(struct resume *r, const uint8_t *p, size_t n)
{
  buf_put(&r->in, p, n);
  zhead_pass(&r->at_received, slice_of(p, n));
  r->received += n;
}

static enum tg_err take_answer(struct resume *r, uint8_t byte)
{
  r->some[r->n_some++] = byte;
  if (r->n_some < ANSWER)
    return TG_OK;
  struct slice s = slice_of(r->some + 1, 8);
  uint64_t place = 0;
  (void)take_u64(&s, &place);
  r->n_some = 0;
  if (r->some[0] == ANSWER_NONE)
    return TG_NOT_FOUND;
  r->part = PART_HEAD;
  if (r->some[0] != (r->answered ? ANSWER_RESUMED : ANSWER_BEGAN) || (!r->answered && place))
    return TG_BAD_INPUT;
  if (!r->answered) {
    r->answered = true;
    return TG_OK;
  }
  enum tg_err err = confirmed_until(r, place);
  if (err == TG_OK)
    open_from_confirmed(r);
  return err;
}

static enum tg_err take_head(struct resume *r, size_t v)
{
  uint8_t head[ZHEAD_MAX];
  size_t n;
  if (v == 0) {
    r->part = PART_CONFIRMED;
    return TG_OK;
  }
  if (v == 1) {
    r->heard_end = true;
    return TG_OK;
  }
  const size_t size = v >> 1;
  if (size > RESUME_FRAME)
    return TG_BAD_INPUT;
  r->left = size;
  if (v & 1) {
    if ((n = zhead_foretell(&r->at_received, size, head)) == 0)
      return TG_BAD_INPUT;
    came(r, head, n);
    r->left = size - ZHEAD_BODY;
  }
  r->part = r->left ? PART_BYTES : PART_HEAD;
  return TG_OK;
}

static enum tg_err take_byte(struct resume *r, uint8_t byte)
{
  bool whole;
  size_t v;
  if (r->part == PART_ANSWER)
    return take_answer(r, byte);
  if (r->heard_end || !take_varint(r, byte, &whole, &v))
    return TG_BAD_INPUT;
  if (!whole)
    return TG_OK;
  if (r->part == PART_HEAD)
    return take_head(r, v);
  r->part = PART_HEAD;
  return v ? confirmed_until(r, r->confirmed + v) : TG_BAD_INPUT;
}

enum tg_err resume_take(struct resume *r, struct slice bytes)
{
  enum tg_err err = TG_OK;
  r->moved += bytes.n;
  while (err == TG_OK && bytes.n) {
    size_t n = 1;
    if (r->part == PART_BYTES) {
      n = r->left < bytes.n ? r->left : bytes.n;
      came(r, bytes.p, n);
      r->left -= n;
      r->part = r->left ? PART_BYTES : PART_HEAD;
    } else {
      err = take_byte(r, bytes.p[0]);
    }
    bytes = slice_of(bytes.p + n, bytes.n - n);
  }
  drop_confirmed(r);
  return err == TG_OK ? buf_status(&r->in) : err;
}

/* ---- the local side */

void resume_limit(struct resume *r, size_t window) { r->window = window < RESUME_WINDOW ? window : RESUME_WINDOW; }
size_t resume_room(const struct resume *r) { return r->end || r->held.n >= r->window ? 0 : r->window - r->held.n; }

enum tg_err resume_put(struct resume *r, struct slice bytes)
{
  r->moved += bytes.n;
  buf_put_slice(&r->held, bytes);
  return buf_status(&r->held);
}

void resume_end(struct resume *r) { r->end = true; }

struct slice resume_in(struct resume *r) { return rest_of(&r->in, r->gave); }

void resume_gave(struct resume *r, size_t n)
{
  r->moved += n;
  r->gave += n;
  if (r->gave == r->in.n) {
    r->gave = 0;
    buf_free(&r->in);
  }
}

/* ---- how it stands */

bool resume_is_ended(const struct resume *r) { return r->heard_end && r->in.n == 0; }
bool resume_is_busy(const struct resume *r) { return !r->open || r->held.n >= r->busy_at || r->held.n >= r->window / 2; }
bool resume_is_starved(const struct resume *r) { return r->starved; }
bool resume_was_met(const struct resume *r) { return r->part != PART_ANSWER; }
bool resume_waits(const struct resume *r) { return r->connected && (r->sent > r->confirmed || r->part == PART_ANSWER || r->said_end); }
void resume_confirm(struct resume *r) { r->confirm = r->received > r->told; }
bool resume_owes(const struct resume *r) { return r->received > r->told; }
uint64_t resume_moved(const struct resume *r) { return r->moved; }
size_t resume_holds(const struct resume *r) { return r->held.cap + r->out.cap + r->in.cap; }
