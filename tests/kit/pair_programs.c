#include "tests/kit/pair_inside.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

enum { ROUNDS = 5000 };

/* The request goes into the node; what it answers, later perhaps, is in to_program. */
static void say(struct pair *p, struct place *at, enum local_type type, const ProtobufCMessage *message)
{
  struct buf frame = buf_new(LOCAL_FRAME);
  struct tg_why why = {0};
  (void)p;
  pair_tell_time(at);
  pair_need(local_encode(type, message, &frame, &why) == TG_OK, "a request", &why);
  pair_need(node_client_frame(at->core, PAIR_CLIENT, buf_slice(&frame)) == TG_OK, "node_client_frame", NULL);
  buf_free(&frame);
  pair_turn(at);
}

/* The first answer to the present request; those to others are passed over. NULL: none. */
static const ProtobufCMessage *hear(struct pair *p, struct place *at, enum local_type *ret_type)
{
  struct buf frames = pair_pull(&at->to_program);
  struct slice all = buf_slice(&frames), frame;
  const ProtobufCMessage *found_one = NULL;
  while (!found_one && pair_next(&all, &frame)) {
    const struct local_kind *kind;
    ProtobufCMessage *message;
    struct tg_why why = {0};
    pair_need(local_decode(frame, LOCAL_TO_PROGRAM, p->arena, &kind, &message, &why) == TG_OK, "an answer", &why);
    if (local_request(message) == at->request) {
      found_one = message;
      *ret_type = kind->type;
    }
  }
  buf_free(&frames);
  return found_one;
}

/* Every request has its number as its first field, after the message's own head. */
static void number(struct place *at, ProtobufCMessage *message)
{
  const ProtobufCFieldDescriptor *field = &message->descriptor->fields[0];
  uint64_t *at_field = (uint64_t *)(void *)((uint8_t *)message + field->offset);
  *at_field = ++at->request;
}

const ProtobufCMessage *pair_ask(struct pair *p, size_t member, enum local_type type, const ProtobufCMessage *message,
                                 enum local_type *ret_type)
{
  struct place *at = &p->place[member];
  arena_reset(p->arena);
  number(at, (ProtobufCMessage *)(uintptr_t)message);
  say(p, at, type, message);
  return hear(p, at, ret_type);
}

const ProtobufCMessage *pair_answered(struct pair *p, size_t member, enum local_type *ret_type)
{
  arena_reset(p->arena);
  return hear(p, &p->place[member], ret_type);
}

/* A program of another user than the one that is always there. */
static void visit(struct place *at, uint32_t uid)
{
  Tg__LHello hello = TG__LHELLO__INIT;
  struct buf frame = buf_new(LOCAL_FRAME);
  hello.request = ++at->request;
  hello.protocol = LOCAL_PROTOCOL;
  pair_tell_time(at);
  pair_need(local_encode(LOCAL_HELLO, &hello.base, &frame, NULL) == TG_OK && node_client_joined(at->core, PAIR_VISITOR, uid) == TG_OK &&
           node_client_frame(at->core, PAIR_VISITOR, buf_slice(&frame)) == TG_OK,
       "a visitor", NULL);
  pair_turn(at);
  buf_clear(&at->to_visitor.bytes);
  buf_free(&frame);
}

const ProtobufCMessage *pair_program(struct pair *p, size_t member, uint32_t uid, enum local_type type,
                                     const ProtobufCMessage *message, struct buf *out, enum local_type *ret_type)
{
  struct place *at = &p->place[member];
  struct buf frame = buf_new(LOCAL_FRAME);
  const ProtobufCMessage *first = NULL;
  const struct local_kind *kind;
  arena_reset(p->arena);
  visit(at, uid);
  number(at, (ProtobufCMessage *)(uintptr_t)message);
  pair_need(local_encode(type, message, &frame, NULL) == TG_OK && node_client_frame(at->core, PAIR_VISITOR, buf_slice(&frame)) == TG_OK,
            "a visitor's request", NULL);
  for (size_t had = SIZE_MAX; had != at->to_visitor.bytes.n;) {
    had = at->to_visitor.bytes.n;
    pair_turn(at);
  }
  struct buf frames = pair_pull(&at->to_visitor);
  struct slice all = buf_slice(&frames), one;
  while (pair_next(&all, &one)) {
    buf_put_slice(out, one);
    ProtobufCMessage *answer;
    pair_need(local_decode(one, LOCAL_TO_PROGRAM, p->arena, &kind, &answer, NULL) == TG_OK, "an answer", NULL);
    if (!first && local_request(answer) == at->request) {
      first = answer;
      *ret_type = kind->type;
    }
  }
  pair_need(node_client_gone(at->core, PAIR_VISITOR) == TG_OK, "a visitor's going", NULL);
  pair_turn(at);
  buf_free(&frames);
  buf_free(&frame);
  return first;
}

/* What came for the visitor meanwhile. Is it all? */
static bool take_copy(struct place *at, struct buf *out, enum tg_err *ret)
{
  struct buf frames = pair_pull(&at->to_visitor);
  struct slice all = buf_slice(&frames), one;
  bool end = false;
  while (pair_next(&all, &one)) {
    const struct local_kind *kind;
    ProtobufCMessage *answer;
    arena_reset(at->pair->arena);
    pair_need(local_decode(one, LOCAL_TO_PROGRAM, at->pair->arena, &kind, &answer, NULL) == TG_OK, "an answer", NULL);
    if (kind->type == LOCAL_ERROR)
      *ret = (enum tg_err)((const Tg__LError *)answer)->err;
    else
      buf_put_slice(out, (struct slice){((const Tg__LContent *)answer)->data.data, ((const Tg__LContent *)answer)->data.len});
    end = kind->type == LOCAL_ERROR || ((const Tg__LContent *)answer)->end;
  }
  buf_free(&frames);
  return end;
}

