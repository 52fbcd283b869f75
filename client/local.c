#include "client/local.h"

#include "proto/limits.h"

#include <assert.h>

/* ---- limits, message by message, fields in the order of proto/local.proto ---- */

#define REQUEST {.number = 1, .flags = STRICT_REQUIRED, .min = 1, .max = UINT64_MAX}
#define FIELDS(a) .field_count = sizeof(a) / sizeof *(a), .fields = (a)

enum {
  TEXT_SENTENCE = 512, /* a msgid */
  TEXT_WHERE = 160,
  TEXT_ARG = 128,
  TEXT_DETAIL = 512,
  TEXT_RULE = 1024, /* one line of a policy */
  TEXT_FILE = 255,
  AUDIENCE_LINES = 256,
  NODES_PER_MEMBER = 64,
  MISSING_MAX = 16,
  QUERY_ARGS = 16,
  QUERY_ARG = 1024,
};

static const struct strict_field hello_fields[] = {
    REQUEST,
    {.number = 2, .flags = STRICT_REQUIRED, .min = 1, .max = UINT32_MAX},
    {.number = 3, .flags = STRICT_TEXT, .min = 1, .max = 64},
};
static const struct strict_limits hello = {&tg__lhello__descriptor, 256, FIELDS(hello_fields)};

static const struct strict_field welcome_fields[] = {
    REQUEST,
    {.number = 2, .flags = STRICT_REQUIRED, .min = 1, .max = UINT32_MAX},
    {.number = 3, .flags = STRICT_TEXT, .min = 1, .max = LOCAL_NAME},
    {.number = 4, .flags = STRICT_TEXT, .min = 2, .max = 2},
    {.number = 5, .flags = STRICT_REQUIRED, .min = 32, .max = 32},
    {.number = 6, .flags = STRICT_TEXT, .min = 1, .max = 16, .count = 16},
};
static const struct strict_limits welcome = {&tg__lwelcome__descriptor, 1024, FIELDS(welcome_fields)};

static const struct strict_field error_fields[] = {
    {.number = 1, .min = 1, .max = UINT64_MAX}, /* absent: about the connection, which then ends */
    {.number = 2, .flags = STRICT_REQUIRED, .min = 1, .max = UINT32_MAX},
    {.number = 3, .flags = STRICT_TEXT, .min = 1, .max = TEXT_WHERE},
    {.number = 4, .flags = STRICT_TEXT, .min = 1, .max = TEXT_SENTENCE},
    {.number = 5, .flags = STRICT_TEXT, .min = 1, .max = TEXT_SENTENCE},
    {.number = 6, .flags = STRICT_TEXT | STRICT_EMPTY, .min = 0, .max = TEXT_ARG, .count = 3},
};
static const struct strict_limits error = {&tg__lerror__descriptor, 4096, FIELDS(error_fields)};

static const struct strict_field done_fields[] = {
    REQUEST,
    {.number = 2, .min = 1, .max = UINT64_MAX},
};
static const struct strict_limits done = {&tg__ldone__descriptor, 64, FIELDS(done_fields)};

static const struct strict_field portion_draft_fields[] = {
    {.number = 1, .min = 1, .max = 5},
    {.number = 2, .min = 1, .max = 5},
    {.number = 3, .min = 1, .max = 3},
    {.number = 4, .flags = STRICT_TEXT, .min = 1, .max = LIMIT_LABEL},
    {.number = 5, .flags = STRICT_TEXT, .min = 1, .max = LIMIT_NAME, .count = LIMIT_NAMES},
    {.number = 6, .flags = STRICT_TEXT, .min = 1, .max = LIMIT_NAME, .count = LIMIT_NAMES},
    {.number = 7, .flags = STRICT_TEXT, .min = 1, .max = 127},
    {.number = 8, .flags = STRICT_TEXT, .min = 1, .max = 512},
    {.number = 9, .flags = STRICT_TEXT, .min = 1, .max = 255},
    {.number = 10, .flags = STRICT_TEXT, .min = 1, .max = 35},
    {.number = 11, .min = 1, .max = UINT64_MAX},
    {.number = 12, .min = 1, .max = 1},
};
static const struct strict_limits portion_draft = {&tg__lportion_draft__descriptor, LIMIT_RELEASE,
                                                   FIELDS(portion_draft_fields)};

