/* A node without a hub, and programs that talk with it: what they send goes into the pure core, what it
   answers is kept in order. ML is the node; the other members' sealing keys are known, so that bulletins can
   be sealed to them. */
#ifndef TOGUNA_TESTS_CLIENT_NODE_DESK_RIG_H
#define TOGUNA_TESTS_CLIENT_NODE_DESK_RIG_H

#include "client/local.h"
#include "client/node/node.h"
#include "tests/kit/exchange.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

enum { OWNER = 1000, READER = 1001, PUBLISHER = 1002, NOBODY = 1003, OFFICER = 1004, APPROVER = 1005, SECOND_PUBLISHER = 1006, RIG_ANSWERS = 4096 };

struct answer {
  uint64_t client;
  enum local_type type;
  ProtobufCMessage *message;
};

struct rig {
  struct kit *kit;
  struct node_config config;
  struct node_secrets secrets;
  struct node_core *core;
  struct node_now now;
  int64_t wake; /* what wake_at said last, since it came */
  struct arena *arena;
  struct answer answer[RIG_ANSWERS];
  size_t n_answers, read; /* answers before `read` were looked at */
  uint64_t closed;        /* the last client that was closed */
  size_t waiting;         /* what to_client answers: bytes that wait for a slow program */
  size_t sent_bytes;
  uint64_t hook_order; /* the last order to run a hook, and its JSON */
  char hook_json[4096];
  size_t hook_orders;
  char told[64]; /* the last event that was told */
};

struct rig *rig_new(void);
void rig_free(struct rig *r);
/* Starts the core again from the same store, as after a crash. */
void rig_restart(struct rig *r);
void rig_turn(struct rig *r);
void rig_later(struct rig *r, int64_t ms);

/* A program of this user joins and says hello; then LWelcome is expected unless it may not. */
void rig_join(struct rig *r, uint64_t client, uint32_t uid);
/* Sends a message in a turn of its own. */
void rig_send(struct rig *r, uint64_t client, enum local_type type, const ProtobufCMessage *message);
void rig_bytes(struct rig *r, uint64_t client, const void *bytes, size_t n);
/* The next answer, which must be of this type, to this client and request. */
const void *rig_expect(struct rig *r, uint64_t client, enum local_type type, uint64_t request);
/* The next answer must be an LError. */
void rig_expect_error(struct rig *r, uint64_t client, uint64_t request, enum tg_err err);
void rig_expect_silence(struct rig *r);

/* Publishes a text to BF from a program that joined; its id, or the draft's when it waits for approvals. */
struct hash rig_publish(struct rig *r, uint64_t client, uint64_t request, const char *topic,
                        const char *text);

#endif
