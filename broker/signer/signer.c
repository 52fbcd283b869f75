/* The process that holds the log key. It signs a tree only if that tree extends the last one it signed, and
   what it is about to sign is on the disk before the signature exists. Where it remembers nothing it begins nothing by itself: its state may
   be lost, and only the core knows whether there is a log already. */
#include "audit/signing.h"
#include "broker/message.h"
#include "broker/role.h"
#include "broker/signer/memory.h"
#include "os/clock.h"
#include "os/file.h"
#include "os/log.h"
#include "os/sandbox.h"

#include <stdio.h>
#include <string.h>

struct signer {
  struct loop *loop;
  struct pipe *core;
  struct secret_key *key;
  struct file_lock *lock;
  char path[BRIEF_PATH_MAX + 8]; /* of its state */
  struct memory *memory;         /* NULL: nothing is remembered, and nothing signed */
  struct signing_state state;    /* as it is on the disk */
};

/* ---- the state on the disk */

static enum tg_err save(struct signer *s, const struct signing_state *state, struct tg_why *why)
{
  enum tg_err err = memory_keep(s->memory, state, why);
  if (err == TG_OK)
    s->state = *state;
  return err;
}

/* A log that begins: written at once, so that a disk that takes nothing is noticed now. */
static enum tg_err begin(struct signer *s, struct tg_why *why)
{
  enum tg_err err = signing_begin(slice_str(secret_key_name(s->key)), &s->state);
  if (err == TG_OK)
    err = memory_make(s->path, &s->state, &s->memory, why);
  if (err == TG_OK)
    log_event(LOG_NOTICE, "log-begun", log_text("origin", s->state.origin));
  return err;
}

static enum tg_err load(struct signer *s, struct tg_why *why)
{
  enum tg_err err = memory_open(s->path, &s->memory, &s->state, why);
  if (err == TG_NOT_FOUND)
    return TG_OK;
  if (err == TG_OK && strcmp(s->state.origin, secret_key_name(s->key)) != 0)
    err = why_set(
        why, TG_CONFLICT, s->path, N_("this is the state of the log %1$s, but the log key is that of %2$s"),
        N_("Name the log key that belongs to this folder"), s->state.origin, secret_key_name(s->key), NULL);
  return err;
}

/* ---- answers */

/* Sends the note of the state on the disk; an empty one when nothing was ever signed. */
static enum tg_err answer(struct signer *s, struct tg_why *why)
{
  struct buf note = buf_new(1 + CHECKPOINT_BYTES_MAX);
  struct checkpoint checkpoint = signing_checkpoint(&s->state);
  enum tg_err err = TG_OK;
  buf_put_u8(&note, MESSAGE_NOTE);
  if (checkpoint.size > 0)
    err = checkpoint_sign(&checkpoint, s->key, &note, why);
  if (err == TG_OK)
    err = pipe_send(s->core, buf_slice(&note));
  buf_free(&note);
  return err;
}

static enum tg_err greet(struct signer *s, struct tg_why *why)
{
  static const uint8_t empty = MESSAGE_EMPTY;
  return s->memory ? answer(s, why) : pipe_send(s->core, slice_of(&empty, 1));
}

/* The machine fails and nobody cheats: the hub ends, and is started again, as after any failure of a disk. A refusal would tell its operator that
   the store was set back, and the hub would stay down. */
static void give_up(struct signer *s, enum tg_err err, const struct tg_why *why)
{
  loop_stop(s->loop, role_fails("signer-failed", err, why));
}

static void refuse(struct signer *s, const struct tg_why *why)
{
  char text[600] = {MESSAGE_REFUSED};
  size_t n = why_render(why, NULL, text + 1, sizeof text - 1);
  log_event(LOG_ALARM, "signature-refused", log_err("error", why->err), log_why(why));
  (void)pipe_send(s->core, slice_of(text, 1 + n));
}

static enum tg_err not_a_signature(struct tg_why *why)
{
  return why_set(why, TG_BAD_INPUT, "core", N_("the hub's core asked for something that is not a signature"), NULL, NULL, NULL, NULL);
}

static enum tg_err advance(struct signer *s, struct slice message, struct tg_why *why)
{
  struct signing_request request;
  struct signing_state next;
  if (signing_request_parse(message, &request) != TG_OK)
    return not_a_signature(why);
  enum tg_err err = signing_advance(&s->state, &request, clock_wall(), &next, why);
  if (err == TG_OK && next.size != s->state.size)
    err = save(s, &next, why);
  return err;
}

