#include "client/console/site.h"

#include "client/console/asset.h"
#include "client/console/words.h"
#include "os/speak.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
  CONNECTIONS = 64,
  IDLE_MS = 60000, /* a browser keeps its connections */
  REQUEST_MS = 30000,
  TOKEN_BYTES = 32,
  ANSWER_MAX = 32 << 20,
};

struct site {
  struct site_options o;
  struct http *http;
  uint16_t port;
  char token[sodium_base64_ENCODED_LEN(TOKEN_BYTES, sodium_base64_VARIANT_URLSAFE_NO_PADDING)];
  char address[SITE_ADDRESS_MAX];
  struct buf bytes; /* of the answer */
};

/* Nothing from elsewhere, nothing inline, nothing evaluated, no text made into markup, nobody's frame. */
static const struct http_header HEADERS[] = {
    {"Content-Security-Policy",
     "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; base-uri 'none'; "
     "form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"},
    {"X-Content-Type-Options", "nosniff"},
    {"Referrer-Policy", "no-referrer"},
    {"Cross-Origin-Opener-Policy", "same-origin"},
    {"Cross-Origin-Resource-Policy", "same-origin"},
    {"Cross-Origin-Embedder-Policy", "require-corp"},
    {"Permissions-Policy", "camera=(), microphone=(), geolocation=(), payment=(), usb=()"},
};

/* ---- who asks */

/* A page from elsewhere whose name was made to lead here calls us by that name. */
static bool knows_us(const struct site *s, const char *host)
{
  static const char *const names[] = {"127.0.0.1", "localhost", "[::1]"};
  char ours[64];
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    snprintf(ours, sizeof ours, "%s:%u", names[i], s->port);
    if (!strcmp(host, ours))
      return true;
  }
  return false;
}

/* Takes "/TOKEN/" off the path. */
static bool take_token(const struct site *s, struct slice *path)
{
  const size_t n = sizeof s->token - 1;
  if (path->n < n + 2 || path->p[0] != '/' || path->p[n + 1] != '/' || sodium_memcmp(path->p + 1, s->token, n) != 0)
    return false;
  *path = slice_of(path->p + n + 2, path->n - n - 2);
  return true;
}

/* ---- answers */

static void give_file(struct slice name, struct http_answer *ret)
{
  const struct asset *a = asset_find(name.n ? name : slice_str("index.html"));
  if (a)
    *ret = (struct http_answer){
        .status = 200, .type = asset_type(a), .caching = "no-cache", .body = slice_of(a->bytes, a->n)};
}

static unsigned status_of(enum tg_err err)
{
  switch (tg_exit_code(err)) {
  case 0: return 200;
  case 1: return 403;
  case 2:
  case 3: return err == TG_NOT_FOUND ? 404 : 400;
  case 4: return 503;
  default: return 500;
  }
}

static void give_json(struct site *s, unsigned status, json_t *value, struct http_answer *ret)
{
  char *text = value ? json_dumps(value, JSON_COMPACT) : NULL;
  json_decref(value);
  buf_clear(&s->bytes);
  if (text)
    buf_put_str(&s->bytes, text);
  free(text);
  *ret = (struct http_answer){.status = text && buf_status(&s->bytes) == TG_OK ? status : 500,
                              .type = "application/json",
                              .body = buf_slice(&s->bytes)};
}

static void give_why(struct site *s, enum tg_err err, const struct tg_why *why, struct http_answer *ret)
{
  char text[1024];
  struct tg_why unsaid = {.err = err, .what = N_("the console cannot answer this")};
  why_render(why->what ? why : &unsaid, tr, text, sizeof text);
  give_json(s, status_of(err), json_pack("{s:s,s:i,s:s}", "error", tg_err_name(err), "exit", tg_exit_code(err), "message", text), ret);
}

static void give_answer(struct site *s, struct slice question, const struct http_request *r, struct http_answer *ret)
{
  struct tg_why why = {.err = TG_OK};
  json_t *value = NULL;
  buf_clear(&s->bytes);
  enum tg_err err = s->o.answer(s->o.arg, question, r, &value, &s->bytes, &why);
  if (err != TG_OK)
    give_why(s, err, &why, ret);
  else if (value)
    give_json(s, 200, value, ret);
  else
    *ret = (struct http_answer){.status = 200, .type = "application/octet-stream", .body = buf_slice(&s->bytes)};
}

/* The page says in which language it wants to be answered; else it is that of whoever started us. */
static void choose_language(const struct http_request *r)
{
  struct buf text = buf_new(8);
  if (http_argument(r, "lang", &text) == TG_OK && text.n == 2) {
    const char wanted[3] = {(char)text.p[0], (char)text.p[1], 0};
    speak_in(wanted);
  }
  buf_free(&text);
}

static void on_request(void *arg, const struct http_request *r, struct http_answer *ret)
{
  static const char api[] = "api/";
  const size_t n = sizeof api - 1;
  struct site *s = arg;
  struct slice path = r->path;
  if (!knows_us(s, r->host) || !take_token(s, &path))
    return;
  if (path.n < n || memcmp(path.p, api, n) != 0) {
    give_file(path, ret);
    return;
  }
  choose_language(r);
  struct slice question = slice_of(path.p + n, path.n - n);
  if (slice_is(question, "words"))
    give_json(s, 200, words_all(), ret);
  else
    give_answer(s, question, r, ret);
}

/* ---- life */

enum tg_err site_new(struct loop *l, const struct site_options *o, struct site **ret, struct tg_why *why)
{
  uint8_t random[TOKEN_BYTES];
  struct site *s = calloc(1, sizeof *s);
  const struct http_options http = {.fd = o->fd,
                                    .connections = CONNECTIONS,
                                    .idle_ms = IDLE_MS,
                                    .request_ms = REQUEST_MS,
                                    .headers = HEADERS,
                                    .n_headers = sizeof HEADERS / sizeof *HEADERS,
                                    .handler = on_request,
                                    .arg = s};
  if (!s)
    return why_set(why, TG_NO_MEMORY, NULL, N_("out of memory"), NULL, NULL, NULL, NULL);
  *s = (struct site){.o = *o, .port = http_port(o->fd), .bytes = buf_new(ANSWER_MAX)};
  randombytes_buf(random, sizeof random);
  sodium_bin2base64(s->token, sizeof s->token, random, sizeof random, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
  snprintf(s->address, sizeof s->address, "http://127.0.0.1:%u/%s/", s->port, s->token);
  enum tg_err err = http_new(l, &http, &s->http, why);
  if (err == TG_OK)
    *ret = s;
  else
    site_free(&s);
  return err;
}

void site_free(struct site **taken)
{
  struct site *s = *taken;
  if (!s)
    return;
  http_free(&s->http);
  buf_free(&s->bytes);
  sodium_memzero(s, sizeof *s);
  free(s);
  *taken = NULL;
}

const char *site_address(const struct site *site)
{
  return site->address;
}
