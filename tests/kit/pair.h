/* A hub and its nodes in one process, with an instant network between them: whole stories without a socket, and with a hub that
   can be made to cheat. The real cores run; the kit is their shells. Stores of nodes are files in a folder of their own, so that
   a node can be stopped like in a power cut and started again. */
#ifndef TOGUNA_TESTS_KIT_PAIR_H
#define TOGUNA_TESTS_KIT_PAIR_H

#include "client/local.h"
#include "client/node/node.h"
#include "proto/frame.h"
#include "tests/kit/exchange.h"
#include "tests/kit/badline.h"

struct pair;

/* A hub that knows the founding documents of the exchange, at the time it was founded plus an hour. Borrows k. */
struct pair *pair_new(struct kit *k);
/* Another hub, that the charter names so; the keys are the caller's. */
void pair_add_hub(struct pair *p, const char *name, const struct secret_key *transport, const struct secret_key *log);
/* The same, of one that is begun with all documents and this charter at once. */
void pair_add_successor(struct pair *p, const char *name, const struct secret_key *transport, const struct secret_key *log, struct slice charter);
void pair_free(struct pair *p); /* removes the files; NULL is fine */

/* ---- nodes, by member and number of its node */

/* What differs from the defaults; may be changed while the node is not running. */
struct node_config *pair_config(struct pair *p, size_t member);
void pair_start(struct pair *p, size_t member); /* its store is as it was left */
void pair_kill(struct pair *p, size_t member);  /* as a power cut */
/* Its connection to the hub; plugged in at first. */
void pair_plug(struct pair *p, size_t member, bool in);
/* The same with one hub alone: 0 is that of the kit, 1 the one that was added. */
void pair_reach(struct pair *p, size_t member, size_t hub, bool can);
struct node_core *pair_core(struct pair *p, size_t member);
bool pair_is_due(const struct pair *p, size_t member); /* it wants a turn by now */
const char *pair_database(struct pair *p, size_t member); /* path of the store */

/* ---- time and the network */

tg_time pair_now(const struct pair *p);
int64_t pair_mono(const struct pair *p);
const char *pair_endpoint(const struct pair *p, size_t member); /* where its node wants to connect, or did last */
/* So much is a node's clock, or the hub's, ahead of that from now on. */
void pair_set_clock(struct pair *p, size_t member, tg_time ahead);
void pair_set_hub_clock(struct pair *p, tg_time ahead);
/* Lets everything run until nobody has anything to say any more. */
void pair_settle(struct pair *p);
/* Time passes, in steps, and everything runs. */
void pair_pass(struct pair *p, tg_time time);
/* This node is connected by a line from now on, which is the caller's; NULL: directly. What happens on it goes by pair_run(). */
void pair_line(struct pair *p, size_t member, struct badline *line);
/* Time passes from event to event. */
void pair_run(struct pair *p, tg_time time);
/* Every frame from the hub to this node passes through here: it may be changed, or dropped (false). NULL: none. */
typedef bool pair_filter(void *context, struct buf *frame);
void pair_set_filter(struct pair *p, size_t member, pair_filter *f, void *context);
/* The same for frames from this node to the hub: what a hub that cheats would leave unread. */
void pair_set_uplink(struct pair *p, size_t member, pair_filter *f, void *context);
/* Gives a frame to a node as if the hub had sent it. */
void pair_inject(struct pair *p, size_t member, struct slice frame);
/* So many bytes are free on the hub's disk from now on. */
void pair_hub_disk(struct pair *p, uint64_t free_bytes);
/* What a hub counts under this name (hub_stats()). */
uint64_t pair_counted(struct pair *p, size_t hub, const char *name);
/* A document to the hubs, as from their operators. */
void pair_document(struct pair *p, struct slice note);
void pair_document_at(struct pair *p, size_t hub, struct slice note); /* one alone: 0 is that of the kit */

/* ---- local programs of a node */

/* One portion with this content, to these names ("BF,NE"), RESTRICTED and TLP amber, topic alert.attack; parts that are NULL or 0 have
   these defaults. */
struct pair_bulletin {
  const char *to, *topic, *title, *text;
  const char *tear_to, *tear_text; /* a second portion, at the same level, if tear_to is set */
  uint32_t level, tlp, caveats, kind, precedence;
  const struct hash *supersedes, *replies_to, *source;
  size_t size; /* instead of text: so many bytes that cannot be compressed */
  uint64_t expires;
};
/* Publishes; waits for the node's answer only. The error that the program was told, or TG_OK and the id; TG_UNREACHABLE: it said nothing. */
enum tg_err pair_publish(struct pair *p, size_t member, const struct pair_bulletin *b, struct hash *ret);
/* Sends one request and takes the first answer, which lives until the next call. */
const ProtobufCMessage *pair_ask(struct pair *p, size_t member, enum local_type type, const ProtobufCMessage *message,
                                 enum local_type *ret_type);

/* What that request has been answered since. NULL: nothing. */
const ProtobufCMessage *pair_answered(struct pair *p, size_t member, enum local_type *ret_type);

/* A program of this user comes, asks one thing, and goes; every frame that it is answered, raw, is appended to out, and the first of
   them is returned, which lives until the next call (NULL: none). The message gets its number here. */
const ProtobufCMessage *pair_program(struct pair *p, size_t member, uint32_t uid, enum local_type type,
                                     const ProtobufCMessage *message, struct buf *out, enum local_type *ret_type);
/* The same program asks for a copy of the node; time passes at this node alone until it is answered to the end. What it got is appended to out; the error
   that it was told, or TG_OK. */
enum tg_err pair_backup(struct pair *p, size_t member, uint32_t uid, Tg__LBackup *message, struct buf *out);
/* All that hooks were ordered to run with: appended. */
void pair_hooked(const struct pair *p, size_t member, struct buf *out);

/* ---- what the person who runs a node was told */

unsigned pair_told(const struct pair *p, size_t member, const char *name); /* how often, since the node's first start */
unsigned pair_alarms(const struct pair *p, size_t member);                 /* whatever they are called */
unsigned pair_evidence(const struct pair *p, size_t member);               /* files of evidence */
struct slice pair_proof(const struct pair *p, size_t member);                /* the last of them; lives until the next */

#endif
