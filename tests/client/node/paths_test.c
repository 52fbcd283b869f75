/* Every path on which a bulletin, or that it exists, can reach someone: each frame that a hub sends a node, each answer that a node gives
   a local program of each role, each question, each hook, each entry of the log. All of them are walked, for six states that stand
   differently to one bulletin and for every state that the bulletin can be in, and what is seen there is exactly what the table
   below permits: nothing more, and nothing less.

   The paths come from the code: a type of frame, request, question or entry that has no row here fails the first test, by name. */
#include "audit/entry.h"
#include "client/node/query.h"
#include "client/node/waiting.h"
#include "tests/client/node/look.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define START ((tg_time)1796083200000) /* 2026-12-01T00:00:00Z */
#define OPEN "export allow ** to * up-to SECRET\nimport allow ** from * up-to SECRET\nexport deny ** to NE\n"
#define TOPIC "alert.secret-matter"
#define ONE "first secret"
#define TWO "second secret"

/* Who looks: ML wrote it; BF may read its first portion, SN its second; NE and TD are on the release list, but our policy denies NE and
   the charter has suspended TD; NG is not named. */
enum { NG = SN + 1, TD, OBSERVERS };
#define M(member) (1u << (member))

/* What the bulletin has become. */
enum state {
  WAITS,            /* for approvals */
  QUEUED,           /* nobody it is for is connected */
  HELD,             /* queued, and our policy closed before they came */
  DELIVERED,
  DELIVERED_AGAIN,  /* the connection broke before it was acknowledged */
  LARGE,            /* delivered in chunks */
  CORRECTED,        /* after it was delivered */
  RECALLED,         /* after it was delivered */
  RECALLED_UNSEEN,  /* while it was queued */
  EXPIRED,          /* while it was queued */
  RECIPIENT_REVOKED /* BF's node, while it was queued */
};
enum { STATES = RECIPIENT_REVOKED + 1, ALL_STATES = (1 << STATES) - 1 };
#define S(state) (1u << (state))
static const char *const state_names[STATES] = {"waits",     "queued",   "held",            "delivered", "delivered again", "large",
                                                "corrected", "recalled", "recalled unseen", "expired",   "recipient revoked"};
static const char *const observer_names[OBSERVERS] = {"ML", "BF", "NE", "SN", "NG", "TD"};

/* What can be seen. */
enum { EXISTS = 1, FIRST = 2, SECOND = 4 };

/* ---- what the table permits ---- */

enum { FRAME, ANSWER, QUESTION, HOOK, STICK };

struct cell {
  int kind;
  int type;         /* of frame or request; 0: hooks */
  const char *name; /* of a question */
  unsigned who, roles, states, seen;
};

/* Came to its recipients whole; is still readable there; is still known there. */
#define CAME (S(DELIVERED) | S(DELIVERED_AGAIN) | S(LARGE) | S(CORRECTED) | S(RECALLED))
#define LIVES (CAME & ~S(RECALLED))
#define LEFT (ALL_STATES & ~S(WAITS)) /* it has left the originator's node */
#define ANY_ROLE NODE_ROLES_ALL

