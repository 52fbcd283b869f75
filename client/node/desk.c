#include "client/node/desk_inside.h"

#include "client/node/backup.h"
#include "client/node/bundle_in.h"
#include "client/node/bundle_out.h"
#include "client/node/errands.h"

#include <stdio.h>
#include <stdlib.h>

enum {
  TURN_BYTES = 256 * 1024, /* produced for one program in one turn */
  PRODUCE_COST = 512,      /* a step that says nothing costs so much of it */
};

/* ---- life ---- */

struct desk *desk_new(void)
{
  return calloc(1, sizeof(struct desk));
}

static void free_client(struct desk_client *c)
{
  for (size_t i = 0; i < c->n_slots; i++)
    free(c->request[i]);
  free(c);
}

static void free_parts(struct request *r)
{
  reading_free(r->reading);
  browse_free(r->browse);
  bundle_out_free(r->bundle_out);
  backup_free(r->backup);
  buf_free(&r->json);
  *r = (struct request){0};
}

void desk_free(struct desk *d)
{
  if (!d)
    return;
  for (size_t i = 0; i < d->n; i++) {
    for (size_t j = 0; j < d->client[i]->n_slots; j++) {
      draft_free(d->client[i]->request[j]->draft);
      bundle_in_free(d->client[i]->request[j]->bundle_in);
      free_parts(d->client[i]->request[j]);
    }
    free_client(d->client[i]);
  }
  free(d);
}

/* Nothing of a draft that was not finished stays in the store. */
static enum tg_err forget_request(struct node_core *core, struct request *r)
{
  enum tg_err err = draft_abort(core, &r->draft);
  if (err == TG_OK)
    err = bundle_in_abort(core, &r->bundle_in);
  struct desk_client *c = r->client;
  core->desk->n_waiting -= r->waiting;
  for (size_t i = 0; i < c->n_slots; i++)
    if (c->request[i] == r)
      c->number[i] = 0;
  free_parts(r);
  return err;
}

static enum tg_err forget_client(struct node_core *core, struct desk_client *c)
{
  struct desk *d = core->desk;
  enum tg_err err = TG_OK;
  for (size_t i = 0; i < c->n_slots; i++) {
    enum tg_err e = c->request[i]->kind ? forget_request(core, c->request[i]) : TG_OK;
    err = err == TG_OK ? e : err;
  }
  errands_client_gone(core, c->id);
  for (size_t i = 0; i < d->n; i++)
    if (d->client[i] == c)
      d->client[i--] = d->client[--d->n];
  free_client(c);
  return err;
}

struct desk_client *desk_find(const struct node_core *core, uint64_t id)
{
  for (size_t i = 0; i < core->desk->n; i++)
    if (core->desk->client[i]->id == id)
      return core->desk->client[i];
  return NULL;
}

struct request *desk_find_request(struct desk_client *c, uint64_t number)
{
  for (size_t i = 0; i < c->n_slots; i++)
    if (c->number[i] == number && c->request[i]->kind)
      return c->request[i];
  return NULL;
}

/* ---- answers ---- */

enum tg_err desk_send(struct node_core *core, struct desk_client *c, enum local_type type,
                        const ProtobufCMessage *message)
{
  struct tg_why why = {0};
  buf_clear(&core->frame);
  enum tg_err err = local_encode(type, message, &core->frame, &why);
  if (err == TG_NO_MEMORY)
    return err;
  if (err != TG_OK &&
      type != LOCAL_ERROR) { /* beyond the limits of a frame: the program learns that instead */
    ProtobufCBinaryData args[3];
    Tg__LError error = local_error(local_request(message), &why, args);
    return desk_send(core, c, LOCAL_ERROR, &error.base);
  }
  if (err != TG_OK)
    return TG_INTERNAL;
  c->budget = c->budget > core->frame.n ? c->budget - core->frame.n : 0;
  return orders_to_client(core->orders, c->id, buf_slice(&core->frame));
}

enum tg_err desk_send_error(struct node_core *core, struct desk_client *c, uint64_t request,
                              const struct tg_why *why)
{
  ProtobufCBinaryData args[3];
  Tg__LError error = local_error(request, why, args);
  return desk_send(core, c, LOCAL_ERROR, &error.base);
}

