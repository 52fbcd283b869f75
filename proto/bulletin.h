/* The whole bulletin: put together by its originator, checked by the hub (Submission) and by its recipient (Delivery).
   Here stands everything that can be checked without policy, directory, log or clock. */
#ifndef TOGUNA_PROTO_BULLETIN_H
#define TOGUNA_PROTO_BULLETIN_H

#include "proto/batch.h"
#include "proto/header.h"
#include "proto/portion.h"
#include "proto/wrap.h"
#include "proto/session.pb-c.h"

/* ---- the originator ----
   In this order: body_sealer_* and release_build, portion_build for each portion; subject_build; approvals gathered;
   bulletin_seal; batch_add(sealed.id), batch_sign, batch_proof. */

/* One recipient node of a bulletin. */
struct bulletin_recipient {
  struct sign_pk identity;
  char member[2];
  struct seal_pk key;   /* its sealing key */
  bool fallback;        /* key is expired, none was current */
  uint32_t portions;    /* mask of those it may read, not 0 */
  uint64_t number;      /* running number originator -> this node, from 1 */
  struct hash previous; /* id of the bulletin that carried the number used before; zeros: none that its originator knows of */
};

struct bulletin_draft {
  struct slice subject; /* Subject bytes, exactly as approved */
  const struct approval *approvals;
  size_t approval_count;
  uint64_t charter_version, policy_serial;
  struct hash policy_hash;
  uint64_t number;           /* running number of this node */
  char originator_member[2];
  const struct slice *portions; /* Portion bytes, in order */
  const struct body_key *keys;  /* K of each portion */
  size_t portion_count;
  const struct bulletin_recipient *recipients; /* 1..LIMIT_WRAPS, in any order */
  size_t recipient_count;
  struct slice checkpoint; /* see struct header */
};

/* All in the arena. */
struct bulletin_sealed {
  struct slice header; /* Header bytes */
  struct hash id;
  const struct header *view; /* what header_parse() would say of it; the Subject as it stands in the draft */
  size_t wrap_count;
  const struct slice *wraps;  /* Wrap bytes, in order of the tree */
  const size_t *recipient_of; /* wraps[i] is for draft->recipients[recipient_of[i]] */
};

/* Wraps the keys to every recipient and closes the header; the batch signature comes after. TG_BAD_INPUT: the Subject is
   invalid or names other portions than these, a recipient twice or without portions, a portion without recipient,
   no recipient. */
enum tg_err bulletin_seal(const struct bulletin_draft *draft, struct wrap_sender *sender, tg_time now,
                          struct arena *arena, struct bulletin_sealed *ret, struct tg_why *why);

/* ---- the hub ---- */

/* A Submission that is consistent in itself. Slices point into the message and the arena. */
struct submission {
  struct header header;
  size_t portion_count;
  const struct portion *portions;
  const struct release *releases; /* one per portion */
  size_t wrap_count;
  const struct wrap *wraps;
  const struct hash *wrap_leaves;       /* of the audience tree, one per wrap */
  uint32_t inline_bodies;               /* mask of the portions whose body came along */
  struct slice bodies[LIMIT_PORTIONS];  /* their sealed chunks, one after the other; empty for the others */
};

/* Checks: Header valid and of this exchange; signature of the originator that it names (the caller checks who that is,
   and that it is the session's); portions in order, as many as stated, under portion_root; each Release the one its
   Portion commits to; wraps strictly ascending by recipient, within the portions, every portion in at least one, as
   many as stated, under audience_root; inline bodies whole, under their body_root.
   Errors: TG_BAD_INPUT, TG_TOO_BIG, TG_UNKNOWN (suite), TG_CONFLICT (another exchange), TG_BAD_SIGNATURE, TG_BAD_PROOF. */
enum tg_err submission_check(const Tg__Submission *message, const struct hash *exchange, struct batch_verifier *verifier,
                             struct arena *arena, struct submission *ret, struct tg_why *why);

/* The same for a message whose header the caller has parsed, and whose originator's signature it has checked: all that remains, whether
   it belongs to this exchange first. The header and the message must outlive *ret. */
enum tg_err submission_check_parts(const Tg__Submission *message, const struct header *header, const struct hash *exchange,
                                   struct arena *arena, struct submission *ret, struct tg_why *why);

/* ---- the recipient ---- */

/* A Delivery that is consistent in itself. Slices point into the message and the arena. */
struct delivery {
  struct header header;
  struct wrap wrap;
  size_t portion_count;           /* of those delivered */
  const struct portion *portions; /* ascending by index; exactly the mask of the wrap */
  const struct release *releases; /* one per delivered portion; to_count 0 when the audience is blind */
  uint32_t inline_bodies;
  struct slice bodies[LIMIT_PORTIONS]; /* by portion index */
};

/* Checks: Header valid, of this exchange, signed by the originator that it names; the wrap is for `me`, under
   audience_root; the portions delivered are exactly those of the wrap, each under portion_root; each Release the one its
   Portion commits to, present unless the portion's audience is blind, absent if it is; inline bodies whole.
   The log entry (entry, salt, leaf, path) is the audit room's. Errors as submission_check(); TG_NOT_FOUND when
   the wrap is another node's. */
enum tg_err delivery_check(const Tg__Delivery *message, const struct hash *exchange, const struct sign_pk *me,
                           struct batch_verifier *verifier, struct arena *arena, struct delivery *ret,
                           struct tg_why *why);
/* The same where the caller has hashed the header: id is header_id() of it. */
enum tg_err delivery_check_known(const Tg__Delivery *message, const struct hash *id, const struct hash *exchange, const struct sign_pk *me,
                                 struct batch_verifier *verifier, struct arena *arena, struct delivery *ret, struct tg_why *why);

/* The keys K of the delivered portions, with the running number and the id before it. members: of the originator and of
   this node, as the directory has them; key: this node's sealing key that delivery->wrap.key_id names.
   Errors of wrap_open(). */
enum tg_err bulletin_open(const struct delivery *delivery, const char originator_member[2], const char my_member[2],
                          const struct seal_pk *key, const uint8_t secret_key[32], struct wrap_opener *opener,
                          struct wrap_content *ret, struct tg_why *why);

#endif