static const struct cell table[] = {
    /* the hub to the originator: the answer, what it asks for, receipts; to recipients: the bulletin, in pieces where it is large */
    {FRAME, FRAME_OUTCOMES, NULL, M(ML), 0, LEFT, EXISTS},
    {FRAME, FRAME_WANT, NULL, M(ML), 0, S(LARGE), EXISTS},
    {FRAME, FRAME_RECEIPT_NOTES, NULL, M(ML), 0, CAME, EXISTS},
    {FRAME, FRAME_RECEIPT_NOTES, NULL, M(ML), 0, S(RECIPIENT_REVOKED), EXISTS}, /* SN's */
    {FRAME, FRAME_DELIVER, NULL, M(BF), 0, CAME, EXISTS},
    {FRAME, FRAME_DELIVER, NULL, M(SN), 0, CAME | S(RECIPIENT_REVOKED), EXISTS},
    {FRAME, FRAME_CHUNK, NULL, M(BF), 0, S(LARGE), EXISTS},
    /* what a recipient stated itself, when its auditor asks; of what was taken back it said that it is not there */
    {FRAME, FRAME_RECEIPTS_LOGGED, NULL, M(BF), 0, CAME | S(RECALLED_UNSEEN), EXISTS},
    {FRAME, FRAME_RECEIPTS_LOGGED, NULL, M(SN), 0, CAME | S(RECIPIENT_REVOKED) | S(RECALLED_UNSEEN), EXISTS},

    /* readers see what has come and what was sent; content only as far as their own node holds it */
    {ANSWER, LOCAL_LIST, NULL, M(ML), NODE_READER, LEFT, EXISTS},
    {ANSWER, LOCAL_LIST, NULL, M(BF), NODE_READER, CAME, EXISTS},
    {ANSWER, LOCAL_LIST, NULL, M(SN), NODE_READER, CAME | S(RECIPIENT_REVOKED), EXISTS},
    {ANSWER, LOCAL_FOLLOW, NULL, M(ML), NODE_READER, LEFT, EXISTS},
    {ANSWER, LOCAL_FOLLOW, NULL, M(BF), NODE_READER, LIVES & ~S(LARGE), EXISTS | FIRST}, /* short content comes along */
    {ANSWER, LOCAL_FOLLOW, NULL, M(BF), NODE_READER, S(LARGE) | S(RECALLED), EXISTS},
    {ANSWER, LOCAL_FOLLOW, NULL, M(SN), NODE_READER, LIVES | S(RECIPIENT_REVOKED), EXISTS | SECOND},
    {ANSWER, LOCAL_FOLLOW, NULL, M(SN), NODE_READER, S(RECALLED), EXISTS},
    {ANSWER, LOCAL_READ, NULL, M(ML), NODE_READER, LEFT & ~S(LARGE) & ~S(EXPIRED), EXISTS | FIRST | SECOND},
    {ANSWER, LOCAL_READ, NULL, M(ML), NODE_READER, S(EXPIRED), EXISTS}, /* erased here too */
    {ANSWER, LOCAL_READ, NULL, M(ML), NODE_READER, S(LARGE), EXISTS | SECOND},
    {ANSWER, LOCAL_READ, NULL, M(BF), NODE_READER, LIVES & ~S(LARGE), EXISTS | FIRST},
    {ANSWER, LOCAL_READ, NULL, M(BF), NODE_READER, S(LARGE) | S(RECALLED), EXISTS},
    {ANSWER, LOCAL_READ, NULL, M(SN), NODE_READER, LIVES | S(RECIPIENT_REVOKED), EXISTS | SECOND},
    {ANSWER, LOCAL_READ, NULL, M(SN), NODE_READER, S(RECALLED), EXISTS},
    {ANSWER, LOCAL_ACK, NULL, M(BF), NODE_READER, CAME, EXISTS},
    {ANSWER, LOCAL_ACK, NULL, M(SN), NODE_READER, CAME | S(RECIPIENT_REVOKED), EXISTS},
    /* of what others sent, readers only; of our own, who publishes too */
    {ANSWER, LOCAL_RESOLVE, NULL, M(ML), NODE_READER | NODE_PUBLISHER, LEFT, EXISTS},
    {ANSWER, LOCAL_RESOLVE, NULL, M(BF), NODE_READER, CAME, EXISTS},
    {ANSWER, LOCAL_RESOLVE, NULL, M(SN), NODE_READER, CAME | S(RECIPIENT_REVOKED), EXISTS},
    {ANSWER, LOCAL_TRACK, NULL, M(ML), NODE_PUBLISHER | NODE_AUDITOR, LEFT, EXISTS},
    {ANSWER, LOCAL_PUBLISH, NULL, M(ML), NODE_PUBLISHER, LEFT, EXISTS}, /* a reply, or what derives from it */
    {ANSWER, LOCAL_PUBLISH, NULL, M(BF), NODE_PUBLISHER, CAME, EXISTS},
    {ANSWER, LOCAL_PUBLISH, NULL, M(SN), NODE_PUBLISHER, CAME | S(RECIPIENT_REVOKED), EXISTS},
    {ANSWER, LOCAL_PUBLISH_DATA, NULL, 0, 0, 0, 0},
    /* what waits is seen by approvers (here nobody else published it) */
    {ANSWER, LOCAL_READ, NULL, M(ML), NODE_APPROVER, S(WAITS), EXISTS | FIRST | SECOND},
    {ANSWER, LOCAL_PREVIEW, NULL, M(ML), NODE_APPROVER, S(WAITS), EXISTS},
    {ANSWER, LOCAL_APPROVE, NULL, M(ML), NODE_APPROVER, S(WAITS), EXISTS},
    {ANSWER, LOCAL_DENY, NULL, M(ML), NODE_APPROVER, S(WAITS), EXISTS},
    {QUESTION, 0, "waiting", M(ML), NODE_APPROVER, S(WAITS), EXISTS},
    /* the journal is for auditors, and says what local programs did: at the originator's node always, elsewhere once somebody read */
    {QUESTION, 0, "journal", M(ML), NODE_AUDITOR, ALL_STATES, EXISTS},
    {QUESTION, 0, "journal", M(BF), NODE_AUDITOR, CAME, EXISTS},
    {QUESTION, 0, "journal", M(SN), NODE_AUDITOR, CAME | S(RECIPIENT_REVOKED), EXISTS},
    {QUESTION, 0, "explain", M(ML), NODE_PUBLISHER, LEFT, EXISTS},
    /* its entry in the log, where it was opened to this node */
    {QUESTION, 0, "prove", M(ML), NODE_READER | NODE_PUBLISHER | NODE_AUDITOR, LEFT, EXISTS},
    {QUESTION, 0, "prove", M(BF), NODE_READER | NODE_AUDITOR, CAME, EXISTS},
    {QUESTION, 0, "prove", M(SN), NODE_READER | NODE_AUDITOR, CAME | S(RECIPIENT_REVOKED), EXISTS},
    /* the same for its auditors, of all bulletins at once */
    {QUESTION, 0, "review", M(ML), NODE_AUDITOR, LEFT, EXISTS},
    {QUESTION, 0, "review", M(BF), NODE_AUDITOR, CAME, EXISTS},
    {QUESTION, 0, "review", M(SN), NODE_AUDITOR, CAME | S(RECIPIENT_REVOKED), EXISTS},
    {QUESTION, 0, "review", M(BF) | M(SN), NODE_AUDITOR, S(RECALLED_UNSEEN), EXISTS}, /* their own receipts about it */
    /* a bundle is written for whom it was sealed to and our policy permits now, and tells who finds it what a hub would see; ML's publisher
       learns of his own bulletin why not */
    {ANSWER, LOCAL_EXPORT, NULL, M(ML), NODE_PUBLISHER, LEFT, EXISTS},
    {STICK, 0, NULL, M(BF), 0, LEFT & ~(S(HELD) | S(RECALLED) | S(RECALLED_UNSEEN) | S(EXPIRED) | S(RECIPIENT_REVOKED)), EXISTS},
    {STICK, 0, NULL, M(SN), 0, LEFT & ~(S(HELD) | S(RECALLED) | S(RECALLED_UNSEEN) | S(EXPIRED)), EXISTS},
    {ANSWER, LOCAL_IMPORT, NULL, 0, 0, 0, 0}, /* what the bundle says that the program brings itself */
    /* the store as it lies on the disk: that there is such a bulletin, and nothing that can be read without the node's key */
    {ANSWER, LOCAL_BACKUP, NULL, M(ML), NODE_ADMIN, ALL_STATES, EXISTS},
    {ANSWER, LOCAL_BACKUP, NULL, M(BF), NODE_ADMIN, CAME, EXISTS},
    {ANSWER, LOCAL_BACKUP, NULL, M(SN), NODE_ADMIN, CAME | S(RECIPIENT_REVOKED), EXISTS},
    {ANSWER, LOCAL_BACKUP, NULL, M(BF) | M(SN), NODE_ADMIN, S(RECALLED_UNSEEN), EXISTS},
    /* hooks are run for what comes */
    {HOOK, 0, NULL, M(BF), 0, CAME & ~S(LARGE), EXISTS | FIRST},
    {HOOK, 0, NULL, M(BF), 0, S(LARGE), EXISTS},
    {HOOK, 0, NULL, M(SN), 0, CAME | S(RECIPIENT_REVOKED), EXISTS | SECOND},

    /* who was to have it learns that it was taken back, and answers; the bulletin itself never comes */
    {FRAME, FRAME_DELIVER, NULL, M(BF) | M(SN), 0, S(RECALLED_UNSEEN), EXISTS},
    {FRAME, FRAME_RECEIPT_NOTES, NULL, M(ML), 0, S(RECALLED_UNSEEN), EXISTS},
    {ANSWER, LOCAL_LIST, NULL, M(BF) | M(SN), NODE_READER, S(RECALLED_UNSEEN), EXISTS},
    {ANSWER, LOCAL_FOLLOW, NULL, M(BF) | M(SN), NODE_READER, S(RECALLED_UNSEEN), EXISTS},
    {HOOK, 0, NULL, M(BF) | M(SN), 0, S(RECALLED_UNSEEN), EXISTS},

    /* these tell of no bulletin, to nobody: what they are about is said behind each */
    {FRAME, FRAME_WELCOME, NULL, 0, 0, 0, 0},           /* the session */
    {FRAME, FRAME_GOODBYE, NULL, 0, 0, 0, 0},           /* its end */
    {FRAME, FRAME_RECEIPTS_SEEN, NULL, 0, 0, 0, 0},     /* a serial number */
    {FRAME, FRAME_DOCUMENTS, NULL, 0, 0, 0, 0},         /* charters, credentials, policies, grants */
    {FRAME, FRAME_DOCUMENT_OUTCOMES, NULL, 0, 0, 0, 0}, /* the same */
    {FRAME, FRAME_TICK, NULL, 0, 0, 0, 0},              /* the time, a checkpoint */
    {ANSWER, LOCAL_HELLO, NULL, 0, 0, 0, 0},            /* the program */
    {ANSWER, LOCAL_PUT_DOCUMENT, NULL, 0, 0, 0, 0},     /* the document */
    {ANSWER, LOCAL_CANCEL, NULL, 0, 0, 0, 0},           /* nothing */
    {ANSWER, LOCAL_QUERY, NULL, 0, 0, 0, 0},            /* by question */
    {QUESTION, 0, "status", 0, 0, 0, 0},                /* numbers of this node */
    {QUESTION, 0, "doctor", 0, 0, 0, 0},                /* its health */
    {QUESTION, 0, "directory", 0, 0, 0, 0},             /* members, nodes, officers */
    {QUESTION, 0, "documents", 0, 0, 0, 0},             /* signed documents */
    {QUESTION, 0, "document", 0, 0, 0, 0},              /* one of them */
};
enum { CELLS = sizeof table / sizeof *table };

