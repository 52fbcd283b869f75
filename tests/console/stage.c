/* A console whose log is made up, for the tests of its page: true entries, tree, signatures and proofs, told as
   `toguna console` tells them. It can also lie, to see that the page does not believe it.

     console_stage [honest | root | entry | leaf | signature | witness]

   prints its address, and ends when its standard input does. */
#include "tests/audit/kit.h"

#include "audit/proof.h"
#include "client/console/site.h"
#include "keys/secret.h"
#include "os/loop.h"
#include "os/speak.h"

#include <poll.h>
#include <unistd.h>

enum { MEMBERS = 6, BULLETINS = 90, ENTRIES_MAX = 700, PAGE = 100 };
static const char *const MEMBER[MEMBERS] = {"BF", "ML", "NE", "NG", "SN", "TD"};
static const char *const NAME[MEMBERS] = {"Burkina Faso", "Mali", "Niger", "Nigeria", "Sénégal", "Tchad"};
static const char *const PRECEDENCE[] = {"routine", "priority", "immediate", "flash"};

struct record {
  struct entry entry;
  struct buf bytes;
  uint8_t salt[ENTRY_SALT];
  int bulletin; /* -1: of none */
  unsigned precedence;
};

struct stage {
  const char *lie;
  struct loop *loop;
  struct kit_log *log;
  struct secret_key *witness[2];
  struct record record[ENTRIES_MAX];
  size_t n;
  struct buf note;
};

/* ---- what happened */

static struct hash id_of(int bulletin)
{
  struct hash h = kit_hash((uint8_t)(bulletin + 1));
  h.b[0] = (uint8_t)(7 * bulletin + 3);
  return h;
}

static unsigned from_of(int bulletin)
{
  return (unsigned)(bulletin * bulletin + bulletin / 3) % MEMBERS;
}

/* Whom it goes to: everybody but its author, some, or one. */
static bool goes_to(int bulletin, unsigned member)
{
  return member != from_of(bulletin) && (bulletin % 3 == 0 || (bulletin % 3 == 1 && member % 2 == 0) || member == (unsigned)bulletin % MEMBERS);
}

static bool is_refused(int bulletin)
{
  return bulletin % 11 == 5;
}

static void log_entry(struct stage *s, enum entry_type type, unsigned member, tg_time time, int bulletin)
{
  struct record *r = &s->record[s->n++];
  struct merkle_path path;
  assert_true(s->n < ENTRIES_MAX);
  *r = (struct record){.bytes = buf_new(LIMIT_ENTRY), .bulletin = bulletin, .precedence = (unsigned)bulletin % 4};
  struct entry e = {.type = type, .time = time, .member = {MEMBER[member][0], MEMBER[member][1]}, .number = (uint64_t)bulletin + 1};
  memset(e.actor.b, (int)member + 1, sizeof e.actor.b);
  if (type == ENTRY_SESSION_OPENED)
    e.number = 0, r->bulletin = -1;
  else
    e.subject = id_of(bulletin);
  if (type == ENTRY_ACCEPTED)
    e.charter_version = 1, e.policy_set = kit_hash(200), e.decision = kit_hash(201);
  if (type == ENTRY_REFUSED) {
    e.reason = bulletin % 2 ? REASON_AUDIENCE : REASON_APPROVALS;
    e.detail = slice_str("TD");
  }
  memset(r->salt, (int)s->n, sizeof r->salt);
  assert_int_equal(entry_build(&e, &r->bytes, NULL), TG_OK);
  assert_int_equal(entry_parse(buf_slice(&r->bytes), &r->entry, NULL), TG_OK);
  (void)kit_append_entry(s->log, buf_slice(&r->bytes), r->salt, &path);
}

