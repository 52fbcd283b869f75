/* The Subject: what people decide and approve (docs/protocol.md §5). */
#ifndef TOGUNA_PROTO_SUBJECT_H
#define TOGUNA_PROTO_SUBJECT_H

#include "proto/arena.h"
#include "proto/buf.h"
#include "proto/limits.h"

enum { SUITE_1 = 0x0001 };

enum precedence { PRECEDENCE_ROUTINE = 1, PRECEDENCE_PRIORITY, PRECEDENCE_IMMEDIATE, PRECEDENCE_FLASH };

enum kind {
  KIND_REPORT = 1,
  KIND_REPLY,
  KIND_CORRECTION,
  KIND_RECALL,
  KIND_QUESTION,
  KIND_RELEASE_REQUEST, /* replies_to: the bulletin that is asked for */
  KIND_RELEASE_GRANT,   /* replies_to: the request */
  KIND_RELEASE_DENIAL,
};

enum { FLAG_EXERCISE = 1, FLAG_ALL = FLAG_EXERCISE };

/* "FLASH"; "release-request"; "?" for a value outside the list. Parsed in upper or lower case (ASCII). */
const char *precedence_name(enum precedence precedence);
enum tg_err precedence_parse(struct slice s, enum precedence *ret);
const char *kind_name(enum kind kind);
enum tg_err kind_parse(struct slice s, enum kind *ret);

/* A topic is 1..8 labels joined by dots, 64 bytes at most; a label is 1..32 of a-z, 0-9 and inner hyphens.
   Wildcards belong to rules and are never part of a topic. */
bool topic_valid(struct slice s);

/* A Subject, valid on its own: see subject_parse(). */
struct subject {
  struct slice bytes; /* exactly as they came; empty in a draft */
  uint16_t suite;
  struct hash exchange;
  struct sign_pk originator;
  tg_time created, expires;
  enum precedence precedence;
  enum kind kind;
  uint32_t flags;
  size_t topic_count, source_count;
  struct slice topics[LIMIT_TOPICS];
  struct hash sources[LIMIT_SOURCES];
  struct hash supersedes, replies_to; /* all zero: none */
  struct hash portion_root;
  uint32_t portion_count;
};

/* An officer's signature under a Subject: approval_verify(). */
struct approval {
  struct sign_pk officer;
  tg_time time;
  struct sign_sig signature;
};

/* Appends the Subject bytes of a draft. TG_BAD_INPUT, TG_TOO_BIG as subject_parse(); out is then as before. */
enum tg_err subject_build(const struct subject *draft, struct buf *out, struct tg_why *why);
/* Refused besides what strict_unpack() refuses: an unknown suite (TG_UNKNOWN); created not before expires; a precedence,
   kind or flag outside the lists; an invalid topic; a topic or source twice; supersedes or replies_to missing, or
   present, against the kind (table in docs/protocol.md §5). Slices point into the arena. */
enum tg_err subject_parse(struct slice bytes, struct arena *arena, struct subject *ret, struct tg_why *why);

/* H("toguna/subject/v1" ‖ bytes). */
struct hash subject_hash(struct slice subject_bytes);

/* The bytes an officer signs, for keys that live in a token: "toguna/approval/v1" ‖ exchange ‖ subject_hash ‖ u64 time. */
enum { APPROVAL_MESSAGE = 19 + 32 + 32 + 8 };
void approval_message(const struct subject *subject, tg_time time, uint8_t out[APPROVAL_MESSAGE]);
/* With an Ed25519 secret key (64 bytes, libsodium's form). */
void approval_sign(const struct subject *subject, tg_time time, const uint8_t secret_key[64], struct approval *ret);
/* TG_OK or TG_BAD_SIGNATURE. Whether the officer may approve is the directory's to say. */
enum tg_err approval_verify(const struct subject *subject, const struct approval *approval, struct tg_why *why);

#endif
