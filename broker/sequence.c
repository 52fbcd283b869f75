#include "broker/sequence.h"

#include "audit/ruling.h"
#include "broker/answer.h"
#include "broker/content.h"
#include "broker/docket.h"
#include "broker/store_bulletin.h"
#include "broker/upload.h"
#include "broker/verify.h"
#include "policy/explain.h"

#include <sodium.h>
#include <string.h>

#define WAIT_FOR_DOCUMENTS (10 * TG_MINUTE)
/* How long what was said is remembered after it expired, so that later ones may name it as a source. */
#define REMEMBERED (400 * TG_DAY)

enum { CONTENT_MAX = LIMIT_MESSAGE };

/* ---- the decision, in bytes */

static enum tg_err denial_of(struct hub *hub, const struct passage *p, size_t portion, unsigned member,
                             struct ruling_denial *ret)
{
  struct policy_reason why = {.stage = POLICY_CHARTER};
  const struct country *code = directory_member_code(hub->rules.directory, member);
  enum tg_err err = policy_explain(hub->rules.set, &p->request, portion, member,
                                   (int)p->request.originator, &why);
  if (err == TG_NO_MEMORY)
    return err;
  *ret = (struct ruling_denial){.member = {code->code[0], code->code[1]},
                                .stage = why.stage ? why.stage : POLICY_CHARTER,
                                .line = why.policy ? why.line : 0};
  if (why.policy)
    ret->policy = policy_hash(why.policy);
  return TG_OK;
}

/* Members permitted and denied among those the release list names, both ascending by code. */
static enum tg_err rule_portion(struct hub *hub, const struct passage *p, size_t portion,
                                struct ruling_portion *ret)
{
  const struct memberset *permitted = &p->decision.portions[portion].permitted;
  const struct memberset denied = memberset_minus(p->request.portions[portion].release, *permitted);
  char(*yes)[2] = arena_alloc(hub->item, sizeof(char[2]) * MEMBERS_MAX);
  struct ruling_denial *no = arena_alloc(hub->item, sizeof *no * (memberset_count(&denied) + 1));
  size_t n_yes = 0, n_no = 0;
  bool recall = p->view.header.subject.kind == KIND_RECALL;
  if (!yes || !no)
    return TG_NO_MEMORY;
  for (unsigned i = memberset_next(permitted, 0); i < MEMBERS_MAX; i = memberset_next(permitted, i + 1))
    memcpy(yes[n_yes++], directory_member_code(hub->rules.directory, i)->code, 2);
  for (unsigned i = memberset_next(&denied, 0); !recall && i < MEMBERS_MAX;
       i = memberset_next(&denied, i + 1)) {
    enum tg_err err = denial_of(hub, p, portion, i, &no[n_no++]);
    if (err)
      return err;
  }
  *ret = ruling_portion_of(portion, yes, n_yes, no, n_no);
  return TG_OK;
}

static enum tg_err rule(struct hub *hub, const struct passage *p, struct buf *out)
{
  struct ruling_portion portions[LIMIT_PORTIONS];
  struct ruling ruling = {.portions = portions, .portion_count = p->view.portion_count};
  for (size_t i = 0; i < p->view.portion_count; i++) {
    enum tg_err err = rule_portion(hub, p, i, &portions[i]);
    if (err)
      return err;
  }
  randombytes_buf(ruling.salt, sizeof ruling.salt);
  const enum tg_err err = ruling_build(&ruling, out, NULL);
  return err && err != TG_NO_MEMORY ? TG_INTERNAL : err;
}

/* ---- the entry */

static enum tg_err write_entry(struct hub *hub, struct passage *p, struct slice decision)
{
  const struct charter *charter = hub_charter(hub);
  char detail[ENTRY_DETAIL_MAX + 1];
  struct entry e = {.type = p->reason ? ENTRY_REFUSED : ENTRY_ACCEPTED,
                    .subject = p->id,
                    .actor = p->party->identity,
                    .number = p->view.header.number,
                    .reason = p->reason};
  memcpy(e.member, p->node->credential.holder.member.code, 2);
  if (decision.n) {
    e.decision = ruling_hash(decision);
    e.policy_set = rules_hash(&hub->rules, hub->now.wall);
    e.charter_version = charter ? charter->version : 0;
  }
  if (p->reason && p->why.what)
    e.detail = slice_of(detail, why_render(&p->why, NULL, detail, sizeof detail));
  if (!text_valid(e.detail, ""))
    e.detail =
        slice_of(NULL, 0); /* cut inside a character, or a stranger's text: the reason's number says enough */
  return hub_log(hub, &e, &p->leaf);
}