static unsigned permitted(int kind, int type, const char *name, unsigned who, unsigned role, enum state state)
{
  unsigned seen = 0;
  for (size_t i = 0; i < CELLS; i++) {
    const struct cell *c = &table[i];
    if (c->kind == kind && c->type == type && (!name || strcmp(c->name, name) == 0) && (c->who & M(who)) &&
        (!role || (c->roles & role)) && (c->states & S(state)))
      seen |= c->seen;
  }
  return seen;
}

static bool has_row(int kind, int type, const char *name)
{
  for (size_t i = 0; i < CELLS; i++)
    if (table[i].kind == kind && table[i].type == type && (!name || strcmp(table[i].name, name) == 0))
      return true;
  return false;
}

/* ---- no path without a row ---- */

static void every_path_has_a_row(void **state)
{
  (void)state;
  for (unsigned type = 1; type < 256; type++) {
    const struct frame_kind *frame = frame_kind((uint8_t)type);
    const struct local_kind *local = local_kind((uint8_t)type);
    if (frame && (frame->direction & FRAME_TO_NODE) && !has_row(FRAME, (int)type, NULL))
      fail_msg("the hub's frame %s has no row: whom may it tell of a bulletin?", frame->name);
    if (local && local->direction == LOCAL_TO_NODE && !has_row(ANSWER, (int)type, NULL))
      fail_msg("the request %s has no row: whom may its answer tell of a bulletin?", local->name);
  }
  for (size_t i = 0; query_name(i); i++)
    if (!has_row(QUESTION, 0, query_name(i)))
      fail_msg("the question %s has no row: whom may its answer tell of a bulletin?", query_name(i));
}

