#include "broker/verify.h"

#include "broker/owed.h"
#include "broker/reply.h"
#include "broker/store_bulletin.h"
#include "policy/explain.h"

#include <string.h>

/* A check passes by leaving p->state alone; the first that settles it ends the row. */
static enum tg_err settle(struct passage *p, enum passage_state state, enum reason reason)
{
  p->state = state;
  p->reason = reason;
  return TG_OK;
}

/* Authentic and refused: its number is taken. */
static enum tg_err refuse(struct passage *p, enum reason reason, const char *what, const char *a)
{
  why_set(&p->why, TG_REFUSED, NULL, what, NULL, a, NULL, NULL);
  return settle(p, PASSAGE_DECIDED, reason);
}

/* ---- in itself */

static enum reason reason_of_parts(enum tg_err err)
{
  switch (err) {
  case TG_TOO_BIG:
    return REASON_TOO_BIG;
  case TG_UNKNOWN:
    return REASON_SUITE;
  case TG_CONFLICT:
    return REASON_EXCHANGE;
  case TG_BAD_SIGNATURE:
    return REASON_SIGNATURE;
  case TG_BAD_PROOF:
    return REASON_SEAL;
  default:
    return REASON_MALFORMED;
  }
}

/* Does it wait here already, and is said once more? Asked behind the signature: a forged copy must not end what waits. */
static enum tg_err check_parked(struct hub *hub, struct passage *p)
{
  struct store_parked parked;
  uint64_t waiting;
  enum tg_err err = p->parked ? TG_OK : store_parked_count(hub->store, p->party->no, &waiting);
  if (err || p->parked || !waiting)
    return err;
  err = store_parked(hub->store, &p->id, hub->item, &parked);
  p->parked = !err && parked.originator == p->party->no;
  return err == TG_NOT_FOUND ? TG_OK : err;
}

/* Decided before? Then its number is taken, and no number above those that are taken need be looked for. */
static enum tg_err check_known(struct hub *hub, struct passage *p)
{
  struct store_bulletin b;
  struct store_node_state state;
  enum tg_err err = store_node_state(hub->store, p->party->no, &state);
  if (err || p->view.header.number > state.last_number)
    return err;
  err = store_bulletin_by_id(hub->store, &p->id, &b);
  if (err)
    return err == TG_NOT_FOUND ? TG_OK : err;
  if (b.originator != p->party->no)
    return TG_OK; /* somebody else's: what follows finds out */
  p->leaf = b.leaf;
  return settle(p, PASSAGE_KNOWN, REASON_NONE);
}

/* Of the node that it names, whose session this is? */
static enum tg_err check_author(struct hub *hub, struct passage *p)
{
  struct header *h = &p->view.header;
  enum tg_err err = header_parse(strict_slice(p->message->header), hub->item, h, &p->why);
  if (err == TG_NO_MEMORY)
    return err;
  p->id = err ? header_id(strict_slice(p->message->header)) : h->id;
  if (err)
    return settle(p, PASSAGE_FORGED, reason_of_parts(err));
  if (!sign_pk_eq(&h->subject.originator, &p->party->identity)) {
    why_set(&p->why, TG_REFUSED, "Subject.originator", N_("a node hands in its own bulletins only"), NULL,
            NULL, NULL, NULL);
    return settle(p, PASSAGE_FORGED, REASON_NOT_ENTITLED);
  }
  return TG_OK;
}

/* And said by it: until here nothing of it may take an id or a number. */
static enum tg_err check_signature(struct hub *hub, struct passage *p)
{
  const struct header *h = &p->view.header;
  enum tg_err err = batch_verify(hub->verifier, &hub->config.exchange, &h->subject.originator, &p->id, p->message->proof,
                     &p->why);
  if (err == TG_NO_MEMORY)
    return err;
  return err ? settle(p, PASSAGE_FORGED, REASON_SIGNATURE) : TG_OK;
}