/* The connection ends with this sentence. */
static enum tg_err hang_up(struct node_core *core, struct desk_client *c, uint64_t request,
                           const struct tg_why *why)
{
  enum tg_err err = desk_send_error(core, c, request, why);
  c->closed = true;
  return err == TG_OK ? orders_close_client(core->orders, c->id) : err;
}

/* ---- who may do what ---- */

static const struct request_kind kinds[] = {
    {LOCAL_PREVIEW, NODE_PUBLISHER | NODE_APPROVER, publishing_preview, NULL},
    {LOCAL_PUBLISH, NODE_PUBLISHER, publishing_begin, NULL},
    {LOCAL_LIST, NODE_READER, browse_list, browse_produce},
    {LOCAL_FOLLOW, NODE_READER, browse_follow, browse_produce},
    {LOCAL_READ, NODE_READER | NODE_PUBLISHER | NODE_APPROVER, handling_read, handling_read_on},
    {LOCAL_ACK, NODE_READER, handling_acknowledge, NULL},
    {LOCAL_TRACK, NODE_PUBLISHER | NODE_AUDITOR, handling_track, handling_track_on},
    {LOCAL_QUERY, 0, queries_begin, queries_produce},
    {LOCAL_PUT_DOCUMENT, NODE_OFFICER, handling_document, NULL},
    {LOCAL_RESOLVE, NODE_READER | NODE_PUBLISHER, browse_resolve, NULL},
    {LOCAL_APPROVE, NODE_APPROVER, approving_approve, NULL},
    {LOCAL_DENY, NODE_APPROVER | NODE_PUBLISHER, approving_deny, NULL},
    {LOCAL_EXPORT, NODE_PUBLISHER, bundling_export, bundling_export_on},
    {LOCAL_IMPORT, NODE_READER | NODE_PUBLISHER, bundling_import, bundling_import_on},
    {LOCAL_BACKUP, NODE_ADMIN, backup_begin, backup_produce},
};

static const struct request_kind *kind_of(enum local_type type)
{
  for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
    if (kinds[i].type == type)
      return &kinds[i];
  return NULL;
}

static unsigned roles_of(const struct node_config *config, uint32_t uid)
{
  unsigned roles = config->n_users == 0 && uid == config->owner ? NODE_ADMIN : 0;
  for (size_t i = 0; i < config->n_users; i++)
    if (config->users[i].uid == uid)
      roles |= config->users[i].roles;
  return roles & NODE_ADMIN ? NODE_ROLES_ALL : roles;
}

enum tg_err desk_joined(struct node_core *core, uint64_t client, uint32_t uid)
{
  struct desk *d = core->desk;
  struct tg_why why;
  struct desk_client *c = calloc(1, sizeof *c);
  if (!c)
    return TG_NO_MEMORY;
  *c = (struct desk_client){.id = client, .uid = uid, .roles = roles_of(core->config, uid)};
  if (d->n < DESK_CLIENTS_MAX) {
    d->client[d->n++] = c;
    return TG_OK;
  }
  why_set(&why, TG_BUSY, NULL, N_("too many programs are connected to the node"),
          N_("try again when some have ended"), NULL, NULL, NULL);
  enum tg_err err = hang_up(core, c, 0, &why);
  free_client(c);
  return err;
}

static enum tg_err greet(struct node_core *core, struct desk_client *c, const Tg__LHello *hello)
{
  struct tg_why why;
  Tg__LWelcome welcome = TG__LWELCOME__INIT;
  ProtobufCBinaryData roles[8];
  if (hello->protocol != LOCAL_PROTOCOL) {
    why_set(&why, TG_UNKNOWN, NULL,
            N_("the program and the node speak different versions of the local protocol"),
            N_("update the older of the two"), NULL, NULL, NULL);
    return hang_up(core, c, hello->request, &why);
  }
  if (!c->roles) {
    why_set(&why, TG_REFUSED, NULL, N_("this user may not use the node"),
            N_("who runs the node gives roles with `user` lines in its configuration"), NULL, NULL, NULL);
    return hang_up(core, c, hello->request, &why);
  }
  c->greeted = true;
  snprintf(c->program, sizeof c->program, "%.*s", (int)hello->program.len,
           hello->program.len ? (const char *)hello->program.data : "");
  welcome.request = hello->request;
  welcome.protocol = LOCAL_PROTOCOL;
  welcome.node = text_data(core->my_name);
  welcome.member = text_data(core->member.code);
  welcome.exchange = slice_data(hash_slice(&core->config->exchange));
  welcome.roles = roles;
  for (unsigned bit = 1; bit < NODE_ROLES_ALL; bit <<= 1)
    if (c->roles & bit)
      roles[welcome.n_roles++] = text_data(node_role_name((enum node_role)bit));
  return desk_send(core, c, LOCAL_WELCOME, &welcome.base);
}

