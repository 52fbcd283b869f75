#include "client/lib/node.h"

#include <libintl.h>
#include <stdlib.h>
#include <string.h>

#define DEFAULT_SOCKET "/run/toguna/node.sock"
enum { GREETING_MS = 10000, SELF_ARENA = 16 * 1024, SENTENCE_MAX = 1024 };

enum tg_err no_memory(struct tg_why *why)
{
  return why_set(why, TG_NO_MEMORY, NULL, N_("out of memory"), NULL, NULL, NULL, NULL);
}

/* ---- what came, for the caller ---- */

void *copier_room(struct copier *c, size_t count, size_t size)
{
  size_t n;
  if (c->failed || __builtin_mul_overflow(count, size, &n)) {
    c->failed = true;
    return NULL;
  }
  void *room = n ? arena_alloc(c->arena, n) : NULL;
  c->failed = n && !room;
  return room;
}

const char *copier_text(struct copier *c, ProtobufCBinaryData data)
{
  char *text = copier_room(c, data.len + 1, 1);
  if (!text)
    return "";
  if (data.len)
    memcpy(text, data.data, data.len);
  return text;
}

const char *copier_optional(struct copier *c, ProtobufCBinaryData data)
{
  return data.len ? copier_text(c, data) : NULL;
}

const char *const *copier_list(struct copier *c, size_t n, const ProtobufCBinaryData *data)
{
  static const char *const none[] = {NULL};
  const char **list = copier_room(c, n + 1, sizeof *list);
  if (!list)
    return none;
  for (size_t i = 0; i < n; i++)
    list[i] = copier_text(c, data[i]);
  return list;
}

const struct toguna_id *copier_id(struct copier *c, ProtobufCBinaryData data)
{
  struct toguna_id *id = data.len ? copier_room(c, 1, sizeof *id) : NULL;
  if (id)
    *id = id_of(data);
  return id;
}

const char *copier_sentence(struct copier *c, ProtobufCBinaryData msgid, size_t n_args,
                            const ProtobufCBinaryData *args)
{
  char filled[SENTENCE_MAX];
  const char *words[3] = {"", "", ""};
  for (size_t i = 0; i < n_args && i < 3; i++)
    words[i] = copier_text(c, args[i]);
  size_t n = why_fill(error_translate(copier_text(c, msgid)), words, filled, sizeof filled);
  return copier_text(c, strict_data_of(filled, n));
}

ProtobufCBinaryData text_data(const char *s)
{
  return strict_data(slice_str(s ? s : ""));
}

/* ---- the connection ---- */

enum tg_err node_begin(const struct toguna *node, struct tg_why *why)
{
  if (!node)
    return why_set(why, TG_USAGE, NULL, N_("there is no connection"), NULL, NULL, NULL, NULL);
  if (node->in_call)
    return why_set(why, TG_USAGE, NULL, N_("a callback uses the connection that called it"),
                   N_("Let it use another connection"), NULL, NULL, NULL);
  if (submissions_count(node->submissions))
    return why_set(why, TG_USAGE, NULL, N_("what was submitted on this connection is still under way"),
                   N_("Collect it first, or use another connection"), NULL, NULL, NULL);
  return TG_OK;
}

/* Sentences come from where this library was installed, in UTF-8, unless the program has chosen another
 * place. */
static void bind_catalogue(void)
{
  static const char domain[] = "toguna";
  const char *bound = bindtextdomain(domain, NULL);
  if (!bound || !strcmp(bound, "/usr/share/locale"))
    bindtextdomain(domain, TOGUNA_LOCALE_DIR);
  bind_textdomain_codeset(domain, "UTF-8");
}

static enum tg_err take_welcome(struct toguna *node, const Tg__LWelcome *m, struct tg_why *why)
{
  struct copier c = {.arena = node->arena};
  if (m->protocol != LOCAL_PROTOCOL)
    return why_set(why, TG_UNKNOWN, NULL, N_("the node speaks another version of the local protocol"),
                   N_("Update the older of the two"), NULL, NULL, NULL);
  node->self.node = copier_text(&c, m->node);
  node->self.member = copier_text(&c, m->member);
  node->self.roles = copier_list(&c, m->n_roles, m->roles);
  struct slice exchange = strict_slice(m->exchange);
  memcpy(node->self.exchange, exchange.p, sizeof node->self.exchange); /* its length is checked on arrival */
  return c.failed ? no_memory(why) : TG_OK;
}