/* ---- the log: who is given the opening of an entry ---- */

enum { O_ACTOR = 1, O_ORIGINATOR = 2, O_RECIPIENT = 4, O_OTHERS = 8 };

/* To whom a frame may open it. Row i is type i + 1. */
static const unsigned openings[] = {
    O_ACTOR | O_ORIGINATOR | O_RECIPIENT,            /* accepted */
    O_ACTOR,                                         /* refused */
    O_ACTOR,                                         /* forwarded */
    O_ACTOR | O_ORIGINATOR,                          /* receipts */
    O_ACTOR | O_ORIGINATOR | O_RECIPIENT | O_OTHERS, /* document: all members */
    O_ACTOR,                                         /* session opened */
    O_ACTOR,                                         /* session cut */
    O_ORIGINATOR | O_RECIPIENT,                      /* expired */
    O_ACTOR | O_ORIGINATOR | O_RECIPIENT,            /* recalled */
    O_ORIGINATOR,                                    /* held: its actor is a recipient who is denied, and learns nothing */
    O_ACTOR | O_ORIGINATOR | O_RECIPIENT | O_OTHERS, /* configuration */
    O_ACTOR | O_ORIGINATOR,                          /* alarm */
    O_ACTOR,                                         /* document refused */
    O_ORIGINATOR,                                    /* overdue: counts recipients, who need not learn how others answer */
};
_Static_assert(sizeof openings / sizeof *openings == ENTRY_TYPES, "an entry of the log without a row: who may see its opening?");

/* ---- a world with one bulletin ---- */

struct spy {
  struct scene *scene;
  unsigned who;
  unsigned seen[256];               /* by type of frame */
  unsigned opened[ENTRY_TYPES + 1]; /* by type of entry: how many openings came */
  bool accepted;                    /* the bulletin's own entry was among them */
};

struct scene {
  enum state state;
  struct kit *kit;
  struct pair *pair;
  struct hash id, amending; /* of the bulletin, or of the draft that waits; of what corrects or recalls it */
  struct spy spy[OBSERVERS];
  unsigned wrong;
};

static bool holds(struct slice bytes, const void *what, size_t n) { return n && bytes.n >= n && memmem(bytes.p, bytes.n, what, n); }

/* What these bytes tell of the bulletin. */
static unsigned seen_in(const struct scene *s, struct slice bytes)
{
  char hex[65];
  sodium_bin2hex(hex, sizeof hex, s->id.b, sizeof s->id.b);
  const bool exists = holds(bytes, s->id.b, sizeof s->id.b) || holds(bytes, hex, 64) || holds(bytes, TOPIC, strlen(TOPIC));
  return (exists ? EXISTS : 0) | (holds(bytes, ONE, strlen(ONE)) ? FIRST : 0) | (holds(bytes, TWO, strlen(TWO)) ? SECOND : 0);
}

/* Every bulletin here is ML's, for BF and SN, and so is every receipt about one. */
static void look_at_entry(struct spy *spy, struct slice bytes)
{
  struct entry e;
  assert_int_equal(entry_parse(bytes, &e, NULL), TG_OK);
  const struct sign_pk me = secret_key_sign_pk(spy->scene->kit->member[spy->who].node[0].identity);
  const unsigned as = O_OTHERS | (sign_pk_eq(&e.actor, &me) ? O_ACTOR : 0) | (spy->who == ML ? O_ORIGINATOR : 0) |
                      (spy->who == BF || spy->who == SN ? O_RECIPIENT : 0);
  if (!(openings[e.type - 1] & as)) {
    print_error("%s: the hub opened an entry \"%s\" to %s\n", state_names[spy->scene->state], entry_type_name(e.type), observer_names[spy->who]);
    spy->scene->wrong++;
  }
  spy->opened[e.type]++;
  spy->accepted |= e.type == ENTRY_ACCEPTED && hash_eq(&e.subject, &spy->scene->id);
}

/* Whatever field of whatever message is called "entry" is one, so that no new frame goes past this. */
static void look_for_entries(struct spy *spy, const ProtobufCMessage *m)
{
  for (unsigned i = 0; i < m->descriptor->n_fields; i++) {
    const ProtobufCFieldDescriptor *f = &m->descriptor->fields[i];
    const uint8_t *at = (const uint8_t *)m + f->offset;
    const bool many = f->label == PROTOBUF_C_LABEL_REPEATED;
    if (f->type == PROTOBUF_C_TYPE_BYTES && !many && strcmp(f->name, "entry") == 0) {
      const ProtobufCBinaryData *data = (const ProtobufCBinaryData *)at;
      if (data->len)
        look_at_entry(spy, strict_slice(*data));
    } else if (f->type == PROTOBUF_C_TYPE_MESSAGE) {
      const size_t n = many ? *(const size_t *)((const uint8_t *)m + f->quantifier_offset) : 1;
      ProtobufCMessage *const *each = many ? *(ProtobufCMessage *const *const *)at : (ProtobufCMessage *const *)at;
      for (size_t j = 0; j < n; j++)
        if (each[j])
          look_for_entries(spy, each[j]);
    }
  }
}

