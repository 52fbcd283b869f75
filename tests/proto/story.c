#include "tests/proto/story.h"

#include "tests/proto/chance.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

static void must(bool holds)
{
  if (!holds)
    abort();
}

static void *need(struct story *s, size_t n)
{
  void *p = arena_alloc(s->arena, n);
  must(p != NULL);
  return p;
}

struct slice story_copy(struct story *s, const struct buf *b)
{
  must(!b->failed);
  return b->n ? arena_copy(s->arena, buf_slice(b)) : slice_of(NULL, 0);
}

struct story_node story_node(const char *member)
{
  uint8_t ikm[32];
  struct story_node n;
  crypto_sign_keypair(n.identity.b, n.secret);
  chance_fill(ikm, sizeof ikm);
  hpke_derive_key_pair(ikm, n.key_secret, &n.key);
  memcpy(n.member, member, 2);
  return n;
}

static void make_portion(struct story *s, uint32_t i)
{
  static const char *const contents[] = {"Convoi bloqué sur la RN6.", "Source : patrouille 3.", "Annexe.", "Note."};
  const struct slice to[] = {slice_str("ML"), slice_str("ECOWAS"), slice_str("BF/anr")}, except[] = {slice_str("NG")};
  struct buf release = buf_new(LIMIT_RELEASE), portion = buf_new(LIMIT_PORTION);
  s->contents[i] = contents[i % 4];
  struct body_head head = head_of(strlen(s->contents[i]), BODY_PLAIN, "Alerte");
  must(body_make(i, &head, NULL, slice_str(s->contents[i]), 0, &s->bodies[i]) == TG_OK);
  must(release_build(to, 3, except, 1, &release, NULL) == TG_OK);
  s->releases[i] = story_copy(s, &release);
  struct portion_draft d = {.index = i,
                            .level = LEVEL_RESTRICTED,
                            .tlp = TLP_AMBER,
                            .caveats = i == 1 ? CAVEAT_BLIND : 0,
                            .label = slice_str("DIFFUSION RESTREINTE"),
                            .release_hash = release_hash(s->releases[i]),
                            .seal = s->bodies[i].seal};
  must(portion_build(&d, &portion, NULL) == TG_OK);
  s->portions[i] = story_copy(s, &portion);
  s->keys[i] = s->bodies[i].key;
  buf_free(&release);
  buf_free(&portion);
}

static void make_subject(struct story *s)
{
  struct buf b = buf_new(LIMIT_SUBJECT);
  struct subject d = {.suite = SUITE_1,
                      .exchange = s->exchange,
                      .originator = s->originator.identity,
                      .created = STORY_TIME,
                      .expires = STORY_TIME + 7 * TG_DAY,
                      .precedence = PRECEDENCE_FLASH,
                      .kind = KIND_REPORT,
                      .flags = FLAG_EXERCISE,
                      .topic_count = 2,
                      .topics = {slice_str("alert.convoy"), slice_str("report.road")},
                      .source_count = 1,
                      .sources = {{{7}}},
                      .portion_root = portion_root(s->portions, s->portion_count),
                      .portion_count = (uint32_t)s->portion_count};
  must(subject_build(&d, &b, NULL) == TG_OK);
  must(subject_parse(story_copy(s, &b), s->arena, &s->subject, NULL) == TG_OK);
  approval_sign(&s->subject, STORY_TIME + 1, s->officer.secret, &s->approval);
  buf_free(&b);
}

struct story *story_new(size_t portions, size_t recipients)
{
  static const char members[] = "MLBFNESNNGTD";
  struct story *s = calloc(1, sizeof *s);
  must(s && portions <= LIMIT_PORTIONS && recipients <= STORY_RECIPIENTS);
  s->arena = arena_new(8 << 20);
  s->sender = wrap_sender_new(64);
  s->verifier = batch_verifier_new(8);
  chance_fill(&s->exchange, sizeof s->exchange);
  s->originator = story_node("ML");
  s->officer = story_node("ML");
  s->portion_count = portions;
  s->recipient_count = recipients;
  for (uint32_t i = 0; i < portions; i++)
    make_portion(s, i);
  make_subject(s);
  for (size_t i = 0; i < recipients; i++) {
    struct story_node *n = &s->recipients[i];
    *n = story_node(members + i % 6 * 2);
    s->drafts[i] = (struct bulletin_recipient){.identity = n->identity,
                                               .key = n->key,
                                               .portions = 1 | UINT32_C(1) << i % portions,
                                               .number = 1 + i,
                                               .previous = {{i ? (uint8_t)i : 0}}};
    memcpy(s->drafts[i].member, n->member, 2);
  }
  story_close(s);
  return s;
}

