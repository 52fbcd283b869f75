/* One entry of the audit log: what happened, to what, by whom, decided by what (docs/protocol.md §7). The
   public leaf is a salted hash of 32 bytes, the same whatever the entry says: who has no opening learns only
   that something happened. */
#ifndef TOGUNA_AUDIT_ENTRY_H
#define TOGUNA_AUDIT_ENTRY_H

#include "audit/reason.h"
#include "proto/buf.h"
#include "proto/limits.h"

enum { ENTRY_SALT = 16, ENTRY_DETAIL_MAX = 256 };

/* Numbers are for ever. */
enum entry_type {
  ENTRY_ACCEPTED = 1,
  ENTRY_REFUSED = 2,
  ENTRY_FORWARDED = 3,
  ENTRY_RECEIPTS = 4,
  ENTRY_DOCUMENT = 5,
  ENTRY_SESSION_OPENED = 6,
  ENTRY_SESSION_CUT = 7,
  ENTRY_EXPIRED = 8,
  ENTRY_RECALLED = 9,
  ENTRY_HELD = 10,
  ENTRY_CONFIGURATION = 11,
  ENTRY_ALARM = 12,
  ENTRY_DOCUMENT_REFUSED = 13,
  ENTRY_OVERDUE = 14,
};
enum { ENTRY_TYPES = 14 };

/* "accepted" .. "overdue"; "unknown" for another number. Never NULL. */
const char *entry_type_name(unsigned type);
/* An N_() sentence for people: "a bulletin was accepted". Never NULL. */
const char *entry_type_sentence(unsigned type);
enum tg_err entry_type_parse(struct slice name, enum entry_type *ret); /* TG_BAD_INPUT for another name */

/* An entry in plain values. What is absent is zero. Which parts an entry of a type must, may and must not
   have is the table in docs/protocol.md §7, and entry.c. */
struct entry {
  enum entry_type type;
  tg_time time;         /* the hub's clock */
  struct hash subject;  /* bulletin id, document hash or batch root */
  struct sign_pk actor; /* identity key of the node acting */
  char member[2];       /* the member acting: two capital letters */
  uint64_t number;      /* bulletin number, document serial, or count */
  uint64_t charter_version;
  struct hash policy_set;
  struct hash decision;
  unsigned reason;     /* enum reason, or a number that a later version gives meaning to */
  struct slice detail; /* UTF-8, for the parties */
};

/* Appends the canonical bytes to out. TG_BAD_INPUT when the entry lacks a part its type must have, has one it
   must not, or has a malformed one; why->where names it ("Entry.reason"). out is as before on failure. */
enum tg_err entry_build(const struct entry *entry, struct buf *out, struct tg_why *why);
/* Reads bytes strictly, by the same table. detail points into bytes. Allocates nothing. A reason that this
   version does not know is kept. TG_BAD_INPUT, TG_TOO_BIG. */
enum tg_err entry_parse(struct slice bytes, struct entry *ret, struct tg_why *why);

/* 16 fresh random bytes. */
void entry_salt(uint8_t out[ENTRY_SALT]);
/* H("toguna/leaf/v1" ‖ salt ‖ entry bytes): the 32 bytes that the log's tree is built over. */
struct hash entry_leaf(const uint8_t salt[ENTRY_SALT], struct slice bytes);

/* A policy in force, for entry_policy_set(). */
struct entry_policy {
  char member[2];
  struct hash hash;
};
/* H("toguna/policy-set/v1" ‖ for each, ascending by member: member ‖ hash). policies must be strictly
   ascending (asserted); n may be 0: nobody has a policy. */
struct hash entry_policy_set(const struct entry_policy *policies, size_t n);

#endif