static void play(struct stage *s)
{
  tg_time now = KIT_NOW - 3 * TG_DAY;
  for (unsigned m = 0; m < MEMBERS; m++)
    log_entry(s, ENTRY_SESSION_OPENED, m, now += TG_SECOND, 0);
  for (int b = 0; b < BULLETINS; b++) {
    now += (b % 17 < 8 ? 3 : 95) * TG_MINUTE + b * 1700;
    log_entry(s, is_refused(b) ? ENTRY_REFUSED : ENTRY_ACCEPTED, from_of(b), now, b);
    for (unsigned m = 0; m < MEMBERS && !is_refused(b); m++)
      if (goes_to(b, m)) {
        log_entry(s, ENTRY_FORWARDED, m, now + 40, b);
        if ((b + (int)m) % 7)
          log_entry(s, ENTRY_RECEIPTS, m, now + 90 * (1 + (int)m), b);
      }
  }
}

static void sign_it(struct stage *s)
{
  struct witness_state state;
  struct buf cosigned = buf_new(CHECKPOINT_BYTES_MAX);
  s->note = kit_note(s->log, s->n);
  assert_int_equal(witness_update(NULL, &s->log->vkey, buf_slice(&s->note), slice_of(NULL, 0), &state, NULL, NULL), TG_OK);
  for (size_t i = 0; i < 2; i++) {
    s->witness[i] = kit_key(KEY_WITNESS, i ? "sahel.example/SN/w1" : "sahel.example/ML/w1", (uint8_t)(50 + i));
    buf_clear(&cosigned);
    assert_int_equal(witness_cosign(&state, s->witness[i], KIT_NOW, &cosigned, NULL), TG_OK);
    /* Its line, the last, joins the others. */
    struct slice text = buf_slice(&cosigned);
    size_t at = text.n - 1;
    while (text.p[at - 1] != '\n')
      at--;
    buf_put(&s->note, text.p + at, text.n - at);
  }
  buf_free(&cosigned);
}

/* ---- what is told */

static json_t *hex_of(const struct hash *h)
{
  char text[65];
  sodium_bin2hex(text, sizeof text, h->b, sizeof h->b);
  return json_string(text);
}

static json_t *told(const struct stage *s, size_t i)
{
  const struct record *r = &s->record[i];
  const char member[3] = {r->entry.member[0], r->entry.member[1], 0};
  char text[25];
  time_print(r->entry.time, text);
  json_t *e = json_pack("{s:I,s:s,s:I,s:s,s:s,s:s,s:I}", "index", (json_int_t)i, "time", text, "time_ms", (json_int_t)r->entry.time,
                        "type", entry_type_name(r->entry.type), "sentence", tr(entry_type_sentence(r->entry.type)), "state", member,
                        "number", (json_int_t)r->entry.number);
  if (r->bulletin >= 0)
    json_object_set_new(e, "subject", hex_of(&r->entry.subject));
  if (r->entry.reason)
    json_object_set_new(e, "reason_sentence", json_string(tr(reason_sentence(r->entry.reason))));
  if (r->entry.reason)
    json_object_set_new(e, "reason", json_string(reason_name(r->entry.reason)));
  if (r->entry.detail.n)
    json_object_set_new(e, "detail", json_stringn((const char *)r->entry.detail.p, r->entry.detail.n));
  return e;
}

static json_t *members(void)
{
  json_t *list = json_array();
  for (size_t i = 0; i < MEMBERS; i++)
    json_array_append_new(list, json_string(MEMBER[i]));
  return list;
}

static json_t *tell_about(struct stage *s)
{
  json_t *types = json_array();
  for (unsigned t = 1; t <= ENTRY_TYPES; t++)
    json_array_append_new(types, json_pack("{s:s,s:s}", "name", entry_type_name(t), "sentence", tr(entry_type_sentence(t))));
  return json_pack("{s:s,s:n,s:n,s:n,s:s,s:s,s:I,s:I,s:b,s:b,s:o,s:o}", "kind", "hub", "node", "gaps", "unproven", "log",
                   s->log->vkey.name, "place", "stage", "size", (json_int_t)s->n, "opened",
                   (json_int_t)s->n, "settled", 1, "vouched", 1, "states", members(), "types", types);
}