static const struct strict_field draft_fields[] = {
    {.number = 1, .min = 1, .max = 8},
    {.number = 2, .min = 1, .max = 4},
    {.number = 3, .min = 1, .max = LIMIT_TIME},
    {.number = 4, .min = 1, .max = 1},
    {.number = 5, .flags = STRICT_TEXT, .min = 1, .max = LIMIT_TOPIC, .count = LIMIT_TOPICS},
    {.number = 6, .min = 32, .max = 32, .count = LIMIT_SOURCES},
    {.number = 7, .min = 32, .max = 32},
    {.number = 8, .min = 32, .max = 32},
    {.number = 9, .flags = STRICT_EMPTY, .count = LIMIT_PORTIONS, .message = &portion_draft},
};
static const struct strict_limits draft = {&tg__ldraft__descriptor, LOCAL_FRAME - 64, FIELDS(draft_fields)};

static const struct strict_field preview_fields[] = {
    REQUEST,
    {.number = 2, .flags = STRICT_EMPTY, .message = &draft},
    {.number = 3, .min = 32, .max = 32},
};
static const struct strict_limits preview = {&tg__lpreview__descriptor, LOCAL_FRAME - 2, FIELDS(preview_fields)};

static const struct strict_field audience_line_fields[] = {
    {.number = 1, .flags = STRICT_REQUIRED | STRICT_TEXT, .min = 2, .max = 2},
    {.number = 2, .flags = STRICT_TEXT, .min = 1, .max = LOCAL_NAME, .count = NODES_PER_MEMBER},
    {.number = 3, .min = 1, .max = 0xffff},
    {.number = 4, .min = 1, .max = 9},
    {.number = 5, .flags = STRICT_TEXT, .min = 1, .max = TEXT_FILE},
    {.number = 6, .min = 1, .max = UINT32_MAX},
    {.number = 7, .flags = STRICT_TEXT, .min = 1, .max = TEXT_RULE},
    {.number = 8, .flags = STRICT_TEXT, .min = 1, .max = TEXT_SENTENCE},
    {.number = 9, .flags = STRICT_TEXT | STRICT_EMPTY, .min = 0, .max = TEXT_ARG, .count = 3},
    {.number = 10, .min = 1, .max = 1},
    {.number = 11, .min = 1, .max = 1},
};
static const struct strict_limits audience_line = {&tg__laudience_line__descriptor, 8192,
                                                   FIELDS(audience_line_fields)};

static const struct strict_field audience_fields[] = {
    {.number = 1, .min = 1, .max = UINT64_MAX}, /* absent inside LProgress */
    {.number = 2, .count = AUDIENCE_LINES, .message = &audience_line},
    {.number = 3, .flags = STRICT_TEXT, .min = 1, .max = TEXT_SENTENCE, .count = MISSING_MAX},
    {.number = 4, .min = 1, .max = LIMIT_APPROVALS},
};
static const struct strict_limits audience = {&tg__laudience__descriptor, LOCAL_FRAME - 1024, FIELDS(audience_fields)};

static const struct strict_field publish_fields[] = {
    REQUEST,
    {.number = 2, .flags = STRICT_REQUIRED | STRICT_EMPTY, .message = &draft},
    {.number = 3, .min = 1, .max = 3},
    {.number = 4, .min = 1, .max = 1},
    {.number = 5, .flags = STRICT_EMPTY, .min = 0, .max = LOCAL_DATA, .count = LIMIT_PORTIONS},
};
static const struct strict_limits publish = {&tg__lpublish__descriptor, LOCAL_FRAME - 2, FIELDS(publish_fields)};