/* A Chunk has a handle instead of the bulletin's id: there is no other body here that it could be of. */
static bool look_at_frame(void *context, struct buf *frame)
{
  struct spy *spy = context;
  const struct frame_kind *kind;
  ProtobufCMessage *message;
  struct arena *arena = arena_new(FRAME_ARENA);
  assert_non_null(arena);
  assert_int_equal(frame_decode(buf_slice(frame), FRAME_TO_NODE, arena, &kind, &message, NULL), TG_OK);
  spy->seen[kind->type] |= kind->type == FRAME_CHUNK ? EXISTS : seen_in(spy->scene, buf_slice(frame));
  look_for_entries(spy, message);
  arena_free(arena);
  return true;
}

static void suspend_chad(struct charter *c)
{
  for (size_t i = 0; i < c->n_members; i++)
    if (strcmp(c->member[i].code.code, "TD") == 0)
      c->member[i].standing = STANDING_NO_NEW_TRAFFIC;
}

static void policy(struct scene *s, const char *rules)
{
  kit_policy(s->kit, ML, rules, pair_now(s->pair), 1);
  pair_document(s->pair, buf_slice(&s->kit->member[ML].policy));
  pair_settle(s->pair);
}

static const uint32_t roles[] = {NODE_READER, NODE_PUBLISHER, NODE_APPROVER, NODE_OFFICER, NODE_AUDITOR};
enum { ROLES = sizeof roles / sizeof *roles, UID = 2000 };

static void plug(struct scene *s, bool in)
{
  pair_plug(s->pair, BF, in);
  pair_plug(s->pair, SN, in);
}

static void publish(struct scene *s, const struct pair_bulletin *b)
{
  assert_int_equal(pair_publish(s->pair, ML, b, &s->id), TG_OK);
  pair_settle(s->pair);
}

static void amend(struct scene *s, uint32_t kind)
{
  const struct pair_bulletin b = {.to = "BF,NE,TD", .tear_to = "SN", .text = "no", .tear_text = "no", .topic = "alert.other",
                                  .kind = kind, .supersedes = &s->id};
  assert_int_equal(pair_publish(s->pair, ML, &b, &s->amending), TG_OK);
  pair_settle(s->pair);
}

static bool lose_receipts(void *context, struct buf *frame)
{
  look_at_frame(context, frame);
  return frame->n < 2 || frame->p[1] != FRAME_DELIVER; /* it came to the node's door, and no further */
}

/* The bulletin, brought into its state. */
static void bring_about(struct scene *s)
{
  struct pair_bulletin b = {.to = "BF,NE,TD", .text = ONE, .tear_to = "SN", .tear_text = TWO, .topic = TOPIC};
  struct pair *p = s->pair;
  switch (s->state) {
  case WAITS:
    policy(s, OPEN "export require approvals 1 by release for **\n");
    publish(s, &b);
    return;
  case LARGE:
    b.size = 2000000;
    publish(s, &b);
    pair_pass(p, 10 * TG_SECOND);
    return;
  case DELIVERED:
    publish(s, &b);
    return;
  case DELIVERED_AGAIN:
    pair_set_filter(p, BF, lose_receipts, &s->spy[BF]);
    publish(s, &b);
    assert_int_equal(look_inbox(p, BF), 0);
    plug(s, false);
    pair_set_filter(p, BF, look_at_frame, &s->spy[BF]);
    plug(s, true);
    pair_pass(p, TG_MINUTE);
    return;
  case CORRECTED:
  case RECALLED:
    publish(s, &b);
    amend(s, s->state == CORRECTED ? KIND_CORRECTION : KIND_RECALL);
    pair_pass(p, 10 * TG_SECOND);
    return;
  case QUEUED:
  case HELD:
  case RECALLED_UNSEEN:
  case EXPIRED:
  case RECIPIENT_REVOKED:
    break;
  }
  plug(s, false);
  b.expires = s->state == EXPIRED ? (uint64_t)(pair_now(p) + TG_HOUR) : 0;
  publish(s, &b);
  if (s->state == QUEUED)
    return;
  if (s->state == HELD)
    policy(s, OPEN "export deny ** to BF SN\n");
  if (s->state == RECALLED_UNSEEN)
    amend(s, KIND_RECALL);
  if (s->state == EXPIRED)
    pair_pass(p, 2 * TG_HOUR);
  if (s->state == RECIPIENT_REVOKED) {
    struct buf note = kit_revoke(s->kit, BF, &s->kit->member[BF].node[0], pair_now(p));
    pair_document(p, buf_slice(&note));
    buf_free(&note);
  }
  plug(s, true);
  pair_pass(p, TG_MINUTE);
}

static struct scene *scene_new(enum state state)
{
  static const char *const hooks[] = {"spy", "bell", NULL};
  static const bool alarms[] = {false, true};
  static struct node_user users[ROLES + 1] = {{0, NODE_ADMIN}};
  struct scene *s = calloc(1, sizeof *s);
  assert_non_null(s);
  s->state = state;
  s->kit = kit_new(OBSERVERS, START, suspend_chad);
  kit_policy(s->kit, ML, OPEN, START, 1);
  s->pair = pair_new(s->kit);
  for (unsigned i = 0; i < ROLES; i++)
    users[i + 1] = (struct node_user){UID + i, roles[i]};
  randombytes_buf(&s->id, sizeof s->id); /* nothing is of it yet */
  for (size_t i = 0; i < OBSERVERS; i++) {
    pair_config(s->pair, i)->hooks = hooks;
    pair_config(s->pair, i)->hook_alarms = alarms;
    pair_config(s->pair, i)->users = users;
    pair_config(s->pair, i)->n_users = ROLES + 1;
    s->spy[i].scene = s;
    s->spy[i].who = (unsigned)i;
    pair_set_filter(s->pair, i, look_at_frame, &s->spy[i]);
    pair_start(s->pair, i);
  }
  pair_settle(s->pair);
  bring_about(s);
  return s;
}