static enum tg_err obey(struct signer *s, struct slice message, struct tg_why *why)
{
  enum message type;
  const bool whole = message_take(&message, &type);
  if (whole && type == MESSAGE_BEGIN && !s->memory)
    return begin(s, why);
  if (!whole || type != MESSAGE_SIGN)
    return not_a_signature(why);
  if (!s->memory)
    return why_set(why, TG_STALE, s->path, N_("the signer remembers no log, and was not told that one begins"), NULL, NULL, NULL, NULL);
  return advance(s, message, why);
}

static void on_frame(void *arg, struct slice frame)
{
  struct signer *s = arg;
  struct tg_why why = {.err = TG_OK};
  enum tg_err err = obey(s, frame, &why);
  if (err == TG_OK)
    err = answer(s, &why);
  if (err == TG_OK)
    return;
  if (!why.what)
    (void)why_set(&why, err, NULL, N_("no signature could be made"), NULL, NULL, NULL, NULL);
  if (err == TG_DISK || err == TG_NO_MEMORY)
    give_up(s, err, &why);
  else
    refuse(s, &why);
}

/* The core is gone: the parent stops us next. */
static void on_closed(void *arg, enum tg_err why)
{
  struct signer *s = arg;
  (void)why;
  pipe_free(&s->core);
}

static void on_stop(void *arg)
{
  struct signer *s = arg;
  loop_stop(s->loop, 0);
}

/* ---- the life of the process */

static enum tg_err take_key(struct signer *s, struct role_start *start, struct tg_why *why)
{
  const struct signer_brief *brief = brief_take(start, sizeof *brief);
  if (!brief)
    return TG_INTERNAL;
  enum tg_err err =
      secret_key_from(KEY_HUB_LOG, brief->key_name, slice_of(brief->key, sizeof brief->key), &s->key);
  return err == TG_OK ? TG_OK
                      : why_set(why, err, NULL, N_("the log key cannot be kept in locked memory"),
                                N_("Raise the limit on locked memory"), NULL, NULL, NULL);
}

static enum tg_err jail(const struct signer_brief *brief, struct tg_why *why)
{
  const struct sandbox_path own = {.path = brief->folder, .access = SANDBOX_WRITE};
  return sandbox_enter(&(struct sandbox){.profile = SANDBOX_SIGNER, .paths = &own, .n_paths = 1}, why);
}

static enum tg_err join_core(struct signer *s, struct role_start *start)
{
  static const struct pipe_events events = {.frame = on_frame, .closed = on_closed};
  int fd = role_channel(start, "core");
  return fd < 0 ? TG_INTERNAL : pipe_new(s->loop, fd, &MESSAGE_SIGNER_LIMITS, &events, s, &s->core);
}

static enum tg_err settle_in(struct signer *s, const struct signer_brief *brief, struct tg_why *why)
{
  snprintf(s->path, sizeof s->path, "%s/state", brief->folder);
  enum tg_err err = jail(brief, why);
  if (err == TG_OK)
    err = file_lock_take(brief->folder, &s->lock, why);
  return err == TG_OK ? load(s, why) : err;
}

static enum tg_err prepare(struct signer *s, struct role_start *start, struct tg_why *why)
{
  static const struct role_events events = {.stop = on_stop};
  s->loop = loop_new();
  enum tg_err err = s->loop ? role_watch(start, s->loop, &events, s) : TG_NO_MEMORY;
  if (err == TG_OK)
    err = take_key(s, start, why);
  if (err == TG_OK)
    err = settle_in(s, brief_take(start, sizeof(struct signer_brief)), why);
  role_brief_forget(start);
  if (err == TG_OK)
    err = join_core(s, start);
  return err == TG_OK ? greet(s, why) : err;
}

int signer_main(struct role_start *start)
{
  struct signer s = {.loop = NULL};
  struct tg_why why = {.err = TG_OK};
  enum tg_err err = prepare(&s, start, &why);
  int code = err == TG_OK ? (role_ready(start), loop_run(s.loop)) : role_fails("signer-failed", err, &why);
  pipe_free(&s.core);
  memory_free(s.memory);
  secret_key_free(s.key);
  file_lock_free(&s.lock);
  loop_free(s.loop);
  return code;
}
