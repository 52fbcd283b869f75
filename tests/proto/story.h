/* A whole bulletin with everybody it concerns, for tests: sealed once, then told to hub and recipients. */
#ifndef TOGUNA_TESTS_PROTO_STORY_H
#define TOGUNA_TESTS_PROTO_STORY_H

#include "proto/bulletin.h"
#include "proto/hpke.h"
#include "proto/receipt.h"
#include "tests/proto/bodies.h"

enum { STORY_RECIPIENTS = 40, STORY_NOW = 1796083200 };
#define STORY_TIME ((tg_time)STORY_NOW * 1000) /* 2026-12-01T00:00:00Z */

struct story_node {
  struct sign_pk identity;
  uint8_t secret[64]; /* of the identity */
  struct seal_pk key;
  uint8_t key_secret[32];
  char member[2];
};

/* Everything that was made; free to be changed before story_close(). */
struct story {
  struct arena *arena;
  struct hash exchange;
  struct story_node originator, officer, recipients[STORY_RECIPIENTS];
  size_t recipient_count, portion_count;
  const char *contents[LIMIT_PORTIONS];
  struct sealed_body bodies[LIMIT_PORTIONS];
  struct slice portions[LIMIT_PORTIONS], releases[LIMIT_PORTIONS];
  struct body_key keys[LIMIT_PORTIONS];
  struct subject subject; /* bytes are set */
  struct approval approval;
  struct bulletin_recipient drafts[STORY_RECIPIENTS];
  struct wrap_sender *sender;
  struct batch_verifier *verifier;
  struct bulletin_sealed sealed;
  Tg__BatchProof *proof; /* the bulletin is the second of three statements */
};

/* Portions 0..n-1; portion 1, if any, has a blind audience. Recipient i reads portion 0 and portion i % n. */
struct story *story_new(size_t portions, size_t recipients);
/* Draft of what story_new() sealed. */
struct bulletin_draft story_draft(const struct story *s);
/* Seals the draft as it stands in s and signs the batch. */
void story_close(struct story *s);
/* Signs these Header bytes instead of the sealed ones: s->sealed.header, id and proof follow. */
void story_sign(struct story *s, struct slice header);
void story_free(struct story *s);

struct story_node story_node(const char *member);

/* As they would travel; all bodies inline. In the story's arena. */
Tg__Submission *story_submission(struct story *s);
Tg__Delivery *story_delivery(struct story *s, size_t recipient);
struct slice story_copy(struct story *s, const struct buf *b);

#endif