static json_t *tell_timeline(struct stage *s)
{
  static const char *const kinds[] = {"accepted", "refused", "receipts", "other"};
  const tg_time step = TG_HOUR, first = s->record[0].entry.time / step * step;
  json_t *line = json_pack("{s:s,s:I,s:[s,s],s:[]}", "step", "hour", "step_ms", (json_int_t)step, "steps", "hour", "day", "times");
  for (size_t k = 0; k < 4; k++)
    json_object_set_new(line, kinds[k], json_array());
  for (tg_time from = first; from <= s->record[s->n - 1].entry.time; from += step) {
    json_int_t count[4] = {0};
    for (size_t i = 0; i < s->n; i++) {
      const struct entry *e = &s->record[i].entry;
      if (e->time >= from && e->time < from + step)
        count[e->type == ENTRY_ACCEPTED ? 0 : e->type == ENTRY_REFUSED ? 1 : e->type == ENTRY_RECEIPTS ? 2 : 3]++;
    }
    json_array_append_new(json_object_get(line, "times"), json_integer(from));
    for (size_t k = 0; k < 4; k++)
      json_array_append_new(json_object_get(line, kinds[k]), json_integer(count[k]));
  }
  return line;
}

static json_t *tell_matrix(void)
{
  json_t *names = json_object(), *pairs = json_array();
  for (unsigned a = 0; a < MEMBERS; a++) {
    json_object_set_new(names, MEMBER[a], json_string(NAME[a]));
    for (unsigned b = 0; b < MEMBERS; b++) {
      json_int_t given = 0, stored = 0;
      for (int i = 0; i < BULLETINS; i++)
        if (from_of(i) == a && !is_refused(i) && goes_to(i, b))
          given++, stored += (i + (int)b) % 7 != 0;
      if (given)
        json_array_append_new(pairs, json_pack("{s:s,s:s,s:I,s:I,s:I}", "from", MEMBER[a], "to", MEMBER[b], "given", given, "stored",
                                               stored, "read", stored / 2));
    }
  }
  return json_pack("{s:o,s:o,s:o}", "states", members(), "names", names, "pairs", pairs);
}

static bool argument(const struct http_request *r, const char *name, char out[128])
{
  struct buf value = buf_new(127);
  bool there = http_argument(r, name, &value) == TG_OK && value.n > 0;
  snprintf(out, 128, "%.*s", (int)value.n, (const char *)value.p);
  buf_free(&value);
  return there;
}

static json_t *tell_entries(struct stage *s, const struct http_request *r)
{
  char type[128], state[128], cursor[128];
  bool by_type = argument(r, "type", type), by_state = argument(r, "state", state);
  size_t at = argument(r, "cursor", cursor) ? strtoul(cursor, NULL, 10) : s->n;
  json_t *found = json_array(), *next = json_null();
  while (at-- > 0) {
    const struct entry *e = &s->record[at].entry;
    if ((by_type && strcmp(type, entry_type_name(e->type)) != 0) || (by_state && memcmp(state, e->member, 2) != 0))
      continue;
    if (json_array_size(found) == PAGE) {
      next = json_integer((json_int_t)at + 1);
      break;
    }
    json_array_append_new(found, told(s, at));
  }
  return json_pack("{s:o,s:o}", "entries", found, "next", next);
}

static json_t *tell_refusals(struct stage *s)
{
  json_t *refusals = json_array();
  for (size_t i = s->n; i-- > 0;)
    if (s->record[i].entry.type == ENTRY_REFUSED)
      json_array_append_new(refusals, told(s, i));
  return json_pack("{s:o,s:[{s:o,s:s,s:s,s:s,s:s,s:s,s:s,s:i}],s:n}", "refusals", refusals, "denials", "subject",
                   hex_of(&s->record[6].entry.subject), "time", "2026-11-28T00:03:00Z", "from", "BF", "state", "TD", "stage", "export", "rule",
                   "deny alert.border to TD", "file", "BF.policy", "line", 12, "next");
}

