#include "broker/pump.h"

#include "broker/answer.h"
#include "broker/dispatch.h"
#include "broker/notes.h"
#include "broker/registry.h"
#include "broker/sequence.h"
#include "broker/stated.h"

/* In order of urgency. Each sends one frame at most, so that all sessions take turns. */
static const struct {
  unsigned work;
  enum tg_err (*send)(struct hub *hub, struct session *s, bool *ret_more);
} senders[] = {
    {WORK_DOCUMENTS, registry_send}, /* first: what follows may need them */
    {WORK_HELD, dispatch_reconsider},
    {WORK_ROWS, dispatch},
    {WORK_NOTES, notes_send},
    {WORK_STATED, stated_send},
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
  enum tg_err err = TG_OK;
  for (struct session *s = session_first(hub); !err && s; s = s->next) {
    bool more = false;
    if (!(s->work & WORK_WANTS))
      continue;
    if (effects_enough(hub->out))
      more = true;
    else
      err = dispatch_chunks(hub, s, &more);
    hub->hurry |= more;
  }
  return err;
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

/* One turn for each session that has not had its own in this round. A turn of the hub that has made enough ends in the middle; the next goes on from there. */
static enum tg_err serve_round(struct hub *hub)
{
  enum tg_err err = TG_OK;
  for (struct session *s = session_first(hub); !err && s && !effects_enough(hub->out); s = s->next) {
    if (s->round == hub->round)
      continue;
    s->round = hub->round;
    err = serve(hub, s, &hub->round_more);
  }
  return err;
}

enum tg_err pump(struct hub *hub)
{
  enum tg_err err = papers_came(hub);
  if (err || hub->hold)
    return err;
  for (bool more = true; !err && more && logbook_signed_size(hub->log);) {
    err = serve_round(hub);
    if (effects_enough(hub->out)) {
      hub->hurry = true;
      return err;
    }
    more = hub->round_more;
    hub->round_more = false;
    hub->round++;
  }
  return err ? err : serve_chunks(hub);
}