static const struct strict_field data_fields[] = {
    REQUEST,
    {.number = 2, .min = 1, .max = LIMIT_PORTIONS - 1},
    {.number = 3, .flags = STRICT_REQUIRED, .min = 1, .max = LOCAL_DATA},
};
static const struct strict_limits data = {&tg__ldata__descriptor, LOCAL_DATA + 64, FIELDS(data_fields)};

static const struct strict_field progress_fields[] = {
    REQUEST,
    {.number = 2, .flags = STRICT_REQUIRED, .min = 32, .max = 32},
    {.number = 3, .min = 1, .max = 6},
    {.number = 4, .min = 1, .max = UINT64_MAX},
    {.number = 5, .flags = STRICT_EMPTY, .message = &audience},
    {.number = 6, .flags = STRICT_TEXT, .min = 1, .max = TEXT_DETAIL},
    {.number = 7, .min = 1, .max = UINT64_MAX},
};
static const struct strict_limits progress = {&tg__lprogress__descriptor, LOCAL_FRAME - 2, FIELDS(progress_fields)};

static const struct strict_field filter_fields[] = {
    {.number = 1, .min = 1, .max = 2},
    {.number = 2, .min = 1, .max = 1},
    {.number = 3, .flags = STRICT_TEXT, .min = 1, .max = LOCAL_NAME},
    {.number = 4, .flags = STRICT_TEXT, .min = 1, .max = LIMIT_TOPIC},
    {.number = 5, .min = 1, .max = LIMIT_TIME},
    {.number = 6, .min = 1, .max = UINT32_MAX},
    {.number = 7, .min = 1, .max = INT64_MAX},
    {.number = 8, .min = 32, .max = 32},
};
static const struct strict_limits filter = {&tg__lfilter__descriptor, 512, FIELDS(filter_fields)};

static const struct strict_field list_fields[] = {
    REQUEST,
    {.number = 2, .flags = STRICT_EMPTY, .message = &filter},
};
static const struct strict_limits list = {&tg__llist__descriptor, 1024, FIELDS(list_fields)};

static const struct strict_field follow_fields[] = {
    REQUEST,
    {.number = 2, .flags = STRICT_EMPTY, .message = &filter},
    {.number = 3, .min = 1, .max = LOCAL_DATA},
    {.number = 4, .min = 1, .max = 1},
    {.number = 5, .min = 1, .max = 1},
};
static const struct strict_limits follow = {&tg__lfollow__descriptor, 1024, FIELDS(follow_fields)};

static const struct strict_field portion_info_fields[] = {
    {.number = 1, .min = 1, .max = LIMIT_PORTIONS - 1},
    {.number = 2, .min = 1, .max = 5},
    {.number = 3, .min = 1, .max = 5},
    {.number = 4, .min = 1, .max = 3},
    {.number = 5, .flags = STRICT_TEXT, .min = 1, .max = LIMIT_LABEL},
    {.number = 6, .flags = STRICT_TEXT, .min = 1, .max = LIMIT_NAME, .count = LIMIT_NAMES},
    {.number = 7, .flags = STRICT_TEXT, .min = 1, .max = LIMIT_NAME, .count = LIMIT_NAMES},
    {.number = 8, .flags = STRICT_TEXT, .min = 1, .max = 127},
    {.number = 9, .flags = STRICT_TEXT, .min = 1, .max = 512},
    {.number = 10, .flags = STRICT_TEXT, .min = 1, .max = 255},
    {.number = 11, .flags = STRICT_TEXT, .min = 1, .max = 35},
    {.number = 12, .min = 1, .max = UINT64_MAX},
    {.number = 13, .min = 1, .max = 1},
    {.number = 14, .min = 1, .max = 1},
};
static const struct strict_limits portion_info = {&tg__lportion_info__descriptor, LIMIT_RELEASE,
                                                  FIELDS(portion_info_fields)};

