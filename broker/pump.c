#include "broker/pump.h"

#include "broker/answer.h"
#include "broker/dispatch.h"
#include "broker/receipts.h"
#include "broker/registry.h"
#include "broker/sequence.h"

/* In order of urgency. Each sends one frame at most, so that all sessions take turns. */
static const struct {
  unsigned work;
  enum tg_err (*send)(struct hub *hub, struct session *s, bool *ret_more);
} senders[] = {
    {WORK_DOCUMENTS, registry_send}, /* first: what follows may need them */
    {WORK_HELD, dispatch_reconsider},
    {WORK_ROWS, dispatch},
    {WORK_NOTES, receipts_send},
};

static enum tg_err serve(struct hub *hub, struct session *s, bool *ret_more)
{
  enum tg_err err = answers_send(hub, s);
  for (size_t i = 0; !err && i < sizeof senders / sizeof *senders; i++) {
    bool more = false;
    if (s->work & senders[i].work)
      err = senders[i].send(hub, s, &more);
    *ret_more |= more;
  }
  return err;
}

/* Chunks come after every bulletin that may go now. */
static enum tg_err serve_chunks(struct hub *hub)
{
  for (struct session *s = session_first(hub); s && !effects_full(hub->out); s = s->next) {
    bool more = false;
    enum tg_err err = s->work & WORK_WANTS ? dispatch_chunks(hub, s, &more) : TG_OK;
    if (err)
      return err;
    hub->hurry |= more;
  }
  return TG_OK;
}

/* What documents that came in this turn change for those who are here, and for what waits. */
static enum tg_err papers_came(struct hub *hub)
{
  if (!hub->papers_came)
    return TG_OK;
  hub->papers_came = false;
  enum tg_err err = sessions_review(hub);
  if (!err)
    err = sequence_waiting(hub);
  sessions_reconsider(hub);
  sessions_wake(hub, WORK_DOCUMENTS);
  return err;
}

enum tg_err pump(struct hub *hub)
{
  enum tg_err err = papers_came(hub);
  for (bool more = true; !err && more && logbook_signed_size(hub->log);) {
    more = false;
    for (struct session *s = session_first(hub); !err && s; s = s->next)
      err = serve(hub, s, &more);
    if (more && effects_full(hub->out)) {
      hub->hurry = true;
      return err;
    }
  }
  return err ? err : serve_chunks(hub);
}