/* ---- requests ---- */

enum tg_err desk_settle(struct node_core *core, struct request *r)
{
  return r->over ? forget_request(core, r) : TG_OK;
}

static bool has_drafts(const struct desk_client *c)
{
  size_t n = 0;
  for (size_t i = 0; i < c->n_slots; i++)
    n += c->number[i] && c->request[i]->draft;
  return n >= DESK_PUBLISH_MAX;
}

/* An empty slot; *ret NULL when so many requests are under way. drafts: it may become a draft whose content is still to come. */
static enum tg_err free_slot(struct desk_client *c, bool drafts, struct request **ret, size_t *ret_at)
{
  size_t at = 0;
  *ret = NULL;
  while (at < c->n_slots && c->number[at])
    at++;
  if (at == DESK_REQUESTS_MAX || (drafts && has_drafts(c)))
    return TG_OK;
  if (at == c->n_slots) {
    c->request[at] = calloc(1, sizeof *c->request[at]);
    if (!c->request[at])
      return TG_NO_MEMORY;
    c->n_slots++;
  }
  *ret = c->request[at];
  *ret_at = at;
  return TG_OK;
}

static enum tg_err begin(struct node_core *core, struct desk_client *c, const struct request_kind *kind,
                         const struct local_kind *row, const ProtobufCMessage *message)
{
  struct tg_why why;
  uint64_t number = local_request(message);
  struct request *r;
  size_t at;
  bool drafts = kind->type == LOCAL_PUBLISH && !((const Tg__LPublish *)message)->n_contents;
  enum tg_err err = free_slot(c, drafts, &r, &at);
  if (err != TG_OK)
    return err;
  if (kind->roles && !(c->roles & kind->roles)) {
    why_set(&why, TG_REFUSED, NULL, N_("this user may not do this here: %1$s"),
            N_("who runs the node gives roles with `user` lines in its configuration"), row->name, NULL,
            NULL);
    return desk_send_error(core, c, number, &why);
  }
  if (!r) {
    why_set(&why, TG_BUSY, NULL, N_("too many requests are under way on this connection"),
            N_("wait for one of them"), NULL, NULL, NULL);
    return desk_send_error(core, c, number, &why);
  }
  *r = (struct request){.client = c, .client_id = c->id, .kind = kind, .number = number, .json = buf_new(0)};
  c->number[at] = number;
  err = kind->begin(core, r, message);
  return err == TG_OK ? desk_settle(core, r) : err;
}

/* Content and cancellation of a request that is over may still be on their way: nothing is wrong then. */
static enum tg_err continue_request(struct node_core *core, struct request *r, enum local_type type,
                                    const ProtobufCMessage *message)
{
  if (!r)
    return TG_OK;
  if (type == LOCAL_CANCEL)
    return forget_request(core, r);
  enum tg_err err = r->draft       ? publishing_data(core, r, (const Tg__LData *)message)
                    : r->bundle_in ? bundling_data(core, r, (const Tg__LData *)message)
                                   : TG_OK;
  return err == TG_OK ? desk_settle(core, r) : err;
}