static const struct strict_field item_fields[] = {
    REQUEST,
    {.number = 2, .min = 1, .max = INT64_MAX},
    {.number = 3, .flags = STRICT_REQUIRED, .min = 32, .max = 32},
    {.number = 4, .flags = STRICT_TEXT, .min = 1, .max = LOCAL_NAME},
    {.number = 5, .flags = STRICT_TEXT, .min = 2, .max = 2},
    {.number = 6, .min = 1, .max = 8},
    {.number = 7, .min = 1, .max = 4},
    {.number = 8, .min = 1, .max = 1},
    {.number = 9, .min = 1, .max = LIMIT_TIME},
    {.number = 10, .min = 1, .max = LIMIT_TIME},
    {.number = 11, .min = 1, .max = LIMIT_TIME},
    {.number = 12, .flags = STRICT_TEXT, .min = 1, .max = LIMIT_TOPIC, .count = LIMIT_TOPICS},
    {.number = 13, .min = 32, .max = 32},
    {.number = 14, .min = 32, .max = 32},
    {.number = 15, .min = 32, .max = 32, .count = LIMIT_SOURCES},
    {.number = 16, .count = LIMIT_PORTIONS, .message = &portion_info},
    {.number = 17, .min = 1, .max = 1},
    {.number = 18, .min = 1, .max = 1},
    {.number = 19, .min = 1, .max = 5},
    {.number = 20, .min = 1, .max = UINT64_MAX},
    {.number = 21, .min = 1, .max = UINT64_MAX},
    {.number = 22, .min = 32, .max = 32},
    {.number = 23, .min = 1, .max = 1},
    {.number = 24, .flags = STRICT_EMPTY, .min = 0, .max = LOCAL_DATA, .count = LIMIT_PORTIONS},
    {.number = 25, .min = 1, .max = 1},
    {.number = 26, .min = 1, .max = 1},
    {.number = 27, .min = 1, .max = 1},
    {.number = 28, .min = 1, .max = 1},
};
static const struct strict_limits item = {&tg__litem__descriptor, LOCAL_FRAME - 2, FIELDS(item_fields)};

static const struct strict_field read_fields[] = {
    REQUEST,
    {.number = 2, .flags = STRICT_REQUIRED, .min = 32, .max = 32},
    {.number = 3, .min = 1, .max = LIMIT_PORTIONS - 1},
    {.number = 4, .min = 1, .max = UINT64_MAX},
    {.number = 5, .min = 1, .max = UINT64_MAX},
    {.number = 6, .min = 1, .max = 1},
    {.number = 7, .min = 1, .max = 1},
};
static const struct strict_limits read_limits = {&tg__lread__descriptor, 128, FIELDS(read_fields)};

static const struct strict_field content_fields[] = {
    REQUEST,
    {.number = 2, .min = 1, .max = LOCAL_DATA},
    {.number = 3, .min = 1, .max = 1},
    {.number = 4, .min = 32, .max = 32},
};
static const struct strict_limits content = {&tg__lcontent__descriptor, LOCAL_DATA + 64, FIELDS(content_fields)};

static const struct strict_field id_fields[] = {
    REQUEST,
    {.number = 2, .flags = STRICT_REQUIRED, .min = 32, .max = 32},
};
static const struct strict_limits ack = {&tg__lack__descriptor, 64, FIELDS(id_fields)};
static const struct strict_limits track = {&tg__ltrack__descriptor, 64, FIELDS(id_fields)};