static json_t *tell_story(struct stage *s, const struct http_request *r)
{
  char id[128], text[65];
  json_t *story = json_array(), *to = json_array();
  int bulletin = -1;
  (void)argument(r, "id", id);
  for (size_t i = 0; i < s->n; i++) {
    sodium_bin2hex(text, sizeof text, s->record[i].entry.subject.b, 32);
    if (s->record[i].bulletin >= 0 && !strcmp(text, id)) {
      bulletin = s->record[i].bulletin;
      json_array_append_new(story, told(s, i));
    }
  }
  for (unsigned m = 0; m < MEMBERS && bulletin >= 0; m++)
    if (goes_to(bulletin, m))
      json_array_append_new(to, json_pack("{s:s,s:s,s:s?}", "node", NAME[m], "state", MEMBER[m], "stored",
                                          (bulletin + (int)m) % 7 ? "2026-12-01T00:00:00Z" : NULL));
  if (bulletin < 0) {
    json_decref(story);
    json_decref(to);
    return NULL;
  }
  json_int_t known = (json_int_t)json_array_size(to);
  return json_pack("{s:s,s:s,s:{s:i,s:s,s:[s,s],s:[{s:s,s:s}]},s:o,s:o,s:{s:I,s:I,s:b},s:[{s:s,s:s,s:s,s:s,s:i}]}", "bulletin", id, "state",
                   MEMBER[from_of(bulletin)], "header", "number", bulletin + 1, "precedence", PRECEDENCE[bulletin % 4], "topics",
                   "alert.border", "alert.convoy", "portions", "level", "RESTRICTED", "tlp", "amber", "entries", story, "recipients", to, "audience", "signed", known, "known", known, "complete", 1, "denied",
                   "state", "DZ", "stage", "export", "rule", "deny alert.border to DZ", "file", "ML.policy", "line", 12);
}

static json_t *tell_checkpoints(struct stage *s)
{
  char root[65];
  struct checkpoint c = kit_checkpoint(s->log, s->n);
  sodium_bin2hex(root, sizeof root, c.root.b, 32);
  return json_pack("{s:[{s:I,s:s,s:s,s:b,s:[{s:s,s:s},{s:s,s:s}]}]}", "checkpoints", "size", (json_int_t)s->n, "root", root, "seen",
                   "2026-12-01T00:00:00Z", "settled", 1, "cosigned", "witness", "w1", "state", "ML", "witness", "w1", "state", "SN");
}

static json_t *tell_checkpoint(struct stage *s)
{
  char vkey[NOTE_VKEY_MAX], root[64];
  struct checkpoint c = kit_checkpoint(s->log, s->n);
  json_t *witnesses = json_array();
  for (size_t i = 0; i < 2; i++) {
    struct note_key key;
    assert_int_equal(secret_key_note_key(s->witness[i], &key), TG_OK);
    (void)note_key_print(&key, vkey);
    json_array_append_new(witnesses, json_pack("{s:s,s:s,s:s}", "name", key.name, "state", i ? "SN" : "ML", "vkey", vkey));
  }
  (void)note_key_print(&s->log->vkey, vkey);
  sodium_bin2base64(root, sizeof root, c.root.b, 32, sodium_base64_VARIANT_ORIGINAL);
  return json_pack("{s:s,s:I,s:s,s:s,s:b,s:o,s:s%}", "origin", s->log->vkey.name, "size", (json_int_t)s->n, "root", root, "vkey",
                   vkey, "settled", 1, "witnesses", witnesses, "note",
                   (const char *)s->note.p, s->note.n);
}

static size_t number_of(const struct http_request *r, const char *name)
{
  char text[128];
  return argument(r, name, text) ? strtoul(text, NULL, 10) : 0;
}

static void tell_proof(struct stage *s, size_t index, struct buf *out)
{
  struct merkle_path path;
  const struct record *r = &s->record[index];
  assert_int_equal(ledger_inclusion(s->log->ledger, index, s->n, &path), TG_OK);
  const struct opening o = {.entry = buf_slice(&r->bytes), .salt = slice_of(r->salt, ENTRY_SALT), .index = index,
                            .path = merkle_path_slice(&path)};
  assert_int_equal(proof_print(&o, buf_slice(&s->note), out), TG_OK);
}

