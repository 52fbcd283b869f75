/* A copy of the node, made while it works. */
#include "client/lib/node.h"

/* The node is silent as long as it copies, and works on meanwhile: only its end is waited for. */
static enum tg_err take_pieces(struct toguna *node, uint64_t request, toguna_on_data *on_data, void *context, struct tg_why *why)
{
  enum tg_err err = TG_OK;
  for (bool end = false; err == TG_OK && !end;) {
    enum local_type type;
    ProtobufCMessage *answer;
    err = channel_poll(node->channel, request, ANSWER(LOCAL_CONTENT), CHANNEL_FOREVER, &type, &answer, why);
    if (err != TG_OK || !answer)
      continue;
    const Tg__LContent *m = (const Tg__LContent *)answer;
    end = m->end;
    node->in_call = true;
    const int stop = m->data.len ? on_data(context, m->data.data, m->data.len) : 0;
    node->in_call = false;
    if (stop)
      err = why_set(why, TG_REFUSED, NULL, N_("the copy was not taken to its end"), NULL, NULL, NULL, NULL);
  }
  return err;
}

enum toguna_err toguna_backup(struct toguna *node, toguna_on_data *on_data, void *context, struct toguna_error *error)
{
  struct tg_why why = {0};
  Tg__LBackup m = TG__LBACKUP__INIT;
  enum tg_err err = node_begin(node, &why);
  if (err == TG_OK) {
    m.request = channel_number(node->channel);
    err = channel_send(node->channel, LOCAL_BACKUP, &m.base, &why);
    if (err == TG_OK)
      err = take_pieces(node, m.request, on_data, context, &why);
    if (err != TG_OK)
      channel_cancel(node->channel, m.request);
  }
  return error_put(error, err, &why);
}