enum tg_err pair_backup(struct pair *p, size_t member, uint32_t uid, Tg__LBackup *message, struct buf *out)
{
  struct place *at = &p->place[member];
  struct buf frame = buf_new(LOCAL_FRAME);
  enum tg_err err = TG_OK;
  arena_reset(p->arena);
  visit(at, uid);
  number(at, &message->base);
  pair_need(local_encode(LOCAL_BACKUP, &message->base, &frame, NULL) == TG_OK && node_client_frame(at->core, PAIR_VISITOR, buf_slice(&frame)) == TG_OK,
            "a visitor's request", NULL);
  unsigned rounds = 0;
  do {
    pair_need(++rounds < ROUNDS, "a copy", NULL);
    p->mono++;
    pair_tell_time(at);
    pair_turn(at);
  } while (!take_copy(at, out, &err));
  pair_need(node_client_gone(at->core, PAIR_VISITOR) == TG_OK, "a visitor's going", NULL);
  pair_turn(at);
  buf_free(&frame);
  return err;
}

void pair_hooked(const struct pair *p, size_t member, struct buf *out)
{
  buf_put_slice(out, buf_slice(&p->place[member].hooked));
}

static size_t split(const char *names, ProtobufCBinaryData *ret, size_t max)
{
  size_t n = 0;
  for (const char *s = names; s && *s && n < max; n++) {
    size_t length = strcspn(s, ",");
    ret[n] = (ProtobufCBinaryData){length, (uint8_t *)(uintptr_t)s};
    s += length + (s[length] == ',');
  }
  return n;
}

static ProtobufCBinaryData data(const void *p, size_t n) { return (ProtobufCBinaryData){n, (uint8_t *)(uintptr_t)p}; }

static ProtobufCBinaryData id_of(const struct hash *id) { return id ? data(id->b, 32) : data(NULL, 0); }

static void send_content(struct pair *p, struct place *at, uint32_t portion, const uint8_t *content, size_t n)
{
  for (size_t done = 0; done < n;) {
    Tg__LData piece = TG__LDATA__INIT;
    size_t length = n - done < LOCAL_DATA ? n - done : LOCAL_DATA;
    piece.request = at->request;
    piece.portion = portion;
    piece.data = data(content + done, length);
    say(p, at, LOCAL_PUBLISH_DATA, &piece.base);
    done += length;
  }
}

enum tg_err pair_publish(struct pair *p, size_t member, const struct pair_bulletin *b, struct hash *ret)
{
  struct place *at = &p->place[member];
  ProtobufCBinaryData to[16], topic = data(b->topic ? b->topic : "alert.attack", strlen(b->topic ? b->topic : "alert.attack"));
  ProtobufCBinaryData source = id_of(b->source);
  Tg__LPublish publish = TG__LPUBLISH__INIT;
  Tg__LDraft draft = TG__LDRAFT__INIT;
  ProtobufCBinaryData tear_to[16];
  Tg__LPortionDraft portion = TG__LPORTION_DRAFT__INIT, tear, *portions[] = {&portion, &tear};
  uint8_t *content = malloc(b->size ? b->size : 1);
  pair_need(content != NULL, "memory", NULL);
  if (b->size)
    randombytes_buf(content, b->size);
  portion.level = b->level ? b->level : 2;
  portion.tlp = b->tlp ? b->tlp : 3;
  portion.caveats = b->caveats;
  portion.to = to;
  portion.n_to = split(b->to, to, 16);
  portion.title = data(b->title, b->title ? strlen(b->title) : 0);
  portion.size = b->size ? b->size : b->text ? strlen(b->text) : 0;
  tear = portion;
  tear.to = tear_to;
  tear.n_to = split(b->tear_to, tear_to, 16);
  tear.size = b->tear_text ? strlen(b->tear_text) : 0;
  draft.kind = b->kind;
  draft.precedence = b->precedence;
  draft.expires = b->expires;
  draft.topics = &topic;
  draft.n_topics = 1;
  draft.sources = &source;
  draft.n_sources = b->source ? 1 : 0;
  draft.supersedes = id_of(b->supersedes);
  draft.replies_to = id_of(b->replies_to);
  draft.portions = portions;
  draft.n_portions = b->tear_to ? 2 : 1;
  publish.draft = &draft;
  arena_reset(p->arena);
  number(at, &publish.base);
  say(p, at, LOCAL_PUBLISH, &publish.base);
  if (portion.size)
    send_content(p, at, 0, b->size ? content : (const uint8_t *)b->text, portion.size);
  if (b->tear_to && tear.size)
    send_content(p, at, 1, (const uint8_t *)b->tear_text, tear.size);
  free(content);
  enum local_type type = LOCAL_ERROR;
  const ProtobufCMessage *answer = hear(p, at, &type);
  if (!answer)
    return TG_UNREACHABLE;
  if (type == LOCAL_ERROR)
    return (enum tg_err)((const Tg__LError *)answer)->err;
  pair_need(type == LOCAL_PROGRESS, "LProgress", NULL);
  const Tg__LProgress *progress = (const Tg__LProgress *)answer;
  pair_need(progress->bulletin.len == 32, "an id", NULL);
  if (ret)
    memcpy(ret->b, progress->bulletin.data, 32);
  return TG_OK;
}
