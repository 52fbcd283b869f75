#include "client/node/desk_inside.h"

#include "client/node/journal.h"

enum tg_err request_answer(struct node_core *core, struct request *r, enum local_type type,
                           const ProtobufCMessage *message)
{
  return desk_send(core, r->client, type, message);
}

enum tg_err request_refuse(struct node_core *core, struct request *r, const struct tg_why *why)
{
  r->over = true;
  return desk_send_error(core, r->client, r->number, why);
}

enum tg_err request_done(struct node_core *core, struct request *r, uint64_t count)
{
  Tg__LDone done = TG__LDONE__INIT;
  done.request = r->number;
  done.count = count;
  r->over = true;
  return request_answer(core, r, LOCAL_DONE, &done.base);
}

unsigned request_roles(const struct request *r)
{
  return r->client->roles;
}

struct draft_author request_author(const struct request *r)
{
  return (struct draft_author){.uid = r->client->uid, .program = r->client->program};
}

enum tg_err request_journal(struct node_core *core, const struct request *r, const char *action,
                            const struct hash *subject, const char *detail)
{
  struct journal_row row = {.uid = r->client->uid,
                            .action = slice_str(action),
                            .program = slice_str(r->client->program),
                            .detail = slice_str(detail ? detail : "")};
  if (subject)
    row.subject = *subject;
  enum tg_err err = core_begin(core);
  return err == TG_OK ? journal_add(core, &row) : err;
}

void request_stir(struct node_core *core) { core->desk->stirred = true; }

void request_wait(struct node_core *core, struct request *r)
{
  r->waiting = true;
  core->desk->n_waiting++;
}