static enum tg_err check_parts(struct hub *hub, struct passage *p)
{
  enum tg_err err =
      submission_check_parts(p->message, &p->view.header, &hub->config.exchange, hub->item, &p->view, &p->why);
  if (err == TG_NO_MEMORY)
    return err;
  return err ? settle(p, PASSAGE_DECIDED, reason_of_parts(err)) : TG_OK;
}

/* A session ends with the right to it; a bulletin that waited may outlive that. */
static enum tg_err check_right(struct hub *hub, struct passage *p)
{
  enum tg_err err = directory_may_act(hub->rules.directory, &p->party->identity, hub->now.wall, &p->why);
  if (!err)
    return TG_OK;
  return settle(p, PASSAGE_DECIDED, err == TG_REVOKED ? REASON_REVOKED : REASON_CREDENTIAL);
}

/* Before all that may refuse it: whatever is refused takes its number too, and a number is taken once. */
static enum tg_err check_number(struct hub *hub, struct passage *p)
{
  enum tg_err err = store_bulletin_by_number(hub->store, p->party->no, p->view.header.number, &p->other);
  if (err)
    return err == TG_NOT_FOUND ? TG_OK : err;
  return refuse(p, REASON_NUMBER, N_("this running number was used for another bulletin"), NULL);
}

/* ---- limits */

/* Room for it beside the reserve? A recall needs next to none, and taking back is never put off. What waits for its bodies was let in. */
static enum tg_err check_disk(struct hub *hub, struct passage *p)
{
  uint64_t need = hub->config.disk_reserve;
  bool room = !hub->full;
  for (size_t i = 0; room && i < p->view.portion_count; i++)
    room = !__builtin_add_overflow(need, p->view.portions[i].seal.size, &need);
  if (p->parked || p->view.header.subject.kind == KIND_RECALL || (room && need <= hub->disk_free))
    return TG_OK;
  why_set(&p->why, TG_DISK, NULL, N_("the hub's disk is nearly full: it takes nothing new until there is room"), NULL, NULL, NULL, NULL);
  return settle(p, PASSAGE_LATER, REASON_FULL);
}

static enum tg_err check_times(struct hub *hub, struct passage *p)
{
  const struct subject *s = &p->view.header.subject;
  const struct charter_limits *limits = hub_limits(hub);
  tg_time skew = limits->clock_skew < hub->config.clock_skew ? limits->clock_skew : hub->config.clock_skew;
  if (s->created > hub->now.wall + skew)
    return refuse(p, REASON_CLOCK, N_("it was made later than this hub's clock says it is now"), NULL);
  if (s->expires <= hub->now.wall)
    return refuse(p, REASON_EXPIRED, N_("it had expired when it came"), NULL);
  if (s->expires - s->created > limits->lifetime)
    return refuse(p, REASON_EXPIRED, N_("it is to live longer than the charter allows"), NULL);
  return TG_OK;
}

static enum tg_err check_sizes(struct hub *hub, struct passage *p)
{
  const struct charter_limits *limits = hub_limits(hub);
  const struct submission *v = &p->view;
  if (v->portion_count > limits->portions || v->wrap_count > limits->recipients)
    return refuse(p, REASON_TOO_BIG, N_("it has more portions or recipients than the charter allows"), NULL);
  for (size_t i = 0; i < v->portion_count; i++) {
    if (__builtin_add_overflow(p->bytes, v->portions[i].seal.size, &p->bytes) || p->bytes > limits->body_size)
      return refuse(p, REASON_TOO_BIG, N_("its bodies are larger than the charter allows"), NULL);
    if (v->bodies[i].n > limits->inline_body)
      return refuse(p, REASON_TOO_BIG, N_("a body came inside that is to be sent in chunks"), NULL);
    if (!v->bodies[i].n && !store_takes_bodies(hub->store))
      return refuse(p, REASON_TOO_BIG, N_("this hub takes no large bodies"), NULL);
  }
  /* What came in one frame goes on in one frame, with its proofs beside it and without the others' wraps. */
  Tg__Submission onward = *p->message;
  onward.n_wraps = 0;
  if (tg__submission__get_packed_size(&onward) > reply_room(hub) - REPLY_DELIVERY)
    return refuse(p, REASON_TOO_BIG, N_("bodies came inside that are to be sent in chunks"), NULL);
  return TG_OK;
}

