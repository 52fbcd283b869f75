/* What waits for approvals: to whom it would go, an officer's approval, a denial. */
#include "client/lib/node.h"

#include <string.h>

/* ---- one request, one LDone ---- */

static enum tg_err done(struct toguna *node, enum local_type type, const ProtobufCMessage *request, uint64_t *ret_count,
                        struct tg_why *why)
{
  ProtobufCMessage *answer;
  enum local_type answered;
  enum tg_err err = channel_send(node->channel, type, request, why);
  if (err == TG_OK)
    err = channel_answer(node->channel, local_request(request), ANSWER(LOCAL_DONE), &answered, &answer, why);
  if (err == TG_OK)
    *ret_count = ((const Tg__LDone *)answer)->count;
  return err;
}

enum toguna_err toguna_approve(struct toguna *node, const struct toguna_id *draft, const uint8_t officer[32], int64_t time,
                               const uint8_t signature[64], unsigned *ret_lacking, struct toguna_error *error)
{
  struct tg_why why = {0};
  Tg__LApprove m = TG__LAPPROVE__INIT;
  uint64_t lacking = 0;
  enum tg_err err = node_begin(node, &why);
  if (err == TG_OK) {
    m.request = channel_number(node->channel);
    m.draft = id_data(draft);
    m.officer = strict_data_of(officer, 32);
    m.time = (uint64_t)time;
    m.signature = strict_data_of(signature, 64);
    err = done(node, LOCAL_APPROVE, &m.base, &lacking, &why);
  }
  if (err == TG_OK && ret_lacking)
    *ret_lacking = (unsigned)lacking;
  return error_put(error, err, &why);
}

enum toguna_err toguna_deny(struct toguna *node, const struct toguna_id *draft, const char *reason, struct toguna_error *error)
{
  struct tg_why why = {0};
  Tg__LDeny m = TG__LDENY__INIT;
  uint64_t count;
  enum tg_err err = node_begin(node, &why);
  if (err == TG_OK && (!reason || !*reason || strlen(reason) > LOCAL_REASON))
    err = why_set(&why, TG_USAGE, NULL, N_("a denial states its reason, in at most 128 bytes"), NULL, NULL, NULL, NULL);
  if (err == TG_OK) {
    m.request = channel_number(node->channel);
    m.draft = id_data(draft);
    m.reason = text_data(reason);
    err = done(node, LOCAL_DENY, &m.base, &count, &why);
  }
  return error_put(error, err, &why);
}