/* ---- what was said */

/* Is one of its recipients here? */
static bool is_wanted(const struct passage *p)
{
  for (size_t i = 0; !p->reason && i < p->view.wrap_count; i++)
    if (p->recipients[i].party->session)
      return true;
  return false;
}

static enum tg_err put_bulletin(struct hub *hub, const struct passage *p, struct slice decision)
{
  const struct subject *s = &p->view.header.subject;
  const struct charter *charter = hub_charter(hub);
  struct store_recipient list[STORE_RECIPIENTS];
  struct buf content = buf_new(CONTENT_MAX);
  size_t n = p->reason ? 0 : p->view.wrap_count;
  struct store_bulletin b = {.leaf = p->leaf,
                             .id = p->id,
                             .originator = p->party->no,
                             .number = p->reason == REASON_NUMBER ? 0 : p->view.header.number,
                             .accepted = !p->reason,
                             .rank = PRECEDENCE_FLASH - s->precedence,
                             .kind = s->kind,
                             .created = s->created,
                             .expires = s->expires,
                             .bytes = p->bytes,
                             .charter_version = charter ? charter->version : 0,
                             .policy_set = rules_hash(&hub->rules, hub->now.wall)};
  memcpy(b.member, p->node->credential.holder.member.code, 2);
  if (s->kind == KIND_RECALL)
    b.recalls = s->supersedes;
  for (size_t i = 0; i < n; i++)
    list[i] = (struct store_recipient){.node = p->recipients[i].party->no,
                                       .portions = p->view.wraps[p->recipients[i].wrap].portions};
  enum tg_err err = p->reason ? TG_OK : content_write(p->message, &content);
  const struct store_memory memory = {
      .until = s->expires + REMEMBERED, .content = buf_slice(&content), .decision = decision};
  if (!err)
    err = store_bulletin_put(hub->store, &b, &memory, list, n);
  if (!err && is_wanted(p))
    err = docket_keep(hub, &b, p, buf_slice(&content));
  buf_free(&content);
  return err;
}

static uint64_t bytes_of(const struct submission *v, uint32_t portions)
{
  uint64_t sum = 0;
  for (size_t i = 0; i < v->portion_count; i++)
    sum += portions >> i & 1 ? v->portions[i].seal.size : 0;
  return sum;
}

static enum tg_err put_rows(struct hub *hub, const struct passage *p)
{
  const struct submission *v = &p->view;
  struct merkle_tree *tree = merkle_tree_new(v->wrap_leaves, v->wrap_count);
  enum tg_err err = tree ? TG_OK : TG_NO_MEMORY;
  for (size_t w = 0; !err && w < v->wrap_count; w++) {
    struct merkle_path path;
    struct party *to = p->recipients[w].party;
    merkle_tree_path(tree, w, &path);
    const struct store_row row = {.node = to->no,
                                  .leaf = p->leaf,
                                  .rank = PRECEDENCE_FLASH - v->header.subject.precedence,
                                  .portions = v->wraps[w].portions,
                                  .bytes = bytes_of(v, v->wraps[w].portions),
                                  .wrap_index = w,
                                  .wrap = v->wraps[w].bytes,
                                  .wrap_path = merkle_path_slice(&path)};
    err = store_row_put(hub->store, &row);
    if (to->session) {
      to->session->work |= WORK_ROWS;
      to->session->rows_end = p->leaf + 1;
    }
  }
  merkle_tree_free(tree);
  for (unsigned i = 0; !err && i < v->portion_count; i++)
    if (v->inline_bodies >> i & 1)
      err = store_body_put(hub->store, p->leaf, i, v->bodies[i]);
  return err;
}

/* ---- what follows from it */