static uint64_t lesser(uint64_t a, uint64_t b)
{
  return a < b ? a : b;
}

/* How many of this precedence the charter lets a member say in an hour. */
static uint64_t urgent_per_hour(const struct charter_limits *limits, enum precedence precedence)
{
  return precedence == PRECEDENCE_FLASH       ? limits->flash_per_hour
         : precedence == PRECEDENCE_IMMEDIATE ? limits->immediate_per_hour
                                              : UINT64_MAX;
}

static bool take_hourly(struct hub *hub, struct passage *p)
{
  struct member_use *use = &hub->parties.member[p->node->member];
  const enum precedence precedence = p->view.header.subject.precedence;
  const int64_t mono = hub->now.mono;
  bool within = allowance_take(&p->party->bulletins, hub_limits(hub)->bulletins_per_hour, 1, mono) &&
                allowance_take(&use->bulletins, hub->config.per_hour, 1, mono);
  const uint64_t urgent = urgent_per_hour(hub_limits(hub), precedence);
  if (within && precedence == PRECEDENCE_FLASH)
    within = allowance_take(&use->flash, lesser(urgent, hub->config.flash_per_hour), 1, mono);
  if (within && precedence == PRECEDENCE_IMMEDIATE)
    within = allowance_take(&use->immediate, urgent, 1, mono);
  return within;
}

/* When the exchange began: nothing was said before. */
static tg_time founded(const struct hub *hub)
{
  const struct charter *first = directory_charter_version(hub->rules.directory, 1, NULL);
  return first ? first->effective : hub->began;
}

/* What this hub takes beside its hourly limits of what is older than its log: all that those before it can have taken in of what has not expired, in the time that there was. */
static bool take_brought(struct hub *hub, struct passage *p)
{
  const struct charter_limits *limits = hub_limits(hub);
  const enum precedence precedence = p->view.header.subject.precedence;
  const tg_time there_was = hub->began - founded(hub); /* not negative: is_brought() */
  const uint64_t hours = (uint64_t)((limits->lifetime < there_was ? limits->lifetime : there_was) / TG_HOUR) + 1;
  uint64_t *of_node = &p->party->brought, *of_member = &hub->parties.member[p->node->member].brought[precedence];
  if (*of_node / hours >= limits->bulletins_per_hour || *of_member / hours >= urgent_per_hour(limits, precedence))
    return false;
  ++*of_node;
  ++*of_member;
  return true;
}

/* Was it written before this log began, and in this exchange's time? */
static enum tg_err is_brought(struct hub *hub, const struct passage *p, bool *ret)
{
  struct store_entry first;
  struct entry entry;
  enum tg_err err = hub->began ? TG_OK : store_entry(hub->store, 0, hub->item, &first);
  if (!err && !hub->began)
    err = entry_parse(first.bytes, &entry, NULL) ? TG_DISK : TG_OK;
  if (!err && !hub->began)
    hub->began = entry.time;
  const tg_time created = p->view.header.subject.created;
  *ret = !err && created < hub->began && created >= founded(hub);
  return err == TG_NOT_FOUND ? TG_OK : err; /* nothing is on the disk yet */
}

/* How many, of what weight. Once per bulletin: one that waited has paid. */
static enum tg_err check_rates(struct hub *hub, struct passage *p)
{
  bool brought;
  if (p->parked)
    return TG_OK;
  enum tg_err err = is_brought(hub, p, &brought);
  if (err || (brought && take_brought(hub, p)) || take_hourly(hub, p))
    return err;
  return refuse(p, REASON_QUOTA, N_("more bulletins of this precedence within an hour than are allowed: %1$s"),
                precedence_name(p->view.header.subject.precedence));
}