static void tell_leaves(struct stage *s, size_t tile, size_t width, struct buf *out)
{
  for (size_t i = tile * 256; i < tile * 256 + width && i < s->n; i++) {
    struct hash leaf = entry_leaf(s->record[i].salt, buf_slice(&s->record[i].bytes));
    if (!strcmp(s->lie, "leaf") && i == 300)
      leaf.b[7] ^= 4;
    buf_put(out, leaf.b, sizeof leaf.b);
  }
}

/* ---- lies, made after all was signed */

static void lie(struct stage *s)
{
  buf_put_u8(&s->note, 0);
  s->note.n--;
  char *line = (char *)s->note.p;
  if (!strcmp(s->lie, "entry")) /* this entry says now that it was another state */
    s->record[40].bytes.p[s->record[40].bytes.n - 3] ^= 1;
  if (!strcmp(s->lie, "root")) /* a root that nobody signed */
    line[strcspn(line, "\n") + 8] ^= 1;
  if (!strcmp(s->lie, "signature") || !strcmp(s->lie, "witness")) {
    char *letter = strstr(line, !strcmp(s->lie, "witness") ? "/SN/w1 " : "-log ") + 60;
    *letter = *letter == 'A' ? 'B' : 'A';
  }
}

static enum tg_err answer(void *arg, struct slice question, const struct http_request *r, json_t **ret, struct buf *bytes,
                          struct tg_why *why)
{
  struct stage *s = arg;
  if (slice_is(question, "about"))
    *ret = tell_about(s);
  else if (slice_is(question, "timeline"))
    *ret = tell_timeline(s);
  else if (slice_is(question, "matrix"))
    *ret = tell_matrix();
  else if (slice_is(question, "entries"))
    *ret = tell_entries(s, r);
  else if (slice_is(question, "refusals"))
    *ret = tell_refusals(s);
  else if (slice_is(question, "checkpoints"))
    *ret = tell_checkpoints(s);
  else if (slice_is(question, "story"))
    *ret = tell_story(s, r);
  else if (slice_is(question, "checkpoint"))
    *ret = tell_checkpoint(s);
  else if (slice_is(question, "entry") && number_of(r, "index") < s->n)
    *ret = told(s, number_of(r, "index"));
  else if (slice_is(question, "proof") && number_of(r, "index") < s->n)
    return tell_proof(s, number_of(r, "index"), bytes), TG_OK;
  else if (slice_is(question, "leaves"))
    return tell_leaves(s, number_of(r, "index"), number_of(r, "width"), bytes), TG_OK;
  return *ret ? TG_OK : why_set(why, TG_NOT_FOUND, NULL, N_("there is no such entry"), NULL, NULL, NULL, NULL);
}

static void on_input(void *arg, short events)
{
  struct stage *s = arg;
  char byte;
  (void)events;
  if (read(STDIN_FILENO, &byte, 1) <= 0)
    loop_stop(s->loop, 0);
}

int main(int argc, char **argv)
{
  static struct stage s;
  struct site *site = NULL;
  int fd = -1;
  speak_init();
  assert_true(sodium_init() >= 0);
  s.lie = argc > 1 ? argv[1] : "honest";
  s.log = kit_log_new("sahel.example/dakar-log", 0);
  play(&s);
  sign_it(&s);
  lie(&s);
  s.loop = loop_new();
  assert_int_equal(http_listen("127.0.0.1:0", &fd, NULL), TG_OK);
  assert_int_equal(site_new(s.loop, &(struct site_options){.fd = fd, .answer = answer, .arg = &s}, &site, NULL), TG_OK);
  struct loop_watch *watch = loop_watch(s.loop, STDIN_FILENO, POLLIN, on_input, &s);
  assert_non_null(watch);
  printf("%s\n", site_address(site));
  fflush(stdout);
  int code = loop_run(s.loop);
  loop_watch_free(&watch);
  site_free(&site);
  loop_free(s.loop);
  for (size_t i = 0; i < s.n; i++)
    buf_free(&s.record[i].bytes);
  for (size_t i = 0; i < 2; i++)
    secret_key_free(s.witness[i]);
  buf_free(&s.note);
  kit_log_free(s.log);
  return code;
}