/* Takes back what is still queued of the recalled bulletin. */
static enum tg_err take_back(struct hub *hub, const struct passage *p)
{
  struct store_recipient *given;
  size_t n;
  struct entry e = {.type = ENTRY_RECALLED, .subject = p->other.id, .actor = p->party->identity};
  memcpy(e.member, p->node->credential.holder.member.code, 2);
  enum tg_err err = store_bulletin_recipients(hub->store, p->other.leaf, hub->item, &given, &n);
  for (size_t i = 0; !err && i < n; i++) {
    bool removed;
    err = store_row_remove(hub->store, given[i].node, p->other.rank, p->other.leaf, &removed);
    e.number += !err && removed;
  }
  if (!err)
    err = store_bulletin_recalled(hub->store, p->other.leaf);
  hub->counts.recalled++;
  return err ? err : hub_log(hub, &e, NULL);
}

/* Two bulletins under one number, both signed: whoever sees both knows that this node cheats. */
static enum tg_err number_used_twice(struct hub *hub, const struct passage *p)
{
  struct slice first;
  struct buf evidence = buf_new(2 * LIMIT_MESSAGE);
  enum tg_err err = store_bulletin_content(hub->store, p->other.leaf, hub->item, &first);
  if (!err) {
    buf_put_u32(&evidence, (uint32_t)first.n);
    buf_put_slice(&evidence, first);
    err = content_write(p->message, &evidence);
  }
  if (!err)
    err = hub_alarm(hub, REASON_NUMBER, p->party, &p->id, buf_slice(&evidence));
  buf_free(&evidence);
  return err;
}

static enum tg_err tell_refusal(struct hub *hub, const struct passage *p)
{
  hub->counts.refused++;
  return hub_tell(hub, HUB_NOTICE, "bulletin-refused", p->party, &p->id, p->leaf,
                  p->why.what ? &p->why : NULL);
}

/* ---- the fact */

static enum tg_err accept(struct hub *hub, struct passage *p)
{
  enum tg_err err = put_rows(hub, p);
  if (!err && p->view.header.subject.kind == KIND_RECALL)
    err = take_back(hub, p);
  hub->counts.accepted++;
  hub->urgent |= p->view.header.subject.precedence == PRECEDENCE_FLASH;
  return err ? err : hub_tell(hub, HUB_DEBUG, "bulletin-accepted", p->party, &p->id, p->leaf, NULL);
}

/* It waits no longer. */
static enum tg_err unpark(struct hub *hub, const struct passage *p)
{
  enum tg_err err = store_parked_remove(hub->store, &p->id);
  return err ? err : upload_forget(hub, &p->id);
}

static enum tg_err decide(struct hub *hub, struct passage *p)
{
  struct buf decision = buf_new(LIMIT_DECISION);
  enum tg_err err = p->decided ? rule(hub, p, &decision) : TG_OK;
  if (!err && p->reason == REASON_NUMBER)
    err = number_used_twice(hub, p);
  if (!err)
    err = write_entry(hub, p, buf_slice(&decision));
  if (!err)
    err = put_bulletin(hub, p, buf_slice(&decision));
  p->ruled = true;
  p->ruling = arena_copy(hub->item, buf_slice(&decision));
  if (!err && decision.n && !p->ruling.p)
    err = TG_NO_MEMORY;
  buf_free(&decision);
  if (!err && p->parked)
    err = unpark(hub, p);
  if (!err && p->reason)
    err = store_file_remove_all(hub->store, &p->id);
  if (err)
    return err;
  return p->reason ? tell_refusal(hub, p) : accept(hub, p);
}

static enum tg_err park(struct hub *hub, const struct passage *p)
{
  const tg_time wait = p->waits_for == PARKED_FOR_BODIES ? UPLOAD_WAIT : WAIT_FOR_DOCUMENTS;
  const tg_time expires = p->view.header.subject.expires;
  struct store_parked parked = {.id = p->id,
                                .originator = p->party->no,
                                .why = p->waits_for,
                                .until = hub->now.wall + wait < expires ? hub->now.wall + wait : expires,
                                .bytes = p->bytes};
  memcpy(parked.member, p->node->credential.holder.member.code, 2);
  size_t n = tg__submission__get_packed_size(p->message);
  uint8_t *bytes = arena_alloc(hub->item, n);
  if (!bytes)
    return TG_NO_MEMORY;
  tg__submission__pack(p->message, bytes);
  parked.item = slice_of(bytes, n);
  enum tg_err err = p->parked ? store_parked_remove(hub->store, &p->id) : TG_OK;
  return err ? err : store_parked_put(hub->store, &parked);
}