static const struct strict_field track_item_fields[] = {
    REQUEST,
    {.number = 2, .flags = STRICT_TEXT, .min = 1, .max = LOCAL_NAME},
    {.number = 3, .flags = STRICT_TEXT, .min = 2, .max = 2},
    {.number = 4, .min = 1, .max = 8},
    {.number = 5, .min = 1, .max = LIMIT_TIME},
    {.number = 6, .flags = STRICT_TEXT, .min = 1, .max = TEXT_DETAIL},
    {.number = 7, .min = 1, .max = 1},
    {.number = 8, .flags = STRICT_TEXT | STRICT_EMPTY, .min = 0, .max = TEXT_ARG, .count = 3},
};
static const struct strict_limits track_item = {&tg__ltrack_item__descriptor, 1024, FIELDS(track_item_fields)};

static const struct strict_field query_fields[] = {
    REQUEST,
    {.number = 2, .flags = STRICT_REQUIRED | STRICT_TEXT, .min = 1, .max = 32},
    {.number = 3, .flags = STRICT_TEXT, .min = 1, .max = QUERY_ARG, .count = QUERY_ARGS},
};
static const struct strict_limits query = {&tg__lquery__descriptor, 32768, FIELDS(query_fields)};

static const struct strict_field json_fields[] = {
    REQUEST,
    {.number = 2, .min = 1, .max = LOCAL_DATA},
    {.number = 3, .min = 1, .max = 1},
};
static const struct strict_limits json = {&tg__ljson__descriptor, LOCAL_DATA + 64, FIELDS(json_fields)};

static const struct strict_field document_fields[] = {
    REQUEST,
    {.number = 2, .flags = STRICT_REQUIRED, .min = 1, .max = LOCAL_DOCUMENT},
};
static const struct strict_limits document = {&tg__ldocument__descriptor, LOCAL_DOCUMENT + 64, FIELDS(document_fields)};

static const struct strict_field resolve_fields[] = {
    REQUEST,
    {.number = 2, .flags = STRICT_REQUIRED | STRICT_TEXT, .min = 1, .max = 64},
};
static const struct strict_limits resolve = {&tg__lresolve__descriptor, 128, FIELDS(resolve_fields)};

static const struct strict_field cancel_fields[] = {REQUEST};
static const struct strict_limits cancel = {&tg__lcancel__descriptor, 32, FIELDS(cancel_fields)};

static const struct strict_field approve_fields[] = {
    REQUEST,
    {.number = 2, .flags = STRICT_REQUIRED, .min = 32, .max = 32},
    {.number = 3, .flags = STRICT_REQUIRED, .min = 32, .max = 32},
    {.number = 4, .flags = STRICT_REQUIRED, .min = 1, .max = LIMIT_TIME},
    {.number = 5, .flags = STRICT_REQUIRED, .min = 64, .max = 64},
};
static const struct strict_limits approve = {&tg__lapprove__descriptor, 256, FIELDS(approve_fields)};

static const struct strict_field deny_fields[] = {
    REQUEST,
    {.number = 2, .flags = STRICT_REQUIRED, .min = 32, .max = 32},
    {.number = 3, .flags = STRICT_REQUIRED | STRICT_TEXT, .min = 1, .max = LOCAL_REASON},
};
static const struct strict_limits deny = {&tg__ldeny__descriptor, 512, FIELDS(deny_fields)};

static const struct strict_field export_fields[] = {
    REQUEST,
    {.number = 2, .flags = STRICT_REQUIRED | STRICT_TEXT, .min = 2, .max = LOCAL_NAME},
    {.number = 3, .min = 32, .max = 32, .count = LOCAL_EXPORTS},
    {.number = 4, .min = 1, .max = 1},
};
static const struct strict_limits export = {&tg__lexport__descriptor, 16384, FIELDS(export_fields)};

static const struct strict_field import_fields[] = {
    REQUEST,
    {.number = 2, .flags = STRICT_REQUIRED, .min = 1, .max = UINT64_C(1) << 41},
};
static const struct strict_limits import = {&tg__limport__descriptor, 64, FIELDS(import_fields)};