static void scene_free(struct scene *s)
{
  pair_free(s->pair);
  kit_free(s->kit);
  free(s);
}

/* ---- asking ---- */

/* What a program of this role gets to know at this node by one request; zeros in `first` when there was no answer. */
struct heard {
  unsigned seen;
  enum local_type type;
  uint32_t err;
  char what[128];
};

static struct heard ask(struct scene *s, unsigned who, unsigned role, enum local_type type, const ProtobufCMessage *m)
{
  struct buf all = buf_new(64 << 20);
  struct heard h = {0};
  const ProtobufCMessage *first = pair_program(s->pair, who, UID + role, type, m, &all, &h.type);
  h.seen = seen_in(s, buf_slice(&all));
  if (first && h.type == LOCAL_ERROR) {
    const Tg__LError *e = (const Tg__LError *)first;
    h.err = e->err;
    snprintf(h.what, sizeof h.what, "%.*s", (int)e->what.len, (const char *)e->what.data);
  }
  buf_free(&all);
  return h;
}

static ProtobufCBinaryData bytes_of(const struct hash *id) { return strict_data_of(id->b, sizeof id->b); }

static struct heard ask_about(struct scene *s, unsigned who, unsigned role, enum local_type type, const struct hash *id,
                              uint32_t portion)
{
  static const uint8_t signature[64] = {1};
  Tg__LRead read = TG__LREAD__INIT;
  Tg__LAck ack = TG__LACK__INIT;
  Tg__LTrack track = TG__LTRACK__INIT;
  Tg__LResolve resolve = TG__LRESOLVE__INIT;
  Tg__LPreview preview = TG__LPREVIEW__INIT;
  Tg__LApprove approve = TG__LAPPROVE__INIT;
  Tg__LDeny deny = TG__LDENY__INIT;
  Tg__LPublish reply = TG__LPUBLISH__INIT;
  Tg__LExport export = TG__LEXPORT__INIT;
  ProtobufCBinaryData exported = bytes_of(id);
  char hex[65];
  sodium_bin2hex(hex, sizeof hex, id->b, sizeof id->b);
  ProtobufCBinaryData topic = strict_data(slice_str("alert.other")), to = strict_data(slice_str("ML")), source = bytes_of(id);
  Tg__LPortionDraft part = TG__LPORTION_DRAFT__INIT, *parts[] = {&part};
  Tg__LDraft draft = TG__LDRAFT__INIT;
  part = (Tg__LPortionDraft){.base = part.base, .level = 1, .tlp = 1, .n_to = 1, .to = &to, .size = 1};
  draft = (Tg__LDraft){.base = draft.base, .n_topics = 1, .topics = &topic, .n_sources = 1, .sources = &source, .n_portions = 1,
                       .portions = parts};
  read.sealed = portion == 2;
  read.portion = read.sealed ? 0 : portion;
  read.bulletin = ack.bulletin = track.bulletin = preview.waiting = approve.draft = deny.draft = bytes_of(id);
  resolve.prefix = strict_data_of(hex, 12); /* what an answer repeats is no news */
  approve.officer = strict_data_of(signature, 32);
  approve.signature = strict_data_of(signature, 64);
  approve.time = (uint64_t)pair_now(s->pair);
  deny.reason = strict_data(slice_str("no"));
  reply.draft = &draft;
  export.to = strict_data(slice_str("BF"));
  export.n_bulletins = 1;
  export.bulletins = &exported;
  switch (type) {
  case LOCAL_READ:
    return ask(s, who, role, type, &read.base);
  case LOCAL_ACK:
    return ask(s, who, role, type, &ack.base);
  case LOCAL_TRACK:
    return ask(s, who, role, type, &track.base);
  case LOCAL_RESOLVE:
    return ask(s, who, role, type, &resolve.base);
  case LOCAL_PREVIEW:
    return ask(s, who, role, type, &preview.base);
  case LOCAL_APPROVE:
    return ask(s, who, role, type, &approve.base);
  case LOCAL_DENY:
    return ask(s, who, role, type, &deny.base);
  case LOCAL_EXPORT:
    return ask(s, who, role, type, &export.base);
  case LOCAL_PUBLISH:
    return ask(s, who, role, type, &reply.base);
  default:
    fail_msg("a request about a bulletin that the test cannot ask");
  }
  return (struct heard){0};
}

/* Who gets another answer than about a bulletin that is nowhere knows that this one exists. */
static unsigned differs(const struct heard *a, const struct heard *b)
{
  return a->type != b->type || a->err != b->err || strcmp(a->what, b->what) != 0 ? EXISTS : 0;
}

static unsigned asked_by_id(struct scene *s, unsigned who, unsigned role, enum local_type type)
{
  unsigned seen = 0;
  struct hash nowhere;
  randombytes_buf(&nowhere, sizeof nowhere);
  for (uint32_t portion = 0; portion < (type == LOCAL_READ ? 3u : 1u); portion++) { /* of LOCAL_READ the third is the first, sealed */
    const struct heard real = ask_about(s, who, role, type, &s->id, portion), none = ask_about(s, who, role, type, &nowhere, portion);
    seen |= real.seen | differs(&real, &none);
  }
  return seen;
}