struct bulletin_draft story_draft(const struct story *s)
{
  return (struct bulletin_draft){.subject = s->subject.bytes,
                                 .approvals = &s->approval,
                                 .approval_count = 1,
                                 .charter_version = 3,
                                 .policy_serial = 12,
                                 .policy_hash = {{9, 9}},
                                 .number = 41,
                                 .originator_member = "ML",
                                 .portions = s->portions,
                                 .keys = s->keys,
                                 .portion_count = s->portion_count,
                                 .recipients = s->drafts,
                                 .recipient_count = s->recipient_count,
                                 .checkpoint = slice_str("hub.example/log\n1\nnot looked at here\n")};
}

void story_sign(struct story *s, struct slice header)
{
  struct hash other = {{1}};
  struct batch *b = batch_new();
  s->sealed.header = header;
  s->sealed.id = header_id(header);
  must(!batch_add(b, &other, NULL) && !batch_add(b, &s->sealed.id, NULL) && !batch_add(b, &other, NULL));
  must(batch_sign(b, &s->exchange, batch_sign_with_key, s->originator.secret) == TG_OK);
  s->proof = batch_proof(b, 1, s->arena);
  must(s->proof != NULL);
  batch_free(b);
}

void story_close(struct story *s)
{
  struct bulletin_draft d = story_draft(s);
  must(bulletin_seal(&d, s->sender, STORY_TIME, s->arena, &s->sealed, NULL) == TG_OK);
  story_sign(s, s->sealed.header);
}

void story_free(struct story *s)
{
  for (size_t i = 0; i < s->portion_count; i++)
    body_drop(&s->bodies[i]);
  wrap_sender_free(s->sender);
  batch_verifier_free(s->verifier);
  arena_free(s->arena);
  free(s);
}

static ProtobufCBinaryData *datas(struct story *s, const struct slice *from, size_t count)
{
  ProtobufCBinaryData *to = need(s, count * sizeof *to);
  for (size_t i = 0; i < count; i++)
    to[i] = strict_data(from[i]);
  return to;
}

static Tg__Body **bodies_of(struct story *s, uint32_t mask, size_t *ret_count)
{
  Tg__Body **list = need(s, LIMIT_PORTIONS * sizeof *list);
  size_t n = 0;
  for (uint32_t i = 0; i < s->portion_count; i++) {
    if (!(mask >> i & 1))
      continue;
    list[n] = need(s, sizeof **list);
    *list[n] = (Tg__Body)TG__BODY__INIT;
    list[n]->portion = i;
    list[n]->sealed = strict_data(buf_slice(&s->bodies[i].bytes));
    n++;
  }
  *ret_count = n;
  return list;
}

Tg__Submission *story_submission(struct story *s)
{
  Tg__Submission *m = need(s, sizeof *m);
  *m = (Tg__Submission)TG__SUBMISSION__INIT;
  m->header = strict_data(s->sealed.header);
  m->proof = s->proof;
  m->portions = datas(s, s->portions, s->portion_count);
  m->n_portions = s->portion_count;
  m->releases = datas(s, s->releases, s->portion_count);
  m->n_releases = s->portion_count;
  m->wraps = datas(s, s->sealed.wraps, s->sealed.wrap_count);
  m->n_wraps = s->sealed.wrap_count;
  m->bodies = bodies_of(s, UINT32_MAX, &m->n_bodies);
  return m;
}

static ProtobufCBinaryData path_in(struct story *s, struct merkle_tree *tree, size_t index)
{
  struct merkle_path path;
  must(tree != NULL);
  merkle_tree_path(tree, index, &path);
  merkle_tree_free(tree);
  return strict_data(path.n ? arena_copy(s->arena, merkle_path_slice(&path)) : slice_of(NULL, 0));
}

static Tg__OpenPortion *open_portion(struct story *s, size_t i)
{
  Tg__OpenPortion *m = need(s, sizeof *m);
  *m = (Tg__OpenPortion)TG__OPEN_PORTION__INIT;
  m->portion = strict_data(s->portions[i]);
  m->path = path_in(s, portion_tree(s->portions, s->portion_count), i);
  if (i != 1)
    m->release = strict_data(s->releases[i]);
  return m;
}

Tg__Delivery *story_delivery(struct story *s, size_t recipient)
{
  Tg__Delivery *m = need(s, sizeof *m);
  size_t at = 0;
  while (s->sealed.recipient_of[at] != recipient)
    at++;
  *m = (Tg__Delivery)TG__DELIVERY__INIT;
  m->queue = 77;
  m->header = strict_data(s->sealed.header);
  m->proof = s->proof;
  m->portions = need(s, LIMIT_PORTIONS * sizeof *m->portions);
  for (size_t i = 0; i < s->portion_count; i++)
    if (s->drafts[recipient].portions >> i & 1)
      m->portions[m->n_portions++] = open_portion(s, i);
  m->wrap = strict_data(s->sealed.wraps[at]);
  m->wrap_index = at;
  m->wrap_path = path_in(s, audience_tree(s->sealed.wraps, s->sealed.wrap_count), at);
  m->bodies = bodies_of(s, s->drafts[recipient].portions, &m->n_bodies);
  m->entry = strict_data(slice_str("entry"));
  m->salt = strict_data(slice_str("salt of 16 bytes"));
  return m;
}