static const struct strict_field imported_fields[] = {
    REQUEST,
    {.number = 2, .flags = STRICT_REQUIRED, .min = 32, .max = 32},
    {.number = 3, .flags = STRICT_REQUIRED, .min = 1, .max = 4},
    {.number = 4, .flags = STRICT_TEXT, .min = 1, .max = LOCAL_NAME},
    {.number = 5, .min = 1, .max = 8},
    {.number = 6, .flags = STRICT_TEXT, .min = 1, .max = TEXT_SENTENCE},
    {.number = 7, .flags = STRICT_TEXT | STRICT_EMPTY, .min = 0, .max = TEXT_ARG, .count = 3},
};
static const struct strict_limits imported = {&tg__limported__descriptor, 2048, FIELDS(imported_fields)};

static const struct strict_field backup_fields[] = {REQUEST};
static const struct strict_limits backup = {&tg__lbackup__descriptor, 16, FIELDS(backup_fields)};

const struct strict_limits *const local_limits_all[] = {
    &hello,  &welcome, &error,        &done, &portion_draft, &draft,   &preview, &audience_line, &audience,   &publish,
    &data,   &progress, &filter,      &list, &follow,        &portion_info, &item, &read_limits, &content,    &ack,
    &track,  &track_item, &query,     &json, &document,      &resolve, &cancel,  &approve,
    &deny,   &export,  &import,       &imported, &backup, NULL,
};

/* ---- the table ---- */

static const struct local_kind kinds[] = {
    {LOCAL_HELLO, "hello", LOCAL_TO_NODE, &hello},
    {LOCAL_WELCOME, "welcome", LOCAL_TO_PROGRAM, &welcome},
    {LOCAL_ERROR, "error", LOCAL_TO_PROGRAM, &error},
    {LOCAL_DONE, "done", LOCAL_TO_PROGRAM, &done},
    {LOCAL_PREVIEW, "preview", LOCAL_TO_NODE, &preview},
    {LOCAL_AUDIENCE, "audience", LOCAL_TO_PROGRAM, &audience},
    {LOCAL_PUBLISH, "publish", LOCAL_TO_NODE, &publish},
    {LOCAL_PUBLISH_DATA, "data", LOCAL_TO_NODE, &data},
    {LOCAL_PROGRESS, "progress", LOCAL_TO_PROGRAM, &progress},
    {LOCAL_LIST, "list", LOCAL_TO_NODE, &list},
    {LOCAL_FOLLOW, "follow", LOCAL_TO_NODE, &follow},
    {LOCAL_ITEM, "item", LOCAL_TO_PROGRAM, &item},
    {LOCAL_READ, "read", LOCAL_TO_NODE, &read_limits},
    {LOCAL_CONTENT, "content", LOCAL_TO_PROGRAM, &content},
    {LOCAL_ACK, "ack", LOCAL_TO_NODE, &ack},
    {LOCAL_TRACK, "track", LOCAL_TO_NODE, &track},
    {LOCAL_TRACK_ITEM, "track-item", LOCAL_TO_PROGRAM, &track_item},
    {LOCAL_QUERY, "query", LOCAL_TO_NODE, &query},
    {LOCAL_JSON, "json", LOCAL_TO_PROGRAM, &json},
    {LOCAL_PUT_DOCUMENT, "document", LOCAL_TO_NODE, &document},
    {LOCAL_RESOLVE, "resolve", LOCAL_TO_NODE, &resolve},
    {LOCAL_CANCEL, "cancel", LOCAL_TO_NODE, &cancel},
    {LOCAL_APPROVE, "approve", LOCAL_TO_NODE, &approve},
    {LOCAL_DENY, "deny", LOCAL_TO_NODE, &deny},
    {LOCAL_EXPORT, "export", LOCAL_TO_NODE, &export},
    {LOCAL_IMPORT, "import", LOCAL_TO_NODE, &import},
    {LOCAL_IMPORTED, "imported", LOCAL_TO_PROGRAM, &imported},
    {LOCAL_BACKUP, "backup", LOCAL_TO_NODE, &backup},
};

