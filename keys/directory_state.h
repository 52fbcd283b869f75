/* The inside of a directory, shared by the files that make it up: directory.c (look-ups), audience.c (release lists), intake.c
   (the way in) and take_*.c (one per group of document kinds). Nobody else includes this. */
#ifndef TOGUNA_KEYS_DIRECTORY_STATE_H
#define TOGUNA_KEYS_DIRECTORY_STATE_H

#include "keys/directory.h"
#include "keys/table.h"

enum { WITHDRAWALS_MAX = 16, CREDENTIALS_MAX = 16384 /* per member, past ones included */ };

/* Pointers in order. What they point to belongs to whoever put it there. */
struct list {
  size_t n, cap;
  void **at;
};
/* Makes room for one more, so that list_push() cannot fail. TG_NO_MEMORY. */
enum tg_err list_reserve(struct list *l);
void list_push(struct list *l, void *thing);
/* Puts thing at place i <= n, after list_reserve(). */
void list_insert(struct list *l, size_t i, void *thing);

/* One accepted document as it came. */
struct item {
  struct directory_item is; /* slices into memory */
  struct table_entry by_hash;
  struct record *record; /* credentials: whom it vouches for */
  uint8_t memory[];
};

/* A node or officer. The first member is what look-ups give out.
   Invariants: in by_identity always; in by_name and (nodes) by_transport only while newest of its name. */
struct record {
  union {
    struct node node;
    struct officer officer; /* the same fields in the same order: generic code uses node */
  };
  struct sign_pk root[2]; /* the roots that signed the credential; the second may be zeros */
  struct table_entry by_identity, by_transport, by_name;
  struct sealing_keys *sealing;
  struct item *sealing_item;
};

struct charter_record {
  struct charter *charter;
  struct hash hash;
  /* By member index: the highest version up to this one that carries the member's own signature; 0: none. */
  uint32_t last_signed[MEMBERS_MAX];
};

struct policy_record {
  uint64_t serial;
  tg_time effective;
  struct item *item;
  struct slice text; /* into the item */
};

struct grant_record {
  struct grant grant;
  struct item *item;
};

/* That something is revoked: by revoked_key(). */
struct revocation_record {
  struct table_entry by_what;
};

/* What is known of one member, whether it still is one or not. */
struct member_state {
  struct country code;
  size_t n_withdrawals;
  struct withdrawal withdrawal[WITHDRAWALS_MAX];
  size_t n_policies; /* ascending by serial */
  struct policy_record policy[DIRECTORY_POLICIES_MAX];
  struct list records; /* struct record */
  struct list grants;  /* struct grant_record, ascending by bulletin */
  size_t n_credentials, n_revocations; /* ever accepted */
};

struct directory {
  struct hash exchange;
  struct list charters; /* struct charter_record; version i + 1 at place i */
  size_t n_members;
  struct member_state *member[MEMBERS_MAX];
  int16_t index[26 * 26]; /* by code; -1: never named */
  struct table by_hash, by_identity, by_transport, by_name, revoked;
  struct list nodes, officers; /* struct record, in order of first credential */
  struct list revocations;     /* struct revocation_record */
  struct list items;           /* struct item, in order; NULL where one was dropped */
  uint64_t last_order;
};

/* A document on its way in: what checking it found, for adding it. */
struct intake {
  enum document_kind kind;
  enum directory_how how;
  tg_time now;
  struct slice bytes, proof;
  struct note note; /* not for sealing keys */
  struct directory_news news;
  struct tg_why *why;
  /* by kind */
  struct charter *charter;
  bool signed_by[MEMBERS_MAX];
  struct credential credential;
  struct sign_pk root[2];
  struct revocation revocation;
  struct withdrawal withdrawal;
  struct grant grant;
  struct sealing_keys *sealing;
};

/* Each kind: check fills the intake and changes nothing; take, after a check that said TG_OK, makes it so or returns
   TG_NO_MEMORY with nothing changed. */
enum tg_err take_charter_check(const struct directory *d, struct intake *in);
enum tg_err take_charter(struct directory *d, struct intake *in);
enum tg_err take_credential_check(const struct directory *d, struct intake *in);
enum tg_err take_credential(struct directory *d, struct intake *in);
enum tg_err take_revocation_check(const struct directory *d, struct intake *in);
enum tg_err take_revocation(struct directory *d, struct intake *in);
enum tg_err take_withdrawal_check(const struct directory *d, struct intake *in);
enum tg_err take_withdrawal(struct directory *d, struct intake *in);
enum tg_err take_policy_check(const struct directory *d, struct intake *in);
enum tg_err take_policy(struct directory *d, struct intake *in);
enum tg_err take_grant_check(const struct directory *d, struct intake *in);
enum tg_err take_grant(struct directory *d, struct intake *in);
enum tg_err take_sealing_check(const struct directory *d, struct intake *in);
enum tg_err take_sealing(struct directory *d, struct intake *in);

/* --- shared by the kinds --- */

/* The note of an intake, parsed; its text, hash and exchange line are the kind's to check. */
enum tg_err intake_note(struct intake *in);
enum tg_err intake_error(const struct intake *in, enum tg_err err, const char *what, const char *todo, const char *a,
                         const char *b);
/* Is the document's exchange ours? By the name in the newest charter. */
enum tg_err intake_exchange(const struct directory *d, const struct intake *in, const char *name);
/* The state of the member it is about. TG_NOT_FOUND when no charter ever named it. */
enum tg_err intake_member(const struct directory *d, const struct intake *in, struct country code,
                          struct member_state **ret);
/* TG_DUPLICATE when its hash is known. */
enum tg_err intake_new(const struct directory *d, const struct intake *in);
/* Has one of the member's roots (in force, or of the newest charter) signed? The one or two that did into in->root.
   TG_REVOKED: a root that was replaced has, or the member has left. TG_BAD_SIGNATURE: none. */
enum tg_err intake_root(const struct directory *d, struct intake *in, struct country code);

/* A copy of the document as an item with room reserved in d, not yet in it; NULL without memory. */
struct item *item_prepare(struct directory *d, const struct intake *in);
/* Puts a prepared item in. Cannot fail. */
void item_commit(struct directory *d, struct item *item);
/* Forgets an item. NULL is fine. */
void item_drop(struct directory *d, struct item *item);

/* In force at a time; the one with the highest version. NULL: none. */
const struct charter_record *charter_record_at(const struct directory *d, tg_time at);
const struct charter_record *charter_record_newest(const struct directory *d);
/* The charter to judge documents by at `now`: in force, else the newest. NULL before version 1. */
const struct charter_record *charter_record_judging(const struct directory *d, tg_time now);
enum standing standing_in(const struct directory *d, const struct charter_record *c, unsigned member, tg_time at);
/* Which members of c have withdrawn at `at`, parallel to its members. */
void charter_left(const struct directory *d, const struct charter_record *c, tg_time at, bool *ret_left);
/* Not revoked, its member stands at `at`, and its root is that of the charter in force then? TG_OK or TG_REVOKED. */
enum tg_err record_standing(const struct directory *d, const struct record *r, tg_time at, struct tg_why *why);
/* Is `at` within its dates? TG_OK or TG_EXPIRED. */
enum tg_err record_dates(const struct record *r, tg_time at, struct tg_why *why);
/* Both. */
enum tg_err record_good(const struct directory *d, const struct record *r, tg_time at, struct tg_why *why);
/* The keys of look-up tables that are not keys already. */
struct hash name_key(const struct holder *h);
struct hash revoked_key(struct country member, const struct hash *credential, const struct sign_pk *key);

#endif