/* Waits again, or anew: asks for what it waits for. */
static enum tg_err wait_for(struct hub *hub, struct passage *p)
{
  struct store_parked before = {0};
  enum tg_err err = p->parked ? store_parked(hub->store, &p->id, hub->item, &before) : TG_OK;
  if (!err && before.why != p->waits_for)
    err = park(hub, p);
  if (!err && p->waits_for == PARKED_FOR_BODIES)
    err = upload_ask(hub, p->party, &p->id);
  return err;
}

/* It is not what it says it is, there is no room, or its bodies did not come: logged as said by who brought it, answered once, and
   forgotten. */
static enum tg_err turn_away(struct hub *hub, struct passage *p)
{
  enum tg_err err = write_entry(hub, p, slice_of(NULL, 0));
  if (!err && p->parked)
    err = unpark(hub, p);
  if (!err && p->parked)
    err = store_file_remove_all(hub->store, &p->id);
  return err ? err : tell_refusal(hub, p);
}

enum tg_err sequence(struct hub *hub, struct passage *p)
{
  enum tg_err err = TG_OK;
  switch (p->state) {
  case PASSAGE_OPEN:
    return TG_INTERNAL; /* verify() always settles it */
  case PASSAGE_WAITS:
    return wait_for(hub, p);
  case PASSAGE_DECIDED:
    err = decide(hub, p);
    break;
  case PASSAGE_FORGED:
  case PASSAGE_LATER:
    err = turn_away(hub, p);
    break;
  case PASSAGE_KNOWN:
    err = p->parked ? unpark(hub, p) : TG_OK;
    break;
  }
  return err ? err : answer_outcome(p->party, &p->id, p->leaf, p->ruled ? &p->ruling : NULL);
}

/* ---- those that waited */

enum tg_err sequence_parked(struct hub *hub, const struct store_parked *parked, enum reason give_up)
{
  ProtobufCMessage *message;
  struct passage p = {.parked = true};
  enum tg_err err = party_numbered(&hub->parties, hub->store, parked->originator, &p.party);
  if (!err)
    err = content_stored(strict_unpack(&limits_submission, parked->item, hub->item, &message, NULL));
  if (err)
    return err;
  p.message = (const Tg__Submission *)message;
  p.node = directory_node(hub->rules.directory, &p.party->identity);
  if (!p.node)
    return TG_DISK; /* its credential was there when it was parked, and none is ever lost */
  err = verify(hub, &p);
  if (err)
    return err;
  if (p.state == PASSAGE_WAITS && give_up != REASON_NONE) {
    p.state = give_up == REASON_BODY_MISSING ? PASSAGE_LATER : PASSAGE_DECIDED; /* its node may have slept meanwhile */
    p.reason = give_up;
  }
  return sequence(hub, &p);
}

enum tg_err sequence_waiting(struct hub *hub)
{
  for (uint64_t place = 0;;) {
    struct store_parked parked;
    arena_reset(hub->item);
    enum tg_err err = store_parked_next(hub->store, 0, place, hub->item, &parked, &place);
    if (err)
      return err == TG_NOT_FOUND ? TG_OK : err;
    if (parked.why == PARKED_FOR_DOCUMENTS)
      err = sequence_parked(hub, &parked, REASON_NONE);
    if (err)
      return err;
  }
}

enum tg_err sequence_overdue(struct hub *hub)
{
  for (;;) {
    struct store_parked parked;
    arena_reset(hub->item);
    enum tg_err err = store_parked_due(hub->store, hub->now.wall, hub->item, &parked);
    if (err)
      return err == TG_NOT_FOUND ? TG_OK : err;
    err = sequence_parked(hub, &parked,
                          parked.why == PARKED_FOR_BODIES ? REASON_BODY_MISSING : REASON_UNKNOWN_REFERENCE);
    if (err)
      return err;
  }
}