static enum tg_err check_room(struct hub *hub, struct passage *p)
{
  uint64_t used, waiting;
  enum tg_err err = store_member_bytes(hub->store, p->node->credential.holder.member.code, &used);
  if (err)
    return err;
  if (!p->parked && (used > hub->config.member_bytes || p->bytes > hub->config.member_bytes - used))
    return refuse(p, REASON_QUOTA, N_("the member's bulletins that wait here take all the room they may"),
                  NULL);
  err = store_parked_count(hub->store, p->party->no, &waiting);
  if (err)
    return err;
  if (!p->parked && waiting >= hub->config.parked_count)
    return refuse(p, REASON_QUOTA, N_("too many bulletins of this node wait for their bodies"), NULL);
  return TG_OK;
}

/* ---- what it refers to */

static enum tg_err check_papers(struct hub *hub, struct passage *p)
{
  const struct header *h = &p->view.header;
  const struct charter *newest = directory_newest_charter(hub->rules.directory);
  struct directory_policy policy;
  if (!newest || h->charter_version > newest->version)
    goto wait;
  if (!charter_has_suite(newest, h->subject.suite))
    return refuse(p, REASON_SUITE, N_("the charter does not list its cryptographic suite"), NULL);
  enum tg_err err =
      directory_policy_serial(hub->rules.directory, p->node->credential.holder.member, 0, &policy);
  if (err || h->policy_serial > policy.serial)
    goto wait;
  err = directory_policy_serial(hub->rules.directory, p->node->credential.holder.member, h->policy_serial,
                                &policy);
  if (!err && !hash_eq(&policy.hash, &h->policy_hash))
    return refuse(p, REASON_CONFLICT, N_("the policy it was decided by has another text here"), NULL);
  return TG_OK;
wait:
  p->waits_for = PARKED_FOR_DOCUMENTS;
  return settle(p, PASSAGE_WAITS, REASON_UNKNOWN_REFERENCE);
}

/* Corrections and recalls: of something that this member said. */
static enum tg_err check_reference(struct hub *hub, struct passage *p)
{
  const struct subject *s = &p->view.header.subject;
  if (s->kind != KIND_CORRECTION && s->kind != KIND_RECALL)
    return TG_OK;
  enum tg_err err = store_bulletin_by_id(hub->store, &s->supersedes, &p->other);
  bool own =
      !err && p->other.accepted && memcmp(p->other.member, p->node->credential.holder.member.code, 2) == 0;
  if (err && err != TG_NOT_FOUND)
    return err;
  /* Somebody else's and unknown look alike: nobody learns what others have said. */
  return own ? TG_OK
             : refuse(p, REASON_NOT_ENTITLED, N_("it changes a bulletin that is not one of this member's"),
                      NULL);
}

/* ---- to whom */

static enum tg_err ask(struct hub *hub, struct passage *p)
{
  const struct submission *v = &p->view;
  enum reason reason;
  const struct policy_matter matter = {&v->header, v->portion_count, v->portions, v->releases};
  enum tg_err err = question_build(hub, &matter, hub->item, &p->request, &reason, &p->why);
  if (err)
    return err;
  if (reason)
    return settle(p, PASSAGE_DECIDED, reason);
  if (v->header.subject.kind == KIND_RECALL)
    return TG_OK; /* check_recall() */
  err = policy_decide(hub->rules.set, &p->request, &p->decision);
  if (err == TG_NO_MEMORY)
    return err;
  if (err)
    return refuse(p, REASON_MALFORMED, N_("policies cannot be asked about it"), NULL);
  p->decided = true;
  return TG_OK;
}

/* The wrap is for somebody whom this does not permit: says why, as far as the originator may know. */
static enum tg_err refuse_wrap(struct hub *hub, struct passage *p, const struct node *node, size_t portion)
{
  struct policy_reason why;
  char name[HOLDER_MAX + 1] = "?";
  if (node)
    holder_print(&node->credential.holder, name);
  if (node &&
      !policy_explain(hub->rules.set, &p->request, portion, node->member,
                      (int)p->request.originator, &why) &&
      why.stage != POLICY_PERMITTED) {
    p->why = why.why;
    return settle(p, PASSAGE_DECIDED, REASON_POLICY);
  }
  return refuse(p, REASON_POLICY, N_("it is sealed to %1$s, whom its release list does not reach"), name);
}