static enum tg_err greet(struct toguna *node, struct tg_why *why)
{
  Tg__LHello m = TG__LHELLO__INIT;
  enum local_type type;
  ProtobufCMessage *answer;
  m.request = channel_number(node->channel);
  m.protocol = LOCAL_PROTOCOL;
  m.program = text_data(node->program);
  channel_set_silence(node->channel, GREETING_MS);
  enum tg_err err = channel_send(node->channel, LOCAL_HELLO, &m.base, why);
  if (err == TG_OK)
    err = channel_answer(node->channel, m.request, ANSWER(LOCAL_WELCOME), &type, &answer, why);
  if (err == TG_OK)
    err = take_welcome(node, (const Tg__LWelcome *)answer, why);
  channel_set_silence(node->channel, node->silence);
  /* Whoever cannot be greeted in time is not there, for all the caller can do. */
  if (err == TG_BUSY && why)
    why->err = TG_UNREACHABLE;
  return err == TG_BUSY ? TG_UNREACHABLE : err;
}

enum tg_err node_open(const char *path, const char *program, struct toguna **ret, struct tg_why *why)
{
  struct toguna *node = *ret = calloc(1, sizeof *node);
  if (!node)
    return no_memory(why);
  node->silence = 60000;
  node->path = strdup(path);
  node->program = program && *program ? strdup(program) : NULL;
  node->arena = arena_new(SELF_ARENA);
  if (!node->path || (program && *program && !node->program) || !node->arena)
    return no_memory(why);
  enum tg_err err = channel_open(path, &node->channel, why);
  return err == TG_OK ? greet(node, why) : err;
}

enum toguna_err toguna_open(const char *path, const char *program, struct toguna **ret_node,
                            struct toguna_error *error)
{
  struct tg_why why = {0};
  struct toguna *node;
  if (!path)
    path = secure_getenv("TOGUNA_SOCKET");
  bind_catalogue();
  enum tg_err err = node_open(path && *path ? path : DEFAULT_SOCKET, program, &node, &why);
  enum toguna_err result =
      error_put(error, err, &why); /* before the close: why may point into what was received */
  if (err == TG_OK)
    *ret_node = node;
  else
    toguna_close(node);
  return result;
}

void toguna_close(struct toguna *node)
{
  if (!node)
    return;
  channel_free(node->channel);
  submissions_free(node->submissions);
  arena_free(node->arena);
  free(node->path);
  free(node->program);
  free(node);
}

const struct toguna_self *toguna_self(const struct toguna *node)
{
  return &node->self;
}

void toguna_set_timeout(struct toguna *node, int milliseconds)
{
  node->silence = milliseconds;
  channel_set_silence(node->channel, milliseconds);
}

/* ---- ids ---- */

void toguna_id_print(const struct toguna_id *id, char out[65])
{
  static const char digits[] = "0123456789abcdef";
  for (size_t i = 0; i < sizeof id->b; i++) {
    out[2 * i] = digits[id->b[i] >> 4];
    out[2 * i + 1] = digits[id->b[i] & 15];
  }
  out[64] = 0;
}

static int digit_of(char c)
{
  return c >= '0' && c <= '9'   ? c - '0'
         : c >= 'a' && c <= 'f' ? c - 'a' + 10
         : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                : -1;
}

enum toguna_err toguna_id_parse(const char *text, struct toguna_id *ret)
{
  struct toguna_id id;
  if (!text || strlen(text) != 2 * sizeof id.b)
    return TOGUNA_BAD_INPUT;
  for (size_t i = 0; i < sizeof id.b; i++) {
    int high = digit_of(text[2 * i]), low = digit_of(text[2 * i + 1]);
    if (high < 0 || low < 0)
      return TOGUNA_BAD_INPUT;
    id.b[i] = (uint8_t)(high << 4 | low);
  }
  *ret = id;
  return TOGUNA_OK;
}