static unsigned listed(struct scene *s, unsigned who, unsigned role, enum local_type type)
{
  unsigned seen = 0;
  for (uint32_t folder = 1; folder <= 2; folder++) {
    Tg__LFilter filter = TG__LFILTER__INIT;
    Tg__LList list = TG__LLIST__INIT;
    Tg__LFollow follow = TG__LFOLLOW__INIT;
    filter.folder = folder;
    list.filter = follow.filter = &filter;
    follow.content = LOCAL_DATA;
    seen |= ask(s, who, role, type, type == LOCAL_LIST ? &list.base : &follow.base).seen;
  }
  return seen;
}

/* Of a page of entries: in base64 stands what their subject does not tell. */
static unsigned seen_in_dossiers(struct scene *s, unsigned who, unsigned role, Tg__LQuery *m)
{
  static uint8_t bytes[1 << 16];
  enum local_type type;
  struct buf all = buf_new(64 << 20);
  const ProtobufCMessage *first = pair_program(s->pair, who, UID + role, LOCAL_QUERY, &m->base, &all, &type);
  unsigned seen = seen_in(s, buf_slice(&all));
  const Tg__LJson *json = (const Tg__LJson *)first;
  json_t *page = type == LOCAL_JSON ? json_loadb((const char *)json->json.data, json->json.len, 0, NULL) : NULL;
  json_t *one;
  size_t i, n;
  json_array_foreach(json_object_get(page, "entries"), i, one) {
    const json_t *dossier = json_object_get(one, "dossier");
    assert_int_equal(sodium_base642bin(bytes, sizeof bytes, json_string_value(dossier), json_string_length(dossier), NULL, &n, NULL,
                                       sodium_base64_VARIANT_ORIGINAL), 0);
    seen |= seen_in(s, slice_of(bytes, n));
  }
  json_decref(page);
  buf_free(&all);
  return seen;
}

static struct heard question(struct scene *s, unsigned who, unsigned role, const char *name, const struct hash *id)
{
  Tg__LQuery m = TG__LQUERY__INIT;
  char hex[65];
  ProtobufCBinaryData args[2] = {{64, (uint8_t *)hex}, strict_data(slice_str("BF"))};
  sodium_bin2hex(hex, sizeof hex, id->b, sizeof id->b);
  m.what = strict_data(slice_str(name));
  m.args = args;
  static const char *const one[] = {"document", "waiting", "prove"};
  m.n_args = strcmp(name, "explain") == 0 ? 2 : 0;
  for (size_t i = 0; i < sizeof one / sizeof *one; i++)
    m.n_args += strcmp(name, one[i]) == 0;
  if (strcmp(name, "review") != 0)
    return ask(s, who, role, LOCAL_QUERY, &m.base);
  /* all of the folder that might have it, and of the one that has nothing to do with it */
  args[0] = strict_data(slice_str(who == 0 ? "sent" : "received"));
  args[1] = strict_data(slice_str("0"));
  m.n_args = 2;
  struct heard h = ask(s, who, role, LOCAL_QUERY, &m.base);
  args[0] = strict_data(slice_str("stated"));
  h.seen |= seen_in_dossiers(s, who, role, &m);
  args[0] = strict_data(slice_str("documents"));
  if (ask(s, who, role, LOCAL_QUERY, &m.base).seen)
    fail_msg("the entries of documents tell of a bulletin");
  return h;
}

/* ---- all of it ---- */

static void compare(struct scene *s, unsigned who, const char *role, const char *path, unsigned seen, unsigned may)
{
  if (seen == may)
    return;
  print_error("%s: %s%s%s by %s: saw%s%s%s%s, the table says%s%s%s%s\n", state_names[s->state], observer_names[who], *role ? " " : "", role,
              path, seen ? "" : " nothing", seen & EXISTS ? " that it exists" : "", seen & FIRST ? ", its first portion" : "",
              seen & SECOND ? ", its second portion" : "", may ? "" : " nothing", may & EXISTS ? " that it exists" : "",
              may & FIRST ? ", its first portion" : "", may & SECOND ? ", its second portion" : "");
  s->wrong++;
}

static void walk_requests(struct scene *s, unsigned who, unsigned role)
{
  /* those that change something come last */
  static const enum local_type by_id[] = {LOCAL_READ,    LOCAL_TRACK,   LOCAL_RESOLVE, LOCAL_PREVIEW, LOCAL_EXPORT,
                                          LOCAL_PUBLISH, LOCAL_APPROVE, LOCAL_ACK};
  const char *name = node_role_name((enum node_role)roles[role]);
  for (size_t i = 0; i < sizeof by_id / sizeof *by_id; i++)
    compare(s, who, name, local_kind((uint8_t)by_id[i])->name, asked_by_id(s, who, role, by_id[i]),
            permitted(ANSWER, (int)by_id[i], NULL, who, roles[role], s->state));
  compare(s, who, name, "list", listed(s, who, role, LOCAL_LIST), permitted(ANSWER, LOCAL_LIST, NULL, who, roles[role], s->state));
  compare(s, who, name, "follow", listed(s, who, role, LOCAL_FOLLOW),
          permitted(ANSWER, LOCAL_FOLLOW, NULL, who, roles[role], s->state));
}

static void walk_questions(struct scene *s, unsigned who, unsigned role)
{
  const char *name = node_role_name((enum node_role)roles[role]);
  struct hash nowhere;
  randombytes_buf(&nowhere, sizeof nowhere);
  for (size_t i = 0; query_name(i); i++) {
    const struct heard real = question(s, who, role, query_name(i), &s->id), none = question(s, who, role, query_name(i), &nowhere);
    compare(s, who, name, query_name(i), real.seen | differs(&real, &none),
            permitted(QUESTION, 0, query_name(i), who, roles[role], s->state));
  }
}