/* Does the portion go to this node? NULL: to none. */
static enum tg_err reaches(const struct hub *hub, const struct passage *p, size_t portion, const struct node *node, bool *ret)
{
  *ret = node && memberset_has(&p->decision.portions[portion].permitted, node->member);
  if (!*ret)
    return TG_OK;
  const struct release *r = &p->view.releases[portion];
  const struct release_list list = {
      .to = r->to, .n_to = r->to_count, .except = r->except, .n_except = r->except_count};
  const enum tg_err err = directory_reaches(hub->rules.directory, &list, p->view.header.subject.created, node, NULL);
  *ret = err == TG_OK;
  return err == TG_NO_MEMORY ? err : TG_OK;
}

static enum tg_err check_wraps(struct hub *hub, struct passage *p)
{
  const struct submission *v = &p->view;
  if (v->header.subject.kind == KIND_RECALL)
    return TG_OK;
  for (size_t w = 0; w < v->wrap_count; w++) {
    const struct node *node = directory_node(hub->rules.directory, &v->wraps[w].recipient);
    for (size_t i = 0; i < v->portion_count; i++) {
      bool is = true;
      enum tg_err err = v->wraps[w].portions >> i & 1 ? reaches(hub, p, i, node, &is) : TG_OK;
      if (err)
        return err;
      if (!is)
        return refuse_wrap(hub, p, node, i);
    }
  }
  return TG_OK;
}

/* Corrections from and to suspended members. Every wrap's node is known: check_wraps(). */
static enum tg_err check_owed(struct hub *hub, struct passage *p)
{
  const struct submission *v = &p->view;
  for (size_t w = 0; v->header.subject.kind == KIND_CORRECTION && w < v->wrap_count; w++) {
    const struct node *node = directory_node(hub->rules.directory, &v->wraps[w].recipient);
    struct party *party;
    char name[HOLDER_MAX + 1];
    bool may;
    enum tg_err err = party_of(&hub->parties, hub->store, &v->wraps[w].recipient, &party);
    if (!err)
      err = owed_permits(hub, &v->header.subject, p->node->member, node->member, party, &may);
    if (err)
      return err;
    if (may)
      continue;
    holder_print(&node->credential.holder, name);
    return refuse(p, REASON_POLICY,
                  N_("from and to suspended members a correction goes only where the bulletin went that it corrects: not to %1$s"),
                  name);
  }
  return TG_OK;
}

static bool is_recipient(const struct store_recipient *list, size_t n, nodeno node)
{
  for (size_t i = 0; i < n; i++)
    if (list[i].node == node)
      return true;
  return false;
}

/* A recall goes to those who were given what it recalls, whatever policies have become. */
static enum tg_err check_recall(struct hub *hub, struct passage *p)
{
  const struct submission *v = &p->view;
  struct store_recipient *given;
  size_t n;
  if (v->header.subject.kind != KIND_RECALL)
    return TG_OK;
  enum tg_err err = store_bulletin_recipients(hub->store, p->other.leaf, hub->item, &given, &n);
  p->decision = (struct policy_decision){.portion_count = v->portion_count};
  for (size_t w = 0; !err && w < v->wrap_count; w++) {
    const struct node *node = directory_node(hub->rules.directory, &v->wraps[w].recipient);
    struct party *party;
    err = node ? party_of(&hub->parties, hub->store, &node->credential.identity, &party) : TG_OK;
    if (err)
      return err;
    if (!node || !is_recipient(given, n, party->no))
      return refuse(p, REASON_POLICY, N_("it recalls a bulletin from somebody to whom that was not given"),
                    NULL);
    for (size_t i = 0; i < v->portion_count; i++)
      if (v->wraps[w].portions >> i & 1)
        memberset_add(&p->decision.portions[i].permitted, node->member);
  }
  p->decided = !err;
  return err;
}

/* How much of a queue this precedence may fill: the lower it is, the more it leaves free, so that no flood of the lower keeps the higher
   from an absent node. */
static uint64_t share(uint64_t most, enum precedence precedence)
{
  return most - most / 8 * (uint64_t)(PRECEDENCE_FLASH - precedence);
}