static enum tg_err dispatch(struct node_core *core, struct desk_client *c, const struct local_kind *row,
                            const ProtobufCMessage *message)
{
  struct tg_why why;
  uint64_t number = local_request(message);
  struct request *r = desk_find_request(c, number);
  if (row->type == LOCAL_HELLO && !c->greeted)
    return greet(core, c, (const Tg__LHello *)message);
  if (row->type == LOCAL_HELLO || !c->greeted) {
    why_set(&why, TG_BAD_INPUT, row->name, N_("a connection begins with one greeting"), NULL, NULL, NULL,
            NULL);
    return hang_up(core, c, 0, &why);
  }
  if (row->type == LOCAL_PUBLISH_DATA || row->type == LOCAL_CANCEL)
    return continue_request(core, r, row->type, message);
  const struct request_kind *kind = kind_of(row->type);
  if (r || !kind) {
    why_set(&why, TG_BAD_INPUT, row->name, N_("this number belongs to a request that is under way"), NULL,
            NULL, NULL, NULL);
    return hang_up(core, c, 0, &why);
  }
  return begin(core, c, kind, row, message);
}

enum tg_err desk_frame(struct node_core *core, uint64_t client, struct slice frame)
{
  struct desk_client *c = desk_find(core, client);
  const struct local_kind *row;
  ProtobufCMessage *message;
  struct tg_why why = {0};
  if (!c)
    return TG_OK;
  c->budget = TURN_BYTES;
  enum tg_err err = local_decode(frame, LOCAL_TO_NODE, core->arena, &row, &message, &why);
  err = err == TG_OK ? dispatch(core, c, row, message) : hang_up(core, c, 0, &why);
  return err == TG_OK && c->closed ? forget_client(core, c) : err;
}

enum tg_err desk_gone(struct node_core *core, uint64_t client)
{
  struct desk_client *c = desk_find(core, client);
  return c ? forget_client(core, c) : TG_OK;
}

/* ---- producing ---- */

void desk_queued(struct node_core *core, uint64_t client, size_t bytes)
{
  struct desk_client *c = desk_find(core, client);
  if (c)
    c->full = bytes >= NODE_FULL;
}

enum tg_err desk_drained(struct node_core *core, uint64_t client)
{
  desk_queued(core, client, 0);
  return TG_OK;
}

static bool is_hungry(const struct request *r)
{
  return r->kind && r->kind->produce && !r->idle;
}

/* One step of each request, so that a large content does not hold up a list. */
static enum tg_err produce_round(struct node_core *core, struct desk_client *c, bool *ret_any)
{
  *ret_any = false;
  for (size_t i = 0; i < c->n_slots && c->budget; i++) {
    struct request *r = c->request[i];
    if (!c->number[i] || !is_hungry(r))
      continue;
    enum tg_err err = r->kind->produce(core, r);
    if (err == TG_OK)
      err = desk_settle(core, r);
    if (err != TG_OK)
      return err;
    *ret_any = true;
    c->budget = c->budget > PRODUCE_COST ? c->budget - PRODUCE_COST : 0;
  }
  return TG_OK;
}

/* Every follower looks again; those of the other folder find nothing. */
static void wake_followers(struct desk *d)
{
  d->stirred = false;
  for (size_t i = 0; i < d->n; i++)
    for (size_t j = 0; j < d->client[i]->n_slots; j++)
      if (d->client[i]->request[j]->browse) {
        browse_stir(d->client[i]->request[j]->browse);
        d->client[i]->request[j]->idle = false;
      }
}

enum tg_err desk_turn(struct node_core *core)
{
  struct desk *d = core->desk;
  if (d->stirred)
    wake_followers(d);
  for (size_t i = 0; i < d->n; i++) {
    struct desk_client *c = d->client[i];
    bool any = !c->full;
    c->budget = TURN_BYTES;
    for (size_t j = 0; core->importing && j < c->n_slots; j++)
      if (c->request[j]->bundle_in)
        c->request[j]->idle = false; /* has what it brought been opened? */
    while (any && c->budget) {
      enum tg_err err = produce_round(core, c, &any);
      if (err != TG_OK)
        return err;
    }
    if (any)
      core_wake_now(core);
  }
  return TG_OK;
}

enum tg_err desk_stop(struct node_core *core)
{
  struct desk *d = core->desk;
  struct tg_why why;
  why_set(&why, TG_UNREACHABLE, NULL, N_("the node is being stopped"),
          N_("nothing that was acknowledged is lost; try again later"), NULL, NULL, NULL);
  while (d->n) {
    enum tg_err err = hang_up(core, d->client[0], 0, &why);
    if (err == TG_OK)
      err = forget_client(core, d->client[0]);
    if (err != TG_OK)
      return err;
  }
  return TG_OK;
}