static void walk_frames(struct scene *s, unsigned who)
{
  for (unsigned type = 1; type < 256; type++) {
    const struct frame_kind *kind = frame_kind((uint8_t)type);
    compare(s, who, "", kind ? kind->name : "?", s->spy[who].seen[type], permitted(FRAME, (int)type, NULL, who, 0, s->state));
  }
}

/* The bulletin's entry went to whom the table lets see it, but where a recall alone names it; receipts' to its originator, documents' to all. */
static void walk_openings(struct scene *s, unsigned who)
{
  const struct spy *spy = &s->spy[who];
  const bool came = s->state != RECALLED_UNSEEN && permitted(FRAME, FRAME_DELIVER, NULL, who, 0, s->state);
  const bool told = came || permitted(FRAME, FRAME_OUTCOMES, NULL, who, 0, s->state);
  const bool answered = permitted(FRAME, FRAME_RECEIPT_NOTES, NULL, who, 0, s->state) || permitted(FRAME, FRAME_RECEIPTS_LOGGED, NULL, who, 0, s->state);
  compare(s, who, "", "opening: accepted", spy->accepted ? EXISTS : 0, told ? EXISTS : 0);
  if (answered)
    compare(s, who, "", "opening: receipts", spy->opened[ENTRY_RECEIPTS] ? EXISTS : 0, EXISTS);
  compare(s, who, "", "opening: document", spy->opened[ENTRY_DOCUMENT] ? EXISTS : 0, EXISTS);
}

static void walk_hooks(struct scene *s, unsigned who)
{
  struct buf all = buf_new(1 << 20);
  pair_hooked(s->pair, who, &all);
  compare(s, who, "", "hooks", seen_in(s, buf_slice(&all)), permitted(HOOK, 0, NULL, who, 0, s->state));
  buf_free(&all);
}

/* Who finds, or is handed, a stick that ML wrote for this state. */
static void walk_stick(struct scene *s, unsigned who)
{
  Tg__LExport m = TG__LEXPORT__INIT;
  ProtobufCBinaryData id = bytes_of(&s->id);
  m.to = strict_data(slice_str(observer_names[who]));
  m.bulletins = &id;
  for (unsigned all = 0; all < 2; all++) { /* asked for, and among all that is open */
    m.n_bulletins = !all;
    const unsigned seen = ask(s, ML, 1, LOCAL_EXPORT, &m.base).seen, may = permitted(STICK, 0, NULL, who, 0, s->state);
    if (!all || (seen & ~may))
      compare(s, who, "", "a stick", seen, may);
  }
}

/* Who copies the store as it lies there finds who had what, and nothing that can be read. */
static void walk_copy(struct scene *s, unsigned who)
{
  Tg__LBackup m = TG__LBACKUP__INIT;
  struct buf all = buf_new(64 << 20);
  assert_int_equal(pair_backup(s->pair, who, 0, &m, &all), TG_OK);
  compare(s, who, "admin", "backup", seen_in(s, buf_slice(&all)), permitted(ANSWER, LOCAL_BACKUP, NULL, who, NODE_ADMIN, s->state));
  buf_free(&all);
}

/* Auditors everywhere want what their own node stated; nobody else may. */
static void wish_for_receipts(struct scene *s)
{
  Tg__LQuery m = TG__LQUERY__INIT;
  ProtobufCBinaryData word = strict_data(slice_str("stated"));
  m.what = strict_data(slice_str("review"));
  m.args = &word;
  m.n_args = 1;
  for (unsigned who = 0; who < OBSERVERS; who++)
    for (unsigned role = 0; role < ROLES; role++) {
      const struct heard h = ask(s, who, role, LOCAL_QUERY, &m.base);
      if (h.seen || (h.type == LOCAL_ERROR) == (roles[role] == NODE_AUDITOR))
        fail_msg("%s %s was answered wrongly about its own receipts", observer_names[who], node_role_name((enum node_role)roles[role]));
      pair_settle(s->pair);
    }
}

static void walk(enum state state)
{
  struct scene *s = scene_new(state);
  wish_for_receipts(s);
  for (unsigned who = 0; who < OBSERVERS; who++) {
    walk_frames(s, who);
    walk_openings(s, who);
    walk_hooks(s, who);
    walk_stick(s, who);
    walk_copy(s, who);
    for (unsigned role = 0; role < ROLES; role++)
      walk_requests(s, who, role);
    for (unsigned role = 0; role < ROLES; role++)
      walk_questions(s, who, role);
  }
  for (unsigned who = 0; who < OBSERVERS; who++) /* it ends a draft */
    for (unsigned role = ROLES; role-- > 0;)
      compare(s, who, node_role_name((enum node_role)roles[role]), "deny", asked_by_id(s, who, role, LOCAL_DENY),
              permitted(ANSWER, LOCAL_DENY, NULL, who, roles[role], s->state));
  const unsigned wrong = s->wrong;
  scene_free(s);
  if (wrong)
    fail_msg("%u cells are not as the table says", wrong);
}

static void walk_it(void **state) { walk(*(const enum state *)*state); }

int main(void)
{
  static enum state each[STATES];
  struct CMUnitTest tests[STATES + 1] = {cmocka_unit_test(every_path_has_a_row)};
  for (unsigned i = 0; i < STATES; i++) {
    each[i] = (enum state)i;
    tests[i + 1] = (struct CMUnitTest){.name = state_names[i], .test_func = walk_it, .initial_state = &each[i]};
  }
  return sodium_init() < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