struct room {
  uint64_t rows, bytes;
};

/* Room in one node's queue? A member's own may take as much as it leaves free: half of the share when it is alone, a third when two flood it, and
   whoever comes next always finds some (the dynamic threshold of Choudhury and Hahne). Up to half of it nobody's own can be more. */
static enum tg_err check_queue(struct hub *hub, const struct passage *p, nodeno node, struct room most, bool *ret)
{
  struct store_tally tally;
  struct room all = {0, 0}, own = {0, 0};
  *ret = false;
  enum tg_err err = store_tally(hub->store, node, &tally);
  if (err)
    return err;
  for (size_t r = 0; r < STORE_RANKS; r++) {
    all.rows += tally.count[r];
    all.bytes += tally.bytes[r];
  }
  if (all.rows >= most.rows || all.bytes > most.bytes || p->bytes > most.bytes - all.bytes)
    return TG_OK;
  const bool crowded = all.rows >= most.rows - most.rows / 2 || all.bytes + p->bytes > most.bytes - most.bytes / 2;
  if (crowded)
    err = store_share(hub->store, node, p->node->credential.holder.member.code, &own.rows, &own.bytes);
  *ret = !err && (!crowded || (own.rows < most.rows - all.rows && own.bytes <= most.bytes - all.bytes - p->bytes));
  return err;
}

/* Whose queues it goes to, and is there room in them? */
static enum tg_err check_queues(struct hub *hub, struct passage *p)
{
  const struct charter_limits *limits = hub_limits(hub);
  const struct submission *v = &p->view;
  enum precedence precedence = v->header.subject.precedence;
  const struct room most = {share(lesser(limits->queue, hub->config.queue_count), precedence),
                            share(lesser(limits->queue_bytes, hub->config.queue_bytes), precedence)};
  p->recipients = arena_alloc(hub->item, v->wrap_count * sizeof *p->recipients);
  if (!p->recipients)
    return TG_NO_MEMORY;
  for (size_t w = 0; w < v->wrap_count; w++) {
    struct party *party;
    bool room;
    enum tg_err err = party_of(&hub->parties, hub->store, &v->wraps[w].recipient, &party);
    if (!err)
      err = check_queue(hub, p, party->no, most, &room);
    if (err)
      return err;
    if (!room)
      return refuse(p, REASON_QUOTA, N_("as much as is allowed waits already for one of its recipients"),
                    NULL);
    p->recipients[w] = (struct passage_recipient){.party = party, .wrap = w};
  }
  return TG_OK;
}

/* ---- what is still to come */

static enum tg_err check_bodies(struct hub *hub, struct passage *p)
{
  const struct submission *v = &p->view;
  for (unsigned i = 0; i < v->portion_count; i++) {
    uint64_t have;
    if (v->inline_bodies >> i & 1)
      continue;
    enum tg_err err = store_file_chunks(hub->store, &p->id, i, &have);
    if (err)
      return err;
    if (have == v->portions[i].seal.chunks)
      continue; /* its root was checked when the last one came */
    p->waits_for = PARKED_FOR_BODIES;
    return settle(p, PASSAGE_WAITS, REASON_BODY_MISSING);
  }
  return TG_OK;
}

/* ---- all in order: cheap before dear, who before what */

enum tg_err verify(struct hub *hub, struct passage *p)
{
  static enum tg_err (*const checks[])(struct hub *, struct passage *) = {
      check_author, check_known, check_signature, check_parked, check_number, check_parts,
      check_right,  check_disk,   check_rates, check_times,     check_sizes,  check_room,   check_papers,
      check_reference, ask,       check_wraps, check_owed,      check_recall, check_queues,
      check_bodies,
  };
  p->state = PASSAGE_OPEN;
  for (size_t i = 0; i < sizeof checks / sizeof *checks; i++) {
    enum tg_err err = checks[i](hub, p);
    if (err || p->state != PASSAGE_OPEN)
      return err;
  }
  return settle(p, PASSAGE_DECIDED, REASON_NONE);
}