const struct local_kind *local_kind(uint8_t type)
{
  return type >= 1 && type <= sizeof kinds / sizeof *kinds ? &kinds[type - 1] : NULL;
}

enum tg_err local_encode(enum local_type type, const ProtobufCMessage *message, struct buf *out, struct tg_why *why)
{
  const struct local_kind *kind = local_kind((uint8_t)type);
  assert(kind && message->descriptor == kind->limits->descriptor);
  size_t before = out->n;
  buf_put_u8(out, LOCAL_VERSION);
  buf_put_u8(out, (uint8_t)type);
  enum tg_err err = strict_pack(kind->limits, message, out, why);
  if (err == TG_OK && buf_status(out) == TG_NO_MEMORY)
    err = TG_NO_MEMORY;
  if (err == TG_OK && buf_status(out) != TG_OK)
    err = why_set(why, TG_TOO_BIG, kind->name, N_("the message is longer than a frame may be"), NULL, NULL, NULL, NULL);
  if (err != TG_OK)
    out->n = before;
  return err;
}

/* The row that the two leading bytes name. */
static enum tg_err peek(struct slice *frame, enum local_direction direction, const struct local_kind **ret,
                        struct tg_why *why)
{
  uint8_t version, type;
  if (frame->n > LOCAL_FRAME)
    return why_set(why, TG_TOO_BIG, NULL, N_("the frame is longer than a frame may be"), NULL, NULL, NULL, NULL);
  if (!take_u8(frame, &version) || !take_u8(frame, &type))
    return why_set(why, TG_BAD_INPUT, NULL, N_("the frame is too short"), NULL, NULL, NULL, NULL);
  const struct local_kind *kind = local_kind(type);
  if (version != LOCAL_VERSION || !kind)
    return why_set(why, TG_UNKNOWN, NULL, N_("the program and the node speak different versions of the local protocol"),
                   N_("update the older of the two"), NULL, NULL, NULL);
  if (kind->direction != direction)
    return why_set(why, TG_BAD_INPUT, kind->name, N_("this frame never travels this way"), NULL, NULL, NULL, NULL);
  *ret = kind;
  return TG_OK;
}

enum tg_err local_decode(struct slice frame, enum local_direction direction, struct arena *arena,
                         const struct local_kind **ret_kind, ProtobufCMessage **ret_message, struct tg_why *why)
{
  const struct local_kind *kind;
  enum tg_err err = peek(&frame, direction, &kind, why);
  if (err == TG_OK)
    err = strict_unpack(kind->limits, frame, arena, ret_message, why);
  if (err == TG_OK)
    *ret_kind = kind;
  return err;
}

uint64_t local_request(const ProtobufCMessage *message)
{
  const ProtobufCFieldDescriptor *first = &message->descriptor->fields[0];
  assert(first->id == 1 && first->type == PROTOBUF_C_TYPE_UINT64);
  return *(const uint64_t *)(const void *)((const uint8_t *)message + first->offset);
}

static ProtobufCBinaryData text(const char *s)
{
  struct slice v = slice_str(s ? s : "");
  return (ProtobufCBinaryData){v.n, v.n ? (uint8_t *)(uintptr_t)v.p : NULL};
}

Tg__LError local_error(uint64_t request, const struct tg_why *why, ProtobufCBinaryData args[3])
{
  Tg__LError e = TG__LERROR__INIT;
  e.request = request;
  e.err = why->err;
  e.where = text(why->where);
  e.what = text(why->what);
  e.todo = text(why->todo);
  for (size_t i = 0; i < 3; i++) {
    args[i] = text(why->arg[i]);
    if (args[i].len)
      e.n_args = i + 1;
  }
  e.args = args;
  return e;
}
